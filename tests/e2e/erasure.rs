//! Deleting a conversation or a lead: gone at once, removed soon, and not brought back.

use serde_json::{Value, json};

use crate::harness::{CLIENT, Guest, Tenant, data, eventually, id, run, send, start};

pub(crate) async fn dump(tenant: &Tenant) -> Value {
    send(CLIENT.get(tenant.url("/_local/dump"))).await.body
}

/// A guest who asked something and left an address, with the conversation and the lead that came of it.
pub(crate) async fn talk<'a>(tenant: &'a Tenant, email: &str) -> (Guest<'a>, String, String, String) {
    let guest = tenant.guest().await;
    let asked = guest
        .say(&format!("I am at {email}. How much is the garden room?"))
        .await;
    guest.answer_to(&asked).await;
    let conversation = id(&tenant.conversation_of(&asked).await);
    let lead = eventually("the lead is captured", || async {
        let leads = tenant.get("/v1/leads").await.expect(200);
        data(&leads)
            .iter()
            .find(|lead| lead["contacts"][0]["email"] == email)
            .map(id)
    })
    .await;
    (guest, asked, conversation, lead)
}

/// Every place where the conversation or the lead could show.
pub(crate) async fn nothing_shows(tenant: &Tenant, conversation: &str, lead: Option<&str>) {
    for path in ["", "/messages", "/traces"] {
        tenant
            .get(&format!("/v1/conversations/{conversation}{path}"))
            .await
            .expect(404);
    }
    let answer = json!({"text": "still there?"});
    tenant
        .post(&format!("/v1/conversations/{conversation}/messages"), &answer)
        .await
        .expect(404);
    tenant
        .post(&format!("/v1/conversations/{conversation}/hand-back"), &json!({}))
        .await
        .expect(404);
    let conversations = tenant.get("/v1/conversations").await.expect(200);
    assert!(!conversations.to_string().contains(conversation));
    if let Some(lead) = lead {
        tenant.get(&format!("/v1/leads/{lead}")).await.expect(404);
        assert!(
            !tenant
                .get("/v1/leads")
                .await
                .expect(200)
                .to_string()
                .contains(lead)
        );
    }
}

#[test]
fn p_del_01_a_deleted_conversation_is_gone_at_once_and_a_new_message_starts_afresh() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let (guest, _, conversation, lead) = talk(&tenant, "anna@example.com").await;
        let path = format!("/v1/conversations/{conversation}");
        let deleted = tenant.delete(&path).await.expect(200);
        assert_eq!(
            deleted,
            json!({"id": conversation, "object": "conversation", "deleted": true})
        );
        nothing_shows(&tenant, &conversation, None).await;
        assert!(
            guest.answers().await.is_empty(),
            "the visitor's own page forgets too"
        );
        assert_eq!(
            tenant.delete(&path).await.expect(200),
            deleted,
            "asked twice, answered the same"
        );
        // The lead is the person, not the conversation: it stays.
        tenant.get(&format!("/v1/leads/{lead}")).await.expect(200);

        let again = guest.say("How much is the garden room?").await;
        guest.answer_to(&again).await;
        let fresh = tenant.conversation_of(&again).await;
        assert_ne!(id(&fresh), conversation);
        assert_eq!(guest.answers().await.len(), 1);
        eventually("the rows are removed", || async {
            let partition = format!("#v#{conversation}");
            (!dump(&tenant).await["tables"]["InboxTable"]
                .to_string()
                .contains(&partition))
            .then_some(())
        })
        .await;
    });
}

#[test]
fn p_del_01_a_deleted_lead_is_gone_with_all_conversations_and_a_late_duplicate_is_refused() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let guest = tenant.guest().await;
        let body = json!({"text": "I am at bo@example.com. How much is the garden room?", "client_message_id": "late"});
        let asked = id(&guest.post(&body).await.expect(202));
        guest.answer_to(&asked).await;
        let conversation = id(&tenant.conversation_of(&asked).await);
        let lead = eventually("the lead is captured", || async {
            data(&tenant.get("/v1/leads").await.expect(200)).first().map(id)
        })
        .await;
        let path = format!("/v1/leads/{lead}");
        let deleted = tenant.delete(&path).await.expect(200);
        assert_eq!(deleted, json!({"id": lead, "object": "lead", "deleted": true}));
        nothing_shows(&tenant, &conversation, Some(&lead)).await;
        assert_eq!(tenant.delete(&path).await.expect(200), deleted);

        assert_eq!(
            guest.post(&body).await.expect(410)["code"],
            "conversation_forgotten",
            "the late duplicate"
        );
        eventually("rows and keys are removed", || async {
            let tables = dump(&tenant).await["tables"].to_string();
            let left =
                tables.contains(&format!("#v#{conversation}")) || tables.contains(&format!("#l#{lead}"));
            (!left).then_some(())
        })
        .await;
        assert_eq!(
            guest.post(&body).await.expect(410)["code"],
            "conversation_forgotten",
            "still"
        );

        // A new message of the same person is a stranger's.
        let again = guest.say("How much is the garden room?").await;
        guest.answer_to(&again).await;
        let fresh = tenant.conversation_of(&again).await;
        assert_eq!(fresh["lead_id"], Value::Null, "unlinked");
        nothing_shows(&tenant, &conversation, Some(&lead)).await;
    });
}

