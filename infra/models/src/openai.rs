//! Responses of `OpenAI`.

use serde_json::{Value, json};
use usher_carriers::call::{Call, Method};

use crate::anthropic::{set, texts};
use crate::approved::{Approved, Options};
use crate::failure::{Failed, Failure};
use crate::heard::{Heard, Said, Usage};
use crate::prompt::Ask;

pub(crate) fn call(approved: &Approved, options: &Options, ask: &Ask<'_>) -> Call {
    let turns: Vec<Value> = ask
        .turns()
        .into_iter()
        .map(|turn| {
            let (role, kind) = if turn.ours {
                ("assistant", "output_text")
            } else {
                ("user", "input_text")
            };
            let blocks: Vec<Value> = turn
                .texts
                .iter()
                .map(|text| json!({"type": kind, "text": text}))
                .collect();
            json!({"role": role, "content": blocks})
        })
        .collect();
    let (name, schema) = ask.schema();
    let mut body = json!({
        "model": approved.model(),
        "max_output_tokens": options.max_output_tokens,
        // Not an option: there is no way to ask for what is kept. Its prompt cache needs no word of ours; it goes by
        // what requests begin with.
        "store": false,
        "instructions": ask.system(),
        "input": turns,
        "text": {"format": {"type": "json_schema", "name": name, "schema": schema, "strict": true}},
    });
    if let Some(effort) = &options.effort {
        set(&mut body, "", "reasoning", json!({"effort": effort}));
    }
    for (name, value) in [("temperature", options.temperature), ("top_p", options.top_p)] {
        if let Some(value) = value {
            set(&mut body, "", name, json!(value));
        }
    }
    Call {
        method: Method::Post,
        url: format!("{}/v1/responses", approved.endpoint()),
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    }
}

pub(crate) fn said(heard: &Heard) -> Result<Said, Failed> {
    let body: Value = serde_json::from_slice(&heard.body).unwrap_or_default();
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if heard.status != 200 || text("/object") != "response" {
        return Err(failed(heard, &body));
    }
    match (text("/status"), text("/incomplete_details/reason")) {
        ("completed", _) => {}
        ("incomplete", "content_filter") => return Err(heard.failed(Failure::Refused)),
        ("incomplete", _) => return Err(heard.failed(Failure::Truncated)),
        ("failed", _) => return Err(failed(heard, &body)),
        _ => return Err(heard.failed(Failure::Malformed)),
    }
    let items = body.pointer("/output").and_then(Value::as_array);
    let contents = || {
        let items = items.into_iter().flatten();
        let messages = items.filter(|item| item.pointer("/type").and_then(Value::as_str) == Some("message"));
        messages.filter_map(|message| message.pointer("/content"))
    };
    let is_refusal = |block: &Value| block.pointer("/type").and_then(Value::as_str) == Some("refusal");
    let refused = contents().filter_map(Value::as_array).flatten().any(is_refusal);
    if refused {
        return Err(heard.failed(Failure::Refused));
    }
    let words: String = contents()
        .map(|content| texts(Some(content), "/type", "output_text", "/text"))
        .collect();
    if words.is_empty() {
        // A call of a function that was not offered, or thoughts alone.
        return Err(heard.failed(Failure::Malformed));
    }
    let count = |pointer: &str| body.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    let (read, write) = (
        count("/usage/input_tokens_details/cached_tokens"),
        count("/usage/input_tokens_details/cache_write_tokens"),
    );
    Ok(Said {
        text: words,
        model: text("/model").to_owned(),
        usage: Usage {
            // Here the total has the cached ones in it.
            input: count("/usage/input_tokens")
                .saturating_sub(read)
                .saturating_sub(write),
            cache_read: read,
            cache_write: write,
            output: count("/usage/output_tokens"),
        },
    })
}

fn failed(heard: &Heard, body: &Value) -> Failed {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match (text("/error/code"), text("/error/type")) {
        ("insufficient_quota" | "billing_hard_limit_reached", _) | (_, "insufficient_quota") => {
            heard.failed(Failure::SpendLimit)
        }
        ("rate_limit_exceeded", _) => heard.failed(Failure::RateLimited),
        ("invalid_api_key", _) => heard.failed(Failure::Unauthorised),
        ("model_not_found", _) => heard.failed(Failure::UnknownModel),
        ("server_error", _) => heard.failed(Failure::Unavailable),
        _ => heard.by_status(),
    }
}
