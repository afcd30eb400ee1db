//! Keeps periods: what a tenant chose, the sweep that removes what has ended, and the meter that says how old
//! the oldest record is beside what was promised.
//!
//! Reads do not wait for any of this: they hide what is past its period by the policy in force. The sweep
//! makes it true of the bytes as well.

mod change;
mod conversation;
mod conversations;
mod count;
mod meter;
mod page;
mod preview;
mod recordings;
mod routes;
mod sweep;
mod view;
mod words;

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use usher_aws::deadline::Deadline;
use usher_aws::http::App;
use usher_aws::{Platform, lambda};

pub use crate::count::{Counted, count_all};
pub use crate::routes::{openapi, router};
pub use crate::sweep::{Swept, sweep_all};

/// Handles an event: a request of the HTTP API, or the input of the schedule `sweep` or `count`.
///
/// # Errors
/// If the event is of neither kind, or the list of tenants cannot be read.
pub async fn handle(platform: &Arc<Platform>, event: LambdaEvent<Value>) -> Result<Value, Error> {
    match event.payload.get("schedule").and_then(Value::as_str) {
        Some("sweep") => {
            platform.serving().await?;
            let deadline = Deadline::from_millis(event.context.deadline);
            let swept = sweep_all(platform, deadline).await?;
            Ok(json!({
                "tenants": swept.tenants,
                "rows": swept.rows,
                "failed": swept.failed,
                "restarted": swept.restarted,
            }))
        }
        Some("count") => {
            platform.serving().await?;
            let deadline = Deadline::from_millis(event.context.deadline);
            let counted = count_all(platform, deadline).await?;
            Ok(json!({ "tenants": counted.tenants, "rows": counted.rows, "failed": counted.failed }))
        }
        Some(_) => Err("schedule of unknown name".into()),
        None => {
            lambda::answer_http(
                router(App {
                    platform: Arc::clone(platform),
                }),
                event,
            )
            .await
        }
    }
}
