//! Restoring: fresh tables with the items of then, as AWS would make them.
//!
//! AWS restores into a table of another name, which then takes the old one's place. Here it takes it at once, under
//! the old name; it is another table all the same, with another id. AWS brings back neither stream nor time to
//! live; they are switched on again here, unless `bare` leaves the tables as AWS does.

use serde_json::{Value, json};

use super::Unavailable;
use crate::clock::rfc3339;
use crate::stack::Shared;

/// Where the ledger of before stays when the Ledger table is restored: at AWS the old table stays anyway.
pub(crate) const LIVE_LEDGER: &str = "LedgerTable-before-restore";
const LEDGER: &str = "LedgerTable";

/// What to restore.
#[derive(Debug)]
pub(crate) struct Restore {
    /// As of when.
    pub(crate) at_ms: i64,
    /// The time that this was asked at: windows reach back from here.
    pub(crate) now_ms: i64,
    /// Which tables; `None` for all. Then a table whose own window does not reach so far stays as it is: it knows
    /// all that its backup could know, less what was forgotten since.
    pub(crate) tables: Option<Vec<String>>,
    /// Whether streams and times to live stay off.
    pub(crate) bare: bool,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// No such table.
    #[error("there is no table {0}")]
    UnknownTable(String),
    /// There is nothing to restore it from.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The embedded database.
    #[error("{0}")]
    Database(String),
}

/// Restores, ends every instance of every function, and says what it did.
pub(crate) async fn restore(shared: &Shared, wanted: &Restore) -> Result<Value, RestoreError> {
    let tables = &shared.template.tables;
    let chosen = match &wanted.tables {
        None => tables.iter().collect(),
        Some(names) => names
            .iter()
            .map(|name| {
                let found = tables.iter().find(|table| table.name == *name);
                found.ok_or_else(|| RestoreError::UnknownTable(name.clone()))
            })
            .collect::<Result<Vec<_>, _>>()?,
    };
    // All is known before anything is changed.
    let (mut found, mut report) = (Vec::new(), Vec::new());
    for table in chosen {
        match shared.backups.find(&table.name, wanted.at_ms, wanted.now_ms) {
            Ok((as_of, items)) => {
                report.push(json!({"table": table.name, "restored": true, "as_of": rfc3339(as_of), "items": items.len()}));
                found.push((table, items));
            }
            Err(why @ Unavailable::OutsideWindow { .. }) if wanted.tables.is_none() => {
                report.push(json!({"table": table.name, "restored": false, "reason": why.to_string()}));
            }
            Err(why) => return Err(why.into()),
        }
    }
    if found.is_empty() {
        let why = "no table can be restored as of then".to_owned();
        return Err(Unavailable::Unreadable(why).into());
    }
    let mut live_ledger = LEDGER;
    {
        let _nobody_else = shared.database.alone().await;
        for (table, items) in found {
            if table.name == LEDGER {
                shared
                    .database
                    .copy_table(table, LIVE_LEDGER)
                    .map_err(RestoreError::Database)?;
                live_ledger = LIVE_LEDGER;
            }
            shared
                .database
                .replace_table(table, items, wanted.bare)
                .map_err(RestoreError::Database)?;
        }
    }
    // As at AWS, where pointing functions at other tables starts them anew.
    for pool in shared.pools.values() {
        pool.kill().await;
    }
    Ok(json!({
        "object": "restore",
        "at": rfc3339(wanted.at_ms),
        "tables": report,
        "live_ledger": live_ledger,
        "next": format!("usher-ops --local {} restore replay --from-ledger {live_ledger}", shared.base_url),
    }))
}
