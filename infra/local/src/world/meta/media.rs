//! Hosts that serve files. WhatsApp's wants the account's token; those of Messenger and Instagram are open to who knows
//! the address.

use std::collections::HashMap;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::wire::admit;
use super::{Api, Shared};
use crate::world::{PATH, World};

/// What came with a message.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// Its media type.
    pub(crate) media_type: String,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

impl File {
    /// Its SHA-256.
    pub(crate) fn sha256(&self) -> Vec<u8> {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.bytes);
        digest.as_ref().to_vec()
    }
}

/// What the API says of a file, if the id is one's.
pub(super) fn describe(world: &World, id: &str) -> Option<Value> {
    let file = world.meta.with(|kept| kept.files.get(id).cloned())?;
    Some(json!({
        "messaging_product": "whatsapp",
        "url": format!("{}{PATH}/meta/media/{id}", world.base_url),
        "mime_type": file.media_type,
        "sha256": hex::encode(file.sha256()),
        "file_size": file.bytes.len(),
        "id": id,
    }))
}

/// `GET /media/{id}`: for who brings the token. A host for files asks for no proof.
pub(super) async fn content(
    State(world): Shared,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    match admit(&world, Api::Instagram, &headers, &query) {
        Ok(_) => serve(&world, &id),
        Err(refused) => refused,
    }
}

/// `GET /cdn/{id}`: for who knows the address. Whoever brings a token there has leaked it.
pub(super) async fn open_content(
    State(world): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if headers.contains_key(header::AUTHORIZATION) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    serve(&world, &id)
}

fn serve(world: &World, id: &str) -> Response {
    match world.meta.with(|kept| kept.files.get(id).cloned()) {
        Some(file) => ([(header::CONTENT_TYPE, file.media_type)], file.bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
