//! From the table's stream to the queues. The stream is the outbox: nothing is ever enqueued beside the
//! write that it follows from.

mod redrive;
mod route;

use std::sync::Arc;

use serde_json::{Value, json};
use usher_aws::Platform;
use usher_aws::queue::{Outgoing, QueueError};
use usher_aws::settings::MissingVariable;
use usher_shared::record::Malformed;
use usher_shared::records::StreamLetter;

use crate::route::{Routed, route};

/// What the function holds while it is warm.
pub struct Dispatcher {
    platform: Arc<Platform>,
    queues: Queues,
}

/// URLs of the queues.
struct Queues {
    reply: String,
    deliver: String,
    erasure: String,
    exports: String,
    attachments: String,
    alerts: String,
    reply_dead: String,
    deliver_dead: String,
    stream_dead: String,
    erasure_dead: String,
    exports_dead: String,
    attachments_dead: String,
    alerts_dead: String,
}

/// The event is none that the function knows, or could not be worked through.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// Neither a stream's batch nor a schedule's input.
    #[error("event of unknown kind")]
    UnknownEvent,
    /// The tables may not be used. The event comes again.
    #[error(transparent)]
    NotServing(#[from] usher_aws::serving::NotServing),
    /// A job could not be written.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl Dispatcher {
    /// A dispatcher between the stream and the queues that the environment names.
    ///
    /// # Errors
    /// [`MissingVariable`], naming it.
    pub fn new(platform: Arc<Platform>) -> Result<Self, MissingVariable> {
        let settings = platform.settings();
        let queues = Queues {
            reply: settings.reply_queue()?,
            deliver: settings.deliver_queue()?,
            erasure: settings.erasure_queue()?,
            exports: settings.export_queue()?,
            attachments: settings.attachment_queue()?,
            alerts: settings.alert_queue()?,
            reply_dead: settings.reply_dead_letters()?,
            deliver_dead: settings.deliver_dead_letters()?,
            stream_dead: settings.stream_dead_letters()?,
            erasure_dead: settings.erasure_dead_letters()?,
            exports_dead: settings.export_dead_letters()?,
            attachments_dead: settings.attachment_dead_letters()?,
            alerts_dead: settings.alert_dead_letters()?,
        };
        Ok(Self { platform, queues })
    }

    /// Handles an event: a batch of stream records, or the input of a schedule.
    ///
    /// # Errors
    /// [`DispatchError`]; a stream's batch reports its failures in the answer instead.
    pub async fn handle(&self, event: Value) -> Result<Value, DispatchError> {
        self.platform.serving().await?;
        if let Some(records) = event.get("Records").and_then(Value::as_array) {
            return Ok(self.records(records).await);
        }
        match event.get("schedule").and_then(Value::as_str) {
            Some("redrive") => {
                let report = self.redrive().await?;
                Ok(
                    json!({ "handed_over": report.handed_over, "settled": report.settled, "sent": report.sent }),
                )
            }
            _ => Err(DispatchError::UnknownEvent),
        }
    }

    /// Sends each record on. The answer names the first record that must come again, as streams expect; a
    /// record that will never be understood goes to the dead letters and holds nobody up.
    async fn records(&self, records: &[Value]) -> Value {
        let now = self.platform.clock().now();
        let [
            mut replies,
            mut deliveries,
            mut erasures,
            mut exports,
            mut attachments,
            mut alerts,
            mut letters,
        ] = <[Lane; 7]>::default();
        for (position, record) in records.iter().enumerate() {
            match route(record, now) {
                Ok(Routed::Reply(job)) => replies.add(position, job),
                Ok(Routed::Deliver(job)) => deliveries.add(position, job),
                Ok(Routed::Erase(job)) => erasures.add(position, job),
                Ok(Routed::Export(job)) => exports.add(position, job),
                Ok(Routed::Attachment(job)) => attachments.add(position, job),
                Ok(Routed::Alert(job)) => alerts.add(position, job),
                Ok(Routed::Nowhere) => {}
                Err(letter) => {
                    tracing::error!(stream.position = position, "record not understood");
                    let letter = letter.map(|letter: StreamLetter| Outgoing::standard(&letter));
                    if let Some(Ok(job)) = letter {
                        letters.add(position, job);
                    } else {
                        // Not even its keys can be read: the log line is all there is.
                        tracing::error!(stream.position = position, "record without keys dropped");
                    }
                }
            }
        }
        let mut failed: Vec<usize> = Vec::new();
        for (lane, queue) in [
            (&replies, &self.queues.reply),
            (&deliveries, &self.queues.deliver),
            (&erasures, &self.queues.erasure),
            (&exports, &self.queues.exports),
            (&attachments, &self.queues.attachments),
            (&alerts, &self.queues.alerts),
            (&letters, &self.queues.stream_dead),
        ] {
            for (job, error) in self.platform.send_jobs(queue, &lane.jobs).await {
                tracing::error!(error = %error, "job not sent");
                failed.extend(lane.positions.get(job));
            }
        }
        let first = failed
            .into_iter()
            .min()
            .and_then(|position| records.get(position));
        let sequence = first.and_then(|record: &Value| record.pointer("/dynamodb/SequenceNumber"));
        match sequence {
            None => json!({ "batchItemFailures": [] }),
            Some(sequence) => json!({ "batchItemFailures": [{ "itemIdentifier": sequence }] }),
        }
    }
}

/// The jobs for one queue, with the positions of the records that they come from.
#[derive(Default)]
struct Lane {
    positions: Vec<usize>,
    jobs: Vec<Outgoing>,
}

impl Lane {
    fn add(&mut self, position: usize, job: Outgoing) {
        self.positions.push(position);
        self.jobs.push(job);
    }
}
