//! What a guest is told before an AI answers for the first time: that it is one. The words are the tenant's, or ours;
//! that they are said is decided by code, and no model has a say in it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::knowledge::Language;
use crate::record::NotPersonal;

/// A tenant's own words, by language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AiNotices(BTreeMap<Language, NoticeText>);

impl NotPersonal for AiNotices {}

impl AiNotices {
    /// Notices in these languages.
    pub const fn new(texts: BTreeMap<Language, NoticeText>) -> Self {
        Self(texts)
    }

    /// The tenant's own.
    pub const fn texts(&self) -> &BTreeMap<Language, NoticeText> {
        &self.0
    }

    /// What is said to somebody who writes in `language`. Whose language nobody can tell, from a word or two, is told
    /// in English, or in a language that the tenant has words for.
    pub fn said_in(&self, language: Option<Language>) -> Notice<'_> {
        let own = |language| {
            let text = self.0.get(&language)?;
            Some(Notice {
                language,
                text: text.as_str(),
            })
        };
        let built_in = |language| Notice {
            language,
            text: built_in(language),
        };
        match language {
            Some(language) => own(language).unwrap_or_else(|| built_in(language)),
            None => own(Language::English)
                .or_else(|| own(*self.0.keys().next()?))
                .unwrap_or_else(|| built_in(Language::English)),
        }
    }
}

/// A notice in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice<'a> {
    /// Its language.
    pub language: Language,
    /// Its words.
    pub text: &'a str,
}

/// Between the notice and the answer.
const BETWEEN: &str = "\n\n";

impl Notice<'_> {
    /// The notice, and after it an answer.
    pub fn before(&self, answer: &str) -> String {
        [self.text, BETWEEN, answer].concat()
    }

    /// Characters that it takes of a message.
    pub fn characters(&self) -> usize {
        self.text.chars().count() + BETWEEN.chars().count()
    }
}

/// Our own words. Short, as they stand in text messages.
const fn built_in(language: Language) -> &'static str {
    match language {
        Language::English => "You are writing with an AI assistant.",
        Language::German => "Sie schreiben mit einem KI-Assistenten.",
        Language::French => "Vous écrivez à un assistant IA.",
        Language::Italian => "Sta scrivendo a un assistente IA.",
        Language::Spanish => "Está escribiendo a un asistente de IA.",
    }
}

/// One line that a business says to everybody. It has no room for an address or a number of anybody, so that it may
/// stand in the open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeText(String);

/// The text is no notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one line of 1 to {LONGEST} characters without digits, @ and control characters")]
pub struct InvalidNotice;

/// Characters of a notice: little beside what the narrowest channel takes.
const LONGEST: usize = 160;

impl NoticeText {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NoticeText {
    type Err = InvalidNotice;

    fn from_str(text: &str) -> Result<Self, InvalidNotice> {
        let text = text.trim();
        let refused = |c: char| c.is_control() || c.is_numeric() || c == '@';
        if text.is_empty() || text.chars().count() > LONGEST || text.contains(refused) {
            return Err(InvalidNotice);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for NoticeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for NoticeText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NoticeText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn notices(texts: &[(Language, &str)]) -> AiNotices {
        let texts = texts
            .iter()
            .map(|(language, text)| (*language, text.parse().unwrap()));
        AiNotices::new(texts.collect())
    }

    #[test]
    fn the_tenants_words_come_before_ours_and_the_guests_language_before_any_other() {
        let none = AiNotices::default();
        let german = notices(&[(Language::German, "Hier antwortet unsere KI.")]);
        let both = notices(&[
            (Language::German, "Hier antwortet unsere KI."),
            (Language::English, "Our AI answers here."),
        ]);
        for (notices, language, said) in [
            (&none, None, built_in(Language::English)),
            (&none, Some(Language::Italian), built_in(Language::Italian)),
            (&german, Some(Language::German), "Hier antwortet unsere KI."),
            (&german, Some(Language::French), built_in(Language::French)),
            (&german, None, "Hier antwortet unsere KI."),
            (&both, None, "Our AI answers here."),
        ] {
            let notice = notices.said_in(language);
            assert_eq!(notice.text, said, "{language:?}");
            let answer = "Parking is free.";
            let message = notice.before(answer);
            assert_eq!(message.chars().count(), notice.characters() + answer.len());
            assert!(message.starts_with(said) && message.ends_with(answer));
        }
    }

    #[test]
    fn a_language_without_words_of_ours_does_not_compile_and_all_of_them_are_notices() {
        for language in Language::ALL {
            assert!(built_in(language).parse::<NoticeText>().is_ok(), "{language:?}");
            assert!(
                built_in(language).contains("AI")
                    || built_in(language).contains("IA")
                    || built_in(language).contains("KI")
            );
        }
    }

    #[test]
    fn what_could_be_somebodys_is_no_notice() {
        let long = "a".repeat(LONGEST + 1);
        for text in [
            "",
            "  ",
            "two\nlines",
            "ask anna@example.com",
            "or call 555 010 0199",
            "call ٥٥٥",
            &long,
        ] {
            assert_eq!(text.parse::<NoticeText>(), Err(InvalidNotice), "{text:?}");
        }
        assert!("é".repeat(LONGEST).parse::<NoticeText>().is_ok());
    }

    proptest! {
        #[test]
        fn what_is_read_back_is_what_was_set(text in "\\PC{0,170}") {
            if let Ok(notice) = text.parse::<NoticeText>() {
                let all = AiNotices::new([(Language::Spanish, notice)].into());
                let read: AiNotices = serde_json::from_value(serde_json::to_value(&all).unwrap()).unwrap();
                prop_assert_eq!(read, all);
            }
        }
    }
}
