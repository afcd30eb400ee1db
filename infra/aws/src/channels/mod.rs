//! A channel with what its carrier demands to know.

mod connect;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use usher_carriers::call::{Account, Endpoints};
use usher_shared::Timestamp;
use usher_shared::channel::{ChannelKind, ChannelSettings, ChannelState, Connection};
use usher_shared::ids::{ChannelId, TenantId};
use usher_shared::records::{Channel, ChannelSecret};

pub use self::connect::{ConnectError, NewChannel, addresses, key_of};
use crate::clock::wall_now;
use crate::platform::Platform;
use crate::scope::{ScopeError, TenantScope};
use crate::sealing::KeyringError;
use crate::settings::MissingVariable;
use crate::store::{When, keys};

/// What a warm instance remembers of a channel is looked up again after this long. Whether the channel takes messages
/// at all is asked of the directory each time, and whether it may send of its row: what is remembered opens nothing by
/// itself.
const LIFE: Duration = Duration::from_mins(1);
/// Channels that one instance remembers.
const MOST: usize = 256;

/// A channel, opened.
#[derive(Clone, Debug)]
pub struct OpenChannel {
    /// Its row.
    pub channel: Channel,
    /// What its carrier demands to know; none if it needs nothing, or was disconnected.
    pub connection: Option<Connection>,
    hooks: String,
}

impl OpenChannel {
    /// What the tenant set.
    pub fn settings(&self) -> ChannelSettings {
        self.channel.settings.get().clone().unwrap_or_default()
    }

    /// Where the carrier posts what happens on it, without a trailing slash.
    pub fn hooks(&self) -> &str {
        &self.hooks
    }

    /// Whether anything may leave by it.
    pub fn may_send(&self) -> bool {
        *self.channel.state == ChannelState::Active
    }

    /// What a carrier is called with.
    pub fn account<'a>(&'a self, settings: &'a ChannelSettings, platform: &'a Endpoints) -> Account<'a> {
        Account {
            connection: self.connection.as_ref(),
            settings,
            platform,
            hooks: &self.hooks,
        }
    }
}

/// Channels that an instance remembers.
#[derive(Default)]
pub(crate) struct Remembered(HashMap<(TenantId, ChannelId), (Timestamp, Arc<OpenChannel>)>);

/// Where a channel's carrier posts what happens on it.
pub fn hooks(base_url: &str, channel: &Channel) -> String {
    let key = *channel.key;
    match *channel.kind {
        ChannelKind::WebChat => format!("{base_url}/chat/{key}"),
        ChannelKind::Form => format!("{base_url}/forms/{key}"),
        ChannelKind::Email => format!("{base_url}/hooks/resend/{key}"),
        ChannelKind::Sms | ChannelKind::Voice => format!("{base_url}/hooks/twilio/{key}"),
        ChannelKind::Messenger | ChannelKind::Instagram | ChannelKind::Whatsapp => {
            format!("{base_url}/hooks/meta")
        }
    }
}

impl Platform {
    /// Opens a channel with its credentials, as they are now.
    ///
    /// # Errors
    /// [`ScopeError`].
    pub async fn open_channel(
        &self,
        scope: &TenantScope,
        id: ChannelId,
    ) -> Result<Option<Arc<OpenChannel>>, ScopeError> {
        let row = keys::channel(scope.tenant(), id);
        let Some(channel) = scope.store().get(&row, scope.key(), true).await? else {
            return Ok(None);
        };
        let base_url = self.settings.public_base_url()?;
        let connection = scope.channel_connection(id, *channel.kind).await?;
        let opened = Arc::new(OpenChannel {
            hooks: hooks(&base_url, &channel),
            channel,
            connection,
        });
        let mut remembered = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.0.len() >= MOST {
            remembered.0.clear();
        }
        let key = (scope.tenant(), id);
        remembered.0.insert(key, (wall_now(), Arc::clone(&opened)));
        Ok(Some(opened))
    }

