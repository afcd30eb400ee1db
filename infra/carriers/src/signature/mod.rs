//! Whether the carrier said it: signatures over what came in.

pub mod svix;
pub mod twilio;
