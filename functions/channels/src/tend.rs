//! Looking after channels: on a schedule, because carriers fall silent without notice.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use usher_aws::deadline::Deadline;
use usher_aws::scope::ScopeError;
use usher_aws::sealing::KeyringError;
use usher_aws::store::{Read, StoreError, When, keys};
use usher_aws::telemetry::{self, Unit};
use usher_aws::{Platform, TenantScope};
use usher_shared::Timestamp;
use usher_shared::channel::{ChannelHealth, ChannelState, ChannelTrouble};
use usher_shared::ids::{ChannelId, ConversationId};
use usher_shared::model::Direction;
use usher_shared::records::Channel;

use crate::ask::{Bad, Carriers};
use crate::{cut, purge};

/// Time kept for the tenant in hand; with less, the run ends and says so.
const ENOUGH: Duration = Duration::from_secs(20);
/// Conversations looked at for when somebody last wrote.
const RECENT: usize = 100;

/// What a run found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tended {
    /// Tenants visited.
    pub(crate) tenants: u64,
    /// Channels whose carrier was asked.
    pub(crate) looked_at: u64,
    /// Channels with which something is wrong.
    pub(crate) troubled: u64,
    /// Grants that still have to be taken back at their platform.
    pub(crate) unrevoked: u64,
    /// Tenants that could not be visited.
    pub(crate) failed: u64,
}

