//! Files as a carrier's file servers give them, and as nobody should: each by its name, the same every time.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};

use super::World;

/// The smallest picture that is one.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";
/// The first bytes of a program.
const PROGRAM: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0";

/// Its routes.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/{name}", get(file))
        .route("/private/{name}", get(private))
        .route("/text/{word}", get(text))
        .route("/large/{bytes}", get(large))
}

/// A file by its name, or what stands in its place.
async fn file(State(world): State<Arc<World>>, Path(name): Path<String>) -> Response {
    let moved = |to: String| (StatusCode::FOUND, [(header::LOCATION, to)]).into_response();
    match name.as_str() {
        "picture.png" => typed("image/png", PNG.to_vec()),
        // Says that it is a picture.
        "program.png" => typed("image/png", PROGRAM.to_vec()),
        "moved.png" => moved(format!("{}{}/media/picture.png", world.base_url, super::PATH)),
        "to-metadata" => moved("http://169.254.169.254/latest/meta-data/".to_owned()),
        "to-private" => moved("https://10.0.0.1/".to_owned()),
        "to-loopback" => moved("https://localhost/".to_owned()),
        "around" => moved(format!("{}{}/media/around", world.base_url, super::PATH)),
        "expired.png" => StatusCode::FORBIDDEN.into_response(),
        "broken.png" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A picture for whoever brings credentials.
async fn private(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match (headers.get(header::AUTHORIZATION), name.as_str()) {
        (None, _) => StatusCode::UNAUTHORIZED.into_response(),
        (Some(_), "picture.png") => typed("image/png", PNG.to_vec()),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A text that holds a word.
async fn text(Path(word): Path<String>) -> Response {
    typed("text/plain", format!("This file says {word}.\n").into_bytes())
}

/// A text of so many bytes, at most a hundred million.
async fn large(Path(bytes): Path<usize>) -> Response {
    typed("text/plain", vec![b'x'; bytes.min(100_000_000)])
}

fn typed(media_type: &'static str, bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, media_type)], bytes).into_response()
}
