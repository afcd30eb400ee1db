//! The account at the played Twilio: what a channel on this machine is connected with, and what signs its webhooks.

pub use crate::world::twilio::{ACCOUNT, API_KEY, API_KEY_SECRET, AUTH_TOKEN};
