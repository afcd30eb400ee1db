//! Stale reads. While such a fault waits, the image that each write replaced is kept for a while; an
//! eventually consistent read that is struck answers with it.
//!
//! What it cannot do: show a row again that was deleted in a Query (a `GetItem` shows it).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dynoxide::Database;
use serde_json::{Map, Value, json};

use crate::template::Table;

/// Images kept at most. Past it the oldest go.
const MOST: usize = 10_000;

/// The images that recent writes replaced.
#[derive(Debug)]
pub(super) struct Images {
    /// Names of the key attributes: of the table, and of the table with all its indexes.
    keys: BTreeMap<String, Keys>,
    replaced: Mutex<HashMap<Place, Image>>,
}

#[derive(Debug)]
struct Keys {
    table: Vec<String>,
    indexes: BTreeMap<String, Vec<String>>,
}

/// Table and key.
type Place = (String, String);

#[derive(Debug, Clone)]
struct Image {
    at_ms: i64,
    /// `None` where there was nothing before.
    item: Option<Value>,
}

impl Images {
    pub(super) fn new(tables: &[Table]) -> Self {
        let keys = tables.iter().map(|table| {
            let names = |schema: &Value| {
                let names = schema.as_array().into_iter().flatten();
                let names = names.filter_map(|key| key.get("AttributeName").and_then(Value::as_str));
                names.map(str::to_owned).collect::<Vec<_>>()
            };
            let schema = |of: &Value| of.get("KeySchema").map(names).unwrap_or_default();
            let indexes = table
                .create
                .get("GlobalSecondaryIndexes")
                .and_then(Value::as_array);
            let indexes = indexes.into_iter().flatten().filter_map(|index| {
                let name = index.get("IndexName").and_then(Value::as_str)?;
                Some((name.to_owned(), schema(index)))
            });
            let keys = Keys {
                table: schema(&table.create),
                indexes: indexes.collect(),
            };
            (table.name.clone(), keys)
        });
        Self {
            keys: keys.collect(),
            replaced: Mutex::default(),
        }
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// The items that a write is about to replace, as they are now.
    pub(super) fn before(
        &self,
        database: &Database,
        operation: &str,
        body: &[u8],
    ) -> Vec<(Place, Option<Value>)> {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let places = self.written(operation, &body);
        let image = |(table, key): (String, Value)| {
            let request = json!({"TableName": table, "Key": key, "ConsistentRead": true});
            let answer = database.get_item(serde_json::from_value(request).ok()?).ok()?;
            let answer = serde_json::to_value(answer).ok()?;
            let item = answer.get("Item").filter(|item| !item.is_null()).cloned();
            Some(((table, key.to_string()), item))
        };
        places.into_iter().filter_map(image).collect()
    }

    /// Keeps what a write that succeeded has replaced.
    pub(super) fn keep(&self, images: Vec<(Place, Option<Value>)>, at_ms: i64) {
        let mut replaced = self.lock();
        for (place, item) in images {
            replaced.insert(place, Image { at_ms, item });
        }
        if replaced.len() > MOST {
            let mut times: Vec<i64> = replaced.values().map(|image| image.at_ms).collect();
            times.sort_unstable();
            let middle = times.get(times.len() / 2).copied().unwrap_or(at_ms);
            replaced.retain(|_, image| image.at_ms > middle);
        }
    }

    /// Whether a read is eventually consistent and of a shape that can be answered from images.
    pub(super) fn may_be_stale(body: &[u8]) -> bool {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        body.get("ConsistentRead") != Some(&json!(true)) && body.get("Select") != Some(&json!("COUNT"))
    }

    /// The answer to a read as it would have been before the last write of each item, if that is no longer
    /// ago than `window`. `None` if nothing of it was written since.
    pub(super) fn rewrite(&self, request: &[u8], answer: &[u8], window: Duration, now: i64) -> Option<Value> {
        let request: Value = serde_json::from_slice(request).ok()?;
        let mut answer: Value = serde_json::from_slice(answer).ok()?;
        let table = request.get("TableName")?.as_str()?;
        let keys = self.keys.get(table)?;
        let oldest = now - i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
        let replaced = self.lock();
        let recent = |key: &Value| {
            let image = replaced.get(&(table.to_owned(), key.to_string()));
            image.filter(|image| image.at_ms >= oldest)
        };
        if let Some(key) = request.get("Key") {
            let image = recent(&canonical(key))?;
            let object = answer.as_object_mut()?;
            match &image.item {
                Some(item) => object.insert("Item".to_owned(), projected(item, &request)),
                None => object.remove("Item"),
            };
            return Some(answer);
        }
        let index = request.get("IndexName").and_then(Value::as_str);
        let placed_by = index
            .and_then(|index| keys.indexes.get(index))
            .unwrap_or(&keys.table);
        let items = answer.get_mut("Items").and_then(Value::as_array_mut)?;
        let mut changed = false;
        items.retain_mut(|item| {
            let Some(image) = part(item, &keys.table).as_ref().and_then(&recent) else {
                return true;
            };
            changed = true;
            // An item that was elsewhere in an index before is, for a moment, nowhere in it.
            let Some(before) = image
                .item
                .as_ref()
                .filter(|before| placed_by.iter().all(|name| before.get(name) == item.get(name)))
            else {
                return false;
            };
            *item = projected(before, &request);
            true
        });
        if !changed {
            return None;
        }
        let count = json!(items.len());
        answer.as_object_mut()?.insert("Count".to_owned(), count);
        Some(answer)
    }

    /// Table and key of each item that a write touches.
    fn written(&self, operation: &str, body: &Value) -> Vec<(String, Value)> {
        let of = |write: &Value| {
            let table = write.get("TableName")?.as_str()?.to_owned();
            let key = self.key(&table, write)?;
            Some((table, key))
        };
        match operation {
            "PutItem" | "UpdateItem" | "DeleteItem" => of(body).into_iter().collect(),
            "TransactWriteItems" => {
                let items = body.get("TransactItems").and_then(Value::as_array);
                let writes = items.into_iter().flatten().filter_map(Value::as_object);
                writes.flat_map(Map::values).filter_map(of).collect()
            }
            "BatchWriteItem" => {
                let tables = body.get("RequestItems").and_then(Value::as_object);
                let mut places = Vec::new();
                for (table, writes) in tables.into_iter().flatten() {
                    let writes = writes
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_object);
                    let keys = writes
                        .flat_map(Map::values)
                        .filter_map(|write| self.key(table, write));
                    places.extend(keys.map(|key| (table.clone(), key)));
                }
                places
            }
            _ => Vec::new(),
        }
    }

