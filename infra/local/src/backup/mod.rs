//! Point-in-time recovery, to the day: a snapshot of each table per virtual day, kept as long as the table's own
//! `RecoveryPeriodInDays` says. Files in S3 are no part of it, here or at AWS.

mod restore;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

pub(crate) use self::restore::{LIVE_LEDGER, Restore, RestoreError, restore};
use crate::clock::Clock;
use crate::console::Console;
use crate::dynamodb::DynamoDb;
use crate::template::Table;

const DAY_MS: i64 = 86_400_000;
/// How often the clock on the wall is asked whether a day ended by itself.
const LOOK: Duration = Duration::from_secs(30);

/// Why there is nothing to restore a table from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The table has no recovery.
    #[error("{0} has no point-in-time recovery")]
    NoRecovery(String),
    /// It is longer ago than the table's window.
    #[error("{table} can be restored as of the last {days} days only")]
    OutsideWindow {
        /// The table.
        table: String,
        /// Its window.
        days: u32,
    },
    /// No snapshot is that old.
    #[error("no backup of {0} was taken by then")]
    NothingYet(String),
    /// The snapshot's file cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

/// One snapshot of one table.
#[derive(Debug, Clone)]
struct Snapshot {
    at_ms: i64,
    /// Taken because a day ended: there is one of these per day.
    daily: bool,
    items: Kept,
}

#[derive(Debug, Clone)]
enum Kept {
    Memory(Arc<[u8]>),
    File(PathBuf),
}

/// What is kept of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The table.
    pub table: String,
    /// Its window in days.
    pub window_days: u32,
    /// Times of its snapshots in milliseconds, oldest first.
    pub snapshots: Vec<i64>,
}

/// The snapshots of all tables.
#[derive(Debug)]
pub struct Backups {
    folder: Option<PathBuf>,
    windows: BTreeMap<String, u32>,
    kept: Mutex<BTreeMap<String, Vec<Snapshot>>>,
}

impl Backups {
    /// Snapshots in `folder`, or in memory without one.
    pub fn open(folder: Option<PathBuf>, tables: &[Table]) -> std::io::Result<Self> {
        let windows: BTreeMap<String, u32> = tables
            .iter()
            .filter_map(|table| Some((table.name.clone(), table.recovery_days?)))
            .collect();
        let mut kept = BTreeMap::new();
        if let Some(folder) = &folder {
            for table in windows.keys() {
                let of_table = folder.join(table);
                std::fs::create_dir_all(&of_table)?;
                let mut snapshots = Vec::new();
                for entry in std::fs::read_dir(&of_table)? {
                    snapshots.extend(from_file(entry?.path()));
                }
                snapshots.sort_by_key(|snapshot| snapshot.at_ms);
                kept.insert(table.clone(), snapshots);
            }
        }
        Ok(Self {
            folder,
            windows,
            kept: Mutex::new(kept),
        })
    }

    /// Takes a snapshot of every table with recovery, each by itself, and drops what has left its window.
    pub fn take(&self, database: &DynamoDb, now_ms: i64, daily: bool) -> Result<(), String> {
        for (table, days) in &self.windows {
            let items = serde_json::to_vec(&database.items(table)?).map_err(|e| e.to_string())?;
            let items = match &self.folder {
                None => Kept::Memory(items.into()),
                Some(folder) => {
                    let kind = if daily { "day" } else { "asked" };
                    let file = folder.join(table).join(format!("{now_ms:015}-{kind}.json"));
                    crate::files::replace(&file, &items).map_err(|e| format!("{}: {e}", file.display()))?;
                    Kept::File(file)
                }
            };
            let mut kept = self.lock();
            let snapshots = kept.entry(table.clone()).or_default();
            if daily {
                forget(snapshots, |old| {
                    old.daily && day(old.at_ms) == day(now_ms) && old.at_ms != now_ms
                });
            }
            snapshots.retain(|old| old.at_ms != now_ms);
            snapshots.push(Snapshot {
                at_ms: now_ms,
                daily,
                items,
            });
            prune(snapshots, window_start(now_ms, *days));
        }
        Ok(())
    }

    /// Drops what has left its window.
    pub fn drop_old(&self, now_ms: i64) {
        for (table, snapshots) in self.lock().iter_mut() {
            if let Some(days) = self.windows.get(table) {
                prune(snapshots, window_start(now_ms, *days));
            }
        }
    }

    /// The items of `table` as they were at `at_ms`, and when they were looked at.
    pub fn find(&self, table: &str, at_ms: i64, now_ms: i64) -> Result<(i64, Vec<Value>), Unavailable> {
        let Some(days) = self.windows.get(table) else {
            return Err(Unavailable::NoRecovery(table.to_owned()));
        };
        if at_ms < window_start(now_ms, *days) {
            return Err(Unavailable::OutsideWindow {
                table: table.to_owned(),
                days: *days,
            });
        }
        let found = self
            .lock()
            .get(table)
            .and_then(|all| all.iter().rev().find(|snapshot| snapshot.at_ms <= at_ms).cloned());
        let found = found.ok_or_else(|| Unavailable::NothingYet(table.to_owned()))?;
        let unreadable = |error: String| Unavailable::Unreadable(error);
        let bytes = match found.items {
            Kept::Memory(bytes) => bytes,
            Kept::File(file) => std::fs::read(&file)
                .map_err(|e| unreadable(format!("{}: {e}", file.display())))?
                .into(),
        };
        let items = serde_json::from_slice(&bytes).map_err(|e| unreadable(e.to_string()))?;
        Ok((found.at_ms, items))
    }

