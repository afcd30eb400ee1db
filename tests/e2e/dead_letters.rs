//! What cannot be worked on ends in a dead letter, holds nobody up, and is never silence.

use serde_json::{Value, json};
use usher_shared::Timestamp;
use usher_shared::ids::{ConversationId, MessageId, TenantId};

use crate::harness::{CLIENT, Tenant, data, eventually, run, send, stack};

fn record(keys: &Value, sequence: &str) -> Value {
    let mut image = keys.clone();
    image["k"] = json!({"S": "message"});
    image["direction"] = json!({"S": "inbound"});
    image["state"] = json!({"S": "received"});
    json!({
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"Keys": keys, "NewImage": image, "SequenceNumber": sequence},
    })
}

async fn queue_texts() -> String {
    send(CLIENT.get(format!("{}/_local/dump", stack().base_url())))
        .await
        .body["queues"]
        .to_string()
}

#[test]
fn a_poison_record_ends_in_a_dead_letter_and_the_next_one_is_dispatched() {
    run(async {
        // Ids that belong to nobody: the jobs end quietly.
        let at = Timestamp::from_millis(1_790_000_000_000);
        let tenant = TenantId::derived(at, [1; 10]);
        let conversation = ConversationId::derived(at, [2; 10]);
        let message = MessageId::derived(at, [3; 10]);
        let poison = json!({"pk": {"S": "poison#partition"}, "sk": {"S": "m#poison"}});
        let pk = format!("{tenant}#v#{conversation}");
        let fine = json!({"pk": {"S": pk}, "sk": {"S": format!("m#{}", message.body())}});
        let event = json!({"Records": [record(&poison, "1"), record(&json!({}), "2"), record(&fine, "3")]});
        let answer = stack().invoke("dispatch", &event).await.unwrap().unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer, json!({"batchItemFailures": []}), "nobody is held up");
        let queues = queue_texts().await;
        assert!(queues.contains("poison#partition"), "{queues}");
        let logs = stack().logs("dispatch").unwrap();
        assert!(logs.contains("record without keys dropped"));
        // The schedule looks at the row, finds none, and puts the letter away.
        let url = format!("{}/_local/schedule/redrive", stack().base_url());
        eventually("the letter is put away", || async {
            send(CLIENT.post(&url)).await.expect(200);
            (!queue_texts().await.contains("poison#partition")).then_some(())
        })
        .await;
    });
}

#[test]
fn a_message_whose_reply_failed_for_good_is_handed_to_a_person() {
    run(async {
        let stack = crate::harness::start().await;
        let tenant = Tenant::on(&stack, usher_shared::category::Preset::Hospitality).await;
        let guest = tenant.guest().await;
        let asked = guest.say("Hello").await;
        guest.answer_to(&asked).await;
        let conversation = tenant.conversation_of(&asked).await;
        // A job as the queue would give up on it: for a newer message than the one that was answered.
        let id: ConversationId = crate::harness::id(&conversation).parse().unwrap();
        let platform = usher_local::seed::operator(&stack).unwrap();
        let owner = *platform
            .find_api_key(&tenant.demo.api_key)
            .await
            .unwrap()
            .unwrap()
            .tenant;
        let newer = MessageId::generate(platform.clock().now(), platform.entropy());
        let job = usher_shared::records::ReplyJob {
            at: platform.clock().now().into(),
            tenant: owner.into(),
            conversation: id.into(),
            message: newer.into(),
        };
        let job = usher_aws::queue::Outgoing::fifo(&job, &id, &newer).unwrap();
        let url = stack.environment("dispatch").unwrap()["REPLY_DEAD_LETTERS_URL"].clone();
        assert!(platform.send_jobs(&url, &[job]).await.is_empty());
        send(CLIENT.post(tenant.url("/_local/schedule/redrive")))
            .await
            .expect(200);
        let conversations = tenant
            .get("/v1/conversations?state=waiting_for_human")
            .await
            .expect(200);
        assert_eq!(data(&conversations).len(), 1);
        let notice = guest.answer_to(&newer.to_string()).await;
        assert_eq!(notice["author"], "system", "the guest is told");
        stack.shutdown().await;
    });
}
