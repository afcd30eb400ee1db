//! The Lambda function `dispatch`: see the library.

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use usher_aws::{Platform, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let platform = Arc::new(Platform::from_environment()?);
    platform.warm_up().await;
    let dispatcher = &dispatch::Dispatcher::new(platform)?;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        dispatcher.handle(event.payload).await.map_err(Error::from)
    }))
    .await
}
