//! Starting again what came to a stop: an erasure or an export whose job was given up, or never came.

use std::time::Duration;

use serde_json::json;
use usher_shared::Timestamp;
use usher_shared::ids::ErasureId;
use usher_shared::model::{ErasureLook, ErasureState};
use usher_shared::records::{EraseJob, Erasing, ExportJob, OpenErasure, OpenRequest, PrivacyJob};

use crate::platform::Platform;
use crate::queue::{Outgoing, QueueError};
use crate::scope::TenantScope;
use crate::sealing::DataKey;
use crate::settings::MissingVariable;
use crate::store::{StoreError, When, keys};

/// A worker that is still trying has ended after this long: ten attempts, half an hour apart.
pub const GIVEN_UP: Duration = Duration::from_hours(6);
/// For this long nobody else starts an export that was started again.
const EXPORT_HELD: Duration = Duration::from_hours(1);

/// Why something could not be started again.
#[derive(Debug, thiserror::Error)]
pub enum RestartError {
    /// Rows cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The job could not be sent.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The function was not given the queue.
    #[error(transparent)]
    Settings(#[from] MissingVariable),
}

/// What was found unfinished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Jobs sent.
    pub restarted: u64,
    /// For how long the oldest unfinished erasure has been asked for.
    pub oldest: Duration,
    /// For how long the oldest open request of privacy has been asked for.
    pub oldest_request: Duration,
    /// Open requests of privacy whose time is over.
    pub overdue_requests: u64,
}

impl Platform {
    /// Starts an erasure again whose worker was last asked to do it `after` ago or earlier. Says whether a job was
    /// sent. Its note is changed first, so that two who come at once send one job.
    ///
    /// # Errors
    /// [`RestartError`]; if the job was not sent, the next one who comes after `after` does it.
    pub async fn restart_erasure(
        &self,
        scope: &TenantScope,
        erasing: &Erasing,
        after: Duration,
    ) -> Result<bool, RestartError> {
        let (now, id) = (scope.now(), *erasing.id);
        let row = keys::open_erasure(scope.tenant(), id);
        let note = scope.store().get(&row, &DataKey::none(), true).await?;
        let written = match note {
            Some(note) if now.since(*note.started_at) < after => return Ok(false),
            Some(note) => {
                let set = vec![("started_at", json!(now))];
                let unchanged = vec![When::Is("started_at", json!(note.started_at.0))];
                scope.store().update(&row, set, unchanged).await?
            }
            None => {
                let note = OpenErasure {
                    erasure: id.into(),
                    started_at: now.into(),
                };
                scope
                    .store()
                    .put(&row, &note, &DataKey::none(), When::Absent)
                    .await?
            }
        };
        if !written.happened() {
            return Ok(false);
        }
        let look = match *erasing.state {
            ErasureState::Removed => ErasureLook::Second,
            _ => ErasureLook::First,
        };
        let job = EraseJob {
            at: now.into(),
            tenant: scope.tenant().into(),
            erasure: id.into(),
            look: look.into(),
        };
        let job = Outgoing::standard(&job).map_err(QueueError::from)?;
        self.send_one(&self.settings().erasure_queue()?, job).await?;
        tracing::warn!(tenant.id = %scope.tenant(), erasure.id = %id, "erasure started again");
        Ok(true)
    }

    /// Looks through a tenant's unfinished erasures and its running export, and starts again what shows no sign of
    /// life.
    ///
    /// # Errors
    /// [`RestartError`].
    pub async fn restart_unfinished(&self, scope: &TenantScope) -> Result<Unfinished, RestartError> {
        let mut found = Unfinished::default();
        for row in scope
            .store()
            .query_all(&keys::open_erasures(scope.tenant()))
            .await?
        {
            let note: OpenErasure = scope.store().open(row, &DataKey::none())?;
            self.look_at(scope, &note, &mut found).await?;
        }
        self.look_at_requests(scope, &mut found).await?;
        found.restarted += u64::from(self.restart_export(scope).await?);
        Ok(found)
    }

