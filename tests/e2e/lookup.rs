//! Looking things up though they are sealed: leads by address, conversations by filter.

use serde_json::{Value, json};
use usher_aws::TenantScope;
use usher_aws::store::{When, keys};
use usher_shared::record::Sealed;

use crate::harness::{CLIENT, Tenant, data, eventually, id, run, send, stack};

async fn leads(tenant: &Tenant, body: Value) -> Value {
    tenant.post("/v1/leads/search", &body).await.expect(200)
}

/// The ids of a list.
fn ids(list: &Value) -> Vec<String> {
    data(list).iter().map(id).collect()
}

/// The one lead of a search, once it is there.
async fn found(tenant: &Tenant, body: Value) -> String {
    eventually("the lead is found", || async {
        ids(&leads(tenant, body.clone()).await).pop()
    })
    .await
}

async fn dump(tenant: &Tenant) -> String {
    let dump = send(CLIENT.get(tenant.url("/_local/dump"))).await.body;
    dump["tables"]["InboxTable"].to_string()
}

/// The tenant in this process.
pub(crate) async fn scope(tenant: &Tenant) -> TenantScope {
    let platform = usher_local::seed::operator(stack()).unwrap();
    let key = platform
        .find_api_key(&tenant.demo.api_key)
        .await
        .unwrap()
        .unwrap();
    platform.enter(*key.tenant).await.unwrap()
}

#[test]
fn a_lead_is_found_by_an_exact_address_however_it_is_written() {
    run(async {
        let tenant = Tenant::new().await;
        let stranger = Tenant::new().await;
        let guest = tenant.guest().await;
        let asked = guest
            .say("I am at Anna.Berg@example.com or +1 (555) 010-0199")
            .await;
        let lead = found(&tenant, json!({"email": "anna.berg@EXAMPLE.com"})).await;
        assert_eq!(found(&tenant, json!({"phone": "001 555 010 0199"})).await, lead);
        let conversation = tenant.conversation_of(&asked).await;
        assert_eq!(conversation["lead_id"], lead.as_str());
        for nobody in [
            json!({"email": "anna@example.com"}),
            json!({"phone": "+15550100190"}),
            json!({"handle": "anna.berg@example.com"}),
        ] {
            let none = leads(&tenant, nobody).await;
            assert_eq!((data(&none).len(), &none["has_more"]), (0, &json!(false)));
        }
        let other = leads(&stranger, json!({"email": "anna.berg@example.com"})).await;
        assert!(data(&other).is_empty(), "another tenant's lead");

        // The same address on another channel session is another lead; a cursor leads to it.
        let second = tenant.guest().await;
        second.say("anna.berg@example.com again").await;
        let page = eventually("both are found", || async {
            let page = leads(&tenant, json!({"email": "anna.berg@example.com", "limit": 1})).await;
            (page["has_more"] == true).then_some(page)
        })
        .await;
        let rest = json!({"email": "anna.berg@example.com", "limit": 1, "after": page["next_cursor"]});
        let rest = leads(&tenant, rest).await;
        assert_eq!(rest["has_more"], false);
        let all = [ids(&page), ids(&rest)].concat();
        assert!(all.len() == 2 && all.contains(&lead), "{all:?}");
        let elsewhere = json!({"phone": "+15550100199", "after": page["next_cursor"]});
        let refused = tenant.post("/v1/leads/search", &elsewhere).await;
        assert_eq!(refused.refused()[0].0, "after", "a cursor of another search");
    });
}

#[test]
fn what_is_wrong_with_a_search_for_leads_is_named_and_never_repeated() {
    run(async {
        let tenant = Tenant::new().await;
        let table = [
            (json!({}), vec![""]),
            (
                json!({"email": "anna@example.com", "phone": "+15550100199", "handle": "a"}),
                vec!["phone", "handle"],
            ),
            (json!({"email": "anna-at-home"}), vec!["email"]),
            (json!({"phone": "555 anna"}), vec!["phone"]),
            (json!({"handle": " anna b"}), vec!["handle"]),
            (json!({"email": "anna@example.com", "limit": 0}), vec!["limit"]),
            (json!({"mail": "anna@example.com"}), vec!["mail"]),
        ];
        for (body, fields) in table {
            let answer = tenant.post("/v1/leads/search", &body).await;
            let named: Vec<String> = answer.refused().into_iter().map(|(field, _)| field).collect();
            assert_eq!(named, fields, "{body}");
            assert!(
                !answer.expect(422)["errors"].to_string().contains("anna-"),
                "{body}"
            );
        }
        // Not in a URL: there is no such parameter.
        let answer = tenant.get("/v1/leads?email=anna@example.com").await;
        assert_eq!(answer.refused()[0].0, "email");
    });
}

