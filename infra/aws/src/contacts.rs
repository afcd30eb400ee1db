//! A person on a channel, by the address that the channel knows them by.

use usher_shared::ids::ChannelId;
use usher_shared::model::ContactRef;
use usher_shared::untrusted::KeyedHash;

use crate::scope::TenantScope;
use crate::sealing::HashPurpose;
use crate::store::{StoreError, keys};

impl TenantScope {
    /// The pseudonym of an address on a channel.
    pub fn contact_address(&self, channel: ChannelId, address: &str) -> KeyedHash {
        let channel = channel.to_string();
        let parts = [channel.as_bytes(), address.as_bytes()];
        self.key().hash(HashPurpose::ContactAddress, &parts)
    }

    /// Who writes from an address on a channel, if anybody does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_contact(
        &self,
        channel: ChannelId,
        address: &str,
    ) -> Result<Option<ContactRef>, StoreError> {
        let address = self.contact_address(channel, address);
        let row = keys::contact(self.tenant(), address);
        let found = self.store().get_row(&row, true).await?;
        let id = found.and_then(|row| row.peek("id"));
        Ok(id.map(|id| ContactRef { address, id }))
    }
}
