//! Guests who write and are answered.

use serde_json::json;
use usher_shared::category::Preset;
use usher_shared::channel::{ChannelKind, ChannelSettings, CommentReplies};

use super::account::{Account, is_in_state, messages, number, post};
use crate::harness::{Tenant, eventually, run};

const META: [ChannelKind; 3] = [
    ChannelKind::Messenger,
    ChannelKind::Instagram,
    ChannelKind::Whatsapp,
];

#[test]
fn a_question_on_each_of_the_three_is_answered_there_from_the_documents() {
    run(async {
        let tenant = Tenant::with_prices().await;
        for kind in META {
            let account = Account::new(&tenant, kind).await;
            let guest = number();
            account.write(&guest, "How much is the garden room?").await;
            let reached = eventually("the answer reached the guest", || async {
                account.reached(&guest).await.first().cloned()
            })
            .await;
            assert!(
                reached["text"].as_str().unwrap().contains("900 euros"),
                "{reached}"
            );
            // Echoes, watermarks and statuses come back: the message is known to be read, and the AI still has it.
            let (conversation, _) = account.said("How much is the garden room?").await;
            eventually("the answer is known to be read", || async {
                let messages = messages(&tenant, &conversation).await;
                let answer = messages.iter().find(|message| message["author"] == "ai")?;
                (answer["delivery"] == "read" && answer["state"] == "sent").then_some(())
            })
            .await;
            is_in_state(&tenant, &conversation, "ai").await;
            let all = messages(&tenant, &conversation).await;
            assert_eq!(
                all.len(),
                2,
                "{}: an echo of ours is no message: {all:?}",
                kind.name()
            );
        }
    });
}

#[test]
fn of_forty_messages_at_once_the_first_is_answered_too() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let account = Account::new(&tenant, ChannelKind::Whatsapp).await;
        let guest = number();
        let more: Vec<String> = (2..=40).map(|number| format!("Hm, {number}.")).collect();
        let all = json!({"text": "How much is the garden room?", "delivery": {"then": more}});
        account.guest(&guest, all).await;
        let reached = eventually("the answer reached the guest", || async {
            account.reached(&guest).await.first().cloned()
        })
        .await;
        let text = reached["text"].as_str().unwrap();
        assert!(text.contains("900 euros"), "{reached}");
        let (conversation, _) = account.said("Hm, 40.").await;
        is_in_state(&tenant, &conversation, "ai").await;
    });
}

#[test]
fn p_col_02_what_is_delivered_often_out_of_order_and_late_is_stored_once_in_the_order_of_the_carrier() {
    run(async {
        let tenant = Tenant::new().await;
        for kind in META {
            let account = Account::new(&tenant, kind).await;
            let guest = number();
            let delivery = json!({"times": 4, "late": "7d", "then": ["two", "three"], "out_of_order": true});
            account
                .guest(&guest, json!({"text": "one", "delivery": delivery}))
                .await;
            let (conversation, _) = account.said("one").await;
            let all = messages(&tenant, &conversation).await;
            let inbound = all.iter().filter(|message| message["direction"] == "inbound");
            let texts: Vec<_> = inbound.map(|message| message["text"].as_str().unwrap()).collect();
            assert_eq!(texts, ["one", "two", "three"], "{}", kind.name());
            assert_eq!(account.conversations().await.len(), 1);
        }
    });
}

#[test]
fn one_post_carries_messages_for_several_tenants() {
    run(async {
        let (one, other) = (Tenant::new().await, Tenant::new().await);
        let here = Account::new(&one, ChannelKind::Messenger).await;
        let there = Account::new(&other, ChannelKind::Messenger).await;
        let item = |page: &str, text: &str| {
            json!({"id": page, "time": 1, "messaging": [{
                "sender": {"id": "7001"}, "recipient": {"id": page}, "timestamp": 1_790_000_000_523_i64,
                "message": {"mid": format!("m_{text}"), "text": text},
            }]})
        };
        let nobody = number();
        let update = json!({"object": "page", "entry": [
            item(&here.id, "first"), item(&there.id, "theirs"), item(&nobody, "lost"), item(&here.id, "second"),
        ]});
        post(&one, &update).await.expect(200);
        let (_, messages) = here.said("first").await;
        assert!(messages.iter().any(|message| message["text"] == "second"));
        there.said("theirs").await;
        assert_eq!(
            (
                here.conversations().await.len(),
                there.conversations().await.len()
            ),
            (1, 1)
        );
    });
}

#[test]
#[expect(clippy::print_stdout, reason = "a figure to read")]
fn a_large_batch_is_stored_within_the_time_that_a_webhook_has() {
    run(async {
        let stack = crate::harness::start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let (kind, settings) = (ChannelKind::Messenger, ChannelSettings::default());
        let page = Account::on(&stack, &tenant, kind, number(), settings).await;
        let items: Vec<_> = (0..60_i64)
            .map(|n| {
                json!({
                    "sender": {"id": format!("80{:03}", n / 3)}, "recipient": {"id": page.id},
                    "timestamp": 1_790_000_000_000_i64 + n,
                    "message": {"mid": format!("m_{n}"), "text": format!("Number {n}")},
                })
            })
            .collect();
        let update = json!({"object": "page", "entry": [{"id": page.id, "messaging": items}]});
        let start = usher_local::clock::wall_ms();
        post(&tenant, &update).await.expect(200);
        let took = usher_local::clock::wall_ms() - start;
        println!("60 messages of 20 people in one webhook: {took} ms");
        let conversations = eventually("all of them are listed", || async {
            let conversations = page.conversations().await;
            (conversations.len() == 20).then_some(conversations)
        })
        .await;
        for conversation in &conversations {
            let messages = messages(&tenant, conversation["id"].as_str().unwrap()).await;
            let inbound = messages
                .iter()
                .filter(|message| message["direction"] == "inbound");
            assert_eq!(inbound.count(), 3);
        }
        stack.shutdown().await;
    });
}

#[test]
fn comments_are_answered_as_the_tenant_chose() {
    run(async {
        let tenant = Tenant::with_prices().await;
        for kind in [ChannelKind::Messenger, ChannelKind::Instagram] {
            for replies in [
                CommentReplies::Public,
                CommentReplies::Private,
                CommentReplies::Off,
            ] {
                let settings = ChannelSettings {
                    comment_replies: replies,
                    ..ChannelSettings::default()
                };
                let account = Account::with(&tenant, kind, settings).await;
                let said = account
                    .guest(
                        &number(),
                        json!({"act": "comment", "text": "How much is the garden room?"}),
                    )
                    .await;
                let comment = said["message_id"].as_str().unwrap();
                let (conversation, _) = account.said("How much is the garden room?").await;
                let outbox = match replies {
                    CommentReplies::Off => {
                        is_in_state(&tenant, &conversation, "waiting_for_human").await;
                        continue;
                    }
                    CommentReplies::Public => "comment",
                    CommentReplies::Private => "dm",
                };
                let answer = eventually("the comment is answered", || async {
                    let all = account.outbox(outbox, |content| content["comment"] == comment);
                    all.await.first().cloned()
                })
                .await;
                assert!(answer["text"].as_str().unwrap().contains("900 euros"), "{answer}");
            }
        }
    });
}
