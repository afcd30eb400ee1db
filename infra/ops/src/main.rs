//! `usher-ops`: the operator's tool. See `--help`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    usher_ops::run(std::env::args().skip(1)).await
}
