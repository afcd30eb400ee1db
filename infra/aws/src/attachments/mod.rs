//! What comes with messages: rows beside the message, written with it or not at all; files encrypted under the
//! conversation's key. Bytes that come with a message are judged, encrypted and stored before it is acknowledged; what
//! is somewhere else is fetched later, by a function of its own.

mod files;
mod judge;
mod sealed;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;
use usher_carriers::event::{Attached, Source};
use usher_shared::attachment::{AttachmentClaim, Origin};
use usher_shared::channel::{AttachmentRefusal, AttachmentState};
use usher_shared::ids::{AttachmentId, ConversationId, MessageId};
use usher_shared::record::key;
use usher_shared::records::{Attachment, Message};

pub(crate) use self::files::Storage;
pub use self::files::{AttachmentFiles, FilePage};
pub use self::judge::{LONGEST_NAME, judge};
pub use self::sealed::{open_file, seal_file};
use crate::files::FileError;
use crate::scope::TenantScope;
use crate::sealing::{DataKey, HashPurpose, KeyringError, SealingError};
use crate::settings::MissingVariable;
use crate::store::keys::{self, Key};
use crate::store::{StoreError, When, Written};

/// Attachments of one message that are kept; the rest is counted and left out. A transaction holds a hundred rows, and
/// carriers send ten at most; mail with more is mostly decoration.
pub const MOST: usize = 50;

