//! Queues: jobs are records like any other, so a body can hold ids and nothing of a person.

use std::time::Duration;

use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use serde_json::{Map, Value};
use usher_shared::record::{Malformed, Record};

use crate::platform::Platform;

/// Most that one batch may hold.
pub const BATCH: usize = 10;

/// Why a job could not be sent or read.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The queue refused or could not be reached. A retry may help.
    #[error("sqs: {operation} failed with {code}")]
    Queue {
        /// Which operation.
        operation: &'static str,
        /// The queue's own error code, or `unreachable`.
        code: String,
    },
    /// The body is not a job of the wanted kind. A retry does not help.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// A job on its way into a queue.
#[derive(Clone, Debug)]
pub struct Outgoing {
    body: String,
    fifo: Option<(String, String)>,
    delay: Duration,
}

impl Outgoing {
    /// A job for a FIFO queue: jobs of one `group` are worked on in order, and a job with the `id` of one
    /// of the last five minutes is dropped by the queue.
    ///
    /// # Errors
    /// [`Malformed`] if the job cannot be written.
    pub fn fifo<R: Record>(job: &R, group: &impl ToString, id: &impl ToString) -> Result<Self, Malformed> {
        Ok(Self {
            body: encode(job)?,
            fifo: Some((group.to_string(), id.to_string())),
            delay: Duration::ZERO,
        })
    }

    /// A job for a standard queue.
    ///
    /// # Errors
    /// [`Malformed`] if the job cannot be written.
    pub fn standard<R: Record>(job: &R) -> Result<Self, Malformed> {
        Ok(Self {
            body: encode(job)?,
            fifo: None,
            delay: Duration::ZERO,
        })
    }

    /// The same job, to be worked on after `delay`, at most 15 minutes. For standard queues.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

/// A job's body.
fn encode<R: Record>(job: &R) -> Result<String, Malformed> {
    // Jobs are made of ids; a record with sealed fields has no business in a queue.
    let mut fields = if R::SPEC.sealed.is_empty() {
        job.open_fields()?
    } else {
        return Err(Malformed {
            kind: R::SPEC.kind,
            field: "sealed",
        });
    };
    fields.insert("k".to_owned(), Value::String(R::SPEC.kind.to_owned()));
    Ok(Value::Object(fields).to_string())
}

/// Reads a job's body.
///
/// # Errors
/// [`Malformed`] if it is not one of the wanted kind.
pub fn decode<R: Record>(body: &str) -> Result<R, Malformed> {
    let malformed = Malformed {
        kind: R::SPEC.kind,
        field: "k",
    };
    let mut fields: Map<String, Value> = serde_json::from_str(body).map_err(|_| malformed)?;
    if fields.remove("k").as_ref().and_then(Value::as_str) != Some(R::SPEC.kind) {
        return Err(malformed);
    }
    R::from_fields(fields, &mut |_| None)
}

impl Platform {
    /// Sends jobs to a queue, ten at a time. Gives back the positions of those that were not taken.
    pub async fn send_jobs(&self, queue_url: &str, jobs: &[Outgoing]) -> Vec<(usize, QueueError)> {
        let mut refused = Vec::new();
        for (chunk_number, chunk) in jobs.chunks(BATCH).enumerate() {
            let first = chunk_number * BATCH;
            let entries = chunk
                .iter()
                .enumerate()
                .filter_map(|(position, job)| entry(position, job));
            let sent = self.sqs().send_message_batch().queue_url(queue_url);
            match sent.set_entries(Some(entries.collect())).send().await {
                Ok(answer) => refused.extend(answer.failed.into_iter().filter_map(|failed| {
                    let position: usize = failed.id.parse().ok()?;
                    Some((first + position, refusal(failed.code)))
                })),
                Err(error) => {
                    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
                    let code = code.unwrap_or("unreachable").to_owned();
                    refused
                        .extend((0..chunk.len()).map(|position| (first + position, refusal(code.clone()))));
                }
            }
        }
        refused
    }

    /// Takes up to ten jobs from a queue, for the schedule that looks after dead letters.
    ///
    /// # Errors
    /// [`QueueError::Queue`].
    pub async fn receive(&self, queue_url: &str) -> Result<Vec<Received>, QueueError> {
        let answer = self
            .sqs()
            .receive_message()
            .queue_url(queue_url)
            .max_number_of_messages(10)
            .send()
            .await
            .map_err(|error| failed("ReceiveMessage", &error))?;
        let messages = answer.messages.unwrap_or_default().into_iter();
        Ok(messages
            .filter_map(|m| {
                Some(Received {
                    body: m.body?,
                    receipt: m.receipt_handle?,
                })
            })
            .collect())
    }

    /// Removes a job that was taken with [`Self::receive`].
    ///
    /// # Errors
    /// [`QueueError::Queue`].
    pub async fn remove(&self, queue_url: &str, received: &Received) -> Result<(), QueueError> {
        self.sqs()
            .delete_message()
            .queue_url(queue_url)
            .receipt_handle(&received.receipt)
            .send()
            .await
            .map_err(|error| failed("DeleteMessage", &error))?;
        Ok(())
    }
}

/// A job as taken from a queue.
#[derive(Debug)]
pub struct Received {
    /// Its body.
    pub body: String,
    receipt: String,
}

fn refusal(code: String) -> QueueError {
    QueueError::Queue {
        operation: "SendMessageBatch",
        code,
    }
}

fn failed<E: ProvideErrorMetadata, R>(
    operation: &'static str,
    error: &aws_sdk_sqs::error::SdkError<E, R>,
) -> QueueError {
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
        .unwrap_or("unreachable");
    QueueError::Queue {
        operation,
        code: code.to_owned(),
    }
}

fn entry(position: usize, job: &Outgoing) -> Option<SendMessageBatchRequestEntry> {
    let entry = SendMessageBatchRequestEntry::builder()
        .id(position.to_string())
        .message_body(&job.body);
    let entry = match &job.fifo {
        Some((group, id)) => entry.message_group_id(group).message_deduplication_id(id),
        None => entry.delay_seconds(i32::try_from(job.delay.as_secs()).unwrap_or(900)),
    };
    entry.build().ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::clock::SystemEntropy;
    use usher_shared::Timestamp;
    use usher_shared::ids::{ConversationId, MessageId, TenantId};
    use usher_shared::records::{DeliverJob, ReplyJob};

    #[test]
    fn a_job_survives_its_queue_and_is_not_taken_for_another_kind() {
        let at = Timestamp::from_millis(1);
        let job = ReplyJob {
            at: at.into(),
            tenant: TenantId::generate(at, &SystemEntropy).into(),
            conversation: ConversationId::generate(at, &SystemEntropy).into(),
            message: MessageId::generate(at, &SystemEntropy).into(),
        };
        let body = encode(&job).unwrap();
        assert_eq!(decode::<ReplyJob>(&body).unwrap(), job);
        assert!(decode::<DeliverJob>(&body).is_err());
        assert!(decode::<ReplyJob>("{}").is_err() && decode::<ReplyJob>("no json").is_err());
    }
}
