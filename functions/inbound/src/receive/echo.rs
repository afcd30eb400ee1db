//! What was said in the business's name, as carriers repeat it.

use usher_aws::store::{Row, keys};
use usher_carriers::event::{Person, Said};
use usher_shared::Timestamp;
use usher_shared::channel::Delivery;
use usher_shared::ids::{ConversationId, MessageId};
use usher_shared::masking::mask;
use usher_shared::message::Reference;
use usher_shared::model::{Author, ConversationState, Direction, MessageState, Reach};
use usher_shared::records::Message;

use super::afterwards::Afterwards;
use super::place::{Found, Wanted};
use super::{Copies, ReceiveError, Received, Thread, body};

impl Afterwards<'_> {
    /// Something was said in the business's name: by us, which confirms it, or by somebody else, who has the
    /// conversation from then on.
    pub(super) async fn echo(
        &self,
        person: Person,
        event: &str,
        at: Option<Timestamp>,
        reference: Option<String>,
        mut said: Said,
    ) -> Result<Received, ReceiveError> {
        let reference = reference.and_then(|text| text.parse::<Reference>().ok());
        let scope = self.scope;
        let text = mask(&said.text, scope.masking()).text;
        let own = match reference {
            Some(reference) => Some((reference.conversation, reference.message)),
            None => self.own(&person, event, &text).await?,
        };
        if let Some((conversation, id)) = own {
            let carrier = Some(self.pseudonyms.carrier(event));
            self.has_come(conversation, id, Delivery::Accepted, None, carrier)
                .await?;
            return Ok(Received::Noted);
        }
        let now = scope.now();
        let at = at.unwrap_or(now);
        let hash = self.pseudonyms.event(&person.address, event);
        let reach = Reach {
            address: person.address.clone(),
            channel: None,
        };
        let wanted = Wanted {
            channel: self.channel,
            address: self.pseudonyms.address(&person.address),
            alias: person
                .alias
                .as_deref()
                .map(|alias| self.pseudonyms.address(alias)),
            event: hash,
            copies: Copies::Alike,
            at: Some(at),
            thread: Thread::Current,
            text: &text,
            profile: &person.profile,
            reach: Some(&reach),
            now,
        };
        let Found::Here(place) = wanted.find(scope).await? else {
            return Ok(Received::Forgotten);
        };
        let Some(key) = place.keys.conversation(place.conversation)? else {
            return Ok(Received::Forgotten);
        };
        let id = MessageId::derived(at, hash.tail());
        let attached = std::mem::take(&mut said.attachments);
        let message = Message {
            id: id.into(),
            conversation: place.conversation.into(),
            contact: place.contact.into(),
            channel: self.channel.channel,
            direction: Direction::Outbound.into(),
            author: Author::Human.into(),
            state: MessageState::Sent.into(),
            at: at.into(),
            carrier: Some(self.pseudonyms.carrier(event)).into(),
            body: body(&Said { text, ..said }).into(),
            ..Message::blank()
        };
        let row = keys::message(scope.tenant(), place.conversation, id);
        let written = Box::pin(scope.put_message(&row, message, attached, &key)).await?;
        if scope
            .conversation_state(place.conversation)
            .await?
            .is_some_and(|state| state != ConversationState::Human)
        {
            scope.note_takeover(place.conversation, now).await?;
        }
        // Also when it was there before: an earlier delivery may have died in between.
        let from = [
            ConversationState::Ai,
            ConversationState::WaitingForHuman,
            ConversationState::Closed,
        ];
        let moved = scope
            .move_conversation(place.conversation, &from, ConversationState::Human, now, None)
            .await?;
        tracing::info!(
            tenant.id = %scope.tenant(),
            conversation.id = %place.conversation,
            message.id = %id,
            duplicate = !written.happened(),
            taken_over = moved.happened(),
            "answered elsewhere"
        );
        Ok(Received::Stored(id, place.conversation))
    }

    /// The message of ours that an echo without a reference repeats: known by the carrier's id or, where the echo was
    /// faster than the answer to the call, by what is being said to the person right now.
    async fn own(
        &self,
        person: &Person,
        event: &str,
        text: &str,
    ) -> Result<Option<(ConversationId, MessageId)>, ReceiveError> {
        let Some(known) = self.acquaintance(person).await? else {
            return Ok(None);
        };
        let carrier = self.pseudonyms.carrier(event);
        if let Some(said) = known.said(self.scope, carrier).await? {
            let is_ours = said.row.peek::<String>("claim").is_some();
            return Ok(is_ours.then_some((said.conversation, said.id)));
        }
        let is_leaving = |row: &Row| {
            let state = row.peek::<MessageState>("state");
            matches!(state, Some(MessageState::Sending | MessageState::Unknown))
        };
        let Some(leaving) = known.newest(self.scope, |_, row| is_leaving(row)).await? else {
            return Ok(None);
        };
        let (conversation, id) = (leaving.conversation, leaving.id);
        let message: Message = self.scope.store().open(leaving.row, &leaving.key)?;
        let is_it = mask(&message.body.get().text, self.scope.masking()).text == text;
        Ok(is_it.then_some((conversation, id)))
    }
}
