//! The Lambda function `deliver`: see the library.

use std::sync::Arc;

use aws_lambda_events::event::sqs::SqsEvent;
use deliver::{Carriers, Courier};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use usher_aws::web::Web;
use usher_aws::{Platform, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let platform = Arc::new(Platform::from_environment()?);
    platform.warm_up().await;
    let courier = &Courier::new(
        Arc::clone(&platform),
        Carriers::new(&Web::new(platform.settings())),
    );
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        Ok::<_, Error>(deliver::handle(courier, event).await)
    }))
    .await
}
