//! Sending: `POST /{id}/messages`, answers to comments, and what is told of both afterwards.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};

use super::wire::{admit, answer, bad, error, post_signed};
use super::{Api, Shared, World};

/// A person who is not to be reached, on every channel: Meta has none like it.
const OUT_OF_REACH: &str = "15005550030";

/// `POST /{id}/messages`.
pub(super) async fn create(
    State(world): Shared,
    Extension(api): Extension<Api>,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let caller = match admit(&world, api, &headers, &query) {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return bad("The body is not JSON");
    };
    let account = if id == "me" { caller.account } else { id.clone() };
    let sent = if body.get("messaging_product").is_some() {
        whatsapp(&world, account, &body)
    } else {
        let platform = if id == "me" { "instagram" } else { "messenger" };
        direct(&world, platform, account, &body)
    };
    match sent {
        Ok((sent, said)) => {
            tokio::spawn(sent.tell(Arc::clone(&world)));
            answer(&said)
        }
        Err(refused) => refused,
    }
}

/// `POST /{comment}/comments` or `/replies`: an answer for everybody to read.
pub(super) async fn comment(
    State(world): Shared,
    Extension(api): Extension<Api>,
    Path(comment): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let caller = match admit(&world, api, &headers, &query) {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(text) = text(&body, "/message") else {
        return bad("The parameter message is required");
    };
    let id = format!("{comment}_{}", crate::ids::random_hex(6));
    let content = json!({"comment": comment, "text": text});
    let now = world.clock.now_ms();
    world
        .outbox
        .enter_once("comment", &id, &caller.account, &content, now);
    answer(&json!({"id": id}))
}

/// A message that was taken.
struct Sent {
    platform: &'static str,
    account: String,
    to: String,
    id: String,
    text: String,
    reference: Option<String>,
}

/// A message of Messenger or Instagram.
#[expect(clippy::result_large_err, reason = "the error is the response itself")]
fn direct(
    world: &World,
    platform: &'static str,
    account: String,
    body: &Value,
) -> Result<(Sent, Value), Response> {
    let Some(said) = text(body, "/message/text") else {
        return Err(bad("The parameter message is required"));
    };
    let is_long = match platform {
        "instagram" => said.len() > 1_000,
        _ => said.chars().count() > 2_000,
    };
    if is_long {
        return Err(bad(
            "Length of param message[text] must be less than or equal to the limit",
        ));
    }
    let tag = text(body, "/tag");
    let is_tagged = body
        .get("messaging_type")
        .is_some_and(|kind| kind == "MESSAGE_TAG");
    if is_tagged != tag.is_some() || tag.as_deref().is_some_and(|tag| tag != "HUMAN_AGENT") {
        return Err(bad("The message tag is not one that may be used"));
    }
    let comment = text(body, "/recipient/comment_id");
    let to = match (&comment, text(body, "/recipient/id")) {
        (Some(comment), None) => {
            if !world.meta.with(|kept| kept.answered.insert(comment.clone())) {
                return Err(error(
                    StatusCode::BAD_REQUEST,
                    10_900,
                    None,
                    "Activity already replied to",
                ));
            }
            format!("comment:{comment}")
        }
        (None, Some(to)) => to,
        _ => return Err(bad("The parameter recipient is required")),
    };
    if to == OUT_OF_REACH {
        let message = "This person isn't available right now.";
        return Err(error(StatusCode::BAD_REQUEST, 551, Some(1_545_041), message));
    }
    let id = format!("m_{}", crate::ids::random_hex(20));
    let reference = text(body, "/message/metadata");
    let content = json!({
        "platform": platform, "to": to, "text": said, "tag": tag, "comment": comment,
        "messaging_type": body.get("messaging_type"), "reference": reference,
    });
    let now = world.clock.now_ms();
    world.outbox.enter_once("dm", &id, &account, &content, now);
    let answer = json!({"recipient_id": to, "message_id": id});
    let sent = Sent {
        platform,
        account,
        to,
        id,
        text: said,
        reference,
    };
    Ok((sent, answer))
}

/// A message of WhatsApp.
#[expect(clippy::result_large_err, reason = "the error is the response itself")]
fn whatsapp(world: &World, account: String, body: &Value) -> Result<(Sent, Value), Response> {
    let Some(to) = text(body, "/to").or_else(|| text(body, "/recipient")) else {
        return Err(bad("The parameter to is required."));
    };
    let template = body.get("template");
    let said = match (text(body, "/text/body"), template) {
        (Some(said), None) => said,
        (None, Some(template)) => text(template, "/components/0/parameters/0/text").unwrap_or_default(),
        _ => return Err(bad("The parameter text or template is required.")),
    };
    if said.chars().count() > 4_096 {
        return Err(bad("Param text['body'] must be at most 4096 characters long."));
    }
    let id = format!("wamid.{}", crate::ids::random_hex(20));
    let reference = text(body, "/biz_opaque_callback_data");
    let content = json!({
        "platform": "whatsapp", "to": to, "text": said, "type": body.get("type"),
        "template": template.and_then(|template| template.get("name")), "reference": reference,
    });
    let now = world.clock.now_ms();
    world.outbox.enter_once("dm", &id, &account, &content, now);
    let answer = json!({
        "messaging_product": "whatsapp",
        "contacts": [{"input": to, "wa_id": to}],
        "messages": [{"id": id}],
    });
    let sent = Sent {
        platform: "whatsapp",
        account,
        to,
        id,
        text: said,
        reference,
    };
    Ok((sent, answer))
}

impl Sent {
    /// Tells what became of it, as each channel does. What comes first there comes last here.
    async fn tell(self, world: Arc<World>) {
        let now = world.clock.now_ms();
        let updates = match self.platform {
            "whatsapp" => self.statuses(now),
            platform => self.echoes(platform, now),
        };
        for update in updates {
            if let Err(error) = post_signed(&world.base_url, &update).await {
                tracing::warn!(error, "an update was not taken");
            }
        }
    }

    /// Messenger gives back what was sent along, and watermarks; Instagram neither, but says what was seen.
    fn echoes(&self, platform: &str, now: i64) -> Vec<Value> {
        let (ours, theirs) = (json!({"id": self.account}), json!({"id": self.to}));
        let mut message = json!({"mid": self.id, "is_echo": true, "text": self.text});
        let is_page = platform == "messenger";
        if let (true, Some(reference), Some(fields)) = (is_page, &self.reference, message.as_object_mut()) {
            fields.insert("app_id".to_owned(), 1_517_776_481_860_111_i64.into());
            fields.insert("metadata".to_owned(), reference.as_str().into());
        }
        let object = if is_page { "page" } else { "instagram" };
        let update = |item: Value| json!({"object": object, "entry": [{"id": self.account, "time": now, "messaging": [item]}]});
        let echo = update(json!({"sender": ours, "recipient": theirs, "timestamp": now, "message": message}));
        // Who was written to under a comment is not known yet by the one who wrote.
        if self.to.starts_with("comment:") {
            return Vec::new();
        }
        let told = |name: &str, what: Value| {
            let mut item = json!({"sender": theirs, "recipient": ours, "timestamp": now});
            if let Some(fields) = item.as_object_mut() {
                fields.insert(name.to_owned(), what);
            }
            update(item)
        };
        if is_page {
            let delivered = told("delivery", json!({"mids": [self.id], "watermark": now}));
            let read = told("read", json!({"watermark": now}));
            vec![echo, read, delivered]
        } else {
            vec![echo, told("read", json!({"mid": self.id}))]
        }
    }

    fn statuses(&self, now: i64) -> Vec<Value> {
        let seconds = (now / 1000).to_string();
        let update = |status: &str| {
            let mut told = json!({
                "id": self.id, "status": status, "timestamp": seconds, "recipient_id": self.to,
                "biz_opaque_callback_data": self.reference,
            });
            if let ("failed", Some(fields)) = (status, told.as_object_mut()) {
                let error = json!([{"code": 131_026, "title": "Message undeliverable"}]);
                fields.insert("errors".to_owned(), error);
            }
            json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{
                "field": "messages",
                "value": {
                    "messaging_product": "whatsapp",
                    "metadata": {"display_phone_number": "15105550123", "phone_number_id": self.account},
                    "statuses": [told],
                },
            }]}]})
        };
        if self.to == OUT_OF_REACH {
            return vec![update("failed"), update("sent")];
        }
        vec![update("delivered"), update("read"), update("sent")]
    }
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    let text = value.pointer(pointer)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}
