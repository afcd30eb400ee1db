//! `DynamoDB`: the table or index of a call, and the partitions it reaches for.
//!
//! Elements of a transaction are judged one by one, as the operations they stand for
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html>); batches by
//! actions of their own, with all their partitions at once.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::roles::TableKeys;
use super::Ask;
use crate::template::raw::table_arn;

static UNKNOWN: TableKeys = TableKeys {
    hash: String::new(),
    indexes: BTreeMap::new(),
};

type Tables = BTreeMap<String, TableKeys>;

pub(super) fn asks(operation: &str, body: &[u8], tables: &Tables) -> Result<Vec<Ask>, String> {
    let body: Value = serde_json::from_slice(body).map_err(|_| "the body is no JSON".to_owned())?;
    match operation {
        "GetItem" | "UpdateItem" | "DeleteItem" => {
            Ok(vec![with_options(one(operation, &body, "Key", tables)?, &body)])
        }
        "PutItem" => Ok(vec![with_options(one(operation, &body, "Item", tables)?, &body)]),
        "Query" => query(&body, tables).map(|ask| vec![ask]),
        "Scan" => {
            let (table, _) = table(&body, tables)?;
            let arn = match body.get("IndexName").and_then(Value::as_str) {
                Some(index) => format!("{}/index/{index}", table_arn(table)),
                None => table_arn(table),
            };
            Ok(vec![with_options(Ask::new("dynamodb:Scan", arn), &body)])
        }
        "TransactWriteItems" | "TransactGetItems" => transaction(operation, &body, tables),
        "BatchGetItem" => batch(operation, &body, tables, |request| {
            let keys = request.get("Keys").and_then(Value::as_array);
            keys.into_iter().flatten().map(Some).collect()
        }),
        "BatchWriteItem" => batch(operation, &body, tables, |request| {
            let requests = request.as_array().into_iter().flatten();
            let key = |request| {
                Value::pointer(request, "/PutRequest/Item").or_else(|| request.pointer("/DeleteRequest/Key"))
            };
            requests.map(key).collect()
        }),
        "ListTables" | "ListStreams" | "DescribeLimits" | "DescribeEndpoints" => {
            Ok(vec![Ask::new(format!("dynamodb:{operation}"), "*")])
        }
        "DescribeTable"
        | "DescribeTimeToLive"
        | "DescribeContinuousBackups"
        | "CreateTable"
        | "DeleteTable"
        | "UpdateTable"
        | "UpdateTimeToLive"
        | "UpdateContinuousBackups" => {
            let (table, _) = table(&body, tables)?;
            Ok(vec![Ask::new(format!("dynamodb:{operation}"), table_arn(table))])
        }
        "DescribeStream" | "GetShardIterator" => {
            let arn = text(&body, "StreamArn")?;
            Ok(vec![Ask::new(format!("dynamodb:{operation}"), arn)])
        }
        other => Err(format!("what dynamodb:{other} asks for is not known")),
    }
}

/// The table that a request names, by name or ARN.
fn table<'a>(request: &'a Value, tables: &'a Tables) -> Result<(&'a str, &'a TableKeys), String> {
    let name = text(request, "TableName")?;
    Ok(find(name, tables))
}

/// A table that is not there is the database's to refuse, once the caller may ask at all.
fn find<'a>(name: &'a str, tables: &'a Tables) -> (&'a str, &'a TableKeys) {
    let name = name.rsplit_once(":table/").map_or(name, |(_, name)| name);
    (name, tables.get(name).unwrap_or(&UNKNOWN))
}

fn text<'a>(value: &'a Value, member: &str) -> Result<&'a str, String> {
    let text = value.get(member).and_then(Value::as_str);
    text.ok_or_else(|| format!("the request has no {member}"))
}

/// The value of a key attribute as condition keys have it.
fn key_text(value: &Value) -> Option<&str> {
    ["S", "N", "B"]
        .iter()
        .find_map(|kind| value.get(kind).and_then(Value::as_str))
}

fn partition<'a>(key: Option<&'a Value>, hash: &str) -> Result<&'a str, String> {
    let value = key.and_then(|key| key.get(hash)).and_then(key_text);
    value.ok_or_else(|| "the request names no partition".to_owned())
}

fn one(operation: &str, request: &Value, member: &str, tables: &Tables) -> Result<Ask, String> {
    let (name, keys) = table(request, tables)?;
    let partition = partition(request.get(member), &keys.hash)?;
    Ok(Ask::new(format!("dynamodb:{operation}"), table_arn(name)).with("dynamodb:LeadingKeys", partition))
}

fn with_options(mut ask: Ask, request: &Value) -> Ask {
    for option in ["Select", "ReturnValues", "ReturnConsumedCapacity"] {
        if let Some(value) = request.get(option).and_then(Value::as_str) {
            ask = ask.with(&format!("dynamodb:{option}"), value);
        }
    }
    ask
}

