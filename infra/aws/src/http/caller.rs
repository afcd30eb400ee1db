//! Who calls the API: the holder of a key. A handler reaches the tenant's rows only by naming the scope
//! that it needs.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use usher_shared::ids::ApiKeyId;
use usher_shared::model::AuditAction;
use usher_shared::rate::Class;
use usher_shared::records::{ApiKey, AuditEvent};
use usher_shared::scope::Scope;
use usher_shared::untrusted::{KeyedHash, Label};

use super::envelope::App;
use super::problem::Problem;
use crate::provision::API_KEY_PREFIX;
use crate::scope::TenantScope;
use crate::sealing::DataKey;
use crate::store::{Part, When, keys};

/// The holder of a valid API key.
#[derive(Debug)]
pub struct Caller {
    key: ApiKey,
    scope: TenantScope,
}

impl Caller {
    /// The tenant, if the key has this scope.
    ///
    /// # Errors
    /// 403 that names the scope.
    pub fn allow(&self, scope: Scope) -> Result<&TenantScope, Problem> {
        if self.key.scopes.contains(&scope) {
            Ok(&self.scope)
        } else {
            Err(Problem::missing_scope(scope))
        }
    }

    /// The key's id.
    pub fn key_id(&self) -> ApiKeyId {
        *self.key.id
    }

    /// Hash under which the key stands in the directory: for asking later whether it is still valid.
    pub fn key_hash(&self) -> KeyedHash {
        *self.key.hash
    }

    /// The entry of the audit trail that says what was done with the key, to be written together with it: then
    /// neither is there without the other.
    ///
    /// # Errors
    /// 500 if the entry cannot be made.
    pub fn audit(&self, action: AuditAction, target: &impl ToString) -> Result<Part, Problem> {
        let target = target.to_string();
        let at = self.scope.now();
        let event = AuditEvent {
            at: at.into(),
            actor: self.key_id().into(),
            action: action.into(),
            target: target.parse::<Label>().map_err(|_| Problem::internal())?.into(),
        };
        let row = keys::audit_event(self.scope.tenant(), at, &target);
        let store = self.scope.store();
        Ok(store.putting(&row, &event, &DataKey::none(), When::Absent)?)
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let invalid =
            || Problem::unauthorized("invalid_api_key", "A valid API key is needed as bearer token.");
        let header = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let (scheme, secret) = header.and_then(|text| text.split_once(' ')).ok_or_else(invalid)?;
        let secret = secret.trim();
        // What cannot be a key costs no read.
        if !scheme.eq_ignore_ascii_case("bearer") || !secret.starts_with(API_KEY_PREFIX) || secret.len() > 100
        {
            return Err(invalid());
        }
        let key = app.platform.find_api_key(secret).await?.ok_or_else(invalid)?;
        let now = app.platform.clock().now();
        if key.revoked_at.is_some() || key.expires_at.is_some_and(|end| end <= now) {
            return Err(invalid());
        }
        let scope = app.platform.enter(*key.tenant).await?;
        let sender = key.id.to_string();
        app.platform
            .admit(&scope, Class::Api, &[sender.as_bytes()])
            .await
            .map_err(Problem::rate_limited)?;
        Ok(Self { key, scope })
    }
}
