//! Where a message goes: its contact and conversation, found or made.

use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::sealing::{ContactKeys, DataKey, KeyringError};
use usher_aws::store::{Row, StoreError, When, keys};
use usher_shared::ids::{ContactId, ConversationId};
use usher_shared::model::{ContactRef, ConversationState, Processing, Profile, Reach};
use usher_shared::record::key;
use usher_shared::records::{ChannelAddress, Contact, Conversation, ConversationAge};
use usher_shared::rights::Asked;
use usher_shared::untrusted::KeyedHash;
use usher_shared::{Category, Timestamp};

use super::{Copies, Thread};

/// Two creators of one contact race at most this often before the error is the caller's.
const RACES: usize = 3;
/// Characters of the first message that name a conversation.
const TITLE: usize = 80;

/// The contact and conversation that a message goes to.
pub(crate) struct Place {
    pub(crate) contact: ContactRef,
    pub(crate) conversation: ConversationId,
    pub(crate) keys: ContactKeys,
    pub(crate) last_seen: Timestamp,
    /// What the person was asked back about their data.
    pub(crate) asked: Option<Asked>,
}

/// What is looked for.
pub(crate) struct Wanted<'a> {
    pub(crate) channel: &'a ChannelAddress,
    /// Hash of the person's address.
    pub(crate) address: KeyedHash,
    /// Hash of what the person was known by before.
    pub(crate) alias: Option<KeyedHash>,
    /// Hash of the event.
    pub(crate) event: KeyedHash,
    /// The event's own time.
    pub(crate) copies: Copies,
    pub(crate) at: Option<Timestamp>,
    pub(crate) thread: Thread,
    /// The first words, for the title of a conversation that begins.
    pub(crate) text: &'a str,
    pub(crate) profile: &'a Profile,
    pub(crate) reach: Option<&'a Reach>,
    pub(crate) now: Timestamp,
}

/// Where something is found.
pub(crate) enum Found {
    /// Here.
    Here(Box<Place>),
    /// It belongs to what was forgotten, or was taken back before it came.
    Forgotten,
}