fn query(body: &Value, tables: &Tables) -> Result<Ask, String> {
    let (name, keys) = table(body, tables)?;
    let (arn, hash) = match body.get("IndexName").and_then(Value::as_str) {
        None => (table_arn(name), Some(&keys.hash)),
        Some(index) => (
            format!("{}/index/{index}", table_arn(name)),
            keys.indexes.get(index),
        ),
    };
    let hash = hash.map(String::as_str).unwrap_or_default();
    let partition = match body.get("KeyConditionExpression").and_then(Value::as_str) {
        Some(expression) => expression_partition(expression, hash, body),
        None => body
            .pointer("/KeyConditions")
            .and_then(|conditions| conditions.get(hash))
            .filter(|condition| {
                condition
                    .get("ComparisonOperator")
                    .is_some_and(|operator| operator == "EQ")
            })
            .and_then(|condition| condition.pointer("/AttributeValueList/0"))
            .and_then(key_text),
    };
    let partition = partition.ok_or_else(|| "the query names no partition".to_owned())?;
    let ask = Ask::new("dynamodb:Query", arn).with("dynamodb:LeadingKeys", partition);
    Ok(with_options(ask, body))
}

/// The value that a key condition demands of the attribute `hash`. Two different ones are none.
fn expression_partition<'a>(expression: &str, hash: &str, body: &'a Value) -> Option<&'a str> {
    let spaced = expression.replace('=', " = ").replace(['(', ')', ','], " ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let is_hash = |word: &str| {
        let names = body.get("ExpressionAttributeNames");
        let found = names.and_then(|all| all.get(word)).and_then(Value::as_str);
        found.unwrap_or(word) == hash
    };
    let values = body.get("ExpressionAttributeValues");
    let value = |word: &str| values.and_then(|values| values.get(word)).and_then(key_text);
    let mut found = words.windows(3).filter_map(|words| match words {
        [left, "=", right] if is_hash(left) => value(right),
        [left, "=", right] if is_hash(right) => value(left),
        _ => None,
    });
    let first = found.next();
    first.filter(|first| found.all(|other| other == *first))
}

fn transaction(operation: &str, body: &Value, tables: &Tables) -> Result<Vec<Ask>, String> {
    let items = body.get("TransactItems").and_then(Value::as_array);
    let items = items.ok_or("the transaction has no items")?;
    let mut asks = Vec::new();
    for item in items {
        for (element, request) in item.as_object().into_iter().flatten() {
            let (action, member) = match element.as_str() {
                "Get" => ("GetItem", "Key"),
                "Put" => ("PutItem", "Item"),
                "Update" => ("UpdateItem", "Key"),
                "Delete" => ("DeleteItem", "Key"),
                "ConditionCheck" => ("ConditionCheckItem", "Key"),
                other => return Err(format!("a transaction has no {other}")),
            };
            let ask = one(action, request, member, tables)?;
            asks.push(ask.with("dynamodb:EnclosingOperation", operation));
        }
    }
    if asks.is_empty() {
        return Err("the transaction has no items".to_owned());
    }
    Ok(asks)
}

