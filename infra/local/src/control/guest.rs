//! A guest, through the same webhooks as in life: at the web chat through those of a browser, elsewhere through the
//! carrier's own.

mod delivery;
mod email;
mod form;
mod meta;
mod sms;
mod voice;

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use self::delivery::Delivery;
use super::{invalid, ok, problem, read};
use crate::stack::Shared;

/// Session tokens by channel and guest.
#[derive(Debug, Default)]
pub(crate) struct Guests {
    tokens: Mutex<HashMap<(String, String), String>>,
}

/// What a guest does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    channel: String,
    from: String,
    text: String,
    client_message_id: Option<String>,
    /// By which kind of channel; the web chat if none is named.
    kind: Option<String>,
    /// The carrier's account that the channel is connected with, if it is not the one that is there from the start.
    account: Option<String>,
    /// What comes with it, where the channel takes something.
    #[serde(default)]
    media: Vec<Media>,
    /// What is done, where it is not a message: `comment`, `unsend`, `edit`, `reaction`.
    act: Option<String>,
    /// How the carrier delivers it.
    #[serde(default)]
    delivery: Delivery,
    /// When it happened, as the carrier tells it. Follows from `delivery`.
    #[serde(skip)]
    at_ms: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Media {
    media_type: String,
    base64: String,
}

/// The number that guests write to and call.
const NUMBER: &str = "+15105550123";

/// Sends a text as a guest. The answer carries what the webhook answered.
pub(super) async fn post(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let kind: Value = serde_json::from_slice(&body).unwrap_or_default();
    if kind.get("kind").and_then(Value::as_str) == Some("email") {
        return email::post(&shared, &body).await;
    }
    let message: Message = match read(&body) {
        Ok(message) => message,
        Err(response) => return response,
    };
    for (field, value) in [("channel", &message.channel), ("from", &message.from)] {
        if value.is_empty() || value.contains(['/', '?', '#', '%']) || !value.is_ascii() {
            return invalid(field, "must not be empty, and may hold no special characters");
        }
    }
    let now_ms = shared.clock.now_ms();
    let deliveries = match delivery::deliveries(&message, now_ms) {
        Ok(deliveries) => deliveries,
        Err((field, why)) => return invalid(field, why),
    };
    let mut answers = Vec::new();
    for one in &deliveries {
        match deliver(&shared, one).await {
            None => return invalid("kind", "must be a kind of channel that guests can be played on"),
            Some(Ok(answer)) => answers.push(answer),
            Some(Err(error)) => return problem(StatusCode::BAD_GATEWAY, "webhook_failed", &error),
        }
    }
    match answers.as_slice() {
        [answer] => ok(answer),
        answers => ok(&json!({"object": "list", "data": answers, "has_more": false})),
    }
}

/// Delivers one webhook; `None` if there is no such kind of channel.
async fn deliver(shared: &Arc<Shared>, message: &Message) -> Option<Result<Value, String>> {
    Some(match message.kind.as_deref() {
        None | Some("web_chat") => send(shared, message).await.map(
            |(status, answer, token)| json!({"status": status, "response": answer, "session_token": token}),
        ),
        Some("form") => form::send(shared, message).await,
        Some("sms") => sms::send(shared, message).await,
        Some("voice") => voice::call(shared, message).await,
        Some(kind @ ("messenger" | "instagram" | "whatsapp")) => meta::send(shared, kind, message).await,
        Some(_) => return None,
    })
}

async fn send(shared: &Shared, message: &Message) -> Result<(u16, Value, Option<String>), String> {
    let client = crate::client::loopback();
    let base = format!("{}/chat/{}", shared.base_url, message.channel);
    let who = (message.channel.clone(), message.from.clone());
    let id = message
        .client_message_id
        .clone()
        .unwrap_or_else(crate::ids::random_uuid);
    // Held throughout: the messages of this endpoint arrive in the order in which they were posted.
    let mut tokens = shared.guests.tokens.lock().await;
    for fresh in [false, true] {
        let token = if let Some(token) = tokens.get(&who).filter(|_| !fresh) {
            token.clone()
        } else {
            let (status, session) = call(client.post(format!("{base}/sessions")), &json!({})).await?;
            let Some(token) = session.get("token").and_then(Value::as_str) else {
                return Ok((status, session, None));
            };
            tokens.insert(who.clone(), token.to_owned());
            token.to_owned()
        };
        let body = json!({"text": message.text, "client_message_id": id});
        let request = client.post(format!("{base}/messages")).bearer_auth(&token);
        let (status, answer) = call(request, &body).await?;
        // A session can end with the domain clock: one new one is opened, as a browser would.
        if status != 401 || fresh {
            return Ok((status, answer, Some(token)));
        }
    }
    Err("the webhook refuses every session".to_owned())
}

async fn call(request: reqwest::RequestBuilder, body: &Value) -> Result<(u16, Value), String> {
    let answer = request.json(body).send().await.map_err(|e| e.to_string())?;
    let status = answer.status().as_u16();
    let text = answer.text().await.map_err(|e| e.to_string())?;
    let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok((status, value))
}
