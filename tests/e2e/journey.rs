//! A journey through everything that functions do, the rare turns included.

use std::time::Duration;

use serde_json::json;
use usher_aws::deadline::Deadline;
use usher_aws::queue::Outgoing;
use usher_aws::sealing::DataKey;
use usher_aws::store::{When, keys};
use usher_aws::{Platform, TenantScope};
use usher_local::Stack;
use usher_shared::category::Preset;
use usher_shared::ids::{ConversationId, ErasureId, ExportId, MessageId};
use usher_shared::records::{DeliverJob, ExportJob, OpenErasure, ReplyJob};

use crate::export_resume::{fill, scope_of, stored_parts};
use crate::exports::{export, fetch};
use crate::harness::{CLIENT, Tenant, data, eventually, id, send};
use crate::permissions::at_once;
use crate::tenancy::function_on;

/// The whole of it, on a stack of its own.
pub(crate) async fn everything(stack: &Stack) {
    let tenant = Tenant::with_prices_on(stack).await;
    tokio::join!(talk(&tenant), race(stack, &tenant));
    tokio::join!(
        inbox(&tenant),
        dead_letters(stack, &tenant),
        exports(stack, &tenant),
        crate::twilio::journey::everything(stack, &tenant),
        crate::mail::journey::everything(stack)
    );
    crate::alerts::journey(stack, &tenant).await;
    crate::attachments::journey(stack).await;
    crate::channels::journey(stack).await;
    crate::models::journey(stack).await;
    crate::rights::journey(stack, &tenant).await;
    erasure(stack, &tenant).await;
    crate::privacy::journey(stack).await;
    stopped(stack, &tenant).await;
    retention(stack).await;
}

async fn schedule(stack: &Stack, name: &str) {
    let url = format!("{}/_local/schedule/{name}", stack.base_url());
    send(CLIENT.post(url)).await.expect(200);
}

/// An answer from documents, a hand-over, a person's answer, and back to the AI.
async fn talk(tenant: &Tenant) {
    let guest = tenant.guest().await;
    let asked = guest
        .say("I am Ann, ann@example.com. How much is the garden room?")
        .await;
    guest.answer_to(&asked).await;
    let asked = guest.say("Is there a helicopter?").await;
    guest.answer_to(&asked).await;
    let path = format!("/v1/conversations/{}", id(&tenant.conversation_of(&asked).await));
    tenant
        .post(&format!("{path}/messages"), &json!({"text": "No."}))
        .await
        .expect(201);
    eventually("the person's answer arrives", || async {
        guest
            .answers()
            .await
            .iter()
            .any(|answer| answer["author"] == "human")
            .then_some(())
    })
    .await;
    tenant.get(&format!("{path}/traces")).await.expect(200);
    tenant
        .post(&format!("{path}/hand-back"), &json!({}))
        .await
        .expect(200);
    // Another address replaces the first, which then finds nobody any more.
    let asked = guest
        .say("Write to ann@example.org instead. How much is the garden room?")
        .await;
    guest.answer_to(&asked).await;
    eventually("only the new address finds the lead", || async {
        let body = json!({"email": "ann@example.com"});
        let found = tenant.post("/v1/leads/search", &body).await.expect(200);
        data(&found).is_empty().then_some(())
    })
    .await;
}

/// A new guest's page that posts several messages at once: all but one make a contact in vain and remove it.
async fn race(stack: &Stack, tenant: &Tenant) {
    for _ in 0..40 {
        let guest = tenant.guest().await;
        let url = tenant.chat("messages");
        at_once((0..4).map(|number| {
            let request = CLIENT.post(&url).bearer_auth(&guest.token);
            let request = request.json(&json!({"text": format!("Hello {number}")}));
            async move {
                send(request).await.expect(202);
            }
        }))
        .await;
        if used(stack, "InboundTenantRole/Keys", "dynamodb:DeleteItem") {
            return;
        }
    }
    panic!("forty guests, and no race");
}

