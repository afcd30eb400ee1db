//! Brings outbound messages to their channels: claim, last check, send, record. What may have been sent is
//! never sent again by itself.

pub mod carrier;
mod delivery;
mod limits;
mod sending;
mod tell;

use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::LambdaEvent;
use usher_aws::batch::run_batch;
use usher_aws::deadline::Deadline;
use usher_aws::{Platform, queue};
use usher_shared::records::{DeliverJob, TellJob};

pub use crate::carrier::Carriers;
pub use crate::delivery::DeliveryError;

/// What the function holds while it is warm.
pub struct Courier {
    platform: Arc<Platform>,
    carriers: Carriers,
}

impl Courier {
    /// A courier that hands messages to `carriers`.
    pub fn new(platform: Arc<Platform>, carriers: Carriers) -> Self {
        Self { platform, carriers }
    }
}

/// Works through a batch of the deliver queue.
pub async fn handle(courier: &Courier, event: LambdaEvent<SqsEvent>) -> SqsBatchResponse {
    let deadline = Deadline::from_millis(event.context.deadline);
    run_batch(event.payload, deadline, |body| async move {
        if let Ok(job) = queue::decode::<TellJob>(&body) {
            return Box::pin(tell::tell(courier, &job, deadline)).await;
        }
        let job: DeliverJob = queue::decode(&body)?;
        delivery::deliver(courier, &job, deadline).await
    })
    .await
}
