//! Leads in the hands of people: corrected, found to be one person, merged, taken apart again, and erased.

use reqwest::Method;
use serde_json::{Value, json};
use usher_aws::holds::Subject;
use usher_shared::ids::LeadId;
use usher_shared::improvement::Improvement;

use crate::erasure::{dump, nothing_shows, talk};
use crate::harness::{Tenant, data, eventually, id, run, send, stack};
use crate::holds::scope_of;

async fn patch(tenant: &Tenant, lead: &str, body: &Value) -> crate::harness::Answer {
    let path = format!("/v1/leads/{lead}");
    send(tenant.request(Method::PATCH, &path).json(body)).await
}

async fn merge(tenant: &Tenant, lead: &str, verb: &str, other: &str) -> crate::harness::Answer {
    let path = format!("/v1/leads/{lead}/{verb}");
    tenant.post(&path, &json!({"lead_id": other})).await
}

/// Ids of the leads that an address finds.
async fn found(tenant: &Tenant, by: Value) -> Vec<String> {
    let found = tenant.post("/v1/leads/search", &by).await.expect(200);
    data(&found).iter().map(id).collect()
}

async fn shown(tenant: &Tenant, lead: &str) -> Value {
    tenant.get(&format!("/v1/leads/{lead}")).await.expect(200)
}

async fn audited(tenant: &Tenant, action: &str, target: &str) -> usize {
    let rows = dump(tenant).await;
    let rows = rows["tables"]["LedgerTable"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let is = |row: &&Value| {
        let text = row.to_string();
        text.contains(&format!("\"{action}\"")) && text.contains(target)
    };
    rows.iter().filter(is).count()
}

#[test]
fn p_rgt_02_corrected_data_find_the_lead_what_was_wrong_does_not_and_stays_away() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let other = Tenant::with_prices().await;
        let (guest, _, _, lead) = talk(&tenant, "wrong@example.com").await;
        let contact = shown(&tenant, &lead).await["contacts"][0]["contact_id"].clone();
        let right = json!({"contact": {"contact_id": contact, "name": "Petronella Quill", "email": "Right@Example.com",
            "phone": "+1 (555) 010-0199"}, "intents": ["booking_request"]});
        patch(&other, &lead, &right).await.expect(404);
        let corrected = patch(&tenant, &lead, &right).await.expect(200);
        let data_of = &corrected["contacts"][0];
        assert_eq!(
            (&data_of["name"], &data_of["email"], &data_of["phone"]),
            (
                &json!("Petronella Quill"),
                &json!("right@example.com"),
                &json!("+15550100199")
            )
        );
        // Where it is from: a person, not a message.
        assert_eq!(data_of["corrected"]["fields"], json!(["name", "email", "phone"]));
        assert!(data_of["corrected"]["by"].as_str().unwrap().starts_with("key_"));
        assert_eq!(corrected["intents"], json!(["booking_request"]));
        assert_eq!(
            found(&tenant, json!({"email": "right@example.com"})).await,
            std::slice::from_ref(&lead)
        );
        assert_eq!(
            found(&tenant, json!({"phone": "+15550100199"})).await,
            std::slice::from_ref(&lead)
        );
        eventually("the wrong address finds nobody", || async {
            let none = found(&tenant, json!({"email": "wrong@example.com"}))
                .await
                .is_empty();
            none.then_some(())
        })
        .await;
        assert!(audited(&tenant, "lead_corrected", &lead).await >= 1);
        // Tables alone: files of exports, of other tests too, are plain for their owners.
        let stored = dump(&tenant).await["tables"].to_string();
        for personal in [
            "Petronella Quill",
            "right@example.com",
            "wrong@example.com",
            "15550100199",
        ] {
            assert!(!stored.contains(personal), "{personal}");
        }

        // The message that said it, read once more: what was wrong does not come back. What is new is taken down.
        let again = guest
            .say("I am at wrong@example.com. How much is the garden room?")
            .await;
        guest.answer_to(&again).await;
        let newer = guest
            .say("My number is +1 555 010 0777. How much is the garden room?")
            .await;
        guest.answer_to(&newer).await;
        let after = eventually("the new number is taken down", || async {
            let lead = shown(&tenant, &lead).await;
            (lead["contacts"][0]["phone"] == "+15550100777").then_some(lead)
        })
        .await;
        assert_eq!(after["contacts"][0]["email"], "right@example.com");
        assert_eq!(
            after["contacts"][0]["corrected"]["fields"],
            json!(["name", "email"])
        );

        // None is a correction as well, and what is no address is refused.
        let none = json!({"contact": {"contact_id": contact, "email": null}});
        let without = patch(&tenant, &lead, &none).await.expect(200);
        assert_eq!(without["contacts"][0]["email"], Value::Null);
        for (body, field) in [
            (json!({}), ""),
            (
                json!({"contact": {"contact_id": contact, "email": "anna"}}),
                "contact.email",
            ),
            (json!({"intents": ["unheard_of"]}), "intents[0]"),
        ] {
            let refused = patch(&tenant, &lead, &body).await;
            assert_eq!(refused.status.as_u16(), 422, "{}", refused.body);
            assert_eq!(refused.refused()[0].0, field, "{}", refused.body);
        }
        patch(&tenant, &lead, &json!({"merged": []})).await.expect(422);
    });
}

