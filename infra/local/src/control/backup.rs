//! Backups and restores over HTTP.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use usher_shared::Timestamp;

use super::{invalid, ok, problem, read};
use crate::backup::{Restore, RestoreError, restore};
use crate::clock::rfc3339;
use crate::stack::Shared;

/// What is kept of each table.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Response {
    ok(&held(&shared))
}

/// Takes a snapshot of every table now, beside the day's own.
pub(super) async fn take(State(shared): State<Arc<Shared>>) -> Response {
    let now = shared.clock.now_ms();
    match shared.backups.take(&shared.database, now, false) {
        Ok(()) => {
            let mut body = held(&shared);
            if let Some(object) = body.as_object_mut() {
                object.insert("taken_at".to_owned(), json!(rfc3339(now)));
            }
            ok(&body)
        }
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", &error),
    }
}

fn held(shared: &Shared) -> Value {
    let tables = shared.backups.held().into_iter().map(|held| {
        let snapshots: Vec<String> = held.snapshots.iter().copied().map(rfc3339).collect();
        json!({"table": held.table, "window_days": held.window_days, "snapshots": snapshots})
    });
    json!({"object": "backups", "tables": tables.collect::<Vec<_>>()})
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    at: Option<String>,
    days_ago: Option<u32>,
    tables: Option<Vec<String>>,
    #[serde(default)]
    bare: bool,
}

/// Puts fresh tables in the place of the old ones.
pub(super) async fn post(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let request: Request = match read(&body) {
        Ok(request) => request,
        Err(response) => return response,
    };
    let now_ms = shared.clock.now_ms();
    let (field, at_ms) = match (&request.at, request.days_ago) {
        (Some(text), None) => match text.parse::<Timestamp>() {
            Ok(at) => ("at", at.millis()),
            Err(_) => return invalid("at", "must be an RFC 3339 time such as 2026-09-21T14:15:00Z"),
        },
        (None, Some(days)) => ("days_ago", now_ms.saturating_sub(i64::from(days) * 86_400_000)),
        (Some(_), Some(_)) => return invalid("days_ago", "at and days_ago exclude each other"),
        (None, None) => return invalid("at", "at or days_ago is required"),
    };
    if at_ms > now_ms {
        return invalid(field, "is in the future");
    }
    if request.tables.as_ref().is_some_and(Vec::is_empty) {
        return invalid("tables", "must name a table; leave it out for all");
    }
    let wanted = Restore {
        at_ms,
        now_ms,
        tables: request.tables,
        bare: request.bare,
    };
    match restore(&shared, &wanted).await {
        Ok(report) => ok(&report),
        Err(error @ RestoreError::UnknownTable(_)) => invalid("tables", &error.to_string()),
        Err(error @ RestoreError::Unavailable(_)) => invalid(field, &error.to_string()),
        Err(error @ RestoreError::Database(_)) => {
            problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", &error.to_string())
        }
    }
}
