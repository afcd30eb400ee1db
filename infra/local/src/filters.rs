//! The subset of event patterns that the template's filters use: nested objects whose leaves are lists of
//! exact values and of beginnings. Anything else is refused when the template is read, never ignored.

use serde_json::Value;

/// One parsed filter pattern.
#[derive(Debug, Clone, PartialEq)]
pub enum Pattern {
    /// Every named member must match.
    Object(Vec<(String, Pattern)>),
    /// The value must be like one of these.
    AnyOf(Vec<Leaf>),
}

/// What a value may be like.
#[derive(Debug, Clone, PartialEq)]
pub enum Leaf {
    /// It is this.
    Exactly(Value),
    /// It is a text that begins so.
    Prefix(String),
}

impl Leaf {
    fn compile(value: &Value) -> Option<Self> {
        match value {
            Value::Object(members) if members.len() == 1 => {
                let prefix = members.get("prefix")?.as_str()?;
                Some(Self::Prefix(prefix.to_owned()))
            }
            Value::Object(_) | Value::Array(_) => None,
            value => Some(Self::Exactly(value.clone())),
        }
    }

    fn matches(&self, event: &Value) -> bool {
        match self {
            Self::Exactly(value) => value == event,
            Self::Prefix(prefix) => event.as_str().is_some_and(|text| text.starts_with(prefix)),
        }
    }
}

impl Pattern {
    /// Parses the JSON text of a filter's `Pattern`. The error says which part is not understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|e| format!("the pattern is not JSON: {e}"))?;
        if !value.is_object() {
            return Err("a pattern is an object".to_owned());
        }
        compile(&value, "")
    }

    /// Whether `event` matches.
    pub fn matches(&self, event: &Value) -> bool {
        match self {
            Self::Object(members) => members
                .iter()
                .all(|(name, pattern)| event.get(name).is_some_and(|v| pattern.matches(v))),
            Self::AnyOf(leaves) => leaves.iter().any(|leaf| leaf.matches(event)),
        }
    }
}

fn compile(value: &Value, at: &str) -> Result<Pattern, String> {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| Ok((name.clone(), compile(member, &format!("{at}.{name}"))?)))
            .collect::<Result<_, String>>()
            .map(Pattern::Object),
        Value::Array(values) if values.is_empty() => Err(format!("{at}: an empty list matches nothing")),
        Value::Array(values) => values
            .iter()
            .map(|value| {
                let leaf = Leaf::compile(value);
                leaf.ok_or_else(|| {
                    format!("{at}: {value} is not supported here, only exact values and prefixes are")
                })
            })
            .collect::<Result<_, String>>()
            .map(Pattern::AnyOf),
        other => Err(format!("{at}: {other} must be a list of values")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_exact_values_decide() {
        let pattern = Pattern::parse(
            r#"{"eventName":["INSERT","MODIFY"],"dynamodb":{"NewImage":{"k":{"S":["message"]}}}}"#,
        )
        .unwrap();
        let event =
            |name: &str, kind: &str| json!({"eventName": name, "dynamodb": {"NewImage": {"k": {"S": kind}}}});
        assert!(pattern.matches(&event("INSERT", "message")));
        assert!(pattern.matches(&event("MODIFY", "message")));
        assert!(!pattern.matches(&event("REMOVE", "message")));
        assert!(!pattern.matches(&event("INSERT", "lead")));
        assert!(!pattern.matches(&json!({"eventName": "INSERT", "dynamodb": {}})));
    }

    #[test]
    fn a_beginning_decides_for_texts_alone() {
        let pattern = Pattern::parse(r#"{"sk":[{"prefix":"a#"},7]}"#).unwrap();
        assert!(pattern.matches(&json!({"sk": "a#1"})));
        assert!(pattern.matches(&json!({"sk": 7})));
        assert!(!pattern.matches(&json!({"sk": "m#1"})));
        assert!(!pattern.matches(&json!({"sk": ["a#1"]})));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            r#"{"a":[{"suffix":"x"}]}"#,
            r#"{"a":[{"prefix":"x","suffix":"y"}]}"#,
            r#"{"a":[{"prefix":1}]}"#,
            r#"{"a":"x"}"#,
            r#"{"a":[]}"#,
            r#"["x"]"#,
            "nonsense",
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
