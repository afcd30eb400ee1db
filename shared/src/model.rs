//! The words that records are made of: states, kinds and the shapes of sealed content.

use serde::{Deserialize, Serialize};

use crate::ids::{ContactId, DocumentId};
use crate::record::NotPersonal;
use crate::untrusted::KeyedHash;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From a person to the business.
    Inbound,
    /// From the business to a person.
    Outbound,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The person on the other end.
    Contact,
    /// The AI.
    Ai,
    /// Somebody who works for the business.
    Human,
    /// Usher itself: a notice, such as that a person will answer.
    System,
}

/// Where a message is on its way. Inbound messages are `received` for good; outbound ones move
/// `queued -> sending -> sent | failed | unknown`, or `queued -> canceled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// Stored, inbound.
    Received,
    /// Stored, waiting for delivery.
    Queued,
    /// Claimed by a delivery that has not reported yet.
    Sending,
    /// The carrier took it; on a web chat: the visitor can read it.
    Sent,
    /// The carrier refused it; it was not sent.
    Failed,
    /// Nobody knows whether the carrier took it. Never sent again by itself.
    Unknown,
    /// Withdrawn before it was sent, for instance because a person took over.
    Canceled,
}

/// Who answers a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversationState {
    /// The AI.
    Ai,
    /// Nobody yet: it was handed over and waits for a person.
    WaitingForHuman,
    /// A person took it over.
    Human,
    /// It is over, until the person writes again: then the AI answers.
    Closed,
}

impl ConversationState {
    /// The states in which the AI answers what comes.
    pub const OPEN_TO_AI: [Self; 2] = [Self::Ai, Self::Closed];

    /// Whether the AI may answer.
    pub const fn ai_may_answer(self) -> bool {
        matches!(self, Self::Ai | Self::Closed)
    }
}

/// What may be done with what a person writes: their own choice, or their right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Processing {
    /// Everything that the tenant has set up.
    #[default]
    Full,
    /// No AI reads it: people answer.
    WithoutAi,
    /// It is kept, no AI reads it, and nothing is sent.
    Restricted,
}

impl Processing {
    /// Whether an AI may read it.
    pub const fn ai_may_read(self) -> bool {
        matches!(self, Self::Full)
    }

    /// Whether anything may be sent to the person.
    pub const fn may_send(self) -> bool {
        !matches!(self, Self::Restricted)
    }
}

pub use crate::channel::{
    AttachmentKind, AttachmentRefusal, AttachmentState, ChannelKind, ChannelState, Delivery, Failure,
};
pub use crate::knowledge::{Format as DocumentFormat, Kind as DocumentKind, Warning as DocumentWarning};
pub use crate::lead::ProfileField;
pub use crate::switches::Day;

/// What the AI decided about an inbound message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It answered.
    Answered,
    /// It handed over: no document holds the answer.
    HandedOverNoAnswer,
    /// It handed over: the person asked for a human.
    HandedOverOnRequest,
    /// It handed over: the provider failed or its answer could not be used.
    HandedOverFailure,
    /// It said nothing: a person took the conversation over while it was thinking.
    TakenOver,
}

impl Decision {
    /// Whether the conversation now waits for a person.
    pub const fn hands_over(self) -> bool {
        !matches!(self, Self::Answered | Self::TakenOver)
    }
}

