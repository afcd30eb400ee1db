//! Meta's schemes: the signature of webhooks, `signed_request`, the proof that goes with calls, and the question whether
//! a webhook is ours.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use serde_json::Value;

/// Name of the header with the signature, in lower case. Its older sibling with SHA-1 is not looked at.
pub const HEADER: &str = "x-hub-signature-256";

const PREFIX: &str = "sha256=";
const MAC_LENGTH: usize = 32;
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
    /// When it ends, in seconds since the Unix epoch; looking at it is up to the caller, who has the clock.
    pub expires: Option<i64>,
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedRequest(..)")
    }
}

/// Opens a `signed_request`, the form field's decoded value. None if no app of ours signed it, or it is no such thing.
pub fn signed_request(secrets: &[String], text: &str) -> Option<SignedRequest> {
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
        Value::String(id) if !id.is_empty() => id.clone(),
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
