#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use usher_aws::batch::run_batch;
use usher_aws::deadline::Deadline;
use usher_carriers::call::Call;
use usher_models::heard::{Heard, Hints};
use usher_models::prompt::Business;
use usher_shared::Timestamp;
use usher_shared::channel::ChannelKind;
use usher_shared::ids::DocumentId;
use usher_shared::intents::Intents;
use usher_shared::knowledge::{Format, Index, split};

use super::super::wire::Hearing;
use super::*;

const QUESTION: &str = "I am Ann. How much does the garden room cost?";
/// What the built-in provider finds for it.
const BUILTIN: &str = "The garden room costs 900 euros a day.";

/// One answer of a played provider.
#[derive(Clone)]
enum Step {
    Says(u16, String),
    Asks(u16, String, Duration),
    Breaks,
    Silent,
    /// After a while.
    Later(Duration, String),
}

/// Plays providers by a script, the same for all of them, and notes what it was told.
struct Script {
    steps: Mutex<VecDeque<Step>>,
    told: Mutex<Vec<(String, String)>>,
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Script {
    fn of(steps: impl IntoIterator<Item = Step>) -> Arc<Self> {
        Arc::new(Self {
            steps: Mutex::new(steps.into_iter().collect()),
            told: Mutex::default(),
            now: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
        })
    }

    fn told(&self) -> Vec<(String, String)> {
        self.told.lock().unwrap().clone()
    }
}

impl Wire for Script {
    fn say<'a>(&'a self, _: &'a Approved, call: Call, _: Duration) -> Hearing<'a> {
        let step = self.steps.lock().unwrap().pop_front();
        let body = String::from_utf8(call.body).unwrap();
        self.told.lock().unwrap().push((call.url, body));
        let heard = |status, body: String| Heard {
            status,
            body: body.into_bytes(),
            hints: Hints::default(),
        };
        Box::pin(async move {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.peak.fetch_max(now, Ordering::SeqCst);
            let answer = match step {
                None => panic!("nobody expected this call"),
                Some(Step::Says(status, body)) => Ok(heard(status, body)),
                Some(Step::Asks(status, body, after)) => {
                    let mut heard = heard(status, body);
                    heard.hints.after = Some(after);
                    Ok(heard)
                }
                Some(Step::Breaks) => Err(Failure::Unavailable),
                Some(Step::Silent) => std::future::pending().await,
                Some(Step::Later(after, body)) => {
                    tokio::time::sleep(after).await;
                    Ok(heard(200, body))
                }
            };
            self.now.fetch_sub(1, Ordering::SeqCst);
            answer
        })
    }
}

/// No chance: no jitter.
struct Never;

impl Entropy for Never {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn document() -> DocumentId {
    DocumentId::derived(Timestamp::from_millis(1), [1; 10])
}

fn form(passage: &str) -> Value {
    json!({"answer": "It is 900 euros a day.", "passages": [passage], "hand_over": false, "reason": "none",
        "intent": "pricing_inquiry", "lead": {"name": "Ann", "email": null, "phone": null}})
}

/// A message of Anthropic's with these words.
fn message(words: &str, stop: &str) -> String {
    json!({"type": "message", "model": "claude-sonnet-5-5-20261001", "stop_reason": stop,
        "content": [{"type": "text", "text": words}], "usage": {"input_tokens": 30, "cache_read_input_tokens": 20,
        "cache_creation_input_tokens": 10, "output_tokens": 5}})
    .to_string()
}

fn good() -> String {
    message(&form(&format!("{}#p1", document())).to_string(), "end_turn")
}

/// An answer of `OpenAI`.
fn response() -> String {
    let words = form(&format!("{}#p1", document())).to_string();
    json!({"object": "response", "status": "completed", "model": "gpt-6.1-terra",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": words}]}],
        "usage": {"input_tokens": 30, "output_tokens": 5}})
    .to_string()
}

fn providers(chain: &[(&str, &str)], fallback: &str) -> Providers {
    let endpoint = |provider: &str| format!("https://{provider}.example");
    let allowed = ["anthropic", "openai"].map(|provider| {
        json!({"provider": provider, "model": "m", "endpoint": endpoint(provider),
            "zero_retention": {"agreed_on": "2026-10-01", "evidence": "contract 7"}})
    });
    let chain: Vec<Value> = chain
        .iter()
        .map(|(provider, model)| {
            json!({"provider": provider, "model": model, "endpoint": endpoint(provider), "options": {"attempt_seconds": 1}})
        })
        .collect();
    let text = json!({"allowed": allowed, "chain": chain, "fallback": fallback}).to_string();
    Providers::parse(&text).unwrap()
}

fn chain(script: &Arc<Script>, chain: &[(&str, &str)], fallback: &str) -> Chain {
    Chain::new(
        providers(chain, fallback),
        Arc::clone(script) as Arc<dyn Wire>,
        Arc::new(Never),
    )
}

async fn ask_within(chain: &Chain, time: Duration) -> Reply {
    let text = "# Prices\n\n## Room hire\n\nThe garden room costs 900 euros a day.\n";
    let index = Index::build(split(&document().to_string(), "Prices", Format::Markdown, text));
    let hits = index.search(QUESTION, 5);
    let prompt = Prompt {
        business: Business {
            name: "Villa",
            ..Business::default()
        },
        heard: crate::heard::Heard::ours(QUESTION, vec![]),
        intents: &Intents::default(),
        index: &index,
        passages: hits.iter().map(|hit| hit.passage).collect(),
        channel: ChannelKind::WebChat,
        time,
    };
    chain.reply(&prompt).await
}

async fn ask(chain: &Chain) -> Reply {
    ask_within(chain, Duration::from_secs(10)).await
}

fn flags(reply: &Reply) -> Vec<&str> {
    reply.notes.iter().map(|note| note.label().as_str()).collect()
}

fn text(reply: &Reply) -> Option<&str> {
    match &reply.outcome {
        Outcome::Answer { text, .. } => Some(text),
        _ => None,
    }
}

#[tokio::test]
async fn p_col_04_a_reply_says_who_made_it_from_what_to_the_letter_and_what_it_took() {
    let script = Script::of([Step::Says(200, good())]);
    let reply = ask(&chain(&script, &[("anthropic", "m")], "builtin")).await;
    assert_eq!(text(&reply), Some("It is 900 euros a day."));
    let Made {
        provider,
        model,
        prompt,
        usage,
    } = &reply.made;
    assert_eq!(
        (provider.as_str(), model.as_str()),
        ("anthropic", "claude-sonnet-5-5-20261001")
    );
    let [(url, body)] = <[_; 1]>::try_from(script.told()).unwrap();
    assert_eq!(url, "https://anthropic.example/v1/messages");
    assert_eq!(*prompt, body, "what left is what is kept");
    assert!(body.contains("900 euros") && body.contains(QUESTION));
    let expected = Usage {
        input: 30,
        cache_read: 20,
        cache_write: 10,
        output: 5,
    };
    assert_eq!(*usage, expected);
    assert_eq!(reply.intent.as_ref().map(Label::as_str), Some("pricing_inquiry"));
    assert_eq!(reply.lead.name.as_deref(), Some("Ann"));
}

#[tokio::test]
async fn p_ai_01_what_the_list_does_not_name_is_told_nothing() {
    let script = Script::of([]);
    let unlisted = [("anthropic", "another"), ("bedrock", "m")];
    let reply = ask(&chain(&script, &unlisted, "builtin")).await;
    assert!(script.told().is_empty());
    assert_eq!(text(&reply), Some(BUILTIN));
    assert_eq!(reply.made.provider.as_str(), "builtin");
    // The next one of the chain is asked, if it is listed.
    let script = Script::of([Step::Says(200, response())]);
    let reply = ask(&chain(
        &script,
        &[("anthropic", "another"), ("openai", "m")],
        "builtin",
    ))
    .await;
    assert_eq!(script.told().len(), 1);
    assert_eq!(reply.made.provider.as_str(), "openai");
}

/// A bad day, how often the model is asked, and the flags of the answer.
fn bad_days() -> Vec<(&'static str, Vec<Step>, Vec<&'static str>)> {
    let error = |kind: &str| json!({"type": "error", "error": {"type": kind, "message": "x"}}).to_string();
    let spent = json!({"type": "error", "error": {"type": "rate_limit_error", "message": "x",
        "details": {"error_code": "enforced_spend_limit_reached"}}})
    .to_string();
    let hostile = {
        let mut form = form("doc");
        form["recipient"] = json!("+15550199");
        message(&form.to_string(), "end_turn")
    };
    let overloaded = || Step::Says(529, error("overloaded_error"));
    vec![
        (
            "overloaded twice",
            vec![overloaded(), overloaded()],
            vec!["anthropic.overloaded"],
        ),
        (
            "lost twice",
            vec![Step::Breaks, Step::Breaks],
            vec!["anthropic.unavailable"],
        ),
        (
            "spent",
            vec![Step::Says(429, spent)],
            vec!["anthropic.spend_limit"],
        ),
        (
            "key",
            vec![Step::Says(401, error("authentication_error"))],
            vec!["anthropic.unauthorised"],
        ),
        (
            "parameter",
            vec![Step::Says(400, error("invalid_request_error"))],
            vec!["anthropic.bad_request"],
        ),
        (
            "model",
            vec![Step::Says(404, error("not_found_error"))],
            vec!["anthropic.unknown_model"],
        ),
        (
            "told to wait for too long",
            vec![Step::Asks(429, error("rate_limit_error"), Duration::from_mins(1))],
            vec!["anthropic.rate_limited"],
        ),
        (
            "garbage",
            vec![Step::Says(200, "<html>".to_owned())],
            vec!["anthropic.malformed"],
        ),
        (
            "words",
            vec![Step::Says(200, message("900.", "end_turn"))],
            vec!["anthropic.malformed"],
        ),
        (
            "a field more",
            vec![Step::Says(200, hostile)],
            vec!["anthropic.malformed"],
        ),
        (
            "cut",
            vec![Step::Says(200, message("{\"ans", "max_tokens"))],
            vec!["anthropic.truncated"],
        ),
        // Cut, though it reads well.
        (
            "cut well",
            vec![Step::Says(200, good().replace("end_turn", "max_tokens"))],
            vec!["anthropic.truncated"],
        ),
    ]
}

#[tokio::test]
async fn every_bad_day_of_the_only_model_ends_in_an_answer_or_with_a_person() {
    for (day, steps, expected) in bad_days() {
        let script = Script::of(steps.clone());
        let reply = ask(&chain(&script, &[("anthropic", "m")], "builtin")).await;
        assert_eq!(text(&reply), Some(BUILTIN), "{day}");
        assert_eq!(flags(&reply), expected, "{day}");
        assert_eq!(script.told().len(), steps.len(), "{day}");

        let script = Script::of(steps);
        let reply = ask(&chain(&script, &[("anthropic", "m")], "hand_over")).await;
        assert_eq!(reply.outcome, Outcome::Failed, "{day}");
        assert_eq!(
            reply.made.provider.as_str(),
            "anthropic",
            "{day}: it was told the question"
        );
        assert_eq!(reply.made.prompt, script.told()[0].1, "{day}");
    }
}

#[tokio::test]
async fn the_next_model_answers_for_one_that_fails() {
    for (day, mut steps, mut expected) in bad_days() {
        steps.push(Step::Says(200, response()));
        let script = Script::of(steps);
        let reply = ask(&chain(&script, &[("anthropic", "m"), ("openai", "m")], "builtin")).await;
        assert_eq!(text(&reply), Some("It is 900 euros a day."), "{day}");
        assert_eq!(reply.made.provider.as_str(), "openai", "{day}");
        expected.truncate(1);
        assert_eq!(flags(&reply), expected, "{day}");
    }
}

#[tokio::test]
async fn what_passes_is_asked_once_more() {
    let limited = json!({"type": "error", "error": {"type": "rate_limit_error"}}).to_string();
    let wait = Duration::from_millis(300);
    let script = Script::of([Step::Asks(429, limited, wait), Step::Says(200, good())]);
    let began = Instant::now();
    let reply = ask(&chain(&script, &[("anthropic", "m")], "builtin")).await;
    assert_eq!(text(&reply), Some("It is 900 euros a day."));
    assert!(flags(&reply).is_empty());
    assert!(began.elapsed() >= wait, "it waited as it was told");
}

#[tokio::test]
async fn a_model_that_declines_is_not_replaced_by_one_that_might_not() {
    let script = Script::of([Step::Says(200, message("", "refusal"))]);
    let reply = ask(&chain(&script, &[("anthropic", "m"), ("openai", "m")], "builtin")).await;
    assert_eq!(reply.outcome, Outcome::Failed);
    assert_eq!(flags(&reply), ["anthropic.refused"]);
    assert_eq!(script.told().len(), 1);
}

#[tokio::test]
async fn nobody_waits_for_a_model_that_is_silent() {
    let script = Script::of([Step::Silent, Step::Silent]);
    let began = Instant::now();
    let silent = chain(&script, &[("anthropic", "m"), ("openai", "m")], "builtin");
    let reply = ask(&silent).await;
    assert_eq!(text(&reply), Some(BUILTIN));
    assert_eq!(flags(&reply), ["anthropic.time_up", "openai.time_up"]);
    assert!(began.elapsed() < Duration::from_secs(5), "a second each");

    // Without time nobody is asked.
    let script = Script::of([]);
    let unasked = chain(&script, &[("anthropic", "m")], "builtin");
    let reply = ask_within(&unasked, Duration::from_secs(1)).await;
    assert_eq!(
        (text(&reply), flags(&reply)),
        (Some(BUILTIN), vec!["anthropic.time_up"])
    );
}

#[tokio::test]
async fn a_model_that_keeps_failing_is_left_alone_for_a_while() {
    let script = Script::of([Step::Breaks, Step::Breaks, Step::Breaks, Step::Breaks]);
    let broken = chain(&script, &[("anthropic", "m")], "builtin");
    assert_eq!(flags(&ask(&broken).await), ["anthropic.unavailable"]);
    assert_eq!(flags(&ask(&broken).await), ["anthropic.unavailable"]);
    assert_eq!(script.told().len(), 4);
    let reply = ask(&broken).await;
    assert_eq!(
        (text(&reply), flags(&reply)),
        (Some(BUILTIN), vec!["anthropic.skipped"])
    );
    assert_eq!(script.told().len(), 4);
}

#[tokio::test]
async fn a_passage_that_was_not_shown_counts_for_nothing() {
    let words = form("doc_01k5p0d3sbqgd2h6x7mzv9e4ra#p1").to_string();
    let script = Script::of([Step::Says(200, message(&words, "end_turn"))]);
    let reply = ask(&chain(&script, &[("anthropic", "m")], "builtin")).await;
    assert_eq!(flags(&reply), ["unknown_passage"]);
    let Outcome::Answer { passages, .. } = reply.outcome else {
        panic!("no answer")
    };
    assert!(passages.is_empty());
}

#[tokio::test]
async fn the_waits_of_a_batch_overlap_and_one_that_fails_holds_nobody() {
    let slow = Duration::from_millis(900);
    let quick = Duration::from_millis(100);
    // One is slow, one is garbage, eight are quick. All begin before any ends.
    let mut steps = vec![
        Step::Later(slow, good()),
        Step::Later(quick, "garbage".to_owned()),
    ];
    steps.extend((0..8).map(|_| Step::Later(quick, good())));
    let script = Script::of(steps);
    let chain = &chain(&script, &[("anthropic", "m")], "hand_over");
    let records: Vec<Value> = (0..10)
        .map(|n| {
            json!({"messageId": format!("m{n}"), "body": "", "attributes": {"MessageGroupId": format!("g{n}")},
                "messageAttributes": {}, "eventSource": "aws:sqs"})
        })
        .collect();
    let event = serde_json::from_value(json!({ "Records": records })).unwrap();
    let ended = &Mutex::new(Vec::new());
    let began = Instant::now();
    let response = run_batch(event, Deadline::from_millis(u64::MAX), |_| async move {
        let reply = ask(chain).await;
        ended
            .lock()
            .unwrap()
            .push((began.elapsed(), text(&reply).is_some()));
        if reply.outcome == Outcome::Failed {
            return Err("failed");
        }
        Ok(())
    })
    .await;
    assert_eq!(
        script.peak.load(Ordering::SeqCst),
        10,
        "all waits at the same time"
    );
    assert_eq!(response.batch_item_failures.len(), 1);
    let ended = ended.lock().unwrap();
    let before = ended
        .iter()
        .filter(|(at, answered)| *answered && *at < slow)
        .count();
    assert_eq!(before, 8, "nobody waited for the slow one: {ended:?}");
}
