//! `GET` and `PUT /v1/retention`, and the meter as a report.

use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::http::access::Granted;
use usher_aws::http::access::permission::{RetentionRead, RetentionWrite};
use usher_aws::http::document::{Invalid, Refused, base, finish};
use usher_aws::http::{App, FieldError, Problem, ProblemBody, Strict, wrap};
use usher_aws::store::{Part, When, keys};
use usher_shared::TenantPolicy;
use usher_shared::category::Category;
use usher_shared::model::AuditAction;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::meter;

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
        .routes(routes!(read_report))
}

/// How long what is kept.
#[derive(Debug, Serialize, ToSchema)]
struct Retention {
    /// Always `retention`.
    object: &'static str,
    /// Where the periods start from: `hospitality`, `website` or `mail`.
    preset: String,
    /// One entry per category.
    periods: Vec<Period>,
}

/// The period of one category.
#[derive(Debug, Serialize, ToSchema)]
struct Period {
    /// The category.
    category: String,
    /// Days from a record's time to its end; null for the life of the account.
    days: Option<u32>,
    /// Whether the tenant chose it.
    chosen: bool,
    /// Between which the tenant may choose; null if the platform's period holds for all.
    bounds: Option<PeriodBounds>,
}

/// Between which days a period may be chosen, both included.
#[derive(Debug, Serialize, ToSchema)]
struct PeriodBounds {
    /// The shortest.
    min_days: u32,
    /// The longest; null for the life of the account.
    max_days: Option<u32>,
}

/// The choice of periods. What is not mentioned stays; null goes back to the preset's period.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetentionChange {
    /// Days to keep conversations, their messages and the AI's audit trail.
    #[serde(default)]
    #[schema(value_type = Option<u32>)]
    conversation_days: Choice,
    /// Days to keep leads after their last activity.
    #[serde(default)]
    #[schema(value_type = Option<u32>)]
    lead_days: Choice,
}

/// What a change says of one period.
#[derive(Clone, Copy, Debug, Default)]
enum Choice {
    /// Nothing.
    #[default]
    Stays,
    /// Null: the preset's period.
    Preset,
    /// A number of days.
    Days(u32),
}

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<u32>::deserialize(deserializer)?.map_or(Self::Preset, Self::Days))
    }
}

/// Reads the periods in force
///
/// Scope: `retention:read`.
#[utoipa::path(
    get,
    path = "/v1/retention",
    tag = "retention",
    responses((status = 200, description = "The periods.", body = Retention), Refused)
)]
async fn read_retention(granted: Granted<RetentionRead>) -> Json<Retention> {
    Json(view(granted.scope().policy()))
}

/// Chooses periods
///
/// Within the platform's bounds. In force at once, for what is stored already as well: what is past its period
/// is hidden from this moment and removed by the next sweep. What a longer period would bring back is only
/// what has not been removed yet. Scope: `retention:write`.
#[utoipa::path(
    put,
    path = "/v1/retention",
    tag = "retention",
    request_body = RetentionChange,
    responses(
        (status = 200, description = "The periods, as they are now.", body = Retention),
        (status = 409, description = "Somebody else changed them at the same time.", body = ProblemBody,
            content_type = "application/problem+json"),
        Refused,
        Invalid,
    )
)]
async fn change_retention(
    granted: Granted<RetentionWrite>,
    body: Strict<RetentionChange>,
) -> Result<Json<Retention>, Problem> {
    let scope = granted.scope();
    let policy = changed(scope.policy(), &body.value)?;
    let entry = granted.audit(AuditAction::RetentionChanged, &scope.tenant())?;
    store(scope, &policy, entry).await?;
    Ok(Json(view(&policy)))
}

fn changed(policy: &TenantPolicy, change: &RetentionChange) -> Result<TenantPolicy, Problem> {
    let (mut policy, mut errors) = (policy.clone(), Vec::new());
    for (field, category, days) in [
        (
            "conversation_days",
            Category::Conversation,
            change.conversation_days,
        ),
        ("lead_days", Category::Lead, change.lead_days),
    ] {
        match days {
            Choice::Stays => {}
            Choice::Preset => policy.reset(category),
            Choice::Days(days) => {
                if let Err(error) = policy.choose(category, days) {
                    errors.push(FieldError::new(field, error.to_string()));
                }
            }
        }
    }
    if errors.is_empty() {
        Ok(policy)
    } else {
        Err(Problem::invalid(errors))
    }
}

async fn store(scope: &TenantScope, policy: &TenantPolicy, entry: Part) -> Result<(), Problem> {
    let row = keys::tenant(scope.tenant());
    let when = When::Is("policy", json!(scope.policy()));
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

fn view(policy: &TenantPolicy) -> Retention {
    let periods = Category::ALL.into_iter().map(|category| Period {
        category: category.name().to_owned(),
        days: policy.days(category),
        chosen: policy.chosen(category).is_some(),
        bounds: category.bounds(policy.preset).map(|bounds| PeriodBounds {
            min_days: bounds.min_days,
            max_days: bounds.max_days,
        }),
    });
    let preset = json!(policy.preset).as_str().unwrap_or_default().to_owned();
    Retention {
        object: "retention",
        preset,
        periods: periods.collect(),
    }
}

/// What the sweep has achieved.
#[derive(Debug, Serialize, ToSchema)]
struct RetentionReport {
    /// Always `retention_report`.
    object: &'static str,
    /// When it was made.
    generated_at: String,
    /// Holds that are not released. What they keep is left out of the readings below.
    active_holds: usize,
    /// One entry per category that the sweep removes.
    categories: Vec<CategoryReport>,
}

/// The oldest record of a category beside its period.
#[derive(Debug, Serialize, ToSchema)]
struct CategoryReport {
    /// The category.
    category: String,
    /// Days from a record's time to its end; null for the life of the account.
    days: Option<u32>,
    /// Time of the oldest record that is stored, whether it can be read or not; null if there is none.
    oldest_at: Option<String>,
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
            oldest_at: reading.oldest.map(|oldest| oldest.to_string()),
            overdue_seconds: reading.overdue.as_secs(),
        });
    Ok(Json(RetentionReport {
        object: "retention_report",
        generated_at: scope.now().to_string(),
        active_holds: protected.holds.len(),
        categories: readings.collect(),
    }))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use usher_shared::category::Preset;

    fn change(text: &str) -> Result<TenantPolicy, Problem> {
        changed(
            &TenantPolicy::preset(Preset::Website),
            &serde_json::from_str(text).unwrap(),
        )
    }

    #[test]
    fn what_is_not_mentioned_stays_and_null_goes_back() {
        let policy = change(r#"{"conversation_days": 30, "lead_days": 400}"#).unwrap();
        assert_eq!(
            (policy.days(Category::Conversation), policy.days(Category::Lead)),
            (Some(30), Some(400))
        );
        let body: RetentionChange = serde_json::from_str(r#"{"lead_days": null}"#).unwrap();
        let policy = changed(&policy, &body).unwrap();
        assert_eq!(
            (policy.days(Category::Conversation), policy.days(Category::Lead)),
            (Some(30), None)
        );
    }

    #[test]
    fn every_period_outside_its_bounds_is_named_with_the_bound() {
        let problem = change(r#"{"conversation_days": 366, "lead_days": 0}"#).unwrap_err();
        let errors: Vec<_> = problem
            .errors()
            .iter()
            .map(|e| (e.field.as_str(), e.message.as_str()))
            .collect();
        assert_eq!(
            errors,
            [
                ("conversation_days", "must be at least 1 days and at most 365"),
                ("lead_days", "must be at least 1 days"),
            ]
        );
    }
}
