//! Changing periods: seen before, confirmed, waited for; by channel, and by the day that a conversation is about.

mod promised;

use std::time::Duration;

use serde_json::{Value, json};
use usher_aws::store::{StoreError, When, keys};
use usher_local::Stack;
use usher_shared::category::Preset;
use usher_shared::channel::ChannelKind;
use usher_shared::ids::ConversationId;

use crate::erasure::dump;
use crate::harness::{Answer, CLIENT, COOLING_OFF, Tenant, data, eventually, id, run, send, stack, start};
use crate::tenancy::function_on;

const DAY: Duration = Duration::from_hours(24);

async fn talked(tenant: &Tenant) -> String {
    let guest = tenant.guest().await;
    let asked = guest.say("Is there a helicopter?").await;
    guest.answer_to(&asked).await;
    id(&tenant.conversation_of(&asked).await)
}

async fn read(tenant: &Tenant, conversation: &str) -> Answer {
    tenant.get(&format!("/v1/conversations/{conversation}")).await
}

/// How many messages and traces of a conversation can be read.
async fn readable(tenant: &Tenant, conversation: &str) -> (usize, usize) {
    let of = |what: &'static str| async move {
        let path = format!("/v1/conversations/{conversation}/{what}?limit=100");
        let answer = tenant.get(&path).await;
        answer.body["data"].as_array().map_or(0, Vec::len)
    };
    (of("messages").await, of("traces").await)
}

async fn sweep(stack: &Stack) {
    let run = send(CLIENT.post(format!("{}/_local/schedule/sweep", stack.base_url()))).await;
    run.expect(200);
}

async fn rows_of(tenant: &Tenant, conversation: &str) -> usize {
    let tables = dump(tenant).await["tables"]["InboxTable"].clone();
    let rows = tables.as_array().unwrap();
    let of = format!("#v#{conversation}");
    rows.iter().filter(|row| row.to_string().contains(&of)).count()
}

fn counted(preview: &Value, category: &str) -> u64 {
    let all = preview["would_go"].as_array().unwrap();
    let found = all.iter().find(|entry| entry["category"] == category);
    let Some(found) = found else { return 0 };
    let months = found["months"].as_array().unwrap();
    let sum: u64 = months
        .iter()
        .map(|month| month["records"].as_u64().unwrap())
        .sum();
    assert_eq!(Some(sum), found["records"].as_u64(), "{preview}");
    sum
}

