//! Resend: sending, webhooks, and fetching the mail that came in there.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use usher_shared::Timestamp;
use usher_shared::channel::{ChannelTrouble, Connection, Delivery, Failure, ResendConnection};

use super::compose::{self, TAG};
use super::{Received, address};
use crate::call::{Account, Answer, Call, Carrier, Endpoints, Method, Outcome, Outgoing};
use crate::event::{Event, Person, Space, To, What};

/// How long to wait where two attempts met.
const MET: Duration = Duration::from_secs(5);

/// Sends by Resend.
#[derive(Clone, Copy, Debug)]
pub struct Resend;

impl Carrier for Resend {
    fn send(&self, account: &Account<'_>, outgoing: &Outgoing<'_>) -> Result<Call, Outcome> {
        let connection = connection(account.connection).ok_or_else(closed)?;
        let mail = compose::compose(account.settings, outgoing).map_err(Outcome::refused)?;
        let headers: serde_json::Map<String, Value> = mail
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), Value::from(value.clone())))
            .collect();
        let mut body = json!({
            "from": mail.sender(),
            "to": [mail.to],
            "reply_to": mail.reply_to,
            "subject": mail.subject,
            "text": mail.text,
            "html": mail.html,
            "headers": headers,
        });
        if let (Some(tag), Some(fields)) = (&mail.tag, body.as_object_mut()) {
            fields.insert("tags".to_owned(), json!([{"name": TAG, "value": tag}]));
        }
        let mut headers = authorized(connection);
        headers.push(("content-type", "application/json".to_owned()));
        headers.push(("idempotency-key", outgoing.reference.to_owned()));
        Ok(Call {
            method: Method::Post,
            url: format!("{}/emails", account.platform.resend),
            headers,
            body: body.to_string().into_bytes(),
        })
    }

    fn outcome(&self, answer: &Answer) -> Outcome {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let channel = |why, trouble| Outcome::Refused {
            why,
            trouble: Some(trouble),
        };
        let later = || Outcome::NotNow {
            after: answer.retry_after.map(Duration::from_secs),
        };
        match (answer.status, text("name")) {
            (200..=299, _) if !text("id").is_empty() => Outcome::Taken {
                id: text("id").to_owned(),
            },
            (401, "restricted_api_key") => channel(Failure::NotAllowed, ChannelTrouble::PermissionMissing),
            (401, _) | (403, "invalid_api_key") => {
                channel(Failure::CredentialsRefused, ChannelTrouble::CredentialsRefused)
            }
            // The domain is not verified there.
            (403, _) => channel(Failure::NotAllowed, ChannelTrouble::PermissionMissing),
            (409, "concurrent_idempotent_requests") => Outcome::NotNow { after: Some(MET) },
            // Something else was taken under this key: it may have left.
            (409, _) => Outcome::Unknown,
            (429, "daily_quota_exceeded" | "monthly_quota_exceeded") => {
                channel(Failure::NotAllowed, ChannelTrouble::Restricted)
            }
            (429, _) => later(),
            (451, _) => Outcome::refused(Failure::Blocked),
            (422 | 400, _) if text("message").contains("`to`") => Outcome::refused(Failure::Unreachable),
            (400..=499, _) => Outcome::refused(Failure::Refused),
            _ => Outcome::Unknown,
        }
    }

    fn repetition_is_harmless(&self) -> bool {
        // It remembers the key for a day; attempts end sooner.
        true
    }

    fn longest(&self) -> usize {
        compose::LONGEST_TEXT
    }
}

/// The secrets that sign a channel's webhooks: while one is changed there are both, with a space between.
pub fn secrets(connection: &ResendConnection) -> Vec<&str> {
    connection.webhook_secret.split_ascii_whitespace().collect()
}

/// What a webhook tells.
#[derive(Clone, PartialEq, Eq)]
pub enum Heard {
    /// Something happened.
    Event(Box<Event>),
    /// Mail came in and has to be fetched.
    Mail(Notice),
}

/// Mail that came in at Resend: the webhook does not carry it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Notice {
    /// Resend's id of the mail, by which it is fetched.
    pub email: String,
    /// When it came in.
    pub at: Option<Timestamp>,
    /// Addresses that it was received for.
    pub recipients: Vec<String>,
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
redacted!(Heard, Notice);

/// The body is no webhook of Resend's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not an event")]
pub struct Malformed;

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    data: Data,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    email_id: String,
    to: Value,
    received_for: Value,
    tags: Value,
    bounce: Value,
    failed: Value,
}

