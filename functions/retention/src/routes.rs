//! The periods over HTTP: read, changed, a change that waits taken back; and the meter as a report.

use axum::http::StatusCode;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::http::access::Granted;
use usher_aws::http::access::permission::{RetentionRead, RetentionWrite};
use usher_aws::http::document::{Invalid, NotFound, Refused, base, finish};
use usher_aws::http::words::Time;
use usher_aws::http::{App, Problem, ProblemBody, Strict, wrap};
use usher_aws::store::{Part, When, keys};
use usher_shared::TenantPolicy;
use usher_shared::model::AuditAction;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::change::{RetentionChange, changed_for};
use crate::view::Retention;
use crate::{conversation, meter, page, preview};

/// All routes of the function.
pub fn router(app: App) -> Router {
    let (routes, _document) = described().split_for_parts();
    wrap(routes, app)
}

/// The description of all routes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    finish(described().into_openapi())
}

fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(base())
        .routes(routes!(read_retention, change_retention))
        .routes(routes!(cancel_pending))
        .routes(routes!(preview::preview_retention))
        .routes(routes!(read_report))
        .routes(routes!(
            conversation::read_conversation_retention,
            conversation::set_event_date
        ))
        .routes(routes!(page::read_policy))
}

/// Reads the periods in force
///
/// With the change that waits, if there is one. Scope: `retention:read`.
#[utoipa::path(
    get,
    path = "/v1/retention",
    tag = "retention",
    responses((status = 200, description = "The periods.", body = Retention), Refused)
)]
async fn read_retention(granted: Granted<RetentionRead>) -> Json<Retention> {
    Json(Retention::of(granted.scope().policy()))
}

/// Chooses periods
///
/// Within the platform's bounds. What lengthens is in force at once. What shortens anything needs the `confirm_token` of
/// its preview, waits for `cooling_off_hours`, as a whole, and then takes effect by itself, for what is stored already as
/// well: what is past its period is hidden from that moment and removed by the next sweep. What a longer period would
/// bring back is only what has not been removed yet. Scope: `retention:write`.
#[utoipa::path(
    put,
    path = "/v1/retention",
    tag = "retention",
    request_body(content = RetentionChange, example = json!({"conversation_days": 90})),
    responses(
        (status = 200, description = "The periods, as they are now.", body = Retention),
        (status = 202, description = "The periods, as they are now, with the change that waits.", body = Retention),
        (status = 409, description = "Somebody else changed them at the same time; a change waits already; or the token is over, or from the preview of something else.",
            body = ProblemBody, content_type = "application/problem+json", example = json!({
                "code": "change_pending", "title": "Conflict", "status": 409,
                "detail": "A change waits already. Cancel it first.",
                "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
            })),
        Refused,
        Invalid,
    )
)]
async fn change_retention(
    granted: Granted<RetentionWrite>,
    body: Strict<RetentionChange>,
) -> Result<(StatusCode, Json<Retention>), Problem> {
    let scope = granted.scope();
    let (old, now) = (scope.policy(), scope.now());
    refuse_second(old)?;
    let next = changed_for(scope, &body.value).await?;
    let (status, policy) = if old.is_shortened_by(&next) {
        let token = body.value.confirm_token.as_deref();
        preview::confirm(scope, &next, token)?;
        let at = old.cooled_off_at(now);
        (StatusCode::ACCEPTED, old.clone().followed_by(next, at))
    } else {
        (StatusCode::OK, old.succeeded_by(next))
    };
    let entry = granted.audit(AuditAction::RetentionChanged, &scope.tenant())?;
    store(scope, &policy, entry).await?;
    Ok((status, Json(Retention::of(&policy))))
}

