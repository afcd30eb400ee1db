//! Requests of privacy, from the asking to the receipt.

use std::time::Duration;

use serde_json::{Value, json};
use usher_aws::privacy::{Named, NewRequest};
use usher_local::Stack;
use usher_shared::category::Preset;
use usher_shared::ids::{LeadId, PrivacyRequestId};
use usher_shared::privacy::{RequestKind, RequestSource, RequestState, RequestSubject};

use crate::erasure::{dump, nothing_shows, talk};
use crate::harness::{CLIENT, Tenant, data, eventually, id, run, send, stack, start};
use crate::holds::scope_of;
use crate::ops::{ops, text, told};

const REQUESTS: &str = "/v1/privacy-requests";

fn about(kind: &str, object: &str, subject: &str) -> Value {
    json!({"kind": kind, "subject": {"object": object, "id": subject}})
}

async fn state_is(tenant: &Tenant, request: &str, state: &str) -> Value {
    let path = format!("{REQUESTS}/{request}");
    eventually(&format!("the request is {state}"), || async {
        let request = tenant.get(&path).await.expect(200);
        (request["state"] == state).then_some(request)
    })
    .await
}

/// The public page, as a program reads it.
async fn status(tenant: &Tenant, code: &str) -> crate::harness::Answer {
    let url = tenant.url(&format!("/privacy/status/{code}"));
    send(CLIENT.get(url).header("accept", "application/json")).await
}

#[test]
fn p_rgt_06_a_lead_is_erased_on_request_and_the_clock_the_page_and_the_receipt_say_so() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let (_, _, conversation, lead) = talk(&tenant, "pia@example.com").await;
        let answer = tenant.post(REQUESTS, &about("deletion", "lead", &lead)).await;
        let location = answer.headers["location"].to_str().unwrap().to_owned();
        let opened = answer.expect(202);
        assert_eq!(location, format!("{REQUESTS}/{}", id(&opened)));
        assert_eq!(
            opened["days_left"],
            json!(opened["days_left"].as_i64().unwrap().clamp(27, 30))
        );
        let code = opened["confirmation_code"].as_str().unwrap().to_owned();
        let done = state_is(&tenant, &id(&opened), "complete").await;
        nothing_shows(&tenant, &conversation, Some(&lead)).await;
        let steps = &done["progress"];
        for step in [
            "requested_at",
            "unreadable_at",
            "removed_at",
            "verified_at",
            "out_of_backups_at",
        ] {
            assert!(steps[step].is_string(), "{step}: {done}");
        }
        assert_eq!(steps["out_of_backups"], false);
        assert_eq!(done["days_left"], Value::Null);
        assert!(done["counts"]["rows"].as_u64().unwrap() > 0, "{done}");

        // Without a login: the same, and nothing of anybody.
        let page = status(&tenant, &code.to_uppercase()).await;
        assert_eq!(page.headers["cache-control"], "no-store");
        let page = page.expect(200);
        assert_eq!(page["state"], "complete");
        assert!(!page.to_string().contains("pia@") && !page.to_string().contains(&lead));
        assert!(!page["stays"].as_array().unwrap().is_empty());
        let html = send(CLIENT.get(tenant.url(&format!("/privacy/status/{code}")))).await;
        assert!(
            html.headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/html")
        );
        assert!(html.body.as_str().unwrap().contains("Out of all backups on"));

        // The receipt, by either way, checked by the operator's tool without the stack.
        let receipt = tenant
            .get(&format!("{REQUESTS}/{}/receipt", id(&done)))
            .await
            .expect(200);
        let public = send(CLIENT.get(tenant.url(&format!("/privacy/status/{code}/receipt")))).await;
        assert_eq!(public.expect(200), receipt, "one receipt, whoever asks");
        let keys = send(CLIENT.get(tenant.url("/.well-known/usher-receipt-keys.json")))
            .await
            .expect(200);
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, value: &Value| {
            let path = folder.path().join(name);
            std::fs::write(&path, value.to_string()).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (keys, genuine) = (file("keys.json", &keys), file("receipt.json", &receipt));
        let checked = ops(stack(), &["receipt", "verify", &genuine, "--keys", &keys]).await;
        assert!(checked.status.success(), "{}", text(&checked.stderr));
        let mut altered = receipt.clone();
        altered["receipt"]["counts"]["rows"] = json!(1_000_000);
        let altered = file("altered.json", &altered);
        let checked = ops(stack(), &["receipt", "verify", &altered, "--keys", &keys]).await;
        assert_eq!(checked.status.code(), Some(1));

        // Who keeps copies learns of it.
        let feed = eventually("the feed has it", || async {
            let feed = tenant.get("/v1/deletions?limit=100").await.expect(200);
            data(&feed)
                .iter()
                .find(|entry| entry["id"] == lead.as_str())
                .cloned()
        })
        .await;
        assert_eq!(feed["type"], "lead.deleted");
        let after = format!("/v1/deletions?after={}", feed["cursor"].as_str().unwrap());
        let rest = tenant.get(&after).await.expect(200);
        // A job that came twice tells it twice, under a later cursor.
        let same = |entry: &Value| entry["cursor"] == feed["cursor"];
        assert!(!data(&rest).iter().any(same), "resumed behind it: {rest}");
        // Of someone already erased: the same erasure, a request of its own.
        let again = tenant
            .post(REQUESTS, &about("deletion", "lead", &lead))
            .await
            .expect(202);
        let again = state_is(&tenant, &id(&again), "complete").await;
        assert_eq!(
            again["progress"]["unreadable_at"],
            done["progress"]["unreadable_at"]
        );
    });
}

