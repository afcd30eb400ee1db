//! `DynamoDB`: the embedded database as a library, with the tables of the template, served to the
//! unmodified SDK. TTL is swept on the domain clock.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use axum::response::Response;
use dynoxide::{Database, RusqliteBackend};
use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, RwLock, RwLockReadGuard, RwLockWriteGuard, oneshot};
use tokio::task::JoinHandle;

use crate::clock::{Clock, DatabaseClock};
use crate::proxy::{Call, Service, refusal};
use crate::template::Table;

/// Operations after which a stream may have something new.
const WRITES: [&str; 7] = [
    "BatchWriteItem",
    "DeleteItem",
    "ExecuteStatement",
    "ExecuteTransaction",
    "PutItem",
    "TransactWriteItems",
    "UpdateItem",
];

/// Where the database lives.
#[derive(Debug, Clone)]
pub enum Storage<'a> {
    /// Nowhere but here.
    Memory,
    /// In this file.
    File(&'a Path),
}

/// The embedded database and its private listener.
pub struct DynamoDb {
    database: Database,
    /// A second connection with the domain clock, when the database is a file: its constructor takes no
    /// clock of its own, and TTL must be swept on ours.
    sweeper: Option<Arc<std::sync::Mutex<RusqliteBackend>>>,
    /// Names of the primary key's attributes by table.
    keys: BTreeMap<String, Vec<String>>,
    url: String,
    client: reqwest::Client,
    changed: Arc<Notify>,
    /// Held by every call; held alone while tables are replaced.
    tables: RwLock<()>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl DynamoDb {
    /// Opens the database, creates what is missing of `tables`, and starts the private listener.
    pub async fn start(storage: Storage<'_>, tables: &[Table], clock: Arc<Clock>) -> Result<Self, String> {
        let clock = Arc::new(DatabaseClock(clock));
        let (database, sweeper) = match storage {
            Storage::Memory => (Database::memory_with_clock(clock).map_err(text)?, None),
            Storage::File(path) => {
                let path = path.to_str().ok_or("the data folder's name is not UTF-8")?;
                let database = Database::new(path).map_err(text)?;
                let second = RusqliteBackend::new(path).map_err(text)?.with_clock(clock);
                (database, Some(Arc::new(std::sync::Mutex::new(second))))
            }
        };
        for table in tables {
            create(&database, table)?;
        }
        let listener = crate::server::bind(0).await.map_err(|e| e.to_string())?;
        let url = format!("http://{}", listener.local_addr().map_err(|e| e.to_string())?);
        let (stop, stopped) = oneshot::channel::<()>();
        let served = database.clone();
        let task = tokio::spawn(async move {
            let stopped = async {
                // A dropped sender means the same as a sent stop.
                let _: Result<(), _> = stopped.await;
            };
            if let Err(error) = dynoxide::server::serve_with_shutdown(listener, served, stopped).await {
                tracing::error!(error, "the embedded database stopped");
            }
        });
        let client = crate::client::loopback();
        Ok(Self {
            database,
            sweeper,
            keys: tables.iter().map(primary_key).collect(),
            url,
            client,
            changed: Arc::default(),
            tables: RwLock::default(),
            stop: Some(stop),
            task,
        })
    }

    /// The database itself.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Wakes (all waiters) after each write.
    pub fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// Passes a call on to the embedded server.
    pub(crate) async fn answer(&self, call: Call) -> Response {
        let _tables_stay = self.tables_stay().await;
        let wrote = WRITES.contains(&call.operation.as_str());
        let (parts, body) = call.request.into_parts();
        let mut request = self.client.post(&self.url).body(body);
        for (name, value) in &parts.headers {
            if name != http::header::HOST && name != http::header::CONTENT_LENGTH {
                request = request.header(name, value);
            }
        }
        let answer = match request.send().await {
            Ok(answer) => {
                let (status, headers) = (answer.status(), answer.headers().clone());
                answer.bytes().await.map(|body| (status, headers, body))
            }
            Err(error) => Err(error),
        };
        if wrote {
            self.changed.notify_waiters();
        }
        match answer {
            Ok((status, headers, body)) => {
                let mut response = Response::new(body.into());
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                response
            }
            Err(error) => {
                let message = format!("the embedded database does not answer: {error}");
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                refusal(Service::DynamoDb, status, "InternalServerError", &message)
            }
        }
    }

    /// Deletes what is past its time to live on the domain clock. Returns how many items went.
    pub async fn sweep_ttl(&self) -> Result<usize, String> {
        let (database, sweeper) = (self.database.clone(), self.sweeper.clone());
        let runtime = tokio::runtime::Handle::current();
        let swept = tokio::task::spawn_blocking(move || {
            crate::clock::lagging(|| match sweeper {
                None => database.sweep_ttl().map_err(text),
                Some(second) => {
                    let second = second.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    runtime
                        .block_on(dynoxide::ttl::sweep_expired_items(&*second))
                        .map_err(text)
                }
            })
        })
        .await
        .map_err(|e| e.to_string())??;
        self.changed.notify_waiters();
        Ok(swept)
    }

    /// The raw item with the primary key that `key` holds, among whatever else.
    pub(crate) fn item(&self, table: &str, key: &Map<String, Value>) -> Option<Value> {
        let names = self.keys.get(table)?;
        let key: Map<String, Value> = names
            .iter()
            .filter_map(|name| Some((name.clone(), key.get(name)?.clone())))
            .collect();
        let request = json!({"TableName": table, "Key": key, "ConsistentRead": true});
        let answer = self
            .database
            .get_item(serde_json::from_value(request).ok()?)
            .ok()?;
        serde_json::to_value(answer)
            .ok()?
            .get_mut("Item")
            .map(Value::take)
    }

    /// While this is held, no table is replaced.
    pub(crate) async fn tables_stay(&self) -> RwLockReadGuard<'_, ()> {
        self.tables.read().await
    }

