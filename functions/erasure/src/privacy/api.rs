//! Requests of privacy as the tenant's own users open, read and end them.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::http::access::permission::{PrivacyRead, PrivacyWrite};
use usher_aws::http::access::{Granted, PathId};
use usher_aws::http::document::{IdempotencyHeader, Invalid, NotFound, NotMade, Refused};
use usher_aws::http::{
    App, Checks, IdempotencyKey, Idempotent, List, ListQuery, Problem, ProblemBody, QueryOf, Strict,
    TextRule, gone, read_page,
};
use usher_aws::privacy::{Ending, Named, NewRequest, PrivacyError};
use usher_aws::store::keys;
use usher_shared::ids::PrivacyRequestId;
use usher_shared::model::AuditAction;
use usher_shared::privacy::{RequestEvent, RequestKind, RequestSource, RequestState, RequestSubject};
use usher_shared::records::PrivacyRequest;
use usher_shared::scope::Scope;
use utoipa::ToSchema;

use super::view::{RequestKind as KindWord, RequestView, SubjectView};

/// Characters of a note or a reason.
const TEXT: usize = 2_000;
/// What has to be typed before all content goes.
const CONFIRM_CONTENT: &str = "delete all content";
/// What has to be typed before the account goes.
const CONFIRM_ACCOUNT: &str = "close the account";

/// A request of privacy to be opened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPrivacyRequest {
    /// What is asked for.
    #[schema(value_type = KindWord, example = "deletion")]
    kind: String,
    /// What it is about.
    subject: SubjectView,
    /// What you note about it. Sealed, never shown to the person.
    #[serde(default)]
    notes: Option<String>,
    /// For `content` and `account`, which nothing brings back: the words `delete all content` or `close the account`.
    #[serde(default)]
    #[schema(example = json!(null))]
    confirm: Option<String>,
}

/// Why a request is refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Denial {
    /// For whoever asked: it is shown on the status page.
    #[schema(example = "We must keep the invoice for seven years.")]
    reason: String,
}

type Accepted = (StatusCode, [(HeaderName, String); 1], Json<RequestView>);

/// Opens a request of privacy
///
/// It is worked on in the background; read it until its state is `complete`. A request for what another open one asks
/// is a `duplicate` that names it. What a hold keeps is `deferred` and goes on by itself once it is released. Access,
/// portability and correction are answered by your own people: use exports and the lead, then say that it is done.
/// Scope: `privacy:write`; a deletion also `conversations:delete`, `leads:delete`, `channels:delete` or
/// `account:delete`, after what it is about.
#[utoipa::path(
    post,
    path = "/v1/privacy-requests",
    tag = "privacy",
    params(IdempotencyHeader),
    request_body(content = NewPrivacyRequest, example = json!({
        "kind": "restriction", "subject": {"object": "lead", "id": "lead_01k5p0d3sbqgd2h6x7mzv9e4ra"}
    })),
    responses(
        (status = 202, description = "It is opened.", body = RequestView, headers(
            ("Location" = String, description = "Path of the request.")
        )),
        Refused,
        NotMade,
    )
)]
pub(crate) async fn create_request(
    State(app): State<App>,
    granted: Granted<PrivacyWrite>,
    idempotency: IdempotencyKey,
    request: Strict<NewPrivacyRequest>,
) -> Result<Accepted, Problem> {
    let scope = granted.scope();
    let (kind, subject, notes) = checked(&request.value)?;
    for needed in needed(kind, &subject) {
        granted.also(*needed)?;
    }
    let fresh = PrivacyRequestId::generate(scope.now(), scope.entropy());
    let started = granted
        .begin(&idempotency, "POST /v1/privacy-requests", &request.raw, fresh)
        .await?;
    let (id, request) = match started {
        Idempotent::Made(id) => (id, scope.privacy_request(id).await?.ok_or_else(gone)?),
        Idempotent::Make(id, pending) => {
            if !is_there(scope, &subject).await? {
                pending.abandon(scope).await?;
                return Err(Problem::invalid_field(
                    "subject.id",
                    "names nothing that is there",
                ));
            }
            let new = NewRequest {
                kind,
                subject,
                source: RequestSource::TenantUser,
                verified: true,
                named: Named::Id(id),
                requested_by: Some(granted.key_id()),
                notes,
                reply_to: None,
            };
            let opened = app.platform.open_request(scope, new).await.map_err(problem)?;
            let entry = granted.audit(AuditAction::PrivacyRequested, &id)?;
            let _written = scope.store().together(vec![entry]).await?;
            pending.complete(scope).await?;
            (id, opened.request)
        }
    };
    let location = [(header::LOCATION, format!("/v1/privacy-requests/{id}"))];
    Ok((StatusCode::ACCEPTED, location, Json(view(&app, scope, request)?)))
}

