//! Resend's webhooks: what became of mail of ours. Signed under the channel's own secret.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use usher_aws::http::{App, Problem, path_id};
use usher_aws::telemetry::{self, Unit};
use usher_carriers::event::To;
use usher_carriers::mail::resend::{Heard, hear, secrets};
use usher_carriers::signature::svix;
use usher_shared::channel::{ChannelKind, Connection};
use usher_shared::ids::ChannelKey;

use crate::receive::Received;
use crate::receive::mail::take_mail;

/// Events name a mail and its recipients; they never carry it.
const BODY_LIMIT: usize = 256 * 1024;

/// The route of Resend's webhooks.
pub fn routes() -> Router<App> {
    Router::new().route("/hooks/resend/{channel_key}", post(webhook))
}

/// `POST /hooks/resend/{channel_key}`. What is understood or will never be is 200: another answer brings it again.
async fn webhook(
    State(app): State<App>,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let key: ChannelKey = path_id(&key)?;
    let body = to_bytes(body, BODY_LIMIT)
        .await
        .map_err(|_| Problem::too_large(BODY_LIMIT))?;
    let found = app.platform.find_channel(&To::key(key)).await?;
    let Some(channel) = found.filter(|channel| *channel.kind == ChannelKind::Email) else {
        // Nobody's, or nobody's any more: sent again it would be no other.
        telemetry::emit("inbound", &[("webhooks_to_nobody", 1.0, Unit::Count)]);
        return Ok(StatusCode::OK);
    };
    let scope = app.platform.enter_to_write(*channel.tenant).await?;
    let open = app.platform.recall_channel(&scope, *channel.channel).await?;
    let secrets = match open.as_deref().and_then(|open| open.connection.as_ref()) {
        Some(Connection::Resend(resend)) => secrets(resend),
        _ => Vec::new(),
    };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let now = scope.now().millis() / 1000;
    let verified = match svix::verify(&secrets, header, &body, now) {
        Ok(verified) => verified,
        Err(reason) => {
            tracing::warn!(
                channel.id = %*channel.channel,
                reason = %reason,
                "webhook refused"
            );
            telemetry::emit("inbound", &[("signatures_refused", 1.0, Unit::Count)]);
            return Err(Problem::signature_invalid());
        }
    };
    match hear(&key.to_string(), verified.id, &body) {
        Err(_) => Err(Problem::invalid_field("body", "is not an event")),
        // Mailboxes receive by SES. What a tenant has come in at Resend stays there.
        Ok(Heard::Mail(_)) => Ok(ignored("mail_received_elsewhere")),
        Ok(Heard::Event(event)) => match take_mail(&app.platform, &scope, &channel, *event).await? {
            Received::Ignored(name) => Ok(ignored(name)),
            _ => Ok(StatusCode::OK),
        },
    }
}

fn ignored(name: &str) -> StatusCode {
    tracing::info!(event.name = name, "ignored");
    telemetry::emit("inbound", &[("events_ignored", 1.0, Unit::Count)]);
    StatusCode::OK
}
