//! `Idempotency-Key`: the same request twice makes one thing. What is remembered is the id of that thing,
//! never the answer, so no second copy of content exists.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use bytes::Bytes;
use serde_json::json;
use usher_shared::records::IdempotentOutcome;
use usher_shared::untrusted::Label;

use super::caller::Caller;
use super::problem::Problem;
use crate::scope::TenantScope;
use crate::sealing::{DataKey, HashPurpose};
use crate::store::When;
use crate::store::keys::{self, Key};

/// A request that has not finished after this long has died; a repetition takes its place.
const IN_FLIGHT: Duration = Duration::from_mins(1);

/// The request's idempotency key, if it carries one.
#[derive(Clone, Debug)]
pub struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else {
            return Ok(Self(None));
        };
        let key = value.to_str().ok().filter(|text| (1..=255).contains(&text.len()));
        let message = "must be 1 to 255 printable ASCII characters";
        key.map(|text| Self(Some(text.to_owned())))
            .ok_or_else(|| Problem::invalid_field("Idempotency-Key", message))
    }
}

/// What to do with a request that may be a repetition.
#[derive(Debug)]
pub enum Idempotent<Id> {
    /// Make the resource under this id. Then call [`Pending::complete`].
    Make(Id, Pending),
    /// It was made before: answer with this resource.
    Made(Id),
}

/// An outcome still to be written down.
#[derive(Debug)]
pub struct Pending(Option<Key<IdempotentOutcome>>);

impl Pending {
    /// Notes that the resource was made.
    ///
    /// # Errors
    /// 503.
    pub async fn complete(self, scope: &TenantScope) -> Result<(), Problem> {
        if let Some(row) = self.0 {
            let _gone_means_expired = scope
                .store()
                .update(&row, vec![("complete", json!(true))], vec![When::Present])
                .await?;
        }
        Ok(())
    }

    /// Forgets the request: it was refused before anything was made, and may be repeated at once.
    ///
    /// # Errors
    /// 503.
    pub async fn abandon(self, scope: &TenantScope) -> Result<(), Problem> {
        if let Some(row) = self.0 {
            scope.store().delete(&row).await?;
        }
        Ok(())
    }
}

impl IdempotencyKey {
    /// Decides whether this request is new. `fresh` is the id to use if it is.
    ///
    /// # Errors
    /// 409 while the first request is running, 422 if the key was used with another body.
    pub async fn begin<Id>(
        &self,
        caller: &Caller,
        scope: &TenantScope,
        route: &'static str,
        body: &Bytes,
        fresh: Id,
    ) -> Result<Idempotent<Id>, Problem>
    where
        Id: std::fmt::Display + std::str::FromStr,
    {
        let Some(key) = &self.0 else {
            return Ok(Idempotent::Make(fresh, Pending(None)));
        };
        let caller_id = caller.key_id().to_string();
        let parts = [route.as_bytes(), caller_id.as_bytes(), key.as_bytes()];
        let request = scope.key().hash(HashPurpose::IdempotentRequest, &parts);
        let label = fresh
            .to_string()
            .parse::<Label>()
            .map_err(|_| Problem::internal())?;
        let outcome = IdempotentOutcome {
            request: request.into(),
            body: scope.key().hash(HashPurpose::RequestBody, &[body]).into(),
            at: scope.now().into(),
            resource: label.into(),
            complete: false.into(),
        };
        let row = keys::idempotent_outcome(scope.tenant(), request);
        let Some(earlier) = scope
            .store()
            .insert_or_get(&row, &outcome, &DataKey::none())
            .await?
        else {
            return Ok(Idempotent::Make(fresh, Pending(Some(row))));
        };
        if earlier.body != outcome.body {
            let detail = "The idempotency key was used before, with another body.";
            return Err(Problem::unprocessable("idempotency_key_reused", detail));
        }
        let id = earlier
            .resource
            .as_str()
            .parse::<Id>()
            .map_err(|_| Problem::internal())?;
        if *earlier.complete {
            return Ok(Idempotent::Made(id));
        }
        if scope.now().since(*earlier.at) < IN_FLIGHT {
            let detail = "A request with this idempotency key is still running.";
            return Err(Problem::conflict("request_in_flight", detail));
        }
        // The first request died. Its id is used again, so whatever it had written is found, not doubled.
        Ok(Idempotent::Make(id, Pending(Some(row))))
    }
}

/// What an idempotency key made has been deleted since.
pub fn gone() -> Problem {
    let detail = "What this idempotency key made has been deleted since.";
    Problem::gone("resource_gone", detail)
}
