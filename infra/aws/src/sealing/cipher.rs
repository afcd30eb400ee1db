//! The cipher: typed data keys, what a ciphertext is bound to, keyed hashes.

use std::fmt;
use std::marker::PhantomData;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use usher_shared::Entropy;
use usher_shared::record::{KeyKind, key};
use usher_shared::untrusted::KeyedHash;
use zeroize::Zeroizing;

/// First byte of every ciphertext: which cipher and layout.
const VERSION: u8 = 1;
/// As [`VERSION`], of a plaintext that was deflated first.
const VERSION_DEFLATED: u8 = 2;
/// Shorter texts do not shrink.
const WORTH_DEFLATING: usize = 200;
/// Best compression for the time: higher levels gain nothing on a few KiB.
const DEFLATE_LEVEL: u8 = 6;
/// No field is larger: an item holds 400 KiB.
const LARGEST_PLAIN: usize = 8 * 1024 * 1024;
const KEY_LENGTH: usize = 32;

/// Why something could not be sealed or unsealed. Says nothing of keys or content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealingError {
    /// The ciphertext is not ours, was altered, or is bound to another place.
    #[error("ciphertext does not open under this key and binding")]
    DoesNotOpen,
    /// The cipher refused to work; never seen with keys of the right length.
    #[error("the cipher refused")]
    Cipher,
}

/// What a ciphertext is bound to, as associated data: moved to another tenant, record or field it does not
/// open.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// Partition key of the row, which starts with the tenant's id.
    pub pk: &'a str,
    /// Sort key of the row.
    pub sk: &'a str,
    /// Kind of the record.
    pub kind: &'a str,
    /// The sealed field.
    pub field: &'a str,
}

impl Binding<'_> {
    /// The layout is bound too: a text that was deflated is never taken for one that was not.
    fn bytes_of(self, version: u8, key_kind: &str) -> Vec<u8> {
        let usher = if version == VERSION {
            "usher"
        } else {
            "usher-deflated"
        };
        // No part can hold a line feed: keys and names are labels. So no two bindings print alike.
        format!(
            "{usher}\n{key_kind}\n{}\n{}\n{}\n{}",
            self.pk, self.sk, self.kind, self.field
        )
        .into_bytes()
    }
}

/// A 256-bit key of one kind. Zeroed when dropped, never shown.
pub struct DataKey<K> {
    bytes: Zeroizing<[u8; KEY_LENGTH]>,
    kind: PhantomData<fn() -> K>,
}

impl<K> Clone for DataKey<K> {
    fn clone(&self) -> Self {
        Self {
            bytes: self.bytes.clone(),
            kind: PhantomData,
        }
    }
}

impl<K> fmt::Debug for DataKey<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

impl DataKey<key::Unsealed> {
    /// For records without sealed fields: a key that seals nothing.
    pub fn none() -> Self {
        Self {
            bytes: Zeroizing::new([0; KEY_LENGTH]),
            kind: PhantomData,
        }
    }
}

