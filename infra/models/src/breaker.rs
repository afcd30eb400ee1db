//! A breaker: after a few failures in a row, a provider is left alone for a while, and then tried by one.

use std::time::Duration;

/// Failures in a row that open it.
const FAILURES: u32 = 3;
/// For how long nobody asks. Doubles while the one that tries fails too.
const PAUSE: Duration = Duration::from_secs(20);
/// The longest pause.
const LONGEST: Duration = Duration::from_mins(5);

/// The breaker of one model in a warm instance. `now` counts from any moment, the same at every call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    failures: u32,
    until: Option<Duration>,
    pauses: u32,
}

impl Breaker {
    /// Whether the model may be asked. Whoever is told yes after a pause is the one that tries: until the pause
    /// would be over again, all others are told no.
    pub fn admits(&mut self, now: Duration) -> bool {
        match self.until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                self.until = Some(now + self.pause());
                true
            }
        }
    }

    /// The model answered.
    pub fn worked(&mut self) {
        *self = Self::default();
    }

    /// The model failed, and the next one would. What nobody can mend by waiting opens it at once.
    pub fn failed(&mut self, now: Duration, at_once: bool) {
        self.failures = self.failures.saturating_add(1);
        if self.until.is_some() || at_once || self.failures >= FAILURES {
            self.until = Some(now + self.pause());
            self.pauses = self.pauses.saturating_add(1);
        }
    }

    fn pause(&self) -> Duration {
        PAUSE.saturating_mul(1 << self.pauses.min(8)).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn three_failures_in_a_row_open_it_and_one_tries_after_the_pause() {
        let mut breaker = Breaker::default();
        breaker.failed(at(0), false);
        breaker.failed(at(1), false);
        assert!(breaker.admits(at(1)));
        breaker.failed(at(2), false);
        assert!(!breaker.admits(at(21)));
        assert!(breaker.admits(at(22)), "one tries");
        assert!(!breaker.admits(at(22)), "and no other");
        breaker.worked();
        assert!(breaker.admits(at(23)) && breaker.admits(at(23)));
    }

    #[test]
    fn a_success_in_between_starts_the_count_again() {
        let mut breaker = Breaker::default();
        for second in 0..10 {
            breaker.failed(at(second), false);
            breaker.failed(at(second), false);
            breaker.worked();
        }
        assert!(breaker.admits(at(10)));
    }

    #[test]
    fn pauses_grow_up_to_five_minutes_while_it_stays_broken() {
        let mut breaker = Breaker::default();
        let (mut now, mut pauses) = (at(0), Vec::new());
        breaker.failed(now, true);
        for _ in 0..7 {
            let from = now;
            while !breaker.admits(now) {
                now += at(1);
            }
            breaker.failed(now, false);
            pauses.push(now.saturating_sub(from).as_secs());
        }
        assert_eq!(pauses, [20, 40, 80, 160, 300, 300, 300]);
    }
}
