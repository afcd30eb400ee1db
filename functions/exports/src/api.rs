//! Asking for exports, looking at them, stopping them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::http::document::{IdempotencyHeader, Invalid, NotFound, NotMade, Refused};
use usher_aws::http::{
    App, Caller, IdempotencyKey, Idempotent, List, ListQuery, Problem, ProblemBody, QueryOf, Strict, gone,
    path_id, read_page,
};
use usher_aws::sealing::DataKey;
use usher_aws::store::{When, Written, keys};
use usher_shared::ids::{ExportId, LeadId};
use usher_shared::model::{AuditAction, ExportCounts, ExportKind, ExportState};
use usher_shared::records::DataExport;
use usher_shared::scope::Scope;
use utoipa::ToSchema;

use crate::slot::{self, Place};
use crate::view::{ExportKindWord, ExportView};

/// What to export.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewExport {
    /// What the file holds.
    #[schema(value_type = ExportKindWord, example = "lead_archive")]
    kind: String,
    /// The lead; for `lead_archive`, and for no other kind.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "lead_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    lead_id: Option<LeadId>,
}

/// Scopes that an export of this kind needs: whoever may fetch it learns what they protect.
const fn needed(kind: ExportKind) -> &'static [Scope] {
    match kind {
        ExportKind::LeadsCsv => &[Scope::LeadsExport],
        ExportKind::ConversationsNdjson => &[Scope::ConversationsExport],
        ExportKind::LeadArchive => &[Scope::LeadsExport, Scope::ConversationsExport],
    }
}

/// The tenant, if the key may export anything at all.
fn any_export(caller: &Caller) -> Result<&TenantScope, Problem> {
    caller
        .allow(Scope::LeadsExport)
        .or_else(|_| caller.allow(Scope::ConversationsExport))
}

fn allow(caller: &Caller, kind: ExportKind) -> Result<(), Problem> {
    needed(kind)
        .iter()
        .try_for_each(|scope| caller.allow(*scope).map(|_| ()))
}

/// The key's right to export, decided before path, query and body are looked at.
pub(crate) struct Exporter(Caller);

impl axum::extract::FromRequestParts<App> for Exporter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        any_export(&caller)?;
        Ok(Self(caller))
    }
}

type Accepted = (StatusCode, [(HeaderName, String); 1], Json<ExportView>);

/// Asks for a file
///
/// The export is made in the background; read it until its state is `complete`. One export of a tenant runs at a
/// time. Scope: `leads:export` for `leads_csv`, `conversations:export` for `conversations_ndjson`, both for
/// `lead_archive`.
#[utoipa::path(
    post,
    path = "/v1/exports",
    tag = "exports",
    params(IdempotencyHeader),
    request_body = NewExport,
    responses(
        (status = 202, description = "It will be made.", body = ExportView, headers(
            ("Location" = String, description = "Path of the export.")
        )),
        Refused,
        NotMade,
    )
)]
pub(crate) async fn create_export(
    State(app): State<App>,
    Exporter(caller): Exporter,
    idempotency: IdempotencyKey,
    request: Strict<NewExport>,
) -> Result<Accepted, Problem> {
    let scope = any_export(&caller)?;
    let kind = kind_of(&request.value)?;
    allow(&caller, kind)?;
    let fresh = ExportId::generate(scope.now(), scope.entropy());
    let started = idempotency
        .begin(&caller, scope, "POST /v1/exports", &request.raw, fresh)
        .await?;
    let (id, export) = match started {
        Idempotent::Made(id) => (id, stored(scope, id).await?.ok_or_else(gone)?),
        Idempotent::Make(id, pending) => {
            if let Err(problem) = may_begin(scope, id, request.value.lead_id).await {
                pending.abandon(scope).await?;
                return Err(problem);
            }
            let export = new_export(&caller, id, kind, request.value.lead_id);
            let row = keys::export(scope.tenant(), id);
            let making = scope
                .store()
                .putting(&row, &export, &DataKey::none(), When::AbsentOrEnded)?;
            let entry = caller.audit(AuditAction::ExportRequested, &id)?;
            // If the row is there, an earlier attempt of this very request wrote it, and its entry.
            let made = scope.store().together(vec![making, entry]).await?;
            let existing = match made {
                Written::Yes => None,
                Written::No => stored(scope, id).await?,
            };
            pending.complete(scope).await?;
            (id, existing.unwrap_or(export))
        }
    };
    let location = [(header::LOCATION, format!("/v1/exports/{id}"))];
    Ok((StatusCode::ACCEPTED, location, Json(view(&app, scope, &export)?)))
}

