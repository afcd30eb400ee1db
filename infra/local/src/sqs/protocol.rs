//! The AWS JSON 1.0 protocol of SQS: the operations that the product and its tests use.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::record::{md5_hex, sequence_number, system_attributes};
use super::{Message, NewMessage, SqsError, Store};

/// Messages in a batch, and in one receipt.
const MOST: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Send {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    id: Option<String>,
    message_body: Option<String>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Receive {
    queue_url: String,
    max_number_of_messages: Option<usize>,
    visibility_timeout: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Receipt {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(rename = "ReceiptHandle")]
    handle: String,
    visibility_timeout: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", bound(deserialize = "T: DeserializeOwned"))]
struct Batch<T> {
    queue_url: String,
    entries: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ByUrl {
    queue_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ByName {
    queue_name: String,
}

/// Answers one operation. `now` is wall time in milliseconds. Long polling is not: a receipt answers at
/// once, and its caller asks again.
pub(super) fn answer(store: &Store, operation: &str, body: &[u8], now: i64) -> Result<Value, SqsError> {
    match operation {
        "SendMessage" => {
            let send: Send = parse(body)?;
            send_one(store, queue_name(&send.queue_url), &send, now)
        }
        "SendMessageBatch" => {
            let batch: Batch<Send> = parse(body)?;
            let queue = queue_name(&batch.queue_url);
            each(
                store,
                queue,
                &batch.entries,
                |send| send.id.as_deref(),
                |send| send_one(store, queue, send, now),
            )
        }
        "ReceiveMessage" => receive(store, &parse(body)?, now),
        "DeleteMessage" => {
            let receipt: Receipt = parse(body)?;
            store.delete(queue_name(&receipt.queue_url), &receipt.handle, now)?;
            Ok(json!({}))
        }
        "DeleteMessageBatch" => {
            let batch: Batch<Receipt> = parse(body)?;
            let queue = queue_name(&batch.queue_url);
            each(
                store,
                queue,
                &batch.entries,
                |entry| entry.id.as_deref(),
                |entry| store.delete(queue, &entry.handle, now).map(|()| json!({})),
            )
        }
        "ChangeMessageVisibility" => {
            let receipt: Receipt = parse(body)?;
            let seconds = receipt
                .visibility_timeout
                .ok_or(SqsError::Missing("VisibilityTimeout"))?;
            let for_ms = visibility_ms(seconds)?;
            store.change_visibility(queue_name(&receipt.queue_url), &receipt.handle, for_ms, now)?;
            Ok(json!({}))
        }
        "GetQueueUrl" => {
            let name: ByName = parse(body)?;
            store.queue(&name.queue_name)?;
            // The client's own endpoint leads here; only the path names the queue.
            Ok(
                json!({"QueueUrl": format!("http://127.0.0.1/{}/{}", crate::template::ACCOUNT, name.queue_name)}),
            )
        }
        "GetQueueAttributes" => {
            let queue: ByUrl = parse(body)?;
            attributes(store, queue_name(&queue.queue_url), now)
        }
        other => Err(SqsError::Unknown(other.to_owned())),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, SqsError> {
    serde_json::from_slice(body).map_err(|e| SqsError::Invalid(e.to_string()))
}

/// The last part of a queue's URL.
fn queue_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}

fn visibility_ms(seconds: i64) -> Result<i64, SqsError> {
    if (0..=43_200).contains(&seconds) {
        Ok(seconds * 1000)
    } else {
        Err(SqsError::Invalid(
            "VisibilityTimeout is between 0 and 43200 seconds".to_owned(),
        ))
    }
}

fn send_one(store: &Store, queue: &str, send: &Send, now: i64) -> Result<Value, SqsError> {
    let body = send
        .message_body
        .clone()
        .ok_or(SqsError::Missing("MessageBody"))?;
    let digest = md5_hex(&body);
    let new = NewMessage {
        body,
        group: send.message_group_id.clone(),
        deduplication: send.message_deduplication_id.clone(),
        delay_seconds: send.delay_seconds,
        attributes: send.message_attributes.clone(),
    };
    let (id, sequence) = store.send(queue, &new, now)?;
    let mut answer = json!({"MessageId": id, "MD5OfMessageBody": digest});
    if store.queue(queue)?.fifo
        && let Some(object) = answer.as_object_mut()
    {
        object.insert("SequenceNumber".to_owned(), json!(sequence_number(sequence)));
    }
    Ok(answer)
}

/// Runs `action` for each entry; failures are listed beside successes.
fn each<T>(
    store: &Store,
    queue: &str,
    entries: &[T],
    id: impl Fn(&T) -> Option<&str>,
    action: impl Fn(&T) -> Result<Value, SqsError>,
) -> Result<Value, SqsError> {
    store.queue(queue)?;
    if entries.is_empty() || entries.len() > MOST {
        return Err(SqsError::Invalid(
            "a batch has between 1 and 10 entries".to_owned(),
        ));
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        let id = id(entry).ok_or(SqsError::Missing("Id"))?;
        match action(entry) {
            Ok(mut answer) => {
                if let Some(object) = answer.as_object_mut() {
                    object.insert("Id".to_owned(), json!(id));
                }
                successful.push(answer);
            }
            Err(error) => failed.push(json!({
                "Id": id,
                "SenderFault": true,
                "Code": error.code(),
                "Message": error.to_string(),
            })),
        }
    }
    Ok(json!({"Successful": successful, "Failed": failed}))
}

fn receive(store: &Store, request: &Receive, now: i64) -> Result<Value, SqsError> {
    let limit = request.max_number_of_messages.unwrap_or(1);
    if !(1..=MOST).contains(&limit) {
        return Err(SqsError::Invalid(
            "MaxNumberOfMessages is between 1 and 10".to_owned(),
        ));
    }
    let visibility = request.visibility_timeout.map(visibility_ms).transpose()?;
    let messages = store.receive(queue_name(&request.queue_url), limit, visibility, now)?;
    let messages: Vec<Value> = messages
        .iter()
        .map(|message| {
            let mut entry = json!({
                "MessageId": message.id,
                "ReceiptHandle": message.receipt,
                "MD5OfBody": md5_hex(&message.body),
                "Body": message.body,
                "Attributes": system_attributes(message),
            });
            let attributes: Value = serde_json::from_str(&message.attributes).unwrap_or_default();
            if let (Some(object), false) = (entry.as_object_mut(), attributes.is_null()) {
                object.insert("MessageAttributes".to_owned(), attributes);
            }
            entry
        })
        .collect();
    Ok(if messages.is_empty() {
        json!({})
    } else {
        json!({"Messages": messages})
    })
}

fn attributes(store: &Store, queue: &str, now: i64) -> Result<Value, SqsError> {
    let settings = store.queue(queue)?;
    let messages = store.messages(queue)?;
    let count = |select: &dyn Fn(&Message) -> bool| messages.iter().filter(|m| select(m)).count().to_string();
    let hidden = |m: &Message| m.visible_ms > now;
    Ok(json!({"Attributes": {
        "QueueArn": crate::template::raw::queue_arn(queue),
        "ApproximateNumberOfMessages": count(&|m| !hidden(m)),
        "ApproximateNumberOfMessagesNotVisible": count(&|m| hidden(m) && m.receipt.is_some()),
        "ApproximateNumberOfMessagesDelayed": count(&|m| hidden(m) && m.receipt.is_none()),
        "DelaySeconds": settings.delay.as_secs().to_string(),
        "VisibilityTimeout": settings.visibility.as_secs().to_string(),
        "FifoQueue": settings.fifo.to_string(),
    }}))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use std::time::Duration;

    use super::*;
    use crate::template::Queue;

    fn store() -> Store {
        let queue = Queue {
            name: "Q.fifo".to_owned(),
            fifo: true,
            delay: Duration::ZERO,
            visibility: Duration::from_secs(30),
            retention: Duration::from_secs(1000),
            dead_letters: None,
        };
        Store::open(None, [queue]).unwrap()
    }

    fn call(store: &Store, operation: &str, body: &Value) -> Result<Value, String> {
        answer(store, operation, body.to_string().as_bytes(), 1_000).map_err(|e| e.code().to_owned())
    }

    #[test]
    fn a_message_goes_in_and_out() {
        let store = store();
        let url = "http://127.0.0.1:1/123456789012/Q.fifo";
        let sent = call(
            &store,
            "SendMessage",
            &json!({"QueueUrl": url, "MessageBody": "{\"kind\": \"inbound\", \"id\": \"in_0\"}",
                "MessageGroupId": "g", "MessageDeduplicationId": "d"}),
        );
        assert_eq!(
            sent.unwrap()["MD5OfMessageBody"],
            "55f2164f1b5e4465b6c54255bdd683d3"
        );
        let received = call(&store, "ReceiveMessage", &json!({"QueueUrl": url})).unwrap();
        let message = &received["Messages"][0];
        assert_eq!(message["Attributes"]["MessageGroupId"], "g");
        assert_eq!(message["Attributes"]["ApproximateReceiveCount"], "1");
        let counts = call(&store, "GetQueueAttributes", &json!({"QueueUrl": url})).unwrap();
        assert_eq!(counts["Attributes"]["ApproximateNumberOfMessagesNotVisible"], "1");
        let batch =
            json!({"QueueUrl": url, "Entries": [{"Id": "a", "ReceiptHandle": message["ReceiptHandle"]}]});
        assert_eq!(
            call(&store, "DeleteMessageBatch", &batch).unwrap()["Successful"][0]["Id"],
            "a"
        );
        assert!(store.messages("Q.fifo").unwrap().is_empty());
    }

    #[test]
    fn batches_report_each_entry() {
        let store = store();
        let answer = call(
            &store,
            "SendMessageBatch",
            &json!({"QueueUrl": "x/Q.fifo", "Entries": [
                {"Id": "1", "MessageBody": "a", "MessageGroupId": "g", "MessageDeduplicationId": "1"},
                {"Id": "2", "MessageBody": "b", "MessageDeduplicationId": "2"},
            ]}),
        )
        .unwrap();
        assert_eq!(answer["Successful"][0]["Id"], "1");
        assert_eq!(answer["Failed"][0]["Code"], "MissingParameter");
    }

    #[test]
    fn bad_requests_have_codes() {
        let store = store();
        for (operation, body, code) in [
            (
                "SendMessage",
                json!({"QueueUrl": "x/None", "MessageBody": "a"}),
                "com.amazonaws.sqs#QueueDoesNotExist",
            ),
            ("SendMessage", json!({"QueueUrl": "x/Q.fifo"}), "MissingParameter"),
            (
                "ReceiveMessage",
                json!({"QueueUrl": "x/Q.fifo", "MaxNumberOfMessages": 11}),
                "InvalidParameterValue",
            ),
            ("CreateQueue", json!({}), "UnsupportedOperation"),
            ("SendMessage", json!([]), "InvalidParameterValue"),
        ] {
            assert_eq!(call(&store, operation, &body).unwrap_err(), code, "{operation}");
        }
    }
}
