//! What a deletion achieves before any worker runs, and what becomes of it when a worker is lost.

use std::time::Duration;

use serde_json::{Value, json};
use usher_aws::queue::Outgoing;
use usher_aws::sealing::{DataKey, HashPurpose};
use usher_aws::store::{When, keys};
use usher_aws::{Platform, TenantScope};
use usher_local::Stack;
use usher_shared::category::Preset;
use usher_shared::ids::{ConversationId, ErasureId, LeadId};
use usher_shared::model::{ContactRef, ErasureLook, ErasureState, ExportState};
use usher_shared::records::{ConversationAge, EraseJob, Erasing, ExportJob, WrappedKey};
use usher_shared::untrusted::WrappedBytes;

use crate::erasure::{dump, talk};
use crate::exports::{export, fetch, settled};
use crate::harness::{CLIENT, Tenant, data, eventually, id, run, send, start};
use crate::holds::scope_of;

/// The path of a download link, whichever host it names.
fn click(link: &Value) -> String {
    format!("/d/{}", link.as_str().unwrap().rsplit('/').next().unwrap())
}

/// A key and a row of a conversation, as a function writes them that had read the contact's key before it was deleted.
async fn begin(scope: &TenantScope, contact: ContactRef, conversation: ConversationId) {
    let aged = ConversationAge {
        conversation: conversation.into(),
        contact: contact.into(),
        oldest: scope.now().into(),
    };
    let wrapped = WrappedKey {
        created_at: scope.now().into(),
        wrapped: WrappedBytes(vec![1]).into(),
        held: None.into(),
        processing: None.into(),
    };
    let (store, none) = (scope.store(), DataKey::none());
    let row = keys::conversation_key(scope.tenant(), contact.id, conversation);
    let written = store.put(&row, &wrapped, &none, When::Absent).await;
    assert!(written.unwrap().happened());
    let row = keys::conversation_age(scope.tenant(), conversation);
    let written = store.put(&row, &aged, &none, When::Absent).await;
    assert!(written.unwrap().happened());
}

/// Neither the link nor the export gives the file.
async fn links_are_over(tenant: &Tenant, exports: &[&Value]) {
    for done in exports {
        let link = tenant.url(&click(&done["download_url"]));
        send(CLIENT.get(link)).await.expect(410);
        let shown = tenant.get(&format!("/v1/exports/{}", id(done))).await.expect(200);
        assert_eq!(
            (&shown["state"], &shown["download_url"]),
            (&json!("canceled"), &Value::Null)
        );
    }
}

/// Neither by its id nor in any list.
async fn shows_nowhere(tenant: &Tenant, lead: &str, conversation: &str, message: &str) {
    for path in [
        format!("/v1/leads/{lead}"),
        format!("/v1/conversations/{conversation}"),
        format!("/v1/conversations/{conversation}/messages"),
        format!("/v1/conversations/{conversation}/traces"),
    ] {
        tenant.get(&path).await.expect(404);
    }
    for path in ["messages", "hand-back"] {
        let path = format!("/v1/conversations/{conversation}/{path}");
        tenant.post(&path, &json!({"text": "there?"})).await.expect(404);
    }
    for path in [
        "/v1/leads".to_owned(),
        "/v1/conversations".to_owned(),
        "/v1/conversations?state=ai".to_owned(),
    ] {
        let list = tenant.get(&path).await.expect(200).to_string();
        for gone in [lead, conversation, message] {
            assert!(!list.contains(gone), "{path}: {list}");
        }
    }
}

