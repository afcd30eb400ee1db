//! Connecting a channel and cutting it off: rows, key, credentials and what finds it, in the one order in which a crash
//! in between harms nobody.

use serde_json::json;
use usher_carriers::event::{Space, To};
use usher_shared::channel::{ChannelHealth, ChannelKind, ChannelSettings, ChannelState, Connection};
use usher_shared::ids::{ChannelId, ChannelKey};
use usher_shared::records::{Channel, ChannelAddress, ChannelSecret, GrantUse};
use usher_shared::untrusted::{KeyedHash, Origin};

use crate::platform::Platform;
use crate::scope::TenantScope;
use crate::sealing::{HashPurpose, KeyringError};
use crate::store::{Part, StoreError, When, keys};

/// A channel to connect.
#[derive(Clone, Debug)]
pub struct NewChannel {
    /// Its id: the same at every attempt.
    pub id: ChannelId,
    /// What kind of place.
    pub kind: ChannelKind,
    /// The tenant's own name for it.
    pub name: String,
    /// Pages that may embed it; empty means any.
    pub allowed_origins: Vec<Origin>,
    /// What the tenant sets.
    pub settings: ChannelSettings,
    /// What its carrier demands to know.
    pub connection: Option<Connection>,
    /// What its carrier said when it was checked.
    pub health: ChannelHealth,
}

/// Why a channel was not connected.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Another channel, of this tenant or of another, has the address. One address has one channel.
    #[error("the address is connected already")]
    Taken,
    /// Keys or rows cannot be had.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
}

impl From<StoreError> for ConnectError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

/// What a channel is found by.
pub fn addresses(
    kind: ChannelKind,
    key: ChannelKey,
    settings: &ChannelSettings,
    connection: Option<&Connection>,
) -> Vec<To> {
    let mut all = vec![To::key(key)];
    let space = match kind {
        ChannelKind::Messenger => Some(Space::Page),
        ChannelKind::Instagram => Some(Space::Instagram),
        ChannelKind::Whatsapp => Some(Space::Whatsapp),
        _ => None,
    };
    if let (Some(space), Some(Connection::Meta(meta))) = (space, connection) {
        let address = meta.account.clone();
        all.push(To { space, address });
    }
    if let (ChannelKind::Email, Some(mailbox)) = (kind, &settings.address) {
        all.push(To {
            space: Space::Mailbox,
            address: mailbox.to_lowercase(),
        });
    }
    all
}

/// The key of a channel, which follows from its id.
pub fn key_of(scope: &TenantScope, id: ChannelId) -> ChannelKey {
    let own_id = id.to_string();
    let parts = [b"channel-key".as_slice(), own_id.as_bytes()];
    ChannelKey::derived(id.at(), scope.key().hash(HashPurpose::Derived, &parts).tail())
}

impl Platform {
    /// Connects a channel. Called again for the same id it does what is left and gives the same channel. `also` is
    /// written with the channel's row, or not at all.
    ///
    /// # Errors
    /// [`ConnectError`]; with `Taken` nothing is left behind.
    pub async fn connect_channel(
        &self,
        scope: &TenantScope,
        new: NewChannel,
        also: Vec<Part>,
    ) -> Result<Channel, ConnectError> {
        let id = new.id;
        let key = key_of(scope, id);
        let found_by = addresses(new.kind, key, &new.settings, new.connection.as_ref());
        for to in &found_by {
            let found = self.find_channel(to).await?;
            if found.is_some_and(|found| *found.channel != id) {
                return Err(ConnectError::Taken);
            }
        }
        let grant = match &new.connection {
            Some(connection) => self.grant_hash(connection).await?,
            None => None,
        };
        // Before the credentials, so that there are none that nobody counts.
        if let Some(grant) = grant {
            let used = GrantUse {
                grant: grant.into(),
                tenant: scope.tenant().into(),
                channel: id.into(),
                created_at: id.at().into(),
            };
            self.put_grant_use(&used).await?;
        }
        if let Some(connection) = &new.connection {
            let secret = ChannelSecret {
                channel: id.into(),
                created_at: id.at().into(),
                grant: grant.into(),
                connection: connection.clone().into(),
            };
            let own = scope.create_channel_key(id).await?;
            let row = keys::channel_secret(scope.tenant(), id);
            let _same_secret = scope.store().put(&row, &secret, &own, When::Absent).await?;
        }
        let channel = Channel {
            id: id.into(),
            kind: new.kind.into(),
            state: ChannelState::Active.into(),
            created_at: id.at().into(),
            key: key.into(),
            allowed_origins: new.allowed_origins.into(),
            health: Some(new.health).into(),
            disconnected_at: None.into(),
            purge_at: None.into(),
            revision: None.into(),
            name: new.name.into(),
            settings: Some(new.settings).into(),
        };
        let row = keys::channel(scope.tenant(), id);
        let store = scope.store();
        let making = store.putting(&row, &channel, scope.key(), When::Absent)?;
        // If the row is there, an earlier attempt of this very request wrote the same, and what goes with it.
        let _same_channel = store
            .together(std::iter::once(making).chain(also).collect())
            .await?;
        for to in &found_by {
            let address = ChannelAddress {
                address: self.channel_address_hash(to).await?.into(),
                tenant: scope.tenant().into(),
                channel: id.into(),
                kind: new.kind.into(),
                created_at: id.at().into(),
                allowed_origins: channel.allowed_origins.clone(),
                paused: None.into(),
            };
            if !self.put_channel_address(&address).await? {
                // Somebody was faster: this one never was.
                self.forget_addresses(id, &found_by).await?;
                self.forget_credentials(scope, id).await?;
                store.delete(&row).await?;
                return Err(ConnectError::Taken);
            }
        }
        Ok(channel)
    }

