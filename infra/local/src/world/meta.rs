//! Meta's Graph API, as far as the product speaks to it: messages of Messenger, Instagram and WhatsApp with their echoes
//! and statuses, comments, media, subscriptions and tokens.
//!
//! A token says for which account and by whom it was granted ([`token`]); until that person takes the grant back it is
//! good.

mod accounts;
mod media;
mod messages;
mod people;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};

pub(crate) use self::media::File;
pub use self::people::app_scoped;
pub(crate) use self::wire::{post_request, post_signed, seeded};
use super::World;

/// What tokens begin with.
const TOKEN: &str = "EAAL";

/// The token that lets an app speak for an account, as a person granted it.
pub fn token(account: &str, granted_by: &str) -> String {
    format!("{TOKEN}.{account}.{granted_by}")
}

/// What it remembers.
#[derive(Debug, Default)]
pub(crate) struct Meta {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// People who took their grants back.
    revoked: BTreeSet<String>,
    /// Owners of subscriptions: pages, accounts and business accounts whose updates are told.
    subscribed: BTreeMap<String, Vec<String>>,
    /// What came with guests' messages.
    files: BTreeMap<String, File>,
    /// Comments that were answered privately: once each.
    answered: BTreeSet<String>,
    /// Who wrote to which pages, by their app-scoped ids: page and the id that they have there.
    wrote: BTreeMap<String, BTreeSet<(String, String)>>,
}

impl Meta {
    fn with<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        work(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Remembers that a guest wrote to a page.
    pub(crate) fn wrote(&self, page: &str, guest: &str) {
        let known = (page.to_owned(), guest.to_owned());
        self.with(|kept| kept.wrote.entry(app_scoped(guest)).or_default().insert(known));
    }

    /// Keeps what comes with a message.
    pub(crate) fn keep(&self, id: String, file: File) {
        self.with(|kept| kept.files.insert(id, file));
    }
}

/// Its routes: the Graph API, that of Instagram's own login, and the hosts that serve files.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .nest("/graph", graph(Api::Graph))
        .nest("/instagram", graph(Api::Instagram))
        .route("/media/{id}", get(media::content))
        .route("/cdn/{id}", get(media::open_content))
}

/// Which of the two APIs is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Api {
    /// `graph.facebook.com`.
    Graph,
    /// `graph.instagram.com`: wants no proof of the app's secret.
    Instagram,
}

fn graph(api: Api) -> Router<Arc<World>> {
    Router::new()
        .route("/debug_token", get(accounts::debug_token))
        .route("/refresh_access_token", get(accounts::refresh))
        .route("/{id}", get(accounts::node))
        .route("/{id}/messages", post(messages::create))
        .route("/{id}/comments", post(messages::comment))
        .route("/{id}/replies", post(messages::comment))
        .route(
            "/{id}/subscribed_apps",
            get(accounts::subscriptions)
                .post(accounts::subscribe)
                .delete(accounts::unsubscribe),
        )
        .route("/{id}/ids_for_pages", get(people::ids_for_pages))
        .route("/{id}/permissions", axum::routing::delete(accounts::revoke))
        .layer(axum::Extension(api))
}

/// The world's view of Meta.
type Shared = State<Arc<World>>;
