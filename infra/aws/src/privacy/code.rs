//! Confirmation codes: letters and digits that nobody mistakes for another, and that nobody guesses.

use usher_shared::ids::PrivacyRequestId;
use usher_shared::untrusted::KeyedHash;

use crate::platform::Platform;
use crate::scope::TenantScope;
use crate::sealing::{HashPurpose, KeyringError};

/// Crockford's base 32: no `i`, `l`, `o`, `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Length of a code: 100 bits.
pub const CODE_LENGTH: usize = 20;

impl TenantScope {
    /// The code of a request: follows from its id under the tenant's key, and so is stored nowhere.
    pub fn privacy_code(&self, request: PrivacyRequestId) -> String {
        let id = request.to_string();
        let mac = self.key().mac("privacy-code", &[id.as_bytes()]);
        spelled(mac.as_ref())
    }
}

/// A code from bytes that nobody can guess.
fn spelled(bytes: &[u8]) -> String {
    let letter = |byte: &u8| ALPHABET.get(usize::from(byte & 31)).map(|&c| char::from(c));
    bytes.iter().take(CODE_LENGTH).filter_map(letter).collect()
}

impl Platform {
    /// The code of a platform's notice about a person: the same for every delivery of it, and stored nowhere.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn removal_code(&self, person: &str, made_at: i64) -> Result<String, KeyringError> {
        let made_at = made_at.to_be_bytes();
        let mac = self
            .directory_key()
            .await?
            .mac("removal-code", &[person.as_bytes(), &made_at]);
        Ok(spelled(mac.as_ref()))
    }

    /// Hash under which a code stands in the directory.
    pub(crate) async fn privacy_code_hash(&self, code: &str) -> Result<KeyedHash, KeyringError> {
        let key = self.directory_key().await?;
        Ok(key.hash(HashPurpose::PrivacyCode, &[code.as_bytes()]))
    }
}

/// A code as people type it: in capitals, with spaces and hyphens, with an `O` for a zero. `None` if it is none.
pub fn normal_code(text: &str) -> Option<String> {
    if text.len() > 4 * CODE_LENGTH {
        return None;
    }
    let meant = |c: char| match c.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        c => c,
    };
    let code: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '-'))
        .map(meant)
        .collect();
    let is_code = code.len() == CODE_LENGTH && code.bytes().all(|byte| ALPHABET.contains(&byte));
    is_code.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = "0123456789abcdefghjk";
        let table = [
            ("0123456789abcdefghjk", Some(code)),
            ("0123-4567-89AB-CDEF-GHJK", Some(code)),
            (" o1l23456789abcdefghjk", None),
            ("oi23456789abcdefghjk", Some(code)),
            ("0123456789abcdefghj", None),
            ("0123456789abcdefghju", None),
            ("0123456789abcdefgh/k", None),
            ("", None),
            ("é123456789abcdefghjk", None),
        ];
        for (typed, expected) in table {
            assert_eq!(normal_code(typed).as_deref(), expected, "{typed}");
        }
        assert_eq!(normal_code(&"-".repeat(1_000)), None);
    }
}