    /// While this is held, nobody else uses the tables.
    pub(crate) async fn alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.tables.write().await
    }

    /// Whether there is a table of this name.
    pub(crate) fn has_table(&self, name: &str) -> Result<bool, String> {
        Ok(self.database.get_table_metadata(name).map_err(text)?.is_some())
    }

    /// Puts a fresh table with these items in the place of the one of its name. Nobody reads of it in a stream.
    /// A `bare` one has neither stream nor time to live.
    pub(crate) fn replace_table(&self, table: &Table, items: Vec<Value>, bare: bool) -> Result<(), String> {
        self.delete_table(&table.name)?;
        self.fill(table, &table.name, items)?;
        if bare {
            return Ok(());
        }
        if let Some(stream) = table.create.get("StreamSpecification") {
            let request = json!({"TableName": table.name, "StreamSpecification": stream});
            let request = serde_json::from_value(request).map_err(|e| e.to_string())?;
            self.database.update_table(request).map_err(text)?;
        }
        switch_on_ttl(&self.database, table)
    }

    /// Copies a table's items into a fresh table named `to`, in the place of an earlier copy.
    pub(crate) fn copy_table(&self, table: &Table, to: &str) -> Result<(), String> {
        if self.has_table(to)? {
            self.delete_table(to)?;
        }
        self.fill(table, to, self.items(&table.name)?)
    }

    fn delete_table(&self, name: &str) -> Result<(), String> {
        let request = serde_json::from_value(json!({"TableName": name})).map_err(|e| e.to_string())?;
        self.database.delete_table(request).map(drop).map_err(text)
    }

    fn fill(&self, like: &Table, name: &str, items: Vec<Value>) -> Result<(), String> {
        let mut create = like.create.clone();
        if let Some(create) = create.as_object_mut() {
            create.remove("StreamSpecification");
            create.insert("TableName".to_owned(), json!(name));
        }
        let request = serde_json::from_value(create).map_err(|e| e.to_string())?;
        self.database.create_table(request).map_err(text)?;
        let items = serde_json::from_value::<Vec<dynoxide::Item>>(Value::Array(items));
        let items = items.map_err(|e| e.to_string())?;
        let options = dynoxide::ImportOptions::default();
        self.database
            .import_items(name, items, options)
            .map(drop)
            .map_err(text)
    }

    /// Every raw item of one table.
    pub fn items(&self, table: &str) -> Result<Vec<Value>, String> {
        let mut items = Vec::new();
        let mut start = Value::Null;
        loop {
            let mut request = Map::from_iter([("TableName".to_owned(), json!(table))]);
            if !start.is_null() {
                request.insert("ExclusiveStartKey".to_owned(), start);
            }
            let request = serde_json::from_value(Value::Object(request)).map_err(|e| e.to_string())?;
            let page = self.database.scan(request).map_err(text)?;
            let mut page = serde_json::to_value(page).map_err(|e| e.to_string())?;
            if let Some(Value::Array(more)) = page.get_mut("Items").map(Value::take) {
                items.extend(more);
            }
            start = page
                .get_mut("LastEvaluatedKey")
                .map(Value::take)
                .unwrap_or_default();
            if start.is_null() {
                return Ok(items);
            }
        }
    }
}

impl Drop for DynamoDb {
    fn drop(&mut self) {
        self.stop.take();
        self.task.abort();
    }
}

impl std::fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DynamoDb")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

fn primary_key(table: &Table) -> (String, Vec<String>) {
    let schema = table.create.get("KeySchema").and_then(Value::as_array);
    let name = |key: &Value| key.get("AttributeName")?.as_str().map(str::to_owned);
    let names = schema.into_iter().flatten().filter_map(name).collect();
    (table.name.clone(), names)
}

/// Creates a table unless it is there. A table whose definition changed is reported, not altered: whoever
/// changes the template decides whether the data folder may go.
fn create(database: &Database, table: &Table) -> Result<(), String> {
    let at = |problem: String| format!("table {}: {problem}", table.name);
    let existing = database
        .get_table_metadata(&table.name)
        .map_err(|e| at(text(e)))?;
    if let Some(existing) = existing {
        let wanted = table
            .create
            .pointer("/StreamSpecification/StreamViewType")
            .and_then(Value::as_str);
        if existing
            .stream_view_type
            .as_deref()
            .filter(|_| existing.stream_enabled)
            != wanted
        {
            return Err(at(
                "its stream differs from the template; use another data folder".to_owned(),
            ));
        }
        return Ok(());
    }
    let request = serde_json::from_value(table.create.clone()).map_err(|e| at(e.to_string()))?;
    database.create_table(request).map_err(|e| at(text(e)))?;
    switch_on_ttl(database, table).map_err(at)
}

fn switch_on_ttl(database: &Database, table: &Table) -> Result<(), String> {
    if let Some(attribute) = &table.ttl_attribute {
        let request = json!({
            "TableName": table.name,
            "TimeToLiveSpecification": {"AttributeName": attribute, "Enabled": true},
        });
        let request = serde_json::from_value(request).map_err(|e| e.to_string())?;
        database.update_time_to_live(request).map_err(text)?;
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn text(error: dynoxide::DynoxideError) -> String {
    error.to_string()
}
