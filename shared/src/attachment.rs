//! The words that records of attachments are made of.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::NotPersonal;

/// What is said of an attachment, and where it is. Sealed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttachmentClaim {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The media type that is claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The size that is claimed, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The SHA-256 that the carrier told, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Where it is fetched from; none once nothing more is fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Where an attachment is fetched from.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An address that needs no credentials.
    Url(String),
    /// An address of the carrier's own that wants the channel's credentials.
    CarrierUrl(String),
    /// An id at the carrier, which is asked for an address first.
    Media(String),
}

/// What is to be done about an attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentTask {
    /// Fetch it.
    Fetch,
    /// Its row is gone: remove its file and every copy.
    Remove,
    /// Remove a copy that is over.
    EndCopy,
}

impl NotPersonal for AttachmentTask {}

/// The bytes of a file. They are encrypted as a whole and written as they are, not as a field: this only says that
/// there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileBytes;

macro_rules! redacted {
    ($($type:ident),*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($type), "(..)"))
            }
        }
    )*};
}
redacted!(AttachmentClaim, Origin);