#[test]
fn p_del_01_every_surface_forgets_a_deleted_lead_at_once_while_the_worker_is_stopped() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        tenant
            .upload("Prices", "The garden room costs 900 euros a day.")
            .await;
        let (_, _, neighbour, _) = talk(&tenant, "ned@example.com").await;
        let (guest, asked, conversation, lead) = talk(&tenant, "olga@example.com").await;
        let csv = export(&tenant, &json!({"kind": "leads_csv"})).await;
        let archive = export(&tenant, &json!({"kind": "lead_archive", "lead_id": lead})).await;
        let search = |words: &'static str| tenant_search(&tenant, "/v1/search", json!({"q": words}));
        assert!(search("olga").await.to_string().contains(&conversation));

        // What inbound may write while the request is on its way: a key and a row of a conversation that the
        // erasure does not name.
        let scope = scope_of(&stack, &tenant).await;
        let of: ConversationId = conversation.parse().unwrap();
        let contact = *scope.open_conversation(of).await.unwrap().unwrap().head.contact;
        let unnamed = ConversationId::derived(scope.now(), [9; 10]);
        assert!(stack.pause("erasure", true));
        tenant.delete(&format!("/v1/leads/{lead}")).await.expect(200);

        shows_nowhere(&tenant, &lead, &conversation, &asked).await;
        let of_lead = tenant.get(&format!("/v1/conversations?lead_id={lead}")).await;
        assert!(
            !of_lead.body.to_string().contains(&conversation),
            "{}",
            of_lead.body
        );
        assert_eq!(search("olga").await["data"], json!([]));
        let by_address = json!({"email": "olga@example.com"});
        let found = tenant_search(&tenant, "/v1/leads/search", by_address).await;
        assert_eq!(found["data"], json!([]));
        assert!(guest.answers().await.is_empty(), "the visitor's own page");
        links_are_over(&tenant, &[&csv, &archive]).await;
        // Exports that are asked for now hold the neighbour and nobody else.
        let refused = tenant
            .post("/v1/exports", &json!({"kind": "lead_archive", "lead_id": lead}))
            .await;
        match refused.status.as_u16() {
            422 => {}
            // The lead's row is still there: the worker of exports finds nobody behind it.
            202 => drop(settled(&tenant, &refused.body, "failed").await),
            other => panic!("{other}: {}", refused.body),
        }
        for kind in ["leads_csv", "conversations_ndjson"] {
            let done = export(&tenant, &json!({"kind": kind})).await;
            let file = String::from_utf8(fetch(&done).await).unwrap();
            assert!(file.contains("ned@example.com"), "{kind}: {file}");
            for gone in ["olga", lead.as_str(), conversation.as_str()] {
                assert!(!file.contains(gone), "{kind}: {file}");
            }
        }
        // What the person writes now is a stranger's, and the AI sees nothing of before.
        let again = guest.say("How much is the garden room?").await;
        guest.answer_to(&again).await;
        let fresh = tenant.conversation_of(&again).await;
        assert_eq!(fresh["lead_id"], Value::Null);
        assert_ne!(id(&fresh), conversation);
        let traces = tenant
            .get(&format!("/v1/conversations/{}/traces", id(&fresh)))
            .await
            .expect(200);
        assert!(traces.to_string().contains("garden room"), "{traces}");
        assert!(!traces.to_string().contains("olga"), "{traces}");

        let stored = dump(&tenant).await;
        let rows = stored["tables"]["InboxTable"].to_string();
        assert!(
            rows.contains(&format!("#v#{conversation}")) && rows.contains(&format!("#l#{lead}")),
            "the worker was stopped all the while"
        );
        assert!(stored["objects"].to_string().contains(&id(&archive)));
        begin(&scope, contact, unnamed).await;
        assert!(stack.pause("erasure", false));
        eventually("rows, keys and files are removed", || async {
            let stored = dump(&tenant).await;
            let (rows, files) = (stored["tables"].to_string(), stored["objects"].to_string());
            let left = rows.contains(&format!("#v#{conversation}"))
                || rows.contains(&format!("#l#{lead}"))
                || rows.contains(&unnamed.to_string())
                || files.contains(&id(&archive))
                || files.contains(&id(&csv));
            (!left).then_some(())
        })
        .await;
        tenant
            .get(&format!("/v1/conversations/{neighbour}"))
            .await
            .expect(200);
        let exports = tenant.get("/v1/exports").await.expect(200);
        let complete = |export: &&Value| export["state"] == "complete";
        assert_eq!(
            data(&exports).iter().filter(complete).count(),
            2,
            "what was exported since stays"
        );
        stack.shutdown().await;
    });
}

async fn tenant_search(tenant: &Tenant, path: &str, body: Value) -> Value {
    tenant.post(path, &body).await.expect(200)
}

/// Asks for an export that nobody writes yet.
async fn ask(tenant: &Tenant) -> Value {
    let kind = json!({"kind": "leads_csv"});
    tenant.post("/v1/exports", &kind).await.expect(202)
}

/// Takes every job out of a queue, as if it had been lost.
async fn lose(platform: &Platform, queue: &str) -> usize {
    let mut lost = 0;
    loop {
        let jobs = platform.receive(queue).await.unwrap();
        if jobs.is_empty() {
            return lost;
        }
        for job in jobs {
            platform.remove(queue, &job).await.unwrap();
            lost += 1;
        }
    }
}

async fn erasure_of(scope: &TenantScope, subject: &str, id: ErasureId) -> Erasing {
    let row = keys::erasure(scope.tenant(), id);
    let found = scope.store().get(&row, &DataKey::none(), true).await.unwrap();
    found.unwrap_or_else(|| panic!("no erasure of {subject}"))
}

/// As the function derives it from what was named.
pub(crate) fn erasure_id(scope: &TenantScope, subject: &str, at: usher_shared::Timestamp) -> ErasureId {
    let parts = [b"erasure".as_slice(), subject.as_bytes()];
    ErasureId::derived(at, scope.key().hash(HashPurpose::Derived, &parts).tail())
}

pub(crate) async fn until(scope: &TenantScope, subject: &str, id: ErasureId, state: ErasureState) {
    eventually("the erasure comes so far", || async {
        (*erasure_of(scope, subject, id).await.state == state).then_some(())
    })
    .await;
}

fn environment(stack: &Stack, function: &str, name: &str) -> String {
    stack.environment(function).unwrap()[name].clone()
}

