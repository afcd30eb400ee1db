//! What people can be after, as a tenant has it: names, and words that tell them. A model may choose from the names
//! alone, and so may whoever corrects a lead; what a lead was given stays, also when its name goes from the list.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::record::NotPersonal;
use crate::untrusted::Label;

/// Intents of one list.
pub const MOST_INTENTS: usize = 30;
/// Words of one intent.
pub const MOST_WORDS: usize = 30;
/// Letters of a name.
const LONGEST_NAME: usize = 40;
/// Letters of a word.
const LONGEST_WORD: usize = 30;

/// One thing that people can be after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    name: Label,
    words: Vec<String>,
}

/// A tenant's list. What comes first decides first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Intents(Vec<Intent>);

impl NotPersonal for Intents {}

/// Why a list is none. Carries nothing of it but the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIntents {
    /// Too many.
    #[error("must be at most {MOST_INTENTS}")]
    Count,
    /// The name at this place.
    #[error("must be 1 to {LONGEST_NAME} letters of a to z and _, and no other's name")]
    Name(usize),
    /// The words at this place.
    #[error("must be at most {MOST_WORDS} words of 2 to {LONGEST_WORD} letters each")]
    Words(usize),
}

impl Default for Intents {
    /// What there is where a tenant has no list of its own.
    fn default() -> Self {
        let intent = |name: &str, words: &str| Intent {
            name: Label::near(name),
            words: words.split_whitespace().map(str::to_owned).collect(),
        };
        Self(vec![
            intent(
                "booking_request",
                "book booking reserve reservation available availability visit tour",
            ),
            intent(
                "pricing_inquiry",
                "price prices pricing cost costs fee deposit much rate rates",
            ),
            intent(
                "menu_inquiry",
                "menu menus vegan vegetarian gluten allergy wine dinner catering",
            ),
        ])
    }
}

impl Intents {
    /// A list of names with their words. Neither has room for a number or an address: a list stands in the open.
    ///
    /// # Errors
    /// [`InvalidIntents`].
    pub fn new(list: Vec<(String, Vec<String>)>) -> Result<Self, InvalidIntents> {
        if list.len() > MOST_INTENTS {
            return Err(InvalidIntents::Count);
        }
        let mut names = BTreeSet::new();
        let mut intents = Vec::new();
        for (place, (name, words)) in list.into_iter().enumerate() {
            let plain = |c: char| c.is_ascii_lowercase() || c == '_';
            let fits = name.len() <= LONGEST_NAME && name.chars().all(plain) && names.insert(name.clone());
            let name = name.parse::<Label>().ok().filter(|_| fits);
            let name = name.ok_or(InvalidIntents::Name(place))?;
            let words: Vec<String> = words.iter().map(|word| word.trim().to_lowercase()).collect();
            let is_word = |word: &String| {
                (2..=LONGEST_WORD).contains(&word.chars().count()) && word.chars().all(char::is_alphabetic)
            };
            if words.len() > MOST_WORDS || !words.iter().all(is_word) {
                return Err(InvalidIntents::Words(place));
            }
            intents.push(Intent { name, words });
        }
        Ok(Self(intents))
    }

    /// The names with their words, in their order.
    pub fn list(&self) -> impl Iterator<Item = (&Label, &[String])> {
        self.0
            .iter()
            .map(|intent| (&intent.name, intent.words.as_slice()))
    }

    /// The names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|intent| intent.name.as_str())
    }

    /// Whether a name is on the list.
    pub fn knows(&self, name: &Label) -> bool {
        self.0.iter().any(|intent| intent.name == *name)
    }

    /// The first intent of which a text has a word.
    pub fn told_by(&self, text: &str) -> Option<&Label> {
        let lower = text.to_lowercase();
        let words: BTreeSet<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
        let told = |intent: &&Intent| intent.words.iter().any(|word| words.contains(word.as_str()));
        self.0.iter().find(told).map(|intent| &intent.name)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn list(name: &str, words: &[&str]) -> Result<Intents, InvalidIntents> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Intents::new(vec![(name.to_owned(), words)])
    }

    #[test]
    fn what_comes_first_decides_and_words_are_whole_words_in_any_case() {
        let own = Intents::new(vec![
            (
                "repair".to_owned(),
                vec!["Reparatur".to_owned(), "kaputt".to_owned()],
            ),
            ("price".to_owned(), vec!["kostet".to_owned()]),
        ]);
        let own = own.unwrap();
        for (text, name) in [
            ("Was KOSTET die Reparatur?", Some("repair")),
            ("Was kostet ein Schlauch?", Some("price")),
            ("Reparaturen", None),
            ("", None),
        ] {
            assert_eq!(own.told_by(text).map(Label::as_str), name, "{text}");
        }
        let built_in = Intents::default();
        assert_eq!(
            built_in.told_by("How much is it?").unwrap().as_str(),
            "pricing_inquiry"
        );
        assert!(
            built_in
                .names()
                .eq(["booking_request", "pricing_inquiry", "menu_inquiry"])
        );
        let again = built_in
            .list()
            .map(|(name, words)| (name.to_string(), words.to_vec()));
        assert_eq!(Intents::new(again.collect()), Ok(built_in));
    }

    #[test]
    fn a_list_has_no_room_for_a_number_or_an_address() {
        let long = "a".repeat(LONGEST_NAME + 1);
        for name in [
            "",
            "Repair",
            "anna@example.com",
            "call_5550100199",
            "two words",
            &long,
        ] {
            assert_eq!(list(name, &[]), Err(InvalidIntents::Name(0)), "{name}");
        }
        let long = "a".repeat(LONGEST_WORD + 1);
        for word in ["", "x", "two words", "+15550100199", "a@b", &long] {
            assert_eq!(
                list("repair", &["bike", word]),
                Err(InvalidIntents::Words(0)),
                "{word}"
            );
        }
        assert!(list("repair", &["Größe", "修理"]).is_ok());
        assert!(list("repair", &[]).is_ok());
    }

    #[test]
    fn a_list_has_its_bounds_and_each_name_once() {
        let of = |count: usize, words: usize| {
            let name = |at: usize| "x".repeat(at + 1);
            let one = |at| (name(at), vec!["word".to_owned(); words]);
            Intents::new((0..count).map(one).collect())
        };
        assert!(of(MOST_INTENTS, MOST_WORDS).is_ok());
        assert_eq!(of(MOST_INTENTS + 1, 1), Err(InvalidIntents::Count));
        assert_eq!(of(1, MOST_WORDS + 1), Err(InvalidIntents::Words(0)));
        let twice = vec![("repair".to_owned(), vec![]), ("repair".to_owned(), vec![])];
        assert_eq!(Intents::new(twice), Err(InvalidIntents::Name(1)));
    }
}
