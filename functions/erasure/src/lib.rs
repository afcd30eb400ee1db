//! Forgets what it is told to: the key first, at that moment every copy is unreadable; then rows; then, once
//! no function can still hold the key, a second look.
//!
//! Two kinds of events: deletes over HTTP, which end once nothing can be read any more, and jobs of the
//! erasure queue, which remove what is left. Jobs come from the Ledger's stream: the row that says what is to
//! be erased is the only thing that a delete must not lose.

mod begin;
mod confirm;
mod feed;
mod message;
mod privacy;
mod report;
mod routes;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use usher_aws::batch::run_batch;
use usher_aws::deadline::Deadline;
use usher_aws::http::App;
use usher_aws::web::Web;
use usher_aws::{Platform, lambda, queue};
use usher_shared::records::{EraseJob, PrivacyJob};

pub use crate::routes::{openapi, router};
pub use crate::worker::EraseError;

/// What the function holds while it is warm.
pub struct Eraser {
    platform: Arc<Platform>,
    queue: String,
    second_look: Duration,
    web: Web,
}

impl Eraser {
    /// An eraser as the environment describes it.
    ///
    /// # Errors
    /// If a variable is missing or no number.
    pub fn new(platform: Arc<Platform>) -> Result<Self, Error> {
        let queue = platform.settings().erasure_queue()?;
        let second_look = Duration::from_secs(platform.settings().second_look_seconds()?.parse()?);
        Ok(Self {
            web: Web::new(platform.settings()),
            platform,
            queue,
            second_look,
        })
    }
}

/// Handles an event of either kind.
///
/// # Errors
/// If the event is of neither.
pub async fn handle(eraser: &Eraser, event: LambdaEvent<Value>) -> Result<Value, Error> {
    if event.payload.get("Records").is_none() {
        let app = App {
            platform: Arc::clone(&eraser.platform),
        };
        return lambda::answer_http(router(app), event).await;
    }
    let deadline = Deadline::from_millis(event.context.deadline);
    let batch = serde_json::from_value(event.payload)?;
    let failures = run_batch(batch, deadline, |body| async move {
        if let Ok(job) = queue::decode::<PrivacyJob>(&body) {
            return privacy::work(eraser, &job).await;
        }
        let job: EraseJob = queue::decode(&body)?;
        worker::erase(eraser, &job).await
    });
    Ok(serde_json::to_value(failures.await)?)
}
