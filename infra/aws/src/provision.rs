//! Making a tenant and its first API key. For the operator's tools: functions have no permission for it.

use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::types::DataKeySpec;
use usher_shared::category::Preset;
use usher_shared::ids::{ApiKeyId, TenantId};
use usher_shared::record::key;
use usher_shared::records::{ApiKey, Tenant, WrappedKey};
use usher_shared::scope::Scope;
use usher_shared::untrusted::{Label, WrappedBytes};
use usher_shared::{TenantPolicy, Timestamp};

use crate::platform::Platform;
use crate::sealing::{DataKey, KeyringError, TenantKey, kms_context, purpose};
use crate::store::keys::{self, Key};
use crate::store::{StoreError, When};

/// What API keys start with, so that secret scanners and people can tell them.
pub const API_KEY_PREFIX: &str = "usk_";

/// A new API key. The secret is shown once and stored nowhere.
#[derive(Debug)]
pub struct NewApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The secret.
    pub secret: Secret,
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
    /// Makes the platform's directory key if there is none. Safe to call at any time.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn ensure_platform_key(&self) -> Result<(), KeyringError> {
        let row = keys::platform_key();
        let store = self.platform_store();
        if store.get_row(&row, true).await?.is_some() {
            return Ok(());
        }
        let (_, wrapped) = self
            .generate_by_kms::<key::Platform>(purpose::DIRECTORY, None)
            .await?;
        self.put_wrapped(&row, wrapped).await
    }

    /// Makes a tenant.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn create_tenant(&self, name: &str, preset: Preset) -> Result<TenantId, KeyringError> {
        let now = self.clock().now();
        let id = TenantId::generate(now, self.entropy());
        let (key, wrapped): (TenantKey, _) = self.generate_by_kms(purpose::TENANT, Some(id)).await?;
        self.put_wrapped(&keys::tenant_key(id), wrapped).await?;
        let tenant = Tenant {
            id: id.into(),
            created_at: now.into(),
            policy: TenantPolicy::preset(preset).into(),
            knowledge_version: 0.into(),
            name: name.to_owned().into(),
        };
        let _fresh_id = self
            .platform_store()
            .put(&keys::tenant(id), &tenant, &key, When::Absent)
            .await?;
        Ok(id)
    }

    /// Makes an API key of a tenant.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn create_api_key(
        &self,
        tenant: TenantId,
        scopes: Vec<Scope>,
        expires_at: Option<Timestamp>,
    ) -> Result<NewApiKey, KeyringError> {
        let now = self.clock().now();
        let id = ApiKeyId::generate(now, self.entropy());
        let mut random = zeroize::Zeroizing::new([0; 24]);
        self.entropy().fill(random.as_mut());
        let secret = format!("{API_KEY_PREFIX}{}", hex::encode(random.as_ref()));
        let hash = self.api_key_hash(&secret).await?;
        let last_four = secret
            .get(secret.len() - 4..)
            .and_then(|text| text.parse::<Label>().ok());
        let record = ApiKey {
            hash: hash.into(),
            id: id.into(),
            tenant: tenant.into(),
            scopes: scopes.into(),
            last_four: last_four
                .ok_or(usher_shared::record::Malformed {
                    kind: "api_key",
                    field: "last_four",
                })
                .map_err(StoreError::from)?
                .into(),
            created_at: now.into(),
            expires_at: expires_at.into(),
            revoked_at: None.into(),
        };
        let row = keys::api_key(hash).listed(keys::api_key_listing(tenant, id));
        let _fresh_id = self
            .platform_store()
            .put(&row, &record, &DataKey::none(), When::Absent)
            .await?;
        Ok(NewApiKey {
            id,
            secret: Secret(secret),
        })
    }

    async fn put_wrapped(&self, row: &Key<WrappedKey>, wrapped: Vec<u8>) -> Result<(), KeyringError> {
        let record = WrappedKey {
            created_at: self.clock().now().into(),
            wrapped: WrappedBytes(wrapped).into(),
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
