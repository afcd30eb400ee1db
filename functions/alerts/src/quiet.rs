//! Quiet hours: the one place that knows time zones.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use usher_shared::Timestamp;
use usher_shared::alert::QuietHours;

/// Whether there is a time zone of this name. Offsets alone are none: they know no summer.
pub(crate) fn is_zone(name: &str) -> bool {
    TimeZone::get(name).is_ok()
}

/// When the quiet hours end in which `at` lies; none if it lies in none.
pub(crate) fn end(quiet: &QuietHours, at: Timestamp) -> Option<Timestamp> {
    let zone = TimeZone::get(&quiet.zone).ok()?;
    let there = jiff::Timestamp::from_millisecond(at.millis())
        .ok()?
        .to_zoned(zone.clone());
    let minute = u16::try_from(i32::from(there.hour()) * 60 + i32::from(there.minute())).ok()?;
    let (from, to) = (quiet.from, quiet.to);
    let is_quiet = if from < to {
        (from..to).contains(&minute)
    } else {
        minute >= from || minute < to
    };
    if !is_quiet {
        return None;
    }
    let day = if minute < to {
        there.date()
    } else {
        there.date().tomorrow().ok()?
    };
    let (hour, minute) = (i8::try_from(to / 60).ok()?, i8::try_from(to % 60).ok()?);
    let end = day
        .to_datetime(Time::new(hour, minute, 0, 0).ok()?)
        .to_zoned(zone);
    // An hour that comes twice a year has two ends; the first one counts.
    let end = Timestamp::from_millis(end.ok()?.timestamp().as_millisecond());
    (end > at).then_some(end)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use usher_shared::alert::During;

    fn ends(from: u16, to: u16, zone: &str, at: &str) -> Option<String> {
        let quiet = QuietHours {
            from,
            to,
            zone: zone.to_owned(),
            during: During::Defer,
        };
        end(&quiet, at.parse().unwrap()).map(|end| end.to_string())
    }

    #[test]
    fn quiet_hours_are_those_of_the_persons_clock_in_summer_and_in_winter() {
        let (from, to) = (22 * 60, 7 * 60);
        for (zone, at, expected) in [
            // Vienna is two hours ahead in summer, one in winter.
            ("Europe/Vienna", "2026-07-01T19:59:00Z", None),
            (
                "Europe/Vienna",
                "2026-07-01T20:00:00Z",
                Some("2026-07-02T05:00:00.000Z"),
            ),
            (
                "Europe/Vienna",
                "2026-07-02T04:59:59Z",
                Some("2026-07-02T05:00:00.000Z"),
            ),
            ("Europe/Vienna", "2026-07-02T05:00:00Z", None),
            ("Europe/Vienna", "2026-12-01T20:59:00Z", None),
            (
                "Europe/Vienna",
                "2026-12-01T21:00:00Z",
                Some("2026-12-02T06:00:00.000Z"),
            ),
            // The night in which the clock is set back is an hour longer.
            (
                "Europe/Vienna",
                "2026-10-24T20:00:00Z",
                Some("2026-10-25T06:00:00.000Z"),
            ),
            (
                "America/Los_Angeles",
                "2026-12-02T06:00:00Z",
                Some("2026-12-02T15:00:00.000Z"),
            ),
            (
                "Asia/Kathmandu",
                "2026-12-01T16:15:00Z",
                Some("2026-12-02T01:15:00.000Z"),
            ),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(ends(from, to, zone, at), expected, "{zone} {at}");
        }
    }

    #[test]
    fn hours_of_one_day_and_an_end_that_the_clock_skips_or_repeats() {
        let at = |time: &str| ends(13 * 60, 15 * 60, "Etc/UTC", time);
        assert_eq!(at("2026-12-01T12:59:59Z"), None);
        assert_eq!(
            at("2026-12-01T13:00:00Z").as_deref(),
            Some("2026-12-01T15:00:00.000Z")
        );
        assert_eq!(at("2026-12-01T15:00:00Z"), None);
        // Half past two does not exist in Vienna on 29 March 2026: it is half past three.
        assert_eq!(
            ends(0, 150, "Europe/Vienna", "2026-03-29T00:30:00Z").as_deref(),
            Some("2026-03-29T01:30:00.000Z")
        );
        // It comes twice on 25 October: the first one ends the quiet hours.
        assert_eq!(
            ends(0, 150, "Europe/Vienna", "2026-10-25T00:15:00Z").as_deref(),
            Some("2026-10-25T00:30:00.000Z")
        );
        assert_eq!(ends(0, 150, "Europe/Vienna", "2026-10-25T01:15:00Z"), None);
    }

    #[test]
    fn zones_are_names_of_the_database() {
        for zone in ["Europe/Vienna", "Etc/UTC", "UTC", "america/new_york"] {
            assert!(is_zone(zone), "{zone}");
        }
        for zone in ["", "Vienna", "+02:00", "Mars/Olympus", "../etc/passwd"] {
            assert!(!is_zone(zone), "{zone}");
        }
        assert_eq!(ends(0, 1_439, "Mars/Olympus", "2026-12-01T12:00:00Z"), None);
    }
}