pub(crate) fn used(stack: &Stack, statement: &str, action: &str) -> bool {
    let table = stack.permissions().table();
    let mut rows = table.statements.iter().filter(|row| row.statement == statement);
    rows.any(|row| {
        row.actions
            .iter()
            .any(|used| used.name == action && used.calls > 0)
    })
}

/// What an owner does in the API.
async fn inbox(tenant: &Tenant) {
    let leads = eventually("the lead is captured", || async {
        let leads = tenant.get("/v1/leads").await.expect(200);
        (!data(&leads).is_empty()).then_some(leads)
    })
    .await;
    tenant
        .get(&format!("/v1/leads/{}", id(&data(&leads)[0])))
        .await
        .expect(200);
    tenant
        .post("/v1/leads/search", &json!({"email": "ann@example.com"}))
        .await
        .expect(200);
    tenant
        .post("/v1/search", &json!({"q": "helicopter"}))
        .await
        .expect(200);
    let body = json!({"title": "Old", "format": "text", "text": "Old prices."});
    let keyed = tenant
        .request(reqwest::Method::POST, "/v1/documents")
        .header("idempotency-key", "document-1");
    let document = send(keyed.json(&body)).await.expect(201);
    tenant.get("/v1/documents").await.expect(200);
    let newer = json!({"title": "Old", "format": "text", "text": "Newer prices."});
    tenant
        .put(&format!("/v1/documents/{}", id(&document)), &newer)
        .await
        .expect(200);
    tenant
        .delete(&format!("/v1/documents/{}", id(&document)))
        .await
        .expect(200);
    let body = json!({"kind": "web_chat", "name": "Second", "allowed_origins": []});
    let channel = tenant.post("/v1/channels", &body).await.expect(201);
    tenant.get("/v1/channels").await.expect(200);
    tenant
        .delete(&format!("/v1/channels/{}", id(&channel)))
        .await
        .expect(200);
    let masking = json!({"cards": true, "government_ids": true});
    tenant.put("/v1/masking", &masking).await.expect(200);
    // What may be done with what somebody writes stands on their key.
    let conversations = tenant.get("/v1/conversations").await.expect(200);
    let contact = data(&conversations)[0]["contact_id"].as_str().unwrap();
    let processing = json!({"processing": "full"});
    tenant
        .put(&format!("/v1/contacts/{contact}/processing"), &processing)
        .await
        .expect(200);
    tenant.get("/v1/ai/providers").await.expect(200);
    let assistant = json!({"voice": "Warm.", "facts": "", "opening_hours": ""});
    tenant.put("/v1/assistant", &assistant).await.expect(200);
    tenant.get("/v1/assistant").await.expect(200);
    tenant.get("/v1/improvement").await.expect(200);
    let improvement = json!({"allowed": false});
    tenant.put("/v1/improvement", &improvement).await.expect(200);
    let intents = tenant.get("/v1/intents").await.expect(200);
    let intents = json!({"intents": intents["intents"]});
    tenant.put("/v1/intents", &intents).await.expect(200);
    // Corrected: another address takes the place of the one that is indexed.
    let lead = &data(&leads)[0];
    let contact = &lead["contacts"][0]["contact_id"];
    let right = json!({"contact": {"contact_id": contact, "email": "ann@example.net"}});
    let path = format!("/v1/leads/{}", id(lead));
    let request = tenant.request(reqwest::Method::PATCH, &path);
    send(request.json(&right)).await.expect(200);
    tenant.get(&format!("{path}/suggestions")).await.expect(200);
}

/// The operator's view of the tenant.
pub(crate) async fn operator(stack: &Stack, tenant: &Tenant) -> (Platform, TenantScope) {
    let platform = usher_local::seed::operator(stack).unwrap();
    (platform, scope_of(stack, tenant).await)
}

pub(crate) fn queue(stack: &Stack, function: &str, variable: &str) -> String {
    stack.environment(function).unwrap()[variable].clone()
}