    /// What is kept of each table.
    pub fn held(&self) -> Vec<Held> {
        let kept = self.lock();
        let held = self.windows.iter().map(|(table, days)| Held {
            table: table.clone(),
            window_days: *days,
            snapshots: kept
                .get(table)
                .map(|all| all.iter().map(|snapshot| snapshot.at_ms).collect())
                .unwrap_or_default(),
        });
        held.collect()
    }

    /// Before the clock moves to `to_ms`: the day that ends is kept as it ended.
    pub(crate) fn before_move(&self, database: &DynamoDb, now_ms: i64, to_ms: i64) -> Result<(), String> {
        if day(now_ms) == day(to_ms) {
            return Ok(());
        }
        self.take(database, now_ms, true)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<Snapshot>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a snapshot whenever a day ends by itself, until the task is dropped. A day that the clock was moved over
/// was kept before the move.
pub(crate) async fn daily(
    backups: Arc<Backups>,
    database: Arc<DynamoDb>,
    clock: Arc<Clock>,
    console: Console,
) {
    let (mut last, mut offset) = (day(clock.now_ms()), clock.offset_ms());
    loop {
        tokio::time::sleep(LOOK).await;
        let (today, moved) = (day(clock.now_ms()), clock.offset_ms() != offset);
        if today != last
            && !moved
            && let Err(problem) = backups.take(&database, clock.now_ms(), true)
        {
            console.say(&format!("no backup of this day: {problem}"));
        }
        (last, offset) = (today, clock.offset_ms());
    }
}

/// The day that holds a time, counted from 1970.
fn day(at_ms: i64) -> i64 {
    at_ms.div_euclid(DAY_MS)
}

fn window_start(now_ms: i64, days: u32) -> i64 {
    now_ms.saturating_sub(i64::from(days).saturating_mul(DAY_MS))
}

/// Drops what is older than the window, but for the newest of it: that is what the table was like when the window
/// begins, if nothing was looked at since.
fn prune(snapshots: &mut Vec<Snapshot>, start_ms: i64) {
    let first = snapshots
        .iter()
        .filter(|snapshot| snapshot.at_ms <= start_ms)
        .map(|snapshot| snapshot.at_ms)
        .max();
    forget(snapshots, |old| first.is_some_and(|first| old.at_ms < first));
}

fn forget(snapshots: &mut Vec<Snapshot>, which: impl Fn(&Snapshot) -> bool) {
    for snapshot in snapshots.iter().filter(|snapshot| which(snapshot)) {
        if let Kept::File(file) = &snapshot.items
            && let Err(error) = std::fs::remove_file(file)
        {
            tracing::warn!(%error, file = %file.display(), "old backup not removed");
        }
    }
    snapshots.retain(|snapshot| !which(snapshot));
}

fn from_file(file: PathBuf) -> Option<Snapshot> {
    let (at, kind) = file.file_stem()?.to_str()?.split_once('-')?;
    (file.extension()? == "json").then_some(())?;
    Some(Snapshot {
        at_ms: at.parse().ok()?,
        daily: kind == "day",
        items: Kept::File(file),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(at_days: i64) -> Snapshot {
        Snapshot {
            at_ms: at_days * DAY_MS,
            daily: true,
            items: Kept::Memory(Arc::from([])),
        }
    }

    #[test]
    fn a_window_keeps_what_it_needs_to_show_its_first_moment_and_nothing_older() {
        for (taken, start, kept) in [
            (&[1, 2, 3, 4][..], 3, &[3, 4][..]),
            (&[1, 2, 4], 3, &[2, 4]),
            (&[1, 2], 9, &[2]),
            (&[5, 6], 3, &[5, 6]),
            (&[], 3, &[]),
        ] {
            let mut snapshots: Vec<Snapshot> = taken.iter().map(|at| snapshot(*at)).collect();
            prune(&mut snapshots, start * DAY_MS);
            let left: Vec<i64> = snapshots.iter().map(|left| left.at_ms / DAY_MS).collect();
            assert_eq!(left, kept, "{taken:?} from {start}");
        }
    }

    #[test]
    fn files_say_when_and_why_they_were_taken() {
        let found = from_file(PathBuf::from("x/000000000000123-day.json"));
        assert_eq!(found.map(|s| (s.at_ms, s.daily)), Some((123, true)));
        let asked = from_file(PathBuf::from("x/000000000000123-asked.json"));
        assert_eq!(asked.map(|s| s.daily), Some(false));
        for other in ["x/notes.txt", "x/000000000000123-day.new", "x/abc-day.json"] {
            assert!(from_file(PathBuf::from(other)).is_none(), "{other}");
        }
    }
}
