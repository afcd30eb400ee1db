//! Where keys come from: KMS for a tenant's, the Keys table for the rest.

use std::collections::HashMap;

use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::Blob;
use usher_shared::Timestamp;
use usher_shared::ids::{ChannelId, ContactId, ConversationId, DocumentId, TenantId};
use usher_shared::model::Processing;
use usher_shared::record::key;
use usher_shared::records::WrappedKey;
use usher_shared::untrusted::{Label, WrappedBytes};

use super::cipher::{Binding, DataKey, SealingError};
use crate::scope::TenantScope;
use crate::store::keys::{self, Key};
use crate::store::{Read, StoreError, When};

/// The key at the top of a tenant's ladder.
pub type TenantKey = DataKey<key::Tenant>;
/// The platform's key, for hashes of the directory.
pub(crate) type PlatformKey = DataKey<key::Platform>;

/// Contacts with more conversations than this read their keys in several pages.
const KEYS_PER_PAGE: usize = 100;

/// Why a key could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// KMS refused or could not be reached.
    #[error("kms: {operation} failed with {code}")]
    Kms {
        /// Which operation.
        operation: &'static str,
        /// KMS's own error code, or `unreachable`.
        code: String,
    },
    /// The tables may not be used, or nobody knows.
    #[error(transparent)]
    NotServing(#[from] crate::serving::NotServing),
    /// The Keys table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A wrapped key does not open.
    #[error(transparent)]
    Sealing(#[from] SealingError),
}

/// What a key that KMS wraps is for; part of its encryption context.
pub(crate) mod purpose {
    /// A tenant's key.
    pub(crate) const TENANT: &str = "tenant-key";
    /// The platform's directory key.
    pub(crate) const DIRECTORY: &str = "directory";
    /// What signs receipts.
    pub(crate) const RECEIPTS: &str = "receipts";
    /// A key to a provider of language models.
    pub(crate) const MODEL: &str = "model";
}

/// The encryption context of a key that KMS wraps. It appears in audit logs: ids only.
pub(crate) fn kms_context(purpose: &str, tenant: Option<TenantId>) -> HashMap<String, String> {
    let mut context = HashMap::from([("purpose".to_owned(), purpose.to_owned())]);
    if let Some(tenant) = tenant {
        context.insert("tenant".to_owned(), tenant.to_string());
    }
    context
}

/// Unwraps a key by KMS.
pub(crate) async fn unwrap_by_kms<K: usher_shared::record::KeyKind>(
    kms: &aws_sdk_kms::Client,
    kms_key: &str,
    wrapped: &WrappedKey,
    context: HashMap<String, String>,
) -> Result<DataKey<K>, KeyringError> {
    let answer = kms
        .decrypt()
        .key_id(kms_key)
        .ciphertext_blob(Blob::new(wrapped.wrapped.0.0.clone()))
        .set_encryption_context(Some(context))
        .send()
        .await
        .map_err(|error| KeyringError::Kms {
            operation: "Decrypt",
            code: error
                .as_service_error()
                .and_then(ProvideErrorMetadata::code)
                .unwrap_or("unreachable")
                .to_owned(),
        })?;
    let plain = answer
        .plaintext
        .map(|blob| zeroize::Zeroizing::new(blob.into_inner()))
        .unwrap_or_default();
    Ok(DataKey::from_bytes(&plain)?)
}

/// The keys of one contact: its own and those of its conversations, as read a moment ago.
#[derive(Debug)]
pub struct ContactKeys {
    tenant: TenantId,
    id: ContactId,
    contact: DataKey<key::Contact>,
    conversations: HashMap<String, WrappedBytes>,
    held: Vec<Label>,
    processing: Processing,
}

impl ContactKeys {
    /// The contact's own key.
    pub fn contact(&self) -> &DataKey<key::Contact> {
        &self.contact
    }

    /// Whether a hold keeps the contact's key from being deleted.
    pub fn is_held(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether a hold keeps the key of one of its conversations from being deleted.
    pub fn is_conversation_held(&self, conversation: ConversationId) -> bool {
        let (all, one) = (self.id.to_string(), conversation.to_string());
        self.held
            .iter()
            .any(|held| held.as_str() == all || held.as_str() == one)
    }

    /// What may be done with what the contact writes.
    pub fn processing(&self) -> Processing {
        self.processing
    }

    /// The conversations that have a key.
    pub fn conversations(&self) -> impl Iterator<Item = ConversationId> {
        self.conversations.keys().filter_map(|sk| sk.parse().ok())
    }

    /// The key of one of the contact's conversations; `None` if the conversation is forgotten.
    ///
    /// # Errors
    /// [`KeyringError::Sealing`] if the stored key is not what it should be.
    pub fn conversation(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<DataKey<key::Conversation>>, KeyringError> {
        let row = keys::conversation_key(self.tenant, self.id, conversation);
        match self.conversations.get(&row.sk) {
            None => Ok(None),
            Some(wrapped) => Ok(Some(self.contact.unwrap_key(wrapping(&row), &wrapped.0)?)),
        }
    }
}

fn wrapping(row: &Key<WrappedKey>) -> Binding<'_> {
    Binding {
        pk: &row.pk,
        sk: &row.sk,
        kind: "wrapped_key",
        field: "wrapped",
    }
}

fn wrapped_key(at: Timestamp, bytes: Vec<u8>) -> WrappedKey {
    WrappedKey {
        created_at: at.into(),
        wrapped: WrappedBytes(bytes).into(),
        held: None.into(),
        processing: None.into(),
    }
}

impl TenantScope {
    /// Reads the keys of a contact, consistently: a key that is gone is gone for everyone at once. `None`
    /// if the contact is forgotten.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn contact_keys(&self, contact: ContactId) -> Result<Option<ContactKeys>, KeyringError> {
        let own = keys::contact_key(self.tenant(), contact);
        let mut all = self
            .wrapped_keys(&keys::contact_keys(self.tenant(), contact))
            .await?;
        let Some(wrapped) = all.remove(&own.sk) else {
            return Ok(None);
        };
        let key = self.key().unwrap_key(wrapping(&own), &wrapped.wrapped.0.0)?;
        let conversations = all.into_iter().map(|(sk, key)| (sk, key.wrapped.0));
        Ok(Some(ContactKeys {
            tenant: self.tenant(),
            id: contact,
            contact: key,
            conversations: conversations.collect(),
            held: wrapped.held.0.unwrap_or_default(),
            processing: wrapped.processing.unwrap_or_default(),
        }))
    }

    /// Makes the keys of a new contact and its first conversation. Keys come first: a row never exists
    /// without the key that opens it.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn create_contact_keys(
        &self,
        contact: ContactId,
        conversation: ConversationId,
    ) -> Result<ContactKeys, KeyringError> {
        let own = keys::contact_key(self.tenant(), contact);
        let key = DataKey::<key::Contact>::generate(self.entropy());
        let wrapped = self.key().wrap(self.entropy(), wrapping(&own), &key)?;
        self.put_key(&own, wrapped).await?;
        let mut keys = ContactKeys {
            tenant: self.tenant(),
            id: contact,
            contact: key,
            conversations: HashMap::new(),
            held: Vec::new(),
            processing: Processing::Full,
        };
        self.create_conversation_key(&mut keys, conversation).await?;
        Ok(keys)
    }

    /// Makes the key of a new conversation of a contact.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn create_conversation_key(
        &self,
        contact: &mut ContactKeys,
        conversation: ConversationId,
    ) -> Result<(), KeyringError> {
        let row = keys::conversation_key(self.tenant(), contact.id, conversation);
        let key = DataKey::<key::Conversation>::generate(self.entropy());
        let wrapped = contact.contact.wrap(self.entropy(), wrapping(&row), &key)?;
        self.put_key(&row, wrapped.clone()).await?;
        contact.conversations.insert(row.sk, WrappedBytes(wrapped));
        Ok(())
    }

    /// Deletes the keys that [`Self::create_contact_keys`] made for a contact that lost the race to exist.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn delete_contact_keys(
        &self,
        contact: ContactId,
        conversation: ConversationId,
    ) -> Result<(), KeyringError> {
        self.store()
            .delete(&keys::conversation_key(self.tenant(), contact, conversation))
            .await?;
        self.store()
            .delete(&keys::contact_key(self.tenant(), contact))
            .await?;
        Ok(())
    }

    /// Makes the key of a new document.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn create_document_key(
        &self,
        document: DocumentId,
    ) -> Result<DataKey<key::Document>, KeyringError> {
        let row = keys::document_key(self.tenant(), document);
        let key = DataKey::<key::Document>::generate(self.entropy());
        let wrapped = self.key().wrap(self.entropy(), wrapping(&row), &key)?;
        self.put_key(&row, wrapped).await?;
        Ok(key)
    }

    /// The key of one document; `None` if the document is forgotten.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn document_key(
        &self,
        document: DocumentId,
    ) -> Result<Option<DataKey<key::Document>>, KeyringError> {
        let row = keys::document_key(self.tenant(), document);
        match self.store().get(&row, &DataKey::none(), true).await? {
            None => Ok(None),
            Some(wrapped) => Ok(Some(self.key().unwrap_key(wrapping(&row), &wrapped.wrapped.0.0)?)),
        }
    }

    /// The keys of all documents that are not forgotten.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn document_keys(&self) -> Result<HashMap<DocumentId, DataKey<key::Document>>, KeyringError> {
        let all = self.wrapped_keys(&keys::document_keys(self.tenant())).await?;
        let mut opened = HashMap::with_capacity(all.len());
        for (sk, wrapped) in all {
            if let Ok(document) = sk.parse::<DocumentId>() {
                let row = keys::document_key(self.tenant(), document);
                let key = self.key().unwrap_key(wrapping(&row), &wrapped.wrapped.0.0)?;
                opened.insert(document, key);
            }
        }
        Ok(opened)
    }

    /// Deletes a document's key: from now on no copy of it can be read.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn delete_document_key(&self, document: DocumentId) -> Result<bool, KeyringError> {
        Ok(self
            .store()
            .delete(&keys::document_key(self.tenant(), document))
            .await?)
    }

    /// Draws a channel's key, wraps it with the tenant's and stores it.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn create_channel_key(
        &self,
        channel: ChannelId,
    ) -> Result<DataKey<key::Channel>, KeyringError> {
        let row = keys::channel_key(self.tenant(), channel);
        if let Some(made_before) = self.channel_key(channel).await? {
            return Ok(made_before);
        }
        let key = DataKey::<key::Channel>::generate(self.entropy());
        let wrapped = self.key().wrap(self.entropy(), wrapping(&row), &key)?;
        self.put_key(&row, wrapped).await?;
        Ok(key)
    }

    /// A channel's key; `None` once it was disconnected.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn channel_key(
        &self,
        channel: ChannelId,
    ) -> Result<Option<DataKey<key::Channel>>, KeyringError> {
        let row = keys::channel_key(self.tenant(), channel);
        match self.store().get(&row, &DataKey::none(), true).await? {
            None => Ok(None),
            Some(wrapped) => Ok(Some(self.key().unwrap_key(wrapping(&row), &wrapped.wrapped.0.0)?)),
        }
    }

    /// Deletes a channel's key: from then on nobody reads its credentials, wherever copies are. Says whether there was
    /// one.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn delete_channel_key(&self, channel: ChannelId) -> Result<bool, KeyringError> {
        Ok(self
            .store()
            .delete(&keys::channel_key(self.tenant(), channel))
            .await?)
    }

    async fn put_key(&self, row: &Key<WrappedKey>, wrapped: Vec<u8>) -> Result<(), KeyringError> {
        let record = wrapped_key(self.now(), wrapped);
        // The ids are fresh, so the condition fails only when an answer was lost and the call repeated;
        // then the same bytes are there.
        let _repeated = self
            .store()
            .put(row, &record, &DataKey::none(), When::Absent)
            .await?;
        Ok(())
    }

    async fn wrapped_keys(&self, range: &keys::Range) -> Result<HashMap<String, WrappedKey>, KeyringError> {
        let mut all = HashMap::new();
        let mut after = None;
        loop {
            let read = Read {
                limit: KEYS_PER_PAGE,
                backward: false,
                consistent: true,
                after,
            };
            let page = self.store().query(range, &read).await?;
            for row in page.rows {
                let Some(sk) = row.sk().map(str::to_owned) else {
                    continue;
                };
                let key: WrappedKey = self.store().open(row, &DataKey::none())?;
                all.insert(sk, key);
            }
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }
}
