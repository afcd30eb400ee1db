//! Holds: what is held is not deleted and not swept, whoever is first; what is past its period is not shown.

use std::time::Duration;

use serde_json::{Value, json};
use usher_aws::TenantScope;
use usher_aws::holds::Subject;
use usher_local::Stack;
use usher_shared::category::Preset;
use usher_shared::ids::{ConversationId, LeadId};

use crate::erasure::{dump, talk};
use crate::harness::{CLIENT, Tenant, eventually, run, send, stack, start};
use crate::ops::told;

/// The tenant as a function has it.
pub(crate) async fn scope_of(stack: &Stack, tenant: &Tenant) -> TenantScope {
    let platform = usher_local::seed::operator(stack).unwrap();
    let key = platform.find_api_key(&tenant.demo.api_key).await.unwrap();
    platform.enter(*key.unwrap().tenant).await.unwrap()
}

/// 409 that names these holds and nothing of anybody.
fn names(answer: &Value, holds: &[&Value]) {
    assert_eq!(answer["code"], "held", "{answer}");
    assert_eq!(answer["holds"], json!(holds));
    assert!(!answer.to_string().contains("example.com"), "{answer}");
}

#[test]
fn what_is_held_is_not_deleted_until_it_is_released() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let (guest, _, conversation, lead) = talk(&tenant, "hal@example.com").await;
        let (_, _, other, others_lead) = talk(&tenant, "ida@example.com").await;
        let owner = scope_of(stack(), &tenant).await.tenant().to_string();
        let place = |subject: String| {
            let owner = owner.clone();
            async move {
                let reason = "Case 17, asked for by hal@example.com";
                told(stack(), &["hold", "place", &owner, &subject, "--reason", reason]).await
            }
        };
        let on_conversation = place(conversation.clone()).await;
        let paths = [
            format!("/v1/conversations/{conversation}"),
            format!("/v1/leads/{lead}"),
        ];
        for path in &paths {
            names(&tenant.delete(path).await.expect(409), &[&on_conversation["id"]]);
            tenant.get(path).await.expect(200);
        }
        let again = guest.say("How much is the garden room?").await;
        guest.answer_to(&again).await;
        let on_lead = place(lead.clone()).await;
        for path in &paths {
            let holds = [&on_conversation["id"], &on_lead["id"]];
            names(&tenant.delete(path).await.expect(409), &holds);
        }
        // Nobody else is concerned.
        tenant
            .delete(&format!("/v1/conversations/{other}"))
            .await
            .expect(200);
        tenant
            .delete(&format!("/v1/leads/{others_lead}"))
            .await
            .expect(200);

        let release = |hold: Value| {
            let owner = owner.clone();
            async move { told(stack(), &["hold", "release", &owner, hold.as_str().unwrap()]).await }
        };
        let first = release(on_conversation["id"].clone()).await;
        assert_eq!(
            release(on_conversation["id"].clone()).await,
            first,
            "released twice is once"
        );
        for path in &paths {
            names(&tenant.delete(path).await.expect(409), &[&on_lead["id"]]);
        }
        release(on_lead["id"].clone()).await;
        let listed = told(stack(), &["hold", "list", &owner]).await;
        assert_eq!(listed["data"].as_array().unwrap().len(), 2);
        assert!(!listed.to_string().contains("Case 17"));
        let revealed = told(stack(), &["hold", "list", &owner, "--reveal"]).await;
        assert!(revealed.to_string().contains("Case 17"));
        let stored = dump(&tenant).await.to_string();
        assert!(
            stored.contains("\"hold\"") && !stored.contains("Case 17"),
            "sealed"
        );
        for path in paths.iter().rev() {
            tenant.delete(path).await;
            tenant.get(path).await.expect(404);
        }
        eventually("rows and keys are removed", || async {
            let tables = dump(&tenant).await["tables"].to_string();
            (!tables.contains(&format!("#v#{conversation}"))).then_some(())
        })
        .await;
    });
}

#[test]
fn a_hold_and_an_erasure_that_meet_end_with_one_of_them() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let scope = scope_of(stack(), &tenant).await;
        let (mut kept, mut erased) = (0, 0);
        for number in 0..6_u64 {
            let (_, _, conversation, lead) = talk(&tenant, &format!("jo{number}@example.com")).await;
            let id: LeadId = lead.parse().unwrap();
            let subject = if number % 2 == 0 {
                Subject::Lead(id)
            } else {
                Subject::Conversation(conversation.parse().unwrap())
            };
            let holds = scope.holds();
            let placing = async {
                tokio::time::sleep(Duration::from_millis(5 * number)).await;
                holds.place(subject, "race".to_owned()).await.unwrap()
            };
            let path = format!("/v1/leads/{lead}");
            let (placed, deleted) = tokio::join!(placing, tenant.delete(&path));
            match (placed, deleted.status.as_u16()) {
                (Some(hold), 409) => {
                    assert_eq!(deleted.body["holds"], json!([hold.id.to_string()]));
                    tenant.get(&path).await.expect(200);
                    tenant
                        .get(&format!("/v1/conversations/{conversation}"))
                        .await
                        .expect(200);
                    kept += 1;
                }
                (None, 200) => {
                    tenant.get(&path).await.expect(404);
                    erased += 1;
                }
                (placed, status) => panic!("both or none: {placed:?}, {status}"),
            }
        }
        assert_eq!(kept + erased, 6);
    });
}

