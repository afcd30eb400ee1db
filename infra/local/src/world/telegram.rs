//! Telegram's Bot API, as far as the product speaks to it: `sendMessage`, into the outbox.
//!
//! Chats behave by their numbers: 403 has blocked every bot, 404 is not there, and the group -400 has become -1000000000400.
//! A bot whose number is 0 is unknown; any other is there.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bytes::Bytes;
use serde_json::{Value, json};

use super::World;

/// The installation's bot.
pub(crate) const BOT_TOKEN: &str = "700000001:AAE-local_local_local_local_local";
/// Someone who has blocked every bot.
const BLOCKED: &str = "403";
/// A chat that is not there.
const NOWHERE: &str = "404";
/// A group that has become another one.
const MOVED: (&str, i64) = ("-400", -1_000_000_000_400);
/// UTF-16 units of a text, at most.
const LONGEST: usize = 4_096;

/// Its routes.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new().route("/{bot}/sendMessage", post(send))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, body.to_string()).into_response()
}

fn refuse(status: StatusCode, description: &str, parameters: Option<Value>) -> Response {
    let mut body = json!({"ok": false, "error_code": status.as_u16(), "description": description});
    if let (Some(parameters), Some(fields)) = (parameters, body.as_object_mut()) {
        fields.insert("parameters".to_owned(), parameters);
    }
    answer(status, &body)
}

async fn send(State(world): State<Arc<World>>, Path(bot): Path<String>, body: Bytes) -> Response {
    let number = bot.strip_prefix("bot").and_then(|token| token.split_once(':'));
    let Some((number, _)) = number.filter(|(number, secret)| *number != "0" && secret.len() >= 20) else {
        return refuse(StatusCode::UNAUTHORIZED, "Unauthorized", None);
    };
    let bad = |text: &str| refuse(StatusCode::BAD_REQUEST, &format!("Bad Request: {text}"), None);
    let Ok(message) = serde_json::from_slice::<Value>(&body) else {
        return bad("can't parse JSON");
    };
    let chat = match message.get("chat_id") {
        Some(Value::Number(chat)) => chat.to_string(),
        Some(Value::String(chat)) => chat.clone(),
        _ => return bad("chat_id is empty"),
    };
    let text = message.get("text").and_then(Value::as_str).unwrap_or_default();
    if text.trim().is_empty() {
        return bad("message text is empty");
    }
    if text.encode_utf16().count() > LONGEST {
        return bad("message is too long");
    }
    match chat.as_str() {
        BLOCKED => {
            let text = "Forbidden: bot was blocked by the user";
            return refuse(StatusCode::FORBIDDEN, text, None);
        }
        NOWHERE => return bad("chat not found"),
        chat if chat == MOVED.0 => {
            let text = "Bad Request: group chat was upgraded to a supergroup chat";
            let parameters = json!({"migrate_to_chat_id": MOVED.1});
            return refuse(StatusCode::BAD_REQUEST, text, Some(parameters));
        }
        _ => {}
    }
    let now = world.clock.now_ms();
    let content = json!({
        "provider": "telegram",
        "bot": number,
        "to": chat,
        "text": text,
        "silent": message.get("disable_notification"),
    });
    // It has no id by which a repetition would be dropped.
    let id = crate::ids::random_hex(8);
    world.outbox.enter_once("alert", &id, number, &content, now);
    let taken = json!({"ok": true, "result": {"message_id": 1, "date": now / 1000, "text": text}});
    answer(StatusCode::OK, &taken)
}
