//! Time moves for everything at once.

use std::collections::BTreeSet;

use serde_json::json;
use usher_aws::deadline::Deadline;
use usher_shared::category::Preset;

use crate::harness::{CLIENT, Tenant, data, id, run, send, start};
use crate::holds::scope_of;

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
        // TTL and the sweep, which the clock has made due, leave no row of it.
        let dump = crate::harness::eventually("all rows are gone", || async {
            send(CLIENT.post(format!("{}/_local/schedule/sweep", stack.base_url())))
                .await
                .expect(200);
            let dump = send(CLIENT.get(format!("{}/_local/dump", stack.base_url())))
                .await
                .body["tables"]
                .to_string();
            (!dump.contains(&format!("#v#{}", conversations[0]))).then_some(dump)
        })
        .await;
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

#[test]
fn p_ret_11_a_shorter_period_hides_what_is_stored_at_once_and_the_sweep_removes_it() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let neighbour = Tenant::on(&stack, Preset::Hospitality).await;
        let mut talks = Vec::new();
        for tenant in [&tenant, &neighbour] {
            let guest = tenant.guest().await;
            let asked = guest.say("I am at old@example.com. Is there a helicopter?").await;
            guest.answer_to(&asked).await;
            talks.push(id(&tenant.conversation_of(&asked).await));
        }
        let clock = format!("{}/_local/clock", stack.base_url());
        // With the three days that it waits, a hundred.
        send(CLIENT.post(&clock).json(&json!({"advance": "97d"})))
            .await
            .expect(200);
        let path = format!("/v1/conversations/{}", talks[0]);
        tenant.get(&path).await.expect(200);

        tenant.shorten(&stack, &json!({"conversation_days": 90})).await;
        let changed = tenant.get("/v1/retention").await.expect(200);
        let period = changed["periods"]
            .as_array()
            .unwrap()
            .iter()
            .find(|p| p["category"] == "conversation")
            .unwrap();
        assert_eq!((&period["days"], &period["chosen"]), (&json!(90), &json!(true)));
        tenant.get(&path).await.expect(404);
        assert!(data(&tenant.get("/v1/conversations").await.expect(200)).is_empty());
        let report = tenant.get("/v1/retention/report").await.expect(200);
        let conversations = &report["categories"][0];
        // The clock that moved made the sweep due: it may have been by.
        let swept = conversations["oldest_at"].is_null();
        assert!(
            swept || conversations["overdue_seconds"].as_u64().unwrap() / 86_400 == 10,
            "{report}"
        );

        send(CLIENT.post(format!("{}/_local/schedule/sweep", stack.base_url())))
            .await
            .expect(200);
        let report = crate::harness::eventually("the meter is at zero", || async {
            let report = tenant.get("/v1/retention/report").await.expect(200);
            (report["categories"][0]["overdue_seconds"] == 0).then_some(report)
        })
        .await;
        assert_eq!(report["categories"][0]["oldest_at"], json!(null));
        let tables = send(CLIENT.get(format!("{}/_local/dump", stack.base_url())))
            .await
            .body["tables"]
            .clone();
        assert!(
            !tables["InboxTable"]
                .to_string()
                .contains(&format!("#v#{}", talks[0])),
            "rows are gone"
        );
        assert!(
            !tables["KeysTable"].to_string().contains(&talks[0]),
            "and the key"
        );
        // A lead has its own period: it stays, as does everything of the neighbour's.
        assert_eq!(data(&tenant.get("/v1/leads").await.expect(200)).len(), 1);
        neighbour
            .get(&format!("/v1/conversations/{}", talks[1]))
            .await
            .expect(200);
        stack.shutdown().await;
    });
}

#[test]
fn p_ret_02_leads_end_when_the_tenant_says_so_and_conversations_do_not_with_them() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let guest = tenant.guest().await;
        let asked = guest
            .say("I am at lead@example.com. Is there a helicopter?")
            .await;
        guest.answer_to(&asked).await;
        let conversation = id(&tenant.conversation_of(&asked).await);
        tenant.shorten(&stack, &json!({"lead_days": 30})).await;
        let clock = format!("{}/_local/clock", stack.base_url());
        send(CLIENT.post(&clock).json(&json!({"advance": "26d"})))
            .await
            .expect(200);
        assert_eq!(data(&tenant.get("/v1/leads").await.expect(200)).len(), 1);
        send(CLIENT.post(&clock).json(&json!({"advance": "1d1m"})))
            .await
            .expect(200);
        assert!(
            data(&tenant.get("/v1/leads").await.expect(200)).is_empty(),
            "hidden before any sweep"
        );
        send(CLIENT.post(format!("{}/_local/schedule/sweep", stack.base_url())))
            .await
            .expect(200);
        crate::harness::eventually("the lead's row is gone", || async {
            let dump = send(CLIENT.get(format!("{}/_local/dump", stack.base_url())))
                .await
                .body;
            let table = dump["tables"]["InboxTable"].to_string();
            // Neither the lead nor what found it by its address.
            (!table.contains("#l#lead_") && !table.contains("lead_identifier")).then_some(())
        })
        .await;
        tenant
            .get(&format!("/v1/conversations/{conversation}"))
            .await
            .expect(200);
        stack.shutdown().await;
    });
}

#[test]
fn a_period_outside_its_bounds_or_an_unknown_field_is_refused() {
    run(async {
        let stack = crate::harness::stack();
        let tenant = Tenant::on(stack, Preset::Website).await;
        let put =
            |body: serde_json::Value| send(tenant.request(reqwest::Method::PUT, "/v1/retention").json(&body));
        let answer = put(json!({"conversation_days": 366})).await;
        let bound = (
            "conversation_days".to_owned(),
            "must be at least 1 days and at most 365".to_owned(),
        );
        assert_eq!(answer.refused(), [bound]);
        answer.expect(422);
        assert_eq!(
            put(json!({"conversations": 3})).await.refused()[0].0,
            "conversations"
        );
        put(json!({"conversation_days": 365})).await.expect(200);
        put(json!({"conversation_days": null})).await.expect(200);
    });
}

#[test]
fn every_tenant_has_its_turn_however_short_the_sweeps_are() {
    run(async {
        let stack = start().await;
        let platform = usher_local::seed::operator(&stack).unwrap();
        let mut tenants = BTreeSet::new();
        for _ in 0..3 {
            let tenant = Tenant::on(&stack, Preset::Website).await;
            tenants.insert(scope_of(&stack, &tenant).await.tenant());
        }
        // No time at all: one tenant a run.
        let (mut turns, mut seen) = (Vec::new(), BTreeSet::new());
        for _ in 0..6 {
            let swept = retention::sweep_all(&platform, Deadline::from_millis(0))
                .await
                .unwrap();
            assert_eq!((swept.tenants, swept.failed), (1, 0));
            let place = platform.sweep_place().await.unwrap().unwrap();
            turns.push(place);
            seen.insert(place);
        }
        assert_eq!(seen, tenants);
        assert_eq!(turns[..3], turns[3..], "and again in the same order");
        // With time enough a run begins after the last one's end and goes round once.
        let far = Deadline::from_millis(u64::MAX / 2);
        let swept = retention::sweep_all(&platform, far).await.unwrap();
        assert_eq!(swept.tenants, 3);
        assert_eq!(platform.sweep_place().await.unwrap(), None);
        stack.shutdown().await;
    });
}
