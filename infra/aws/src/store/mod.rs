//! The store: typed records in DynamoDB. It hands out nothing without the credentials it was made with;
//! [`crate::TenantScope`] makes one per tenant, the directory has its own.

mod expression;
pub mod item;
pub mod keys;
mod purge;
mod query;
mod readable;
mod row;
mod stamps;
mod transact;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use serde_json::Value;
use usher_shared::record::{Malformed, Record};
use usher_shared::{Clock, Entropy, TenantPolicy};

use self::expression::Expression;
pub use self::expression::When;
use self::item::{Item, attribute};
use self::keys::{Key, Table};
pub use self::query::{Page, Read};
use self::readable::Courses;
pub use self::row::{Row, Written};
pub use self::transact::Part;
use crate::platform::Tables;
use crate::sealing::{DataKey, SealingError};

/// Why the store could not do what it was asked. Carries no content and no keys.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or could not be reached. A retry may help.
    #[error("database: {operation} failed with {code}")]
    Database {
        /// Which operation.
        operation: &'static str,
        /// The database's own error code, or `unreachable`.
        code: String,
    },
    /// A row is not what its key says. A retry does not help.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A sealed field does not open. A retry does not help.
    #[error(transparent)]
    Sealing(#[from] SealingError),
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub const fn may_succeed_later(&self) -> bool {
        matches!(self, Self::Database { .. })
    }

    pub(crate) fn database<E, R>(
        operation: &'static str,
        error: &aws_sdk_dynamodb::error::SdkError<E, R>,
    ) -> Self
    where
        E: ProvideErrorMetadata,
    {
        let code = error
            .as_service_error()
            .and_then(ProvideErrorMetadata::code)
            .unwrap_or("unreachable");
        Self::Database {
            operation,
            code: code.to_owned(),
        }
    }
}

/// Typed access to the tables under one set of credentials.
#[derive(Clone)]
pub struct Store {
    pub(crate) client: aws_sdk_dynamodb::Client,
    pub(crate) tables: Tables,
    pub(crate) clock: std::sync::Arc<dyn Clock>,
    pub(crate) entropy: std::sync::Arc<dyn Entropy>,
    /// The policy in force; none for rows that are no tenant's.
    pub(crate) policy: Option<TenantPolicy>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// Writes `record` at `key` if `when` holds. The only way to write a whole row.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written, unless the database was unreachable, when nobody knows.
    pub async fn put<R: Record>(
        &self,
        key: &Key<R>,
        record: &R,
        data_key: &DataKey<R::SealedBy>,
        when: When,
    ) -> Result<Written, StoreError> {
        Ok(match self.put_or_find(key, record, data_key, when).await? {
            None => Written::Yes,
            Some(_) => Written::No,
        })
    }

