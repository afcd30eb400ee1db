//! The played Meta platform: what a channel on this machine is connected with, and what signs its webhooks.

pub use crate::world::meta::{app_scoped, token};
pub use crate::world::{APP_ID, APP_SECRET, VERIFY_TOKEN};
