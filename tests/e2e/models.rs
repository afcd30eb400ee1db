//! Language models: who is asked, what becomes of bad days, and what the audit trail says.

#![expect(clippy::print_stdout, reason = "figures are printed")]

mod costs;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reply::provider::chain::Chain;
use reply::provider::{Business, Heard, Outcome, Prompt, Provider as _, Reply};
use serde_json::{Value, json};
use usher_aws::Platform;
use usher_aws::clock::{SystemClock, SystemEntropy};
use usher_aws::provision::Secret;
use usher_aws::settings::Settings;
use usher_local::Stack;
use usher_local::models::KEY;
use usher_models::Api;
use usher_shared::Timestamp;
use usher_shared::channel::ChannelKind;
use usher_shared::ids::DocumentId;
use usher_shared::intents::Intents;
use usher_shared::knowledge::{Format, Index, split};

use crate::channels::fault;
use crate::harness::{CLIENT, Guest, Tenant, data, eventually, id, run, send, stack, start_with};
use crate::twilio::line::{Line, answer_in, number, received};

const QUESTION: &str = "How much is the garden room?";
/// What the played models and the built-in provider say to it.
const ANSWER: &str = "The garden room costs 900 euros a day.";
/// Nobody waits for longer, whatever a provider does.
const BUDGET: Duration = Duration::from_secs(30);

/// A configuration of these models, all of them on the list.
fn listed(models: &[&str]) -> Value {
    let endpoint = |provider: &str| format!("{{world}}/models/{provider}");
    let agreed = json!({"agreed_on": "2026-10-01", "evidence": "contract 7"});
    let allowed = models.iter().map(|provider| {
        json!({"provider": provider, "model": "played", "endpoint": endpoint(provider), "zero_retention": agreed})
    });
    let chain = models.iter().map(|provider| {
        json!({"provider": provider, "model": "played", "endpoint": endpoint(provider), "options": {"attempt_seconds": 7}})
    });
    json!({"allowed": allowed.collect::<Vec<_>>(), "chain": chain.collect::<Vec<_>>()})
}

/// A stack whose functions ask these models, with the platform's keys to them.
async fn start_asking(models: &Value) -> Stack {
    let parameters = BTreeMap::from([("AiProviders".to_owned(), models.to_string())]);
    let stack = start_with(parameters).await;
    keep_keys(&stack).await;
    stack
}

async fn keep_keys(stack: &Stack) {
    let operator = usher_local::seed::operator(stack).unwrap();
    for api in [Api::Anthropic, Api::OpenAi] {
        operator
            .keep_model_key(api, &Secret(KEY.to_owned()))
            .await
            .unwrap();
    }
}

/// What the models were told, in order: provider and body.
fn told(stack: &Stack) -> Vec<(String, Value)> {
    let all = stack.left_by("model").into_iter();
    all.map(|left| {
        let content = &left["content"];
        (
            content["provider"].as_str().unwrap().to_owned(),
            content["body"].clone(),
        )
    })
    .collect()
}

/// Whether a model was told this text.
fn was_told(stack: &Stack, text: &str) -> bool {
    told(stack)
        .iter()
        .any(|(_, body)| body.to_string().contains(text))
}

/// The fault of a provider that comes has struck.
async fn struck(stack: &Stack) {
    eventually("the fault strikes", || async {
        let faults = send(CLIENT.get(format!("{}/_local/fault", stack.base_url())))
            .await
            .expect(200);
        faults["pending"].as_array().unwrap().is_empty().then_some(())
    })
    .await;
}

/// The one trace of a conversation, once it is there.
async fn trace_of(tenant: &Tenant, conversation: &str) -> Value {
    let path = format!("/v1/conversations/{conversation}/traces");
    eventually("the trace is there", || async {
        let traces = tenant.get(&path).await.expect(200);
        assert!(data(&traces).len() <= 1, "{traces}");
        data(&traces).first().cloned()
    })
    .await
}

