//! Records as DynamoDB items: open fields as attributes, sealed fields as ciphertext.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Number, Value};
use usher_shared::record::{Malformed, Record};
use usher_shared::{Entropy, TenantPolicy, Timestamp};

use super::StoreError;
use super::keys::Key;
use crate::sealing::{Binding, DataKey, SealingError};

/// A `DynamoDB` item.
pub type Item = HashMap<String, AttributeValue>;

/// Attributes that every item has beside its record's fields.
pub mod attribute {
    /// Partition key.
    pub const PK: &str = "pk";
    /// Sort key.
    pub const SK: &str = "sk";
    /// Kind of the record.
    pub const KIND: &str = "k";
    /// The record's anchor, in milliseconds since the Unix epoch.
    pub const ANCHOR: &str = "a";
    /// End of the record's period as stamped, in seconds since the Unix epoch: the attribute of TTL.
    pub const EXPIRES_AT: &str = "expires_at";
    /// Partition key of the `listing` index.
    pub const LISTING_PK: &str = "lpk";
    /// Sort key of the `listing` index.
    pub const LISTING_SK: &str = "lsk";
}

/// Builds the item of `record`, stamped with the end that `policy` gives it.
pub(super) fn encode<R: Record>(
    key: &Key<R>,
    record: &R,
    data_key: &DataKey<R::SealedBy>,
    policy: Option<&TenantPolicy>,
    entropy: &dyn Entropy,
) -> Result<Item, StoreError> {
    let spec = R::SPEC;
    let mut item = Item::new();
    for (name, value) in record.open_fields()? {
        item.insert(name, to_attribute(value));
    }
    for (field, plain) in record.sealed_fields()? {
        let plain = zeroize::Zeroizing::new(plain);
        let sealed = data_key.seal(entropy, binding(key, field), &plain)?;
        item.insert(field.to_owned(), AttributeValue::B(Blob::new(sealed)));
    }
    item.insert(attribute::PK.to_owned(), AttributeValue::S(key.pk.clone()));
    item.insert(attribute::SK.to_owned(), AttributeValue::S(key.sk.clone()));
    item.insert(
        attribute::KIND.to_owned(),
        AttributeValue::S(spec.kind.to_owned()),
    );
    for (name, number) in stamps::<R>(record.anchor(), policy) {
        item.insert(name.to_owned(), AttributeValue::N(number));
    }
    if let Some(listing) = &key.listing {
        item.insert(
            attribute::LISTING_PK.to_owned(),
            AttributeValue::S(listing.pk.clone()),
        );
        item.insert(
            attribute::LISTING_SK.to_owned(),
            AttributeValue::S(listing.sk.clone()),
        );
    }
    Ok(item)
}

/// The attributes that say since when a record counts and, where the platform sets an end, until when at the
/// latest.
pub(super) fn stamps<R: Record>(
    anchor: Timestamp,
    policy: Option<&TenantPolicy>,
) -> impl Iterator<Item = (&'static str, String)> {
    let end = policy.and_then(|policy| policy.stamp(R::SPEC.category, anchor));
    let end = end.map(|end| (attribute::EXPIRES_AT, end.seconds_rounded_up().to_string()));
    std::iter::once((attribute::ANCHOR, anchor.millis().to_string())).chain(end)
}

/// Reads a record back. The row's own keys are what its fields are bound to.
pub(crate) fn decode<R: Record>(mut item: Item, data_key: &DataKey<R::SealedBy>) -> Result<R, StoreError> {
    let spec = R::SPEC;
    let malformed = |field| Malformed {
        kind: spec.kind,
        field,
    };
    if text(&item, attribute::KIND) != Some(spec.kind) {
        return Err(malformed("k").into());
    }
    let pk = text(&item, attribute::PK).ok_or(malformed("pk"))?.to_owned();
    let sk = text(&item, attribute::SK).ok_or(malformed("sk"))?.to_owned();
    let mut open = Map::new();
    for &field in spec.open {
        if let Some(value) = item.remove(field) {
            open.insert(field.to_owned(), from_attribute(value).ok_or(malformed(field))?);
        }
    }
    let mut refused = None;
    let record = R::from_fields(open, &mut |field| {
        let AttributeValue::B(sealed) = item.get(field)? else {
            // There, but not as anything that was ever sealed: not the same as absent.
            refused = Some(SealingError::DoesNotOpen);
            return None;
        };
        let binding = Binding {
            pk: &pk,
            sk: &sk,
            kind: spec.kind,
            field,
        };
        data_key
            .open(binding, sealed.as_ref())
            .map_err(|error| refused = Some(error))
            .ok()
    });
    match refused {
        Some(error) => Err(error.into()),
        None => Ok(record?),
    }
}

