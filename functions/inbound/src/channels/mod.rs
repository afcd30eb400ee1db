//! The channels, one file each.

pub mod web_chat;