/// Lists exports
///
/// Oldest first; only of kinds that the key may export. A page may hold fewer than `limit`. Scope: `leads:export`
/// or `conversations:export`.
#[utoipa::path(
    get,
    path = "/v1/exports",
    tag = "exports",
    params(ListQuery),
    responses((status = 200, description = "One page.", body = List<ExportView>), Refused, Invalid)
)]
pub(crate) async fn list_exports(
    State(app): State<App>,
    Exporter(caller): Exporter,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<List<ExportView>>, Problem> {
    let scope = any_export(&caller)?;
    let mut page = read_page(scope, &keys::exports(scope.tenant()), "exports", &query, false).await?;
    let mut views = Vec::new();
    for row in std::mem::take(&mut page.data) {
        let export: DataExport = scope.store().open(row, &DataKey::none())?;
        if allow(&caller, *export.kind).is_ok() {
            views.push(view(&app, scope, &export)?);
        }
    }
    Ok(Json(page.with(views)))
}

/// Reads an export
///
/// With its link once it is complete. Scope: as for asking for one of its kind.
#[utoipa::path(
    get,
    path = "/v1/exports/{id}",
    tag = "exports",
    params(("id" = String, Path, description = "The export.", example = "exp_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses((status = 200, description = "The export.", body = ExportView), Refused, NotFound)
)]
pub(crate) async fn read_export(
    State(app): State<App>,
    Exporter(caller): Exporter,
    Path(id): Path<String>,
) -> Result<Json<ExportView>, Problem> {
    let (scope, export) = permitted(&caller, &id).await?;
    Ok(Json(view(&app, scope, &export)?))
}

/// Cancels an export
///
/// Stops it while it runs, or withdraws its file. Asked again it answers the same. Scope: as for asking for one of
/// its kind.
#[utoipa::path(
    post,
    path = "/v1/exports/{id}/cancel",
    tag = "exports",
    params(("id" = String, Path, description = "The export.", example = "exp_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "It is canceled.", body = ExportView),
        (status = 409, description = "It failed; there is nothing to cancel.", body = ProblemBody,
            content_type = "application/problem+json"),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn cancel_export(
    State(app): State<App>,
    Exporter(caller): Exporter,
    Path(id): Path<String>,
) -> Result<Json<ExportView>, Problem> {
    let (scope, mut export) = permitted(&caller, &id).await?;
    let row = keys::export(scope.tenant(), *export.id);
    if *export.state != ExportState::Canceled {
        let from = [ExportState::Pending, ExportState::Running, ExportState::Complete];
        let when = When::OneOf("state", from.iter().map(|state| json!(state)).collect());
        let set = vec![
            ("state", json!(ExportState::Canceled)),
            ("updated_at", json!(scope.now())),
        ];
        let change = scope.store().updating(&row, set, &[when])?;
        let entry = caller.audit(AuditAction::ExportCanceled, &*export.id)?;
        if !scope.store().together(vec![change, entry]).await?.happened() {
            return Err(Problem::conflict(
                "export_ended",
                "The export failed; there is nothing to cancel.",
            ));
        }
        export = stored(scope, *export.id).await?.ok_or_else(Problem::not_found)?;
    }
    // Again at a repetition: the first request may have died before it.
    slot::release(scope, *export.id).await?;
    let files = app.platform.files(scope).map_err(|_| Problem::internal())?;
    files.delete(&scope.export_file(&export)).await?;
    Ok(Json(view(&app, scope, &export)?))
}

fn kind_of(request: &NewExport) -> Result<ExportKind, Problem> {
    let kind = serde_json::from_value(json!(request.kind)).map_err(|_| {
        Problem::invalid_field("kind", "must be leads_csv, conversations_ndjson or lead_archive")
    })?;
    match (kind, request.lead_id) {
        (ExportKind::LeadArchive, None) => {
            Err(Problem::invalid_field("lead_id", "is required for lead_archive"))
        }
        (ExportKind::LeadsCsv | ExportKind::ConversationsNdjson, Some(_)) => {
            Err(Problem::invalid_field("lead_id", "is for lead_archive alone"))
        }
        (kind, _) => Ok(kind),
    }
}

/// Takes the place of the one running export. The lead is looked at first: what is refused takes no place.
async fn may_begin(scope: &TenantScope, id: ExportId, lead: Option<LeadId>) -> Result<(), Problem> {
    if let Some(lead) = lead {
        let row = keys::lead(scope.tenant(), lead);
        if scope.store().get_row(&row, true).await?.is_none() {
            return Err(Problem::invalid_field("lead_id", "names no lead"));
        }
    }
    match slot::take(scope, id).await? {
        Place::Taken => Ok(()),
        Place::Held(running) => {
            let detail = "Another export is running; resource_id names it.";
            Err(Problem::conflict("export_running", detail).about(&running))
        }
    }
}

fn new_export(caller: &Caller, id: ExportId, kind: ExportKind, lead: Option<LeadId>) -> DataExport {
    let at = id.at();
    DataExport {
        id: id.into(),
        kind: kind.into(),
        lead: lead.into(),
        state: ExportState::Pending.into(),
        counts: ExportCounts::default().into(),
        requested_by: caller.key_id().into(),
        requester: caller.key_hash().into(),
        created_at: at.into(),
        updated_at: at.into(),
        completed_at: None.into(),
        attempt: 0.into(),
        lease_until: at.into(),
        size: 0.into(),
        sha256: None.into(),
        token: None.into(),
    }
}

async fn stored(scope: &TenantScope, id: ExportId) -> Result<Option<DataExport>, Problem> {
    let row = keys::export(scope.tenant(), id);
    Ok(scope.store().get(&row, &DataKey::none(), true).await?)
}

async fn permitted<'a>(caller: &'a Caller, id: &str) -> Result<(&'a TenantScope, DataExport), Problem> {
    let scope = any_export(caller)?;
    let export = stored(scope, path_id(id)?)
        .await?
        .ok_or_else(Problem::not_found)?;
    allow(caller, *export.kind)?;
    Ok((scope, export))
}

fn view(app: &App, scope: &TenantScope, export: &DataExport) -> Result<ExportView, Problem> {
    let base = app.platform.settings().public_base_url();
    let base = base.map_err(|_| Problem::internal())?;
    Ok(ExportView::new(scope, export, &base))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_kind_decides_whether_a_lead_must_be_named() {
        let lead = LeadId::derived(usher_shared::Timestamp::from_millis(1), [1; 10]);
        let table = [
            ("leads_csv", None, Ok(ExportKind::LeadsCsv)),
            ("conversations_ndjson", None, Ok(ExportKind::ConversationsNdjson)),
            ("lead_archive", Some(lead), Ok(ExportKind::LeadArchive)),
            ("lead_archive", None, Err("lead_id")),
            ("leads_csv", Some(lead), Err("lead_id")),
            ("everything", None, Err("kind")),
            ("", Some(lead), Err("kind")),
        ];
        for (kind, lead_id, expected) in table {
            let request = NewExport {
                kind: kind.to_owned(),
                lead_id,
            };
            let found = kind_of(&request);
            let found = found.map_err(|problem| problem.errors().first().unwrap().field.clone());
            assert_eq!(found, expected.map_err(str::to_owned), "{kind}");
        }
    }
}
