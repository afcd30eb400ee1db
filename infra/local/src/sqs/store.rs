//! The queues: one table of messages in `SQLite`, every rule a statement about it.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::SqsError;
use crate::ids::{random_hex, random_uuid};
use crate::template::Queue;

/// How long a FIFO queue recognises a duplicate.
const DEDUPLICATION_MS: i64 = 5 * 60 * 1000;

/// A message to send.
#[derive(Debug, Clone, Default)]
pub struct NewMessage {
    /// Its text.
    pub body: String,
    /// Group, required in FIFO queues.
    pub group: Option<String>,
    /// Duplicates are recognised by this, required in FIFO queues.
    pub deduplication: Option<String>,
    /// Delay of this message alone, in seconds; standard queues only.
    pub delay_seconds: Option<i64>,
    /// Message attributes as JSON.
    pub attributes: serde_json::Value,
}

/// A message in a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its place in the order of all messages.
    pub sequence: i64,
    /// Id given when it was sent.
    pub id: String,
    /// Its text.
    pub body: String,
    /// Group of a FIFO queue.
    pub group: Option<String>,
    /// Deduplication id of a FIFO queue.
    pub deduplication: Option<String>,
    /// Message attributes as JSON text.
    pub attributes: String,
    /// When it was sent, wall milliseconds.
    pub sent_ms: i64,
    /// When it can be received (again), wall milliseconds.
    pub visible_ms: i64,
    /// When it was first received.
    pub first_received_ms: Option<i64>,
    /// How often it was received.
    pub receives: u32,
    /// Handle of the latest receipt.
    pub receipt: Option<String>,
}

/// All queues.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
    queues: BTreeMap<String, Queue>,
    longest_delay: Option<Duration>,
}

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS messages (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        grp TEXT,
        deduplication TEXT,
        attributes TEXT NOT NULL,
        sent_ms INTEGER NOT NULL,
        visible_ms INTEGER NOT NULL,
        first_received_ms INTEGER,
        receives INTEGER NOT NULL DEFAULT 0,
        receipt TEXT
    );
    CREATE INDEX IF NOT EXISTS messages_by_queue ON messages (queue, sequence);
    CREATE TABLE IF NOT EXISTS recent (
        queue TEXT NOT NULL,
        deduplication TEXT NOT NULL,
        message TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        sent_ms INTEGER NOT NULL,
        PRIMARY KEY (queue, deduplication)
    );";

const COLUMNS: &str = "sequence, id, body, grp, deduplication, attributes, sent_ms, visible_ms, \
    first_received_ms, receives, receipt";

impl Store {
    /// Opens the queues in `file`, or in memory.
    pub fn open(file: Option<&Path>, queues: impl IntoIterator<Item = Queue>) -> Result<Self, SqsError> {
        let connection = match file {
            Some(file) => Connection::open(file)?,
            None => Connection::open_in_memory()?,
        };
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.execute_batch(SCHEMA)?;
        let queues = queues
            .into_iter()
            .map(|queue| (queue.name.clone(), queue))
            .collect();
        Ok(Self {
            connection: Mutex::new(connection),
            queues,
            longest_delay: None,
        })
    }

    /// Bounds the delays that senders ask for.
    #[must_use]
    pub fn with_longest_delay(self, longest_delay: Option<Duration>) -> Self {
        Self {
            longest_delay,
            ..self
        }
    }

    /// A queue by name.
    pub fn queue(&self, name: &str) -> Result<&Queue, SqsError> {
        self.queues
            .get(name)
            .ok_or_else(|| SqsError::NoQueue(name.to_owned()))
    }

