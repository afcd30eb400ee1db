//! Resend: mails under an account's key, and webhooks that are signed as Svix signs.

use std::sync::{Arc, PoisonError};

use aws_lc_rs::hmac;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::super::World;
use super::Fate;
use crate::clock::rfc3339;
use crate::ids::{random_hex, random_uuid};

/// Begins every key of an account.
const KEY: &str = "re_";

/// The secret that signs an account's webhooks here: it follows from the account's key, so that a channel can be
/// connected before its webhook is made.
fn signing_secret(api_key: &str) -> String {
    format!("whsec_{}", STANDARD.encode(api_key))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

fn refuse(status: StatusCode, name: &str, message: &str) -> Response {
    let body = json!({"statusCode": status.as_u16(), "name": name, "message": message});
    answer(status, &body)
}

/// The account's key, or the refusal.
#[expect(clippy::result_large_err, reason = "the error is the response itself")]
fn account(headers: &HeaderMap) -> Result<String, Response> {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let Some(key) = given.and_then(|value| value.strip_prefix("Bearer ")) else {
        return Err(refuse(
            StatusCode::UNAUTHORIZED,
            "missing_api_key",
            "Missing API key in the authorization header",
        ));
    };
    if !key.starts_with(KEY) || key.contains("revoked") {
        return Err(refuse(
            StatusCode::FORBIDDEN,
            "invalid_api_key",
            "API key is invalid",
        ));
    }
    Ok(key.to_owned())
}

/// `POST /emails`. A key that was seen before gets the answer that it got then.
pub(super) async fn send(State(world): State<Arc<World>>, headers: HeaderMap, body: Bytes) -> Response {
    let account = match account(&headers) {
        Ok(account) => account,
        Err(refusal) => return refusal,
    };
    let unprocessable = |name: &str, message: &str| refuse(StatusCode::UNPROCESSABLE_ENTITY, name, message);
    let Ok(mail) = serde_json::from_slice::<Value>(&body) else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "validation_error",
            "The body is not JSON",
        );
    };
    let text = |pointer: &str| mail.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    for (pointer, field) in [("/from", "from"), ("/to/0", "to"), ("/subject", "subject")] {
        if text(pointer).is_empty() {
            return unprocessable("missing_required_field", &format!("Missing `{field}` field."));
        }
    }
    if !text("/to/0").contains('@') {
        return unprocessable("validation_error", "Invalid `to` field.");
    }
    let key = headers
        .get("idempotency-key")
        .and_then(|value| value.to_str().ok());
    let known = key.map(|key| (account.clone(), key.to_owned()));
    let mut answered = world.mail.answered.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((before, said)) = known.as_ref().and_then(|known| answered.get(known)) {
        if *before != mail {
            let message = "Same idempotency key used with a different request payload.";
            return refuse(StatusCode::CONFLICT, "invalid_idempotent_request", message);
        }
        return answer(StatusCode::OK, said);
    }
    let id = random_uuid();
    let said = json!({"id": id});
    if let Some(known) = known {
        answered.insert(known, (mail.clone(), said.clone()));
    }
    drop(answered);
    let message_id = format!("<{}@email.amazonses.com>", random_hex(12));
    let content = json!({
        "provider": "resend",
        "from": text("/from"),
        "to": text("/to/0"),
        "reply_to": text("/reply_to"),
        "subject": text("/subject"),
        "text": text("/text"),
        "html": text("/html"),
        "message_id": message_id,
        "headers": mail.get("headers"),
    });
    let now = world.clock.now_ms();
    world
        .outbox
        .enter_once("email", &id, text("/from"), &content, now);
    let fate = Fate::of(text("/to/0"));
    tokio::spawn(async move { tell(&world, &account, &mail, (&id, &message_id), fate).await });
    answer(StatusCode::OK, &said)
}

/// `POST /webhooks`: from now on what happens to the account's mail is posted there.
pub(super) async fn register(State(world): State<Arc<World>>, headers: HeaderMap, body: Bytes) -> Response {
    let account = match account(&headers) {
        Ok(account) => account,
        Err(refusal) => return refusal,
    };
    let wanted: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(endpoint) = wanted.get("endpoint").and_then(Value::as_str) else {
        let message = "Missing `endpoint` field.";
        return refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            "missing_required_field",
            message,
        );
    };
    let said = json!({"object": "webhook", "id": random_uuid(), "signing_secret": signing_secret(&account)});
    let mut webhooks = world.mail.webhooks.lock().unwrap_or_else(PoisonError::into_inner);
    webhooks.insert(account, endpoint.to_owned());
    answer(StatusCode::CREATED, &said)
}

/// Posts what became of a mail.
async fn tell(world: &World, account: &str, mail: &Value, (id, message_id): (&str, &str), fate: Fate) {
    let endpoint = {
        let webhooks = world.mail.webhooks.lock().unwrap_or_else(PoisonError::into_inner);
        webhooks.get(account).cloned()
    };
    let Some(endpoint) = endpoint.filter(|_| fate != Fate::Untold) else {
        return;
    };
    let at = rfc3339(world.clock.now_ms());
    let tags = mail.get("tags").and_then(Value::as_array).into_iter().flatten();
    let tags: serde_json::Map<String, Value> = tags
        .filter_map(|tag| Some((tag.get("name")?.as_str()?.to_owned(), tag.get("value")?.clone())))
        .collect();
    let data = json!({"email_id": id, "message_id": message_id, "created_at": at, "from": mail.get("from"),
                      "to": mail.get("to"), "subject": mail.get("subject"), "tags": tags});
    let bounce = |kind: &str, sub: &str| json!({"type": kind, "subType": sub, "message": "bounced"});
    let told: Vec<(&str, Option<Value>)> = match fate {
        Fate::Untold => Vec::new(),
        Fate::Delivered => vec![("email.sent", None), ("email.delivered", None)],
        Fate::Bounced => vec![("email.bounced", Some(bounce("Permanent", "General")))],
        Fate::BouncedForNow => vec![("email.bounced", Some(bounce("Transient", "MailboxFull")))],
        Fate::Complained => vec![("email.delivered", None), ("email.complained", None)],
    };
    for (kind, bounce) in told {
        let mut data = data.clone();
        if let (Some(bounce), Some(fields)) = (bounce, data.as_object_mut()) {
            fields.insert("bounce".to_owned(), bounce);
        }
        let body = json!({"type": kind, "created_at": at, "data": data}).to_string();
        post(world, account, &endpoint, &body).await;
    }
}

/// Posts a signed webhook until it is taken, a few times.
async fn post(world: &World, account: &str, endpoint: &str, body: &str) {
    let id = format!("msg_{}", random_hex(12));
    let key = hmac::Key::new(hmac::HMAC_SHA256, account.as_bytes());
    for attempt in 1..=super::ATTEMPTS {
        let at = world.clock.now_ms() / 1_000;
        let signature = hmac::sign(&key, format!("{id}.{at}.{body}").as_bytes());
        let request = crate::client::loopback()
            .post(endpoint)
            .header("content-type", "application/json")
            .header("svix-id", &id)
            .header("svix-timestamp", at.to_string())
            .header("svix-signature", format!("v1,{}", STANDARD.encode(signature)))
            .body(body.to_owned());
        match request.send().await {
            Ok(answer) if answer.status().is_success() => return,
            Ok(_) | Err(_) => tokio::time::sleep(super::BETWEEN * attempt).await,
        }
    }
    tracing::warn!("a webhook was given up");
}
