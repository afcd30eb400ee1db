//! The channels, one file each.

pub mod resend;
pub mod web_chat;
