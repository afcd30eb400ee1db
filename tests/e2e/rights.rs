//! How people ask for what is theirs: on the channel that they write on, by mail, at the platform.

mod asking;
mod ended;
mod links;
mod platform;

use serde_json::{Value, json};
use usher_aws::privacy::Ending;
use usher_aws::store::keys;
use usher_aws::{Platform, TenantScope};
use usher_carriers::signature::meta::sign_request;
use usher_carriers::urlencoded::encode;
use usher_local::Stack;
use usher_local::meta::APP_SECRET;
use usher_shared::privacy::RequestEvent;
use usher_shared::records::PrivacyRequest;

use crate::harness::{CLIENT, Tenant, send};
use crate::mail::mailbox::{Mailbox, unique};

/// A tenant's requests, oldest first, as the operator sees them.
async fn requests(stack: &Stack, tenant: &Tenant) -> Vec<PrivacyRequest> {
    let (_, scope) = entered(stack, tenant).await;
    let range = keys::privacy_requests(scope.tenant());
    let rows = scope.store().query_all(&range).await.unwrap();
    let opened = rows
        .into_iter()
        .map(|row| scope.store().open(row, scope.key()).unwrap());
    opened.collect()
}

async fn entered(stack: &Stack, tenant: &Tenant) -> (Platform, TenantScope) {
    crate::meta::account::enter(stack, tenant).await
}

/// Where in everything that is stored or queued a text is.
async fn found(stack: &Stack, text: &str) -> usize {
    let dump = send(CLIENT.get(format!("{}/_local/dump", stack.base_url()))).await;
    let dump: Value = dump.expect(200);
    dump.to_string().matches(text).count()
}

/// What the ways of asking need their permissions for: on a channel, by mail, at the platform; and an end that is told.
pub(crate) async fn journey(stack: &Stack, tenant: &Tenant) {
    let guest = tenant.guest().await;
    let asked = guest.say("Please stop using AI for me").await;
    guest.answer_to(&asked).await;
    let word = guest.say("NO AI").await;
    guest.answer_to(&word).await;

    let mailbox = Mailbox::new(stack).await;
    let from = format!("{}@example.net", unique("rights"));
    mailbox
        .write(json!({"from": from, "subject": "My data", "text": "Send me my data"}))
        .await;
    mailbox.answer(&from, 1).await;
    let (_, scope) = entered(stack, &mailbox.tenant).await;
    let request = &requests(stack, &mailbox.tenant).await[0];
    let ending = Ending {
        event: RequestEvent::Canceled,
        by: None,
        reason: None,
    };
    scope.end_request(request, &ending, Vec::new()).await.unwrap();
    mailbox.answer(&from, 2).await;

    let payload =
        json!({"algorithm": "HMAC-SHA256", "user_id": "1208", "issued_at": stack.clock().now_ms() / 1_000});
    let body = encode([("signed_request", sign_request(APP_SECRET, &payload).as_str())]);
    let notice = CLIENT
        .post(format!("{}/hooks/meta/data-deletion", stack.base_url()))
        .header("content-type", "application/x-www-form-urlencoded");
    send(notice.body(body)).await.expect(200);
}
