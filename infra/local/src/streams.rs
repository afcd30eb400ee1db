//! Event source mapping of a table's stream: batches, filters, retries, bisecting, dead letters, and a
//! checkpoint on disk, so that a restart goes on where the last one stopped.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dynoxide::actions::get_records::GetRecordsRequest;
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::batch::failures;
use crate::clock::{Clock, rfc3339, wall_ms};
use crate::console::Console;
use crate::dynamodb::DynamoDb;
use crate::faults::{self, Drawn, Faults, Kind, Target};
use crate::permissions::Permissions;
use crate::runtime::{InvokeError, Pool};
use crate::sqs::{NewMessage, Sqs};
use crate::template::raw::{function_arn, queue_arn, stream_arn};
use crate::template::{REGION, StreamSource};

/// What Lambda does to a stream in the function's name.
const READS: [&str; 4] = [
    "dynamodb:ListStreams",
    "dynamodb:DescribeStream",
    "dynamodb:GetShardIterator",
    "dynamodb:GetRecords",
];
/// Longest sleep between looks at a stream that nobody announced a change of.
const IDLE: Duration = Duration::from_secs(1);
/// First pause after a failure; doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Reads one stream for one function.
pub(crate) struct StreamReader {
    pub(crate) source: StreamSource,
    pub(crate) pool: Arc<Pool>,
    pub(crate) database: Arc<DynamoDb>,
    pub(crate) queues: Arc<Sqs>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) console: Console,
    pub(crate) permissions: Arc<Permissions>,
    pub(crate) faults: Arc<Faults>,
    /// File with the sequence number of the last record that is done.
    pub(crate) checkpoint: PathBuf,
}

impl StreamReader {
    /// Reads until the task is dropped.
    pub(crate) async fn run(self) {
        let changed: Arc<Notify> = self.database.changed();
        loop {
            // Registered before the look, so that a write in between is not missed.
            let waiting = changed.notified();
            match self.step().await {
                Ok(true) => {}
                Ok(false) => {
                    let _: Result<(), _> = tokio::time::timeout(IDLE, waiting).await;
                }
                Err(problem) => {
                    self.console
                        .say(&format!("stream of {}: {problem}", self.source.table));
                    tokio::time::sleep(LONGEST_PAUSE).await;
                }
            }
        }
    }

    /// Takes the next batch to its end. `false` when there is nothing to take.
    async fn step(&self) -> Result<bool, String> {
        self.permissions
            .check_event_source(self.pool.name(), &READS, &stream_arn(&self.source.table))?;
        let records = {
            let _tables_stay = self.database.tables_stay().await;
            self.read()?
        };
        let Some(last) = records.last().and_then(sequence_number).map(str::to_owned) else {
            return Ok(false);
        };
        let wanted = |record: &Value| {
            self.source.filters.is_empty() || self.source.filters.iter().any(|filter| filter.matches(record))
        };
        let batch: Vec<Value> = records.into_iter().filter(wanted).collect();
        if !batch.is_empty() {
            self.process_on_a_bad_day(batch).await;
        }
        crate::files::replace(&self.checkpoint, last.as_bytes()).map_err(|e| e.to_string())?;
        Ok(true)
    }

    /// The records after the checkpoint, in the shape of a Lambda event.
    fn read(&self) -> Result<Vec<Value>, String> {
        let table = &self.source.table;
        let after = std::fs::read_to_string(&self.checkpoint)
            .ok()
            .filter(|text| !text.is_empty());
        let kind = if after.is_some() {
            "AFTER_SEQUENCE_NUMBER"
        } else {
            "TRIM_HORIZON"
        };
        let database = self.database.database();
        let iterator = database
            .get_shard_iterator(GetShardIteratorRequest {
                stream_arn: stream_arn(table),
                shard_id: dynoxide::streams::shard_id(table),
                shard_iterator_type: kind.to_owned(),
                sequence_number: after,
            })
            .map_err(|e| e.to_string())?;
        let shard_iterator = iterator.shard_iterator.unwrap_or_default();
        let limit = Some(self.source.batch_size);
        let read = database.get_records(GetRecordsRequest {
            shard_iterator,
            limit,
        });
        let records = read.map_err(|e| e.to_string())?.records;
        records
            .into_iter()
            .map(|record| {
                let mut record = serde_json::to_value(record).map_err(|e| e.to_string())?;
                if let Some(object) = record.as_object_mut() {
                    object.insert("awsRegion".to_owned(), json!(REGION));
                    object.insert("eventSourceARN".to_owned(), json!(stream_arn(table)));
                }
                Ok(record)
            })
            .collect()
    }