#[test]
fn p_gov_04_what_a_hold_keeps_is_deferred_and_goes_on_by_itself_when_it_is_released() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let (_, _, conversation, lead) = talk(&tenant, "rob@example.com").await;
        let owner = scope_of(stack(), &tenant).await.tenant().to_string();
        let mut holds = Vec::new();
        for subject in [&lead, &conversation] {
            let placed = told(stack(), &["hold", "place", &owner, subject, "--reason", "case 4"]).await;
            holds.push(id(&placed));
        }
        let opened = tenant
            .post(REQUESTS, &about("deletion", "lead", &lead))
            .await
            .expect(202);
        let deferred = state_is(&tenant, &id(&opened), "deferred").await;
        assert!(deferred["days_left"].is_number(), "its clock runs on");
        tenant.get(&format!("/v1/leads/{lead}")).await.expect(200);
        let code = opened["confirmation_code"].as_str().unwrap();
        let page = status(&tenant, code).await.expect(200);
        assert!(page["summary"].as_str().unwrap().contains("legal hold"), "{page}");
        assert!(!page.to_string().contains("case 4"));
        told(stack(), &["hold", "release", &owner, &holds[0]]).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        tenant.get(&format!("/v1/leads/{lead}")).await.expect(200);
        told(stack(), &["hold", "release", &owner, &holds[1]]).await;
        state_is(&tenant, &id(&opened), "complete").await;
        nothing_shows(&tenant, &conversation, Some(&lead)).await;
    });
}

