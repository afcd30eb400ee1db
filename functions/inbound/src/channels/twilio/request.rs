//! Whether a webhook is Twilio's, and whose it is.

use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{Method, header};
use usher_aws::channels::OpenChannel;
use usher_aws::http::{App, Problem};
use usher_aws::telemetry::{self, Unit};
use usher_aws::{Platform, TenantScope};
use usher_carriers::event::To;
use usher_carriers::signature::twilio::{self as signature, Refusal};
use usher_carriers::urlencoded::{Fields, FormError, LONGEST};
use usher_shared::channel::{ChannelKind, Connection, TwilioConnection};
use usher_shared::ids::ChannelKey;
use usher_shared::records::ChannelAddress;

/// A webhook that Twilio signed.
pub(super) struct Genuine {
    /// The channel's tenant.
    pub(super) scope: TenantScope,
    /// The channel in the directory.
    pub(super) address: ChannelAddress,
    /// The channel.
    pub(super) channel: Arc<OpenChannel>,
    /// What it says.
    pub(super) fields: Fields,
    /// What its address says beside.
    pub(super) query: Fields,
    /// The view of the world.
    pub(super) platform: Arc<Platform>,
}

impl Genuine {
    /// Verifies a webhook; `None` if its channel is not connected.
    ///
    /// # Errors
    /// 400 for what is no form, 403 for what Twilio did not sign, 413 for what is too large.
    pub(super) async fn of(app: &App, key: &str, request: Request) -> Result<Option<Self>, Problem> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, LONGEST)
            .await
            .map_err(|_| Problem::too_large(LONGEST))?;
        let platform = Arc::clone(&app.platform);
        let Ok(key) = key.parse::<ChannelKey>() else {
            return Ok(None);
        };
        let found = platform.find_channel(&To::key(key)).await?;
        let is_here = |found: &ChannelAddress| matches!(*found.kind, ChannelKind::Sms | ChannelKind::Voice);
        let Some(address) = found.filter(is_here) else {
            return Ok(None);
        };
        let scope = platform.enter_to_write(*address.tenant).await?;
        let remembered = platform.recall_channel(&scope, *address.channel).await?;
        let Some(channel) = remembered.filter(|channel| account(channel).is_some()) else {
            return Ok(None);
        };
        let (channel, fields) = match verify(&platform, &channel, &parts, &body)? {
            Ok(fields) => (channel, fields),
            // The channel may have been connected anew, with another token, since it was looked up.
            Err(refusal) => {
                let fresh = platform.open_channel(&scope, *address.channel).await?;
                let Some(fresh) = fresh.filter(|channel| account(channel).is_some()) else {
                    return Ok(None);
                };
                match verify(&platform, &fresh, &parts, &body)? {
                    Ok(fields) => (fresh, fields),
                    Err(_) => return Err(refused(&fresh, refusal)),
                }
            }
        };
        let query = parts.uri.query().unwrap_or_default();
        Ok(Some(Self {
            scope,
            address,
            channel,
            fields,
            query: Fields::decode(query.as_bytes()).unwrap_or_default(),
            platform,
        }))
    }

    /// The channel's key, as events name it.
    pub(super) fn key(&self) -> String {
        self.channel.channel.key.to_string()
    }

    /// The account at Twilio.
    pub(super) fn account(&self) -> Option<&TwilioConnection> {
        account(&self.channel)
    }

    /// Whether it is about a call.
    pub(super) fn is_call(&self) -> bool {
        let has = |name: &str| self.fields.get(name).is_some();
        has("CallSid") && !has("MessageSid") && !has("SmsSid")
    }
}

fn account(channel: &OpenChannel) -> Option<&TwilioConnection> {
    match &channel.connection {
        Some(Connection::Twilio(connection)) => Some(connection),
        _ => None,
    }
}

/// Verifies a request under a channel's token. What cannot be read at all is no question of signatures.
fn verify(
    platform: &Platform,
    channel: &OpenChannel,
    parts: &Parts,
    body: &Bytes,
) -> Result<Result<Fields, Refusal>, Problem> {
    let token = account(channel).map(|account| account.auth_token.as_str());
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let url = signed_url(platform, channel, parts)?;
    let request = signature::Request {
        url: &url,
        is_get: parts.method == Method::GET,
        content_type: header(header::CONTENT_TYPE.as_str()),
        signature: header("x-twilio-signature"),
        settings: header("x-twilio-webhooks-signature-settings"),
        body,
    };
    match signature::verify(token.unwrap_or_default(), &request) {
        Err(Refusal::Form(FormError::TooLarge)) => Err(Problem::too_large(LONGEST)),
        Err(Refusal::Form(_)) => Err(Problem::malformed("The body is not a form in UTF-8.")),
        other => Ok(other),
    }
}

/// The address as Twilio saw it: the one that is configured, with the query as it came. `Host` and forwarding headers
/// are anybody's to write.
fn signed_url(platform: &Platform, channel: &OpenChannel, parts: &Parts) -> Result<String, Problem> {
    let path = parts.uri.path();
    let is_first = path.rsplit('/').next() == Some(channel.channel.key.to_string().as_str());
    let mut url = match channel.settings().signed_url.filter(|_| is_first) {
        Some(url) => url,
        // Everything else comes to addresses that we gave.
        None => {
            platform
                .settings()
                .public_base_url()
                .map_err(|error| internal(&error))?
                + path
        }
    };
    if let Some(query) = parts.uri.query() {
        url.push('?');
        url.push_str(query);
    }
    Ok(url)
}

fn internal(error: &usher_aws::settings::MissingVariable) -> Problem {
    tracing::error!(error = %error, "not configured");
    Problem::internal()
}

/// Somebody else, or a token that was changed: counted, and an alarm looks at the count.
fn refused(channel: &OpenChannel, refusal: Refusal) -> Problem {
    tracing::warn!(channel.id = %*channel.channel.id, reason = %refusal, "webhook refused");
    telemetry::emit("inbound", &[("signatures_refused", 1.0, Unit::Count)]);
    Problem::signature_invalid()
}