    /// Writes `record` at `key` over whatever is there: for the operator's tools, which alone write rows that they
    /// know to be behind.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub(crate) async fn replace<R: Record>(
        &self,
        key: &Key<R>,
        record: &R,
        data_key: &DataKey<R::SealedBy>,
    ) -> Result<(), StoreError> {
        let item = item::encode(key, record, data_key, self.policy.as_ref(), self.entropy.as_ref())?;
        self.client
            .put_item()
            .table_name(self.tables.name(key.table))
            .set_item(Some(item))
            .send()
            .await
            .map_err(|error| StoreError::database("PutItem", &error))?;
        Ok(())
    }

    /// Writes `record` at `key` if no row is there that may still be read; otherwise gives back what is, without another read.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn insert_or_get<R: Record>(
        &self,
        key: &Key<R>,
        record: &R,
        data_key: &DataKey<R::SealedBy>,
    ) -> Result<Option<R>, StoreError> {
        self.put_or_get(key, record, data_key, When::AbsentOrEnded).await
    }

    /// Writes `record` at `key` if `when` holds; otherwise gives back what is there, without another read.
    ///
    /// # Errors
    /// As [`Self::put`]; a condition that fails on a row that is not there is [`StoreError::Malformed`].
    pub async fn put_or_get<R: Record>(
        &self,
        key: &Key<R>,
        record: &R,
        data_key: &DataKey<R::SealedBy>,
        when: When,
    ) -> Result<Option<R>, StoreError> {
        match self.put_or_find(key, record, data_key, when).await? {
            None => Ok(None),
            Some(existing) => item::decode(existing, data_key).map(Some),
        }
    }

    async fn put_or_find<R: Record>(
        &self,
        key: &Key<R>,
        record: &R,
        data_key: &DataKey<R::SealedBy>,
        when: When,
    ) -> Result<Option<Item>, StoreError> {
        let item = item::encode(key, record, data_key, self.policy.as_ref(), self.entropy.as_ref())?;
        let mut condition = self.expression::<R>();
        let text = condition.condition(&[when]);
        let result = self
            .client
            .put_item()
            .table_name(self.tables.name(key.table))
            .set_item(Some(item))
            .condition_expression(text)
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match result {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(lost)) => {
                    Ok(Some(lost.item().cloned().unwrap_or_default()))
                }
                _ => Err(StoreError::database("PutItem", &error)),
            },
        }
    }

    /// Sets open fields of a row if all of `when` hold. A `null` removes the field. Sealed fields are
    /// written by [`Self::put`] alone.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn update<R: Record>(
        &self,
        key: &Key<R>,
        set: Vec<(&'static str, Value)>,
        when: Vec<When>,
    ) -> Result<Written, StoreError> {
        let mut expression = self.expression::<R>();
        let condition = expression.condition(&when);
        let update = expression.update::<R>(set, key.listing.as_ref(), self.policy.as_ref())?;
        let result = self
            .client
            .update_item()
            .table_name(self.tables.name(key.table))
            .key(attribute::PK, AttributeValue::S(key.pk.clone()))
            .key(attribute::SK, AttributeValue::S(key.sk.clone()))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(expression.names())
            .set_expression_attribute_values(expression.values())
            .send()
            .await;
        match result {
            Ok(_) => Ok(Written::Yes),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(Written::No),
                _ => Err(StoreError::database("UpdateItem", &error)),
            },
        }
    }

    /// Adds one to an open counter of a row that is there.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn increment<R: Record>(&self, key: &Key<R>, field: &'static str) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(self.tables.name(key.table))
            .key(attribute::PK, AttributeValue::S(key.pk.clone()))
            .key(attribute::SK, AttributeValue::S(key.sk.clone()))
            .update_expression("ADD #field :one")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#field", field)
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .send()
            .await
            .map_err(|error| StoreError::database("UpdateItem", &error))?;
        Ok(())
    }

    /// Reads the row at `key`, unless it is past its period.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn get<R: Record>(
        &self,
        key: &Key<R>,
        data_key: &DataKey<R::SealedBy>,
        consistent: bool,
    ) -> Result<Option<R>, StoreError> {
        match self.get_row(key, consistent).await? {
            None => Ok(None),
            Some(row) => self.open(row, data_key).map(Some),
        }
    }

    /// Reads the row at `key` without opening it: for rows whose data key is found by what they hold.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn get_row<R: Record>(
        &self,
        key: &Key<R>,
        consistent: bool,
    ) -> Result<Option<Row>, StoreError> {
        let Some(found) = self.get_item(key, consistent).await? else {
            return Ok(None);
        };
        let readable = self.is_readable(&found, &mut Courses::default()).await?;
        Ok(readable.then_some(Row(found)))
    }

    /// Reads the row at `key` even if it is past its period: for what removes it, and for nothing else.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn get_row_ended<R: Record>(&self, key: &Key<R>) -> Result<Option<Row>, StoreError> {
        Ok(self.get_item(key, true).await?.map(Row))
    }

    async fn get_item<R: Record>(&self, key: &Key<R>, consistent: bool) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(self.tables.name(key.table))
            .key(attribute::PK, AttributeValue::S(key.pk.clone()))
            .key(attribute::SK, AttributeValue::S(key.sk.clone()))
            .consistent_read(consistent)
            .send()
            .await
            .map_err(|error| StoreError::database("GetItem", &error))?;
        Ok(answer.item)
    }

    /// Opens a row as an `R`.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] if it is of another kind, [`StoreError::Sealing`] if the key is not its own.
    pub fn open<R: Record>(&self, row: Row, data_key: &DataKey<R::SealedBy>) -> Result<R, StoreError> {
        item::decode(row.0, data_key)
    }

    /// Deletes the row at `key`. Says whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete<R: Record>(&self, key: &Key<R>) -> Result<bool, StoreError> {
        let answer = self
            .client
            .delete_item()
            .table_name(self.tables.name(key.table))
            .key(attribute::PK, AttributeValue::S(key.pk.clone()))
            .key(attribute::SK, AttributeValue::S(key.sk.clone()))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllOld)
            .send()
            .await
            .map_err(|error| StoreError::database("DeleteItem", &error))?;
        Ok(answer.attributes.is_some_and(|old| !old.is_empty()))
    }

    fn expression<R: Record>(&self) -> Expression {
        let days = self
            .policy
            .as_ref()
            .and_then(|policy| policy.longest(R::SPEC.category));
        let now = self.clock.now();
        Expression::new(R::SPEC.kind, days.map(|days| now.minus_days(days)), now)
    }
}

impl Tables {
    /// Name of `table`.
    pub fn name(&self, table: Table) -> &str {
        match table {
            Table::Inbox => &self.inbox,
            Table::Ledger => &self.ledger,
            Table::Keys => &self.keys,
        }
    }
}
