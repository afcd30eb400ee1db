//! A stored document as passages.

use crate::knowledge::{PART_BREAK, Part, Passage, parts, split_parts};
use crate::records::Document;

/// The passages that guests are answered from: first its caption, then its text, part by part. None if nothing is to
/// be answered from it.
pub fn passages(document: &Document) -> Vec<Passage> {
    if !document.kind.answers() {
        return Vec::new();
    }
    let caption = Some(document.caption.get())
        .filter(|caption| !caption.is_empty())
        .map(|caption| Part {
            source: "",
            text: caption,
        });
    let text = parts(document.text.get(), document.sources.get());
    let all: Vec<Part<'_>> = caption.into_iter().chain(text).collect();
    let id = document.id.to_string();
    split_parts(&id, document.title.get(), *document.format, &all)
}

/// Parts as one text, with where each of them stands. What would end a part is none of its text.
pub fn joined<'a>(parts: impl IntoIterator<Item = (&'a str, &'a str)>) -> (String, Vec<String>) {
    let (mut text, mut sources) = (String::new(), Vec::new());
    for (source, part) in parts {
        if !sources.is_empty() {
            text.push(PART_BREAK);
        }
        text.extend(part.trim().chars().filter(|c| *c != PART_BREAK));
        sources.push(source.to_owned());
    }
    if sources.iter().all(String::is_empty) {
        sources.clear();
    }
    (text, sources)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::DocumentId;
    use crate::knowledge::{Format, Kind};
    use crate::time::Timestamp;

    fn document(format: Format, kind: Kind, caption: &str, parts: &[(&str, &str)]) -> Document {
        let at = Timestamp::from_millis(1_790_000_000_000);
        let (text, sources) = joined(parts.iter().copied());
        Document {
            id: DocumentId::derived(at, [1; 10]).into(),
            format: format.into(),
            kind: kind.into(),
            created_at: at.into(),
            updated_at: at.into(),
            version: 1.into(),
            size: 0.into(),
            warnings: Vec::new().into(),
            read_at: None.into(),
            read_failure: None.into(),
            title: "House".to_owned().into(),
            caption: caption.to_owned().into(),
            text: text.into(),
            sources: sources.into(),
            source_url: None.into(),
        }
    }

    fn found(document: &Document) -> Vec<(String, String, String)> {
        passages(document)
            .into_iter()
            .map(|passage| (passage.source, passage.heading, passage.text))
            .collect()
    }

    fn rows(rows: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
        rows.iter()
            .map(|(source, heading, text)| ((*source).to_owned(), (*heading).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn passages_say_where_they_stand_and_a_caption_is_one() {
        let pages = [
            ("page 1", "# Rooms\n\nTwelve rooms."),
            ("page 2", "All have a bath."),
        ];
        assert_eq!(
            found(&document(
                Format::Pdf,
                Kind::FloorPlan,
                "The first floor.",
                &pages
            )),
            rows(&[
                ("", "House", "The first floor."),
                ("page 1", "House > Rooms", "Twelve rooms."),
                ("page 2", "House > Rooms", "All have a bath."),
            ])
        );
        // A page of a web site begins anew.
        let web = [
            ("https://a.example/", "# Rooms\n\nTwelve rooms."),
            ("https://a.example/bath", "All have a bath."),
        ];
        let found = found(&document(Format::Web, Kind::Other, "", &web));
        assert_eq!(
            found.last().map(|(_, heading, _)| heading.as_str()),
            Some("House")
        );
    }

    #[test]
    fn nothing_is_answered_from_a_sample_of_the_voice() {
        let text = [("", "Rooms are 90 euros.")];
        assert_eq!(found(&document(Format::Text, Kind::VoiceSample, "", &text)), []);
        assert_eq!(
            found(&document(Format::Text, Kind::PriceList, "", &text)).len(),
            1
        );
    }

    #[test]
    fn a_part_cannot_end_another() {
        let (text, sources) = joined([("page 1", "a\u{c}b"), ("page 2", "c")]);
        assert_eq!((text.as_str(), sources.len()), ("ab\u{c}c", 2));
        assert_eq!(joined([("", " a ")]), ("a".to_owned(), Vec::new()));
    }
}
