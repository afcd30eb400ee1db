//! `GET /_local/meter`: billed units since the last reset, as JSON or, with `format=text`, as a table.
//! `DELETE` resets.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{invalid, ok, problem};
use crate::meter::prices::Prices;
use crate::meter::{Bill, text};
use crate::stack::Shared;

/// What is asked for.
#[derive(Deserialize)]
pub(super) struct Asked {
    format: Option<String>,
    messages: Option<String>,
}

pub(super) async fn get(State(shared): State<Arc<Shared>>, Query(asked): Query<Asked>) -> Response {
    let messages = match asked.messages.as_deref().map(str::parse::<u32>) {
        None => None,
        Some(Ok(count)) if count > 0 => Some(count),
        Some(_) => {
            return invalid(
                "messages",
                "how many messages the reading covers: a number above 0",
            );
        }
    };
    let prices = match Prices::listed() {
        Ok(prices) => prices,
        Err(error) => return problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", &error),
    };
    let reading = shared.meter.read();
    match asked.format.as_deref() {
        None | Some("json") => {
            let bill = Bill::of(&reading, &prices);
            let per_million = messages.map(|count| bill.without_duration() / f64::from(count) * 1e6);
            ok(&json!({
                "object": "meter",
                "calls": reading.calls,
                "invocations": reading.invocations,
                "log_bytes": reading.log_bytes,
                "cost_usd": bill,
                "cost_usd_total": bill.total(),
                "cost_usd_per_million_messages_without_duration": per_million,
                "prices": prices.source,
            }))
        }
        Some("text") => text(&reading, &prices, messages).into_response(),
        Some(_) => invalid("format", "json or text"),
    }
}

pub(super) async fn delete(State(shared): State<Arc<Shared>>) -> Response {
    shared.meter.reset();
    ok(&json!({"object": "meter", "reset": true}))
}
