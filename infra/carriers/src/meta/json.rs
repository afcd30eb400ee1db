//! Reading JSON that may look otherwise tomorrow: what is missing or of another kind is absent, never an error.

use serde_json::Value;
use usher_shared::Timestamp;

/// Bytes that an id may have. Meta's have fewer than 200.
const LONGEST_ID: usize = 512;
/// Bytes of a text that are kept: ten times the longest that any of the apps lets people write.
const LONGEST_TEXT: usize = 64 * 1024;
/// A later time than any that is meant: the end of the year 9999, in milliseconds.
const LATEST: i64 = 253_402_300_799_999;
/// Numbers above are milliseconds, others seconds.
const MILLIS_ABOVE: i64 = 100_000_000_000;

/// Levels to which brackets nest, without reading further: a parser would have used its stack by then.
pub(super) fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A text that is not empty.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    let text = value.pointer(pointer)?.as_str()?;
    let end = text.floor_char_boundary(LONGEST_TEXT);
    text.get(..end).filter(|text| !text.is_empty())
}

/// An id: a text, or a number where one is sent for it.
pub(super) fn id(value: &Value, pointer: &str) -> Option<String> {
    let id = match value.pointer(pointer)? {
        Value::String(id) => id.clone(),
        Value::Number(id) if id.is_u64() => id.to_string(),
        _ => return None,
    };
    (!id.is_empty() && id.len() <= LONGEST_ID).then_some(id)
}

/// A list; empty where there is none.
pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Whether something is said to be so.
pub(super) fn flag(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// A number, also where it comes as a text.
pub(super) fn number(value: &Value, pointer: &str) -> Option<i64> {
    match value.pointer(pointer)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A number as it is written, also where it comes as a text: for coordinates.
pub(super) fn decimal(value: &Value, pointer: &str) -> Option<String> {
    let decimal = match value.pointer(pointer)? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    decimal.is_finite().then(|| decimal.to_string())
}

/// A time, in seconds or milliseconds.
pub(super) fn time(value: &Value, pointer: &str) -> Option<Timestamp> {
    let number = number(value, pointer)?;
    let millis = if number > MILLIS_ABOVE {
        number
    } else {
        number.checked_mul(1000)?
    };
    (1..=LATEST)
        .contains(&millis)
        .then(|| Timestamp::from_millis(millis))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    #[test]
    fn brackets_in_texts_do_not_nest() {
        for (text, deep) in [
            ("", 0),
            ("{}", 1),
            (r#"{"a":[{}]}"#, 3),
            (r#"{"[[[":"\"[[["}"#, 1),
            ("}}}}", 0),
            (r#""\\"[["#, 2),
        ] {
            assert_eq!(depth(text.as_bytes()), deep, "{text}");
        }
    }

    #[test]
    fn times_are_seconds_or_milliseconds_numbers_or_texts() {
        for (given, millis) in [
            (json!(1_790_000_000), Some(1_790_000_000_000)),
            (json!("1790000000"), Some(1_790_000_000_000)),
            (json!(1_790_000_000_523_i64), Some(1_790_000_000_523)),
            (json!(0), None),
            (json!(-5), None),
            (json!(i64::MAX), None),
            (json!(i64::MIN), None),
            (json!(1.5), None),
            (json!("soon"), None),
            (json!(null), None),
        ] {
            let got = time(&json!({"t": given}), "/t").map(Timestamp::millis);
            assert_eq!(got, millis, "{given}");
        }
    }

    #[test]
    fn ids_may_be_numbers_and_have_a_bound() {
        assert_eq!(id(&json!({"i": 17}), "/i").unwrap(), "17");
        assert_eq!(id(&json!({"i": "17"}), "/i").unwrap(), "17");
        for bad in [
            json!(""),
            json!(null),
            json!([1]),
            json!(1.5),
            json!("x".repeat(513)),
        ] {
            assert_eq!(id(&json!({"i": bad}), "/i"), None);
        }
    }

    #[test]
    fn coordinates_may_be_texts() {
        for (given, read) in [
            (json!(37.5), Some("37.5")),
            (json!("-122.25"), Some("-122.25")),
            (json!("north"), None),
            (json!("NaN"), None),
            (json!(null), None),
        ] {
            assert_eq!(decimal(&json!({"d": given}), "/d").as_deref(), read);
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = json!({"t": "é".repeat(LONGEST_TEXT)});
        let kept = text(&long, "/t").unwrap();
        assert!(kept.len() <= LONGEST_TEXT && kept.chars().all(|c| c == 'é'));
    }
}
