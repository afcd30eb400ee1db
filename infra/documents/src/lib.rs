//! What documents say, as text: from bytes that a tenant uploaded or a web site served to Markdown with the place of
//! each part.
//!
//! Pure, and bounded in memory and time whatever the bytes are: a document that would take more is refused. Knows no
//! network; [`site`] decides which pages of a site are read, and [`robots`] which may be.

mod charset;
mod html;
mod pdf;
pub mod robots;
pub mod site;
mod table;
mod tame;

use usher_shared::knowledge::{Format, Warning};

pub use charset::decoded;
pub use html::{Page, page};

/// Larger uploads are refused: what a request can carry as base64.
pub const LARGEST: usize = 4 * 1024 * 1024;
/// More text is not read of one document.
pub const MOST_TEXT: usize = 200_000;

/// Why a document cannot be read. Says nothing of what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is larger than [`LARGEST`].
    #[error("must be at most 4 MiB")]
    TooLarge,
    /// It is no document of its format, or a damaged one.
    #[error("is damaged, or not of this format")]
    Broken,
    /// It asks for a password.
    #[error("is encrypted")]
    Encrypted,
    /// It has more pages, objects, rows or columns than are read, or unpacks to more bytes.
    #[error("has too many pages or parts, or unpacks to too much")]
    TooComplex,
    /// It holds more than [`MOST_TEXT`] bytes of text.
    #[error("must hold at most 200,000 bytes of text")]
    TooMuchText,
}

/// What was read of a document.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Its text as Markdown (plain text as it is), with where each part stands.
    pub parts: Vec<(String, String)>,
    /// What its owner should know.
    pub warnings: Vec<Warning>,
}

impl std::fmt::Debug for Extracted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Extracted")
            .field("parts", &self.parts.len())
            .field("warnings", &self.warnings)
            .finish()
    }
}

/// Reads a document of a format; a page of [`Format::Web`] as HTML.
///
/// # Errors
/// [`Unreadable`].
pub fn read(format: Format, bytes: &[u8]) -> Result<Extracted, Unreadable> {
    if bytes.len() > LARGEST {
        return Err(Unreadable::TooLarge);
    }
    let mut extracted = match format {
        Format::Text | Format::Markdown => whole(&decoded(bytes, None)),
        Format::Html | Format::Web => whole(&page(&decoded(bytes, None)).text()),
        Format::Csv => whole(&table::markdown(&decoded(bytes, None))?),
        Format::Pdf => pdf::read(bytes)?,
    };
    let size: usize = extracted.parts.iter().map(|(_, text)| text.len() + 1).sum();
    if size > MOST_TEXT {
        return Err(Unreadable::TooMuchText);
    }
    let said = |text: &str| text.chars().any(char::is_alphanumeric);
    if !extracted.parts.iter().any(|(_, text)| said(text)) && extracted.warnings.is_empty() {
        extracted.warnings.push(Warning::Empty);
    }
    Ok(extracted)
}

fn whole(text: &str) -> Extracted {
    Extracted {
        parts: vec![(String::new(), without_controls(text))],
        warnings: Vec::new(),
    }
}

/// Text as it is kept: lines end with line feeds, and nothing moves a cursor.
fn without_controls(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_read_with_a_warning() {
        for (format, bytes) in [
            (Format::Text, b"".as_slice()),
            (Format::Markdown, b" \n - \n"),
            (Format::Html, b"<p> </p><script>alert('x')</script>"),
            (Format::Csv, b""),
        ] {
            let found = read(format, bytes);
            assert!(
                found
                    .as_ref()
                    .is_ok_and(|found| found.warnings == [Warning::Empty]),
                "{format:?}: {found:?}"
            );
        }
    }

    #[test]
    fn what_is_too_large_or_says_too_much_is_refused() {
        assert_eq!(
            read(Format::Text, &vec![b'a'; LARGEST + 1]),
            Err(Unreadable::TooLarge)
        );
        assert_eq!(
            read(Format::Text, &vec![b'a'; MOST_TEXT + 1]),
            Err(Unreadable::TooMuchText)
        );
        let page = "<p>word</p>".repeat(40_000);
        assert_eq!(read(Format::Html, page.as_bytes()), Err(Unreadable::TooMuchText));
    }

    #[test]
    fn controls_are_left_out_and_line_ends_are_one_kind() {
        let found = read(Format::Text, b"a\r\nb\rc\x00\x1b[31md\x0ce");
        assert!(found.is_ok_and(|found| found.parts == [(String::new(), "a\nb\nc[31mde".to_owned())]));
    }
}
