//! When who is told. Pure: the wait, the settings and what was said so far decide.

use std::time::Duration;

use usher_shared::Timestamp;
use usher_shared::alert::{During, Rank, Target, Told};
use usher_shared::records::AlertPlan;
use usher_shared::untrusted::KeyedHash;

use crate::quiet;

/// So often somebody is told at the interval that was set. Then each interval is twice the one before, up to a day: who
/// has not come by then is not at the desk.
const EVEN: u32 = 6;
/// The longest interval.
const LONGEST: Duration = Duration::from_hours(24);

/// One wait at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait<'a> {
    /// Since when.
    pub(crate) since: Timestamp,
    /// Now.
    pub(crate) now: Timestamp,
    /// Who was told of it when.
    pub(crate) told: &'a [Told],
}

/// Somebody who may be told, under the name that what was said is remembered by.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) target: Target,
    pub(crate) id: KeyedHash,
}

impl Wait<'_> {
    /// When somebody is to be told next: now, or later. None if they are not told any more.
    pub(crate) fn next(&self, plan: &AlertPlan, named: &Named) -> Option<Timestamp> {
        let target = &named.target;
        if target.trouble.is_some() {
            return None;
        }
        let told = self.told.iter().find(|told| told.target == named.id);
        let due = match told {
            Some(told) => told.at.plus(interval(*plan.repeat_minutes, told.times)),
            None if target.rank == Rank::Second && has_first(plan) => {
                self.since.plus(minutes(*plan.second_after_minutes))
            }
            None => self.since,
        };
        let due = due.max(self.now);
        let defers = target.quiet.as_ref().filter(|q| q.during == During::Defer);
        Some(defers.and_then(|q| quiet::end(q, due)).unwrap_or(due))
    }

    /// Who is to be told now.
    pub(crate) fn due<'n>(&self, plan: &AlertPlan, all: &'n [Named]) -> Vec<&'n Named> {
        let is_due = |named: &&Named| self.next(plan, named) == Some(self.now);
        all.iter().filter(is_due).collect()
    }

    /// When the next one is to be told; none if nobody is.
    pub(crate) fn soonest(&self, plan: &AlertPlan, all: &[Named]) -> Option<Timestamp> {
        all.iter().filter_map(|named| self.next(plan, named)).min()
    }
}

/// Whether somebody is told at once. If not, the second ones are.
fn has_first(plan: &AlertPlan) -> bool {
    let mut targets = plan.targets.get().iter();
    targets.any(|target| target.rank == Rank::First && target.trouble.is_none())
}

/// Whether somebody is in quiet hours that allow what makes no sound.
pub(crate) fn is_silent(target: &Target, now: Timestamp) -> bool {
    let silent = target.quiet.as_ref().filter(|q| q.during == During::Silent);
    silent.is_some_and(|q| quiet::end(q, now).is_some())
}

/// Remembers that somebody was told.
pub(crate) fn remember(told: &mut Vec<Told>, target: KeyedHash, at: Timestamp) {
    match told.iter_mut().find(|told| told.target == target) {
        Some(told) => {
            told.at = at;
            told.times = told.times.saturating_add(1);
        }
        None => told.push(Told { target, at, times: 1 }),
    }
}

fn minutes(count: u32) -> Duration {
    Duration::from_secs(u64::from(count) * 60)
}

