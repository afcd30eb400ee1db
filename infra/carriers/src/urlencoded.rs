//! Bodies and queries of the type `application/x-www-form-urlencoded`, in order and with every repetition: signatures
//! are made over all of them.

use std::fmt;

/// Bytes that a form may have.
pub const LONGEST: usize = 256 * 1024;
/// Fields that a form may have.
pub const MOST_FIELDS: usize = 512;

/// Why bytes are no form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Longer than [`LONGEST`], or with more fields than [`MOST_FIELDS`].
    #[error("the form is larger than what is taken")]
    TooLarge,
    /// A percent sign without two hexadecimal digits.
    #[error("the form has a broken escape")]
    BrokenEscape,
    /// What it says is not UTF-8.
    #[error("the form is not UTF-8")]
    NotUtf8,
}

/// Decoded fields.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fields({})", self.0.len())
    }
}

impl Fields {
    /// Decodes a body or a query.
    ///
    /// # Errors
    /// If it is larger than what is taken, broken, or not UTF-8.
    pub fn decode(form: &[u8]) -> Result<Self, FormError> {
        if form.len() > LONGEST {
            return Err(FormError::TooLarge);
        }
        let mut fields = Vec::new();
        for field in form.split(|b| *b == b'&').filter(|field| !field.is_empty()) {
            if fields.len() == MOST_FIELDS {
                return Err(FormError::TooLarge);
            }
            let mut sides = field.splitn(2, |b| *b == b'=');
            let (name, value) = (sides.next(), sides.next());
            fields.push((
                unescaped(name.unwrap_or_default())?,
                unescaped(value.unwrap_or_default())?,
            ));
        }
        Ok(Self(fields))
    }

    /// The first value under a name, if it is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Every name and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl FromIterator<(String, String)> for Fields {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

/// Writes fields as a form.
pub fn encode<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut form = String::new();
    for (name, value) in fields {
        if !form.is_empty() {
            form.push('&');
        }
        escape(name, &mut form);
        form.push('=');
        escape(value, &mut form);
    }
    form
}

/// Appends a text with everything escaped that is not plainly a letter, a digit or one of `-._~`: right in paths too.
pub fn escape(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push('%');
            into.push_str(&hex::encode_upper([byte]));
        }
    }
}

fn unescaped(part: &[u8]) -> Result<String, FormError> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits =
                    [rest.next(), rest.next()].map(|digit| digit.and_then(|d| char::from(d).to_digit(16)));
                let [Some(high), Some(low)] = digits else {
                    return Err(FormError::BrokenEscape);
                };
                u8::try_from(high * 16 + low).map_err(|_| FormError::BrokenEscape)?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| FormError::NotUtf8)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn fields(form: &str) -> Vec<(String, String)> {
        Fields::decode(form.as_bytes()).unwrap().0
    }

    #[test]
    fn order_repetitions_and_empty_values_are_kept() {
        let expected = [
            ("b", "1"),
            ("a", ""),
            ("b", "2"),
            ("a", ""),
            ("", "x"),
            ("c", "=d"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(fields("b=1&a=&&b=2&a&=x&c==d"), expected);
    }

    #[test]
    fn plus_is_a_space_and_escapes_are_bytes_of_utf_8() {
        assert_eq!(
            fields("Body=a%2Bb+%3d+%F0%9F%98%80"),
            [("Body".to_owned(), "a+b = 😀".to_owned())]
        );
    }

    #[test]
    fn what_is_broken_is_refused_by_name() {
        for (form, error) in [
            ("a=%", FormError::BrokenEscape),
            ("a=%4", FormError::BrokenEscape),
            ("a=%4g", FormError::BrokenEscape),
            ("a=%+1", FormError::BrokenEscape),
            ("a=%FF", FormError::NotUtf8),
            ("%C3=1", FormError::NotUtf8),
        ] {
            assert_eq!(Fields::decode(form.as_bytes()), Err(error), "{form}");
        }
        assert_eq!(Fields::decode(b"a=\xff"), Err(FormError::NotUtf8));
        assert_eq!(Fields::decode(&vec![b'a'; LONGEST + 1]), Err(FormError::TooLarge));
        assert_eq!(
            Fields::decode(&b"a=1&".repeat(MOST_FIELDS + 1)),
            Err(FormError::TooLarge)
        );
        assert!(Fields::decode(&b"a=1&".repeat(MOST_FIELDS)).is_ok());
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(pairs in prop::collection::vec(("\\PC{0,20}", "\\PC{0,20}"), 0..20)) {
            let written = encode(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            // A field without a name and a value leaves nothing to read but its sign.
            prop_assert_eq!(fields(&written), pairs);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Fields::decode(&bytes);
        }
    }
}
