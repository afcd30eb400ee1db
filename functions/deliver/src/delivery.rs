//! One delivery.

use std::time::Duration;

use serde_json::{Value, json};
use usher_aws::TenantScope;
use usher_aws::deadline::Deadline;
use usher_aws::scope::ScopeError;
use usher_aws::sealing::KeyringError;
use usher_aws::settings::MissingVariable;
use usher_aws::store::keys::{self, Key};
use usher_aws::store::{StoreError, When, Written};
use usher_aws::telemetry::{self, Unit};
use usher_carriers::call::Outcome;
use usher_shared::channel::{ChannelTrouble, Failure};
use usher_shared::ids::ChannelId;
use usher_shared::model::{Author, ConversationState, MessageState};
use usher_shared::record::Malformed;
use usher_shared::records::{DeliverJob, Message};

use crate::Courier;
use crate::sending;

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
    /// The function was not told where carriers are.
    #[error(transparent)]
    Settings(#[from] MissingVariable),
    /// The carrier asked to come back later; nothing was sent.
    #[error("the carrier did not take it now")]
    NotNow,
    /// The claim was refused: another attempt has it, and may die over it, so somebody has to look again.
    #[error("the message is claimed already")]
    Claimed,
}

impl From<StoreError> for DeliveryError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

/// A delivery at work.
pub(crate) struct Delivery<'a> {
    pub(crate) scope: TenantScope,
    pub(crate) row: Key<Message>,
    pub(crate) job: &'a DeliverJob,
}

/// What becomes of a message, as it is written down.
pub(crate) struct Settled {
    pub(crate) to: MessageState,
    pub(crate) failure: Option<Failure>,
    pub(crate) trouble: Option<ChannelTrouble>,
    /// Open fields beside the state.
    pub(crate) more: Vec<(&'static str, Value)>,
}

impl Settled {
    pub(crate) fn of(to: MessageState) -> Self {
        Self {
            to,
            failure: None,
            trouble: None,
            more: Vec::new(),
        }
    }

    /// The person does not want it: nobody is called for it.
    pub(crate) fn restricted() -> Self {
        Self {
            failure: Some(Failure::Restricted),
            ..Self::of(MessageState::Canceled)
        }
    }

    pub(crate) fn refused(why: Failure) -> Self {
        Self {
            failure: Some(why),
            ..Self::of(MessageState::Failed)
        }
    }
}

/// Delivers one message, once.
pub(crate) async fn deliver(
    courier: &Courier,
    job: &DeliverJob,
    deadline: Deadline,
) -> Result<(), DeliveryError> {
    // Nothing is read on the way to a channel that a policy could have ended.
    let entered = courier.platform.enter_to_write(*job.tenant).await;
    let scope = match entered {
        Err(ScopeError::UnknownTenant) => return Ok(()),
        scope => scope?,
    };
    let row = keys::message(scope.tenant(), *job.conversation, *job.message);
    let delivery = Delivery { scope, row, job };
    let Some(channel) = delivery.channel().await? else {
        return Ok(());
    };
    let channel = courier.platform.recall_channel(&delivery.scope, channel).await?;
    let kind = channel.as_ref().map(|channel| *channel.channel.kind);
    // Of a channel that is gone only a web chat may still be read, by who has its page open.
    if let Some(sender) = kind.map(|kind| courier.carriers.of(kind)) {
        if sender.is_fetched() {
            return delivery.release().await;
        }
        let scope = match courier.platform.enter(*job.tenant).await {
            Err(ScopeError::UnknownTenant) => return Ok(()),
            scope => scope?,
        };
        let delivery = Delivery { scope, ..delivery };
        return sending::send(courier, &delivery, deadline).await;
    }
    delivery.release().await
}

impl Delivery<'_> {
    /// The channel that the message leaves by. Jobs from before they named it leave it to the message's row.
    async fn channel(&self) -> Result<Option<ChannelId>, DeliveryError> {
        if let Some(channel) = *self.job.channel {
            return Ok(Some(channel));
        }
        let found = self.scope.store().get_row(&self.row, true).await?;
        Ok(found.and_then(|row| row.peek("channel")))
    }

