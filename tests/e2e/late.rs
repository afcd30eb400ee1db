//! What comes after an erasure: late deliveries of what was forgotten, and new words of the same person.

use std::time::Duration;

use inbound::receive::{Inbound, Received, receive};
use serde_json::json;
use usher_aws::store::keys;
use usher_carriers::event::{Person, Said, To};
use usher_shared::category::Preset;
use usher_shared::ids::{ChannelKey, ConversationId, LeadId};

use crate::erasure::dump;
use crate::harness::{Tenant, data, eventually, id, run, start};
use crate::holds::scope_of;

async fn lead_of(tenant: &Tenant, email: &str) -> String {
    eventually("the lead is captured", || async {
        let leads = tenant.get("/v1/leads").await.expect(200);
        let found = data(&leads)
            .iter()
            .find(|lead| lead["contacts"][0]["email"] == email);
        found.map(id)
    })
    .await
}

#[test]
fn p_del_01_late_duplicates_are_refused_for_days_and_a_new_message_makes_a_fresh_contact_and_lead() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let guest = tenant.guest().await;
        let early =
            json!({"text": "I am at tia@example.com. Do you have parking?", "client_message_id": "a"});
        let second = json!({"text": "And a lift?", "client_message_id": "b"});
        let asked = id(&guest.post(&early).await.expect(202));
        guest.answer_to(&asked).await;
        guest.post(&second).await.expect(202);
        let lead = lead_of(&tenant, "tia@example.com").await;
        let before = tenant.conversation_of(&asked).await;
        tenant.delete(&format!("/v1/leads/{lead}")).await.expect(200);
        let scope = scope_of(&stack, &tenant).await;
        let forgotten = || async {
            for late in [&early, &second] {
                let refused = guest.post(late).await.expect(410);
                assert_eq!(refused["code"], "conversation_forgotten");
            }
            assert_eq!(tenant.get("/v1/leads").await.expect(200)["data"], json!([]));
        };
        forgotten().await;
        eventually("it is looked for twice", || async {
            let ledger = dump(&tenant).await["tables"]["LedgerTable"].to_string();
            ledger.contains("verified").then_some(())
        })
        .await;
        forgotten().await;
        stack.advance(Duration::from_hours(13 * 24)).await.unwrap();
        forgotten().await;

        // New words of the same session, as new as words can be: nothing links them to before.
        let again = guest.say("I am at tia@example.com. Do you have parking?").await;
        guest.answer_to(&again).await;
        let after = tenant.conversation_of(&again).await;
        assert_ne!(after["id"], before["id"]);
        assert_ne!(after["contact_id"], before["contact_id"]);
        let fresh = lead_of(&tenant, "tia@example.com").await;
        assert_ne!(fresh, lead);
        let old: LeadId = lead.parse().unwrap();
        let row = keys::lead(scope.tenant(), old);
        assert!(scope.store().get_row_ended(&row).await.unwrap().is_none());
        for late in [&early, &second] {
            guest.post(late).await.expect(410);
        }
        // Forgetting the new lead is an erasure of its own.
        tenant.delete(&format!("/v1/leads/{fresh}")).await.expect(200);
        tenant.get(&format!("/v1/leads/{fresh}")).await.expect(404);
        stack.shutdown().await;
    });
}

/// Channels of today give their events no time of their own; those to come do, and then no marker is left: the
/// watermark alone refuses.
#[test]
fn p_del_01_an_event_with_a_time_of_its_own_is_refused_up_to_the_erasure_and_taken_after_it() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let platform = usher_local::seed::operator(&stack).unwrap();
        let scope = scope_of(&stack, &tenant).await;
        let key: ChannelKey = tenant.demo.channel_key.parse().unwrap();
        let channel = platform.find_channel(&To::key(key)).await.unwrap().unwrap();
        let event = |name: &str, at| Inbound {
            person: Person {
                address: "+15550100".to_owned(),
                ..Person::default()
            },
            event: name.to_owned(),
            at: Some(at),
            said: Said {
                text: "I am at uwe@example.com. Is there parking?".to_owned(),
                ..Said::default()
            },
            ..Inbound::default()
        };
        let first = scope.now();
        let stored = receive(&platform, &scope, &channel, event("one", first))
            .await
            .unwrap();
        let Received::Stored(message, place) = stored else {
            panic!("{stored:?}")
        };
        assert_eq!(
            receive(&platform, &scope, &channel, event("one", first))
                .await
                .unwrap(),
            Received::Stored(message, place),
            "delivered twice, stored once"
        );
        let lead = lead_of(&tenant, "uwe@example.com").await;
        let conversation: ConversationId = id(&tenant.conversation_of(&message.to_string()).await)
            .parse()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        tenant.delete(&format!("/v1/leads/{lead}")).await.expect(200);
        let late = || async {
            // The same event again, and one that was sent before the erasure and never arrived.
            for (name, at) in [("one", first), ("two", first.plus(Duration::from_millis(1)))] {
                let received = receive(&platform, &scope, &channel, event(name, at))
                    .await
                    .unwrap();
                assert_eq!(received, Received::Forgotten, "{name}");
            }
        };
        late().await;
        eventually("a watermark stands in the contact's place", || async {
            let inbox = dump(&tenant).await["tables"]["InboxTable"].to_string();
            inbox.contains("\"contact_watermark\"").then_some(())
        })
        .await;
        late().await;
        let new = event("three", scope.now().plus(Duration::from_millis(5)));
        let Received::Stored(new, _) = receive(&platform, &scope, &channel, new).await.unwrap() else {
            panic!("a new message is a stranger's")
        };
        let fresh = id(&tenant.conversation_of(&new.to_string()).await);
        assert_ne!(fresh, conversation.to_string());
        late().await;
        stack.shutdown().await;
    });
}
