//! Messages that somebody asked for so plainly that no model and no person has to decide: help, a link.

use usher_aws::TenantScope;
use usher_aws::sealing::{HashPurpose, KeyringError};
use usher_aws::store::{When, keys};
use usher_shared::Timestamp;
use usher_shared::ids::{ConversationId, MessageId};
use usher_shared::model::{Author, Direction, MessageBody, MessageState};
use usher_shared::records::Message;

/// The id of a message that follows from what asked for it: asked twice, it is one.
pub(crate) fn id(scope: &TenantScope, at: Timestamp, asked: &[&[u8]]) -> MessageId {
    let tail = scope.key().hash(HashPurpose::Derived, asked).tail();
    MessageId::derived(at, tail)
}

/// Queues a message of ours under `id`, unless it is there already or its conversation is gone.
pub(crate) async fn say(
    scope: &TenantScope,
    conversation: ConversationId,
    id: MessageId,
    answers: MessageId,
    body: MessageBody,
) -> Result<(), KeyringError> {
    let Some(open) = scope.open_conversation(conversation).await? else {
        return Ok(());
    };
    let message = Message {
        id: id.into(),
        conversation: conversation.into(),
        contact: open.head.contact,
        channel: open.head.channel,
        direction: Direction::Outbound.into(),
        author: Author::System.into(),
        state: MessageState::Queued.into(),
        at: id.at().into(),
        answers: Some(answers).into(),
        asked_for: Some(true).into(),
        body: body.into(),
        ..Message::blank()
    };
    let row = keys::message(scope.tenant(), conversation, id);
    let _said_before = scope.store().put(&row, &message, &open.key, When::Absent).await?;
    Ok(())
}