#[test]
fn a_duplicate_names_the_first_and_neither_bypasses_nor_blocks_a_confirmation() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let (_, _, _, lead) = talk(&tenant, "sue@example.com").await;
        let scope = scope_of(stack(), &tenant).await;
        let platform = usher_local::seed::operator(stack()).unwrap();
        let by_mail = |words: &str| NewRequest {
            kind: RequestKind::Access,
            subject: RequestSubject::Lead {
                lead: lead.parse::<LeadId>().unwrap(),
            },
            source: RequestSource::Mail,
            verified: false,
            named: Named::Asked {
                at: scope.now(),
                words: words.to_owned(),
            },
            requested_by: None,
            notes: None,
            reply_to: None,
        };
        let asked = by_mail("one");
        let stranger = platform.open_request(&scope, asked.clone()).await.unwrap();
        assert_eq!(*stranger.request.state, RequestState::IdentityUnverified);
        let repeated = platform.open_request(&scope, asked).await.unwrap();
        assert_eq!(repeated.code, stranger.code, "the same words, the same request");
        // It does not stand in the way of the one that is confirmed.
        let first = tenant
            .post(REQUESTS, &about("access", "lead", &lead))
            .await
            .expect(202);
        assert!(
            first["state"] == "pending" || first["state"] == "in_processing",
            "{first}"
        );
        let second = tenant
            .post(REQUESTS, &about("access", "lead", &lead))
            .await
            .expect(202);
        assert_eq!(
            (&second["state"], &second["duplicate_of"]),
            (&json!("duplicate"), &first["id"])
        );
        let other = tenant
            .post(REQUESTS, &about("portability", "lead", &lead))
            .await
            .expect(202);
        assert_ne!(other["state"], "duplicate", "another kind is another request");
        // The stranger learns nothing of it, neither before nor by asking again.
        let page = status(&tenant, &stranger.code).await.expect(200);
        assert_eq!(page["state"], "identity_unverified");
        assert_eq!(page["about"], Value::Null);
        let confirmed = platform
            .confirm_request(&scope, *stranger.request.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(*confirmed.state, RequestState::Duplicate);
        assert_eq!(confirmed.duplicate_of.unwrap().to_string(), id(&first));
        // Once the first is over, the next one for the same is a request again.
        let path = format!("{REQUESTS}/{}", id(&first));
        state_is(&tenant, &id(&first), "in_processing").await;
        let done = tenant
            .post(&format!("{path}/complete"), &json!({}))
            .await
            .expect(200);
        assert_eq!(done["state"], "complete");
        tenant
            .post(&format!("{path}/cancel"), &json!({}))
            .await
            .expect(409);
        let third = tenant
            .post(REQUESTS, &about("access", "lead", &lead))
            .await
            .expect(202);
        assert_ne!(third["state"], "duplicate");
        let path = format!("{REQUESTS}/{}", id(&third));
        let no_reason = tenant
            .post(&format!("{path}/deny"), &json!({"reason": " "}))
            .await;
        assert_eq!(no_reason.refused()[0].0, "reason");
        let denied = tenant
            .post(&format!("{path}/deny"), &json!({"reason": "Not yours <b>"}))
            .await
            .expect(200);
        assert_eq!(
            (&denied["state"], &denied["reason"]),
            (&json!("denied"), &json!("Not yours <b>"))
        );
        assert!(!dump(&tenant).await.to_string().contains("Not yours"), "sealed");
        let listed = tenant.get(&format!("{REQUESTS}?limit=2")).await.expect(200);
        assert_eq!((data(&listed).len(), &listed["has_more"]), (2, &json!(true)));
    });
}

#[test]
fn an_unknown_code_and_anothers_request_say_nothing() {
    run(async {
        let (tenant, other) = (Tenant::new().await, Tenant::new().await);
        for code in ["0123456789abcdefghjk", "x", "%3Cscript%3E"] {
            let unknown = status(&tenant, code).await.expect(404);
            assert_eq!(unknown["state"], "unknown");
            assert_eq!(unknown["business"], Value::Null);
            let html = send(CLIENT.get(tenant.url(&format!("/privacy/status/{code}")))).await;
            assert_eq!(html.status, 404);
            assert!(!html.body.as_str().unwrap().contains("<script>"));
        }
        let content = json!({"kind": "access", "subject": {"object": "account"}});
        let opened = tenant.post(REQUESTS, &content).await.expect(202);
        let path = format!("{REQUESTS}/{}", id(&opened));
        for path in [path.clone(), format!("{path}/receipt")] {
            other.get(&path).await.expect(404);
        }
        for end in ["cancel", "complete"] {
            other.post(&format!("{path}/{end}"), &json!({})).await.expect(404);
        }
        tenant.get(&format!("{path}/receipt")).await.expect(409);
        let unknown = json!({"kind": "access", "subject": {"object": "account"}, "force": true});
        assert_eq!(tenant.post(REQUESTS, &unknown).await.refused()[0].0, "force");
        let nobody = about(
            "deletion",
            "lead",
            &LeadId::derived(usher_shared::Timestamp::from_millis(1), [1; 10]).to_string(),
        );
        assert_eq!(tenant.post(REQUESTS, &nobody).await.refused()[0].0, "subject.id");
    });
}

