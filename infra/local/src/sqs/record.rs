//! What a message looks like outside: its attributes, and its record in a Lambda event.

use md5::{Digest as _, Md5};
use serde_json::{Map, Value, json};

use super::Message;
use crate::template::REGION;

/// The attributes that SQS itself gives a message.
pub(super) fn system_attributes(message: &Message) -> Map<String, Value> {
    let mut attributes = Map::from_iter([
        (
            "ApproximateReceiveCount".to_owned(),
            json!(message.receives.to_string()),
        ),
        ("SentTimestamp".to_owned(), json!(message.sent_ms.to_string())),
        ("SenderId".to_owned(), json!("AROALOCAL")),
    ]);
    if let Some(first) = message.first_received_ms {
        attributes.insert(
            "ApproximateFirstReceiveTimestamp".to_owned(),
            json!(first.to_string()),
        );
    }
    if let Some(group) = &message.group {
        attributes.insert("MessageGroupId".to_owned(), json!(group));
        attributes.insert(
            "SequenceNumber".to_owned(),
            json!(sequence_number(message.sequence)),
        );
    }
    if let Some(deduplication) = &message.deduplication {
        attributes.insert("MessageDeduplicationId".to_owned(), json!(deduplication));
    }
    attributes
}

/// One record of the event that Lambda makes of a message.
pub(crate) fn event_record(queue: &str, message: &Message) -> Value {
    let attributes: Value = serde_json::from_str(&message.attributes).unwrap_or_default();
    json!({
        "messageId": message.id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": system_attributes(message),
        "messageAttributes": if attributes.is_object() { attributes } else { json!({}) },
        "md5OfBody": md5_hex(&message.body),
        "eventSource": "aws:sqs",
        "eventSourceARN": crate::template::raw::queue_arn(queue),
        "awsRegion": REGION,
    })
}

/// Twenty digits, as in the cloud: text order is number order.
pub(super) fn sequence_number(sequence: i64) -> String {
    format!(
        "{:020}",
        18_000_000_000_000_000_000_u64.saturating_add(sequence.unsigned_abs())
    )
}

/// MD5 of a body, as SQS reports it.
pub(super) fn md5_hex(body: &str) -> String {
    hex::encode(Md5::digest(body.as_bytes()))
}
