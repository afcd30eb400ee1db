//! From a parsed message to a stored one: the part that all channels share.

use std::time::Duration;

use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::sealing::{ContactKeys, DataKey, HashPurpose, KeyringError};
use usher_aws::store::{StoreError, When, keys};
use usher_shared::ids::{ContactId, ConversationId, MessageId};
use usher_shared::masking::{Masking, mask};
use usher_shared::model::{
    Author, ContactRef, ConversationState, Direction, MessageBody, MessageState, Profile,
};
use usher_shared::record::key;
use usher_shared::records::{ChannelAddress, Contact, Conversation, ConversationAge, InboundMarker, Message};
use usher_shared::untrusted::KeyedHash;
use usher_shared::{Category, Timestamp};

/// A message as a channel parsed it.
#[derive(Clone)]
pub struct Inbound {
    /// The sender's address on the channel: a session, a number, a page-scoped id.
    pub address: String,
    /// The channel's own id of the event: the same for every delivery of it.
    pub event: String,
    /// When it happened, where the channel says so in a way that every delivery repeats.
    pub at: Option<Timestamp>,
    /// What it says, as it was written: masked before anything is made of it.
    pub text: String,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is stored, now or by an earlier delivery.
    Stored(MessageId),
    /// It belongs to what was forgotten since it was first delivered. Acknowledged, not stored.
    Forgotten,
    /// Its id was used before for something else.
    Conflict,
}

/// The contact's row says when it was last seen to the day, so that most messages do not write it.
const LAST_SEEN_STEP: Duration = Duration::from_hours(24);
/// Two creators of one contact race at most this often before the error is the caller's.
const RACES: usize = 3;
/// Characters of the first message that name a conversation.
const TITLE: usize = 80;

/// The contact and conversation that a message goes to.
struct Place {
    contact: ContactRef,
    conversation: ConversationId,
    keys: ContactKeys,
    last_seen: Timestamp,
}

/// Stores a message once, however often it is delivered.
///
/// # Errors
/// [`KeyringError`]; the carrier's next delivery will do what is left.
pub async fn receive(
    scope: &TenantScope,
    channel: &ChannelAddress,
    inbound: &Inbound,
) -> Result<Received, KeyringError> {
    let now = scope.now();
    // A repetition is told by the text with everything masked, so that changing the setting between two
    // deliveries does not make another event of the second, and no hash is made of a card's number.
    let repeated = mask(&inbound.text, Masking::ALL).text;
    let masked = mask(&inbound.text, scope.masking());
    // From here on nothing has the text as it was written.
    let inbound = &Inbound {
        text: masked.text,
        ..inbound.clone()
    };
    let channel_id = channel.channel.to_string();
    let hash = |purpose, text: &str| {
        scope
            .key()
            .hash(purpose, &[channel_id.as_bytes(), text.as_bytes()])
    };
    let address = hash(HashPurpose::ContactAddress, &inbound.address);
    let event = scope.key().hash(
        HashPurpose::ChannelEvent,
        &[
            channel_id.as_bytes(),
            inbound.address.as_bytes(),
            inbound.event.as_bytes(),
        ],
    );
    let Some(place) = find_place(scope, channel, address, event, inbound, now).await? else {
        return Ok(Received::Forgotten);
    };
    let (id, conversation) = if let Some(at) = inbound.at {
        // The event's own time and id name the message: the conditional put below is the duplicate check.
        (MessageId::derived(at, event.tail()), place.conversation)
    } else {
        let body = hash(HashPurpose::RequestBody, &repeated);
        match mark(scope, &place, event, body, now).await? {
            Marked::As(id, conversation) => (id, conversation),
            Marked::Otherwise => return Ok(Received::Conflict),
        }
    };
    let Some(conversation_key) = place.keys.conversation(conversation)? else {
        return Ok(Received::Forgotten);
    };
    let message = Message {
        id: id.into(),
        conversation: conversation.into(),
        contact: place.contact.into(),
        channel: channel.channel,
        direction: Direction::Inbound.into(),
        author: Author::Contact.into(),
        state: MessageState::Received.into(),
        at: id.at().into(),
        answers: None.into(),
        body: MessageBody {
            text: inbound.text.clone(),
        }
        .into(),
    };
    let row = keys::message(scope.tenant(), conversation, id);
    let written = scope
        .store()
        .put(&row, &message, &conversation_key, When::Absent)
        .await?;
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
    Ok(Received::Stored(id))
}