#[test]
fn one_message_is_erased_alone_and_its_copies_in_backups_are_spoken_of() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let guest = tenant.guest().await;
        let first = guest
            .say("My old address is 7 Mill Lane. How much is the garden room?")
            .await;
        guest.answer_to(&first).await;
        let conversation = id(&tenant.conversation_of(&first).await);
        let second = guest.say("Is there parking?").await;
        guest.answer_to(&second).await;
        let body = json!({"kind": "deletion", "subject": {
            "object": "message", "id": first, "conversation_id": conversation
        }});
        let opened = tenant.post(REQUESTS, &body).await.expect(202);
        let done = state_is(&tenant, &id(&opened), "complete").await;
        assert_eq!(
            done["progress"]["unreadable_at"],
            Value::Null,
            "its key stays, and that is said"
        );
        assert!(done["progress"]["verified_at"].is_string());
        assert!(done["stays"].to_string().contains("backups"), "{done}");
        let messages = tenant
            .get(&format!("/v1/conversations/{conversation}/messages"))
            .await
            .expect(200);
        // Its answer stays, and names it by an id that leads nowhere.
        let ids: Vec<String> = data(&messages).iter().map(id).collect();
        assert!(!ids.contains(&first) && ids.contains(&second), "{messages}");
        let traces = tenant
            .get(&format!("/v1/conversations/{conversation}/traces"))
            .await
            .expect(200);
        assert!(!traces.to_string().contains("Mill Lane"), "{traces}");
        assert!(!guest.answers().await.is_empty(), "the conversation goes on");
    });
}

#[test]
fn p_rgt_03_restriction_and_objection_mark_every_address_of_the_person() {
    run(async {
        let tenant = Tenant::with_prices().await;
        for (kind, expected) in [
            ("objection", "without_ai"),
            ("restriction", "restricted"),
            ("objection", "restricted"),
        ] {
            static PERSON: std::sync::OnceLock<String> = std::sync::OnceLock::new();
            if PERSON.get().is_none() {
                let (_, _, _, lead) = talk(&tenant, "tom@example.com").await;
                let _ = PERSON.set(lead);
            }
            let lead = PERSON.get().unwrap();
            let opened = tenant
                .post(REQUESTS, &about(kind, "lead", lead))
                .await
                .expect(202);
            state_is(&tenant, &id(&opened), "complete").await;
            let shown = tenant.get(&format!("/v1/leads/{lead}")).await.expect(200);
            let contact = shown["contacts"][0]["contact_id"].as_str().unwrap().to_owned();
            let marked = tenant
                .get(&format!("/v1/contacts/{contact}/processing"))
                .await
                .expect(200);
            assert_eq!(marked["processing"], expected, "{kind}");
        }
    });
}

#[test]
fn p_rgt_08_p_del_04_an_account_is_closed_and_nothing_of_it_is_left_but_what_is_named() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        tenant
            .upload("Prices", "The garden room costs 900 euros a day.")
            .await;
        let (_, _, conversation, lead) = talk(&tenant, "uma@example.com").await;
        let (_, _, other, _) = talk(&tenant, "vic@example.com").await;
        let body =
            json!({"kind": "deletion", "subject": {"object": "account"}, "confirm": "close the account"});
        let opened = tenant.post(REQUESTS, &body).await.expect(202);
        let code = opened["confirmation_code"].as_str().unwrap().to_owned();
        eventually("nobody comes in any more", || async {
            (tenant.get("/v1/leads").await.status == 401).then_some(())
        })
        .await;
        let done = eventually("the account is closed", || async {
            schedule(&stack, "tend").await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let page = status(&tenant, &code).await.expect(200);
            (page["state"] == "complete").then_some(page)
        })
        .await;
        assert_eq!(done["counts"]["people"], 2, "{done}");
        assert_eq!(done["counts"]["documents"], 1);
        assert!(done["counts"]["channels"].as_u64().unwrap() >= 1);
        assert!(done["stays"].to_string().contains("billing"));
        let tables = dump(&tenant).await["tables"].to_string();
        for gone in [
            &format!("#v#{conversation}"),
            &format!("#v#{other}"),
            &format!("#l#{lead}"),
        ] {
            assert!(!tables.contains(gone.as_str()), "{gone}");
        }
        for kind in [
            "\"document\"",
            "\"api_key\"",
            "\"channel\"",
            "\"channel_secret\"",
            "\"lead_identifier\"",
        ] {
            assert!(!tables.contains(kind), "{kind}");
        }
    });
}

