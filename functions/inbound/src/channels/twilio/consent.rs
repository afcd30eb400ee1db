//! The proof of what somebody asked for: one entry for each call or text message that asked.

use usher_aws::TenantScope;
use usher_aws::sealing::{HashPurpose, KeyringError};
use usher_aws::store::{StoreError, keys};
use usher_aws::suppressions::Means;
use usher_shared::Timestamp;
use usher_shared::ids::{ChannelId, ConversationId, MessageId};
use usher_shared::record::Malformed;
use usher_shared::records::Consent;
use usher_shared::untrusted::{KeyedHash, Label};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A link, during a call.
    Link,
    /// No more text messages.
    Stop,
    /// Text messages again.
    Resume,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Stop => "stop",
            Self::Resume => "resume",
        }
    }
}

/// One request.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// For what.
    pub(super) purpose: Purpose,
    /// On which channel.
    pub(super) channel: ChannelId,
    /// The carrier's id of the call or text message: one request each.
    pub(super) request: &'a str,
    /// From which number.
    pub(super) number: &'a str,
    /// The carrier's id of what proves it.
    pub(super) evidence: &'a str,
    /// In which conversation.
    pub(super) conversation: ConversationId,
    /// When.
    pub(super) at: Timestamp,
}

fn hash(scope: &TenantScope, purpose: Purpose, channel: ChannelId, request: &str) -> KeyedHash {
    let channel = channel.to_string();
    let parts = [
        b"consent".as_slice(),
        purpose.name().as_bytes(),
        channel.as_bytes(),
        request.as_bytes(),
    ];
    scope.key().hash(HashPurpose::Derived, &parts)
}

/// Whether a request was proved before: what it asks for was done.
pub(super) async fn is_proved(
    scope: &TenantScope,
    purpose: Purpose,
    channel: ChannelId,
    request: &str,
) -> Result<bool, StoreError> {
    let row = keys::consent(scope.tenant(), hash(scope, purpose, channel, request));
    Ok(scope.store().get_row(&row, true).await?.is_some())
}

/// Writes the proof of a request, or finds it. `message` is what is sent for it, or what asked. Gives the message that
/// the proof names, and its conversation; `None` if the person is forgotten.
pub(super) async fn prove(
    scope: &TenantScope,
    asked: Asked<'_>,
    message: MessageId,
) -> Result<Option<(ConversationId, MessageId)>, KeyringError> {
    let Some(open) = scope.open_conversation(asked.conversation).await? else {
        return Ok(None);
    };
    let request = hash(scope, asked.purpose, asked.channel, asked.request);
    let purpose: Label = asked.purpose.name().parse().map_err(|_| {
        StoreError::Malformed(Malformed {
            kind: "consent",
            field: "purpose",
        })
    })?;
    let consent = Consent {
        request: request.into(),
        address: scope.suppression_hash(Means::Sms, asked.number).into(),
        contact: open.head.contact,
        purpose: purpose.into(),
        at: asked.at.into(),
        conversation: asked.conversation.into(),
        message: message.into(),
        evidence: asked.evidence.to_owned().into(),
    };
    let row = keys::consent(scope.tenant(), request);
    let earlier = scope
        .store()
        .insert_or_get(&row, &consent, open.contact_keys.contact())
        .await?;
    Ok(Some(earlier.map_or((asked.conversation, message), |earlier| {
        (*earlier.conversation, *earlier.message)
    })))
}
