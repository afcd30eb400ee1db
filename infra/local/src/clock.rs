//! The domain clock: wall time plus an offset that only moves forward. Functions read the offset from a
//! file at each look at the clock, so that one call moves time for everything at once.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// Milliseconds since the Unix epoch on the wall: for queue delays, visibility, deadlines and signatures.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the wall clock"
)]
pub fn wall_ms() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// Domain time for everything that retention, schedules and TTL are measured in.
#[derive(Debug)]
pub struct Clock {
    file: PathBuf,
    offset_ms: AtomicI64,
    ttl_lag_ms: AtomicI64,
    moved: watch::Sender<i64>,
}

impl Clock {
    /// Opens the offset kept in `file`, or starts at zero and writes it.
    pub fn open(file: PathBuf) -> std::io::Result<Arc<Self>> {
        let offset = match std::fs::read_to_string(&file) {
            Ok(text) => text.trim().parse().map_err(|_| {
                std::io::Error::new(
                    std::io::ErrorKind::InvalidData,
                    "the clock's offset is not a number",
                )
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                write_offset(&file, 0)?;
                0
            }
            Err(error) => return Err(error),
        };
        let (moved, _) = watch::channel(offset);
        Ok(Arc::new(Self {
            file,
            offset_ms: AtomicI64::new(offset),
            ttl_lag_ms: AtomicI64::new(0),
            moved,
        }))
    }

    /// Domain time in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        wall_ms().saturating_add(self.offset_ms())
    }

    /// How far domain time is ahead of wall time, in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::SeqCst)
    }

    /// How long after its time an item is removed by TTL, in milliseconds of domain time.
    pub fn ttl_lag_ms(&self) -> i64 {
        self.ttl_lag_ms.load(Ordering::SeqCst)
    }

    /// Makes TTL late: in the cloud an item may stay readable for days after its time.
    pub fn set_ttl_lag(&self, lag_ms: i64) {
        self.ttl_lag_ms.store(lag_ms.max(0), Ordering::SeqCst);
    }

    /// The file that functions read (`USHER_LOCAL_CLOCK`).
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Moves domain time forward; the file is written first, so that no function lags behind.
    pub fn advance(&self, by_ms: i64) -> std::io::Result<()> {
        let next = self.offset_ms().saturating_add(by_ms.max(0));
        write_offset(&self.file, next)?;
        self.offset_ms.store(next, Ordering::SeqCst);
        self.moved.send_replace(next);
        Ok(())
    }

    /// Wakes when the clock was moved.
    pub fn subscribe(&self) -> watch::Receiver<i64> {
        self.moved.subscribe()
    }
}

thread_local! {
    /// Whether this thread sweeps TTL: then alone the database's clock lags.
    static SWEEPING: Cell<bool> = const { Cell::new(false) };
}

/// Runs a sweep of TTL, for which the database's clock lags as it was told to.
pub(crate) fn lagging<T>(sweep: impl FnOnce() -> T) -> T {
    SWEEPING.set(true);
    let swept = sweep();
    SWEEPING.set(false);
    swept
}

/// Written aside and renamed: a function never reads half a number.
fn write_offset(file: &Path, offset: i64) -> std::io::Result<()> {
    let aside = file.with_extension("new");
    std::fs::write(&aside, offset.to_string())?;
    std::fs::rename(&aside, file)
}

/// The clock as the embedded database wants it.
#[derive(Debug, Clone)]
pub struct DatabaseClock(pub Arc<Clock>);

impl dynoxide::storage_backend::Clock for DatabaseClock {
    /// Stamps stream records, and says during a sweep what has ended.
    fn now_unix_secs(&self) -> u64 {
        let lag = if SWEEPING.get() { self.0.ttl_lag_ms() } else { 0 };
        let now = self.0.now_ms().saturating_sub(lag);
        u64::try_from(now / 1000).unwrap_or_default()
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "53 bits hold milliseconds for 280,000 years"
    )]
    fn now_unix_secs_f64(&self) -> f64 {
        self.0.now_ms() as f64 / 1000.0
    }
}

/// Parses `31d`, `1d12h`, `90s`: whole numbers of w, d, h, m, s, at least one. `None` for all else, for
/// zero, and for what does not fit.
pub fn parse_duration_ms(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut number = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let unit_ms: i64 = match c {
            's' => 1_000,
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            'w' => 604_800_000,
            _ => return None,
        };
        let count: i64 = number.parse().ok()?;
        number.clear();
        total = total.checked_add(count.checked_mul(unit_ms)?)?;
    }
    // More than a century is a slip of the finger, and would overflow TTL arithmetic elsewhere.
    (number.is_empty() && total > 0 && total <= 100 * 366 * 86_400_000).then_some(total)
}

/// Milliseconds since the epoch as RFC 3339 in UTC, to the second.
pub fn rfc3339(ms: i64) -> String {
    let (year, month, day) = civil(ms.div_euclid(86_400_000));
    let second = ms.div_euclid(1000).rem_euclid(86_400);
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
}

/// Year, month and day of a day counted from 1970-01-01 (proleptic Gregorian).
pub fn civil(days: i64) -> (i64, i64, i64) {
    // Years counted from March, so that the leap day is the last of its year.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn durations_are_whole_numbers_with_units() {
        for (text, expected) in [
            ("31d", Some(31 * 86_400_000)),
            ("1d12h", Some(36 * 3_600_000)),
            ("90s", Some(90_000)),
            ("2w", Some(14 * 86_400_000)),
            ("5m", Some(300_000)),
            ("", None),
            ("5", None),
            ("d", None),
            ("-1d", None),
            ("1.5h", None),
            ("0s", None),
            ("1y", None),
            ("99999999999999999999d", None),
            ("999999w", None),
        ] {
            assert_eq!(parse_duration_ms(text), expected, "{text}");
        }
    }

    #[test]
    fn the_offset_survives_and_only_grows() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clock");
        let clock = Clock::open(file.clone()).unwrap();
        clock.advance(5_000).unwrap();
        clock.advance(-9_000).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "5000");
        assert_eq!(Clock::open(file).unwrap().offset_ms(), 5_000);
    }

    #[test]
    fn instants_print_as_rfc_3339() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_790_000_100_000), "2026-09-21T14:15:00Z");
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00Z");
    }
}
