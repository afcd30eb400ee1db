//! `DELETE` of a conversation or a lead: gone at once, and for good.

use std::time::Duration;

use axum::extract::State;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::forgetting::exports::withdraw;
use usher_aws::http::access::permission::{ConversationsDelete, LeadsDelete};
use usher_aws::http::access::{Granted, PathId};
use usher_aws::http::document::{NotFound, Refused, base, finish};
use usher_aws::http::{App, Problem, ProblemBody, wrap};
use usher_aws::sealing::{DataKey, HashPurpose, KeyringError};
use usher_aws::store::{When, keys};
use usher_shared::Timestamp;
use usher_shared::ids::{ConversationId, ErasureId, LeadId};
use usher_shared::model::{AuditAction, ContactRef, ErasureState};
use usher_shared::records::{AuditEvent, Erasing, Lead, OpenErasure};
use usher_shared::untrusted::Label;
use utoipa::{IntoResponses, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::confirm;

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
    let row = scope
        .store()
        .get_row(&keys::conversation(scope.tenant(), id), true)
        .await?;
    let contact = row.and_then(|row| row.peek::<ContactRef>("contact"));
    // Of a forgotten person not even the conversation's existence is told, except to whoever deleted it.
    let known = match contact {
        Some(contact) => scope.contact_keys(contact.id).await?.map(|keys| (contact, keys)),
        None => None,
    };
    let present = match &known {
        Some((contact, keys)) if keys.conversation(id)?.is_some() => Some((*contact, keys)),
        _ => None,
    };
    if let Some((contact, keys)) = present {
        let targets = Targets {
            contacts: vec![contact],
            conversations: vec![id],
            held: keys.is_conversation_held(id),
            lead: None,
        };
        begin(&app, &granted, erasure, &id, targets).await?;
    } else {
        asked_before(&app, scope, erasure).await?;
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
    let lead: Option<Lead> = scope
        .store()
        .get(&keys::lead(scope.tenant(), id), &DataKey::none(), true)
        .await?;
    let mut targets = Targets {
        lead: Some(id),
        ..Targets::default()
    };
    for contact in lead.iter().flat_map(|lead| lead.contacts.iter()) {
        if let Some(contact_keys) = scope.contact_keys(contact.id).await? {
            targets.contacts.push(*contact);
            targets.conversations.extend(contact_keys.conversations());
            targets.held |= contact_keys.is_held();
        }
    }
    if targets.contacts.is_empty() {
        asked_before(&app, scope, erasure).await?;
    } else {
        begin(&app, &granted, erasure, &id, targets).await?;
    }
    Ok(Json(Gone {
        object: "lead",
        id: id.to_string(),
        deleted: true,
    }))
}

/// What an erasure is about.
#[derive(Default)]
struct Targets {
    lead: Option<LeadId>,
    contacts: Vec<ContactRef>,
    conversations: Vec<ConversationId>,
    /// A hold protects some of it.
    held: bool,
}

/// The id of the erasure of a subject: asked twice, it is one erasure.
fn erasure_id(scope: &TenantScope, subject: &impl ToString, at: Timestamp) -> ErasureId {
    let subject = subject.to_string();
    ErasureId::derived(
        at,
        scope
            .key()
            .hash(HashPurpose::Derived, &[b"erasure", subject.as_bytes()])
            .tail(),
    )
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

/// Writes the erasure down, then deletes the keys. From then on nothing of it can be read, anywhere; the rest
/// is the worker's, which the row's own stream record starts.
async fn begin<P>(
    app: &App,
    granted: &Granted<P>,
    id: ErasureId,
    subject: &impl ToString,
    targets: Targets,
) -> Result<(), Problem> {
    let scope = granted.scope();
    let now = scope.now();
    let conversation = targets.conversations.first().copied();
    let conversation = conversation.filter(|_| targets.lead.is_none());
    if targets.held {
        return Err(held(scope, &targets.contacts, conversation).await?);
    }
    let subject = subject
        .to_string()
        .parse::<Label>()
        .map_err(|_| Problem::internal())?;
    let erasing = Erasing {
        id: id.into(),
        subject: subject.into(),
        requested_at: now.into(),
        state: ErasureState::Requested.into(),
        updated_at: now.into(),
        whole_contacts: targets.lead.is_some().into(),
        lead: targets.lead.into(),
        contacts: targets.contacts.into(),
        conversations: targets.conversations.into(),
        requested_by: Some(granted.key_id()).into(),
    };
    let note = OpenErasure {
        erasure: id.into(),
        started_at: now.into(),
    };
    let row = keys::open_erasure(scope.tenant(), id);
    let _begun_before = scope
        .store()
        .put(&row, &note, &DataKey::none(), When::Absent)
        .await?;
    let row = keys::erasure(scope.tenant(), id);
    let fresh = scope
        .store()
        .put(&row, &erasing, &DataKey::none(), When::Absent)
        .await?;
    if !fresh.happened() {
        // It was written down before and came to nothing: by a hold, or because the function died. What is there
        // to be erased is what is there now.
        let nothing_yet = [ErasureState::Held, ErasureState::Requested].map(|state| json!(state));
        let when = When::OneOf("state", nothing_yet.to_vec());
        let _further_already = scope.store().put(&row, &erasing, &DataKey::none(), when).await?;
    }
    if !make_unreadable(scope, &erasing).await? {
        return Err(held(scope, &erasing.contacts, conversation).await?);
    }
    if !fresh.happened() {
        // Only a row that is inserted starts a worker by itself.
        app.platform
            .restart_erasure(scope, &erasing, Duration::ZERO)
            .await?;
    }
    tracing::info!(tenant.id = %scope.tenant(), erasure.id = %id, "unreadable");
    Ok(())
}

/// 409, naming the holds in the way.
async fn held(
    scope: &TenantScope,
    contacts: &[ContactRef],
    conversation: Option<ConversationId>,
) -> Result<Problem, Problem> {
    let protected = scope.holds().protected().await?;
    Ok(Problem::held(&protected.in_the_way(contacts, conversation)))
}

/// Deletes the keys that open what is erased, and notes the time on the contact, so that a late delivery is
/// refused. Doing it again changes nothing. `false` if a hold was faster: then nothing is erased.
pub(crate) async fn make_unreadable(scope: &TenantScope, erasing: &Erasing) -> Result<bool, KeyringError> {
    let tenant = scope.tenant();
    let row = keys::erasure(tenant, *erasing.id);
    let forgotten = if *erasing.whole_contacts {
        scope.forget_keys(&erasing.contacts, None).await?.happened()
    } else {
        let mut all = true;
        for conversation in erasing.conversations.iter() {
            all &= scope
                .forget_keys(&erasing.contacts, Some(*conversation))
                .await?
                .happened();
        }
        all
    };
    if !forgotten {
        let held = vec![
            ("state", json!(ErasureState::Held)),
            ("updated_at", json!(scope.now())),
        ];
        let when = vec![When::Is("state", json!(ErasureState::Requested))];
        let _further_already = scope.store().update(&row, held, when).await?;
        tracing::info!(%tenant, erasure.id = %*erasing.id, "held");
        return Ok(false);
    }
    for contact in erasing.contacts.iter() {
        let row = keys::contact(tenant, contact.address);
        let mark = vec![("erased_at", json!(erasing.requested_at.0))];
        let _fresh_contact = scope
            .store()
            .update(&row, mark, vec![When::Is("id", json!(contact.id))])
            .await?;
    }
    // Once the state says so, both were done. What is exported later holds nothing of it and is left alone.
    if *erasing.state <= ErasureState::Requested {
        withdraw(scope).await?;
        audit(scope, erasing).await?;
    }
    let state = vec![
        ("state", json!(ErasureState::Unreadable)),
        ("updated_at", json!(scope.now())),
    ];
    let when = vec![When::Is("state", json!(ErasureState::Requested))];
    let _further_already = scope.store().update(&row, state, when).await?;
    Ok(true)
}

/// The entry of the audit trail follows from the erasure's own row, under a key that does too: whoever comes first
/// writes it, the request or the worker, and it is never written twice or left out.
async fn audit(scope: &TenantScope, erasing: &Erasing) -> Result<(), KeyringError> {
    let Some(actor) = *erasing.requested_by else {
        return Ok(());
    };
    let action = match *erasing.lead {
        Some(_) => AuditAction::LeadErased,
        None => AuditAction::ConversationErased,
    };
    let event = AuditEvent {
        at: erasing.requested_at,
        actor: actor.into(),
        action: action.into(),
        target: erasing.subject.clone(),
    };
    let target = erasing.subject.to_string();
    let row = keys::audit_event(scope.tenant(), *erasing.requested_at, &target);
    let _written_before = scope
        .store()
        .put(&row, &event, &DataKey::none(), When::Absent)
        .await?;
    Ok(())
}
