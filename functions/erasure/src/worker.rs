//! Removes what an erasure left unreadable. Every step can be done again; a restart goes on with what is left.

use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::files::FileError;
use usher_aws::forgetting::exports::{RemoveError, remove_files};
use usher_aws::forgetting::{conversations_of, remove};
use usher_aws::privacy::PrivacyError;
use usher_aws::probe::ProbeError;
use usher_aws::queue::{Outgoing, QueueError};
use usher_aws::restart::RestartError;
use usher_aws::scope::ScopeError;
use usher_aws::sealing::{DataKey, KeyringError};
use usher_aws::settings::MissingVariable;
use usher_aws::store::{StoreError, When, keys};
use usher_aws::telemetry::{self, Unit};
use usher_shared::model::{ErasureLook, ErasureState};
use usher_shared::record::Malformed;
use usher_shared::records::{EraseJob, Erasing};

use crate::Eraser;
use crate::begin::make_unreadable;
use crate::{privacy, report};

/// Why an erasure could not go on. The queue will bring it again.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The job is not one.
    #[error(transparent)]
    Job(#[from] Malformed),
    /// The tenant cannot be entered.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// Keys or rows cannot be had.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Files of exports could not be removed.
    #[error(transparent)]
    Files(#[from] RemoveError),
    /// Files of attachments could not be removed.
    #[error(transparent)]
    Attachments(#[from] FileError),
    /// The function was not given its bucket.
    #[error(transparent)]
    Settings(#[from] MissingVariable),
    /// Recordings are still at their carrier.
    #[error("{0} recordings are still at their carrier")]
    Recordings(u64),
    /// An erasure could not be started again.
    #[error(transparent)]
    Restart(#[from] RestartError),
    /// It could not be looked whether anything is left.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// An independent look found something.
    #[error("{0} traces were found after everything was removed")]
    Left(u64),
    /// The job of the second look could not be sent.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl From<PrivacyError> for EraseError {
    fn from(error: PrivacyError) -> Self {
        match error {
            PrivacyError::Keyring(error) => error.into(),
            PrivacyError::Settings(error) => error.into(),
        }
    }
}

impl From<StoreError> for EraseError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

/// Takes one look at an erasure.
pub(crate) async fn erase(eraser: &Eraser, job: &EraseJob) -> Result<(), EraseError> {
    let scope = match eraser.platform.enter(*job.tenant).await {
        Err(ScopeError::UnknownTenant) => return Ok(()),
        scope => scope?,
    };
    let row = keys::erasure(scope.tenant(), *job.erasure);
    let Some(erasing): Option<Erasing> = scope.store().get(&row, &DataKey::none(), true).await? else {
        return Ok(());
    };
    let open_row = keys::open_erasure(scope.tenant(), *job.erasure);
    // Whoever wrote the row down may have died before the keys were gone; and a hold may have come first.
    if *erasing.state == ErasureState::Held || !make_unreadable(&scope, &erasing).await? {
        scope.store().delete(&open_row).await?;
        return Ok(());
    }
    // Before their rows go, which say what they are called there.
    let recordings = eraser
        .platform
        .remove_recordings_of(&scope, &eraser.web, &erasing)
        .await?;
    if recordings.left > 0 && *erasing.state >= ErasureState::Removed {
        return Err(EraseError::Recordings(recordings.left));
    }
    // Before their rows go as well. What a worker stores at this moment it removes itself, or the second look does.
    let attachments = scope.attachment_files()?;
    let mut files = 0;
    for conversation in conversations_of(&scope, &erasing).await? {
        files += attachments.delete_conversation(conversation).await?;
    }
    let removed = remove(&scope, &erasing).await?;
    report::removed(&scope, *erasing.id, removed, files + recordings.removed).await?;
    remove_files(&scope, &eraser.platform.files(&scope)?).await?;
    // Everything else is gone; this is not done before they are.
    if recordings.left > 0 {
        return Err(EraseError::Recordings(recordings.left));
    }
    let found = match *job.look {
        ErasureLook::First => 0,
        ErasureLook::Second => probe(&scope, &erasing).await?,
    };
    if found > 0 {
        return Err(EraseError::Left(found));
    }
    let reached = match job.look {
        look if *look == ErasureLook::First => {
            // Before the state says so: a crash in between repeats the first look, and none is lost.
            second_look(eraser, job).await?;
            ErasureState::Removed
        }
        _ => ErasureState::Verified,
    };
    // Not `Held`: what a hold stopped is not this worker's any more.
    let earlier = [
        ErasureState::Requested,
        ErasureState::Unreadable,
        ErasureState::Removed,
    ];
    let earlier = earlier
        .into_iter()
        .filter(|state| *state < reached)
        .map(|state| json!(state));
    let set = vec![("state", json!(reached)), ("updated_at", json!(scope.now()))];
    let when = vec![When::OneOf("state", earlier.collect())];
    let _further_already = scope.store().update(&row, set, when).await?;
    if reached == ErasureState::Verified {
        scope.store().delete(&open_row).await?;
        privacy::after_erasure(eraser, &scope).await?;
    } else {
        privacy::note_removal(eraser, &scope, &erasing).await?;
    }
    tracing::info!(tenant.id = %scope.tenant(), erasure.id = %*job.erasure, rows = removed, "removed");
    telemetry::emit("erasure", &[("rows_removed", precise(removed), Unit::Count)]);
    Ok(())
}

/// Looks for what is erased independently of what removed it. What is found is said loudly, and the job comes again.
async fn probe(scope: &TenantScope, erasing: &Erasing) -> Result<u64, EraseError> {
    let report = report::read(scope, *erasing.id).await?;
    let identifiers = report.and_then(|report| report.identifiers.0).unwrap_or_default();
    let found = scope.probe(erasing, &identifiers).await?;
    report::probed(scope, *erasing.id, found.total()).await?;
    if found.total() > 0 {
        tracing::error!(
            tenant.id = %scope.tenant(), erasure.id = %*erasing.id, keys = found.keys, rows = found.rows,
            files = found.files, "found after everything was removed"
        );
        telemetry::emit(
            "erasure",
            &[("traces_found", precise(found.total()), Unit::Count)],
        );
    }
    Ok(found.total())
}

/// Counts of rows are far below the 2^53 up to which this is exact.
#[expect(clippy::cast_precision_loss, reason = "metrics are floating point")]
fn precise(count: u64) -> f64 {
    count as f64
}

/// Asks for the second look, once every function that might have read a key before it was deleted has ended.
async fn second_look(eraser: &Eraser, job: &EraseJob) -> Result<(), EraseError> {
    let again = EraseJob {
        look: ErasureLook::Second.into(),
        ..job.clone()
    };
    let again = Outgoing::standard(&again)?.after(eraser.second_look);
    match eraser
        .platform
        .send_jobs(&eraser.queue, &[again])
        .await
        .into_iter()
        .next()
    {
        None => Ok(()),
        Some((_, error)) => Err(error.into()),
    }
}
