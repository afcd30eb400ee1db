//! SES (version 2 of its API) and Resend, as far as the product speaks to them.

use std::sync::Arc;

use axum::Router;

use super::World;

/// What it remembers.
#[derive(Debug, Default)]
pub(crate) struct Mail {}

/// Its routes.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
}
