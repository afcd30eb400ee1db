//! Entering a tenant: credentials, key and policy of one tenant, and nothing of any other.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_sdk_sts::types::Tag;
use usher_shared::ai_notice::AiNotices;
use usher_shared::ids::TenantId;
use usher_shared::improvement::Improvement;
use usher_shared::intents::Intents;
use usher_shared::masking::Masking;
use usher_shared::records::Tenant;
use usher_shared::switches::AiSwitches;
use usher_shared::{Clock, Entropy, TenantPolicy, Timestamp};

use crate::attachments::Storage;
use crate::clock::wall_now;
use crate::platform::Platform;
use crate::sealing::{DataKey, KeyringError, TenantKey, kms_context, purpose, unwrap_by_kms};
use crate::store::{Store, StoreError, keys};

/// Why a tenant could not be entered.
#[derive(Debug, thiserror::Error)]
pub enum ScopeError {
    /// There is no such tenant.
    #[error("unknown tenant")]
    UnknownTenant,
    /// No credentials for it.
    #[error("sts: AssumeRole failed with {0}")]
    Credentials(String),
    /// A variable is missing.
    #[error(transparent)]
    Settings(#[from] crate::settings::MissingVariable),
    /// The tables may not be used, or nobody knows.
    #[error(transparent)]
    NotServing(#[from] crate::serving::NotServing),
    /// Its key or its row could not be had.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
}

impl From<StoreError> for ScopeError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

/// Credentials and tenant key are reused for this long, by wall time, and this often.
const MAX_AGE: Duration = Duration::from_mins(5);
const MAX_USES: u32 = 10_000;
/// Tenants kept warm in one instance. The oldest makes room.
const MAX_TENANTS: usize = 256;
/// A stamp may follow a policy that is this old; reads never do.
const STAMP_POLICY_AGE: Duration = Duration::from_mins(1);
/// The life asked for; longer than [`MAX_AGE`] plus the longest invocation.
const SESSION_SECONDS: i32 = 3_600;

/// The tenants that a warm instance remembers.
#[derive(Default)]
pub(crate) struct Warm {
    tenants: HashMap<TenantId, WarmTenant>,
}

impl fmt::Debug for Warm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Warm")
    }
}

#[derive(Clone)]
struct WarmTenant {
    dynamodb: aws_sdk_dynamodb::Client,
    credentials: Credentials,
    key: TenantKey,
    row: Tenant,
    row_read_at: Timestamp,
    entered_at: Timestamp,
    uses: u32,
}

impl Warm {
    fn take(&mut self, tenant: TenantId, now: Timestamp) -> Option<WarmTenant> {
        let found = self.tenants.get_mut(&tenant)?;
        found.uses += 1;
        if now.since(found.entered_at) > MAX_AGE || found.uses > MAX_USES {
            self.tenants.remove(&tenant);
            return None;
        }
        Some(found.clone())
    }

    fn keep(&mut self, tenant: TenantId, warm: WarmTenant) {
        if self.tenants.len() >= MAX_TENANTS
            && !self.tenants.contains_key(&tenant)
            && let Some(oldest) = self
                .tenants
                .iter()
                .min_by_key(|(_, warm)| warm.entered_at)
                .map(|(id, _)| *id)
        {
            self.tenants.remove(&oldest);
        }
        self.tenants.insert(tenant, warm);
    }

    fn refresh(&mut self, tenant: TenantId, row: &Tenant, now: Timestamp) {
        if let Some(found) = self.tenants.get_mut(&tenant) {
            found.row = row.clone();
            found.row_read_at = now;
        }
    }
}

/// One tenant, entered: its store under its own credentials, its key, its policy. There is no other way to
/// a tenant's rows.
#[derive(Clone)]
pub struct TenantScope {
    tenant: TenantId,
    store: Store,
    pub(crate) credentials: Credentials,
    pub(crate) storage: Arc<Storage>,
    key: TenantKey,
    masking: Masking,
    knowledge_version: u64,
    ai: AiSwitches,
    ai_notices: AiNotices,
    intents: Intents,
    stored_policy: TenantPolicy,
    improvement: Option<Improvement>,
    name: String,
}

impl fmt::Debug for TenantScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantScope")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

