//! The Lambda function `mail`: see the library.

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use mail::Mailroom;
use serde_json::Value;
use usher_aws::{Platform, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let platform = Arc::new(Platform::from_environment()?);
    platform.warm_up().await;
    let mailroom = &Mailroom::new(platform)?;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        mailroom.handle(&event.payload).await.map_err(Error::from)
    }))
    .await
}
