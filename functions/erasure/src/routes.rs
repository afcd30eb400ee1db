//! `DELETE` of a conversation or a lead: gone at once, and for good.

use axum::{Json, Router};
use serde::Serialize;
use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::forgetting::exports::withdraw;
use usher_aws::http::access::permission::{ConversationsDelete, LeadsDelete};
use usher_aws::http::access::{Granted, PathId};
use usher_aws::http::document::{NotFound, Refused, base, finish};
use usher_aws::http::{App, Problem, wrap};
use usher_aws::sealing::{DataKey, HashPurpose, KeyringError};
use usher_aws::store::{When, keys};
use usher_shared::Timestamp;
use usher_shared::ids::{ConversationId, ErasureId, LeadId};
use usher_shared::model::{AuditAction, ContactRef, ErasureState};
use usher_shared::records::{Erasing, Lead};
use usher_shared::untrusted::Label;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// All routes of the function.
pub fn router(app: App) -> Router {
    let (routes, _document) = described().split_for_parts();
    wrap(routes, app)
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
    responses((status = 200, description = "It is deleted.", body = Gone), Refused, NotFound)
)]
async fn delete_conversation(
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
        Some((contact, keys)) if keys.conversation(id)?.is_some() => Some(*contact),
        _ => None,
    };
    if let Some(contact) = present {
        let targets = Targets {
            contacts: vec![contact],
            conversations: vec![id],
            ..Targets::default()
        };
        begin(scope, erasure, &id, targets).await?;
        granted.audit(AuditAction::ConversationErased, &id).await?;
    } else {
        asked_before(scope, erasure).await?;
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
    responses((status = 200, description = "It is deleted.", body = Gone), Refused, NotFound)
)]
async fn delete_lead(
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
        }
    }
    if targets.contacts.is_empty() {
        asked_before(scope, erasure).await?;
    } else {
        begin(scope, erasure, &id, targets).await?;
        granted.audit(AuditAction::LeadErased, &id).await?;
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

/// Nothing is there: 404, unless it was erased before.
async fn asked_before(scope: &TenantScope, erasure: ErasureId) -> Result<(), Problem> {
    let row = keys::erasure(scope.tenant(), erasure);
    let known: Option<Erasing> = scope.store().get(&row, &DataKey::none(), true).await?;
    known.map(|_| ()).ok_or_else(Problem::not_found)
}

/// Writes the erasure down, then deletes the keys. From then on nothing of it can be read, anywhere; the rest
/// is the worker's, which the row's own stream record starts.
async fn begin(
    scope: &TenantScope,
    id: ErasureId,
    subject: &impl ToString,
    targets: Targets,
) -> Result<(), Problem> {
    let now = scope.now();
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
    };
    let row = keys::erasure(scope.tenant(), id);
    let _begun_before = scope
        .store()
        .put(&row, &erasing, &DataKey::none(), When::Absent)
        .await?;
    make_unreadable(scope, &erasing).await?;
    tracing::info!(tenant.id = %scope.tenant(), erasure.id = %id, "unreadable");
    Ok(())
}

/// Deletes the keys that open what is erased, and notes the time on the contact, so that a late delivery is
/// refused. Doing it again changes nothing.
pub(crate) async fn make_unreadable(scope: &TenantScope, erasing: &Erasing) -> Result<(), KeyringError> {
    let tenant = scope.tenant();
    for contact in erasing.contacts.iter() {
        if *erasing.whole_contacts {
            // The contact's key wraps all the others.
            scope
                .store()
                .delete(&keys::contact_key(tenant, contact.id))
                .await?;
        } else {
            for conversation in erasing.conversations.iter() {
                scope
                    .store()
                    .delete(&keys::conversation_key(tenant, contact.id, *conversation))
                    .await?;
            }
        }
        let row = keys::contact(tenant, contact.address);
        let mark = vec![("erased_at", json!(erasing.requested_at.0))];
        let _fresh_contact = scope
            .store()
            .update(&row, mark, vec![When::Is("id", json!(contact.id))])
            .await?;
    }
    withdraw(scope).await?;
    let row = keys::erasure(tenant, *erasing.id);
    let state = vec![
        ("state", json!(ErasureState::Unreadable)),
        ("updated_at", json!(scope.now())),
    ];
    let when = vec![When::Is("state", json!(ErasureState::Requested))];
    let _further_already = scope.store().update(&row, state, when).await?;
    Ok(())
}
