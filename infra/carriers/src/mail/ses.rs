//! Amazon SES: the mail that it takes in, the mail that it sends, and what it tells of it.
//!
//! Calls are signed by whoever makes them.

mod leftover;
mod send;

pub use self::leftover::leftover;
pub use self::send::{ERROR_HEADER, call, outcome, send};

use serde::Deserialize;
use serde_json::Value;
use usher_shared::Timestamp;
use usher_shared::channel::{Delivery, Failure};

use super::Received;
use super::address;
use super::compose::TAG;
use super::verdict::{NAMES, Verdicts};
use crate::event::{Event, Person, Space, To, What};

/// A mail that SES took in and put into a bucket.
#[derive(Clone, PartialEq, Eq)]
pub struct Notice {
    /// What is known of it.
    pub received: Received,
    /// Recipients that the rule was about.
    pub recipients: Vec<String>,
    /// Bucket and key of the raw mail, where they are told: a function that is called by the rule itself knows the
    /// bucket, and the key is the prefix with the id.
    pub object: Option<(String, String)>,
}

/// What SES tells.
#[derive(Clone, PartialEq, Eq)]
pub enum Heard {
    /// Mail came in.
    Mail(Vec<Notice>),
    /// Something happened to mail of ours.
    Events(Vec<Event>),
    /// Neither.
    Nothing,
}

impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Mail(_) => "Mail(..)",
            Self::Events(_) => "Events(..)",
            Self::Nothing => "Nothing",
        })
    }
}

impl std::fmt::Debug for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Notice(..)")
    }
}

