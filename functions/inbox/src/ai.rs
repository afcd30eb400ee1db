//! When the AI answers.

use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::json;
use usher_aws::http::{Checks, Problem, Strict};
use usher_aws::store::{When, keys};
use usher_shared::model::AuditAction;
use usher_shared::switches::{self, AiSwitches, Hours, InvalidHours};
use utoipa::ToSchema;

use crate::access::Granted;
use crate::access::permission::{SettingsRead, SettingsWrite};
use crate::openapi::{Invalid, Refused, TooLarge};
use crate::words::Day;

/// When the AI answers.
#[derive(Serialize, ToSchema)]
#[schema(as = AiSwitches)]
pub(crate) struct AiView {
    /// Always `ai`.
    #[schema(example = "ai")]
    object: &'static str,
    /// Whether the AI answers at all.
    answers: bool,
    /// When people are there to answer: then the AI is silent.
    staffed: Option<Staffed>,
}

/// Hours of a week at a place.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Staffed {
    /// The place's time zone, by its name in the IANA database.
    #[schema(example = "Europe/Rome")]
    time_zone: String,
    /// 1 to 21 spans of hours.
    hours: Vec<Span>,
}

/// Hours of one weekday; those that end at or before they begin end the day after.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Span {
    /// The day on which they begin.
    day: Day,
    /// When they begin, `HH:MM`.
    #[schema(example = "09:00")]
    from: String,
    /// When they end, `HH:MM`; `24:00` is the day's end.
    #[schema(example = "17:30")]
    to: String,
}

/// When the AI shall answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAi {
    /// Whether the AI answers at all.
    answers: bool,
    /// When people are there to answer; absent or null: the AI answers at all times.
    #[serde(default)]
    staffed: Option<Staffed>,
}

impl From<&AiSwitches> for AiView {
    fn from(switches: &AiSwitches) -> Self {
        Self {
            object: "ai",
            answers: switches.answers,
            staffed: switches.staffed.as_ref().map(|hours| Staffed {
                time_zone: hours.zone().to_owned(),
                hours: hours.spans().iter().map(|span| Span::from(*span)).collect(),
            }),
        }
    }
}

impl From<switches::Span> for Span {
    fn from(span: switches::Span) -> Self {
        let written = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        Self {
            day: span.day.into(),
            from: written(span.from),
            to: written(span.to),
        }
    }
}

/// Minutes after midnight of `HH:MM`.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (minutes < 60 && hours * 60 + minutes <= 24 * 60).then_some(hours * 60 + minutes)
}

fn checked(wanted: NewAi) -> Result<AiSwitches, Problem> {
    let mut checks = Checks::default();
    let staffed = wanted.staffed.and_then(|staffed| {
        let mut spans = Vec::new();
        for (number, span) in staffed.hours.iter().enumerate() {
            let mut time = |name: &str, text: &str, latest: u16| {
                let found = minutes(text).filter(|minute| *minute <= latest);
                if found.is_none() {
                    let field = format!("staffed.hours[{number}].{name}");
                    checks.refuse(field, "must be a time of day, such as 09:00");
                }
                found.unwrap_or_default()
            };
            spans.push(switches::Span {
                day: span.day.into(),
                from: time("from", &span.from, 24 * 60 - 1),
                to: time("to", &span.to, 24 * 60),
            });
        }
        match Hours::new(&staffed.time_zone, spans) {
            Ok(hours) => Some(hours),
            Err(why) => {
                let field = match why {
                    InvalidHours::Zone => "staffed.time_zone",
                    InvalidHours::Count | InvalidHours::Time => "staffed.hours",
                };
                checks.refuse(field, why.to_string());
                None
            }
        }
    });
    checks.finish()?;
    Ok(AiSwitches {
        answers: wanted.answers,
        staffed,
    })
}

/// Reads when the AI answers
///
/// Always, unless it was changed. Scope: `settings:read`.
#[utoipa::path(
    get,
    path = "/v1/ai",
    tag = "settings",
    responses(
        (status = 200, description = "When the AI answers.", body = AiView),
        Refused,
    )
)]
pub(crate) async fn read_ai(granted: Granted<SettingsRead>) -> Json<AiView> {
    Json(granted.scope().ai().into())
}

/// Changes when the AI answers
///
/// What comes while it is silent waits for a person. One channel is silenced by pausing it, one conversation by taking it
/// over, one person by their `processing`. Counts at once. Scope: `settings:write`.
#[utoipa::path(
    put,
    path = "/v1/ai",
    tag = "settings",
    request_body(content = NewAi, example = json!({"answers": true, "staffed": {"time_zone": "Europe/Rome",
        "hours": [{"day": "monday", "from": "09:00", "to": "17:30"}]}})),
    responses(
        (status = 200, description = "When the AI answers now.", body = AiView),
        Refused,
        TooLarge,
        Invalid,
    )
)]
pub(crate) async fn change_ai(
    granted: Granted<SettingsWrite>,
    request: Strict<NewAi>,
) -> Result<Json<AiView>, Problem> {
    let scope = granted.scope();
    let wanted = checked(request.value)?;
    if wanted == *scope.ai() {
        return Ok(Json((&wanted).into()));
    }
    let entry = granted.audit(AuditAction::AiChanged, &scope.tenant())?;
    let row = keys::tenant(scope.tenant());
    let change = scope
        .store()
        .updating(&row, vec![("ai", json!(wanted))], &[When::Present])?;
    let changed = scope.store().together(vec![change, entry]).await?;
    if changed.happened() {
        Ok(Json((&wanted).into()))
    } else {
        Err(Problem::not_found())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::tests::refused_fields;
    use serde_json::Value;

    fn check(body: Value) -> Result<AiSwitches, Problem> {
        checked(serde_json::from_value(body).unwrap())
    }

    #[test]
    fn hours_are_shown_as_they_were_given() {
        let hours = json!([
            {"day": "monday", "from": "09:00", "to": "17:30"},
            {"day": "sunday", "from": "22:15", "to": "24:00"},
        ]);
        let staffed = json!({"time_zone": "Europe/Rome", "hours": hours});
        let switches = check(json!({"answers": true, "staffed": staffed})).unwrap();
        let shown = serde_json::to_value(AiView::from(&switches)).unwrap();
        assert_eq!(
            shown,
            json!({"object": "ai", "answers": true, "staffed": staffed})
        );
        let always = check(json!({"answers": true})).unwrap();
        assert_eq!(always, AiSwitches::default());
    }

    #[test]
    fn bad_hours_are_refused_by_the_name_of_their_field() {
        let with = |zone: &str, from: &str, to: &str| {
            let hours = [json!({"day": "friday", "from": from, "to": to})];
            check(json!({"answers": true, "staffed": {"time_zone": zone, "hours": hours}}))
        };
        for (result, fields) in [
            (with("Atlantis", "09:00", "10:00"), vec!["staffed.time_zone"]),
            (
                with("Europe/Rome", "9:00", "10:00"),
                vec!["staffed.hours[0].from"],
            ),
            (
                with("Europe/Rome", "24:00", "10:60"),
                vec!["staffed.hours[0].from", "staffed.hours[0].to"],
            ),
            (with("Europe/Rome", "09:00", "24:01"), vec!["staffed.hours[0].to"]),
            (
                check(json!({"answers": false, "staffed": {"time_zone": "UTC", "hours": []}})),
                vec!["staffed.hours"],
            ),
        ] {
            assert_eq!(refused_fields(&result.unwrap_err()), fields);
        }
    }
}
