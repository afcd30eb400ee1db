//! Receipts: what was done for a request, signed.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use axum::extract::{Path, Request, State};
use serde::Serialize;
use serde_json::{Value, json};
use usher_aws::http::access::permission::PrivacyRead;
use usher_aws::http::access::{Granted, PathId};
use usher_aws::http::document::{NotFound, Refused};
use usher_aws::http::words::Time;
use usher_aws::http::{App, Problem, ProblemBody};
use usher_aws::receipts::{ReceiptKeys, SignedReceipt};
use usher_shared::category::Preset;
use usher_shared::ids::PrivacyRequestId;
use usher_shared::privacy::{RequestKind, RequestState};
use usher_shared::record::{Erasure, Owner};
use usher_shared::records::{PrivacyRequest, REGISTRY};
use utoipa::ToSchema;

use super::page;
use super::view::{SubjectView, counts, out_of_backups_at, stays};

/// A receipt: a JSON Web Signature (RFC 7515, flattened) by Ed25519.
#[derive(Serialize, ToSchema)]
#[schema(as = Receipt)]
pub(crate) struct ReceiptView {
    /// What was done, for people: scope, stores, counts, times, when no backup holds it any more, what stays and why.
    #[schema(value_type = Object)]
    receipt: Value,
    /// The same in base64url: what is signed.
    payload: String,
    /// Algorithm and name of the key, in base64url.
    protected: String,
    /// The signature, in base64url.
    signature: String,
}

impl From<SignedReceipt> for ReceiptView {
    fn from(signed: SignedReceipt) -> Self {
        Self {
            receipt: signed.receipt,
            payload: signed.payload,
            protected: signed.protected,
            signature: signed.signature,
        }
    }
}

/// Public keys that check receipts: a JSON Web Key Set.
#[derive(Serialize, ToSchema)]
#[schema(as = ReceiptKeys)]
pub(crate) struct KeysView {
    /// The keys.
    #[schema(value_type = Vec<Object>)]
    keys: Value,
}

/// Reads the receipt of a request of privacy
///
/// Signed, without anything of anybody, once the request is complete. The keys are at
/// `/.well-known/usher-receipt-keys.json`; `usher-ops receipt verify` checks it without a network. Scope: `privacy:read`.
#[utoipa::path(
    get,
    path = "/v1/privacy-requests/{id}/receipt",
    tag = "privacy",
    params(("id" = String, Path, description = "The request.", example = "preq_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "The receipt.", body = ReceiptView),
        (status = 409, description = "It is not complete yet.", body = ProblemBody,
            content_type = "application/problem+json"),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn read_receipt(
    State(app): State<App>,
    granted: Granted<PrivacyRead>,
    PathId(id): PathId<PrivacyRequestId>,
) -> Result<Json<ReceiptView>, Problem> {
    let request = granted.scope().privacy_request(id).await?;
    signed(&app, &request.ok_or_else(Problem::not_found)?)
        .await
        .map(Json)
}

/// Reads the receipt of a request by its confirmation code
///
/// As the tenant's own users do, without an API key.
#[utoipa::path(
    get,
    path = "/privacy/status/{code}/receipt",
    tag = "privacy",
    security(()),
    params(("code" = String, Path, description = "The confirmation code.")),
    responses(
        (status = 200, description = "The receipt.", body = ReceiptView),
        (status = 409, description = "It is not complete yet.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 429, description = "Too many from this address.", body = ProblemBody,
            content_type = "application/problem+json"),
        NotFound,
    )
)]
pub(crate) async fn read_public_receipt(
    State(app): State<App>,
    Path(code): Path<String>,
    request: Request,
) -> Result<Json<ReceiptView>, Problem> {
    let network = page::network(&request);
    drop(request);
    page::admit(&app, &network).await?;
    let found = page::find(&app, &code).await?;
    let (_, request) = found.ok_or_else(Problem::not_found)?;
    signed(&app, &request).await.map(Json)
}

