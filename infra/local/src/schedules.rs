//! Schedules on the domain clock. A jump over many due times runs a schedule once: what a schedule does
//! is to look at what is due by now, and thousands of runs would say the same.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, civil, rfc3339};
use crate::console::Console;
use crate::permissions::Permissions;
use crate::runtime::{InvokeError, Pool};
use crate::template::{ACCOUNT, REGION, Schedule};

const MINUTE_MS: i64 = 60_000;
/// How far ahead a cron expression is searched.
const SEARCHED_MINUTES: i64 = 366 * 24 * 60;

/// When a schedule runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// Every so many milliseconds.
    Rate(i64),
    /// At matching minutes, UTC: minute, hour, day of month, month, day of week (1 is Sunday).
    Cron([Field; 5]),
}

/// One field of a cron expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// `*` or `?`.
    Any,
    /// Exact values, from lists and `start/step`.
    In(Vec<i64>),
}

impl Field {
    fn parse(text: &str, from: i64, to: i64) -> Result<Self, String> {
        if text == "*" || text == "?" {
            return Ok(Self::Any);
        }
        let number = |text: &str| {
            let value = text.parse::<i64>().ok().filter(|n| (from..=to).contains(n));
            value.ok_or_else(|| format!("{text} is not between {from} and {to}"))
        };
        let mut values = Vec::new();
        for part in text.split(',') {
            match part.split_once('/') {
                Some((start, step)) => {
                    let start = if start == "*" { from } else { number(start)? };
                    let step = step.parse::<usize>().ok().filter(|step| *step > 0);
                    let step = step.ok_or_else(|| format!("{part} has no step"))?;
                    values.extend((start..=to).step_by(step));
                }
                None => values.push(number(part)?),
            }
        }
        Ok(Self::In(values))
    }

    fn matches(&self, value: i64) -> bool {
        match self {
            Self::Any => true,
            Self::In(values) => values.contains(&value),
        }
    }
}

impl Expression {
    /// Parses `rate(5 minutes)` or `cron(0 3 * * ? *)`. Year, names, ranges, `L`, `W` and `#` are refused.
    pub fn parse(text: &str) -> Result<Self, String> {
        let unknown = || format!("{text} is neither rate(…) or cron(…) as the local stack knows them");
        if let Some(inner) = text.strip_prefix("rate(").and_then(|t| t.strip_suffix(')')) {
            let (count, unit) = inner.split_once(' ').ok_or_else(unknown)?;
            let count = count.parse::<i64>().ok().filter(|n| *n > 0).ok_or_else(unknown)?;
            let unit = match unit.trim_end_matches('s') {
                "minute" => MINUTE_MS,
                "hour" => 60 * MINUTE_MS,
                "day" => 24 * 60 * MINUTE_MS,
                _ => return Err(unknown()),
            };
            return count.checked_mul(unit).map(Self::Rate).ok_or_else(unknown);
        }
        let inner = text
            .strip_prefix("cron(")
            .and_then(|t| t.strip_suffix(')'))
            .ok_or_else(unknown)?;
        let fields: Vec<&str> = inner.split_whitespace().collect();
        let [minute, hour, day, month, weekday, "*"] = fields.as_slice() else {
            return Err(format!("{text}: six fields are needed, the year as *"));
        };
        let field = |value: &str, from, to| Field::parse(value, from, to).map_err(|e| format!("{text}: {e}"));
        Ok(Self::Cron([
            field(minute, 0, 59)?,
            field(hour, 0, 23)?,
            field(day, 1, 31)?,
            field(month, 1, 12)?,
            field(weekday, 1, 7)?,
        ]))
    }

    /// The first due time after `after_ms`. A cron that never matches within a year is never due.
    pub fn next(&self, after_ms: i64) -> Option<i64> {
        match self {
            Self::Rate(every) => after_ms.checked_add(*every),
            Self::Cron(fields) => {
                let first = after_ms.div_euclid(MINUTE_MS) + 1;
                (first..first + SEARCHED_MINUTES)
                    .find(|at| cron_matches(fields, *at))
                    .map(|at| at * MINUTE_MS)
            }
        }
    }
}

