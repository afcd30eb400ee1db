//! Every primary key of every table, in one module. All of a tenant's keys start with the tenant's id, so
//! that a role limited by `dynamodb:LeadingKeys` holds one tenant's rows alone. No key holds personal data.

mod conversations;
mod directory;
mod figures;
mod ledger;
mod people;
mod wrapped_keys;

use std::marker::PhantomData;

use usher_shared::Timestamp;
use usher_shared::ids::{ChannelId, DocumentId, TenantId};
use usher_shared::records::{
    AlertPlan, Assistant, Channel, ChannelSecret, Document, IdempotentOutcome, RateBucket, Revocation, Tenant,
};
use usher_shared::untrusted::KeyedHash;

pub use self::conversations::*;
pub use self::directory::*;
pub use self::figures::*;
pub use self::ledger::*;
pub use self::people::*;
pub use self::wrapped_keys::*;

/// The tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Conversations, messages, contacts, leads, traces, settings, documents; and the directory.
    Inbox,
    /// What is kept as proof.
    Ledger,
    /// Wrapped data keys.
    Keys,
}

/// A typed primary key: the row it names holds an `R` or nothing.
#[derive(Debug)]
pub struct Key<R> {
    /// The table.
    pub table: Table,
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
    /// Keys of the row in the `listing` index, if it is listed.
    pub listing: Option<Listing>,
    record: PhantomData<fn() -> R>,
}

impl<R> Clone for Key<R> {
    fn clone(&self) -> Self {
        Self {
            table: self.table,
            pk: self.pk.clone(),
            sk: self.sk.clone(),
            listing: self.listing.clone(),
            record: PhantomData,
        }
    }
}

/// Keys of a row in the `listing` index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Partition key in the index: the tenant and what is listed.
    pub pk: String,
    /// Sort key in the index: the order.
    pub sk: String,
}

impl<R> Key<R> {
    fn inbox(pk: String, sk: String) -> Self {
        Self {
            table: Table::Inbox,
            pk,
            sk,
            listing: None,
            record: PhantomData,
        }
    }

    fn ledger(pk: String, sk: String) -> Self {
        Self {
            table: Table::Ledger,
            ..Self::inbox(pk, sk)
        }
    }

    /// The same key of a row that is listed.
    #[must_use]
    pub fn listed(mut self, listing: Listing) -> Self {
        self.listing = Some(listing);
        self
    }
}

/// A run of sort keys in one partition, both ends included.
#[derive(Clone, Debug)]
pub struct Range {
    /// The table.
    pub table: Table,
    /// Whether partition and order are those of the `listing` index.
    pub listing: bool,
    /// Partition key.
    pub pk: String,
    /// Lowest sort key.
    pub from: String,
    /// Highest sort key.
    pub to: String,
}

/// Sorts after every character that keys are made of.
const END: &str = "~";

/// The tenant's own row.
pub fn tenant(tenant: TenantId) -> Key<Tenant> {
    Key::inbox(tenant.to_string(), "tenant".to_owned())
}

/// How the AI speaks for the tenant.
pub fn assistant(tenant: TenantId) -> Key<Assistant> {
    Key::inbox(tenant.to_string(), "assistant".to_owned())
}

/// Whom a tenant wants told of waiting conversations.
pub fn alert_plan(tenant: TenantId) -> Key<AlertPlan> {
    Key::inbox(tenant.to_string(), "alerts".to_owned())
}

/// A channel.
pub fn channel(tenant: TenantId, channel: ChannelId) -> Key<Channel> {
    Key::inbox(format!("{tenant}#channels"), channel.to_string())
}

/// All channels.
pub fn channels(tenant: TenantId) -> Range {
    all(format!("{tenant}#channels"))
}

/// What a channel's carrier demands to know.
pub fn channel_secret(tenant: TenantId, channel: ChannelId) -> Key<ChannelSecret> {
    Key::inbox(format!("{tenant}#secrets"), channel.to_string())
}

/// All channels' secrets.
pub fn channel_secrets(tenant: TenantId) -> Range {
    all(format!("{tenant}#secrets"))
}

/// A grant that is still to be revoked.
pub fn revocation(tenant: TenantId, channel: ChannelId) -> Key<Revocation> {
    Key::inbox(format!("{tenant}#revocations"), channel.to_string())
}

/// All grants that are still to be revoked.
pub fn revocations(tenant: TenantId) -> Range {
    all(format!("{tenant}#revocations"))
}

/// A document.
pub fn document(tenant: TenantId, document: DocumentId) -> Key<Document> {
    Key::inbox(format!("{tenant}#documents"), document.to_string())
}

/// All documents.
pub fn documents(tenant: TenantId) -> Range {
    all(format!("{tenant}#documents"))
}

/// Outcome of an idempotent request.
pub fn idempotent_outcome(tenant: TenantId, request: KeyedHash) -> Key<IdempotentOutcome> {
    Key::inbox(format!("{tenant}#i#{request}"), "outcome".to_owned())
}

/// A bucket of tokens, by the hash of who asks.
pub fn rate_bucket(tenant: TenantId, sender: KeyedHash) -> Key<RateBucket> {
    Key::inbox(format!("{tenant}#r#{sender}"), "bucket".to_owned())
}

/// All rows of one partition of a tenant: its own, or one that is named. For whoever reads everything of it.
pub fn rows_of(tenant: TenantId, table: Table, name: Option<&str>) -> Range {
    let pk = name.map_or_else(|| tenant.to_string(), |name| format!("{tenant}#{name}"));
    Range { table, ..all(pk) }
}

fn by_time(at: Timestamp, id: &str) -> String {
    format!("{}#{id}", time_digits(at))
}

/// Milliseconds in 13 digits, which sort as the times do until the year 2286.
fn time_digits(at: Timestamp) -> String {
    format!("{:013}", at.millis().clamp(0, 9_999_999_999_999))
}

fn all(pk: String) -> Range {
    Range {
        table: Table::Inbox,
        listing: false,
        pk,
        from: " ".to_owned(),
        to: END.to_owned(),
    }
}

fn all_listed(pk: String) -> Range {
    Range {
        listing: true,
        ..all(pk)
    }
}

#[cfg(test)]
mod tests;
