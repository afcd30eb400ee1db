//! Reading runs of rows, page by page.

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::attribute;
use super::keys::Range;
use super::readable::Courses;
use super::{Row, Store, StoreError};

/// Rows asked for at once where all are wanted.
const PAGE: usize = 100;

/// One page of a Query.
#[derive(Debug)]
pub struct Page {
    /// Rows that may be read, in order.
    pub rows: Vec<Row>,
    /// Sort key of the last row, if there are more after it.
    pub next: Option<String>,
}

/// Which way and how far to read.
#[derive(Clone, Debug)]
pub struct Read {
    /// Rows at most.
    pub limit: usize,
    /// From the highest sort key down.
    pub backward: bool,
    /// Whether what was written a moment ago must be seen. Not to be had from an index.
    pub consistent: bool,
    /// Sort key after which to begin, in the direction of reading.
    pub after: Option<String>,
}

impl Store {
    /// Reads a run of rows. Rows past their period are left out; pages are filled up nevertheless.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn query(&self, range: &Range, read: &Read) -> Result<Page, StoreError> {
        self.query_any(range, read, true).await
    }

    /// Reads the whole of a run that is short by its nature: the keys of a contact, a tenant's holds or exports.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn query_all(&self, range: &Range) -> Result<Vec<Row>, StoreError> {
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let read = Read {
                limit: PAGE,
                backward: false,
                consistent: true,
                after,
            };
            let page = self.query(range, &read).await?;
            rows.extend(page.rows);
            after = page.next;
            if after.is_none() {
                return Ok(rows);
            }
        }
    }

    /// Reads a run of rows, those past their period included: for what removes them, and for nothing else.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn query_ended(&self, range: &Range, read: &Read) -> Result<Page, StoreError> {
        self.query_any(range, read, false).await
    }

    async fn query_any(&self, range: &Range, read: &Read, judged: bool) -> Result<Page, StoreError> {
        let (pk_name, sk_name) = if range.listing {
            (attribute::LISTING_PK, attribute::LISTING_SK)
        } else {
            (attribute::PK, attribute::SK)
        };
        // A cursor narrows the run itself: no start key is ever taken from outside.
        let (mut from, mut to) = (range.from.clone(), range.to.clone());
        let mut exclusive = read.after.clone();
        if let Some(after) = &read.after {
            if read.backward {
                to = to.min(after.clone());
            } else {
                from = from.max(after.clone());
            }
        }
        // A cursor from before the run, or a window without time: nothing, and no error of the database.
        if from > to {
            return Ok(Page {
                rows: Vec::new(),
                next: None,
            });
        }
        let (mut rows, mut courses) = (Vec::new(), Courses::default());
        let mut start = None;
        loop {
            let missing = read.limit.saturating_add(1).saturating_sub(rows.len());
            let limit = missing + usize::from(exclusive.is_some());
            let answer = self
                .client
                .query()
                .table_name(self.tables.name(range.table))
                .set_index_name(range.listing.then(|| "listing".to_owned()))
                .key_condition_expression("#pk = :pk AND #sk BETWEEN :from AND :to")
                .expression_attribute_names("#pk", pk_name)
                .expression_attribute_names("#sk", sk_name)
                .expression_attribute_values(":pk", AttributeValue::S(range.pk.clone()))
                .expression_attribute_values(":from", AttributeValue::S(from.clone()))
                .expression_attribute_values(":to", AttributeValue::S(to.clone()))
                .scan_index_forward(!read.backward)
                .consistent_read(read.consistent && !range.listing)
                .limit(i32::try_from(limit).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start.take())
                .send()
                .await
                .map_err(|error| StoreError::database("Query", &error))?;
            for item in answer.items.unwrap_or_default() {
                let row = Row(item);
                if exclusive
                    .as_deref()
                    .is_some_and(|after| row.order(range.listing) == Some(after))
                {
                    exclusive = None;
                } else if !judged || self.is_readable(&row.0, &mut courses).await? {
                    rows.push(row);
                }
            }
            start = answer.last_evaluated_key;
            if start.is_none() || rows.len() > read.limit {
                break;
            }
        }
        let more = rows.len() > read.limit;
        rows.truncate(read.limit);
        let next = more
            .then(|| {
                rows.last()
                    .and_then(|row| row.order(range.listing))
                    .map(str::to_owned)
            })
            .flatten();
        Ok(Page { rows, next })
    }
}
