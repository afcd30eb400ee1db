//! Which kind of channel a conversation is on: a channel's kind never changes, so a warm instance asks once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use usher_aws::TenantScope;
use usher_aws::store::{StoreError, keys};
use usher_shared::channel::ChannelKind;
use usher_shared::ids::ChannelId;

/// Channels that are remembered at once.
const MOST: usize = 10_000;

/// Kinds by channel.
#[derive(Default)]
pub(crate) struct Kinds(Mutex<HashMap<ChannelId, ChannelKind>>);

impl Kinds {
    /// The channel's kind. One that is gone takes nothing any more, and is as narrow as any.
    pub(crate) async fn of(
        &self,
        scope: &TenantScope,
        channel: ChannelId,
    ) -> Result<ChannelKind, StoreError> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = known().get(&channel).copied();
        if let Some(kind) = remembered {
            return Ok(kind);
        }
        let row = keys::channel(scope.tenant(), channel);
        let found = scope.store().get_row(&row, false).await?;
        let Some(kind) = found.and_then(|row| row.peek::<ChannelKind>("kind")) else {
            return Ok(ChannelKind::Instagram);
        };
        let mut kinds = known();
        if kinds.len() >= MOST {
            kinds.clear();
        }
        kinds.insert(channel, kind);
        Ok(kind)
    }
}