async fn schedule(stack: &Stack, name: &str) {
    let url = format!("{}/_local/schedule/{name}", stack.base_url());
    let _ = CLIENT.post(url).send().await.unwrap();
}

/// What only requests of privacy need: for the journey through all permissions.
pub(crate) async fn journey(stack: &Stack) {
    let tenant = Tenant::with_prices_on(stack).await;
    let (_, _, _, lead) = talk(&tenant, "wil@example.com").await;
    let opened = tenant
        .post(REQUESTS, &about("objection", "lead", &lead))
        .await
        .expect(202);
    state_is(&tenant, &id(&opened), "complete").await;
    tenant
        .get(&format!("{REQUESTS}/{}/receipt", id(&opened)))
        .await
        .expect(200);
    let body = json!({"kind": "deletion", "subject": {"object": "account"}, "confirm": "close the account"});
    let opened = tenant.post(REQUESTS, &body).await.expect(202);
    let code = opened["confirmation_code"].as_str().unwrap().to_owned();
    eventually("the account is closed", || async {
        schedule(stack, "tend").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let page = status(&tenant, &code).await.expect(200);
        (page["state"] == "complete").then_some(())
    })
    .await;
}

#[test]
fn a_request_whose_worker_dies_at_any_step_is_completed_all_the_same() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        tenant
            .upload("Prices", "The garden room costs 900 euros a day.")
            .await;
        let scope = scope_of(&stack, &tenant).await;
        // The note and the row of the erasure, its report, the entry of the feed; keys and rows; what the request and
        // the report say meanwhile; the end.
        let steps = [
            ("PutItem", 0),
            ("PutItem", 1),
            ("PutItem", 2),
            ("DeleteItem", 0),
            ("DeleteItem", 3),
            ("UpdateItem", 0),
            ("UpdateItem", 3),
            ("UpdateItem", 7),
            ("TransactWriteItems", 0),
        ];
        for (number, (operation, skip)) in steps.into_iter().enumerate() {
            let (_, _, conversation, lead) = talk(&tenant, &format!("kim{number}@example.com")).await;
            assert!(stack.pause("erasure", true));
            let opened = tenant
                .post(REQUESTS, &about("deletion", "lead", &lead))
                .await
                .expect(202);
            let fault = json!({"service": "dynamodb", "operation": operation, "function": "erasure",
                               "kind": "kill-after", "skip": skip});
            send(CLIENT.post(tenant.url("/_local/fault")).json(&fault))
                .await
                .expect(200);
            assert!(stack.pause("erasure", false));
            let request: PrivacyRequestId = id(&opened).parse().unwrap();
            // Not over HTTP: the function that dies is the one that answers.
            let done = eventually(&format!("{operation} {skip}: complete"), || async {
                let request = scope.privacy_request(request).await.unwrap().unwrap();
                (*request.state == RequestState::Complete).then_some(request)
            })
            .await;
            assert!(
                done.verified_at.is_some() && done.counts.rows > 0,
                "{operation} {skip}"
            );
            let faults = send(CLIENT.get(tenant.url("/_local/fault"))).await.expect(200);
            assert_eq!(faults["pending"], json!([]), "{operation} {skip} never came");
            let tables = dump(&tenant).await["tables"].to_string();
            assert!(
                !tables.contains(&format!("#v#{conversation}")),
                "{operation} {skip}"
            );
        }
    });
}
