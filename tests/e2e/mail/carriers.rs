//! What carriers of mail do and tell: faults, bounces, complaints, and Resend in place of SES.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use usher_aws::suppressions::Means;
use usher_local::Stack;

use super::mailbox::{Mailbox, fault, raw_mails, scope_of, unique};
use crate::harness::{CLIENT, eventually, run, send, stack, start};

fn mail(from: &str) -> Value {
    json!({"from": from, "subject": "Garden room", "text": "How much is the garden room?"})
}

/// The first message of ours, once it is as it should be.
async fn ours(mailbox: &Mailbox, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    eventually(what, || async {
        let messages = mailbox.messages().await;
        messages
            .into_iter()
            .find(|message| message["direction"] == "outbound" && fits(message))
    })
    .await
}

async fn suppressed(stack: &Stack, mailbox: &Mailbox, address: &str) -> bool {
    let (_, scope) = scope_of(stack, &mailbox.tenant).await;
    scope.is_suppressed(Means::Email, address).await.unwrap()
}

/// A mail that bounces for good: marked, left to a person, and never written to again by itself.
async fn bounces(mailbox: &Mailbox, stack: &Stack) {
    let from = format!("{}@example.net", unique("wrong"));
    mailbox.write(mail(&from)).await;
    let message = ours(mailbox, "the bounce is noted", |message| {
        message["delivery"] == "undelivered"
    })
    .await;
    assert_eq!(
        (&message["state"], &message["failure"]),
        (&json!("failed"), &json!("unreachable"))
    );
    let path = format!(
        "/v1/conversations/{}",
        message["conversation_id"].as_str().unwrap()
    );
    let conversation = mailbox.tenant.get(&path).await.expect(200);
    assert_eq!(conversation["state"], "waiting_for_human");
    assert!(suppressed(stack, mailbox, &from).await);
    mailbox
        .tenant
        .post(&format!("{path}/hand-back"), &json!({}))
        .await
        .expect(200);
    mailbox.write(mail(&from)).await;
    ours(mailbox, "the next answer is canceled", |message| {
        message["state"] == "canceled" && message["failure"] == "opted_out"
    })
    .await;
    assert_eq!(mailbox.sent_to(&from).await.len(), 1);
}

/// A complaint: it arrived, and the address gets nothing more by itself.
async fn complains(mailbox: &Mailbox, stack: &Stack) {
    let from = format!("{}@example.net", unique("complain"));
    mailbox.write(mail(&from)).await;
    eventually("the complaint counts", || async {
        suppressed(stack, mailbox, &from).await.then_some(())
    })
    .await;
}

#[test]
fn what_ses_tells_of_our_mail_is_noted_and_heeded() {
    run(async {
        let mailbox = Mailbox::new(stack()).await;
        bounces(&mailbox, stack()).await;
        complains(&mailbox, stack()).await;
        // What may pass is no reason for ever.
        let soft = format!("{}@example.net", unique("soft"));
        let other = Mailbox::new(stack()).await;
        other.write(mail(&soft)).await;
        let message = ours(&other, "the bounce is noted", |message| {
            message["delivery"] == "undelivered"
        })
        .await;
        assert_eq!(message["failure"], "gave_up");
        assert!(!suppressed(stack(), &other, &soft).await);
    });
}

#[test]
fn resend_takes_mail_in_place_of_ses_and_its_webhooks_are_heeded() {
    run(async {
        let key = unique("re_account");
        let secret = format!("whsec_{}", STANDARD.encode(&key));
        let mailbox = Mailbox::by_resend(stack(), &key, &secret).await;
        let endpoint = format!("{}/hooks/resend/{}", stack().base_url(), mailbox.key);
        let url = format!("{}/_world/mail/resend/webhooks", stack().base_url());
        let made = CLIENT
            .post(url)
            .bearer_auth(&key)
            .json(&json!({"endpoint": endpoint, "events": ["email.bounced"]}));
        assert_eq!(send(made).await.expect(201)["signing_secret"], secret);

        let ana = format!("{}@example.net", unique("ana"));
        mailbox.write(mail(&ana)).await;
        let answer = mailbox.answer(&ana, 1).await;
        assert_eq!(answer["provider"], "resend");
        assert!(answer["text"].as_str().unwrap().contains("900"));
        assert_eq!(answer["headers"]["Auto-Submitted"], "auto-replied");
        assert!(answer["reply_to"].as_str().unwrap().contains('+'));
        ours(&mailbox, "the answer arrived", |message| {
            message["delivery"] == "delivered"
        })
        .await;
        bounces(&mailbox, stack()).await;
        complains(&mailbox, stack()).await;
    });
}