async fn said_by_us(tenant: &Tenant, conversation: &str) -> Vec<Value> {
    let path = format!("/v1/conversations/{conversation}/messages?limit=100");
    let all = tenant.get(&path).await.expect(200);
    data(&all)
        .iter()
        .filter(|said| said["direction"] == "outbound")
        .cloned()
        .collect()
}

#[test]
fn p_ai_01_by_default_no_text_leaves_for_any_model_and_the_list_says_so() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let guest = tenant.guest().await;
        let question = format!("{QUESTION} (nobody else shall know)");
        let asked = guest.say(&question).await;
        assert_eq!(guest.answer_to(&asked).await["text"], ANSWER);
        assert!(!was_told(stack(), "nobody else shall know"));
        let empty = json!({"object": "ai_providers", "allowed": [], "chain": [], "fallback": "builtin"});
        assert_eq!(tenant.get("/v1/ai/providers").await.expect(200), empty);
    });
}

#[test]
fn p_ai_01_what_the_list_does_not_name_is_told_nothing_and_what_it_names_stores_nothing() {
    run(async {
        let mut models = listed(&["anthropic", "openai"]);
        // First in the chain, and not on the list: another model, and another address.
        let mut other = models["chain"][0].clone();
        other["model"] = json!("another");
        let mut elsewhere = models["chain"][0].clone();
        elsewhere["endpoint"] = json!("{world}/models/anthropic/");
        let chain = [&other, &elsewhere, &models["chain"][1]].map(Clone::clone);
        models["chain"] = json!(chain);
        let stack = start_asking(&models).await;
        let tenant = Tenant::with_prices_on(&stack).await;
        let guest = tenant.guest().await;
        let asked = guest.say(QUESTION).await;
        assert_eq!(guest.answer_to(&asked).await["text"], ANSWER);
        let told = told(&stack);
        let providers: Vec<&str> = told.iter().map(|(provider, _)| provider.as_str()).collect();
        assert_eq!(providers, ["openai"]);
        assert_eq!(told[0].1["store"], false);

        let view = tenant.get("/v1/ai/providers").await.expect(200);
        let allowed: Vec<&Value> = view["chain"]
            .as_array()
            .unwrap()
            .iter()
            .map(|link| &link["allowed"])
            .collect();
        assert_eq!(allowed, [false, false, true], "{view}");
        let agreed = &view["allowed"][1]["zero_retention"];
        assert_eq!(
            (&agreed["agreed_on"], &agreed["evidence"]),
            (&json!("2026-10-01"), &json!("contract 7"))
        );
        assert!(agreed["note"].as_str().unwrap().contains("30 days"), "{agreed}");
        stack.shutdown().await;
    });
}

