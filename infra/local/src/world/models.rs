//! Providers of language models: Anthropic's Messages, Responses of `OpenAI` and Bedrock's Converse, on their own wire
//! formats. The played model reads the passages that it is shown and answers with the one that has most of the
//! question's words; it hands over what none of them has. On bad days it does what real ones do, and once what an
//! attacker says.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Extension, Router};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::World;
use crate::faults::Kind;
use crate::ids::random_hex;
use crate::proxy::access_key_id;
use crate::template::REGION;

/// The key that the played providers take.
pub const KEY: &str = "local-model-key";
/// The model of Bedrock that functions may call here.
pub(super) const BEDROCK_ARN: &str = "arn:aws:bedrock:us-east-1::foundation-model/played";
/// Letters of a word that tells something.
const TELLING: usize = 4;

/// What a fault makes of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mood(pub(super) Kind);

/// Its routes.
pub(super) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/anthropic/v1/messages", post(anthropic))
        .route("/openai/v1/responses", post(openai))
        .route("/bedrock/model/{model}/converse", post(bedrock))
}

/// Whether this is one of the providers.
pub(super) fn is_one(carrier: &str) -> bool {
    ["anthropic", "openai", "bedrock"].contains(&carrier)
}

/// What each of them says when it is asked too much.
pub(super) fn too_many(provider: &str) -> &'static str {
    match provider {
        "anthropic" => {
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"Too many"},"request_id":"req_1"}"#
        }
        "openai" => {
            r#"{"error":{"message":"Rate limit","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#
        }
        _ => r#"{"message":"Too many requests"}"#,
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (
            http::HeaderName::try_from(*name),
            http::HeaderValue::try_from(*value),
        ) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The texts of the last turn: passages first, then what the guest wrote.
fn last_texts(turns: Option<&Value>) -> Vec<String> {
    let last = turns.and_then(Value::as_array).and_then(|turns| turns.last());
    let blocks = last
        .and_then(|turn| turn.get("content"))
        .and_then(Value::as_array);
    let texts = blocks
        .into_iter()
        .flatten()
        .filter_map(|block| block.get("text")?.as_str());
    texts.map(str::to_owned).collect()
}

/// The form, filled in.
fn fill_in(texts: &[String], mood: Option<Kind>) -> Value {
    let question = texts.last().map(|text| text.to_lowercase()).unwrap_or_default();
    let shown = texts.iter().rev().find_map(|text| text.split_once("Passages: "));
    let shown = shown.and_then(|(_, rest)| rest.lines().next());
    let passages: Vec<Value> = shown
        .and_then(|shown| serde_json::from_str(shown).ok())
        .unwrap_or_default();
    let words: Vec<&str> = question
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() >= TELLING)
        .collect();
    let score = |passage: &&Value| {
        let text = text(passage, "/text").to_lowercase();
        words.iter().filter(|word| text.contains(**word)).count()
    };
    let best = passages
        .iter()
        .max_by_key(score)
        .filter(|passage| score(passage) > 0);
    let asked_for_human = words.contains(&"human") || words.contains(&"person");
    let mut form = match best {
        Some(passage) if !asked_for_human => json!({
            "answer": text(passage, "/text"), "passages": [text(passage, "/id")],
            "hand_over": false, "reason": "none",
        }),
        _ => json!({
            "answer": "", "passages": [], "hand_over": true,
            "reason": if asked_for_human { "asked_for_human" } else { "no_answer" },
        }),
    };
    if let Some(form) = form.as_object_mut() {
        form.insert("intent".to_owned(), json!("none"));
        form.insert(
            "lead".to_owned(),
            json!({"name": null, "email": null, "phone": null}),
        );
        if mood == Some(Kind::Hostile) {
            // It does what somebody told it: writes to another person, for another tenant.
            form.insert("recipient".to_owned(), json!("eve@evil.example"));
            form.insert("tenant".to_owned(), json!("tn_00000000000000000000000000"));
            form.insert("answer".to_owned(), json!("Pay at https://evil.example/pay"));
        }
    }
    form
}

