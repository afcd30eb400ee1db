//! Links that confirm a request: to the address that it was asked from, for whoever opens its mail. Signed, short-lived,
//! and good for one confirmation; nothing is stored of them.

use std::time::Duration;

use usher_shared::Timestamp;
use usher_shared::ids::{PrivacyRequestId, TenantId};
use usher_shared::privacy::RequestState;
use usher_shared::records::PrivacyRequest;
use usher_shared::untrusted::WrappedBytes;

use crate::platform::Platform;
use crate::scope::{ScopeError, TenantScope};
use crate::settings::MissingVariable;

/// How long a link is good.
pub const LIFE: Duration = Duration::from_hours(24);
const PURPOSE: &str = "privacy-confirm";
/// Characters of the longest link that is looked at.
const LONGEST: usize = 200;

impl Platform {
    /// The page on which whoever reads the mail confirms a request.
    ///
    /// # Errors
    /// [`MissingVariable`].
    pub fn confirm_url(
        &self,
        scope: &TenantScope,
        request: PrivacyRequestId,
    ) -> Result<String, MissingVariable> {
        let token = token(scope, request, scope.now().plus(LIFE));
        Ok(format!(
            "{}/privacy/confirm/{token}",
            self.settings().public_base_url()?
        ))
    }

    /// The request that a link confirms, with its tenant. None for a link that we never gave, that is over, or that has
    /// done its work: whoever shows one learns nothing of which it is.
    ///
    /// # Errors
    /// [`ScopeError`].
    pub async fn request_to_confirm(
        &self,
        token: &str,
    ) -> Result<Option<(TenantScope, PrivacyRequest)>, ScopeError> {
        let Some((tenant, request, end)) = claims(token) else {
            return Ok(None);
        };
        let scope = match self.enter(tenant).await {
            Err(ScopeError::UnknownTenant) => return Ok(None),
            scope => scope?,
        };
        if end <= scope.now() || !is_ours(&scope, token) {
            return Ok(None);
        }
        let found = scope.privacy_request(request).await?;
        let waiting = found.filter(|found| *found.state == RequestState::IdentityUnverified);
        Ok(waiting.map(|request| (scope, request)))
    }
}

/// `<tenant>.<request>.<end in milliseconds>.<signature in hexadecimal>`.
fn token(scope: &TenantScope, request: PrivacyRequestId, end: Timestamp) -> String {
    let claims = format!("{}.{request}.{}", scope.tenant(), end.millis());
    let tag = scope.key().mac(PURPOSE, &[claims.as_bytes()]);
    format!("{claims}.{}", WrappedBytes(tag.as_ref().to_vec()))
}

/// What a token claims, before it is believed.
fn claims(token: &str) -> Option<(TenantId, PrivacyRequestId, Timestamp)> {
    if token.len() > LONGEST {
        return None;
    }
    let mut parts = token.split('.');
    let (tenant, request, end) = (parts.next()?, parts.next()?, parts.next()?);
    Some((
        tenant.parse().ok()?,
        request.parse().ok()?,
        Timestamp::from_millis(end.parse().ok()?),
    ))
}

fn is_ours(scope: &TenantScope, token: &str) -> bool {
    let Some((claims, tag)) = token.rsplit_once('.') else {
        return false;
    };
    let tag: Option<WrappedBytes> = tag.parse().ok();
    tag.is_some_and(|tag| scope.key().verify(PURPOSE, &[claims.as_bytes()], &tag.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_link_claims_nothing() {
        let at = Timestamp::from_millis(1_790_000_000_000);
        let (tenant, request) = (
            TenantId::derived(at, [1; 10]),
            PrivacyRequestId::derived(at, [2; 10]),
        );
        let good = format!("{tenant}.{request}.1790000000001.00ff");
        assert!(claims(&good).is_some());
        for token in [
            "",
            ".",
            "...",
            &format!("{tenant}"),
            &format!("{request}.{tenant}.1.00"),
            &format!("{tenant}.{request}.tomorrow.00"),
            &format!("{good}{}", "0".repeat(LONGEST)),
        ] {
            assert!(claims(token).is_none(), "{token}");
        }
    }
}
