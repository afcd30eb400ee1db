//! Merging leads and taking them apart again: each one transaction, decided by the rows of both leads and by the keys of
//! all contacts. An erasure begins with those keys; so of a merge and an erasure that meet, one is first.

use serde_json::json;
use usher_shared::ids::{ApiKeyId, ContactId, LeadId};
use usher_shared::merging::CannotMerge;
use usher_shared::model::ContactRef;
use usher_shared::records::Lead;

use crate::scope::TenantScope;
use crate::sealing::{DataKey, KeyringError};
use crate::store::{Part, Read, StoreError, When, keys};

/// What became of a merge, or of its undoing.
#[derive(Debug)]
pub enum Merging {
    /// The lead as it is now.
    Done(Lead),
    /// A lead is not there, or is forgotten.
    NotFound,
    /// They cannot be merged.
    Cannot(CannotMerge),
    /// The one was not merged into the other.
    NotMerged,
    /// Something else happened to one of them at the same time.
    Busy,
}

impl TenantScope {
    /// Merges a lead into another. `also` is written with it, or not at all.
    ///
    /// # Errors
    /// [`KeyringError`]; nothing was merged, unless the database was unreachable, when nobody knows.
    pub async fn merge_leads(
        &self,
        into: LeadId,
        other: LeadId,
        by: ApiKeyId,
        also: Part,
    ) -> Result<Merging, KeyringError> {
        let (Some(kept), Some(part)) = (self.lead(into).await?, self.lead(other).await?) else {
            return Ok(Merging::NotFound);
        };
        let both = match kept.with(&part, self.now(), by) {
            Err(why) => return Ok(Merging::Cannot(why)),
            Ok(both) => both,
        };
        let (here, there) = (self.live(&kept.contacts).await?, self.live(&part.contacts).await?);
        if here.is_empty() || there.is_empty() {
            return Ok(Merging::NotFound);
        }
        let mut parts = vec![
            also,
            self.putting_lead(&both, When::Is("contacts", json!(kept.contacts.0)))?,
            self.store().deleting(
                &keys::lead(self.tenant(), other),
                &[When::Is("contacts", json!(part.contacts.0))],
            )?,
        ];
        self.demand(&here, &mut parts)?;
        self.demand(&there, &mut parts)?;
        self.point(&there, other, into, &mut parts)?;
        self.change(parts, &there, both, into).await
    }

    /// Takes a lead out of the one that it was merged into. `also` is written with it, or not at all.
    ///
    /// # Errors
    /// As [`Self::merge_leads`].
    pub async fn unmerge_leads(
        &self,
        from: LeadId,
        other: LeadId,
        also: Part,
    ) -> Result<Merging, KeyringError> {
        let Some(both) = self.lead(from).await? else {
            return Ok(Merging::NotFound);
        };
        let Some((rest, back)) = both.apart(other) else {
            return Ok(Merging::NotMerged);
        };
        let there = self.live(&back.contacts).await?;
        if there.is_empty() {
            return Ok(Merging::NotFound);
        }
        let mut parts = vec![
            also,
            self.putting_lead(&rest, When::Is("contacts", json!(both.contacts.0)))?,
            self.putting_lead(&back, When::Absent)?,
        ];
        self.demand(&there, &mut parts)?;
        self.point(&there, from, other, &mut parts)?;
        self.change(parts, &there, rest, other).await
    }

    async fn change(
        &self,
        parts: Vec<Part>,
        moved: &[ContactRef],
        lead: Lead,
        to: LeadId,
    ) -> Result<Merging, KeyringError> {
        if !self.store().together(parts).await?.happened() {
            return Ok(Merging::Busy);
        }
        for contact in moved {
            self.point_identifiers(contact.id, to).await?;
        }
        Ok(Merging::Done(lead))
    }

    /// The contacts that can still be read.
    async fn live(&self, contacts: &[ContactRef]) -> Result<Vec<ContactRef>, KeyringError> {
        let mut live = Vec::new();
        for contact in contacts {
            if self.open_contact(*contact).await?.is_some() {
                live.push(*contact);
            }
        }
        Ok(live)
    }

    async fn lead(&self, id: LeadId) -> Result<Option<Lead>, StoreError> {
        let row = keys::lead(self.tenant(), id);
        self.store().get(&row, &DataKey::none(), true).await
    }

    pub(crate) fn putting_lead(&self, lead: &Lead, when: When) -> Result<Part, StoreError> {
        let listing = keys::lead_listing(self.tenant(), *lead.id, *lead.last_activity);
        let row = keys::lead(self.tenant(), *lead.id).listed(listing);
        self.store().putting(&row, lead, &DataKey::none(), when)
    }

    /// An erasure that deletes one of these contacts' keys is first, or second.
    fn demand(&self, contacts: &[ContactRef], parts: &mut Vec<Part>) -> Result<(), StoreError> {
        for contact in contacts {
            let row = keys::contact_key(self.tenant(), contact.id);
            parts.push(self.store().demanding(&row, &[When::Present])?);
        }
        Ok(())
    }

    /// The contacts say which lead they belong to.
    pub(crate) fn point(
        &self,
        contacts: &[ContactRef],
        from: LeadId,
        to: LeadId,
        parts: &mut Vec<Part>,
    ) -> Result<(), StoreError> {
        for contact in contacts {
            let row = keys::contact(self.tenant(), contact.address);
            let when = [When::Is("id", json!(contact.id)), When::Is("lead", json!(from))];
            parts.push(self.store().updating(&row, vec![("lead", json!(to))], &when)?);
        }
        Ok(())
    }

    /// The hints follow. Whoever finds a lead by one goes by what the contact says, so that one which was left behind
    /// finds the same.
    async fn point_identifiers(&self, contact: ContactId, lead: LeadId) -> Result<(), StoreError> {
        let range = keys::identifiers_of(self.tenant(), contact);
        let read = Read {
            limit: 100,
            backward: false,
            consistent: false,
            after: None,
        };
        for row in self.store().query(&range, &read).await?.rows {
            if let Some(identifier) = row.peek("identifier") {
                let row = keys::lead_identifier(self.tenant(), identifier, contact);
                let set = vec![("lead", json!(lead))];
                let _forgotten_meanwhile = self.store().update(&row, set, vec![When::Present]).await?;
            }
        }
        Ok(())
    }
}
