//! `DELETE` of a conversation or a lead: gone at once, and for good.

use std::time::Duration;

use axum::extract::State;
use axum::{Json, Router};
use serde::Serialize;
use usher_aws::TenantScope;
use usher_aws::http::access::permission::{ConversationsDelete, LeadsDelete};
use usher_aws::http::access::{Granted, PathId};
use usher_aws::http::document::{NotFound, Refused, base, finish};
use usher_aws::http::{App, Problem, ProblemBody, wrap};
use usher_aws::sealing::DataKey;
use usher_aws::store::keys;
use usher_shared::ids::{ConversationId, ErasureId, LeadId};
use usher_shared::model::ErasureState;
use usher_shared::records::Erasing;
use usher_shared::untrusted::Label;
use utoipa::{IntoResponses, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::begin::{BeginError, Begun, Targets, begin, erasure_id};
use crate::{confirm, feed, privacy};

/// Whoever asks again after this long starts the worker again: the queue brings a killed one's job back before.
const NO_SIGN_OF_LIFE: Duration = Duration::from_hours(1);

/// All routes of the function.
pub fn router(app: App) -> Router {
    let (routes, _document) = described().split_for_parts();
    wrap(routes.merge(confirm::routes()), app)
}

/// The description of all routes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    finish(described().into_openapi())
}

fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(base())
        .routes(routes!(delete_conversation))
        .routes(routes!(delete_lead))
        .merge(privacy::described())
        .routes(routes!(feed::list_deletions))
}

/// What was deleted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Deleted)]
struct Gone {
    /// `conversation` or `lead`.
    object: &'static str,
    /// The id that was given.
    id: String,
    /// Always true.
    deleted: bool,
}

/// A hold keeps it from being deleted; `holds` names which. Nothing was deleted.
#[derive(Debug, IntoResponses)]
#[response(status = 409, content_type = "application/problem+json", example = json!({
    "code": "held", "title": "Conflict", "status": 409,
    "detail": "It cannot be deleted while it is held; holds names what holds it.",
    "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra", "holds": ["hold_01k5p0d3sbqgd2h6x7mzv9e4ra"]
}))]
#[expect(dead_code, reason = "describes an answer")]
struct Held(ProblemBody);

/// Deletes a conversation
///
/// With its messages and the AI's audit trail: unreadable at once, removed soon after. The person stays known
/// as a lead; a new message of theirs starts a new conversation. Asked again it answers the same. Scope:
/// `conversations:delete`.
#[utoipa::path(
    delete,
    path = "/v1/conversations/{id}",
    tag = "conversations",
    params(("id" = String, Path, description = "The conversation.", example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses((status = 200, description = "It is deleted.", body = Gone), Refused, NotFound, Held)
)]
async fn delete_conversation(
    State(app): State<App>,
    granted: Granted<ConversationsDelete>,
    PathId(id): PathId<ConversationId>,
) -> Result<Json<Gone>, Problem> {
    let scope = granted.scope();
    let erasure = erasure_id(scope, &id, id.at());
    // Of a forgotten person not even the conversation's existence is told, except to whoever deleted it.
    match Targets::conversation(scope, id).await? {
        Some(targets) => start(&app, &granted, erasure, &id, targets).await?,
        None => asked_before(&app, scope, erasure).await?,
    }
    Ok(Json(Gone {
        object: "conversation",
        id: id.to_string(),
        deleted: true,
    }))
}

/// Deletes a lead
///
/// With everything of the person's addresses: what they volunteered, all conversations, all audit trails.
/// Unreadable at once, removed soon after. A new message of the same person is a stranger's. Asked again it
/// answers the same. Scope: `leads:delete`.
#[utoipa::path(
    delete,
    path = "/v1/leads/{id}",
    tag = "leads",
    params(("id" = String, Path, description = "The lead.", example = "lead_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses((status = 200, description = "It is deleted.", body = Gone), Refused, NotFound, Held)
)]
async fn delete_lead(
    State(app): State<App>,
    granted: Granted<LeadsDelete>,
    PathId(id): PathId<LeadId>,
) -> Result<Json<Gone>, Problem> {
    let scope = granted.scope();
    let erasure = erasure_id(scope, &id, id.at());
    match Targets::lead(scope, id).await? {
        Some(targets) => start(&app, &granted, erasure, &id, targets).await?,
        None => asked_before(&app, scope, erasure).await?,
    }
    Ok(Json(Gone {
        object: "lead",
        id: id.to_string(),
        deleted: true,
    }))
}

/// Begins the erasure, or says what is in the way.
async fn start<P>(
    app: &App,
    granted: &Granted<P>,
    erasure: ErasureId,
    subject: &impl ToString,
    targets: Targets,
) -> Result<(), Problem> {
    let subject = subject
        .to_string()
        .parse::<Label>()
        .map_err(|_| Problem::internal())?;
    let by = Some(granted.key_id());
    match begin(&app.platform, granted.scope(), erasure, subject, by, targets).await {
        Ok(Begun::Yes) => Ok(()),
        Ok(Begun::Held(holds)) => Err(Problem::held(&holds)),
        Err(BeginError::Keyring(error)) => Err(error.into()),
        Err(BeginError::Restart(error)) => Err(error.into()),
    }
}

/// Nothing is there: 404, unless it was erased before. An erasure that came to a stop goes on.
async fn asked_before(app: &App, scope: &TenantScope, erasure: ErasureId) -> Result<(), Problem> {
    let row = keys::erasure(scope.tenant(), erasure);
    let known: Option<Erasing> = scope.store().get(&row, &DataKey::none(), true).await?;
    let known = known.filter(|erasing| *erasing.state != ErasureState::Held);
    let erasing = known.ok_or_else(Problem::not_found)?;
    if erasing.state.is_open() {
        app.platform
            .restart_erasure(scope, &erasing, NO_SIGN_OF_LIFE)
            .await?;
    }
    Ok(())
}
