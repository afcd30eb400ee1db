//! Everything that is stored, raw: for searches over bytes that must not be there.

use std::path::Path;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{ok, problem};
use crate::backup::LIVE_LEDGER;
use crate::stack::Shared;

pub(super) async fn get(State(shared): State<Arc<Shared>>) -> Response {
    match collect(&shared) {
        Ok(dump) => ok(&dump),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", &error),
    }
}

fn collect(shared: &Shared) -> Result<Value, String> {
    let mut tables = Map::new();
    for table in &shared.template.tables {
        tables.insert(
            table.name.clone(),
            Value::Array(shared.database.items(&table.name)?),
        );
    }
    if shared.database.has_table(LIVE_LEDGER)? {
        let items = shared.database.items(LIVE_LEDGER)?;
        tables.insert(LIVE_LEDGER.to_owned(), Value::Array(items));
    }
    let mut queues = Map::new();
    for name in shared.queues.store().names() {
        let messages = shared.queues.store().messages(name).map_err(|e| e.to_string())?;
        let messages = messages.into_iter().map(|message| {
            json!({
                "id": message.id,
                "body": message.body,
                "group": message.group,
                "deduplication_id": message.deduplication,
                "attributes": message.attributes,
                "receives": message.receives,
                "sent_ms": message.sent_ms,
                "visible_ms": message.visible_ms,
            })
        });
        queues.insert(name.to_owned(), messages.collect());
    }
    let mut objects = Vec::new();
    let root = shared.objects.root();
    files(root, root, &mut objects).map_err(|e| e.to_string())?;
    let encryption = shared.objects.encryption();
    Ok(json!({"tables": tables, "queues": queues, "objects": objects, "object_encryption": encryption}))
}

/// Every file below `folder`: its path, and its bytes as text or base64. The emulator's own side files
/// (unfinished uploads, metadata) are copies too.
fn files(root: &Path, folder: &Path, found: &mut Vec<Value>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(root, &path, found)?;
            continue;
        }
        let bytes = std::fs::read(&path)?;
        let name = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .to_string_lossy()
            .into_owned();
        found.push(match String::from_utf8(bytes) {
            Ok(text) => json!({"path": name, "text": text}),
            Err(error) => json!({"path": name, "base64": STANDARD.encode(error.as_bytes())}),
        });
    }
    Ok(())
}
