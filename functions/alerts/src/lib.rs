//! Tells a business's own people that somebody waits for a person: by mail and by Telegram, again and again until one of
//! them comes or says that they know.
//!
//! Three kinds of events: jobs of the queue of alerts, which follow from the stream of conversations; and settings and
//! tests over HTTP. A wait is looked at in a chain of jobs: each look says when the next one is due.

mod look;
mod plan;
mod quiet;
mod request;
mod routes;
mod schedule;
mod tell;
mod view;
mod words;

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use usher_aws::batch::run_batch;
use usher_aws::deadline::Deadline;
use usher_aws::settings::MissingVariable;
use usher_aws::{Platform, lambda, queue};
use usher_shared::records::AlertJob;

pub use crate::look::LookError;
pub use crate::routes::{openapi, router};
pub use crate::tell::Teller;

/// What the function holds while it is warm.
#[derive(Clone)]
pub struct Alerts {
    platform: Arc<Platform>,
    teller: Teller,
    queue: String,
    /// What links to conversations begin with.
    links: String,
}

impl Alerts {
    /// As the environment describes it.
    ///
    /// # Errors
    /// [`MissingVariable`], naming it.
    pub fn new(platform: Arc<Platform>) -> Result<Self, MissingVariable> {
        let settings = platform.settings();
        let links = match settings.console_url() {
            Some(console) => console,
            None => format!("{}/v1", settings.public_base_url()?),
        };
        Ok(Self {
            teller: Teller::new(settings)?,
            queue: settings.alert_queue()?,
            links,
            platform,
        })
    }
}

/// Handles an event: a request of the HTTP API, or a batch of jobs.
///
/// # Errors
/// If the event is of neither kind.
pub async fn handle(alerts: &Alerts, event: LambdaEvent<Value>) -> Result<Value, Error> {
    if event.payload.get("Records").is_none() {
        return lambda::answer_http(router(alerts.clone()), event).await;
    }
    let deadline = Deadline::from_millis(event.context.deadline);
    let batch = serde_json::from_value(event.payload)?;
    let failures = run_batch(batch, deadline, |body| async move {
        let job: AlertJob = queue::decode(&body)?;
        look::look(alerts, &job, deadline).await
    });
    Ok(serde_json::to_value(failures.await)?)
}
