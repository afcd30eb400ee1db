//! The life of a Meta channel: is the token good, does Meta tell us of messages, give both back, fetch what people sent.
//!
//! Each question is a [`Call`] and a reader of its answer. Addresses of calls that inspect a token hold that token,
//! because the platform wants it there: a call is never logged.

use std::time::Duration;

use serde_json::Value;
use usher_shared::Timestamp;
use usher_shared::channel::{ChannelKind, ChannelTrouble, MetaConnection};

use super::send::{call, segment};
use super::{graph_error, json};
use crate::call::{Answer, Call, Endpoints, Method};

/// What a page tells us of. Echoes show what other people and tools answer.
const PAGE_FIELDS: &str = "messages,message_echoes,message_edits,message_deliveries,message_reads,message_reactions,\
    messaging_postbacks,messaging_referrals,messaging_handovers,messaging_policy_enforcement,standby,feed";
/// What an Instagram account tells us of.
const INSTAGRAM_FIELDS: &str = "messages,messaging_postbacks,messaging_seen,message_reactions,comments,live_comments,\
    messaging_referral,standby";

/// Why a question about an account got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Something is wrong with the channel: its credentials, its permissions, its account.
    #[error("the platform refuses the account: {0:?}")]
    Trouble(ChannelTrouble),
    /// Not now.
    #[error("the platform cannot answer now")]
    NotNow {
        /// How long to wait.
        after: Option<Duration>,
    },
    /// The thing that was asked for is not there (any more), or the question was wrong.
    #[error("the platform refuses the question under code {code}")]
    Refused {
        /// The platform's code; 0 where it gave none.
        code: i64,
    },
}

/// Who a token speaks for.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its id.
    pub id: String,
    /// Its name: a page's, an account's handle, a number as it is displayed.
    pub name: Option<String>,
}

/// What the platform knows of a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Whether it works.
    pub is_valid: bool,
    /// When it ends; nothing if it does not end by time.
    pub ends: Option<Timestamp>,
    /// What was granted with it.
    pub permissions: Vec<String>,
    /// App-scoped id of who granted it.
    pub granted_by: Option<String>,
}

/// Where a medium is for the next minutes.
#[derive(Clone, PartialEq, Eq)]
pub struct Medium {
    /// Its address; it wants the channel's token as well.
    pub url: String,
    /// Its type.
    pub media_type: Option<String>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// Its SHA-256.
    pub sha256: Option<[u8; 32]>,
}

/// Who does the token speak for? Answered to [`identity`].
pub fn ask_identity(endpoints: &Endpoints, kind: ChannelKind, connection: &MetaConnection) -> Call {
    let (path, fields) = match kind {
        ChannelKind::Whatsapp => (
            segment(&connection.account),
            "id,display_phone_number,verified_name",
        ),
        ChannelKind::Instagram if connection.instagram_login => ("me".to_owned(), "user_id,username"),
        ChannelKind::Instagram => (segment(&connection.account), "id,username"),
        _ => (segment(&connection.account), "id,name"),
    };
    call(
        endpoints,
        connection,
        Method::Get,
        &path,
        &[("fields", fields)],
        None,
    )
}

/// Reads the answer to [`ask_identity`].
///
/// # Errors
/// If there is none.
pub fn identity(answer: &Answer) -> Result<Identity, Refusal> {
    let body = read(answer)?;
    // Instagram's own login gives two ids; webhooks carry `user_id`.
    let id = json::id(&body, "/user_id").or_else(|| json::id(&body, "/id"));
    let name = ["/name", "/username", "/display_phone_number"];
    let name = name.into_iter().find_map(|place| json::text(&body, place));
    Ok(Identity {
        id: id.ok_or(Refusal::Refused { code: 0 })?,
        name: name.map(str::to_owned),
    })
}

/// Is the token good, until when, for what? Answered to [`token`]. Nothing for tokens of Instagram's own login, whose
/// API has no such question.
pub fn ask_token(endpoints: &Endpoints, connection: &MetaConnection) -> Option<Call> {
    let inspected = [("input_token", connection.token.as_str())];
    (!connection.instagram_login).then(|| {
        call(
            endpoints,
            connection,
            Method::Get,
            "debug_token",
            &inspected,
            None,
        )
    })
}

