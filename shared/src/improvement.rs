//! Whether anything may be made of a tenant's own replies, so that an AI answers more like its people: off, unless the
//! tenant has switched it on. Nothing is learned from anywhere yet. Whatever will be has to ask for [`OwnReplies`] and
//! so for a [`Permit`], which there is of none whose switch is off.

use serde::{Deserialize, Serialize};

use crate::ids::ApiKeyId;
use crate::model::{Author, Direction};
use crate::record::NotPersonal;
use crate::records::Message;
use crate::time::Timestamp;

/// A tenant's switch, with who moved it last. A tenant that never moved it has none, and it is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Improvement {
    /// Whether it is on.
    pub allowed: bool,
    /// The API key of whoever moved it.
    pub by: ApiKeyId,
    /// When.
    pub at: Timestamp,
}

impl NotPersonal for Improvement {}

/// Says that a tenant's switch is on.
#[derive(Debug)]
pub struct Permit(());

impl Improvement {
    /// The permit, if the switch is on.
    pub const fn permit(&self) -> Option<Permit> {
        if self.allowed { Some(Permit(())) } else { None }
    }
}

/// What people of the business wrote in a conversation, to learn from. Made with a permit alone:
///
/// ```compile_fail,E0423
/// let permit = usher_shared::improvement::Permit(());
/// ```
///
/// ```compile_fail,E0423
/// let replies = usher_shared::improvement::OwnReplies(Vec::new());
/// ```
pub struct OwnReplies(Vec<String>);

/// Replies that are taken of one conversation.
const MOST: usize = 100;

impl OwnReplies {
    /// The newest replies of the business's own people: nothing that a guest, the AI or the system wrote, nothing that
    /// was taken back.
    pub fn of(_permit: &Permit, messages: &[Message]) -> Self {
        let own = |message: &&Message| {
            *message.direction == Direction::Outbound
                && *message.author == Author::Human
                && message.withdrawn_at.is_none()
        };
        let newest = messages.iter().rev().filter(own).take(MOST);
        let mut texts: Vec<String> = newest.map(|message| message.body.get().text.clone()).collect();
        texts.reverse();
        Self(texts)
    }

    /// The texts, oldest first.
    pub fn texts(&self) -> &[String] {
        &self.0
    }
}

impl std::fmt::Debug for OwnReplies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnReplies(..)")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::model::MessageBody;
    use crate::records::REGISTRY;

    const AT: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn switch(allowed: bool) -> Improvement {
        Improvement {
            allowed,
            by: ApiKeyId::derived(AT, [1; 10]),
            at: AT,
        }
    }

    fn said(direction: Direction, author: Author, text: &str) -> Message {
        Message {
            direction: direction.into(),
            author: author.into(),
            body: MessageBody::from(text.to_owned()).into(),
            ..Message::blank()
        }
    }

    #[test]
    fn p_ai_03_nothing_is_taken_of_replies_while_the_switch_is_off_and_of_the_businesss_own_alone_while_it_is_on()
     {
        assert!(switch(false).permit().is_none());
        let permit = switch(true).permit().unwrap();
        let mut messages = vec![
            said(Direction::Inbound, Author::Contact, "guest"),
            said(Direction::Outbound, Author::Ai, "ai"),
            said(Direction::Outbound, Author::System, "system"),
            said(Direction::Outbound, Author::Human, "taken back"),
        ];
        if let Some(last) = messages.last_mut() {
            last.withdrawn_at = Some(AT).into();
        }
        for number in 0..MOST + 3 {
            messages.push(said(Direction::Outbound, Author::Human, &number.to_string()));
        }
        let replies = OwnReplies::of(&permit, &messages);
        let expected: Vec<String> = (3..MOST + 3).map(|number| number.to_string()).collect();
        assert_eq!(replies.texts(), expected);
    }

    #[test]
    fn p_ai_03_no_record_keeps_a_copy_of_replies_to_learn_from() {
        // What is not in the registry cannot be stored. Whoever adds such a record has to delete it with the switch, and
        // with each person who is in it.
        for spec in REGISTRY {
            for word in ["snapshot", "training", "sample", "tuning"] {
                assert!(!spec.kind.contains(word), "{}", spec.kind);
            }
        }
    }
}
