//! Channels as a resource: connecting with credentials that were checked, pausing, disconnecting at once, and looking
//! after them on a schedule.

mod ask;
mod change;
mod cut;
mod deauthorized;
mod hooks;
mod import;
mod purge;
mod removals;
mod request;
mod routes;
mod tend;
mod view;
mod words;

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use usher_aws::deadline::Deadline;
use usher_aws::http::App;
use usher_aws::settings::MissingVariable;
use usher_aws::web::Web;
use usher_aws::{Platform, lambda};

use crate::ask::Carriers;
pub use crate::routes::{openapi, router};

/// What the function holds while it is warm.
#[derive(Clone, Debug)]
pub struct Channels {
    app: App,
    carriers: Carriers,
}

impl Channels {
    /// With the carriers that the platform's settings name.
    ///
    /// # Errors
    /// [`MissingVariable`] if the function was not told where carriers are.
    pub fn new(platform: Arc<Platform>) -> Result<Self, MissingVariable> {
        let carriers = Carriers {
            web: Web::new(platform.settings()),
            endpoints: platform.carriers()?,
        };
        let app = App { platform };
        Ok(Self { app, carriers })
    }
}

/// Handles an event: a request of the HTTP API, or the input of the schedule `channels`.
///
/// # Errors
/// If the event is of neither kind, or the list of tenants cannot be read.
pub async fn handle(channels: &Channels, event: LambdaEvent<Value>) -> Result<Value, Error> {
    match event.payload.get("schedule").and_then(Value::as_str) {
        Some("channels") => {
            let platform = &channels.app.platform;
            platform.serving().await?;
            let deadline = Deadline::from_millis(event.context.deadline);
            // First: people wait for it, and it is little.
            let people_left = removals::go_on(platform, &channels.carriers).await?;
            let tended = tend::tend_all(platform, &channels.carriers, deadline).await?;
            Ok(json!({
                "tenants": tended.tenants,
                "looked_at": tended.looked_at,
                "troubled": tended.troubled,
                "unrevoked": tended.unrevoked,
                "failed": tended.failed,
                "people_left": people_left,
            }))
        }
        Some(_) => Err("schedule of unknown name".into()),
        None => lambda::answer_http(router(channels.clone()), event).await,
    }
}
