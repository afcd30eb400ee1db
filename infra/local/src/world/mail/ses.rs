//! SES: `SendEmail`, and events on the bus.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::super::World;
use super::Fate;
use crate::clock::rfc3339;
use crate::ids::{random_hex, random_uuid};
use crate::proxy::access_key_id;
use crate::template::{ACCOUNT, REGION};

/// Characters of a mail, at most.
const LARGEST: usize = 10 * 1024 * 1024;

/// An error as the service gives it.
fn refuse(status: StatusCode, code: &'static str, message: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE.as_str(), "application/json"),
        ("x-amzn-errortype", code),
    ];
    (status, headers, json!({"message": message}).to_string()).into_response()
}

/// `POST /v2/email/outbound-emails`.
pub(super) async fn send(State(world): State<Arc<World>>, headers: HeaderMap, body: Bytes) -> Response {
    let caller = access_key_id(&headers, "").and_then(|key| world.callers.caller(&key));
    let Some(caller) = caller else {
        let message = "The security token included in the request is invalid.";
        return refuse(StatusCode::FORBIDDEN, "UnrecognizedClientException", message);
    };
    let bad = |message: &str| refuse(StatusCode::BAD_REQUEST, "BadRequestException", message);
    let Ok(mail) = serde_json::from_slice::<Value>(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "SerializationException", "not JSON");
    };
    let text = |pointer: &str| mail.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let from = text("/FromEmailAddress");
    let domain = from.rsplit('@').next().unwrap_or_default().trim_end_matches('>');
    let arn = |kind: &str, name: &str| format!("arn:aws:ses:{REGION}:{ACCOUNT}:{kind}/{name}");
    let mut resources = vec![arn("identity", domain)];
    let set = text("/ConfigurationSetName");
    if !set.is_empty() {
        resources.push(arn("configuration-set", set));
    }
    if let Err(message) = world
        .permissions
        .check_action(&caller, "ses:SendEmail", &resources)
    {
        return refuse(StatusCode::FORBIDDEN, "AccessDeniedException", &message);
    }
    let to = text("/Destination/ToAddresses/0");
    if from.is_empty() || !to.contains('@') || !to.is_ascii() || !from.is_ascii() {
        return bad("Missing or malformed address");
    }
    if text("/Content/Simple/Subject/Data").is_empty() || body.len() > LARGEST {
        return bad("The content is empty or too large");
    }
    let own = mail.pointer("/Content/Simple/Headers").and_then(Value::as_array);
    for own in own.into_iter().flatten() {
        let value = own.get("Value").and_then(Value::as_str).unwrap_or_default();
        let printable = value.bytes().all(|byte| (32..127).contains(&byte));
        if value.is_empty() || value.len() > 995 || !printable {
            return bad("A header is empty, too long or not printable");
        }
    }
    let id = format!("0100{}-{}-000000", random_hex(6), random_uuid());
    let content = json!({
        "provider": "ses",
        "from": from,
        "to": to,
        "reply_to": text("/ReplyToAddresses/0"),
        "subject": text("/Content/Simple/Subject/Data"),
        "text": text("/Content/Simple/Body/Text/Data"),
        "html": text("/Content/Simple/Body/Html/Data"),
        "message_id": format!("<{id}@email.amazonses.com>"),
        "headers": headers_of(&mail),
    });
    let now = world.clock.now_ms();
    // What goes to a business's own people is no message of a conversation.
    let kind = if from.contains("<alerts@") {
        "alert"
    } else {
        "email"
    };
    world.outbox.enter_once(kind, &id, from, &content, now);
    let events = events(&mail, &id, Fate::of(to), now);
    tokio::spawn(async move {
        for event in events {
            world.mail.tell(&event).await;
        }
    });
    (
        [(header::CONTENT_TYPE, "application/json")],
        json!({"MessageId": id}).to_string(),
    )
        .into_response()
}

fn headers_of(mail: &Value) -> Value {
    let all = mail.pointer("/Content/Simple/Headers").and_then(Value::as_array);
    let named = all.into_iter().flatten().filter_map(|header| {
        let name = header.get("Name")?.as_str()?;
        Some((name.to_owned(), header.get("Value")?.clone()))
    });
    Value::Object(named.collect())
}

/// What is told of a mail, in order.
fn events(mail: &Value, id: &str, fate: Fate, now_ms: i64) -> Vec<Value> {
    let to = mail
        .pointer("/Destination/ToAddresses/0")
        .cloned()
        .unwrap_or_default();
    let at = rfc3339(now_ms);
    let delivery = json!({"timestamp": at, "processingTimeMillis": 500, "recipients": [to],
                          "smtpResponse": "250 ok", "reportingMTA": "a8-70.smtp-out.amazonses.com"});
    let bounce = |kind: &str, sub: &str, status: &str| {
        json!({"bounceType": kind, "bounceSubType": sub, "timestamp": at, "feedbackId": random_uuid(),
               "bouncedRecipients": [{"emailAddress": to, "action": "failed", "status": status}]})
    };
    let told = match fate {
        Fate::Untold => Vec::new(),
        Fate::Delivered => vec![("Delivery", "Email Delivered", "delivery", delivery)],
        Fate::Bounced => vec![(
            "Bounce",
            "Email Bounced",
            "bounce",
            bounce("Permanent", "General", "5.1.1"),
        )],
        Fate::BouncedForNow => vec![(
            "Bounce",
            "Email Bounced",
            "bounce",
            bounce("Transient", "MailboxFull", "4.2.2"),
        )],
        Fate::Complained => {
            let complaint = json!({"complainedRecipients": [{"emailAddress": to}], "timestamp": at,
                                   "feedbackId": random_uuid(), "complaintFeedbackType": "abuse"});
            vec![
                ("Delivery", "Email Delivered", "delivery", delivery),
                ("Complaint", "Email Complaint Received", "complaint", complaint),
            ]
        }
    };
    let tags = mail
        .get("EmailTags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let mut tags: serde_json::Map<String, Value> = tags
        .filter_map(|tag| Some((tag.get("Name")?.as_str()?.to_owned(), json!([tag.get("Value")?]))))
        .collect();
    tags.insert("ses:operation".to_owned(), json!(["SendEmail"]));
    let envelope = |(kind, detail_type, part, detail): (&str, &str, &str, Value)| {
        json!({
            "version": "0",
            "id": random_uuid(),
            "detail-type": detail_type,
            "source": "aws.ses",
            "account": ACCOUNT,
            "time": at,
            "region": REGION,
            "resources": [],
            "detail": {
                "eventType": kind,
                "mail": {
                    "timestamp": at,
                    "messageId": id,
                    "source": mail.get("FromEmailAddress"),
                    "destination": [to],
                    "headersTruncated": false,
                    "headers": [],
                    "commonHeaders": {},
                    "tags": tags,
                },
                part: detail,
            },
        })
    };
    told.into_iter().map(envelope).collect()
}
