//! Reading a conversation: its head, its keys and its newest messages, as one act. What is forgotten is
//! `None`, wherever in the chain its key is missing.

mod readable;

use std::time::Duration;

use serde_json::json;
use usher_shared::ids::{ConversationId, MessageId};
use usher_shared::model::{ContactRef, ConversationState, Processing};
use usher_shared::policy::Course;
use usher_shared::record::key;
use usher_shared::records::{Contact, Conversation, Message};
use usher_shared::{Sealed, Timestamp};

pub use self::readable::Readable;
use crate::scope::TenantScope;
use crate::sealing::{ContactKeys, DataKey, KeyringError};
use crate::store::{Part, Read, Row, StoreError, When, Written, keys};

/// How exactly the inbox is in the order of activity.
const TOP_STEP: Duration = Duration::from_mins(1);

/// A conversation with the keys that open it.
#[derive(Debug)]
pub struct OpenConversation {
    /// Its head.
    pub head: Conversation,
    /// Its key.
    pub key: DataKey<key::Conversation>,
    /// The keys of its contact.
    pub contact_keys: ContactKeys,
}

impl TenantScope {
    /// Opens a conversation; `None` if there is none or it is forgotten or past its period.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn open_conversation(
        &self,
        id: ConversationId,
    ) -> Result<Option<OpenConversation>, KeyringError> {
        match self
            .store()
            .get_row(&keys::conversation(self.tenant(), id), true)
            .await?
        {
            None => Ok(None),
            Some(row) => self.open_head(row).await,
        }
    }

    /// Opens the head of a conversation that a list gave.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn open_head(&self, row: Row) -> Result<Option<OpenConversation>, KeyringError> {
        let (Some(contact), Some(id)) = (row.peek::<ContactRef>("contact"), row.peek("id")) else {
            return Ok(None);
        };
        let Some(contact_keys) = self.contact_keys(contact.id).await? else {
            return Ok(None);
        };
        let Some(key) = contact_keys.conversation(id)? else {
            return Ok(None);
        };
        let course = row.course();
        let mut head: Conversation = self.store().open(row, &key)?;
        // The title is the first message's words and ends with it, however long the conversation goes on.
        let title_has_ended =
            |course: &Course| self.policy().has_ended_in(course, *head.created_at, self.now());
        if course.as_ref().is_none_or(title_has_ended) {
            head.title = Sealed::from(String::new());
        }
        Ok(Some(OpenConversation {
            head,
            key,
            contact_keys,
        }))
    }

    /// Opens a conversation together with its `newest` latest messages, oldest first: one Query and one for
    /// the keys.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn open_with_messages(
        &self,
        id: ConversationId,
        newest: usize,
    ) -> Result<Option<(OpenConversation, Vec<Message>)>, KeyringError> {
        let range = keys::head_and_messages(self.tenant(), id);
        let read = Read {
            limit: newest + 1,
            backward: true,
            consistent: true,
            after: None,
        };
        let mut rows = self.store().query(&range, &read).await?.rows.into_iter();
        let Some(head) = rows.next().filter(|row| row.kind() == Some("conversation")) else {
            return Ok(None);
        };
        let Some(open) = self.open_head(head).await? else {
            return Ok(None);
        };
        let mut messages = rows
            .map(|row| self.store().open::<Message>(row, &open.key))
            .collect::<Result<Vec<_>, StoreError>>()?;
        messages.reverse();
        Ok(Some((open, messages)))
    }

    /// Who answers a conversation at this moment; `None` if it is gone. Opens nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn conversation_state(
        &self,
        id: ConversationId,
    ) -> Result<Option<ConversationState>, StoreError> {
        let row = self
            .store()
            .get_row(&keys::conversation(self.tenant(), id), true)
            .await?;
        Ok(row.and_then(|row| row.peek("state")))
    }

    /// Who answers a conversation at this moment, and what may be done in it; `None` if it is gone. Opens nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn conversation_standing(
        &self,
        id: ConversationId,
    ) -> Result<Option<(ConversationState, Processing)>, StoreError> {
        let row = keys::conversation(self.tenant(), id);
        let row = self.store().get_row(&row, true).await?;
        Ok(row.and_then(|row| Some((row.peek("state")?, row.peek("processing").unwrap_or_default()))))
    }

    /// Moves a conversation into `state` and to the top of the inbox, if it is in one of the states `from`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn move_conversation(
        &self,
        id: ConversationId,
        from: &[ConversationState],
        state: ConversationState,
        at: Timestamp,
        answered_through: Option<MessageId>,
    ) -> Result<Written, StoreError> {
        let listing = keys::conversation_listing(self.tenant(), id, at);
        let row = keys::conversation(self.tenant(), id).listed(listing);
        let set = vec![("last_activity", json!(at))];
        self.write_head(row, set, from, state, answered_through).await
    }

    /// As [`Self::move_conversation`], together with another write: both happen, or neither.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn move_conversation_and(
        &self,
        id: ConversationId,
        from: &[ConversationState],
        state: ConversationState,
        at: Timestamp,
        answered_through: Option<MessageId>,
        also: Part,
    ) -> Result<Written, StoreError> {
        let listing = keys::conversation_listing(self.tenant(), id, at);
        let row = keys::conversation(self.tenant(), id).listed(listing);
        let mut set = vec![("state", json!(state)), ("last_activity", json!(at))];
        set.extend(wait(from, state, at));
        if let Some(message) = answered_through {
            set.push(("answered_through", json!(message)));
        }
        let when = When::OneOf("state", from.iter().map(|state| json!(state)).collect());
        let moving = self.store().updating(&row, set, &[when])?;
        self.store().together(vec![moving, also]).await
    }

    /// As [`Self::move_conversation`] from the state that `head` has. A conversation that changes its state or was
    /// last moved a minute ago goes to the top; otherwise it stays where it is: moving it in the index costs
    /// as much as everything else of a turn's end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_up_conversation(
        &self,
        head: &Conversation,
        state: ConversationState,
        at: Timestamp,
        answered_through: Option<MessageId>,
    ) -> Result<Written, StoreError> {
        let from = [*head.state];
        // A head that no turn has passed is not listed yet.
        let listed = head.answered_through.is_some();
        if listed && state == *head.state && at.since(*head.last_activity) < TOP_STEP {
            let row = keys::conversation(self.tenant(), *head.id);
            return self
                .write_head(row, Vec::new(), &from, state, answered_through)
                .await;
        }
        self.move_conversation(*head.id, &from, state, at, answered_through)
            .await
    }

    /// Writes into the newest decision of the AI that a person takes the conversation over. The first one to do so
    /// counts. Before the conversation moves, so that an attempt that dies in between does it again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_takeover(&self, id: ConversationId, at: Timestamp) -> Result<(), StoreError> {
        let read = Read {
            limit: 1,
            backward: true,
            consistent: true,
            after: None,
        };
        let traces = self
            .store()
            .query(&keys::traces(self.tenant(), id), &read)
            .await?;
        let newest = traces.rows.first();
        let newest = newest.filter(|row| row.peek::<Timestamp>("taken_over_at").is_none());
        if let Some(trace) = newest.and_then(|row| row.peek("id")) {
            let row = keys::trace(self.tenant(), id, trace);
            let set = vec![("taken_over_at", json!(at))];
            let when = vec![When::Present, When::Missing("taken_over_at")];
            let _noted_or_gone_meanwhile = self.store().update(&row, set, when).await?;
        }
        Ok(())
    }

    async fn write_head(
        &self,
        row: keys::Key<Conversation>,
        mut set: Vec<(&'static str, serde_json::Value)>,
        from: &[ConversationState],
        state: ConversationState,
        answered_through: Option<MessageId>,
    ) -> Result<Written, StoreError> {
        set.push(("state", json!(state)));
        set.extend(wait(from, state, self.now()));
        if let Some(message) = answered_through {
            set.push(("answered_through", json!(message)));
        }
        let when = When::OneOf("state", from.iter().map(|state| json!(state)).collect());
        self.store().update(&row, set, vec![when]).await
    }

    /// Changes the sealed fields of a conversation's head, if `change` says of the head as it is opened that there is
    /// something to change. `No` if the conversation moved meanwhile: then nothing is changed.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn rewrite_head(
        &self,
        id: ConversationId,
        change: impl Fn(&mut Conversation) -> bool,
    ) -> Result<Written, KeyringError> {
        let Some(mut open) = self.open_conversation(id).await? else {
            return Ok(Written::Yes);
        };
        if !change(&mut open.head) {
            return Ok(Written::Yes);
        }
        let activity = *open.head.last_activity;
        let mut row = keys::conversation(self.tenant(), id);
        // A head that no turn has passed is not listed yet.
        if open.head.answered_through.is_some() || *open.head.state != ConversationState::Ai {
            row = row.listed(keys::conversation_listing(self.tenant(), id, activity));
        }
        // The day that it is about may be set without any activity.
        let event = match open.head.event_at.0 {
            Some(event) => When::Is("event_at", json!(event)),
            None => When::Missing("event_at"),
        };
        let when = When::Both(
            Box::new(When::Is("last_activity", json!(activity))),
            Box::new(event),
        );
        Ok(self.store().put(&row, &open.head, &open.key, when).await?)
    }

    /// A contact with the keys that open it; `None` if it is forgotten.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn open_contact(
        &self,
        contact: ContactRef,
    ) -> Result<Option<(Contact, ContactKeys)>, KeyringError> {
        let Some(contact_keys) = self.contact_keys(contact.id).await? else {
            return Ok(None);
        };
        let row = keys::contact(self.tenant(), contact.address);
        let found = self.store().get_row(&row, true).await?;
        // The address may belong to a fresh contact by now, after the old one was forgotten.
        let Some(found) = found.filter(|row| row.peek("id") == Some(contact.id)) else {
            return Ok(None);
        };
        let opened = self.store().open(found, contact_keys.contact())?;
        Ok(Some((opened, contact_keys)))
    }
}

/// What a move into `state` says of the wait for a person: it begins, and nobody knows of it yet; it goes on; or it is
/// over.
fn wait(
    from: &[ConversationState],
    state: ConversationState,
    at: Timestamp,
) -> Vec<(&'static str, serde_json::Value)> {
    let waits = ConversationState::WaitingForHuman;
    let since = match (from.contains(&waits), state == waits) {
        (false, true) => json!(at),
        (true, false) => json!(null),
        // It goes on, or there is none.
        (true, true) | (false, false) => return Vec::new(),
    };
    vec![("waiting_since", since), ("acknowledged_at", json!(null))]
}