    /// A channel as it is now, with credentials as they were at most a minute ago: its row, which is read, says whether
    /// they may be used.
    ///
    /// # Errors
    /// As [`Self::open_channel`].
    pub async fn live_channel(
        &self,
        scope: &TenantScope,
        id: ChannelId,
    ) -> Result<Option<Arc<OpenChannel>>, ScopeError> {
        let Some(known) = self.remembered_channel(scope, id) else {
            return self.open_channel(scope, id).await;
        };
        let row = keys::channel(scope.tenant(), id);
        let Some(channel) = scope.store().get(&row, scope.key(), true).await? else {
            return Ok(None);
        };
        if *channel.state == ChannelState::Disconnected {
            return self.open_channel(scope, id).await;
        }
        Ok(Some(Arc::new(OpenChannel {
            channel,
            connection: known.connection.clone(),
            hooks: known.hooks.clone(),
        })))
    }

    pub(crate) fn forget_channel(&self, scope: &TenantScope, id: ChannelId) {
        let mut remembered = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.0.remove(&(scope.tenant(), id));
    }

    fn remembered_channel(&self, scope: &TenantScope, id: ChannelId) -> Option<Arc<OpenChannel>> {
        let now = wall_now();
        let remembered = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, channel) = remembered.0.get(&(scope.tenant(), id))?;
        (now.since(*at) < LIFE).then(|| Arc::clone(channel))
    }

    /// As [`Self::open_channel`], but as it was at most a minute ago: for what is asked at every message, and is allowed
    /// by something that is read each time.
    ///
    /// # Errors
    /// As [`Self::open_channel`].
    pub async fn recall_channel(
        &self,
        scope: &TenantScope,
        id: ChannelId,
    ) -> Result<Option<Arc<OpenChannel>>, ScopeError> {
        match self.remembered_channel(scope, id) {
            Some(channel) => Ok(Some(channel)),
            None => self.open_channel(scope, id).await,
        }
    }

    /// Where carriers are, and what the installation is to them.
    ///
    /// # Errors
    /// [`MissingVariable`] if the function was not told.
    pub fn carriers(&self) -> Result<Endpoints, MissingVariable> {
        Ok(Endpoints {
            graph: self.settings.graph_url()?,
            instagram: self.settings.instagram_graph_url()?,
            app_secrets: self.settings.meta_app_secrets(),
            app_ids: self.settings.meta_app_ids(),
            twilio: self.settings.twilio_url()?,
            resend: self.settings.resend_url()?,
            ses: self.settings.ses_url()?,
            ses_set: self.settings.mail_set(),
        })
    }
}

impl TenantScope {
    /// What a channel's carrier demands to know; `None` if it needs nothing, or was disconnected.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn channel_connection(
        &self,
        id: ChannelId,
        kind: ChannelKind,
    ) -> Result<Option<Connection>, KeyringError> {
        if matches!(kind, ChannelKind::WebChat | ChannelKind::Form) {
            return Ok(None);
        }
        let Some(key) = self.channel_key(id).await? else {
            return Ok(None);
        };
        let row = keys::channel_secret(self.tenant(), id);
        let secret: Option<ChannelSecret> = self.store().get(&row, &key, true).await?;
        Ok(secret.map(|secret| secret.connection.into_inner()))
    }

    /// Writes credentials in place of those that a channel has: a token that was renewed. A channel that was
    /// disconnected meanwhile gets none.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn replace_connection(
        &self,
        id: ChannelId,
        connection: &Connection,
    ) -> Result<(), KeyringError> {
        let Some(key) = self.channel_key(id).await? else {
            return Ok(());
        };
        let row = keys::channel_secret(self.tenant(), id);
        let known = self.store().get_row(&row, true).await?;
        // A renewed token is of the same grant.
        let grant: Option<usher_shared::untrusted::KeyedHash> = known.and_then(|row| row.peek("grant"));
        let secret = ChannelSecret {
            channel: id.into(),
            created_at: id.at().into(),
            grant: grant.into(),
            connection: connection.clone().into(),
        };
        let _disconnected_meanwhile = self.store().put(&row, &secret, &key, When::Present).await?;
        Ok(())
    }
}
