//! Twilio's signature: HMAC-SHA1 under the account's auth token, over the address that Twilio asked and every parameter.
//!
//! The address comes from configuration, never from `Host` or forwarding headers. Twilio's own libraries accept it with
//! and without its port, since hops in between add and remove it; so does this. Signatures under a `SharedKey` (a beta, in
//! which a second header names key and algorithm) are refused: an algorithm that a request may choose could be
//! downgraded.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::urlencoded::{Fields, FormError};

/// A request as it came in.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The whole address as Twilio saw it: scheme, host, path, and the query byte for byte.
    pub url: &'a str,
    /// Whether it was a GET: its body counts for nothing then.
    pub is_get: bool,
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `X-Twilio-Signature`.
    pub signature: Option<&'a str>,
    /// `X-Twilio-Webhooks-Signature-Settings`.
    pub settings: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Request(..)")
    }
}

/// Why a request is not Twilio's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The signature is missing or none that can be read.
    #[error("there is no signature")]
    Missing,
    /// It was made under another token or over something else.
    #[error("the signature is not right")]
    Wrong,
    /// It is made in a way that is not taken.
    #[error("signatures of this kind are not taken")]
    Kind,
    /// The body is not what the address promises.
    #[error("the body is not the one that was signed")]
    Body,
    /// The body is no form that can be read.
    #[error(transparent)]
    Form(#[from] FormError),
}

/// Verifies a request and gives its parameters: the form's, or those of the address where no form was posted.
///
/// # Errors
/// If it was not signed under `token`, or its form cannot be read.
pub fn verify(token: &str, request: &Request<'_>) -> Result<Fields, Refusal> {
    if request.settings.is_some() {
        return Err(Refusal::Kind);
    }
    let signature = request.signature.unwrap_or_default();
    let signature = STANDARD.decode(signature).map_err(|_| Refusal::Missing)?;
    if signature.is_empty() || token.is_empty() {
        return Err(Refusal::Missing);
    }
    let query = request.url.split_once('?').map_or("", |(_, query)| query);
    let is_form = !request.is_get && (request.body.is_empty() || is_form(request.content_type));
    let form = if is_form {
        Fields::decode(request.body)?
    } else {
        Fields::default()
    };
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    let appended = appended(&form);
    let right = addresses(request.url).into_iter().any(|address| {
        let signed = address + &appended;
        hmac::verify(&key, signed.as_bytes(), &signature).is_ok()
    });
    if !right {
        return Err(Refusal::Wrong);
    }
    if is_form && !request.body.is_empty() {
        return Ok(form);
    }
    let parameters = Fields::decode(query.as_bytes())?;
    let is_bare = request.is_get || request.body.is_empty();
    if !is_bare && !is_body(parameters.get("bodySHA256"), request.body) {
        return Err(Refusal::Body);
    }
    Ok(parameters)
}

/// The signature of a request that posts these fields to this address, for whoever plays Twilio.
pub fn sign(token: &str, url: &str, form: &Fields) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    STANDARD.encode(hmac::sign(&key, (url.to_owned() + &appended(form)).as_bytes()))
}

fn is_form(content_type: Option<&str>) -> bool {
    let kind = content_type.unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// What a form adds to the address: names in order, each before every different value of its own, in order.
fn appended(form: &Fields) -> String {
    let mut sorted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in form.iter() {
        sorted.entry(name).or_default().insert(value);
    }
    let mut appended = String::new();
    for (name, values) in sorted {
        for value in values {
            appended.push_str(name);
            appended.push_str(value);
        }
    }
    appended
}

/// The address as it is, and with or without its port.
fn addresses(url: &str) -> Vec<String> {
    let mut addresses = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else {
        return addresses;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let port = authority
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    addresses.push(match (port, scheme) {
        (Some((host, _)), _) => format!("{scheme}://{host}{path}"),
        (None, "http") => format!("{scheme}://{authority}:80{path}"),
        (None, _) => format!("{scheme}://{authority}:443{path}"),
    });
    addresses
}

fn is_body(promised: Option<&str>, body: &[u8]) -> bool {
    let promised = promised.and_then(|digest| hex::decode(digest).ok());
    let digest = digest::digest(&digest::SHA256, body);
    promised
        .is_some_and(|promised| constant_time::verify_slices_are_equal(&promised, digest.as_ref()).is_ok())
}

#[cfg(test)]
mod tests;
