//! What is told after a message: taken back, changed, liked; and what others say in the business's name.

use serde_json::{Value, json};
use usher_shared::channel::ChannelKind;

use super::account::{Account, is_in_state, messages, number, on_page, post};
use crate::harness::{CLIENT, Tenant, eventually, run, send};

/// A message of the conversation by its text.
async fn found(tenant: &Tenant, conversation: &str, text: &str) -> Option<Value> {
    let messages = messages(tenant, conversation).await;
    messages.into_iter().find(|message| message["text"] == text)
}

#[test]
fn what_is_taken_back_is_erased_here_too_also_if_it_comes_later() {
    run(async {
        let tenant = Tenant::new().await;
        for kind in [
            ChannelKind::Messenger,
            ChannelKind::Instagram,
            ChannelKind::Whatsapp,
        ] {
            let account = Account::new(&tenant, kind).await;
            let guest = number();
            let secret = format!("My secret word is {}", number());
            account
                .guest(&guest, json!({"text": secret, "client_message_id": "a"}))
                .await;
            let (conversation, before) = account.said(&secret).await;
            let unsend = json!({"text": "", "act": "unsend", "client_message_id": "a"});
            account.guest(&guest, unsend).await;
            let after = messages(&tenant, &conversation).await;
            let gone = after
                .iter()
                .find(|message| message["id"] == before[0]["id"])
                .unwrap();
            assert_eq!(gone["text"], "", "{}", kind.name());
            assert!(gone["withdrawn_at"].is_string(), "{gone}");
            // The same message once more: it stays away.
            account
                .guest(&guest, json!({"text": secret, "client_message_id": "a"}))
                .await;
            assert!(found(&tenant, &conversation, &secret).await.is_none());

            // Taken back before it came.
            let unsend = json!({"text": "", "act": "unsend", "client_message_id": "b"});
            account.guest(&guest, unsend).await;
            account
                .guest(&guest, json!({"text": "Never said", "client_message_id": "b"}))
                .await;
            assert!(
                found(&tenant, &conversation, "Never said").await.is_none(),
                "{}",
                kind.name()
            );
        }
    });
}

#[test]
fn a_question_is_answered_though_what_came_after_it_is_taken_back() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let account = Account::new(&tenant, ChannelKind::Messenger).await;
        let guest = number();
        // Both wait for the turn of the newer one, which finds nothing of its own to answer.
        account.write(&guest, "How much is the garden room?").await;
        let act = |text: &str, act: &str| json!({"text": text, "act": act, "client_message_id": "b"});
        account.guest(&guest, act("Never mind", "message")).await;
        account.guest(&guest, act("", "unsend")).await;
        let reached = eventually("the answer reached the guest", || async {
            account.reached(&guest).await.first().cloned()
        })
        .await;
        let text = reached["text"].as_str().unwrap();
        assert!(text.contains("900 euros"), "{reached}");
    });
}

#[test]
fn a_removed_comment_is_removed_here() {
    run(async {
        let tenant = Tenant::new().await;
        let page = Account::new(&tenant, ChannelKind::Messenger).await;
        let guest = number();
        let said = page
            .guest(&guest, json!({"act": "comment", "text": "What a dreadful place"}))
            .await;
        let (conversation, _) = page.said("What a dreadful place").await;
        let value = json!({
            "item": "comment", "verb": "remove", "comment_id": said["message_id"], "from": {"id": guest},
        });
        let update = json!({"object": "page", "entry": [{
            "id": page.id, "time": 1_790_000_001, "changes": [{"field": "feed", "value": value}],
        }]});
        post(&tenant, &update).await.expect(200);
        assert!(
            found(&tenant, &conversation, "What a dreadful place")
                .await
                .is_none()
        );
    });
}

#[test]
fn edits_and_reactions_change_the_message_they_name() {
    run(async {
        let tenant = Tenant::new().await;
        for kind in [ChannelKind::Messenger, ChannelKind::Whatsapp] {
            let account = Account::new(&tenant, kind).await;
            let guest = number();
            let act = |text: &str, act: &str| json!({"text": text, "act": act, "client_message_id": "a"});
            account.guest(&guest, act("For 80 people", "message")).await;
            let (conversation, _) = account.said("For 80 people").await;
            account.guest(&guest, act("❤", "reaction")).await;
            account.guest(&guest, act("For 90 people", "edit")).await;
            let edited = found(&tenant, &conversation, "For 90 people").await.unwrap();
            assert!(edited["edited_at"].is_string(), "{edited}");
            assert_eq!(edited["reaction"], "❤");
            let all = messages(&tenant, &conversation).await;
            let inbound = all.iter().filter(|message| message["direction"] == "inbound");
            assert_eq!(inbound.count(), 1);
        }
    });
}

