//! Bad days: of Telegram, of chats, and of the function itself.

use std::time::Duration;

use serde_json::{Value, json};
use usher_local::Stack;
use usher_shared::category::Preset;

use super::{a_while, hand_over, set, told, told_times};
use crate::harness::{CLIENT, Tenant, eventually, run, send, start};

async fn strike(stack: &Stack, fault: &Value) {
    let url = format!("{}/_local/fault", stack.base_url());
    send(CLIENT.post(url).json(fault)).await.expect(200);
}

async fn targets(tenant: &Tenant) -> Value {
    tenant.get("/v1/alerts").await.expect(200)["targets"].clone()
}

#[test]
fn a_chat_that_is_gone_is_told_no_more_one_that_moved_is_found_and_a_busy_bot_is_asked_again() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let chats = json!([
            {"kind": "telegram", "address": "403"},
            {"kind": "telegram", "address": "-400"},
            {"kind": "telegram", "address": "5005", "rank": "second"},
        ]);
        set(&tenant, &chats).await;
        let guest = tenant.guest().await;
        let path = hand_over(&tenant, &guest).await;
        let moved = "-1000000000400";
        told_times(&stack, moved, 1).await;
        eventually("the settings say so", || async {
            let now = targets(&tenant).await;
            (now[0]["trouble"] == "unreachable" && now[1]["address"] == moved).then_some(())
        })
        .await;
        assert_eq!(targets(&tenant).await[1]["trouble"], Value::Null);
        a_while().await;
        told_times(&stack, moved, 1).await;
        // The next time it is written to where it is; a first answer of "too many" is waited for.
        let busy = json!({"service": "carrier", "operation": "telegram", "kind": "throttle"});
        strike(&stack, &busy).await;
        stack.advance(Duration::from_mins(10)).await.unwrap();
        told_times(&stack, moved, 2).await;
        // What is gone with its conversation is told to nobody.
        tenant.delete(&path).await.expect(200);
        stack.advance(Duration::from_hours(1)).await.unwrap();
        a_while().await;
        told_times(&stack, moved, 2).await;
        assert!(told(&stack, "5005").is_empty());
        stack.shutdown().await;
    });
}

#[test]
fn a_bot_that_nobody_knows_ends_its_targets_and_the_second_is_told_at_once() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let body = json!({
            "targets": [{"kind": "telegram", "address": "6006"},
                        {"kind": "mail", "address": "second@venue.example", "rank": "second"}],
            "telegram_bot_token": "0:AAE-unknown_unknown_unknown_unknown",
        });
        tenant.put("/v1/alerts", &body).await.expect(200);
        let guest = tenant.guest().await;
        hand_over(&tenant, &guest).await;
        told_times(&stack, "second@venue.example", 1).await;
        assert_eq!(targets(&tenant).await[0]["trouble"], "token_refused");
        stack.shutdown().await;
    });
}

#[test]
fn a_function_that_dies_between_saying_it_and_writing_it_down_repeats_at_most_that() {
    run(async {
        let stack = start().await;
        for (number, kind, skip, times) in [
            // The claim is its first update, what it has said the second, that the look is over the third.
            (1, "kill", 0, 1..=1),
            (2, "kill-after", 0, 1..=1),
            (3, "kill", 1, 2..=2),
            (4, "kill-after", 1, 1..=1),
            (5, "kill", 2, 1..=1),
            (6, "kill-after", 2, 1..=1),
        ] {
            let tenant = Tenant::on(&stack, Preset::Hospitality).await;
            let chat = format!("700{number}");
            set(&tenant, &json!([{"kind": "telegram", "address": chat}])).await;
            let fault = json!({"service": "dynamodb", "operation": "UpdateItem", "function": "alerts",
                               "kind": kind, "skip": skip});
            strike(&stack, &fault).await;
            let guest = tenant.guest().await;
            let path = hand_over(&tenant, &guest).await;
            let url = format!("{}/_local/fault", stack.base_url());
            eventually("the function dies", || async {
                let list = send(CLIENT.get(&url)).await.expect(200);
                list["pending"].as_array().unwrap().is_empty().then_some(())
            })
            .await;
            // Whoever had claimed it is believed to be at work for a minute.
            stack.advance(Duration::from_secs(61)).await.unwrap();
            eventually("they are told", || async {
                (told(&stack, &chat).len() >= *times.start()).then_some(())
            })
            .await;
            a_while().await;
            let all = told(&stack, &chat);
            assert!(times.contains(&all.len()), "{kind} {skip}: {all:?}");
            // And the chain goes on.
            stack.advance(Duration::from_mins(11)).await.unwrap();
            told_times(&stack, &chat, all.len() + 1).await;
            tenant
                .post(&format!("{path}/acknowledge"), &json!({}))
                .await
                .expect(200);
        }
        stack.shutdown().await;
    });
}