    /// Lets a message be fetched. Nothing leaves, so there is nothing to claim and nothing to open: one read for the
    /// last check, one write.
    async fn release(&self) -> Result<(), DeliveryError> {
        let scope = &self.scope;
        let standing = scope.conversation_standing(*self.job.conversation).await?;
        let Some((state, processing)) = standing else {
            return Ok(());
        };
        if !processing.may_send() {
            return self.settle(MessageState::Queued, Settled::restricted()).await;
        }
        if state == ConversationState::Human {
            // Who wrote it decides; only here is the message itself worth a read.
            let found = scope.store().get_row(&self.row, true).await?;
            let author = found.and_then(|row| row.peek("author"));
            if author.is_some_and(|author| is_overruled(state, author)) {
                let canceled = Settled::of(MessageState::Canceled);
                return self.settle(MessageState::Queued, canceled).await;
            }
        }
        self.settle(MessageState::Queued, Settled::of(MessageState::Sent))
            .await
    }

    pub(crate) async fn move_to(
        &self,
        from: MessageState,
        set: Vec<(&'static str, Value)>,
    ) -> Result<Written, StoreError> {
        let when = vec![When::Is("state", json!(from))];
        self.scope.store().update(&self.row, set, when).await
    }

    /// Writes down what became of a message. Where the person was not, or perhaps not, reached, somebody has to: they
    /// are called first, as a state that says so is looked for by nobody.
    pub(crate) async fn settle(&self, from: MessageState, result: Settled) -> Result<(), DeliveryError> {
        let to = result.to;
        if matches!(to, MessageState::Failed | MessageState::Unknown) {
            let waits = ConversationState::WaitingForHuman;
            let _with_a_person_already = self
                .scope
                .move_conversation(
                    *self.job.conversation,
                    &ConversationState::OPEN_TO_AI,
                    waits,
                    self.scope.now(),
                    None,
                )
                .await?;
        }
        let mut set = vec![("state", json!(to))];
        if let Some(failure) = result.failure {
            set.push(("failure", json!(failure)));
        }
        set.extend(result.more);
        if self.move_to(from, set).await?.happened() {
            if matches!(to, MessageState::Canceled | MessageState::Failed) {
                let (conversation, message) = (*self.job.conversation, *self.job.message);
                self.scope.untell(conversation, message).await?;
            }
            let name = name_of(to);
            tracing::info!(
                tenant.id = %self.scope.tenant(),
                message.row = self.row.sk,
                message.state = name,
                message.failure = ?result.failure,
                "delivered"
            );
            telemetry::emit("deliver", &[(name, 1.0, Unit::Count)]);
        }
        Ok(())
    }
}

const fn name_of(state: MessageState) -> &'static str {
    match state {
        MessageState::Sent => "sent",
        MessageState::Canceled => "canceled",
        MessageState::Failed => "failed",
        _ => "unknown",
    }
}

/// The last check before a message leaves: once a person has the conversation, the AI is silent, and so is
/// the notice that a person will come.
pub(crate) fn is_overruled(conversation: ConversationState, author: Author) -> bool {
    conversation == ConversationState::Human && matches!(author, Author::Ai | Author::System)
}

/// What a carrier's word means for the message.
pub(crate) fn result_of(outcome: &Outcome) -> Option<Settled> {
    Some(match outcome {
        Outcome::Taken { .. } => Settled::of(MessageState::Sent),
        Outcome::Refused { why, trouble } => Settled {
            trouble: *trouble,
            ..Settled::refused(*why)
        },
        Outcome::Unknown => Settled::of(MessageState::Unknown),
        Outcome::NotNow { .. } => return None,
    })
}

/// The longest that one call to a carrier may take.
pub(crate) const CALL: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_who_took_over_silences_the_ai_and_the_notice_but_not_themselves() {
        let human = ConversationState::Human;
        assert!(is_overruled(human, Author::Ai));
        assert!(is_overruled(human, Author::System));
        assert!(!is_overruled(human, Author::Human));
        for state in [ConversationState::WaitingForHuman, ConversationState::Ai] {
            for author in [Author::Ai, Author::System, Author::Human] {
                assert!(!is_overruled(state, author));
            }
        }
    }
}