#[test]
fn what_is_said_to_a_person_who_changed_their_number_goes_to_the_new_one() {
    run(async {
        let tenant = Tenant::new().await;
        let account = Account::new(&tenant, ChannelKind::Whatsapp).await;
        let (before, after) = (number(), number());
        account.write(&before, "Is there a helicopter landing pad?").await;
        let (conversation, _) = account.said("Is there a helicopter landing pad?").await;
        is_in_state(&tenant, &conversation, "waiting_for_human").await;
        // That a person will answer is said to the old number.
        let heard = eventually("the notice has left", || async {
            let reached = account.reached(&before).await.len();
            (reached > 0).then_some(reached)
        })
        .await;
        let moved = json!({
            "from": before, "id": "wamid.moved", "timestamp": "1790000000", "type": "system",
            "system": {"type": "user_changed_number", "wa_id": after, "body": "User A changed"},
        });
        let value = json!({
            "messaging_product": "whatsapp", "metadata": {"phone_number_id": account.id}, "messages": [moved],
        });
        let update = json!({"object": "whatsapp_business_account", "entry": [{
            "id": "1", "changes": [{"field": "messages", "value": value}],
        }]});
        // Told twice, it is the same.
        for _ in 0..2 {
            post(&tenant, &update).await.expect(200);
        }
        let typed = account.typed(&conversation, "There is one by the lake").await;
        assert_eq!(typed["state"], "sent", "{typed}");
        assert_eq!(account.reached(&before).await.len(), heard);
        let reached = account.reached(&after).await;
        assert_eq!(reached.len(), 1, "{reached:?}");
        // What the new number writes is a conversation of its own.
        account.write(&after, "It is me, under my new number").await;
        let (own, _) = account.said("It is me, under my new number").await;
        assert_ne!(own, conversation);
    });
}

#[test]
fn who_answers_in_the_carriers_own_inbox_has_the_conversation_and_the_ai_is_silent() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let page = Account::new(&tenant, ChannelKind::Messenger).await;
        let guest = number();
        page.write(&guest, "Is there a helicopter landing pad?").await;
        let (conversation, _) = page.said("Is there a helicopter landing pad?").await;
        let now = usher_local::clock::wall_ms();
        let echo = json!({
            "sender": {"id": page.id}, "recipient": {"id": guest}, "timestamp": now,
            "message": {"mid": "m_theirs", "is_echo": true, "app_id": 263_902_037_430_900_i64, "text": "There is one!"},
        });
        post(&tenant, &on_page(&page.id, &echo)).await.expect(200);
        is_in_state(&tenant, &conversation, "human").await;
        let theirs = found(&tenant, &conversation, "There is one!").await.unwrap();
        assert_eq!(
            (&theirs["author"], &theirs["direction"]),
            (&json!("human"), &json!("outbound"))
        );
        // Told again, it is one message.
        post(&tenant, &on_page(&page.id, &echo)).await.expect(200);
        let all = messages(&tenant, &conversation).await;
        let said = all.iter().filter(|message| message["text"] == "There is one!");
        assert_eq!(said.count(), 1);

        let before = page.reached(&guest).await.len();
        page.write(&guest, "How much is the garden room?").await;
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        assert_eq!(page.reached(&guest).await.len(), before, "the AI is silent");
    });
}

#[test]
fn while_another_app_has_the_thread_nothing_is_answered() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let page = Account::new(&tenant, ChannelKind::Messenger).await;
        let guest = number();
        let now = usher_local::clock::wall_ms();
        let item = json!({
            "sender": {"id": guest}, "recipient": {"id": page.id}, "timestamp": now,
            "message": {"mid": "m_standby", "text": "How much is the garden room?"},
        });
        let update = json!({"object": "page", "entry": [{"id": page.id, "time": now, "standby": [item]}]});
        post(&tenant, &update).await.expect(200);
        let (_, messages) = page.said("How much is the garden room?").await;
        assert_eq!(messages[0]["unattended"], true);
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        assert!(page.reached(&guest).await.is_empty());
    });
}

#[test]
fn p_sec_01_nothing_of_a_guest_or_an_account_is_stored_or_logged_in_the_open() {
    run(async {
        let tenant = Tenant::new().await;
        let account = Account::new(&tenant, ChannelKind::Whatsapp).await;
        let guest = number();
        let media = json!([{"media_type": "image/png", "base64": "iVBORw0KGgo="}]);
        let said = account
            .guest(&guest, json!({"text": "Our floor plan, Zebulon", "media": media}))
            .await;
        account.said("Our floor plan, Zebulon").await;
        let dump = send(CLIENT.get(tenant.url("/_local/dump")))
            .await
            .body
            .to_string();
        let logs: String = ["inbound", "deliver", "dispatch"]
            .map(|function| crate::harness::stack().logs(function).unwrap_or_default())
            .concat();
        let wamid = said["message_id"].as_str().unwrap();
        for planted in ["Zebulon", guest.as_str(), wamid, account.id.as_str()] {
            assert!(!dump.contains(planted), "{planted} is stored in the open");
            assert!(!logs.contains(planted), "{planted} is in a log");
        }
        // The same search finds what is meant to be in the open.
        let conversations = eventually("it is listed", || async {
            let all = account.conversations().await;
            (!all.is_empty()).then_some(all)
        })
        .await;
        let id = conversations[0]["id"].as_str().unwrap().replace("conv_", "");
        assert!(dump.contains(&id));
    });
}
