//! An answer as it came, and what all providers' answers have in common.

use std::fmt;
use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use usher_shared::Timestamp;

use crate::failure::{Failed, Failure};

/// An answer as it came.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Its status.
    pub status: u16,
    /// Its body, as far as it was read.
    pub body: Vec<u8>,
    /// What its headers say.
    pub hints: Hints,
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heard")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// What headers of an answer say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// How long to wait before asking again.
    pub after: Option<Duration>,
    /// Whether to ask again at all.
    pub again: Option<bool>,
    /// The provider's id of the request.
    pub request: Option<String>,
    /// The name of an error of AWS.
    pub error: Option<String>,
}

impl Hints {
    /// Headers that are looked at.
    pub const HEADERS: [&str; 7] = [
        "retry-after-ms",
        "retry-after",
        "x-should-retry",
        "request-id",
        "x-request-id",
        "x-amzn-requestid",
        "x-amzn-errortype",
    ];

    /// Reads the headers that `header` gives by their names. `now` is wall time: a date to wait for is one.
    pub fn read(header: impl Fn(&str) -> Option<String>, now: Timestamp) -> Self {
        let millis = header("retry-after-ms").and_then(|value| value.trim().parse().ok());
        let after = millis.map(Duration::from_millis).or_else(|| {
            let value = header("retry-after")?;
            let value = value.trim();
            value
                .parse()
                .ok()
                .map(Duration::from_secs)
                .or_else(|| until(value, now))
        });
        let again = header("x-should-retry").and_then(|value| value.trim().parse().ok());
        let request = ["request-id", "x-request-id", "x-amzn-requestid"];
        let error = header("x-amzn-errortype");
        Self {
            after,
            again,
            request: request.into_iter().find_map(&header).filter(|id| is_plain(id)),
            // `ThrottlingException:http://internal.amazon.com/…` names the exception before the colon.
            error: error.and_then(|error| error.split(':').next().map(str::to_owned)),
        }
    }
}

fn until(date: &str, now: Timestamp) -> Option<Duration> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    let date = PARSER.parse_timestamp(date).ok()?;
    Some(Timestamp::from_millis(date.as_millisecond()).since(now))
}

/// It goes into logs.
fn is_plain(id: &str) -> bool {
    id.len() <= 100
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

/// What a model said, and at what price.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    /// Its words: a [`Draft`](crate::draft::Draft), if it did as it was told.
    pub text: String,
    /// The model with its version, in the provider's words; empty if the provider does not say.
    pub model: String,
    /// Tokens.
    pub usage: Usage,
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Said")
            .field("model", &self.model)
            .field("usage", &self.usage)
            .finish_non_exhaustive()
    }
}

pub use usher_shared::model::Usage;

impl Heard {
    /// The failure that this answer is. Whether to ask again is the provider's word where it gave one, within what
    /// may pass at all: no header makes a spend limit one that passes.
    pub(crate) fn failed(&self, why: Failure) -> Failed {
        Failed {
            why,
            after: self.hints.after,
            again: why.may_pass() && self.hints.again.unwrap_or(true),
        }
    }

    /// What the status alone says, where the body says no more.
    pub(crate) fn by_status(&self) -> Failed {
        self.failed(match self.status {
            401 | 403 => Failure::Unauthorised,
            402 => Failure::SpendLimit,
            404 => Failure::UnknownModel,
            429 => Failure::RateLimited,
            503 | 529 => Failure::Overloaded,
            408 | 409 | 424 | 500..=599 => Failure::Unavailable,
            400..=499 => Failure::BadRequest,
            // Neither an answer nor an error.
            _ => Failure::Malformed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints(headers: &[(&str, &str)]) -> Hints {
        let find = |name: &str| {
            let found = headers.iter().find(|(header, _)| *header == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        // 2026-11-26T00:00:00Z
        Hints::read(find, Timestamp::from_millis(1_795_651_200_000))
    }

    #[test]
    fn how_long_to_wait_is_told_in_three_ways() {
        let wait = |name, value| hints(&[(name, value)]).after;
        assert_eq!(wait("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        let date = wait("retry-after", "Thu, 26 Nov 2026 00:00:30 GMT");
        assert_eq!(date, Some(Duration::from_secs(30)));
        // Over already: at once.
        let past = wait("retry-after", "Wed, 25 Nov 2026 00:00:30 GMT");
        assert_eq!(past, Some(Duration::ZERO));
        assert_eq!(wait("retry-after", "soon"), None);
        assert_eq!(wait("retry-after", "-1"), None);
        let both = hints(&[("retry-after", "7"), ("retry-after-ms", "250")]);
        assert_eq!(both.after, Some(Duration::from_millis(250)));
    }

    #[test]
    fn a_providers_no_counts_and_its_yes_only_where_something_may_pass() {
        let heard = |again, status| Heard {
            status,
            hints: hints(&[("x-should-retry", again)]),
            ..Heard::default()
        };
        assert!(!heard("false", 503).by_status().again);
        assert!(heard("true", 503).by_status().again);
        assert!(heard("maybe", 503).by_status().again);
        for final_status in [400, 401, 402, 403, 404, 413, 422] {
            assert!(!heard("true", final_status).by_status().again, "{final_status}");
        }
    }

    #[test]
    fn what_is_logged_of_headers_is_a_plain_word() {
        assert_eq!(
            hints(&[("request-id", "req_1")]).request.as_deref(),
            Some("req_1")
        );
        assert_eq!(hints(&[("request-id", "a\nb")]).request, None);
        let error = hints(&[("x-amzn-errortype", "ThrottlingException:http://x/")]).error;
        assert_eq!(error.as_deref(), Some("ThrottlingException"));
    }
}
