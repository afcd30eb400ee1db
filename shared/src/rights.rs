//! What a person says about their own data, on the channel that they write on: delete it, send it to me, let no AI read
//! it, stop using it (promise DEL-06).
//!
//! Looked at before any model, and before any business. Sentences are recognised narrowly ("delete my booking" is the
//! business's to answer), and what is recognised is asked back: only a word that nobody writes by chance starts anything.
//! Where the channel itself is no proof of who writes (mail, forms), a link is sent instead, and the word does nothing.

mod sentences;
mod texts;

use serde::{Deserialize, Serialize};

use crate::phrases::Words;
use crate::record::NotPersonal;
use crate::time::Timestamp;

use self::sentences::{NOT_ASKED, SENTENCES};
pub use self::texts::{Ended, acknowledged, by_link, ended, question};

/// What a person wants done with their data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Delete all of it.
    Delete,
    /// Send them all of it.
    Export,
    /// Let no AI read it.
    WithoutAi,
    /// Keep it and do nothing with it.
    Object,
}

impl NotPersonal for Wish {}

impl Wish {
    /// Every wish.
    pub const ALL: [Self; 4] = [Self::Delete, Self::Export, Self::WithoutAi, Self::Object];
}

/// The language that somebody is answered in: the one in which they asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "names of languages")]
pub enum Language {
    English,
    German,
    Spanish,
    French,
    Italian,
    Portuguese,
    Dutch,
}

impl NotPersonal for Language {}

impl Language {
    /// Its tag, as requests keep it.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::Spanish => "es",
            Self::French => "fr",
            Self::Italian => "it",
            Self::Portuguese => "pt",
            Self::Dutch => "nl",
        }
    }

    /// The language with a tag; English where nobody said which, or another.
    pub fn of_tag(tag: Option<&str>) -> Self {
        let known = Self::ALL.into_iter().find(|language| Some(language.tag()) == tag);
        known.unwrap_or(Self::English)
    }

    /// Every language.
    pub const ALL: [Self; 7] = [
        Self::English,
        Self::German,
        Self::Spanish,
        Self::French,
        Self::Italian,
        Self::Portuguese,
        Self::Dutch,
    ];
}

/// What somebody was asked back, and when. Kept with the contact until it is answered or over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// What they want.
    pub wish: Wish,
    /// In which language.
    pub language: Language,
    /// When they asked: names the request.
    pub at: Timestamp,
}

impl NotPersonal for Asked {}

/// How long a question waits for its word.
const PATIENCE: std::time::Duration = std::time::Duration::from_hours(1);

impl Asked {
    /// Whether the word still counts.
    pub fn waits(&self, now: Timestamp) -> bool {
        now.since(self.at) < PATIENCE
    }
}

/// What a message wishes for, if it is about the writer's data.
pub fn wish(text: &str) -> Option<(Wish, Language)> {
    let words = Words::of(text);
    let is_said = |sentence: &str| words.all(sentence).any(|at| !words.has_before(at, 3, NOT_ASKED));
    SENTENCES
        .iter()
        .find(|(_, _, sentences)| sentences.iter().any(|sentence| is_said(sentence)))
        .map(|(wish, language, _)| (*wish, *language))
}

/// Whether a message is a word that a question asks for: the whole of it, in any language. Says which wish it confirms.
pub fn confirms(text: &str) -> Option<Wish> {
    // Most messages are longer than any word.
    if text.len() > LONGEST_WORD {
        return None;
    }
    let said = Words::of(text).joined();
    Wish::ALL.into_iter().find(|wish| {
        let mut words = Language::ALL.into_iter().map(|language| word(*wish, language));
        words.any(|word| Words::of(word).joined() == said)
    })
}

/// Bytes of the longest message that may be one of the words, with what people put around them.
const LONGEST_WORD: usize = 40;

/// The word that confirms a wish. None of them ends, resumes or explains text messages, or is an answer to anything else.
pub const fn word(wish: Wish, language: Language) -> &'static str {
    use Language::{Dutch, English, French, German, Italian, Portuguese, Spanish};
    match (wish, language) {
        (Wish::Delete, English) => "DELETE",
        (Wish::Delete, German) => "LÖSCHEN",
        (Wish::Delete, Spanish) => "BORRAR",
        (Wish::Delete, French) => "SUPPRIMER",
        (Wish::Delete, Italian) => "ELIMINARE",
        (Wish::Delete, Portuguese) => "APAGAR",
        (Wish::Delete, Dutch) => "VERWIJDEREN",
        (Wish::Export, English) => "MY DATA",
        (Wish::Export, German) => "MEINE DATEN",
        (Wish::Export, Spanish) => "MIS DATOS",
        (Wish::Export, French) => "MES DONNÉES",
        (Wish::Export, Italian) => "I MIEI DATI",
        (Wish::Export, Portuguese) => "MEUS DADOS",
        (Wish::Export, Dutch) => "MIJN GEGEVENS",
        (Wish::WithoutAi, English) => "NO AI",
        (Wish::WithoutAi, German) => "KEINE KI",
        (Wish::WithoutAi, Spanish) => "SIN IA",
        (Wish::WithoutAi, French) => "SANS IA",
        (Wish::WithoutAi, Italian) => "SENZA IA",
        (Wish::WithoutAi, Portuguese) => "SEM IA",
        (Wish::WithoutAi, Dutch) => "GEEN AI",
        (Wish::Object, English) => "OBJECT",
        (Wish::Object, German) => "WIDERSPRUCH",
        (Wish::Object, Spanish) => "OPOSICIÓN",
        (Wish::Object, French) => "OPPOSITION",
        (Wish::Object, Italian) => "OPPOSIZIONE",
        (Wish::Object, Portuguese) => "OPOSIÇÃO",
        (Wish::Object, Dutch) => "BEZWAAR",
    }
}

#[cfg(test)]
mod tests;
