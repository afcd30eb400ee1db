//! The channels, one file each.

pub mod twilio;
pub mod web_chat;
