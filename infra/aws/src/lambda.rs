//! Functions with more than one kind of event: HTTP requests beside queue batches.

use axum::Router;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Service as _};
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;

/// Answers an event of the HTTP API by `router`.
///
/// # Errors
/// If the event is none of the HTTP API.
pub async fn answer_http(router: Router, event: LambdaEvent<Value>) -> Result<Value, Error> {
    let request: LambdaRequest = serde_json::from_value(event.payload)?;
    let event = LambdaEvent::new(request, event.context);
    let response = Adapter::from(router).call(event).await?;
    Ok(serde_json::to_value(response)?)
}
