//! Letters of conversations' heads.

use usher_aws::store::keys;
use usher_shared::Timestamp;
use usher_shared::ids::{ConversationId, TenantId};
use usher_shared::model::ConversationState;
use usher_shared::records::StreamLetter;

use super::LetterError;
use crate::Dispatcher;
use crate::route::alert_job;

impl Dispatcher {
    /// A head whose record could not be dispatched: if it waits, somebody has to be told.
    pub(super) async fn look_at_head(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        letter: &StreamLetter,
        now: Timestamp,
    ) -> Result<bool, LetterError> {
        let row = keys::conversation(tenant, conversation);
        if row.sk != letter.sk.as_str() {
            return Ok(false);
        }
        let Some(scope) = self.enter(tenant).await? else {
            return Ok(false);
        };
        let head = scope.store().get_row(&row, true).await?;
        let waits = head.filter(|head| head.peek("state") == Some(ConversationState::WaitingForHuman));
        let Some(since) = waits.and_then(|head| head.peek("waiting_since")) else {
            return Ok(false);
        };
        let job = alert_job(tenant, conversation, since, now).ok_or(LetterError::NotSent)?;
        let refused = self.platform.send_jobs(&self.queues.alerts, &[job]).await;
        refused.is_empty().then_some(true).ok_or(LetterError::NotSent)
    }
}