#[test]
fn an_erasure_whose_job_was_lost_is_started_again_by_asking_again_and_by_the_sweep() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let (_, _, first, _) = talk(&tenant, "pia@example.com").await;
        let (_, _, _, second) = talk(&tenant, "quin@example.com").await;
        let platform = usher_local::seed::operator(&stack).unwrap();
        let scope = scope_of(&stack, &tenant).await;
        let queue = environment(&stack, "erasure", "ERASURE_QUEUE_URL");
        let of_first = erasure_id(&scope, &first, first.parse::<ConversationId>().unwrap().at());
        let of_second = erasure_id(&scope, &second, second.parse::<LeadId>().unwrap().at());

        stack.pause("erasure", true);
        let paths = [
            format!("/v1/conversations/{first}"),
            format!("/v1/leads/{second}"),
        ];
        let deleted = tenant.delete(&paths[0]).await.expect(200);
        tenant.delete(&paths[1]).await.expect(200);
        let mut lost = 0;
        while lost < 2 {
            lost += lose(&platform, &queue).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stack.pause("erasure", false);

        // Whoever asks again at once does not double a worker that may be at it.
        assert_eq!(tenant.delete(&paths[0]).await.expect(200), deleted);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(
            *erasure_of(&scope, &first, of_first).await.state,
            ErasureState::Unreadable
        );
        stack.clock().advance(2 * 3_600_000).unwrap();
        assert_eq!(
            tenant.delete(&paths[0]).await.expect(200),
            deleted,
            "the same answer"
        );
        until(&scope, &first, of_first, ErasureState::Verified).await;
        assert_eq!(
            *erasure_of(&scope, &second, of_second).await.state,
            ErasureState::Unreadable,
            "nobody asked for it again"
        );
        // Hours later the sweep finds it.
        stack.advance(Duration::from_hours(7)).await.unwrap();
        send(CLIENT.post(tenant.url("/_local/schedule/sweep")))
            .await
            .expect(200);
        until(&scope, &second, of_second, ErasureState::Verified).await;
        eventually("no note is left", || async {
            let ledger = dump(&tenant).await["tables"]["LedgerTable"].to_string();
            (!ledger.contains("#open-erasures")).then_some(())
        })
        .await;
        stack.shutdown().await;
    });
}

#[test]
fn dead_letters_of_erasures_and_exports_are_started_again() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let (_, _, conversation, _) = talk(&tenant, "rea@example.com").await;
        let platform = usher_local::seed::operator(&stack).unwrap();
        let scope = scope_of(&stack, &tenant).await;
        let of = conversation.parse::<ConversationId>().unwrap();
        let erasure = erasure_id(&scope, &conversation, of.at());
        stack.pause("erasure", true);
        stack.pause("exports", true);
        tenant
            .delete(&format!("/v1/conversations/{conversation}"))
            .await
            .expect(200);
        let asked = ask(&tenant).await;
        let erasures = environment(&stack, "erasure", "ERASURE_QUEUE_URL");
        let exports = environment(&stack, "exports", "EXPORT_QUEUE_URL");
        for queue in [&erasures, &exports] {
            while lose(&platform, queue).await == 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        // As the queues give up on them.
        let now = scope.now();
        let erase = EraseJob {
            at: now.into(),
            tenant: scope.tenant().into(),
            erasure: erasure.into(),
            look: ErasureLook::First.into(),
        };
        let write = ExportJob {
            at: now.into(),
            tenant: scope.tenant().into(),
            export: id(&asked).parse::<usher_shared::ids::ExportId>().unwrap().into(),
        };
        let dead = |name| environment(&stack, "dispatch", name);
        for (queue, job) in [
            (
                dead("ERASURE_DEAD_LETTERS_URL"),
                Outgoing::standard(&erase).unwrap(),
            ),
            (
                dead("EXPORT_DEAD_LETTERS_URL"),
                Outgoing::standard(&write).unwrap(),
            ),
        ] {
            assert!(platform.send_jobs(&queue, &[job]).await.is_empty());
        }
        stack.pause("erasure", false);
        stack.pause("exports", false);
        let report = send(CLIENT.post(tenant.url("/_local/schedule/redrive")))
            .await
            .expect(200);
        assert_eq!(report["answer"]["sent"], 2, "{report}");
        until(&scope, &conversation, erasure, ErasureState::Verified).await;
        settled(&tenant, &asked, "complete").await;
        stack.shutdown().await;
    });
}

#[test]
fn an_export_whose_job_was_lost_is_started_again_by_the_sweep() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let platform = usher_local::seed::operator(&stack).unwrap();
        stack.pause("exports", true);
        let asked = ask(&tenant).await;
        let queue = environment(&stack, "exports", "EXPORT_QUEUE_URL");
        while lose(&platform, &queue).await == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stack.pause("exports", false);
        stack.advance(Duration::from_mins(90)).await.unwrap();
        send(CLIENT.post(tenant.url("/_local/schedule/sweep")))
            .await
            .expect(200);
        let done = settled(&tenant, &asked, "complete").await;
        assert_eq!(done["state"], json!(ExportState::Complete));
        stack.shutdown().await;
    });
}
