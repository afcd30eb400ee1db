//! An export as the API shows it.

use serde::Serialize;
use usher_aws::TenantScope;
use usher_shared::category::Category;
use usher_shared::ids::{ApiKeyId, ExportId, LeadId};
use usher_shared::model::{ExportCounts, ExportKind, ExportState};
use usher_shared::records::DataExport;

/// An export.
#[derive(Debug, Serialize)]
pub(crate) struct ExportView {
    object: &'static str,
    id: ExportId,
    kind: ExportKind,
    lead_id: Option<LeadId>,
    state: ExportState,
    counts: ExportCounts,
    progress: Progress,
    size: Option<u64>,
    sha256: Option<String>,
    download_url: Option<String>,
    requested_by: ApiKeyId,
    created_at: String,
    updated_at: String,
    completed_at: Option<String>,
    expires_at: Option<String>,
}

/// How far it is. How far it has to go is not known before the end.
#[derive(Debug, Serialize)]
struct Progress {
    bytes: u64,
}

impl ExportView {
    /// The export, with its link once there is a file. `base` is the public address of the API.
    pub(crate) fn new(scope: &TenantScope, export: &DataExport, base: &str) -> Self {
        let complete = *export.state == ExportState::Complete;
        let expires = scope.policy().expiry(Category::Export, *export.created_at);
        Self {
            object: "export",
            id: *export.id,
            kind: *export.kind,
            lead_id: *export.lead,
            state: *export.state,
            counts: *export.counts,
            progress: Progress { bytes: *export.size },
            size: complete.then_some(*export.size),
            sha256: export
                .sha256
                .as_ref()
                .filter(|_| complete)
                .map(ToString::to_string),
            download_url: complete.then(|| format!("{base}/d/{}", crate::link::token(scope, *export.id))),
            requested_by: *export.requested_by,
            created_at: export.created_at.to_string(),
            updated_at: export.updated_at.to_string(),
            completed_at: export.completed_at.map(|at| at.to_string()),
            expires_at: expires.map(|at| at.to_string()),
        }
    }
}
