//! Platforms' notices about people: written down before anything is looked for, so that none is lost whatever fails, and
//! told apart by who and when, so that one that is told twice is one.

use usher_shared::Timestamp;
use usher_shared::ids::TenantId;
use usher_shared::records::AppRemoval;
use usher_shared::untrusted::KeyedHash;

use crate::platform::Platform;
use crate::sealing::{HashPurpose, KeyringError};
use crate::store::{When, keys};

impl Platform {
    /// The pseudonym of a notice: of whom, and when it was made.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn removal_hash(&self, person: &str, made_at: i64) -> Result<KeyedHash, KeyringError> {
        let made_at = made_at.to_be_bytes();
        let parts = [b"app-removal".as_slice(), person.as_bytes(), &made_at];
        Ok(self.directory_key().await?.hash(HashPurpose::Derived, &parts))
    }

    /// Writes a notice down, or finds it.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn note_removal(&self, notice: KeyedHash, person: &str) -> Result<(), KeyringError> {
        if self.concluded_removal(notice).await?.is_some() {
            return Ok(());
        }
        let record = AppRemoval {
            notice: notice.into(),
            at: self.clock().now().into(),
            looked_at: None.into(),
            tenants: Vec::new().into(),
            person: Some(person.to_owned()).into(),
        };
        let row = keys::open_app_removal(notice);
        let key = self.directory_key().await?;
        let _told_before = self.link_store().put(&row, &record, key, When::Absent).await?;
        Ok(())
    }

    /// A notice of a person who is still to be looked for.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn open_removal(&self, notice: KeyedHash) -> Result<Option<AppRemoval>, KeyringError> {
        let (row, key) = (keys::open_app_removal(notice), self.directory_key().await?);
        Ok(self.link_store().get(&row, key, true).await?)
    }

    /// All notices of people who are still to be looked for.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn open_removals(&self) -> Result<Vec<KeyedHash>, KeyringError> {
        let rows = self.link_store().query_all(&keys::open_app_removals()).await?;
        Ok(rows.iter().filter_map(|row| row.peek("notice")).collect())
    }

    /// A notice of a person who was looked for: it names the tenants whose requests follow from it.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn concluded_removal(&self, notice: KeyedHash) -> Result<Option<AppRemoval>, KeyringError> {
        let (row, key) = (keys::app_removal(notice), self.directory_key().await?);
        Ok(self.link_store().get(&row, key, true).await?)
    }

    /// The person was looked for: from here on the notice names tenants and nobody else.
    ///
    /// # Errors
    /// [`KeyringError`]; done again, it does what is left.
    pub async fn conclude_removal(
        &self,
        noted: &AppRemoval,
        tenants: Vec<TenantId>,
        now: Timestamp,
    ) -> Result<(), KeyringError> {
        let record = AppRemoval {
            looked_at: Some(now).into(),
            tenants: tenants.into(),
            person: None.into(),
            ..noted.clone()
        };
        let (store, key) = (self.link_store(), self.directory_key().await?);
        let row = keys::app_removal(*noted.notice);
        let _concluded_before = store.put(&row, &record, key, When::Absent).await?;
        store.delete(&keys::open_app_removal(*noted.notice)).await?;
        Ok(())
    }
}
