//! What a function holds: clients, clock, randomness, the tables' names, and the caches of a warm instance.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use usher_carriers::event::To;
use usher_shared::channel::Connection;
use usher_shared::ids::ChannelId;
use usher_shared::records::{ApiKey, ChannelAddress, DownloadLink, GrantUse};
use usher_shared::untrusted::{KeyedHash, Origin};
use usher_shared::{Clock, Entropy, TenantPolicy};

use crate::attachments::Storage;
use crate::channels::Remembered;
use crate::clients::Clients;
use crate::clock::{SystemClock, SystemEntropy};
use crate::rate::Leases;
use crate::receipts::Signer;
use crate::scope::Warm;
use crate::sealing::{DataKey, HashPurpose, KeyringError, PlatformKey, kms_context, purpose, unwrap_by_kms};
use crate::serving::Standing;
use crate::settings::{MissingVariable, Settings};
use crate::store::{Store, StoreError, When, keys};

/// Names of the tables.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The Inbox table.
    pub inbox: String,
    /// The Ledger table.
    pub ledger: String,
    /// The Keys table.
    pub keys: String,
}

/// One function's view of the world. Built once per process.
pub struct Platform {
    pub(crate) settings: Settings,
    pub(crate) clients: Clients,
    pub(crate) tables: Tables,
    pub(crate) kms_key: String,
    pub(crate) storage: Arc<Storage>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) warm: Mutex<Warm>,
    pub(crate) leases: Mutex<Leases>,
    pub(crate) channels: Mutex<Remembered>,
    pub(crate) standing: Mutex<Standing>,
    directory_key: OnceCell<PlatformKey>,
    pub(crate) receipt_signer: OnceCell<Signer>,
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Platform")
    }
}

/// How long a first call may take while the instance warms up.
const WARM_UP: Duration = Duration::from_secs(3);

impl Platform {
    /// Builds what the environment describes, on the real clock and real randomness.
    ///
    /// # Errors
    /// [`MissingVariable`], naming it.
    pub fn from_environment() -> Result<Self, MissingVariable> {
        let settings = Settings::from_environment();
        let clock = Arc::new(SystemClock::new(settings.local_clock().map(Into::into)));
        Self::new(settings, clock, Arc::new(SystemEntropy))
    }

    /// Builds what `settings` describe.
    ///
    /// # Errors
    /// [`MissingVariable`], naming it.
    pub fn new(
        settings: Settings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, MissingVariable> {
        let clients = Clients::new(&settings)?;
        let kms_key = settings.kms_key()?;
        let storage = Storage::new(&clients, &settings, &kms_key);
        Ok(Self {
            storage: Arc::new(storage),
            clients,
            tables: Tables {
                inbox: settings.inbox_table()?,
                ledger: settings.ledger_table()?,
                keys: settings.keys_table()?,
            },
            kms_key,
            clock,
            entropy,
            warm: Mutex::default(),
            leases: Mutex::default(),
            channels: Mutex::default(),
            standing: Mutex::default(),
            directory_key: OnceCell::new(),
            receipt_signer: OnceCell::new(),
            settings,
        })
    }

    /// Opens connections before the first invocation, with the one thing that has to be known anyway: whether
    /// the tables may serve. Its failure is not the function's; the first real call will say what is wrong.
    pub async fn warm_up(&self) {
        match tokio::time::timeout(WARM_UP, self.serving()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = %error, "not ready to serve"),
            Err(_) => tracing::warn!(limit_ms = 3000, "warm-up took too long"),
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Domain time.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Randomness.
    pub fn entropy(&self) -> &dyn Entropy {
        self.entropy.as_ref()
    }

    /// The queue client, for [`crate::queue`].
    pub(crate) fn sqs(&self) -> &aws_sdk_sqs::Client {
        &self.clients.sqs
    }

    /// Finds a channel by its public key, before its tenant is known.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn find_channel(&self, to: &To) -> Result<Option<ChannelAddress>, KeyringError> {
        let hash = self.channel_address_hash(to).await?;
        Ok(self
            .platform_store()
            .get(&keys::channel_address(hash), &DataKey::none(), false)
            .await?)
    }

    /// Hash under which a channel stands in the directory.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn channel_address_hash(&self, to: &To) -> Result<KeyedHash, KeyringError> {
        let parts = [to.space.name().as_bytes(), to.address.as_bytes()];
        Ok(self
            .directory_key()
            .await?
            .hash(HashPurpose::ChannelAddress, &parts))
    }

