//! Receives what people write: verifies, parses, finds tenant and contact, seals, and stores each message
//! once. Calls no model and no carrier; the table's stream takes it from there.
//!
//! A channel is one file under [`channels`]: it verifies that a request is genuine, turns it into
//! [`receive::Inbound`] and says which [`ChannelAddress`](usher_shared::records::ChannelAddress) it was
//! sent to. Everything after that is the same for all.

pub mod channels;
pub mod receive;

use axum::Router;
use usher_aws::http::{App, wrap};

/// All routes of the function.
pub fn router(app: App) -> Router {
    let routes = Router::new()
        .merge(channels::web_chat::routes(app.clone()))
        .merge(channels::form::routes(app.clone()))
        .merge(channels::meta::routes())
        .merge(channels::resend::routes())
        .merge(channels::twilio::routes());
    wrap(routes, app)
}