#[test]
fn p_col_04_the_trace_has_prompt_passages_model_usage_decision_and_takeover_and_goes_with_its_conversation() {
    run(async {
        let stack = start_asking(&listed(&["anthropic"])).await;
        let tenant = Tenant::with_prices_on(&stack).await;
        let guest = tenant.guest().await;
        let asked = guest.say(QUESTION).await;
        let answer = guest.answer_to(&asked).await;
        let conversation = id(&tenant.conversation_of(&asked).await);
        let trace = trace_of(&tenant, &conversation).await;
        let sent: Value = serde_json::from_str(trace["prompt"].as_str().unwrap()).unwrap();
        assert_eq!([("anthropic".to_owned(), sent)], *told(&stack), "to the letter");
        assert_eq!(trace["provider"], "anthropic");
        assert_eq!(
            trace["model"], "played-20261001",
            "as it answered, not as it was asked"
        );
        assert_eq!(
            (&trace["decision"], &trace["flags"]),
            (&json!("answered"), &json!([]))
        );
        assert_eq!(
            (&trace["response"], &trace["reply_id"]),
            (&json!(ANSWER), &answer["id"])
        );
        assert_eq!(trace["passages"].as_array().unwrap().len(), 1, "{trace}");
        for tokens in ["input_tokens", "cache_read_tokens", "output_tokens"] {
            assert!(trace["usage"][tokens].as_u64().unwrap() > 0, "{trace}");
        }
        assert_eq!(trace["taken_over_at"], Value::Null);

        // A person takes over, and writes twice: the first time counts.
        let path = format!("/v1/conversations/{conversation}");
        for text in ["I am Zoe.", "Anything else?"] {
            tenant
                .post(&format!("{path}/messages"), &json!({"text": text}))
                .await
                .expect(201);
        }
        let taken = trace_of(&tenant, &conversation).await["taken_over_at"].clone();
        assert!(taken.is_string(), "{taken}");

        tenant.delete(&path).await.expect(200);
        tenant.get(&format!("{path}/traces")).await.expect(404);
        stack.shutdown().await;
    });
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how long a guest waits is what is asked"
)]
fn every_bad_day_of_a_provider_ends_in_one_answer_within_the_time() {
    run(async {
        let stack = start_asking(&listed(&["anthropic"])).await;
        let tenant = Tenant::with_prices_on(&stack).await;
        for (kind, delay, flag) in [
            ("throttle", None, "rate_limited"),
            ("spend-limit", None, "spend_limit"),
            ("overloaded", None, "overloaded"),
            ("500", None, "unavailable"),
            ("garbage", None, "malformed"),
            ("truncated", None, "truncated"),
            ("hostile", None, "malformed"),
            ("drop-response", None, "unavailable"),
            ("late", Some("40s"), "time_up"),
        ] {
            // A fresh instance each: what the last day left open is another test's.
            stack.kill("reply").await;
            let mut bad = json!({"service": "carrier", "operation": "anthropic", "kind": kind, "count": 2});
            if let Some(delay) = delay {
                bad["delay"] = json!(delay);
            }
            fault(&stack, bad).await;
            let began = Instant::now();
            let guest = tenant.guest().await;
            let asked = guest.say(QUESTION).await;
            let answer = guest.answer_to(&asked).await;
            assert!(began.elapsed() < BUDGET, "{kind}: {:?}", began.elapsed());
            println!("{kind:14} answered after {:?}", began.elapsed());
            assert_eq!(answer["text"], ANSWER, "{kind}");
            let conversation = id(&tenant.conversation_of(&asked).await);
            assert_eq!(said_by_us(&tenant, &conversation).await.len(), 1, "{kind}");
            let trace = trace_of(&tenant, &conversation).await;
            assert_eq!(trace["flags"], json!([format!("anthropic.{flag}")]), "{kind}");
            assert_eq!(trace["provider"], "builtin", "{kind}");
            let all = send(CLIENT.delete(format!("{}/_local/fault", stack.base_url()))).await;
            assert!(all.status.is_success());
        }
        assert!(
            !stack.logs("reply").unwrap().contains("garden room"),
            "no content in logs"
        );
        stack.shutdown().await;
    });
}

#[test]
fn a_refusal_is_a_persons_and_the_next_model_answers_for_one_that_is_down() {
    run(async {
        let stack = start_asking(&listed(&["anthropic", "openai"])).await;
        let tenant = Tenant::with_prices_on(&stack).await;
        fault(
            &stack,
            json!({"service": "carrier", "operation": "anthropic", "kind": "refusal"}),
        )
        .await;
        let guest = tenant.guest().await;
        let asked = guest.say(QUESTION).await;
        let answer = guest.answer_to(&asked).await;
        assert_eq!(answer["author"], "system", "{answer}");
        let conversation = tenant.conversation_of(&asked).await;
        assert_eq!(conversation["state"], "waiting_for_human");
        let trace = trace_of(&tenant, &id(&conversation)).await;
        assert_eq!(trace["flags"], json!(["provider_failed", "anthropic.refused"]));
        assert_eq!(trace["decision"], "handed_over_failure");
        assert_eq!(told(&stack).len(), 1, "another model was not tried");

        fault(
            &stack,
            json!({"service": "carrier", "operation": "anthropic", "kind": "overloaded", "count": 2}),
        )
        .await;
        let guest = tenant.guest().await;
        let asked = guest.say(QUESTION).await;
        assert_eq!(guest.answer_to(&asked).await["text"], ANSWER);
        let trace = trace_of(&tenant, &id(&tenant.conversation_of(&asked).await)).await;
        assert_eq!(
            (&trace["provider"], &trace["flags"]),
            (&json!("openai"), &json!(["anthropic.overloaded"]))
        );

        // What the models were never told: another tenant's words, and what a person asked for is heard.
        let guest = tenant.guest().await;
        let asked = guest.say("Can I talk to a human about the garden room?").await;
        guest.answer_to(&asked).await;
        let trace = trace_of(&tenant, &id(&tenant.conversation_of(&asked).await)).await;
        assert_eq!(trace["decision"], "handed_over_on_request");
        stack.shutdown().await;
    });
}

