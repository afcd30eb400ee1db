//! What a person volunteers about themselves in a message: e-mail address, phone number, name.

use serde::{Deserialize, Serialize};

use crate::ids::ApiKeyId;
use crate::model::Profile;
use crate::record::NotPersonal;
use crate::time::Timestamp;
use crate::untrusted::KeyedHash;

/// What a person of the business corrected in a profile: where it is from, as everything else in it is from messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// When.
    pub at: Timestamp,
    /// By the holder of which API key.
    pub by: ApiKeyId,
    /// Which fields are as the person set them.
    pub fields: Vec<ProfileField>,
    /// Hashes of what it said before. A message that is read once more does not bring back what was wrong.
    pub replaced: Vec<KeyedHash>,
}

impl NotPersonal for Correction {}

/// A field of a profile that can be corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileField {
    /// The name.
    Name,
    /// The e-mail address.
    Email,
    /// The phone number.
    Phone,
}

impl ProfileField {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Name, Self::Email, Self::Phone];

    /// The field of a profile.
    pub const fn of(self, profile: &mut Profile) -> &mut Option<String> {
        match self {
            Self::Name => &mut profile.name,
            Self::Email => &mut profile.email,
            Self::Phone => &mut profile.phone,
        }
    }
}

/// Hashes of replaced values that one profile remembers.
pub const MOST_REPLACED: usize = 20;

/// Reads what `text` volunteers. Finds only what is unmistakable: a date or a price is no phone number.
pub fn volunteered(text: &str) -> Profile {
    Profile {
        name: name(text),
        email: email(text),
        phone: phone(text),
        handle: None,
    }
}

fn email(text: &str) -> Option<String> {
    text.split(|c: char| c.is_whitespace() || "<>()[],;\"'".contains(c))
        .find_map(|word| {
            let word = word.trim_matches(|c: char| ".:!?".contains(c));
            as_email(word.strip_prefix("mailto:").unwrap_or(word))
        })
}

/// The e-mail address that `word` is, with its domain in lower case.
pub(crate) fn as_email(word: &str) -> Option<String> {
    let (local, domain) = word.split_once('@')?;
    let local_ok = !local.is_empty()
        && local.len() <= 64
        && local
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".!#$%&*+/=?^_{|}~-".contains(c));
    let labels: Vec<&str> = domain.split('.').collect();
    let domain_ok = labels.len() >= 2
        && domain.len() <= 253
        && labels
            .iter()
            .all(|l| !l.is_empty() && l.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
        && labels
            .last()
            .is_some_and(|top| top.len() >= 2 && top.chars().all(|c| c.is_ascii_alphabetic()));
    (local_ok && domain_ok).then(|| format!("{local}@{}", domain.to_ascii_lowercase()))
}

/// A number with a country code (`+` or `00`, 8 to 15 digits), as `+` and digits. Without a country code
/// a run of digits may be an order number, a date or a budget.
fn phone(text: &str) -> Option<String> {
    let starts = text.char_indices().filter(|&(at, c)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let fresh = before.is_none_or(|c| !c.is_alphanumeric() && c != '+');
        fresh && (c == '+' || text.get(at..).is_some_and(|t| t.starts_with("00")))
    });
    for (at, _) in starts {
        let rest = text.get(at..).unwrap_or_default();
        let rest = rest
            .strip_prefix('+')
            .or_else(|| rest.strip_prefix("00"))
            .unwrap_or_default();
        let mut digits = String::new();
        let mut gap = 0;
        for c in rest.chars() {
            match c {
                '0'..='9' => {
                    digits.push(c);
                    gap = 0;
                }
                ' ' | '-' | '.' | '/' | '(' | ')' if gap < 2 => gap += 1,
                _ => break,
            }
        }
        if (8..=15).contains(&digits.len()) {
            return Some(format!("+{digits}"));
        }
    }
    None
}

/// What follows "my name is", as one to three words that start with a capital.
fn name(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    // Lower-casing may change the length of some letters; then positions no longer agree and nothing is read.
    if lower.len() != text.len() {
        return None;
    }
    let at = ["my name is ", "my name's ", "i am called "]
        .iter()
        .find_map(|p| lower.find(p).map(|at| at + p.len()))?;
    let words: Vec<&str> = text
        .get(at..)?
        .split_inclusive(|c: char| c.is_whitespace() || ",.;!?".contains(c))
        .scan(false, |ended, word| {
            if *ended {
                return None;
            }
            *ended = word.ends_with(|c: char| ",.;!?".contains(c));
            Some(word.trim_end_matches(|c: char| c.is_whitespace() || ",.;!?".contains(c)))
        })
        .take_while(|word| {
            word.chars().next().is_some_and(char::is_uppercase)
                && word.chars().all(|c| c.is_alphabetic() || c == '-' || c == '\'')
        })
        .take(3)
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Found = (Option<&'static str>, Option<&'static str>, Option<&'static str>);

    #[test]
    fn finds_what_is_unmistakable() {
        let table: [(&str, Found); 12] = [
            (
                "My name is Anna Berg, write to anna.berg@example.com.",
                (Some("Anna Berg"), Some("anna.berg@example.com"), None),
            ),
            (
                "call +1 (555) 010-0199 please",
                (None, None, Some("+15550100199")),
            ),
            ("0039 055 0100 123", (None, None, Some("+390550100123"))),
            (
                "we are 120 guests on 12.06.2027, budget 15000",
                (None, None, None),
            ),
            ("order 100200300400", (None, None, None)),
            ("price is 1,200 + 300", (None, None, None)),
            ("mailto:bo@example.org", (None, Some("bo@example.org"), None)),
            ("<Jo@EXAMPLE.com>", (None, Some("Jo@example.com"), None)),
            ("me@localhost", (None, None, None)),
            ("my name is not important", (None, None, None)),
            ("my name's Jean-Luc. See you", (Some("Jean-Luc"), None, None)),
            ("", (None, None, None)),
        ];
        for (text, expected) in table {
            let found = volunteered(text);
            let found = (
                found.name.as_deref(),
                found.email.as_deref(),
                found.phone.as_deref(),
            );
            assert_eq!(found, expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(?s).*") {
            let _ = volunteered(&text);
        }
    }
}