    /// Takes a batch to its end; late, twice or in another order where a fault says so.
    async fn process_on_a_bad_day(&self, mut batch: Vec<Value>) {
        let table = &self.source.table;
        // One record has no other order.
        let fits = |kind| kind != Kind::Reorder || batch.len() > 1;
        match self.faults.draw(Target::Stream, table, self.pool.name(), fits) {
            Some(Drawn {
                kind: Kind::Late,
                delay,
                ..
            }) => tokio::time::sleep(delay).await,
            Some(Drawn {
                kind: Kind::Reorder,
                seed,
                ..
            }) => faults::reorder(&mut batch, seed),
            // As when the reader dies between the function's answer and its checkpoint.
            Some(Drawn {
                kind: Kind::Duplicate,
                delay,
                ..
            }) => {
                self.process(batch.clone()).await;
                tokio::time::sleep(delay).await;
            }
            _ => {}
        }
        self.process(batch).await;
    }

    /// Brings every record to success or to the dead letters, in order.
    async fn process(&self, batch: Vec<Value>) {
        // Parts that are still to be done, the first on top.
        let mut open = vec![batch];
        let (mut attempts, mut pause) = (0_u32, FIRST_PAUSE);
        while let Some(mut part) = open.pop() {
            let result = self.invoke(&part).await;
            let first_failed = match &result {
                Ok(None) => {
                    (attempts, pause) = (0, FIRST_PAUSE);
                    continue;
                }
                Ok(Some(index)) => *index,
                Err(_) => 0,
            };
            if first_failed > 0 {
                // What came before the first failure is done; the rest starts over.
                (attempts, pause) = (0, FIRST_PAUSE);
                open.push(part.split_off(first_failed));
                continue;
            }
            if self.source.bisect && part.len() > 1 {
                let second = part.split_off(part.len() / 2);
                open.push(second);
                open.push(part);
                continue;
            }
            attempts += 1;
            if let Some(condition) = self.gives_up(&part, attempts) {
                self.bury(&part, attempts, condition, result.as_ref().err());
                (attempts, pause) = (0, FIRST_PAUSE);
                continue;
            }
            open.push(part);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Invokes the function: `None` when all went well, else the index of the first failed record.
    async fn invoke(&self, part: &[Value]) -> Result<Option<usize>, InvokeError> {
        let event = json!({"Records": part}).to_string();
        let trigger = format!("stream {}", self.source.table);
        let answer = self.pool.invoke_event(&trigger, event.into()).await?;
        if !self.source.report_failures {
            return Ok(None);
        }
        let ids: Vec<&str> = part.iter().filter_map(sequence_number).collect();
        Ok(failures(&answer, &ids).into_iter().min())
    }

    /// Why no further attempt is made, in Lambda's words.
    fn gives_up(&self, part: &[Value], attempts: u32) -> Option<&'static str> {
        let created = part
            .first()
            .and_then(|r| r.pointer("/dynamodb/ApproximateCreationDateTime"));
        let created_ms = created.and_then(Value::as_f64).map(|seconds| seconds * 1000.0);
        #[expect(
            clippy::cast_precision_loss,
            reason = "53 bits hold milliseconds for 280,000 years"
        )]
        let age_ms = created_ms.map_or(0.0, |created| wall_ms() as f64 - created);
        // Wall time: a day that only the domain clock skipped has not made a stream forget.
        let too_old = self
            .source
            .max_age
            .is_some_and(|most| age_ms > most.as_secs_f64() * 1000.0);
        if too_old {
            return Some("RecordAgeExceeded");
        }
        let tried = self.source.max_retries.is_some_and(|most| attempts > most);
        tried.then_some("RetryAttemptsExhausted")
    }

    fn bury(&self, part: &[Value], attempts: u32, condition: &str, error: Option<&InvokeError>) {
        let numbers: Vec<&str> = part.iter().filter_map(sequence_number).collect();
        let why = error.map_or_else(|| "reported as failed".to_owned(), ToString::to_string);
        let text = format!(
            "{} gave up on {} stream record(s): {why}",
            self.pool.name(),
            part.len()
        );
        self.console.say(&text);
        let Some(queue) = &self.source.on_failure else {
            return;
        };
        let now = rfc3339(self.clock.now_ms());
        let letter = json!({
            "requestContext": {
                "requestId": crate::ids::random_uuid(),
                "functionArn": function_arn(self.pool.name()),
                "condition": condition,
                "approximateInvokeCount": attempts,
            },
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "version": "1.0",
            "timestamp": now,
            "DDBStreamBatchInfo": {
                "shardId": dynoxide::streams::shard_id(&self.source.table),
                "startSequenceNumber": numbers.first(),
                "endSequenceNumber": numbers.last(),
                "approximateArrivalOfFirstRecord": now,
                "approximateArrivalOfLastRecord": now,
                "batchSize": part.len(),
                "streamArn": stream_arn(&self.source.table),
            },
        });
        let allowed =
            self.permissions
                .check_event_source(self.pool.name(), &["sqs:SendMessage"], &queue_arn(queue));
        if let Err(refused) = allowed {
            self.console
                .say(&format!("{queue} did not take a dead letter: {refused}"));
            return;
        }
        let message = NewMessage {
            body: letter.to_string(),
            ..NewMessage::default()
        };
        if let Err(error) = self.queues.send(queue, &message) {
            self.console
                .say(&format!("{queue} did not take a dead letter: {error}"));
        }
    }
}

fn sequence_number(record: &Value) -> Option<&str> {
    record.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str)
}
