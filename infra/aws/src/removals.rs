//! Platforms' notices about people: written down before anything is looked for, so that none is lost whatever fails, and
//! told apart by who and when, so that one that is told twice is one.

use usher_shared::Timestamp;
use usher_shared::ids::{PrivacyRequestId, TenantId};
use usher_shared::records::AppRemoval;
use usher_shared::untrusted::KeyedHash;

use crate::platform::Platform;
use crate::privacy::normal_code;
use crate::sealing::KeyringError;
use crate::store::{When, keys};

impl Platform {
    /// Writes a notice down, or finds it. Gives the pseudonym by which it goes on: that of its confirmation code.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn note_removal(&self, code: &str, person: &str) -> Result<KeyedHash, KeyringError> {
        let notice = self.privacy_code_hash(code).await?;
        if self.concluded_removal(notice).await?.is_some() {
            return Ok(notice);
        }
        let record = AppRemoval {
            notice: notice.into(),
            at: self.clock().now().into(),
            looked_at: None.into(),
            tenants: Vec::new().into(),
            requests: Vec::new().into(),
            person: Some(person.to_owned()).into(),
        };
        let row = keys::open_app_removal(notice);
        let key = self.directory_key().await?;
        let _told_before = self.link_store().put(&row, &record, key, When::Absent).await?;
        Ok(notice)
    }

    /// The notice that a confirmation code leads to, however far it has come; `None` if it leads nowhere.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn find_removal(&self, code: &str) -> Result<Option<AppRemoval>, KeyringError> {
        let code = normal_code(code).unwrap_or_default();
        let notice = self.privacy_code_hash(&code).await?;
        match self.concluded_removal(notice).await? {
            Some(concluded) => Ok(Some(concluded)),
            None => self.open_removal(notice).await,
        }
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
        found: &[(TenantId, PrivacyRequestId)],
        now: Timestamp,
    ) -> Result<(), KeyringError> {
        let record = AppRemoval {
            looked_at: Some(now).into(),
            tenants: found.iter().map(|(tenant, _)| *tenant).collect::<Vec<_>>().into(),
            requests: found
                .iter()
                .map(|(_, request)| *request)
                .collect::<Vec<_>>()
                .into(),
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
