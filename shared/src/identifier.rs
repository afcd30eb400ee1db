//! What a person is looked up by: an e-mail address, a phone number, a handle, each in one spelling, so that
//! equal ones hash alike.

use std::fmt;

use crate::lead::as_email;
use crate::model::Profile;

/// An identifier in its one spelling. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub enum Identifier {
    /// An e-mail address in lower case.
    Email(String),
    /// A phone number as `+` and 8 to 15 digits.
    Phone(String),
    /// A platform's public name of a person, in lower case, without `@`.
    Handle(String),
}

/// Why a text is no identifier of its kind. Carries nothing of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdentifier {
    /// Not an e-mail address.
    #[error("must be an e-mail address such as anna@example.com")]
    Email,
    /// Not a phone number.
    #[error("must be a phone number with its country code, such as +15550100199")]
    Phone,
    /// Not a handle.
    #[error("must be 1 to 100 characters without white space")]
    Handle,
}

const HANDLE_CHARACTERS: usize = 100;

impl Identifier {
    /// From an e-mail address, however its letters are cased.
    ///
    /// # Errors
    /// [`InvalidIdentifier::Email`].
    pub fn email(text: &str) -> Result<Self, InvalidIdentifier> {
        let email = as_email(text.trim()).ok_or(InvalidIdentifier::Email)?;
        Ok(Self::Email(email.to_ascii_lowercase()))
    }

    /// From a phone number with a country code, however its digits are grouped.
    ///
    /// # Errors
    /// [`InvalidIdentifier::Phone`].
    pub fn phone(text: &str) -> Result<Self, InvalidIdentifier> {
        let text = text.trim();
        let number = text.strip_prefix('+').or_else(|| text.strip_prefix("00"));
        let number = number.ok_or(InvalidIdentifier::Phone)?;
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let punctuated = number
            .chars()
            .all(|c| c.is_ascii_digit() || " -./()\u{a0}\u{202f}".contains(c));
        if punctuated && (8..=15).contains(&digits.len()) {
            Ok(Self::Phone(format!("+{digits}")))
        } else {
            Err(InvalidIdentifier::Phone)
        }
    }

    /// From a handle, with or without `@` before it.
    ///
    /// # Errors
    /// [`InvalidIdentifier::Handle`].
    pub fn handle(text: &str) -> Result<Self, InvalidIdentifier> {
        let text = text.trim();
        let name = text.trim_start_matches('@').to_lowercase();
        let length = name.chars().count();
        let allowed = |c: char| !c.is_whitespace() && !c.is_control();
        if (1..=HANDLE_CHARACTERS).contains(&length) && name.chars().all(allowed) {
            Ok(Self::Handle(name))
        } else {
            Err(InvalidIdentifier::Handle)
        }
    }

    /// All that a profile holds. What cannot be spelled in the one way is nothing to look up.
    pub fn of(profile: &Profile) -> Vec<Self> {
        [
            profile.email.as_deref().map(Self::email),
            profile.phone.as_deref().map(Self::phone),
            profile.handle.as_deref().map(Self::handle),
        ]
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .collect()
    }

    /// What kind it is: part of what is hashed, so that no two kinds hash alike.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Phone(_) => "phone",
            Self::Handle(_) => "handle",
        }
    }

    /// The text in its one spelling.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(text) | Self::Phone(text) | Self::Handle(text) => text,
        }
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({}, ..)", self.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn identifiers_have_one_spelling() {
        type Parse = fn(&str) -> Result<Identifier, InvalidIdentifier>;
        let table: [(Parse, &str, Option<&str>); 16] = [
            (
                Identifier::email,
                " Anna.Berg@EXAMPLE.com ",
                Some("anna.berg@example.com"),
            ),
            (Identifier::email, "anna.berg@example", None),
            (Identifier::email, "anna berg@example.com", None),
            (Identifier::email, "", None),
            (Identifier::phone, "+1 (555) 010-0199", Some("+15550100199")),
            (Identifier::phone, "001 555 010 0199", Some("+15550100199")),
            (Identifier::phone, "+15550100199", Some("+15550100199")),
            (Identifier::phone, "555 010 0199", None),
            (Identifier::phone, "+1 555 x", None),
            (Identifier::phone, "+1555010", None),
            (Identifier::phone, "+1234567890123456", None),
            (Identifier::handle, "@Anna_Berg", Some("anna_berg")),
            (Identifier::handle, "anna.berg", Some("anna.berg")),
            (Identifier::handle, "@", None),
            (Identifier::handle, "two words", None),
            (Identifier::handle, "", None),
        ];
        for (parse, text, expected) in table {
            let found = parse(text).ok();
            assert_eq!(found.as_ref().map(Identifier::as_str), expected, "{text}");
        }
        assert_eq!(
            format!("{:?}", Identifier::Email("anna@example.com".to_owned())),
            "Identifier(email, ..)"
        );
    }

    proptest! {
        #[test]
        fn a_spelling_is_its_own_spelling(text in "\\PC*") {
            for parse in [Identifier::email, Identifier::phone, Identifier::handle] {
                if let Ok(once) = parse(&text) {
                    prop_assert_eq!(parse(once.as_str()), Ok(once));
                }
            }
        }
    }
}