#[test]
fn a_tenants_own_list_decides_what_people_are_after_and_old_leads_keep_theirs() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let other = Tenant::with_prices().await;
        let (_, _, _, old) = talk(&tenant, "old@example.com").await;
        assert_eq!(shown(&tenant, &old).await["intents"], json!(["pricing_inquiry"]));
        let own = json!({"intents": [{"name": "garden_request", "words": ["garden"]}]});
        let changed = tenant.put("/v1/intents", &own).await.expect(200);
        assert_eq!(changed["intents"], own["intents"]);
        assert_eq!(tenant.get("/v1/intents").await.expect(200), changed);
        let (_, _, _, new) = talk(&tenant, "new@example.com").await;
        assert_eq!(shown(&tenant, &new).await["intents"], json!(["garden_request"]));
        assert_eq!(shown(&tenant, &old).await["intents"], json!(["pricing_inquiry"]));
        let (_, _, _, theirs) = talk(&other, "theirs@example.com").await;
        assert_eq!(
            shown(&other, &theirs).await["intents"],
            json!(["pricing_inquiry"])
        );

        // A person chooses from the list, and from what the lead has.
        let both = json!({"intents": ["pricing_inquiry", "garden_request"]});
        assert_eq!(
            patch(&tenant, &old, &both).await.expect(200)["intents"],
            both["intents"]
        );
        patch(&tenant, &new, &both).await.expect(422);
        let bad = json!({"intents": [{"name": "call", "words": ["+15550100199"]}]});
        assert_eq!(
            tenant.put("/v1/intents", &bad).await.refused()[0].0,
            "intents[0].words"
        );
        assert_eq!(audited(&tenant, "intents_changed", "tn_").await, 1);
    });
}

