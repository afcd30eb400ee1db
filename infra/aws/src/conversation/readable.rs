//! What an AI may read. A turn builds the prompt from this alone; that its person may be read is decided here.

use usher_shared::records::Message;

use super::OpenConversation;

/// Messages of a conversation whose person has not objected to an AI's reading them.
#[derive(Debug)]
pub struct Readable(Vec<Message>);

impl Readable {
    /// The messages, oldest first.
    pub fn messages(&self) -> &[Message] {
        &self.0
    }
}

impl OpenConversation {
    /// The messages as a model may read them, if it may.
    pub fn readable(&self, messages: Vec<Message>) -> Option<Readable> {
        let processing = self.contact_keys.processing();
        processing.ai_may_read().then_some(Readable(messages))
    }
}
