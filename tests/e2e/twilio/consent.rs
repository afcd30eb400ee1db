//! STOP, START, HELP: before anything else, in whatever order they come, and for good.

use serde_json::json;

use super::line::{Line, answer_in, messages, number, received, settled, sid};
use crate::harness::{CLIENT, Tenant, eventually, id, run, send, stack, start};

const QUESTION: &str = "How much is the garden room?";

/// Says whether a typed message still reaches the number.
async fn reaches(line: &Line<'_>, conversation: &str, text: &str) -> bool {
    let typed = line.typed(conversation, text).await;
    match typed["state"].as_str().unwrap() {
        "sent" => true,
        "canceled" => {
            assert_eq!(typed["failure"], "opted_out", "{typed}");
            false
        }
        other => panic!("{other}: {typed}"),
    }
}

#[test]
fn p_con_02_every_word_of_the_register_ends_all_messages_at_once() {
    run(async {
        let tenant = Tenant::new().await;
        let line = Line::sms(stack(), &tenant).await;
        let words = [
            "STOP",
            "StopAll",
            " unsubscribe\n",
            "cancel.",
            "End",
            "QUIT!",
            "revoke",
            "\"OptOut\"",
            "Please stop texting me",
        ];
        let each = words.map(|word| {
            let (line, tenant) = (&line, &tenant);
            async move {
                let from = number();
                line.text(&from, word).await;
                // Nobody wrote before: the word alone makes the conversation.
                let conversation = eventually("the word is listed", || async {
                    let all = tenant.get("/v1/conversations?limit=100").await.expect(200);
                    for head in crate::harness::data(&all) {
                        let said = messages(tenant, &id(head)).await;
                        if said.iter().any(|said| said["text"] == word) {
                            return Some(id(head));
                        }
                    }
                    None
                })
                .await;
                assert!(!reaches(line, &conversation, "One more thing").await, "{word:?}");
                let said = messages(tenant, &conversation).await;
                assert_eq!(said.len(), 2, "{word:?} was answered: {said:?}");
                assert_eq!(said[0]["unattended"], true);
                assert!(received(tenant, &from).await.is_empty(), "{word:?}");
            }
        });
        futures_util::future::join_all(each).await;
    });
}

#[test]
fn p_con_02_stop_ends_it_for_one_tenant_and_start_resumes_it() {
    run(async {
        let (one, other) = (Tenant::with_prices().await, Tenant::with_prices().await);
        let (line, another) = (Line::sms(stack(), &one).await, Line::sms(stack(), &other).await);
        let second = Line::sms(stack(), &one).await;
        let from = number();
        for line in [&line, &another, &second] {
            line.text(&from, QUESTION).await;
        }
        let (conversation, _) = line.said(QUESTION).await;
        let (elsewhere, _) = another.said(QUESTION).await;
        let (beside, _) = second.said(QUESTION).await;
        assert!(reaches(&line, &conversation, "one").await);
        let stop = sid("SM");
        line.text_as(&stop, &from, "Stop", &[("OptOutType", "STOP")])
            .await;
        assert!(!reaches(&line, &conversation, "two").await);
        assert!(
            !reaches(&second, &beside, "three").await,
            "all numbers of the tenant"
        );
        assert!(
            reaches(&another, &elsewhere, "four").await,
            "another tenant's is another's"
        );
        // Who is opted out and asks is heard by a person, and answered by nothing.
        line.text(&from, "Is parking free?").await;
        let (_, said) = line.said("Is parking free?").await;
        let asked = said.iter().find(|said| said["text"] == "Is parking free?");
        assert_eq!(asked.unwrap()["unattended"], true);

        let first_start = sid("SM");
        line.text_as(&first_start, &from, " start ", &[]).await;
        assert!(reaches(&line, &conversation, "five").await);
        // A late repetition of what was taken back takes nothing back again, either way.
        line.text_as(&stop, &from, "Stop", &[("OptOutType", "STOP")])
            .await;
        assert!(reaches(&line, &conversation, "six").await);
        line.text(&from, "STOP").await;
        line.text_as(&first_start, &from, " start ", &[]).await;
        assert!(!reaches(&line, &conversation, "seven").await);
        // A plain yes resumes for who is opted out, and is an answer for everybody else.
        line.text(&from, "Yes").await;
        assert!(reaches(&line, &conversation, "eight").await);
    });
}

