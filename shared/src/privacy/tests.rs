#![expect(clippy::unwrap_used, reason = "tests")]
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_request_is_due_after_thirty_days_or_a_month_whichever_is_earlier() {
    let table = [
        // Months of 31 days: 30 days come first.
        ("2026-01-10T08:00:00Z", "2026-02-09T08:00:00Z"),
        // A month of 30 days: the same.
        ("2026-04-10T08:00:00Z", "2026-05-10T08:00:00Z"),
        // February.
        ("2026-02-10T08:00:00Z", "2026-03-10T08:00:00Z"),
        ("2028-02-10T08:00:00Z", "2028-03-10T08:00:00Z"),
        // There is no 30th of February: its last day.
        ("2026-01-30T08:00:00Z", "2026-02-28T08:00:00Z"),
        ("2026-01-31T23:59:59.999Z", "2026-02-28T23:59:59.999Z"),
        ("2026-12-31T00:00:00Z", "2027-01-30T00:00:00Z"),
    ];
    for (asked, due) in table {
        assert_eq!(due_at(at(asked)), at(due), "{asked}");
    }
}

proptest! {
    #[test]
    fn p_rgt_06_no_request_is_due_later_than_thirty_days_or_a_month(millis in 0_i64..4_102_444_800_000) {
        let asked = Timestamp::from_millis(millis);
        let due = due_at(asked);
        prop_assert!(due <= asked.plus_days(30));
        prop_assert!(due >= asked.plus_days(28));
        // Not later than the same day of the next month, said by another arithmetic: the day of the month never grows,
        // and the month is the next one or, by 30 days, still the same.
        let civil = |at: Timestamp| {
            let at = jiff::Timestamp::from_millisecond(at.millis()).unwrap().to_zoned(TimeZone::UTC);
            (i32::from(at.year()) * 12 + i32::from(at.month()), at.day())
        };
        let ((month, day), (due_month, due_day)) = (civil(asked), civil(due));
        prop_assert!(due_month == month + 1 && due_day <= day || due_month == month);
        // The alarm rings before.
        prop_assert!(asked.plus_days(ALARM_DAYS) < due);
    }
}

#[test]
fn the_earlier_somebody_asks_the_earlier_it_is_due() {
    let start = at("2026-01-01T00:00:00Z");
    let mut last = Timestamp::default();
    for hour in 0..(24 * 800) {
        let asked = start.plus(std::time::Duration::from_hours(hour));
        let due = due_at(asked);
        // Around the end of January several days share the 28th of February, at their own hours.
        if due_at(asked).day() != last.day() {
            assert!(due > last, "{asked}");
        }
        last = last.max(due);
    }
}

const EVENTS: [RequestEvent; 8] = [
    RequestEvent::Confirmed,
    RequestEvent::FoundOpen,
    RequestEvent::Begun,
    RequestEvent::Held,
    RequestEvent::Completed,
    RequestEvent::Failed,
    RequestEvent::Denied,
    RequestEvent::Canceled,
];

#[test]
fn what_is_over_stays_over() {
    for state in RequestState::ALL.into_iter().filter(|state| state.is_over()) {
        for (event, kind) in EVENTS
            .into_iter()
            .flat_map(|event| RequestKind::ALL.map(|kind| (event, kind)))
        {
            assert_eq!(state.after(event, kind), None, "{state:?} {event:?} {kind:?}");
        }
    }
}

#[test]
fn nothing_happens_to_what_is_not_confirmed_but_its_confirmation_and_its_end() {
    for event in EVENTS {
        let after = RequestState::IdentityUnverified.after(event, RequestKind::Deletion);
        let expected = match event {
            RequestEvent::Confirmed => Some(RequestState::Pending),
            RequestEvent::Denied => Some(RequestState::Denied),
            RequestEvent::Canceled => Some(RequestState::Canceled),
            // Neither begun nor found to be a duplicate: no way round the confirmation.
            _ => None,
        };
        assert_eq!(after, expected, "{event:?}");
    }
}

#[test]
fn only_what_is_in_processing_is_ever_complete() {
    for kind in RequestKind::ALL {
        let before = RequestState::before(RequestEvent::Completed, kind);
        assert_eq!(before, [RequestState::InProcessing], "{kind:?}");
    }
}

#[test]
fn a_deletion_that_began_is_neither_denied_nor_withdrawn() {
    for state in [RequestState::InProcessing, RequestState::Error] {
        for event in [RequestEvent::Denied, RequestEvent::Canceled] {
            assert_eq!(state.after(event, RequestKind::Deletion), None);
            assert!(state.after(event, RequestKind::Access).is_some());
        }
    }
}

#[test]
fn names_are_those_that_are_stored() {
    for state in RequestState::ALL {
        assert_eq!(serde_json::to_value(state).unwrap(), state.name());
    }
    for kind in RequestKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
}
