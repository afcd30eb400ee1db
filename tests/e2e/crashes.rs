//! Functions that die at one chosen point: what comes after must put it right, and say nothing twice.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, OnceCell};
use usher_local::Stack;
use usher_shared::category::Preset;

use crate::delivery::Waiting;
use crate::harness::{CLIENT, Guest, Tenant, data, eventually, id, run, send};

/// A stack of their own, one test at a time: a fault strikes whoever comes along.
static STACK: OnceCell<Stack> = OnceCell::const_new();
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

async fn tenant() -> (MutexGuard<'static, ()>, Tenant) {
    let alone = ONE_AT_A_TIME.lock().await;
    let stack = STACK.get_or_init(crate::harness::start).await;
    let tenant = Tenant::on(stack, Preset::Hospitality).await;
    let prices = "# Prices\n\n## Garden room\n\nThe garden room costs 900 euros a day.\n\n\
                  ## Parking\n\nParking is free for all guests.\n";
    tenant.upload("Prices", prices).await;
    (alone, tenant)
}

/// Kills a function at its next call that matches.
async fn strike(tenant: &Tenant, fault: &Value) {
    send(CLIENT.post(tenant.url("/_local/fault")).json(fault))
        .await
        .expect(200);
}

/// Waits until every fault has struck.
async fn struck(tenant: &Tenant) {
    eventually("the fault strikes", || async {
        let list = send(CLIENT.get(tenant.url("/_local/fault"))).await.expect(200);
        list["pending"].as_array().unwrap().is_empty().then_some(())
    })
    .await;
}

fn answers_to(answers: &[Value], message: &str) -> usize {
    answers
        .iter()
        .filter(|answer| answer["answers"] == message)
        .count()
}

/// Longer than a job that failed stays hidden, and a turn.
async fn silence() {
    tokio::time::sleep(Duration::from_secs(6)).await;
}

/// A message whose first delivery died after the marker, so that its row will be newer than its id says; and
/// what it was posted as.
async fn half_stored(tenant: &Tenant, guest: &Guest<'_>, text: &str) -> Value {
    let fault =
        json!({"service": "dynamodb", "operation": "PutItem", "function": "inbound", "kind": "kill-after"});
    strike(tenant, &fault).await;
    let body = json!({"text": text, "client_message_id": "half"});
    assert_eq!(guest.post(&body).await.status, 500);
    struck(tenant).await;
    body
}

#[test]
fn an_answer_whose_turn_died_before_the_head_moved_is_given_once() {
    run(async {
        let (_alone, tenant) = tenant().await;
        let guest = tenant.guest().await;
        // The trace is the first row that a turn puts, the answer the second.
        let fault = json!({"service": "dynamodb", "operation": "PutItem", "function": "reply",
                           "kind": "kill-after", "skip": 1});
        strike(&tenant, &fault).await;
        let first = guest.say("How much is the garden room?").await;
        struck(&tenant).await;
        let second = guest.say("Is parking free?").await;
        let answer = guest.answer_to(&second).await;
        assert!(!answer["text"].as_str().unwrap().contains("900"), "{answer}");
        silence().await;
        let answers = guest.answers().await;
        assert_eq!(
            (answers_to(&answers, &first), answers.len()),
            (1, 2),
            "{answers:?}"
        );
    });
}

#[test]
fn a_hand_over_whose_turn_died_before_the_head_moved_calls_a_person() {
    run(async {
        let (_alone, tenant) = tenant().await;
        let guest = tenant.guest().await;
        let fault = json!({"service": "dynamodb", "operation": "PutItem", "function": "reply",
                           "kind": "kill-after", "skip": 1});
        strike(&tenant, &fault).await;
        let first = guest.say("Is there a helicopter landing pad?").await;
        struck(&tenant).await;
        let _second = guest.say("Is parking free?").await;
        assert_eq!(guest.answer_to(&first).await["author"], "system");
        eventually("a person is called", || async {
            let list = tenant
                .get("/v1/conversations?state=waiting_for_human")
                .await
                .expect(200);
            (data(&list).len() == 1).then_some(())
        })
        .await;
        silence().await;
        assert_eq!(guest.answers().await.len(), 1, "the notice, and no AI after it");
    });
}

#[test]
fn a_message_that_was_stored_late_is_answered_though_a_newer_one_waits() {
    run(async {
        let (_alone, tenant) = tenant().await;
        let guest = tenant.guest().await;
        let before = guest.say("Hello").await;
        guest.answer_to(&before).await;
        let late = half_stored(&tenant, &guest, "How much is the garden room?").await;
        let between = guest.say("Is parking free?").await;
        guest.answer_to(&between).await;
        let late = id(&guest.post(&late).await.expect(202));
        assert!(late < between, "named before, stored after");
        let newer = guest.say("Hello again").await;
        guest.answer_to(&newer).await;
        let answer = guest.answer_to(&late).await;
        assert!(answer["text"].as_str().unwrap().contains("900"), "{answer}");
    });
}

