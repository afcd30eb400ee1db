//! The played Meta platform: what a channel on this machine is connected with, and what signs its webhooks.

pub use crate::world::meta::token;
pub use crate::world::{APP_SECRET, VERIFY_TOKEN};