#[test]
fn one_person_on_two_channels_is_suggested_merged_by_a_human_and_taken_apart_again() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let other = Tenant::with_prices().await;
        let (_, _, first_talk, first) = talk(&tenant, "same@example.com").await;
        let second_guest = tenant.guest().await;
        let asked = second_guest
            .say("My name is Sam Same, same@example.com. Is there a menu?")
            .await;
        let second_talk = id(&tenant.conversation_of(&asked).await);
        let second = eventually("the other lead is captured", || async {
            let found = found(&tenant, json!({"email": "same@example.com"})).await;
            found.into_iter().find(|lead| *lead != first)
        })
        .await;
        // Somebody else, and the same address at another business: neither is suggested.
        talk(&tenant, "else@example.com").await;
        let (_, _, _, theirs) = talk(&other, "same@example.com").await;

        let path = format!("/v1/leads/{first}/suggestions");
        let suggested = tenant.get(&path).await.expect(200);
        let suggested = data(&suggested);
        assert_eq!(suggested.len(), 1, "{suggested:?}");
        assert_eq!(suggested[0]["lead"]["id"], second.as_str());
        assert_eq!(suggested[0]["shared"], json!(["email"]));
        assert!(
            data(
                &other
                    .get(&format!("/v1/leads/{theirs}/suggestions"))
                    .await
                    .expect(200)
            )
            .is_empty()
        );
        other.get(&path).await.expect(404);

        let before = [shown(&tenant, &first).await, shown(&tenant, &second).await];
        for (lead, with) in [(&first, &theirs), (&theirs, &first)] {
            merge(&tenant, lead, "merge", with).await.expect(404);
        }
        merge(&other, &first, "merge", &second).await.expect(404);
        merge(&tenant, &first, "merge", &first).await.expect(422);
        merge(&tenant, &first, "unmerge", &second).await.expect(422);
        let merged = merge(&tenant, &first, "merge", &second).await.expect(200);
        assert_eq!(merged["contacts"].as_array().unwrap().len(), 2);
        assert_eq!(merged["merged"][0]["lead_id"], second.as_str());
        tenant.get(&format!("/v1/leads/{second}")).await.expect(404);
        assert_eq!(
            found(&tenant, json!({"email": "same@example.com"})).await,
            std::slice::from_ref(&first)
        );
        for conversation in [&first_talk, &second_talk] {
            let conversation = tenant
                .get(&format!("/v1/conversations/{conversation}"))
                .await
                .expect(200);
            assert_eq!(conversation["lead_id"], first.as_str());
        }
        let of_lead = tenant
            .get(&format!("/v1/conversations?lead_id={first}"))
            .await
            .expect(200);
        assert_eq!(data(&of_lead).len(), 2);
        assert!(
            data(&tenant.get(&path).await.expect(200)).is_empty(),
            "is itself by now"
        );
        merge(&tenant, &first, "merge", &second).await.expect(404);

        // What the person says later goes into the one lead.
        second_guest
            .say("I am at newer@example.com. How much is the garden room?")
            .await;
        eventually("the new address finds the one lead", || async {
            let found = found(&tenant, json!({"email": "newer@example.com"})).await;
            (found == std::slice::from_ref(&first)).then_some(())
        })
        .await;
        let back = json!({"contact": {"contact_id": before[1]["contacts"][0]["contact_id"],
            "email": "same@example.com"}});
        patch(&tenant, &first, &back).await.expect(200);

        merge(&tenant, &first, "unmerge", &second).await.expect(200);
        let mut after = [shown(&tenant, &first).await, shown(&tenant, &second).await];
        let mut before = before;
        for lead in before.iter_mut().chain(&mut after) {
            for contact in lead["contacts"].as_array_mut().unwrap() {
                // It was corrected in between, and by whom stays known.
                contact["corrected"].take();
            }
        }
        assert_eq!(after, before);
        let mut both = found(&tenant, json!({"email": "same@example.com"})).await;
        both.sort();
        let mut expected = [first.clone(), second.clone()];
        expected.sort();
        assert_eq!(both, expected);
        assert_eq!(audited(&tenant, "leads_merged", &first).await, 1);
        assert_eq!(audited(&tenant, "leads_unmerged", &first).await, 1);
    });
}

#[test]
fn p_del_07_erasing_a_merged_lead_erases_all_of_it_and_a_hold_on_any_of_it_keeps_it() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let scope = scope_of(stack(), &tenant).await;
        let (_, _, first_talk, first) = talk(&tenant, "one@example.com").await;
        let (_, _, second_talk, second) = talk(&tenant, "two@example.com").await;
        let lead: LeadId = second.parse().unwrap();
        let hold = scope
            .holds()
            .place(Subject::Lead(lead), "Case 18".to_owned())
            .await
            .unwrap()
            .unwrap();
        merge(&tenant, &first, "merge", &second).await.expect(200);
        tenant.delete(&format!("/v1/leads/{first}")).await.expect(409);
        scope.holds().release(*hold.id).await.unwrap();
        tenant.delete(&format!("/v1/leads/{first}")).await.expect(200);
        nothing_shows(&tenant, &first_talk, Some(&first)).await;
        nothing_shows(&tenant, &second_talk, Some(&second)).await;
        merge(&tenant, &first, "unmerge", &second).await.expect(404);
        for email in ["one@example.com", "two@example.com"] {
            assert!(found(&tenant, json!({"email": email})).await.is_empty());
        }
        eventually("rows, keys and identifiers are removed", || async {
            let tables = dump(&tenant).await["tables"].to_string();
            let gone = [&first_talk, &second_talk]
                .iter()
                .all(|one| !tables.contains(&format!("#v#{one}")))
                && [&first, &second]
                    .iter()
                    .all(|one| !tables.contains(&format!("#l#{one}")));
            gone.then_some(())
        })
        .await;
    });
}