#[test]
fn p_ret_11_what_shortens_is_previewed_confirmed_and_waits_and_is_hidden_when_it_takes_effect() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let neighbour = Tenant::on(&stack, Preset::Hospitality).await;
        let old = talked(&tenant).await;
        let theirs = talked(&neighbour).await;
        stack.advance(DAY * 100).await.unwrap();
        let new = talked(&tenant).await;

        let change = json!({"conversation_days": 90});
        let refused = tenant.put("/v1/retention", &change).await;
        assert_eq!(refused.refused()[0].0, "confirm_token");
        refused.expect(422);
        let preview = |tenant: &Tenant, body: Value| {
            tenant
                .request(reqwest::Method::POST, "/v1/retention/preview")
                .json(&body)
        };
        let seen = send(preview(&tenant, change.clone())).await.expect(200);
        // The head, what was asked and what was answered; the trace; nothing of the newer one.
        assert_eq!(
            (counted(&seen, "conversation"), counted(&seen, "ai_trace")),
            (3, 1),
            "{seen}"
        );
        assert_eq!(
            (&seen["complete"], counted(&seen, "lead")),
            (&json!(true), 0),
            "{seen}"
        );
        read(&tenant, &old).await.expect(200);

        let put = |tenant: &Tenant, days: u32, token: &Value| {
            let body = json!({"conversation_days": days, "confirm_token": token});
            send(tenant.request(reqwest::Method::PUT, "/v1/retention").json(&body))
        };
        let token = &seen["confirm_token"];
        // For another change, from another tenant, made up.
        let theirs_seen = send(preview(&neighbour, change.clone())).await.expect(200);
        for (days, token) in [
            (89, token),
            (90, &theirs_seen["confirm_token"]),
            (90, &json!("bm8")),
        ] {
            assert_eq!(
                put(&tenant, days, token).await.expect(409)["code"],
                "preview_differs"
            );
        }
        let waits = put(&tenant, 90, token).await.expect(202);
        assert!(waits["pending"]["takes_effect_at"].is_string(), "{waits}");
        assert_eq!(
            put(&tenant, 90, token).await.expect(409)["code"],
            "change_pending"
        );
        let shown = tenant.get("/v1/retention").await.expect(200);
        assert_eq!(
            shown["periods"][0]["days"],
            json!(null),
            "in force as before: {shown}"
        );
        assert_eq!(shown["pending"]["periods"][0]["days"], 90, "{shown}");

        // Taken back: nothing ever happens.
        let canceled = tenant.delete("/v1/retention/pending").await.expect(200);
        assert_eq!(canceled["pending"], json!(null));
        tenant.delete("/v1/retention/pending").await.expect(404);
        stack.advance(COOLING_OFF + DAY).await.unwrap();
        sweep(&stack).await;
        assert_eq!(readable(&tenant, &old).await, (2, 1));
        assert_eq!(
            put(&tenant, 90, token).await.expect(409)["code"],
            "preview_differs",
            "over"
        );

        let seen = send(preview(&tenant, change)).await.expect(200);
        put(&tenant, 90, &seen["confirm_token"]).await.expect(202);
        let almost = Duration::from_hours(71) + Duration::from_mins(59);
        stack.advance(almost).await.unwrap();
        sweep(&stack).await;
        assert_eq!(readable(&tenant, &old).await, (2, 1), "not a minute too early");
        stack.advance(Duration::from_mins(2)).await.unwrap();
        // By the clock alone: nothing has run.
        read(&tenant, &old).await.expect(404);
        assert_eq!(readable(&tenant, &old).await, (0, 0));
        read(&tenant, &new).await.expect(200);
        read(&neighbour, &theirs).await.expect(200);
        sweep(&stack).await;
        eventually("the rows are gone", || async {
            (rows_of(&tenant, &old).await == 0).then_some(())
        })
        .await;
        assert!(rows_of(&tenant, &new).await > 0 && rows_of(&neighbour, &theirs).await > 0);
        // What lengthens does so at once, and needs nothing.
        let longer = tenant
            .put("/v1/retention", &json!({"conversation_days": 91}))
            .await;
        assert_eq!(longer.expect(200)["periods"][0]["days"], 91);
        stack.shutdown().await;
    });
}

#[test]
fn a_preview_is_counted_under_a_role_that_can_neither_delete_nor_write() {
    run(async {
        let tenant = Tenant::new().await;
        let conversation: ConversationId = talked(&tenant).await.parse().unwrap();
        let platform = function_on(stack(), "retention");
        let key = platform.find_api_key(&tenant.demo.api_key).await.unwrap();
        let scope = platform.enter(*key.unwrap().tenant).await.unwrap();
        let reading = platform.only_reading(&scope).await.unwrap();
        let row = keys::conversation(scope.tenant(), conversation);
        assert!(
            reading.store().get_row(&row, true).await.unwrap().is_some(),
            "it can read"
        );
        reading.holds().protected().await.unwrap();
        let denied = |error: StoreError| {
            let text = format!("{error:?}");
            assert!(text.contains("AccessDenied"), "{text}");
        };
        denied(reading.store().delete(&row).await.unwrap_err());
        denied(
            reading
                .store()
                .purge(&keys::conversation_rows(scope.tenant(), conversation))
                .await
                .unwrap_err(),
        );
        let set = vec![("event_at", json!(1))];
        denied(
            reading
                .store()
                .update(&row, set, vec![When::Present])
                .await
                .unwrap_err(),
        );
        let key = keys::contact_keys(
            scope.tenant(),
            usher_shared::ids::ContactId::derived(scope.now(), [1; 10]),
        );
        denied(reading.store().purge(&key).await.unwrap_err());
        // The function's usual role can, so it is the role that refuses.
        assert!(scope.store().delete(&row).await.unwrap());
    });
}

