//! What every message starts from.

use crate::ids::{ChannelId, ContactId, ConversationId, MessageId};
use crate::model::{Author, ContactRef, Direction, MessageBody, MessageState};
use crate::records::Message;
use crate::time::Timestamp;
use crate::untrusted::KeyedHash;

impl Message {
    /// An inbound message of nobody that says nothing, without anything that only some messages have: whoever makes one
    /// names what it has and leaves the rest as it is here.
    pub fn blank() -> Self {
        let at = Timestamp::default();
        Self {
            id: MessageId::derived(at, [0; 10]).into(),
            conversation: ConversationId::derived(at, [0; 10]).into(),
            contact: ContactRef {
                address: KeyedHash::from_bytes([0; 16]),
                id: ContactId::derived(at, [0; 10]),
            }
            .into(),
            channel: ChannelId::derived(at, [0; 10]).into(),
            direction: Direction::Inbound.into(),
            author: Author::Contact.into(),
            state: MessageState::Received.into(),
            at: at.into(),
            answers: None.into(),
            answers_also: None.into(),
            attachments: None.into(),
            unattended: None.into(),
            edited_at: None.into(),
            withdrawn_at: None.into(),
            claim: None.into(),
            carrier: None.into(),
            delivery: None.into(),
            failure: None.into(),
            asked_for: None.into(),
            waits_until: None.into(),
            body: MessageBody::default().into(),
        }
    }

    /// Whether somebody, or the AI, is to answer it.
    pub fn is_to_be_answered(&self) -> bool {
        *self.direction == Direction::Inbound && *self.unattended != Some(true) && self.withdrawn_at.is_none()
    }
}

/// What a message of ours is called at carriers that repeat it to us: opaque, and all that finds the message again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The conversation.
    pub conversation: ConversationId,
    /// The message.
    pub message: MessageId,
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.conversation, self.message)
    }
}

impl std::str::FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let (conversation, message) = text.split_once('-').ok_or(InvalidReference)?;
        Ok(Self {
            conversation: conversation.parse().map_err(|_| InvalidReference)?,
            message: message.parse().map_err(|_| InvalidReference)?,
        })
    }
}

/// It is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a message of ours")]
pub struct InvalidReference;