    async fn look_at(
        &self,
        scope: &TenantScope,
        note: &OpenErasure,
        found: &mut Unfinished,
    ) -> Result<(), RestartError> {
        let id: ErasureId = *note.erasure;
        let row = keys::erasure(scope.tenant(), id);
        let erasing: Option<Erasing> = scope.store().get(&row, &DataKey::none(), true).await?;
        let open = erasing.filter(|erasing| erasing.state.is_open());
        let Some(erasing) = open else {
            // Finished, and the worker died before it could say so here; or never begun after the note.
            if scope.now().since(*note.started_at) >= GIVEN_UP {
                scope
                    .store()
                    .delete(&keys::open_erasure(scope.tenant(), id))
                    .await?;
            }
            return Ok(());
        };
        found.oldest = found.oldest.max(scope.now().since(*erasing.requested_at));
        found.restarted += u64::from(self.restart_erasure(scope, &erasing, GIVEN_UP).await?);
        Ok(())
    }

    /// How old requests of privacy are, and a job for those that no worker was asked to go on with for hours. One that
    /// waits for people or for the end of a hold costs a look.
    async fn look_at_requests(
        &self,
        scope: &TenantScope,
        found: &mut Unfinished,
    ) -> Result<(), RestartError> {
        let (now, tenant) = (scope.now(), scope.tenant());
        for row in scope.store().query_all(&keys::open_requests(tenant)).await? {
            let sk = row.sk().map(str::to_owned).unwrap_or_default();
            let open: OpenRequest = scope.store().open(row, &DataKey::none())?;
            found.oldest_request = found.oldest_request.max(now.since(*open.opened_at));
            found.overdue_requests += u64::from(*open.due_at < now);
            if now.since(*open.started_at) < GIVEN_UP {
                continue;
            }
            let row = keys::open_request_at(tenant, sk);
            let set = vec![("started_at", json!(now))];
            let when = vec![When::Is("started_at", json!(open.started_at.0))];
            if !scope.store().update(&row, set, when).await?.happened() {
                continue;
            }
            let job = PrivacyJob {
                at: now.into(),
                tenant: tenant.into(),
                request: Some(*open.request).into(),
            };
            let job = Outgoing::standard(&job).map_err(QueueError::from)?;
            self.send_one(&self.settings().erasure_queue()?, job).await?;
            found.restarted += 1;
        }
        Ok(())
    }

    /// Starts the tenant's one export again if it runs and nobody has worked on it for an hour.
    async fn restart_export(&self, scope: &TenantScope) -> Result<bool, RestartError> {
        let now: Timestamp = scope.now();
        let slot_row = keys::export_slot(scope.tenant());
        let Some(slot) = scope.store().get(&slot_row, &DataKey::none(), false).await? else {
            return Ok(false);
        };
        if *slot.held_until > now {
            return Ok(false);
        }
        let row = keys::export(scope.tenant(), *slot.export);
        let export = scope.store().get(&row, &DataKey::none(), true).await?;
        if !export.is_some_and(|export| export.state.is_open()) {
            return Ok(false);
        }
        let set = vec![("held_until", json!(now.plus(EXPORT_HELD)))];
        let when = vec![
            When::Is("export", json!(*slot.export)),
            When::Is("held_until", json!(slot.held_until.0)),
        ];
        if !scope.store().update(&slot_row, set, when).await?.happened() {
            return Ok(false);
        }
        let job = ExportJob {
            at: now.into(),
            tenant: scope.tenant().into(),
            export: slot.export,
        };
        let job = Outgoing::standard(&job).map_err(QueueError::from)?;
        self.send_one(&self.settings().export_queue()?, job).await?;
        tracing::warn!(tenant.id = %scope.tenant(), export.id = %*slot.export, "export started again");
        Ok(true)
    }

    async fn send_one(&self, queue: &str, job: Outgoing) -> Result<(), QueueError> {
        match self.send_jobs(queue, &[job]).await.pop() {
            None => Ok(()),
            Some((_, error)) => Err(error),
        }
    }
}
