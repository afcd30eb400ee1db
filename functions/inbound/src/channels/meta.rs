//! Meta: Messenger, Instagram and WhatsApp, of all tenants, at one address. Requests are believed by their signature
//! alone, which is made over the bytes that arrived.

mod batch;

use axum::body::to_bytes;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Router, response::Result};
use usher_aws::http::{App, Problem};
use usher_aws::telemetry::{self, Unit};
use usher_carriers::meta::{BadBody, LARGEST_BODY, parse};
use usher_carriers::signature::meta as signature;

/// The routes of Meta's webhooks.
pub fn routes() -> Router<App> {
    Router::new().route("/hooks/meta", get(handshake).post(updates))
}

/// `GET /hooks/meta`: whether this webhook is ours. Asks no database.
async fn handshake(State(app): State<App>, RawQuery(query): RawQuery) -> Result<impl IntoResponse, Problem> {
    let token = app.platform.settings().meta_verify_token();
    let challenge = signature::handshake(token.as_deref(), query.as_deref().unwrap_or_default());
    // What was asked is said back: never as anything that a browser would run.
    let plain = [
        (header::CONTENT_TYPE, "text/plain"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
    ];
    challenge
        .map(|challenge| (plain, challenge))
        .ok_or_else(Problem::verify_token_refused)
}

/// `POST /hooks/meta`: updates of any number of channels. Answered with 200 once all of them are stored; with 5xx if one
/// is not, so that all of them come again, which harms nothing.
async fn updates(State(app): State<App>, request: Request) -> Result<StatusCode, Problem> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST_BODY)
        .await
        .map_err(|_| Problem::too_large(LARGEST_BODY))?;
    let secrets = app.platform.settings().meta_app_secrets();
    let signed = parts.headers.get(signature::HEADER);
    let signed = signed.and_then(|value| value.to_str().ok());
    if !signature::is_signed(&secrets, signed, &body) {
        // Somebody else, or a secret that was changed: counted, and an alarm looks at the count.
        tracing::warn!(signed = signed.is_some(), "webhook refused");
        telemetry::emit("inbound", &[("signatures_refused", 1.0, Unit::Count)]);
        return Err(Problem::signature_invalid());
    }
    let events = parse(&body).map_err(|error| match error {
        BadBody::TooLarge => Problem::too_large(LARGEST_BODY),
        BadBody::TooDeep => Problem::malformed("The body is nested too deep."),
        BadBody::NotJson => Problem::malformed("The body is not JSON in UTF-8."),
        BadBody::NotAnEnvelope => Problem::malformed("The body is no object with a list of entries."),
    })?;
    batch::take(&app.platform, events).await
}
