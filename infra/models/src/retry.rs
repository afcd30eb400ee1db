//! How long to wait before asking the same model once more.

use std::time::Duration;

use crate::failure::Failed;

/// Times that one model is asked for one question.
pub const ATTEMPTS: u32 = 2;
/// The longest first wait; it doubles.
const FIRST: Duration = Duration::from_millis(400);
/// Whoever is told to wait longer asks another model instead.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long to wait after the `attempt`th failure (from 1), or `None` if the model is not to be asked again: full
/// jitter by `chance`, but never shorter than the provider asked for.
pub fn wait(failed: &Failed, attempt: u32, chance: u8) -> Option<Duration> {
    if !failed.again || attempt >= ATTEMPTS {
        return None;
    }
    let asked = failed.after.unwrap_or_default();
    if asked > PATIENCE {
        return None;
    }
    let longest = FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(8));
    Some(asked + longest.mul_f64(f64::from(chance) / 255.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    #[test]
    fn only_what_may_pass_is_asked_again_and_only_once() {
        for why in Failure::ALL {
            let failed = Failed::of(why);
            assert_eq!(wait(&failed, 1, 128).is_some(), why.may_pass(), "{why:?}");
            assert_eq!(wait(&failed, ATTEMPTS, 128), None, "{why:?}");
        }
    }

    #[test]
    fn the_wait_is_between_what_was_asked_for_and_the_jitter_above_it() {
        let failed = Failed {
            after: Some(Duration::from_secs(2)),
            ..Failed::of(Failure::RateLimited)
        };
        assert_eq!(wait(&failed, 1, 0), Some(Duration::from_secs(2)));
        assert_eq!(wait(&failed, 1, 255), Some(Duration::from_millis(2_400)));
        let plain = Failed::of(Failure::Overloaded);
        assert_eq!(wait(&plain, 1, 0), Some(Duration::ZERO));
        assert_eq!(wait(&plain, 1, 255), Some(FIRST));
    }

    #[test]
    fn whoever_is_told_to_wait_for_long_does_not() {
        let failed = Failed {
            after: Some(Duration::from_secs(4)),
            ..Failed::of(Failure::RateLimited)
        };
        assert_eq!(wait(&failed, 1, 0), None);
    }
}
