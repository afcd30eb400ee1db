//! Finding a lead by an exact e-mail address, phone number or handle, though profiles are sealed.
//!
//! One row per identifier and contact, under a keyed hash of the identifier; the same row is listed under the
//! contact's id. So erasure finds all of a contact's rows by its id alone, with no key and no profile, and there
//! is no second list that could disagree with the rows. The list follows a write by moments: erasure's second
//! look takes what the first could not see yet.
//!
//! A row is only a hint. Whoever finds a lead by it opens the contact and looks whether the profile says so; a
//! row that was left behind therefore never shows anybody.

use usher_shared::identifier::Identifier;
use usher_shared::ids::{ContactId, LeadId};
use usher_shared::model::{ContactRef, Profile};
use usher_shared::records::LeadIdentifier;
use usher_shared::untrusted::KeyedHash;

use crate::scope::TenantScope;
use crate::sealing::{DataKey, HashPurpose, KeyringError};
use crate::store::{Read, StoreError, When, keys};

/// A contact has a handful of identifiers at any time: one page is all of them.
const PAGE: usize = 100;

impl TenantScope {
    /// The pseudonym under which an identifier stands.
    pub fn identifier_hash(&self, identifier: &Identifier) -> KeyedHash {
        let parts = [identifier.kind().as_bytes(), identifier.as_str().as_bytes()];
        self.key().hash(HashPurpose::Identifier, &parts)
    }

    /// Makes a lead findable by what a contact's profile says now, and by nothing that it said before. To be
    /// called once the profile is stored; doing it again changes nothing.
    ///
    /// # Errors
    /// [`KeyringError`]; the next call does what is left.
    pub async fn index_profile(
        &self,
        lead: LeadId,
        contact: ContactRef,
        profile: &Profile,
    ) -> Result<(), KeyringError> {
        let now = self.now();
        let hashes: Vec<KeyedHash> = Identifier::of(profile)
            .iter()
            .map(|identifier| self.identifier_hash(identifier))
            .collect();
        for &identifier in &hashes {
            let record = LeadIdentifier {
                identifier: identifier.into(),
                contact: contact.into(),
                lead: lead.into(),
                at: now.into(),
            };
            let listing = keys::lead_identifier_listing(self.tenant(), identifier, contact.id);
            let row = keys::lead_identifier(self.tenant(), identifier, contact.id).listed(listing);
            let _known = self
                .store()
                .put(&row, &record, &DataKey::none(), When::AbsentOrEnded)
                .await?;
        }
        // Forgotten while this was written: nothing may be left of it.
        if self.contact_keys(contact.id).await?.is_none() {
            for &identifier in &hashes {
                self.delete_identifier(contact.id, identifier).await?;
            }
            return Ok(());
        }
        Ok(self.retain_identifiers(contact.id, &hashes).await?)
    }

    /// Deletes all identifiers of a contact, also those past their period, and says how many there were. Needs
    /// no key: for the eraser, after the keys are gone.
    ///
    /// # Errors
    /// [`StoreError`]; some may be deleted already.
    pub async fn forget_identifiers(&self, contact: ContactId) -> Result<u64, StoreError> {
        self.store()
            .purge(&keys::identifiers_of(self.tenant(), contact))
            .await
    }

    /// Deletes the identifiers of a contact that its profile no longer holds.
    async fn retain_identifiers(&self, contact: ContactId, keep: &[KeyedHash]) -> Result<(), StoreError> {
        let range = keys::identifiers_of(self.tenant(), contact);
        let read = Read {
            limit: PAGE,
            backward: false,
            consistent: false,
            after: None,
        };
        let page = self.store().query(&range, &read).await?;
        for row in page.rows {
            if let Some(identifier) = row.peek::<KeyedHash>("identifier")
                && !keep.contains(&identifier)
            {
                self.delete_identifier(contact, identifier).await?;
            }
        }
        Ok(())
    }

    async fn delete_identifier(&self, contact: ContactId, identifier: KeyedHash) -> Result<(), StoreError> {
        let row = keys::lead_identifier(self.tenant(), identifier, contact);
        let _there_or_not = self.store().delete(&row).await?;
        Ok(())
    }
}