/// Reads the public keys of receipts
///
/// For checking receipts without asking us about any of them.
#[utoipa::path(
    get,
    path = "/.well-known/usher-receipt-keys.json",
    tag = "privacy",
    security(()),
    responses((status = 200, description = "The keys.", body = KeysView))
)]
pub(crate) async fn read_receipt_keys(State(app): State<App>) -> Result<Json<KeysView>, Problem> {
    let signer = app.platform.receipt_signer().await?;
    let ReceiptKeys { keys } = signer.keys();
    let keys = serde_json::to_value(keys).map_err(|_| Problem::internal())?;
    Ok(Json(KeysView { keys }))
}

async fn signed(app: &App, request: &PrivacyRequest) -> Result<ReceiptView, Problem> {
    if *request.state != RequestState::Complete {
        let detail = "There is a receipt once the request is complete.";
        return Err(Problem::conflict("request_not_complete", detail));
    }
    let signer = app.platform.receipt_signer().await?;
    Ok(signer.sign(receipt(request)?).into())
}

/// What a receipt says: everything follows from the request's row, so that it says the same whenever it is asked for.
/// Ids and counts; whoever it is about is not in it.
fn receipt(request: &PrivacyRequest) -> Result<Value, Problem> {
    let is_deletion = *request.kind == RequestKind::Deletion;
    let stores: Vec<&str> = if is_deletion { stores() } else { Vec::new() };
    let times = |at: Option<usher_shared::Timestamp>| at.map(Time);
    let value = json!({
        "object": "privacy_receipt",
        "version": 1,
        "request": request.id.0,
        "kind": request.kind.name(),
        "subject": SubjectView::from(&*request.subject),
        "source": request.source.name(),
        "requested_at": Time(*request.created_at),
        "due_at": Time(*request.due_at),
        "unreadable_at": times(*request.unreadable_at),
        "removed_at": times(*request.removed_at),
        "verified_at": times(*request.verified_at),
        "completed_at": times(*request.ended_at),
        "out_of_backups_at": times(out_of_backups_at(request)),
        "erasures": request.erasures.0,
        "counts": counts(request),
        "stores": stores,
        "stays": stays(request),
        "policy_version": policy_version(),
    });
    // Nothing in it that JSON cannot say; if there ever is, no receipt is better than half a one.
    if value.is_object() {
        Ok(value)
    } else {
        Err(Problem::internal())
    }
}

/// Where what a person writes is kept, and so where it was removed from: tables, buckets, queues.
fn stores() -> Vec<&'static str> {
    let of_people = REGISTRY
        .iter()
        .filter(|spec| spec.owner == Owner::Contact && !matches!(spec.erasure, Erasure::Keep(_)));
    let places: BTreeSet<_> = of_people.flat_map(|spec| spec.places.iter().copied()).collect();
    places
        .into_iter()
        .map(usher_shared::record::Place::logical_id)
        .collect()
}

/// A name for the rules that were in force: what is kept, where, how long, and what erasure does to it. It changes exactly
/// when one of them does.
fn policy_version() -> String {
    let mut rules = String::new();
    for spec in REGISTRY {
        let _infallible = writeln!(
            rules,
            "{} {:?} {:?} {:?} {:?}",
            spec.kind,
            spec.category,
            spec.category.period(Preset::default()),
            spec.places,
            spec.erasure
        );
    }
    let hash = digest(&SHA256, rules.as_bytes());
    hash.as_ref()
        .iter()
        .take(8)
        .fold(String::new(), |mut text, byte| {
            let _infallible = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stores_are_where_people_are() {
        let stores = stores();
        for store in [
            "InboxTable",
            "KeysTable",
            "AttachmentsBucket",
            "ReplyQueue",
            "DeliverQueue",
        ] {
            assert!(stores.contains(&store), "{store}");
        }
    }

    #[test]
    fn the_rules_have_one_name() {
        assert_eq!(policy_version(), policy_version());
        assert_eq!(policy_version().len(), 16);
    }
}
