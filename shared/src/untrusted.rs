//! Newtypes for texts that come from outside or go into keys: parsed once, then trusted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::record::NotPersonal;

/// Why a text was refused. Carries nothing of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Not a label.
    #[error("must be 1 to 128 characters from A-Z a-z 0-9 . _ : # ~ / -")]
    Label,
    /// Not an origin.
    #[error("must be an origin such as https://www.example.com, without a path")]
    Origin,
    /// Not a keyed hash.
    #[error("must be 32 hexadecimal digits")]
    KeyedHash,
    /// Not hexadecimal.
    #[error("must be hexadecimal digits in pairs")]
    WrappedBytes,
}

macro_rules! as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl NotPersonal for $name {}
    };
}

/// A short machine word: the name of a model, a flag, an id of another entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(String);

impl Label {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The label nearest to a text: `_` for every character that a label cannot have, and no more than fits. For
    /// names that others chose.
    #[must_use]
    pub fn near(text: &str) -> Self {
        let plain = |c: char| if is_plain(c) { c } else { '_' };
        let near: String = text.chars().map(plain).take(LONGEST_LABEL).collect();
        Self(if near.is_empty() { "_".to_owned() } else { near })
    }
}

/// Characters of a label.
const LONGEST_LABEL: usize = 128;

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._:#~/-".contains(c)
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Label {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        if text.is_empty() || text.len() > LONGEST_LABEL || !text.chars().all(is_plain) {
            return Err(InvalidText::Label);
        }
        Ok(Self(text.to_owned()))
    }
}

as_text!(Label);

/// The origin of a web page: scheme, host and port, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

impl Origin {
    /// The text, as browsers send it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let text = text.to_ascii_lowercase();
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"));
        let authority = rest.filter(|rest| rest.len() <= 253).ok_or(InvalidText::Origin)?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let host_is_valid = !host.is_empty()
            && host
                .split('.')
                .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        let port_is_valid = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
        if host_is_valid && port_is_valid {
            Ok(Self(text))
        } else {
            Err(InvalidText::Origin)
        }
    }
}

as_text!(Origin);

/// A pseudonym: 128 bits of an HMAC. Equal inputs under one key give equal hashes; without the key it
/// says nothing about the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyedHash(u128);

impl KeyedHash {
    /// From the first 16 bytes of an HMAC.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// The first ten bytes, for ids that are derived from a hash.
    pub fn tail(self) -> [u8; 10] {
        let mut tail = [0; 10];
        for (to, from) in tail.iter_mut().zip(self.0.to_be_bytes()) {
            *to = from;
        }
        tail
    }
}

impl fmt::Display for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for KeyedHash {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        if text.len() != 32
            || !text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        {
            return Err(InvalidText::KeyedHash);
        }
        u128::from_str_radix(text, 16)
            .map(Self)
            .map_err(|_| InvalidText::KeyedHash)
    }
}

as_text!(KeyedHash);

/// A wrapped data key: ciphertext, safe to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedBytes(pub Vec<u8>);

impl fmt::Display for WrappedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in &self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for WrappedBytes {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        if !text.len().is_multiple_of(2) || !text.is_ascii() {
            return Err(InvalidText::WrappedBytes);
        }
        let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let byte = |pair: &[u8]| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        };
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
        bytes.map(Self).ok_or(InvalidText::WrappedBytes)
    }
}

as_text!(WrappedBytes);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn origins_are_hosts_without_paths() {
        for good in [
            "https://www.example.com",
            "http://localhost:8080",
            "https://EXAMPLE.com",
        ] {
            assert!(good.parse::<Origin>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "https://",
            "https://a/b",
            "ftp://a",
            "https://a:0",
            "https://a b",
            "null",
            "https://a..b",
        ] {
            assert_eq!(bad.parse::<Origin>(), Err(InvalidText::Origin), "{bad}");
        }
    }

    #[test]
    fn labels_refuse_what_a_person_might_type() {
        for bad in ["", "two words", "åse", "a@b.c", "+15550100", "x\n"] {
            assert_eq!(bad.parse::<Label>(), Err(InvalidText::Label), "{bad}");
            assert!(Label::near(bad).as_str().parse::<Label>().is_ok(), "{bad}");
        }
        assert_eq!(Label::near("gpt-6.1 (beta)").as_str(), "gpt-6.1__beta_");
        assert_eq!(Label::near(&"å".repeat(200)).as_str().len(), 128);
    }

    proptest! {
        #[test]
        fn keyed_hashes_and_wrapped_bytes_survive_being_printed(hash in any::<[u8; 16]>(), bytes in any::<Vec<u8>>()) {
            let hash = KeyedHash::from_bytes(hash);
            prop_assert_eq!(hash.to_string().parse::<KeyedHash>().unwrap(), hash);
            let wrapped = WrappedBytes(bytes);
            prop_assert_eq!(wrapped.to_string().parse::<WrappedBytes>().unwrap(), wrapped);
        }

        #[test]
        fn no_text_makes_a_parser_panic(text in ".*") {
            let _ = (text.parse::<Label>(), text.parse::<Origin>(), text.parse::<KeyedHash>(), text.parse::<WrappedBytes>());
        }
    }
}
