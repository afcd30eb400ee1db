//! Event source mapping of a queue: receives, invokes, deletes what succeeded. What failed stays hidden
//! until its visibility ends, and blocks its group until then, as in the cloud.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::batch::failures;
use crate::clock::wall_ms;
use crate::console::Console;
use crate::faults::{Faults, Kind, Target};
use crate::meter::{Cause, Meter};
use crate::permissions::Permissions;
use crate::runtime::Pool;
use crate::sqs::{Message, Sqs, event_record};
use crate::template::QueueSource;
use crate::template::raw::queue_arn;

/// Batches of one queue at a time. Less than the instances of a function, so that one busy queue leaves
/// room for another.
const MOST_BATCHES: usize = 3;
/// What Lambda does to a queue in the function's name.
const READS: [&str; 2] = ["sqs:GetQueueAttributes", "sqs:ReceiveMessage"];
const DELETES: &str = "sqs:DeleteMessage";
/// Longest sleep between looks at a queue.
const IDLE_MS: i64 = 1000;

/// Reads one queue for one function.
pub(crate) struct QueueReader {
    pub(crate) source: QueueSource,
    /// How long messages are hidden while they are worked on: the template's, which outlasts every invocation.
    pub(crate) visibility: Duration,
    pub(crate) pool: Arc<Pool>,
    pub(crate) queues: Arc<Sqs>,
    pub(crate) console: Console,
    pub(crate) meter: Arc<Meter>,
    /// While it says so, nothing is received.
    pub(crate) paused: watch::Receiver<bool>,
    pub(crate) permissions: Arc<Permissions>,
    pub(crate) faults: Arc<Faults>,
}

impl QueueReader {
    /// Reads until the task is dropped; batches in flight end with it.
    pub(crate) async fn run(self) {
        let changed = self.queues.changed();
        let slots = Arc::new(Semaphore::new(MOST_BATCHES));
        let reader = Arc::new(self);
        let mut batches = JoinSet::new();
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
                return;
            };
            let mut paused = reader.paused.clone();
            if paused.wait_for(|paused| !paused).await.is_err() {
                return;
            }
            let waiting = changed.notified();
            let queue = &reader.source.queue;
            match reader.receive() {
                Ok(messages) if !messages.is_empty() => {
                    let reader = Arc::clone(&reader);
                    batches.spawn(async move {
                        reader.process(&messages).await;
                        drop(slot);
                    });
                }
                Ok(_) => {
                    drop(slot);
                    let _: Result<(), _> = tokio::time::timeout(reader.pause(), waiting).await;
                }
                Err(error) => {
                    drop(slot);
                    reader.console.say(&format!("queue {queue}: {error}"));
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            while batches.try_join_next().is_some() {}
        }
    }

    /// The next messages, if the function's role may have them: Lambda reads queues in its name.
    fn receive(&self) -> Result<Vec<Message>, String> {
        let queue = &self.source.queue;
        let name = self.pool.name();
        self.permissions
            .check_event_source(name, &READS, &queue_arn(queue))?;
        let store = self.queues.store();
        let hidden = Some(self.visibility_ms());
        let received = store.receive(queue, self.source.batch_size, hidden, wall_ms());
        received.map_err(|error| error.to_string())
    }

    /// Removes what is done. What may not be removed comes back.
    fn delete(&self, message: &Message) -> Result<(), String> {
        let queue = &self.source.queue;
        self.permissions
            .check_event_source(self.pool.name(), &[DELETES], &queue_arn(queue))?;
        let receipt = message.receipt.as_deref().unwrap_or_default();
        let deleted = self.queues.store().delete(queue, receipt, wall_ms());
        deleted.map_err(|error| error.to_string())
    }

    /// How long nothing can become receivable by itself.
    fn pause(&self) -> Duration {
        let now = wall_ms();
        let next = self
            .queues
            .store()
            .next_visible_ms(&self.source.queue, now)
            .ok()
            .flatten();
        let wait = next.map_or(IDLE_MS, |at| (at - now).clamp(1, IDLE_MS));
        Duration::from_millis(u64::try_from(wait).unwrap_or(1))
    }

    fn visibility_ms(&self) -> i64 {
        i64::try_from(self.visibility.as_millis()).unwrap_or(i64::MAX)
    }

    /// Where a test has shortened the visibility, what failed comes back that long after its invocation has ended,
    /// and not while it lasts.
    fn comes_back<'a>(&self, messages: impl Iterator<Item = &'a Message>) {
        let queue = &self.source.queue;
        let store = self.queues.store();
        let Some(shortened) = store.queue(queue).ok().map(|queue| queue.visibility) else {
            return;
        };
        let shortened = i64::try_from(shortened.as_millis()).unwrap_or(i64::MAX);
        if shortened >= self.visibility_ms() {
            return;
        }
        for message in messages {
            let receipt = message.receipt.as_deref().unwrap_or_default();
            if let Err(error) = store.change_visibility(queue, receipt, shortened, wall_ms()) {
                self.console.say(&format!("queue {queue}: {error}"));
            }
        }
    }

    async fn process(&self, messages: &[Message]) {
        let queue = &self.source.queue;
        let records: Vec<Value> = messages
            .iter()
            .map(|message| event_record(queue, message))
            .collect();
        let event = json!({"Records": records}).to_string();
        let trigger = format!("queue {queue}");
        let cause = Cause {
            function: self.pool.name().to_owned(),
            trigger: trigger.clone(),
        };
        // Looks that find nothing are not counted: how many there are does not depend on the messages.
        self.meter.polled(cause.clone(), "ReceiveMessage", queue);
        let struck = self.faults.draw(Target::Queue, queue, self.pool.name(), |_| true);
        if let Some(late) = struck.filter(|struck| struck.kind == Kind::Late) {
            tokio::time::sleep(late.delay).await;
        }
        let failed = match self.pool.invoke_event(&trigger, event.into()).await {
            Ok(answer) if self.source.report_failures => {
                let ids: Vec<&str> = messages.iter().map(|message| message.id.as_str()).collect();
                failures(&answer, &ids)
            }
            Ok(_) => Vec::new(),
            Err(_) => (0..messages.len()).collect(),
        };
        // What was done is not deleted: it comes again once its visibility ends, and holds its group up till then.
        if struck.is_some_and(|struck| struck.kind == Kind::Duplicate) {
            self.comes_back(messages.iter());
            return;
        }
        let done = messages
            .iter()
            .enumerate()
            .filter(|(index, _)| !failed.contains(index));
        for (_, message) in done {
            if let Err(error) = self.delete(message) {
                self.console.say(&format!("queue {queue}: {error}"));
            }
        }
        if failed.len() < messages.len() {
            self.meter.polled(cause, "DeleteMessageBatch", queue);
        }
        self.comes_back(failed.iter().filter_map(|index| messages.get(*index)));
        if !failed.is_empty() {
            self.console.say(&format!(
                "{}: {} of {} messages of {queue} failed and come back later",
                self.pool.name(),
                failed.len(),
                messages.len()
            ));
        }
        // A group that waited for these may go on now.
        self.queues.changed().notify_waiters();
    }
}
