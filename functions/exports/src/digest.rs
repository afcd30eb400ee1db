//! SHA-256 that can be written down half-way: another process goes on where this one stopped.

use sha2::Sha256;
use sha2::digest::Digest as _;
use sha2::digest::common::hazmat::{SerializableState, SerializedState};

/// A digest in progress.
#[derive(Clone, Default)]
pub(crate) struct RunningDigest(Sha256);

impl RunningDigest {
    /// Takes more bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes so far, in hexadecimal digits.
    pub(crate) fn finish(&self) -> String {
        hex::encode(self.0.clone().finalize())
    }

    /// The state, in hexadecimal digits. It holds up to 63 bytes of what was digested: seal it.
    pub(crate) fn state(&self) -> String {
        hex::encode(self.0.serialize())
    }

    /// Goes on from a state; `None` if the text is none.
    pub(crate) fn resume(state: &str) -> Option<Self> {
        let bytes = hex::decode(state).ok()?;
        let state = SerializedState::<Sha256>::try_from(bytes.as_slice()).ok()?;
        Sha256::deserialize(&state).ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_digest_is_sha_256() {
        let mut digest = RunningDigest::default();
        digest.update(b"abc");
        assert_eq!(
            digest.finish(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert!(RunningDigest::resume("00").is_none() && RunningDigest::resume("no").is_none());
    }

    proptest! {
        #[test]
        fn a_digest_goes_on_where_it_was_written_down(first in any::<Vec<u8>>(), second in any::<Vec<u8>>()) {
            let mut whole = RunningDigest::default();
            whole.update(&first);
            let mut resumed = RunningDigest::resume(&whole.state()).unwrap();
            whole.update(&second);
            resumed.update(&second);
            prop_assert_eq!(whole.finish(), resumed.finish());
        }
    }
}
