//! The sweep: visits every tenant, and of each only the conversations and leads that hold something old.
//! Its cost grows with what has expired, not with what is stored.

use std::time::Duration;

use serde_json::json;
use usher_aws::deadline::Deadline;
use usher_aws::holds::Protected;
use usher_aws::restart::RestartError;
use usher_aws::scope::ScopeError;
use usher_aws::sealing::{DataKey, KeyringError};
use usher_aws::store::{Read, StoreError, When, keys};
use usher_aws::telemetry::{self, Unit};
use usher_aws::{Platform, TenantScope};
use usher_shared::category::Category;
use usher_shared::ids::TenantId;
use usher_shared::model::{ContactRef, Profile};
use usher_shared::records::{Contact, Lead};
use usher_shared::{Sealed, Timestamp};

use crate::conversations::sweep_conversations;
use crate::meter::{self, RemovedBy};
use crate::recordings::sweep_recordings;

/// Leads read at once.
const PAGE: usize = 50;
/// What is stored this much longer than was promised is an error: `OverdueAlarm` is about the same.
const OVERDUE: Duration = Duration::from_hours(24);
/// Time kept for the tenant in hand; with less, the next run goes on.
const ENOUGH: Duration = Duration::from_secs(20);

/// Why a tenant could not be swept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SweepError {
    #[error(transparent)]
    Scope(#[from] ScopeError),
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    #[error(transparent)]
    Restart(#[from] RestartError),
}

impl From<StoreError> for SweepError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

/// What a run did.
#[derive(Debug, Default)]
pub struct Swept {
    /// Tenants visited.
    pub tenants: u64,
    /// Rows removed.
    pub rows: u64,
    /// Tenants that could not be swept.
    pub failed: u64,
    /// Erasures and exports started again.
    pub restarted: u64,
}

/// The worst of all tenants.
#[derive(Debug, Default)]
struct Worst {
    overdue: Duration,
    unfinished: Duration,
    request: Duration,
    overdue_requests: u64,
}

/// Sweeps all tenants, as far as the time goes: on from where the last run stopped, and at least one, so that
/// every tenant has its turn however many there are.
///
/// # Errors
/// [`StoreError`] if the list of tenants cannot be read.
pub async fn sweep_all(platform: &Platform, deadline: Deadline) -> Result<Swept, StoreError> {
    let (mut swept, mut worst) = (Swept::default(), Worst::default());
    let began_after = platform.sweep_place().await?;
    let (mut after, mut wrapped, mut reached) = (began_after, false, None);
    let stopped = 'tenants: loop {
        let page = platform.tenants(after).await?;
        for entry in page.tenants {
            // Round once: the first tenant of this run is the last to be looked at.
            if wrapped && began_after.is_some_and(|first| *entry.id > first) {
                break 'tenants None;
            }
            if deadline.remaining() < ENOUGH && swept.tenants > 0 {
                tracing::warn!(tenants = swept.tenants, "out of time; the next run goes on");
                break 'tenants reached;
            }
            swept.tenants += 1;
            reached = Some(*entry.id);
            match sweep_one(platform, *entry.id, &mut worst).await {
                Ok((rows, restarted)) => {
                    swept.rows += rows;
                    swept.restarted += restarted;
                }
                // One tenant's trouble is not the others'.
                Err(error) => {
                    swept.failed += 1;
                    tracing::error!(tenant.id = %*entry.id, error = %error, "not swept");
                }
            }
        }
        after = page.next;
        if after.is_none() {
            if wrapped || began_after.is_none() {
                break None;
            }
            wrapped = true;
        }
    };
    if stopped != began_after {
        platform.keep_sweep_place(stopped).await?;
    }
    let count = |number: u64| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let millis = |duration: Duration| duration.as_secs_f64() * 1000.0;
    telemetry::emit(
        "retention",
        &[
            ("rows_swept", count(swept.rows), Unit::Count),
            ("tenants_failed", count(swept.failed), Unit::Count),
            ("restarted", count(swept.restarted), Unit::Count),
            ("oldest_overdue", millis(worst.overdue), Unit::Milliseconds),
            ("oldest_erasure", millis(worst.unfinished), Unit::Milliseconds),
            (
                "oldest_privacy_request",
                millis(worst.request),
                Unit::Milliseconds,
            ),
            (
                "privacy_requests_overdue",
                count(worst.overdue_requests),
                Unit::Count,
            ),
        ],
    );
    Ok(swept)
}

