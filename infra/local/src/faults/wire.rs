//! Faults as each service words them.

use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::Kind;
use crate::proxy::{Service, refusal};

/// The answer of a service that refuses a call because of a fault.
pub(super) fn answer(service: Service, kind: Kind, body: &[u8]) -> Option<Response> {
    let (status, code) = match kind {
        Kind::Throttle => throttled(service),
        Kind::Internal => failed(service),
        Kind::Denied => denied(service),
        Kind::PendingDeletion => (StatusCode::BAD_REQUEST, "KMSInvalidStateException"),
        Kind::Conflict => return Some(conflict(body)),
        _ => return None,
    };
    let message = match kind {
        Kind::PendingDeletion => "the key is pending deletion (fault on request)",
        _ => "fault on request",
    };
    Some(refusal(service, status, code, message))
}

fn throttled(service: Service) -> (StatusCode, &'static str) {
    match service {
        Service::DynamoDb => (
            StatusCode::BAD_REQUEST,
            "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        ),
        Service::Sqs => (StatusCode::BAD_REQUEST, "com.amazonaws.sqs#RequestThrottled"),
        Service::Kms => (StatusCode::BAD_REQUEST, "ThrottlingException"),
        Service::Sts => (StatusCode::BAD_REQUEST, "Throttling"),
        Service::S3 => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
    }
}

fn failed(service: Service) -> (StatusCode, &'static str) {
    let code = match service {
        Service::DynamoDb => "com.amazonaws.dynamodb.v20120810#InternalServerError",
        Service::Sqs | Service::Sts => "InternalFailure",
        Service::Kms => "KMSInternalException",
        Service::S3 => "InternalError",
    };
    (StatusCode::INTERNAL_SERVER_ERROR, code)
}

fn denied(service: Service) -> (StatusCode, &'static str) {
    match service {
        Service::S3 | Service::Sts => (StatusCode::FORBIDDEN, "AccessDenied"),
        Service::DynamoDb | Service::Sqs | Service::Kms => (StatusCode::BAD_REQUEST, "AccessDeniedException"),
    }
}

/// A transaction is cancelled with a reason for each of its items, the first of which had the conflict; a
/// single write is refused.
fn conflict(body: &[u8]) -> Response {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(items) = body.get("TransactItems").and_then(Value::as_array) else {
        return refusal(
            Service::DynamoDb,
            StatusCode::BAD_REQUEST,
            "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
            "Transaction is ongoing for the item",
        );
    };
    let reasons: Vec<Value> = (0..items.len())
        .map(|item| match item {
            0 => json!({"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}),
            _ => json!({"Code": "None"}),
        })
        .collect();
    let codes: Vec<&str> = reasons
        .iter()
        .filter_map(|reason| reason.get("Code").and_then(Value::as_str))
        .collect();
    let answer = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            codes.join(", ")
        ),
        "CancellationReasons": reasons,
    });
    (
        StatusCode::BAD_REQUEST,
        [(header::CONTENT_TYPE, "application/x-amz-json-1.0")],
        answer.to_string(),
    )
        .into_response()
}