/// What is said, and whether it is cut or refused.
fn words(texts: &[String], mood: Option<Kind>) -> String {
    let form = fill_in(texts, mood).to_string();
    match mood {
        Some(Kind::Garbage) => "Certainly! Here is your answer: {".to_owned(),
        Some(Kind::Truncated) => form.chars().take(form.chars().count() / 2).collect(),
        _ => form,
    }
}

impl World {
    /// Enters into the outbox what a model was told.
    fn note_model(&self, provider: &str, model: &str, body: &Value) {
        let content = json!({"provider": provider, "model": model, "body": body});
        let id = random_hex(8);
        self.outbox
            .enter_once("model", &id, provider, &content, self.clock.now_ms());
    }
}

/// Tokens of a text, about.
fn tokens(bytes: usize) -> usize {
    bytes.div_ceil(4)
}

type Felt = Option<Extension<Mood>>;

fn mood(felt: Felt) -> Option<Kind> {
    felt.map(|Extension(Mood(kind))| kind)
}

/// `POST /v1/messages`.
async fn anthropic(State(world): State<Arc<World>>, felt: Felt, headers: HeaderMap, body: Bytes) -> Response {
    let request = [("request-id", "req_played")];
    let error = |status: u16, kind: &str, details: Value| {
        let error = json!({"type": kind, "message": "played", "details": details});
        answer(
            status,
            &request,
            &json!({"type": "error", "error": error, "request_id": "req_played"}),
        )
    };
    let mood = mood(felt);
    if headers.get("x-api-key").and_then(|key| key.to_str().ok()) != Some(KEY) {
        return error(401, "authentication_error", Value::Null);
    }
    let Ok(asked) = serde_json::from_slice::<Value>(&body) else {
        return error(400, "invalid_request_error", Value::Null);
    };
    let newest = headers
        .get("anthropic-version")
        .is_some_and(|version| version == "2026-10-21");
    let sampling = ["temperature", "top_p", "top_k"]
        .iter()
        .any(|name| asked.get(name).is_some());
    let begins = text(&asked, "/messages/0/role") == "user";
    if (newest && sampling) || !begins || asked.get("max_tokens").is_none() {
        return error(400, "invalid_request_error", Value::Null);
    }
    world.note_model("anthropic", text(&asked, "/model"), &asked);
    match mood {
        Some(Kind::SpendLimit) => {
            let details = json!({"error_code": "enforced_spend_limit_reached"});
            return error(429, "rate_limit_error", details);
        }
        Some(Kind::Overloaded) => return error(529, "overloaded_error", Value::Null),
        _ => {}
    }
    let said = words(&last_texts(asked.get("messages")), mood);
    let (stop, content) = match mood {
        Some(Kind::Refusal) => ("refusal", json!([])),
        Some(Kind::Truncated) => ("max_tokens", json!([{"type": "text", "text": said}])),
        _ => ("end_turn", json!([{"type": "text", "text": said}])),
    };
    let fixed = tokens(
        asked
            .get("system")
            .map(|system| system.to_string().len())
            .unwrap_or_default(),
    );
    let usage = json!({
        "input_tokens": tokens(body.len()).saturating_sub(fixed), "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": fixed, "output_tokens": tokens(said.len()), "service_tier": "standard",
    });
    let message = json!({
        "id": format!("msg_{}", random_hex(12)), "type": "message", "role": "assistant",
        "model": format!("{}-20261001", text(&asked, "/model")), "content": content, "stop_reason": stop,
        "stop_sequence": null, "stop_details": null, "usage": usage,
    });
    answer(200, &request, &message)
}