/// Finds where a message goes; `None` if it belongs to what was forgotten. Reads eventually first: every way in
/// which that can be stale ends in a consistent read of the keys or in a lost conditional write, and then the
/// loop looks again.
async fn find_place(
    scope: &TenantScope,
    channel: &ChannelAddress,
    address: KeyedHash,
    event: KeyedHash,
    inbound: &Inbound,
    now: Timestamp,
) -> Result<Option<Place>, KeyringError> {
    let row = keys::contact(scope.tenant(), address);
    let mut marked_before = false;
    for race in 0..RACES {
        let found = scope.store().get_row(&row, race > 0).await?;
        let erased_at = found.as_ref().and_then(|row| row.peek::<Timestamp>("erased_at"));
        // A late delivery of what was erased brings nobody back.
        if erased_at.is_some_and(|erased| inbound.at.is_some_and(|at| at <= erased)) {
            return Ok(None);
        }
        let known = found.as_ref().and_then(|row| {
            Some((
                row.peek::<ContactId>("id")?,
                row.peek::<ConversationId>("conversation")?,
                row.peek("last_seen")?,
            ))
        });
        let known = match known {
            None => None,
            Some((id, conversation, last_seen)) => {
                let keys = scope.contact_keys(id).await?;
                let ended = scope.policy().is_expired(Category::Conversation, last_seen, now);
                if let Some(keys) = keys {
                    let contact = ContactRef { address, id };
                    if !ended && keys.conversation(conversation)?.is_some() {
                        return Ok(Some(Place {
                            contact,
                            conversation,
                            keys,
                            last_seen,
                        }));
                    }
                    Some(Ok((contact, keys, conversation)))
                } else {
                    // The person was forgotten; the row will say so soon.
                    Some(Err(id))
                }
            }
        };
        // Something new is about to begin. Not for an event that is known from before: where events carry no
        // time, their markers stay.
        let marker = keys::marker(scope.tenant(), address, event);
        if inbound.at.is_none() && scope.store().get_row(&marker, true).await?.is_some() {
            // A marker is left after its contact was made. So if it was there before the contact was looked
            // for, the contact is gone; otherwise another delivery may have made both in between.
            if marked_before {
                return Ok(None);
            }
            marked_before = true;
            continue;
        }
        let start = |when| start_contact(scope, channel, address, erased_at, &inbound.text, now, when);
        let made = match (known, erased_at) {
            (None, None) => start(When::AbsentOrEnded).await?,
            // A watermark: a new message starts a fresh, unlinked contact in its place.
            (None, Some(erased)) => start(When::Is("erased_at", json!(erased))).await?,
            (Some(Err(forgotten)), _) => start(When::Is("id", json!(forgotten))).await?,
            (Some(Ok((contact, keys, gone))), _) => {
                start_conversation(scope, channel, contact, keys, gone, &inbound.text, now).await?
            }
        };
        if let Some(place) = made {
            return Ok(Some(place));
        }
    }
    Err(StoreError::Database {
        operation: "PutItem",
        code: "ContactContended".to_owned(),
    }
    .into())
}