#[test]
fn an_address_that_a_person_replaced_or_that_was_forgotten_finds_nobody() {
    run(async {
        let tenant = Tenant::new().await;
        let guest = tenant.guest().await;
        guest.say("old.address@example.com").await;
        let lead = found(&tenant, json!({"email": "old.address@example.com"})).await;
        guest.say("Sorry, it is new.address@example.com").await;
        assert_eq!(
            found(&tenant, json!({"email": "new.address@example.com"})).await,
            lead
        );
        assert!(data(&leads(&tenant, json!({"email": "old.address@example.com"})).await).is_empty());
        let scope = scope(&tenant).await;
        let hash = |text: &str| {
            let identifier = usher_shared::identifier::Identifier::email(text).unwrap();
            format!("#x#{}", scope.identifier_hash(&identifier))
        };
        eventually("the old address leaves no row", || async {
            (!dump(&tenant).await.contains(&hash("old.address@example.com"))).then_some(())
        })
        .await;
        assert!(dump(&tenant).await.contains(&hash("new.address@example.com")));

        tenant.delete(&format!("/v1/leads/{lead}")).await.expect(200);
        let none = leads(&tenant, json!({"email": "new.address@example.com"})).await;
        assert!(data(&none).is_empty(), "at once");
        eventually(
            "the eraser leaves no row, though the profile's key is gone",
            || async { (!dump(&tenant).await.contains(&hash("new.address@example.com"))).then_some(()) },
        )
        .await;

        guest.say("It is me again, new.address@example.com").await;
        assert_ne!(
            found(&tenant, json!({"email": "new.address@example.com"})).await,
            lead,
            "a stranger"
        );
    });
}

#[test]
fn a_handle_finds_its_lead_and_a_hint_without_a_profile_shows_nobody() {
    run(async {
        let tenant = Tenant::new().await;
        let guest = tenant.guest().await;
        guest.say("bo@example.com").await;
        let lead = found(&tenant, json!({"email": "bo@example.com"})).await;
        let scope = scope(&tenant).await;
        let row = keys::lead(scope.tenant(), lead.parse().unwrap());
        let stored = scope
            .store()
            .get(&row, &usher_aws::sealing::DataKey::none(), true)
            .await;
        let contact = stored.unwrap().unwrap().contacts[0];
        let (mut record, contact_keys) = scope.open_contact(contact).await.unwrap().unwrap();
        let mut profile = record.profile.get().clone();
        profile.handle = Some("Bo_Lind".to_owned());

        // An index that ran ahead of the profile, as after a crash, shows nobody.
        scope
            .index_profile(lead.parse().unwrap(), contact, &profile)
            .await
            .unwrap();
        assert!(data(&leads(&tenant, json!({"handle": "@bo_lind"})).await).is_empty());

        record.profile = Sealed::from(profile);
        let row = keys::contact(scope.tenant(), contact.address);
        let written = scope
            .store()
            .put(&row, &record, contact_keys.contact(), When::Present)
            .await;
        assert!(written.unwrap().happened());
        assert_eq!(
            ids(&leads(&tenant, json!({"handle": "@bo_lind"})).await),
            std::slice::from_ref(&lead)
        );

        // Indexing somebody who was forgotten meanwhile leaves nothing behind.
        tenant.delete(&format!("/v1/leads/{lead}")).await.expect(200);
        scope
            .index_profile(lead.parse().unwrap(), contact, record.profile.get())
            .await
            .unwrap();
        eventually("nothing is left of the contact", || async {
            (!dump(&tenant)
                .await
                .contains(&format!("#identifiers#{}", contact.id)))
            .then_some(())
        })
        .await;
    });
}