#[test]
fn p_col_04_a_person_who_takes_over_while_a_model_thinks_has_the_word_and_the_trace_says_so() {
    run(async {
        let stack = start_asking(&listed(&["anthropic"])).await;
        let tenant = Tenant::with_prices_on(&stack).await;
        let guest = tenant.guest().await;
        // There must be a conversation to take over before the model begins to think.
        let first = guest.say(QUESTION).await;
        guest.answer_to(&first).await;
        let conversation = id(&tenant.conversation_of(&first).await);
        let late = json!({"service": "carrier", "operation": "anthropic", "kind": "late", "delay": "5s"});
        fault(&stack, late).await;
        let asked = guest.say("And the garden room with a table?").await;
        struck(&stack).await;
        let path = format!("/v1/conversations/{conversation}");
        let typed = json!({"text": "I am Zoe, I will look."});
        tenant.post(&format!("{path}/messages"), &typed).await.expect(201);
        let traces = eventually("the second trace is there", || async {
            let traces = tenant.get(&format!("{path}/traces")).await.expect(200);
            (data(&traces).len() == 2).then_some(traces)
        })
        .await;
        let trace = &data(&traces)[1];
        assert_eq!(trace["message_id"], asked.as_str());
        assert_eq!(
            (&trace["decision"], &trace["reply_id"]),
            (&json!("taken_over"), &Value::Null)
        );
        assert!(trace["taken_over_at"].is_string());
        assert!(
            !trace["response"].as_str().unwrap().is_empty(),
            "what it would have said"
        );
        let said = said_by_us(&tenant, &conversation).await;
        let authors: Vec<&Value> = said.iter().map(|said| &said["author"]).collect();
        assert_eq!(authors, ["ai", "human"], "{said:?}");
        assert_eq!(tenant.get(&path).await.expect(200)["state"], "human");
        stack.shutdown().await;
    });
}

#[test]
fn p_con_02_stop_inside_a_slow_call_of_a_model_stops_the_answer() {
    run(async {
        let stack = start_asking(&listed(&["anthropic"])).await;
        let tenant = Tenant::with_prices_on(&stack).await;
        let line = Line::sms(&stack, &tenant).await;
        let from = number();
        let late = json!({"service": "carrier", "operation": "anthropic", "kind": "late", "delay": "5s"});
        fault(&stack, late).await;
        line.text(&from, QUESTION).await;
        struck(&stack).await;
        line.text(&from, "STOP").await;
        let (conversation, _) = line.said(QUESTION).await;
        let answer = answer_in(&tenant, &conversation, QUESTION).await;
        assert_eq!(
            (&answer["state"], &answer["failure"]),
            (&json!("canceled"), &json!("opted_out"))
        );
        assert!(received(&tenant, &from).await.is_empty());
        stack.shutdown().await;
    });
}

