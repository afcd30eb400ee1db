//! Time limits that follow from the invocation's own deadline.

use std::future::Future;
use std::time::Duration;

use usher_shared::Timestamp;

use crate::clock::wall_now;

/// Kept back from the deadline, for writing an answer and a log line.
const MARGIN: Duration = Duration::from_millis(400);

/// The invocation's time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the invocation's time is up")]
pub struct TimeUp;

/// When the current invocation must have answered, in wall time.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Timestamp);

impl Deadline {
    /// From the milliseconds since the Unix epoch that Lambda states.
    pub fn from_millis(millis: u64) -> Self {
        Self(Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX)))
    }

    /// Time left for work; zero once only the margin is left.
    pub fn remaining(self) -> Duration {
        self.0.minus(MARGIN).since(wall_now())
    }

    /// Runs `work` and gives up on it shortly before the deadline, so that the caller hears of it from us
    /// and not from Lambda's kill.
    ///
    /// # Errors
    /// [`TimeUp`] if the work was not done in time. What it had sent may still be applied.
    pub async fn run<T>(self, work: impl Future<Output = T>) -> Result<T, TimeUp> {
        tokio::time::timeout(self.remaining(), work)
            .await
            .map_err(|_| TimeUp)
    }
}