    /// Names of all queues.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.queues.keys().map(String::as_str)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a message; returns its id and sequence number. A duplicate within five minutes is accepted
    /// and forgotten: the answer is that of the first.
    pub fn send(&self, queue: &str, new: &NewMessage, now: i64) -> Result<(String, i64), SqsError> {
        let queue = self.queue(queue)?;
        if queue.fifo {
            if new.group.as_ref().is_none_or(String::is_empty) {
                return Err(SqsError::Missing("MessageGroupId"));
            }
            if new.deduplication.as_ref().is_none_or(String::is_empty) {
                return Err(SqsError::Missing("MessageDeduplicationId"));
            }
            if new.delay_seconds.is_some_and(|delay| delay != 0) {
                return Err(SqsError::Invalid(
                    "a FIFO queue has no delay per message".to_owned(),
                ));
            }
        }
        if new.body.is_empty() || new.body.len() > 1024 * 1024 {
            return Err(SqsError::Invalid(
                "a body has between 1 byte and 1 MiB".to_owned(),
            ));
        }
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        if let (true, Some(deduplication)) = (queue.fifo, &new.deduplication) {
            transaction.execute(
                "DELETE FROM recent WHERE queue = ?1 AND sent_ms <= ?2",
                params![queue.name, now - DEDUPLICATION_MS],
            )?;
            let first = transaction
                .query_row(
                    "SELECT message, sequence FROM recent WHERE queue = ?1 AND deduplication = ?2",
                    params![queue.name, deduplication],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            if let Some(first) = first {
                return Ok(first);
            }
        }
        let id = random_uuid();
        let delay = new
            .delay_seconds
            .map_or_else(|| milliseconds(queue.delay), |seconds| seconds * 1000);
        let delay = self
            .longest_delay
            .map_or(delay, |most| delay.min(milliseconds(most)));
        transaction.execute(
            "INSERT INTO messages (queue, id, body, grp, deduplication, attributes, sent_ms, visible_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                queue.name,
                id,
                new.body,
                new.group,
                new.deduplication,
                new.attributes.to_string(),
                now,
                now + delay
            ],
        )?;
        let sequence = transaction.last_insert_rowid();
        if let (true, Some(deduplication)) = (queue.fifo, &new.deduplication) {
            transaction.execute(
                "INSERT INTO recent VALUES (?1, ?2, ?3, ?4, ?5)",
                params![queue.name, deduplication, id, sequence, now],
            )?;
        }
        transaction.commit()?;
        Ok((id, sequence))
    }

    /// Receives up to `limit` messages and hides them for `visibility_ms` (the queue's own when `None`).
    ///
    /// In a FIFO queue a group gives its messages in order, and none while an earlier one is hidden:
    /// in flight, failed and waiting, or delayed. What was received too often goes to the dead letters.
    pub fn receive(
        &self,
        queue: &str,
        limit: usize,
        visibility_ms: Option<i64>,
        now: i64,
    ) -> Result<Vec<Message>, SqsError> {
        let queue = self.queue(queue)?;
        let hidden_until = now + visibility_ms.unwrap_or_else(|| milliseconds(queue.visibility));
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction.execute(
            "DELETE FROM messages WHERE queue = ?1 AND sent_ms < ?2",
            params![queue.name, now - milliseconds(queue.retention)],
        )?;
        let mut received = Vec::new();
        let mut blocked = HashSet::new();
        for mut message in select(&transaction, &queue.name)? {
            if received.len() == limit {
                break;
            }
            if message
                .group
                .as_ref()
                .is_some_and(|group| queue.fifo && blocked.contains(group))
            {
                continue;
            }
            if message.visible_ms > now {
                blocked.extend(message.group.take());
                continue;
            }
            if let Some((target, most)) = &queue.dead_letters
                && message.receives >= *most
            {
                bury(&transaction, &message, target, now)?;
                continue;
            }
            message.receives += 1;
            message.first_received_ms = message.first_received_ms.or(Some(now));
            message.visible_ms = hidden_until;
            message.receipt = Some(random_hex(24));
            transaction.execute(
                "UPDATE messages SET receives = ?2, first_received_ms = ?3, visible_ms = ?4, receipt = ?5
                 WHERE sequence = ?1",
                params![
                    message.sequence,
                    message.receives,
                    message.first_received_ms,
                    message.visible_ms,
                    message.receipt
                ],
            )?;
            received.push(message);
        }
        transaction.commit()?;
        Ok(received)
    }

