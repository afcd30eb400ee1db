//! What comes with messages: fetched once from where it is, judged by its bytes, encrypted and stored; decrypted for
//! minutes for whoever may see it and asks; removed when its row is gone; and what lost its row or its file is found.

mod fetch;
mod open;
mod orphans;
mod work;

use std::sync::Arc;

use aws_lambda_events::event::sqs::SqsEvent;
use axum::Router;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use usher_aws::batch::run_batch;
use usher_aws::deadline::Deadline;
use usher_aws::http::document::{base, finish};
use usher_aws::http::{App, wrap};
use usher_aws::settings::MissingVariable;
use usher_aws::web::Web;
use usher_aws::{Platform, lambda};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What the function holds while it is warm.
pub struct Attachments {
    platform: Arc<Platform>,
    web: Web,
    queue: String,
    router: Router,
}

impl Attachments {
    /// The function over `platform`.
    ///
    /// # Errors
    /// [`MissingVariable`], naming it.
    pub fn new(platform: Arc<Platform>) -> Result<Self, MissingVariable> {
        let router = router(App {
            platform: Arc::clone(&platform),
        });
        Ok(Self {
            web: Web::new(platform.settings()),
            queue: platform.settings().attachment_queue()?,
            platform,
            router,
        })
    }

    /// Handles an event: a request of the HTTP API, a batch of jobs, or the input of the schedule `orphans`.
    ///
    /// # Errors
    /// An event that is none of these, or a list of tenants that cannot be read.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        if event.payload.get("Records").is_some() {
            let jobs: SqsEvent = serde_json::from_value(event.payload)?;
            let deadline = Deadline::from_millis(event.context.deadline);
            let work = |body: String| async move { work::work(self, &body, deadline).await };
            return Ok(serde_json::to_value(run_batch(jobs, deadline, work).await)?);
        }
        match event.payload.get("schedule").and_then(Value::as_str) {
            Some("orphans") => {
                self.platform.serving().await?;
                let tenants = orphans::ask_for_all(self).await?;
                Ok(json!({ "tenants": tenants }))
            }
            Some(_) => Err("schedule of unknown name".into()),
            None => lambda::answer_http(self.router.clone(), event).await,
        }
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
    OpenApiRouter::with_openapi(base()).routes(routes!(open::open_attachment))
}
