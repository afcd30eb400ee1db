//! Holds: what must not be erased for the time being.
//!
//! A hold is a row in the Ledger, and a mark on the key of each contact concerned. Whatever forgets a person
//! deletes a key first, on condition that no mark protects it; so a hold and an erasure that meet are decided by
//! one row, and whoever comes second is refused. Nobody reads the mark for its own sake: it comes with the keys.

mod protected;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::json;
use usher_shared::Timestamp;
use usher_shared::ids::{ContactId, ConversationId, HoldId, LeadId, TenantId};
use usher_shared::model::ContactRef;
use usher_shared::records::{Hold, Lead};
use usher_shared::untrusted::Label;

pub use self::protected::Protected;
use crate::platform::Platform;
use crate::scope::TenantScope;
use crate::sealing::{DataKey, KeyringError, TenantKey};
use crate::store::{Part, Store, StoreError, When, Written, keys};

/// Those who change one contact's marks at the same time try again this often.
const ATTEMPTS: usize = 5;
/// Parts that one transaction takes.
const TOGETHER: usize = 100;
/// How far ahead of their end stamps are taken off, and how often: a week of failures loses nothing.
const TENDED_AHEAD: Duration = Duration::from_hours(30 * 24);
const TENDED_EVERY: Duration = Duration::from_hours(24);

/// What a hold may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One conversation.
    Conversation(ConversationId),
    /// A lead with all of its contacts' conversations, those to come included.
    Lead(LeadId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conversation(id) => id.fmt(f),
            Self::Lead(id) => id.fmt(f),
        }
    }
}

/// The text names neither a conversation nor a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is neither a conversation (conv_…) nor a lead (lead_…)")]
pub struct NoSubject;

impl FromStr for Subject {
    type Err = NoSubject;

    fn from_str(text: &str) -> Result<Self, NoSubject> {
        let conversation = text.parse().map(Self::Conversation);
        conversation
            .or_else(|_| text.parse().map(Self::Lead))
            .map_err(|_| NoSubject)
    }
}

/// The holds of one tenant.
#[derive(Clone, Debug)]
pub struct Holds {
    store: Store,
    tenant: TenantId,
    key: TenantKey,
}

impl Platform {
    /// The holds of a tenant, as the operator: no function's own role may do this. `None` if there is no such
    /// tenant.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn holds_of(&self, tenant: TenantId) -> Result<Option<Holds>, KeyringError> {
        let key = self.read_tenant_key(tenant).await?;
        Ok(key.map(|key| Holds {
            store: self.platform_store(),
            tenant,
            key,
        }))
    }
}

impl TenantScope {
    /// The tenant's holds.
    pub fn holds(&self) -> Holds {
        Holds {
            store: self.store().clone(),
            tenant: self.tenant(),
            key: self.key().clone(),
        }
    }

    /// Deletes the keys of whole contacts, which wrap all the others; or, if a conversation is named, that one's
    /// alone. All of them, or none if a hold protects one. Keys that are gone already are fine.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_keys(
        &self,
        contacts: &[ContactRef],
        conversation: Option<ConversationId>,
    ) -> Result<Written, StoreError> {
        let (store, tenant) = (self.store(), self.tenant());
        let unheld = [When::Missing("held")];
        match (contacts, conversation) {
            (contacts, Some(conversation)) => {
                let mut parts = Vec::new();
                for contact in contacts {
                    let unheld = [
                        When::Lacks("held", json!(contact.id)),
                        When::Lacks("held", json!(conversation)),
                    ];
                    parts.push(store.demanding(&keys::contact_key(tenant, contact.id), &unheld)?);
                    let key = keys::conversation_key(tenant, contact.id, conversation);
                    parts.push(store.deleting(&key, &[])?);
                }
                self.all_together(parts).await
            }
            // One alone needs no transaction, which would cost twice as much.
            ([contact], None) => {
                store
                    .delete_if(&keys::contact_key(tenant, contact.id), &unheld)
                    .await
            }
            (contacts, None) => {
                let parts = contacts
                    .iter()
                    .map(|contact| store.deleting(&keys::contact_key(tenant, contact.id), &unheld));
                self.all_together(parts.collect::<Result<_, _>>()?).await
            }
        }
    }

    async fn all_together(&self, parts: Vec<Part>) -> Result<Written, StoreError> {
        if parts.is_empty() {
            return Ok(Written::Yes);
        }
        self.store().together(parts).await
    }
}

