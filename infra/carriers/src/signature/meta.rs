//! Meta's schemes: the signature of webhooks, `signed_request`, the proof that goes with calls, and the question whether
//! a webhook is ours.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use serde_json::Value;
use usher_shared::Timestamp;

/// Name of the header with the signature, in lower case. Its older sibling with SHA-1 is not looked at.
pub const HEADER: &str = "x-hub-signature-256";

const PREFIX: &str = "sha256=";
const MAC_LENGTH: usize = 32;
/// Bytes of a `signed_request` that are looked at. What Meta sends has some two hundred.
pub const LONGEST_SIGNED_REQUEST: usize = 4 * 1024;
/// Characters of the id of a person.
const LONGEST_ID: usize = 128;
/// How long after it was made a `signed_request` is taken: Meta tells again for a week at most.
const OLDEST: Duration = Duration::from_hours(7 * 24);
/// How far Meta's clock may be ahead of ours.
const AHEAD: Duration = Duration::from_mins(5);
/// Encoders differ in whether they pad, and the MAC is over the text with or without.
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether one of the apps signed this body. `header` is the value of [`HEADER`].
pub fn is_signed(secrets: &[String], header: Option<&str>, body: &[u8]) -> bool {
    let Some(hex) = header.and_then(|value| value.strip_prefix(PREFIX)) else {
        return false;
    };
    let mut mac = [0; MAC_LENGTH];
    hex::decode_to_slice(hex, &mut mac).is_ok() && is_mac(secrets, body, &mac)
}

/// What [`HEADER`] says of a body that the app with this secret sends. For those who play the platform.
pub fn sign(secret: &str, body: &[u8]) -> String {
    format!("{PREFIX}{}", hmac_hex(secret, body))
}

/// What a `signed_request` says. Whose id it is: the app-scoped one, which no message carries.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// App-scoped id of the person.
    pub user_id: String,
    /// When it was made, in seconds since the Unix epoch.
    pub issued_at: Option<i64>,
    /// When it ends, in seconds since the Unix epoch.
    pub expires: Option<i64>,
}

impl SignedRequest {
    /// Whether it is to be acted on now. One that does not say when it was made could be shown for ever, by whoever
    /// once saw it.
    pub fn is_current(&self, now: Timestamp) -> bool {
        let at = |seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1_000));
        let made_lately = self
            .issued_at
            .map(at)
            .is_some_and(|made| made <= now.plus(AHEAD) && now.since(made) <= OLDEST);
        // Zero means no end.
        let ends = self.expires.filter(|seconds| *seconds != 0).map(at);
        made_lately && ends.is_none_or(|end| now < end)
    }
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedRequest(..)")
    }
}

/// Opens a `signed_request`, the form field's decoded value. None if no app of ours signed it, or it is no such thing.
pub fn signed_request(secrets: &[String], text: &str) -> Option<SignedRequest> {
    if text.len() > LONGEST_SIGNED_REQUEST {
        return None;
    }
    let (signature, payload) = text.split_once('.')?;
    let mac = BASE64_URL.decode(signature).ok()?;
    // Over the text as it came: decoding and encoding again may pad it otherwise.
    if !is_mac(secrets, payload.as_bytes(), &mac) {
        return None;
    }
    let payload: Value = serde_json::from_slice(&BASE64_URL.decode(payload).ok()?).ok()?;
    let algorithm = payload.get("algorithm").and_then(Value::as_str)?;
    if !algorithm.eq_ignore_ascii_case("HMAC-SHA256") {
        return None;
    }
    let user_id = match payload.get("user_id")? {
        Value::String(id) if is_id(id) => id.clone(),
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    let seconds = |name| payload.get(name).and_then(Value::as_i64);
    Some(SignedRequest {
        user_id,
        issued_at: seconds("issued_at"),
        expires: seconds("expires"),
    })
}

/// A `signed_request` that the app with this secret makes. For those who play the platform.
pub fn sign_request(secret: &str, payload: &Value) -> String {
    let payload = URL_SAFE_NO_PAD.encode(payload.to_string());
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mac = URL_SAFE_NO_PAD.encode(hmac::sign(&key, payload.as_bytes()));
    format!("{mac}.{payload}")
}

/// Ids are opaque, but go into addresses of calls.
fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(plain)
}

/// The proof that a call comes from the app's own server: goes as the parameter `appsecret_proof`.
pub fn appsecret_proof(secret: &str, token: &str) -> String {
    hmac_hex(secret, token.as_bytes())
}

/// Answers the question whether a webhook is ours: the challenge, to be the whole body of a 200, or nothing, for a 403.
/// `query` is the query as it came, still encoded; `verify_token` what was agreed on, nothing if it was not set.
pub fn handshake(verify_token: Option<&str>, query: &str) -> Option<String> {
    let (mut mode, mut token, mut challenge) = (None, None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "hub.mode" => mode = Some(value),
            "hub.verify_token" => token = Some(value),
            "hub.challenge" => challenge = Some(value),
            _ => {}
        }
    }
    let expected = verify_token.filter(|token| !token.is_empty())?;
    let agreed = verify_slices_are_equal(expected.as_bytes(), token?.as_bytes()).is_ok();
    (agreed && mode? == "subscribe").then_some(challenge?.into_owned())
}

/// Tries every secret, whichever fits: how long it takes does not tell which one did.
fn is_mac(secrets: &[String], message: &[u8], mac: &[u8]) -> bool {
    let known = secrets.iter().filter(|secret| !secret.is_empty());
    known.fold(false, |found, secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        hmac::verify(&key, message, mac).is_ok() | found
    })
}

fn hmac_hex(secret: &str, message: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex::encode(hmac::sign(&key, message))
}

#[cfg(test)]
mod tests;