impl Wanted<'_> {
    /// Finds where a message goes. Reads eventually first: every way in which that can be stale ends in a consistent
    /// read of the keys or in a lost conditional write, and then the loop looks again.
    pub(crate) async fn find(mut self, scope: &TenantScope) -> Result<Found, KeyringError> {
        self.take_alias(scope).await?;
        let row = keys::contact(scope.tenant(), self.address);
        let mut marked_before = false;
        for race in 0..RACES {
            let found = scope.store().get_row(&row, race > 0).await?;
            let erased_at = found.as_ref().and_then(|row| row.peek::<Timestamp>("erased_at"));
            // A late delivery of what was erased brings nobody back, and neither does one of what was taken back.
            if erased_at.is_some_and(|erased| self.at.is_some_and(|at| at <= erased))
                || self.is_withdrawn(found.as_ref())
            {
                return Ok(Found::Forgotten);
            }
            let known = match found.as_ref().and_then(Known::of) {
                None => None,
                Some(known) => match scope.contact_keys(known.id).await? {
                    // The person was forgotten; the row will say so soon.
                    None => Some(Err(known.id)),
                    Some(keys) => {
                        if let Some(conversation) = self.conversation(scope, &known, &keys).await? {
                            return Ok(Found::Here(Box::new(Place {
                                contact: self.contact(known.id),
                                conversation,
                                keys,
                                last_seen: known.last_seen,
                                asked: known.asked,
                            })));
                        }
                        Some(Ok((keys, known)))
                    }
                },
            };
            // Something new is about to begin. Not for an event that is known from before: where events carry no
            // time, their markers stay.
            let marker = keys::marker(scope.tenant(), self.address, self.event);
            if self.is_marked() && scope.store().get_row(&marker, true).await?.is_some() {
                // A marker is left after its contact was made. So if it was there before the contact was looked
                // for, the contact is gone; otherwise another delivery may have made both in between.
                if marked_before {
                    return Ok(Found::Forgotten);
                }
                marked_before = true;
                continue;
            }
            let made = match (known, erased_at) {
                (None, None) => self.start_contact(scope, erased_at, When::AbsentOrEnded).await?,
                // A watermark: a new message starts a fresh, unlinked contact in its place.
                (None, Some(erased)) => {
                    let when = When::Is("erased_at", json!(erased));
                    self.start_contact(scope, erased_at, when).await?
                }
                (Some(Err(forgotten)), _) => {
                    let when = When::Is("id", json!(forgotten));
                    self.start_contact(scope, erased_at, when).await?
                }
                (Some(Ok((keys, known))), _) => self.start_conversation(scope, keys, &known).await?,
            };
            if let Some(place) = made {
                return Ok(Found::Here(Box::new(place)));
            }
        }
        Err(StoreError::Database {
            operation: "PutItem",
            code: "ContactContended".to_owned(),
        }
        .into())
    }

    /// Goes on under what the person was known by before, if only that is known.
    async fn take_alias(&mut self, scope: &TenantScope) -> Result<(), StoreError> {
        let Some(alias) = self.alias else { return Ok(()) };
        let row = |address| keys::contact(scope.tenant(), address);
        if scope.store().get_row(&row(self.address), false).await?.is_none()
            && scope.store().get_row(&row(alias), false).await?.is_some()
        {
            self.address = alias;
        }
        Ok(())
    }

    fn is_withdrawn(&self, row: Option<&Row>) -> bool {
        let withdrawn = row.and_then(|row| row.peek::<Vec<KeyedHash>>("withdrawn"));
        withdrawn.is_some_and(|withdrawn| withdrawn.contains(&self.event))
    }

    fn contact(&self, id: ContactId) -> ContactRef {
        ContactRef {
            address: self.address,
            id,
        }
    }

    /// Whether a marker tells its repetitions: it has no time of its own that they all have, or it begins a
    /// conversation, which a repetition must find.
    pub(crate) fn is_marked(&self) -> bool {
        self.at.is_none() || self.copies == Copies::TimesApart || self.thread == Thread::New
    }

    /// The conversation that it goes on with, if there is one.
    async fn conversation(
        &self,
        scope: &TenantScope,
        known: &Known,
        keys: &ContactKeys,
    ) -> Result<Option<ConversationId>, KeyringError> {
        let wanted = match self.thread {
            Thread::Current => {
                if self.is_over(scope, known).await? {
                    return Ok(None);
                }
                known.conversation
            }
            Thread::This(named) if keys.conversation(named)?.is_some() => named,
            Thread::This(_) => known.conversation,
            Thread::New => {
                let row = keys::marker(scope.tenant(), self.address, self.event);
                let marker = scope.store().get(&row, &DataKey::none(), true).await?;
                match marker {
                    None => return Ok(None),
                    Some(marker) => *marker.conversation,
                }
            }
        };
        Ok(keys.conversation(wanted)?.map(|_| wanted))
    }

    /// Whether a contact's conversation is past its period, so that the next message begins another.
    async fn is_over(&self, scope: &TenantScope, known: &Known) -> Result<bool, StoreError> {
        let policy = scope.policy();
        if !policy.may_have_ended(Category::Conversation, known.last_seen, self.now) {
            return Ok(false);
        }
        if !policy.depends_on_course(Category::Conversation) {
            return Ok(true);
        }
        let row = keys::conversation(scope.tenant(), known.conversation);
        Ok(scope.store().get_row(&row, true).await?.is_none())
    }

    /// Makes a contact with its first conversation: keys, then head, then the row that makes both findable.
    /// `None` if another delivery was first.
    async fn start_contact(
        &self,
        scope: &TenantScope,
        erased_at: Option<Timestamp>,
        when: When,
    ) -> Result<Option<Place>, KeyringError> {
        let contact = self.contact(ContactId::generate(self.now, scope.entropy()));
        let conversation = ConversationId::generate(self.now, scope.entropy());
        let keys = scope.create_contact_keys(contact.id, conversation).await?;
        self.put_head(scope, contact, &keys, conversation).await?;
        let record = Contact {
            address: self.address.into(),
            id: contact.id.into(),
            channel: self.channel.channel,
            first_seen: self.now.into(),
            last_seen: self.now.into(),
            conversation: conversation.into(),
            lead: None.into(),
            erased_at: erased_at.into(),
            withdrawn: None.into(),
            asked: None.into(),
            corrected: None.into(),
            revision: None.into(),
            profile: self.profile.clone().into(),
            reach: self.reach.cloned().into(),
        };
        let row = keys::contact(scope.tenant(), self.address);
        let written = scope.store().put(&row, &record, keys.contact(), when).await?;
        // An answer may be lost on its way and the write be tried again: then it was us who were first, and others may
        // use these keys already.
        let won = written.happened() || is_ours(scope, &row, "id", contact.id).await?;
        if won {
            return Ok(Some(Place {
                contact,
                conversation,
                keys,
                last_seen: self.now,
                asked: None,
            }));
        }
        scope.delete_contact_keys(contact.id, conversation).await?;
        scope
            .store()
            .purge(&keys::conversation_rows(scope.tenant(), conversation))
            .await?;
        Ok(None)
    }

    /// Makes the next conversation of a known contact. `None` if another delivery was first.
    async fn start_conversation(
        &self,
        scope: &TenantScope,
        mut keys: ContactKeys,
        known: &Known,
    ) -> Result<Option<Place>, KeyringError> {
        let contact = self.contact(known.id);
        let conversation = ConversationId::generate(self.now, scope.entropy());
        scope.create_conversation_key(&mut keys, conversation).await?;
        self.put_head(scope, contact, &keys, conversation).await?;
        let row = keys::contact(scope.tenant(), self.address);
        let set = vec![
            ("conversation", json!(conversation)),
            ("last_seen", json!(self.now)),
        ];
        let when = vec![
            When::Is("id", json!(contact.id)),
            When::Is("conversation", json!(known.conversation)),
        ];
        let written = scope.store().update(&row, set, when).await?;
        let won = written.happened() || is_ours(scope, &row, "conversation", conversation).await?;
        if won {
            return Ok(Some(Place {
                contact,
                conversation,
                keys,
                last_seen: self.now,
                asked: known.asked,
            }));
        }
        scope
            .store()
            .delete(&keys::conversation_key(scope.tenant(), contact.id, conversation))
            .await?;
        scope
            .store()
            .purge(&keys::conversation_rows(scope.tenant(), conversation))
            .await?;
        Ok(None)
    }

    /// Writes the head of a new conversation. It is not listed yet: the first turn lists it, so that a
    /// conversation whose creator died is never seen empty.
    async fn put_head(
        &self,
        scope: &TenantScope,
        contact: ContactRef,
        contact_keys: &ContactKeys,
        id: ConversationId,
    ) -> Result<(), KeyringError> {
        let Some(key): Option<DataKey<key::Conversation>> = contact_keys.conversation(id)? else {
            return Ok(());
        };
        let head = Conversation {
            id: id.into(),
            contact: contact.into(),
            channel: self.channel.channel,
            state: ConversationState::Ai.into(),
            created_at: self.now.into(),
            last_activity: self.now.into(),
            answered_through: None.into(),
            processing: Some(contact_keys.processing())
                .filter(|processing| *processing != Processing::Full)
                .into(),
            waiting_since: None.into(),
            acknowledged_at: None.into(),
            ai_told: None.into(),
            event_at: None.into(),
            title: self.text.chars().take(TITLE).collect::<String>().into(),
            reach: self.reach.cloned().into(),
        };
        let age = ConversationAge {
            conversation: id.into(),
            contact: contact.into(),
            oldest: self.now.into(),
        };
        let row = keys::conversation_age(scope.tenant(), id).listed(keys::age_listing(
            scope.tenant(),
            id,
            self.now,
        ));
        let _fresh_id = scope
            .store()
            .put(&row, &age, &DataKey::none(), When::Absent)
            .await?;
        let row = keys::conversation(scope.tenant(), id);
        let _fresh_id = scope.store().put(&row, &head, &key, When::Absent).await?;
        Ok(())
    }
}

/// Whether a contact's row says what we wrote into it.
async fn is_ours<T: serde::de::DeserializeOwned + PartialEq>(
    scope: &TenantScope,
    row: &keys::Key<Contact>,
    field: &str,
    written: T,
) -> Result<bool, StoreError> {
    let found = scope.store().get_row(row, true).await?;
    Ok(found.and_then(|found| found.peek(field)) == Some(written))
}

/// What a contact's row says.
pub(crate) struct Known {
    pub(crate) id: ContactId,
    pub(crate) conversation: ConversationId,
    last_seen: Timestamp,
    asked: Option<Asked>,
}

impl Known {
    pub(crate) fn of(row: &Row) -> Option<Self> {
        Some(Self {
            id: row.peek("id")?,
            conversation: row.peek("conversation")?,
            last_seen: row.peek("last_seen")?,
            asked: row.peek("asked"),
        })
    }
}
