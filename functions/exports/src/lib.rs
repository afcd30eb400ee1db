//! A tenant's own data as files: leads and conversations as tables, conversations line by line, one person's
//! everything or the whole account as an archive. A request is a row, the row's stream starts the worker, the worker writes the file part by part
//! and can be killed at any moment; an opaque link leads to the file.

mod api;
mod digest;
mod format;
mod link;
mod rights;
mod slot;
mod source;
mod upload;
mod view;
mod worker;

use std::sync::Arc;

use aws_lambda_events::event::sqs::SqsEvent;
use axum::Router;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use usher_aws::batch::run_batch;
use usher_aws::deadline::Deadline;
use usher_aws::http::document::{base, finish};
use usher_aws::http::{App, wrap};
use usher_aws::{Platform, lambda, queue};
use usher_shared::records::ExportJob;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What the function holds while it is warm.
pub struct Exports {
    platform: Arc<Platform>,
    router: Router,
}

impl Exports {
    /// The function over `platform`.
    pub fn new(platform: Arc<Platform>) -> Self {
        let router = router(App {
            platform: Arc::clone(&platform),
        });
        Self { platform, router }
    }

    /// Handles an event: a request of the HTTP API, or a batch of jobs.
    ///
    /// # Errors
    /// An event that is neither.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        if event.payload.get("Records").is_none() {
            return lambda::answer_http(self.router.clone(), event).await;
        }
        let jobs: SqsEvent = serde_json::from_value(event.payload)?;
        let deadline = Deadline::from_millis(event.context.deadline);
        let work = |body: String| async move {
            let job: ExportJob = queue::decode(&body)?;
            worker::work(&self.platform, &job, deadline).await
        };
        Ok(serde_json::to_value(run_batch(jobs, deadline, work).await)?)
    }
}

/// All routes of the function.
pub fn router(app: App) -> Router {
    let (routes, _document) = described().split_for_parts();
    wrap(routes, app)
}

/// The description of all routes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    finish(described().into_openapi())
}

fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(base())
        .routes(routes!(api::create_export, api::list_exports))
        .routes(routes!(api::read_export))
        .routes(routes!(api::cancel_export))
        .routes(routes!(link::download_file))
}
