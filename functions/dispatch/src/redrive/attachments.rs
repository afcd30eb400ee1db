//! Dead letters of attachments.

use serde_json::json;
use usher_aws::queue;
use usher_aws::store::{When, keys};
use usher_shared::attachment::AttachmentTask;
use usher_shared::channel::{AttachmentRefusal, AttachmentState};
use usher_shared::records::AttachmentJob;

use super::{BATCHES, LetterError};
use crate::{DispatchError, Dispatcher};

impl Dispatcher {
    /// An attachment that could not be fetched says so; what else was to be done about one is done by the look for
    /// orphans, or by the bucket's own rules.
    pub(super) async fn give_up_attachments(&self) -> Result<u32, DispatchError> {
        let mut settled = 0;
        for _ in 0..BATCHES {
            let letters = self.platform.receive(&self.queues.attachments_dead).await?;
            if letters.is_empty() {
                break;
            }
            for letter in letters {
                let done = match queue::decode::<AttachmentJob>(&letter.body) {
                    Ok(job) if *job.task == AttachmentTask::Fetch => self.refuse_attachment(&job).await,
                    _ => Ok(false),
                };
                settled += self
                    .put_away(&self.queues.attachments_dead, &letter, done)
                    .await?;
            }
        }
        Ok(settled)
    }

    async fn refuse_attachment(&self, job: &AttachmentJob) -> Result<bool, LetterError> {
        let Some(scope) = self.enter(*job.tenant).await? else {
            return Ok(false);
        };
        let row = keys::attachment(scope.tenant(), *job.conversation, *job.message, *job.attachment);
        let set = vec![
            ("state", json!(AttachmentState::Refused)),
            ("refusal", json!(AttachmentRefusal::Unavailable)),
        ];
        let when = vec![When::Is("state", json!(AttachmentState::Pending))];
        Ok(scope.store().update(&row, set, when).await?.happened())
    }
}