/// Makes a contact with its first conversation: keys, then head, then the row that makes both findable.
/// `None` if another delivery was first.
async fn start_contact(
    scope: &TenantScope,
    channel: &ChannelAddress,
    address: KeyedHash,
    erased_at: Option<Timestamp>,
    text: &str,
    now: Timestamp,
    when: When,
) -> Result<Option<Place>, KeyringError> {
    let contact = ContactRef {
        address,
        id: ContactId::generate(now, scope.entropy()),
    };
    let conversation = ConversationId::generate(now, scope.entropy());
    let keys = scope.create_contact_keys(contact.id, conversation).await?;
    put_head(scope, channel, contact, &keys, conversation, text, now).await?;
    let record = Contact {
        address: address.into(),
        id: contact.id.into(),
        channel: channel.channel,
        first_seen: now.into(),
        last_seen: now.into(),
        conversation: conversation.into(),
        lead: None.into(),
        erased_at: erased_at.into(),
        profile: Profile::default().into(),
    };
    let row = keys::contact(scope.tenant(), address);
    if scope
        .store()
        .put(&row, &record, keys.contact(), when)
        .await?
        .happened()
    {
        return Ok(Some(Place {
            contact,
            conversation,
            keys,
            last_seen: now,
        }));
    }
    scope.delete_contact_keys(contact.id, conversation).await?;
    scope
        .store()
        .purge(&keys::conversation_rows(scope.tenant(), conversation))
        .await?;
    Ok(None)
}

/// Makes the next conversation of a known contact, whose last one is gone. `None` if another delivery was
/// first.
async fn start_conversation(
    scope: &TenantScope,
    channel: &ChannelAddress,
    contact: ContactRef,
    mut keys: ContactKeys,
    gone: ConversationId,
    text: &str,
    now: Timestamp,
) -> Result<Option<Place>, KeyringError> {
    let conversation = ConversationId::generate(now, scope.entropy());
    scope.create_conversation_key(&mut keys, conversation).await?;
    put_head(scope, channel, contact, &keys, conversation, text, now).await?;
    let row = keys::contact(scope.tenant(), contact.address);
    let set = vec![("conversation", json!(conversation)), ("last_seen", json!(now))];
    let when = vec![
        When::Is("id", json!(contact.id)),
        When::Is("conversation", json!(gone)),
    ];
    if scope.store().update(&row, set, when).await?.happened() {
        return Ok(Some(Place {
            contact,
            conversation,
            keys,
            last_seen: now,
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
    scope: &TenantScope,
    channel: &ChannelAddress,
    contact: ContactRef,
    contact_keys: &ContactKeys,
    id: ConversationId,
    text: &str,
    now: Timestamp,
) -> Result<(), KeyringError> {
    let Some(key): Option<DataKey<key::Conversation>> = contact_keys.conversation(id)? else {
        return Ok(());
    };
    let head = Conversation {
        id: id.into(),
        contact: contact.into(),
        channel: channel.channel,
        state: ConversationState::Ai.into(),
        created_at: now.into(),
        last_activity: now.into(),
        answered_through: None.into(),
        title: text.chars().take(TITLE).collect::<String>().into(),
    };
    let age = ConversationAge {
        conversation: id.into(),
        contact: contact.into(),
        oldest: now.into(),
    };
    let row = keys::conversation_age(scope.tenant(), id).listed(keys::age_listing(scope.tenant(), id, now));
    let _fresh_id = scope
        .store()
        .put(&row, &age, &DataKey::none(), When::Absent)
        .await?;
    let row = keys::conversation(scope.tenant(), id);
    let _fresh_id = scope.store().put(&row, &head, &key, When::Absent).await?;
    Ok(())
}

/// How an event without a time of its own is known.
enum Marked {
    /// As this message of this conversation.
    As(MessageId, ConversationId),
    /// The id stands for another event.
    Otherwise,
}

/// Finds or leaves the marker that gives an event without a time of its own the id of its message.
async fn mark(
    scope: &TenantScope,
    place: &Place,
    event: KeyedHash,
    body: KeyedHash,
    now: Timestamp,
) -> Result<Marked, KeyringError> {
    let message = MessageId::derived(now, event.tail());
    let marker = InboundMarker {
        address: place.contact.address.into(),
        event: event.into(),
        at: now.into(),
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
