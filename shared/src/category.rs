//! Categories of data and how long the platform promises to keep each of them.

use serde::{Deserialize, Serialize};

/// What a stored record is, for the purpose of keeping and forgetting it. Every record has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Conversations, their messages, and the contact they are with.
    Conversation,
    /// People who may become customers, and what they volunteered.
    Lead,
    /// Audit trail of the AI.
    AiTrace,
    /// Who uses Usher and how it is set up: tenant, channels, documents.
    Account,
    /// Credentials of the API.
    Credential,
    /// Wrapped data keys.
    Key,
    /// What must outlive the data to keep it from coming back: markers of events already received.
    Watermark,
    /// What waits in a queue: ids only.
    Transport,
    /// Outcome of an idempotent request: the id of what it made.
    Idempotency,
    /// Who did what to settings and conversations, without content.
    SecurityLog,
    /// What was erased, by opaque ids: replayed on whatever is restored.
    Ledger,
    /// What limits how often somebody asks: keyed hashes of a day.
    RateLimit,
    /// Files that a tenant asked for, and what is known of them.
    Export,
    /// What must not be erased for the time being, and why.
    Hold,
    /// Consents and their withdrawals, under keyed hashes.
    Suppression,
    /// What came with messages: files, and what is known of them.
    Attachment,
    /// Figures by day and channel, which point at nobody.
    Aggregate,
}

/// How long something is kept, from its record's anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Until its owner is deleted.
    LifeOfAccount,
    /// A number of days of 24 hours.
    Days(u32),
    /// Exactly as long as another category.
    With(Category),
}

/// The periods a tenant starts with, after the kind of business.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Front desk of a venue or hotel: conversations and leads for the life of the account.
    Hospitality,
    /// Chat of a web site: conversations for at most twelve months. The default, being the stricter.
    #[default]
    Website,
    /// Transactional mail: no conversations are promised, so what arrives is kept as briefly as delivery logs.
    Mail,
}

/// Between which periods a tenant may choose, in days, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The shortest period.
    pub min_days: u32,
    /// The longest period; `None` if the life of the account is allowed.
    pub max_days: Option<u32>,
}

/// 365 days never outlast twelve calendar months; 366 might.
const TWELVE_MONTHS: u32 = 365;
/// The longest retry of any carrier (7 days), stream (1 day) or queue (14 days), whichever is longest.
pub const LONGEST_REDELIVERY_DAYS: u32 = 14;

impl Category {
    /// Every category, in the order of their declaration.
    pub const ALL: [Self; 17] = [
        Self::Conversation,
        Self::Lead,
        Self::AiTrace,
        Self::Account,
        Self::Credential,
        Self::Key,
        Self::Watermark,
        Self::Transport,
        Self::Idempotency,
        Self::SecurityLog,
        Self::Ledger,
        Self::RateLimit,
        Self::Export,
        Self::Hold,
        Self::Suppression,
        Self::Attachment,
        Self::Aggregate,
    ];

    /// The period that `preset` gives to this category.
    pub const fn period(self, preset: Preset) -> Period {
        match (self, preset) {
            (Self::Conversation, Preset::Hospitality)
            | (
                Self::Lead
                | Self::Account
                | Self::Credential
                | Self::Key
                | Self::Ledger
                | Self::Hold
                | Self::Suppression
                | Self::Aggregate,
                _,
            ) => Period::LifeOfAccount,
            (Self::Conversation, Preset::Website) | (Self::SecurityLog, _) => Period::Days(TWELVE_MONTHS),
            (Self::Conversation, Preset::Mail) => Period::Days(90),
            (Self::AiTrace | Self::Attachment, _) => Period::With(Self::Conversation),
            (Self::Watermark | Self::Transport, _) => Period::Days(LONGEST_REDELIVERY_DAYS),
            (Self::Idempotency | Self::RateLimit, _) => Period::Days(1),
            (Self::Export, _) => Period::Days(7),
        }
    }

    /// Between which periods a tenant may choose; `None` where the platform's period holds for all.
    pub const fn bounds(self, preset: Preset) -> Option<Bounds> {
        match (self, preset) {
            (Self::Conversation, Preset::Hospitality) | (Self::Lead, _) => Some(Bounds {
                min_days: 1,
                max_days: None,
            }),
            (Self::Conversation, Preset::Website) => Some(Bounds {
                min_days: 1,
                max_days: Some(TWELVE_MONTHS),
            }),
            (Self::Conversation, Preset::Mail) => Some(Bounds {
                min_days: 1,
                max_days: Some(90),
            }),
            _ => None,
        }
    }

    /// The name of the category as it is stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conversation => "conversation",
            Self::Lead => "lead",
            Self::AiTrace => "ai_trace",
            Self::Account => "account",
            Self::Credential => "credential",
            Self::Key => "key",
            Self::Watermark => "watermark",
            Self::Transport => "transport",
            Self::Idempotency => "idempotency",
            Self::SecurityLog => "security_log",
            Self::Ledger => "ledger",
            Self::RateLimit => "rate_limit",
            Self::Export => "export",
            Self::Hold => "hold",
            Self::Suppression => "suppression",
            Self::Attachment => "attachment",
            Self::Aggregate => "aggregate",
        }
    }
}

impl crate::record::NotPersonal for Category {}
impl crate::record::NotPersonal for Preset {}
