//! Who carries a message to a person: one small trait, one member per kind of channel.

use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use usher_shared::model::ChannelKind;
use usher_shared::records::Message;

/// What became of a message that was given to a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It was taken.
    Taken,
    /// It was refused for good; nothing was sent.
    Refused,
    /// It was not taken now; nothing was sent, and a later attempt may succeed.
    NotNow,
    /// Nobody knows: the answer was lost after the request had left.
    Unknown,
}

/// Takes messages to the people on one kind of channel.
pub trait Carrier: Send + Sync {
    /// Whether giving it the same message twice is harmless, so that a lost answer can simply be asked for
    /// again.
    fn repetition_is_harmless(&self) -> bool;

    /// Whether the person comes and fetches what is meant for them: there is nothing to send, and a message
    /// that may be fetched is delivered.
    fn is_fetched(&self) -> bool {
        false
    }

    /// Gives it a message.
    fn send<'a>(&'a self, message: &'a Message) -> Pin<Box<dyn Future<Output = Sent> + Send + 'a>>;
}

/// The web chat's carrier is the visitor, who comes and reads: nothing leaves.
#[derive(Clone, Copy, Debug)]
pub struct WebChat;

impl Carrier for WebChat {
    fn repetition_is_harmless(&self) -> bool {
        true
    }

    fn is_fetched(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, _message: &'a Message) -> Pin<Box<dyn Future<Output = Sent> + Send + 'a>> {
        Box::pin(ready(Sent::Taken))
    }
}

/// The carriers by kind of channel.
#[derive(Clone)]
pub struct Carriers {
    web_chat: Arc<dyn Carrier>,
}

impl fmt::Debug for Carriers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carriers")
    }
}

impl Default for Carriers {
    fn default() -> Self {
        Self {
            web_chat: Arc::new(WebChat),
        }
    }
}

impl Carriers {
    /// Carriers of which the web chat's is another: for drills.
    pub fn with_web_chat(web_chat: Arc<dyn Carrier>) -> Self {
        Self { web_chat }
    }

    /// The carrier of a kind of channel.
    pub(crate) fn of(&self, kind: ChannelKind) -> &dyn Carrier {
        match kind {
            ChannelKind::WebChat => self.web_chat.as_ref(),
        }
    }
}