/// Sweeps one tenant; says how many rows went, and how much was started again.
async fn sweep_one(
    platform: &Platform,
    tenant: TenantId,
    worst: &mut Worst,
) -> Result<(u64, u64), SweepError> {
    let scope = match platform.enter(tenant).await {
        Err(ScopeError::UnknownTenant) => return Ok((0, 0)),
        scope => scope?,
    };
    let ended = |category| {
        scope
            .policy()
            .days(category)
            .map(|days| scope.now().minus_days(days))
    };
    let protected = scope.holds().protected().await?;
    for hold in &protected.holds {
        scope.holds().tend(hold).await?;
    }
    let mut rows = sweep_conversations(&scope).await?;
    let shortest = scope.policy().shortest(Category::Conversation);
    if let Some(cutoff) = shortest.map(|days| scope.now().minus_days(days)) {
        rows += sweep_recordings(platform, &scope, &protected, cutoff).await?;
    }
    if let Some(cutoff) = ended(Category::Lead) {
        rows += sweep_leads(&scope, cutoff).await?;
    }
    if let Some(cutoff) = ended(Category::SecurityLog) {
        let range = keys::audit_events_until(tenant, cutoff);
        rows += scope.store().purge(&range).await?;
    }
    if rows > 0 {
        tracing::info!(tenant.id = %tenant, rows, "swept");
    }
    for reading in meter::measure(&scope, &protected).await? {
        if reading.overdue > OVERDUE {
            let category = reading.category.name();
            let hours = reading.overdue.as_secs() / 3_600;
            tracing::error!(tenant.id = %tenant, category, hours, "stored longer than was promised");
        }
        // What the database removes by its stamps comes within days: the report shows it, nobody is woken for it.
        if reading.removed_by == RemovedBy::Sweep {
            worst.overdue = worst.overdue.max(reading.overdue);
        }
    }
    let unfinished = platform.restart_unfinished(&scope).await?;
    worst.unfinished = worst.unfinished.max(unfinished.oldest);
    worst.request = worst.request.max(unfinished.oldest_request);
    worst.overdue_requests += unfinished.overdue_requests;
    Ok((rows, unfinished.restarted))
}

/// Removes leads that have ended, and with each what the person volunteered. Conversations have their own
/// period and stay.
async fn sweep_leads(scope: &TenantScope, cutoff: Timestamp) -> Result<u64, SweepError> {
    let (mut rows, mut after) = (0, None);
    loop {
        let read = Read {
            limit: PAGE,
            backward: false,
            consistent: false,
            after,
        };
        // Past their period they are hidden from every ordinary read.
        let page = scope
            .store()
            .query_ended(&keys::leads_until(scope.tenant(), cutoff), &read)
            .await?;
        let protected = if page.rows.is_empty() {
            Protected::default()
        } else {
            scope.holds().protected().await?
        };
        for row in page.rows {
            let lead: Lead = scope.store().open(row, &DataKey::none())?;
            if lead
                .contacts
                .iter()
                .any(|contact| protected.whole_contact(contact.id))
            {
                continue;
            }
            for contact in lead.contacts.iter() {
                rows += empty_profile(scope, *contact).await?;
                rows += scope.forget_identifiers(contact.id).await?;
            }
            rows += u64::from(
                scope
                    .store()
                    .delete(&keys::lead(scope.tenant(), *lead.id))
                    .await?,
            );
        }
        after = page.next;
        if after.is_none() {
            return Ok(rows);
        }
    }
}

/// Empties a contact's profile, or ends the contact if it has no conversation left. The contact may itself be
/// past the period of leads, and then no ordinary read shows it.
async fn empty_profile(scope: &TenantScope, contact: ContactRef) -> Result<u64, SweepError> {
    let row = keys::contact(scope.tenant(), contact.address);
    let found = scope.store().get_row_ended(&row).await?;
    let Some(found) = found.filter(|row| row.peek("id") == Some(contact.id)) else {
        return Ok(0);
    };
    let Some(contact_keys) = scope.contact_keys(contact.id).await? else {
        return Ok(0);
    };
    let mut record: Contact = scope.store().open(found, contact_keys.contact())?;
    if contact_keys.conversations().next().is_none() {
        if !scope.forget_keys(&[contact], None).await?.happened() {
            return Ok(0);
        }
        let rows = scope
            .store()
            .purge(&keys::contact_keys(scope.tenant(), contact.id))
            .await?;
        return Ok(rows + u64::from(scope.store().delete(&row).await?));
    }
    record.lead = None.into();
    record.profile = Sealed::from(Profile::default());
    let when = When::Is("conversation", json!(*record.conversation));
    let _moved_on = scope
        .store()
        .put(&row, &record, contact_keys.contact(), when)
        .await?;
    Ok(0)
}
