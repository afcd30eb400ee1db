//! What a handler must be given before it can do anything: a key with the right scope, and an id that is one.
//! As extractors that come before the body, so that a body is looked at only for those who may send it.

use std::marker::PhantomData;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use bytes::Bytes;
use usher_shared::ids::ApiKeyId;
use usher_shared::model::AuditAction;
use usher_shared::scope::Scope;

use super::caller::Caller;
use super::envelope::App;
use super::idempotency::{IdempotencyKey, Idempotent};
use super::problem::Problem;
use super::strict::path_id;
use crate::scope::TenantScope;
use crate::store::Part;

/// A scope as a type.
pub trait Permission: 'static {
    /// The scope.
    const SCOPE: Scope;
}

macro_rules! permissions {
    ($($name:ident),* $(,)?) => {
        /// Every scope as a type.
        pub mod permission {
            $(
                #[doc = concat!("[`Scope::", stringify!($name), "`](usher_shared::scope::Scope).")]
                #[derive(Debug)]
                pub enum $name {}

                impl super::Permission for $name {
                    const SCOPE: super::Scope = super::Scope::$name;
                }
            )*
        }
    };
}

permissions! {
    ConversationsRead,
    ConversationsWrite,
    ConversationsDelete,
    TracesRead,
    LeadsRead,
    LeadsWrite,
    LeadsDelete,
    ChannelsRead,
    ChannelsWrite,
    ChannelsDelete,
    DocumentsRead,
    RetentionRead,
    RetentionWrite,
    DocumentsWrite,
    DocumentsDelete,
    MetricsRead,
    PrivacyRead,
    PrivacyWrite,
    SettingsRead,
    SettingsWrite,
}

/// The tenant of a caller whose key has the scope `P`.
#[derive(Debug)]
pub struct Granted<P> {
    caller: Caller,
    scope: TenantScope,
    permission: PhantomData<fn() -> P>,
}

impl<P: Permission> FromRequestParts<App> for Granted<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let scope = caller.allow(P::SCOPE)?.clone();
        Ok(Self {
            caller,
            scope,
            permission: PhantomData,
        })
    }
}

impl<P> Granted<P> {
    /// The tenant.
    pub fn scope(&self) -> &TenantScope {
        &self.scope
    }

    /// Whether the key has a further scope, which only some requests of a route need.
    ///
    /// # Errors
    /// 403 that names the scope.
    pub fn also(&self, scope: Scope) -> Result<(), Problem> {
        self.caller.allow(scope).map(|_| ())
    }

    /// The key's id.
    pub fn key_id(&self) -> ApiKeyId {
        self.caller.key_id()
    }

    /// The entry that says what was done, to be written together with it.
    pub fn audit(&self, action: AuditAction, target: &impl ToString) -> Result<Part, Problem> {
        self.caller.audit(action, target)
    }

    /// Decides whether a request that makes something is new; see [`IdempotencyKey::begin`].
    pub async fn begin<Id>(
        &self,
        key: &IdempotencyKey,
        route: &'static str,
        body: &Bytes,
        fresh: Id,
    ) -> Result<Idempotent<Id>, Problem>
    where
        Id: std::fmt::Display + FromStr,
    {
        key.begin(&self.caller, &self.scope, route, body, fresh).await
    }
}

/// The id in the path. A text that is no id of this kind names nothing: 404.
#[derive(Debug)]
pub struct PathId<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) = text.map_err(|_| Problem::not_found())?;
        path_id(&text).map(Self)
    }
}
