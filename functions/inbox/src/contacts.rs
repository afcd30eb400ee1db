//! What may be done with what a person writes.

use axum::Json;
use serde::{Deserialize, Serialize};
use usher_aws::http::{Problem, Strict};
use usher_shared::ids::ContactId;
use usher_shared::model::AuditAction;
use utoipa::ToSchema;

use crate::access::permission::{ConversationsRead, ConversationsWrite};
use crate::access::{Granted, PathId};
use crate::openapi::{Invalid, NotFound, Refused, TooLarge};
use crate::words::Processing;

/// What may be done with what a person writes.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactProcessing)]
pub(crate) struct ProcessingView {
    /// Always `contact_processing`.
    #[schema(example = "contact_processing")]
    object: &'static str,
    /// The person's address on one channel.
    #[schema(value_type = String, example = "cont_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    contact_id: ContactId,
    /// What may be done.
    processing: Processing,
}

/// What may be done from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProcessing {
    /// What may be done.
    processing: Processing,
}

/// Reads what may be done with what a person writes
///
/// Scope: `conversations:read`.
#[utoipa::path(
    get,
    path = "/v1/contacts/{id}/processing",
    tag = "contacts",
    params(("id" = String, Path, description = "The contact.", example = "cont_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "What may be done.", body = ProcessingView),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn read_processing(
    granted: Granted<ConversationsRead>,
    PathId(contact_id): PathId<ContactId>,
) -> Result<Json<ProcessingView>, Problem> {
    let found = granted.scope().processing(contact_id).await?;
    let processing = found.ok_or_else(Problem::not_found)?.into();
    Ok(Json(ProcessingView {
        object: "contact_processing",
        contact_id,
        processing,
    }))
}

/// Changes what may be done with what a person writes
///
/// `without_ai`: no AI reads it, people answer. `restricted`: it is kept, no AI reads it, and nothing is sent, by
/// nobody. Counts at once, also for what is on its way. Scope: `conversations:write`.
#[utoipa::path(
    put,
    path = "/v1/contacts/{id}/processing",
    tag = "contacts",
    params(("id" = String, Path, description = "The contact.", example = "cont_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    request_body(content = NewProcessing, example = json!({"processing": "without_ai"})),
    responses(
        (status = 200, description = "What may be done now.", body = ProcessingView),
        Refused,
        NotFound,
        TooLarge,
        Invalid,
    )
)]
pub(crate) async fn change_processing(
    granted: Granted<ConversationsWrite>,
    PathId(contact_id): PathId<ContactId>,
    request: Strict<NewProcessing>,
) -> Result<Json<ProcessingView>, Problem> {
    let processing = request.value.processing;
    let entry = granted.audit(AuditAction::ProcessingChanged, &contact_id)?;
    let changed = granted
        .scope()
        .change_processing(contact_id, processing.into(), vec![entry])
        .await?;
    if !changed {
        return Err(Problem::not_found());
    }
    Ok(Json(ProcessingView {
        object: "contact_processing",
        contact_id,
        processing,
    }))
}