impl Holds {
    /// Places a hold. `None` if the subject is not there, or already forgotten.
    ///
    /// # Errors
    /// [`StoreError`]; if the marks of a contact are changed by others all the time, nothing was placed.
    pub async fn place(&self, subject: Subject, reason: String) -> Result<Option<Hold>, StoreError> {
        let Some(contacts) = self.contacts_of(subject).await? else {
            return Ok(None);
        };
        let now = self.store.clock.now();
        let conversation = match subject {
            Subject::Conversation(id) => Some(id),
            Subject::Lead(_) => None,
        };
        let hold = Hold {
            id: HoldId::generate(now, self.store.entropy.as_ref()).into(),
            subject: label(&subject)?.into(),
            contacts: contacts.into(),
            conversation: conversation.into(),
            placed_at: now.into(),
            released_at: None.into(),
            tended_at: None.into(),
            reason: reason.into(),
        };
        for _ in 0..ATTEMPTS {
            let row = keys::hold(self.tenant, *hold.id);
            let mut parts = vec![self.store.putting(&row, &hold, &self.key, When::Absent)?];
            for contact in hold.contacts.iter() {
                let Some(mut marks) = self.marks(contact.id).await? else {
                    return Ok(None);
                };
                let before = marks.clone();
                marks.push(mark(&hold, contact.id)?);
                parts.push(self.marking(contact.id, &before, &marks)?);
                if let Some(conversation) = conversation {
                    let key = keys::conversation_key(self.tenant, contact.id, conversation);
                    if self.store.get_row(&key, true).await?.is_none() {
                        return Ok(None);
                    }
                    parts.push(self.store.demanding(&key, &[When::Present])?);
                }
            }
            if parts.len() > TOGETHER {
                return Err(contended("HoldTooLarge"));
            }
            if self.store.together(parts).await?.happened() {
                self.take_off_stamps(&hold, None).await?;
                return Ok(Some(hold));
            }
        }
        Err(contended("HoldContended"))
    }

    /// Releases a hold; `None` if there is none. Released twice, it stays released since the first time. What is
    /// past its period by then goes with the next sweep.
    ///
    /// # Errors
    /// As [`Self::place`].
    pub async fn release(&self, id: HoldId) -> Result<Option<Hold>, StoreError> {
        let row = keys::hold(self.tenant, id);
        for _ in 0..ATTEMPTS {
            let Some(mut hold) = self.store.get(&row, &self.key, true).await? else {
                return Ok(None);
            };
            if hold.released_at.is_some() {
                return Ok(Some(hold));
            }
            let now = self.store.clock.now();
            let set = vec![("released_at", json!(now))];
            let mut parts =
                vec![
                    self.store
                        .updating(&row, set, &[When::Present, When::Missing("released_at")])?,
                ];
            for contact in hold.contacts.iter() {
                let Some(mut marks) = self.marks(contact.id).await? else {
                    continue;
                };
                let before = marks.clone();
                let mark = mark(&hold, contact.id)?;
                if let Some(at) = marks.iter().position(|found| *found == mark) {
                    marks.remove(at);
                    parts.push(self.marking(contact.id, &before, &marks)?);
                }
            }
            if self.store.together(parts).await?.happened() {
                hold.released_at = Some(now).into();
                return Ok(Some(hold));
            }
        }
        Err(contended("HoldContended"))
    }

