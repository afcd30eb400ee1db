//! Deleting runs of rows, whatever they are: what may no longer be read is deleted all the same.

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use usher_shared::Timestamp;

use super::item::{self, Item, attribute};
use super::keys::Range;
use super::{Store, StoreError};

/// Deletes in flight at once: fast enough for a long conversation, and no crowd beside live traffic.
const AT_ONCE: usize = 8;

impl Store {
    /// Deletes every row of a run and says how many there were. Called again after a crash it goes on with what
    /// is left. A run of the `listing` index follows a write by moments: what it misses is for a second look.
    ///
    /// # Errors
    /// [`StoreError`]; some rows may be deleted already.
    pub async fn purge(&self, range: &Range) -> Result<u64, StoreError> {
        self.purge_until(range, None).await
    }

    /// Deletes the rows of a run that are anchored at `until` or before, or all of them.
    ///
    /// # Errors
    /// As [`Self::purge`].
    pub async fn purge_until(&self, range: &Range, until: Option<Timestamp>) -> Result<u64, StoreError> {
        let table = self.tables.name(range.table);
        let condition = if range.listing {
            "lpk = :pk AND lsk BETWEEN :from AND :to"
        } else {
            "pk = :pk AND sk BETWEEN :from AND :to"
        };
        let mut deleted = 0;
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(table)
                .set_index_name(range.listing.then(|| "listing".to_owned()))
                .key_condition_expression(condition)
                .expression_attribute_values(":pk", AttributeValue::S(range.pk.clone()))
                .expression_attribute_values(":from", AttributeValue::S(range.from.clone()))
                .expression_attribute_values(":to", AttributeValue::S(range.to.clone()))
                .projection_expression("pk, sk, a")
                .consistent_read(!range.listing)
                .set_exclusive_start_key(start.take())
                .send()
                .await
                .map_err(|error| StoreError::database("Query", &error))?;
            start = page.last_evaluated_key;
            let is_old =
                |row: &Item| until.is_none_or(|until| item::anchor(row).is_some_and(|at| at <= until));
            let rows = page
                .items
                .unwrap_or_default()
                .into_iter()
                .filter(is_old)
                .map(|mut row| {
                    row.remove(attribute::ANCHOR);
                    row
                });
            let rows: Vec<Item> = rows.collect();
            deleted += u64::try_from(rows.len()).unwrap_or(u64::MAX);
            stream::iter(rows)
                .map(|row| async move {
                    self.client
                        .delete_item()
                        .table_name(table)
                        .set_key(Some(row))
                        .send()
                        .await
                        .map_err(|error| StoreError::database("DeleteItem", &error))
                })
                .buffer_unordered(AT_ONCE)
                .try_for_each(|_| async { Ok(()) })
                .await?;
            if start.is_none() {
                return Ok(deleted);
            }
        }
    }
}