#[test]
fn p_ai_02_what_a_business_says_of_itself_is_told_for_it_and_for_no_other() {
    run(async {
        let stack = start_asking(&listed(&["anthropic"])).await;
        let (one, other) = (
            Tenant::with_prices_on(&stack).await,
            Tenant::with_prices_on(&stack).await,
        );
        let nothing = one.get("/v1/assistant").await.expect(200);
        for text in ["voice", "facts", "opening_hours"] {
            assert_eq!(nothing[text], "", "{nothing}");
        }
        let says = json!({"voice": " Like a zebra. ", "facts": "", "opening_hours": "Only at noon."});
        let said = one.put("/v1/assistant", &says).await.expect(200);
        assert_eq!(
            (&said["voice"], &said["opening_hours"]),
            (&json!("Like a zebra."), &json!("Only at noon."))
        );
        assert_eq!(one.get("/v1/assistant").await.expect(200), said);
        assert_eq!(other.get("/v1/assistant").await.expect(200), nothing);
        for bad in [
            json!({"voice": "", "facts": ""}),
            json!({"voice": "x".repeat(1_001), "facts": "", "opening_hours": ""}),
            json!({"voice": "", "facts": "\u{7}", "opening_hours": ""}),
            json!({"voice": "", "facts": "", "opening_hours": "", "tone": ""}),
        ] {
            let refused = one.put("/v1/assistant", &bad).await;
            assert_eq!(refused.status.as_u16(), 422, "{}", refused.body);
        }
        for tenant in [&one, &other] {
            let guest = tenant.guest().await;
            let asked = guest.say(QUESTION).await;
            guest.answer_to(&asked).await;
        }
        let told = told(&stack);
        let zebras: Vec<bool> = told
            .iter()
            .map(|(_, body)| body.to_string().contains("zebra"))
            .collect();
        assert_eq!(zebras, [true, false], "to the model, each for its own");
        assert!(
            told[0].1["system"][0]["text"]
                .as_str()
                .unwrap()
                .contains("Only at noon.")
        );
        // A web chat has more room than a text message.
        assert!(
            told[0].1["messages"].to_string().contains("1200 characters"),
            "{}",
            told[0].1["messages"]
        );
        stack.shutdown().await;
    });
}

/// In this process and under the function's own role: everything that only models need.
pub(crate) async fn journey(stack: &Stack) {
    keep_keys(stack).await;
    let text = "# Prices\n\n## Garden room\n\nThe garden room costs 900 euros a day.\n";
    let document = DocumentId::derived(Timestamp::from_millis(1), [1; 10]).to_string();
    let index = Index::build(split(&document, "Prices", Format::Markdown, text));
    for provider in ["anthropic", "openai", "bedrock"] {
        let asked = told(stack).len();
        let reply = reply_by(stack, provider, &index).await;
        assert!(matches!(reply.outcome, Outcome::Answer { .. }), "{reply:?}");
        assert_eq!((reply.made.provider.as_str(), reply.notes.len()), (provider, 0));
        assert_eq!(told(stack).len(), asked + 1, "once");
    }
}

async fn reply_by(stack: &Stack, provider: &str, index: &Index) -> Reply {
    let mut variables = stack.environment("reply").unwrap().clone();
    let world = format!("{}/_world", stack.base_url());
    let models = listed(&[provider]).to_string().replace("{world}", &world);
    variables.insert("AI_PROVIDERS".to_owned(), models);
    let settings = Settings::from_source(move |name| variables.get(name).cloned());
    let clock = Arc::new(SystemClock::new(settings.local_clock().map(Into::into)));
    let platform = Platform::new(settings, clock, Arc::new(SystemEntropy)).unwrap();
    let hits = index.search(QUESTION, 5);
    let prompt = Prompt {
        business: Business {
            name: "Villa",
            ..Business::default()
        },
        heard: Heard::ours(QUESTION, vec![]),
        intents: &Intents::default(),
        index,
        passages: hits.iter().map(|hit| hit.passage).collect(),
        channel: ChannelKind::WebChat,
        time: BUDGET,
    };
    Chain::from_settings(Arc::new(platform)).reply(&prompt).await
}

/// Guests who have not said anything yet.
async fn guests(tenant: &Tenant, count: usize) -> Vec<Guest<'_>> {
    let mut guests = Vec::new();
    for _ in 0..count {
        guests.push(tenant.guest().await);
    }
    guests
}
