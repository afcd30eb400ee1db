//! Keys to language models: the platform's own, one per provider, sealed by KMS in the Keys table. No environment and
//! no template ever holds one, and only a role that KMS lets unwrap this purpose can read them.

use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::Blob;
use usher_models::Api;
use usher_shared::records::WrappedKey;
use usher_shared::untrusted::WrappedBytes;

use crate::platform::Platform;
use crate::provision::Secret;
use crate::sealing::{DataKey, KeyringError, kms_context, purpose};
use crate::store::{When, keys};

impl Platform {
    /// The key to a provider, if there is one. Two reads: rare, for a warm function remembers it.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn model_key(&self, api: Api) -> Result<Option<Secret>, KeyringError> {
        self.serving().await?;
        let row = keys::model_key(api.name());
        let sealed = self.platform_store().get(&row, &DataKey::none(), true).await?;
        let Some(sealed) = sealed else { return Ok(None) };
        let opened = self
            .clients
            .kms
            .decrypt()
            .key_id(&self.kms_key)
            .ciphertext_blob(Blob::new(sealed.wrapped.0.0.clone()))
            .set_encryption_context(Some(kms_context(purpose::MODEL, None)))
            .send()
            .await
            .map_err(|error| refused("Decrypt", error.as_service_error()))?;
        let plain = opened.plaintext.map(Blob::into_inner).unwrap_or_default();
        Ok(String::from_utf8(plain)
            .ok()
            .filter(|key| !key.is_empty())
            .map(Secret))
    }

    /// Keeps the key to a provider in place of the one before: for the operator.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn keep_model_key(&self, api: Api, key: &Secret) -> Result<(), KeyringError> {
        let sealed = self
            .clients
            .kms
            .encrypt()
            .key_id(&self.kms_key)
            .plaintext(Blob::new(key.0.as_bytes()))
            .set_encryption_context(Some(kms_context(purpose::MODEL, None)))
            .send()
            .await
            .map_err(|error| refused("Encrypt", error.as_service_error()))?;
        let record = WrappedKey {
            created_at: self.clock().now().into(),
            wrapped: WrappedBytes(sealed.ciphertext_blob.map(Blob::into_inner).unwrap_or_default()).into(),
            held: None.into(),
            processing: None.into(),
        };
        let row = keys::model_key(api.name());
        let store = self.platform_store();
        let _replaced = store.put(&row, &record, &DataKey::none(), When::Any).await?;
        Ok(())
    }

    /// Forgets the key to a provider. Says whether there was one.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn forget_model_key(&self, api: Api) -> Result<bool, KeyringError> {
        Ok(self.platform_store().delete(&keys::model_key(api.name())).await?)
    }
}

fn refused<E: ProvideErrorMetadata>(operation: &'static str, error: Option<&E>) -> KeyringError {
    let code = error.and_then(ProvideErrorMetadata::code);
    KeyringError::Kms {
        operation,
        code: code.unwrap_or("unreachable").to_owned(),
    }
}
