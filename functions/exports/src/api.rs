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
use usher_shared::ids::{ConversationId, ExportId, LeadId};
use usher_shared::model::{AuditAction, ContactRef, ExportCounts, ExportKind, ExportState};
use usher_shared::records::{DataExport, Lead};
use utoipa::ToSchema;

use crate::rights;
use crate::slot::{self, Place};
use crate::view::{ExportKindWord, ExportView};

/// What to export.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewExport {
    /// What the file holds.
    #[schema(value_type = ExportKindWord, example = "lead_archive")]
    kind: String,
    /// Whom it is about; for `lead_archive`, and for no other kind.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "lead_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    lead_id: Option<LeadId>,
    /// Or any conversation of theirs: for people who are nobody's lead.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    conversation_id: Option<ConversationId>,
}

/// Whom an archive is about, as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Person {
    Lead(LeadId),
    Of(ConversationId),
}

/// As it was found.
#[derive(Clone, Copy, Debug, Default)]
struct Subject {
    lead: Option<LeadId>,
    contact: Option<ContactRef>,
}

/// The key's right to export, decided before path, query and body are looked at.
pub(crate) struct Exporter(Caller);

impl axum::extract::FromRequestParts<App> for Exporter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        rights::any(&caller)?;
        Ok(Self(caller))
    }
}

type Accepted = (StatusCode, [(HeaderName, String); 1], Json<ExportView>);

