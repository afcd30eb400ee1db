//! What the operator's tool needs to act on this stack: where its services are, and credentials that count
//! on this machine alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use super::{ok, problem};
use crate::environment::CLOCK_VARIABLE;
use crate::stack::Shared;

/// What a function is told that counts for the operator too.
const SHARED: [&str; 12] = [
    "AWS_REGION",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_KMS",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SQS",
    "AWS_ENDPOINT_URL_STS",
    "INBOX_TABLE",
    "LEDGER_TABLE",
    "KEYS_TABLE",
    "KMS_KEY_ARN",
    "EXPORTS_BUCKET",
    CLOCK_VARIABLE,
];

pub(super) async fn get(State(shared): State<Arc<Shared>>) -> Response {
    // Of all functions the eraser is told the most of what an operator needs.
    let Some(function) = shared.pools.get("erasure").map(|pool| pool.environment()) else {
        return problem(
            StatusCode::NOT_FOUND,
            "not_found",
            "the template has no function erasure",
        );
    };
    let mut variables: BTreeMap<&str, &str> = SHARED
        .into_iter()
        .filter_map(|name| Some((name, function.get(name)?.as_str())))
        .collect();
    variables.extend([
        ("AWS_ACCESS_KEY_ID", shared.operator.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", &shared.operator.secret_access_key),
        ("AWS_SESSION_TOKEN", &shared.operator.session_token),
    ]);
    ok(&json!({"object": "environment", "variables": variables}))
}
