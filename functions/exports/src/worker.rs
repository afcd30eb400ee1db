//! Writing the file of one export. A worker holds a lease; after each part that is stored it writes down how
//! far it is, and whoever comes after it goes on from there. Only the holder of the latest lease can write
//! anything down.

use std::time::Duration;

use serde_json::{Value, json};
use usher_aws::deadline::Deadline;
use usher_aws::files::{FileError, Files};
use usher_aws::queue::{Outgoing, QueueError};
use usher_aws::scope::ScopeError;
use usher_aws::sealing::{DataKey, KeyringError};
use usher_aws::settings::MissingVariable;
use usher_aws::store::{StoreError, When, keys};
use usher_aws::telemetry::{self, Unit};
use usher_aws::{Platform, TenantScope};
use usher_shared::Timestamp;
use usher_shared::model::{ExportState, UploadProgress};
use usher_shared::record::Malformed;
use usher_shared::records::{DataExport, DownloadLink, ExportFile, ExportJob, ExportProgress};
use usher_shared::untrusted::Label;

use crate::link::token;
use crate::slot;
use crate::source::{SourceError, Work};
use crate::upload::{Upload, UploadError};

/// A worker without a sign of life for this long may be replaced.
const LEASE: Duration = Duration::from_secs(20);
/// A worker shows a sign of life this often.
const BEAT: Duration = Duration::from_secs(5);
/// Time kept back for handing the work over to the next invocation.
const RESERVE: Duration = Duration::from_secs(15);

