//! What is said to carriers, without saying it: a call is data, and so is the answer to it.

use std::fmt;
use std::time::Duration;

use usher_shared::Timestamp;
use usher_shared::channel::{ChannelSettings, ChannelTrouble, Connection, Failure};

use crate::event::{Comment, MailHead};

/// A message that is to leave.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// Names it: opaque, the same at every attempt, without anything personal. Carriers that repeat it in echoes,
    /// statuses or callbacks let us find the message by it.
    pub reference: &'a str,
    /// The person's address on the channel.
    pub to: &'a str,
    /// What is said.
    pub text: &'a str,
    /// Whether a person typed it: some carriers take that longer than what a machine says.
    pub by_human: bool,
    /// When the person last did something on the channel that opens it for answers.
    pub last_inbound: Option<Timestamp>,
    /// Now, on the domain clock.
    pub now: Timestamp,
    /// The comment that it answers, if it answers one.
    pub comment: Option<&'a Comment>,
    /// The mail that it answers, if it answers one.
    pub mail: Option<&'a MailHead>,
    /// The carrier's id of the message that it answers.
    pub answers: Option<&'a str>,
    /// The capability that brings an answer to it into its conversation. Mail.
    pub token: Option<&'a str>,
}

/// What a carrier needs to know to be called on a channel's behalf.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    /// The credentials; none where the installation's own are used.
    pub connection: Option<&'a Connection>,
    /// What the tenant set.
    pub settings: &'a ChannelSettings,
    /// The platform's part.
    pub platform: &'a Endpoints,
    /// Where the carrier reports back to: the address of the channel's webhooks, without a trailing slash.
    pub hooks: &'a str,
}

/// Where carriers are and what the installation as a whole is to them. Configuration: versions and hosts change.
#[derive(Clone, Default)]
pub struct Endpoints {
    /// Meta's Graph API, with its version: `https://graph.facebook.com/v26.0`.
    pub graph: String,
    /// Instagram's own Graph API, with its version: `https://graph.instagram.com/v26.0`.
    pub instagram: String,
    /// Secrets of the Meta apps that sign webhooks; the first one also makes the proof that goes with calls.
    pub app_secrets: Vec<String>,
    /// Ids of these apps, in the same order; empty where none is configured.
    pub app_ids: Vec<String>,
    /// Twilio's API: `https://api.twilio.com`.
    pub twilio: String,
    /// Resend's API: `https://api.resend.com`.
    pub resend: String,
    /// Version 2 of SES's API: `https://email.eu-central-1.amazonaws.com`.
    pub ses: String,
    /// The configuration set that mail by SES is sent under, which has its events told.
    pub ses_set: Option<String>,
}

/// The method of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes.
    Post,
    /// Removes.
    Delete,
}

/// A call to a carrier.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// Its method.
    pub method: Method,
    /// Its whole address.
    pub url: String,
    /// Headers, names in lower case. Authorization is one of them.
    pub headers: Vec<(&'static str, String)>,
    /// Its body; empty for none.
    pub body: Vec<u8>,
}

/// What a carrier answered.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `Retry-After` in seconds, if it was given as a number.
    pub retry_after: Option<u64>,
    /// The body, as far as it was read.
    pub body: Vec<u8>,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The carrier has it, under this id of its own.
    Taken {
        /// The id.
        id: String,
    },
    /// It was refused for good; nothing was sent.
    Refused {
        /// Why.
        why: Failure,
        /// What that says about the channel.
        trouble: Option<ChannelTrouble>,
    },
    /// It was not taken now; nothing was sent.
    NotNow {
        /// How long to wait.
        after: Option<Duration>,
    },
    /// Nobody knows.
    Unknown,
}

impl Outcome {
    /// A refusal that says nothing about the channel.
    pub const fn refused(why: Failure) -> Self {
        Self::Refused { why, trouble: None }
    }
}

/// One kind of channel, to send by. A file each; all of them pure.
pub trait Carrier: Send + Sync {
    /// What to say to the carrier so that this leaves.
    ///
    /// # Errors
    /// The refusal, if the channel's own rules forbid it: nothing is said then.
    fn send(&self, account: &Account<'_>, outgoing: &Outgoing<'_>) -> Result<Call, Outcome>;

    /// What the carrier's answer says. Only an answer that proves that nothing was sent may be `NotNow`.
    fn outcome(&self, answer: &Answer) -> Outcome;

    /// Whether giving it the same message twice is harmless, so that a lost answer can simply be asked for again: the
    /// carrier itself drops repetitions.
    fn repetition_is_harmless(&self) -> bool {
        false
    }

    /// Characters that one message may have; a longer answer is refused before it is written.
    fn longest(&self) -> usize;
}

macro_rules! redacted {
    ($($type:ty = $name:literal),*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($name, "(..)"))
            }
        }
    )*};
}
redacted!(
    Outgoing<'_> = "Outgoing",
    Account<'_> = "Account",
    Endpoints = "Endpoints",
    Call = "Call",
    Answer = "Answer"
);
