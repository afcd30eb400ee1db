//! What reads and writes give back.

use super::item::{self, Item, attribute};

/// What a conditional write found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// The condition held; the row is written.
    Yes,
    /// The condition did not hold; nothing was written.
    No,
}

impl Written {
    /// Whether the row was written.
    pub const fn happened(self) -> bool {
        matches!(self, Self::Yes)
    }
}

/// A row as read: of a kind that only [`Store::open`] looks into.
#[derive(Debug)]
pub struct Row(pub(super) Item);

impl Row {
    /// An item as it came from the database.
    pub(crate) const fn new(item: Item) -> Self {
        Self(item)
    }

    /// The kind of record it holds.
    pub fn kind(&self) -> Option<&str> {
        item::text(&self.0, attribute::KIND)
    }

    /// The kind of key that seals its fields, as the registry says.
    pub fn sealed_by(&self) -> Option<&'static str> {
        super::reveal::spec_of(self).map(|spec| spec.sealed_by)
    }

    /// An open field, without opening the record: for finding the key that does.
    pub fn peek<T: serde::de::DeserializeOwned>(&self, field: &str) -> Option<T> {
        let value = item::from_attribute(self.0.get(field)?.clone())?;
        serde_json::from_value(value).ok()
    }

    /// The row's sort key.
    pub fn sk(&self) -> Option<&str> {
        self.order(false)
    }

    /// The sort key by which a Query of this kind goes on after this row.
    pub fn order(&self, listing: bool) -> Option<&str> {
        item::text(
            &self.0,
            if listing {
                attribute::LISTING_SK
            } else {
                attribute::SK
            },
        )
    }
}
