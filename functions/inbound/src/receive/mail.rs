//! Mail: which conversation it belongs to, whether the AI may answer it, and what its carriers tell about ours.

use std::time::Duration;

use usher_aws::suppressions::Means;
use usher_aws::{Platform, TenantScope};
use usher_carriers::event::{Event, MailHead, Person, What};
use usher_carriers::mail::address::deliverable;
use usher_carriers::mail::thread::{Parent, carriers_id, is_new_topic, parents};
use usher_shared::channel::{Delivery, Failure};
use usher_shared::ids::{ConversationId, MessageId};
use usher_shared::model::{Author, ConversationState, Direction, Reach};
use usher_shared::records::{ChannelAddress, Message};
use usher_shared::untrusted::KeyedHash;

use super::lookup::Acquaintance;
use super::{Copies, Inbound, Pseudonyms, ReceiveError, Received, Thread, receive, take};

/// Conversations of a person that are looked at, the one in progress first.
const CONVERSATIONS: usize = 10;
/// Messages that are looked at in each, newest first.
const MESSAGES: usize = 50;
/// Answers that one address gets by itself in an hour, and in a day: two machines that talk to each other stop there.
const HOURLY: usize = 3;
const DAILY: usize = 10;
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// Takes what a carrier of mail told, once.
///
/// # Errors
/// [`ReceiveError`]; the next delivery will do what is left.
pub async fn take_mail(
    platform: &Platform,
    scope: &TenantScope,
    channel: &ChannelAddress,
    event: Event,
) -> Result<Received, ReceiveError> {
    let said = match event.what {
        What::Message(said) => said,
        What::Status {
            delivery, failure, ..
        } => {
            if let (Some(person), Some(reason)) = (&event.person, reason(delivery, failure)) {
                scope.suppress(Means::Email, &person.address, reason).await?;
            }
            return Box::pin(take(platform, scope, channel, event)).await;
        }
        _ => return Box::pin(take(platform, scope, channel, event)).await,
    };
    let Some(person) = event.person else {
        return Ok(Received::Ignored("nobody"));
    };
    let head = said.mail.clone().unwrap_or_default();
    // Its server may send a mail twice, at the same time: what it calls it decides, where it calls it anything.
    let name = match &head.message_id {
        Some(id) => format!("{id}\n{}", head.subject),
        None => event.id,
    };
    let place = Box::pin(place(scope, channel, &person, &name, &head)).await?;
    if place.again {
        return Ok(Received::Ignored("mail_again"));
    }
    let mut said = said;
    said.unattended |= place.enough;
    let reach = Some(Reach {
        address: deliverable(&person.address).to_owned(),
        channel: None,
    });
    let inbound = Inbound {
        person,
        event: name,
        copies: Copies::TimesApart,
        at: event.at,
        said,
        thread: place.thread,
        reach,
    };
    let received = Box::pin(receive(platform, scope, channel, inbound)).await?;
    if let (true, Received::Stored(_, conversation)) = (place.enough, received) {
        // Whoever it is, only a person can tell.
        let waits = ConversationState::WaitingForHuman;
        let _with_a_person_already = scope
            .move_conversation(
                conversation,
                &ConversationState::OPEN_TO_AI,
                waits,
                scope.now(),
                None,
            )
            .await?;
        tracing::warn!(
            tenant.id = %scope.tenant(),
            conversation.id = %conversation,
            "an address has had enough answers for now"
        );
    }
    Ok(received)
}

/// Why an address is never written to again by itself, if it is not.
fn reason(delivery: Delivery, failure: Option<Failure>) -> Option<&'static str> {
    match (delivery, failure) {
        (Delivery::Undelivered, Some(Failure::Unreachable)) => Some("bounce"),
        (_, Some(Failure::OptedOut)) => Some("complaint"),
        _ => None,
    }
}

/// Where a mail goes.
#[derive(Debug, Default)]
struct Place {
    thread: Thread,
    /// The address has had as many answers as it gets by itself.
    enough: bool,
    /// The same mail came before, by another delivery of its own: its server sent it twice.
    again: bool,
}

