//! Receipts of what was done for somebody: signed, so that whoever has one can show it to anybody, and anybody can check
//! it without asking us. A receipt is a JSON Web Signature in its flattened JSON form (RFC 7515) by Ed25519 (RFC 8037),
//! which many libraries check, with the same content once more in the clear for people.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use usher_shared::record::key;

use crate::platform::Platform;
use crate::sealing::{DataKey, KeyringError, SealingError, kms_context, purpose, unwrap_by_kms};
use crate::store::{StoreError, keys};

/// What a receipt says it is: a signature over anything else is no receipt.
const TYPE: &str = "usher-receipt+jws";

/// A signed receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedReceipt {
    /// What was done, as it is signed.
    pub receipt: Value,
    /// The same in base64url: these bytes are what the signature is over.
    pub payload: String,
    /// How it is signed and by which key, in base64url.
    pub protected: String,
    /// The signature, in base64url.
    pub signature: String,
}

/// Public keys, as a JSON Web Key Set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptKeys {
    /// The keys.
    pub keys: Vec<ReceiptKey>,
}

/// One public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptKey {
    /// Always `OKP`.
    pub kty: String,
    /// Always `Ed25519`.
    pub crv: String,
    /// Always `EdDSA`.
    pub alg: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// Name of the key: the hash of it.
    pub kid: String,
    /// The key, in base64url.
    pub x: String,
}

/// Why a receipt is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotGenuine {
    /// It is no receipt.
    #[error("the file is not a receipt")]
    NoReceipt,
    /// None of the keys is named in it.
    #[error("it is signed by a key that is not among the given ones")]
    UnknownKey,
    /// It was changed, or not signed by that key.
    #[error("the signature does not fit: the receipt was changed, or is not ours")]
    Signature,
    /// What people read is not what was signed.
    #[error("what it says in the clear is not what was signed")]
    Altered,
}

/// Signs receipts.
pub struct Signer(Ed25519KeyPair);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(..)")
    }
}

impl Signer {
    /// From the 32 bytes of a private key.
    ///
    /// # Errors
    /// [`SealingError::Cipher`] if they are none.
    pub fn from_seed(seed: &[u8]) -> Result<Self, SealingError> {
        Ed25519KeyPair::from_seed_unchecked(seed)
            .map(Self)
            .map_err(|_| SealingError::Cipher)
    }

    /// The public keys that check what this signs.
    pub fn keys(&self) -> ReceiptKeys {
        let public = self.0.public_key().as_ref();
        ReceiptKeys {
            keys: vec![ReceiptKey {
                kty: "OKP".to_owned(),
                crv: "Ed25519".to_owned(),
                alg: "EdDSA".to_owned(),
                usage: "sig".to_owned(),
                kid: kid(public),
                x: encode(public),
            }],
        }
    }

    /// Signs a receipt. The same receipt has the same signature, always.
    pub fn sign(&self, receipt: Value) -> SignedReceipt {
        let header = json!({"alg": "EdDSA", "kid": kid(self.0.public_key().as_ref()), "typ": TYPE});
        let protected = encode(header.to_string().as_bytes());
        let payload = encode(receipt.to_string().as_bytes());
        let signature = self.0.sign(format!("{protected}.{payload}").as_bytes());
        SignedReceipt {
            receipt,
            payload,
            protected,
            signature: encode(signature.as_ref()),
        }
    }
}

/// Checks a receipt by public keys alone, and gives back what was signed.
///
/// # Errors
/// [`NotGenuine`].
pub fn verify(signed: &SignedReceipt, keys: &ReceiptKeys) -> Result<Value, NotGenuine> {
    let header = decode(&signed.protected).ok_or(NotGenuine::NoReceipt)?;
    let header: Value = serde_json::from_slice(&header).map_err(|_| NotGenuine::NoReceipt)?;
    // What the header says is believed only to choose the key, never the algorithm.
    if header.get("alg") != Some(&json!("EdDSA")) || header.get("typ") != Some(&json!(TYPE)) {
        return Err(NotGenuine::NoReceipt);
    }
    let named = header
        .get("kid")
        .and_then(Value::as_str)
        .ok_or(NotGenuine::NoReceipt)?;
    let key = keys
        .keys
        .iter()
        .find(|key| key.kid == named && key.crv == "Ed25519");
    let public = key.and_then(|key| decode(&key.x)).ok_or(NotGenuine::UnknownKey)?;
    let signature = decode(&signed.signature).ok_or(NotGenuine::Signature)?;
    let input = format!("{}.{}", signed.protected, signed.payload);
    UnparsedPublicKey::new(&ED25519, &public)
        .verify(input.as_bytes(), &signature)
        .map_err(|_| NotGenuine::Signature)?;
    let payload = decode(&signed.payload).ok_or(NotGenuine::NoReceipt)?;
    let receipt: Value = serde_json::from_slice(&payload).map_err(|_| NotGenuine::NoReceipt)?;
    if receipt != signed.receipt {
        return Err(NotGenuine::Altered);
    }
    Ok(receipt)
}