    /// All holds, the released ones too, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all(&self) -> Result<Vec<Hold>, StoreError> {
        let rows = self.store.query_all(&keys::holds(self.tenant)).await?;
        rows.into_iter()
            .map(|row| self.store.open(row, &self.key))
            .collect()
    }

    /// What is protected at this moment: one Query, of nothing where there are no holds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn protected(&self) -> Result<Protected, StoreError> {
        let mut holds = self.all().await?;
        holds.retain(|hold| hold.released_at.is_none());
        Ok(Protected::by(holds))
    }

    /// Keeps the database from removing what a hold protects, once a day: what was written since has stamps
    /// again. Says how many stamps were taken off.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tend(&self, hold: &Hold) -> Result<u64, StoreError> {
        let now = self.store.clock.now();
        if hold.tended_at.is_some_and(|at| now.since(at) < TENDED_EVERY) {
            return Ok(0);
        }
        self.take_off_stamps(hold, Some(now.plus(TENDED_AHEAD))).await
    }

    async fn take_off_stamps(&self, hold: &Hold, until: Option<Timestamp>) -> Result<u64, StoreError> {
        let until = until.unwrap_or(Timestamp::from_millis(9_999_999_999_999));
        let mut unstamped = 0;
        for conversation in self.conversations_of(hold).await? {
            let rows = keys::conversation_rows(self.tenant, conversation);
            unstamped += self.store.unstamp(&rows, until).await?;
        }
        let row = keys::hold(self.tenant, *hold.id);
        let set = vec![("tended_at", json!(self.store.clock.now()))];
        let _released_and_gone = self.store.update(&row, set, vec![When::Present]).await?;
        Ok(unstamped)
    }

    async fn conversations_of(&self, hold: &Hold) -> Result<Vec<ConversationId>, StoreError> {
        if let Some(conversation) = *hold.conversation {
            return Ok(vec![conversation]);
        }
        let mut conversations = Vec::new();
        for contact in hold.contacts.iter() {
            let range = keys::contact_keys(self.tenant, contact.id);
            let rows = self.store.query_all(&range).await?;
            let named = rows.iter().filter_map(|row| row.sk()?.parse().ok());
            conversations.extend(named.collect::<Vec<ConversationId>>());
        }
        Ok(conversations)
    }

    async fn contacts_of(&self, subject: Subject) -> Result<Option<Vec<ContactRef>>, StoreError> {
        let contacts = match subject {
            Subject::Conversation(id) => {
                let row = self
                    .store
                    .get_row(&keys::conversation(self.tenant, id), true)
                    .await?;
                row.and_then(|row| row.peek::<ContactRef>("contact"))
                    .map(|contact| vec![contact])
            }
            Subject::Lead(id) => {
                let row = keys::lead(self.tenant, id);
                let lead: Option<Lead> = self.store.get(&row, &DataKey::none(), true).await?;
                lead.map(|lead| lead.contacts.0)
            }
        };
        Ok(contacts.filter(|contacts| !contacts.is_empty()))
    }

    /// What holds protect of a contact; `None` if the contact is forgotten.
    async fn marks(&self, contact: ContactId) -> Result<Option<Vec<Label>>, StoreError> {
        let row = keys::contact_key(self.tenant, contact);
        let key = self.store.get(&row, &DataKey::none(), true).await?;
        Ok(key.map(|key| key.held.0.unwrap_or_default()))
    }

    fn marking(&self, contact: ContactId, before: &[Label], after: &[Label]) -> Result<Part, StoreError> {
        let row = keys::contact_key(self.tenant, contact);
        let unchanged = if before.is_empty() {
            When::Missing("held")
        } else {
            When::Is("held", json!(before))
        };
        let held = if after.is_empty() {
            json!(null)
        } else {
            json!(after)
        };
        self.store
            .updating(&row, vec![("held", held)], &[When::Present, unchanged])
    }
}

/// What a hold protects of a contact: one conversation, or all of it.
fn mark(hold: &Hold, contact: ContactId) -> Result<Label, StoreError> {
    match *hold.conversation {
        Some(conversation) => label(&conversation),
        None => label(&contact),
    }
}

fn label(id: &impl ToString) -> Result<Label, StoreError> {
    id.to_string().parse().map_err(|_| {
        usher_shared::record::Malformed {
            kind: "hold",
            field: "subject",
        }
        .into()
    })
}

fn contended(code: &str) -> StoreError {
    StoreError::Database {
        operation: "TransactWriteItems",
        code: code.to_owned(),
    }
}
