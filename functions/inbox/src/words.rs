//! The words and shapes that several resources answer with. Each word is a type of the API: a state that is
//! new to the records does not compile until it is given a name here.

use serde::{Deserialize, Serialize};
use usher_shared::{Timestamp, model};
use utoipa::ToSchema;
use utoipa::openapi::schema::{KnownFormat, SchemaFormat, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name {
            $($(#[$word_doc])* $word,)*
        }

        impl From<model::$name> for $name {
            fn from(value: model::$name) -> Self {
                match value { $(model::$name::$word => Self::$word,)* }
            }
        }

        impl From<$name> for model::$name {
            fn from(value: $name) -> Self {
                match value { $($name::$word => Self::$word,)* }
            }
        }
    )*};
}

words! {
    /// Who answers a conversation: the AI, nobody yet (it waits for a person), or a person.
    ConversationState { Ai, WaitingForHuman, Human, }
    /// Which way a message goes, seen from the business.
    Direction { Inbound, Outbound, }
    /// Who wrote a message: the person at the other end, the AI, somebody of the business, or the system.
    Author { Contact, Ai, Human, System, }
    /// Where a message is on its way. Outbound ones go from `queued` over `sending` to `sent`, `failed` or
    /// `unknown`, or from `queued` to `canceled`.
    MessageState { Received, Queued, Sending, Sent, Failed, Unknown, Canceled, }
    /// What kind of place a channel is.
    ChannelKind { WebChat, Form, Email, Sms, Voice, Messenger, Instagram, Whatsapp, }
    /// Whether a channel takes messages.
    ChannelState { Active, Paused, Broken, Disconnected, }
    /// How far a sent message is known to have come.
    Delivery { Accepted, Delivered, Read, Undelivered, }
    /// Why a message was not sent or did not arrive.
    Failure {
        OptedOut, WindowClosed, Unreachable, Blocked, TooLong, CredentialsRefused, NotAllowed, NoAddress,
        ChannelClosed, Refused, GaveUp,
    }
    /// What an attachment is said to be.
    AttachmentKind { Image, Audio, Video, Document, Other, }
    /// Where an attachment is on its way: `pending` while it is fetched, then `stored`, or `refused` for a reason.
    AttachmentState { Pending, Stored, Refused, }
    /// Why an attachment was not stored.
    AttachmentRefusal {
        TooLarge, SizeMismatch, TypeMismatch, TypeRefused, DigestMismatch, AddressRefused, Gone, Unavailable,
        NotOffered,
    }
    /// How a document's text is written.
    DocumentFormat { Text, Markdown, }
    /// What the AI decided about an inbound message.
    Decision { Answered, HandedOverNoAnswer, HandedOverOnRequest, HandedOverFailure, }
}

/// A point in time as answers show it: RFC 3339 in UTC, with milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) Timestamp);

impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let time = text.parse().map(Self);
        time.map_err(|_| serde::de::Error::custom("must be a time such as 2026-09-21T14:13:20Z"))
    }
}

impl utoipa::PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("RFC 3339, UTC, with milliseconds."))
            .examples(["2026-09-21T14:13:20.523Z"])
            .into()
    }
}

impl ToSchema for Time {}

/// What deleting answers.
#[expect(clippy::struct_field_names, reason = "the word that such answers use")]
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Deleted {
    /// What was deleted.
    #[schema(example = "doc_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    pub(crate) id: String,
    /// Its kind.
    #[schema(example = "document")]
    pub(crate) object: &'static str,
    /// Always true.
    pub(crate) deleted: bool,
}

impl Deleted {
    /// Says that `id`, of the kind `object`, is gone.
    pub(crate) fn new(object: &'static str, id: &impl ToString) -> Self {
        Self {
            id: id.to_string(),
            object,
            deleted: true,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;

    #[test]
    fn the_apis_words_are_those_of_the_records() {
        use model::MessageState as Stored;
        for stored in [
            Stored::Received,
            Stored::Queued,
            Stored::Sending,
            Stored::Sent,
            Stored::Failed,
            Stored::Unknown,
            Stored::Canceled,
        ] {
            let shown = serde_json::to_value(MessageState::from(stored)).unwrap();
            assert_eq!(shown, serde_json::to_value(stored).unwrap());
        }
        assert_eq!(
            serde_json::to_value(ConversationState::WaitingForHuman).unwrap(),
            json!("waiting_for_human")
        );
        assert_eq!(
            serde_json::to_value(ChannelKind::WebChat).unwrap(),
            json!("web_chat")
        );
        let decision = Decision::from(model::Decision::HandedOverNoAnswer);
        assert_eq!(
            serde_json::to_value(decision).unwrap(),
            json!("handed_over_no_answer")
        );
    }

    #[test]
    fn times_are_shown_as_rfc_3339() {
        let time = Time(Timestamp::from_millis(1_790_000_000_523));
        assert_eq!(
            serde_json::to_value(time).unwrap(),
            json!("2026-09-21T14:13:20.523Z")
        );
    }

    #[test]
    fn a_deletion_names_what_is_gone() {
        let shown = serde_json::to_value(Deleted::new("channel", &"chan_x")).unwrap();
        assert_eq!(
            shown,
            json!({"id": "chan_x", "object": "channel", "deleted": true})
        );
    }
}