/// What was done to a tenant's settings or conversations by the holder of an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// A channel was connected.
    ChannelCreated,
    /// What is set for a channel, or its credentials, were changed.
    ChannelChanged,
    /// A channel was removed.
    ChannelDeleted,
    /// A document was added.
    DocumentCreated,
    /// A document was replaced by a newer version.
    DocumentReplaced,
    /// A document was removed.
    DocumentDeleted,
    /// A person took a conversation over.
    ConversationTakenOver,
    /// A conversation went back to the AI.
    ConversationHandedBack,
    /// An export was asked for.
    ExportRequested,
    /// An export was canceled, or its file withdrawn.
    ExportCanceled,
    /// The file of an export was fetched through its link.
    ExportDownloaded,
    /// A conversation was erased.
    ConversationErased,
    /// A lead was erased, with all conversations.
    LeadErased,
    /// Periods of retention were chosen.
    RetentionChanged,
    /// Masking was switched on or off.
    MaskingChanged,
    /// When the AI answers was changed.
    AiChanged,
    /// The list of what people can be after was changed.
    IntentsChanged,
    /// A lead's data were corrected by a person.
    LeadCorrected,
    /// A lead was merged into another.
    LeadsMerged,
    /// A lead was taken out of another again.
    LeadsUnmerged,
    /// Whether anything may be made of the tenant's own replies was changed.
    ImprovementChanged,
    /// A conversation was closed.
    ConversationClosed,
    /// What may be done with what a person writes was changed.
    ProcessingChanged,
    /// How the AI speaks was changed.
    AssistantChanged,
    /// An attachment was opened.
    AttachmentOpened,
    /// Who is told of waiting conversations was changed.
    AlertsChanged,
    /// Somebody said that they know that a conversation waits.
    ConversationAcknowledged,
    /// A request of privacy was opened.
    PrivacyRequested,
    /// A request of privacy was withdrawn.
    PrivacyCanceled,
    /// A request of privacy was refused.
    PrivacyDenied,
    /// A request of privacy was answered by people.
    PrivacyAnswered,
}

/// How far an erasure has come. From `Requested` on each state includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureState {
    /// A hold was faster: nothing is erased, and nothing will be unless it is asked for again.
    Held,
    /// It is written down.
    Requested,
    /// The keys are gone: nothing of it can be read any more, wherever copies are.
    Unreadable,
    /// Rows are removed.
    Removed,
    /// A second look, after every function that might still have held a key had ended, is done too.
    Verified,
}

impl ErasureState {
    /// Whether there is something left to be done.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Requested | Self::Unreadable | Self::Removed)
    }
}

/// Which look at an erasure a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureLook {
    /// The first.
    First,
    /// The one after every holder of a key has ended.
    Second,
}

/// What an export holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportKind {
    /// All leads, as a table.
    LeadsCsv,
    /// All conversations with their messages, one JSON document a line.
    ConversationsNdjson,
    /// All conversations and all messages, as two tables in an archive.
    ConversationsCsv,
    /// Everything about one person, as an archive of files.
    LeadArchive,
    /// Everything of the tenant, as an archive of files.
    AccountArchive,
}

impl ExportKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::LeadsCsv,
        Self::ConversationsNdjson,
        Self::ConversationsCsv,
        Self::LeadArchive,
        Self::AccountArchive,
    ];

    /// The ending of the file's name.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::LeadsCsv => "csv",
            Self::ConversationsNdjson => "ndjson",
            Self::ConversationsCsv | Self::LeadArchive | Self::AccountArchive => "zip",
        }
    }

    /// The file's media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::LeadsCsv => "text/csv; charset=utf-8",
            Self::ConversationsNdjson => "application/x-ndjson",
            Self::ConversationsCsv | Self::LeadArchive | Self::AccountArchive => "application/zip",
        }
    }
}

/// Where an export is: `pending -> running -> complete | failed`, and `canceled` from all but `failed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// Stored, waiting for a worker.
    Pending,
    /// A worker writes it.
    Running,
    /// The file can be fetched.
    Complete,
    /// It was given up.
    Failed,
    /// Its owner stopped it or withdrew the file.
    Canceled,
}

impl ExportState {
    /// Whether a worker may still write it.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }
}

/// How much an export holds so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportCounts {
    /// Leads.
    pub leads: u64,
    /// Conversations.
    pub conversations: u64,
    /// Messages.
    pub messages: u64,
    /// Entries of the AI's audit trail.
    pub traces: u64,
    /// Attachments, whether their files are stored or not.
    #[serde(default)]
    pub attachments: u64,
    /// Files of attachments.
    #[serde(default)]
    pub files: u64,
}