#[test]
fn resend_is_asked_again_where_its_answer_was_lost_and_sends_once() {
    run(async {
        let stack = start().await;
        let key = unique("re_lost");
        let mailbox = Mailbox::by_resend(&stack, &key, "whsec_c2VjcmV0").await;
        for kind in ["drop-response", "throttle", "drop-response"] {
            let fault_of = json!({"service": "carrier", "operation": "resend", "kind": kind, "count": 1});
            fault(&stack, fault_of).await;
        }
        mailbox.write(mail("ana@example.net")).await;
        ours(&mailbox, "it is sent in the end", |message| {
            message["state"] == "sent"
        })
        .await;
        assert_eq!(mailbox.sent_to("ana@example.net").await.len(), 1);
        stack.shutdown().await;
    });
}

#[test]
fn a_mail_whose_fate_at_ses_is_unknown_is_not_sent_again_and_its_events_clear_it_up() {
    run(async {
        let stack = start().await;
        let mailbox = Mailbox::new(&stack).await;
        // Asked too often: later. Then it is taken, and the answer is lost.
        for kind in ["throttle", "drop-response"] {
            let fault_of = json!({"service": "carrier", "operation": "ses", "kind": kind, "count": 1});
            fault(&stack, fault_of).await;
        }
        mailbox.write(mail("ana@example.net")).await;
        ours(&mailbox, "an event tells that it arrived", |message| {
            message["state"] == "sent" && message["delivery"] == "delivered"
        })
        .await;
        assert_eq!(mailbox.sent_to("ana@example.net").await.len(), 1);

        // Nothing is told of this one: it stays unknown, and is left to a person.
        let fault_of = json!({"service": "carrier", "operation": "ses", "kind": "500", "count": 1});
        fault(&stack, fault_of).await;
        mailbox.write(mail("silent@example.net")).await;
        ours(&mailbox, "it is unknown", |message| message["state"] == "unknown").await;
        assert!(mailbox.sent_to("silent@example.net").await.is_empty());
        stack.shutdown().await;
    });
}

#[test]
fn a_dead_key_of_resend_closes_the_channel_until_it_is_connected_anew() {
    run(async {
        let key = unique("re_revoked");
        let mailbox = Mailbox::by_resend(stack(), &key, "whsec_c2VjcmV0").await;
        let from = format!("{}@example.net", unique("ana"));
        mailbox.write(mail(&from)).await;
        let message = ours(&mailbox, "it failed", |message| message["state"] == "failed").await;
        assert_eq!(message["failure"], "credentials_refused");
        let path = format!("/v1/channels/{}", mailbox.channel);
        let channel = mailbox.tenant.get(&path).await;
        if channel.status.is_success() {
            assert_eq!(channel.body["state"], "broken");
        }
    });
}

#[test]
fn p_ret_05_neither_a_raw_mail_nor_the_body_of_an_answer_outlives_its_delivery() {
    run(async {
        let stack = start().await;
        let mailbox = Mailbox::new(&stack).await;
        let question = "How much is the garden room? Quarkworth asks.";
        mailbox
            .write(
                json!({"from": "ana@example.net", "subject": "Zebulon", "text": question,
                          "attachments": [{"name": "plan.txt", "media_type": "text/plain",
                                           "base64": STANDARD.encode("Attached Quarkworth")}]}),
            )
            .await;
        let answer = mailbox.answer("ana@example.net", 1).await;
        ours(&mailbox, "it arrived", |message| {
            message["delivery"] == "delivered"
        })
        .await;
        assert_eq!(raw_mails(&stack).await, Vec::<String>::new());
        // What came with it was stored before, sealed.
        let kept = mailbox.message(question).await;
        let attached = &kept["attachments"][0];
        assert_eq!(
            (&attached["state"], &attached["name"]),
            (&json!("stored"), &json!("plan.txt"))
        );
        let dump = send(CLIENT.get(format!("{}/_local/dump", stack.base_url())))
            .await
            .expect(200)
            .to_string();
        let said = answer["text"].as_str().unwrap();
        let first_line = said.lines().next().unwrap();
        for text in [question, "Quarkworth", "Zebulon", first_line, "<!doctype html>"] {
            for form in [text.to_owned(), STANDARD.encode(text)] {
                assert!(!dump.contains(&form), "{text} is stored as it is");
            }
        }
        // The net below: whatever could not be stored is gone after a day.
        let template = std::fs::read_to_string(crate::harness::root().join("template.yaml")).unwrap();
        let (_, bucket) = template.split_once("  MailBucket:\n").unwrap();
        let (_, rules) = bucket.split_once("LifecycleConfiguration:").unwrap();
        assert!(
            rules
                .lines()
                .take(6)
                .any(|line| line.trim() == "ExpirationInDays: 1")
        );
        stack.shutdown().await;
    });
}
