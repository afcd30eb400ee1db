//! Deleting runs of rows, whatever they are: what may no longer be read is deleted all the same.

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::keys::Range;
use super::{Store, StoreError};

/// Deletes in flight at once: fast enough for a long conversation, and no crowd beside live traffic.
const AT_ONCE: usize = 8;

impl Store {
    /// Deletes every row of a run of one table's own keys and says how many there were. Called again after a
    /// crash it goes on with what is left.
    ///
    /// # Errors
    /// [`StoreError`]; some rows may be deleted already.
    pub async fn purge(&self, range: &Range) -> Result<u64, StoreError> {
        let table = self.tables.name(range.table);
        let mut deleted = 0;
        loop {
            // From the start each time: what was deleted is gone, and no cursor can skip what came meanwhile.
            let page = self
                .client
                .query()
                .table_name(table)
                .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":pk", AttributeValue::S(range.pk.clone()))
                .expression_attribute_values(":from", AttributeValue::S(range.from.clone()))
                .expression_attribute_values(":to", AttributeValue::S(range.to.clone()))
                .projection_expression("pk, sk")
                .consistent_read(true)
                .send()
                .await
                .map_err(|error| StoreError::database("Query", &error))?;
            let more = page.last_evaluated_key.is_some();
            let rows = page.items.unwrap_or_default();
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
            if !more {
                return Ok(deleted);
            }
        }
    }
}
