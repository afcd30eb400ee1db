//! Channels as a resource: connecting with credentials that were checked, pausing, disconnecting at once, and looking
//! after them on a schedule.

mod request;
mod routes;
mod view;
mod words;

pub use crate::routes::{openapi, router};
