//! The web chat, from a visitor's first message to the answer.

use std::time::Duration;

use serde_json::json;

use crate::harness::{CLIENT, Tenant, data, eventually, id, run, send, stack};

/// Longer than the reply queue's delay and a turn: what has not come by then does not come.
const SILENCE: Duration = Duration::from_secs(5);

#[test]
fn a_question_is_answered_from_the_documents_and_the_trace_names_the_passage() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let guest = tenant.guest().await;
        let asked = guest.say("How much is the garden room?").await;
        let answer = guest.answer_to(&asked).await;
        assert!(answer["text"].as_str().unwrap().contains("900 euros"), "{answer}");
        assert_eq!(answer["author"], "ai");

        let conversation = tenant.conversation_of(&asked).await;
        assert_eq!(conversation["state"], "ai");
        assert_eq!(conversation["title"], "How much is the garden room?");
        let traces = tenant
            .get(&format!("/v1/conversations/{}/traces", id(&conversation)))
            .await
            .expect(200);
        let trace = &data(&traces)[0];
        assert_eq!(trace["message_id"], asked.as_str());
        assert_eq!(trace["decision"], "answered");
        assert_eq!(trace["provider"], "builtin");
        assert_eq!(trace["reply_id"], answer["id"]);
        let documents = tenant.get("/v1/documents").await.expect(200);
        assert_eq!(trace["passages"][0]["document_id"], data(&documents)[0]["id"]);
        assert!(
            trace["prompt"]
                .as_str()
                .unwrap()
                .contains("How much is the garden room?")
        );
    });
}

#[test]
fn what_no_document_says_is_handed_over_and_the_ai_stays_silent() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let guest = tenant.guest().await;
        let asked = guest.say("Is there a helicopter landing pad?").await;
        assert_eq!(guest.answer_to(&asked).await["author"], "system");
        let conversation = tenant.conversation_of(&asked).await;
        assert_eq!(conversation["state"], "waiting_for_human");

        let more = guest.say("How much is the garden room?").await;
        tokio::time::sleep(SILENCE).await;
        assert_eq!(
            guest.answers().await.len(),
            1,
            "nothing answers {more} but a person"
        );

        let path = format!("/v1/conversations/{}/hand-back", id(&conversation));
        assert_eq!(tenant.post(&path, &json!({})).await.expect(200)["state"], "ai");
        assert_eq!(
            tenant.post(&path, &json!({})).await.expect(409)["code"],
            "already_with_ai"
        );
        let again = guest.say("How much is the garden room, please?").await;
        assert_eq!(guest.answer_to(&again).await["author"], "ai");
    });
}

#[test]
fn three_quick_messages_get_one_answer() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let guest = tenant.guest().await;
        guest.say("Hello").await;
        guest.say("We are getting married").await;
        let last = guest.say("How much is the garden room?").await;
        guest.answer_to(&last).await;
        tokio::time::sleep(SILENCE).await;
        assert_eq!(guest.answers().await.len(), 1);
    });
}

#[test]
fn a_message_posted_many_times_at_once_is_stored_and_answered_once() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let guest = tenant.guest().await;
        let body = json!({"text": "How much is the garden room?", "client_message_id": "one"});
        let posts = (0..6).map(|_| guest.post(&body));
        let mut ids: Vec<String> = Vec::new();
        for post in futures(posts).await {
            ids.push(id(&post.expect(202)));
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 1, "one id: {ids:?}");
        guest.answer_to(&ids[0]).await;
        tokio::time::sleep(SILENCE).await;
        assert_eq!(guest.answers().await.len(), 1);
        let conversation = tenant.conversation_of(&ids[0]).await;
        let messages = tenant
            .get(&format!("/v1/conversations/{}/messages", id(&conversation)))
            .await
            .expect(200);
        assert_eq!(
            data(&messages)
                .iter()
                .filter(|m| m["direction"] == "inbound")
                .count(),
            1
        );

        let other = json!({"text": "Something else", "client_message_id": "one"});
        assert_eq!(
            guest.post(&other).await.expect(422)["code"],
            "idempotency_key_reused"
        );
    });
}

