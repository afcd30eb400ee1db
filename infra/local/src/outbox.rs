//! Everything that left the system, in order.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

#[derive(Debug, Default)]
struct Entries {
    known: HashSet<(String, String)>,
    list: Vec<Value>,
}

/// The record of what left. Kept in memory: it describes a run, not the product's data.
#[derive(Debug, Default)]
pub struct Outbox {
    entries: Mutex<Entries>,
}

impl Outbox {
    /// Enters something that left through `channel`, unless this kind and id were entered before.
    pub fn enter_once(&self, kind: &str, id: &str, channel: &str, content: &Value, now_ms: i64) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.known.insert((kind.to_owned(), id.to_owned())) {
            let number = entries.list.len() + 1;
            entries.list.push(json!({
                "number": number,
                "kind": kind,
                "id": id,
                "channel": channel,
                "at": crate::clock::rfc3339(now_ms),
                "content": content,
            }));
        }
    }

    /// All entries, or those of one kind, in order.
    pub fn list(&self, kind: Option<&str>) -> Vec<Value> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |entry: &&Value| kind.is_none_or(|kind| entry.get("kind").is_some_and(|k| k == kind));
        entries.list.iter().filter(wanted).cloned().collect()
    }
}
