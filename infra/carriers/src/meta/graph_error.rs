//! What Meta's errors mean. Codes decide, never texts.

use std::time::Duration;

use serde_json::Value;
use usher_shared::channel::{ChannelTrouble, Failure};

use super::json;
use crate::call::{Answer, Outcome};

/// Time between two messages to one person that WhatsApp takes in the long run.
const PAIR_PAUSE: Duration = Duration::from_secs(6);

/// What an error says of a message that was not sent, and of the channel.
pub(super) fn meaning(code: i64, subcode: i64) -> (Failure, Option<ChannelTrouble>) {
    use ChannelTrouble::{CredentialsRefused, PermissionMissing, Restricted};
    match (code, subcode) {
        (190 | 102 | 463 | 467, _) => (Failure::CredentialsRefused, Some(CredentialsRefused)),
        // The person blocked us or is gone. The code wins over whatever subcode is beside it.
        (551, _) => (Failure::Unreachable, None),
        (10, 1_893_063) | (368 | 131_031 | 131_037 | 131_042 | 131_045, _) => {
            (Failure::NotAllowed, Some(Restricted))
        }
        (10, 2_018_278 | 2_018_065 | 2_534_022) | (_, 1_545_041) | (131_047, _) => {
            (Failure::WindowClosed, None)
        }
        (3 | 10 | 200..=299 | 131_005, _) => (Failure::NotAllowed, Some(PermissionMissing)),
        (100, 2_018_001) | (131_026, _) => (Failure::Unreachable, None),
        (131_049 | 130_472, _) => (Failure::Blocked, None),
        (131_050, _) => (Failure::OptedOut, None),
        // Templates: wrong, missing, paused. A number that was never registered, a test number's list.
        (132_000..=132_999 | 133_010 | 131_030, _) => (Failure::NotAllowed, None),
        _ => (Failure::Refused, None),
    }
}

/// Whether it says that nothing was done because too much was asked for.
pub(super) fn is_throttling(code: i64) -> bool {
    matches!(
        code,
        4 | 17 | 32 | 341 | 613 | 80_001..=80_014 | 130_429 | 131_048 | 131_056 | 133_016
    )
}

/// The error in an answer: code and subcode.
pub(super) fn read(body: &[u8]) -> Option<(i64, i64, bool)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let code = json::number(&body, "/error/code")?;
    let subcode = json::number(&body, "/error/error_subcode").unwrap_or_default();
    Some((code, subcode, json::flag(&body, "/error/is_transient")))
}

/// What became of a message that was answered with an error.
///
/// That nothing was sent is proven by a code that says so, or by a status of the 400s: the platform looked at the
/// request and would not have it. Codes 1 and 2 under a status of the 500s are said of messages that arrived, too.
pub(super) fn outcome(answer: &Answer) -> Outcome {
    let wait = answer.retry_after.map(Duration::from_secs);
    let refused = (400..500).contains(&answer.status);
    match read(&answer.body) {
        Some((131_056, ..)) => Outcome::NotNow {
            after: wait.or(Some(PAIR_PAUSE)),
        },
        Some((code, ..)) if is_throttling(code) => Outcome::NotNow { after: wait },
        // It says itself that the service is not there.
        Some((131_016, ..)) => Outcome::NotNow { after: wait },
        Some((2, ..)) if refused => Outcome::NotNow { after: wait },
        Some((1 | 2 | 131_000, _, transient)) if !(refused && transient) => Outcome::Unknown,
        Some((code, subcode, transient)) => {
            let (why, trouble) = meaning(code, subcode);
            match (why, transient) {
                (Failure::Refused, true) if refused => Outcome::NotNow { after: wait },
                (Failure::Refused, true) => Outcome::Unknown,
                // A status of the 500s with an error that is known for what it is.
                _ if refused || why != Failure::Refused => Outcome::Refused { why, trouble },
                _ => Outcome::Unknown,
            }
        }
        // Not the platform's own words.
        None if answer.status == 429 => Outcome::NotNow { after: wait },
        None if refused && answer.status != 408 => Outcome::refused(Failure::Refused),
        None => Outcome::Unknown,
    }
}

#[cfg(test)]
mod tests;
