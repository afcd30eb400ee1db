//! Sending: `POST …/Messages.json`, and the statuses that follow.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde_json::json;
use usher_carriers::urlencoded::Fields;

use super::wire::{admit, error, json_answer, post_signed, sid};
use super::{Shared, World};
use crate::clock::rfc3339;

/// Twilio's own numbers for tests, and what sending to them does.
const MAGIC: [(&str, u32, &str); 5] = [
    ("+15005550001", 21_211, "Invalid 'To' Phone Number"),
    (
        "+15005550002",
        21_612,
        "Message cannot be sent with the current combination of 'To' and/or 'From' parameters",
    ),
    (
        "+15005550003",
        21_408,
        "Permission to send an SMS has not been enabled for the region",
    ),
    ("+15005550004", 21_610, UNSUBSCRIBED),
    ("+15005550009", 21_614, "'To' number is not a valid mobile number"),
];
const UNSUBSCRIBED: &str = "Attempt to send to unsubscribed recipient";
/// A number whose phone is off: what is sent to it is accepted, and not delivered. Twilio has none like it.
const OUT_OF_REACH: &str = "+15005550030";

/// Takes a message.
pub(super) async fn create(
    State(world): Shared,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Err(refused) = admit(&world, &account, &headers) {
        return refused;
    }
    let bad = |code: u32, message: &str| error(StatusCode::BAD_REQUEST, code, message);
    let Ok(fields) = Fields::decode(&body) else {
        return bad(21_602, "Message body is required.");
    };
    let Some(to) = fields.get("To") else {
        return bad(21_604, "A 'To' phone number is required.");
    };
    let number = to.strip_prefix("whatsapp:").unwrap_or(to);
    let digits = number.strip_prefix('+').unwrap_or_default();
    if !(8..=15).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return bad(
            21_211,
            &format!("The 'To' number {to} is not a valid phone number."),
        );
    }
    let Some(from) = fields.get("MessagingServiceSid").or(fields.get("From")) else {
        return bad(
            21_603,
            "A 'From' phone number or 'MessagingServiceSid' is required.",
        );
    };
    let Some(text) = fields.get("Body") else {
        return bad(21_602, "Message body is required.");
    };
    if text.chars().count() > 1_600 {
        return bad(
            21_617,
            "The concatenated message body exceeds the 1600 character limit",
        );
    }
    if let Some((_, code, message)) = MAGIC.iter().find(|(magic, ..)| *magic == number) {
        return bad(*code, message);
    }
    if world.twilio.with(|kept| kept.opted_out.contains(number)) {
        return bad(21_610, UNSUBSCRIBED);
    }
    let id = sid("SM", None);
    let now = world.clock.now_ms();
    let content = json!({
        "to": to, "from": fields.get("From"), "messaging_service_sid": fields.get("MessagingServiceSid"),
        "body": text, "status_callback": fields.get("StatusCallback"),
    });
    world.outbox.enter_once("sms", &id, from, &content, now);
    let answer = json!({
        "account_sid": account, "api_version": "2010-04-01", "body": text, "date_created": rfc3339(now),
        "date_sent": null, "date_updated": rfc3339(now), "direction": "outbound-api", "error_code": null,
        "error_message": null, "from": fields.get("From"), "messaging_service_sid": fields.get("MessagingServiceSid"),
        "num_media": "0", "num_segments": "1", "price": null, "price_unit": null, "sid": id,
        "status": if fields.get("MessagingServiceSid").is_some() { "accepted" } else { "queued" },
        "to": to, "uri": format!("/2010-04-01/Accounts/{account}/Messages/{id}.json"),
    });
    if let Some(callback) = fields.get("StatusCallback") {
        let told = Told {
            account,
            callback: callback.to_owned(),
            id,
            to: to.to_owned(),
            from: from.to_owned(),
            is_delivered: number != OUT_OF_REACH,
        };
        tokio::spawn(told.all(Arc::clone(&world)));
    }
    json_answer(StatusCode::CREATED, &answer)
}

/// A message whose sender wants to know.
struct Told {
    account: String,
    callback: String,
    id: String,
    to: String,
    from: String,
    is_delivered: bool,
}

impl Told {
    /// Tells how far it has come. Callbacks overtake each other at Twilio; here the first step is told last.
    async fn all(self, world: Arc<World>) {
        let token = world.twilio.token(&self.account);
        let end = if self.is_delivered {
            ("delivered", "")
        } else {
            ("undelivered", "30003")
        };
        for (status, code) in [("queued", ""), end, ("sent", "")] {
            let mut fields = vec![
                ("ApiVersion", "2010-04-01"),
                ("AccountSid", &self.account),
                ("MessageSid", &self.id),
                ("SmsSid", &self.id),
                ("MessageStatus", status),
                ("SmsStatus", status),
                ("To", &self.to),
                ("From", &self.from),
            ];
            if !code.is_empty() {
                fields.push(("ErrorCode", code));
            }
            if !self.callback.starts_with(&world.base_url) {
                return;
            }
            if let Err(error) = post_signed(&token, &self.callback, &fields).await {
                tracing::warn!(error, "a status callback was not taken");
            }
        }
    }
}