/// Reads the answer to [`ask_token`].
///
/// # Errors
/// If there is none. A token that is known not to work is an answer.
pub fn token(answer: &Answer) -> Result<Token, Refusal> {
    let body = read(answer)?;
    let data = body.get("data").ok_or(Refusal::Refused { code: 0 })?;
    // Access to data ends three months after the person was last there, whatever the token says of itself.
    let ends = ["/expires_at", "/data_access_expires_at"];
    let ends = ends.into_iter().filter_map(|place| json::time(data, place)).min();
    let scopes = json::list(data, "/scopes").iter();
    Ok(Token {
        is_valid: json::flag(data, "/is_valid"),
        ends,
        permissions: scopes
            .filter_map(|scope| scope.as_str().map(str::to_owned))
            .collect(),
        granted_by: json::id(data, "/user_id"),
    })
}

/// A fresh token for one of Instagram's own login, which lives sixty days. Answered to [`renewed`]. It may be asked for
/// from a day after the token was given until it ends.
pub fn renew(endpoints: &Endpoints, connection: &MetaConnection) -> Option<Call> {
    let parameters = [
        ("grant_type", "ig_refresh_token"),
        ("access_token", connection.token.as_str()),
    ];
    connection.instagram_login.then(|| {
        call(
            endpoints,
            connection,
            Method::Get,
            "refresh_access_token",
            &parameters,
            None,
        )
    })
}

/// Reads the answer to [`renew`]: the token, and when it ends.
///
/// # Errors
/// If there is none.
pub fn renewed(answer: &Answer, now: Timestamp) -> Result<(String, Timestamp), Refusal> {
    let body = read(answer)?;
    let token = json::text(&body, "/access_token").map(str::to_owned);
    let seconds = json::number(&body, "/expires_in").and_then(|seconds| u64::try_from(seconds).ok());
    token
        .zip(seconds)
        .map(|(token, seconds)| (token, now.plus(Duration::from_secs(seconds))))
        .ok_or(Refusal::Refused { code: 0 })
}

/// Tell us of messages. Answered to [`done`].
pub fn subscribe(endpoints: &Endpoints, kind: ChannelKind, connection: &MetaConnection) -> Call {
    let fields = match kind {
        ChannelKind::Instagram if connection.instagram_login => Some(INSTAGRAM_FIELDS),
        // An account that is linked to a page is heard by the page's subscription, which this replaces as a whole.
        ChannelKind::Messenger | ChannelKind::Instagram => Some(PAGE_FIELDS),
        // A WhatsApp account's fields are the app's.
        _ => None,
    };
    let fields = fields.map(|fields| ("subscribed_fields", fields));
    let path = subscriptions(kind, connection);
    call(
        endpoints,
        connection,
        Method::Post,
        &path,
        fields.as_slice(),
        None,
    )
}

/// Do you tell us of messages? Answered to [`is_subscribed`].
pub fn ask_subscription(endpoints: &Endpoints, kind: ChannelKind, connection: &MetaConnection) -> Call {
    let path = subscriptions(kind, connection);
    call(endpoints, connection, Method::Get, &path, &[], None)
}

/// Tell us no more. Answered to [`done`].
///
/// A page and the Instagram account that is linked to it have one subscription, and so have the numbers of a WhatsApp
/// business account: it is only for the last of their channels to end.
pub fn unsubscribe(endpoints: &Endpoints, kind: ChannelKind, connection: &MetaConnection) -> Call {
    let path = subscriptions(kind, connection);
    call(endpoints, connection, Method::Delete, &path, &[], None)
}

/// Takes back all that the person granted, for every channel under it. Nothing if it is not known who granted it.
/// Answered to [`done`].
pub fn revoke_grant(endpoints: &Endpoints, connection: &MetaConnection) -> Option<Call> {
    let person = connection.granted_by.as_deref()?;
    let path = format!("{}/permissions", segment(person));
    Some(call(endpoints, connection, Method::Delete, &path, &[], None))
}

/// Reads the answer to [`ask_subscription`].
///
/// # Errors
/// If there is none.
pub fn is_subscribed(kind: ChannelKind, answer: &Answer) -> Result<bool, Refusal> {
    let body = read(answer)?;
    let mut apps = json::list(&body, "/data").iter();
    Ok(apps.any(|app| {
        // Only pages and Instagram accounts have fields of their own, and are no use without this one.
        let fields = json::list(app, "/subscribed_fields");
        kind == ChannelKind::Whatsapp || fields.iter().any(|field| field == "messages")
    }))
}

