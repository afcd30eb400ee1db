//! Taking stamps off what a hold protects: the database removes stamped rows by itself and knows of no hold.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use usher_shared::Timestamp;

use super::keys::Range;
use super::{Store, StoreError};

impl Store {
    /// Takes the stamps off those rows of a run that the database may remove at `until` or before, and says how
    /// many there were. For rows of a table, not of an index.
    ///
    /// # Errors
    /// [`StoreError`]; some stamps may be off already.
    pub async fn unstamp(&self, range: &Range, until: Timestamp) -> Result<u64, StoreError> {
        let table = self.tables.name(range.table);
        let until = AttributeValue::N(until.seconds_rounded_up().to_string());
        let (mut unstamped, mut start) = (0, None);
        loop {
            let page = self
                .client
                .query()
                .table_name(table)
                .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
                .filter_expression("expires_at <= :until")
                .expression_attribute_values(":pk", AttributeValue::S(range.pk.clone()))
                .expression_attribute_values(":from", AttributeValue::S(range.from.clone()))
                .expression_attribute_values(":to", AttributeValue::S(range.to.clone()))
                .expression_attribute_values(":until", until.clone())
                .projection_expression("pk, sk")
                .consistent_read(true)
                .set_exclusive_start_key(start.take())
                .send()
                .await
                .map_err(|error| StoreError::database("Query", &error))?;
            start = page.last_evaluated_key;
            for row in page.items.unwrap_or_default() {
                let sent = self
                    .client
                    .update_item()
                    .table_name(table)
                    .set_key(Some(row))
                    .update_expression("REMOVE expires_at")
                    // Removed meanwhile: it must not come back as an empty row.
                    .condition_expression("attribute_exists(pk)")
                    .send()
                    .await;
                match sent {
                    Ok(_) => unstamped += 1,
                    Err(error) => match error.as_service_error() {
                        Some(UpdateItemError::ConditionalCheckFailedException(_)) => {}
                        _ => return Err(StoreError::database("UpdateItem", &error)),
                    },
                }
            }
            if start.is_none() {
                return Ok(unstamped);
            }
        }
    }
}