#[test]
fn an_erasure_is_written_down_first_and_ends_verified_after_a_second_look() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, usher_shared::category::Preset::Hospitality).await;
        tenant
            .upload("Prices", "The garden room costs 900 euros a day.")
            .await;
        let (_, _, conversation, lead) = talk(&tenant, "cy@example.com").await;
        let (_, _, neighbour, neighbours_lead) = talk(&tenant, "dee@example.com").await;
        tenant.delete(&format!("/v1/leads/{lead}")).await.expect(200);
        let ledger = eventually("the second look is done", || async {
            let ledger = dump(&tenant).await["tables"]["LedgerTable"].to_string();
            ledger.contains("verified").then_some(ledger)
        })
        .await;
        assert!(
            ledger.contains(&conversation) && ledger.contains(&lead),
            "opaque ids are the proof"
        );
        assert!(!ledger.contains("cy@example.com"));
        let keys = dump(&tenant).await["tables"]["KeysTable"].to_string();
        assert!(
            !keys.contains(&conversation) && keys.contains(&neighbour),
            "no key is left, and no other is gone"
        );
        tenant
            .get(&format!("/v1/conversations/{neighbour}"))
            .await
            .expect(200);
        tenant
            .get(&format!("/v1/leads/{neighbours_lead}"))
            .await
            .expect(200);
        stack.shutdown().await;
    });
}

#[test]
fn deleting_needs_its_own_scope_and_an_id_of_ones_own() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let stranger = Tenant::new().await;
        let (_, _, conversation, lead) = talk(&tenant, "eve@example.com").await;
        for path in [
            format!("/v1/conversations/{conversation}"),
            format!("/v1/leads/{lead}"),
        ] {
            stranger.delete(&path).await.expect(404);
            tenant.get(&path).await.expect(200);
            send(CLIENT.delete(tenant.url(&path))).await.expect(401);
        }
        tenant.delete("/v1/conversations/nonsense").await.expect(404);
        let platform = usher_local::seed::operator(crate::harness::stack()).unwrap();
        let owner = *platform
            .find_api_key(&tenant.demo.api_key)
            .await
            .unwrap()
            .unwrap()
            .tenant;
        let scopes = vec![
            usher_shared::scope::Scope::ConversationsRead,
            usher_shared::scope::Scope::LeadsRead,
        ];
        let reader = platform
            .create_api_key(owner, scopes, None)
            .await
            .unwrap()
            .secret
            .0;
        for (path, scope) in [
            (
                format!("/v1/conversations/{conversation}"),
                "conversations:delete",
            ),
            (format!("/v1/leads/{lead}"), "leads:delete"),
        ] {
            let answer = send(CLIENT.delete(tenant.url(&path)).bearer_auth(&reader))
                .await
                .expect(403);
            assert!(answer["detail"].as_str().unwrap().contains(scope));
        }
    });
}

#[test]
fn an_erasure_withdraws_every_export_that_may_hold_the_person() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let (_, _, _, lead) = talk(&tenant, "fay@example.com").await;
        let asked = crate::exports::export(&tenant, &json!({"kind": "leads_csv"})).await;
        let done = crate::exports::settled(&tenant, &asked, "complete").await;
        let file = String::from_utf8(crate::exports::fetch(&done).await).unwrap();
        assert!(file.contains("fay@example.com"), "{file}");
        let link = done["download_url"].as_str().unwrap().to_owned();
        tenant.delete(&format!("/v1/leads/{lead}")).await.expect(200);
        let path = link.split_once("/d/").unwrap().1;
        send(CLIENT.get(tenant.url(&format!("/d/{path}"))))
            .await
            .expect(410);
        eventually("the file is gone", || async {
            let objects = dump(&tenant).await["objects"].to_string();
            (!objects.contains(&id(&asked))).then_some(())
        })
        .await;
    });
}
