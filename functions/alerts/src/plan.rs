//! The settings of a tenant as they are stored, and what an alert changes in them: a chat that has moved, somebody who
//! cannot be reached any more.

use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::sealing::HashPurpose;
use usher_aws::store::{StoreError, When, keys};
use usher_shared::alert::Target;
use usher_shared::records::AlertPlan;
use usher_shared::untrusted::KeyedHash;

use crate::schedule::Named;

/// Somebody else may change the settings at the same time; so often the change is tried.
const ATTEMPTS: usize = 5;

/// The settings; none if the tenant has not made any.
pub(crate) async fn read(scope: &TenantScope) -> Result<Option<AlertPlan>, StoreError> {
    let row = keys::alert_plan(scope.tenant());
    scope.store().get(&row, scope.key(), true).await
}

/// What a target is remembered by.
pub(crate) fn id_of(scope: &TenantScope, target: &Target) -> KeyedHash {
    let parts = [
        b"alert".as_slice(),
        target.kind.name().as_bytes(),
        target.address.as_bytes(),
    ];
    scope.key().hash(HashPurpose::Derived, &parts)
}

/// Everybody with what they are remembered by.
pub(crate) fn named(scope: &TenantScope, plan: &AlertPlan) -> Vec<Named> {
    let targets = plan.targets.get().iter();
    let named = targets.map(|target| Named {
        id: id_of(scope, target),
        target: target.clone(),
    });
    named.collect()
}

/// Changes the target with this id, unless it is gone, and gives the settings as they are then.
pub(crate) async fn amend(
    scope: &TenantScope,
    id: KeyedHash,
    change: impl Fn(&mut Target),
) -> Result<Option<AlertPlan>, StoreError> {
    let row = keys::alert_plan(scope.tenant());
    for _ in 0..ATTEMPTS {
        let Some(mut plan) = read(scope).await? else {
            return Ok(None);
        };
        let mut targets = plan.targets.get().clone();
        let found = targets.iter_mut().find(|target| id_of(scope, target) == id);
        let Some(target) = found else {
            return Ok(Some(plan));
        };
        change(target);
        let when = When::Is("version", json!(*plan.version));
        plan.version = plan.version.saturating_add(1).into();
        plan.targets = targets.into();
        if scope
            .store()
            .put(&row, &plan, scope.key(), when)
            .await?
            .happened()
        {
            return Ok(Some(plan));
        }
    }
    // Whoever is in the way writes settings; the next look meets the same target again.
    read(scope).await
}
