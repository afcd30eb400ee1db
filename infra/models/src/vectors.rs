//! Every sample answer and error of the providers, and what becomes of it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use usher_shared::knowledge::Passage;

use super::*;
use crate::draft::Draft;
use crate::failure::Failure;
use crate::heard::{Hints, Usage};
use crate::prompt::{Business, Line, Room};

/// What a sample must become: words, or a failure.
enum Becomes {
    Words(&'static str),
    Fails(Failure),
}

use Becomes::{Fails, Words};

/// Sample, provider, status with which it comes, and what becomes of it.
const SAMPLES: [(&str, Api, u16, Becomes); 20] = [
    (
        "anthropic-message-text.json",
        Api::Anthropic,
        200,
        Words("We are open Saturday 9-14."),
    ),
    (
        "anthropic-message-thinking-then-text.json",
        Api::Anthropic,
        200,
        Words("{\"reply\":\"ok\"}"),
    ),
    (
        "anthropic-message-max-tokens.json",
        Api::Anthropic,
        200,
        Fails(Failure::Truncated),
    ),
    (
        "anthropic-message-refusal.json",
        Api::Anthropic,
        200,
        Fails(Failure::Refused),
    ),
    // Tools were not offered.
    (
        "anthropic-message-tool-use.json",
        Api::Anthropic,
        200,
        Fails(Failure::Malformed),
    ),
    // Streams were not asked for: nothing may be sent before all of it was checked.
    (
        "anthropic-stream-text.sse",
        Api::Anthropic,
        200,
        Fails(Failure::Malformed),
    ),
    (
        "anthropic-error-400-sampling.json",
        Api::Anthropic,
        400,
        Fails(Failure::BadRequest),
    ),
    (
        "anthropic-error-429.json",
        Api::Anthropic,
        429,
        Fails(Failure::RateLimited),
    ),
    (
        "anthropic-error-429-spend-limit.json",
        Api::Anthropic,
        429,
        Fails(Failure::SpendLimit),
    ),
    (
        "anthropic-error-529.json",
        Api::Anthropic,
        529,
        Fails(Failure::Overloaded),
    ),
    (
        "openai-responses-text.json",
        Api::OpenAi,
        200,
        Words("{\"reply\":\"ok\"}"),
    ),
    (
        "openai-responses-function-call.json",
        Api::OpenAi,
        200,
        Fails(Failure::Malformed),
    ),
    // Of another API than the one that is asked.
    (
        "openai-chat-completion.json",
        Api::OpenAi,
        200,
        Fails(Failure::Malformed),
    ),
    (
        "openai-chat-refusal.json",
        Api::OpenAi,
        200,
        Fails(Failure::Malformed),
    ),
    (
        "openai-error-400-unsupported-parameter.json",
        Api::OpenAi,
        400,
        Fails(Failure::BadRequest),
    ),
    (
        "openai-error-401.json",
        Api::OpenAi,
        401,
        Fails(Failure::Unauthorised),
    ),
    (
        "openai-error-429-rate.json",
        Api::OpenAi,
        429,
        Fails(Failure::RateLimited),
    ),
    (
        "openai-error-429-quota.json",
        Api::OpenAi,
        429,
        Fails(Failure::SpendLimit),
    ),
    ("bedrock-converse.json", Api::Bedrock, 200, Words("We open at 9.")),
    (
        "bedrock-converse-tool-use.json",
        Api::Bedrock,
        200,
        Fails(Failure::Malformed),
    ),
];

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/models")
}

fn heard(status: u16, body: impl Into<Vec<u8>>) -> Heard {
    Heard {
        status,
        body: body.into(),
        hints: Hints::default(),
    }
}

