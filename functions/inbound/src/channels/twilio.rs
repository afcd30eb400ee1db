//! Twilio: text messages and calls. Requests are believed by their signature alone, which is made over the address
//! that Twilio asked.

mod consent;
mod request;
mod sms;
mod voice;

use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Router, response::Result};
use usher_aws::http::{App, Problem};
use usher_aws::telemetry::{self, Unit};
use usher_carriers::twiml;
use usher_shared::channel::ChannelKind;

use self::request::Genuine;

/// The routes of Twilio's webhooks: what comes in, and what becomes of messages and recordings.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/hooks/twilio/{channel_key}", get(incoming).post(incoming))
        .route("/hooks/twilio/{channel_key}/status", post(status))
        .route("/hooks/twilio/{channel_key}/recorded", post(recorded))
        .route("/hooks/twilio/{channel_key}/recording", post(recording))
        .route("/hooks/twilio/{channel_key}/transcription", post(transcription))
}

/// `POST` or `GET /hooks/twilio/{channel_key}`: a text message or a call comes in.
async fn incoming(
    State(app): State<App>,
    Path(key): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let Some(hook) = Genuine::of(&app, &key, request).await? else {
        return Ok(to_nobody());
    };
    let kind = *hook.channel.channel.kind;
    let said = if hook.is_call() && kind == ChannelKind::Voice {
        voice::incoming(&hook)
    } else if hook.is_call() {
        twiml::closed().to_owned()
    } else if kind == ChannelKind::Sms {
        if let Some(name) = sms::incoming(&hook).await? {
            ignored(name);
        }
        twiml::EMPTY.to_owned()
    } else {
        ignored("text_to_a_voice_channel");
        twiml::EMPTY.to_owned()
    };
    Ok(tell(said))
}

/// `POST /hooks/twilio/{channel_key}/status`: how far a message of ours has come.
async fn status(
    State(app): State<App>,
    Path(key): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let Some(hook) = Genuine::of(&app, &key, request).await? else {
        return Ok(to_nobody());
    };
    if let Some(name) = sms::status(&hook).await? {
        ignored(name);
    }
    Ok(tell(twiml::EMPTY.to_owned()))
}

/// `POST /hooks/twilio/{channel_key}/recorded`: the caller has said something, and is told goodbye.
async fn recorded(
    State(app): State<App>,
    Path(key): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let Some(hook) = Genuine::of(&app, &key, request).await? else {
        return Ok(to_nobody());
    };
    voice::recorded(&hook).await?;
    Ok(tell(twiml::goodbye().to_owned()))
}

/// `POST /hooks/twilio/{channel_key}/recording`: what became of a recording as such.
async fn recording(
    State(app): State<App>,
    Path(key): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let Some(hook) = Genuine::of(&app, &key, request).await? else {
        return Ok(to_nobody());
    };
    voice::recording(&hook);
    Ok(tell(twiml::EMPTY.to_owned()))
}

/// `POST /hooks/twilio/{channel_key}/transcription`: what a caller said, in writing.
async fn transcription(
    State(app): State<App>,
    Path(key): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let Some(hook) = Genuine::of(&app, &key, request).await? else {
        return Ok(to_nobody());
    };
    voice::transcription(&hook).await?;
    Ok(tell(twiml::EMPTY.to_owned()))
}

/// The channel is not connected, or not any more: acknowledged and counted. A caller hears a hang-up.
fn to_nobody() -> Response {
    telemetry::emit("inbound", &[("webhooks_to_nobody", 1.0, Unit::Count)]);
    tell(twiml::EMPTY.to_owned())
}

/// Acknowledged, and nothing else.
fn ignored(name: &'static str) {
    tracing::info!(event.name = name, "ignored");
    telemetry::emit("inbound", &[("events_ignored", 1.0, Unit::Count)]);
}

fn tell(twiml: String) -> Response {
    ([(header::CONTENT_TYPE, twiml::CONTENT_TYPE)], twiml).into_response()
}
