//! Time as a parameter: milliseconds since the Unix epoch, and the clock that tells them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

const MILLIS_PER_DAY: i64 = 86_400_000;

/// A point in domain time: whole milliseconds since 1970-01-01T00:00:00Z.
///
/// Prints and parses as RFC 3339 in UTC; serializes as the bare number, because that is what is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded up: the unit of DynamoDB's TTL, which must not fire early.
    pub const fn seconds_rounded_up(self) -> i64 {
        self.0.div_euclid(1000) + if self.0.rem_euclid(1000) == 0 { 0 } else { 1 }
    }

    /// This time plus `duration`; saturates at the end of time.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// This time minus `duration`; saturates at the beginning of time.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Time from `earlier` to this; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This time plus whole days; saturates at the end of time.
    #[must_use]
    pub const fn plus_days(self, days: u32) -> Self {
        Self(
            self.0
                .saturating_add((days as i64).saturating_mul(MILLIS_PER_DAY)),
        )
    }

    /// This time minus whole days; saturates at the beginning of time.
    #[must_use]
    pub const fn minus_days(self, days: u32) -> Self {
        Self(
            self.0
                .saturating_sub((days as i64).saturating_mul(MILLIS_PER_DAY)),
        )
    }

    /// The day that holds this time, counted from the Unix epoch, in UTC.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(MILLIS_PER_DAY)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => write!(f, "{t:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>().map(|t| Self(t.as_millisecond()))
    }
}

/// Tells domain time. Retention, tokens, links and schedules ask it; nothing asks the operating system.
pub trait Clock: Send + Sync {
    /// The current domain time.
    fn now(&self) -> Timestamp;
}

/// A clock that stands still until it is moved. For tests and simulations.
#[derive(Debug, Default)]
pub struct ManualClock(std::sync::atomic::AtomicI64);

impl ManualClock {
    /// A clock standing at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self(start.millis().into())
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(millis, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn ttl_seconds_never_come_before_the_time_they_stand_for() {
        for millis in [0, 1, 999, 1000, 1001, -1, -1000, 1_790_000_000_523] {
            let seconds = Timestamp::from_millis(millis).seconds_rounded_up();
            assert!(
                seconds * 1000 >= millis && (seconds - 1) * 1000 < millis,
                "{millis} -> {seconds}"
            );
        }
    }

    #[test]
    fn prints_and_parses_as_rfc_3339() {
        let time = Timestamp::from_millis(1_790_000_000_523);
        assert_eq!(time.to_string(), "2026-09-21T14:13:20.523Z");
        assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
    }
}
