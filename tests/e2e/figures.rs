//! Figures by day and channel: right, once, and the same after everybody in them is gone.

use std::time::Duration;

use serde_json::{Value, json};
use usher_local::Stack;

use crate::harness::{CLIENT, Tenant, data, eventually, id, run, send, start};

async fn count(stack: &Stack) -> Value {
    let url = format!("{}/_local/schedule/count", stack.base_url());
    let run = send(CLIENT.post(url)).await.expect(200);
    assert_eq!(run["answer"]["failed"], 0, "{run}");
    run
}

/// The rows of figures as they are stored, in order.
fn rows(stack: &Stack) -> Vec<Value> {
    let all = stack.database().items("InboxTable").unwrap();
    let mut rows: Vec<Value> = all
        .into_iter()
        .filter(|row| row["k"]["S"] == "day_figures" || row["k"]["S"] == "counted_through")
        .collect();
    rows.sort_by_key(|row| row["sk"]["S"].to_string());
    rows
}

/// As `rows`, without the time up to which everything is counted.
fn figures(stack: &Stack) -> Vec<Value> {
    let mut rows = rows(stack);
    rows.retain(|row| row["k"]["S"] == "day_figures");
    rows
}

/// Moves the clock to a minute after the next midnight, so that a day of traffic is one day.
async fn next_day(stack: &Stack) {
    const DAY: i64 = 86_400_000;
    let left = DAY - stack.clock().now_ms().rem_euclid(DAY) + 60_000;
    let left = Duration::from_millis(u64::try_from(left).unwrap());
    stack.advance(left).await.unwrap();
}

/// Somebody writes on a channel where nobody else does.
async fn one_on_another_channel(tenant: &Tenant) {
    let kind = usher_shared::channel::ChannelKind::WebChat;
    let other = tenant.connect(kind, json!({})).await;
    let base = tenant.url(&format!("/chat/{}", other["key"].as_str().unwrap()));
    let session = send(CLIENT.post(format!("{base}/sessions"))).await.expect(201);
    let message = CLIENT.post(format!("{base}/messages"));
    let message = message.bearer_auth(session["token"].as_str().unwrap());
    send(message.json(&json!({"text": "Hello?"}))).await.expect(202);
}

#[test]
fn p_ai_04_figures_of_a_day_are_right_counted_once_and_the_same_after_everybody_is_erased() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::with_prices_on(&stack).await;
        next_day(&stack).await;
        let mut ids = Vec::new();
        for number in 0..6 {
            let guest = tenant.guest().await;
            let text = format!("I am g{number}@guest.example. How much is the garden room?");
            let asked = guest.say(&text).await;
            guest.answer_to(&asked).await;
            let conversation = id(&tenant.conversation_of(&asked).await);
            if number < 2 {
                let asked = guest.say("Is there a helicopter landing pad?").await;
                guest.answer_to(&asked).await;
                ids.push(asked);
            }
            if number == 0 {
                let path = format!("/v1/conversations/{conversation}/messages");
                eventually("a person may answer", || async {
                    let sent = tenant.post(&path, &json!({"text": "No."})).await;
                    (sent.status == 201).then_some(())
                })
                .await;
            }
            ids.extend([asked, conversation]);
        }
        let leads = eventually("everybody is a lead", || async {
            let leads = tenant.get("/v1/leads?limit=100").await.expect(200);
            (data(&leads).len() == 6).then_some(leads)
        })
        .await;
        one_on_another_channel(&tenant).await;
        eventually("everything is listed", || async {
            let listed = tenant.get("/v1/conversations?limit=100").await.expect(200);
            (data(&listed).len() == 7).then_some(())
        })
        .await;
        // A day that goes on is counted, and not shown.
        stack.advance(Duration::from_hours(2)).await.unwrap();
        count(&stack).await;
        let today = figures(&stack);
        assert!(!today.is_empty());
        count(&stack).await;
        assert_eq!(
            figures(&stack),
            today,
            "counted once, however often it is counted"
        );
        assert_eq!(data(&tenant.get("/v1/metrics").await.expect(200)).len(), 0);

        next_day(&stack).await;
        stack.advance(Duration::from_hours(2)).await.unwrap();
        count(&stack).await;
        let shown = tenant.get("/v1/metrics").await.expect(200);
        assert_eq!(shown["minimum_group"], 5);
        let own = data(&shown).iter().find(|day| day["suppressed"] == false);
        let own = &own.unwrap_or_else(|| panic!("{shown}"))["figures"];
        let wanted = json!({"no_answer": 2, "on_request": 0, "failure": 0});
        assert_eq!(
            (&own["conversations"], &own["inbound"], &own["answered_by_ai"]),
            (&json!(6), &json!(8), &json!(6)),
            "{own}"
        );
        assert_eq!((&own["answered_by_human"], &own["leads"]), (&json!(1), &json!(6)));
        assert_eq!(own["handed_over"], wanted);
        // Six answers of the AI, and the person's to the question that was handed over.
        assert_eq!(own["response_time"]["count"], 7, "{own}");
        let few = data(&shown).iter().find(|day| day["suppressed"] == true);
        let few = few.unwrap_or_else(|| panic!("{shown}"));
        assert_eq!(few["figures"], Value::Null);
        let path = format!("/v1/metrics?channel={}", few["channel_id"].as_str().unwrap());
        assert_eq!(data(&tenant.get(&path).await.expect(200)).len(), 1);

        // No row holds an id of anybody or anything but the channel.
        let before = rows(&stack);
        let text = json!(before).to_string();
        for prefix in ["conv_", "msg_", "cont_", "lead_", "guest.example"] {
            assert!(!text.contains(prefix), "{prefix}: {text}");
        }
        for id in &ids {
            let body = id.rsplit('_').next().unwrap();
            assert!(!text.contains(body), "{id}: {text}");
        }
        for lead in data(&leads) {
            tenant
                .delete(&format!("/v1/leads/{}", id(lead)))
                .await
                .expect(200);
        }
        eventually("every erasure is verified", || async {
            let ledger = stack.database().items("LedgerTable").unwrap();
            let erasures = ledger.iter().filter(|row| row["k"]["S"] == "erasure");
            let states: Vec<&Value> = erasures.map(|row| &row["state"]["S"]).collect();
            (states.len() == 6 && states.iter().all(|state| **state == "verified")).then_some(())
        })
        .await;
        assert_eq!(rows(&stack), before, "byte for byte the same");
        assert_eq!(tenant.get("/v1/metrics").await.expect(200), shown);
        count(&stack).await;
        assert_eq!(figures(&stack), figures_of(&before));
        stack.shutdown().await;
    });
}

