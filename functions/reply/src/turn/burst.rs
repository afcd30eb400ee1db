//! Which messages one turn answers, and what it takes as said before.

use usher_shared::ids::MessageId;
use usher_shared::model::{Author, Direction};
use usher_shared::records::Message;

/// What was said to this message already.
pub(super) fn reply_to(messages: &[Message], asked: MessageId) -> Option<&Message> {
    let mut replies = messages
        .iter()
        .filter(|message| *message.direction == Direction::Outbound);
    replies.find(|reply| *reply.answers == Some(asked))
}

/// Up to which message the conversation is answered. The head may be behind: a turn that died between its
/// message and the head has answered all the same.
pub(super) fn last_answered(head: Option<MessageId>, messages: &[Message]) -> Option<MessageId> {
    let said = messages
        .iter()
        .filter(|message| *message.direction == Direction::Outbound);
    head.max(said.filter_map(|reply| *reply.answers).max())
}

/// Whether none of these messages was answered: those before them may wait as well.
pub(super) fn all_open(messages: &[Message], head: Option<MessageId>) -> bool {
    let through = last_answered(head, messages);
    messages.iter().all(|message| {
        *message.direction == Direction::Inbound && through.is_none_or(|through| *message.id > through)
    })
}

/// The message that a job is about. If it was taken back meanwhile, the newest that waits: earlier ones have left
/// their answer to the turn of this one.
pub(super) fn asked(messages: &[Message], of_job: MessageId) -> Option<&Message> {
    let named = messages.iter().find(|message| *message.id == of_job);
    named.or_else(|| messages.iter().rfind(|message| message.is_to_be_answered()))
}

/// Messages among the newest that are looked at for one that was left out. What answers a message is near it, whatever
/// the carrier's clock says.
const NEAR: usize = 10;

/// Whether nobody has answered a message: no reply names it, and no person has written since.
fn is_left_out(messages: &[Message], left: &Message) -> bool {
    let near = messages
        .iter()
        .rev()
        .take(NEAR)
        .any(|message| message.id == left.id);
    let is_its_end = |message: &Message| {
        let also = message.answers_also.as_ref();
        *message.direction == Direction::Outbound
            && (*message.answers == Some(*left.id)
                || also.is_some_and(|also| also.contains(&left.id))
                || (*message.author == Author::Human && *message.id > *left.id))
    };
    near && !messages.iter().any(is_its_end)
}

/// The messages of a conversation as one turn sees them.
#[derive(Debug)]
pub(super) struct Burst<'a> {
    /// What is answered together.
    pub(super) asked: Vec<&'a Message>,
    /// What was said before, in its order.
    pub(super) before: Vec<&'a Message>,
}

impl<'a> Burst<'a> {
    /// The turn of `own` answers what came after the last answer, and what was left out before: two turns that ran at
    /// once, each for what it saw. One that was stored late, behind an answer, is answered alone: what came after that
    /// answer has a turn of its own, and is not yet said to anyone.
    pub(super) fn of(messages: &'a [Message], through: Option<MessageId>, own: MessageId) -> Self {
        let late = through.is_some_and(|through| through >= own);
        let is_open = |message: &Message| {
            message.is_to_be_answered()
                && (through.is_none_or(|through| *message.id > through) || is_left_out(messages, message))
        };
        let is_asked = |message: &Message| *message.id == own || (!late && is_open(message));
        let before = |message: &&Message| !is_asked(message) && !is_open(message);
        Self {
            asked: messages.iter().filter(|message| is_asked(message)).collect(),
            before: messages.iter().filter(before).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use usher_shared::Timestamp;
    use usher_shared::ids::{ChannelId, ContactId, ConversationId};
    use usher_shared::model::{ContactRef, MessageBody, MessageState};
    use usher_shared::untrusted::KeyedHash;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000 + minute * 60_000)
    }

    fn id(minute: i64) -> MessageId {
        MessageId::derived(at(minute), [2; 10])
    }

    fn message(minute: i64, answers: Option<i64>) -> Message {
        let (direction, author, state) = match answers {
            None => (Direction::Inbound, Author::Contact, MessageState::Received),
            Some(_) => (Direction::Outbound, Author::Ai, MessageState::Sent),
        };
        let contact = ContactRef {
            address: KeyedHash::from_bytes([1; 16]),
            id: ContactId::derived(at(0), [1; 10]),
        };
        Message {
            id: id(minute).into(),
            conversation: ConversationId::derived(at(0), [3; 10]).into(),
            contact: contact.into(),
            channel: ChannelId::derived(at(0), [4; 10]).into(),
            direction: direction.into(),
            author: author.into(),
            state: state.into(),
            at: at(minute).into(),
            answers: answers.map(id).into(),
            body: MessageBody::from("Is there parking?".to_owned()).into(),
            ..Message::blank()
        }
    }

