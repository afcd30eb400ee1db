//! The `OpenAPI` document: the route that serves it, and what all operations have in common.

use axum::http::header;
use axum::response::IntoResponse;
pub(crate) use usher_aws::http::document::{
    IdempotencyHeader, Invalid, NotFound, NotMade, Refused, TooLarge, base, finish,
};
pub(crate) use usher_aws::http::gone;

/// The document of the whole API: of this function and of the others behind the same address. Made from the
/// code of all of them; a test compares.
const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

/// Describes this API
///
/// The `OpenAPI` document of the API. Needs no API key and no scope.
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    tag = "service",
    security(()),
    responses((status = 200, description = "The document.", body = Object, content_type = "application/json"))
)]
pub(crate) async fn read_document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}
