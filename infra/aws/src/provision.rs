//! What an operator does: tenants and their API keys. Functions have no permission for it, but for the list
//! of tenants where one must visit all of them.

mod api_keys;

use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::types::DataKeySpec;
use usher_shared::TenantPolicy;
use usher_shared::category::Preset;
use usher_shared::ids::TenantId;
use usher_shared::masking::Masking;
use usher_shared::record::key;
use usher_shared::records::{SweepPlace, Tenant, TenantEntry, WrappedKey};
use usher_shared::untrusted::WrappedBytes;

pub use self::api_keys::{API_KEY_PREFIX, ApiKeyPage, NewApiKey};
use crate::platform::Platform;
use crate::sealing::{DataKey, KeyringError, TenantKey, kms_context, purpose, unwrap_by_kms};
use crate::store::keys::{self, Key};
use crate::store::{Read, StoreError, When};

/// Rows of a page.
const PAGE: usize = 100;

/// Some of the tenants, oldest first.
#[derive(Debug)]
pub struct TenantPage {
    /// Their entries. An entry whose tenant was never finished has no row: [`Platform::enter`] does not know it.
    pub tenants: Vec<TenantEntry>,
    /// Where to read on, if there are more.
    pub next: Option<TenantId>,
}

/// A secret text: `Debug` does not show it.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Platform {
    /// Makes the platform's own keys where there are none: the directory's, and the one that signs receipts. Safe to
    /// call at any time.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn ensure_platform_key(&self) -> Result<(), KeyringError> {
        self.ensure_directory_key().await?;
        let row = keys::receipt_key();
        if self.platform_store().get_row(&row, true).await?.is_some() {
            return Ok(());
        }
        let (_, wrapped) = self
            .generate_by_kms::<key::Platform>(purpose::RECEIPTS, None)
            .await?;
        self.put_wrapped(&row, wrapped).await
    }

    async fn ensure_directory_key(&self) -> Result<(), KeyringError> {
        let row = keys::platform_key();
        let store = self.platform_store();
        if store.get_row(&row, true).await?.is_some() {
            return Ok(());
        }
        // First of all rows: tables with a key and without a mark were restored from before marks were written.
        Box::pin(self.mark_new_tables()).await?;
        let (_, wrapped) = self
            .generate_by_kms::<key::Platform>(purpose::DIRECTORY, None)
            .await?;
        self.put_wrapped(&row, wrapped).await
    }

    /// Makes a tenant without an admin address.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn create_tenant(&self, name: &str, preset: Preset) -> Result<TenantId, KeyringError> {
        self.create_tenant_of(name, preset, None).await
    }

    /// Makes a tenant with the e-mail address of the person who answers for it.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn create_tenant_of(
        &self,
        name: &str,
        preset: Preset,
        admin: Option<String>,
    ) -> Result<TenantId, KeyringError> {
        let now = self.clock().now();
        let id = TenantId::generate(now, self.entropy());
        let store = self.platform_store();
        // The entry comes first: an entry without a tenant is harmless, a tenant without an entry would
        // never be swept.
        let entry = TenantEntry {
            id: id.into(),
            created_at: now.into(),
        };
        let _fresh_id = store
            .put(&keys::tenant_entry(id), &entry, &DataKey::none(), When::Absent)
            .await?;
        let (key, wrapped): (TenantKey, _) = self.generate_by_kms(purpose::TENANT, Some(id)).await?;
        self.put_wrapped(&keys::tenant_key(id), wrapped).await?;
        let tenant = Tenant {
            id: id.into(),
            created_at: now.into(),
            policy: TenantPolicy::preset(preset).into(),
            masking: Masking::ALL.into(),
            knowledge_version: 0.into(),
            ai: None.into(),
            ai_notices: None.into(),
            intents: None.into(),
            improvement: None.into(),
            name: name.to_owned().into(),
            admin: admin.into(),
        };
        let _fresh_id = store.put(&keys::tenant(id), &tenant, &key, When::Absent).await?;
        Ok(id)
    }

    /// Tenants after one, oldest first: for the operator, and for what must visit all of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tenants(&self, after: Option<TenantId>) -> Result<TenantPage, StoreError> {
        let store = self.platform_store();
        let read = Read {
            limit: PAGE,
            backward: false,
            consistent: true,
            after: after.map(|id| id.to_string()),
        };
        let page = store.query(&keys::tenant_entries(), &read).await?;
        let more = page.next.is_some();
        let tenants = page
            .rows
            .into_iter()
            .map(|row| store.open(row, &DataKey::none()))
            .collect::<Result<Vec<TenantEntry>, _>>()?;
        let next = tenants.last().map(|entry| *entry.id).filter(|_| more);
        Ok(TenantPage { tenants, next })
    }

    /// The tenant after which the sweep goes on; `None` if its last run reached all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sweep_place(&self) -> Result<Option<TenantId>, StoreError> {
        let row = keys::sweep_place();
        let place = self.platform_store().get(&row, &DataKey::none(), true).await?;
        Ok(place.and_then(|place| *place.after))
    }

    /// Writes down after which tenant the sweep goes on. Two runs at once overwrite each other's note: a tenant
    /// is then swept twice, or an hour later.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_sweep_place(&self, after: Option<TenantId>) -> Result<(), StoreError> {
        let row = keys::sweep_place();
        let place = SweepPlace {
            after: after.into(),
            at: self.clock().now().into(),
        };
        let store = self.platform_store();
        if store
            .put(&row, &place, &DataKey::none(), When::Absent)
            .await?
            .happened()
        {
            return Ok(());
        }
        let _gone_meanwhile = store.put(&row, &place, &DataKey::none(), When::Present).await?;
        Ok(())
    }

    /// A tenant's row, read as the operator: no function's own role may do this. `None` if there is no such
    /// tenant.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn read_tenant(&self, id: TenantId) -> Result<Option<Tenant>, KeyringError> {
        let Some(key) = self.read_tenant_key(id).await? else {
            return Ok(None);
        };
        Ok(self.platform_store().get(&keys::tenant(id), &key, true).await?)
    }

    /// A tenant's key, as the operator. `None` if there is no such tenant.
    pub(crate) async fn read_tenant_key(&self, id: TenantId) -> Result<Option<TenantKey>, KeyringError> {
        let row = keys::tenant_key(id);
        let wrapped = self.platform_store().get(&row, &DataKey::none(), true).await?;
        let Some(wrapped) = wrapped else {
            return Ok(None);
        };
        let context = kms_context(purpose::TENANT, Some(id));
        let key = unwrap_by_kms(&self.clients.kms, &self.kms_key, &wrapped, context).await?;
        Ok(Some(key))
    }

    async fn put_wrapped(&self, row: &Key<WrappedKey>, wrapped: Vec<u8>) -> Result<(), KeyringError> {
        let record = WrappedKey {
            created_at: self.clock().now().into(),
            wrapped: WrappedBytes(wrapped).into(),
            held: None.into(),
            processing: None.into(),
        };
        // If another call was first, its key stands and this one is dropped unused.
        let _first = self
            .platform_store()
            .put(row, &record, &DataKey::none(), When::Absent)
            .await?;
        Ok(())
    }

    async fn generate_by_kms<K: usher_shared::record::KeyKind>(
        &self,
        purpose: &str,
        tenant: Option<TenantId>,
    ) -> Result<(DataKey<K>, Vec<u8>), KeyringError> {
        let answer = self
            .clients
            .kms
            .generate_data_key()
            .key_id(&self.kms_key)
            .key_spec(DataKeySpec::Aes256)
            .set_encryption_context(Some(kms_context(purpose, tenant)))
            .send()
            .await
            .map_err(|error| KeyringError::Kms {
                operation: "GenerateDataKey",
                code: error
                    .as_service_error()
                    .and_then(ProvideErrorMetadata::code)
                    .unwrap_or("unreachable")
                    .to_owned(),
            })?;
        let plain = answer
            .plaintext
            .map(|blob| zeroize::Zeroizing::new(blob.into_inner()))
            .unwrap_or_default();
        let wrapped = answer
            .ciphertext_blob
            .map(aws_sdk_kms::primitives::Blob::into_inner)
            .unwrap_or_default();
        Ok((DataKey::from_bytes(&plain)?, wrapped))
    }
}
