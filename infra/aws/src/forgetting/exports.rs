//! Exports are plain copies for their owner, and any of them may hold the person: whatever was asked for before
//! an erasure is withdrawn with it. The tenant may ask again.

use serde_json::json;
use usher_shared::model::ExportState;
use usher_shared::records::DataExport;

use crate::files::{FileError, Files};
use crate::scope::TenantScope;
use crate::sealing::DataKey;
use crate::store::{StoreError, When, keys};

/// Withdraws every export: links are over at once, and a worker that is writing stops at its next step.
///
/// # Errors
/// [`StoreError`]; doing it again does what is left.
pub async fn withdraw(scope: &TenantScope) -> Result<(), StoreError> {
    let open = [ExportState::Pending, ExportState::Running, ExportState::Complete];
    for export in all(scope).await? {
        if !open.contains(&*export.state) {
            continue;
        }
        let when = When::OneOf("state", open.iter().map(|state| json!(state)).collect());
        let set = vec![
            ("state", json!(ExportState::Canceled)),
            ("updated_at", json!(scope.now())),
        ];
        let row = keys::export(scope.tenant(), *export.id);
        let _ended_meanwhile = scope.store().update(&row, set, vec![when]).await?;
    }
    Ok(())
}

/// Why files could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// The rows of the exports.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The files.
    #[error(transparent)]
    Files(#[from] FileError),
}

/// Deletes the files of all withdrawn exports. An upload that is still unfinished is aborted by its worker, or
/// by the bucket within a day; it was never readable.
///
/// # Errors
/// [`RemoveError`]; doing it again does what is left.
pub async fn remove_files(scope: &TenantScope, files: &Files) -> Result<(), RemoveError> {
    for export in all(scope).await? {
        if *export.state == ExportState::Canceled {
            files.delete(&scope.export_file(&export)).await?;
        }
    }
    Ok(())
}

async fn all(scope: &TenantScope) -> Result<Vec<DataExport>, StoreError> {
    let rows = scope.store().query_all(&keys::exports(scope.tenant())).await?;
    let opened = rows
        .into_iter()
        .map(|row| scope.store().open(row, &DataKey::none()));
    opened.collect()
}