fn cron_matches([minute, hour, day, month, weekday]: &[Field; 5], at_minute: i64) -> bool {
    let days = at_minute.div_euclid(24 * 60);
    let in_day = at_minute.rem_euclid(24 * 60);
    let (_, at_month, at_day) = civil(days);
    // 1970-01-01 was a Thursday, the fifth day of a week that starts with Sunday as 1.
    let at_weekday = (days + 4).rem_euclid(7) + 1;
    minute.matches(in_day % 60)
        && hour.matches(in_day / 60)
        && day.matches(at_day)
        && month.matches(at_month)
        && weekday.matches(at_weekday)
}

/// Runs `schedule` whenever it is due, until the task is dropped.
pub async fn run(
    schedule: Schedule,
    pool: Arc<Pool>,
    permissions: Arc<Permissions>,
    clock: Arc<Clock>,
    console: Console,
) {
    let mut moved = clock.subscribe();
    let mut due = schedule.expression.next(clock.now_ms());
    loop {
        let Some(at) = due else { return };
        let wait = at.saturating_sub(clock.now_ms());
        if wait > 0 {
            let wait = Duration::from_millis(u64::try_from(wait).unwrap_or_default());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                changed = moved.changed() => if changed.is_err() { return },
            }
            continue;
        }
        // Counted from before the run: a clock that is moved while it lasts makes the schedule due again.
        let began = clock.now_ms();
        if let Err(error) = invoke(&schedule, &pool, &permissions, at).await {
            console.say(&format!("schedule {} failed: {error}", schedule.name));
        }
        due = schedule.expression.next(began);
    }
}

/// Invokes the function once, with the retries of the schedule's policy. Returns the function's answer.
pub async fn invoke(
    schedule: &Schedule,
    pool: &Pool,
    permissions: &Permissions,
    at_ms: i64,
) -> Result<bytes::Bytes, InvokeError> {
    permissions
        .check_schedule(&schedule.name)
        .map_err(|message| InvokeError::Failed {
            function: pool.name().to_owned(),
            kind: "AccessDenied".to_owned(),
            message,
        })?;
    let execution = crate::ids::random_hex(8);
    let trigger = format!("schedule {}", schedule.name);
    let mut attempt = 1;
    loop {
        let event = schedule
            .input
            .replace(
                "<aws.scheduler.schedule-arn>",
                &format!(
                    "arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{}",
                    schedule.name
                ),
            )
            .replace("<aws.scheduler.scheduled-time>", &rfc3339(at_ms))
            .replace("<aws.scheduler.execution-id>", &execution)
            .replace("<aws.scheduler.attempt-number>", &attempt.to_string());
        match pool.invoke_event(&trigger, event.into()).await {
            Err(error) if attempt > schedule.max_retries => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            Ok(answer) => return Ok(answer),
        }
        attempt += 1;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn next(expression: &str, after: i64) -> String {
        rfc3339(Expression::parse(expression).unwrap().next(after).unwrap())
    }

    #[test]
    fn rates_and_simple_crons_are_due_in_utc() {
        let monday = 1_790_000_100_000; // 2026-09-21T14:15:00Z, a Monday
        assert_eq!(next("rate(5 minutes)", monday), "2026-09-21T14:20:00Z");
        assert_eq!(next("rate(1 day)", monday), "2026-09-22T14:15:00Z");
        assert_eq!(next("cron(0 3 * * ? *)", monday), "2026-09-22T03:00:00Z");
        assert_eq!(next("cron(0/10 * * * ? *)", monday), "2026-09-21T14:20:00Z");
        assert_eq!(next("cron(0 0 1 1 ? *)", monday), "2027-01-01T00:00:00Z");
        assert_eq!(next("cron(30 8 ? * 1,7 *)", monday), "2026-09-26T08:30:00Z");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "at(2026-01-01T00:00:00)",
            "rate(0 minutes)",
            "rate(5 fortnights)",
            "cron(0 3 * * ?)",
            "cron(0 3 L * ? *)",
            "cron(0 3 ? * MON-FRI *)",
            "cron(61 3 * * ? *)",
            "cron(0 3 * * ? 2030)",
            "",
        ] {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
    }
}
