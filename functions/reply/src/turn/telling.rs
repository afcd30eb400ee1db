//! Whether a person still has to be told that an AI answers them. Once in a conversation, before the first answer, in
//! the same message; on a web chat the page does it, with what it was given when its session began.

use usher_shared::channel::ChannelKind;
use usher_shared::ids::MessageId;
use usher_shared::model::{Author, MessageState};
use usher_shared::records::{Conversation, Message};

/// Whether the next answer has to begin with it.
pub(super) fn is_due(channel: ChannelKind, head: &Conversation, messages: &[Message]) -> bool {
    channel != ChannelKind::WebChat && told_by(head, messages).is_none()
}

/// The message that told it. What did not leave told nobody. The head may be behind: a turn that died between its
/// message and the head has told it all the same.
fn told_by(head: &Conversation, messages: &[Message]) -> Option<MessageId> {
    let by_ai = |message: &&Message| *message.author == Author::Ai;
    let left = |message: &Message| !matches!(*message.state, MessageState::Canceled | MessageState::Failed);
    match *head.ai_told {
        Some(id) => {
            let seen = messages.iter().find(|message| *message.id == id);
            seen.is_none_or(left).then_some(id)
        }
        None => None,
    }
    .or_else(|| {
        let mut answers = messages.iter().filter(by_ai);
        answers.find(|message| left(message)).map(|message| *message.id)
    })
}

#[cfg(test)]
mod tests {
    use usher_shared::Timestamp;
    use usher_shared::ids::{ChannelId, ContactId, ConversationId};
    use usher_shared::model::{ContactRef, ConversationState, Direction};
    use usher_shared::untrusted::KeyedHash;

    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn id(number: u8) -> MessageId {
        MessageId::derived(AT, [number; 10])
    }

    fn head(ai_told: Option<MessageId>) -> Conversation {
        let contact = ContactRef {
            address: KeyedHash::from_bytes([1; 16]),
            id: ContactId::derived(AT, [1; 10]),
        };
        Conversation {
            id: ConversationId::derived(AT, [3; 10]).into(),
            contact: contact.into(),
            channel: ChannelId::derived(AT, [4; 10]).into(),
            state: ConversationState::Ai.into(),
            created_at: AT.into(),
            last_activity: AT.into(),
            answered_through: None.into(),
            processing: None.into(),
            waiting_since: None.into(),
            acknowledged_at: None.into(),
            ai_told: ai_told.into(),
            event_at: None.into(),
            title: String::new().into(),
            reach: None.into(),
        }
    }

    fn said(number: u8, author: Author, state: MessageState) -> Message {
        Message {
            id: id(number).into(),
            direction: Direction::Outbound.into(),
            author: author.into(),
            state: state.into(),
            ..Message::blank()
        }
    }

    #[test]
    fn it_is_told_once_and_again_only_if_it_did_not_leave() {
        use MessageState::{Canceled, Failed, Queued, Sent, Unknown};
        let due = |told, messages: &[Message]| is_due(ChannelKind::Sms, &head(told), messages);
        assert!(due(None, &[]));
        // After a long hand-over the message is no longer among those that are read.
        assert!(!due(Some(id(1)), &[said(9, Author::Human, Sent)]));
        for (state, still) in [
            (Queued, false),
            (Sent, false),
            (Unknown, false),
            (Canceled, true),
            (Failed, true),
        ] {
            let first = [said(1, Author::Ai, state)];
            assert_eq!(due(Some(id(1)), &first), still, "{state:?}");
            assert_eq!(due(None, &first), still, "the head is behind: {state:?}");
        }
        // A notice that a person will come, and a person's words, are no answer of an AI.
        for author in [Author::System, Author::Human] {
            assert!(due(None, &[said(1, author, Sent)]));
        }
        // The second time it left.
        let both = [said(1, Author::Ai, Canceled), said(2, Author::Ai, Sent)];
        assert!(!due(Some(id(1)), &both));
        assert!(!due(Some(id(2)), &both));
        assert!(!is_due(ChannelKind::WebChat, &head(None), &[]));
    }
}