#[test]
fn a_message_that_was_stored_late_is_answered_though_its_turn_died_after_the_trace() {
    run(async {
        let (_alone, tenant) = tenant().await;
        let guest = tenant.guest().await;
        let before = guest.say("Hello").await;
        guest.answer_to(&before).await;
        let late = half_stored(&tenant, &guest, "How much is the garden room?").await;
        let between = guest.say("Is parking free?").await;
        guest.answer_to(&between).await;
        let fault =
            json!({"service": "dynamodb", "operation": "PutItem", "function": "reply", "kind": "kill-after"});
        strike(&tenant, &fault).await;
        let late = id(&guest.post(&late).await.expect(202));
        struck(&tenant).await;
        let answer = guest.answer_to(&late).await;
        assert!(answer["text"].as_str().unwrap().contains("900"), "{answer}");
    });
}

#[test]
fn a_message_that_was_stored_late_and_failed_for_good_is_handed_to_a_person() {
    run(async {
        let (_alone, tenant) = tenant().await;
        let guest = tenant.guest().await;
        let before = guest.say("Hello").await;
        guest.answer_to(&before).await;
        let late = half_stored(&tenant, &guest, "How much is the garden room?").await;
        let between = guest.say("Is parking free?").await;
        guest.answer_to(&between).await;
        let fault = json!({"service": "dynamodb", "operation": "Query", "function": "reply", "kind": "kill", "count": 5});
        strike(&tenant, &fault).await;
        let late = id(&guest.post(&late).await.expect(202));
        struck(&tenant).await;
        let notice = eventually("the guest is told", || async {
            send(CLIENT.post(tenant.url("/_local/schedule/redrive")))
                .await
                .expect(200);
            guest
                .answers()
                .await
                .into_iter()
                .find(|answer| answer["answers"] == late)
        })
        .await;
        assert_eq!(notice["author"], "system");
        let conversation = tenant.conversation_of(&late).await;
        assert_eq!(conversation["state"], "waiting_for_human");
        let items = STACK.get().unwrap().database().items("InboxTable").unwrap();
        let head = items
            .iter()
            .find(|item| item["id"]["S"] == conversation["id"])
            .unwrap();
        assert_eq!(
            head["answered_through"]["S"], between,
            "what was answered is not asked again"
        );
    });
}

#[test]
fn an_answer_that_could_not_be_delivered_calls_a_person() {
    run(async {
        let (_alone, tenant) = tenant().await;
        let guest = tenant.guest().await;
        let fault = json!({"service": "dynamodb", "operation": "UpdateItem", "function": "deliver",
                           "kind": "kill", "count": 5});
        strike(&tenant, &fault).await;
        let asked = guest.say("How much is the garden room?").await;
        struck(&tenant).await;
        let conversation = eventually("a person is called", || async {
            send(CLIENT.post(tenant.url("/_local/schedule/redrive")))
                .await
                .expect(200);
            let list = tenant
                .get("/v1/conversations?state=waiting_for_human")
                .await
                .expect(200);
            data(&list).first().cloned()
        })
        .await;
        let path = format!("/v1/conversations/{}/messages", id(&conversation));
        eventually("the message says so", || async {
            let messages = tenant.get(&path).await.expect(200);
            let answer = data(&messages)
                .iter()
                .find(|message| message["answers"] == asked)
                .cloned();
            (answer.unwrap()["state"] == "failed").then_some(())
        })
        .await;
        assert!(guest.answers().await.is_empty());
    });
}

#[test]
fn a_claim_that_was_applied_but_not_confirmed_is_known_for_its_own_and_the_message_leaves_once() {
    run(async {
        let (_alone, tenant) = tenant().await;
        let waiting = Waiting::new(STACK.get().unwrap(), &tenant, &[crate::delivery::taken()]).await;
        // The courier of the test acts as the operator. What it writes first is a lease of the channel's rate.
        let fault = json!({"service": "dynamodb", "operation": "UpdateItem", "function": "operator",
                           "kind": "drop-response", "skip": 1});
        strike(&tenant, &fault).await;
        assert_eq!(waiting.comes().await, Some(false), "the claim names its attempt");
        assert_eq!(waiting.stands().await, ("sent".to_owned(), 1));
        assert_eq!(waiting.comes().await, Some(false));
        assert_eq!(waiting.stands().await, ("sent".to_owned(), 1));
    });
}

/// The contact's row is written, and nobody says so: whoever wrote it must not take it for another's, and delete the
/// keys that a second delivery uses by then.
#[test]
fn a_first_message_keeps_its_keys_though_the_answers_to_its_writes_are_lost() {
    run(async {
        let (_alone, tenant) = tenant().await;
        // Keys, age, head and contact, in whatever order: each once.
        for skip in 0..6 {
            let fault = json!({"service": "dynamodb", "operation": "PutItem", "function": "inbound",
                "kind": "timeout-after", "skip": skip, "delay": "4s"});
            strike(&tenant, &fault).await;
            let guest = tenant.guest().await;
            let body = json!({"text": "Is parking free?", "client_message_id": "a"});
            let second = async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                guest.post(&body).await
            };
            let (first, second) = tokio::join!(guest.post(&body), second);
            struck(&tenant).await;
            let ids: Vec<String> = [first, second]
                .into_iter()
                .filter(|answer| answer.status == 202)
                .map(|answer| id(&answer.body))
                .collect();
            let again = id(&guest.post(&body).await.expect(202));
            assert!(ids.iter().all(|one| *one == again), "{skip}: {ids:?} and {again}");
            assert_eq!(guest.answer_to(&again).await["author"], "ai", "{skip}");
            let conversations = tenant.conversation_of(&again).await;
            assert_eq!(conversations["title"], "Is parking free?", "{skip}");
        }
    });
}
