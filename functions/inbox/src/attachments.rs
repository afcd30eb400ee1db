//! Attachments as messages show them.

use serde::Serialize;
use usher_shared::ids::AttachmentId;
use usher_shared::records::Attachment;
use utoipa::ToSchema;

use crate::words::{AttachmentKind, AttachmentRefusal, AttachmentState};

/// Something that came with a message.
#[derive(Serialize, ToSchema)]
#[schema(as = Attachment)]
pub(crate) struct AttachmentView {
    /// Always `attachment`.
    #[schema(example = "attachment")]
    object: &'static str,
    /// Its id.
    #[schema(value_type = String, example = "att_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    id: AttachmentId,
    /// What it is said to be.
    kind: AttachmentKind,
    /// Where it is on its way.
    state: AttachmentState,
    /// Why it was not stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<AttachmentRefusal>,
    /// Its name, as its sender called it. Not to be trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "floor plan.pdf")]
    name: Option<String>,
    /// What it was found to be, whatever it is said to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "application/pdf")]
    media_type: Option<&'static str>,
    /// Its size in bytes, as it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 48_213)]
    size: Option<u64>,
}

impl From<Attachment> for AttachmentView {
    fn from(attachment: Attachment) -> Self {
        Self {
            object: "attachment",
            id: *attachment.id,
            kind: (*attachment.kind).into(),
            state: (*attachment.state).into(),
            refusal: (*attachment.refusal).map(Into::into),
            media_type: attachment.media_type.map(usher_shared::sniff::MediaType::name),
            size: *attachment.size,
            name: attachment.claim.into_inner().name,
        }
    }
}