fn interval(repeat_minutes: u32, times: u32) -> Duration {
    let doublings = times.saturating_sub(EVEN).min(16);
    let set = minutes(repeat_minutes);
    set.saturating_mul(1 << doublings).min(LONGEST.max(set))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use usher_shared::alert::{QuietHours, TargetKind, TargetTrouble};

    fn at(text: &str) -> Timestamp {
        format!("2026-07-01T{text}:00Z").parse().unwrap()
    }

    fn named(number: u8, rank: Rank, quiet: Option<During>) -> Named {
        let quiet = quiet.map(|during| QuietHours {
            from: 22 * 60,
            to: 7 * 60,
            zone: "UTC".to_owned(),
            during,
        });
        Named {
            target: Target {
                kind: TargetKind::Telegram,
                address: number.to_string(),
                rank,
                quiet,
                trouble: None,
            },
            id: KeyedHash::from_bytes([number; 16]),
        }
    }

    fn plan(all: &[Named]) -> AlertPlan {
        let targets: Vec<Target> = all.iter().map(|named| named.target.clone()).collect();
        AlertPlan {
            created_at: at("00:00").into(),
            version: 1.into(),
            repeat_minutes: 10.into(),
            second_after_minutes: 25.into(),
            targets: targets.into(),
            telegram_token: None.into(),
        }
    }

    /// Who is told when, minute by minute, as numbers.
    fn played(all: &[Named], since: &str, minutes: u32) -> Vec<(u32, u8)> {
        let (plan, since) = (plan(all), at(since));
        let (mut told, mut played) = (Vec::new(), Vec::new());
        for minute in 0..minutes {
            let now = since.plus(super::minutes(minute));
            let wait = Wait {
                since,
                now,
                told: &told,
            };
            let due: Vec<KeyedHash> = wait.due(&plan, all).iter().map(|named| named.id).collect();
            for id in due {
                remember(&mut told, id, now);
                let number = all.iter().position(|named| named.id == id).unwrap();
                played.push((minute, u8::try_from(number).unwrap()));
            }
        }
        played
    }

    #[test]
    fn the_first_is_told_at_once_and_again_and_the_second_after_a_while() {
        let all = [named(1, Rank::First, None), named(2, Rank::Second, None)];
        assert_eq!(
            played(&all, "12:00", 40),
            [(0, 0), (10, 0), (20, 0), (25, 1), (30, 0), (35, 1)]
        );
    }

    #[test]
    fn what_falls_into_quiet_hours_is_said_at_their_end_and_the_second_is_told_meanwhile() {
        let all = [
            named(1, Rank::First, Some(During::Defer)),
            named(2, Rank::Second, None),
        ];
        let night = played(&all, "22:00", 9 * 60 + 1);
        let second = night.iter().filter(|(_, who)| *who == 1).count();
        assert_eq!(night.first(), Some(&(25, 1)));
        assert!(second > EVEN as usize, "{night:?}");
        let first: Vec<_> = night.iter().filter(|(_, who)| *who == 0).collect();
        assert_eq!(first, [&(9 * 60, 0)], "once, at seven");
    }

    #[test]
    fn quiet_hours_that_allow_silence_defer_nothing() {
        let all = [named(1, Rank::First, Some(During::Silent))];
        assert_eq!(played(&all, "23:00", 11), [(0, 0), (10, 0)]);
        assert!(is_silent(&all[0].target, at("23:00")) && !is_silent(&all[0].target, at("12:00")));
        let defers = named(1, Rank::First, Some(During::Defer));
        assert!(!is_silent(&defers.target, at("23:00")));
    }

    #[test]
    fn where_nobody_is_left_to_be_told_first_the_second_is() {
        let mut all = [named(1, Rank::First, None), named(2, Rank::Second, None)];
        all[0].target.trouble = Some(TargetTrouble::Unreachable);
        assert_eq!(played(&all, "12:00", 11), [(0, 1), (10, 1)]);
        all[1].target.trouble = Some(TargetTrouble::Refused);
        let nobody = Wait {
            since: at("12:00"),
            now: at("12:00"),
            told: &[],
        };
        assert_eq!(nobody.soonest(&plan(&all), &all), None);
    }

    #[test]
    fn intervals_grow_after_the_sixth_time_up_to_a_day() {
        let hours = |times| interval(10, times).as_secs() / 60;
        let expected = [10, 10, 10, 10, 10, 10, 20, 40, 80, 160, 320, 640, 1_280, 1_440];
        for (times, minutes) in (1..).zip(expected) {
            assert_eq!(hours(times), minutes, "{times}");
        }
        assert_eq!(hours(u32::MAX), 1_440);
        assert_eq!(interval(1_440, 9), LONGEST);
    }
}
