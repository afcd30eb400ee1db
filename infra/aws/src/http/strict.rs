//! Parsing requests: strict bodies and queries, ids in paths. What is refused names its field and never
//! repeats its value.

use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::problem::{FieldError, Problem};

/// Bodies above this many bytes are refused, unless the type says otherwise.
const BODY_LIMIT: usize = 64 * 1024;

/// A JSON body of type `T`, at most `LIMIT` bytes, with the bytes it was read from.
#[derive(Debug)]
pub struct Strict<T, const LIMIT: usize = BODY_LIMIT> {
    /// The parsed body.
    pub value: T,
    /// The bytes as received.
    pub raw: Bytes,
}

impl<T, S, const LIMIT: usize> FromRequest<S> for Strict<T, LIMIT>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let raw = axum::body::to_bytes(request.into_body(), LIMIT)
            .await
            .map_err(|_| Problem::too_large(LIMIT))?;
        // The parser would take an array for a struct, field by field.
        if raw
            .iter()
            .find(|byte| !byte.is_ascii_whitespace())
            .is_some_and(|&first| first != b'{')
        {
            return Err(Problem::invalid_field("", "must be a JSON object"));
        }
        let mut json = serde_json::Deserializer::from_slice(&raw);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            Problem::invalid(vec![explain(&path, &error.into_inner().to_string())])
        })?;
        json.end()
            .map_err(|_| Problem::invalid_field("", "must be one JSON value"))?;
        Ok(Self { value, raw })
    }
}

/// Reads a value of a request's field `field` that was put together from what was given and what is stored.
///
/// # Errors
/// 422 naming the field in it that is to blame.
pub fn read_at<T: DeserializeOwned>(field: &str, value: serde_json::Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let inner = error.path().to_string();
        let refused = explain(&inner, &error.into_inner().to_string());
        let path = [field, &refused.field].join(".");
        Problem::invalid(vec![FieldError::new(path.trim_end_matches('.'), refused.message)])
    })
}

/// Query parameters of type `T`.
#[derive(Debug)]
pub struct QueryOf<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(value)| Self(value)).map_err(|error| {
            let text = std::error::Error::source(&error)
                .map(ToString::to_string)
                .unwrap_or_default();
            let (path, text) = text
                .split_once(": ")
                .map_or((String::new(), text.clone()), |(path, rest)| {
                    (path.to_owned(), rest.to_owned())
                });
            Problem::invalid(vec![explain(&path, &text)])
        })
    }
}

/// Parses an id from a path. A text that is no id of the kind is simply not found.
///
/// # Errors
/// 404.
pub fn path_id<T: FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

/// Turns the parser's message into ours: the parser quotes values, and a value may be personal.
fn explain(path: &str, message: &str) -> FieldError {
    let quoted = |text: &str| text.split('`').nth(1).map(str::to_owned);
    // A path ends with the unknown field's own name, which is the client's word.
    let is_ours = |b: u8| b.is_ascii_alphanumeric() || b"_.[]".contains(&b);
    let path = if path.len() <= 128 && path.bytes().all(is_ours) {
        path
    } else {
        ""
    };
    let at = |name: Option<String>| match (path, name) {
        ("." | "", Some(name)) => name,
        ("." | "", None) => String::new(),
        (path, Some(name)) if path != name && !path.ends_with(&format!(".{name}")) => {
            format!("{path}.{name}")
        }
        (path, _) => path.to_owned(),
    };
    if message.starts_with("unknown field") {
        // The name is the client's own word; it is repeated only if it is plain.
        let plain =
            |name: &String| name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let name = quoted(message);
        let field = match &name {
            Some(unknown) if !plain(unknown) => path.strip_suffix(unknown.as_str()).unwrap_or(path),
            _ => return FieldError::new(at(name), "is not a known field"),
        };
        return FieldError::new(field.trim_end_matches('.'), "is not a known field");
    }
    if message.starts_with("missing field") {
        return FieldError::new(at(quoted(message)), "is required");
    }
    if message.starts_with("invalid") || message.starts_with("unknown variant") {
        let expected = message.split_once("expected ").map(|(_, rest)| rest);
        let expected = expected.map(|rest| rest.split(" at line ").next().unwrap_or(rest));
        let message = expected.map_or_else(|| "is invalid".to_owned(), |what| format!("must be {what}"));
        return FieldError::new(at(None), message);
    }
    if message.starts_with("EOF") || message.contains(" at line ") && path == "." {
        return FieldError::new("", "must be valid JSON");
    }
    // Messages of our own types say what they expect and quote nothing.
    let own = message.split(" at line ").next().unwrap_or(message);
    let harmless = ["is not an id", "must be", "is not a scope"]
        .iter()
        .any(|start| own.starts_with(start));
    FieldError::new(at(None), if harmless { own } else { "is invalid" })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]
    use super::*;
    use serde::Deserialize;
    use usher_shared::ids::LeadId;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Body {
        text: String,
        #[serde(default)]
        lead: Option<LeadId>,
        #[serde(default)]
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Inner {
        size: u32,
    }

    async fn parse(body: &str) -> Result<Strict<Body, 64>, Problem> {
        let request = Request::new(axum::body::Body::from(body.to_owned()));
        Strict::from_request(request, &()).await
    }

    #[tokio::test]
    async fn refusals_name_the_field_and_repeat_no_value() {
        let table = [
            (r#"{"text": 5}"#, 422, "text", "must be a string"),
            (r#"{"text": "a", "txet": 1}"#, 422, "txet", "is not a known field"),
            (r#"{"ingrid@example.com": 1}"#, 422, "", "is not a known field"),
            (r#"{"island.example": 1}"#, 422, "", "is not a known field"),
            (r#"{"Anna: Berg": 1}"#, 422, "", "is not a known field"),
            (
                r#"{"text": "a", "inner": {"berg.example": 1}}"#,
                422,
                "inner",
                "is not a known field",
            ),
            ("{}", 422, "text", "is required"),
            ("", 422, "", "must be valid JSON"),
            (r#"{"text": "Anna"#, 422, "", "must be valid JSON"),
            (r#"{"text": "a"} x"#, 422, "", "must be one JSON value"),
            (
                r#"{"text": "a", "lead": "Anna"}"#,
                422,
                "lead",
                "is not an id that starts with lead_",
            ),
            (
                r#"{"text": "a", "inner": {"size": "Anna"}}"#,
                422,
                "inner.size",
                "must be u32",
            ),
            (r#"{"text": "a", "inner": {}}"#, 422, "inner.size", "is required"),
            (r#"["a"]"#, 422, "", "must be a JSON object"),
        ];
        for (body, status, field, message) in table {
            let problem = parse(body).await.expect_err(body).body("req");
            let errors: Vec<_> = problem
                .errors
                .iter()
                .map(|e| (e.field.as_str(), e.message.as_str()))
                .collect();
            assert_eq!(
                (problem.status, errors),
                (status, vec![(field, message)]),
                "{body}"
            );
            assert!(
                !serde_json::to_string(&problem).expect("json").contains("Anna"),
                "{body}"
            );
        }
        let long = format!(r#"{{"text": "{}"}}"#, "a".repeat(64));
        assert_eq!(parse(&long).await.expect_err("limit").body("req").status, 413);
        assert!(parse(r#"{"text": "a"}"#).await.is_ok());
    }
}
