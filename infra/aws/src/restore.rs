//! What an operator does with tables that were restored from a backup, before they may serve: brings what the
//! ledger of erasures says up to date, forgets again what it names, looks whether anything is left, and writes the
//! mark. Functions have no permission for it. Nothing here is undone by doing it again.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::TimeToLiveStatus;
use usher_shared::Timestamp;
use usher_shared::ids::TenantId;
use usher_shared::record::Record;
use usher_shared::records::{Erasing, ExportProgress, ExportSlot, ServingMark};

use crate::platform::Platform;
use crate::scope::TenantScope;
use crate::sealing::{DataKey, KeyringError};
use crate::store::item::{Item, attribute, text};
use crate::store::keys::{self, Table};
use crate::store::{Row, StoreError};

/// Rows of one page of a ledger.
const PAGE: i32 = 200;

/// Some rows of a ledger, as they are.
#[derive(Debug)]
pub struct LedgerPage {
    rows: Vec<Item>,
    /// Where to read on, if there are more.
    pub next: Option<LedgerPlace>,
}

/// A place in a ledger.
#[derive(Clone, Debug)]
pub struct LedgerPlace(Item);

/// Whether the stack serves, and on what grounds.
#[derive(Debug)]
pub struct ServingNow {
    /// Whether the mark names these tables, or nothing was ever provisioned.
    pub serves: bool,
    /// The mark, whichever tables it names.
    pub mark: Option<ServingMark>,
}

/// How a row of a newer ledger got on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merged {
    /// It was written.
    Written,
    /// What is there is as new, or newer.
    Kept,
    /// It is of a kind that means nothing after a restore.
    Passed,
}

impl LedgerPage {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The erasures among the rows, with their tenants.
    ///
    /// # Errors
    /// [`StoreError`] if one cannot be read: then nobody knows what it was about.
    pub fn erasures(&self) -> Result<Vec<(TenantId, Erasing)>, StoreError> {
        let mut found = Vec::new();
        for row in &self.rows {
            if text(row, attribute::KIND) != Some(Erasing::SPEC.kind) {
                continue;
            }
            let tenant = text(row, attribute::PK).and_then(keys::parse_erasure_partition);
            let tenant = tenant.ok_or(usher_shared::record::Malformed {
                kind: Erasing::SPEC.kind,
                field: "pk",
            })?;
            found.push((tenant, crate::store::item::decode(row.clone(), &DataKey::none())?));
        }
        Ok(found)
    }
}

