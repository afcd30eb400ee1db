//! The operator's tool: tenants and their API keys, and what follows a restore, on a deployed stack or the local
//! one.
//!
//! It parses and prints; what it does is in `usher_aws::provision` and `usher_aws::restore`. Results go to standard output, progress
//! and errors to standard error, and the exit code says which: 0 done, 1 failed, 2 bad arguments, 3 not found.

mod arguments;
mod commands;
mod connect;
mod holds;
mod models;
mod output;
mod receipts;
mod restore;

use std::process::ExitCode;

use crate::arguments::{HELP, Parsed};

/// Why a command did not do what it was asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OpsError {
    /// Something behind it failed. The text says what.
    Failed(String),
    /// The arguments or the environment are not right. The text names which.
    Arguments(String),
    /// What an argument names is not there.
    NotFound(String),
}

impl OpsError {
    const fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Arguments(_) => 2,
            Self::NotFound(_) => 3,
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Failed(text) | Self::Arguments(text) | Self::NotFound(text) => text,
        }
    }
}

/// Runs the tool to its end.
pub async fn run(arguments: impl IntoIterator<Item = String>) -> ExitCode {
    let result = match arguments::parse(arguments) {
        Ok(Parsed::Help) => output::say(HELP),
        Ok(Parsed::Run(request)) => Box::pin(commands::run(request)).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(error.text());
            if matches!(error, OpsError::Arguments(_)) {
                output::complain("usher-ops --help says what there is.");
            }
            ExitCode::from(error.code())
        }
    }
}
