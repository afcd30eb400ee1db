//! Request units of the embedded database: asked for with every call, and worked out where the database
//! does not say them, which is when a condition fails.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value};

/// Operations that report what they consumed when asked.
const REPORTING: [&str; 10] = [
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "TransactWriteItems",
    "UpdateItem",
];
const ASK: &str = r#""ReturnConsumedCapacity":"INDEXES","#;

/// What one request is billed on one resource.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Charge {
    /// Table, `table/index`, queue, bucket.
    pub(crate) resource: String,
    /// Whether this is the line that counts the request.
    pub(crate) counts: bool,
    /// Whether its condition failed.
    pub(crate) failed_condition: bool,
    /// Read request units.
    pub(crate) read_units: f64,
    /// Write request units.
    pub(crate) write_units: f64,
}

impl Charge {
    /// A request that has no units.
    pub(crate) fn request(resource: String) -> Self {
        Self {
            resource,
            counts: true,
            failed_condition: false,
            read_units: 0.0,
            write_units: 0.0,
        }
    }
}

/// The body with the question for consumed units in it.
pub(crate) fn ask(operation: &str, body: &Bytes) -> Bytes {
    let asks = REPORTING.contains(&operation) && memchr(body, b"\"ReturnConsumedCapacity\"").is_none();
    match body.strip_prefix(b"{") {
        Some(rest) if asks && rest.first().is_some_and(|byte| *byte != b'}') => {
            let mut asked = Vec::with_capacity(body.len() + ASK.len());
            asked.push(b'{');
            asked.extend_from_slice(ASK.as_bytes());
            asked.extend_from_slice(rest);
            asked.into()
        }
        _ => body.clone(),
    }
}

fn memchr(body: &[u8], needle: &[u8]) -> Option<usize> {
    body.windows(needle.len()).position(|window| window == needle)
}

/// What an answered call of the database is billed. `stored` finds the item that a failed condition was
/// about, by table and by an item or key that holds its primary key.
pub(crate) fn charges(
    operation: &str,
    request: &[u8],
    status: StatusCode,
    answer: &[u8],
    stored: impl Fn(&str, &Map<String, Value>) -> Option<Value>,
) -> Vec<Charge> {
    if status.is_success() {
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let reads = operation.contains("Get") || operation == "Query" || operation == "Scan";
        return match answer.get("ConsumedCapacity") {
            Some(Value::Array(tables)) => tables.iter().flat_map(|one| of_table(one, reads)).collect(),
            Some(one) => of_table(one, reads),
            None => Vec::new(),
        };
    }
    let code: Value = serde_json::from_slice(answer).unwrap_or_default();
    let code = code.get("__type").and_then(Value::as_str).unwrap_or_default();
    let request: Value = serde_json::from_slice(request).unwrap_or_default();
    if code.ends_with("ConditionalCheckFailedException") {
        failed(&request, 1.0, &stored).into_iter().collect()
    } else if code.ends_with("TransactionCanceledException") {
        // Every element is prepared before one fails, and a transaction costs twice.
        let elements = request.get("TransactItems").and_then(Value::as_array);
        let parts = elements.into_iter().flatten().filter_map(Value::as_object);
        let mut all: Vec<Charge> = parts
            .flat_map(Map::values)
            .filter_map(|part| failed(part, 2.0, &stored))
            .collect();
        for (index, charge) in all.iter_mut().enumerate() {
            charge.counts = index == 0;
        }
        all
    } else {
        // Throttled, refused or not understood: nothing was read or written.
        Vec::new()
    }
}

/// A write that was refused by its condition: billed by the larger of what is there and what was to come.
fn failed(
    request: &Value,
    factor: f64,
    stored: &impl Fn(&str, &Map<String, Value>) -> Option<Value>,
) -> Option<Charge> {
    let table = request.get("TableName")?.as_str()?;
    let new = request.get("Item").and_then(Value::as_object);
    let key = new.or_else(|| request.get("Key").and_then(Value::as_object))?;
    let there = stored(table, key);
    let size = |item: Option<&Map<String, Value>>| item.map_or(0, item_bytes);
    let bytes = size(new).max(size(there.as_ref().and_then(Value::as_object)));
    Some(Charge {
        resource: table.to_owned(),
        counts: true,
        failed_condition: true,
        read_units: 0.0,
        write_units: factor * write_units(bytes),
    })
}

fn of_table(consumed: &Value, reads: bool) -> Vec<Charge> {
    let name = consumed
        .get("TableName")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let charge = |resource: String, detail: &Value, counts: bool| {
        let number = |field: &str| detail.get(field).and_then(Value::as_f64);
        let units = number("CapacityUnits").unwrap_or_default();
        let (read_units, write_units) = match (number("ReadCapacityUnits"), number("WriteCapacityUnits")) {
            (None, None) if reads => (units, 0.0),
            (None, None) => (0.0, units),
            (read, write) => (read.unwrap_or_default(), write.unwrap_or_default()),
        };
        Charge {
            resource,
            counts,
            failed_condition: false,
            read_units,
            write_units,
        }
    };
    let mut charges = Vec::new();
    let table = consumed.get("Table").unwrap_or(consumed);
    charges.push(charge(name.to_owned(), table, true));
    let indexes = consumed.get("GlobalSecondaryIndexes").and_then(Value::as_object);
    for (index, detail) in indexes.into_iter().flatten() {
        charges.push(charge(format!("{name}/{index}"), detail, false));
    }
    charges
}

