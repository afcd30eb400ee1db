//! What the stack says to the person in front of it: the only place that prints.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// How many lines are kept for tests and health.
const KEPT: usize = 200;

/// Prints lines, or only keeps them when quiet.
#[derive(Debug, Clone)]
pub struct Console {
    quiet: bool,
    kept: Arc<Mutex<VecDeque<String>>>,
}

impl Console {
    /// A console that prints unless `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self {
            quiet,
            kept: Arc::default(),
        }
    }

    /// Says one line (or several, with line breaks).
    #[expect(
        clippy::print_stdout,
        reason = "a command-line tool talks to its user here and nowhere else"
    )]
    pub fn say(&self, line: &str) {
        if !self.quiet {
            println!("{line}");
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(line.to_owned());
    }

    /// The last lines that were said, oldest first.
    pub fn recent(&self) -> Vec<String> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }
}

/// Says why the tool ends, on standard error.
#[expect(clippy::print_stderr, reason = "the last words of a command-line tool")]
pub fn fail(message: &str) {
    eprintln!("usher: {message}");
}
