//! Requests of privacy: what somebody asked to be done with what is kept of a person or of a tenant, how far it has
//! come, and by when it has to be answered. Pure: what moves a request is handed in.

use std::fmt;

use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::ids::{ChannelId, ConversationId, LeadId, MessageId};
use crate::model::ContactRef;
use crate::record::NotPersonal;
use crate::time::Timestamp;

/// Days within which a request is answered, if a calendar month is not shorter.
pub const DUE_DAYS: u32 = 30;
/// From this day on somebody is told that a request is still open.
pub const ALARM_DAYS: u32 = 20;
/// Days after which no backup holds what was removed: the recovery window of the tables, which is 29, and the day on
/// which it happened.
pub const BACKUP_DAYS: u32 = 30;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// To be told what is kept.
    Access,
    /// To be given it in a form that machines read.
    Portability,
    /// To have it put right.
    Correction,
    /// To have it erased.
    Deletion,
    /// To have it kept, and used for nothing.
    Restriction,
    /// That no AI reads it.
    Objection,
}

impl RequestKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Access,
        Self::Portability,
        Self::Correction,
        Self::Deletion,
        Self::Restriction,
        Self::Objection,
    ];

    /// Its name, as stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Portability => "portability",
            Self::Correction => "correction",
            Self::Deletion => "deletion",
            Self::Restriction => "restriction",
            Self::Objection => "objection",
        }
    }

    /// Whether people answer it: the tenant looks at what was asked, does it with what Usher gives it for that (exports,
    /// the lead's own page), and says that it is done.
    pub const fn is_answered_by_people(self) -> bool {
        matches!(self, Self::Access | Self::Portability | Self::Correction)
    }
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Nobody knows yet whether whoever asked may. Nothing is done, and it stands in nobody's way.
    IdentityUnverified,
    /// Known to be theirs; not begun.
    Pending,
    /// Begun. A deletion is not stopped any more.
    InProcessing,
    /// Done, and looked after.
    Complete,
    /// Refused, for a reason that is told.
    Denied,
    /// Withdrawn.
    Canceled,
    /// It came to a stop that nobody but the operator can remove. It is tried again.
    Error,
    /// The same is asked for by another request, which is named.
    Duplicate,
    /// A hold keeps what it is about. It goes on by itself when the hold is released.
    Deferred,
}

/// What moves a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestEvent {
    /// Whoever asked has shown that they may.
    Confirmed,
    /// Another request for the same is open.
    FoundOpen,
    /// A worker takes it up.
    Begun,
    /// A hold is in the way.
    Held,
    /// It is done.
    Completed,
    /// It cannot go on.
    Failed,
    /// The tenant refuses it.
    Denied,
    /// Whoever asked, or the tenant, withdraws it.
    Canceled,
}

impl RequestState {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::IdentityUnverified,
        Self::Pending,
        Self::InProcessing,
        Self::Complete,
        Self::Denied,
        Self::Canceled,
        Self::Error,
        Self::Duplicate,
        Self::Deferred,
    ];

    /// Its name, as stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IdentityUnverified => "identity_unverified",
            Self::Pending => "pending",
            Self::InProcessing => "in_processing",
            Self::Complete => "complete",
            Self::Denied => "denied",
            Self::Canceled => "canceled",
            Self::Error => "error",
            Self::Duplicate => "duplicate",
            Self::Deferred => "deferred",
        }
    }

    /// The state after an event, if it may happen here. What has ended stays as it is.
    pub const fn after(self, event: RequestEvent, kind: RequestKind) -> Option<Self> {
        match (self, event) {
            (Self::IdentityUnverified, RequestEvent::Confirmed) => Some(Self::Pending),
            // One that is not confirmed is nobody's duplicate: it would tell a stranger what others asked for.
            (Self::Pending, RequestEvent::FoundOpen) => Some(Self::Duplicate),
            (Self::Pending | Self::Deferred | Self::Error, RequestEvent::Begun) => Some(Self::InProcessing),
            (Self::Pending | Self::InProcessing | Self::Deferred | Self::Error, RequestEvent::Held) => {
                Some(Self::Deferred)
            }
            (Self::InProcessing, RequestEvent::Completed) => Some(Self::Complete),
            (Self::Pending | Self::InProcessing | Self::Error, RequestEvent::Failed) => Some(Self::Error),
            (
                Self::IdentityUnverified | Self::Pending | Self::Deferred,
                RequestEvent::Denied | RequestEvent::Canceled,
            ) => Some(if matches!(event, RequestEvent::Denied) {
                Self::Denied
            } else {
                Self::Canceled
            }),
            // What people answer is only being looked at; what a worker does is half done.
            (Self::InProcessing | Self::Error, RequestEvent::Denied) if kind.is_answered_by_people() => {
                Some(Self::Denied)
            }
            (Self::InProcessing | Self::Error, RequestEvent::Canceled) if kind.is_answered_by_people() => {
                Some(Self::Canceled)
            }
            _ => None,
        }
    }

    /// The states in which an event may happen.
    pub fn before(event: RequestEvent, kind: RequestKind) -> Vec<Self> {
        let all = Self::ALL.into_iter();
        all.filter(|state| state.after(event, kind).is_some()).collect()
    }

    /// Whether it is known to be theirs and not over: its clock runs, and another for the same is a duplicate.
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::Pending | Self::InProcessing | Self::Error | Self::Deferred
        )
    }

    /// Whether nothing will happen to it any more.
    pub const fn is_over(self) -> bool {
        matches!(
            self,
            Self::Complete | Self::Denied | Self::Canceled | Self::Duplicate
        )
    }
}