/// One unit per started KiB, at least one.
fn write_units(bytes: usize) -> f64 {
    u32::try_from(bytes.div_ceil(1024).max(1)).map_or(f64::MAX, f64::from)
}

/// Size of an item as the database counts it: names and values in UTF-8, numbers by two digits a byte, binary
/// as it is, three bytes and one per element for lists and maps.
fn item_bytes(item: &Map<String, Value>) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + value_bytes(value))
        .sum()
}

fn value_bytes(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|object| object.iter().next()) else {
        return 0;
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().len();
    let number = |value: &Value| text(value).div_ceil(2) + 1;
    let binary = |value: &Value| text(value).div_ceil(4) * 3;
    let sum =
        |each: &dyn Fn(&Value) -> usize| value.as_array().into_iter().flatten().map(each).sum::<usize>();
    match kind.as_str() {
        "S" => text(value),
        "N" => number(value),
        "B" => binary(value),
        "SS" => sum(&text),
        "NS" => sum(&number),
        "BS" => sum(&binary),
        "L" => 3 + sum(&|element| 1 + value_bytes(element)),
        "M" => {
            let entries = value.as_object().into_iter().flatten();
            3 + entries
                .map(|(name, value)| 1 + name.len() + value_bytes(value))
                .sum::<usize>()
        }
        // BOOL and NULL.
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn lines(charges: &[Charge]) -> Vec<(&str, bool, f64, f64)> {
        charges
            .iter()
            .map(|c| (c.resource.as_str(), c.counts, c.read_units, c.write_units))
            .collect()
    }

    #[test]
    fn the_question_is_added_once_and_only_where_it_is_understood() {
        let asked = ask("PutItem", &Bytes::from_static(br#"{"TableName":"T"}"#));
        assert_eq!(asked, r#"{"ReturnConsumedCapacity":"INDEXES","TableName":"T"}"#);
        assert_eq!(ask("PutItem", &asked), asked);
        for (operation, body) in [
            ("DescribeTable", r#"{"TableName":"T"}"#),
            ("PutItem", "{}"),
            ("PutItem", "x"),
        ] {
            assert_eq!(ask(operation, &Bytes::from_static(body.as_bytes())), body);
        }
    }

    #[test]
    fn consumed_units_are_read_by_table_and_index() {
        let one = json!({"ConsumedCapacity": {"TableName": "T", "CapacityUnits": 3.0,
            "Table": {"CapacityUnits": 1.0}, "GlobalSecondaryIndexes": {"i": {"CapacityUnits": 2.0}}}});
        let none = |_: &str, _: &Map<String, Value>| None;
        let answer = one.to_string();
        let written = charges("PutItem", b"{}", StatusCode::OK, answer.as_bytes(), none);
        assert_eq!(lines(&written), [("T", true, 0.0, 1.0), ("T/i", false, 0.0, 2.0)]);
        let read = charges("Query", b"{}", StatusCode::OK, answer.as_bytes(), none);
        assert_eq!(lines(&read), [("T", true, 1.0, 0.0), ("T/i", false, 2.0, 0.0)]);
    }

    #[test]
    fn a_failed_condition_costs_by_what_is_there_or_was_to_come() {
        let refused = br#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}"#;
        let request = json!({"TableName": "T", "Item": {"pk": {"S": "a"}, "b": {"S": "x".repeat(1500)}}});
        let there = json!({"pk": {"S": "a"}, "b": {"B": "A".repeat(4000)}});
        let stored = |_: &str, key: &Map<String, Value>| key.contains_key("pk").then(|| there.clone());
        let status = StatusCode::BAD_REQUEST;
        let cost = charges("PutItem", request.to_string().as_bytes(), status, refused, stored);
        assert_eq!(lines(&cost), [("T", true, 0.0, 3.0)]);
        assert!(cost.first().unwrap().failed_condition);
        let absent = charges(
            "PutItem",
            request.to_string().as_bytes(),
            status,
            refused,
            |_, _| None,
        );
        assert_eq!(lines(&absent), [("T", true, 0.0, 2.0)]);
        let canceled = br#"{"__type":"TransactionCanceledException"}"#;
        let request = json!({"TransactItems": [
            {"Put": {"TableName": "T", "Item": {"pk": {"S": "a"}}}},
            {"Delete": {"TableName": "U", "Key": {"pk": {"S": "b"}}}},
        ]});
        let body = request.to_string();
        let cost = charges("TransactWriteItems", body.as_bytes(), status, canceled, |_, _| {
            None
        });
        assert_eq!(lines(&cost), [("T", true, 0.0, 2.0), ("U", false, 0.0, 2.0)]);
        let throttled = br#"{"__type":"ProvisionedThroughputExceededException"}"#;
        assert!(charges("PutItem", body.as_bytes(), status, throttled, |_, _| None).is_empty());
    }

    #[test]
    fn items_are_measured_as_the_database_measures_them() {
        for (item, bytes) in [
            (json!({"ab": {"S": "né"}}), 5),
            (json!({"n": {"N": "1234567"}}), 6),
            (json!({"b": {"B": "AAAA"}}), 4),
            (json!({"t": {"BOOL": true}}), 2),
            (json!({"l": {"L": [{"S": "a"}]}}), 6),
            (json!({"m": {"M": {"k": {"S": "a"}}}}), 7),
            (json!({"s": {"SS": ["ab", "c"]}}), 4),
        ] {
            assert_eq!(item_bytes(item.as_object().unwrap()), bytes, "{item}");
        }
    }
}
