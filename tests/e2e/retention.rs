//! Time moves for everything at once.

use serde_json::json;
use usher_shared::category::Preset;

use crate::harness::{CLIENT, Tenant, data, id, run, send, start};

#[test]
fn p_ret_01_p_ret_03_after_twelve_months_conversation_and_trace_are_gone_under_the_website_preset() {
    run(async {
        let stack = start().await;
        let website = Tenant::on(&stack, Preset::Website).await;
        let venue = Tenant::on(&stack, Preset::Hospitality).await;
        let mut conversations = Vec::new();
        for tenant in [&website, &venue] {
            let guest = tenant.guest().await;
            let asked = guest.say("Is there a helicopter?").await;
            guest.answer_to(&asked).await;
            conversations.push(id(&tenant.conversation_of(&asked).await));
        }
        let advance = |by: &'static str| {
            let body = json!({ "advance": by });
            send(
                CLIENT
                    .post(format!("{}/_local/clock", stack.base_url()))
                    .json(&body),
            )
        };
        advance("364d").await.expect(200);
        for (tenant, conversation) in [&website, &venue].into_iter().zip(&conversations) {
            let path = format!("/v1/conversations/{conversation}/traces");
            assert_eq!(data(&tenant.get(&path).await.expect(200)).len(), 1);
        }
        advance("1d1m").await.expect(200);
        let path = format!("/v1/conversations/{}", conversations[0]);
        website.get(&path).await.expect(404);
        website.get(&format!("{path}/traces")).await.expect(404);
        assert!(data(&website.get("/v1/conversations").await.expect(200)).is_empty());
        venue
            .get(&format!("/v1/conversations/{}", conversations[1]))
            .await
            .expect(200);
        // Within the embedded database TTL is prompt: nothing of the conversation is stored any more.
        let dump = send(CLIENT.get(format!("{}/_local/dump", stack.base_url())))
            .await
            .body["tables"]
            .to_string();
        assert!(!dump.contains(&format!("#v#{}", conversations[0])), "swept");
        assert!(dump.contains(&format!("#v#{}", conversations[1])), "kept");
        stack.shutdown().await;
    });
}

#[test]
fn a_session_ends_after_thirty_days() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let guest = tenant.guest().await;
        let clock = format!("{}/_local/clock", stack.base_url());
        send(CLIENT.post(&clock).json(&json!({"advance": "29d"})))
            .await
            .expect(200);
        guest.post(&json!({"text": "hi"})).await.expect(202);
        send(CLIENT.post(&clock).json(&json!({"advance": "1d1s"})))
            .await
            .expect(200);
        assert_eq!(
            guest.post(&json!({"text": "hi"})).await.expect(401)["code"],
            "invalid_session"
        );
        stack.shutdown().await;
    });
}
