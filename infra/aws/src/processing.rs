//! What may be done with what a person writes: said by the contact's key, without which nothing of it is read, and
//! repeated in the heads of its conversations for whoever looks at those alone.

use serde_json::json;
use usher_shared::ids::ContactId;
use usher_shared::model::Processing;

use crate::scope::TenantScope;
use crate::sealing::KeyringError;
use crate::store::{Part, When, keys};

impl TenantScope {
    /// What may be done with what a contact writes; `None` if there is no such contact.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn processing(&self, contact: ContactId) -> Result<Option<Processing>, KeyringError> {
        let keys = self.contact_keys(contact).await?;
        Ok(keys.map(|keys| keys.processing()))
    }

    /// Changes it. The key first: from then on nothing new is read or sent. `also` is written with it, or not at all.
    /// `false` if there is no such contact.
    ///
    /// # Errors
    /// [`KeyringError`]; done again, it does what is left.
    pub async fn change_processing(
        &self,
        contact: ContactId,
        processing: Processing,
        also: Vec<Part>,
    ) -> Result<bool, KeyringError> {
        let value = match processing {
            Processing::Full => json!(null),
            other => json!(other),
        };
        let row = keys::contact_key(self.tenant(), contact);
        let change = self
            .store()
            .updating(&row, vec![("processing", value.clone())], &[When::Present])?;
        let parts = std::iter::once(change).chain(also).collect();
        if !self.store().together(parts).await?.happened() {
            return Ok(false);
        }
        // Read after the key says so: a conversation that begins from now on has it from the key.
        let Some(keys) = self.contact_keys(contact).await? else {
            return Ok(false);
        };
        for conversation in keys.conversations() {
            let row = keys::conversation(self.tenant(), conversation);
            let set = vec![("processing", value.clone())];
            let _gone = self.store().update(&row, set, vec![When::Present]).await?;
        }
        Ok(true)
    }
}
