//! Control endpoints under `/_local`: for the person at the machine and for tests.

mod backup;
mod dump;
mod environment;
mod fault;
mod guest;
mod meter;
mod permissions;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) use self::guest::Guests;
use crate::clock::{parse_duration_ms, rfc3339};
use crate::stack::Shared;

/// Routes of the control endpoints.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let nothing = || async { problem(StatusCode::NOT_FOUND, "not_found", "no such control endpoint") };
    Router::new()
        .route("/_local/health", get(health))
        .route("/_local/environment", get(environment::get))
        .route("/_local/clock", get(clock).post(advance_clock))
        .route("/_local/guest", post(guest::post))
        .route("/_local/outbox", get(outbox))
        .route("/_local/schedule/{name}", post(schedule))
        .route(
            "/_local/fault",
            get(fault::get).post(fault::post).delete(fault::delete),
        )
        .route("/_local/kill/{function}", post(fault::kill))
        .route("/_local/dump", get(dump::get))
        .route("/_local/meter", get(meter::get).delete(meter::delete))
        .route(
            "/_local/permissions",
            get(permissions::get)
                .post(permissions::post)
                .delete(permissions::delete),
        )
        .route("/_local/permissions/table", get(permissions::table))
        .route("/_local/backup", get(backup::list).post(backup::take))
        .route("/_local/restore", post(backup::post))
        .route("/_local/{*rest}", axum::routing::any(nothing))
        .with_state(shared)
}

pub(crate) fn ok(body: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

pub(crate) fn problem(status: StatusCode, code: &str, detail: &str) -> Response {
    let body = json!({"type": "about:blank", "status": status.as_u16(), "code": code, "detail": detail});
    (
        status,
        [(CONTENT_TYPE, "application/problem+json")],
        body.to_string(),
    )
        .into_response()
}

/// A 422 that names the field.
pub(crate) fn invalid(field: &str, detail: &str) -> Response {
    let body = json!({
        "type": "about:blank",
        "status": 422,
        "code": "invalid_request",
        "detail": detail,
        "errors": [{"field": field, "detail": detail}],
    });
    let headers = [(CONTENT_TYPE, "application/problem+json")];
    (StatusCode::UNPROCESSABLE_ENTITY, headers, body.to_string()).into_response()
}

/// Reads a JSON body whatever its content type says: `curl -d` must work as typed.
#[expect(clippy::result_large_err, reason = "the error is the response itself")]
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Response> {
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        // serde quotes the field it misses or does not know.
        let field = text
            .split('`')
            .nth(1)
            .filter(|_| text.contains("field"))
            .unwrap_or("body")
            .to_owned();
        invalid(&field, &text)
    })
}

/// Moves the clock, then does what the new time asks for.
pub(crate) async fn advance(shared: &Shared, by_ms: i64) -> Result<usize, String> {
    let now_ms = shared.clock.now_ms();
    let to_ms = now_ms.saturating_add(by_ms);
    shared.backups.before_move(&shared.database, now_ms, to_ms)?;
    shared.clock.advance(by_ms).map_err(|e| e.to_string())?;
    shared.backups.drop_old(shared.clock.now_ms());
    shared.database.sweep_ttl().await
}

async fn health(State(shared): State<Arc<Shared>>) -> Response {
    let functions: serde_json::Map<String, Value> = shared
        .pools
        .iter()
        .map(|(name, pool)| (name.clone(), pool.health()))
        .collect();
    ok(&json!({
        "status": "up",
        "functions": functions,
        "services": ["dynamodb", "sqs", "kms", "sts", "s3"],
        "tables": shared.template.tables.iter().map(|t| &t.name).collect::<Vec<_>>(),
        "queues": shared.queues.store().names().collect::<Vec<_>>(),
    }))
}

fn clock_body(shared: &Shared) -> Value {
    json!({"now": rfc3339(shared.clock.now_ms()), "offset_ms": shared.clock.offset_ms()})
}

async fn clock(State(shared): State<Arc<Shared>>) -> Response {
    ok(&clock_body(&shared))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance: String,
}

async fn advance_clock(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let request: Advance = match read(&body) {
        Ok(request) => request,
        Err(response) => return response,
    };
    let Some(by_ms) = parse_duration_ms(&request.advance) else {
        return invalid(
            "advance",
            "a duration such as 90s, 5m, 12h, 31d, 2w or 1d12h, forward only",
        );
    };
    match advance(&shared, by_ms).await {
        Ok(swept) => {
            let mut body = clock_body(&shared);
            if let Some(object) = body.as_object_mut() {
                object.insert("items_expired".to_owned(), json!(swept));
            }
            ok(&body)
        }
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", &error),
    }
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

async fn outbox(State(shared): State<Arc<Shared>>, Query(query): Query<Kind>) -> Response {
    let data = shared.outbox.list(query.kind.as_deref());
    ok(&json!({"object": "list", "data": data, "has_more": false}))
}

async fn schedule(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    let Some((schedule, pool)) = shared.schedule(&name) else {
        return problem(
            StatusCode::NOT_FOUND,
            "not_found",
            &format!("there is no schedule {name}"),
        );
    };
    match crate::schedules::invoke(schedule, pool, &shared.permissions, shared.clock.now_ms()).await {
        Ok(answer) => {
            let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
            ok(&json!({"schedule": name, "answer": answer}))
        }
        Err(error) => problem(StatusCode::BAD_GATEWAY, "function_failed", &error.to_string()),
    }
}