#[test]
fn a_wedding_is_kept_until_days_after_it_and_two_tenants_keep_to_their_own() {
    run(async {
        let stack = start().await;
        let weddings = Tenant::on(&stack, Preset::Hospitality).await;
        let plain = Tenant::on(&stack, Preset::Hospitality).await;
        let change = json!({"conversation_days": 30, "anchor": "event_date"});
        weddings.shorten(&stack, &change).await;
        plain.shorten(&stack, &json!({"conversation_days": 30})).await;
        let wedding = talked(&weddings).await;
        let dateless = talked(&weddings).await;
        let others = talked(&plain).await;
        let path = format!("/v1/conversations/{wedding}/retention");
        let now = weddings.get("/v1/retention/report").await.expect(200)["generated_at"].clone();
        let now: usher_shared::Timestamp = now.as_str().unwrap().parse().unwrap();
        let in_days = |days: u32| json!({"event_date": now.plus_days(days).to_string()[..10].to_owned()});

        let shown = weddings.get(&path).await.expect(200);
        assert_eq!(
            (&shown["event_date"], &shown["counted_from"]),
            (&json!(null), &json!("last_activity"))
        );
        for refused in [
            json!({}),
            json!({"event_date": "soon"}),
            json!({"event_date": null, "more": 1}),
        ] {
            weddings.put(&path, &refused).await.expect(422);
        }
        plain.put(&path, &in_days(100)).await.expect(404);
        let shown = weddings.put(&path, &in_days(100)).await.expect(200);
        assert_eq!(shown["counted_from"], "event_date");
        assert_eq!(shown["event_date"], in_days(100)["event_date"]);
        let end: usher_shared::Timestamp = shown["first_ends_at"].as_str().unwrap().parse().unwrap();
        assert_eq!(end.to_string()[..10], now.plus_days(130).to_string()[..10]);
        // It says something of its own tenant's conversations alone.
        let theirs = format!("/v1/conversations/{others}/retention");
        let shown = plain.put(&theirs, &in_days(100)).await.expect(200);
        assert_eq!(shown["counted_from"], "created");

        stack.advance(DAY * 40).await.unwrap();
        read(&plain, &others).await.expect(404);
        read(&weddings, &dateless).await.expect(404);
        for sweeps in 0..2 {
            assert_eq!(readable(&weddings, &wedding).await, (2, 1), "{sweeps}");
            let listed = weddings.get("/v1/conversations").await.expect(200);
            assert_eq!(data(&listed).len(), 1, "{listed}");
            sweep(&stack).await;
            eventually("the others' rows are gone", || async {
                let left = rows_of(&plain, &others).await + rows_of(&weddings, &dateless).await;
                (left == 0).then_some(())
            })
            .await;
            let report = weddings.get("/v1/retention/report").await.expect(200);
            assert_eq!(report["categories"][0]["overdue_seconds"], 0, "{report}");
            assert!(report["categories"][0]["oldest_at"].is_string(), "{report}");
        }
        // The day moves, to one long past: hidden at once, and the sweep that had put it off finds it.
        let earlier = json!({"event_date": now.minus_days(5).to_string()[..10].to_owned()});
        let shown = weddings.put(&path, &earlier).await.expect(200);
        assert_eq!(shown["counted_from"], "event_date");
        read(&weddings, &wedding).await.expect(404);
        assert_eq!(readable(&weddings, &wedding).await, (0, 0));
        sweep(&stack).await;
        eventually("the wedding's rows are gone", || async {
            (rows_of(&weddings, &wedding).await == 0).then_some(())
        })
        .await;
        stack.shutdown().await;
    });
}

