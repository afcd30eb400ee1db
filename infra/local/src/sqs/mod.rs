//! SQS: queues kept in `SQLite` with the rules that the product depends on (groups, delay, visibility,
//! duplicates, dead letters), and the AWS JSON protocol in front of them. Runs on wall time. Written here
//! because the available emulator keeps no order in message groups and forgets everything on a restart.

mod error;
mod protocol;
mod record;
mod store;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use tokio::sync::Notify;

pub use self::error::SqsError;
pub(crate) use self::record::event_record;
pub use self::store::{Message, NewMessage, Store};
use crate::proxy::{Call, Service, refusal};
use crate::template::Queue;

/// The emulated service.
#[derive(Debug)]
pub struct Sqs {
    store: Store,
    changed: Arc<Notify>,
}

impl Sqs {
    /// Opens the queues kept in `file`, or in memory. `visibility` replaces the template's timeouts.
    pub fn open(
        file: Option<&Path>,
        queues: &[Queue],
        visibility: Option<Duration>,
        longest_delay: Option<Duration>,
    ) -> Result<Self, SqsError> {
        let queues = queues.iter().cloned().map(|mut queue| {
            queue.visibility = visibility.unwrap_or(queue.visibility);
            queue
        });
        let store = Store::open(file, queues)?.with_longest_delay(longest_delay);
        // What the last run was working on when it ended need not wait out its visibility.
        store.release_in_flight(crate::clock::wall_ms())?;
        Ok(Self {
            store,
            changed: Arc::default(),
        })
    }

    /// The queues themselves.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Wakes (all waiters) whenever something may have become receivable.
    pub fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// Sends one message as a service of the cloud would, past the proxy.
    pub fn send(&self, queue: &str, message: &NewMessage) -> Result<(), SqsError> {
        self.store.send(queue, message, crate::clock::wall_ms())?;
        self.changed.notify_waiters();
        Ok(())
    }

    pub(crate) fn answer(&self, call: &Call) -> Response {
        let now = crate::clock::wall_ms();
        match protocol::answer(&self.store, &call.operation, call.request.body(), now) {
            Ok(body) => {
                if call.operation != "ReceiveMessage" {
                    self.changed.notify_waiters();
                }
                (
                    [(header::CONTENT_TYPE, "application/x-amz-json-1.0")],
                    body.to_string(),
                )
                    .into_response()
            }
            Err(error) => refusal(
                Service::Sqs,
                StatusCode::BAD_REQUEST,
                error.code(),
                &error.to_string(),
            ),
        }
    }
}
