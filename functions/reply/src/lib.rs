//! Answers what people wrote: reads the conversation again, finds passages in the tenant's documents, asks
//! a provider, and stores what it decided before what it says. Asked twice, it answers once.

mod budget;
mod capture;
mod guarding;
mod heard;
mod kinds;
mod library;
pub mod provider;
mod turn;

use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::LambdaEvent;
use usher_aws::batch::run_batch;
use usher_aws::deadline::Deadline;
use usher_aws::sealing::KeyringError;
use usher_aws::{Platform, TenantScope, queue};
use usher_shared::knowledge::Index;
use usher_shared::records::ReplyJob;

use crate::kinds::Kinds;
use crate::library::Library;
use crate::provider::Provider;
pub use crate::turn::TurnError;

/// What the function holds while it is warm.
pub struct Desk {
    platform: Arc<Platform>,
    provider: Arc<dyn Provider>,
    library: Library,
    kinds: Kinds,
}

impl Desk {
    /// A desk at which `provider` answers.
    pub fn new(platform: Arc<Platform>, provider: Arc<dyn Provider>) -> Self {
        Self {
            platform,
            provider,
            library: Library::default(),
            kinds: Kinds::default(),
        }
    }

    /// The documents of a scope's tenant, as this desk answers from them.
    ///
    /// # Errors
    /// If keys or documents cannot be had.
    pub async fn index(&self, scope: &TenantScope) -> Result<Arc<Index>, KeyringError> {
        self.library.index(scope).await
    }
}

/// Works through a batch of the reply queue.
pub async fn handle(desk: &Desk, event: LambdaEvent<SqsEvent>) -> SqsBatchResponse {
    let deadline = Deadline::from_millis(event.context.deadline);
    run_batch(event.payload, deadline, |body| async move {
        let job: ReplyJob = queue::decode(&body)?;
        turn::answer(desk, &job, deadline).await
    })
    .await
}