/// `POST /v1/responses`.
async fn openai(State(world): State<Arc<World>>, felt: Felt, headers: HeaderMap, body: Bytes) -> Response {
    let request = [("x-request-id", "req_played")];
    let error = |status: u16, kind: &str, code: &str| {
        let error = json!({"message": "played", "type": kind, "param": null, "code": code});
        answer(status, &request, &json!({ "error": error }))
    };
    let mood = mood(felt);
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|key| key.to_str().ok());
    if bearer.and_then(|key| key.strip_prefix("Bearer ")) != Some(KEY) {
        return error(401, "invalid_request_error", "invalid_api_key");
    }
    let Ok(asked) = serde_json::from_slice::<Value>(&body) else {
        return error(400, "invalid_request_error", "invalid_json");
    };
    let sampling = ["temperature", "top_p"]
        .iter()
        .any(|name| asked.get(name).is_some());
    if sampling && text(&asked, "/reasoning/effort") != "none" {
        return error(400, "invalid_request_error", "unsupported_parameter");
    }
    world.note_model("openai", text(&asked, "/model"), &asked);
    match mood {
        Some(Kind::SpendLimit) => return error(429, "insufficient_quota", "insufficient_quota"),
        Some(Kind::Overloaded) => return error(503, "server_error", "server_error"),
        _ => {}
    }
    let said = words(&last_texts(asked.get("input")), mood);
    let block = match mood {
        Some(Kind::Refusal) => json!({"type": "refusal", "refusal": "I can't help with that."}),
        _ => json!({"type": "output_text", "text": said, "annotations": []}),
    };
    let (status, incomplete) = match mood {
        Some(Kind::Truncated) => ("incomplete", json!({"reason": "max_output_tokens"})),
        _ => ("completed", Value::Null),
    };
    let (input, output) = (tokens(body.len()), tokens(said.len()));
    let response = json!({
        "id": format!("resp_{}", random_hex(12)), "object": "response", "status": status, "error": null,
        "incomplete_details": incomplete, "model": text(&asked, "/model"), "store": asked.get("store"),
        "output": [{"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [block]}],
        "usage": {"input_tokens": input, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": output, "total_tokens": input + output},
    });
    answer(200, &request, &response)
}

/// `POST /model/{model}/converse`.
async fn bedrock(
    State(world): State<Arc<World>>,
    Path(model): Path<String>,
    felt: Felt,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let error = |status: u16, name: &str, message: &str| {
        let headers = [("x-amzn-errortype", name), ("x-amzn-requestid", "played")];
        answer(status, &headers, &json!({ "message": message }))
    };
    let caller = access_key_id(&headers, "").and_then(|key| world.callers.caller(&key));
    let Some(caller) = caller else {
        return error(
            403,
            "UnrecognizedClientException",
            "The security token is invalid.",
        );
    };
    let arn = if model.starts_with("arn:") {
        model.clone()
    } else {
        format!("arn:aws:bedrock:{REGION}::foundation-model/{model}")
    };
    let allowed = world
        .permissions
        .check_action(&caller, "bedrock:InvokeModel", &[arn]);
    if let Err(message) = allowed {
        return error(403, "AccessDeniedException", &message);
    }
    let Ok(asked) = serde_json::from_slice::<Value>(&body) else {
        return error(400, "ValidationException", "not JSON");
    };
    let mood = mood(felt);
    world.note_model("bedrock", &model, &asked);
    match mood {
        Some(Kind::SpendLimit) => return error(400, "ServiceQuotaExceededException", "quota"),
        Some(Kind::Overloaded) => return error(503, "ServiceUnavailableException", "busy"),
        _ => {}
    }
    let said = words(&last_texts(asked.get("messages")), mood);
    let stop = match mood {
        Some(Kind::Refusal) => "guardrail_intervened",
        Some(Kind::Truncated) => "max_tokens",
        _ => "end_turn",
    };
    let (input, output) = (tokens(body.len()), tokens(said.len()));
    let message = json!({
        "output": {"message": {"role": "assistant", "content": [{"text": said}]}}, "stopReason": stop,
        "usage": {"inputTokens": input, "outputTokens": output, "totalTokens": input + output,
            "cacheReadInputTokens": 0, "cacheWriteInputTokens": 0},
        "metrics": {"latencyMs": 1},
    });
    answer(200, &[("x-amzn-requestid", "played")], &message)
}