/// By which way it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestSource {
    /// By one of the tenant's own users, with an API key.
    TenantUser,
    /// On the channel that the person writes on: holding it is the proof.
    Channel,
    /// By mail, with a confirming click.
    Mail,
    /// By Meta, for a person who removed the app or asked there.
    Meta,
}

impl RequestSource {
    /// Its name, as stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TenantUser => "tenant_user",
            Self::Channel => "channel",
            Self::Mail => "mail",
            Self::Meta => "meta",
        }
    }
}

/// What a request is about: ids alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "object")]
pub enum RequestSubject {
    /// One message.
    Message {
        /// Its conversation.
        conversation: ConversationId,
        /// The message.
        message: MessageId,
    },
    /// One conversation.
    Conversation {
        /// The conversation.
        conversation: ConversationId,
    },
    /// A lead, with all that is kept of the person.
    Lead {
        /// The lead.
        lead: LeadId,
    },
    /// One address on one channel, with all that came from it. For people who ask without the tenant's help.
    Contact {
        /// The contact.
        contact: ContactRef,
    },
    /// A channel, with all that came by it.
    Channel {
        /// The channel.
        channel: ChannelId,
    },
    /// All content, but not the account.
    Content,
    /// The account with everything.
    Account,
    /// Nobody who is known: what was asked about was looked for and not found.
    Nobody,
}

impl RequestSubject {
    /// The kind of thing.
    pub const fn object(&self) -> &'static str {
        match self {
            Self::Message { .. } => "message",
            Self::Conversation { .. } => "conversation",
            Self::Lead { .. } => "lead",
            Self::Contact { .. } => "contact",
            Self::Channel { .. } => "channel",
            Self::Content => "content",
            Self::Account => "account",
            Self::Nobody => "nobody",
        }
    }

    /// Whether what is asked can be done to what it is about.
    pub const fn takes(&self, kind: RequestKind) -> bool {
        match kind {
            RequestKind::Deletion => true,
            RequestKind::Access | RequestKind::Portability => {
                !matches!(self, Self::Message { .. } | Self::Channel { .. } | Self::Content)
            }
            RequestKind::Correction | RequestKind::Restriction | RequestKind::Objection => {
                matches!(self, Self::Lead { .. } | Self::Contact { .. } | Self::Nobody)
            }
        }
    }
}

/// Two requests print alike exactly if they are about the same: ids alone, fit for a key.
impl fmt::Display for RequestSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { message, .. } => message.fmt(f),
            Self::Conversation { conversation } => conversation.fmt(f),
            Self::Lead { lead } => lead.fmt(f),
            Self::Contact { contact } => contact.id.fmt(f),
            Self::Channel { channel } => channel.fmt(f),
            Self::Content | Self::Account | Self::Nobody => f.write_str(self.object()),
        }
    }
}

/// By when a request of this moment is answered: after 30 days or one calendar month in UTC, whichever is earlier.
pub fn due_at(asked: Timestamp) -> Timestamp {
    let days = asked.plus_days(DUE_DAYS);
    let month = jiff::Timestamp::from_millisecond(asked.millis())
        .map(|at| at.to_zoned(TimeZone::UTC))
        .and_then(|at| at.checked_add(1.month()))
        .map(|at| Timestamp::from_millis(at.timestamp().as_millisecond()));
    month.map_or(days, |month| month.min(days))
}

/// How a request may be told apart from one that went well: what was done to what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestCounts {
    /// People.
    pub people: u64,
    /// Conversations.
    pub conversations: u64,
    /// Rows of the tables that were removed.
    pub rows: u64,
    /// Keys that were deleted: nothing sealed under them can be read, in any copy.
    pub keys: u64,
    /// Files that were removed.
    pub files: u64,
    /// Exports that were withdrawn.
    pub exports: u64,
    /// Channels that were disconnected.
    pub channels: u64,
    /// Documents that were removed.
    pub documents: u64,
}

/// Where a person who asked is told what became of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyTo {
    /// The channel to answer on; nothing if by mail of our own.
    pub channel: Option<ChannelId>,
    /// The address, as the channel has it.
    pub address: String,
    /// The language to answer in, as a tag.
    pub language: Option<String>,
}

impl fmt::Debug for ReplyTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyTo(..)")
    }
}

impl NotPersonal for RequestKind {}
impl NotPersonal for RequestState {}
impl NotPersonal for RequestSource {}
impl NotPersonal for RequestSubject {}
impl NotPersonal for RequestCounts {}

#[cfg(test)]
mod tests;
