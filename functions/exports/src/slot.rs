//! One export of a tenant runs at a time. Whoever holds the place shows signs of life; a place without any is
//! taken over.

use std::time::Duration;

use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::sealing::DataKey;
use usher_aws::store::{StoreError, When, keys};
use usher_shared::Timestamp;
use usher_shared::ids::ExportId;
use usher_shared::model::ExportState;
use usher_shared::records::ExportSlot;

/// Without a sign of life for this long an export is dead: longer than the queue takes to bring a killed
/// worker's job again.
const HELD: Duration = Duration::from_hours(1);
/// Between taking the place and writing the export's row lies one write.
const UNWRITTEN: Duration = Duration::from_mins(1);
/// Takers that meet try again this often.
const ATTEMPTS: usize = 3;

/// What became of the attempt to take the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is ours.
    Taken,
    /// This export has it.
    Held(ExportId),
}

/// Takes the place for `export`.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn take(scope: &TenantScope, export: ExportId) -> Result<Place, StoreError> {
    let row = keys::export_slot(scope.tenant());
    let mut holder = export;
    for _ in 0..ATTEMPTS {
        let now = scope.now();
        let slot = ExportSlot {
            export: export.into(),
            taken_at: now.into(),
            held_until: now.plus(HELD).into(),
        };
        let Some(held) = scope.store().insert_or_get(&row, &slot, &DataKey::none()).await? else {
            return Ok(Place::Taken);
        };
        holder = *held.export;
        if holder == export {
            return Ok(Place::Taken);
        }
        if is_alive(scope, &held, now).await? {
            return Ok(Place::Held(holder));
        }
        let set = vec![
            ("export", json!(slot.export.0)),
            ("taken_at", json!(slot.taken_at.0)),
            ("held_until", json!(slot.held_until.0)),
        ];
        let when = vec![
            When::Is("export", json!(holder)),
            When::Is("held_until", json!(held.held_until.0)),
        ];
        if scope.store().update(&row, set, when).await?.happened() {
            give_up(scope, holder).await?;
            return Ok(Place::Taken);
        }
    }
    Ok(Place::Held(holder))
}

async fn is_alive(scope: &TenantScope, held: &ExportSlot, now: Timestamp) -> Result<bool, StoreError> {
    if *held.held_until <= now {
        return Ok(false);
    }
    let row = keys::export(scope.tenant(), *held.export);
    let export = scope.store().get(&row, &DataKey::none(), true).await?;
    Ok(match export {
        Some(export) => export.state.is_open(),
        None => held.taken_at.plus(UNWRITTEN) > now,
    })
}

/// Says of an export without signs of life that it failed.
async fn give_up(scope: &TenantScope, export: ExportId) -> Result<(), StoreError> {
    let row = keys::export(scope.tenant(), export);
    let set = vec![
        ("state", json!(ExportState::Failed)),
        ("updated_at", json!(scope.now())),
    ];
    let open = vec![json!(ExportState::Pending), json!(ExportState::Running)];
    let _it_ended = scope
        .store()
        .update(&row, set, vec![When::OneOf("state", open)])
        .await?;
    Ok(())
}

/// Shows a sign of life.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn renew(scope: &TenantScope, export: ExportId) -> Result<(), StoreError> {
    hold_until(scope, export, scope.now().plus(HELD)).await
}

/// Lets the next export begin.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn release(scope: &TenantScope, export: ExportId) -> Result<(), StoreError> {
    hold_until(scope, export, scope.now()).await
}

async fn hold_until(scope: &TenantScope, export: ExportId, until: Timestamp) -> Result<(), StoreError> {
    let row = keys::export_slot(scope.tenant());
    let when = vec![When::Is("export", json!(export))];
    let _anothers = scope
        .store()
        .update(&row, vec![("held_until", json!(until))], when)
        .await?;
    Ok(())
}
