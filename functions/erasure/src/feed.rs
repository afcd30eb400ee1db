//! `GET /v1/deletions`: what was erased, for those who keep copies of it elsewhere.

use std::time::Duration;

use axum::Json;
use serde::Serialize;
use usher_aws::cursor;
use usher_aws::http::access::Granted;
use usher_aws::http::access::permission::PrivacyRead;
use usher_aws::http::document::{Invalid, Refused};
use usher_aws::http::words::Time;
use usher_aws::http::{List, ListQuery, Problem, QueryOf, read_page};
use usher_aws::sealing::DataKey;
use usher_aws::store::keys;
use usher_shared::records::Deletion;
use utoipa::ToSchema;

/// Entries show after this long: by then no older one comes any more.
const SETTLED: Duration = Duration::from_secs(10);
/// Name of the list, for its cursors.
const LIST: &str = "deletions";

/// Something that was erased. Delete your copies of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Deletion)]
pub(crate) struct DeletionView {
    /// Always `deletion`.
    object: &'static str,
    /// What happened: `lead.deleted`, `conversation.deleted`, `message.deleted`, `channel.deleted`.
    #[serde(rename = "type")]
    #[schema(example = "lead.deleted")]
    kind: String,
    /// What was erased. It leads nowhere any more.
    #[schema(example = "lead_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    id: String,
    /// When.
    deleted_at: Time,
    /// Give as `after` to read on from here, today or later.
    cursor: String,
}

/// Lists what was erased
///
/// Oldest first, ids alone: for deleting copies that were made of it elsewhere. Keep the `cursor` of the last entry and
/// go on from there; an entry may come twice, none is left out. Entries show ten seconds after the deletion. Scope:
/// `privacy:read`.
#[utoipa::path(
    get,
    path = "/v1/deletions",
    tag = "privacy",
    params(ListQuery),
    responses((status = 200, description = "One page.", body = List<DeletionView>), Refused, Invalid)
)]
pub(crate) async fn list_deletions(
    granted: Granted<PrivacyRead>,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<List<DeletionView>>, Problem> {
    let scope = granted.scope();
    let range = keys::deletions_until(scope.tenant(), scope.now().minus(SETTLED));
    let mut page = read_page(scope, &range, LIST, &query, false).await?;
    let mut views = Vec::new();
    for row in std::mem::take(&mut page.data) {
        let place = cursor::encode(scope, LIST, row.sk().unwrap_or_default());
        let entry: Deletion = scope.store().open(row, &DataKey::none())?;
        let id = entry.target.to_string();
        views.push(DeletionView {
            object: "deletion",
            kind: format!("{}.deleted", object_of(&id)),
            id,
            deleted_at: Time(*entry.at),
            cursor: place,
        });
    }
    Ok(Json(page.with(views)))
}

/// What an id names, by its prefix.
fn object_of(id: &str) -> &'static str {
    match id.split_once('_').map(|(prefix, _)| prefix) {
        Some("lead") => "lead",
        Some("conv") => "conversation",
        Some("msg") => "message",
        Some("chan") => "channel",
        Some("cont") => "contact",
        _ => "account",
    }
}
