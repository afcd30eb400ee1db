//! Documents: what the AI answers from. Uploaded as text, table, page or PDF, or read from a web site again and again.
//!
//! What is stored is the text that was read; files are not kept.

mod extract;
mod request;
mod reread;
mod routes;
mod view;
mod web;
mod words;

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use usher_aws::deadline::Deadline;
use usher_aws::http::App;
use usher_aws::web::Web;
use usher_aws::{Platform, lambda};

pub use crate::routes::{openapi, router};

/// What the function holds while it is warm.
#[derive(Clone, Debug)]
pub struct Documents {
    app: App,
    web: Web,
}

impl Documents {
    /// With the way out that the platform's settings allow.
    pub fn new(platform: Arc<Platform>) -> Self {
        Self {
            web: Web::new(platform.settings()),
            app: App { platform },
        }
    }
}

/// Handles an event: a request of the HTTP API, or the input of the schedule `documents`.
///
/// # Errors
/// If the event is of neither kind, or the list of tenants cannot be read.
pub async fn handle(documents: &Documents, event: LambdaEvent<Value>) -> Result<Value, Error> {
    match event.payload.get("schedule").and_then(Value::as_str) {
        Some("documents") => {
            let platform = &documents.app.platform;
            platform.serving().await?;
            let deadline = Deadline::from_millis(event.context.deadline);
            let read = reread::reread_all(platform, &documents.web, deadline).await?;
            Ok(json!({
                "tenants": read.tenants,
                "looked_at": read.looked_at,
                "changed": read.changed,
                "unread": read.unread,
                "failed": read.failed,
            }))
        }
        Some(_) => Err("schedule of unknown name".into()),
        None => lambda::answer_http(router(documents.clone()), event).await,
    }
}
