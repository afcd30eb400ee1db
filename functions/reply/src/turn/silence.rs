//! When no AI is to answer: the tenant has switched it off for now, or the person does not want one to read along.

use usher_aws::TenantScope;
use usher_aws::conversation::OpenConversation;
use usher_shared::lead;
use usher_shared::model::ConversationState;
use usher_shared::records::ReplyJob;

use super::TurnError;
use crate::capture::capture;

/// Leaves a message to people. One whose processing is restricted is kept, and that is all.
pub(super) async fn leave_to_people(
    scope: &TenantScope,
    open: &OpenConversation,
    job: &ReplyJob,
    text: &str,
) -> Result<(), TurnError> {
    let (head, now) = (&open.head, scope.now());
    let processing = open.contact_keys.processing();
    let calls_somebody = processing.may_send() && head.state.ai_may_answer();
    let (state, through) = if calls_somebody {
        let through = (*head.answered_through).max(Some(*job.message));
        (ConversationState::WaitingForHuman, through)
    } else {
        (*head.state, None)
    };
    let _taken_elsewhere = scope.keep_up_conversation(head, state, now, through).await?;
    if processing.may_send() {
        capture(scope, head, lead::volunteered(text), None, now).await?;
    }
    tracing::info!(
        tenant.id = %scope.tenant(),
        conversation.id = %*head.id,
        message.id = %*job.message,
        called = calls_somebody,
        "left to people"
    );
    Ok(())
}