impl Platform {
    /// Enters a tenant to read and write, under the policy in force at this moment.
    ///
    /// # Errors
    /// [`ScopeError`].
    pub async fn enter(&self, tenant: TenantId) -> Result<TenantScope, ScopeError> {
        self.serving().await?;
        let now = wall_now();
        let warm = match self.with_warm(|warm| warm.take(tenant, now)) {
            // Boxed: rare, and large.
            None => Box::pin(self.enter_cold(tenant, now)).await?,
            Some(mut warm) => {
                let store = self.tenant_store(warm.dynamodb.clone(), None);
                let row = store.get(&keys::tenant(tenant), &warm.key, true).await?;
                warm.row = row.ok_or(ScopeError::UnknownTenant)?;
                self.with_warm(|all| all.refresh(tenant, &warm.row, now));
                warm
            }
        };
        Ok(self.scope(tenant, warm))
    }

    /// Enters a tenant only to write: stamps may follow a policy that is a minute old, which saves a read
    /// per message. Masking never lags behind where it matters: a remembered row that switches some of it off
    /// is read again, so switching it on counts at once, and switching it off within a minute.
    ///
    /// # Errors
    /// [`ScopeError`].
    pub async fn enter_to_write(&self, tenant: TenantId) -> Result<TenantScope, ScopeError> {
        self.serving().await?;
        let now = wall_now();
        match self.with_warm(|warm| warm.take(tenant, now)) {
            Some(warm) if now.since(warm.row_read_at) <= STAMP_POLICY_AGE && warm.row.masking.is_all() => {
                Ok(self.scope(tenant, warm))
            }
            _ => self.enter(tenant).await,
        }
    }

    async fn enter_cold(&self, tenant: TenantId, now: Timestamp) -> Result<WarmTenant, ScopeError> {
        let credentials = self.tenant_credentials(tenant).await?;
        let (dynamodb, kms) = self.clients.under(credentials.clone());
        let store = self.tenant_store(dynamodb.clone(), None);
        let wrapped = store
            .get(&keys::tenant_key(tenant), &DataKey::none(), true)
            .await?;
        let wrapped = wrapped.ok_or(ScopeError::UnknownTenant)?;
        let context = kms_context(purpose::TENANT, Some(tenant));
        let key: TenantKey = unwrap_by_kms(&kms, &self.kms_key, &wrapped, context).await?;
        let row = store
            .get(&keys::tenant(tenant), &key, true)
            .await?
            .ok_or(ScopeError::UnknownTenant)?;
        let warm = WarmTenant {
            dynamodb,
            credentials,
            key,
            row,
            row_read_at: now,
            entered_at: now,
            uses: 1,
        };
        self.with_warm(|all| all.keep(tenant, warm.clone()));
        Ok(warm)
    }

    /// The function's tenant role with the tenant as session tag: what these credentials may touch is
    /// decided by the database, not by our code.
    async fn tenant_credentials(&self, tenant: TenantId) -> Result<Credentials, ScopeError> {
        self.credentials_of(self.settings.tenant_role()?, tenant).await
    }

    async fn credentials_of(&self, role: String, tenant: TenantId) -> Result<Credentials, ScopeError> {
        let failed = |code: &str| ScopeError::Credentials(code.to_owned());
        let tag = Tag::builder()
            .key("tenant")
            .value(tenant.to_string())
            .build()
            .map_err(|_| failed("tag"))?;
        let answer = self
            .clients
            .sts
            .assume_role()
            .role_arn(role)
            .role_session_name(tenant.to_string())
            .tags(tag)
            .duration_seconds(SESSION_SECONDS)
            .send()
            .await
            .map_err(|error| {
                failed(
                    error
                        .as_service_error()
                        .and_then(ProvideErrorMetadata::code)
                        .unwrap_or("unreachable"),
                )
            })?;
        let granted = answer.credentials.ok_or_else(|| failed("empty answer"))?;
        Ok(Credentials::new(
            granted.access_key_id,
            granted.secret_access_key,
            Some(granted.session_token),
            None,
            "tenant-scope",
        ))
    }

    /// The same tenant under the function's role for previews, which can read and do nothing else: what is computed in
    /// it removes nothing, whatever is wrong with our code.
    ///
    /// # Errors
    /// [`ScopeError`].
    pub async fn only_reading(&self, scope: &TenantScope) -> Result<TenantScope, ScopeError> {
        let role = self.settings.preview_role()?;
        let credentials = self.credentials_of(role, scope.tenant).await?;
        let (client, _kms) = self.clients.under(credentials.clone());
        Ok(TenantScope {
            store: Store {
                client,
                ..scope.store.clone()
            },
            credentials,
            ..scope.clone()
        })
    }

    fn tenant_store(&self, client: aws_sdk_dynamodb::Client, policy: Option<TenantPolicy>) -> Store {
        Store {
            client,
            policy,
            ..self.platform_store()
        }
    }

