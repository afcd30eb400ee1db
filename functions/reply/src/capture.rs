//! Leads: what a person volunteers goes into the contact's profile, and the contact becomes a lead.

use usher_aws::TenantScope;
use usher_aws::sealing::{DataKey, HashPurpose, KeyringError};
use usher_aws::store::{When, keys};
use usher_shared::Timestamp;
use usher_shared::ids::LeadId;
use usher_shared::model::{ContactRef, Profile};
use usher_shared::records::{Conversation, Lead};
use usher_shared::untrusted::Label;

/// Takes down what was volunteered, and who begins to write on a channel by which they can be answered. Doing it again
/// changes nothing.
pub(crate) async fn capture(
    scope: &TenantScope,
    head: &Conversation,
    volunteered: Profile,
    intent: Option<Label>,
    now: Timestamp,
) -> Result<(), KeyringError> {
    let contact = *head.contact;
    let begins = head.answered_through.is_none() && head.reach.get().is_some();
    if volunteered.is_empty() && !begins {
        return Ok(());
    }
    let Some((mut record, contact_keys)) = scope.open_contact(contact).await? else {
        return Ok(());
    };
    let when = scope.unchanged(&record);
    let changed = scope.volunteer(&mut record, volunteered);
    let profile = record.profile.get().clone();
    // Without a way to reach the person it is a name, not a lead.
    let reachable = profile.email.is_some() || profile.phone.is_some() || record.reach.get().is_some();
    let lead = match *record.lead {
        Some(lead) => Some(lead),
        None if reachable => Some(make_lead(scope, contact, intent, now).await?),
        None => None,
    };
    if changed || *record.lead != lead {
        record.lead = lead.into();
        let row = keys::contact(scope.tenant(), contact.address);
        // If the contact began a new conversation or was corrected meanwhile, the next message takes this down again.
        let written = scope
            .store()
            .put(&row, &record, contact_keys.contact(), when)
            .await?;
        if !written.happened() {
            return Ok(());
        }
    }
    // Also when nothing changed: an earlier attempt may have died between profile and index.
    match lead {
        Some(lead) => scope.index_profile(lead, contact, &profile).await,
        None => Ok(()),
    }
}

/// The lead of a contact, under an id that follows from the contact's: made twice, it is one.
async fn make_lead(
    scope: &TenantScope,
    contact: ContactRef,
    intent: Option<Label>,
    now: Timestamp,
) -> Result<LeadId, KeyringError> {
    let text = contact.id.to_string();
    let tail = scope
        .key()
        .hash(HashPurpose::Derived, &[b"lead", text.as_bytes()])
        .tail();
    let id = LeadId::derived(contact.id.at(), tail);
    let lead = Lead {
        id: id.into(),
        contacts: vec![contact].into(),
        created_at: now.into(),
        last_activity: now.into(),
        intents: intent.into_iter().collect::<Vec<_>>().into(),
        own_activity: None.into(),
        merged: None.into(),
    };
    let row = keys::lead(scope.tenant(), id).listed(keys::lead_listing(scope.tenant(), id, now));
    let _made_before = scope
        .store()
        .put(&row, &lead, &DataKey::none(), When::Absent)
        .await?;
    Ok(id)
}
