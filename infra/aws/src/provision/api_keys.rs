//! API keys: made, listed, ended. What is listed never holds a secret: there is none to list.

use serde_json::json;
use usher_shared::Timestamp;
use usher_shared::ids::{ApiKeyId, TenantId};
use usher_shared::records::ApiKey;
use usher_shared::scope::Scope;
use usher_shared::untrusted::Label;

use super::{PAGE, Secret};
use crate::platform::Platform;
use crate::sealing::{DataKey, KeyringError};
use crate::store::{Read, StoreError, When, Written, keys};

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

/// Some of a tenant's API keys, oldest first.
#[derive(Debug)]
pub struct ApiKeyPage {
    /// The keys, ended ones included.
    pub keys: Vec<ApiKey>,
    /// Where to read on, if there are more.
    pub next: Option<ApiKeyId>,
}

impl Platform {
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

    /// Lists a tenant's API keys after one. The list follows a write by moments.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn api_keys(
        &self,
        tenant: TenantId,
        after: Option<ApiKeyId>,
    ) -> Result<ApiKeyPage, StoreError> {
        let store = self.platform_store();
        let read = Read {
            limit: PAGE,
            backward: false,
            consistent: false,
            after: after.map(|id| id.to_string()),
        };
        let page = store.query(&keys::api_keys(tenant), &read).await?;
        let more = page.next.is_some();
        let keys = page
            .rows
            .into_iter()
            .map(|row| store.open(row, &DataKey::none()))
            .collect::<Result<Vec<ApiKey>, _>>()?;
        let next = keys.last().map(|key| *key.id).filter(|_| more);
        Ok(ApiKeyPage { keys, next })
    }

    /// One API key of a tenant, as it is now. Found by the list, which follows a write by moments.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn api_key(&self, tenant: TenantId, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let store = self.platform_store();
        let read = Read {
            limit: 1,
            backward: false,
            consistent: false,
            after: None,
        };
        let page = store.query(&keys::api_key_by_id(tenant, id), &read).await?;
        let Some(hash) = page.rows.into_iter().find_map(|row| row.peek("hash")) else {
            return Ok(None);
        };
        store.get(&keys::api_key(hash), &DataKey::none(), true).await
    }

    /// Deletes a key: for an account that is closed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_api_key(&self, key: &ApiKey) -> Result<bool, StoreError> {
        self.platform_store().delete(&keys::api_key(*key.hash)).await
    }

    /// Revokes an API key: its next request is refused. Gives the time of the first revocation, however often
    /// this is done; `None` if the key is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_api_key(&self, key: &ApiKey) -> Result<Option<Timestamp>, StoreError> {
        if let Some(at) = *key.revoked_at {
            return Ok(Some(at));
        }
        let now = self.clock().now();
        let written = self.set_end(key, "revoked_at", now).await?;
        Ok(written.happened().then_some(now))
    }

    /// Lets an API key end at `end`, unless it ends earlier anyway. Gives its end; `None` if the key is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_api_key(&self, key: &ApiKey, end: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        if let Some(earlier) = key.expires_at.filter(|at| *at <= end) {
            return Ok(Some(earlier));
        }
        let written = self.set_end(key, "expires_at", end).await?;
        Ok(written.happened().then_some(end))
    }

    async fn set_end(&self, key: &ApiKey, field: &'static str, at: Timestamp) -> Result<Written, StoreError> {
        let row = keys::api_key(*key.hash);
        let when = vec![When::Is("id", json!(*key.id))];
        self.platform_store()
            .update(&row, vec![(field, json!(at))], when)
            .await
    }
}
