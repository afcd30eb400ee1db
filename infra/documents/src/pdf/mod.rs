//! PDF to Markdown, page by page.
//!
//! `lopdf` reads the file and the fonts. What it would take more memory or time for than a document of words needs is
//! refused before: see [`budget`]. How words stand on the page says what is a heading and what a row: see [`layout`].

mod budget;
mod fonts;
mod layout;
mod page;

use lopdf::{DecompressError, Document, Error, LoadOptions};
use usher_shared::knowledge::Warning;

use crate::{Extracted, Unreadable};
use budget::Budget;

/// More pages are not read.
pub(crate) const PAGES: usize = 300;

/// Reads a PDF.
pub(crate) fn read(bytes: &[u8]) -> Result<Extracted, Unreadable> {
    budget::look(bytes)?;
    let document = budget::load(|filter| {
        let options = LoadOptions {
            filter: Some(filter),
            max_decompressed_size: Some(budget::STREAM),
            ..LoadOptions::default()
        };
        Document::load_mem_with_options(bytes, options)
    })?;
    // One without a password for readers is still one that somebody closed; and its objects came past the budget.
    if document.is_encrypted() || document.encryption_state.is_some() {
        return Err(Unreadable::Encrypted);
    }
    let pages: Vec<_> = document.page_iter().take(PAGES + 1).collect();
    if pages.is_empty() {
        return Err(Unreadable::Broken);
    }
    if pages.len() > PAGES {
        return Err(Unreadable::TooComplex);
    }
    let mut budget = Budget::default();
    let mut fonts = fonts::Fonts::default();
    let mut read = Vec::new();
    for page in pages {
        read.push(page::read(&document, page, &mut fonts, &mut budget)?);
    }
    let body = layout::body_size(&read);
    let parts: Vec<(String, String)> = read
        .iter()
        .zip(1..)
        .map(|(page, number)| {
            let text = layout::markdown(&page.lines, body);
            (format!("page {number}"), crate::without_controls(&text))
        })
        .collect();
    let blank = |text: &str| !text.chars().any(char::is_alphanumeric);
    let pictures = read
        .iter()
        .zip(&parts)
        .filter(|(page, (_, text))| page.pictures && blank(text))
        .count();
    let mut warnings = Vec::new();
    if parts.iter().all(|(_, text)| blank(text)) {
        warnings.push(if pictures > 0 {
            Warning::ImagesOnly
        } else {
            Warning::Empty
        });
    } else if pictures > 0 {
        warnings.push(Warning::ImagesSkipped);
    }
    Ok(Extracted { parts, warnings })
}

/// What `lopdf` says of a file, as we say it.
fn refused(error: &Error) -> Unreadable {
    match error {
        Error::Decompress(DecompressError::MemoryLimitExceeded { .. })
        | Error::RecursionLimit
        | Error::ReferenceLimit => Unreadable::TooComplex,
        Error::Decryption(_) | Error::InvalidPassword => Unreadable::Encrypted,
        _ => Unreadable::Broken,
    }
}

#[cfg(test)]
mod tests;
