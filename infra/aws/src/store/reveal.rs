//! A row as its owner may see it, whatever its type: what the registry says of its kind decides.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value};
use usher_shared::Timestamp;
use usher_shared::record::{Erasure, Export, Malformed, RecordSpec, key};
use usher_shared::records::REGISTRY;

use super::item::{self, attribute};
use super::{Row, Store, StoreError};
use crate::sealing::{Binding, DataKey, SealingError, TenantKey};

/// Keys under which the fields of a row may be sealed, as far as whoever reads it has them.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeysAtHand<'a> {
    /// The tenant's.
    pub tenant: Option<&'a TenantKey>,
    /// The contact's.
    pub contact: Option<&'a DataKey<key::Contact>>,
    /// The conversation's.
    pub conversation: Option<&'a DataKey<key::Conversation>>,
    /// The document's.
    pub document: Option<&'a DataKey<key::Document>>,
}

impl KeysAtHand<'_> {
    /// Opens a field under the key that its record names; `None` if that key is not at hand.
    fn open(
        &self,
        spec: &RecordSpec,
        binding: Binding<'_>,
        sealed: &[u8],
    ) -> Option<Result<Vec<u8>, SealingError>> {
        match spec.sealed_by {
            "tenant" => self.tenant.map(|key| key.open(binding, sealed)),
            "contact" => self.contact.map(|key| key.open(binding, sealed)),
            "conversation" => self.conversation.map(|key| key.open(binding, sealed)),
            "document" => self.document.map(|key| key.open(binding, sealed)),
            _ => None,
        }
    }
}

/// What the registry says of the kind of a row.
pub(super) fn spec_of(row: &Row) -> Option<&'static RecordSpec> {
    let kind = row.kind()?;
    REGISTRY.iter().find(|spec| spec.kind == kind)
}

impl Store {
    /// All fields of a row that belong into its owner's export, `record` with its kind before them. `None` if none do,
    /// or if the row is sealed under a key that is gone: then it is forgotten. Of what outlives its key the open
    /// fields are shown.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn reveal(&self, row: Row, keys: &KeysAtHand<'_>) -> Result<Option<Map<String, Value>>, StoreError> {
        let Some(spec) = spec_of(&row) else {
            return Ok(None);
        };
        if matches!(spec.export, Export::Omitted(_)) {
            return Ok(None);
        }
        let malformed = |field| Malformed {
            kind: spec.kind,
            field,
        };
        let mut item = row.0;
        let mut fields = Map::from_iter([("record".to_owned(), Value::from(spec.kind))]);
        for &field in spec.open {
            if let Some(value) = item.remove(field) {
                let value = item::from_attribute(value).ok_or(malformed(field))?;
                fields.insert(field.to_owned(), printed(spec, field, value));
            }
        }
        let pk = item::text(&item, attribute::PK).ok_or(malformed("pk"))?;
        let sk = item::text(&item, attribute::SK).ok_or(malformed("sk"))?;
        for &field in spec.sealed {
            let Some(value) = item.get(field) else { continue };
            let AttributeValue::B(sealed) = value else {
                return Err(SealingError::DoesNotOpen.into());
            };
            let binding = Binding {
                pk,
                sk,
                kind: spec.kind,
                field,
            };
            match keys.open(spec, binding, sealed.as_ref()) {
                Some(plain) => {
                    let value = serde_json::from_slice(&plain?).map_err(|_| malformed(field))?;
                    fields.insert(field.to_owned(), value);
                }
                None if matches!(spec.erasure, Erasure::Keep(_)) => {}
                None => return Ok(None),
            }
        }
        if let Export::Except(parts) = spec.export {
            for (part, _why) in parts {
                remove(&mut fields, part);
            }
        }
        Ok(Some(fields))
    }
}

/// Points in time are stored as numbers and shown as dates.
fn printed(spec: &RecordSpec, field: &str, value: Value) -> Value {
    match value.as_i64().filter(|_| spec.is_time(field)) {
        Some(millis) => Timestamp::from_millis(millis).to_string().into(),
        None => value,
    }
}

/// Takes out a field, or a part of one.
fn remove(fields: &mut Map<String, Value>, part: &str) {
    match part.split_once('.') {
        None => {
            fields.remove(part);
        }
        Some((field, rest)) => {
            if let Some(inner) = fields.get_mut(field).and_then(Value::as_object_mut) {
                remove(inner, rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_is_taken_out_wherever_it_is_and_nothing_else() {
        let mut fields = json!({"claim": {"name": "a", "origin": {"url": "x"}}, "token": "t", "origin": 1});
        let fields = fields.as_object_mut().unwrap();
        for part in ["claim.origin", "token", "nothing", "token.nothing"] {
            remove(fields, part);
        }
        assert_eq!(json!(fields), json!({"claim": {"name": "a"}, "origin": 1}));
    }

    #[test]
    fn times_are_printed_and_other_numbers_are_not() {
        let spec = REGISTRY.iter().find(|spec| spec.kind == "attachment").unwrap();
        let at = printed(spec, "at", json!(1_790_000_000_523_i64));
        assert_eq!(at, json!("2026-09-21T14:13:20.523Z"));
        assert_eq!(printed(spec, "size", json!(7)), json!(7));
    }
}
