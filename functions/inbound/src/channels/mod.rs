//! The channels, one file each.

pub mod meta;
pub mod twilio;
pub mod web_chat;
