//! When no AI is to answer: the tenant has switched it off for now, or the person does not want one to read along.

use usher_aws::TenantScope;
use usher_aws::conversation::OpenConversation;
use usher_shared::lead;
use usher_shared::model::ConversationState;
use usher_shared::records::ReplyJob;

use super::TurnError;
use crate::capture::capture;

/// Leaves a message that no AI is to answer to people, who are called for it.
pub(super) async fn leave_to_people(
    scope: &TenantScope,
    open: &OpenConversation,
    job: &ReplyJob,
    text: &str,
) -> Result<(), TurnError> {
    let (head, now) = (&open.head, scope.now());
    let through = (*head.answered_through).max(Some(*job.message));
    let _taken_elsewhere = scope
        .keep_up_conversation(head, ConversationState::WaitingForHuman, now, through)
        .await?;
    capture(scope, head, lead::volunteered(text), None, now).await?;
    tracing::info!(
        tenant.id = %scope.tenant(),
        conversation.id = %*head.id,
        message.id = %*job.message,
        "left to people"
    );
    Ok(())
}
