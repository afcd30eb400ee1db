//! From what a carrier told to what is stored: the part that all channels share. Every event is taken once, however
//! often it is delivered.

mod afterwards;
mod echo;
mod lookup;
pub mod mail;
mod place;
mod rights;
pub(crate) mod say;

use std::time::Duration;

use serde_json::json;
use usher_aws::attachments::AttachmentError;
use usher_aws::http::Problem;
use usher_aws::privacy::PrivacyError;
use usher_aws::scope::ScopeError;
use usher_aws::sealing::{DataKey, HashPurpose, KeyringError};
use usher_aws::store::{StoreError, When, keys};
use usher_aws::{Platform, TenantScope};
use usher_carriers::event::{Event, Person, Said, What};
use usher_shared::Timestamp;
use usher_shared::ids::{ChannelId, ConversationId, MessageId};
use usher_shared::masking::{Masking, mask};
use usher_shared::model::{MessageBody, Reach};
use usher_shared::records::{ChannelAddress, InboundMarker, Message};
use usher_shared::untrusted::KeyedHash;

use self::place::{Found, Place, Wanted};
use self::rights::Heard;

/// Which conversation of its contact a message goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Thread {
    /// The one in progress.
    #[default]
    Current,
    /// This one, if it is the contact's and still there; otherwise the one in progress.
    This(ConversationId),
    /// One of its own.
    New,
}

/// What deliveries of one event have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Copies {
    /// The id, and the time if there is one.
    #[default]
    Alike,
    /// The id alone: each comes with a time of its own.
    TimesApart,
}

/// A message as a channel parsed it.
#[derive(Clone, Default)]
pub struct Inbound {
    /// Who wrote it.
    pub person: Person,
    /// The channel's own id of the event: the same for every delivery of it.
    pub event: String,
    /// Whether every delivery of it gives the same time.
    pub copies: Copies,
    /// When it happened, where the channel says so.
    pub at: Option<Timestamp>,
    /// What was said, as it was written: masked before anything is made of it.
    pub said: Said,
    /// Where it belongs.
    pub thread: Thread,
    /// Where the person is answered to, if not by coming to fetch it.
    pub reach: Option<Reach>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// The message is stored, now or by an earlier delivery.
    Stored(MessageId, ConversationId),
    /// It belongs to what was forgotten since it was first delivered. Acknowledged, not stored.
    Forgotten,
    /// Its id was used before for something else.
    Conflict,
    /// It changed something that is stored, or would have.
    Noted,
    /// It is acknowledged and counted under this name.
    Ignored(&'static str),
}

/// Why an event could not be taken. The carrier's next delivery will do what is left.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Keys or rows cannot be had.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The channel cannot be opened.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// What came with it could not be stored.
    #[error(transparent)]
    Attachments(#[from] AttachmentError),
    /// What somebody asks for their data could not be written down.
    #[error(transparent)]
    Privacy(#[from] PrivacyError),
}

impl From<StoreError> for ReceiveError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

impl From<ReceiveError> for Problem {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Keyring(error) => error.into(),
            ReceiveError::Scope(error) => error.into(),
            ReceiveError::Attachments(error) => error.into(),
            ReceiveError::Privacy(error) => error.into(),
        }
    }
}

/// The contact's row says when it was last seen to the day, so that most messages do not write it.
const LAST_SEEN_STEP: Duration = Duration::from_hours(24);

/// Pseudonyms on one channel.
pub(crate) struct Pseudonyms<'a> {
    scope: &'a TenantScope,
    channel_id: ChannelId,
    channel: String,
}

impl<'a> Pseudonyms<'a> {
    pub(crate) fn new(scope: &'a TenantScope, channel: ChannelId) -> Self {
        Self {
            scope,
            channel_id: channel,
            channel: channel.to_string(),
        }
    }

    fn hash(&self, purpose: HashPurpose, parts: &[&[u8]]) -> KeyedHash {
        let mut all = vec![self.channel.as_bytes()];
        all.extend_from_slice(parts);
        self.scope.key().hash(purpose, &all)
    }

