//! One job of the queue.

use usher_aws::TenantScope;
use usher_aws::attachments::AttachmentError;
use usher_aws::deadline::Deadline;
use usher_aws::files::FileError;
use usher_aws::queue::{self, QueueError};
use usher_aws::scope::ScopeError;
use usher_aws::sealing::KeyringError;
use usher_aws::settings::MissingVariable;
use usher_aws::store::{StoreError, keys};
use usher_shared::attachment::{AttachmentTask, FileBytes};
use usher_shared::ids::TenantId;
use usher_shared::record::Malformed;
use usher_shared::records::{AttachmentCopy, AttachmentFile, AttachmentJob, OrphansJob};

use crate::Attachments;
use crate::fetch::{self, NotNow};
use crate::orphans;

/// Why a job failed. The queue will bring it again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkError {
    /// The job is not one.
    #[error(transparent)]
    Job(#[from] Malformed),
    /// The tenant cannot be entered.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// Keys, rows or files cannot be had.
    #[error(transparent)]
    Attachment(#[from] AttachmentError),
    /// The attachment cannot be fetched now.
    #[error(transparent)]
    NotNow(#[from] NotNow),
    /// A job could not be sent.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

macro_rules! by_way_of_attachment {
    ($($error:ty),*) => {$(
        impl From<$error> for WorkError {
            fn from(error: $error) -> Self {
                Self::Attachment(error.into())
            }
        }
    )*};
}
by_way_of_attachment!(StoreError, KeyringError, FileError, MissingVariable);

/// Does what a job says.
pub(crate) async fn work(function: &Attachments, body: &str, deadline: Deadline) -> Result<(), WorkError> {
    if let Ok(job) = queue::decode::<OrphansJob>(body) {
        let Some(scope) = enter(function, *job.tenant).await? else {
            return Ok(());
        };
        return orphans::look(function, &scope, &job, deadline).await;
    }
    let job: AttachmentJob = queue::decode(body)?;
    let Some(scope) = enter(function, *job.tenant).await? else {
        return Ok(());
    };
    match *job.task {
        AttachmentTask::Fetch => fetch::fetch(function, &scope, &job).await,
        AttachmentTask::Remove => remove(&scope, &job).await,
        AttachmentTask::EndCopy => end_copy(&scope, &job).await,
    }
}

/// Enters a tenant; `None` if there is none any more.
async fn enter(function: &Attachments, tenant: TenantId) -> Result<Option<TenantScope>, ScopeError> {
    match function.platform.enter(tenant).await {
        Ok(scope) => Ok(Some(scope)),
        Err(ScopeError::UnknownTenant) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The row is gone, whatever took it: so goes the file, with every copy. A row that is there keeps them: the job was
/// sent twice, or somebody sent it who may not decide this.
pub(crate) async fn remove(scope: &TenantScope, job: &AttachmentJob) -> Result<(), WorkError> {
    let row = keys::attachment(scope.tenant(), *job.conversation, *job.message, *job.attachment);
    if scope.store().get_row_ended(&row).await?.is_some() {
        return Ok(());
    }
    let files = scope.attachment_files()?;
    files
        .delete(&AttachmentFile {
            tenant: job.tenant,
            conversation: job.conversation,
            message: job.message,
            attachment: job.attachment,
            at: job.at,
            content: FileBytes.into(),
        })
        .await?;
    files.delete_copies(*job.conversation, *job.attachment).await?;
    Ok(())
}

/// Whoever asked for the copy had their minutes.
async fn end_copy(scope: &TenantScope, job: &AttachmentJob) -> Result<(), WorkError> {
    let Some(name) = job.copy.0.clone() else {
        return Ok(());
    };
    let copy = AttachmentCopy {
        tenant: job.tenant,
        conversation: job.conversation,
        attachment: job.attachment,
        at: job.at,
        name: name.into(),
    };
    scope.attachment_files()?.delete_copy(&copy).await?;
    Ok(())
}