#[test]
fn a_merge_and_an_erasure_that_meet_forget_whom_was_asked_for_and_nobody_else() {
    run(async {
        let tenant = Tenant::with_prices().await;
        for _ in 0..4 {
            let (_, _, kept_talk, kept) = talk(&tenant, "kept@example.com").await;
            let (_, _, gone_talk, gone) = talk(&tenant, "gone@example.com").await;
            let path = format!("/v1/leads/{gone}");
            // The other is merged into the one that is erased, and the one into the other.
            let (merging, erasing) =
                tokio::join!(merge(&tenant, &kept, "merge", &gone), tenant.delete(&path));
            assert!(
                [200, 404, 409].contains(&merging.status.as_u16()),
                "{}",
                merging.body
            );
            if erasing.status.as_u16() == 404 {
                // It was merged before it was looked for: it is part of the other, and comes apart.
                assert_eq!(merging.status.as_u16(), 200);
                merge(&tenant, &kept, "unmerge", &gone).await.expect(200);
                tenant.delete(&path).await.expect(200);
            } else {
                erasing.expect(200);
            }
            nothing_shows(&tenant, &gone_talk, Some(&gone)).await;
            eventually("nothing of the erased is left in any lead", || async {
                let tables = dump(&tenant).await["tables"]["InboxTable"].to_string();
                (!tables.contains(&format!("\"{gone}\"")) && !tables.contains(&format!("#l#{gone}")))
                    .then_some(())
            })
            .await;
            let left = shown(&tenant, &kept).await;
            assert_eq!(left["contacts"].as_array().unwrap().len(), 1);
            assert_eq!(left["merged"], json!([]));
            tenant
                .get(&format!("/v1/conversations/{kept_talk}"))
                .await
                .expect(200);
            tenant.delete(&format!("/v1/leads/{kept}")).await.expect(200);
        }
    });
}

#[test]
fn p_ai_03_learning_from_replies_is_off_until_a_tenant_switches_it_on_and_who_did_is_known() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let other = Tenant::with_prices().await;
        let off = json!({"object": "improvement", "allowed": false, "changed_by": null, "changed_at": null});
        let read = async |tenant: &Tenant| tenant.get("/v1/improvement").await.expect(200);
        assert_eq!(read(&tenant).await, off);
        assert!(scope_of(stack(), &tenant).await.improvement().is_none());
        let put = async |allowed: bool| {
            tenant
                .put("/v1/improvement", &json!({"allowed": allowed}))
                .await
                .expect(200)
        };
        let on = put(true).await;
        assert_eq!(
            (&on["allowed"], on["changed_at"].is_string()),
            (&json!(true), true)
        );
        assert!(on["changed_by"].as_str().unwrap().starts_with("key_"));
        assert_eq!(put(true).await, on, "said twice, it was said first");
        assert_eq!(read(&tenant).await, on);
        assert_eq!(read(&other).await, off, "a switch per tenant");
        let permit = |switch: Option<&Improvement>| switch.and_then(Improvement::permit).is_some();
        assert!(permit(scope_of(stack(), &tenant).await.improvement()));
        assert_eq!(put(false).await["allowed"], false);
        assert!(!permit(scope_of(stack(), &tenant).await.improvement()));
        assert_eq!(audited(&tenant, "improvement_changed", "tn_").await, 2);
        tenant
            .put("/v1/improvement", &json!({"allowed": true, "since": "always"}))
            .await
            .expect(422);
    });
}
