//! How people ask for what is theirs: on the channel that they write on, by mail, at the platform.

mod asking;
mod ended;
mod links;
mod platform;

use serde_json::Value;
use usher_aws::store::keys;
use usher_aws::{Platform, TenantScope};
use usher_local::Stack;
use usher_shared::records::PrivacyRequest;

use crate::harness::{CLIENT, Tenant, send};

/// A tenant's requests, oldest first, as the operator sees them.
async fn requests(stack: &Stack, tenant: &Tenant) -> Vec<PrivacyRequest> {
    let (_, scope) = entered(stack, tenant).await;
    let range = keys::privacy_requests(scope.tenant());
    let rows = scope.store().query_all(&range).await.unwrap();
    let opened = rows.into_iter().map(|row| scope.store().open(row, scope.key()).unwrap());
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
