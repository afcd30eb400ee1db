//! Several writes that happen together or not at all. Each costs twice its units, so they are for what is rare
//! and must not come apart.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update};
use serde_json::Value;
use usher_shared::record::{Malformed, Record};

use super::item::{self, attribute};
use super::keys::Key;
use super::{Store, StoreError, When, Written};
use crate::sealing::DataKey;

/// One part of what is to happen together.
#[derive(Clone, Debug)]
pub struct Part(TransactWriteItem);

fn unbuilt<R: Record>() -> StoreError {
    Malformed {
        kind: R::SPEC.kind,
        field: "transaction",
    }
    .into()
}

impl Store {
    /// As a part: writes `record` at `key` if `when` holds.
    ///
    /// # Errors
    /// [`StoreError`] if the record cannot be written as an item.
    pub fn putting<R: Record>(
        &self,
        key: &Key<R>,
        record: &R,
        data_key: &DataKey<R::SealedBy>,
        when: When,
    ) -> Result<Part, StoreError> {
        let item = item::encode(key, record, data_key, self.policy.as_ref(), self.entropy.as_ref())?;
        let mut expression = self.expression::<R>();
        let condition = expression.condition(&[when]);
        let put = Put::builder()
            .table_name(self.tables.name(key.table))
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_names(expression.names())
            .set_expression_attribute_values(expression.values())
            .build();
        let put = put.map_err(|_| unbuilt::<R>())?;
        Ok(Part(TransactWriteItem::builder().put(put).build()))
    }

    /// As a part: sets open fields of a row if all of `when` hold.
    ///
    /// # Errors
    /// As [`Self::putting`].
    pub fn updating<R: Record>(
        &self,
        key: &Key<R>,
        set: Vec<(&'static str, Value)>,
        when: &[When],
    ) -> Result<Part, StoreError> {
        let mut expression = self.expression::<R>();
        let condition = expression.condition(when);
        let update = expression.update::<R>(set, key.listing.as_ref(), self.policy.as_ref())?;
        let update = Update::builder()
            .table_name(self.tables.name(key.table))
            .key(attribute::PK, AttributeValue::S(key.pk.clone()))
            .key(attribute::SK, AttributeValue::S(key.sk.clone()))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(expression.names())
            .set_expression_attribute_values(expression.values())
            .build();
        let update = update.map_err(|_| unbuilt::<R>())?;
        Ok(Part(TransactWriteItem::builder().update(update).build()))
    }

    /// As a part: deletes the row at `key` if all of `when` hold.
    ///
    /// # Errors
    /// As [`Self::putting`].
    pub fn deleting<R: Record>(&self, key: &Key<R>, when: &[When]) -> Result<Part, StoreError> {
        let mut expression = self.expression::<R>();
        let condition = expression.condition(when);
        let delete = Delete::builder()
            .table_name(self.tables.name(key.table))
            .key(attribute::PK, AttributeValue::S(key.pk.clone()))
            .key(attribute::SK, AttributeValue::S(key.sk.clone()))
            .set_condition_expression((!when.is_empty()).then_some(condition))
            .set_expression_attribute_names(expression.names())
            .set_expression_attribute_values(expression.values())
            .build();
        let delete = delete.map_err(|_| unbuilt::<R>())?;
        Ok(Part(TransactWriteItem::builder().delete(delete).build()))
    }

    /// As a part: changes nothing, and demands that all of `when` hold of the row at `key`.
    ///
    /// # Errors
    /// As [`Self::putting`].
    pub fn demanding<R: Record>(&self, key: &Key<R>, when: &[When]) -> Result<Part, StoreError> {
        let mut expression = self.expression::<R>();
        let condition = expression.condition(when);
        let check = ConditionCheck::builder()
            .table_name(self.tables.name(key.table))
            .key(attribute::PK, AttributeValue::S(key.pk.clone()))
            .key(attribute::SK, AttributeValue::S(key.sk.clone()))
            .condition_expression(condition)
            .set_expression_attribute_names(expression.names())
            .set_expression_attribute_values(expression.values())
            .build();
        let check = check.map_err(|_| unbuilt::<R>())?;
        Ok(Part(TransactWriteItem::builder().condition_check(check).build()))
    }

    /// Does all of the parts, or none if a condition of one does not hold. At most a hundred, each for a row of
    /// its own.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written, unless the database was unreachable, when nobody knows.
    pub async fn together(&self, parts: Vec<Part>) -> Result<Written, StoreError> {
        let parts = parts.into_iter().map(|Part(part)| part).collect();
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(parts))
            .send()
            .await;
        let Err(error) = sent else {
            return Ok(Written::Yes);
        };
        if let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
            error.as_service_error()
        {
            let mut reasons = canceled.cancellation_reasons().iter();
            if reasons.any(|reason| reason.code() == Some("ConditionalCheckFailed")) {
                return Ok(Written::No);
            }
        }
        Err(StoreError::database("TransactWriteItems", &error))
    }

    /// Deletes the row at `key` if all of `when` hold. A row that is not there satisfies what asks for nothing
    /// to be there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_if<R: Record>(&self, key: &Key<R>, when: &[When]) -> Result<Written, StoreError> {
        let mut expression = self.expression::<R>();
        let condition = expression.condition(when);
        let sent = self
            .client
            .delete_item()
            .table_name(self.tables.name(key.table))
            .key(attribute::PK, AttributeValue::S(key.pk.clone()))
            .key(attribute::SK, AttributeValue::S(key.sk.clone()))
            .condition_expression(condition)
            .set_expression_attribute_names(expression.names())
            .set_expression_attribute_values(expression.values())
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Written::Yes),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(Written::No),
                _ => Err(StoreError::database("DeleteItem", &error)),
            },
        }
    }
}
