//! `DELETE` of a conversation or a lead: gone at once, and for good.

use axum::extract::{Path, State};
use axum::routing::delete;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::http::{App, Caller, Problem, path_id, wrap};
use usher_aws::sealing::{DataKey, HashPurpose, KeyringError};
use usher_aws::store::{When, keys};
use usher_shared::Timestamp;
use usher_shared::ids::{ConversationId, ErasureId, LeadId};
use usher_shared::model::{AuditAction, ContactRef, ErasureState};
use usher_shared::records::{Erasing, Lead};
use usher_shared::scope::Scope;

/// All routes of the function.
pub fn router(app: App) -> Router {
    let routes = Router::new()
        .route("/v1/conversations/{id}", delete(delete_conversation))
        .route("/v1/leads/{id}", delete(delete_lead));
    wrap(routes, app)
}

/// The answer to a delete; the same when it is asked again.
#[derive(Debug, Serialize)]
struct Gone {
    object: &'static str,
    id: String,
    deleted: bool,
}

async fn delete_conversation(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Gone>, Problem> {
    let scope = caller.allow(Scope::ConversationsDelete)?;
    let id: ConversationId = path_id(&id)?;
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
        begin(
            &app,
            &caller,
            scope,
            erasure,
            &id,
            targets,
            AuditAction::ConversationErased,
        )
        .await?;
    } else {
        asked_before(scope, erasure).await?;
    }
    Ok(Json(Gone {
        object: "conversation",
        id: id.to_string(),
        deleted: true,
    }))
}

async fn delete_lead(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Gone>, Problem> {
    let scope = caller.allow(Scope::LeadsDelete)?;
    let id: LeadId = path_id(&id)?;
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
        begin(
            &app,
            &caller,
            scope,
            erasure,
            &id,
            targets,
            AuditAction::LeadErased,
        )
        .await?;
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
    app: &App,
    caller: &Caller,
    scope: &TenantScope,
    id: ErasureId,
    subject: &impl ToString,
    targets: Targets,
    action: AuditAction,
) -> Result<(), Problem> {
    let now = app.platform.clock().now();
    let subject = subject.to_string();
    let erasing = Erasing {
        id: id.into(),
        subject: subject
            .parse::<usher_shared::untrusted::Label>()
            .map_err(|_| Problem::internal())?
            .into(),
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
    caller.audit(action, &subject).await?;
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
    let row = keys::erasure(tenant, *erasing.id);
    let state = vec![
        ("state", json!(ErasureState::Unreadable)),
        ("updated_at", json!(scope.now())),
    ];
    let when = vec![When::Is("state", json!(ErasureState::Requested))];
    let _further_already = scope.store().update(&row, state, when).await?;
    Ok(())
}
