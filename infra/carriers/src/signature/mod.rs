//! Who signed a webhook: one file per scheme. Signatures are made over the bytes that arrived, before anything is
//! parsed, and compared in constant time. A secret that is empty signs nothing.

pub mod meta;
pub mod svix;
pub mod twilio;
