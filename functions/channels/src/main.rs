//! The Lambda function `channels`: see the library.

use std::sync::Arc;

use usher_aws::http::App;
use usher_aws::{Platform, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    telemetry::start();
    let platform = Arc::new(Platform::from_environment()?);
    platform.warm_up().await;
    lambda_http::run(channels::router(App { platform })).await
}
