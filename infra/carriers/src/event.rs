//! What carriers tell us, in one shape for all of them.

use std::fmt;

use usher_shared::Timestamp;
use usher_shared::channel::{AttachmentKind, ChannelTrouble, Delivery, Failure};
use usher_shared::model::Profile;

/// Which of a carrier's name spaces an address on our side is in. With the address it finds the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Space {
    /// The channel's own key, in the webhook's path: web chat, forms, Twilio, Resend.
    Key,
    /// A Facebook page's id.
    Page,
    /// An Instagram account's id.
    Instagram,
    /// A WhatsApp phone number's id (not the number).
    Whatsapp,
    /// A mailbox, in lower case.
    Mailbox,
}

impl Space {
    /// Its name, which goes into the directory's hash.
    pub const fn name(self) -> &'static str {
        match self {
            // The directory's first space, and its name there.
            Self::Key => "web_chat",
            Self::Page => "page",
            Self::Instagram => "instagram",
            Self::Whatsapp => "whatsapp",
            Self::Mailbox => "mailbox",
        }
    }
}

/// An address on our side: what was written to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct To {
    /// Its space.
    pub space: Space,
    /// The address in it.
    pub address: String,
}

impl To {
    /// A channel by its own key.
    pub fn key(key: usher_shared::ids::ChannelKey) -> Self {
        Self {
            space: Space::Key,
            address: key.to_string(),
        }
    }
}

/// The person at the other end.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// What they are known by on this channel, in its one canonical form: a page-scoped id, a number in E.164, a mail
    /// address in lower case.
    pub address: String,
    /// What they were known by before the carrier gave them another id: a WhatsApp number beside a business-scoped id.
    pub alias: Option<String>,
    /// What the carrier says about them.
    pub profile: Profile,
}

/// One thing that a carrier tells.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// What was written to.
    pub to: To,
    /// Who it is about; absent where the carrier does not say.
    pub person: Option<Person>,
    /// The carrier's own id of it: the same for every delivery, and with the person another for every other event.
    pub id: String,
    /// When it happened, where every delivery repeats it.
    pub at: Option<Timestamp>,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A person wrote.
    Message(Said),
    /// A person changed what they wrote.
    Edited {
        /// The carrier's id of the message.
        message: String,
        /// Its new text.
        text: String,
    },
    /// A person took back what they wrote, or a comment was removed.
    Unsent {
        /// The carrier's id of the message.
        message: String,
    },
    /// A person reacted to a message, or took the reaction back.
    Reaction {
        /// The carrier's id of the message.
        message: String,
        /// The reaction; absent when taken back.
        emoji: Option<String>,
    },
    /// Something was said in the business's name.
    Echo {
        /// What we sent along with a message of ours ([`crate::call::Outgoing::reference`]); absent when somebody else
        /// said it: a person in the carrier's own inbox, or another tool.
        reference: Option<String>,
        /// What was said.
        said: Said,
    },
    /// How far a message of ours has come.
    Status {
        /// The carrier's id of the message.
        message: String,
        /// What we sent along with it, where the carrier repeats it.
        reference: Option<String>,
        /// How far.
        delivery: Delivery,
        /// Why no further.
        failure: Option<Failure>,
    },
    /// Everything of ours up to a time has come so far.
    Watermark {
        /// The time.
        until: Timestamp,
        /// How far.
        delivery: Delivery,
    },
    /// A person is known by another address from now on.
    Moved {
        /// The new one.
        now: Person,
    },
    /// Something is wrong with the channel.
    Trouble(ChannelTrouble),
    /// Acknowledged, counted under this name, and nothing else. Names are ours: they hold nothing of the payload.
    Ignored(&'static str),
}

/// What a person said, with all that hangs on it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Its text; for what has none, a line in brackets such as `[location: 52.37, 4.89]`. May be empty beside
    /// attachments.
    pub text: String,
    /// What came with it.
    pub attachments: Vec<Attached>,
    /// The carrier's id of the message that it answers.
    pub context: Option<String>,
    /// The comment that it is, if it is one.
    pub comment: Option<Comment>,
    /// Mail: what threads it.
    pub mail: Option<MailHead>,
    /// What was quoted below it, split off from the text. Mail.
    pub quoted: Option<String>,
    /// It is nothing to answer by itself: a machine sent it, or another application has the thread.
    pub unattended: bool,
}

pub use usher_shared::model::{Comment, MailHead};

/// Something that came with a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Attached {
    /// What it is said to be.
    pub kind: AttachmentKind,
    /// Where it is.
    pub source: Source,
    /// Its name.
    pub name: Option<String>,
    /// The media type that is claimed.
    pub media_type: Option<String>,
    /// The size that is claimed, in bytes.
    pub size: Option<u64>,
    /// The SHA-256 that the carrier tells.
    pub sha256: Option<[u8; 32]>,
}

/// Where an attachment is.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// At an address that needs no credentials.
    Url(String),
    /// At an address of the carrier's own that wants the channel's credentials.
    CarrierUrl(String),
    /// Under an id at the carrier, which is asked for an address first.
    Media(String),
    /// Here.
    Bytes(Vec<u8>),
    /// Nowhere: the carrier gives no way to fetch it, or forbids keeping it.
    NotOffered,
}

macro_rules! redacted {
    ($($type:ident),*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($type), "(..)"))
            }
        }
    )*};
}
redacted!(Person, Said, Attached, Source);

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Event(..)")
    }
}