fn batch<'a>(
    operation: &str,
    body: &'a Value,
    tables: &Tables,
    keys: impl Fn(&'a Value) -> Vec<Option<&'a Value>>,
) -> Result<Vec<Ask>, String> {
    let requests = body.get("RequestItems").and_then(Value::as_object);
    let requests = requests.filter(|requests| !requests.is_empty());
    let mut asks = Vec::new();
    for (name, request) in requests.ok_or("the batch has no items")? {
        let (name, table) = find(name, tables);
        let mut ask = Ask::new(format!("dynamodb:{operation}"), table_arn(name));
        let keys = keys(request);
        // Without any partition the condition on them would hold.
        if keys.is_empty() {
            return Err("the batch has no items".to_owned());
        }
        for key in keys {
            ask = ask.with("dynamodb:LeadingKeys", partition(key, &table.hash)?);
        }
        asks.push(ask);
    }
    Ok(asks)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn tables() -> Tables {
        let keys = TableKeys {
            hash: "pk".to_owned(),
            indexes: BTreeMap::from([("listing".to_owned(), "lpk".to_owned())]),
        };
        Tables::from([("T".to_owned(), keys)])
    }

    /// `action on table/… of [partitions]`.
    fn asked(operation: &str, body: &Value) -> Result<Vec<String>, String> {
        let asks = asks(operation, body.to_string().as_bytes(), &tables())?;
        Ok(asks
            .iter()
            .map(|ask| {
                let (_, resource) = ask.resource.split_once(":table/").unwrap_or(("", &ask.resource));
                format!(
                    "{} on {resource} of {:?}",
                    ask.action,
                    ask.context.all("dynamodb:leadingkeys")
                )
            })
            .collect())
    }

    #[test]
    fn every_operation_names_its_resource_and_partitions() {
        let key = json!({"pk": {"S": "a"}, "sk": {"S": "x"}});
        let other = json!({"pk": {"S": "b"}, "sk": {"S": "x"}});
        let query = |expression: &str| {
            json!({"TableName": "T", "KeyConditionExpression": expression,
                "ExpressionAttributeNames": {"#p": "pk", "#l": "lpk"},
                "ExpressionAttributeValues": {":p": {"S": "a"}, ":q": {"S": "b"}, ":s": {"S": "m"}}})
        };
        let mut listing = query("(#l=:q) AND lsk > :s");
        listing["IndexName"] = json!("listing");
        for (operation, body, expected) in [
            (
                "GetItem",
                json!({"TableName": "T", "Key": key}),
                vec![r#"dynamodb:GetItem on T of ["a"]"#],
            ),
            (
                "GetItem",
                json!({"TableName": "arn:aws:dynamodb:us-east-1:1:table/T", "Key": key}),
                vec![r#"dynamodb:GetItem on T of ["a"]"#],
            ),
            (
                "PutItem",
                json!({"TableName": "T", "Item": other}),
                vec![r#"dynamodb:PutItem on T of ["b"]"#],
            ),
            (
                "Query",
                query("pk = :p AND begins_with(sk, :s)"),
                vec![r#"dynamodb:Query on T of ["a"]"#],
            ),
            (
                "Query",
                query("begins_with(sk, :s) and :q=#p"),
                vec![r#"dynamodb:Query on T of ["b"]"#],
            ),
            (
                "Query",
                listing,
                vec![r#"dynamodb:Query on T/index/listing of ["b"]"#],
            ),
            (
                "Query",
                json!({"TableName": "T", "KeyConditions": {"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}}),
                vec![r#"dynamodb:Query on T of ["a"]"#],
            ),
            (
                "Scan",
                json!({"TableName": "T"}),
                vec!["dynamodb:Scan on T of []"],
            ),
            (
                "Scan",
                json!({"TableName": "T", "IndexName": "i"}),
                vec!["dynamodb:Scan on T/index/i of []"],
            ),
            (
                "TransactWriteItems",
                json!({"TransactItems": [
                    {"Put": {"TableName": "T", "Item": key}}, {"Update": {"TableName": "T", "Key": other}},
                    {"Delete": {"TableName": "T", "Key": key}}, {"ConditionCheck": {"TableName": "T", "Key": key}},
                ]}),
                vec![
                    r#"dynamodb:PutItem on T of ["a"]"#,
                    r#"dynamodb:UpdateItem on T of ["b"]"#,
                    r#"dynamodb:DeleteItem on T of ["a"]"#,
                    r#"dynamodb:ConditionCheckItem on T of ["a"]"#,
                ],
            ),
            (
                "TransactGetItems",
                json!({"TransactItems": [{"Get": {"TableName": "T", "Key": key}}]}),
                vec![r#"dynamodb:GetItem on T of ["a"]"#],
            ),
            (
                "BatchGetItem",
                json!({"RequestItems": {"T": {"Keys": [key, other]}}}),
                vec![r#"dynamodb:BatchGetItem on T of ["a", "b"]"#],
            ),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"T": [{"PutRequest": {"Item": key}}, {"DeleteRequest": {"Key": other}}]}}),
                vec![r#"dynamodb:BatchWriteItem on T of ["a", "b"]"#],
            ),
        ] {
            assert_eq!(asked(operation, &body).unwrap(), expected, "{body}");
        }
    }

    #[test]
    fn what_reaches_for_no_partition_is_not_taken_for_one_that_may() {
        for (operation, body) in [
            (
                "Query",
                json!({"TableName": "T", "KeyConditionExpression": "sk = :s", "ExpressionAttributeValues": {":s": {"S": "x"}}}),
            ),
            (
                "Query",
                json!({"TableName": "T", "KeyConditionExpression": "pk = :a AND pk = :b",
                    "ExpressionAttributeValues": {":a": {"S": "a"}, ":b": {"S": "b"}}}),
            ),
            (
                "Query",
                json!({"TableName": "T", "IndexName": "none", "KeyConditionExpression": "pk = :s"}),
            ),
            ("GetItem", json!({"TableName": "T", "Key": {}})),
            ("GetItem", json!({"Key": {}})),
            ("GetItem", json!({"TableName": "None", "Key": {"pk": {"S": "a"}}})),
            ("BatchGetItem", json!({"RequestItems": {}})),
            ("BatchGetItem", json!({"RequestItems": {"T": {"Keys": []}}})),
            ("BatchWriteItem", json!({"RequestItems": {"T": [{}]}})),
            ("TransactWriteItems", json!({"TransactItems": []})),
            ("TransactWriteItems", json!({"TransactItems": [{"Push": {}}]})),
            ("ExecuteStatement", json!({"Statement": "SELECT * FROM T"})),
        ] {
            assert!(asked(operation, &body).is_err(), "{operation} {body}");
        }
        assert!(asks("GetItem", b"x", &tables()).is_err());
    }
}
