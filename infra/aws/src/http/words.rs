//! Words and shapes that answers of several functions have in common.

use serde::{Deserialize, Serialize};
use usher_shared::Timestamp;
use utoipa::ToSchema;
use utoipa::openapi::schema::{KnownFormat, SchemaFormat, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};

/// Words of the API, each a type: a state that is new to the records does not compile until it is given a name. Where it
/// is used, `model` is the module of the records' words, and the derives' names are in scope.
#[macro_export]
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

/// A point in time as answers show it: RFC 3339 in UTC, with milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Timestamp);

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
#[derive(Debug, Serialize, ToSchema)]
pub struct Deleted {
    /// What was deleted.
    #[schema(example = "doc_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    pub id: String,
    /// Its kind.
    #[schema(example = "document")]
    pub object: &'static str,
    /// Always true.
    pub deleted: bool,
}

impl Deleted {
    /// Says that `id`, of the kind `object`, is gone.
    pub fn new(object: &'static str, id: &impl ToString) -> Self {
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
