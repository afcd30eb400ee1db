//! What keeps one function busy, whatever comes of it: for tests that take something away from it.

use std::time::Duration;

use serde_json::{Value, json};
use usher_aws::queue::Outgoing;
use usher_local::Stack;
use usher_shared::ids::{ConversationId, MessageId};
use usher_shared::records::ReplyJob;

use crate::harness::{CLIENT, Tenant, send};
use crate::journey::{operator, queue};

/// What needs a function, again and again, whatever comes of it.
pub(crate) async fn keep_doing(stack: &Stack, tenant: &Tenant, function: &str) {
    let mut guest: Option<String> = None;
    loop {
        match function {
            "inbox" => {
                tenant.get("/v1/conversations").await;
                let masking = json!({"cards": true, "government_ids": true});
                tenant.put("/v1/masking", &masking).await;
            }
            "documents" => {
                let body = json!({"title": "x", "format": "text", "text": "x"});
                let made = tenant.post("/v1/documents", &body).await;
                if let Some(document) = made.body["id"].as_str() {
                    tenant.delete(&format!("/v1/documents/{document}")).await;
                }
            }
            "channels" => {
                let body = json!({"kind": "web_chat", "name": "x", "allowed_origins": []});
                let made = tenant.post("/v1/channels", &body).await;
                if let Some(channel) = made.body["id"].as_str() {
                    tenant.delete(&format!("/v1/channels/{channel}")).await;
                }
            }
            "exports" => {
                tenant.post("/v1/exports", &json!({"kind": "leads_csv"})).await;
                tenant.get("/v1/exports").await;
            }
            "erasure" => erase_a_lead(tenant).await,
            "alerts" => crate::alerts::keep_doing(tenant).await,
            "mail" => crate::mail::journey::keep_doing(stack, tenant).await,
            "retention" | "scheduler" => {
                for name in ["sweep", "redrive"] {
                    send(CLIENT.post(format!("{}/_local/schedule/{name}", stack.base_url()))).await;
                }
                tenant.get("/v1/retention").await;
                tenant
                    .put("/v1/retention", &json!({"cooling_off_hours": 72}))
                    .await;
                tenant
                    .post("/v1/retention/preview", &json!({"lead_days": 30}))
                    .await;
            }
            // What a guest says goes through all the others.
            _ => {
                if guest.is_none() {
                    let session: Value = send(CLIENT.post(tenant.chat("sessions"))).await.body;
                    guest = session["token"].as_str().map(str::to_owned);
                }
                if let Some(token) = &guest {
                    let message = CLIENT.post(tenant.chat("messages")).bearer_auth(token);
                    send(message.json(&json!({"text": "How much is the garden room?"}))).await;
                    send(CLIENT.get(tenant.chat("messages")).bearer_auth(token)).await;
                }
                if function == "dispatch" {
                    letter(stack, tenant).await;
                    send(CLIENT.post(format!("{}/_local/schedule/redrive", stack.base_url()))).await;
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A letter about a message that nobody answered.
async fn letter(stack: &Stack, tenant: &Tenant) {
    let (platform, scope) = operator(stack, tenant).await;
    let now = platform.clock().now();
    let conversation = ConversationId::generate(now, platform.entropy());
    let message = MessageId::generate(now, platform.entropy());
    let job = ReplyJob {
        at: now.into(),
        tenant: scope.tenant().into(),
        conversation: conversation.into(),
        message: message.into(),
    };
    let job = Outgoing::fifo(&job, &conversation, &message).unwrap();
    let url = queue(stack, "dispatch", "REPLY_DEAD_LETTERS_URL");
    assert!(platform.send_jobs(&url, &[job]).await.is_empty());
}

/// A lead with a file of its own, deleted as soon as both are there. Ends early where something fails.
async fn erase_a_lead(tenant: &Tenant) {
    let leads = tenant.get("/v1/leads").await.body;
    let Some(lead) = leads["data"][0]["id"].as_str() else {
        let session = send(CLIENT.post(tenant.chat("sessions"))).await.body;
        if let Some(token) = session["token"].as_str() {
            let message = CLIENT.post(tenant.chat("messages")).bearer_auth(token);
            send(message.json(&json!({"text": "I am at lea@example.com. Is there a lake?"}))).await;
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        return;
    };
    let body = json!({"kind": "lead_archive", "lead_id": lead});
    tenant.post("/v1/exports", &body).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    tenant.delete(&format!("/v1/leads/{lead}")).await;
}
