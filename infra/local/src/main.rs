//! `usher`: the local stack. See `--help`.

use std::process::ExitCode;

use usher_local::cli;

#[tokio::main]
async fn main() -> ExitCode {
    cli::run(std::env::args().skip(1)).await
}