/// Letters of every queue that `redrive` looks after, and records that end as letters.
async fn dead_letters(stack: &Stack, tenant: &Tenant) {
    let guest = tenant.guest().await;
    let asked = guest.say("How much is the garden room?").await;
    let answer = guest.answer_to(&asked).await;
    let conversation = id(&tenant.conversation_of(&asked).await);
    let (platform, scope) = operator(stack, tenant).await;
    let conversation: ConversationId = conversation.parse().unwrap();
    let newer = MessageId::generate(platform.clock().now(), platform.entropy());
    let reply = ReplyJob {
        at: platform.clock().now().into(),
        tenant: scope.tenant().into(),
        conversation: conversation.into(),
        message: newer.into(),
    };
    let delivered: MessageId = id(&answer).parse().unwrap();
    let deliver = DeliverJob {
        at: platform.clock().now().into(),
        tenant: scope.tenant().into(),
        conversation: conversation.into(),
        message: delivered.into(),
        channel: None.into(),
    };
    let answered: MessageId = asked.parse().unwrap();
    // Of the same moment and sorted before it: a message that was stored late.
    let older = MessageId::derived(answered.at(), [0; 10]);
    let late = ReplyJob {
        message: older.into(),
        ..reply.clone()
    };
    let letters = [
        (
            "REPLY_DEAD_LETTERS_URL",
            Outgoing::fifo(&late, &conversation, &older),
        ),
        (
            "REPLY_DEAD_LETTERS_URL",
            Outgoing::fifo(&reply, &conversation, &newer),
        ),
        (
            "DELIVER_DEAD_LETTERS_URL",
            Outgoing::fifo(&deliver, &conversation, &delivered),
        ),
    ];
    for (variable, letter) in letters {
        let url = queue(stack, "dispatch", variable);
        assert!(platform.send_jobs(&url, &[letter.unwrap()]).await.is_empty());
    }
    // A record that cannot be read becomes a letter; its row is looked at and, as there is none, put away.
    let keys = json!({
        "pk": {"S": format!("{}#v#{conversation}", scope.tenant())},
        "sk": {"S": format!("m#{}", answered.body())},
    });
    let record = json!({"eventName": "INSERT", "dynamodb": {"Keys": keys, "SequenceNumber": "1",
        "NewImage": {"k": {"S": "message"}, "direction": {"S": "inbound"}, "pk": {"S": "poison"}}}});
    stack
        .invoke("dispatch", &json!({"Records": [record]}))
        .await
        .unwrap()
        .unwrap();
    let poison = json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": "2",
        "Keys": {"pk": {"S": "poison"}, "sk": {"S": "m#poison"}},
        "NewImage": {"k": {"S": "message"}, "direction": {"S": "inbound"}, "state": {"S": "received"}}}});
    stack
        .invoke("dispatch", &json!({"Records": [poison]}))
        .await
        .unwrap()
        .unwrap();
    eventually("every letter is dealt with", || async {
        schedule(stack, "redrive").await;
        let dump = send(CLIENT.get(tenant.url("/_local/dump"))).await.body;
        let empty = |name: &str| dump["queues"][name].as_array().is_some_and(Vec::is_empty);
        (empty("ReplyDeadLetters.fifo") && empty("DeliverDeadLetters.fifo")).then_some(())
    })
    .await;
}

/// Every kind of export, one canceled while it runs, one asked for twice.
async fn exports(stack: &Stack, tenant: &Tenant) {
    let leads = tenant.get("/v1/leads").await.expect(200);
    for body in [
        json!({"kind": "leads_csv"}),
        json!({"kind": "conversations_ndjson"}),
        json!({"kind": "conversations_csv"}),
        json!({"kind": "lead_archive", "lead_id": id(&data(&leads)[0])}),
        json!({"kind": "account_archive"}),
    ] {
        let done = export(tenant, &body).await;
        fetch(&done).await;
    }
    tenant.get("/v1/exports").await.expect(200);
    // A request that is refused before anything is made may be repeated under its key.
    let nobody = format!("lead_{}", "0".repeat(26));
    let refused = tenant
        .request(reqwest::Method::POST, "/v1/exports")
        .header("idempotency-key", "refused")
        .json(&json!({"kind": "lead_archive", "lead_id": nobody}));
    assert!(send(refused).await.status.is_client_error());
    canceled(stack, tenant).await;
}

