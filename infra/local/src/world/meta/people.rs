//! People, whom an app knows by one id and each page by another.

use std::collections::HashMap;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use usher_carriers::signature::meta::appsecret_proof;

use super::Shared;
use super::wire::{answer, bad, error, seeded};
use crate::world::{APP_ID, APP_SECRET};

/// The id by which the app knows a guest.
pub fn app_scoped(guest: &str) -> String {
    let digits = seeded(&format!("app {guest}"));
    digits
        .bytes()
        .map(|byte| char::from(b'0' + byte % 10))
        .take(16)
        .collect()
}

/// `GET /{person}/ids_for_pages`: for the app itself, with its proof; of no page's token.
pub(super) async fn ids_for_pages(
    State(world): Shared,
    Path(person): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let own = format!("{APP_ID}|{APP_SECRET}");
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if token != Some(own.as_str()) {
        let message = "Error validating application";
        return error(StatusCode::UNAUTHORIZED, 190, None, message);
    }
    if query.get("appsecret_proof") != Some(&appsecret_proof(APP_SECRET, &own)) {
        return bad("Invalid appsecret_proof provided in the API argument");
    }
    let known = world.meta.with(|kept| kept.wrote.get(&person).cloned());
    let Some(known) = known else {
        let message = format!("Unsupported get request. Object with ID '{person}' does not exist");
        return error(StatusCode::BAD_REQUEST, 100, Some(33), &message);
    };
    // One at a time, so that whoever asks has to go on.
    let after: usize = query
        .get("after")
        .and_then(|after| after.parse().ok())
        .unwrap_or(0);
    let ids: Vec<Value> = known
        .iter()
        .skip(after)
        .take(1)
        .map(|(page, id)| json!({"id": id, "page": {"id": page, "name": format!("Account {page}")}}))
        .collect();
    let mut paging = json!({"cursors": {"before": after.to_string(), "after": (after + 1).to_string()}});
    if after + 1 < known.len()
        && let Some(paging) = paging.as_object_mut()
    {
        paging.insert("next".to_owned(), "https://graph.facebook.com/next".into());
    }
    answer(&json!({"data": ids, "paging": paging}))
}
