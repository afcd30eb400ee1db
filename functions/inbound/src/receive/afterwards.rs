//! What carriers tell after a message: that it was changed, taken back, delivered or read, that somebody else answered,
//! that something is wrong. Each is done once or changes nothing, in whatever order it comes.

use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::sealing::DataKey;
use usher_aws::store::{Read, StoreError, When, Written, keys};
use usher_carriers::event::{Person, What};
use usher_shared::Timestamp;
use usher_shared::channel::{ChannelHealth, ChannelState, ChannelTrouble, Delivery, Failure};
use usher_shared::ids::{ConversationId, MessageId, TraceId};
use usher_shared::masking::mask;
use usher_shared::message::Reference;
use usher_shared::model::{ConversationState, Direction, MessageBody, MessageState, Reach};
use usher_shared::record::{Sealed, key};
use usher_shared::records::{ChannelAddress, Conversation, Message};
use usher_shared::untrusted::KeyedHash;

use super::lookup::{Acquaintance, Stored, outbound_until};
use super::{Pseudonyms, ReceiveError, Received};

/// Events that were taken back before they came, and are remembered of one contact.
const WITHDRAWN: usize = 20;
/// Writers of one row race at most this often.
const RACES: usize = 3;

/// Takes everything but messages.
pub(super) async fn take(
    scope: &TenantScope,
    channel: &ChannelAddress,
    person: Option<Person>,
    event: &str,
    at: Option<Timestamp>,
    what: What,
) -> Result<Received, ReceiveError> {
    let pseudonyms = Pseudonyms::new(scope, *channel.channel);
    let afterwards = Afterwards {
        scope,
        channel,
        pseudonyms: &pseudonyms,
    };
    match what {
        What::Trouble(trouble) => afterwards.trouble(trouble).await?,
        What::Status {
            message,
            reference,
            delivery,
            failure,
        } => {
            let reference = reference.and_then(|text| text.parse().ok());
            afterwards
                .status(person, &message, reference, delivery, failure)
                .await?;
        }
        what => {
            let Some(person) = person else {
                return Ok(Received::Ignored("nobody"));
            };
            match what {
                What::Edited { message, text } => afterwards.edited(&person, &message, &text).await?,
                What::Unsent { message } => afterwards.unsent(&person, &message).await?,
                What::Reaction { message, emoji } => afterwards.reaction(&person, &message, emoji).await?,
                What::Watermark { until, delivery } => afterwards.watermark(&person, until, delivery).await?,
                What::Echo { reference, said } => {
                    return afterwards.echo(person, event, at, reference, said).await;
                }
                What::Moved { now } => afterwards.moved(&person, &now).await?,
                _ => return Ok(Received::Ignored("unknown")),
            }
        }
    }
    Ok(Received::Noted)
}

/// What is told on one channel.
pub(super) struct Afterwards<'a> {
    pub(super) scope: &'a TenantScope,
    pub(super) channel: &'a ChannelAddress,
    pub(super) pseudonyms: &'a Pseudonyms<'a>,
}