    fn key(&self, table: &str, write: &Value) -> Option<Value> {
        match write.get("Key") {
            Some(key) => Some(canonical(key)),
            None => part(write.get("Item")?, &self.keys.get(table)?.table),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, Image>> {
        self.replaced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key attributes of an item, in the order of their names.
fn part(item: &Value, names: &[String]) -> Option<Value> {
    let parts: Option<BTreeMap<&String, &Value>> =
        names.iter().map(|name| Some((name, item.get(name)?))).collect();
    serde_json::to_value(parts?).ok()
}

/// A key with its attributes in the order of their names.
fn canonical(key: &Value) -> Value {
    let sorted: BTreeMap<&String, &Value> = key.as_object().into_iter().flatten().collect();
    serde_json::to_value(sorted).unwrap_or_default()
}

/// An item, cut to the attributes that a request asks for.
fn projected(item: &Value, request: &Value) -> Value {
    let Some(expression) = request.get("ProjectionExpression").and_then(Value::as_str) else {
        return item.clone();
    };
    let names = request.get("ExpressionAttributeNames");
    let wanted = expression.split(',').map(str::trim).map(|name| {
        let alias = names.and_then(|names| names.get(name)).and_then(Value::as_str);
        alias.unwrap_or(name)
    });
    let kept = wanted.filter_map(|name| Some((name.to_owned(), item.get(name)?.clone())));
    Value::Object(kept.collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn images() -> Images {
        Images::new(&[Table {
            name: "T".to_owned(),
            create: json!({
                "KeySchema": [{"AttributeName": "pk"}, {"AttributeName": "sk"}],
                "GlobalSecondaryIndexes": [{"IndexName": "i", "KeySchema": [{"AttributeName": "l"}]}],
            }),
            ttl_attribute: None,
            recovery_days: None,
        }])
    }

    fn item(state: &str, listing: &str) -> Value {
        json!({"pk": {"S": "p"}, "sk": {"S": "s"}, "state": {"S": state}, "l": {"S": listing}})
    }

    fn kept(before: Option<Value>) -> Images {
        let images = images();
        let key = canonical(&json!({"sk": {"S": "s"}, "pk": {"S": "p"}}));
        images.keep(vec![(("T".to_owned(), key.to_string()), before)], 1_000);
        images
    }

    fn rewrite(images: &Images, request: &Value, answer: &Value, now: i64) -> Option<Value> {
        let window = Duration::from_secs(1);
        images.rewrite(
            request.to_string().as_bytes(),
            answer.to_string().as_bytes(),
            window,
            now,
        )
    }

    #[test]
    fn a_read_answers_from_before_the_last_write_and_only_for_a_while() {
        let images = kept(Some(item("old", "a")));
        let get = json!({"TableName": "T", "Key": {"pk": {"S": "p"}, "sk": {"S": "s"}}});
        let answer = json!({"Item": item("new", "a")});
        let stale = rewrite(&images, &get, &answer, 1_500).unwrap();
        assert_eq!(stale["Item"]["state"]["S"], "old");
        assert!(rewrite(&images, &get, &answer, 2_500).is_none());
        let other = json!({"TableName": "T", "Key": {"pk": {"S": "p"}, "sk": {"S": "other"}}});
        assert!(rewrite(&images, &other, &answer, 1_500).is_none());
        let names = json!({"TableName": "T", "Key": get["Key"], "ProjectionExpression": "#s",
            "ExpressionAttributeNames": {"#s": "state"}});
        let stale = rewrite(&images, &names, &answer, 1_500).unwrap();
        assert_eq!(stale["Item"], json!({"state": {"S": "old"}}));
        assert!(!Images::may_be_stale(br#"{"ConsistentRead": true}"#));
    }

    #[test]
    fn what_was_just_made_is_not_there_yet() {
        let images = kept(None);
        let get = json!({"TableName": "T", "Key": {"pk": {"S": "p"}, "sk": {"S": "s"}}});
        let stale = rewrite(&images, &get, &json!({"Item": item("new", "a")}), 1_500).unwrap();
        assert!(stale.get("Item").is_none());
        let query = json!({"TableName": "T"});
        let stale = rewrite(
            &images,
            &query,
            &json!({"Items": [item("new", "a")], "Count": 1}),
            1_500,
        )
        .unwrap();
        assert_eq!((&stale["Items"], &stale["Count"]), (&json!([]), &json!(0)));
    }

    #[test]
    fn an_item_that_moved_in_an_index_is_nowhere_in_it_for_a_moment() {
        let images = kept(Some(item("old", "a")));
        let answer = json!({"Items": [item("new", "b")], "Count": 1});
        let by_index = rewrite(
            &images,
            &json!({"TableName": "T", "IndexName": "i"}),
            &answer,
            1_500,
        );
        assert_eq!(by_index.unwrap()["Count"], 0);
        let by_key = rewrite(&images, &json!({"TableName": "T"}), &answer, 1_500).unwrap();
        assert_eq!(by_key["Items"][0]["state"]["S"], "old");
    }

    #[test]
    fn every_write_names_what_it_replaces() {
        let images = images();
        let key = json!({"pk": {"S": "p"}, "sk": {"S": "s"}});
        for (operation, body) in [
            ("PutItem", json!({"TableName": "T", "Item": item("new", "a")})),
            ("UpdateItem", json!({"TableName": "T", "Key": key})),
            (
                "TransactWriteItems",
                json!({"TransactItems": [{"Update": {"TableName": "T", "Key": key}}]}),
            ),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"T": [{"PutRequest": {"Item": item("new", "a")}}]}}),
            ),
        ] {
            let written = images.written(operation, &body);
            assert_eq!(written, [("T".to_owned(), canonical(&key))], "{operation}");
        }
        assert!(
            images
                .written("GetItem", &json!({"TableName": "T", "Key": key}))
                .is_empty()
        );
    }
}
