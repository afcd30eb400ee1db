//! What the operations of all functions have in common in the `OpenAPI` document of the API. Each function
//! describes its own; `docs/openapi.json` is all of them together.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, RefOr};
use utoipa::{IntoParams, IntoResponses, ToSchema};

use super::problem::{FieldError, ProblemBody};

/// Name of the security scheme in the document.
const API_KEY: &str = "api_key";

/// What every operation with an API key may be refused with.
#[derive(Debug, IntoResponses)]
pub enum Refused {
    /// No valid API key.
    #[response(status = 401, content_type = "application/problem+json", example = json!({
        "code": "invalid_api_key", "title": "Unauthorized", "status": 401,
        "detail": "A valid API key is needed as bearer token.",
        "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
    }))]
    Unauthorized(ProblemBody),
    /// The API key lacks the scope that the operation needs; `detail` names it.
    #[response(status = 403, content_type = "application/problem+json", example = json!({
        "code": "missing_scope", "title": "Forbidden", "status": 403,
        "detail": "The API key lacks the scope conversations:read.",
        "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
    }))]
    Forbidden(ProblemBody),
    /// The API key asks too often. Try again after `Retry-After` seconds.
    #[response(status = 429, content_type = "application/problem+json", example = json!({
        "code": "rate_limited", "title": "Too Many Requests", "status": 429,
        "detail": "Too many requests. Try again after the time in Retry-After.",
        "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
    }))]
    TooMany(ProblemBody),
    /// An error of ours; its details are in our log under `request_id`.
    #[response(status = 500, content_type = "application/problem+json", example = json!({
        "code": "internal_error", "title": "Internal Server Error", "status": 500,
        "detail": "Something failed on our side.",
        "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
    }))]
    Internal(ProblemBody),
    /// Something behind the API did not answer in time. Try again after `Retry-After` seconds.
    #[response(status = 503, content_type = "application/problem+json", example = json!({
        "code": "unavailable", "title": "Service Unavailable", "status": 503,
        "detail": "The service did not answer in time. Nothing is lost by trying again.",
        "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
    }))]
    Unavailable(ProblemBody),
}

/// There is no such resource, or it belongs to somebody else.
#[derive(IntoResponses)]
#[response(status = 404, content_type = "application/problem+json", example = json!({
    "code": "not_found", "title": "Not Found", "status": 404, "detail": "There is no such resource.",
    "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
}))]
#[derive(Debug)]
pub struct NotFound(pub ProblemBody);

/// Some parameters or fields were refused; `errors` says which and why.
#[derive(IntoResponses)]
#[response(status = 422, content_type = "application/problem+json", example = json!({
    "code": "invalid_request", "title": "Unprocessable Entity", "status": 422,
    "detail": "Some fields were refused.", "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra",
    "errors": [{"field": "limit", "message": "must be from 1 to 100"}]
}))]
#[derive(Debug)]
pub struct Invalid(pub ProblemBody);

/// The body has too many bytes.
#[derive(IntoResponses)]
#[response(status = 413, content_type = "application/problem+json", example = json!({
    "code": "body_too_large", "title": "Payload Too Large", "status": 413,
    "detail": "The body may have at most 65536 bytes.",
    "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
}))]
#[derive(Debug)]
pub struct TooLarge(pub ProblemBody);

/// What every operation that makes something may be refused with beside that.
#[derive(Debug, IntoResponses)]
pub enum NotMade {
    /// A request with this idempotency key is still running, or what the operation needs is not so; see `code`.
    #[response(status = 409, content_type = "application/problem+json", example = json!({
        "code": "request_in_flight", "title": "Conflict", "status": 409,
        "detail": "A request with this idempotency key is still running.",
        "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
    }))]
    Conflict(ProblemBody),
    /// What this idempotency key made has been deleted since.
    #[response(status = 410, content_type = "application/problem+json", example = json!({
        "code": "resource_gone", "title": "Gone", "status": 410,
        "detail": "What this idempotency key made has been deleted since.",
        "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
    }))]
    Gone(ProblemBody),
    /// The body has too many bytes.
    #[response(status = 413, content_type = "application/problem+json", example = json!({
        "code": "body_too_large", "title": "Payload Too Large", "status": 413,
        "detail": "The body may have at most 65536 bytes.",
        "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
    }))]
    TooLarge(ProblemBody),
    /// Some fields were refused, or the idempotency key was used with another body; see `code`.
    #[response(status = 422, content_type = "application/problem+json", example = json!({
        "code": "invalid_request", "title": "Unprocessable Entity", "status": 422,
        "detail": "Some fields were refused.", "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra",
        "errors": [{"field": "text", "message": "is required"}]
    }))]
    Invalid(ProblemBody),
}

/// The header of every operation that makes something.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyHeader {
    /// Names the request for 24 hours: repeated with the same body it makes nothing new and gets the same
    /// resource.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        example = "7c1f0e52-order-4711"
    )]
    pub idempotency_key: Option<String>,
}

/// The document without its operations.
pub fn base() -> OpenApi {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("usk_…")
        .description(Some(
            "An API key. What it may do is listed as scopes, `resource:action`.",
        ))
        .build();
    let components = ComponentsBuilder::new()
        .security_scheme(API_KEY, SecurityScheme::Http(bearer))
        .schema(
            ProblemBody::name(),
            <ProblemBody as utoipa::PartialSchema>::schema(),
        )
        .schema(
            FieldError::name(),
            <FieldError as utoipa::PartialSchema>::schema(),
        )
        .build();
    let info = InfoBuilder::new()
        .title("Usher")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Conversations, leads, channels and documents of one tenant.",
        ))
        .build();
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .security(Some([SecurityRequirement::new(API_KEY, Vec::<String>::new())]))
        .build()
}

/// Adds what every answer carries.
pub fn finish(mut document: OpenApi) -> OpenApi {
    for response in document
        .paths
        .paths
        .values_mut()
        .flat_map(operations)
        .flat_map(|operation| operation.responses.responses.values_mut())
    {
        if let RefOr::T(response) = response {
            let header = HeaderBuilder::new()
                .schema(Some(utoipa::openapi::Object::with_type(
                    utoipa::openapi::Type::String,
                )))
                .description(Some("Id of the request, for support."))
                .build();
            response.headers.insert("X-Request-Id".to_owned(), header.into());
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .filter_map(Option::as_mut)
}