/// How far the upload of an export's file is. Sealed: the unfinished block of the digest is content.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadProgress {
    /// The storage's id of the upload.
    pub upload: String,
    /// Tags of the parts that are stored, in order.
    pub parts: Vec<String>,
    /// Bytes in these parts.
    pub size: u64,
    /// State of the digest over these bytes, in hexadecimal digits.
    pub digest: String,
    /// Where the worker stands, in its own words.
    pub position: String,
}

/// A contact, by what the store needs to find it: the hash of its address and the id of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRef {
    /// Hash of the address under the tenant's key.
    pub address: KeyedHash,
    /// The contact's id.
    pub id: ContactId,
}

/// Tokens of one call to a language model, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Read, and neither from a cache nor into one.
    pub input: u64,
    /// Read from the provider's cache.
    pub cache_read: u64,
    /// Read into the provider's cache.
    pub cache_write: u64,
    /// Said, thoughts included.
    pub output: u64,
}

/// A passage of a document, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassageRef {
    /// The document.
    pub document: DocumentId,
    /// The passage's position in it, from 1.
    pub number: u32,
}

/// Why a document's web address could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadFailure {
    /// The address, or one that it leads to, is none of the public net.
    AddressRefused,
    /// It leads to another site.
    OtherSite,
    /// The site asks not to be read.
    Robots,
    /// There is nothing at the address, or not for everybody.
    NotFound,
    /// It could not be reached, or not in time.
    Unreachable,
    /// It is too large.
    TooLarge,
    /// It is no page of text.
    NotText,
}

/// What a message says. Sealed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageBody {
    /// Its text.
    pub text: String,
    /// What was quoted below it. Mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quoted: Option<String>,
    /// What threads it. Mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailHead>,
    /// The comment that it is, or answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<Comment>,
    /// What the person feels about it, as the channel shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reaction: Option<String>,
    /// Where this one message goes, if that is not where its conversation is answered: a link that a caller asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
}

impl From<String> for MessageBody {
    fn from(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

/// A comment under a post.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Its id.
    pub id: String,
    /// The comment that it answers, if it answers one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The post or media under which it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<String>,
}

/// What threads a mail.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailHead {
    /// Its `Message-ID`, without angle brackets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Ids that it refers to, oldest first, its direct parent last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// Its subject, as written.
    #[serde(default)]
    pub subject: String,
    /// The capability in the address that it was sent to, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What the receiving server found, name and verdict: kept as data, believed by nobody for identity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<(String, String)>,
}

/// Where a person is answered to. Sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Their address on the channel, in its canonical form.
    pub address: String,
    /// The channel to answer by, if it is not the one that they wrote on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<crate::ids::ChannelId>,
}

/// What a person volunteered about themselves. Sealed under the contact's key.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The name by which the platform shows the person, without `@`. Set by channels that give one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
}

impl Profile {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Fills in what `other` knows; what it does not mention stays. Says whether anything changed.
    pub fn merge(&mut self, other: Self) -> bool {
        let before = self.clone();
        self.name = other.name.or(self.name.take());
        self.email = other.email.or(self.email.take());
        self.phone = other.phone.or(self.phone.take());
        self.handle = other.handle.or(self.handle.take());
        *self != before
    }
}

macro_rules! redacted {
    ($($type:ident),*) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($type), "(..)"))
            }
        }
    )*};
}
redacted!(MessageBody, Comment, MailHead, Reach, Profile, UploadProgress);

macro_rules! not_personal {
    ($($type:ty),* $(,)?) => { $(impl NotPersonal for $type {})* };
}
not_personal!(
    Direction,
    Processing,
    Author,
    MessageState,
    ConversationState,
    DocumentFormat,
    DocumentKind,
    DocumentWarning,
    ReadFailure,
    Decision,
    AuditAction,
    ErasureState,
    ErasureLook,
    ContactRef,
    PassageRef,
    Usage,
    ExportKind,
    ExportState,
    ExportCounts,
);