/// Reads an answer that says no more than that it was done.
///
/// # Errors
/// If it was not.
pub fn done(answer: &Answer) -> Result<(), Refusal> {
    let body = read(answer)?;
    match body.get("success").and_then(Value::as_bool) {
        Some(false) => Err(Refusal::Refused { code: 0 }),
        _ => Ok(()),
    }
}

/// Where is this medium? Answered to [`medium`].
pub fn ask_medium(endpoints: &Endpoints, connection: &MetaConnection, media_id: &str) -> Call {
    let number = [("phone_number_id", connection.account.as_str())];
    call(
        endpoints,
        connection,
        Method::Get,
        &segment(media_id),
        &number,
        None,
    )
}

/// Reads the answer to [`ask_medium`].
///
/// # Errors
/// If there is none; `Refused` if the platform does not have it any more.
pub fn medium(answer: &Answer) -> Result<Medium, Refusal> {
    let body = read(answer)?;
    let url = json::text(&body, "/url").ok_or(Refusal::Refused { code: 0 })?;
    // Here it is written in hex; in webhooks, in Base64.
    let sha256 = json::text(&body, "/sha256").and_then(|hex| hex::decode(hex).ok()?.try_into().ok());
    let size = json::number(&body, "/file_size").and_then(|size| u64::try_from(size).ok());
    Ok(Medium {
        url: url.to_owned(),
        media_type: json::text(&body, "/mime_type").map(str::to_owned),
        size,
        sha256,
    })
}

/// Headers that fetch a medium from the address in [`Medium`]. The host wants to know what asks. The token goes to the
/// platform's own hosts alone: whoever follows the address checks that it is one.
pub fn medium_headers(connection: &MetaConnection) -> Vec<(&'static str, String)> {
    vec![
        ("authorization", format!("Bearer {}", connection.token)),
        ("user-agent", "usher".to_owned()),
    ]
}

/// Whether `url` is at one of the platform's own hosts, or where calls go as configured.
pub fn is_platforms(endpoints: &Endpoints, url: &str) -> bool {
    let Some(origin) = origin(url) else {
        return false;
    };
    let configured = [&endpoints.graph, &endpoints.instagram];
    let hosts = [
        ".fbsbx.com",
        ".fbcdn.net",
        ".facebook.com",
        ".whatsapp.net",
        ".instagram.com",
        ".cdninstagram.com",
    ];
    configured
        .into_iter()
        .any(|base| self::origin(base) == Some(origin))
        || (origin.starts_with("https://") && hosts.iter().any(|host| origin.ends_with(host)))
}

/// Scheme, host and port as written. Nothing where there could be two opinions about what the host is.
fn origin(url: &str) -> Option<&str> {
    let start = ["https://", "http://"]
        .into_iter()
        .find(|scheme| url.starts_with(scheme))?
        .len();
    let rest = url.get(start..)?;
    let host = rest.split(['/', '?', '#']).next()?;
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b':');
    (!host.is_empty() && host.bytes().all(plain)).then(|| url.get(..start + host.len()))?
}

/// The edge on which subscriptions are: the page's, the account's, or the business account's.
fn subscriptions(kind: ChannelKind, connection: &MetaConnection) -> String {
    let owner = match kind {
        ChannelKind::Whatsapp => connection
            .business_account
            .as_deref()
            .unwrap_or(&connection.account),
        // An account that is linked to a page is subscribed by the page, for which the token was given.
        ChannelKind::Instagram if !connection.instagram_login => "me",
        _ => &connection.account,
    };
    format!("{}/subscribed_apps", segment(owner))
}

pub(super) fn read(answer: &Answer) -> Result<Value, Refusal> {
    let after = answer.retry_after.map(Duration::from_secs);
    if let Some((code, subcode, transient)) = graph_error::read(&answer.body) {
        if transient || graph_error::is_throttling(code) || matches!(code, 1 | 2) {
            return Err(Refusal::NotNow { after });
        }
        return Err(match graph_error::meaning(code, subcode) {
            (_, Some(trouble)) => Refusal::Trouble(trouble),
            _ => Refusal::Refused { code },
        });
    }
    match answer.status {
        200..=299 => serde_json::from_slice(&answer.body).map_err(|_| Refusal::NotNow { after }),
        400..=499 if !matches!(answer.status, 408 | 429) => Err(Refusal::Refused { code: 0 }),
        _ => Err(Refusal::NotNow { after }),
    }
}

macro_rules! redacted {
    ($($type:ident),*) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($type), "(..)"))
            }
        }
    )*};
}
redacted!(Identity, Token, Medium);

#[cfg(test)]
mod tests;