/// Asks for a file
///
/// The export is made in the background; read it until its state is `complete`. One export of a tenant runs at a
/// time. Scope: `leads:export` for `leads_csv`, `conversations:export` for `conversations_csv` and
/// `conversations_ndjson` (which holds traces if the key has `traces:read` as well), both for `lead_archive`,
/// `account:export` for `account_archive`.
#[utoipa::path(
    post,
    path = "/v1/exports",
    tag = "exports",
    params(IdempotencyHeader),
    request_body(content = NewExport, example = json!({"kind": "leads_csv"})),
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
    let scope = rights::any(&caller)?;
    let (kind, person) = kind_of(&request.value)?;
    rights::may_ask(&caller, kind)?;
    let fresh = ExportId::generate(scope.now(), scope.entropy());
    let started = idempotency
        .begin(&caller, scope, "POST /v1/exports", &request.raw, fresh)
        .await?;
    let (id, export) = match started {
        Idempotent::Made(id) => (id, stored(scope, id).await?.ok_or_else(gone)?),
        Idempotent::Make(id, pending) => {
            let subject = match may_begin(scope, id, person).await {
                Ok(subject) => subject,
                Err(problem) => {
                    pending.abandon(scope).await?;
                    return Err(problem);
                }
            };
            let export = new_export(&caller, id, kind, subject);
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
/// Oldest first; only those that the key may have. A page may hold fewer than `limit`. Scope: `leads:export`,
/// `conversations:export` or `account:export`.
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
    let scope = rights::any(&caller)?;
    let mut page = read_page(scope, &keys::exports(scope.tenant()), "exports", &query, false).await?;
    let mut views = Vec::new();
    for row in std::mem::take(&mut page.data) {
        let export: DataExport = scope.store().open(row, &DataKey::none())?;
        if rights::may_have(&caller, &export).is_ok() {
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

fn kind_of(request: &NewExport) -> Result<(ExportKind, Option<Person>), Problem> {
    let kind = serde_json::from_value(json!(request.kind))
        .map_err(|_| Problem::invalid_field("kind", "must be one of the kinds of exports"))?;
    let person = match (request.lead_id, request.conversation_id) {
        (Some(_), Some(_)) => {
            return Err(Problem::invalid_field(
                "conversation_id",
                "is instead of lead_id, not beside it",
            ));
        }
        (Some(lead), None) => Some(Person::Lead(lead)),
        (None, Some(conversation)) => Some(Person::Of(conversation)),
        (None, None) => None,
    };
    match (kind, person) {
        (ExportKind::LeadArchive, None) => Err(Problem::invalid_field(
            "lead_id",
            "or conversation_id is required for lead_archive",
        )),
        (ExportKind::LeadArchive, person) => Ok((kind, person)),
        (_, Some(Person::Lead(_))) => Err(Problem::invalid_field("lead_id", "is for lead_archive alone")),
        (_, Some(Person::Of(_))) => Err(Problem::invalid_field(
            "conversation_id",
            "is for lead_archive alone",
        )),
        (_, None) => Ok((kind, None)),
    }
}

/// Finds whom an archive is about: whoever is in the conversation, with all that belongs to the same lead.
async fn subject(scope: &TenantScope, person: Person) -> Result<Subject, Problem> {
    let of_lead = |lead| Subject {
        lead: Some(lead),
        contact: None,
    };
    match person {
        Person::Lead(lead) => {
            let row = keys::lead(scope.tenant(), lead);
            let found = scope.store().get_row(&row, true).await?;
            found
                .map(|_| of_lead(lead))
                .ok_or_else(|| Problem::invalid_field("lead_id", "names no lead"))
        }
        Person::Of(conversation) => {
            let nobody = || Problem::invalid_field("conversation_id", "names no conversation");
            let open = scope.open_conversation(conversation).await?.ok_or_else(nobody)?;
            let contact = *open.head.contact;
            let (found, _keys) = scope.open_contact(contact).await?.ok_or_else(nobody)?;
            if let Some(lead) = *found.lead {
                let row = keys::lead(scope.tenant(), lead);
                let lead: Option<Lead> = scope.store().get(&row, &DataKey::none(), true).await?;
                let lead = lead.filter(|lead| lead.contacts.iter().any(|one| one.id == contact.id));
                if let Some(lead) = lead {
                    return Ok(of_lead(*lead.id));
                }
            }
            Ok(Subject {
                lead: None,
                contact: Some(contact),
            })
        }
    }
}

/// Takes the place of the one running export. The person is looked for first: what is refused takes no place.
async fn may_begin(scope: &TenantScope, id: ExportId, person: Option<Person>) -> Result<Subject, Problem> {
    let found = match person {
        Some(person) => subject(scope, person).await?,
        None => Subject::default(),
    };
    match slot::take(scope, id).await? {
        Place::Taken => Ok(found),
        Place::Held(running) => {
            let detail = "Another export is running; resource_id names it.";
            Err(Problem::conflict("export_running", detail).about(&running))
        }
    }
}

fn new_export(caller: &Caller, id: ExportId, kind: ExportKind, subject: Subject) -> DataExport {
    let at = id.at();
    DataExport {
        id: id.into(),
        kind: kind.into(),
        lead: subject.lead.into(),
        contact: subject.contact.into(),
        traces: rights::with_traces(caller, kind).into(),
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
    let scope = rights::any(caller)?;
    let export = stored(scope, path_id(id)?)
        .await?
        .ok_or_else(Problem::not_found)?;
    rights::may_have(caller, &export)?;
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
        let at = usher_shared::Timestamp::from_millis(1);
        let (lead, talk) = (LeadId::derived(at, [1; 10]), ConversationId::derived(at, [1; 10]));
        let (of_lead, of_talk) = (Person::Lead(lead), Person::Of(talk));
        let table = [
            ("leads_csv", None, None, Ok((ExportKind::LeadsCsv, None))),
            (
                "conversations_ndjson",
                None,
                None,
                Ok((ExportKind::ConversationsNdjson, None)),
            ),
            (
                "conversations_csv",
                None,
                None,
                Ok((ExportKind::ConversationsCsv, None)),
            ),
            (
                "account_archive",
                None,
                None,
                Ok((ExportKind::AccountArchive, None)),
            ),
            (
                "lead_archive",
                Some(lead),
                None,
                Ok((ExportKind::LeadArchive, Some(of_lead))),
            ),
            (
                "lead_archive",
                None,
                Some(talk),
                Ok((ExportKind::LeadArchive, Some(of_talk))),
            ),
            ("lead_archive", Some(lead), Some(talk), Err("conversation_id")),
            ("lead_archive", None, None, Err("lead_id")),
            ("leads_csv", Some(lead), None, Err("lead_id")),
            ("account_archive", None, Some(talk), Err("conversation_id")),
            ("everything", None, None, Err("kind")),
            ("", Some(lead), None, Err("kind")),
        ];
        for (kind, lead_id, conversation_id, expected) in table {
            let request = NewExport {
                kind: kind.to_owned(),
                lead_id,
                conversation_id,
            };
            let found = kind_of(&request);
            let found = found.map_err(|problem| problem.errors().first().unwrap().field.clone());
            assert_eq!(found, expected.map_err(str::to_owned), "{kind}");
        }
    }
}
