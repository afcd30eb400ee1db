//! A file under its conversation's key, bound to its place.

use usher_shared::Record;
use usher_shared::ids::TenantId;
use usher_shared::record::key;
use usher_shared::records::AttachmentFile;

use crate::scope::TenantScope;
use crate::sealing::{Binding, DataKey, SealingError};

/// Encrypts a file for its place under its conversation's key.
///
/// # Errors
/// [`SealingError`].
pub fn seal_file(
    scope: &TenantScope,
    key: &DataKey<key::Conversation>,
    file: &AttachmentFile,
    plain: Vec<u8>,
) -> Result<Vec<u8>, SealingError> {
    let (pk, sk) = (file_partition(*file.tenant), place(file));
    key.seal_file(scope.entropy(), binding(&pk, &sk), plain)
}

/// Decrypts what [`seal_file`] made.
///
/// # Errors
/// [`SealingError::DoesNotOpen`] for anything else.
pub fn open_file(
    key: &DataKey<key::Conversation>,
    file: &AttachmentFile,
    sealed: &[u8],
) -> Result<Vec<u8>, SealingError> {
    let (pk, sk) = (file_partition(*file.tenant), place(file));
    key.open(binding(&pk, &sk), sealed)
}

/// `<conversation>/<message>/<attachment>`.
pub(super) fn place(file: &AttachmentFile) -> String {
    format!("{}/{}/{}", *file.conversation, *file.message, *file.attachment)
}

fn file_partition(tenant: TenantId) -> String {
    format!("{tenant}#files")
}

fn binding<'a>(pk: &'a str, sk: &'a str) -> Binding<'a> {
    Binding {
        pk,
        sk,
        kind: AttachmentFile::SPEC.kind,
        field: "content",
    }
}
