//! When no AI answers: people object, tenants switch it off, persons take over.

use std::time::Duration;

use serde_json::{Value, json};
use usher_local::Stack;
use usher_shared::category::Preset;

use crate::harness::{Guest, Tenant, data, eventually, id, run, start};
use crate::holds::scope_of;

async fn processing(tenant: &Tenant, conversation: &Value, wanted: &str) {
    let contact = conversation["contact_id"].as_str().unwrap();
    let path = format!("/v1/contacts/{contact}/processing");
    let body = json!({"processing": wanted});
    let changed = tenant.put(&path, &body).await.expect(200);
    assert_eq!(changed["processing"], wanted);
    assert_eq!(tenant.get(&path).await.expect(200)["processing"], wanted);
}

async fn traces(tenant: &Tenant, conversation: &Value) -> usize {
    let path = format!("/v1/conversations/{}/traces", id(conversation));
    data(&tenant.get(&path).await.expect(200)).len()
}

async fn state(tenant: &Tenant, conversation: &Value) -> String {
    let path = format!("/v1/conversations/{}", id(conversation));
    let shown = tenant.get(&path).await.expect(200);
    shown["state"].as_str().unwrap().to_owned()
}

/// A conversation in which the AI has answered once.
async fn answered(tenant: &Tenant, guest: &Guest<'_>) -> Value {
    let asked = guest.say("How much is the garden room?").await;
    guest.answer_to(&asked).await;
    tenant.conversation_of(&asked).await
}

/// The job of a message comes once more, as queues do that.
async fn again(stack: &Stack, tenant: &Tenant, conversation: &Value, message: &str) {
    let owner = scope_of(stack, tenant).await.tenant();
    let job = json!({"k": "reply_job", "at": stack.clock().now_ms(), "tenant": owner,
        "conversation": id(conversation), "message": message});
    let event = json!({"Records": [{"messageId": "m1", "body": job.to_string(),
        "attributes": {"MessageGroupId": id(conversation)}}]});
    let answer = stack.invoke("reply", &event).await.unwrap().unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]), "{answer}");
}

/// Somebody's message that is looked at by no AI: everything that could answer it has run.
async fn unanswered(stack: &Stack, tenant: &Tenant, guest: &Guest<'_>, conversation: &Value, text: &str) {
    let answers = guest.answers().await.len();
    let asked = guest.say(text).await;
    eventually("the message was left to people", || async {
        let logs = stack.logs("reply").unwrap_or_default();
        let mut own = logs.lines().filter(|line| line.contains(&asked));
        let ends = ["left to people", "people have it", "only kept"];
        own.any(|line| ends.iter().any(|end| line.contains(end)))
            .then_some(())
    })
    .await;
    assert_eq!(guest.answers().await.len(), answers, "{text}");
    let path = format!("/v1/conversations/{}/messages", id(conversation));
    let stored = tenant.get(&path).await.expect(200);
    assert!(
        data(&stored)
            .iter()
            .any(|message| message["id"] == asked.as_str())
    );
}

#[test]
fn p_rgt_03_a_restricted_persons_words_are_kept_and_reach_no_ai_and_nothing_is_sent_to_them() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::with_prices_on(&stack).await;
        let guest = tenant.guest().await;
        let conversation = answered(&tenant, &guest).await;
        let before = traces(&tenant, &conversation).await;

        processing(&tenant, &conversation, "restricted").await;
        unanswered(
            &stack,
            &tenant,
            &guest,
            &conversation,
            "And the deposit? I am at rita@example.com.",
        )
        .await;
        assert_eq!(traces(&tenant, &conversation).await, before);
        assert_eq!(state(&tenant, &conversation).await, "ai");
        assert_eq!(tenant.get("/v1/leads").await.expect(200)["data"], json!([]));
        let path = format!("/v1/conversations/{}/messages", id(&conversation));
        let refused = tenant
            .post(&path, &json!({"text": "Hello Rita"}))
            .await
            .expect(409);
        assert_eq!(refused["code"], "restricted");

        // What is on its way at that moment is not sent either: an answer of the AI and one of a person.
        processing(&tenant, &conversation, "full").await;
        assert!(stack.pause("deliver", true));
        let asked = guest.say("How much is the garden room?").await;
        let queued = eventually("an answer is on its way", || async {
            let messages = tenant.get(&path).await.expect(200);
            let queued = data(&messages)
                .iter()
                .find(|message| message["answers"] == asked.as_str());
            queued.map(id)
        })
        .await;
        let typed = tenant
            .post(&path, &json!({"text": "Hello Rita"}))
            .await
            .expect(201);
        processing(&tenant, &conversation, "restricted").await;
        assert!(stack.pause("deliver", false));
        for message in [queued, id(&typed)] {
            let canceled = eventually("it is decided on", || async {
                let messages = tenant.get(&path).await.expect(200);
                let found = data(&messages)
                    .iter()
                    .find(|one| one["id"] == message.as_str())
                    .cloned();
                found.filter(|message| message["state"] != "queued")
            })
            .await;
            assert_eq!(
                (&canceled["state"], &canceled["failure"]),
                (&json!("canceled"), &json!("restricted"))
            );
        }

        // And back again.
        processing(&tenant, &conversation, "full").await;
        let path = format!("/v1/conversations/{}/hand-back", id(&conversation));
        tenant.post(&path, &json!({})).await.expect(200);
        let asked = guest.say("How much is the garden room?").await;
        assert_eq!(guest.answer_to(&asked).await["author"], "ai");
        stack.shutdown().await;
    });
}

