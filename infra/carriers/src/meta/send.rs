//! What sending has in common on all of Meta's channels.

use std::time::Duration;

use serde_json::Value;
use usher_shared::Timestamp;
use usher_shared::channel::{Connection, Failure, MetaConnection};

use super::{graph_error, json};
use crate::call::{Account, Answer, Call, Endpoints, Method, Outcome, Outgoing};
use crate::signature::meta::appsecret_proof;

/// For so long after the person did something the channel takes anything.
const WINDOW: Duration = Duration::from_hours(24);
/// For so long it takes what a person typed, and one private answer to a comment.
const WINDOW_OF_HUMANS: Duration = Duration::from_hours(7 * 24);

/// Whether the channel takes a message now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    /// Anything.
    Open,
    /// What a person typed.
    ForHumans,
    /// Nothing.
    Closed,
}

/// How far the window is open. Who never wrote is not written to.
pub(super) fn window(last_inbound: Option<Timestamp>, now: Timestamp) -> Window {
    match last_inbound.map(|last| now.since(last)) {
        Some(passed) if passed < WINDOW => Window::Open,
        Some(passed) if passed < WINDOW_OF_HUMANS => Window::ForHumans,
        _ => Window::Closed,
    }
}

/// The channel's credentials.
pub(super) fn connection<'a>(account: &Account<'a>) -> Result<&'a MetaConnection, Outcome> {
    match account.connection {
        Some(Connection::Meta(connection)) => Ok(connection),
        _ => Err(Outcome::refused(Failure::CredentialsRefused)),
    }
}

/// Refuses what is longer than `longest` of some unit.
pub(super) fn at_most(longest: usize, length: usize) -> Result<(), Outcome> {
    if length > longest {
        return Err(Outcome::refused(Failure::TooLong));
    }
    Ok(())
}

/// A private answer to a comment has a week.
pub(super) fn in_time_for_a_private_answer(outgoing: &Outgoing<'_>) -> Result<(), Outcome> {
    match window(outgoing.last_inbound, outgoing.now) {
        Window::Closed => Err(Outcome::refused(Failure::WindowClosed)),
        Window::Open | Window::ForHumans => Ok(()),
    }
}

/// A call to the Graph API in the channel's name.
///
/// The token goes into a header, where no log of addresses sees it. The proof that the call comes from the app's own
/// server goes with it; Instagram's own login asks for none, and its app has another secret.
pub(super) fn call(
    endpoints: &Endpoints,
    connection: &MetaConnection,
    method: Method,
    path: &str,
    parameters: &[(&str, &str)],
    body: Option<&Value>,
) -> Call {
    let base = if connection.instagram_login {
        &endpoints.instagram
    } else {
        &endpoints.graph
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    if let Some(secret) = endpoints
        .app_secrets
        .first()
        .filter(|_| !connection.instagram_login)
    {
        query.append_pair("appsecret_proof", &appsecret_proof(secret, &connection.token));
    }
    let query = query.finish();
    let mark = if query.is_empty() { "" } else { "?" };
    let mut headers = vec![("authorization", format!("Bearer {}", connection.token))];
    if body.is_some() {
        headers.push(("content-type", "application/json".to_owned()));
    }
    Call {
        method,
        url: format!("{base}/{path}{mark}{query}"),
        headers,
        body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
    }
}

/// One part of a path: an id, which comes from outside.
pub(super) fn segment(id: &str) -> String {
    let mut segment = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            segment.push(char::from(byte));
        } else {
            segment.push('%');
            segment.push_str(&hex::encode_upper([byte]));
        }
    }
    segment
}

/// What the answer to a message says. The id is where each of the channels puts it.
pub(super) fn outcome(answer: &Answer) -> Outcome {
    if !(200..300).contains(&answer.status) {
        return graph_error::outcome(answer);
    }
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
        return Outcome::Unknown;
    };
    let id = ["/message_id", "/messages/0/id", "/id"]
        .into_iter()
        .find_map(|place| json::id(&body, place));
    match id {
        Some(id) => Outcome::Taken { id },
        None if graph_error::read(&answer.body).is_some() => graph_error::outcome(answer),
        None => Outcome::Unknown,
    }
}

#[cfg(test)]
mod tests;
