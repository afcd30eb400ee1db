//! The Lambda function `reply`: see the library.

use std::sync::Arc;

use aws_lambda_events::event::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use reply::Desk;
use reply::provider::chain::Chain;
use usher_aws::{Platform, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let platform = Arc::new(Platform::from_environment()?);
    platform.warm_up().await;
    let chain = Chain::from_settings(Arc::clone(&platform));
    let desk = &Desk::new(platform, Arc::new(chain));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        Ok::<_, Error>(reply::handle(desk, event).await)
    }))
    .await
}
