//! Wrapped data keys.

use std::marker::PhantomData;

use usher_shared::ids::{ChannelId, ContactId, ConversationId, DocumentId, TenantId};
use usher_shared::records::{ServingMark, WrappedKey};

use super::{Key, Range, Table, all};

/// All keys of a contact: its own and its conversations'.
pub fn contact_keys(tenant: TenantId, contact: ContactId) -> Range {
    Range {
        table: Table::Keys,
        ..all(format!("{tenant}#{contact}"))
    }
}

/// The platform's directory key, wrapped by KMS.
pub fn platform_key() -> Key<WrappedKey> {
    wrapped("platform".to_owned(), "directory".to_owned())
}

/// The key to a provider of language models, sealed by KMS.
pub fn model_key(provider: &str) -> Key<WrappedKey> {
    wrapped("platform".to_owned(), format!("model#{provider}"))
}

/// What signs receipts, wrapped by KMS.
pub fn receipt_key() -> Key<WrappedKey> {
    wrapped("platform".to_owned(), "receipts".to_owned())
}

/// Which tables may serve. Beside the directory's key: whoever may read that may read this.
pub fn serving_mark() -> Key<ServingMark> {
    Key {
        table: Table::Keys,
        ..Key::inbox("platform".to_owned(), "serving".to_owned())
    }
}

/// A tenant's key, wrapped by KMS.
pub fn tenant_key(tenant: TenantId) -> Key<WrappedKey> {
    wrapped(tenant.to_string(), "tenant".to_owned())
}

/// A contact's key, wrapped by its tenant's.
pub fn contact_key(tenant: TenantId, contact: ContactId) -> Key<WrappedKey> {
    wrapped(format!("{tenant}#{contact}"), "contact".to_owned())
}

/// A conversation's key, wrapped by its contact's. In the contact's partition: one Query brings both.
pub fn conversation_key(
    tenant: TenantId,
    contact: ContactId,
    conversation: ConversationId,
) -> Key<WrappedKey> {
    wrapped(format!("{tenant}#{contact}"), conversation.to_string())
}

/// A document's key, wrapped by its tenant's.
pub fn document_key(tenant: TenantId, document: DocumentId) -> Key<WrappedKey> {
    wrapped(format!("{tenant}#documents"), document.to_string())
}

/// The keys of all documents.
pub fn document_keys(tenant: TenantId) -> Range {
    Range {
        table: Table::Keys,
        ..all(format!("{tenant}#documents"))
    }
}

/// A channel's key, wrapped by its tenant's.
pub fn channel_key(tenant: TenantId, channel: ChannelId) -> Key<WrappedKey> {
    wrapped(format!("{tenant}#channels"), channel.to_string())
}

fn wrapped(pk: String, sk: String) -> Key<WrappedKey> {
    Key {
        table: Table::Keys,
        pk,
        sk,
        listing: None,
        record: PhantomData,
    }
}