    /// One tenant under the operator's own credentials, whether the tables serve or not, and whether the tenant's
    /// row is there or not: under the platform's own policy, which is right for what an erasure writes. `None` if the tenant's key is not there: then nothing of
    /// it can be read.
    pub(crate) async fn enter_as_operator(
        &self,
        tenant: TenantId,
    ) -> Result<Option<TenantScope>, KeyringError> {
        let store = self.platform_store();
        let wrapped = store
            .get(&keys::tenant_key(tenant), &DataKey::none(), true)
            .await?;
        let Some(wrapped) = wrapped else { return Ok(None) };
        let context = kms_context(purpose::TENANT, Some(tenant));
        let key: TenantKey = unwrap_by_kms(&self.clients.kms, &self.kms_key, &wrapped, context).await?;
        Ok(Some(TenantScope {
            tenant,
            masking: Masking::ALL,
            knowledge_version: 0,
            ai: AiSwitches::default(),
            ai_notices: AiNotices::default(),
            intents: Intents::default(),
            stored_policy: TenantPolicy::default(),
            improvement: None,
            store: Store {
                policy: Some(TenantPolicy::default()),
                ..store
            },
            credentials: self.clients.credentials.clone(),
            storage: Arc::clone(&self.storage),
            key,
            name: String::new(),
        }))
    }

    fn scope(&self, tenant: TenantId, warm: WarmTenant) -> TenantScope {
        TenantScope {
            tenant,
            masking: *warm.row.masking,
            knowledge_version: *warm.row.knowledge_version,
            ai: warm.row.ai.0.unwrap_or_default(),
            ai_notices: warm.row.ai_notices.0.unwrap_or_default(),
            intents: warm.row.intents.0.unwrap_or_default(),
            store: self.tenant_store(
                warm.dynamodb,
                Some(warm.row.policy.0.clone().in_force(self.clock().now())),
            ),
            stored_policy: warm.row.policy.0,
            improvement: warm.row.improvement.0,
            credentials: warm.credentials,
            storage: Arc::clone(&self.storage),
            key: warm.key,
            name: warm.row.name.into_inner(),
        }
    }
}

impl TenantScope {
    /// Whose scope.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The tenant's rows.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The tenant's key.
    pub fn key(&self) -> &TenantKey {
        &self.key
    }

    /// The policy in force, or for [`Platform::enter_to_write`] at most a minute old.
    pub fn policy(&self) -> &TenantPolicy {
        static NONE: std::sync::LazyLock<TenantPolicy> = std::sync::LazyLock::new(TenantPolicy::default);
        self.store.policy.as_ref().unwrap_or(&NONE)
    }

    /// The policy as it is stored, with what waits in it.
    pub fn stored_policy(&self) -> &TenantPolicy {
        &self.stored_policy
    }

    /// What is masked before it is stored or shown to a model.
    pub fn masking(&self) -> Masking {
        self.masking
    }

    /// Version of the tenant's documents.
    pub fn knowledge_version(&self) -> u64 {
        self.knowledge_version
    }

    /// When the tenant's AI answers.
    pub fn ai(&self) -> &AiSwitches {
        &self.ai
    }

    /// What guests are told before the AI answers.
    pub fn ai_notices(&self) -> &AiNotices {
        &self.ai_notices
    }

    /// What people can be after.
    pub fn intents(&self) -> &Intents {
        &self.intents
    }

    /// Whether anything may be made of the tenant's own replies, if it ever said so.
    pub fn improvement(&self) -> Option<&Improvement> {
        self.improvement.as_ref()
    }

    /// The business's name.
    pub fn business_name(&self) -> &str {
        &self.name
    }

    /// Forgets what the business is called and who answers for it: for an account that is closed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_name(&self) -> Result<(), StoreError> {
        let row = keys::tenant(self.tenant);
        let Some(found) = self.store.get(&row, &self.key, true).await? else {
            return Ok(());
        };
        if found.name.get().is_empty() && found.admin.get().is_none() {
            return Ok(());
        }
        let closed = Tenant {
            name: String::new().into(),
            admin: None.into(),
            ..found
        };
        let _gone = self
            .store
            .put(&row, &closed, &self.key, crate::store::When::Present)
            .await?;
        Ok(())
    }

    /// Domain time.
    pub fn now(&self) -> Timestamp {
        self.store.clock.now()
    }

    /// Domain clock.
    pub fn clock(&self) -> &dyn Clock {
        self.store.clock.as_ref()
    }

    /// Randomness.
    pub fn entropy(&self) -> &dyn Entropy {
        self.store.entropy.as_ref()
    }

    /// Randomness that outlives the scope.
    pub fn shared_entropy(&self) -> Arc<dyn Entropy> {
        Arc::clone(&self.store.entropy)
    }
}

#[cfg(test)]
mod tests;