#[test]
fn p_con_02_help_is_answered_with_the_support_contact_and_not_twice() {
    run(async {
        let tenant = Tenant::new().await;
        let line = Line::sms(stack(), &tenant).await;
        let (from, help) = (number(), sid("SM"));
        line.text_as(&help, &from, "help", &[]).await;
        let (conversation, _) = line.said("help").await;
        // A person has the conversation: what was asked for is answered all the same.
        let answer = answer_in(&tenant, &conversation, "help").await;
        assert_eq!(
            (&answer["state"], &answer["author"]),
            (&json!("sent"), &json!("system"))
        );
        line.text_as(&help, &from, "help", &[]).await;
        let sent = received(&tenant, &from).await;
        assert_eq!(sent.len(), 1);
        assert!(
            sent[0]["content"]["body"]
                .as_str()
                .unwrap()
                .contains("desk@venue.example")
        );
        // Where the carrier has answered, nothing is added.
        let other = number();
        line.text_as(&sid("SM"), &other, "INFO", &[("OptOutType", "HELP")])
            .await;
        let (conversation, _) = line.said("INFO").await;
        assert!(reaches(&line, &conversation, "Anything else?").await);
        assert_eq!(received(&tenant, &other).await.len(), 1);
    });
}

#[test]
fn p_con_02_an_opt_out_outlives_the_person_s_erasure_as_a_keyed_hash() {
    run(async {
        let tenant = Tenant::new().await;
        let line = Line::sms(stack(), &tenant).await;
        let from = number();
        line.text(&from, "STOP").await;
        let (conversation, _) = line.said("STOP").await;
        let erased = tenant.delete(&format!("/v1/conversations/{conversation}")).await;
        assert!(erased.status.is_success(), "{}", erased.body);
        line.text(&from, "Hello again").await;
        let (fresh, said) = line.said("Hello again").await;
        assert_ne!(fresh, conversation);
        assert_eq!(said[0]["unattended"], true);
        assert!(!reaches(&line, &fresh, "Welcome back").await);
        let dump = send(CLIENT.get(tenant.url("/_local/dump")))
            .await
            .body
            .to_string();
        assert!(!dump.contains(&from) && !dump.contains(&from[1..]));
    });
}

#[test]
fn p_con_02_stop_while_an_answer_is_made_or_waits_stops_it() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::with_prices_on(&stack).await;
        let line = Line::sms(&stack, &tenant).await;
        let paused = ["reply", "deliver"];
        for function in paused {
            let from = number();
            let text = format!("{QUESTION} ({function})");
            assert!(stack.pause(function, true));
            line.text(&from, &text).await;
            if function == "deliver" {
                // The answer is there, and about to leave.
                let (conversation, _) = line.said(&text).await;
                eventually("the answer waits", || async {
                    let said = messages(&tenant, &conversation).await;
                    said.into_iter().find(|said| said["state"] == "queued")
                })
                .await;
            }
            line.text(&from, "STOP").await;
            assert!(stack.pause(function, false));
            let (conversation, _) = line.said(&text).await;
            let answer = answer_in(&tenant, &conversation, &text).await;
            assert_eq!(
                (&answer["state"], &answer["failure"]),
                (&json!("canceled"), &json!("opted_out")),
                "{function}"
            );
            let again = settled(&tenant, &conversation, &id(&answer)).await;
            assert_eq!(again["state"], "canceled");
            assert!(received(&tenant, &from).await.is_empty(), "{function}");
        }
        stack.shutdown().await;
    });
}
