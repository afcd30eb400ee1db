//! Whether the tables may serve. A table that was restored from a backup holds again what was erased since; until
//! the ledger of erasures was replayed on it, nothing may be read from it and nothing sent because of it.
//!
//! The mark in the Keys table names the three tables by the ids that the database gave them when they were made.
//! A restored table has another id, whatever its name; restored itself, the mark names the tables of before. So no
//! restore, of one table or of all, satisfies it: only provisioning and the replay write a mark that does.
//!
//! It is looked at when an instance starts, with the read that opens its connections. Once a minute while the instance
//! works it asks whether the tables are still the same, which costs no read: a table cannot be deleted and restored
//! under its name faster.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use usher_shared::Timestamp;
use usher_shared::records::ServingMark;
use usher_shared::untrusted::Label;

use crate::clock::wall_now;
use crate::platform::Platform;
use crate::sealing::DataKey;
use crate::store::keys::{self, Table};
use crate::store::{StoreError, When};

/// Why the tables may not be used.
#[derive(Debug, thiserror::Error)]
pub enum NotServing {
    /// A table is not the one that was marked.
    #[error("a table was restored from a backup and the ledger of erasures was not replayed on it")]
    Restoring,
    /// It could not be found out. A retry may help.
    #[error("whether the tables may serve is not known: {0}")]
    Unknown(#[from] StoreError),
}

/// How long a finding that the tables serve is relied on, by wall time.
const SERVES_FOR: Duration = Duration::from_mins(1);
/// How long it is still relied on if it cannot be renewed: descriptions of tables come from the control plane,
/// whose outage shall not become ours.
const SERVES_ON_FOR: Duration = Duration::from_mins(15);
/// How long a refusal is repeated without another look.
const REFUSES_FOR: Duration = Duration::from_secs(1);

/// What was last found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing yet.
    #[default]
    Unknown,
    /// The tables with these ids serve.
    Serves(Timestamp, TableIds),
    /// They do not.
    Refuses(Timestamp),
}

impl Standing {
    /// What is known without another look.
    fn known(&self, now: Timestamp) -> Option<bool> {
        match self {
            Self::Serves(at, _) if now.since(*at) < SERVES_FOR => Some(true),
            Self::Refuses(at) if now.since(*at) < REFUSES_FOR => Some(false),
            _ => None,
        }
    }

    /// Whether an earlier finding stands although it could not be renewed.
    fn stands(&self, now: Timestamp) -> bool {
        matches!(self, Self::Serves(at, _) if now.since(*at) < SERVES_ON_FOR)
    }
}

/// The ids of the three tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableIds {
    /// Of the Inbox table.
    pub inbox: Label,
    /// Of the Ledger table.
    pub ledger: Label,
    /// Of the Keys table.
    pub keys: Label,
}

impl TableIds {
    /// Whether `mark` was written for these tables.
    fn are_marked_by(&self, mark: &ServingMark) -> bool {
        (&self.inbox, &self.ledger, &self.keys) == (&mark.inbox.0, &mark.ledger.0, &mark.keys.0)
    }

    /// The mark that lets these tables serve.
    pub(crate) fn mark(self, at: Timestamp, replayed_through: Option<Timestamp>) -> ServingMark {
        ServingMark {
            inbox: self.inbox.into(),
            ledger: self.ledger.into(),
            keys: self.keys.into(),
            marked_at: at.into(),
            replayed_through: replayed_through.into(),
        }
    }
}

