//! Prefixed, sortable ids: one newtype per entity, so that a conversation's id cannot be passed for a lead's.
//!
//! An id is 128 bits, 48 of time in milliseconds and 80 of entropy, printed as a prefix and 26 characters
//! of Crockford's base 32 in lower case (`conv_01k5…`). Ids of one kind sort by the time they carry.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Timestamp;

/// A source of unpredictable bytes. Handed in, so that tests and simulations can repeat themselves.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Length of an id's text after its prefix.
pub const BODY_LENGTH: usize = 26;

/// Why a text is not an id of the wanted kind. Carries nothing of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not an id that starts with {prefix}")]
pub struct InvalidId {
    /// The prefix that was expected, with its underscore.
    pub prefix: &'static str,
}

fn encode(value: u128) -> String {
    (0..BODY_LENGTH)
        .rev()
        .map(|i| {
            let index = usize::try_from((value >> (5 * i)) & 31).unwrap_or(0);
            char::from(ALPHABET.get(index).copied().unwrap_or(b'0'))
        })
        .collect()
}

fn decode(text: &str) -> Option<u128> {
    if text.len() != BODY_LENGTH {
        return None;
    }
    let mut value = 0_u128;
    for (position, byte) in text.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|&c| c == byte)?;
        // 26 characters hold 130 bits: the first must leave the two highest unset.
        if position == 0 && digit > 7 {
            return None;
        }
        value = (value << 5) | u128::try_from(digit).ok()?;
    }
    Some(value)
}

fn compose(at: Timestamp, tail: [u8; 10]) -> u128 {
    let millis = u128::try_from(at.millis().clamp(0, (1 << 48) - 1)).unwrap_or(0);
    tail.iter()
        .fold(millis, |value, &byte| (value << 8) | u128::from(byte))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// The prefix of ids of this kind, with its underscore.
            pub const PREFIX: &'static str = concat!($prefix, "_");

            /// A new id that carries `at` and is otherwise unpredictable.
            pub fn generate(at: Timestamp, entropy: &dyn Entropy) -> Self {
                let mut tail = [0; 10];
                entropy.fill(&mut tail);
                Self(compose(at, tail))
            }

            /// An id that is a function of its parts: `tail` is usually a keyed hash. Two calls with the
            /// same parts name the same entity, which is what makes a conditional write a duplicate check.
            pub fn derived(at: Timestamp, tail: [u8; 10]) -> Self {
                Self(compose(at, tail))
            }

            /// The time that the id carries.
            pub fn at(self) -> Timestamp {
                Timestamp::from_millis(i64::try_from(self.0 >> 80).unwrap_or(0))
            }

            /// The 26 characters after the prefix: sorts as the id does.
            pub fn body(self) -> String {
                encode(self.0)
            }

            /// From the 26 characters after the prefix.
            ///
            /// # Errors
            /// [`InvalidId`] if they are not what [`Self::body`] prints.
            pub fn from_body(body: &str) -> Result<Self, InvalidId> {
                decode(body).map(Self).ok_or(InvalidId { prefix: Self::PREFIX })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.body())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let body = text.strip_prefix(Self::PREFIX).ok_or(InvalidId { prefix: Self::PREFIX })?;
                Self::from_body(body)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl crate::record::NotPersonal for $name {}
    )*};
}

ids! {
    /// A business that uses Usher.
    TenantId = "tn";
    /// One place where people write to a tenant: a web chat, a page, a number.
    ChannelId = "chan";
    /// One address on one channel. Says nothing of the address itself.
    ContactId = "cont";
    /// One conversation with one contact.
    ConversationId = "conv";
    /// One message, in either direction. Carries the time it was sent or received.
    MessageId = "msg";
    /// One thing that came with a message: derived from the message, so that a repetition names the same.
    AttachmentId = "att";
    /// A person who may become a customer: a set of contacts.
    LeadId = "lead";
    /// One document that a tenant's answers come from.
    DocumentId = "doc";
    /// One audit entry of the AI: shares its body with the message it is about.
    TraceId = "trace";
    /// One export.
    ExportId = "exp";
    /// One API key; not the secret.
    ApiKeyId = "key";
    /// The public key by which web pages address a chat channel. Unguessable, but no secret.
    ChannelKey = "wc";
    /// One erasure: derived from what it erases, so that asking twice is one erasure.
    ErasureId = "era";
    /// One request of privacy: to see, take along, put right, erase, restrict.
    PrivacyRequestId = "preq";
    /// One hold: keeps what it names from being erased.
    HoldId = "hold";
    /// One visitor's session on a web chat.
    SessionId = "sess";
    /// One HTTP request, for finding its log lines.
    RequestId = "req";
}

impl From<MessageId> for TraceId {
    fn from(message: MessageId) -> Self {
        Self(message.0)
    }
}

impl From<TraceId> for MessageId {
    fn from(trace: TraceId) -> Self {
        Self(trace.0)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_survives_being_printed(millis in 0_i64..(1 << 48), tail in any::<[u8; 10]>()) {
            let id = MessageId::derived(Timestamp::from_millis(millis), tail);
            prop_assert_eq!(id.to_string().parse::<MessageId>().unwrap(), id);
            prop_assert_eq!(id.at().millis(), millis);
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<MessageId>(&json).unwrap(), id);
        }

        #[test]
        fn ids_sort_by_their_time(a in 0_i64..(1 << 48), b in 0_i64..(1 << 48), s in any::<[u8; 10]>(), t in any::<[u8; 10]>()) {
            prop_assume!(a != b);
            let first = MessageId::derived(Timestamp::from_millis(a), s);
            let second = MessageId::derived(Timestamp::from_millis(b), t);
            prop_assert_eq!(first.body() < second.body(), a < b);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = text.parse::<MessageId>();
        }
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let id = MessageId::derived(Timestamp::from_millis(1), [7; 10]);
        let as_lead = id.to_string().replace("msg_", "lead_");
        assert_eq!(as_lead.parse::<MessageId>(), Err(InvalidId { prefix: "msg_" }));
        assert!(as_lead.parse::<LeadId>().is_ok());
        assert!(
            "msg_z0000000000000000000000000".parse::<MessageId>().is_err(),
            "more than 128 bits"
        );
        assert!(id.to_string().to_uppercase().parse::<MessageId>().is_err());
    }
}
