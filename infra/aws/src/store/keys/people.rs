//! Contacts and leads, and what finds them.

use usher_shared::Timestamp;
use usher_shared::ids::{ContactId, LeadId, TenantId};
use usher_shared::records::{Contact, ContactWatermark, InboundMarker, Lead, LeadIdentifier};
use usher_shared::untrusted::KeyedHash;

use super::{END, Key, Listing, Range, all, all_listed, by_time, time_digits};

/// A contact, by the hash of its address.
pub fn contact(tenant: TenantId, address: KeyedHash) -> Key<Contact> {
    Key::inbox(format!("{tenant}#c#{address}"), "contact".to_owned())
}

/// The row of a contact that was erased: the contact's own.
pub fn contact_watermark(tenant: TenantId, address: KeyedHash) -> Key<ContactWatermark> {
    let row = contact(tenant, address);
    Key::inbox(row.pk, row.sk)
}

/// The marker of an event of a contact.
pub fn marker(tenant: TenantId, address: KeyedHash, event: KeyedHash) -> Key<InboundMarker> {
    Key::inbox(format!("{tenant}#c#{address}"), format!("e#{event}"))
}

/// A lead, listed by its last activity.
pub fn lead(tenant: TenantId, lead: LeadId) -> Key<Lead> {
    Key::inbox(format!("{tenant}#l#{lead}"), "lead".to_owned())
}

/// Place of a lead in the list of leads.
pub fn lead_listing(tenant: TenantId, lead: LeadId, last_activity: Timestamp) -> Listing {
    Listing {
        pk: format!("{tenant}#leads"),
        sk: by_time(last_activity, &lead.to_string()),
    }
}

/// All leads, by last activity.
pub fn leads(tenant: TenantId) -> Range {
    all_listed(format!("{tenant}#leads"))
}

/// Leads whose last activity was at `since` or later.
pub fn leads_since(tenant: TenantId, since: Timestamp) -> Range {
    Range {
        from: time_digits(since),
        ..leads(tenant)
    }
}

/// What finds a lead by one of its contacts' identifiers. Two contacts may share an identifier.
pub fn lead_identifier(tenant: TenantId, identifier: KeyedHash, contact: ContactId) -> Key<LeadIdentifier> {
    Key::inbox(identifier_partition(tenant, identifier), contact.to_string())
}

/// Place of an identifier in the list of its contact's.
pub fn lead_identifier_listing(tenant: TenantId, identifier: KeyedHash, contact: ContactId) -> Listing {
    Listing {
        pk: format!("{tenant}#identifiers#{contact}"),
        sk: identifier.to_string(),
    }
}

/// All contacts with one identifier.
pub fn contacts_with(tenant: TenantId, identifier: KeyedHash) -> Range {
    all(identifier_partition(tenant, identifier))
}

/// All identifiers of one contact, for whoever has no key to read its profile.
pub fn identifiers_of(tenant: TenantId, contact: ContactId) -> Range {
    all_listed(format!("{tenant}#identifiers#{contact}"))
}

fn identifier_partition(tenant: TenantId, identifier: KeyedHash) -> String {
    format!("{tenant}#x#{identifier}")
}

/// Leads whose last activity was at `until` or before.
pub fn leads_until(tenant: TenantId, until: Timestamp) -> Range {
    Range {
        to: by_time(until, END),
        ..leads(tenant)
    }
}
