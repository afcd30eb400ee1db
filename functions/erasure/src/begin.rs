//! The beginning of an erasure, whoever asks for it: it is written down, then the keys are deleted. From then on
//! nothing of it can be read, anywhere; the rest is the worker's.

use std::time::Duration;

use serde_json::json;
use usher_aws::forgetting::exports::withdraw;
use usher_aws::restart::RestartError;
use usher_aws::sealing::{DataKey, HashPurpose, KeyringError};
use usher_aws::store::{StoreError, When, keys};
use usher_aws::{Platform, TenantScope};
use usher_shared::Timestamp;
use usher_shared::ids::{ApiKeyId, ContactId, ConversationId, ErasureId, HoldId, LeadId};
use usher_shared::model::{AuditAction, ContactRef, ErasureState};
use usher_shared::records::{AuditEvent, Erasing, Lead, OpenErasure};
use usher_shared::untrusted::Label;

use crate::report;

/// What an erasure is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {
    pub(crate) lead: Option<LeadId>,
    pub(crate) contacts: Vec<ContactRef>,
    pub(crate) conversations: Vec<ConversationId>,
    /// Whether the contacts themselves go, and not one conversation of theirs.
    pub(crate) whole_contacts: bool,
    /// A hold protects some of it.
    held: bool,
}

impl Targets {
    /// One conversation; `None` if it is not there, or forgotten.
    pub(crate) async fn conversation(
        scope: &TenantScope,
        id: ConversationId,
    ) -> Result<Option<Self>, KeyringError> {
        let row = keys::conversation(scope.tenant(), id);
        let row = scope.store().get_row(&row, true).await?;
        let Some(contact) = row.and_then(|row| row.peek::<ContactRef>("contact")) else {
            return Ok(None);
        };
        let Some(keys) = scope.contact_keys(contact.id).await? else {
            return Ok(None);
        };
        if keys.conversation(id)?.is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            contacts: vec![contact],
            conversations: vec![id],
            held: keys.is_conversation_held(id),
            ..Self::default()
        }))
    }

    /// A lead with all that is kept of the person; `None` if it is not there, or forgotten.
    pub(crate) async fn lead(scope: &TenantScope, id: LeadId) -> Result<Option<Self>, KeyringError> {
        let row = keys::lead(scope.tenant(), id);
        let lead: Option<Lead> = scope.store().get(&row, &DataKey::none(), true).await?;
        let mut targets = Self {
            lead: Some(id),
            whole_contacts: true,
            ..Self::default()
        };
        for contact in lead.iter().flat_map(|lead| lead.contacts.iter()) {
            targets.add(scope, *contact).await?;
        }
        Ok((!targets.contacts.is_empty()).then_some(targets))
    }

    /// One address on one channel, with the lead if it has no other; `None` if it is not there, or forgotten.
    pub(crate) async fn contact(
        scope: &TenantScope,
        contact: ContactRef,
    ) -> Result<Option<Self>, KeyringError> {
        let mut targets = Self {
            whole_contacts: true,
            ..Self::default()
        };
        targets.add(scope, contact).await?;
        if targets.contacts.is_empty() {
            return Ok(None);
        }
        let row = keys::contact(scope.tenant(), contact.address);
        let row = scope.store().get_row(&row, true).await?;
        let row = row.filter(|row| row.peek::<ContactId>("id") == Some(contact.id));
        if let Some(id) = row.and_then(|row| row.peek::<Option<LeadId>>("lead")).flatten() {
            let row = keys::lead(scope.tenant(), id);
            let lead: Option<Lead> = scope.store().get(&row, &DataKey::none(), true).await?;
            targets.lead = lead.is_some_and(|lead| lead.contacts.len() < 2).then_some(id);
        }
        Ok(Some(targets))
    }

    async fn add(&mut self, scope: &TenantScope, contact: ContactRef) -> Result<(), KeyringError> {
        if let Some(keys) = scope.contact_keys(contact.id).await? {
            self.contacts.push(contact);
            self.conversations.extend(keys.conversations());
            self.held |= keys.is_held();
        }
        Ok(())
    }
}

/// What became of the beginning.
#[derive(Debug)]
pub(crate) enum Begun {
    /// Nothing of it can be read any more.
    Yes,
    /// These holds are in the way: nothing is erased.
    Held(Vec<HoldId>),
}

/// Why an erasure could not be begun. Doing it again does what is left.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BeginError {
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    #[error(transparent)]
    Restart(#[from] RestartError),
}

impl From<StoreError> for BeginError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

/// The id of the erasure of a subject: asked twice, it is one erasure.
pub(crate) fn erasure_id(scope: &TenantScope, subject: &impl ToString, at: Timestamp) -> ErasureId {
    let subject = subject.to_string();
    ErasureId::derived(
        at,
        scope
            .key()
            .hash(HashPurpose::Derived, &[b"erasure", subject.as_bytes()])
            .tail(),
    )
}

/// Writes the erasure down, then deletes the keys. The rest is the worker's, which the row's own stream record starts.
pub(crate) async fn begin(
    platform: &Platform,
    scope: &TenantScope,
    id: ErasureId,
    subject: Label,
    by: Option<ApiKeyId>,
    targets: Targets,
) -> Result<Begun, BeginError> {
    let now = scope.now();
    let conversation = targets.conversations.first().copied();
    let conversation = conversation.filter(|_| !targets.whole_contacts);
    if targets.held {
        return Ok(held(scope, &targets.contacts, conversation).await?);
    }
    let erasing = Erasing {
        id: id.into(),
        subject: subject.into(),
        requested_at: now.into(),
        state: ErasureState::Requested.into(),
        updated_at: now.into(),
        whole_contacts: targets.whole_contacts.into(),
        lead: targets.lead.into(),
        contacts: targets.contacts.into(),
        conversations: targets.conversations.into(),
        requested_by: by.into(),
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
        return Ok(held(scope, &erasing.contacts, conversation).await?);
    }
    if !fresh.happened() {
        // Only a row that is inserted starts a worker by itself.
        platform.restart_erasure(scope, &erasing, Duration::ZERO).await?;
    }
    tracing::info!(tenant.id = %scope.tenant(), erasure.id = %id, "unreadable");
    Ok(Begun::Yes)
}

/// Names the holds in the way.
async fn held(
    scope: &TenantScope,
    contacts: &[ContactRef],
    conversation: Option<ConversationId>,
) -> Result<Begun, StoreError> {
    let protected = scope.holds().protected().await?;
    Ok(Begun::Held(protected.in_the_way(contacts, conversation)))
}

/// Deletes the keys that open what is erased, and notes the time on the contact, so that a late delivery is
/// refused. Doing it again changes nothing. `false` if a hold was faster: then nothing is erased.
pub(crate) async fn make_unreadable(scope: &TenantScope, erasing: &Erasing) -> Result<bool, KeyringError> {
    let tenant = scope.tenant();
    let row = keys::erasure(tenant, *erasing.id);
    // Before anything goes by which the person could be found: what is looked for afterwards is written down now.
    report::begin(scope, erasing).await?;
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
    report::unreadable(scope, erasing).await?;
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
