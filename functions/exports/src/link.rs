//! The way to a file: an opaque link of ours, checked at every click, that leads to a URL signed for minutes.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use usher_aws::TenantScope;
use usher_aws::http::document::NotFound;
use usher_aws::http::{App, Problem, ProblemBody};
use usher_aws::scope::ScopeError;
use usher_aws::sealing::DataKey;
use usher_aws::store::{When, keys};
use usher_shared::ids::ExportId;
use usher_shared::model::{AuditAction, ExportState};
use usher_shared::records::{AuditEvent, DataExport};
use usher_shared::untrusted::Label;

use crate::rights;

/// How long a signed URL works: one click, with time for a slow start.
const SIGNED_FOR: Duration = Duration::from_mins(15);
/// Clicks of the same millisecond that each get an entry of their own; one more is refused.
const CLICKS_AT_ONCE: usize = 50;
/// 32 bytes in base64.
const TOKEN_LENGTH: usize = 43;

/// The token of an export's link: unguessable without the tenant's key, and so stored nowhere.
pub(crate) fn token(scope: &TenantScope, export: ExportId) -> String {
    let id = export.to_string();
    URL_SAFE_NO_PAD.encode(scope.key().mac("download-token", &[id.as_bytes()]))
}

/// Fetches the file of an export
///
/// The address is an export's `download_url`, and whoever has it can fetch the file: it needs no API key. Each click
/// is checked and noted in the audit trail, and leads to a URL that works for 15 minutes.
#[utoipa::path(
    get,
    path = "/d/{token}",
    tag = "exports",
    security(()),
    params(("token" = String, Path, description = "From `download_url`.")),
    responses(
        (status = 302, description = "The file is at `Location`.", headers(
            ("Location" = String, description = "A signed URL."),
            ("Cache-Control" = String, description = "`no-store`."),
            ("Referrer-Policy" = String, description = "`no-referrer`.")
        )),
        (status = 410, description = "The link was good once and is over, whatever ended it.", body = ProblemBody,
            content_type = "application/problem+json", example = json!({
                "code": "download_over", "title": "Gone", "status": 410, "detail": "This download is over.",
                "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
            })),
        (status = 500, description = "An error of ours.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 503, description = "Something behind it did not answer in time.", body = ProblemBody,
            content_type = "application/problem+json"),
        NotFound,
    )
)]
pub(crate) async fn download_file(
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<(StatusCode, [(HeaderName, String); 3]), Problem> {
    let plausible = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if token.len() != TOKEN_LENGTH || !token.bytes().all(plausible) {
        return Err(Problem::not_found());
    }
    let link = app.platform.find_download_link(&token).await?;
    let link = link.ok_or_else(Problem::not_found)?;
    let scope = match app.platform.enter(*link.tenant).await {
        Err(ScopeError::UnknownTenant) => return Err(over()),
        entered => entered?,
    };
    let row = keys::export(scope.tenant(), *link.export);
    let export = scope.store().get(&row, &DataKey::none(), true).await?;
    let export = export
        .filter(|export| *export.state == ExportState::Complete && *export.token == Some(*link.token))
        .ok_or_else(over)?;
    // The key that asked must still be good, and still have the right to what the file holds.
    let key = app.platform.valid_api_key(*export.requester).await?;
    let key = key.ok_or_else(over)?;
    if !rights::of(&export).all(|scope| key.scopes.contains(&scope)) {
        return Err(over());
    }
    audit(&scope, &export).await?;
    let name = format!("{}.{}", *export.id, export.kind.extension());
    let files = app.platform.files(&scope).map_err(|_| Problem::internal())?;
    let url = files
        .signed_url(&scope.export_file(&export), &name, SIGNED_FOR)
        .await?;
    let headers = [
        (header::LOCATION, url),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    Ok((StatusCode::FOUND, headers))
}

fn over() -> Problem {
    Problem::gone("download_over", "This download is over.")
}

/// The link is the holder's only credential, so the entry names the key that asked for the export.
async fn audit(scope: &TenantScope, export: &DataExport) -> Result<(), Problem> {
    let target = export.id.to_string();
    let mut at = scope.now();
    for _ in 0..CLICKS_AT_ONCE {
        let event = AuditEvent {
            at: at.into(),
            actor: export.requested_by,
            action: AuditAction::ExportDownloaded.into(),
            target: target.parse::<Label>().map_err(|_| Problem::internal())?.into(),
        };
        let row = keys::audit_event(scope.tenant(), at, &target);
        let noted = scope
            .store()
            .put(&row, &event, &DataKey::none(), When::Absent)
            .await?;
        if noted.happened() {
            return Ok(());
        }
        // The millisecond is another click's.
        at = at.plus(Duration::from_millis(1));
    }
    Err(Problem::internal())
}
