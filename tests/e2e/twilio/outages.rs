//! Twilio on bad days, and more to send than it takes: nothing twice, nothing lost.

use serde_json::{Value, json};
use usher_aws::queue::Outgoing;
use usher_aws::store::{When, keys};
use usher_shared::category::Preset;
use usher_shared::channel::ChannelKind;
use usher_shared::ids::{ConversationId, MessageId};
use usher_shared::rate::Class;
use usher_shared::records::DeliverJob;

use super::line::{Line, enter, messages, number, received};
use crate::harness::{CLIENT, Tenant, eventually, id, run, send, start};

async fn fault(tenant: &Tenant, kind: &str) {
    let fault = json!({"service": "carrier", "operation": "twilio", "kind": kind, "count": 1});
    send(CLIENT.post(tenant.url("/_local/fault")).json(&fault))
        .await
        .expect(200);
}

#[test]
fn bad_days_of_the_carrier_send_nothing_twice_and_lose_nothing() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let line = Line::sms(&stack, &tenant).await;
        for (kind, state, reached) in [
            ("throttle", "sent", 1),
            ("500", "unknown", 0),
            ("drop-response", "unknown", 1),
        ] {
            let (from, text) = (number(), format!("Hello ({kind})"));
            line.text(&from, &text).await;
            let (conversation, _) = line.said(&text).await;
            let head = format!("/v1/conversations/{conversation}");
            // The AI has nothing to say to this; what it says of a person is out of the way first.
            eventually("a person is called", || async {
                let head = tenant.get(&head).await.expect(200);
                (head["state"] == "waiting_for_human").then_some(())
            })
            .await;
            eventually("the notice is sent", || async {
                (received(&tenant, &from).await.len() == 1).then_some(())
            })
            .await;
            fault(&tenant, kind).await;
            let typed = line.typed(&conversation, "Good morning").await;
            // A status tells more than the answer that was lost.
            let told = if kind == "drop-response" { "sent" } else { state };
            assert!(
                typed["state"] == state || typed["state"] == told,
                "{kind}: {typed}"
            );
            let sent = received(&tenant, &from).await;
            assert_eq!(sent.len(), 1 + reached, "{kind}: {sent:?}");
        }
        stack.shutdown().await;
    });
}

#[test]
fn what_is_more_than_a_channel_may_send_waits_and_leaves_in_order() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let line = Line::sms(&stack, &tenant).await;
        let from = number();
        line.text(&from, "Hello").await;
        let (conversation, _) = line.said("Hello").await;
        // Somebody else has used up what the channel may send for the moment.
        let (platform, scope) = enter(&stack, &tenant).await;
        let class = Class::Sends(ChannelKind::Sms);
        let channel = line.id.to_string();
        while platform.admit(&scope, class, &[channel.as_bytes()]).await.is_ok() {}
        let more = class.limit().lease + 4;
        let mut typed = Vec::new();
        for number in 0..more {
            let path = format!("/v1/conversations/{conversation}/messages");
            let body = json!({"text": format!("number {number}")});
            let message = tenant.post(&path, &body).await;
            assert!(message.status.is_success(), "{}", message.body);
            typed.push(id(&message.body));
        }
        let is_ours = |message: &&Value| {
            let text = message["text"].as_str().unwrap_or_default();
            text.starts_with("number ")
        };
        eventually("all have left", || async {
            let all = messages(&tenant, &conversation).await;
            let sent = all.iter().filter(is_ours).filter(|one| one["state"] == "sent");
            (sent.count() == typed.len()).then_some(())
        })
        .await;
        let sent = received(&tenant, &from).await;
        let bodies: Vec<&str> = sent
            .iter()
            .filter_map(|entry| entry["content"]["body"].as_str())
            .filter(|body| body.starts_with("number "))
            .collect();
        let expected: Vec<String> = (0..more).map(|number| format!("number {number}")).collect();
        assert_eq!(bodies, expected);
        stack.shutdown().await;
    });
}

#[test]
fn what_waited_too_long_in_the_queue_is_sent_after_all_and_not_given_up() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let line = Line::sms(&stack, &tenant).await;
        let from = number();
        line.text(&from, "Hello").await;
        let (conversation, _) = line.said("Hello").await;
        let typed = line.typed(&conversation, "Good morning").await;
        assert_eq!(typed["state"], "sent");
        // As the queue gives up on a message that its channel's limit has held back each time.
        let (platform, scope) = enter(&stack, &tenant).await;
        let place: ConversationId = conversation.parse().unwrap();
        let message: MessageId = id(&typed).parse().unwrap();
        let row = keys::message(scope.tenant(), place, message);
        let waits = vec![("state", json!("queued")), ("waits_until", json!(scope.now()))];
        let written = scope
            .store()
            .update(&row, waits, vec![When::Is("state", json!("sent"))])
            .await;
        assert!(written.unwrap().happened());
        let job = DeliverJob {
            at: scope.now().into(),
            tenant: scope.tenant().into(),
            conversation: place.into(),
            message: message.into(),
            channel: Some(line.id).into(),
        };
        let job = Outgoing::fifo(&job, &place, &message).unwrap();
        let url = stack.environment("dispatch").unwrap()["DELIVER_DEAD_LETTERS_URL"].clone();
        assert!(platform.send_jobs(&url, &[job]).await.is_empty());
        send(CLIENT.post(tenant.url("/_local/schedule/redrive")))
            .await
            .expect(200);
        eventually("it is sent after all", || async {
            let all = messages(&tenant, &conversation).await;
            let found = all.into_iter().find(|one| one["id"] == id(&typed))?;
            assert_ne!(found["state"], "failed", "{found}");
            (found["state"] == "sent").then_some(())
        })
        .await;
        let sent = received(&tenant, &from).await;
        let again = sent
            .iter()
            .filter(|entry| entry["content"]["body"] == "Good morning");
        assert_eq!(again.count(), 2);
        stack.shutdown().await;
    });
}