impl Platform {
    /// Whether the stack serves.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn serving_now(&self) -> Result<ServingNow, StoreError> {
        let row = keys::serving_mark();
        let mark = self.platform_store().get(&row, &DataKey::none(), true).await?;
        Ok(ServingNow {
            serves: Box::pin(self.look_for_mark()).await?.is_some(),
            mark,
        })
    }

    /// Name of the stack's own ledger.
    pub fn ledger_table(&self) -> &str {
        self.tables.name(Table::Ledger)
    }

    /// Rows of the ledger in `table`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ledger_page(
        &self,
        table: &str,
        from: Option<LedgerPlace>,
    ) -> Result<LedgerPage, StoreError> {
        let answer = self
            .clients
            .dynamodb
            .scan()
            .table_name(table)
            .consistent_read(true)
            .limit(PAGE)
            .set_exclusive_start_key(from.map(|place| place.0))
            .send()
            .await
            .map_err(|error| StoreError::database("Scan", &error))?;
        Ok(LedgerPage {
            rows: answer.items.unwrap_or_default(),
            next: answer.last_evaluated_key.map(LedgerPlace),
        })
    }

    /// Brings rows of a newer ledger into the stack's own. What is there already gives way only to a version that
    /// says of itself that it is newer, or, while `behind`, that it is from before the restore: a ledger never goes
    /// backwards. With `dry`, nothing is written and what would be is counted all the same.
    ///
    /// # Errors
    /// [`StoreError`]; some rows may be written.
    pub async fn merge(&self, page: &LedgerPage, behind: bool, dry: bool) -> Result<Vec<Merged>, StoreError> {
        let writes = page.rows.iter().map(|row| self.merge_row(row, behind, dry));
        futures_util::future::try_join_all(writes).await
    }

    async fn merge_row(&self, row: &Item, behind: bool, dry: bool) -> Result<Merged, StoreError> {
        let transient = [ExportSlot::SPEC.kind, ExportProgress::SPEC.kind];
        if text(row, attribute::KIND).is_none_or(|kind| transient.contains(&kind)) {
            return Ok(Merged::Passed);
        }
        let there = self.raw_ledger_row(row).await?;
        if there.as_ref().is_some_and(|there| !gives_way(there, row, behind)) {
            return Ok(Merged::Kept);
        }
        if dry {
            return Ok(Merged::Written);
        }
        let condition = match &there {
            None => "attribute_not_exists(pk)",
            Some(there) if there.contains_key(UPDATED) => "updated_at = :seen",
            Some(_) => "attribute_not_exists(updated_at)",
        };
        let seen = there.and_then(|there| there.get(UPDATED).cloned());
        let put = self
            .clients
            .dynamodb
            .put_item()
            .table_name(self.tables.name(Table::Ledger))
            .set_item(Some(row.clone()))
            .condition_expression(condition)
            .set_expression_attribute_values(seen.map(|seen| HashMap::from([(":seen".to_owned(), seen)])))
            .send()
            .await;
        match put {
            Ok(_) => Ok(Merged::Written),
            Err(error) => match error.as_service_error() {
                // Somebody else merges too; what they wrote came from a ledger as well.
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(Merged::Kept),
                _ => Err(StoreError::database("PutItem", &error)),
            },
        }
    }

    async fn raw_ledger_row(&self, row: &Item) -> Result<Option<Item>, StoreError> {
        let key = [attribute::PK, attribute::SK]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), row.get(name)?.clone())));
        let answer = self
            .clients
            .dynamodb
            .get_item()
            .table_name(self.tables.name(Table::Ledger))
            .set_key(Some(key.collect()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::database("GetItem", &error))?;
        Ok(answer.item)
    }

    /// Enters a tenant of tables that do not serve yet. `None` if its key is not there: then nothing of it can be
    /// read, by anybody.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn enter_restored(&self, tenant: TenantId) -> Result<Option<TenantScope>, KeyringError> {
        self.enter_as_operator(tenant).await
    }

    /// What a restore does not bring back and the product does not work without, by table: streams and times to
    /// live. Empty if all is well.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settings_off(&self) -> Result<Vec<String>, StoreError> {
        let mut off = Vec::new();
        for (table, has_stream) in [(Table::Inbox, true), (Table::Ledger, true), (Table::Keys, false)] {
            let name = self.tables.name(table);
            let client = &self.clients.dynamodb;
            let described = client.describe_table().table_name(name).send().await;
            let described = described.map_err(|error| StoreError::database("DescribeTable", &error))?;
            let stream = described.table.and_then(|table| table.stream_specification);
            if has_stream && !stream.is_some_and(|stream| stream.stream_enabled) {
                off.push(format!("{name}: its stream is off"));
            }
            let described = client.describe_time_to_live().table_name(name).send().await;
            let described = described.map_err(|error| StoreError::database("DescribeTimeToLive", &error))?;
            let status = described
                .time_to_live_description
                .and_then(|ttl| ttl.time_to_live_status);
            let on = [TimeToLiveStatus::Enabled, TimeToLiveStatus::Enabling];
            if !status.is_some_and(|status| on.contains(&status)) {
                off.push(format!("{name}: its time to live is off"));
            }
        }
        Ok(off)
    }

    /// Lets the tables serve: the last step of a replay. Functions find out within seconds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark_serving(&self, replayed_through: Timestamp) -> Result<ServingMark, StoreError> {
        let ids = self.table_ids().await?;
        let mark = ids.mark(self.clock().now(), Some(replayed_through));
        self.platform_store()
            .replace(&keys::serving_mark(), &mark, &DataKey::none())
            .await?;
        Ok(mark)
    }
}

/// By which a row says when it last changed.
const UPDATED: &str = "updated_at";

/// Whether the row that is there gives way to one of the other ledger.
fn gives_way(there: &Item, newer: &Item, behind: bool) -> bool {
    let at = |row: &Item| Row::new(row.clone()).peek::<Timestamp>(UPDATED);
    match (at(there), at(newer)) {
        (Some(there), Some(newer)) => there < newer,
        _ => behind && there != newer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::types::AttributeValue;

    fn row(updated: Option<i64>, word: &str) -> Item {
        let mut row = Item::from([("pk".to_owned(), AttributeValue::S("p".to_owned()))]);
        row.insert("word".to_owned(), AttributeValue::S(word.to_owned()));
        if let Some(at) = updated {
            row.insert(UPDATED.to_owned(), AttributeValue::N(at.to_string()));
        }
        row
    }

    #[test]
    fn a_ledger_never_goes_backwards() {
        for (there, other, behind, gives) in [
            (row(Some(1), "a"), row(Some(2), "b"), false, true),
            (row(Some(2), "a"), row(Some(1), "b"), true, false),
            (row(Some(2), "a"), row(Some(2), "b"), true, false),
            (row(None, "a"), row(None, "b"), true, true),
            (row(None, "a"), row(None, "a"), true, false),
            (row(None, "a"), row(None, "b"), false, false),
        ] {
            assert_eq!(
                gives_way(&there, &other, behind),
                gives,
                "{there:?} {other:?} {behind}"
            );
        }
    }
}