#[derive(Deserialize)]
struct Inbound {
    mail: MailPart,
    receipt: Receipt,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MailPart {
    message_id: String,
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    destination: Vec<String>,
    #[serde(default)]
    tags: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    #[serde(default)]
    recipients: Vec<String>,
    #[serde(default)]
    action: Action,
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Action {
    bucket_name: Option<String>,
    object_key: Option<String>,
}

/// Reads what a function is called with: by a receipt rule, by SNS, or by EventBridge. What is none of them is nothing.
pub fn hear(event: &Value) -> Heard {
    if let Some(detail) = event.get("detail") {
        return outbound(detail).map_or(Heard::Nothing, |event| Heard::Events(vec![event]));
    }
    let Some(records) = event.get("Records").and_then(Value::as_array) else {
        return said(event);
    };
    let (mut mails, mut events) = (Vec::new(), Vec::new());
    for record in records {
        let heard = if let Some(inbound) = record.get("ses") {
            notice(inbound).map_or(Heard::Nothing, |notice| Heard::Mail(vec![notice]))
        } else {
            let message = record
                .pointer("/Sns/Message")
                .and_then(Value::as_str)
                .unwrap_or_default();
            said(&serde_json::from_str(message).unwrap_or_default())
        };
        match heard {
            Heard::Mail(notices) => mails.extend(notices),
            Heard::Events(told) => events.extend(told),
            Heard::Nothing => {}
        }
    }
    if !mails.is_empty() {
        Heard::Mail(mails)
    } else if events.is_empty() {
        Heard::Nothing
    } else {
        Heard::Events(events)
    }
}

/// What a message of SNS says.
fn said(message: &Value) -> Heard {
    if message.get("notificationType").and_then(Value::as_str) == Some("Received") {
        return notice(message).map_or(Heard::Nothing, |notice| Heard::Mail(vec![notice]));
    }
    outbound(message).map_or(Heard::Nothing, |event| Heard::Events(vec![event]))
}

fn notice(inbound: &Value) -> Option<Notice> {
    let inbound: Inbound = Inbound::deserialize(inbound).ok()?;
    let recipients = if inbound.receipt.recipients.is_empty() {
        inbound.mail.destination
    } else {
        inbound.receipt.recipients
    };
    let action = inbound.receipt.action;
    Some(Notice {
        received: Received {
            at: time(inbound.mail.timestamp.as_deref()),
            id: inbound.mail.message_id,
            envelope: Some(inbound.mail.source.unwrap_or_default().to_lowercase()),
            verdicts: verdicts(&inbound.receipt.rest),
        },
        recipients,
        object: action.bucket_name.zip(action.object_key),
    })
}

fn verdicts(receipt: &serde_json::Map<String, Value>) -> Verdicts {
    let verdict = |name: &&str| {
        let status = receipt.get(&format!("{name}Verdict"))?.get("status")?.as_str()?;
        Some(((*name).to_owned(), status.to_ascii_lowercase()))
    };
    let mut verdicts: Verdicts = NAMES.iter().filter_map(verdict).collect();
    if let Some(policy) = receipt.get("dmarcPolicy").and_then(Value::as_str) {
        verdicts.push(("dmarc_policy".to_owned(), policy.to_ascii_lowercase()));
    }
    verdicts
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

/// What happened to a mail of ours.
fn outbound(event: &Value) -> Option<Event> {
    let text =
        |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let kind = text(event, "/eventType").or_else(|| text(event, "/notificationType"))?;
    let mail = MailPart::deserialize(event.get("mail")?).ok()?;
    let (part, recipients, happened) = happened(&kind, event);
    let detail = event.get(part).cloned().unwrap_or_default();
    let recipient = recipients
        .and_then(|pointer| text(&detail, pointer))
        .or_else(|| mail.destination.first().cloned());
    let recipient = recipient.as_deref().and_then(address::canonical);
    let id = mail.message_id;
    let tag = mail.tags.and_then(|tags| text(&tags, &format!("/{TAG}/0")));
    let what = match happened {
        Happened::Nothing(name) => What::Ignored(name),
        Happened::Came(delivery, failure) => What::Status {
            message: id.clone(),
            reference: tag,
            delivery,
            failure,
        },
    };
    Some(Event {
        to: To {
            space: Space::Mailbox,
            address: mail
                .source
                .as_deref()
                .and_then(address::canonical)
                .unwrap_or_default(),
        },
        id: format!("{id}:{kind}"),
        at: time(text(&detail, "/timestamp").as_deref()),
        person: recipient.map(|address| Person {
            address,
            ..Person::default()
        }),
        what,
    })
}

enum Happened {
    Came(Delivery, Option<Failure>),
    Nothing(&'static str),
}

/// What a kind of event says: in which part, where in it the recipient is, and how far the mail came.
fn happened(kind: &str, event: &Value) -> (&'static str, Option<&'static str>, Happened) {
    use Delivery::{Accepted, Delivered, Undelivered};
    let bounce = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    match kind {
        "Send" => ("send", None, Happened::Came(Accepted, None)),
        "Delivery" => ("delivery", Some("/recipients/0"), Happened::Came(Delivered, None)),
        "Bounce" => {
            // Only an address that is wrong for good is never written to again.
            let failure = match bounce("/bounce/bounceType") {
                Some("Permanent") => Failure::Unreachable,
                _ => Failure::GaveUp,
            };
            let happened = Happened::Came(Undelivered, Some(failure));
            ("bounce", Some("/bouncedRecipients/0/emailAddress"), happened)
        }
        // It arrived, and the person called it rubbish.
        "Complaint" => {
            let happened = Happened::Came(Delivered, Some(Failure::OptedOut));
            (
                "complaint",
                Some("/complainedRecipients/0/emailAddress"),
                happened,
            )
        }
        "Reject" => (
            "reject",
            None,
            Happened::Came(Undelivered, Some(Failure::Blocked)),
        ),
        "Rendering Failure" => (
            "failure",
            None,
            Happened::Came(Undelivered, Some(Failure::Refused)),
        ),
        "DeliveryDelay" => ("deliveryDelay", None, Happened::Nothing("mail_delayed")),
        // Proxies and scanners open and click: nothing of it says that a person did.
        "Open" => ("open", None, Happened::Nothing("mail_opened")),
        "Click" => ("click", None, Happened::Nothing("mail_clicked")),
        "Subscription" => ("subscription", None, Happened::Nothing("mail_subscription")),
        _ => ("mail", None, Happened::Nothing("mail_unknown")),
    }
}

#[cfg(test)]
mod tests;
