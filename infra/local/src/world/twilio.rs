//! Twilio's REST API, as far as the product speaks to it.

use std::sync::Arc;

use axum::Router;

use super::World;

/// What it remembers.
#[derive(Debug, Default)]
pub(crate) struct Twilio {}

/// Its routes.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
}
