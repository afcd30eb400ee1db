//! Faults around a call to a service: before it is applied, and after.

use std::collections::BTreeMap;

use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::{Map, Value, json};

use super::stale::Images;
use super::{Drawn, Faults, Kind, Target, wire};
use crate::clock::wall_ms;
use crate::proxy::{Backend, Call, Service};
use crate::server::hang_up;

/// What `before` has found for `after`.
pub(crate) struct Struck {
    drawn: Option<Drawn>,
    function: String,
    /// The request of a read that is to be stale.
    read: Bytes,
    /// Keys or writes that were taken out of a batch.
    unprocessed: Option<Value>,
    /// What a write replaces.
    replaced: Vec<((String, String), Option<Value>)>,
}

/// Before the service: what strikes the call, or the answer that it gets instead of the service's.
pub(crate) async fn before(faults: &Faults, backend: &Backend, call: &mut Call) -> Result<Struck, Response> {
    let service = backend.service();
    let operation = operation(service, call);
    let body = call.request.body().clone();
    let drawn = faults.draw(
        Target::from(service),
        &operation,
        &call.caller.function,
        |kind| match kind {
            Kind::Stale => Images::may_be_stale(&body),
            Kind::Unprocessed => split(&operation, &body).is_some(),
            _ => true,
        },
    );
    let mut struck = Struck {
        drawn,
        function: call.caller.function.clone(),
        read: Bytes::new(),
        unprocessed: None,
        replaced: Vec::new(),
    };
    if let Some(drawn) = drawn {
        if let Some(answer) = wire::answer(service, drawn.kind, &body) {
            return Err(answer);
        }
        match drawn.kind {
            Kind::Timeout => {
                tokio::time::sleep(drawn.delay).await;
                return Err(hang_up());
            }
            Kind::Kill => {
                faults.kill(&struck.function).await;
                return Err(hang_up());
            }
            Kind::Stale => struck.read.clone_from(&body),
            Kind::Unprocessed => {
                if let Some((now, later)) = split(&operation, &body) {
                    *call.request.body_mut() = now.to_string().into();
                    struck.unprocessed = Some(later);
                }
            }
            _ => {}
        }
    }
    if let Backend::DynamoDb(database) = backend
        && faults.waits(Kind::Stale)
    {
        struck.replaced = faults.images.before(database.database(), &operation, &body);
    }
    Ok(struck)
}

/// After the service: its answer, or what becomes of it.
pub(crate) async fn after(faults: &Faults, struck: Struck, answer: Response) -> Response {
    if answer.status().is_success() && !struck.replaced.is_empty() {
        faults.images.keep(struck.replaced, wall_ms());
    }
    let Some(drawn) = struck.drawn else { return answer };
    match drawn.kind {
        Kind::TimeoutAfter => {
            tokio::time::sleep(drawn.delay).await;
            hang_up()
        }
        Kind::DropResponse => hang_up(),
        Kind::KillAfter => {
            faults.kill(&struck.function).await;
            hang_up()
        }
        Kind::Stale => {
            rewritten(answer, |body| {
                faults.images.rewrite(&struck.read, body, drawn.delay, wall_ms())
            })
            .await
        }
        Kind::Unprocessed => {
            rewritten(answer, |body| {
                let mut answer: Value = serde_json::from_slice(body).ok()?;
                let later = struck.unprocessed?;
                for (name, value) in later.as_object()? {
                    answer.as_object_mut()?.insert(name.clone(), value.clone());
                }
                Some(answer)
            })
            .await
        }
        _ => answer,
    }
}

/// The answer with another body, if `change` gives one.
async fn rewritten(answer: Response, change: impl FnOnce(&[u8]) -> Option<Value>) -> Response {
    if !answer.status().is_success() {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return hang_up(),
    };
    let Some(changed) = change(&body) else {
        return Response::from_parts(parts, body.into());
    };
    // Both speak of the bytes that were.
    parts.headers.remove(http::header::CONTENT_LENGTH);
    parts.headers.remove("x-amz-crc32");
    Response::from_parts(parts, changed.to_string().into())
}

/// A batch in two: what is processed now, and what the answer says is not. `None` for a batch of one, of which
/// nothing would be processed: that is a throttle.
fn split(operation: &str, body: &[u8]) -> Option<(Value, Value)> {
    let mut now: Value = serde_json::from_slice(body).ok()?;
    let mut later: Map<String, Value> = Map::new();
    let tables = now.get_mut("RequestItems")?.as_object_mut()?;
    let mut whole = 0;
    for (table, part) in tables.iter_mut() {
        let mut rest = part.clone();
        let (items, left) = match operation {
            "BatchWriteItem" => (part.as_array_mut()?, rest.as_array_mut()?),
            _ => (
                part.get_mut("Keys")?.as_array_mut()?,
                rest.get_mut("Keys")?.as_array_mut()?,
            ),
        };
        whole += items.len();
        let middle = items.len().div_ceil(2);
        left.drain(..middle);
        items.truncate(middle);
        if !left.is_empty() {
            later.insert(table.clone(), rest);
        }
    }
    let name = match operation {
        "BatchWriteItem" => "UnprocessedItems",
        "BatchGetItem" => "UnprocessedKeys",
        _ => return None,
    };
    (whole > 1 && !later.is_empty()).then(|| (now, json!({ name: later })))
}

/// The operation by the name that AWS gives it. S3 says it by method, path and query.
fn operation(service: Service, call: &Call) -> String {
    if service != Service::S3 {
        return call.operation.clone();
    }
    let uri = call.request.uri();
    let names: BTreeMap<&str, &str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    let has = |name: &str| names.contains_key(name);
    let is_object = uri
        .path()
        .trim_start_matches('/')
        .split_once('/')
        .is_some_and(|(_, key)| !key.is_empty());
    let name = match call.request.method().as_str() {
        "PUT" if has("uploadId") => "UploadPart",
        "PUT" if is_object => "PutObject",
        "POST" if has("uploads") => "CreateMultipartUpload",
        "POST" if has("uploadId") => "CompleteMultipartUpload",
        "POST" if has("delete") => "DeleteObjects",
        "DELETE" if has("uploadId") => "AbortMultipartUpload",
        "DELETE" if is_object => "DeleteObject",
        "GET" if has("uploadId") => "ListParts",
        "GET" if has("uploads") => "ListMultipartUploads",
        "GET" if is_object => "GetObject",
        "GET" => "ListObjectsV2",
        "HEAD" if is_object => "HeadObject",
        "HEAD" => "HeadBucket",
        _ => return call.operation.clone(),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_batch_is_split_and_a_single_item_is_not() {
        let batch = json!({"RequestItems": {"T": [1, 2, 3], "U": [4]}}).to_string();
        let (now, later) = split("BatchWriteItem", batch.as_bytes()).unwrap();
        assert_eq!(now, json!({"RequestItems": {"T": [1, 2], "U": [4]}}));
        assert_eq!(later, json!({"UnprocessedItems": {"T": [3]}}));
        let batch = json!({"RequestItems": {"T": {"Keys": [1, 2], "ConsistentRead": true}}}).to_string();
        let (_, later) = split("BatchGetItem", batch.as_bytes()).unwrap();
        assert_eq!(
            later,
            json!({"UnprocessedKeys": {"T": {"Keys": [2], "ConsistentRead": true}}})
        );
        assert!(split("BatchWriteItem", br#"{"RequestItems": {"T": [1]}}"#).is_none());
        assert!(split("PutItem", br#"{"TableName": "T"}"#).is_none());
    }
}
