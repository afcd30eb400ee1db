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
mod venue_tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use answer::{Decision, HandOverReason, best_answer};
pub use index::{Hit, Index};
pub use split::split;
pub(crate) use words::fold_into;

/// How a document's text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Plain text: paragraphs, headings in capitals or underlined.
    Text,
    /// Markdown: headings, lists, tables and paragraphs.
    Markdown,
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