/// Both orders for certain, not by chance: the erasure is written down, then the hold comes, then the keys would go.
#[test]
fn an_erasure_that_was_written_down_before_the_hold_removes_nothing_and_can_be_asked_for_again() {
    run(async {
        use usher_shared::records::{EraseJob, Erasing};
        let tenant = Tenant::with_prices().await;
        let scope = scope_of(stack(), &tenant).await;
        let (_, _, conversation, _) = talk(&tenant, "kim@example.com").await;
        let path = format!("/v1/conversations/{conversation}");
        let id: ConversationId = conversation.parse().unwrap();
        let hold = scope
            .holds()
            .place(Subject::Conversation(id), "first".to_owned())
            .await
            .unwrap()
            .unwrap();
        // What a request leaves behind that died right after it wrote the erasure down.
        let contact = *scope.open_conversation(id).await.unwrap().unwrap().head.contact;
        let now = scope.now();
        let erasing = Erasing {
            id: usher_shared::ids::ErasureId::derived(
                id.at(),
                scope
                    .key()
                    .hash(
                        usher_aws::sealing::HashPurpose::Derived,
                        &[b"erasure", conversation.as_bytes()],
                    )
                    .tail(),
            )
            .into(),
            subject: conversation
                .parse::<usher_shared::untrusted::Label>()
                .unwrap()
                .into(),
            requested_at: now.into(),
            state: usher_shared::model::ErasureState::Requested.into(),
            updated_at: now.into(),
            lead: None.into(),
            contacts: vec![contact].into(),
            whole_contacts: false.into(),
            conversations: vec![id].into(),
            requested_by: None.into(),
        };
        let row = usher_aws::store::keys::erasure(scope.tenant(), *erasing.id);
        let none = usher_aws::sealing::DataKey::none();
        let written = scope
            .store()
            .put(&row, &erasing, &none, usher_aws::store::When::Absent)
            .await;
        assert!(written.unwrap().happened());
        eventually("the worker finds it held", || async {
            let found: Erasing = scope.store().get(&row, &none, true).await.unwrap().unwrap();
            (*found.state == usher_shared::model::ErasureState::Held).then_some(())
        })
        .await;
        // A job that comes twice changes nothing either.
        let job = EraseJob {
            at: now.into(),
            tenant: scope.tenant().into(),
            erasure: erasing.id,
            look: usher_shared::model::ErasureLook::First.into(),
        };
        let platform = usher_local::seed::operator(stack()).unwrap();
        let queue = stack().environment("erasure").unwrap()["ERASURE_QUEUE_URL"].clone();
        let job = usher_aws::queue::Outgoing::standard(&job).unwrap();
        assert!(platform.send_jobs(&queue, &[job]).await.is_empty());
        tokio::time::sleep(Duration::from_secs(1)).await;
        let messages = tenant.get(&format!("{path}/messages")).await.expect(200);
        assert_eq!(messages["data"].as_array().unwrap().len(), 2, "nothing is lost");
        names(&tenant.delete(&path).await.expect(409), &[&json!(*hold.id)]);

        scope.holds().release(*hold.id).await.unwrap().unwrap();
        tenant.delete(&path).await.expect(200);
        tenant.get(&path).await.expect(404);
        eventually("its rows are removed", || async {
            let tables = dump(&tenant).await["tables"]["InboxTable"].to_string();
            (!tables.contains(&format!("#v#{conversation}"))).then_some(())
        })
        .await;
        // What was erased cannot be held any more.
        let late = scope
            .holds()
            .place(Subject::Conversation(id), "late".to_owned())
            .await;
        assert!(late.unwrap().is_none());
    });
}

#[test]
fn p_ret_11_what_is_held_stays_past_its_period_but_is_not_shown_and_goes_after_the_release() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Website).await;
        tenant
            .upload("Prices", "The garden room costs 900 euros a day.")
            .await;
        let (_, _, kept, _) = talk(&tenant, "lou@example.com").await;
        let (_, _, other, _) = talk(&tenant, "mia@example.com").await;
        let scope = scope_of(&stack, &tenant).await;
        let subject = Subject::Conversation(kept.parse().unwrap());
        let hold = scope.holds().place(subject, "Case 18".to_owned()).await;
        let hold = *hold.unwrap().unwrap().id;
        let sweep = || async {
            send(CLIENT.post(tenant.url("/_local/schedule/sweep")))
                .await
                .expect(200)
        };
        let rows_of = |conversation: String| {
            let tenant = &tenant;
            async move {
                let partition = format!("#v#{conversation}");
                let inbox = dump(tenant).await["tables"]["InboxTable"].to_string();
                inbox.matches(&partition).count()
            }
        };
        let before = rows_of(kept.clone()).await;
        for _ in 0..2 {
            stack.advance(Duration::from_hours(24 * 183)).await.unwrap();
            sweep().await;
        }
        tenant.get(&format!("/v1/conversations/{kept}")).await.expect(404);
        let listed = tenant.get("/v1/conversations").await.expect(200);
        assert_eq!(listed["data"], json!([]), "a hold is no way around the period");
        eventually("the other one is swept", || async {
            sweep().await;
            (rows_of(other.clone()).await == 0).then_some(())
        })
        .await;
        assert_eq!(rows_of(kept.clone()).await, before, "every row is still stored");
        let keys = dump(&tenant).await["tables"]["KeysTable"].to_string();
        assert!(keys.contains(&kept), "with its key");
        let report = tenant.get("/v1/retention/report").await.expect(200);
        assert_eq!(report["active_holds"], 1);
        assert_eq!(
            report["categories"][0]["overdue_seconds"], 0,
            "what is held is not overdue: {report}"
        );

        let scope = scope_of(&stack, &tenant).await;
        scope.holds().release(hold).await.unwrap().unwrap();
        eventually("it goes with the next sweep", || async {
            sweep().await;
            (rows_of(kept.clone()).await == 0).then_some(())
        })
        .await;
        let keys = dump(&tenant).await["tables"]["KeysTable"].to_string();
        assert!(!keys.contains(&kept));
        stack.shutdown().await;
    });
}
