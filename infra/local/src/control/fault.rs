//! `/_local/fault`: faults to come, and what came of them. `/_local/kill/{function}`: now, or at a point.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{invalid, ok, problem, read};
use crate::faults::{Fault, InvalidFault, Wanted};
use crate::stack::Shared;

pub(super) async fn post(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let wanted: Wanted = match read(&body) {
        Ok(wanted) => wanted,
        Err(response) => return response,
    };
    match wanted.ttl_lag() {
        Some(Ok(lag)) => {
            let lag_ms = i64::try_from(lag.as_millis()).unwrap_or_default();
            shared.clock.set_ttl_lag(lag_ms);
            return ok(&json!({"object": "fault", "kind": "ttl-lag", "delay_ms": lag_ms}));
        }
        Some(Err(error)) => return refused(&error),
        None => {}
    }
    match check(&shared, wanted) {
        Ok(fault) => {
            let mut answer = fault.describe();
            let id = shared.faults.add(fault);
            if let Some(object) = answer.as_object_mut() {
                object.insert("object".to_owned(), json!("fault"));
                object.insert("id".to_owned(), json!(id));
            }
            ok(&answer)
        }
        Err(error) => refused(&error),
    }
}

pub(super) async fn get(State(shared): State<Arc<Shared>>) -> Response {
    let mut list = shared.faults.list();
    if let Some(object) = list.as_object_mut() {
        object.insert("ttl_lag_ms".to_owned(), json!(shared.clock.ttl_lag_ms()));
        let functions = shared.pools.iter();
        let died: serde_json::Map<String, Value> = functions
            .map(|(name, pool)| {
                let health = pool.health();
                let count = |name: &str| health.get(name).cloned().unwrap_or_default();
                let counts = json!({
                    "kills": count("kills"),
                    "crashes": count("crashes"),
                    "timeouts": count("timeouts"),
                });
                (name.clone(), counts)
            })
            .collect();
        object.insert("functions".to_owned(), Value::Object(died));
    }
    ok(&list)
}

pub(super) async fn delete(State(shared): State<Arc<Shared>>) -> Response {
    shared.clock.set_ttl_lag(0);
    let cleared = shared.faults.clear();
    match shared.database.sweep_ttl().await {
        Ok(_) => ok(&json!({"object": "faults", "cleared": cleared})),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", &error),
    }
}

/// When to kill a function. A call is one to `DynamoDB`, which every function makes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kill {
    at: Option<String>,
    after_calls: Option<u32>,
    count: Option<u32>,
    probability: Option<f64>,
    seed: Option<u64>,
}

pub(super) async fn kill(
    State(shared): State<Arc<Shared>>,
    Path(function): Path<String>,
    body: Bytes,
) -> Response {
    let Some(pool) = shared.pools.get(&function) else {
        let text = format!("there is no function {function}");
        return problem(StatusCode::NOT_FOUND, "not_found", &text);
    };
    let body = if body.is_empty() {
        Bytes::from_static(b"{}")
    } else {
        body
    };
    let kill: Kill = match read(&body) {
        Ok(kill) => kill,
        Err(response) => return response,
    };
    let at = kill.at.as_deref().unwrap_or("now");
    if at == "now" {
        let later = [
            ("after_calls", kill.after_calls.is_some()),
            ("count", kill.count.is_some()),
            ("probability", kill.probability.is_some()),
            ("seed", kill.seed.is_some()),
        ];
        return match later.iter().find(|(_, given)| *given) {
            Some((field, _)) => invalid(field, "only with \"at\": \"answer\" or \"call\""),
            None => ok(&json!({"function": function, "killed": pool.kill().await})),
        };
    }
    let service = match at {
        "answer" => "lambda",
        "call" => "dynamodb",
        _ => return invalid("at", "one of now, answer, call"),
    };
    if at == "answer" && kill.after_calls.is_some() {
        return invalid("after_calls", "only with \"at\": \"call\"");
    }
    let fault = json!({
        "service": service,
        "kind": "kill",
        "function": function,
        "count": kill.count,
        "skip": kill.after_calls,
        "probability": kill.probability,
        "seed": kill.seed,
    });
    let wanted: Wanted = match read(fault.to_string().as_bytes()) {
        Ok(wanted) => wanted,
        Err(response) => return response,
    };
    match check(&shared, wanted) {
        Ok(fault) => ok(&json!({"function": function, "at": at, "fault": shared.faults.add(fault)})),
        Err(error) => refused(&error),
    }
}

fn check(shared: &Shared, wanted: Wanted) -> Result<Fault, InvalidFault> {
    let functions: Vec<_> = shared.pools.keys().map(String::as_str).collect();
    let tables: Vec<_> = shared.template.tables.iter().map(|t| t.name.as_str()).collect();
    let queues: Vec<_> = shared.queues.store().names().collect();
    wanted.check(&functions, &tables, &queues)
}

fn refused(error: &InvalidFault) -> Response {
    invalid(error.field, &error.problem)
}
