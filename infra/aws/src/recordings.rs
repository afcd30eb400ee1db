//! Recordings of calls: they are at their carrier, and go there when what was said ends here.

use std::time::Duration;

use usher_carriers::twilio;
use usher_shared::channel::Connection;
use usher_shared::model::{ContactRef, ErasureState};
use usher_shared::records::{CallRecording, Erasing};

use crate::platform::Platform;
use crate::scope::{ScopeError, TenantScope};
use crate::store::keys::{self, Range};
use crate::store::{Read, Row, StoreError};
use crate::telemetry::{self, Unit};
use crate::web::Web;

/// Rows that are read at once.
const PAGE: usize = 50;
/// The longest that one call to the carrier may take.
const CALL: Duration = Duration::from_secs(10);

/// What became of recordings that were to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// Gone, there and here.
    pub removed: u64,
    /// Still there: the carrier did not do it. To be tried again.
    pub left: u64,
}

impl Platform {
    /// Removes recordings at their carrier, and then here. Doing it again does what is left.
    ///
    /// # Errors
    /// [`ScopeError`]. A carrier that does not answer is none: what it holds is counted as left.
    pub async fn remove_recordings(
        &self,
        scope: &TenantScope,
        web: &Web,
        range: &Range,
        is_due: impl Fn(&Row) -> bool,
    ) -> Result<Removal, ScopeError> {
        let mut removal = Removal::default();
        let mut after = None;
        loop {
            let read = Read {
                limit: PAGE,
                backward: false,
                consistent: !range.listing,
                after,
            };
            let page = scope.store().query(range, &read).await?;
            for row in page.rows.into_iter().filter(&is_due) {
                let recording: CallRecording = scope.store().open(row, scope.key())?;
                if self.remove_recording(scope, web, &recording).await? {
                    let row = key_of(scope, &recording);
                    removal.removed += u64::from(scope.store().delete(&row).await?);
                } else {
                    removal.left += 1;
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(removal);
            }
        }
    }

    /// Removes the recordings of what is erased.
    ///
    /// # Errors
    /// As [`Self::remove_recordings`].
    pub async fn remove_recordings_of(
        &self,
        scope: &TenantScope,
        web: &Web,
        erasing: &Erasing,
    ) -> Result<Removal, ScopeError> {
        let mut all = Removal::default();
        for range in ranges(scope, erasing) {
            let one = self.remove_recordings(scope, web, &range, |_| true).await?;
            all.removed += one.removed;
            all.left += one.left;
        }
        Ok(all)
    }

    /// Says whether a recording needs no more to be done.
    async fn remove_recording(
        &self,
        scope: &TenantScope,
        web: &Web,
        recording: &CallRecording,
    ) -> Result<bool, ScopeError> {
        let channel = self.recall_channel(scope, *recording.channel).await?;
        let connection = channel.as_ref().and_then(|channel| channel.connection.as_ref());
        let Some(Connection::Twilio(connection)) = connection else {
            // The tenant has cut the channel off: what is left at the carrier is in the tenant's own account there.
            tracing::error!(
                tenant.id = %scope.tenant(),
                channel.id = %*recording.channel,
                "a recording cannot be removed any more"
            );
            telemetry::emit("recordings", &[("recordings_abandoned", 1.0, Unit::Count)]);
            return Ok(true);
        };
        let base = self.settings.twilio_url()?;
        let call = twilio::delete_recording(&base, connection, recording.recording.get());
        let answer = web.call(&call, CALL).await;
        Ok(answer.is_ok_and(|answer| twilio::deleted(&answer).is_ok()))
    }
}

impl TenantScope {
    /// Writes down a recording, unless it is known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remember_recording(&self, recording: &CallRecording) -> Result<(), StoreError> {
        let row = key_of(self, recording);
        let listing = keys::call_recording_listing(&row, self.tenant(), *recording.at);
        let when = crate::store::When::Absent;
        let _known = self
            .store()
            .put(&row.listed(listing), recording, self.key(), when)
            .await?;
        Ok(())
    }

    /// Forgets the recordings of an erasure that had removed them at their carrier before a backup brought their rows
    /// back.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_recordings(&self, erasing: &Erasing) -> Result<u64, StoreError> {
        let mut rows = 0;
        if *erasing.state >= ErasureState::Removed {
            for range in ranges(self, erasing) {
                rows += self.store().purge(&range).await?;
            }
        }
        Ok(rows)
    }

    /// Counts what [`Self::forget_recordings`] would remove.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recordings_left(&self, erasing: &Erasing) -> Result<u64, StoreError> {
        let mut rows = 0;
        if *erasing.state >= ErasureState::Removed {
            for range in ranges(self, erasing) {
                rows += self.store().query_all(&range).await?.len();
            }
        }
        Ok(u64::try_from(rows).unwrap_or(u64::MAX))
    }
}

fn key_of(scope: &TenantScope, recording: &CallRecording) -> keys::Key<CallRecording> {
    let channel = recording.channel.to_string();
    let parts = [channel.as_bytes(), recording.recording.get().as_bytes()];
    let hash = scope
        .key()
        .hash(crate::sealing::HashPurpose::CarrierMessage, &parts);
    let contact: ContactRef = *recording.contact;
    keys::call_recording(scope.tenant(), contact.id, *recording.conversation, hash)
}

fn ranges(scope: &TenantScope, erasing: &Erasing) -> Vec<Range> {
    let tenant = scope.tenant();
    let of = |contact: &ContactRef| {
        if *erasing.whole_contacts {
            return vec![keys::call_recordings_of(tenant, contact.id, None)];
        }
        let conversations = erasing.conversations.iter();
        conversations
            .map(|conversation| keys::call_recordings_of(tenant, contact.id, Some(*conversation)))
            .collect()
    };
    erasing.contacts.iter().flat_map(of).collect()
}