async fn place(
    scope: &TenantScope,
    channel: &ChannelAddress,
    person: &Person,
    event: &str,
    head: &MailHead,
) -> Result<Place, ReceiveError> {
    let pseudonyms = Pseudonyms::new(scope, *channel.channel);
    let Some(known) = Acquaintance::find(scope, &pseudonyms, person).await? else {
        return Ok(Place::default());
    };
    let parents: Vec<Ancestor> = parents(head)
        .filter_map(|parent| Ancestor::of(scope, &pseudonyms, parent))
        .collect();
    let tail = pseudonyms.event(&person.address, event).tail();
    let now = scope.now();
    let mut best: Option<(usize, ConversationId)> = None;
    let mut subjects = Vec::new();
    let (mut hourly, mut daily) = (0, 0);
    let mut others: Vec<ConversationId> = known
        .keys
        .conversations()
        .filter(|id| *id != known.conversation)
        .collect();
    others.sort_unstable();
    let all = std::iter::once(known.conversation).chain(others.into_iter().rev());
    for conversation in all.take(CONVERSATIONS) {
        let Some((_, messages)) = scope.open_with_messages(conversation, MESSAGES).await? else {
            continue;
        };
        // An earlier delivery of the same mail has decided.
        if messages
            .iter()
            .any(|message| *message.id == MessageId::derived(message.id.at(), tail))
        {
            return Ok(Place {
                thread: Thread::This(conversation),
                ..Place::default()
            });
        }
        if messages.iter().any(|message| is_same(message, head)) {
            return Ok(Place {
                again: true,
                ..Place::default()
            });
        }
        let by_itself = messages
            .iter()
            .filter(|message| matches!(*message.author, Author::Ai | Author::System));
        for message in by_itself {
            hourly += usize::from(now.since(*message.at) < HOUR);
            daily += usize::from(now.since(*message.at) < DAY);
        }
        let rank = parents
            .iter()
            .position(|parent| parent.is_in(conversation, &messages));
        if let Some(rank) = rank
            && best.is_none_or(|(known, _)| rank < known)
        {
            best = Some((rank, conversation));
        }
        subjects.push((conversation, subject(&messages)));
    }
    let enough = hourly >= HOURLY || daily >= DAILY;
    let conversation = best.map_or(known.conversation, |(_, conversation)| conversation);
    let before = subjects
        .into_iter()
        .find(|(of, _)| *of == conversation)
        .and_then(|(_, subject)| subject);
    let thread = match (before, best) {
        (Some(before), _) if is_new_topic(&before, &head.subject) => Thread::New,
        (_, Some(_)) => Thread::This(conversation),
        (_, None) => Thread::Current,
    };
    Ok(Place {
        thread,
        enough,
        again: false,
    })
}

/// Whether a message is the mail with this head.
fn is_same(message: &Message, head: &MailHead) -> bool {
    let known = message.body.get().mail.as_ref();
    head.message_id.is_some()
        && known.is_some_and(|known| known.message_id == head.message_id && known.subject == head.subject)
}

/// What a mail says it follows.
enum Ancestor {
    /// The conversation whose capability it was sent to.
    Conversation(ConversationId),
    /// A mail: ours by the carrier's id, or one of theirs.
    Mail(KeyedHash, String),
}

impl Ancestor {
    fn of(scope: &TenantScope, pseudonyms: &Pseudonyms<'_>, parent: Parent<'_>) -> Option<Self> {
        match parent {
            Parent::Token(token) => scope.conversation_of_mail_token(token).map(Self::Conversation),
            Parent::Mail(id) => Some(Self::Mail(pseudonyms.carrier(carriers_id(id)), id.to_owned())),
        }
    }

    fn is_in(&self, conversation: ConversationId, messages: &[Message]) -> bool {
        match self {
            Self::Conversation(id) => *id == conversation,
            Self::Mail(carrier, id) => messages.iter().any(|message| {
                let head = message.body.get().mail.as_ref();
                message.carrier.as_ref() == Some(carrier)
                    || head.is_some_and(|head| head.message_id.as_ref() == Some(id))
            }),
        }
    }
}

/// What a conversation is about: the subject of the last mail that came in it.
fn subject(messages: &[Message]) -> Option<String> {
    let mut inbound = messages
        .iter()
        .rev()
        .filter(|message| *message.direction == Direction::Inbound);
    inbound.find_map(|message| {
        let head = message.body.get().mail.as_ref()?;
        (!head.subject.is_empty()).then(|| head.subject.clone())
    })
}