async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = all.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        pending.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(output) => {
                done.push(output);
                false
            }
            std::task::Poll::Pending => true,
        });
        if pending.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done
}

#[test]
fn a_person_takes_over_and_the_visitor_reads_their_answer() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let guest = tenant.guest().await;
        let asked = guest.say("How much is the garden room?").await;
        let first = guest.answer_to(&asked).await;
        let conversation = tenant.conversation_of(&asked).await;
        let path = format!("/v1/conversations/{}/messages", id(&conversation));
        let written = tenant
            .post(&path, &json!({"text": "For you, 850."}))
            .await
            .expect(201);
        let human = eventually("the person's answer is delivered", || async {
            guest
                .answers()
                .await
                .into_iter()
                .find(|answer| answer["author"] == "human")
        })
        .await;
        assert_eq!(
            (&human["id"], &human["text"]),
            (&written["id"], &json!("For you, 850."))
        );
        let state = tenant
            .get(&format!("/v1/conversations/{}", id(&conversation)))
            .await
            .expect(200);
        assert_eq!(state["state"], "human");

        // `after` gives what came after, and nothing twice.
        let after = format!("{}?after={}", tenant.chat("messages"), id(&first));
        let rest = send(CLIENT.get(after).bearer_auth(&guest.token))
            .await
            .expect(200);
        assert_eq!(data(&rest).iter().map(id).collect::<Vec<_>>(), [id(&human)]);
    });
}

#[test]
fn what_a_visitor_volunteers_becomes_a_lead() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let guest = tenant.guest().await;
        let asked = guest
            .say("My name is Anna Berg, +1 555 010 0199. How much is the garden room?")
            .await;
        let lead = eventually("the lead is captured", || async {
            data(&tenant.get("/v1/leads").await.expect(200)).first().cloned()
        })
        .await;
        let contact = &lead["contacts"][0];
        assert_eq!(
            (&contact["name"], &contact["phone"]),
            (&json!("Anna Berg"), &json!("+15550100199"))
        );
        let first = tenant.conversation_of(&asked).await;
        assert_eq!(lead["contacts"][0]["conversation_id"], first["id"]);
        let again = guest
            .say("I am at anna.berg@example.com. How much is the garden room?")
            .await;
        guest.answer_to(&again).await;
        eventually("the address joins the lead", || async {
            let leads = tenant.get("/v1/leads").await.expect(200);
            assert_eq!(data(&leads).len(), 1, "still one lead");
            (data(&leads)[0]["contacts"][0]["email"] == "anna.berg@example.com").then_some(())
        })
        .await;
    });
}

#[test]
fn p_sec_01_no_stored_byte_and_no_log_line_holds_what_people_wrote() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let guest = tenant.guest().await;
        let asked = guest
            .say("My name is Zebulon Quark, zebulon@example.net, +1 555 010 0142. Zanzibar?")
            .await;
        guest.answer_to(&asked).await;
        tenant.conversation_of(&asked).await;
        tenant.upload("Suite", "The zebra suite costs 971 euros.").await;
        let dump = send(CLIENT.get(tenant.url("/_local/dump")))
            .await
            .body
            .to_string();
        let mut logs = String::new();
        for function in ["inbound", "dispatch", "reply", "deliver", "inbox"] {
            logs.push_str(&stack().logs(function).unwrap_or_default());
        }
        for planted in [
            "Zebulon",
            "Quark",
            "zebulon@example.net",
            "5550100142",
            "010 0142",
            "Zanzibar",
            "971 euros",
        ] {
            assert!(!dump.contains(planted), "{planted} is stored in the open");
            assert!(!logs.contains(planted), "{planted} is in a log");
        }
        assert!(
            !dump.contains(&tenant.demo.api_key) && !logs.contains(&tenant.demo.api_key),
            "nor is the key"
        );
        assert!(!logs.contains(&guest.token), "nor is the session");
        // The same search finds what is meant to be in the open.
        assert!(dump.contains(&asked.replace("msg_", "")) && logs.contains(&asked));
    });
}
