//! Twilio's REST API: what text messages and calls have in common.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use usher_shared::channel::{ChannelTrouble, Connection, Failure, TwilioConnection};

use crate::call::{Account, Answer, Call, Method};
use crate::urlencoded::escape;

/// Version of the API, as in its addresses.
const VERSION: &str = "2010-04-01";

/// The Twilio account of a channel, if it has one.
pub fn connection<'a>(account: &Account<'a>) -> Option<&'a TwilioConnection> {
    match account.connection {
        Some(Connection::Twilio(connection)) => Some(connection),
        _ => None,
    }
}

/// Asks for the account: credentials that work get an answer.
pub fn check(base: &str, connection: &TwilioConnection) -> Call {
    call(Method::Get, base, connection, ".json")
}

/// What the answer to [`check`] says about the channel: `Ok(None)` for all well.
///
/// # Errors
/// If it says nothing: the API was out of order or is asked too often.
pub fn checked(answer: &Answer) -> Result<Option<ChannelTrouble>, Inconclusive> {
    #[derive(Deserialize)]
    struct Found {
        #[serde(default)]
        status: String,
    }
    match answer.status {
        200 => {
            let found: Result<Found, _> = serde_json::from_slice(&answer.body);
            let status = found.map(|found| found.status).unwrap_or_default();
            Ok(matches!(status.as_str(), "suspended" | "closed").then_some(ChannelTrouble::Restricted))
        }
        401 | 403 | 404 => Ok(Some(ChannelTrouble::CredentialsRefused)),
        _ => Err(Inconclusive),
    }
}

/// The answer says nothing: to be asked again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the carrier's answer says nothing about this")]
pub struct Inconclusive;

/// Removes the recording of a call, with its transcriptions.
pub fn delete_recording(base: &str, connection: &TwilioConnection, recording: &str) -> Call {
    let mut path = "/Recordings/".to_owned();
    escape(recording, &mut path);
    path.push_str(".json");
    call(Method::Delete, base, connection, &path)
}

/// Removes what was sent with a message from Twilio's store, by the address that the webhook gave. Nothing if the
/// address is not one of this API.
pub fn delete_media(base: &str, connection: &TwilioConnection, url: &str) -> Option<Call> {
    Some(Call {
        method: Method::Delete,
        url: own(base, url)?.to_owned(),
        headers: vec![authorization(connection)],
        body: Vec::new(),
    })
}

/// Whether something that was to be removed is gone: now, or before.
///
/// # Errors
/// If it has to be tried again.
pub fn deleted(answer: &Answer) -> Result<(), Inconclusive> {
    match answer.status {
        200..=299 | 404 | 410 => Ok(()),
        _ => Err(Inconclusive),
    }
}

/// Fetches media or a recording. Twilio answers with a redirect to a host that serves files; whoever follows it must
/// leave the credentials behind. An address that is not one of this API gets no credentials at all.
pub fn fetch(base: &str, connection: &TwilioConnection, url: &str) -> Call {
    let headers = own(base, url).map(|_| authorization(connection));
    Call {
        method: Method::Get,
        url: url.to_owned(),
        headers: headers.into_iter().collect(),
        body: Vec::new(),
    }
}

/// What Twilio says of an error, by its number: in an answer, and in the status of a message.
pub fn failure(code: u32) -> (Failure, Option<ChannelTrouble>) {
    use Failure as F;
    match code {
        21_610 => (F::OptedOut, None),
        21_211 | 21_214 | 21_217 | 21_614 | 30_003 | 30_005 | 30_006 | 63_024 => (F::Unreachable, None),
        21_408 | 21_612 => (F::NotAllowed, None),
        21_606 | 21_659 | 21_660 | 21_703 => (F::NotAllowed, Some(ChannelTrouble::PermissionMissing)),
        30_034 | 30_032 => (F::NotAllowed, Some(ChannelTrouble::Restricted)),
        21_617 | 21_605 => (F::TooLong, None),
        20_003 | 20_404 | 20_005 => (F::CredentialsRefused, Some(ChannelTrouble::CredentialsRefused)),
        30_004 | 30_007 => (F::Blocked, None),
        63_016 => (F::WindowClosed, None),
        _ => (F::Refused, None),
    }
}

/// Whether an error says that nothing was sent, and that it may be tried later.
pub fn is_passing(code: u32) -> bool {
    matches!(code, 20_429 | 30_001 | 30_022 | 30_023)
}

/// The number of the error that an answer names.
pub fn error_code(answer: &Answer) -> Option<u32> {
    #[derive(Deserialize)]
    struct Error {
        code: Option<u32>,
    }
    serde_json::from_slice::<Error>(&answer.body).ok()?.code
}

/// The API key where there is one: it can be withdrawn without changing what signs webhooks.
pub fn authorization(connection: &TwilioConnection) -> (&'static str, String) {
    let (user, secret) = match &connection.api_key {
        Some((key, secret)) => (key, secret),
        None => (&connection.account_sid, &connection.auth_token),
    };
    let pair = STANDARD.encode(format!("{user}:{secret}"));
    ("authorization", format!("Basic {pair}"))
}

/// The address of something of the account.
pub(crate) fn address(base: &str, connection: &TwilioConnection, path: &str) -> String {
    let mut url = format!("{base}/{VERSION}/Accounts/");
    escape(&connection.account_sid, &mut url);
    url + path
}

fn call(method: Method, base: &str, connection: &TwilioConnection, path: &str) -> Call {
    Call {
        method,
        url: address(base, connection, path),
        headers: vec![authorization(connection)],
        body: Vec::new(),
    }
}

/// The address, if it is one of this API: credentials go nowhere else, whoever names the address. Host and path are
/// compared as text, so nothing is taken that another reader could understand in another way.
fn own<'a>(base: &str, url: &'a str) -> Option<&'a str> {
    let path = url.strip_prefix(base)?;
    let is_plain = path
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"/._-~?=&%".contains(&b));
    (path.starts_with('/') && is_plain && !path.contains("..")).then_some(url)
}

#[cfg(test)]
mod tests;