    /// What is asked, what is before: by their minutes.
    fn seen(messages: &[Message], own: i64) -> (Vec<i64>, Vec<i64>) {
        let burst = Burst::of(messages, last_answered(None, messages), id(own));
        let minute = |message: &&Message| (message.at.millis() - at(0).millis()) / 60_000;
        let minutes = |of: Vec<&Message>| of.iter().map(minute).collect();
        (minutes(burst.asked), minutes(burst.before))
    }

    #[test]
    fn what_came_after_the_last_answer_is_answered_together() {
        let told = [
            message(1, None),
            message(2, Some(1)),
            message(3, None),
            message(4, None),
        ];
        assert_eq!(seen(&told, 4), (vec![3, 4], vec![1, 2]));
    }

    #[test]
    fn one_that_was_stored_late_is_answered_alone_and_takes_no_word_from_a_turn_to_come() {
        let told = [
            message(1, None),
            message(2, None),
            message(3, Some(2)),
            message(4, None),
        ];
        assert_eq!(seen(&told, 1), (vec![1], vec![2, 3]));
        // Whichever comes first answers it, and the other finds it answered.
        assert_eq!(seen(&told, 4), (vec![1, 4], vec![2, 3]));
    }

    #[test]
    fn one_that_two_turns_at_once_left_out_is_answered_with_the_next() {
        let mut told = vec![
            message(1, None),
            message(2, None),
            message(3, Some(2)),
            message(4, None),
        ];
        assert_eq!(seen(&told, 4), (vec![1, 4], vec![2, 3]));
        // Its turn alone is as before: what is to come has one of its own.
        assert_eq!(seen(&told, 1), (vec![1], vec![2, 3]));
        let answer = told.get_mut(2);
        if let Some(answer) = answer {
            answer.answers_also = Some(vec![id(1)]).into();
        }
        assert_eq!(seen(&told, 4), (vec![4], vec![1, 2, 3]));
    }

    #[test]
    fn what_a_person_has_answered_was_not_left_out_and_neither_was_what_is_long_past() {
        let mut told = vec![message(1, None), message(2, None), message(3, Some(2))];
        if let Some(answer) = told.get_mut(2) {
            answer.author = Author::Human.into();
        }
        told.push(message(4, None));
        assert_eq!(seen(&told, 4), (vec![4], vec![1, 2, 3]));
        let mut told = vec![message(1, None), message(2, None), message(3, Some(2))];
        told.extend((4..20).flat_map(|minute| {
            let asked = 2 * minute;
            [message(asked, None), message(asked + 1, Some(asked))]
        }));
        told.push(message(50, None));
        assert_eq!(seen(&told, 50).0, [50]);
    }

    #[test]
    fn one_that_was_taken_back_leaves_its_turn_to_the_newest_that_waits() {
        let told = [
            message(1, None),
            message(2, Some(1)),
            message(3, None),
            message(4, None),
        ];
        let minute = |own| asked(&told, id(own)).map(|message| *message.id);
        assert_eq!((minute(4), minute(5)), (Some(id(4)), Some(id(4))));
        assert!(asked(&[], id(1)).is_none());
    }

    #[test]
    fn more_is_read_only_where_nothing_that_was_read_is_answered() {
        let told = [message(1, None), message(2, Some(1)), message(3, None)];
        assert!(!all_open(&told, None));
        let [_, _, open] = &told;
        assert!(all_open(std::slice::from_ref(open), Some(id(2))));
        assert!(!all_open(std::slice::from_ref(open), Some(id(3))));
    }

    #[test]
    fn an_answer_whose_turn_died_before_the_head_counts() {
        let told = [message(1, None), message(2, Some(1))];
        assert_eq!(last_answered(None, &told), Some(id(1)));
        assert_eq!(last_answered(Some(id(3)), &told), Some(id(3)));
        assert_eq!(reply_to(&told, id(1)).map(|reply| *reply.id), Some(id(2)));
        assert!(reply_to(&told, id(2)).is_none());
    }
}
