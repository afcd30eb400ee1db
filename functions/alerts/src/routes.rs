//! Settings and tests.

use axum::extract::Extension;
use axum::{Json, Router};
use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::http::access::Granted;
use usher_aws::http::access::permission::{SettingsRead, SettingsWrite};
use usher_aws::http::document::{Invalid, Refused, TooLarge, base, finish};
use usher_aws::http::{App, Problem, ProblemBody, Strict, wrap};
use usher_aws::store::{When, keys};
use usher_shared::alert::TargetTrouble;
use usher_shared::model::AuditAction;
use usher_shared::records::AlertPlan;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::plan;
use crate::request::{self, Means, NewAlerts, Token};
use crate::tell::{Attempt, CALL, Teller};
use crate::view::{AlertsView, TestOutcome, TestResult, TestView};
use crate::words;
use crate::{Alerts, schedule};

/// All routes of the function.
pub fn router(alerts: Alerts) -> Router {
    let (routes, _document) = described().split_for_parts();
    let app = App {
        platform: alerts.platform,
    };
    wrap(routes.layer(Extension(alerts.teller)), app)
}

/// The description of all routes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    finish(described().into_openapi())
}

fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(base())
        .routes(routes!(read_alerts, change_alerts))
        .routes(routes!(test_alerts))
}

/// Reads who is told that somebody waits
///
/// Scope: `settings:read`.
#[utoipa::path(
    get,
    path = "/v1/alerts",
    tag = "settings",
    responses((status = 200, description = "Who is told, and how often.", body = AlertsView), Refused)
)]
async fn read_alerts(
    Extension(teller): Extension<Teller>,
    granted: Granted<SettingsRead>,
) -> Result<Json<AlertsView>, Problem> {
    let plan = plan::read(granted.scope()).await?;
    let plan = plan.unwrap_or_else(|| nothing_set(granted.scope()));
    Ok(Json(AlertsView::new(&plan, teller.has_bot())))
}

/// Sets who is told that somebody waits
///
/// When a conversation is handed over, the first ones are told at once and again after each interval, and after a
/// while the second ones too, until somebody takes it over, hands it back or acknowledges it. After the sixth time the
/// interval doubles each time, up to a day. An alert names the business, the kind of the channel and how long somebody
/// waits, and holds a link; nothing of the person, nothing of what they wrote. Scope: `settings:write`.
#[utoipa::path(
    put,
    path = "/v1/alerts",
    tag = "settings",
    request_body(content = NewAlerts, example = json!({
        "targets": [
            {"kind": "telegram", "address": "-1001234567890"},
            {"kind": "mail", "address": "owner@example.com", "rank": "second",
             "quiet_hours": {"from": "22:00", "to": "07:00", "time_zone": "Europe/Vienna"}}
        ],
        "repeat_minutes": 10, "second_after_minutes": 30
    })),
    responses(
        (status = 200, description = "Who is told now.", body = AlertsView),
        (status = 409, description = "Somebody else changed it at the same time.", body = ProblemBody,
            content_type = "application/problem+json"),
        Refused,
        TooLarge,
        Invalid,
    )
)]
async fn change_alerts(
    Extension(teller): Extension<Teller>,
    granted: Granted<SettingsWrite>,
    request: Strict<NewAlerts>,
) -> Result<Json<AlertsView>, Problem> {
    let scope = granted.scope();
    let before = plan::read(scope).await?;
    let known = before.as_ref().and_then(|plan| plan.telegram_token.get().clone());
    let means = Means {
        mail: teller.has_mail(),
        bot: teller.has_bot(),
        own_bot: known.is_some(),
    };
    let checked = request::check(request.value, means)?;
    let token = match checked.token {
        Token::Stays => known,
        Token::Installation => None,
        Token::Own(token) => Some(token),
    };
    let when = match &before {
        None => When::Absent,
        Some(plan) => When::Is("version", json!(*plan.version)),
    };
    let before = before.unwrap_or_else(|| nothing_set(scope));
    let plan = AlertPlan {
        version: before.version.saturating_add(1).into(),
        repeat_minutes: checked.repeat_minutes.into(),
        second_after_minutes: checked.second_after_minutes.into(),
        targets: checked.targets.into(),
        telegram_token: token.into(),
        ..before
    };
    // Together: nobody is left out without a trace of who did it.
    let entry = granted.audit(AuditAction::AlertsChanged, &scope.tenant())?;
    let row = keys::alert_plan(scope.tenant());
    let change = scope.store().putting(&row, &plan, scope.key(), when)?;
    if scope.store().together(vec![change, entry]).await?.happened() {
        return Ok(Json(AlertsView::new(&plan, teller.has_bot())));
    }
    let detail = "The settings were changed by another request. Read them again.";
    Err(Problem::conflict("changed_meanwhile", detail))
}

/// Tells everybody that this is a test
///
/// At once, whatever their quiet hours are. Scope: `settings:write`.
#[utoipa::path(
    post,
    path = "/v1/alerts/test",
    tag = "settings",
    responses(
        (status = 200, description = "What became of it at each target.", body = TestView),
        Refused,
    )
)]
async fn test_alerts(
    Extension(teller): Extension<Teller>,
    granted: Granted<SettingsWrite>,
) -> Result<Json<TestView>, Problem> {
    let scope = granted.scope();
    let plan = plan::read(scope).await?.unwrap_or_else(|| nothing_set(scope));
    let (alert, own) = (
        words::test(scope.business_name()),
        plan.telegram_token.get().as_deref(),
    );
    let mut results = Vec::new();
    for schedule::Named { target, id } in plan::named(scope, &plan) {
        let attempt = match target.trouble {
            Some(_) => None,
            None => Some(teller.tell(own, &target, &alert, false, CALL / 2).await),
        };
        let outcome = match attempt {
            None => TestOutcome::NotTried,
            Some(Attempt::Told) => TestOutcome::Sent,
            Some(Attempt::Moved(chat)) => {
                plan::amend(scope, id, |target| target.address.clone_from(&chat)).await?;
                TestOutcome::Sent
            }
            Some(Attempt::Over(trouble)) => {
                over(scope, id, trouble).await?;
                TestOutcome::Refused
            }
            Some(Attempt::Later(_)) => TestOutcome::NotNow,
            Some(Attempt::Impossible) => TestOutcome::Impossible,
        };
        results.push(TestResult {
            kind: target.kind.into(),
            address: target.address,
            outcome,
        });
    }
    Ok(Json(TestView {
        object: "alert_test",
        results,
    }))
}

async fn over(
    scope: &TenantScope,
    id: usher_shared::untrusted::KeyedHash,
    trouble: TargetTrouble,
) -> Result<(), Problem> {
    plan::amend(scope, id, |target| target.trouble = Some(trouble)).await?;
    Ok(())
}

/// What holds as long as nothing was set: nobody is told.
fn nothing_set(scope: &TenantScope) -> AlertPlan {
    AlertPlan {
        created_at: scope.now().into(),
        version: 0.into(),
        repeat_minutes: request::REPEAT_MINUTES.into(),
        second_after_minutes: request::SECOND_AFTER_MINUTES.into(),
        targets: Vec::new().into(),
        telegram_token: None.into(),
    }
}