/// An export that is large enough to be met at work: its job comes again, which is sent on, and it is canceled
/// with parts stored, which are given up. A busy machine may be too late for it, and then it is asked for once more.
async fn canceled(stack: &Stack, tenant: &Tenant) {
    let (platform, scope) = operator(stack, tenant).await;
    fill(&scope, 3, 20, 390_000).await;
    for attempt in 0..4 {
        cancel_at_work(stack, tenant, (&platform, &scope), attempt).await;
        for _ in 0..40 {
            let aborted = used(stack, "ExportsTenantRole/Files", "s3:AbortMultipartUpload");
            if aborted && used(stack, "ExportsRole/Queue", "sqs:SendMessage") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
    panic!("no worker cleaned up, or no job was sent on");
}

async fn cancel_at_work(
    stack: &Stack,
    tenant: &Tenant,
    (platform, scope): (&Platform, &TenantScope),
    attempt: usize,
) {
    // Its second part takes a while, so that it is met at work on any machine.
    let slow = json!({"service": "s3", "operation": "UploadPart", "kind": "timeout-after",
        "skip": 1, "count": 4, "delay": "6s"});
    let url = format!("{}/_local/fault", stack.base_url());
    assert!(send(CLIENT.post(url).json(&slow)).await.status.is_success());
    let asked = tenant
        .request(reqwest::Method::POST, "/v1/exports")
        .header("idempotency-key", format!("canceled-{attempt}"))
        .json(&json!({"kind": "conversations_ndjson"}));
    let asked = send(asked).await.expect(202);
    let path = format!("/v1/exports/{}", id(&asked));
    eventually("it runs", || async {
        (tenant.get(&path).await.expect(200)["state"] != "pending").then_some(())
    })
    .await;
    let export: ExportId = id(&asked).parse().unwrap();
    let job = ExportJob {
        at: platform.clock().now().into(),
        tenant: scope.tenant().into(),
        export: export.into(),
    };
    let job = Outgoing::standard(&job).unwrap();
    let url = queue(stack, "exports", "EXPORT_QUEUE_URL");
    assert!(platform.send_jobs(&url, &[job]).await.is_empty());
    eventually("a part is stored, or it is over", || async {
        let over = tenant.get(&path).await.expect(200)["state"] != "running";
        (over || stored_parts(stack.objects().root()) > 0).then_some(())
    })
    .await;
    tenant
        .post(&format!("{path}/cancel"), &json!({}))
        .await
        .expect(200);
}

/// A conversation and then the lead, with a file that holds them.
async fn erasure(stack: &Stack, tenant: &Tenant) {
    let leads = tenant.get("/v1/leads").await.expect(200);
    let lead = id(&data(&leads)[0]);
    eventually("the place is free", || async {
        let answer = tenant
            .post("/v1/exports", &json!({"kind": "lead_archive", "lead_id": lead}))
            .await;
        (answer.status == 202).then_some(())
    })
    .await;
    let conversations = tenant.get("/v1/conversations").await.expect(200);
    for conversation in data(&conversations).iter().take(1) {
        tenant
            .delete(&format!("/v1/conversations/{}", id(conversation)))
            .await
            .expect(200);
    }
    tenant.delete(&format!("/v1/leads/{lead}")).await.expect(200);
    eventually("the second look is over", || async {
        let dump = send(CLIENT.get(tenant.url("/_local/dump"))).await.body;
        let ledger = dump["tables"]["LedgerTable"].to_string();
        let busy = ledger.contains("\"unreadable\"") || ledger.contains("\"removed\"");
        (ledger.contains("\"verified\"") && !busy && used(stack, "ErasureRole/SecondLook", "sqs:SendMessage"))
            .then_some(())
    })
    .await;
}

/// An erasure and an export whose workers never come are started again by the sweep; a note of an erasure that
/// never began is put away.
async fn stopped(stack: &Stack, tenant: &Tenant) {
    let guest = tenant.guest().await;
    let asked = guest.say("How much is the garden room?").await;
    guest.answer_to(&asked).await;
    let conversation = id(&tenant.conversation_of(&asked).await);
    let (platform, scope) = operator(stack, tenant).await;
    assert!(stack.pause("erasure", true) && stack.pause("exports", true));
    tenant
        .delete(&format!("/v1/conversations/{conversation}"))
        .await
        .expect(200);
    let asked = eventually("the place is free", || async {
        let answer = tenant.post("/v1/exports", &json!({"kind": "leads_csv"})).await;
        (answer.status == 202).then_some(answer.body)
    })
    .await;
    let now = platform.clock().now();
    let never = ErasureId::derived(now, [9; 10]);
    let note = OpenErasure {
        erasure: never.into(),
        started_at: now.into(),
    };
    let row = keys::open_erasure(scope.tenant(), never);
    let written = scope
        .store()
        .put(&row, &note, &DataKey::none(), When::Absent)
        .await;
    assert!(written.unwrap().happened());
    stack.advance(Duration::from_hours(7)).await.unwrap();
    schedule(stack, "reread").await;
    schedule(stack, "sweep").await;
    assert!(stack.pause("erasure", false) && stack.pause("exports", false));
    let path = format!("/v1/exports/{}", id(&asked));
    eventually("the export is complete", || async {
        (tenant.get(&path).await.expect(200)["state"] == "complete").then_some(())
    })
    .await;
    eventually("the erasure is verified", || async {
        let open = scope
            .store()
            .query_all(&keys::open_erasures(scope.tenant()))
            .await;
        open.unwrap().is_empty().then_some(())
    })
    .await;
}

/// Periods are shortened, a year passes, and the sweep removes what has ended.
async fn retention(stack: &Stack) {
    let site = Tenant::on(stack, Preset::Website).await;
    let guest = site.guest().await;
    let asked = guest.say("I am Bo, bo@example.com. Is anybody there?").await;
    guest.answer_to(&asked).await;
    let other = site.guest().await;
    let asked = other.say("Hello?").await;
    other.answer_to(&asked).await;
    site.get("/v1/retention").await.expect(200);
    site.shorten(stack, &json!({"conversation_days": 30, "lead_days": 30}))
        .await;
    stack.advance(Duration::from_hours(24 * 17)).await.unwrap();
    let asked = other.say("Still nobody?").await;
    other.answer_to(&asked).await;
    // Counted under a role of its own, and found to be a lot.
    let seen = site
        .post("/v1/retention/preview", &json!({"conversation_days": 1}))
        .await;
    assert!(!seen.expect(200)["would_go"].as_array().unwrap().is_empty());
    let path = format!(
        "/v1/conversations/{}/retention",
        id(&site.conversation_of(&asked).await)
    );
    site.put(&path, &json!({"event_date": null})).await.expect(200);
    site.get(&path).await.expect(200);
    for _ in 0..2 {
        stack.advance(Duration::from_hours(24 * 15)).await.unwrap();
        schedule(stack, "sweep").await;
    }
    stack.advance(Duration::from_hours(24 * 366)).await.unwrap();
    schedule(stack, "sweep").await;
    schedule(stack, "count").await;
    site.get("/v1/metrics").await.expect(200);
    site.get("/v1/retention/report").await.expect(200);
    // A run without time for all writes down where it stopped.
    let platform = function_on(stack, "retention");
    let short = retention::sweep_all(&platform, Deadline::from_millis(0)).await;
    assert_eq!(short.unwrap().tenants, 1);
}