fn figures_of(rows: &[Value]) -> Vec<Value> {
    let days = rows.iter().filter(|row| row["k"]["S"] == "day_figures");
    days.cloned().collect()
}

#[test]
fn a_count_that_dies_at_any_point_counts_nothing_twice_and_leaves_nothing_out() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::with_prices_on(&stack).await;
        next_day(&stack).await;
        let guest = tenant.guest().await;
        let asked = guest.say("How much is the garden room?").await;
        guest.answer_to(&asked).await;
        stack.advance(Duration::from_hours(2)).await.unwrap();
        for kind in ["kill", "kill-after"] {
            let fault = json!({"service": "dynamodb", "operation": "TransactWriteItems",
                               "function": "retention", "kind": kind});
            let url = format!("{}/_local/fault", stack.base_url());
            send(CLIENT.post(&url).json(&fault)).await.expect(200);
            let url = format!("{}/_local/schedule/count", stack.base_url());
            let _it_dies = send(CLIENT.post(&url)).await;
            count(&stack).await;
            let all = figures(&stack);
            let inbound = |row: &Value| row["figures"]["M"]["inbound"]["N"].clone();
            let counted: Vec<Value> = all.iter().map(inbound).filter(|n| *n != json!("0")).collect();
            let expected = if kind == "kill" { "1" } else { "2" };
            assert_eq!(counted, [json!(expected)], "{kind}: {all:?}");
            let asked = guest.say("How much is the garden room, please?").await;
            guest.answer_to(&asked).await;
            stack.advance(Duration::from_hours(2)).await.unwrap();
        }
        stack.shutdown().await;
    });
}

#[test]
fn figures_are_asked_for_by_days_and_by_whoever_may() {
    run(async {
        let tenant = Tenant::new().await;
        let empty = tenant.get("/v1/metrics").await.expect(200);
        assert_eq!((data(&empty).len(), &empty["object"]), (0, &json!("metrics")));
        for (query, field) in [
            ("from=yesterday", "from"),
            ("from=2026-09-02&to=2026-09-01", "to"),
            ("from=2025-01-01&to=2026-09-01", "from"),
            ("channel=x", "channel"),
            ("group=1", "group"),
        ] {
            let refused = tenant.get(&format!("/v1/metrics?{query}")).await;
            assert_eq!(refused.status, 422, "{query}");
            assert_eq!(refused.refused()[0].0, field, "{query}: {}", refused.body);
        }
    });
}
