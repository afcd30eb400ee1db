//! A tenant's documents as passages, and the decision whether one of them answers a question.
//!
//! [`split()`] cuts a document into [`Passage`]s, [`Index`] finds passages by words (BM25), and
//! [`best_answer`] decides: answer with passages that really match, or hand over to a human. The rule behind
//! that decision is that a wrong price is worse than a hand-over.
//!
//! Pure and deterministic: the same input gives the same passages, scores and order on every machine.

mod answer;
mod facts;
mod filling;
mod index;
mod inline;
mod lexicon;
mod question;
mod spelling;
mod split;
mod words;

#[cfg(test)]
mod quality_tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use answer::{Decision, HandOverReason, best_answer};
pub use index::{Hit, Index, Retrieval};
pub use split::{split, split_parts};
pub use words::Language;
pub(crate) use words::fold_into;

/// What a document was written as. All but plain text is kept as Markdown, which is what is left of it to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Plain text: paragraphs, headings in capitals or underlined.
    Text,
    /// Markdown: headings, lists, tables and paragraphs.
    Markdown,
    /// A page of HTML.
    Html,
    /// A table.
    Csv,
    /// A PDF, page by page.
    Pdf,
    /// Pages of a web site.
    Web,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 6] = [
        Self::Text,
        Self::Markdown,
        Self::Html,
        Self::Csv,
        Self::Pdf,
        Self::Web,
    ];
}

/// What a document is to the business.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// How the business writes. Nothing is answered from it.
    VoiceSample,
    /// What things cost.
    PriceList,
    /// What there is to eat and drink.
    Menu,
    /// Where things are; mostly a picture, with a caption that says what it shows.
    FloorPlan,
    /// Questions with their answers.
    Faq,
    /// Others that the business works with.
    Partners,
    /// Anything else.
    #[default]
    Other,
}

impl Kind {
    /// Whether guests are answered from it. What a sample of the business's voice says was said to somebody else.
    pub const fn answers(self) -> bool {
        !matches!(self, Self::VoiceSample)
    }
}

/// What whoever added a document should know about what was read of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// It holds no words.
    Empty,
    /// It holds pictures alone, and what they show is not read. A caption would say it.
    ImagesOnly,
    /// Some of its pages hold pictures alone.
    ImagesSkipped,
    /// There is more of it than is read.
    Cut,
    /// Pages of the web site could not be read, or asked not to be.
    PagesSkipped,
}

/// A part of a document with where it stands in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part<'a> {
    /// `page 3`, or the address of a web page; empty if the document has no parts.
    pub source: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// Stands between the parts of a document's text, as between the pages of a printed one.
pub const PART_BREAK: char = '\u{c}';

/// The parts of a text, with their sources, which may be fewer.
pub fn parts<'a>(text: &'a str, sources: &'a [String]) -> Vec<Part<'a>> {
    let sources = sources.iter().map(String::as_str).chain(std::iter::repeat(""));
    text.split(PART_BREAK)
        .zip(sources)
        .map(|(text, source)| Part { source, text })
        .collect()
}

/// A piece of a document, small enough to be quoted whole.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// `<document id>#p<number>`, stable as long as the document's text does not change.
    pub id: String,
    /// The id of the document it was cut from.
    pub document: String,
    /// Its place in the document, from 1.
    pub number: u32,
    /// Where in the document it stands: `page 3`, or the address of a web page; empty if the document has no parts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// The headings above it, outermost first, joined by `" > "`; begins with the document's title.
    pub heading: String,
    /// One fact a line: a paragraph, a list item, or a table row as `column: cell; column: cell`. A list's
    /// introduction keeps its colon and stands before its items.
    pub text: String,
}

/// Shows where the passage is, not what it says: documents may name people.
impl fmt::Debug for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passage")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