    /// Writes a channel into the directory, where it stays as it was written first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_channel_address(&self, record: &ChannelAddress) -> Result<bool, StoreError> {
        let row = keys::channel_address(*record.address);
        let store = self.platform_store();
        let found = store.insert_or_get(&row, record, &DataKey::none()).await?;
        Ok(found.is_none_or(|found| found.channel == record.channel))
    }

    /// Says in the directory whether a channel is paused.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn pause_channel_address(&self, to: &To, paused: bool) -> Result<bool, KeyringError> {
        let row = keys::channel_address(self.channel_address_hash(to).await?);
        let set = vec![("paused", serde_json::json!(paused.then_some(true)))];
        let written = self
            .platform_store()
            .update(&row, set, vec![When::Present])
            .await?;
        Ok(written.happened())
    }

    /// Says in the directory which pages may embed a channel.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub(crate) async fn set_channel_origins(
        &self,
        to: &To,
        id: ChannelId,
        origins: &[Origin],
    ) -> Result<(), KeyringError> {
        let row = keys::channel_address(self.channel_address_hash(to).await?);
        let set = vec![("allowed_origins", serde_json::json!(origins))];
        let when = vec![When::Is("channel", serde_json::json!(id))];
        let _disconnected_meanwhile = self.platform_store().update(&row, set, when).await?;
        Ok(())
    }

    /// Removes a channel from the directory: from now on nobody reaches it. Says whether it was there.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn delete_channel_address(&self, to: &To) -> Result<bool, KeyringError> {
        let hash = self.channel_address_hash(to).await?;
        Ok(self.platform_store().delete(&keys::channel_address(hash)).await?)
    }

    /// Hash of the grant that a channel lives by, if a person granted it.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn grant_hash(&self, connection: &Connection) -> Result<Option<KeyedHash>, KeyringError> {
        // The secrets of other carriers are the customer's own: nobody granted them.
        let Connection::Meta(meta) = connection else {
            return Ok(None);
        };
        let Some(person) = meta.granted_by.as_deref() else {
            return Ok(None);
        };
        Ok(Some(self.grant_hash_of(person).await?))
    }

    /// Hash of what somebody granted, by the id under which the app knows them.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn grant_hash_of(&self, person: &str) -> Result<KeyedHash, KeyringError> {
        let key = self.directory_key().await?;
        Ok(key.hash(HashPurpose::Grant, &[person.as_bytes()]))
    }

    /// Channels that live by a grant, of whatever tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn grant_uses(&self, grant: KeyedHash) -> Result<Vec<GrantUse>, StoreError> {
        let store = self.platform_store();
        let rows = store.query_all(&keys::grant_uses(grant)).await?.into_iter();
        rows.map(|row| store.open(row, &DataKey::none())).collect()
    }

    /// Writes down that a channel lives by a grant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn put_grant_use(&self, used: &GrantUse) -> Result<(), StoreError> {
        let row = keys::grant_use(*used.grant, *used.channel);
        let store = self.platform_store();
        let _repeated = store.put(&row, used, &DataKey::none(), When::Absent).await?;
        Ok(())
    }

    /// A channel no longer lives by a grant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn delete_grant_use(&self, grant: KeyedHash, id: ChannelId) -> Result<(), StoreError> {
        self.platform_store().delete(&keys::grant_use(grant, id)).await?;
        Ok(())
    }

    /// Whether any other channel, of whatever tenant, lives by a grant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_grant_used(&self, grant: KeyedHash, apart_from: ChannelId) -> Result<bool, StoreError> {
        let rows = self.platform_store().query_all(&keys::grant_uses(grant)).await?;
        Ok(rows.iter().any(|row| row.peek("channel") != Some(apart_from)))
    }

    /// Writes a download link into the directory, where it stays as it was written first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_download_link(&self, record: &DownloadLink) -> Result<(), StoreError> {
        let row = keys::download_link(*record.token);
        let store = self.link_store();
        let _repeated = store.put(&row, record, &DataKey::none(), When::Absent).await?;
        Ok(())
    }

    /// Finds an export by the token of its download link; `None` if the token is none, or long over.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn find_download_link(&self, token: &str) -> Result<Option<DownloadLink>, KeyringError> {
        let hash = self.download_token_hash(token).await?;
        let row = keys::download_link(hash);
        Ok(self.link_store().get(&row, &DataKey::none(), true).await?)
    }

    /// Hash under which a download link stands in the directory.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn download_token_hash(&self, token: &str) -> Result<KeyedHash, KeyringError> {
        let key = self.directory_key().await?;
        Ok(key.hash(HashPurpose::DownloadToken, &[token.as_bytes()]))
    }

    /// Links end by themselves, so their rows need a policy; its category has one period for all tenants.
    pub(crate) fn link_store(&self) -> Store {
        Store {
            policy: Some(TenantPolicy::default()),
            ..self.platform_store()
        }
    }

    /// Whether the API key that stands under this hash may still be used.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn valid_api_key(&self, hash: KeyedHash) -> Result<Option<ApiKey>, StoreError> {
        let row = keys::api_key(hash);
        let key: Option<ApiKey> = self.platform_store().get(&row, &DataKey::none(), true).await?;
        let now = self.clock().now();
        let is_valid = |key: &ApiKey| key.revoked_at.is_none() && key.expires_at.is_none_or(|end| end > now);
        Ok(key.filter(is_valid))
    }

    /// Finds an API key by its secret. Says nothing of whether it is still valid.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn find_api_key(&self, secret: &str) -> Result<Option<ApiKey>, KeyringError> {
        let hash = self.api_key_hash(secret).await?;
        Ok(self
            .platform_store()
            .get(&keys::api_key(hash), &DataKey::none(), true)
            .await?)
    }

    /// Hash under which an API key stands in the directory.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn api_key_hash(&self, secret: &str) -> Result<KeyedHash, KeyringError> {
        Ok(self
            .directory_key()
            .await?
            .hash(HashPurpose::ApiKey, &[secret.as_bytes()]))
    }

    /// The store of the directory, under the function's own role.
    pub(crate) fn platform_store(&self) -> Store {
        Store {
            client: self.clients.dynamodb.clone(),
            tables: self.tables.clone(),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            policy: None,
        }
    }

    /// Whatever is looked for before its tenant is known needs this key: of tables that do not serve, nobody gets it.
    pub(crate) async fn directory_key(&self) -> Result<&PlatformKey, KeyringError> {
        self.serving().await?;
        self.directory_key
            .get_or_try_init(|| async {
                let row = keys::platform_key();
                let wrapped = self.platform_store().get(&row, &DataKey::none(), true).await?;
                let wrapped = wrapped.ok_or_else(|| StoreError::Database {
                    operation: "GetItem",
                    code: "PlatformKeyMissing".to_owned(),
                })?;
                let context = kms_context(purpose::DIRECTORY, None);
                unwrap_by_kms(&self.clients.kms, &self.kms_key, &wrapped, context).await
            })
            .await
    }

    pub(crate) fn with_warm<T>(&self, use_it: impl FnOnce(&mut Warm) -> T) -> T {
        use_it(&mut self.warm.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