impl<K: KeyKind> DataKey<K> {
    /// A fresh key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_LENGTH]);
        entropy.fill(bytes.as_mut());
        Self {
            bytes,
            kind: PhantomData,
        }
    }

    /// From plain bytes, as KMS hands them out.
    ///
    /// # Errors
    /// [`SealingError::Cipher`] if there are not exactly 32.
    pub fn from_bytes(plain: &[u8]) -> Result<Self, SealingError> {
        let bytes = Zeroizing::new(<[u8; KEY_LENGTH]>::try_from(plain).map_err(|_| SealingError::Cipher)?);
        Ok(Self {
            bytes,
            kind: PhantomData,
        })
    }

    /// The key's bytes, for what is no cipher: a private key to sign with, from which they are all there is.
    pub(crate) fn seed(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// Encrypts `plain`: version byte, nonce, ciphertext, tag; at most 29 bytes longer than `plain`, which is
    /// deflated where that makes it shorter.
    ///
    /// # Errors
    /// [`SealingError::Cipher`] if the cipher refuses.
    pub fn seal(
        &self,
        entropy: &dyn Entropy,
        binding: Binding<'_>,
        plain: &[u8],
    ) -> Result<Vec<u8>, SealingError> {
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        let (version, mut body) = packed(plain);
        let aad = Aad::from(binding.bytes_of(version, K::NAME));
        self.cipher()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut body)
            .map_err(|_| SealingError::Cipher)?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + body.len());
        sealed.push(version);
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut body);
        Ok(sealed)
    }

    /// As [`Self::seal`], but of a file: never deflated, and in place, for there may be megabytes of it. Opened by
    /// [`Self::open`].
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn seal_file(
        &self,
        entropy: &dyn Entropy,
        binding: Binding<'_>,
        plain: Vec<u8>,
    ) -> Result<Vec<u8>, SealingError> {
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        let mut body = plain;
        body.reserve_exact(1 + NONCE_LEN + AES_256_GCM.tag_len());
        let aad = Aad::from(binding.bytes_of(VERSION, K::NAME));
        self.cipher()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut body)
            .map_err(|_| SealingError::Cipher)?;
        body.splice(0..0, std::iter::once(VERSION).chain(nonce));
        Ok(body)
    }

    /// Decrypts what [`Self::seal`] made under the same binding.
    ///
    /// # Errors
    /// [`SealingError::DoesNotOpen`] for anything else.
    pub fn open(&self, binding: Binding<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealingError> {
        let does_not_open = SealingError::DoesNotOpen;
        let (&version, rest) = sealed.split_first().ok_or(does_not_open)?;
        let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or(does_not_open)?;
        if version != VERSION && version != VERSION_DEFLATED {
            return Err(does_not_open);
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| does_not_open)?;
        let mut body = body.to_vec();
        let aad = Aad::from(binding.bytes_of(version, K::NAME));
        let length = self
            .cipher()?
            .open_in_place(nonce, aad, &mut body)
            .map_err(|_| does_not_open)?
            .len();
        body.truncate(length);
        if version == VERSION {
            return Ok(body);
        }
        let body = Zeroizing::new(body);
        decompress_to_vec_with_limit(&body, LARGEST_PLAIN).map_err(|_| does_not_open)
    }

    /// Encrypts another key under this one.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn wrap<C: KeyKind>(
        &self,
        entropy: &dyn Entropy,
        binding: Binding<'_>,
        child: &DataKey<C>,
    ) -> Result<Vec<u8>, SealingError> {
        self.seal(entropy, binding, child.bytes.as_ref())
    }

    /// Decrypts a key that [`Self::wrap`] encrypted.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn unwrap_key<C: KeyKind>(
        &self,
        binding: Binding<'_>,
        wrapped: &[u8],
    ) -> Result<DataKey<C>, SealingError> {
        let plain = Zeroizing::new(self.open(binding, wrapped)?);
        DataKey::from_bytes(&plain)
    }

    /// A key for one purpose, derived from this one: HMAC-SHA256 of the purpose's name.
    pub(crate) fn derive<C: KeyKind>(&self, purpose: &str) -> DataKey<C> {
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, self.bytes.as_ref()),
            purpose.as_bytes(),
        );
        let mut bytes = Zeroizing::new([0; KEY_LENGTH]);
        bytes
            .iter_mut()
            .zip(tag.as_ref())
            .for_each(|(to, from)| *to = *from);
        DataKey {
            bytes,
            kind: PhantomData,
        }
    }

    /// A pseudonym of `parts` under this key. Parts are length-prefixed: no two lists hash alike.
    pub fn hash(&self, purpose: HashPurpose, parts: &[&[u8]]) -> KeyedHash {
        let tag = self.mac(purpose.name(), parts);
        let mut bytes = [0; 16];
        bytes
            .iter_mut()
            .zip(tag.as_ref())
            .for_each(|(to, from)| *to = *from);
        KeyedHash::from_bytes(bytes)
    }

    /// Full HMAC-SHA256 of `parts`, for tokens.
    pub fn mac(&self, purpose: &str, parts: &[&[u8]]) -> impl AsRef<[u8]> + use<K> {
        hmac::sign(&self.hmac_key(), &framed(purpose, parts))
    }

    /// Whether `tag` is [`Self::mac`] of `parts`; in constant time.
    pub fn verify(&self, purpose: &str, parts: &[&[u8]], tag: &[u8]) -> bool {
        hmac::verify(&self.hmac_key(), &framed(purpose, parts), tag).is_ok()
    }

    fn hmac_key(&self) -> hmac::Key {
        // Never the encryption key itself: one key, one purpose.
        let derived: DataKey<K> = self.derive("hash");
        hmac::Key::new(hmac::HMAC_SHA256, derived.bytes.as_ref())
    }

    fn cipher(&self) -> Result<LessSafeKey, SealingError> {
        UnboundKey::new(&AES_256_GCM, self.bytes.as_ref())
            .map(LessSafeKey::new)
            .map_err(|_| SealingError::Cipher)
    }
}

/// What is encrypted for `plain`, and the layout that says so.
fn packed(plain: &[u8]) -> (u8, Vec<u8>) {
    if plain.len() >= WORTH_DEFLATING {
        let deflated = compress_to_vec(plain, DEFLATE_LEVEL);
        if deflated.len() < plain.len() {
            return (VERSION_DEFLATED, deflated);
        }
    }
    (VERSION, plain.to_vec())
}

fn framed(purpose: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in std::iter::once(&purpose.as_bytes()).chain(parts) {
        bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// What a keyed hash is for: hashes of one text for two purposes have nothing in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashPurpose {
    /// An address on a channel.
    ContactAddress,
    /// A channel's own id of an event.
    ChannelEvent,
    /// The public address of a channel.
    ChannelAddress,
    /// The secret of an API key.
    ApiKey,
    /// An idempotency key with its route.
    IdempotentRequest,
    /// The body of an idempotent request.
    RequestBody,
    /// An entity derived from another.
    Derived,
    /// An e-mail address, phone number or handle of a person.
    Identifier,
    /// Who asks, for a rate limit.
    RateSender,
    /// The token of a download link.
    DownloadToken,
    /// A carrier's id of a message of ours.
    CarrierMessage,
    /// An address that gets nothing more.
    Suppression,
    /// A person's grant at a platform.
    Grant,
    /// The confirmation code of a request of privacy.
    PrivacyCode,
}

impl HashPurpose {
    const fn name(self) -> &'static str {
        match self {
            Self::ContactAddress => "contact-address",
            Self::ChannelEvent => "channel-event",
            Self::ChannelAddress => "channel-address",
            Self::ApiKey => "api-key",
            Self::IdempotentRequest => "idempotent-request",
            Self::RequestBody => "request-body",
            Self::Derived => "derived",
            Self::Identifier => "identifier",
            Self::RateSender => "rate-sender",
            Self::DownloadToken => "download-token",
            Self::CarrierMessage => "carrier-message",
            Self::Suppression => "suppression",
            Self::Grant => "grant",
            Self::PrivacyCode => "privacy-code",
        }
    }
}

#[cfg(test)]
mod tests;
