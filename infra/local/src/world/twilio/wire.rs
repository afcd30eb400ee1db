//! How Twilio writes: answers, errors, ids, and webhooks with their signature.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use usher_carriers::signature::twilio::sign;
use usher_carriers::urlencoded::{Fields, encode};

use super::World;

/// An id of a kind: two letters and 32 hexadecimal digits. Under a seed it is the same each time.
pub(crate) fn sid(kind: &str, seed: Option<&str>) -> String {
    let digits = seed.map_or_else(
        || crate::ids::random_hex(16),
        |seed| {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, seed.as_bytes());
            hex::encode(digest.as_ref().get(..16).unwrap_or_default())
        },
    );
    format!("{kind}{digits}")
}

/// A JSON answer.
pub(super) fn json_answer(status: StatusCode, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, body.to_string()).into_response()
}

/// An error as Twilio writes them.
pub(super) fn error(status: StatusCode, code: u32, message: &str) -> Response {
    let body = json!({
        "code": code,
        "message": message,
        "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
        "status": status.as_u16(),
    });
    json_answer(status, &body)
}

/// Lets the account's owner in.
#[expect(clippy::result_large_err, reason = "the error is the response itself")]
pub(super) fn admit(world: &World, account: &str, headers: &HeaderMap) -> Result<(), Response> {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
        .and_then(|pair| STANDARD.decode(pair).ok())
        .and_then(|pair| String::from_utf8(pair).ok());
    let pair = given.as_deref().and_then(|pair| pair.split_once(':'));
    if pair.is_some_and(|(user, secret)| world.twilio.is_owner(account, user, secret)) {
        return Ok(());
    }
    Err(error(StatusCode::UNAUTHORIZED, 20_003, "Authenticate"))
}

/// Fields as a form, in their order.
fn form(fields: &[(&str, &str)]) -> (String, Fields) {
    let fields = fields.iter().copied();
    let signed = fields
        .clone()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    (encode(fields), signed)
}

/// Posts a webhook as Twilio does for the account with this token. Gives the status and the body of the answer.
///
/// # Errors
/// What went wrong on the way.
pub(crate) async fn post_signed(
    token: &str,
    url: &str,
    fields: &[(&str, &str)],
) -> Result<(u16, String), String> {
    let (body, signed) = form(fields);
    let answer = crate::client::loopback()
        .post(url)
        .header("x-twilio-signature", sign(token, url, &signed))
        .header(
            header::CONTENT_TYPE,
            "application/x-www-form-urlencoded; charset=UTF-8",
        )
        .header("i-twilio-idempotency-token", crate::ids::random_uuid())
        .body(body)
        .send()
        .await
        .map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    let text = answer.text().await.map_err(|error| error.to_string())?;
    Ok((status, text))
}
