//! Disconnecting: unusable here at once, taken back at the platform at once or later, and what becomes of what was said.

use serde_json::json;
use usher_aws::channels::addresses;
use usher_aws::scope::ScopeError;
use usher_aws::sealing::KeyringError;
use usher_aws::store::{Part, StoreError, When, keys};
use usher_aws::{Platform, TenantScope};
use usher_shared::Timestamp;
use usher_shared::channel::{ChannelKind, ChannelState, Connection};
use usher_shared::ids::ChannelId;
use usher_shared::records::{Channel, Revocation};

use crate::ask::Carriers;

/// Why a channel was not cut off. Asked again, it goes on with what is left.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CutError {
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    #[error(transparent)]
    Scope(#[from] ScopeError),
}

impl From<StoreError> for CutError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

/// Cuts a channel off. What has to be said to the platform is written down before anything is deleted, so that it is
/// said even if this dies at any moment. Says whether the platform has done it.
///
/// # Errors
/// [`CutError`].
pub(crate) async fn cut(
    platform: &Platform,
    carriers: &Carriers,
    scope: &TenantScope,
    channel: &Channel,
    purge_at: Option<Timestamp>,
    also: Vec<Part>,
) -> Result<bool, CutError> {
    let (id, kind, now) = (*channel.id, *channel.kind, scope.now());
    let connection = scope.channel_connection(id, kind).await?;
    if let Some(connection) = &connection {
        let revocation = Revocation {
            channel: id.into(),
            kind: kind.into(),
            created_at: now.into(),
            attempts: 0.into(),
            connection: connection.clone().into(),
        };
        let row = keys::revocation(scope.tenant(), id);
        let _by_an_earlier_attempt = scope
            .store()
            .put(&row, &revocation, scope.key(), When::Absent)
            .await?;
    }
    let settings = channel.settings.get().clone().unwrap_or_default();
    let found_by = addresses(kind, *channel.key, &settings, connection.as_ref());
    platform.forget_addresses(id, &found_by).await?;
    platform.forget_credentials(scope, id).await?;
    let mut set = vec![
        ("state", json!(ChannelState::Disconnected)),
        ("health", json!(null)),
    ];
    if channel.disconnected_at.is_none() {
        set.push(("disconnected_at", json!(now)));
    }
    set.push(("purge_at", json!(purge_at)));
    let row = keys::channel(scope.tenant(), id);
    let cutting = scope.store().updating(&row, set, &[When::Present])?;
    let parts = std::iter::once(cutting).chain(also).collect();
    let _removed_meanwhile = scope.store().together(parts).await?;
    take_back(platform, carriers, scope, id).await
}

/// Says to the platform what is written down for a channel, and forgets it once it is done. `true` if nothing is left.
///
/// # Errors
/// [`CutError`].
pub(crate) async fn take_back(
    platform: &Platform,
    carriers: &Carriers,
    scope: &TenantScope,
    id: ChannelId,
) -> Result<bool, CutError> {
    let row = keys::revocation(scope.tenant(), id);
    let Some(revocation): Option<Revocation> = scope.store().get(&row, scope.key(), true).await? else {
        return Ok(true);
    };
    let connection = revocation.connection.get();
    // Looked at again: a sibling may have been connected or cut off since.
    let shared = shares_subscription(scope, id, *revocation.kind, connection).await?;
    let whole = is_last_of_grant(platform, id, connection).await?;
    let done = carriers
        .revoke(*revocation.kind, connection, shared, whole)
        .await
        .is_ok();
    if done {
        scope.store().delete(&row).await?;
    } else {
        scope.store().increment(&row, "attempts").await?;
        tracing::warn!(tenant.id = %scope.tenant(), channel.id = %id, "not revoked at the platform yet");
    }
    Ok(done)
}

/// Whether no other channel, of this tenant or another, lives by the same grant.
async fn is_last_of_grant(
    platform: &Platform,
    id: ChannelId,
    connection: &Connection,
) -> Result<bool, CutError> {
    match platform.grant_hash(connection).await? {
        Some(grant) => Ok(!platform.is_grant_used(grant, id).await?),
        None => Ok(false),
    }
}

/// Whether another channel is heard by the same subscription: a page and the account that is linked to it have one, and
/// so have the numbers of one WhatsApp business account.
async fn shares_subscription(
    scope: &TenantScope,
    id: ChannelId,
    kind: ChannelKind,
    connection: &Connection,
) -> Result<bool, CutError> {
    let Connection::Meta(own) = connection else {
        return Ok(false);
    };
    for row in scope.store().query_all(&keys::channels(scope.tenant())).await? {
        let (Some(other), Some(other_kind)) = (row.peek::<ChannelId>("id"), row.peek::<ChannelKind>("kind"))
        else {
            continue;
        };
        if other == id || !other_kind.is_meta() {
            continue;
        }
        let Some(Connection::Meta(found)) = scope.channel_connection(other, other_kind).await? else {
            continue;
        };
        let is_whatsapp = |kind| kind == ChannelKind::Whatsapp;
        let shared = match (is_whatsapp(kind), is_whatsapp(other_kind)) {
            (true, true) => own.business_account == found.business_account,
            // The token of a linked account is its page's.
            (false, false) => own.token == found.token,
            _ => false,
        };
        if shared {
            return Ok(true);
        }
    }
    Ok(false)
}
