//! Who of a business is told that somebody waits for a person: the shapes that are stored.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::NotPersonal;
use crate::time::Timestamp;
use crate::untrusted::KeyedHash;

/// How somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// By mail.
    Mail,
    /// By a message of a Telegram bot.
    Telegram,
}

impl TargetKind {
    /// The kind as it is stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Telegram => "telegram",
        }
    }
}

/// When somebody is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// At once.
    #[default]
    First,
    /// After nobody came for a while.
    Second,
}

/// What quiet hours do to an alert that falls into them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum During {
    /// It is sent at their end.
    #[default]
    Defer,
    /// It is sent at once, without a sound.
    Silent,
}

/// Hours of the day in which somebody is left alone, in their own time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    /// First quiet minute of the day, 0 to 1,439.
    pub from: u16,
    /// First minute of the day that is not quiet any more; before `from` if midnight lies between.
    pub to: u16,
    /// Name of the zone in the IANA database: `Europe/Vienna`.
    pub zone: String,
    /// What they do.
    pub during: During,
}

/// Why somebody is not told any more, until the settings are written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetTrouble {
    /// The bot was blocked, removed from the group, or never let in; or there is no such chat.
    Unreachable,
    /// Telegram does not know the tenant's bot.
    TokenRefused,
    /// The mail was refused for good.
    Refused,
}

/// Somebody to tell.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// How.
    pub kind: TargetKind,
    /// An e-mail address, or a chat: a number or `@channel`.
    pub address: String,
    /// When.
    pub rank: Rank,
    /// When not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<QuietHours>,
    /// Why not any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<TargetTrouble>,
}

/// When one target was told last, and how often, of one wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Hash of the target's kind and address.
    pub target: KeyedHash,
    /// When last.
    pub at: Timestamp,
    /// How often.
    pub times: u32,
}

impl NotPersonal for Told {}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Target(..)")
    }
}