#[test]
fn every_sample_of_the_providers_becomes_what_it_should() {
    let files = std::fs::read_dir(folder()).unwrap();
    let files: BTreeSet<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let known: BTreeSet<String> = SAMPLES.iter().map(|sample| sample.0.to_owned()).collect();
    assert_eq!(files, known);
    for (name, api, status, becomes) in SAMPLES {
        let body = std::fs::read(folder().join(name)).unwrap();
        match (said(api, &heard(status, body)), becomes) {
            (Ok(said), Words(words)) => {
                assert_eq!(said.text, words, "{name}");
                // Words alone are not the form that was asked for: they are never sent as they are.
                assert!(Draft::parse(&said.text).is_err(), "{name}");
            }
            (Err(failed), Fails(why)) => {
                assert_eq!(failed.why, why, "{name}");
                assert_eq!(failed.again, why.may_pass(), "{name}");
            }
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn tokens_are_counted_once_each_whoever_counts() {
    let usage = |api, name: &str| {
        let body = std::fs::read(folder().join(name)).unwrap();
        let said = said(api, &heard(200, body)).unwrap();
        (said.model, said.usage)
    };
    let anthropic = Usage {
        input: 812,
        cache_read: 2_048,
        cache_write: 0,
        output: 97,
    };
    assert_eq!(
        usage(Api::Anthropic, "anthropic-message-text.json"),
        ("claude-sonnet-5-5".to_owned(), anthropic)
    );
    let (model, counted) = usage(Api::OpenAi, "openai-responses-text.json");
    assert_eq!(
        (model.as_str(), counted.input, counted.output),
        ("gpt-6.1-terra", 328, 52)
    );
    let (_, counted) = usage(Api::Bedrock, "bedrock-converse.json");
    assert_eq!((counted.input, counted.output), (30, 8));
    // OpenAI's total has the cached ones in it.
    let mut body: Value =
        serde_json::from_slice(&std::fs::read(folder().join("openai-responses-text.json")).unwrap()).unwrap();
    body["usage"]["input_tokens_details"] = json!({"cached_tokens": 300, "cache_write_tokens": 8});
    let counted = said(Api::OpenAi, &heard(200, body.to_string())).unwrap().usage;
    assert_eq!(
        (counted.input, counted.cache_read, counted.cache_write),
        (20, 300, 8)
    );
}

#[test]
fn a_spend_limit_is_never_asked_again_whatever_headers_say() {
    for (api, name) in [
        (Api::Anthropic, "anthropic-error-429-spend-limit.json"),
        (Api::OpenAi, "openai-error-429-quota.json"),
    ] {
        let mut spent = heard(429, std::fs::read(folder().join(name)).unwrap());
        spent.hints.again = Some(true);
        spent.hints.after = Some(Duration::from_secs(1));
        let failed = said(api, &spent).unwrap_err();
        assert_eq!((failed.why, failed.again), (Failure::SpendLimit, false));
        assert_eq!(retry::wait(&failed, 1, 0), None);
    }
    let limited = std::fs::read(folder().join("anthropic-error-429.json")).unwrap();
    let mut limited = heard(429, limited);
    limited.hints.after = Some(Duration::from_secs(1));
    let failed = said(Api::Anthropic, &limited).unwrap_err();
    assert_eq!(retry::wait(&failed, 1, 0), Some(Duration::from_secs(1)));
}

#[test]
fn errors_of_bedrock_are_told_by_their_names() {
    for (name, status, why) in [
        ("ThrottlingException", 429, Failure::RateLimited),
        ("ModelNotReadyException", 429, Failure::Overloaded),
        ("ServiceUnavailableException", 503, Failure::Overloaded),
        ("ModelTimeoutException", 408, Failure::Unavailable),
        ("InternalServerException", 500, Failure::Unavailable),
        ("ModelErrorException", 424, Failure::Unavailable),
        ("ValidationException", 400, Failure::BadRequest),
        ("AccessDeniedException", 403, Failure::Unauthorised),
        ("ResourceNotFoundException", 404, Failure::UnknownModel),
        ("ServiceQuotaExceededException", 400, Failure::SpendLimit),
    ] {
        let mut answer = heard(status, r#"{"message":"no"}"#);
        answer.hints.error = Some(name.to_owned());
        assert_eq!(said(Api::Bedrock, &answer).unwrap_err().why, why, "{name}");
    }
    for reason in ["guardrail_intervened", "content_filtered"] {
        let body = json!({"stopReason": reason, "output": {"message": {"content": [{"text": "x"}]}}});
        let failed = said(Api::Bedrock, &heard(200, body.to_string())).unwrap_err();
        assert_eq!(failed.why, Failure::Refused);
    }
}

#[test]
fn a_refusal_and_an_answer_that_broke_off_are_no_answers_at_openai_either() {
    let with = |output: Value, status: &str, reason: Value| {
        json!({"object": "response", "status": status, "incomplete_details": reason, "model": "m", "output": output})
            .to_string()
    };
    let message = |block: Value| json!([{"type": "message", "content": [block]}]);
    let text = json!({"type": "output_text", "text": "{}"});
    for (body, why) in [
        (
            with(
                message(json!({"type": "refusal", "refusal": "no"})),
                "completed",
                Value::Null,
            ),
            Failure::Refused,
        ),
        (
            with(
                message(text.clone()),
                "incomplete",
                json!({"reason": "content_filter"}),
            ),
            Failure::Refused,
        ),
        (
            with(
                message(text.clone()),
                "incomplete",
                json!({"reason": "max_output_tokens"}),
            ),
            Failure::Truncated,
        ),
        (
            with(message(text), "in_progress", Value::Null),
            Failure::Malformed,
        ),
        (with(json!([]), "completed", Value::Null), Failure::Malformed),
    ] {
        assert_eq!(
            said(Api::OpenAi, &heard(200, body.clone())).unwrap_err().why,
            why,
            "{body}"
        );
    }
}

fn providers(provider: &str, model: &str, options: &Value) -> Providers {
    let entry = json!({"provider": provider, "model": model, "endpoint": "https://models.example",
        "zero_retention": {"agreed_on": "2026-10-01", "evidence": "contract 7"}});
    let link = json!({"provider": provider, "model": model, "endpoint": "https://models.example", "options": options});
    Providers::parse(&json!({"allowed": [entry], "chain": [link]}).to_string()).unwrap()
}

/// The body and the call that asks a model something.
fn asked(provider: &str, model: &str, options: &Value) -> (Call, Value) {
    let passage = Passage {
        id: "doc_1#p1".to_owned(),
        document: "doc_1".to_owned(),
        number: 1,
        source: String::new(),
        heading: "Prices".to_owned(),
        text: "The garden room costs 900 euros.".to_owned(),
    };
    let ask = Ask {
        business: Business {
            name: "Villa",
            ..Business::default()
        },
        language: None,
        room: Room::on(usher_shared::channel::ChannelKind::Instagram),
        history: &[
            Line {
                ours: false,
                text: "Hello",
            },
            Line {
                ours: true,
                text: "Welcome",
            },
        ],
        question: "How much is the garden room?",
        passages: &[&passage],
        intents: &["booking_request"],
    };
    let providers = providers(provider, model, options);
    let link = &providers.chain[0];
    let call = call(link.approved.as_ref().unwrap(), &link.wanted.options, &ask);
    let body = serde_json::from_slice(&call.body).unwrap();
    (call, body)
}

#[test]
fn anthropic_is_asked_with_a_cache_point_after_the_fixed_part() {
    let (call, body) = asked("anthropic", "claude-sonnet-5-5", &json!({}));
    assert_eq!(call.url, "https://models.example/v1/messages");
    assert!(
        call.headers
            .contains(&("anthropic-version", "2026-10-21".to_owned()))
    );
    assert_eq!(body["model"], "claude-sonnet-5-5");
    assert_eq!(body["system"][0]["cache_control"], json!({"type": "ephemeral"}));
    assert!(!body["system"][0]["text"].as_str().unwrap().contains("900 euros"));
    assert_eq!(body["output_config"]["format"]["type"], "json_schema");
    let roles: Vec<&str> = body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|turn| turn["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
    let last = &body["messages"][2]["content"];
    assert!(last[0]["text"].as_str().unwrap().contains("doc_1#p1"));
    assert_eq!(
        last[1],
        json!({"type": "text", "text": "How much is the garden room?"})
    );
}

#[test]
fn p_ai_01_openai_is_always_told_to_store_nothing() {
    for options in [json!({}), json!({"temperature": 0.2, "effort": "none"})] {
        let (call, body) = asked("openai", "gpt-6.1-terra", &options);
        assert_eq!(call.url, "https://models.example/v1/responses");
        assert_eq!(body["store"], false);
        assert_eq!(body["text"]["format"]["strict"], true);
        assert!(body.get("previous_response_id").is_none());
        assert_eq!(body["input"][1]["content"][0]["type"], "output_text");
    }
}

#[test]
fn bedrock_takes_the_schema_as_a_text_and_the_model_in_its_path() {
    let (call, body) = asked("bedrock", "eu.anthropic.claude-sonnet-5-5-v1:0", &json!({}));
    assert_eq!(
        call.url,
        "https://models.example/model/eu.anthropic.claude-sonnet-5-5-v1%3A0/converse"
    );
    assert_eq!(body["system"][1], json!({"cachePoint": {"type": "default"}}));
    let schema = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"]
        .as_str()
        .unwrap();
    let schema: Value = serde_json::from_str(schema).unwrap();
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn sampling_is_left_out_unless_it_is_configured() {
    let names = [
        "temperature",
        "top_p",
        "topP",
        "top_k",
        "thinking",
        "effort",
        "reasoning",
    ];
    for (provider, model) in [("anthropic", "a"), ("openai", "b"), ("bedrock", "c")] {
        let (call, _) = asked(provider, model, &json!({}));
        let body = String::from_utf8(call.body).unwrap();
        for name in names {
            assert!(!body.contains(&format!("\"{name}\"")), "{provider} {name}");
        }
        let (_, body) = asked(provider, model, &json!({"temperature": 0.5, "top_p": 0.9}));
        let of = |name: &str| {
            let place = if provider == "bedrock" {
                &body["inferenceConfig"]
            } else {
                &body
            };
            place[name].as_f64()
        };
        assert_eq!(of("temperature"), Some(0.5), "{provider}");
        assert_eq!(of("top_p").or(of("topP")), Some(0.9), "{provider}");
    }
}

#[test]
fn keys_go_into_headers_and_into_nothing_that_is_printed() {
    for (api, header, value) in [
        (Api::Anthropic, "x-api-key", "sk-secret"),
        (Api::OpenAi, "authorization", "Bearer sk-secret"),
    ] {
        let (mut call, _) = asked("anthropic", "m", &json!({}));
        authorize(api, &mut call, "sk-secret");
        assert!(call.headers.contains(&(header, value.to_owned())));
        assert!(!format!("{call:?}").contains("sk-secret"));
    }
    let (mut call, _) = asked("bedrock", "m", &json!({}));
    let before = call.clone();
    authorize(Api::Bedrock, &mut call, "sk-secret");
    assert!(call == before);
}

proptest! {
    #[test]
    fn no_answer_makes_a_parser_panic(status in 0_u16..1000, body in any::<Vec<u8>>(), cut in 0_usize..2000, sample in 0_usize..20) {
        let file = std::fs::read(folder().join(SAMPLES[sample].0)).unwrap();
        let torn = file.get(..cut.min(file.len())).unwrap().to_vec();
        for api in Api::ALL {
            for body in [body.clone(), torn.clone()] {
                let whole = body.len() == file.len();
                if let Ok(said) = said(api, &heard(status, body)) {
                    prop_assert!(whole && status == 200, "a torn answer is none");
                    prop_assert!(Draft::parse(&said.text).is_err());
                }
            }
        }
    }
}