/// Why a job failed. The queue will bring it again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkError {
    /// The job is not one.
    #[error(transparent)]
    Job(#[from] Malformed),
    /// The tenant cannot be entered.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// A variable is missing.
    #[error(transparent)]
    Settings(#[from] MissingVariable),
    /// Keys or rows cannot be had.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The storage.
    #[error(transparent)]
    File(#[from] FileError),
    /// The job cannot be sent on.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl From<StoreError> for WorkError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

/// How an invocation's work on an export ended, where that is no error.
enum End {
    /// All bytes are stored.
    Written(Box<Upload>, Work),
    /// Time is up: the next invocation goes on.
    TimeUp,
    /// The export was stopped, or another worker has it.
    Lost,
    /// It cannot be done, now or later.
    Hopeless(String),
}

/// One worker with its lease.
struct Worker<'a> {
    platform: &'a Platform,
    scope: &'a TenantScope,
    files: Files,
    file: ExportFile,
    export: DataExport,
    attempt: u32,
    last_beat: Timestamp,
}

/// Works on one export until it is done, canceled, or time is up.
pub(crate) async fn work(platform: &Platform, job: &ExportJob, deadline: Deadline) -> Result<(), WorkError> {
    let scope = platform.enter(*job.tenant).await?;
    let row = keys::export(scope.tenant(), *job.export);
    let Some(export) = scope.store().get(&row, &DataKey::none(), true).await? else {
        return Ok(());
    };
    let mut worker = Worker {
        platform,
        scope: &scope,
        files: platform.files(&scope)?,
        file: scope.export_file(&export),
        attempt: *export.attempt + 1,
        last_beat: scope.now(),
        export,
    };
    match *worker.export.state {
        ExportState::Complete => return worker.forget_progress().await,
        ExportState::Failed | ExportState::Canceled => return worker.discard().await,
        ExportState::Pending | ExportState::Running => {}
    }
    let now = scope.now();
    if *worker.export.state == ExportState::Running && *worker.export.lease_until > now {
        // Somebody works on it. This job stays behind as the one that looks after a worker that dies.
        let rest = worker.export.lease_until.since(now) + Duration::from_secs(1);
        return send_on(platform, job, rest).await;
    }
    if !worker.claim().await? {
        return send_on(platform, job, LEASE).await;
    }
    match worker.write(deadline).await? {
        End::Written(upload, done) => worker.finish(&upload, &done).await,
        End::TimeUp => {
            worker.set(vec![("lease_until", json!(scope.now()))]).await?;
            send_on(platform, job, Duration::ZERO).await
        }
        End::Lost => worker.clean_up_if_stopped().await,
        End::Hopeless(why) => {
            tracing::error!(export.id = %*worker.export.id, error = why, "export failed");
            worker.set(vec![("state", json!(ExportState::Failed))]).await?;
            telemetry::emit("exports", &[("failed", 1.0, Unit::Count)]);
            worker.discard().await
        }
    }
}

async fn send_on(platform: &Platform, job: &ExportJob, delay: Duration) -> Result<(), WorkError> {
    let queue = platform.settings().export_queue()?;
    let again = ExportJob {
        at: platform.clock().now().into(),
        ..job.clone()
    };
    let jobs = [Outgoing::standard(&again)?.after(delay)];
    match platform.send_jobs(&queue, &jobs).await.pop() {
        None => Ok(()),
        Some((_, error)) => Err(error.into()),
    }
}

impl Worker<'_> {
    /// Takes the lease, if nobody took it since the row was read.
    async fn claim(&mut self) -> Result<bool, WorkError> {
        let row = keys::export(self.scope.tenant(), *self.export.id);
        let now = self.scope.now();
        let set = vec![
            ("state", json!(ExportState::Running)),
            ("attempt", json!(self.attempt)),
            ("lease_until", json!(now.plus(LEASE))),
            ("updated_at", json!(now)),
        ];
        let open = vec![json!(ExportState::Pending), json!(ExportState::Running)];
        let when = vec![
            When::Is("attempt", json!(*self.export.attempt)),
            When::OneOf("state", open),
        ];
        if !self.scope.store().update(&row, set, when).await?.happened() {
            return Ok(false);
        }
        slot::renew(self.scope, *self.export.id).await?;
        Ok(true)
    }

    /// Changes the export's row, if this worker still has it and nobody stopped it.
    async fn set(&self, mut set: Vec<(&'static str, Value)>) -> Result<bool, WorkError> {
        let row = keys::export(self.scope.tenant(), *self.export.id);
        set.push(("updated_at", json!(self.scope.now())));
        let when = vec![
            When::Is("attempt", json!(self.attempt)),
            When::Is("state", json!(ExportState::Running)),
        ];
        Ok(self.scope.store().update(&row, set, when).await?.happened())
    }

    /// A sign of life, with what there is to show. `false` if the export was stopped or lost.
    async fn beat(&mut self, upload: &Upload, work: &Work) -> Result<bool, WorkError> {
        self.last_beat = self.scope.now();
        slot::renew(self.scope, *self.export.id).await?;
        let size = upload.stored() + u64::try_from(upload.pending.len()).unwrap_or(0);
        self.set(vec![
            ("lease_until", json!(self.last_beat.plus(LEASE))),
            ("counts", json!(work.counts)),
            ("size", json!(size)),
        ])
        .await
    }

    async fn write(&mut self, deadline: Deadline) -> Result<End, WorkError> {
        let (mut upload, mut work) = match self.begin_or_resume().await? {
            Some(Ok(begun)) => begun,
            Some(Err(error)) => return ended(error),
            None => return Ok(End::Lost),
        };
        while !work.is_done() {
            if let Err(error) = work.step(self.scope, &mut upload.pending).await {
                return match error {
                    SourceError::Keyring(KeyringError::Store(error)) if !error.may_succeed_later() => {
                        Ok(End::Hopeless(error.to_string()))
                    }
                    SourceError::Keyring(error) => Err(error.into()),
                    SourceError::File(error) => Err(error.into()),
                    SourceError::Settings(error) => Err(error.into()),
                    SourceError::Gone | SourceError::TooLarge(_) | SourceError::Unfit(_) => {
                        Ok(End::Hopeless(error.to_string()))
                    }
                };
            }
            if upload.is_due() || work.is_done() {
                // An empty file has one part, too.
                if let Err(error) = upload.flush(&self.files, &self.file).await {
                    return ended(error);
                }
                let progress = match upload.progress(&work) {
                    Ok(progress) => progress,
                    Err(error) => return ended(error),
                };
                let mine = When::Is("attempt", json!(self.attempt));
                if !self.write_down(progress, mine).await? || !self.beat(&upload, &work).await? {
                    return Ok(End::Lost);
                }
            }
            if self.scope.now().since(self.last_beat) >= BEAT && !self.beat(&upload, &work).await? {
                return Ok(End::Lost);
            }
            if !work.is_done() && deadline.remaining() < RESERVE {
                return Ok(End::TimeUp);
            }
        }
        Ok(End::Written(Box::new(upload), work))
    }

    /// What an earlier worker left, fenced off from it; or a new upload. `None` if another worker was faster.
    async fn begin_or_resume(&self) -> Result<Option<Result<(Upload, Work), UploadError>>, WorkError> {
        let row = keys::export_progress(self.scope.tenant(), *self.export.id);
        let found = self.scope.store().get(&row, self.scope.key(), true).await?;
        if let Some(found) = found {
            let mine = vec![("attempt", json!(self.attempt))];
            let when = vec![When::Is("attempt", json!(*found.attempt))];
            if !self.scope.store().update(&row, mine, when).await?.happened() {
                return Ok(None);
            }
            tracing::info!(export.id = %*self.export.id, parts = found.upload.get().parts.len(), "export resumed");
            return Ok(Some(Upload::resume(found.upload.into_inner())));
        }
        let upload = Upload::new(self.files.begin(&self.file).await?);
        let work = Work::begin(&self.export);
        let progress = match upload.progress(&work) {
            Ok(progress) => progress,
            Err(error) => return Ok(Some(Err(error))),
        };
        if self.write_down(progress, When::Absent).await? {
            return Ok(Some(Ok((upload, work))));
        }
        self.files.abort(&self.file, upload.id()).await?;
        Ok(None)
    }

    async fn write_down(&self, upload: UploadProgress, when: When) -> Result<bool, WorkError> {
        let row = keys::export_progress(self.scope.tenant(), *self.export.id);
        let record = ExportProgress {
            export: self.export.id,
            created_at: self.export.created_at,
            attempt: self.attempt.into(),
            upload: upload.into(),
        };
        let written = self
            .scope
            .store()
            .put(&row, &record, self.scope.key(), when)
            .await?;
        Ok(written.happened())
    }

    /// Makes the file of its parts and lets its link work.
    async fn finish(&self, upload: &Upload, work: &Work) -> Result<(), WorkError> {
        match self.files.complete(&self.file, upload.id(), upload.parts()).await {
            Ok(()) => {}
            // An earlier worker may have died right after this very call.
            Err(FileError::NoSuchUpload) if self.files.size(&self.file).await? == Some(upload.stored()) => {}
            Err(FileError::NoSuchUpload) => {
                self.set(vec![("state", json!(ExportState::Failed))]).await?;
                return self.discard().await;
            }
            Err(error) => return Err(error.into()),
        }
        let id = *self.export.id;
        let hash = self.platform.download_token_hash(&token(self.scope, id)).await?;
        let link = DownloadLink {
            token: hash.into(),
            tenant: self.scope.tenant().into(),
            export: id.into(),
            created_at: self.export.created_at,
        };
        self.platform.put_download_link(&link).await?;
        let sha256 = upload.sha256().parse::<Label>().ok();
        let now = self.scope.now();
        let complete = vec![
            ("state", json!(ExportState::Complete)),
            ("completed_at", json!(now)),
            ("counts", json!(work.counts)),
            ("size", json!(upload.stored())),
            ("sha256", json!(sha256)),
            ("token", json!(hash)),
        ];
        if !self.set(complete).await? {
            return self.clean_up_if_stopped().await;
        }
        slot::release(self.scope, id).await?;
        self.forget_progress().await?;
        let size = u32::try_from(upload.stored()).map_or(f64::from(u32::MAX), f64::from);
        telemetry::emit(
            "exports",
            &[("completed", 1.0, Unit::Count), ("bytes", size, Unit::Count)],
        );
        tracing::info!(tenant.id = %self.scope.tenant(), export.id = %id, size, "export complete");
        Ok(())
    }

    /// After the export was lost: to another worker, who is left alone, or because it was stopped.
    async fn clean_up_if_stopped(&self) -> Result<(), WorkError> {
        let row = keys::export(self.scope.tenant(), *self.export.id);
        let export = self.scope.store().get(&row, &DataKey::none(), true).await?;
        let state = export.map(|export| *export.state);
        match state {
            Some(ExportState::Pending | ExportState::Running | ExportState::Complete) => Ok(()),
            Some(ExportState::Failed | ExportState::Canceled) | None => self.discard().await,
        }
    }

    /// Leaves nothing behind of an export that will not be.
    async fn discard(&self) -> Result<(), WorkError> {
        let row = keys::export_progress(self.scope.tenant(), *self.export.id);
        if let Some(found) = self.scope.store().get(&row, self.scope.key(), true).await? {
            self.files.abort(&self.file, &found.upload.get().upload).await?;
        }
        self.files.delete(&self.file).await?;
        slot::release(self.scope, *self.export.id).await?;
        self.forget_progress().await
    }

    async fn forget_progress(&self) -> Result<(), WorkError> {
        let row = keys::export_progress(self.scope.tenant(), *self.export.id);
        self.scope.store().delete(&row).await?;
        Ok(())
    }
}

fn ended(error: UploadError) -> Result<End, WorkError> {
    match error {
        UploadError::File(error @ FileError::Storage { .. }) => Err(error.into()),
        // No upload: the bucket's own rules removed it, and its parts are gone.
        UploadError::File(FileError::NoSuchUpload) | UploadError::TooLarge | UploadError::Unreadable => {
            Ok(End::Hopeless(error.to_string()))
        }
    }
}
