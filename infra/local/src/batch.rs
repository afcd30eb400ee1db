//! `ReportBatchItemFailures`, as streams and queues understand it.

use serde_json::Value;

/// Indexes into `ids` of what failed. All of them when the answer is not understood or names an id that
/// was not sent: Lambda then takes the whole batch as failed.
pub(crate) fn failures(answer: &[u8], ids: &[&str]) -> Vec<usize> {
    let all = || (0..ids.len()).collect();
    if answer.is_empty() {
        return Vec::new();
    }
    let Ok(answer) = serde_json::from_slice::<Value>(answer) else {
        return all();
    };
    let listed = match answer.get("batchItemFailures") {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(listed)) => listed,
        Some(_) => return all(),
    };
    let index = |entry: &Value| {
        let id = entry.get("itemIdentifier").and_then(Value::as_str)?;
        ids.iter().position(|known| *known == id)
    };
    listed
        .iter()
        .map(index)
        .collect::<Option<Vec<_>>>()
        .unwrap_or_else(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_name_what_failed() {
        let ids = ["a", "b", "c"];
        for (answer, expected) in [
            ("", vec![]),
            ("null", vec![]),
            ("{}", vec![]),
            (r#"{"batchItemFailures":null}"#, vec![]),
            (r#"{"batchItemFailures":[]}"#, vec![]),
            (r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#, vec![1]),
            (r#"{"batchItemFailures":[{"itemIdentifier":"x"}]}"#, vec![0, 1, 2]),
            (r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, vec![0, 1, 2]),
            (r#"{"batchItemFailures":[{}]}"#, vec![0, 1, 2]),
            (r#"{"batchItemFailures":7}"#, vec![0, 1, 2]),
            ("nonsense", vec![0, 1, 2]),
        ] {
            assert_eq!(failures(answer.as_bytes(), &ids), expected, "{answer}");
        }
    }
}