/// Why attachments could not be stored. The carrier's next delivery does what is left.
#[derive(Debug, thiserror::Error)]
pub enum AttachmentError {
    /// Keys or rows cannot be had.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The storage.
    #[error(transparent)]
    File(#[from] FileError),
    /// The function has no bucket.
    #[error(transparent)]
    Settings(#[from] MissingVariable),
}

impl From<StoreError> for AttachmentError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

impl From<SealingError> for AttachmentError {
    fn from(error: SealingError) -> Self {
        StoreError::from(error).into()
    }
}

/// An attachment as it will be stored.
struct Planned {
    row: Attachment,
    bytes: Option<Vec<u8>>,
}

impl TenantScope {
    /// Stores a message with what came with it, once: all rows or none, and then the bytes that are here. Called again
    /// it does what is left.
    ///
    /// # Errors
    /// [`AttachmentError`].
    pub async fn put_message(
        &self,
        row: &Key<Message>,
        mut message: Message,
        attached: Vec<Attached>,
        key: &DataKey<key::Conversation>,
    ) -> Result<Written, AttachmentError> {
        if attached.is_empty() {
            return Ok(self.store().put(row, &message, key, When::Absent).await?);
        }
        let planned = self.plan(&message, attached);
        message.attachments = Some(u32::try_from(planned.len()).unwrap_or(u32::MAX)).into();
        let mut parts = vec![self.store().putting(row, &message, key, When::Absent)?];
        for planned in &planned {
            let row = attachment_key(self, &planned.row);
            parts.push(self.store().putting(&row, &planned.row, key, When::Absent)?);
        }
        // If one of them is there, all are, from an earlier attempt; or the message was taken back since.
        let written = self.store().together(parts).await?;
        for planned in planned {
            if let (AttachmentState::Pending, Some(bytes)) = (*planned.row.state, planned.bytes) {
                let _kept_before = self.keep_bytes(planned.row, bytes, key).await?;
            }
        }
        Ok(written)
    }

    /// Encrypts and stores the bytes of an attachment whose row waits for them, and says so in the row. Says whether it
    /// did: an attachment that is stored already, refused or forgotten stays as it is.
    ///
    /// # Errors
    /// [`AttachmentError`].
    pub async fn keep_bytes(
        &self,
        mut attachment: Attachment,
        bytes: Vec<u8>,
        key: &DataKey<key::Conversation>,
    ) -> Result<Written, AttachmentError> {
        let row = attachment_key(self, &attachment);
        let found = self.store().get_row(&row, true).await?;
        let waits = found.and_then(|row| row.peek("state")) == Some(AttachmentState::Pending);
        if !waits {
            return Ok(Written::No);
        }
        attachment.state = AttachmentState::Stored.into();
        attachment.size = u64::try_from(bytes.len()).ok().into();
        attachment.claim = AttachmentClaim {
            origin: None,
            ..attachment.claim.get().clone()
        }
        .into();
        let files = self.attachment_files()?;
        let file = self.attachment_file(&attachment);
        let sealed = seal_file(self, key, &file, bytes)?;
        files.put(&file, sealed).await?;
        let when = When::Is("state", json!(AttachmentState::Pending));
        // A file whose row was forgotten meanwhile is encrypted under a key that is gone, and is found as an orphan.
        Ok(self.store().put(&row, &attachment, key, when).await?)
    }

    fn plan(&self, message: &Message, mut attached: Vec<Attached>) -> Vec<Planned> {
        let left_out = attached.len().saturating_sub(MOST);
        if left_out > 0 {
            tracing::warn!(message.id = %*message.id, left_out, "more attachments than are kept");
        }
        attached.truncate(MOST);
        let numbered = attached.into_iter().enumerate();
        numbered
            .map(|(number, attached)| self.planned(message, number, attached))
            .collect()
    }

    fn planned(&self, message: &Message, number: usize, attached: Attached) -> Planned {
        let (origin, bytes, mut refusal) = match attached.source {
            Source::Url(url) => (Some(Origin::Url(url)), None, None),
            Source::CarrierUrl(url) => (Some(Origin::CarrierUrl(url)), None, None),
            Source::Media(id) => (Some(Origin::Media(id)), None, None),
            Source::Bytes(bytes) => (None, Some(bytes), None),
            Source::NotOffered => (None, None, Some(AttachmentRefusal::NotOffered)),
        };
        let claim = AttachmentClaim {
            name: attached
                .name
                .map(|name| name.chars().take(LONGEST_NAME).collect()),
            media_type: attached.media_type,
            size: attached.size,
            sha256: attached.sha256.map(hex::encode),
            origin,
        };
        let mut media_type = None;
        if let Some(bytes) = &bytes {
            match judge(bytes, None, &claim, attached.kind) {
                Ok(found) => media_type = Some(found),
                Err(why) => refusal = Some(why),
            }
        }
        let state = if refusal.is_some() {
            AttachmentState::Refused
        } else {
            AttachmentState::Pending
        };
        Planned {
            row: Attachment {
                id: attachment_id(self, *message.id, number).into(),
                message: message.id,
                conversation: message.conversation,
                contact: message.contact,
                channel: message.channel,
                at: message.at,
                kind: attached.kind.into(),
                state: state.into(),
                at_hand: bytes.is_some().then_some(true).into(),
                refusal: refusal.into(),
                media_type: media_type.into(),
                size: None.into(),
                claim: claim.into(),
            },
            bytes,
        }
    }

    /// What came with a message, in its order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn attachments_of(
        &self,
        conversation: ConversationId,
        message: MessageId,
        key: &DataKey<key::Conversation>,
    ) -> Result<Vec<Attachment>, StoreError> {
        let range = keys::attachments_of(self.tenant(), conversation, message);
        let rows = self.store().query_all(&range).await?.into_iter();
        rows.map(|row| self.store().open(row, key)).collect()
    }
}

/// The row of an attachment.
pub fn attachment_key(scope: &TenantScope, attachment: &Attachment) -> Key<Attachment> {
    let (conversation, message) = (*attachment.conversation, *attachment.message);
    keys::attachment(scope.tenant(), conversation, message, *attachment.id)
}

/// Follows from the message and the place in it: a repetition names the same. Ids of one message sort by place.
fn attachment_id(scope: &TenantScope, message: MessageId, number: usize) -> AttachmentId {
    let own = message.to_string();
    let place = u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes();
    let parts = [b"attachment".as_slice(), own.as_bytes(), &place];
    let mut tail = scope.key().hash(HashPurpose::Derived, &parts).tail();
    tail.iter_mut().zip(place).for_each(|(byte, place)| *byte = place);
    AttachmentId::derived(message.at(), tail)
}

/// The SHA-256 of bytes, in hexadecimal digits.
fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}
