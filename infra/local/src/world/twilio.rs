//! Twilio's REST API, as far as the product speaks to it: messages with their statuses, recordings, media, the account.
//!
//! One account is known from the start; any other is opened by whoever first names it, with the token that is given then.
//! Numbers that Twilio itself set aside for tests behave here as they do there.

mod files;
mod messages;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::json;

pub(crate) use self::files::File;
use self::wire::{admit, error, json_answer};
pub(crate) use self::wire::{post_signed, sid};
use super::World;

/// The account.
pub const ACCOUNT: &str = "ACf45de51cdef30991551e41e882dd7b54";
/// Its auth token: signs webhooks.
pub const AUTH_TOKEN: &str = "0b0efd6997c01985180bc4e53e7eba26";
/// An API key of the account.
pub const API_KEY: &str = "SK0a1b2c3d4e5f60718293a4b5c6d7e8f9";
/// The key's secret.
pub const API_KEY_SECRET: &str = "local-api-key-secret";

/// What it remembers.
#[derive(Debug, Default)]
pub(crate) struct Twilio {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Recordings and media by id.
    files: BTreeMap<String, File>,
    /// Numbers that said STOP.
    opted_out: BTreeSet<String>,
    /// Auth tokens by account.
    tokens: BTreeMap<String, String>,
}

impl Twilio {
    fn with<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        work(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps a recording or something that came with a message.
    pub(crate) fn keep(&self, id: String, file: File) {
        self.with(|kept| kept.files.insert(id, file));
    }

    /// The token that signs an account's webhooks.
    pub(crate) fn token(&self, account: &str) -> String {
        let known = self.with(|kept| kept.tokens.get(account).cloned());
        known.unwrap_or_else(|| AUTH_TOKEN.to_owned())
    }

    /// Whether these are the account's credentials: its token, or the key.
    fn is_owner(&self, account: &str, user: &str, secret: &str) -> bool {
        let is_account = account.len() == 34 && account.starts_with("AC");
        if !is_account || secret.is_empty() {
            return false;
        }
        if (user, secret) == (API_KEY, API_KEY_SECRET) {
            return true;
        }
        if account == ACCOUNT {
            return (user, secret) == (ACCOUNT, AUTH_TOKEN);
        }
        user == account
            && self.with(|kept| {
                let known = kept.tokens.entry(account.to_owned());
                known.or_insert_with(|| secret.to_owned()) == secret
            })
    }

    /// A number ends or resumes messages: the carrier knows the plain words and answers them by itself.
    pub(crate) fn hear(&self, number: &str, text: &str) {
        const STOP: [&str; 8] = [
            "STOP",
            "STOPALL",
            "UNSUBSCRIBE",
            "CANCEL",
            "END",
            "QUIT",
            "REVOKE",
            "OPTOUT",
        ];
        let word = text.trim().to_uppercase();
        self.with(|kept| {
            if STOP.contains(&word.as_str()) {
                kept.opted_out.insert(number.to_owned());
            } else if ["START", "UNSTOP", "YES"].contains(&word.as_str()) {
                kept.opted_out.remove(number);
            }
        });
    }
}

/// Its routes.
pub(crate) fn routes() -> Router<Arc<World>> {
    const BASE: &str = "/2010-04-01/Accounts/{account}";
    let under = |path: &str| format!("{BASE}{path}");
    Router::new()
        .route(BASE, get(account))
        .route(&under("/Messages.json"), post(messages::create))
        .route(
            &under("/Recordings/{name}"),
            get(files::recording).delete(files::delete_recording),
        )
        .route(
            &under("/Messages/{message}/Media/{name}"),
            get(files::media).delete(files::delete_media),
        )
        .route("/cdn/{name}", get(files::content))
}

/// `GET …/Accounts/{sid}.json`.
async fn account(State(world): Shared, Path(account): Path<String>, headers: HeaderMap) -> Response {
    let sid = account.strip_suffix(".json").unwrap_or(&account);
    if let Err(refused) = admit(&world, sid, &headers) {
        return refused;
    }
    json_answer(
        StatusCode::OK,
        &json!({"sid": sid, "status": "active", "type": "Full", "friendly_name": "Local"}),
    )
}

/// What is not there.
fn nothing() -> Response {
    error(
        StatusCode::NOT_FOUND,
        20_404,
        "The requested resource was not found",
    )
}

/// `204`.
fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// The world's view of Twilio.
type Shared = State<Arc<World>>;
