//! Schedules, as the template has them.

use serde::Deserialize;

use super::properties::CloudOnly;
use super::{Schedule, TemplateError};
use crate::schedules::Expression;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "cloud-only properties are accepted, not read")]
pub(super) struct ScheduleEvent {
    schedule_expression: String,
    #[serde(default)]
    input: Option<String>,
    #[serde(default)]
    retry_policy: Option<RetryPolicy>,
    role_arn: CloudOnly,
    description: CloudOnly,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "cloud-only properties are accepted, not read")]
struct RetryPolicy {
    #[serde(default)]
    maximum_retry_attempts: u32,
    maximum_event_age_in_seconds: CloudOnly,
}

impl ScheduleEvent {
    pub(super) fn into_schedule(self, key: &str, place: &str) -> Result<Schedule, TemplateError> {
        let expression =
            Expression::parse(&self.schedule_expression).map_err(|e| TemplateError::new(place, e))?;
        let input = self.input.unwrap_or_else(|| "{}".to_owned());
        Ok(Schedule {
            name: key.to_lowercase(),
            expression,
            input,
            max_retries: self
                .retry_policy
                .map_or(0, |policy| policy.maximum_retry_attempts),
        })
    }
}
