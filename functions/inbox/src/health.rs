//! Whether the function runs.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// The answer of a function that runs.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthView {
    /// Always `health`.
    #[schema(example = "health")]
    object: &'static str,
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Says that the API is up
///
/// Looks at nothing behind the API. Needs no API key and no scope.
#[utoipa::path(
    get,
    path = "/health",
    tag = "service",
    security(()),
    responses((status = 200, description = "It is up.", body = HealthView))
)]
pub(crate) async fn read_health() -> Json<HealthView> {
    Json(HealthView {
        object: "health",
        status: "ok",
    })
}
