//! One delivery.

use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::scope::ScopeError;
use usher_aws::sealing::KeyringError;
use usher_aws::store::keys::{self, Key};
use usher_aws::store::{StoreError, When, Written};
use usher_aws::telemetry::{self, Unit};
use usher_shared::model::{Author, ChannelKind, ConversationState, MessageState};
use usher_shared::record::Malformed;
use usher_shared::records::{DeliverJob, Message};

use crate::Courier;
use crate::carrier::Sent;

/// Why a delivery failed. The queue will bring it again.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The job is not one.
    #[error(transparent)]
    Job(#[from] Malformed),
    /// The tenant cannot be entered.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// Keys or rows cannot be had.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The carrier asked to come back later; nothing was sent.
    #[error("the carrier did not take it now")]
    NotNow,
    /// The claim was refused: another attempt has it, or an earlier try of this one was applied and its answer
    /// lost. Whoever has it may die over it, so somebody has to look again.
    #[error("the message is claimed already")]
    Claimed,
}

impl From<StoreError> for DeliveryError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

/// Delivers one message, once.
pub(crate) async fn deliver(courier: &Courier, job: &DeliverJob) -> Result<(), DeliveryError> {
    // Channels have one kind so far; the kind will come with the channel's row.
    let carrier = courier.carriers.of(ChannelKind::WebChat);
    let entered = if carrier.is_fetched() {
        // Nothing is read here that a policy could have ended.
        courier.platform.enter_to_write(*job.tenant).await
    } else {
        courier.platform.enter(*job.tenant).await
    };
    let scope = match entered {
        Err(ScopeError::UnknownTenant) => return Ok(()),
        scope => scope?,
    };
    let row = keys::message(scope.tenant(), *job.conversation, *job.message);
    if carrier.is_fetched() {
        return release(&scope, &row, job).await;
    }
    let Some(open) = scope.open_conversation(*job.conversation).await? else {
        return Ok(());
    };
    let Some(message) = scope.store().get(&row, &open.key, true).await? else {
        return Ok(());
    };
    match *message.state {
        MessageState::Queued => {
            if let Some(state) = overruled(*open.head.state, *message.author) {
                return settle(&scope, job, &row, MessageState::Queued, state).await;
            }
            let claim = move_to(&scope, &row, MessageState::Queued, MessageState::Sending).await?;
            if !claim.happened() {
                return Err(DeliveryError::Claimed);
            }
        }
        // An earlier attempt claimed it and died before it could say what became of it.
        MessageState::Sending if carrier.repetition_is_harmless() => {}
        MessageState::Sending => {
            return settle(&scope, job, &row, MessageState::Sending, MessageState::Unknown).await;
        }
        _ => return Ok(()),
    }
    match carrier.send(&message).await {
        Sent::Taken => settle(&scope, job, &row, MessageState::Sending, MessageState::Sent).await,
        Sent::Refused => settle(&scope, job, &row, MessageState::Sending, MessageState::Failed).await,
        Sent::Unknown => settle(&scope, job, &row, MessageState::Sending, MessageState::Unknown).await,
        Sent::NotNow => {
            let _back = move_to(&scope, &row, MessageState::Sending, MessageState::Queued).await?;
            Err(DeliveryError::NotNow)
        }
    }
}

/// Lets a message be fetched. Nothing leaves, so there is nothing to claim and nothing to open: one read for the
/// last check, one write.
async fn release(scope: &TenantScope, row: &Key<Message>, job: &DeliverJob) -> Result<(), DeliveryError> {
    let Some(state) = scope.conversation_state(*job.conversation).await? else {
        return Ok(());
    };
    if state == ConversationState::Human {
        // Who wrote it decides; only here is the message itself worth a read.
        let found = scope.store().get_row(row, true).await?;
        let author = found.and_then(|row| row.peek("author"));
        if let Some(canceled) = author.and_then(|author| overruled(state, author)) {
            return settle(scope, job, row, MessageState::Queued, canceled).await;
        }
    }
    settle(scope, job, row, MessageState::Queued, MessageState::Sent).await
}

/// The last check before a message leaves: once a person has the conversation, the AI is silent, and so is
/// the notice that a person will come.
fn overruled(conversation: ConversationState, author: Author) -> Option<MessageState> {
    let silent = conversation == ConversationState::Human && matches!(author, Author::Ai | Author::System);
    silent.then_some(MessageState::Canceled)
}

async fn move_to(
    scope: &TenantScope,
    row: &Key<Message>,
    from: MessageState,
    to: MessageState,
) -> Result<Written, StoreError> {
    scope
        .store()
        .update(
            row,
            vec![("state", json!(to))],
            vec![When::Is("state", json!(from))],
        )
        .await
}

/// Writes down what became of a message. Where the person was not, or perhaps not, reached, somebody has to: they
/// are called first, as a state that says so is looked for by nobody.
async fn settle(
    scope: &TenantScope,
    job: &DeliverJob,
    row: &Key<Message>,
    from: MessageState,
    to: MessageState,
) -> Result<(), DeliveryError> {
    if matches!(to, MessageState::Failed | MessageState::Unknown) {
        let waits = ConversationState::WaitingForHuman;
        let _with_a_person_already = scope
            .move_conversation(
                *job.conversation,
                &[ConversationState::Ai],
                waits,
                scope.now(),
                None,
            )
            .await?;
    }
    if move_to(scope, row, from, to).await?.happened() {
        let name = match to {
            MessageState::Sent => "sent",
            MessageState::Canceled => "canceled",
            MessageState::Failed => "failed",
            _ => "unknown",
        };
        tracing::info!(tenant.id = %scope.tenant(), message.row = row.sk, message.state = name, "delivered");
        telemetry::emit("deliver", &[(name, 1.0, Unit::Count)]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_who_took_over_silences_the_ai_and_the_notice_but_not_themselves() {
        let human = ConversationState::Human;
        assert_eq!(overruled(human, Author::Ai), Some(MessageState::Canceled));
        assert_eq!(overruled(human, Author::System), Some(MessageState::Canceled));
        assert_eq!(overruled(human, Author::Human), None);
        assert_eq!(
            overruled(ConversationState::WaitingForHuman, Author::System),
            None
        );
        assert_eq!(overruled(ConversationState::WaitingForHuman, Author::Ai), None);
        assert_eq!(overruled(ConversationState::Ai, Author::Ai), None);
    }
}