    /// Deletes a received message. Deleting twice is no error.
    pub fn delete(&self, queue: &str, receipt: &str, now: i64) -> Result<(), SqsError> {
        let queue = self.queue(queue)?;
        let connection = self.lock();
        let deleted = connection.execute(
            "DELETE FROM messages WHERE queue = ?1 AND receipt = ?2 AND (?3 = 0 OR visible_ms > ?4)",
            params![queue.name, receipt, queue.fifo, now],
        )?;
        let remains: i64 = connection.query_row(
            "SELECT count(*) FROM messages WHERE queue = ?1 AND receipt = ?2",
            params![queue.name, receipt],
            |row| row.get(0),
        )?;
        if deleted == 0 && remains > 0 {
            Err(SqsError::Expired)
        } else {
            Ok(())
        }
    }

    /// Hides a received message for another `visibility_ms` from now; zero shows it at once.
    pub fn change_visibility(
        &self,
        queue: &str,
        receipt: &str,
        visibility_ms: i64,
        now: i64,
    ) -> Result<(), SqsError> {
        let queue = self.queue(queue)?;
        let changed = self.lock().execute(
            "UPDATE messages SET visible_ms = ?3 WHERE queue = ?1 AND receipt = ?2 AND visible_ms > ?4",
            params![queue.name, receipt, now + visibility_ms, now],
        )?;
        if changed == 0 {
            Err(SqsError::Expired)
        } else {
            Ok(())
        }
    }

    /// Shows every message that is in flight: for a start, when nobody can still be working on one.
    pub fn release_in_flight(&self, now: i64) -> Result<(), SqsError> {
        self.lock().execute(
            "UPDATE messages SET visible_ms = ?1, receipt = NULL WHERE receipt IS NOT NULL AND visible_ms > ?1",
            params![now],
        )?;
        Ok(())
    }

    /// Every message of a queue, oldest first.
    pub fn messages(&self, queue: &str) -> Result<Vec<Message>, SqsError> {
        Ok(select(&self.lock(), queue)?)
    }

    /// The earliest time at which a message that is hidden now can be received.
    pub fn next_visible_ms(&self, queue: &str, now: i64) -> Result<Option<i64>, SqsError> {
        Ok(self.lock().query_row(
            "SELECT min(visible_ms) FROM messages WHERE queue = ?1 AND visible_ms > ?2",
            params![queue, now],
            |row| row.get(0),
        )?)
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

fn select(connection: &Connection, queue: &str) -> rusqlite::Result<Vec<Message>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM messages WHERE queue = ?1 ORDER BY sequence"
    ))?;
    let rows = statement.query_map(params![queue], read)?;
    rows.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        sequence: row.get(0)?,
        id: row.get(1)?,
        body: row.get(2)?,
        group: row.get(3)?,
        deduplication: row.get(4)?,
        attributes: row.get(5)?,
        sent_ms: row.get(6)?,
        visible_ms: row.get(7)?,
        first_received_ms: row.get(8)?,
        receives: row.get(9)?,
        receipt: row.get(10)?,
    })
}

/// Moves a message to the dead letters: a new place at the end, the same id and time of sending.
fn bury(connection: &Connection, message: &Message, target: &str, now: i64) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM messages WHERE sequence = ?1",
        params![message.sequence],
    )?;
    connection.execute(
        "INSERT INTO messages (queue, id, body, grp, deduplication, attributes, sent_ms, visible_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            target,
            message.id,
            message.body,
            message.group,
            message.deduplication,
            message.attributes,
            message.sent_ms,
            now
        ],
    )?;
    Ok(())
}
