//! What a lead's profile holds, from the carrier's webhook to the API.

use std::time::Duration;

use serde_json::{Value, json};
use usher_aws::sealing::DataKey;
use usher_aws::store::keys;
use usher_shared::channel::ChannelKind;
use usher_shared::model::Profile;
use usher_shared::record::Record;
use usher_shared::records::{Contact, Lead};

use crate::erasure::dump;
use crate::harness::{CLIENT, Tenant, data, eventually, id, run, send, start};
use crate::holds::scope_of;

/// The lead with a contact on this channel for which `is` holds.
async fn lead_on(tenant: &Tenant, channel: &str, is: impl Fn(&Value) -> bool) -> Value {
    eventually("the lead is there", || async {
        let leads = tenant.get("/v1/leads?limit=100").await.expect(200);
        let found = data(&leads).iter().find(|lead| {
            let contact = &lead["contacts"][0];
            contact["channel_id"] == channel && is(lead)
        });
        found.cloned()
    })
    .await
}

#[test]
fn p_col_03_a_lead_holds_its_id_on_the_platform_its_times_its_labels_and_what_was_volunteered() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::with_prices_on(&stack).await;
        let scope = scope_of(&stack, &tenant).await;
        // Who writes on which channel, and what the carrier calls them: a page-scoped id, one of Instagram's, a number.
        let people = [
            (
                ChannelKind::Messenger,
                "24510988311234567",
                "24510988311234567",
                None,
            ),
            (
                ChannelKind::Instagram,
                "9988776655443322",
                "9988776655443322",
                None,
            ),
            (
                ChannelKind::Whatsapp,
                "16505551234",
                "+16505551234",
                Some("+16505551234"),
            ),
            (ChannelKind::Sms, "+14155550142", "+14155550142", None),
        ];
        for (kind, from, address, number) in people {
            let channel = tenant.connect(kind, json!({})).await;
            let given = &channel["given"]["credentials"];
            let says = async |text: &str| {
                let mut body = json!({"kind": kind, "from": from, "text": text});
                if kind == ChannelKind::Sms {
                    body["channel"] = channel["key"].clone();
                    body["account"] = given["account_sid"].clone();
                } else {
                    body["channel"] = given["account_id"].clone();
                }
                let url = format!("{}/_local/guest", stack.base_url());
                send(CLIENT.post(url).json(&body)).await.expect(200);
            };
            let email = format!("anna.{}@example.com", kind.name());
            let before = scope.now();
            says(&format!(
                "My name is Anna Berg, {email}. How much is the garden room?"
            ))
            .await;
            let first = lead_on(&tenant, &id(&channel), |lead| {
                lead["contacts"][0]["email"] == email.as_str()
            })
            .await;
            let shown = &first["contacts"][0];
            assert_eq!(shown["address"], address, "{kind:?}");
            assert_eq!(shown["name"], "Anna Berg");
            assert_eq!(shown["phone"], json!(number));
            assert_eq!(first["intents"], json!(["pricing_inquiry"]));
            let seen = shown["first_seen_at"].as_str().unwrap();
            assert!(seen >= before.to_string().as_str(), "{seen}");
            assert_eq!(shown["last_seen_at"], seen);

            // A day later they write again: it began when it began, and the last word is the last.
            stack.advance(Duration::from_hours(25)).await.unwrap();
            says("Thank you, +1 (555) 010-0199 is my number").await;
            let later = lead_on(&tenant, &id(&channel), |lead| {
                lead["contacts"][0]["phone"] == "+15550100199"
            })
            .await;
            assert_eq!(later["id"], first["id"]);
            let shown = &later["contacts"][0];
            assert_eq!(
                (&shown["first_seen_at"], &shown["address"]),
                (&json!(seen), &json!(address))
            );
            assert!(shown["last_seen_at"].as_str().unwrap() > seen, "{shown}");

            // In the row nothing of it can be read without the contact's key.
            let row = keys::lead(scope.tenant(), first["id"].as_str().unwrap().parse().unwrap());
            let lead: Lead = scope
                .store()
                .get(&row, &DataKey::none(), true)
                .await
                .unwrap()
                .unwrap();
            let (contact, _) = scope.open_contact(lead.contacts[0]).await.unwrap().unwrap();
            assert_eq!(contact.reach.get().as_ref().unwrap().address, address);
            let inbox = dump(&tenant).await["tables"]["InboxTable"].to_string();
            for personal in [from, "Anna Berg", &email, "15550100199"] {
                assert!(!inbox.contains(personal), "{kind:?}: {personal}");
            }
        }
        stack.shutdown().await;
    });
}

#[test]
fn p_col_03_a_contacts_record_has_room_for_nothing_else() {
    let sealed = Contact::SPEC.sealed;
    assert_eq!(sealed, ["profile", "reach"], "a new field is a new promise");
    let full = Profile {
        name: Some("Anna".to_owned()),
        email: Some("anna@example.com".to_owned()),
        phone: Some("+15550100199".to_owned()),
        handle: Some("anna".to_owned()),
    };
    let full = serde_json::to_value(full).unwrap();
    let fields: Vec<&String> = full.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["email", "handle", "name", "phone"]);
}
