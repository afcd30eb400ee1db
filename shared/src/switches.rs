//! Whether the AI answers at all, as the tenant has set it: always, never, or while nobody is there.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::record::NotPersonal;

/// A tenant's switches for its AI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AiSwitches {
    /// Whether the AI answers.
    pub answers: bool,
    /// When people are there: then they answer, and the AI is silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staffed: Option<Hours>,
}

impl NotPersonal for AiSwitches {}

impl Default for AiSwitches {
    fn default() -> Self {
        Self {
            answers: true,
            staffed: None,
        }
    }
}

impl AiSwitches {
    /// Whether the AI answers what comes now.
    pub fn ai_answers(&self, now: Timestamp) -> bool {
        self.answers && !self.staffed.as_ref().is_some_and(|hours| hours.hold(now))
    }
}

/// The hours of a week at a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// Name of the place's zone in the IANA database, such as `Europe/Rome`.
    zone: String,
    spans: Vec<Span>,
}

/// A span of hours of one weekday. One that ends at or before its beginning ends the day after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The day on which it begins.
    pub day: Day,
    /// When it begins, in minutes after midnight.
    pub from: u16,
    /// When it ends.
    pub to: u16,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the days of the week")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Day {
    const fn weekday(self) -> Weekday {
        match self {
            Self::Monday => Weekday::Monday,
            Self::Tuesday => Weekday::Tuesday,
            Self::Wednesday => Weekday::Wednesday,
            Self::Thursday => Weekday::Thursday,
            Self::Friday => Weekday::Friday,
            Self::Saturday => Weekday::Saturday,
            Self::Sunday => Weekday::Sunday,
        }
    }
}

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// Spans at most: a week of three a day.
pub const SPANS: usize = 21;

/// Why hours are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHours {
    /// No such zone.
    #[error("is not a time zone of the IANA database, such as Europe/Rome")]
    Zone,
    /// Too many, or none.
    #[error("must be 1 to {SPANS} spans")]
    Count,
    /// A time after midnight.
    #[error("must be times of day, such as 09:00")]
    Time,
}

impl Hours {
    /// Hours at a place.
    ///
    /// # Errors
    /// [`InvalidHours`].
    pub fn new(zone: &str, spans: Vec<Span>) -> Result<Self, InvalidHours> {
        if TimeZone::get(zone).is_err() {
            return Err(InvalidHours::Zone);
        }
        if spans.is_empty() || spans.len() > SPANS {
            return Err(InvalidHours::Count);
        }
        if spans.iter().any(|span| span.from >= DAY || span.to > DAY) {
            return Err(InvalidHours::Time);
        }
        Ok(Self {
            zone: zone.to_owned(),
            spans,
        })
    }

    /// Name of the place's zone.
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// The spans.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Whether a moment is within them. What cannot be told is not: then the AI answers rather than nobody.
    fn hold(&self, now: Timestamp) -> bool {
        let Ok(zone) = TimeZone::get(&self.zone) else {
            return false;
        };
        let Ok(at) = jiff::Timestamp::from_millisecond(now.millis()) else {
            return false;
        };
        let there = at.to_zoned(zone);
        let (today, minute) = (there.weekday(), minute_of(there.time()));
        self.spans.iter().any(|span| span.holds(today, minute))
    }
}

fn minute_of(time: Time) -> u16 {
    u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs())
}

impl Span {
    fn holds(self, today: Weekday, minute: u16) -> bool {
        let begins = self.day.weekday();
        if self.from < self.to {
            return today == begins && (self.from..self.to).contains(&minute);
        }
        (today == begins && minute >= self.from) || (today == begins.next() && minute < self.to)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn span(day: Day, from: u16, to: u16) -> Span {
        Span { day, from, to }
    }

    #[test]
    fn while_people_are_there_the_ai_is_silent_also_when_the_clocks_change() {
        let hours = Hours::new("Europe/Rome", vec![span(Day::Friday, 9 * 60, 17 * 60 + 30)]).unwrap();
        let switches = AiSwitches {
            answers: true,
            staffed: Some(hours),
        };
        // Friday in summer: Rome is two hours ahead; in winter one.
        for (now, answers) in [
            ("2026-07-10T06:59:59Z", true),
            ("2026-07-10T07:00:00Z", false),
            ("2026-07-10T15:29:59Z", false),
            ("2026-07-10T15:30:00Z", true),
            ("2026-12-11T07:30:00Z", true),
            ("2026-12-11T08:00:00Z", false),
            ("2026-12-12T10:00:00Z", true),
        ] {
            assert_eq!(switches.ai_answers(at(now)), answers, "{now}");
        }
        let off = AiSwitches {
            answers: false,
            ..switches
        };
        assert!(!off.ai_answers(at("2026-12-12T10:00:00Z")));
        assert!(AiSwitches::default().ai_answers(at("2026-12-11T08:00:00Z")));
    }

    #[test]
    fn a_night_ends_on_the_next_day_and_a_week_goes_round() {
        let hours = Hours::new("UTC", vec![span(Day::Sunday, 22 * 60, 2 * 60)]).unwrap();
        for (now, within) in [
            ("2026-07-12T21:59:00Z", false),
            ("2026-07-12T22:00:00Z", true),
            ("2026-07-13T01:59:00Z", true),
            ("2026-07-13T02:00:00Z", false),
            ("2026-07-13T22:30:00Z", false),
        ] {
            assert_eq!(hours.hold(at(now)), within, "{now}");
        }
        let all_day = Hours::new("UTC", vec![span(Day::Sunday, 0, DAY)]).unwrap();
        assert!(all_day.hold(at("2026-07-12T23:59:59Z")));
        assert!(!all_day.hold(at("2026-07-13T00:00:00Z")));
    }

    #[test]
    fn hours_that_are_none_are_refused_with_the_reason() {
        let day = span(Day::Monday, 0, DAY);
        for (zone, spans, why) in [
            ("Europe/Atlantis", vec![day], InvalidHours::Zone),
            ("Europe/Rome", vec![], InvalidHours::Count),
            ("Europe/Rome", vec![day; SPANS + 1], InvalidHours::Count),
            (
                "Europe/Rome",
                vec![span(Day::Monday, DAY, 60)],
                InvalidHours::Time,
            ),
            (
                "Europe/Rome",
                vec![span(Day::Monday, 0, DAY + 1)],
                InvalidHours::Time,
            ),
        ] {
            assert_eq!(Hours::new(zone, spans), Err(why), "{zone}");
        }
    }
}