#[test]
fn what_was_put_off_is_looked_at_anew_when_the_policy_changes_and_not_otherwise() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        tenant
            .shorten(&stack, &json!({"conversation_days": 30, "anchor": "event_date"}))
            .await;
        let mut kept = Vec::new();
        for _ in 0..4 {
            let conversation = talked(&tenant).await;
            let path = format!("/v1/conversations/{conversation}/retention");
            let now = tenant.get("/v1/retention/report").await.expect(200)["generated_at"].clone();
            let now: usher_shared::Timestamp = now.as_str().unwrap().parse().unwrap();
            let day = json!({"event_date": now.plus_days(200).to_string()[..10].to_owned()});
            tenant.put(&path, &day).await.expect(200);
            kept.push(conversation);
        }
        stack.advance(DAY * 40).await.unwrap();
        sweep(&stack).await;
        // A second run finds nothing that is due: it reads lists and no conversation.
        stack.meter().reset();
        sweep(&stack).await;
        let reading = stack.meter().read();
        let gets =
            reading.requests(|kind| kind.cause.function == "retention" && kind.operation == "DeleteItem");
        let writes = reading.units(|kind| kind.cause.trigger == "schedule sweep").1;
        assert_eq!(gets, 0);
        assert!(writes < 4.0, "nothing of what is kept is written again: {writes}");
        for conversation in &kept {
            assert_eq!(readable(&tenant, conversation).await, (2, 1));
        }
        tenant.shorten(&stack, &json!({"anchor": "created"})).await;
        for conversation in &kept {
            read(&tenant, conversation).await.expect(404);
        }
        sweep(&stack).await;
        for conversation in &kept {
            eventually("all rows are gone", || async {
                (rows_of(&tenant, conversation).await == 0).then_some(())
            })
            .await;
        }
        stack.shutdown().await;
    });
}

#[test]
fn p_ret_03_a_channel_has_its_own_period_and_the_audit_trail_goes_with_its_conversations() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let channel = tenant.connect(ChannelKind::WebChat, json!({})).await;
        let key = channel["key"]
            .as_str()
            .or(channel["public_key"].as_str())
            .unwrap_or_else(|| panic!("{channel}"));
        let second = tenant.at_channel(key);
        for bad in [
            json!({"chan_x": 7}),
            json!({"chan_01k5p0d3sbqgd2h6x7mzv9e4ra": 7}),
            json!({(id(&channel)): 0}),
        ] {
            let refused = tenant
                .post("/v1/retention/preview", &json!({"channels": bad}))
                .await;
            assert_eq!(refused.refused()[0].0, "channels", "{bad}");
        }
        let brief = talked(&second).await;
        let long = talked(&tenant).await;
        let change = json!({"channels": {(id(&channel)): 7}});
        tenant.shorten(&stack, &change).await;
        stack.advance(DAY * 3 + Duration::from_hours(23)).await.unwrap();
        assert_eq!(readable(&tenant, &brief).await, (2, 1));
        stack.advance(Duration::from_hours(2)).await.unwrap();
        assert_eq!(
            readable(&tenant, &brief).await,
            (0, 0),
            "message and trace at once"
        );
        read(&tenant, &brief).await.expect(404);
        assert_eq!(readable(&tenant, &long).await, (2, 1));
        for _ in 0..2 {
            sweep(&stack).await;
        }
        eventually("the channel's rows are gone", || async {
            (rows_of(&tenant, &brief).await == 0).then_some(())
        })
        .await;
        assert_eq!(readable(&tenant, &long).await, (2, 1));
        let shown = tenant.get("/v1/retention").await.expect(200);
        assert_eq!(
            shown["channels"],
            json!([{"channel_id": id(&channel), "days": 7}])
        );
        stack.shutdown().await;
    });
}
