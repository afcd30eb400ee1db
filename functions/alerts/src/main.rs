//! The Lambda function `alerts`: see the library.

use std::sync::Arc;

use alerts::Alerts;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use usher_aws::{Platform, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let platform = Arc::new(Platform::from_environment()?);
    platform.warm_up().await;
    let alerts = &Alerts::new(platform)?;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        alerts::handle(alerts, event)
    }))
    .await
}
