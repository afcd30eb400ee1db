//! Sealing: AES-256-GCM under a ladder of keys. KMS wraps the tenant's key, the tenant's key wraps one key
//! per contact and per document, a contact's key wraps one key per conversation. Deleting a key is
//! forgetting everything below it, in every copy.

mod cipher;
mod keyring;

pub use cipher::{Binding, DataKey, HashPurpose, SealingError};
pub use keyring::{ContactKeys, KeyringError, TenantKey};
pub(crate) use keyring::{PlatformKey, kms_context, purpose, unwrap_by_kms};
