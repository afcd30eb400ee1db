//! Recordings, and what came with messages. Twilio's API answers with a redirect to a host that serves files and wants no
//! credentials there.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::wire::{admit, json_answer};
use super::{Shared, no_content, nothing};
use crate::world::PATH;

/// A recording or something that came with a message.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// Its media type.
    pub(crate) media_type: String,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

/// `GET …/Recordings/{sid}` with one of its endings.
pub(super) async fn recording(
    State(world): Shared,
    Path((account, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    if let Err(refused) = admit(&world, &account, &headers) {
        return refused;
    }
    let (sid, ending) = name.split_once('.').unwrap_or((&name, "wav"));
    let Some(file) = world.twilio.with(|kept| kept.files.get(sid).cloned()) else {
        return nothing();
    };
    if ending == "json" {
        return json_answer(
            StatusCode::OK,
            &json!({"sid": sid, "account_sid": account, "status": "completed"}),
        );
    }
    ([(header::CONTENT_TYPE, file.media_type)], file.bytes).into_response()
}

/// `DELETE …/Recordings/{sid}.json`.
pub(super) async fn delete_recording(
    State(world): Shared,
    Path((account, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    if let Err(refused) = admit(&world, &account, &headers) {
        return refused;
    }
    let sid = name.strip_suffix(".json").unwrap_or(&name);
    if world.twilio.with(|kept| kept.files.remove(sid)).is_none() {
        return nothing();
    }
    let now = world.clock.now_ms();
    world.outbox.enter_once(
        "recording_deleted",
        sid,
        "twilio",
        &json!({"recording": sid}),
        now,
    );
    no_content()
}

/// `GET …/Messages/{sid}/Media/{sid}`.
pub(super) async fn media(
    State(world): Shared,
    Path((account, _, name)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    if let Err(refused) = admit(&world, &account, &headers) {
        return refused;
    }
    if !world.twilio.with(|kept| kept.files.contains_key(&name)) {
        return nothing();
    }
    let there = format!("{}{PATH}/twilio/cdn/{name}", world.base_url);
    (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, there)]).into_response()
}

/// `DELETE …/Messages/{sid}/Media/{sid}`.
pub(super) async fn delete_media(
    State(world): Shared,
    Path((account, _, name)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    if let Err(refused) = admit(&world, &account, &headers) {
        return refused;
    }
    let sid = name.strip_suffix(".json").unwrap_or(&name);
    match world.twilio.with(|kept| kept.files.remove(sid)) {
        Some(_) => no_content(),
        None => nothing(),
    }
}

/// The file itself, on the host that serves files. On one machine that is the API's own host, which may be brought
/// credentials; the guard of redirects has tests of its own.
pub(super) async fn content(State(world): Shared, Path(name): Path<String>) -> Response {
    match world.twilio.with(|kept| kept.files.get(&name).cloned()) {
        Some(file) => ([(header::CONTENT_TYPE, file.media_type)], file.bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