impl Platform {
    /// What signs receipts; unwrapped by KMS at the first one and kept while the instance is warm.
    ///
    /// # Errors
    /// [`KeyringError`], also if the operator has not made the key.
    pub async fn receipt_signer(&self) -> Result<&Signer, KeyringError> {
        self.serving().await?;
        self.receipt_signer
            .get_or_try_init(|| async {
                let row = keys::receipt_key();
                let wrapped = self.platform_store().get(&row, &DataKey::none(), true).await?;
                let wrapped = wrapped.ok_or_else(|| StoreError::Database {
                    operation: "GetItem",
                    code: "ReceiptKeyMissing".to_owned(),
                })?;
                let context = kms_context(purpose::RECEIPTS, None);
                let seed: DataKey<key::Platform> =
                    unwrap_by_kms(&self.clients.kms, &self.kms_key, &wrapped, context).await?;
                Ok(Signer::from_seed(seed.seed())?)
            })
            .await
    }
}

fn kid(public: &[u8]) -> String {
    encode(digest(&SHA256, public).as_ref())
        .chars()
        .take(22)
        .collect()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// The private key of RFC 8032, test 1, and RFC 8037, appendix A.
    const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

    fn signer() -> Signer {
        Signer::from_seed(&hex::decode(SEED).unwrap()).unwrap()
    }

    #[test]
    fn the_public_key_is_the_one_of_rfc_8037() {
        let keys = signer().keys();
        let key = keys.keys.first().unwrap();
        assert_eq!(key.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(
            (key.kty.as_str(), key.crv.as_str(), key.alg.as_str()),
            ("OKP", "Ed25519", "EdDSA")
        );
    }

    #[test]
    fn a_signature_is_the_one_of_rfc_8037() {
        // Appendix A.4 signs this header and this payload with this key.
        let input = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature =
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        assert_eq!(encode(signer().0.sign(input).as_ref()), signature);
    }

    #[test]
    fn a_receipt_is_believed_as_it_is_and_with_no_byte_changed() {
        let ours = signer();
        let receipt = json!({"request": "preq_1", "counts": {"rows": 7}, "stays": []});
        let signed = ours.sign(receipt.clone());
        assert_eq!(verify(&signed, &ours.keys()), Ok(receipt));
        assert_eq!(ours.sign(signed.receipt.clone()), signed, "always the same");
        let text = serde_json::to_string(&signed).unwrap();
        let mut refused = 0;
        for position in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            let byte = bytes.get_mut(position).unwrap();
            *byte = if *byte == b'x' { b'y' } else { b'x' };
            // What is no JSON any more is no receipt either.
            let changed = serde_json::from_slice::<SignedReceipt>(&bytes);
            let genuine = changed.is_ok_and(|changed| verify(&changed, &ours.keys()).is_ok());
            assert!(!genuine, "byte {position} was changed");
            refused += 1;
        }
        assert_eq!(refused, text.len());
    }

    #[test]
    fn another_key_or_another_algorithm_is_not_believed() {
        let signed = signer().sign(json!({"request": "preq_1"}));
        let other = Signer::from_seed(&[7; 32]).unwrap();
        assert_eq!(verify(&signed, &other.keys()), Err(NotGenuine::UnknownKey));
        let mut passed_off = other.keys();
        passed_off
            .keys
            .iter_mut()
            .for_each(|key| key.kid = kid(signer().0.public_key().as_ref()));
        assert_eq!(verify(&signed, &passed_off), Err(NotGenuine::Signature));
        for header in [
            json!({"alg": "none", "typ": TYPE}),
            json!({"alg": "HS256", "kid": "x", "typ": TYPE}),
            json!({"alg": "EdDSA", "kid": "x"}),
        ] {
            let forged = SignedReceipt {
                protected: encode(header.to_string().as_bytes()),
                ..signed.clone()
            };
            assert_eq!(
                verify(&forged, &signer().keys()),
                Err(NotGenuine::NoReceipt),
                "{header}"
            );
        }
    }

    #[test]
    fn what_people_read_is_what_was_signed() {
        let mut signed = signer().sign(json!({"rows": 7}));
        signed.receipt = json!({"rows": 8});
        assert_eq!(verify(&signed, &signer().keys()), Err(NotGenuine::Altered));
    }
}
