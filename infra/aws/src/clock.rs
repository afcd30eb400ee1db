//! The real clock and the real source of randomness: the only places that ask the operating system.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use usher_shared::{Clock, Entropy, Timestamp};

/// Wall time in milliseconds since the Unix epoch. For what must not follow the domain clock: deadlines of
/// invocations, ages of caches, lives of AWS credentials.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the system's clock"
)]
pub fn wall_now() -> Timestamp {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// Domain time: wall time, moved by an offset where the local stack asks for it.
#[derive(Debug)]
pub struct SystemClock {
    offset_file: Option<PathBuf>,
}

impl SystemClock {
    /// A clock that follows wall time, or wall time plus the milliseconds written in `offset_file`. The
    /// file is read at each look, so that one write moves every process at once.
    pub fn new(offset_file: Option<PathBuf>) -> Self {
        Self { offset_file }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let offset = self
            .offset_file
            .as_ref()
            .and_then(|file| std::fs::read_to_string(file).ok());
        let offset: i64 = offset.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        Timestamp::from_millis(wall_now().millis().saturating_add(offset))
    }
}

/// Randomness of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        // The library aborts the process itself if the operating system has no randomness to give; an
        // error here is a logic error of the library, and zeroes must never be used as a key.
        if aws_lc_rs::rand::fill(bytes).is_err() {
            std::process::abort();
        }
    }
}
