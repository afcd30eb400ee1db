//! The permissions of the template: what they are worth, and what happens without one of them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{invalid, ok, read};
use crate::stack::Shared;

fn body(shared: &Shared) -> Value {
    let table = shared.permissions.table();
    let unused = table.unused();
    let mut body = json!(table);
    if let Some(object) = body.as_object_mut() {
        object.insert("unused".to_owned(), json!(unused));
    }
    body
}

/// The table of statements.
pub(super) async fn get(State(shared): State<Arc<Shared>>) -> Response {
    ok(&body(&shared))
}

/// The same for people.
pub(super) async fn table(State(shared): State<Arc<Shared>>) -> Response {
    let text = shared.permissions.table().to_string();
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    remove: Option<String>,
    restore: Option<String>,
}

/// Takes a statement out of force or puts it back; `"restore": "all"` puts back all of them.
pub(super) async fn post(State(shared): State<Arc<Shared>>, bytes: Bytes) -> Response {
    let permissions = &shared.permissions;
    let (field, changed) = match read::<Change>(&bytes) {
        Err(response) => return response,
        Ok(Change {
            remove: Some(statement),
            restore: None,
        }) => ("remove", permissions.remove(&statement)),
        Ok(Change {
            remove: None,
            restore: Some(all),
        }) if all == "all" => {
            permissions.restore_all();
            ("restore", Ok(()))
        }
        Ok(Change {
            remove: None,
            restore: Some(statement),
        }) => ("restore", permissions.restore(&statement)),
        Ok(_) => {
            return invalid(
                "remove",
                "one of \"remove\" and \"restore\", each with a statement such as InboundRole/DirectoryRead",
            );
        }
    };
    match changed {
        Ok(()) => ok(&body(&shared)),
        Err(unknown) => invalid(field, &unknown.to_string()),
    }
}

/// Forgets what was counted.
pub(super) async fn delete(State(shared): State<Arc<Shared>>) -> Response {
    shared.permissions.reset();
    ok(&body(&shared))
}
