//! What an erasure does to leads: the lead of an erased person goes, and of a lead that others were merged into, those
//! who were not erased are left as they were.

use std::collections::BTreeSet;

use serde_json::json;
use usher_shared::ids::{ContactId, LeadId};
use usher_shared::records::{Erasing, Lead};

use crate::scope::TenantScope;
use crate::sealing::DataKey;
use crate::store::{StoreError, When, keys};

/// Those who change a lead at the same time make an erasure try again this often; then its job comes again.
const ATTEMPTS: usize = 5;

/// Removes erased contacts from their leads, and leads of which nobody is left. To be called while the contacts' rows
/// still say which leads those are.
pub(super) async fn forget(scope: &TenantScope, erasing: &Erasing) -> Result<u64, StoreError> {
    let mut leads: BTreeSet<LeadId> = erasing.lead.iter().copied().collect();
    for contact in erasing.contacts.iter() {
        let row = keys::contact(scope.tenant(), contact.address);
        let row = scope.store().get_row_ended(&row).await?;
        let row = row.filter(|row| row.peek("id") == Some(contact.id));
        leads.extend(row.and_then(|row| row.peek::<LeadId>("lead")));
    }
    let mut removed = 0;
    for lead in leads {
        removed += u64::from(forget_one(scope, erasing, lead).await?);
    }
    Ok(removed)
}

/// Says whether the lead's row is gone.
async fn forget_one(scope: &TenantScope, erasing: &Erasing, id: LeadId) -> Result<bool, StoreError> {
    let (tenant, store) = (scope.tenant(), scope.store());
    let row = keys::lead(tenant, id);
    for _ in 0..ATTEMPTS {
        let Some(found) = store.get_row_ended(&row).await? else {
            return Ok(false);
        };
        let lead: Lead = store.open(found, &DataKey::none())?;
        let mut gone: BTreeSet<ContactId> = erasing.contacts.iter().map(|contact| contact.id).collect();
        for contact in lead.contacts.iter() {
            let key = keys::contact_key(tenant, contact.id);
            if store.get_row_ended(&key).await?.is_none() {
                gone.insert(contact.id);
            }
        }
        let left = lead.without(&gone, *erasing.lead == Some(id));
        if left == [lead.clone()] {
            return Ok(false);
        }
        let unchanged = When::Is("contacts", json!(lead.contacts.0));
        let stays = left.iter().any(|one| *one.id == id);
        let mut parts = Vec::new();
        if !stays {
            parts.push(store.deleting(&row, std::slice::from_ref(&unchanged))?);
        }
        for one in &left {
            if *one.id == id {
                parts.push(scope.putting_lead(one, unchanged.clone())?);
            } else {
                parts.push(scope.putting_lead(one, When::Absent)?);
                scope.point(&one.contacts, id, *one.id, &mut parts)?;
            }
        }
        if store.together(parts).await?.happened() {
            return Ok(!stays);
        }
    }
    Err(StoreError::Database {
        operation: "TransactWriteItems",
        code: "contended".to_owned(),
    })
}