fn binding<'a, R: Record>(key: &'a Key<R>, field: &'a str) -> Binding<'a> {
    Binding {
        pk: &key.pk,
        sk: &key.sk,
        kind: R::SPEC.kind,
        field,
    }
}

/// The text of an attribute, if it is one.
pub fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// The time from which the item's period counts.
pub(super) fn anchor(item: &Item) -> Option<Timestamp> {
    item.get(attribute::ANCHOR)?
        .as_n()
        .ok()?
        .parse()
        .ok()
        .map(Timestamp::from_millis)
}

/// A JSON value as an attribute value.
pub(super) fn to_attribute(value: Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(value) => AttributeValue::Bool(value),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text),
        Value::Array(values) => AttributeValue::L(values.into_iter().map(to_attribute).collect()),
        Value::Object(fields) => AttributeValue::M(
            fields
                .into_iter()
                .map(|(name, value)| (name, to_attribute(value)))
                .collect(),
        ),
    }
}

/// The reverse of [`to_attribute`]; `None` for what it never makes.
pub(super) fn from_attribute(value: AttributeValue) -> Option<Value> {
    Some(match value {
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Bool(value) => Value::Bool(value),
        AttributeValue::N(number) => Value::Number(number.parse::<Number>().ok()?),
        AttributeValue::S(text) => Value::String(text),
        AttributeValue::L(values) => {
            Value::Array(values.into_iter().map(from_attribute).collect::<Option<_>>()?)
        }
        AttributeValue::M(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| Some((name, from_attribute(value)?)))
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::clock::SystemEntropy;
    use crate::store::keys;
    use usher_shared::category::Preset;
    use usher_shared::ids::{ContactId, ConversationId, MessageId, TenantId};
    use usher_shared::model::{Author, ContactRef, Direction, MessageBody, MessageState};
    use usher_shared::record::key;
    use usher_shared::records::Message;
    use usher_shared::untrusted::KeyedHash;

    fn message() -> (Key<Message>, Message) {
        let at = Timestamp::from_millis(1_790_000_000_000);
        let id = MessageId::generate(at, &SystemEntropy);
        let tenant = TenantId::generate(at, &SystemEntropy);
        let conversation = ConversationId::generate(at, &SystemEntropy);
        let contact = ContactRef {
            address: KeyedHash::from_bytes([1; 16]),
            id: ContactId::generate(at, &SystemEntropy),
        };
        let message = Message {
            id: id.into(),
            conversation: conversation.into(),
            contact: contact.into(),
            channel: usher_shared::ids::ChannelId::generate(at, &SystemEntropy).into(),
            direction: Direction::Inbound.into(),
            author: Author::Contact.into(),
            state: MessageState::Received.into(),
            at: at.into(),
            answers: None.into(),
            body: MessageBody::from("Anna Berg, +1 555 0100".to_owned()).into(),
            ..Message::blank()
        };
        (keys::message(tenant, conversation, id), message)
    }

    #[test]
    fn a_record_survives_being_stored_and_nothing_of_its_sealed_fields_shows() {
        let (row, message) = message();
        let data_key = DataKey::<key::Conversation>::generate(&SystemEntropy);
        let policy = TenantPolicy::preset(Preset::Website);
        let item = encode(&row, &message, &data_key, Some(&policy), &SystemEntropy).unwrap();
        let shown = format!("{item:?}");
        assert!(!shown.contains("Anna") && !shown.contains("0100"), "{shown}");
        let end = 1_790_000_000 + 365 * 86_400;
        assert_eq!(
            item.get("expires_at").unwrap().as_n().unwrap(),
            &end.to_string(),
            "seconds"
        );
        assert!(!item.contains_key("answers"), "absent options take no room");
        assert_eq!(decode::<Message>(item, &data_key).unwrap(), message);
    }

    #[test]
    fn a_row_of_another_kind_or_under_another_key_is_an_error() {
        let (row, message) = message();
        let data_key = DataKey::<key::Conversation>::generate(&SystemEntropy);
        let item = encode(&row, &message, &data_key, None, &SystemEntropy).unwrap();
        let other_key = DataKey::<key::Conversation>::generate(&SystemEntropy);
        assert!(matches!(
            decode::<Message>(item.clone(), &other_key),
            Err(StoreError::Sealing(_))
        ));
        assert!(matches!(
            decode::<usher_shared::records::Trace>(item.clone(), &data_key),
            Err(StoreError::Malformed(_))
        ));
        let mut moved = item;
        moved.insert("sk".to_owned(), AttributeValue::S("m#elsewhere".to_owned()));
        assert!(matches!(
            decode::<Message>(moved, &data_key),
            Err(StoreError::Sealing(_))
        ));
    }
}
