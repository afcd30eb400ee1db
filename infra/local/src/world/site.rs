//! A web site as an inn may have it, and as nobody should: each page by its name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use http::{StatusCode, header};

use super::World;

/// How often pages that say so were read.
#[derive(Debug, Default)]
pub(crate) struct Sites {
    visits: Mutex<BTreeMap<String, u64>>,
}

/// Its routes.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/inn/{*page}", get(inn))
        .route("/to/{place}", get(to))
        .route("/visited/{name}", get(visited))
        .route("/picture", get(picture))
}

/// What the machine's one origin allows: everything that is not called private.
pub(crate) async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /_world/site/*/private\nDisallow: /_world/site/visited/closed\n"
}

/// An inn with a page for everything.
async fn inn(Path(page): Path<String>) -> Response {
    let footer = "<footer><p>Lake Road 5, telephone +39 0323 555 0100</p></footer>";
    let body = match page.as_str() {
        "home" => {
            "<title>The Inn</title><nav><a href=rooms>Rooms</a></nav><h1>The Inn</h1><p>We are open from April to October.</p>
             <a href='rooms#suite'>Rooms</a> <a href='hidden'>Staff</a> <a href='private/safe'>Safe</a>
             <a href='gone'>Old</a> <a href='/_world/site/to/metadata'>Weather</a> <a href='https://other.example/'>Friends</a>
             <a href='plan.png'>Plan</a>"
        }
        "rooms" => {
            "<title>Rooms</title><h1>Rooms</h1><table><tr><th>Room<th>Price per night<tr><td>Attic room<td>&euro; 74</table>
             <a href=home>Home</a> <a href=dogs>Dogs</a>"
        }
        "dogs" => "<h1>Dogs</h1><p>Dogs sleep for &euro; 9 a night.</p><script>document.write('cats')</script>",
        "hidden" => "<meta name=robots content=noindex><h1>Staff</h1><p>The marmalade is in the cellar.</p>",
        "private/safe" => "<p>The key of the safe is under the marmalade.</p>",
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    html(format!("<!doctype html><html><body>{body}{footer}"))
}

/// Leads where no reader should follow.
async fn to(State(world): State<Arc<World>>, Path(place): Path<String>) -> Response {
    let place = match place.as_str() {
        "home" => format!("{}{}/site/inn/home", world.base_url, super::PATH),
        "metadata" => "http://169.254.169.254/latest/meta-data/".to_owned(),
        "inside" => "https://10.0.0.1/".to_owned(),
        "loopback" => "https://localhost/".to_owned(),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    Redirect::temporary(&place).into_response()
}

/// Says how often it was read.
async fn visited(State(world): State<Arc<World>>, Path(name): Path<String>) -> Response {
    let mut visits = world.sites.visits.lock().unwrap_or_else(PoisonError::into_inner);
    let count = visits.entry(name).or_default();
    *count += 1;
    html(format!(
        "<h1>Price</h1><p>The boat costs {count}00 euros a day.</p>"
    ))
}

async fn picture() -> Response {
    (
        [(header::CONTENT_TYPE, "image/png")],
        b"\x89PNG\r\n\x1a\n".as_slice(),
    )
        .into_response()
}

fn html(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
}
