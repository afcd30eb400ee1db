//! Anthropic's Messages.

use serde_json::{Value, json};
use usher_carriers::call::{Call, Method};

use crate::approved::{Approved, Options};
use crate::failure::{Failed, Failure};
use crate::heard::{Heard, Said, Usage};
use crate::prompt::Ask;

pub(crate) fn call(approved: &Approved, options: &Options, ask: &Ask<'_>) -> Call {
    let turns: Vec<Value> = ask
        .turns()
        .into_iter()
        .map(|turn| {
            let blocks: Vec<Value> = turn
                .texts
                .iter()
                .map(|text| json!({"type": "text", "text": text}))
                .collect();
            json!({"role": if turn.ours { "assistant" } else { "user" }, "content": blocks})
        })
        .collect();
    let (_, schema) = ask.schema();
    let mut body = json!({
        "model": approved.model(),
        "max_tokens": options.max_output_tokens,
        // Everything up to here is the same for the tenant's next question.
        "system": [{"type": "text", "text": ask.system(), "cache_control": {"type": "ephemeral"}}],
        "messages": turns,
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
    });
    if let Some(effort) = &options.effort {
        set(&mut body, "/output_config", "effort", json!(effort));
    }
    if let Some(thinking) = &options.thinking {
        set(&mut body, "", "thinking", json!({"type": thinking}));
    }
    for (name, value) in [("temperature", options.temperature), ("top_p", options.top_p)] {
        if let Some(value) = value {
            set(&mut body, "", name, json!(value));
        }
    }
    Call {
        method: Method::Post,
        url: format!("{}/v1/messages", approved.endpoint()),
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("anthropic-version", options.version.clone()),
        ],
        body: body.to_string().into_bytes(),
    }
}

/// Sets a field of the object at `pointer`.
pub(crate) fn set(body: &mut Value, pointer: &str, name: &str, value: Value) {
    if let Some(object) = body.pointer_mut(pointer).and_then(Value::as_object_mut) {
        object.insert(name.to_owned(), value);
    }
}

pub(crate) fn said(heard: &Heard) -> Result<Said, Failed> {
    let body: Value = serde_json::from_slice(&heard.body).unwrap_or_default();
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if heard.status != 200 || text("/type") != "message" {
        return Err(failed(heard, &body));
    }
    match text("/stop_reason") {
        "end_turn" | "stop_sequence" => {}
        "refusal" => return Err(heard.failed(Failure::Refused)),
        "max_tokens" | "model_context_window_exceeded" => return Err(heard.failed(Failure::Truncated)),
        // No tool was offered, and nothing was to be paused.
        _ => return Err(heard.failed(Failure::Malformed)),
    }
    let count = |pointer: &str| body.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    Ok(Said {
        text: texts(body.pointer("/content"), "/type", "text", "/text"),
        model: text("/model").to_owned(),
        usage: Usage {
            input: count("/usage/input_tokens"),
            cache_read: count("/usage/cache_read_input_tokens"),
            cache_write: count("/usage/cache_creation_input_tokens"),
            output: count("/usage/output_tokens"),
        },
    })
}

/// The texts of those blocks that are texts, whatever stands before or between them.
pub(crate) fn texts(blocks: Option<&Value>, kind: &str, wanted: &str, text: &str) -> String {
    let blocks = blocks.and_then(Value::as_array).into_iter().flatten();
    let own =
        blocks.filter(|block| kind.is_empty() || block.pointer(kind).and_then(Value::as_str) == Some(wanted));
    own.filter_map(|block| block.pointer(text)?.as_str()).collect()
}

fn failed(heard: &Heard, body: &Value) -> Failed {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let spent = text("/error/details/error_code").contains("spend_limit");
    match text("/error/type") {
        _ if spent => heard.failed(Failure::SpendLimit),
        "billing_error" => heard.failed(Failure::SpendLimit),
        "rate_limit_error" => heard.failed(Failure::RateLimited),
        "overloaded_error" => heard.failed(Failure::Overloaded),
        "api_error" | "timeout_error" | "conflict_error" => heard.failed(Failure::Unavailable),
        "authentication_error" | "permission_error" => heard.failed(Failure::Unauthorised),
        "not_found_error" => heard.failed(Failure::UnknownModel),
        "invalid_request_error" | "request_too_large" => heard.failed(Failure::BadRequest),
        _ => heard.by_status(),
    }
}
