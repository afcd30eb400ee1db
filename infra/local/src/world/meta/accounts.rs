//! Accounts and what may be asked of them: who they are, what their tokens are good for, whether their updates are told.

use std::collections::HashMap;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::wire::{admit, answer, error, read_token};
use super::{Api, Shared, media};
use crate::world::APP_ID;

type Parameters = Query<HashMap<String, String>>;

/// `GET /{id}`: a page, an Instagram account, a WhatsApp number, or a medium.
pub(super) async fn node(
    State(world): Shared,
    Extension(api): Extension<Api>,
    Path(id): Path<String>,
    Query(query): Parameters,
    headers: HeaderMap,
) -> Response {
    let caller = match admit(&world, api, &headers, &query) {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    if let Some(medium) = media::describe(&world, &id) {
        return answer(&medium);
    }
    if id != "me" && id != caller.account {
        let message = format!("Unsupported get request. Object with ID '{id}' does not exist");
        return error(StatusCode::BAD_REQUEST, 100, Some(33), &message);
    }
    let id = caller.account;
    answer(&json!({
        "id": id,
        "user_id": id,
        "name": format!("Account {id}"),
        "username": format!("account_{id}"),
        "display_phone_number": "+1 510-555-0123",
        "verified_name": format!("Account {id}"),
    }))
}

/// `GET /debug_token`.
pub(super) async fn debug_token(
    State(world): Shared,
    Extension(api): Extension<Api>,
    Query(query): Parameters,
    headers: HeaderMap,
) -> Response {
    // Whether the token is good is the very question: the caller's own is asked for the proof alone.
    let inspected = query.get("input_token").map(String::as_str).unwrap_or_default();
    let known = read_token(inspected);
    let is_valid = admit(&world, api, &headers, &query).is_ok() && known.is_some();
    let Some(known) = known else {
        let why = json!({"code": 190, "message": "Malformed access token", "subcode": 467});
        return answer(&json!({"data": {"is_valid": false, "scopes": [], "error": why}}));
    };
    answer(&json!({"data": {
        "app_id": APP_ID,
        "type": "PAGE",
        "is_valid": is_valid,
        "expires_at": 0,
        "data_access_expires_at": (world.clock.now_ms() / 1000).saturating_add(90 * 86_400),
        "scopes": SCOPES,
        "user_id": known.granted_by,
    }}))
}

const SCOPES: [&str; 8] = [
    "pages_messaging",
    "pages_manage_metadata",
    "pages_read_engagement",
    "pages_manage_engagement",
    "instagram_basic",
    "instagram_manage_messages",
    "instagram_manage_comments",
    "whatsapp_business_messaging",
];

/// `GET /refresh_access_token`: the same token, for another sixty days.
pub(super) async fn refresh(
    State(world): Shared,
    Extension(api): Extension<Api>,
    Query(query): Parameters,
    headers: HeaderMap,
) -> Response {
    if let Err(refused) = admit(&world, api, &headers, &query) {
        return refused;
    }
    let token = query.get("access_token").map(String::as_str).unwrap_or_default();
    answer(&json!({"access_token": token, "token_type": "bearer", "expires_in": 60 * 86_400}))
}

/// `GET /{id}/subscribed_apps`.
pub(super) async fn subscriptions(
    State(world): Shared,
    Extension(api): Extension<Api>,
    Path(id): Path<String>,
    Query(query): Parameters,
    headers: HeaderMap,
) -> Response {
    let owner = match admit(&world, api, &headers, &query) {
        Ok(caller) => owner(id, caller.account),
        Err(refused) => return refused,
    };
    let fields = world.meta.with(|kept| kept.subscribed.get(&owner).cloned());
    let apps: Vec<Value> = fields
        .map(|fields| json!({"id": APP_ID, "name": "Local", "subscribed_fields": fields}))
        .into_iter()
        .collect();
    answer(&json!({"data": apps}))
}

/// `POST /{id}/subscribed_apps`.
pub(super) async fn subscribe(
    State(world): Shared,
    Extension(api): Extension<Api>,
    Path(id): Path<String>,
    Query(query): Parameters,
    headers: HeaderMap,
) -> Response {
    let owner = match admit(&world, api, &headers, &query) {
        Ok(caller) => owner(id, caller.account),
        Err(refused) => return refused,
    };
    let fields = query
        .get("subscribed_fields")
        .map(String::as_str)
        .unwrap_or_default();
    let fields = fields.split(',').map(|field| field.trim().to_owned()).collect();
    world.meta.with(|kept| kept.subscribed.insert(owner, fields));
    answer(&json!({"success": true}))
}

/// `DELETE /{id}/subscribed_apps`.
pub(super) async fn unsubscribe(
    State(world): Shared,
    Extension(api): Extension<Api>,
    Path(id): Path<String>,
    Query(query): Parameters,
    headers: HeaderMap,
) -> Response {
    let owner = match admit(&world, api, &headers, &query) {
        Ok(caller) => owner(id, caller.account),
        Err(refused) => return refused,
    };
    world.meta.with(|kept| kept.subscribed.remove(&owner));
    let entry = crate::ids::random_uuid();
    let now = world.clock.now_ms();
    world
        .outbox
        .enter_once("unsubscribed", &entry, &owner, &json!({}), now);
    answer(&json!({"success": true}))
}

/// `DELETE /{user}/permissions`: the person takes back all that they granted; their tokens end.
pub(super) async fn revoke(
    State(world): Shared,
    Extension(api): Extension<Api>,
    Path(person): Path<String>,
    Query(query): Parameters,
    headers: HeaderMap,
) -> Response {
    let caller = match admit(&world, api, &headers, &query) {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    if caller.granted_by != person {
        return error(StatusCode::FORBIDDEN, 200, None, "Permissions error");
    }
    let entry = crate::ids::random_uuid();
    let (now, content) = (world.clock.now_ms(), json!({"granted_by": person}));
    world
        .outbox
        .enter_once("grant_revoked", &entry, &caller.account, &content, now);
    world.meta.with(|kept| kept.revoked.insert(person));
    answer(&json!({"success": true}))
}

fn owner(id: String, account: String) -> String {
    if id == "me" { account } else { id }
}