    /// Of a person's address.
    pub(crate) fn address(&self, address: &str) -> KeyedHash {
        self.scope.contact_address(self.channel_id, address)
    }

    /// Of an event of a person. A message's id ends with it, which is how a message is found by its carrier's id.
    pub(crate) fn event(&self, address: &str, event: &str) -> KeyedHash {
        self.hash(HashPurpose::ChannelEvent, &[address.as_bytes(), event.as_bytes()])
    }

    /// Of a carrier's id of a message of ours.
    pub(crate) fn carrier(&self, id: &str) -> KeyedHash {
        self.hash(HashPurpose::CarrierMessage, &[id.as_bytes()])
    }

    fn body(&self, text: &str) -> KeyedHash {
        self.hash(HashPurpose::RequestBody, &[text.as_bytes()])
    }
}

/// Takes an event, whatever it is.
///
/// # Errors
/// [`ReceiveError`]; the carrier's next delivery will do what is left.
pub async fn take(
    platform: &Platform,
    scope: &TenantScope,
    channel: &ChannelAddress,
    event: Event,
) -> Result<Received, ReceiveError> {
    let Event {
        person, id, at, what, ..
    } = event;
    let said = match what {
        What::Message(said) => said,
        What::Ignored(name) => return Ok(Received::Ignored(name)),
        other => return afterwards::take(scope, channel, person, &id, at, other).await,
    };
    let Some(person) = person else {
        return Ok(Received::Ignored("nobody"));
    };
    let reach = Some(Reach {
        address: person.address.clone(),
        channel: None,
    });
    let inbound = Inbound {
        person,
        event: id,
        copies: Copies::Alike,
        at,
        said,
        thread: Thread::Current,
        reach,
    };
    receive(platform, scope, channel, inbound).await
}

/// When an event of a person first came, if it came before and has no time of its own.
pub(crate) async fn came_at(
    scope: &TenantScope,
    channel: &ChannelAddress,
    address: &str,
    event: &str,
) -> Result<Option<Timestamp>, StoreError> {
    let pseudonyms = Pseudonyms::new(scope, *channel.channel);
    let event = pseudonyms.event(address, event);
    let row = keys::marker(scope.tenant(), pseudonyms.address(address), event);
    let found = scope.store().get_row(&row, true).await?;
    Ok(found.and_then(|row| row.peek("at")))
}

