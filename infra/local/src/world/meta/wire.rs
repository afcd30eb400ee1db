//! How Meta writes: answers, errors, ids, and webhooks with their signature.

use std::collections::HashMap;
use std::fmt::Write as _;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use usher_carriers::signature::meta::{HEADER, appsecret_proof, sign, sign_request};
use usher_carriers::urlencoded::encode;

use super::{Api, TOKEN};
use crate::world::{APP_SECRET, World};

/// Who is calling.
pub(super) struct Caller {
    /// The account that the token speaks for.
    pub(super) account: String,
    /// Who granted it.
    pub(super) granted_by: String,
}

/// A text as an id: hexadecimal, the same for the same text.
pub(crate) fn seeded(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    hex::encode(digest.as_ref().get(..16).unwrap_or_default())
}

/// An answer, with how much of what is allowed was used.
pub(super) fn answer(body: &Value) -> Response {
    let headers = [
        ("content-type", "application/json; charset=UTF-8"),
        (
            "x-app-usage",
            r#"{"call_count":1,"total_cputime":1,"total_time":1}"#,
        ),
    ];
    (headers, body.to_string()).into_response()
}

/// An error as the Graph API writes them.
pub(super) fn error(status: StatusCode, code: i64, subcode: Option<i64>, message: &str) -> Response {
    let mut error = json!({
        "message": format!("(#{code}) {message}"),
        "type": "OAuthException",
        "code": code,
        "fbtrace_id": crate::ids::random_hex(8),
    });
    if let (Some(subcode), Some(fields)) = (subcode, error.as_object_mut()) {
        fields.insert("error_subcode".to_owned(), subcode.into());
    }
    let headers = [(header::CONTENT_TYPE, "application/json; charset=UTF-8")];
    (status, headers, json!({"error": error}).to_string()).into_response()
}

/// What is wrong with the request itself.
pub(super) fn bad(message: &str) -> Response {
    error(StatusCode::BAD_REQUEST, 100, None, message)
}

/// Who a token speaks for; `None` if it is none of this platform's.
pub(super) fn read_token(token: &str) -> Option<Caller> {
    let mut parts = token.split('.');
    if parts.next() != Some(TOKEN) {
        return None;
    }
    Some(Caller {
        account: parts.next()?.to_owned(),
        granted_by: parts.next()?.to_owned(),
    })
}

/// Lets in who brings a token that is good, with the proof that goes with it.
#[expect(clippy::result_large_err, reason = "the error is the response itself")]
pub(super) fn admit(
    world: &World,
    api: Api,
    headers: &HeaderMap,
    query: &HashMap<String, String>,
) -> Result<Caller, Response> {
    let header = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer "));
    let token = token.or_else(|| query.get("access_token").map(String::as_str));
    let dead = |subcode| {
        let message = "Error validating access token";
        error(StatusCode::UNAUTHORIZED, 190, Some(subcode), message)
    };
    let Some((token, caller)) = token.and_then(|token| Some((token, read_token(token)?))) else {
        return Err(dead(467));
    };
    if world.meta.with(|kept| kept.revoked.contains(&caller.granted_by)) {
        return Err(dead(458));
    }
    let proof = appsecret_proof(APP_SECRET, token);
    if api == Api::Graph && query.get("appsecret_proof") != Some(&proof) {
        return Err(bad("Invalid appsecret_proof provided in the API argument"));
    }
    Ok(caller)
}

/// What the product's webhook said to an update.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// Its status.
    pub(crate) status: u16,
    /// Its body.
    pub(crate) body: String,
}

/// Posts an update as Meta does.
///
/// # Errors
/// What went wrong on the way.
pub(crate) async fn post_signed(base_url: &str, update: &Value) -> Result<Said, String> {
    let body = written(update);
    let answer = crate::client::loopback()
        .post(format!("{base_url}/hooks/meta"))
        .header(HEADER, sign(APP_SECRET, body.as_bytes()))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, "facebookexternalua")
        .body(body)
        .send()
        .await
        .map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    let body = answer.text().await.map_err(|error| error.to_string())?;
    Ok(Said { status, body })
}

/// Posts what Meta tells when a person takes the app off or wants their data deleted: a form with a `signed_request`.
///
/// # Errors
/// What went wrong on the way.
pub(crate) async fn post_request(base_url: &str, path: &str, payload: &Value) -> Result<Said, String> {
    let request = sign_request(APP_SECRET, payload);
    let answer = crate::client::loopback()
        .post(format!("{base_url}{path}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(encode([("signed_request", request.as_str())]))
        .send()
        .await
        .map_err(|error| error.to_string())?;
    let status = answer.status().as_u16();
    let body = answer.text().await.map_err(|error| error.to_string())?;
    Ok(Said { status, body })
}

/// JSON as Meta writes it: in ASCII, and with slashes escaped. Signatures are made over these bytes.
fn written(update: &Value) -> String {
    let mut text = String::new();
    for c in update.to_string().chars() {
        match c {
            '/' => text.push_str("\\/"),
            c if c.is_ascii() => text.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a text does not fail.
                    let _written = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_are_written_in_ascii_with_slashes_escaped() {
        let update = json!({"t": "é/😀"});
        assert_eq!(written(&update), r#"{"t":"\u00e9\/\ud83d\ude00"}"#);
        assert_eq!(
            serde_json::from_str::<Value>(&written(&update)).ok(),
            Some(update)
        );
    }

    #[test]
    fn a_token_says_for_which_account_and_by_whom_it_was_granted() {
        let caller = read_token(&super::super::token("102", "77"));
        let caller = caller.map(|caller| (caller.account, caller.granted_by));
        assert_eq!(caller, Some(("102".to_owned(), "77".to_owned())));
        assert!(read_token("EAAB.102.77").is_none() && read_token("EAAL.102").is_none());
    }
}
