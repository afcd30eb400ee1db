//! The channels, one file each.

mod cors;
pub mod form;
pub mod meta;
pub mod resend;
pub mod twilio;
pub mod web_chat;
