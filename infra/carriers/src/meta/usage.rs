//! How long Meta wants to be left alone, as the headers of its answers tell.

use serde_json::Value;

use super::json;

/// The headers, in lower case. Each holds JSON.
pub const HEADERS: [&str; 3] = ["x-business-use-case-usage", "x-page-usage", "x-app-usage"];

/// Seconds until calls are taken again, if one of [`HEADERS`] says so: `header` gives the value of a header by its name.
/// Calling while throttled lengthens the wait.
pub fn wait_seconds<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<u64> {
    let longest = HEADERS.into_iter().filter_map(header).filter_map(minutes).max()?;
    (longest > 0).then(|| longest.saturating_mul(60))
}

/// The longest time in the header, which is an object by account of lists by kind of use, or the use itself.
fn minutes(header: &str) -> Option<u64> {
    if json::depth(header.as_bytes()) > 8 {
        return None;
    }
    let usage: Value = serde_json::from_str(header).ok()?;
    let told = |use_: &Value| {
        let minutes = json::number(use_, "/estimated_time_to_regain_access")?;
        u64::try_from(minutes).ok()
    };
    let by_account = usage.as_object()?.values().filter_map(Value::as_array).flatten();
    by_account.chain([&usage]).filter_map(told).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_of_all_headers_is_told_in_seconds() {
        let business = r#"{"17":[{"type":"messenger","call_count":100,"estimated_time_to_regain_access":2},{"estimated_time_to_regain_access":"19"}]}"#;
        let app = r#"{"call_count":100,"estimated_time_to_regain_access":3}"#;
        for (first, last, seconds) in [
            (business, app, Some(19 * 60)),
            ("", app, Some(180)),
            ("{", "[]", None),
            (r#"{"a":[{"estimated_time_to_regain_access":0}]}"#, "{}", None),
            (r#"{"a":[{"estimated_time_to_regain_access":-3}]}"#, "{}", None),
        ] {
            let got = wait_seconds(|name| match name {
                "x-business-use-case-usage" => Some(first),
                "x-app-usage" => Some(last),
                _ => None,
            });
            assert_eq!(got, seconds, "{first} {last}");
        }
    }
}