#[test]
fn p_rgt_03_who_wants_no_ai_is_answered_by_people() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::with_prices_on(&stack).await;
        let guest = tenant.guest().await;
        let conversation = answered(&tenant, &guest).await;
        processing(&tenant, &conversation, "without_ai").await;
        unanswered(
            &stack,
            &tenant,
            &guest,
            &conversation,
            "And how much is the deposit?",
        )
        .await;
        assert_eq!(traces(&tenant, &conversation).await, 1);
        assert_eq!(state(&tenant, &conversation).await, "waiting_for_human");
        let path = format!("/v1/conversations/{}/messages", id(&conversation));
        tenant
            .post(&path, &json!({"text": "It is 500 euros"}))
            .await
            .expect(201);
        eventually("a person's answer comes", || async {
            let answers = guest.answers().await;
            answers
                .iter()
                .any(|answer| answer["author"] == "human")
                .then_some(())
        })
        .await;
        // Nobody that there is not.
        let nobody = "/v1/contacts/cont_01k5p0d3sbqgd2h6x7mzv9e4ra/processing";
        tenant.get(nobody).await.expect(404);
        tenant
            .put(nobody, &json!({"processing": "full"}))
            .await
            .expect(404);
        let other = Tenant::on(&stack, Preset::Hospitality).await;
        let contact = conversation["contact_id"].as_str().unwrap();
        other
            .get(&format!("/v1/contacts/{contact}/processing"))
            .await
            .expect(404);
        stack.shutdown().await;
    });
}

#[test]
fn a_tenant_switches_its_ai_off_or_lets_it_answer_while_nobody_is_there() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::with_prices_on(&stack).await;
        assert_eq!(
            tenant.get("/v1/ai").await.expect(200),
            json!({"object": "ai", "answers": true, "staffed": null})
        );
        let bad = json!({"answers": true, "staffed": {"time_zone": "Mars", "hours": [
            {"day": "monday", "from": "9", "to": "17:00"},
        ]}});
        let refused = tenant.put("/v1/ai", &bad).await.refused();
        let fields: Vec<&str> = refused.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["staffed.hours[0].from", "staffed.time_zone"]);

        // What was answered before is no reason to call anybody, however often its job comes.
        let early = tenant.guest().await;
        let theirs = answered(&tenant, &early).await;
        tenant.put("/v1/ai", &json!({"answers": false})).await.expect(200);
        let path = format!("/v1/conversations/{}/messages", id(&theirs));
        let stored = tenant.get(&path).await.expect(200);
        let asked = data(&stored)
            .iter()
            .find(|message| message["direction"] == "inbound");
        again(&stack, &tenant, &theirs, &id(asked.unwrap())).await;
        assert_eq!(state(&tenant, &theirs).await, "ai");
        let guest = tenant.guest().await;
        let asked = guest.say("How much is the garden room?").await;
        let conversation = tenant.conversation_of(&asked).await;
        unanswered(
            &stack,
            &tenant,
            &guest,
            &conversation,
            "And how much is the deposit?",
        )
        .await;
        assert_eq!(state(&tenant, &conversation).await, "waiting_for_human");

        // The whole of today, where the stack is: people are there.
        let day = |now: i64| {
            let days = [
                "thursday",
                "friday",
                "saturday",
                "sunday",
                "monday",
                "tuesday",
                "wednesday",
            ];
            days[usize::try_from(now / 86_400_000 % 7).unwrap()]
        };
        let hours = json!([{"day": day(stack.clock().now_ms()), "from": "00:00", "to": "24:00"}]);
        let staffed = json!({"answers": true, "staffed": {"time_zone": "UTC", "hours": hours}});
        tenant.put("/v1/ai", &staffed).await.expect(200);
        let second = tenant.guest().await;
        let asked = second.say("How much is the garden room?").await;
        let theirs = tenant.conversation_of(&asked).await;
        unanswered(&stack, &tenant, &second, &theirs, "Hello?").await;
        stack.advance(Duration::from_hours(24)).await.unwrap();
        let third = tenant.guest().await;
        let asked = third.say("How much is the garden room?").await;
        assert_eq!(third.answer_to(&asked).await["author"], "ai");
        stack.shutdown().await;
    });
}

#[test]
fn a_conversation_is_taken_over_closed_and_goes_on_when_its_person_writes_again() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let guest = tenant.guest().await;
        let conversation = answered(&tenant, &guest).await;
        let path = |act: &str| format!("/v1/conversations/{}/{act}", id(&conversation));
        let steps = [
            ("take-over", 200, "human"),
            ("take-over", 409, "already_taken_over"),
            ("close", 200, "closed"),
            ("close", 409, "already_closed"),
        ];
        for (act, status, what) in steps {
            let answer = tenant.post(&path(act), &json!({})).await.expect(status);
            let said = if status == 200 {
                &answer["state"]
            } else {
                &answer["code"]
            };
            assert_eq!(said, what, "{act}");
        }
        let closed = tenant.get("/v1/conversations?state=closed").await.expect(200);
        assert_eq!(data(&closed).len(), 1);
        let asked = guest.say("How much is the garden room?").await;
        assert_eq!(guest.answer_to(&asked).await["author"], "ai");
        assert_eq!(state(&tenant, &conversation).await, "ai");
        assert_eq!(tenant.conversation_of(&asked).await["id"], conversation["id"]);
        tenant.post(&path("hand-back"), &json!({})).await.expect(409);
    });
}