/// Cancels the change that waits
///
/// The periods in force stay as they are. Scope: `retention:write`.
#[utoipa::path(
    delete,
    path = "/v1/retention/pending",
    tag = "retention",
    responses(
        (status = 200, description = "The periods, as they are now.", body = Retention),
        (status = 409, description = "Somebody else changed them at the same time.", body = ProblemBody,
            content_type = "application/problem+json"),
        Refused,
        NotFound,
    )
)]
async fn cancel_pending(granted: Granted<RetentionWrite>) -> Result<Json<Retention>, Problem> {
    let scope = granted.scope();
    if scope.policy().pending().is_none() {
        return Err(Problem::not_found());
    }
    let policy = scope.policy().clone().without_pending();
    let entry = granted.audit(AuditAction::RetentionChanged, &scope.tenant())?;
    store(scope, &policy, entry).await?;
    Ok(Json(Retention::of(&policy)))
}

/// One change waits at a time: what a second one would start from is not in force yet.
pub(crate) fn refuse_second(policy: &TenantPolicy) -> Result<(), Problem> {
    if policy.pending().is_none() {
        return Ok(());
    }
    let detail = "A change waits already. Cancel it first.";
    Err(Problem::conflict("change_pending", detail))
}

async fn store(scope: &TenantScope, policy: &TenantPolicy, entry: Part) -> Result<(), Problem> {
    let row = keys::tenant(scope.tenant());
    let when = When::Is("policy", json!(scope.stored_policy()));
    let change = scope
        .store()
        .updating(&row, vec![("policy", json!(policy))], &[when])?;
    let written = scope.store().together(vec![change, entry]).await?;
    if written.happened() {
        return Ok(());
    }
    Err(Problem::conflict(
        "changed_meanwhile",
        "The periods were changed by another request. Read them again.",
    ))
}

/// What the sweep has achieved.
#[derive(Debug, Serialize, ToSchema)]
struct RetentionReport {
    /// Always `retention_report`.
    object: &'static str,
    /// When it was made.
    generated_at: Time,
    /// Holds that are not released. What they keep is left out of the readings below.
    active_holds: usize,
    /// One entry per category that has a period, or may have one.
    categories: Vec<CategoryReport>,
}

/// The oldest record of a category beside its period.
#[derive(Debug, Serialize, ToSchema)]
struct CategoryReport {
    /// The category.
    category: String,
    /// Days from a record's time to its end; null for the life of the account.
    days: Option<u32>,
    /// What removes what has ended: `sweep`, every hour; `database`, by the stamp on each record, within days; `queue`,
    /// by the retention of the queues.
    removed_by: &'static str,
    /// Time of the oldest record that is stored, whether it can be read or not; where a conversation may be kept longer
    /// than what is in it, of the one that is due first. Null if there is none, and where `removed_by` keeps no
    /// order of age.
    oldest_at: Option<Time>,
    /// Seconds since the oldest record should have been removed; 0 if nothing is overdue.
    overdue_seconds: u64,
}

/// Reads the meter
///
/// How old the oldest record of each category is, beside what was promised. Nothing past its period can be
/// read in any case; this says whether it is gone. Scope: `retention:read`.
#[utoipa::path(
    get,
    path = "/v1/retention/report",
    tag = "retention",
    responses((status = 200, description = "The report.", body = RetentionReport), Refused)
)]
async fn read_report(granted: Granted<RetentionRead>) -> Result<Json<RetentionReport>, Problem> {
    let scope = granted.scope();
    let protected = scope.holds().protected().await?;
    let readings = meter::measure(scope, &protected)
        .await?
        .into_iter()
        .map(|reading| CategoryReport {
            category: reading.category.name().to_owned(),
            days: reading.days,
            removed_by: reading.removed_by.name(),
            oldest_at: reading.oldest.map(Time),
            overdue_seconds: reading.overdue.as_secs(),
        });
    Ok(Json(RetentionReport {
        object: "retention_report",
        generated_at: Time(scope.now()),
        active_holds: protected.holds.len(),
        categories: readings.collect(),
    }))
}