/// Lists requests of privacy
///
/// Oldest first, by whichever way they came. Scope: `privacy:read`.
#[utoipa::path(
    get,
    path = "/v1/privacy-requests",
    tag = "privacy",
    params(ListQuery),
    responses((status = 200, description = "One page.", body = List<RequestView>), Refused, Invalid)
)]
pub(crate) async fn list_requests(
    State(app): State<App>,
    granted: Granted<PrivacyRead>,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<List<RequestView>>, Problem> {
    let scope = granted.scope();
    let range = keys::privacy_requests(scope.tenant());
    let mut page = read_page(scope, &range, "privacy-requests", &query, false).await?;
    let mut views = Vec::new();
    for row in std::mem::take(&mut page.data) {
        views.push(view(&app, scope, scope.store().open(row, scope.key())?)?);
    }
    Ok(Json(page.with(views)))
}

/// Reads a request of privacy
///
/// Scope: `privacy:read`.
#[utoipa::path(
    get,
    path = "/v1/privacy-requests/{id}",
    tag = "privacy",
    params(("id" = String, Path, description = "The request.", example = "preq_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses((status = 200, description = "The request.", body = RequestView), Refused, NotFound)
)]
pub(crate) async fn read_request(
    State(app): State<App>,
    granted: Granted<PrivacyRead>,
    PathId(id): PathId<PrivacyRequestId>,
) -> Result<Json<RequestView>, Problem> {
    let request = stored(granted.scope(), id).await?;
    Ok(Json(view(&app, granted.scope(), request)?))
}

/// Cancels a request of privacy
///
/// Possible until it has begun; what people answer, until it is answered. Asked again it answers the same. Scope:
/// `privacy:write`.
#[utoipa::path(
    post,
    path = "/v1/privacy-requests/{id}/cancel",
    tag = "privacy",
    params(("id" = String, Path, description = "The request.", example = "preq_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "It is canceled.", body = RequestView),
        (status = 409, description = "It has begun, or is over.", body = ProblemBody,
            content_type = "application/problem+json"),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn cancel_request(
    State(app): State<App>,
    granted: Granted<PrivacyWrite>,
    PathId(id): PathId<PrivacyRequestId>,
) -> Result<Json<RequestView>, Problem> {
    end(&app, &granted, id, RequestEvent::Canceled, None).await
}

/// Refuses a request of privacy
///
/// With a reason that whoever asked can read on the status page. Possible until it has begun; what people answer, until
/// it is answered. Scope: `privacy:write`.
#[utoipa::path(
    post,
    path = "/v1/privacy-requests/{id}/deny",
    tag = "privacy",
    params(("id" = String, Path, description = "The request.", example = "preq_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    request_body(content = Denial, example = json!({"reason": "We must keep the invoice for seven years."})),
    responses(
        (status = 200, description = "It is refused.", body = RequestView),
        (status = 409, description = "It has begun, or is over.", body = ProblemBody,
            content_type = "application/problem+json"),
        Refused,
        NotFound,
        Invalid,
    )
)]
pub(crate) async fn deny_request(
    State(app): State<App>,
    granted: Granted<PrivacyWrite>,
    PathId(id): PathId<PrivacyRequestId>,
    denial: Strict<Denial>,
) -> Result<Json<RequestView>, Problem> {
    let mut checks = Checks::default();
    let reason = checks.text("reason", &denial.value.reason, TextRule::Lines(TEXT));
    checks.finish()?;
    end(&app, &granted, id, RequestEvent::Denied, Some(reason)).await
}

/// Says that a request of privacy is answered
///
/// For access, portability and correction, which your own people answer. Scope: `privacy:write`.
#[utoipa::path(
    post,
    path = "/v1/privacy-requests/{id}/complete",
    tag = "privacy",
    params(("id" = String, Path, description = "The request.", example = "preq_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "It is complete.", body = RequestView),
        (status = 409, description = "It is not people who answer it, or it is over.", body = ProblemBody,
            content_type = "application/problem+json"),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn complete_request(
    State(app): State<App>,
    granted: Granted<PrivacyWrite>,
    PathId(id): PathId<PrivacyRequestId>,
) -> Result<Json<RequestView>, Problem> {
    let request = stored(granted.scope(), id).await?;
    if !request.kind.is_answered_by_people() {
        let detail = "This is not answered by people: it is complete once it is done.";
        return Err(Problem::conflict("not_answered_by_people", detail));
    }
    end(&app, &granted, id, RequestEvent::Completed, None).await
}

async fn end(
    app: &App,
    granted: &Granted<PrivacyWrite>,
    id: PrivacyRequestId,
    event: RequestEvent,
    reason: Option<String>,
) -> Result<Json<RequestView>, Problem> {
    let scope = granted.scope();
    let (action, wanted) = match event {
        RequestEvent::Denied => (AuditAction::PrivacyDenied, RequestState::Denied),
        RequestEvent::Completed => (AuditAction::PrivacyAnswered, RequestState::Complete),
        _ => (AuditAction::PrivacyCanceled, RequestState::Canceled),
    };
    let request = stored(scope, id).await?;
    if *request.state == wanted {
        return Ok(Json(view(app, scope, request)?));
    }
    let ending = Ending {
        event,
        by: Some(granted.key_id()),
        reason,
    };
    let entry = granted.audit(action, &id)?;
    let ended = scope.end_request(&request, &ending, vec![entry]).await;
    let ended = ended.map_err(problem)?.ok_or_else(|| {
        let detail = "It has begun or is over, and cannot be ended this way any more.";
        Problem::conflict("request_not_open", detail)
    })?;
    Ok(Json(view(app, scope, ended)?))
}

/// Scopes beside `privacy:write` that this needs: deleting is never implied.
const fn needed(kind: RequestKind, subject: &RequestSubject) -> &'static [Scope] {
    if !matches!(kind, RequestKind::Deletion) {
        return &[];
    }
    match subject {
        RequestSubject::Message { .. } | RequestSubject::Conversation { .. } => &[Scope::ConversationsDelete],
        RequestSubject::Lead { .. } | RequestSubject::Contact { .. } => &[Scope::LeadsDelete],
        RequestSubject::Channel { .. } => &[Scope::ChannelsDelete, Scope::LeadsDelete],
        RequestSubject::Content => &[Scope::ConversationsDelete, Scope::LeadsDelete],
        RequestSubject::Account => &[Scope::AccountDelete],
        RequestSubject::Nobody => &[],
    }
}

fn checked(request: &NewPrivacyRequest) -> Result<(RequestKind, RequestSubject, Option<String>), Problem> {
    let mut checks = Checks::default();
    let notes = request
        .notes
        .as_deref()
        .map(|notes| checks.text("notes", notes, TextRule::Lines(TEXT)));
    checks.finish()?;
    let kind: RequestKind = serde_json::from_value(json!(request.kind)).map_err(|_| {
        Problem::invalid_field(
            "kind",
            "must be access, portability, correction, deletion, restriction or objection",
        )
    })?;
    let subject = subject_of(&request.subject)?;
    if !subject.takes(kind) {
        return Err(Problem::invalid_field("kind", "cannot be done to this subject"));
    }
    let words = match (kind, subject) {
        (RequestKind::Deletion, RequestSubject::Content) => Some(CONFIRM_CONTENT),
        (RequestKind::Deletion, RequestSubject::Account) => Some(CONFIRM_ACCOUNT),
        _ => None,
    };
    match (words, request.confirm.as_deref()) {
        (Some(words), given) if given != Some(words) => Err(Problem::invalid_field(
            "confirm",
            format!("must be the words: {words}"),
        )),
        (None, Some(_)) => Err(Problem::invalid_field(
            "confirm",
            "is for deletions of content and account alone",
        )),
        _ => Ok((kind, subject, notes)),
    }
}

fn subject_of(subject: &SubjectView) -> Result<RequestSubject, Problem> {
    let given = subject.id.as_deref();
    let id = || given.ok_or_else(|| Problem::invalid_field("subject.id", "is required"));
    let refused = |field: &'static str| {
        move |error: usher_shared::ids::InvalidId| Problem::invalid_field(field, error.to_string())
    };
    let found = match subject.object.as_str() {
        "message" => {
            let conversation = subject.conversation_id.as_deref().ok_or_else(|| {
                Problem::invalid_field("subject.conversation_id", "is required for a message")
            })?;
            RequestSubject::Message {
                conversation: conversation.parse().map_err(refused("subject.conversation_id"))?,
                message: id()?.parse().map_err(refused("subject.id"))?,
            }
        }
        "conversation" => RequestSubject::Conversation {
            conversation: id()?.parse().map_err(refused("subject.id"))?,
        },
        "lead" => RequestSubject::Lead {
            lead: id()?.parse().map_err(refused("subject.id"))?,
        },
        "channel" => RequestSubject::Channel {
            channel: id()?.parse().map_err(refused("subject.id"))?,
        },
        "content" => RequestSubject::Content,
        "account" => RequestSubject::Account,
        _ => {
            let message = "must be message, conversation, lead, channel, content or account";
            return Err(Problem::invalid_field("subject.object", message));
        }
    };
    if subject.conversation_id.is_some() && !matches!(found, RequestSubject::Message { .. }) {
        return Err(Problem::invalid_field(
            "subject.conversation_id",
            "is for a message alone",
        ));
    }
    if given.is_some() && matches!(found, RequestSubject::Content | RequestSubject::Account) {
        return Err(Problem::invalid_field(
            "subject.id",
            "is not for content or account",
        ));
    }
    Ok(found)
}

/// Whether what is named is there, or was: a request about what is erased already is answered as the erasure was.
async fn is_there(scope: &TenantScope, subject: &RequestSubject) -> Result<bool, Problem> {
    let (tenant, store) = (scope.tenant(), scope.store());
    let erased = |subject: String, at| {
        let id = crate::begin::erasure_id(scope, &subject, at);
        async move { store.get_row(&keys::erasure(tenant, id), true).await }
    };
    Ok(match subject {
        RequestSubject::Message {
            conversation,
            message,
        } => {
            let row = keys::message(tenant, *conversation, *message);
            store.get_row(&row, true).await?.is_some()
        }
        RequestSubject::Conversation { conversation } => {
            let row = keys::conversation(tenant, *conversation);
            store.get_row(&row, true).await?.is_some()
                || erased(conversation.to_string(), conversation.at())
                    .await?
                    .is_some()
        }
        RequestSubject::Lead { lead } => {
            let row = keys::lead(tenant, *lead);
            store.get_row(&row, true).await?.is_some() || erased(lead.to_string(), lead.at()).await?.is_some()
        }
        RequestSubject::Channel { channel } => {
            let row = keys::channel(tenant, *channel);
            store.get_row(&row, true).await?.is_some()
        }
        _ => true,
    })
}

async fn stored(scope: &TenantScope, id: PrivacyRequestId) -> Result<PrivacyRequest, Problem> {
    scope.privacy_request(id).await?.ok_or_else(Problem::not_found)
}

fn view(app: &App, scope: &TenantScope, request: PrivacyRequest) -> Result<RequestView, Problem> {
    let code = scope.privacy_code(*request.id);
    let url = app.platform.status_url(&code).map_err(|_| Problem::internal())?;
    Ok(RequestView::new(scope, request, url))
}

pub(crate) fn problem(error: PrivacyError) -> Problem {
    match error {
        PrivacyError::Keyring(error) => error.into(),
        PrivacyError::Settings(_) => Problem::internal(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn asked(body: serde_json::Value) -> Result<(RequestKind, RequestSubject, Option<String>), String> {
        let request: NewPrivacyRequest = serde_json::from_value(body).map_err(|error| error.to_string())?;
        checked(&request).map_err(|problem| problem.errors().first().unwrap().field.clone())
    }

    #[test]
    fn what_is_asked_decides_what_must_be_said() {
        let lead = "lead_01k5p0d3sbqgd2h6x7mzv9e4ra";
        let (conversation, message) = (
            "conv_01k5p0d3sbqgd2h6x7mzv9e4ra",
            "msg_01k5p0d3sbqgd2h6x7mzv9e4ra",
        );
        let table = [
            (
                json!({"kind": "deletion", "subject": {"object": "lead", "id": lead}}),
                Ok(()),
            ),
            (
                json!({"kind": "restriction", "subject": {"object": "lead", "id": lead}}),
                Ok(()),
            ),
            (
                json!({"kind": "forget", "subject": {"object": "lead", "id": lead}}),
                Err("kind"),
            ),
            (
                json!({"kind": "deletion", "subject": {"object": "lead"}}),
                Err("subject.id"),
            ),
            (
                json!({"kind": "deletion", "subject": {"object": "lead", "id": conversation}}),
                Err("subject.id"),
            ),
            (
                json!({"kind": "deletion", "subject": {"object": "person", "id": lead}}),
                Err("subject.object"),
            ),
            // Whom nobody is known to be is not for the tenant to ask for.
            (
                json!({"kind": "deletion", "subject": {"object": "nobody"}}),
                Err("subject.object"),
            ),
            (
                json!({"kind": "deletion", "subject": {"object": "message", "id": message}}),
                Err("subject.conversation_id"),
            ),
            (
                json!({"kind": "deletion", "subject": {"object": "message", "id": message, "conversation_id": conversation}}),
                Ok(()),
            ),
            (
                json!({"kind": "deletion", "subject": {"object": "lead", "id": lead, "conversation_id": conversation}}),
                Err("subject.conversation_id"),
            ),
            (
                json!({"kind": "restriction", "subject": {"object": "content"}}),
                Err("kind"),
            ),
            (
                json!({"kind": "deletion", "subject": {"object": "content"}}),
                Err("confirm"),
            ),
            (
                json!({"kind": "deletion", "subject": {"object": "content"}, "confirm": "yes"}),
                Err("confirm"),
            ),
            (
                json!({"kind": "deletion", "subject": {"object": "content"}, "confirm": CONFIRM_ACCOUNT}),
                Err("confirm"),
            ),
            (
                json!({"kind": "deletion", "subject": {"object": "content"}, "confirm": CONFIRM_CONTENT}),
                Ok(()),
            ),
            (
                json!({"kind": "deletion", "subject": {"object": "account"}, "confirm": CONFIRM_ACCOUNT}),
                Ok(()),
            ),
            (
                json!({"kind": "deletion", "subject": {"object": "account", "id": lead}, "confirm": CONFIRM_ACCOUNT}),
                Err("subject.id"),
            ),
            (
                json!({"kind": "deletion", "subject": {"object": "lead", "id": lead}, "confirm": CONFIRM_CONTENT}),
                Err("confirm"),
            ),
            (
                json!({"kind": "deletion", "subject": {"object": "lead", "id": lead}, "notes": ""}),
                Err("notes"),
            ),
        ];
        for (body, expected) in table {
            let found = asked(body.clone()).map(|_| ());
            assert_eq!(found, expected.map_err(str::to_owned), "{body}");
        }
        let unknown = json!({"kind": "deletion", "subject": {"object": "lead", "id": lead}, "force": true});
        assert!(asked(unknown).unwrap_err().contains("unknown field"));
    }

    #[test]
    fn deleting_is_never_implied_by_writing() {
        for subject in [
            RequestSubject::Content,
            RequestSubject::Account,
            RequestSubject::Lead {
                lead: "lead_01k5p0d3sbqgd2h6x7mzv9e4ra".parse().unwrap(),
            },
        ] {
            assert!(!needed(RequestKind::Deletion, &subject).is_empty(), "{subject:?}");
        }
        assert_eq!(
            needed(RequestKind::Deletion, &RequestSubject::Account),
            [Scope::AccountDelete]
        );
        assert!(needed(RequestKind::Access, &RequestSubject::Account).is_empty());
    }
}
