//! Looks for somebody who was erased, and shares nothing with what erased them: keys and queries are written out here
//! once more, rows are read raw, past their period or not. What the eraser forgot to remove, or looked for in the wrong
//! place, this finds.
//!
//! It looks under every key that the ids and hashes of an erasure lead to, in every table, index and bucket that holds
//! what people write, and among the tenant's few rows of the Ledger for their ids. It walks no list of all people.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use usher_shared::records::Erasing;
use usher_shared::untrusted::KeyedHash;

use crate::files::FileError;
use crate::scope::TenantScope;
use crate::store::StoreError;

type Raw = HashMap<String, AttributeValue>;

/// What was found that should be gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Keys that still open something.
    pub keys: u64,
    /// Rows.
    pub rows: u64,
    /// Files.
    pub files: u64,
}

impl Found {
    /// All of it.
    pub const fn total(self) -> u64 {
        self.keys + self.rows + self.files
    }
}

/// Why it could not be looked: then nobody says that nothing is left.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// A table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A bucket.
    #[error(transparent)]
    Files(#[from] FileError),
}

impl TenantScope {
    /// Looks for what an erasure was about, also by the hashes under which its people could be found.
    ///
    /// # Errors
    /// [`ProbeError`].
    pub async fn probe(&self, erasing: &Erasing, identifiers: &[KeyedHash]) -> Result<Found, ProbeError> {
        let tables = &self.store().tables;
        let tenant = self.tenant();
        let mut found = Found::default();
        for contact in erasing.contacts.iter() {
            let id = contact.id.to_string();
            let keys = self
                .raw(&tables.keys, None, &format!("{tenant}#{id}"), "")
                .await?;
            let concerned = |row: &&Raw| {
                let sk = text(row, "sk");
                *erasing.whole_contacts
                    || erasing
                        .conversations
                        .iter()
                        .any(|conversation| sk == conversation.to_string())
            };
            found.keys += count(keys.iter().filter(concerned));
            if !*erasing.whole_contacts {
                continue;
            }
            let partition = format!("{tenant}#c#{}", contact.address);
            let rows = self.raw(&tables.inbox, None, &partition, "contact").await?;
            // A new contact of the same address has another id and is a stranger.
            found.rows += count(rows.iter().filter(|row| text(row, "id") == id));
            let listed = format!("{tenant}#identifiers#{id}");
            found.rows += count(
                self.raw(&tables.inbox, Some("listing"), &listed, "")
                    .await?
                    .iter(),
            );
            let recordings = format!("{tenant}#recordings");
            let rows = self.raw(&tables.inbox, None, &recordings, &id).await?;
            found.rows += count(rows.iter());
            for identifier in identifiers {
                let partition = format!("{tenant}#x#{identifier}");
                let rows = self.raw(&tables.inbox, None, &partition, &id).await?;
                found.rows += count(rows.iter());
            }
        }
        for conversation in erasing.conversations.iter() {
            let partition = format!("{tenant}#v#{conversation}");
            found.rows += count(self.raw(&tables.inbox, None, &partition, "").await?.iter());
            let files = format!("{tenant}#files");
            let listed = self
                .raw(&tables.inbox, Some("listing"), &files, &conversation.to_string())
                .await?;
            found.rows += count(listed.iter());
            found.files += self
                .files_below(&format!("sealed/{tenant}/{conversation}/"))
                .await?;
            found.files += self
                .files_below(&format!("clear/{tenant}/{conversation}/"))
                .await?;
        }
        if let Some(lead) = *erasing.lead {
            let partition = format!("{tenant}#l#{lead}");
            found.rows += count(self.raw(&tables.inbox, None, &partition, "").await?.iter());
        }
        // Exports from before that may hold them: none may be readable any more.
        let exports = self
            .raw(&tables.ledger, None, &format!("{tenant}#exports"), "")
            .await?;
        let readable = |row: &&Raw| {
            let before = number(row, "created_at").is_some_and(|at| at < erasing.requested_at.millis());
            before && matches!(text(row, "state"), "pending" | "running" | "complete")
        };
        found.rows += count(exports.iter().filter(readable));
        Ok(found)
    }

    /// All rows of a partition whose sort keys begin with a text, as they are.
    async fn raw(
        &self,
        table: &str,
        index: Option<&str>,
        partition: &str,
        begins: &str,
    ) -> Result<Vec<Raw>, StoreError> {
        let (pk, sk) = match index {
            Some(_) => ("lpk", "lsk"),
            None => ("pk", "sk"),
        };
        let condition = if begins.is_empty() {
            format!("{pk} = :pk")
        } else {
            format!("{pk} = :pk AND begins_with({sk}, :sk)")
        };
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let mut query = self
                .store()
                .client
                .query()
                .table_name(table)
                .set_index_name(index.map(str::to_owned))
                .key_condition_expression(&condition)
                .expression_attribute_values(":pk", AttributeValue::S(partition.to_owned()))
                .consistent_read(index.is_none())
                .set_exclusive_start_key(after.take());
            if !begins.is_empty() {
                query = query.expression_attribute_values(":sk", AttributeValue::S(begins.to_owned()));
            }
            let page = query.send().await;
            let page = page.map_err(|error| StoreError::database("Query", &error))?;
            rows.extend(page.items.unwrap_or_default());
            after = page.last_evaluated_key;
            if after.is_none() {
                return Ok(rows);
            }
        }
    }

    /// Whether there are attachments' files below a prefix: how many of the first thousand.
    async fn files_below(&self, prefix: &str) -> Result<u64, FileError> {
        let Some(bucket) = &self.storage.bucket else {
            return Ok(0);
        };
        let answer = self
            .storage
            .clients
            .s3_under(self.credentials.clone())
            .list_objects_v2()
            .bucket(bucket)
            .prefix(prefix)
            .send()
            .await
            .map_err(|error| FileError::Storage {
                operation: "ListObjectsV2",
                code: error.code().unwrap_or("unreachable").to_owned(),
            })?;
        Ok(count(answer.contents.unwrap_or_default().iter()))
    }
}

fn count<T>(found: impl Iterator<Item = T>) -> u64 {
    u64::try_from(found.count()).unwrap_or(u64::MAX)
}

fn text<'a>(row: &'a Raw, field: &str) -> &'a str {
    match row.get(field) {
        Some(AttributeValue::S(text)) => text,
        _ => "",
    }
}

fn number(row: &Raw, field: &str) -> Option<i64> {
    match row.get(field) {
        Some(AttributeValue::N(digits)) => digits.parse().ok(),
        _ => None,
    }
}
