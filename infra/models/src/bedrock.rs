//! Amazon Bedrock's Converse.

use serde_json::{Value, json};
use usher_carriers::call::{Call, Method};
use usher_carriers::urlencoded::escape;

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
            let blocks: Vec<Value> = turn.texts.iter().map(|text| json!({"text": text})).collect();
            json!({"role": if turn.ours { "assistant" } else { "user" }, "content": blocks})
        })
        .collect();
    let (name, schema) = ask.schema();
    let mut body = json!({
        // What stands before the cache point is the same for the tenant's next question.
        "system": [{"text": ask.system()}, {"cachePoint": {"type": "default"}}],
        "messages": turns,
        "inferenceConfig": {"maxTokens": options.max_output_tokens},
        // The schema is a text here.
        "outputConfig": {"textFormat": {"type": "json_schema",
            "structure": {"jsonSchema": {"name": name, "schema": schema.to_string()}}}},
    });
    if let Some(effort) = &options.effort {
        set(&mut body, "/outputConfig", "effort", json!(effort));
    }
    for (name, value) in [("temperature", options.temperature), ("topP", options.top_p)] {
        if let Some(value) = value {
            set(&mut body, "/inferenceConfig", name, json!(value));
        }
    }
    let mut url = format!("{}/model/", approved.endpoint());
    escape(approved.model(), &mut url);
    url.push_str("/converse");
    Call {
        method: Method::Post,
        url,
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    }
}

pub(crate) fn said(heard: &Heard) -> Result<Said, Failed> {
    let body: Value = serde_json::from_slice(&heard.body).unwrap_or_default();
    if heard.status != 200 {
        return Err(failed(heard, &body));
    }
    match body.pointer("/stopReason").and_then(Value::as_str) {
        Some("end_turn" | "stop_sequence") => {}
        Some("guardrail_intervened" | "content_filtered") => return Err(heard.failed(Failure::Refused)),
        Some("max_tokens" | "model_context_window_exceeded") => {
            return Err(heard.failed(Failure::Truncated));
        }
        _ => return Err(heard.failed(Failure::Malformed)),
    }
    let count = |pointer: &str| body.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    Ok(Said {
        text: texts(body.pointer("/output/message/content"), "", "", "/text"),
        // It answers for the model that was asked, and does not say more.
        model: String::new(),
        usage: Usage {
            input: count("/usage/inputTokens"),
            cache_read: count("/usage/cacheReadInputTokens"),
            cache_write: count("/usage/cacheWriteInputTokens"),
            output: count("/usage/outputTokens"),
        },
    })
}

fn failed(heard: &Heard, body: &Value) -> Failed {
    let named = heard.hints.error.as_deref();
    let named = named.or_else(|| body.pointer("/__type").and_then(Value::as_str));
    match named.unwrap_or_default() {
        "ThrottlingException" => heard.failed(Failure::RateLimited),
        "ServiceQuotaExceededException" => heard.failed(Failure::SpendLimit),
        "ModelNotReadyException" | "ServiceUnavailableException" => heard.failed(Failure::Overloaded),
        "ModelTimeoutException" | "InternalServerException" | "ModelErrorException" => {
            heard.failed(Failure::Unavailable)
        }
        "AccessDeniedException" | "UnrecognizedClientException" => heard.failed(Failure::Unauthorised),
        "ResourceNotFoundException" => heard.failed(Failure::UnknownModel),
        "ValidationException" => heard.failed(Failure::BadRequest),
        _ => heard.by_status(),
    }
}