/// Stores a message once, however often it is delivered.
///
/// # Errors
/// [`ReceiveError`]; the carrier's next delivery will do what is left.
pub async fn receive(
    platform: &Platform,
    scope: &TenantScope,
    channel: &ChannelAddress,
    mut inbound: Inbound,
) -> Result<Received, ReceiveError> {
    let now = scope.now();
    let pseudonyms = Pseudonyms::new(scope, *channel.channel);
    // A repetition is told by the text with everything masked, so that changing the setting between two
    // deliveries does not make another event of the second, and no hash is made of a card's number.
    let repeated = mask(&inbound.said.text, Masking::ALL).text;
    let masked = mask(&inbound.said.text, scope.masking());
    // From here on nothing has the text as it was written.
    inbound.said.text = masked.text;
    inbound.said.quoted = inbound
        .said
        .quoted
        .map(|quoted| mask(&quoted, scope.masking()).text);
    let event = pseudonyms.event(&inbound.person.address, &inbound.event);
    let wanted = Wanted {
        channel,
        address: pseudonyms.address(&inbound.person.address),
        alias: inbound
            .person
            .alias
            .as_deref()
            .map(|alias| pseudonyms.address(alias)),
        event,
        copies: inbound.copies,
        at: inbound.at,
        thread: inbound.thread,
        text: &inbound.said.text,
        profile: &inbound.person.profile,
        reach: inbound.reach.as_ref(),
        now,
    };
    let is_marked = wanted.is_marked();
    let Found::Here(place) = wanted.find(scope).await? else {
        return Ok(Received::Forgotten);
    };
    let (id, conversation) = match inbound.at.filter(|_| !is_marked) {
        // The event's own time and id name the message: the conditional put below is the duplicate check.
        Some(at) => (MessageId::derived(at, event.tail()), place.conversation),
        None => match mark(
            scope,
            &place,
            event,
            pseudonyms.body(&repeated),
            inbound.at.unwrap_or(now),
        )
        .await?
        {
            Marked::As(id, conversation) => (id, conversation),
            Marked::Otherwise => return Ok(Received::Conflict),
        },
    };
    let Some(key) = place.keys.conversation(conversation)? else {
        return Ok(Received::Forgotten);
    };
    let plea = rights::plea(scope, channel, &place, &inbound).await?;
    // What people ask for their data no AI answers.
    let unattended = inbound.said.unattended || *channel.paused == Some(true) || plea.is_some();
    let attached = std::mem::take(&mut inbound.said.attachments);
    let message = Message {
        id: id.into(),
        conversation: conversation.into(),
        contact: place.contact.into(),
        channel: channel.channel,
        at: id.at().into(),
        unattended: unattended.then_some(true).into(),
        body: body(&inbound.said).into(),
        ..Message::blank()
    };
    let row = keys::message(scope.tenant(), conversation, id);
    // Boxed: large, and most messages have nothing attached.
    let written = Box::pin(scope.put_message(&row, message, attached, &key)).await?;
    tracing::info!(
        tenant.id = %scope.tenant(),
        conversation.id = %conversation,
        message.id = %id,
        duplicate = !written.happened(),
        masked.cards = masked.cards,
        masked.government_ids = masked.government_ids,
        "received"
    );
    if now.since(place.last_seen) >= LAST_SEEN_STEP {
        touch(scope, &place, now).await?;
    }
    if let Some(plea) = plea {
        let heard = Heard {
            platform,
            scope,
            channel,
            place: &place,
            said: &inbound.said,
            address: &inbound.person.address,
            reach: inbound.reach.as_ref(),
            message: id,
            conversation,
        };
        // Boxed: large, and most messages ask for nothing.
        Box::pin(heard.take(plea)).await?;
    }
    Ok(Received::Stored(id, conversation))
}

fn body(said: &Said) -> MessageBody {
    MessageBody {
        text: said.text.clone(),
        quoted: said.quoted.clone(),
        mail: said.mail.clone(),
        comment: said.comment.clone(),
        ..MessageBody::default()
    }
}

/// How an event without a time of its own is known.
enum Marked {
    /// As this message of this conversation.
    As(MessageId, ConversationId),
    /// The id stands for another event.
    Otherwise,
}

/// Finds or leaves the marker that gives an event the id of its message. `at` names the message when it is the first.
async fn mark(
    scope: &TenantScope,
    place: &Place,
    event: KeyedHash,
    body: KeyedHash,
    at: Timestamp,
) -> Result<Marked, KeyringError> {
    let message = MessageId::derived(at, event.tail());
    let marker = InboundMarker {
        address: place.contact.address.into(),
        event: event.into(),
        at: scope.now().into(),
        conversation: place.conversation.into(),
        message: message.into(),
        body: body.into(),
    };
    let row = keys::marker(scope.tenant(), place.contact.address, event);
    Ok(
        match scope
            .store()
            .insert_or_get(&row, &marker, &DataKey::none())
            .await?
        {
            None => Marked::As(message, place.conversation),
            Some(earlier) if earlier.body == marker.body => {
                Marked::As(*earlier.message, *earlier.conversation)
            }
            Some(_) => Marked::Otherwise,
        },
    )
}

async fn touch(scope: &TenantScope, place: &Place, now: Timestamp) -> Result<(), KeyringError> {
    let row = keys::contact(scope.tenant(), place.contact.address);
    let when = vec![When::Is("id", json!(place.contact.id))];
    let _replaced_meanwhile = scope
        .store()
        .update(&row, vec![("last_seen", json!(now))], when)
        .await?;
    Ok(())
}