    /// Writes a channel as it was changed in place of `before`: its row, then what the directory says of its pages.
    /// `false` if somebody changed it meanwhile; then nothing was written, nor `also`.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn rewrite_channel(
        &self,
        scope: &TenantScope,
        before: &Channel,
        channel: &Channel,
        connection: Option<&Connection>,
        also: Part,
    ) -> Result<bool, KeyringError> {
        let row = keys::channel(scope.tenant(), *channel.id);
        // Whatever else is written into the row changes one of these; the name and the settings only with the revision.
        let unchanged = When::All(vec![
            When::Is("state", json!(*before.state)),
            When::unchanged("health", json!(*before.health)),
            When::unchanged("revision", json!(*before.revision)),
        ]);
        let store = scope.store();
        let writing = store.putting(&row, channel, scope.key(), unchanged)?;
        if !store.together(vec![writing, also]).await?.happened() {
            return Ok(false);
        }
        let settings = channel.settings.get().clone().unwrap_or_default();
        for to in addresses(*channel.kind, *channel.key, &settings, connection) {
            self.set_channel_origins(&to, *channel.id, &channel.allowed_origins)
                .await?;
        }
        self.forget_channel(scope, *channel.id);
        Ok(true)
    }

    /// Writes other credentials of the same account in place of those that a channel has, and the grant that it lives by
    /// from now on. `false` if it has none any more: it was disconnected.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn replace_credentials(
        &self,
        scope: &TenantScope,
        id: ChannelId,
        connection: &Connection,
    ) -> Result<bool, KeyringError> {
        let row = keys::channel_secret(scope.tenant(), id);
        let (Some(key), Some(known)) = (
            scope.channel_key(id).await?,
            scope.store().get_row(&row, true).await?,
        ) else {
            return Ok(false);
        };
        let earlier = known.peek::<KeyedHash>("grant");
        let grant = self.grant_hash(connection).await?;
        // Before the credentials, so that there are none that nobody counts.
        if let Some(grant) = grant {
            let used = GrantUse {
                grant: grant.into(),
                tenant: scope.tenant().into(),
                channel: id.into(),
                created_at: scope.now().into(),
            };
            self.put_grant_use(&used).await?;
        }
        let secret = ChannelSecret {
            channel: id.into(),
            created_at: id.at().into(),
            grant: grant.into(),
            connection: connection.clone().into(),
        };
        let written = scope.store().put(&row, &secret, &key, When::Present).await?;
        let stale = if written.happened() { earlier } else { grant };
        if let Some(stale) = stale.filter(|stale| !written.happened() || Some(*stale) != grant) {
            self.delete_grant_use(stale, id).await?;
        }
        self.forget_channel(scope, id);
        Ok(written.happened())
    }

    /// Takes away what finds a channel: from now on nothing reaches it.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn forget_addresses(&self, id: ChannelId, found_by: &[To]) -> Result<(), KeyringError> {
        for to in found_by {
            let found = self.find_channel(to).await?;
            if found.is_some_and(|found| *found.channel == id) {
                self.delete_channel_address(to).await?;
            }
        }
        Ok(())
    }

    /// Deletes a channel's credentials: its key first, then that it lives by a grant, then what the key sealed. What was remembered of it here is forgotten.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn forget_credentials(&self, scope: &TenantScope, id: ChannelId) -> Result<(), KeyringError> {
        self.forget_channel(scope, id);
        scope.delete_channel_key(id).await?;
        let row = keys::channel_secret(scope.tenant(), id);
        let secret = scope.store().get_row(&row, true).await?;
        if let Some(grant) = secret.and_then(|row| row.peek::<KeyedHash>("grant")) {
            self.delete_grant_use(grant, id).await?;
        }
        scope.store().delete(&row).await?;
        Ok(())
    }

    /// Pauses a channel or lets it go on. Says whether it was in the other state.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn pause_channel(
        &self,
        scope: &TenantScope,
        channel: &Channel,
        connection: Option<&Connection>,
        paused: bool,
    ) -> Result<bool, KeyringError> {
        let (from, to) = if paused {
            (ChannelState::Active, ChannelState::Paused)
        } else {
            (ChannelState::Paused, ChannelState::Active)
        };
        let row = keys::channel(scope.tenant(), *channel.id);
        let when = vec![When::Is("state", json!(from))];
        let written = scope
            .store()
            .update(&row, vec![("state", json!(to))], when)
            .await?;
        let settings = channel.settings.get().clone().unwrap_or_default();
        for to in addresses(*channel.kind, *channel.key, &settings, connection) {
            self.pause_channel_address(&to, paused).await?;
        }
        Ok(written.happened())
    }
}
