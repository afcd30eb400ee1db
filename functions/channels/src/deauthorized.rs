//! A person took back at the platform what they granted: their channels are cut off as if they had been disconnected here
//! (promise DEL-02). The platform's notice is believed by its signature alone.

use axum::body::{Body, to_bytes};
use usher_aws::http::{App, Problem};
use usher_aws::scope::ScopeError;
use usher_aws::store::keys;
use usher_aws::telemetry::{self, Unit};
use usher_carriers::signature::meta::{LONGEST_SIGNED_REQUEST, SignedRequest, signed_request};
use usher_carriers::urlencoded::Fields;
use usher_shared::Timestamp;
use usher_shared::channel::ChannelState;
use usher_shared::records::{Channel, GrantUse};

use crate::ask::Carriers;
use crate::cut::{self, CutError};
use crate::routes::PURGE_AFTER;

/// Bytes of a notice: the request, escaped.
const LONGEST: usize = 3 * LONGEST_SIGNED_REQUEST + 256;

/// Reads a notice, if one of our apps made it lately.
///
/// # Errors
/// 400 or 413: nothing was looked for, and nothing starts.
pub(crate) async fn notice(app: &App, body: Body) -> Result<SignedRequest, Problem> {
    let body = to_bytes(body, LONGEST)
        .await
        .map_err(|_| Problem::too_large(LONGEST))?;
    let secrets = app.platform.settings().meta_app_secrets();
    let fields = Fields::decode(&body).unwrap_or_default();
    let request = fields
        .get("signed_request")
        .and_then(|text| signed_request(&secrets, text));
    let current = request.filter(|request| request.is_current(app.platform.clock().now()));
    current.ok_or_else(|| {
        // Somebody else, an old one shown again, or a secret that was changed: counted, and an alarm looks at the count.
        tracing::warn!(bytes = body.len(), "notice of a platform refused");
        telemetry::emit("inbound", &[("signatures_refused", 1.0, Unit::Count)]);
        Problem::signed_request_invalid()
    })
}

/// Cuts off all channels that live by what the person granted, of whatever tenant. Says how many there were.
///
/// # Errors
/// [`CutError`]: what is left is done by the next notice, or found by the schedule, which learns that tokens are dead.
pub(crate) async fn cut_off(
    app: &App,
    carriers: &Carriers,
    request: &SignedRequest,
) -> Result<usize, CutError> {
    let grant = app.platform.grant_hash_of(&request.user_id).await?;
    // Whole seconds: it may have been made at any moment of its second.
    let second = request.issued_at.unwrap_or_default().saturating_mul(1_000);
    let made = Timestamp::from_millis(second.saturating_add(999));
    let mut cut = 0;
    for used in app.platform.grant_uses(grant).await? {
        // A notice that is told again after they granted anew ends nothing.
        if *used.created_at <= made {
            cut += usize::from(cut_one(app, carriers, &used).await?);
        }
    }
    Ok(cut)
}

async fn cut_one(app: &App, carriers: &Carriers, used: &GrantUse) -> Result<bool, CutError> {
    let scope = match app.platform.enter(*used.tenant).await {
        Err(ScopeError::UnknownTenant) => return Ok(false),
        scope => scope?,
    };
    let row = keys::channel(scope.tenant(), *used.channel);
    let channel: Option<Channel> = scope.store().get(&row, scope.key(), true).await?;
    let Some(channel) = channel.filter(|channel| *channel.state != ChannelState::Disconnected) else {
        return Ok(false);
    };
    let purge_at = Some(scope.now().plus(PURGE_AFTER));
    // The platform has forgotten the token already: telling it so again is refused, and that is the end of it.
    let _told = cut::cut(&app.platform, carriers, &scope, &channel, purge_at, Vec::new()).await?;
    tracing::warn!(tenant.id = %scope.tenant(), channel.id = %*used.channel, "cut off by who granted it");
    telemetry::emit("channels", &[("channels_deauthorized", 1.0, Unit::Count)]);
    Ok(true)
}
