//! Standard Webhooks, which Svix signs by as well: Resend's webhooks, and the ones that we send.
//!
//! Signed is `{id}.{timestamp}.{body}`, with HMAC-SHA256 under the bytes that the secret's base64 stands for. A request
//! carries its three headers as `svix-*` or as `webhook-*`, and may carry several signatures while a secret is changed.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// How far a request's time may be from now, in seconds, either way.
const TOLERANCE: i64 = 300;
/// Signatures that are looked at. A change of secret needs two.
const MOST_SIGNATURES: usize = 16;
/// Headers longer than this are no signature.
const LONGEST_HEADER: usize = 4_096;
const PREFIX: &str = "whsec_";

/// Secrets travel with their padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a request is not believed. For the log and the counter; whoever sent it is told nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// One of the three headers is missing, or they are not of one family.
    #[error("a signature header is missing")]
    Missing,
    /// The timestamp is no number.
    #[error("the timestamp is not a number")]
    Timestamp,
    /// The request is too old, or from the future.
    #[error("the request is not of now")]
    NotOfNow,
    /// No secret is usable.
    #[error("there is no usable secret")]
    Secret,
    /// No signature is right.
    #[error("no signature is right")]
    Wrong,
}

/// The id of a verified request: the same when the request is repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verified<'a> {
    /// The id.
    pub id: &'a str,
}

/// Verifies a request's body, exactly as it came, under any of `secrets`. `header` gives a header's value by its name in
/// lower case; `now` is in seconds since the Unix epoch.
///
/// # Errors
/// [`Refused`], if it is not to be believed.
pub fn verify<'a, S: AsRef<str>>(
    secrets: &[S],
    header: impl Fn(&str) -> Option<&'a str>,
    body: &[u8],
    now: i64,
) -> Result<Verified<'a>, Refused> {
    let family = |family: &str| {
        let named = |name: &str| {
            header(&format!("{family}-{name}"))
                .filter(|value| !value.is_empty() && value.len() <= LONGEST_HEADER)
        };
        Some((named("id")?, named("timestamp")?, named("signature")?))
    };
    let (id, timestamp, signatures) = family("svix")
        .or_else(|| family("webhook"))
        .ok_or(Refused::Missing)?;
    let at: i64 = timestamp.parse().map_err(|_| Refused::Timestamp)?;
    if now.abs_diff(at) > TOLERANCE.unsigned_abs() {
        return Err(Refused::NotOfNow);
    }
    let keys: Vec<hmac::Key> = secrets.iter().filter_map(|secret| key(secret.as_ref())).collect();
    if keys.is_empty() {
        return Err(Refused::Secret);
    }
    // What is signed is the text as it came: a number may be written in more than one way.
    let content = content(id, timestamp, body);
    let given = signatures
        .split(' ')
        .filter_map(|entry| entry.split_once(','))
        .filter(|(version, _)| *version == "v1")
        .filter_map(|(_, signature)| LENIENT.decode(signature).ok())
        .take(MOST_SIGNATURES);
    for signature in given {
        // The library compares in constant time.
        if keys
            .iter()
            .any(|key| hmac::verify(key, &content, &signature).is_ok())
        {
            return Ok(Verified { id });
        }
    }
    Err(Refused::Wrong)
}

/// The value of the signature header for a request that is to be sent: one signature for each of `secrets`, the newest
/// first, so that receivers can change theirs in their own time. `at` is in seconds since the Unix epoch.
///
/// # Errors
/// [`Refused::Secret`], if one of the secrets is none.
pub fn sign<S: AsRef<str>>(secrets: &[S], id: &str, at: i64, body: &[u8]) -> Result<String, Refused> {
    let content = content(id, &at.to_string(), body);
    let mut signatures = Vec::with_capacity(secrets.len());
    for secret in secrets {
        let key = key(secret.as_ref()).ok_or(Refused::Secret)?;
        let signature = LENIENT.encode(hmac::sign(&key, &content));
        signatures.push(format!("v1,{signature}"));
    }
    if signatures.is_empty() {
        return Err(Refused::Secret);
    }
    Ok(signatures.join(" "))
}

/// Whether a text is a secret by which can be verified.
pub fn is_secret(secret: &str) -> bool {
    key(secret).is_some()
}

fn key(secret: &str) -> Option<hmac::Key> {
    let encoded = secret.strip_prefix(PREFIX).unwrap_or(secret);
    let bytes = LENIENT.decode(encoded).ok().filter(|bytes| !bytes.is_empty())?;
    Some(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

fn content(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
}

#[cfg(test)]
mod tests;
