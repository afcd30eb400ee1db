//! A visitor's session: an id and an end, signed under the tenant's key and bound to the channel. Nothing
//! of it is stored.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use usher_aws::TenantScope;
use usher_aws::http::{App, Problem};
use usher_shared::Timestamp;
use usher_shared::ids::SessionId;
use usher_shared::records::ChannelAddress;
use usher_shared::untrusted::WrappedBytes;

/// A visitor may come back for this long.
const LIFE: Duration = Duration::from_hours(30 * 24);
const PURPOSE: &str = "chat-session";

/// A verified session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// Its id: the visitor's address on the channel.
    pub(super) id: SessionId,
    expires_at: Timestamp,
}

impl Session {
    /// A new session.
    pub(super) fn open(now: Timestamp, id: SessionId) -> Self {
        Self {
            id,
            expires_at: now.plus(LIFE),
        }
    }

    pub(super) fn expires_at(self) -> Timestamp {
        self.expires_at
    }

    /// The token: `<id>.<end in milliseconds>.<signature in hexadecimal>`.
    pub(super) fn token(self, scope: &TenantScope, channel: &ChannelAddress) -> String {
        let claims = format!("{}.{}", self.id, self.expires_at.millis());
        let channel = channel.channel.to_string();
        let tag = scope.key().mac(PURPOSE, &[channel.as_bytes(), claims.as_bytes()]);
        format!("{claims}.{}", WrappedBytes(tag.as_ref().to_vec()))
    }

    /// The session of a request, from its bearer token.
    fn verify(headers: &HeaderMap, scope: &TenantScope, channel: &ChannelAddress) -> Result<Self, Problem> {
        let header = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = header.and_then(|text| text.split_once(' '));
        let token = token
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        token
            .and_then(|token| Self::parse(token, scope, channel))
            .ok_or_else(|| {
                Problem::unauthorized(
                    "invalid_session",
                    "A valid chat session is needed as bearer token.",
                )
            })
    }

    fn parse(token: &str, scope: &TenantScope, channel: &ChannelAddress) -> Option<Self> {
        let (claims, signature) = token.rsplit_once('.')?;
        let (id, end) = claims.split_once('.')?;
        let tag: WrappedBytes = signature.parse().ok()?;
        let channel = channel.channel.to_string();
        if !scope
            .key()
            .verify(PURPOSE, &[channel.as_bytes(), claims.as_bytes()], &tag.0)
        {
            return None;
        }
        let session = Self {
            id: id.parse().ok()?,
            expires_at: Timestamp::from_millis(end.parse().ok()?),
        };
        (session.expires_at > scope.now()).then_some(session)
    }
}

/// A visitor with a valid session on the channel that was asked for.
pub(super) struct Visitor {
    pub(super) scope: TenantScope,
    pub(super) channel: ChannelAddress,
    pub(super) session: Session,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Problem> {
        // Put there by the layer that admitted the request to the channel.
        let channel = parts.extensions.get::<ChannelAddress>().cloned();
        let scope = parts.extensions.get::<TenantScope>().cloned();
        let (channel, scope) = channel.zip(scope).ok_or_else(Problem::internal)?;
        let session = Session::verify(&parts.headers, &scope, &channel)?;
        Ok(Self {
            scope,
            channel,
            session,
        })
    }
}