/// Reads a webhook, whose signature is verified. `key` is the channel's, from the path; `id` the webhook's own.
///
/// # Errors
/// [`Malformed`], if it is none.
pub fn hear(key: &str, id: &str, body: &[u8]) -> Result<Heard, Malformed> {
    let envelope: Envelope = serde_json::from_slice(body).map_err(|_| Malformed)?;
    let data = envelope.data;
    let at = envelope.created_at.as_deref().and_then(|at| at.parse().ok());
    if envelope.kind == "email.received" {
        if !is_id(&data.email_id) {
            return Err(Malformed);
        }
        let recipients = match addresses(&data.received_for) {
            none if none.is_empty() => addresses(&data.to),
            recipients => recipients,
        };
        return Ok(Heard::Mail(Notice {
            email: data.email_id,
            at,
            recipients,
        }));
    }
    let status = |delivery, failure| What::Status {
        message: data.email_id.clone(),
        reference: data.tags.get(TAG).and_then(Value::as_str).map(str::to_owned),
        delivery,
        failure,
    };
    let part = |part: &Value, name: &str| part.get(name).and_then(Value::as_str).map(str::to_owned);
    let what = match envelope.kind.as_str() {
        "email.sent" => status(Delivery::Accepted, None),
        "email.delivered" => status(Delivery::Delivered, None),
        "email.bounced" => {
            let permanent = part(&data.bounce, "type").as_deref() == Some("Permanent");
            let failure = if permanent {
                Failure::Unreachable
            } else {
                Failure::GaveUp
            };
            status(Delivery::Undelivered, Some(failure))
        }
        "email.suppressed" => status(Delivery::Undelivered, Some(Failure::Unreachable)),
        // It arrived, and the person called it rubbish.
        "email.complained" => status(Delivery::Delivered, Some(Failure::OptedOut)),
        "email.failed" => {
            let quota = part(&data.failed, "reason").is_some_and(|reason| reason.contains("quota"));
            let failure = if quota {
                Failure::NotAllowed
            } else {
                Failure::Refused
            };
            status(Delivery::Undelivered, Some(failure))
        }
        "email.scheduled" => What::Ignored("mail_scheduled"),
        "email.delivery_delayed" => What::Ignored("mail_delayed"),
        "email.opened" => What::Ignored("mail_opened"),
        "email.clicked" => What::Ignored("mail_clicked"),
        _ => What::Ignored("mail_unknown"),
    };
    let person = addresses(&data.to).into_iter().next().map(|address| Person {
        address,
        ..Person::default()
    });
    Ok(Heard::Event(Box::new(Event {
        to: To {
            space: Space::Key,
            address: key.to_owned(),
        },
        person,
        id: id.to_owned(),
        at,
        what,
    })))
}

/// The call that asks for a mail that came in.
pub fn fetch(platform: &Endpoints, connection: &ResendConnection, email: &str) -> Call {
    Call {
        method: Method::Get,
        url: format!("{}/emails/receiving/{email}", platform.resend),
        headers: authorized(connection),
        body: Vec::new(),
    }
}

/// Where the raw mail is: at an address that is good for a while and needs no key. None if the answer names none.
pub fn raw_address(answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let url = body.pointer("/raw/download_url")?.as_str()?;
    Some(url.to_owned())
}

/// Servers whose word on a mail's sender is taken: Resend receives through SES.
const AUTHORITIES: [&str; 1] = ["amazonses.com"];

/// What is known of a mail that came in, from the mail itself: its topmost results are the receiving server's.
pub fn received(notice: &Notice, raw: &[u8]) -> Received {
    let mail = super::parse::parse(raw).unwrap_or_default();
    let results = mail.header("authentication-results").unwrap_or_default();
    let envelope = mail.header("return-path");
    Received {
        id: notice.email.clone(),
        at: notice.at,
        envelope: envelope.map(|path| address::canonical(path).unwrap_or_default()),
        verdicts: super::verdict::from_results(results, &AUTHORITIES),
    }
}

/// An id goes into a path.
fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 100
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// One address or a list of them.
fn addresses(value: &Value) -> Vec<String> {
    let one = |value: &Value| value.as_str().and_then(address::canonical);
    match value {
        Value::Array(list) => list.iter().take(50).filter_map(one).collect(),
        value => one(value).into_iter().collect(),
    }
}

fn authorized(connection: &ResendConnection) -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Bearer {}", connection.api_key))]
}

fn connection(connection: Option<&Connection>) -> Option<&ResendConnection> {
    match connection {
        Some(Connection::Resend(connection)) => Some(connection),
        _ => None,
    }
}

fn closed() -> Outcome {
    Outcome::refused(Failure::ChannelClosed)
}

#[cfg(test)]
mod tests;
