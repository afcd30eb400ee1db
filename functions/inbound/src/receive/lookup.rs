//! Finding what is stored by what a carrier calls it. Nothing is indexed for it: an inbound message's id ends with the
//! hash of the carrier's id, an outbound one carries that hash, and what carriers tell about messages is about recent
//! ones. So the newest rows of the person's conversations are looked through, which costs those who ask and nobody else.

use usher_aws::TenantScope;
use usher_aws::sealing::{ContactKeys, DataKey, KeyringError};
use usher_aws::store::{Read, Row, StoreError, keys};
use usher_carriers::event::Person;
use usher_shared::ids::{ConversationId, MessageId};
use usher_shared::model::{ContactRef, Direction};
use usher_shared::record::key;
use usher_shared::untrusted::KeyedHash;

use super::Pseudonyms;
use super::place::Known;

/// Rows that are looked at in one conversation, newest first.
const NEWEST: usize = 200;
const PAGE: usize = 50;

/// A person who is known, with the keys to what they wrote.
pub(super) struct Acquaintance {
    pub(super) contact: ContactRef,
    pub(super) conversation: ConversationId,
    pub(super) keys: ContactKeys,
}

/// A message that was found.
pub(super) struct Stored {
    pub(super) row: Row,
    pub(super) id: MessageId,
    pub(super) conversation: ConversationId,
    pub(super) key: DataKey<key::Conversation>,
}

impl Acquaintance {
    /// The person, if they ever wrote and were not forgotten.
    pub(super) async fn find(
        scope: &TenantScope,
        pseudonyms: &Pseudonyms<'_>,
        person: &Person,
    ) -> Result<Option<Self>, KeyringError> {
        let addresses = [Some(&person.address), person.alias.as_ref()];
        for address in addresses.into_iter().flatten() {
            let address = pseudonyms.address(address);
            let row = scope
                .store()
                .get_row(&keys::contact(scope.tenant(), address), true)
                .await?;
            let Some(known) = row.as_ref().and_then(Known::of) else {
                continue;
            };
            let Some(keys) = scope.contact_keys(known.id).await? else {
                continue;
            };
            return Ok(Some(Self {
                contact: ContactRef {
                    address,
                    id: known.id,
                },
                conversation: known.conversation,
                keys,
            }));
        }
        Ok(None)
    }

    /// The newest message of the person's conversations that fits, the one in progress first.
    pub(super) async fn newest(
        &self,
        scope: &TenantScope,
        fits: impl Fn(MessageId, &Row) -> bool,
    ) -> Result<Option<Stored>, KeyringError> {
        let others = self.keys.conversations().filter(|id| *id != self.conversation);
        for conversation in std::iter::once(self.conversation).chain(others) {
            let Some(key) = self.keys.conversation(conversation)? else {
                continue;
            };
            if let Some((id, row)) = newest_in(scope, conversation, &fits).await? {
                return Ok(Some(Stored {
                    row,
                    id,
                    conversation,
                    key,
                }));
            }
        }
        Ok(None)
    }

    /// What the person wrote under a carrier's id.
    pub(super) async fn written(
        &self,
        scope: &TenantScope,
        event: KeyedHash,
    ) -> Result<Option<Stored>, KeyringError> {
        let tail = event.tail();
        self.newest(scope, |id, _| id == MessageId::derived(id.at(), tail))
            .await
    }

    /// What was said to the person under a carrier's id.
    pub(super) async fn said(
        &self,
        scope: &TenantScope,
        carrier: KeyedHash,
    ) -> Result<Option<Stored>, KeyringError> {
        self.newest(scope, |_, row| row.peek("carrier") == Some(carrier))
            .await
    }
}

async fn newest_in(
    scope: &TenantScope,
    conversation: ConversationId,
    fits: &impl Fn(MessageId, &Row) -> bool,
) -> Result<Option<(MessageId, Row)>, StoreError> {
    let range = keys::messages(scope.tenant(), conversation, None);
    let mut read = Read {
        limit: PAGE,
        backward: true,
        consistent: true,
        after: None,
    };
    let mut seen = 0;
    while seen < NEWEST {
        let page = scope.store().query(&range, &read).await?;
        seen += page.rows.len();
        for row in page.rows {
            if let Some(id) = row.peek("id")
                && fits(id, &row)
            {
                return Ok(Some((id, row)));
            }
        }
        read.after = page.next;
        if read.after.is_none() {
            break;
        }
    }
    Ok(None)
}

/// The outbound messages of a conversation that are at or before a time, newest first, of the newest page.
pub(super) async fn outbound_until(
    scope: &TenantScope,
    conversation: ConversationId,
    until: usher_shared::Timestamp,
) -> Result<Vec<Row>, StoreError> {
    let range = keys::messages(scope.tenant(), conversation, None);
    let read = Read {
        limit: PAGE,
        backward: true,
        consistent: true,
        after: None,
    };
    let rows = scope.store().query(&range, &read).await?.rows.into_iter();
    Ok(rows
        .filter(|row| row.peek::<Direction>("direction") == Some(Direction::Outbound))
        .filter(|row| row.peek::<MessageId>("id").is_some_and(|id| id.at() <= until))
        .collect())
}