#[derive(Debug, thiserror::Error)]
enum TendError {
    #[error(transparent)]
    Scope(#[from] ScopeError),
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    #[error(transparent)]
    Cut(#[from] cut::CutError),
}

impl From<StoreError> for TendError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

/// Looks after the channels of all tenants.
///
/// # Errors
/// [`StoreError`] if the list of tenants cannot be read.
pub(crate) async fn tend_all(
    platform: &Platform,
    carriers: &Carriers,
    deadline: Deadline,
) -> Result<Tended, StoreError> {
    let (mut tended, mut after) = (Tended::default(), None);
    'tenants: loop {
        let page = platform.tenants(after).await?;
        for entry in page.tenants {
            if deadline.remaining() < ENOUGH && tended.tenants > 0 {
                tracing::warn!(
                    tenants = tended.tenants,
                    "out of time; channels were not all looked at"
                );
                break 'tenants;
            }
            tended.tenants += 1;
            let scope = match platform.enter(*entry.id).await {
                Err(ScopeError::UnknownTenant) => continue,
                scope => scope,
            };
            let visited = match scope {
                Ok(scope) => visit(platform, carriers, &scope, deadline, &mut tended).await,
                Err(error) => Err(error.into()),
            };
            if let Err(error) = visited {
                tended.failed += 1;
                tracing::error!(tenant.id = %*entry.id, error = %error, "channels not looked at");
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let count = |number: u64| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    telemetry::emit(
        "channels",
        &[
            ("channels_troubled", count(tended.troubled), Unit::Count),
            ("grants_unrevoked", count(tended.unrevoked), Unit::Count),
            ("tenants_failed", count(tended.failed), Unit::Count),
        ],
    );
    Ok(tended)
}

async fn visit(
    platform: &Platform,
    carriers: &Carriers,
    scope: &TenantScope,
    deadline: Deadline,
    tended: &mut Tended,
) -> Result<(), TendError> {
    for row in scope
        .store()
        .query_all(&keys::revocations(scope.tenant()))
        .await?
    {
        if let Some(id) = row.peek::<ChannelId>("channel") {
            tended.unrevoked += u64::from(!cut::take_back(platform, carriers, scope, id).await?);
        }
    }
    let rows = scope.store().query_all(&keys::channels(scope.tenant())).await?;
    let carried = rows
        .iter()
        .any(|row| row.peek::<ChannelState>("state") != Some(ChannelState::Disconnected));
    let written = if carried {
        last_written(scope).await?
    } else {
        BTreeMap::new()
    };
    for row in rows {
        let channel: Channel = scope.store().open(row, scope.key())?;
        // A request of privacy has it purged without anybody having disconnected it.
        let to_be_purged = channel.purge_at.is_some_and(|at| at <= scope.now());
        if to_be_purged && *channel.state != ChannelState::Disconnected {
            let revoked =
                cut::cut(platform, carriers, scope, &channel, *channel.purge_at, Vec::new()).await?;
            tended.unrevoked += u64::from(!revoked);
            continue;
        }
        if *channel.state == ChannelState::Disconnected {
            if channel.purge_at.is_some_and(|at| at <= scope.now()) {
                purge::purge(scope, &channel, deadline).await?;
            }
            continue;
        }
        let last_inbound = written.get(&channel.id.to_string()).copied();
        look(carriers, scope, &channel, last_inbound, tended).await?;
    }
    Ok(())
}

/// Asks a channel's carrier, and writes down what it says.
async fn look(
    carriers: &Carriers,
    scope: &TenantScope,
    channel: &Channel,
    last_inbound: Option<Timestamp>,
    tended: &mut Tended,
) -> Result<(), TendError> {
    let (id, kind) = (*channel.id, *channel.kind);
    let known = channel.health.unwrap_or_default();
    let last_inbound = last_inbound.or(known.last_inbound);
    let (mut health, state) = match scope.channel_connection(id, kind).await? {
        None => (known, *channel.state),
        Some(connection) => {
            tended.looked_at += 1;
            match carriers.look(kind, connection.clone(), scope.now()).await {
                Ok(found) => {
                    if found.connection != connection {
                        scope.replace_connection(id, &found.connection).await?;
                    }
                    let mut health = found.health;
                    // It is subscribed again; that it was not is worth knowing until the next look.
                    if health.subscribed == Some(false) {
                        health.subscribed = Some(true);
                        health.trouble = Some(ChannelTrouble::NotSubscribed);
                    }
                    let mended = *channel.state == ChannelState::Broken;
                    (
                        health,
                        if mended {
                            ChannelState::Active
                        } else {
                            *channel.state
                        },
                    )
                }
                Err(Bad::Field { trouble, .. }) => {
                    let broken = trouble == ChannelTrouble::CredentialsRefused
                        && *channel.state == ChannelState::Active;
                    let health = ChannelHealth {
                        checked_at: Some(scope.now()),
                        trouble: Some(trouble),
                        ..known
                    };
                    (
                        health,
                        if broken {
                            ChannelState::Broken
                        } else {
                            *channel.state
                        },
                    )
                }
                // Nothing was learned.
                Err(Bad::Silent) => (known, *channel.state),
            }
        }
    };
    health.last_inbound = last_inbound;
    if health.trouble.is_some() {
        tended.troubled += 1;
        if health.trouble != known.trouble {
            tracing::error!(tenant.id = %scope.tenant(), channel.id = %id, channel.trouble = ?health.trouble, "a channel needs attention");
        }
    }
    if health != known || state != *channel.state {
        let set = vec![("health", json!(health)), ("state", json!(state))];
        let when = vec![When::Is("state", json!(*channel.state))];
        let row = keys::channel(scope.tenant(), id);
        let _changed_meanwhile = scope.store().update(&row, set, when).await?;
    }
    Ok(())
}

/// When somebody last wrote on each channel that has a recent conversation: to the hour, which says enough.
async fn last_written(scope: &TenantScope) -> Result<BTreeMap<String, Timestamp>, StoreError> {
    let recent = Read {
        limit: RECENT,
        backward: true,
        consistent: false,
        after: None,
    };
    let mut written = BTreeMap::new();
    let page = scope
        .store()
        .query(&keys::conversations(scope.tenant()), &recent)
        .await?;
    for row in page.rows {
        let (Some(id), Some(channel)) = (row.peek::<ConversationId>("id"), row.peek::<ChannelId>("channel"))
        else {
            continue;
        };
        if written.contains_key(&channel.to_string()) {
            continue;
        }
        let newest = Read {
            limit: 20,
            consistent: false,
            ..recent.clone()
        };
        let messages = scope
            .store()
            .query(&keys::messages(scope.tenant(), id, None), &newest)
            .await?;
        let inbound = messages
            .rows
            .iter()
            .find(|row| row.peek("direction") == Some(Direction::Inbound));
        if let Some(at) = inbound.and_then(|row| row.peek::<Timestamp>("at")) {
            let hour = at.millis() - at.millis().rem_euclid(3_600_000);
            written.insert(channel.to_string(), Timestamp::from_millis(hour));
        }
    }
    Ok(written)
}