impl Afterwards<'_> {
    pub(super) async fn acquaintance(&self, person: &Person) -> Result<Option<Acquaintance>, ReceiveError> {
        Ok(Acquaintance::find(self.scope, self.pseudonyms, person).await?)
    }

    /// What a person wrote, or a reaction's target that we said.
    async fn find(&self, person: &Person, message: &str) -> Result<Option<Stored>, ReceiveError> {
        let Some(known) = self.acquaintance(person).await? else {
            return Ok(None);
        };
        let event = self.pseudonyms.event(&person.address, message);
        if let Some(written) = known.written(self.scope, event).await? {
            return Ok(Some(written));
        }
        Ok(known.said(self.scope, self.pseudonyms.carrier(message)).await?)
    }

    /// Opens a message, changes it and writes it back, if it was not taken back.
    async fn rewrite(&self, stored: Stored, change: impl Fn(&mut Message)) -> Result<(), ReceiveError> {
        let row = keys::message(self.scope.tenant(), stored.conversation, stored.id);
        for _ in 0..RACES {
            let found = self.scope.store().get(&row, &stored.key, true).await?;
            let Some(mut message) = found.filter(|message| message.withdrawn_at.is_none()) else {
                return Ok(());
            };
            let state = *message.state;
            change(&mut message);
            let when = When::Is("state", json!(state));
            let written = self.scope.store().put(&row, &message, &stored.key, when).await?;
            if written.happened() {
                return Ok(());
            }
        }
        Err(contended().into())
    }

    async fn edited(&self, person: &Person, message: &str, text: &str) -> Result<(), ReceiveError> {
        let Some(stored) = self.find(person, message).await? else {
            return Ok(());
        };
        if stored.row.peek::<Direction>("direction") != Some(Direction::Inbound) {
            return Ok(());
        }
        let text = mask(text, self.scope.masking()).text;
        let now = self.scope.now();
        self.rewrite(stored, |message| {
            let changed = MessageBody {
                text: text.clone(),
                ..message.body.get().clone()
            };
            message.body = Sealed::from(changed);
            message.edited_at = Some(now).into();
        })
        .await
    }

    async fn reaction(
        &self,
        person: &Person,
        message: &str,
        emoji: Option<String>,
    ) -> Result<(), ReceiveError> {
        let Some(stored) = self.find(person, message).await? else {
            return Ok(());
        };
        self.rewrite(stored, |message| {
            let changed = MessageBody {
                reaction: emoji.clone(),
                ..message.body.get().clone()
            };
            message.body = Sealed::from(changed);
        })
        .await
    }

    /// What was taken back is forgotten here too: its text, what quotes it, and itself if it comes later.
    async fn unsent(&self, person: &Person, message: &str) -> Result<(), ReceiveError> {
        let Some(known) = self.acquaintance(person).await? else {
            return Ok(());
        };
        let event = self.pseudonyms.event(&person.address, message);
        let Some(stored) = known.written(self.scope, event).await? else {
            return self.remember_withdrawn(&known, event).await;
        };
        let (id, conversation) = (stored.id, stored.conversation);
        let row = keys::message(self.scope.tenant(), conversation, id);
        let key: &DataKey<key::Conversation> = &stored.key;
        let Some(mut found) = self.scope.store().get(&row, key, true).await? else {
            return Ok(());
        };
        if found.withdrawn_at.is_some() {
            return Ok(());
        }
        // The message itself last: while it is as it was, a repetition does what is left.
        self.forget_quotes(conversation, id).await?;
        // Their files follow the rows.
        let attachments = keys::attachments_of(self.scope.tenant(), conversation, id);
        self.scope.store().purge(&attachments).await?;
        let title: String = found.body.get().text.clone();
        self.rewrite_head(conversation, |head| {
            let begins_with = head.title.get().as_str();
            let is_its = !begins_with.is_empty() && title.starts_with(begins_with);
            if is_its {
                head.title = Sealed::from(String::new());
            }
            is_its
        })
        .await?;
        found.withdrawn_at = Some(self.scope.now()).into();
        found.attachments = None.into();
        found.body = Sealed::from(MessageBody::default());
        let _erased_meanwhile = self.scope.store().put(&row, &found, key, When::Present).await?;
        Ok(())
    }

    /// A number that changed is another address: what it writes starts a contact of its own, which a person may join
    /// with the old one. What is still to be said goes there, and no more to a number that may be somebody else's.
    async fn moved(&self, before: &Person, now: &Person) -> Result<(), ReceiveError> {
        let Some(known) = self.acquaintance(before).await? else {
            return Ok(());
        };
        let reach = Reach {
            address: now.address.clone(),
            channel: None,
        };
        let conversations: Vec<_> = known.keys.conversations().collect();
        for conversation in conversations {
            self.rewrite_head(conversation, |head| {
                let is_elsewhere = head.reach.get().as_ref() != Some(&reach);
                head.reach = Some(reach.clone()).into();
                is_elsewhere
            })
            .await?;
        }
        let Some((mut contact, keys)) = self.scope.open_contact(known.contact).await? else {
            return Ok(());
        };
        contact.reach = Some(reach).into();
        let row = keys::contact(self.scope.tenant(), known.contact.address);
        let when = When::Is("id", json!(known.contact.id));
        let _fresh_contact = self
            .scope
            .store()
            .put(&row, &contact, keys.contact(), when)
            .await?;
        Ok(())
    }

    async fn rewrite_head(
        &self,
        conversation: ConversationId,
        change: impl Fn(&mut Conversation) -> bool,
    ) -> Result<(), ReceiveError> {
        for _ in 0..RACES {
            if self.scope.rewrite_head(conversation, &change).await?.happened() {
                return Ok(());
            }
        }
        Err(contended().into())
    }

    /// It may come later: then it is refused.
    async fn remember_withdrawn(&self, known: &Acquaintance, event: KeyedHash) -> Result<(), ReceiveError> {
        let row = keys::contact(self.scope.tenant(), known.contact.address);
        let found = self.scope.store().get_row(&row, true).await?;
        let mut withdrawn: Vec<KeyedHash> = found.and_then(|row| row.peek("withdrawn")).unwrap_or_default();
        if withdrawn.contains(&event) {
            return Ok(());
        }
        withdrawn.push(event);
        let too_many = withdrawn.len().saturating_sub(WITHDRAWN);
        withdrawn.drain(..too_many);
        let when = vec![When::Is("id", json!(known.contact.id))];
        let set = vec![("withdrawn", json!(withdrawn))];
        let _fresh_contact = self.scope.store().update(&row, set, when).await?;
        Ok(())
    }

    /// Removes the traces whose prompt may quote a message.
    async fn forget_quotes(&self, conversation: ConversationId, id: MessageId) -> Result<(), StoreError> {
        let range = keys::traces(self.scope.tenant(), conversation);
        let mut read = Read {
            limit: 50,
            backward: true,
            consistent: true,
            after: None,
        };
        loop {
            let page = self.scope.store().query(&range, &read).await?;
            for row in &page.rows {
                let since = row.peek::<Timestamp>("since");
                let Some(trace) = row.peek::<TraceId>("id") else {
                    continue;
                };
                let burst: Vec<MessageId> = row.peek("burst").unwrap_or_default();
                let later = MessageId::from(trace) >= id && since.is_none_or(|since| since <= id.at());
                if later || burst.contains(&id) {
                    let row = keys::trace(self.scope.tenant(), conversation, trace);
                    self.scope.store().delete(&row).await?;
                }
            }
            read.after = page.next;
            if read.after.is_none() {
                return Ok(());
            }
        }
    }

    async fn status(
        &self,
        person: Option<Person>,
        message: &str,
        reference: Option<Reference>,
        delivery: Delivery,
        failure: Option<Failure>,
    ) -> Result<(), ReceiveError> {
        let carrier = self.pseudonyms.carrier(message);
        let place = match (reference, person) {
            (Some(reference), _) => Some((reference.conversation, reference.message)),
            (None, Some(person)) => {
                let known = self.acquaintance(&person).await?;
                let stored = match known {
                    None => None,
                    Some(known) => known.said(self.scope, carrier).await?,
                };
                stored.map(|stored| (stored.conversation, stored.id))
            }
            (None, None) => None,
        };
        let Some((conversation, id)) = place else {
            return Ok(());
        };
        self.has_come(conversation, id, delivery, failure, Some(carrier))
            .await
    }

    /// A message of ours has come so far. What is known never moves back. Who hears of it before the answer to the call
    /// that sent it was written down leaves the carrier's id there, or later news would not find the message.
    pub(super) async fn has_come(
        &self,
        conversation: ConversationId,
        id: MessageId,
        delivery: Delivery,
        failure: Option<Failure>,
        carrier: Option<KeyedHash>,
    ) -> Result<(), ReceiveError> {
        let row = keys::message(self.scope.tenant(), conversation, id);
        let mut set = vec![("delivery", json!(delivery))];
        if let Some(carrier) = carrier {
            set.push(("carrier", json!(carrier)));
        }
        if let Some(failure) = failure {
            set.push(("failure", json!(failure)));
        }
        set.push((
            "state",
            json!(if delivery == Delivery::Undelivered {
                MessageState::Failed
            } else {
                MessageState::Sent
            }),
        ));
        // A status may overtake the answer to the call that sent it: the carrier has it, whatever we know.
        let from = [MessageState::Sending, MessageState::Sent, MessageState::Unknown];
        let when = vec![
            When::AbsentOrBelow("delivery", json!(delivery)),
            When::OneOf("state", from.iter().map(|state| json!(state)).collect()),
        ];
        let written = self.scope.store().update(&row, set, when).await?;
        if written.happened() && delivery == Delivery::Undelivered {
            let _with_a_person_already = self
                .scope
                .move_conversation(
                    conversation,
                    &ConversationState::OPEN_TO_AI,
                    ConversationState::WaitingForHuman,
                    self.scope.now(),
                    None,
                )
                .await?;
        }
        Ok(())
    }

    async fn watermark(
        &self,
        person: &Person,
        until: Timestamp,
        delivery: Delivery,
    ) -> Result<(), ReceiveError> {
        let Some(known) = self.acquaintance(person).await? else {
            return Ok(());
        };
        for row in outbound_until(self.scope, known.conversation, until).await? {
            let come = row.peek::<Delivery>("delivery");
            // Everything older was told by an earlier watermark.
            if come.is_some_and(|come| come >= delivery) {
                break;
            }
            // It speaks of what the carrier has. One of which nobody knows whether it left may not be among that: only
            // what names it, an echo or a state, says so.
            let state = row.peek::<MessageState>("state");
            if let (Some(MessageState::Sent), Some(id)) = (state, row.peek("id")) {
                self.has_come(known.conversation, id, delivery, None, None)
                    .await?;
            }
        }
        Ok(())
    }

    async fn trouble(&self, trouble: ChannelTrouble) -> Result<(), StoreError> {
        let row = keys::channel(self.scope.tenant(), *self.channel.channel);
        let found = self.scope.store().get_row(&row, true).await?;
        let health = found.and_then(|row| row.peek::<ChannelHealth>("health"));
        let health = ChannelHealth {
            checked_at: Some(self.scope.now()),
            trouble: Some(trouble),
            ..health.unwrap_or_default()
        };
        let set = vec![("health", json!(health))];
        let active = [ChannelState::Active, ChannelState::Paused].map(|state| json!(state));
        let _gone: Written = self
            .scope
            .store()
            .update(&row, set, vec![When::OneOf("state", active.to_vec())])
            .await?;
        tracing::error!(
            tenant.id = %self.scope.tenant(),
            channel.id = %*self.channel.channel,
            channel.trouble = ?trouble,
            "a carrier says that something is wrong with the channel"
        );
        Ok(())
    }
}

fn contended() -> StoreError {
    StoreError::Database {
        operation: "PutItem",
        code: "MessageContended".to_owned(),
    }
}
