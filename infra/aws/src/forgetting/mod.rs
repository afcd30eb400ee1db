//! What an erasure does to what is stored: shared by the eraser and by the replay of the ledger on a restored
//! table, so that a restore can only forget as an erasure does. Every step can be done again.

pub mod exports;
mod leads;

use serde_json::json;
use usher_shared::ids::{ContactId, ConversationId};
use usher_shared::model::ContactRef;
use usher_shared::records::{ContactWatermark, Erasing};

use crate::scope::TenantScope;
use crate::sealing::DataKey;
use crate::store::keys::Range;
use crate::store::{Read, StoreError, When, keys};

/// Deletes the keys of what is erased, and says how many there were. Whatever else is still stored of it, nobody
/// can read it from then on. Nothing protects a key from it: what the ledger says was erased, was.
///
/// # Errors
/// [`StoreError`]; doing it again does what is left.
pub async fn forget_keys(scope: &TenantScope, erasing: &Erasing) -> Result<u64, StoreError> {
    let (tenant, store) = (scope.tenant(), scope.store());
    let mut forgotten = 0;
    for contact in erasing.contacts.iter() {
        if *erasing.whole_contacts {
            // The contact's own key first: it wraps all the others.
            let own = keys::contact_key(tenant, contact.id);
            forgotten += u64::from(store.delete(&own).await?);
            forgotten += store.purge(&keys::contact_keys(tenant, contact.id)).await?;
        } else {
            for conversation in erasing.conversations.iter() {
                let row = keys::conversation_key(tenant, contact.id, *conversation);
                forgotten += u64::from(store.delete(&row).await?);
            }
        }
    }
    Ok(forgotten)
}

/// Removes every row of what is erased and says how many there were.
///
/// # Errors
/// [`StoreError`]; doing it again does what is left.
pub async fn remove(scope: &TenantScope, erasing: &Erasing) -> Result<u64, StoreError> {
    let tenant = scope.tenant();
    let mut removed = 0;
    for conversation in erasing.conversations.iter() {
        removed += scope
            .store()
            .purge(&keys::conversation_rows(tenant, *conversation))
            .await?;
    }
    if *erasing.whole_contacts {
        // Before the contacts' rows go, which say whose they are.
        removed += leads::forget(scope, erasing).await?;
        for contact in erasing.contacts.iter() {
            // A conversation that began after the erasure was written down, and before the keys were gone.
            for conversation in begun_meanwhile(scope, contact.id).await? {
                let rows = keys::conversation_rows(tenant, conversation);
                removed += scope.store().purge(&rows).await?;
            }
            removed += scope
                .store()
                .purge(&keys::contact_keys(tenant, contact.id))
                .await?;
            removed += scope.forget_identifiers(contact.id).await?;
            let when = When::Is("id", json!(contact.id));
            leave_watermark(scope, erasing, *contact, when).await?;
        }
    }
    removed += scope.forget_recordings(erasing).await?;
    Ok(removed)
}

/// The conversations that an erasure is about, with those that began after it was written down. Asked before rows are
/// removed, which know of them.
///
/// # Errors
/// [`StoreError`].
pub async fn conversations_of(
    scope: &TenantScope,
    erasing: &Erasing,
) -> Result<Vec<ConversationId>, StoreError> {
    let mut all = erasing.conversations.0.clone();
    if *erasing.whole_contacts {
        for contact in erasing.contacts.iter() {
            all.extend(begun_meanwhile(scope, contact.id).await?);
        }
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// Conversations of a contact that still have a key, which opens nothing any more.
async fn begun_meanwhile(scope: &TenantScope, contact: ContactId) -> Result<Vec<ConversationId>, StoreError> {
    let range = keys::contact_keys(scope.tenant(), contact);
    let rows = scope.store().query_all(&range).await?;
    let named = rows
        .iter()
        .filter_map(|row| row.sk()?.parse::<ConversationId>().ok());
    Ok(named.collect())
}

/// Does to contacts that are not there, or only partly erased, what their erasure did beside deleting: on a table
/// from before they first wrote, too, a late delivery is refused.
///
/// # Errors
/// [`StoreError`]; doing it again does what is left.
pub async fn mark_contacts(scope: &TenantScope, erasing: &Erasing) -> Result<(), StoreError> {
    for contact in erasing.contacts.iter() {
        if *erasing.whole_contacts {
            leave_watermark(scope, erasing, *contact, When::Absent).await?;
        } else {
            let row = keys::contact(scope.tenant(), contact.address);
            let mark = vec![("erased_at", json!(erasing.requested_at.0))];
            let when = vec![When::Is("id", json!(contact.id))];
            let _fresh_contact = scope.store().update(&row, mark, when).await?;
        }
    }
    Ok(())
}

/// Puts a watermark in the place of an erased contact. The markers beside it stay as they are: hashes and ids
/// that refuse late deliveries until none can come any more.
async fn leave_watermark(
    scope: &TenantScope,
    erasing: &Erasing,
    contact: ContactRef,
    // A fresh contact of the same address has another id and is left alone.
    when: When,
) -> Result<(), StoreError> {
    let watermark = ContactWatermark {
        address: contact.address.into(),
        erased_at: erasing.requested_at,
    };
    let row = keys::contact_watermark(scope.tenant(), contact.address);
    let _fresh_contact = scope
        .store()
        .put(&row, &watermark, &DataKey::none(), when)
        .await?;
    Ok(())
}

/// Counts the keys and rows that are left of what is erased, by reads of their own: what removed them is not asked.
///
/// # Errors
/// [`StoreError`].
pub async fn left_of(scope: &TenantScope, erasing: &Erasing) -> Result<u64, StoreError> {
    let (tenant, store) = (scope.tenant(), scope.store());
    let mut left = scope.recordings_left(erasing).await?;
    for conversation in erasing.conversations.iter() {
        left += rows_in(scope, &keys::conversation_rows(tenant, *conversation)).await?;
        for contact in erasing.contacts.iter() {
            let row = keys::conversation_key(tenant, contact.id, *conversation);
            left += u64::from(store.get_row_ended(&row).await?.is_some());
        }
    }
    if *erasing.whole_contacts {
        for contact in erasing.contacts.iter() {
            left += rows_in(scope, &keys::contact_keys(tenant, contact.id)).await?;
            left += rows_in(scope, &keys::identifiers_of(tenant, contact.id)).await?;
            let row = store
                .get_row_ended(&keys::contact(tenant, contact.address))
                .await?;
            let is_theirs = row.is_some_and(|row| row.peek("id") == Some(contact.id));
            left += u64::from(is_theirs);
        }
    }
    if let Some(lead) = *erasing.lead {
        left += u64::from(store.get_row_ended(&keys::lead(tenant, lead)).await?.is_some());
    }
    Ok(left)
}

/// Rows of a run, at most a few: whether there are any is the question.
async fn rows_in(scope: &TenantScope, range: &Range) -> Result<u64, StoreError> {
    let read = Read {
        limit: 10,
        backward: false,
        consistent: !range.listing,
        after: None,
    };
    let page = scope.store().query_ended(range, &read).await?;
    Ok(u64::try_from(page.rows.len()).unwrap_or(u64::MAX))
}