#[test]
fn conversations_are_filtered_by_lead_state_channel_and_time() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let stranger = Tenant::new().await;
        let mut talks = Vec::new();
        for (email, question) in [
            ("one@example.com", "How much is the garden room?"),
            ("two@example.com", "Is there a helicopter?"),
            ("three@example.com", "How much is the garden room?"),
        ] {
            let guest = tenant.guest().await;
            let asked = guest.say(&format!("{email}. {question}")).await;
            guest.answer_to(&asked).await;
            let lead = found(&tenant, json!({ "email": email })).await;
            talks.push((lead, tenant.conversation_of(&asked).await));
        }
        let list = async |filter: &str| {
            tenant
                .get(&format!("/v1/conversations?{filter}"))
                .await
                .expect(200)
        };
        let of = |at: usize| id(&talks[at].1);
        for (lead, conversation) in &talks {
            let page = list(&format!("lead_id={lead}")).await;
            assert_eq!(ids(&page), [id(conversation)]);
            assert_eq!(page["has_more"], false);
        }
        let lead = &talks[1].0;
        assert_eq!(
            ids(&list(&format!("lead_id={lead}&state=waiting_for_human")).await),
            [of(1)]
        );
        assert!(ids(&list(&format!("lead_id={lead}&state=human")).await).is_empty());

        let channel = talks[0].1["channel_id"].as_str().unwrap();
        assert_eq!(ids(&list(&format!("channel_id={channel}")).await).len(), 3);
        let body = json!({"kind": "web_chat", "name": "Other"});
        let other = id(&tenant.post("/v1/channels", &body).await.expect(201));
        assert!(ids(&list(&format!("channel_id={other}")).await).is_empty());

        // Time: the middle one alone, from its own activity to just before the next one's.
        let all = list("").await;
        let active: Vec<&str> = data(&all)
            .iter()
            .map(|c| c["last_activity_at"].as_str().unwrap())
            .collect();
        let (newest, middle) = (active[0], active[1]);
        assert_eq!(
            ids(&list(&format!("since={middle}&until={newest}")).await),
            [of(1)]
        );
        assert_eq!(ids(&list(&format!("since={newest}")).await), [of(2)]);
        assert_eq!(
            ids(&list(&format!("until={middle}&channel_id={channel}")).await),
            [of(0)]
        );
        assert!(ids(&list("since=2100-01-01T00:00:00%2B02:00").await).is_empty());
        assert!(ids(&list("until=1970-01-01T00:00:01Z").await).is_empty());

        // Page by page under a filter; a cursor never leads out of the window.
        let (mut seen, mut path) = (Vec::new(), format!("channel_id={channel}&until={newest}&limit=1"));
        let base = path.clone();
        loop {
            let page = list(&path).await;
            seen.extend(ids(&page));
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("{base}&after={cursor}"),
                None => break assert_eq!(page["has_more"], false),
            }
        }
        assert_eq!(seen, [of(1), of(0)]);
        let first = list("limit=1").await;
        let oldest = list(&format!(
            "limit=2&after={}",
            first["next_cursor"].as_str().unwrap()
        ))
        .await;
        let cursor = oldest["previous_cursor"].as_str().unwrap();
        assert!(ids(&list(&format!("until={middle}&before={cursor}")).await).is_empty());
        assert!(ids(&list(&format!("since={newest}&after={cursor}")).await).is_empty());

        for (filter, field) in [
            ("lead_id=anna", "lead_id"),
            ("channel_id=conv_x", "channel_id"),
            ("since=yesterday", "since"),
            ("until=2026", "until"),
            ("since=2026-01-02T00:00:00Z&until=2026-01-02T00:00:00Z", "until"),
        ] {
            let answer = tenant.get(&format!("/v1/conversations?{filter}")).await;
            assert_eq!(answer.refused()[0].0, field, "{filter}");
            answer.expect(422);
        }
        let foreign = stranger.get(&format!("/v1/conversations?lead_id={lead}")).await;
        assert!(ids(&foreign.expect(200)).is_empty());
        let path = format!("/v1/conversations/{}", of(1));
        tenant.delete(&path).await.expect(200);
        assert!(
            ids(&list(&format!("lead_id={lead}")).await).is_empty(),
            "forgotten"
        );
    });
}
