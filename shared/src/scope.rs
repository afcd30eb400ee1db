//! What an API key may do: `resource:action`. Reading, writing, deleting and exporting imply nothing of
//! each other.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::record::NotPersonal;

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// One permission of an API key.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Scope {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Scope {
            /// Every scope.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The scope as it is written, `resource:action`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }

        impl FromStr for Scope {
            type Err = UnknownScope;

            fn from_str(text: &str) -> Result<Self, UnknownScope> {
                match text { $($text => Ok(Self::$name),)* _ => Err(UnknownScope) }
            }
        }
    };
}

/// The text is not a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a scope")]
pub struct UnknownScope;

scopes! {
    /// List and read conversations and their messages.
    ConversationsRead = "conversations:read",
    /// Answer as a human, take over, hand back.
    ConversationsWrite = "conversations:write",
    /// Erase conversations.
    ConversationsDelete = "conversations:delete",
    /// Export conversations to files.
    ConversationsExport = "conversations:export",
    /// Read the AI's audit trail.
    TracesRead = "traces:read",
    /// List and read leads.
    LeadsRead = "leads:read",
    /// Correct leads, merge them, and take them apart again.
    LeadsWrite = "leads:write",
    /// Erase leads, with all their conversations.
    LeadsDelete = "leads:delete",
    /// Export leads to files.
    LeadsExport = "leads:export",
    /// Export everything of the account to a file.
    AccountExport = "account:export",
    /// List and read channels.
    ChannelsRead = "channels:read",
    /// Connect channels.
    ChannelsWrite = "channels:write",
    /// Remove channels.
    ChannelsDelete = "channels:delete",
    /// List and read documents.
    DocumentsRead = "documents:read",
    /// Read the periods in force and how they are kept.
    RetentionRead = "retention:read",
    /// Choose periods.
    RetentionWrite = "retention:write",
    /// Add documents.
    DocumentsWrite = "documents:write",
    /// Remove documents.
    DocumentsDelete = "documents:delete",
    /// Read figures by day and channel.
    MetricsRead = "metrics:read",
    /// Read requests of privacy, and the feed of deletions.
    PrivacyRead = "privacy:read",
    /// Open, cancel, refuse and answer requests of privacy. What they delete needs its own scope.
    PrivacyWrite = "privacy:write",
    /// Close the account.
    AccountDelete = "account:delete",
    /// Read settings.
    SettingsRead = "settings:read",
    /// Change settings.
    SettingsWrite = "settings:write",
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl NotPersonal for Scope {}