impl Platform {
    /// Whether the tables may be used.
    ///
    /// # Errors
    /// [`NotServing`].
    pub async fn serving(&self) -> Result<(), NotServing> {
        let now = wall_now();
        let last = self.standing().clone();
        if let Some(serves) = last.known(now) {
            return if serves {
                Ok(())
            } else {
                Err(NotServing::Restoring)
            };
        }
        // Boxed: rare, and large.
        match Box::pin(self.look(&last)).await {
            Ok(Some(ids)) => {
                *self.standing() = Standing::Serves(now, ids);
                Ok(())
            }
            Ok(None) => {
                *self.standing() = Standing::Refuses(now);
                Err(NotServing::Restoring)
            }
            Err(error) if last.stands(now) => {
                tracing::warn!(error = %error, "could not look again whether the tables serve");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ids of the tables, if they serve. Tables that served are not asked for their mark again.
    async fn look(&self, last: &Standing) -> Result<Option<TableIds>, StoreError> {
        if let Standing::Serves(_, known) = last {
            let ids = self.table_ids().await?;
            if ids == *known {
                return Ok(Some(ids));
            }
        }
        Box::pin(self.look_for_mark()).await
    }

    /// The ids of the tables, if the mark names them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn look_for_mark(&self) -> Result<Option<TableIds>, StoreError> {
        let (row, key) = (keys::serving_mark(), DataKey::none());
        let store = self.platform_store();
        let (mark, ids) = tokio::try_join!(store.get(&row, &key, false), self.table_ids())?;
        let serves = match mark {
            Some(mark) => ids.are_marked_by(&mark),
            // Where not even the directory has a key nothing can be read, and nothing was ever provisioned.
            None => store.get_row(&keys::platform_key(), true).await?.is_none(),
        };
        Ok(serves.then_some(ids))
    }

    /// The ids that the database gave the tables.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn table_ids(&self) -> Result<TableIds, StoreError> {
        let (inbox, ledger, keys) = tokio::try_join!(
            self.table_id(Table::Inbox),
            self.table_id(Table::Ledger),
            self.table_id(Table::Keys)
        )?;
        Ok(TableIds { inbox, ledger, keys })
    }

    async fn table_id(&self, table: Table) -> Result<Label, StoreError> {
        let answer = self
            .clients
            .dynamodb
            .describe_table()
            .table_name(self.tables.name(table))
            .send()
            .await
            .map_err(|error| StoreError::database("DescribeTable", &error))?;
        let id = answer.table.and_then(|table| table.table_id);
        id.and_then(|id| id.parse().ok())
            .ok_or_else(|| StoreError::Database {
                operation: "DescribeTable",
                code: "NoTableId".to_owned(),
            })
    }

    /// Lets tables serve that nothing was ever stored in. A mark that is there stands.
    pub(crate) async fn mark_new_tables(&self) -> Result<(), StoreError> {
        let mark = self.table_ids().await?.mark(self.clock().now(), None);
        let row = keys::serving_mark();
        let _stands = self
            .platform_store()
            .put(&row, &mark, &DataKey::none(), When::Absent)
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn ids(of: [&str; 3]) -> TableIds {
        let [inbox, ledger, keys] = of.map(|id| id.parse().unwrap());
        TableIds { inbox, ledger, keys }
    }

    #[test]
    fn a_mark_lets_serve_the_very_tables_that_it_names() {
        let mark = ids(["a", "b", "c"]).mark(Timestamp::from_millis(1), None);
        assert!(ids(["a", "b", "c"]).are_marked_by(&mark));
        for other in [["x", "b", "c"], ["a", "x", "c"], ["a", "b", "x"], ["b", "a", "c"]] {
            assert!(!ids(other).are_marked_by(&mark), "{other:?}");
        }
    }

    #[test]
    fn a_finding_is_relied_on_for_a_minute_and_a_refusal_for_a_second() {
        let at = Timestamp::from_millis(1_000_000);
        let after = |seconds| at.plus(Duration::from_secs(seconds));
        let serves = || Standing::Serves(at, ids(["a", "b", "c"]));
        assert_eq!(Standing::Unknown.known(at), None);
        for (standing, seconds, known) in [
            (serves(), 0, Some(true)),
            (serves(), 59, Some(true)),
            (serves(), 60, None),
            (Standing::Refuses(at), 0, Some(false)),
            (Standing::Refuses(at), 1, None),
        ] {
            assert_eq!(
                standing.known(after(seconds)),
                known,
                "{standing:?} after {seconds} s"
            );
        }
    }

    #[test]
    fn only_an_earlier_permission_outlasts_an_outage_and_not_for_long() {
        let at = Timestamp::from_millis(1_000_000);
        let after = |minutes| at.plus(Duration::from_mins(minutes));
        let serves = Standing::Serves(at, ids(["a", "b", "c"]));
        assert!(serves.stands(after(14)) && !serves.stands(after(15)));
        assert!(!Standing::Refuses(at).stands(at) && !Standing::Unknown.stands(at));
    }
}
