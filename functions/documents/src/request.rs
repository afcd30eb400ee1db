//! A document as it is given, and as it is stored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use usher_aws::http::{Checks, Problem, TextRule};
use usher_documents::{LARGEST, MOST_TEXT};
use usher_shared::Timestamp;
use usher_shared::ids::DocumentId;
use usher_shared::model;
use usher_shared::records::Document;
use utoipa::ToSchema;

use crate::words::{DocumentFormat, DocumentKind};

const TITLE_CHARACTERS: usize = 200;
const CAPTION_CHARACTERS: usize = 500;
const ADDRESS_CHARACTERS: usize = 500;
/// A file of [`LARGEST`] bytes in base64, with what stands around it. What calls a function may bring 6 MB.
pub(crate) const BODY_BYTES: usize = 5_700_000;

/// A document to add, or to put in the place of one. Exactly one of `text`, `content` and `source_url` is given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDocument {
    /// Its title: one line of 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "House rules")]
    title: String,
    /// What it was written as. With `source_url` it is `web`, and may be left out.
    format: Option<DocumentFormat>,
    /// What it is to the business; `other` if not given.
    kind: Option<DocumentKind>,
    /// What it shows, where it is a picture, or anything else to answer from beside its text. At most 500 characters.
    #[schema(max_length = 500)]
    caption: Option<String>,
    /// Its text, for every format but `pdf` and `web`: 1 to 200,000 bytes of UTF-8 after white space around it is dropped.
    #[schema(min_length = 1, example = "# Dogs\n\nDogs are welcome in the garden.")]
    text: Option<String>,
    /// The file itself, in base64: for `pdf`, and for files that are not UTF-8. At most 4 MiB, and 200,000 bytes of text.
    content: Option<String>,
    /// Where a web site begins that is to be read: `https`, of the public net. Its pages are followed on the same host,
    /// as far as its `robots.txt` allows, up to 25, and read again each day.
    #[schema(max_length = 500)]
    source_url: Option<String>,
}

/// What a document is read from.
pub(crate) enum From {
    /// Bytes, and the field that gave them.
    Bytes(model::DocumentFormat, Vec<u8>, &'static str),
    /// A web address.
    Address(String),
}

/// A document as it will be stored, without what its place adds.
#[derive(Clone, PartialEq)]
pub(crate) struct Draft {
    pub(crate) title: String,
    pub(crate) caption: String,
    pub(crate) kind: model::DocumentKind,
    pub(crate) format: model::DocumentFormat,
    pub(crate) text: String,
    pub(crate) sources: Vec<String>,
    pub(crate) warnings: Vec<model::DocumentWarning>,
    pub(crate) source_url: Option<String>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            title: String::new(),
            caption: String::new(),
            kind: model::DocumentKind::default(),
            format: model::DocumentFormat::Text,
            text: String::new(),
            sources: Vec::new(),
            warnings: Vec::new(),
            source_url: None,
        }
    }
}

impl Draft {
    /// The first version, as a function of its id and the request.
    pub(crate) fn first(self, id: DocumentId) -> Document {
        self.stored(id, id.at(), 1, id.at())
    }

    /// The version after one that is stored; `None` if it is the same.
    pub(crate) fn after(self, before: &Document, now: Timestamp) -> Option<Document> {
        let known = Self {
            title: before.title.get().clone(),
            caption: before.caption.get().clone(),
            kind: *before.kind,
            format: *before.format,
            text: before.text.get().clone(),
            sources: before.sources.get().clone(),
            warnings: before.warnings.to_vec(),
            source_url: before.source_url.get().clone(),
        };
        (self != known).then(|| {
            self.stored(
                *before.id,
                *before.created_at,
                before.version.saturating_add(1),
                now,
            )
        })
    }

    fn stored(self, id: DocumentId, created_at: Timestamp, version: u64, now: Timestamp) -> Document {
        Document {
            id: id.into(),
            format: self.format.into(),
            kind: self.kind.into(),
            created_at: created_at.into(),
            updated_at: now.into(),
            version: version.into(),
            size: u64::try_from(self.text.len()).unwrap_or(u64::MAX).into(),
            warnings: self.warnings.into(),
            read_at: self.source_url.is_some().then_some(now).into(),
            read_failure: None.into(),
            title: self.title.into(),
            caption: self.caption.into(),
            text: self.text.into(),
            sources: self.sources.into(),
            source_url: self.source_url.into(),
        }
    }
}

/// Checks a request; what it says of the document, and what that has to be read from.
pub(crate) fn checked(request: NewDocument) -> Result<(Draft, From), Problem> {
    let mut checks = Checks::default();
    let title = checks.text("title", &request.title, TextRule::Line(TITLE_CHARACTERS));
    let caption = match request.caption.as_deref().map(str::trim) {
        None | Some("") => String::new(),
        Some(caption) => checks.text("caption", caption, TextRule::Lines(CAPTION_CHARACTERS)),
    };
    let format = request.format.map(model::DocumentFormat::from);
    let from = source(
        &mut checks,
        format,
        request.text,
        request.content,
        request.source_url,
    );
    checks.finish()?;
    let from = from.ok_or_else(Problem::internal)?;
    let draft = Draft {
        title,
        caption,
        kind: request.kind.map(Into::into).unwrap_or_default(),
        format: match &from {
            From::Bytes(format, ..) => *format,
            From::Address(_) => model::DocumentFormat::Web,
        },
        source_url: match &from {
            From::Bytes(..) => None,
            From::Address(address) => Some(address.clone()),
        },
        ..Draft::default()
    };
    Ok((draft, from))
}

fn source(
    checks: &mut Checks,
    format: Option<model::DocumentFormat>,
    text: Option<String>,
    content: Option<String>,
    address: Option<String>,
) -> Option<From> {
    use model::DocumentFormat::{Pdf, Web};
    match (text, content, address) {
        (Some(text), None, None) => match format {
            None => checks.refuse("format", "is required"),
            Some(Web) => checks.refuse("source_url", "is required for this format"),
            Some(Pdf) => checks.refuse("content", "is required for this format"),
            Some(format) => {
                let text = checks.text("text", &text, TextRule::Bytes(MOST_TEXT));
                return Some(From::Bytes(format, text.into_bytes(), "text"));
            }
        },
        (None, Some(content), None) => match format {
            None => checks.refuse("format", "is required"),
            Some(Web) => checks.refuse("source_url", "is required for this format"),
            Some(format) => match STANDARD.decode(content) {
                Err(_) => checks.refuse("content", "must be base64 of the standard alphabet, with padding"),
                Ok(bytes) if bytes.len() > LARGEST => checks.refuse("content", "must be at most 4 MiB"),
                Ok(bytes) => return Some(From::Bytes(format, bytes, "content")),
            },
        },
        (None, None, Some(address)) => {
            if !matches!(format, None | Some(Web)) {
                checks.refuse("format", "must be web with source_url");
            }
            let address = checks.text("source_url", &address, TextRule::Line(ADDRESS_CHARACTERS));
            return Some(From::Address(address));
        }
        _ => checks.refuse(
            "text",
            "exactly one of text, content and source_url must be given",
        ),
    }
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::{Value, json};

    use super::*;

    fn check(body: Value) -> Result<(Draft, From), Vec<String>> {
        checked(serde_json::from_value(body).unwrap())
            .map_err(|problem| problem.errors().iter().map(|error| error.field.clone()).collect())
    }

    #[test]
    fn all_refusals_of_a_new_document_come_at_once() {
        let long = "å".repeat(100_001);
        let large = STANDARD.encode(vec![0; LARGEST + 1]);
        let table: [(Value, &[&str]); 14] = [
            (
                json!({"title": "", "format": "text", "text": ""}),
                &["title", "text"],
            ),
            (json!({"title": "R", "format": "text", "text": long}), &["text"]),
            (
                json!({"title": "R", "format": "text", "text": "a\u{0}b"}),
                &["text"],
            ),
            (
                json!({"title": "a\tb", "format": "csv", "text": "a\rb"}),
                &["title", "text"],
            ),
            (json!({"title": "R", "text": "a"}), &["format"]),
            (json!({"title": "R", "format": "text"}), &["text"]),
            (
                json!({"title": "R", "format": "text", "text": "a", "source_url": "https://a.example"}),
                &["text"],
            ),
            (json!({"title": "R", "format": "pdf", "text": "a"}), &["content"]),
            (
                json!({"title": "R", "format": "pdf", "content": "a b"}),
                &["content"],
            ),
            (
                json!({"title": "R", "format": "pdf", "content": large}),
                &["content"],
            ),
            (
                json!({"title": "R", "format": "web", "text": "a"}),
                &["source_url"],
            ),
            (
                json!({"title": "R", "format": "pdf", "source_url": "https://a.example"}),
                &["format"],
            ),
            (json!({"title": "R", "source_url": " "}), &["source_url"]),
            (
                json!({"title": "R", "format": "text", "text": "a", "caption": "c".repeat(501)}),
                &["caption"],
            ),
        ];
        for (body, fields) in table {
            assert_eq!(check(body.clone()).err().unwrap(), fields, "{fields:?}");
        }
        let (draft, from) = check(json!({"title": " Rules ", "format": "text", "text": "a\n\tb\n"})).unwrap();
        assert_eq!(draft.title, "Rules");
        assert!(matches!(from, From::Bytes(_, bytes, "text") if bytes == b"a\n\tb"));
        let (draft, _) =
            check(json!({"title": "Site", "kind": "faq", "source_url": "https://a.example/"})).unwrap();
        assert_eq!(draft.format, model::DocumentFormat::Web);
        assert_eq!(draft.kind, model::DocumentKind::Faq);
    }

    #[test]
    fn the_largest_file_fits_into_a_request() {
        let head =
            "{\"title\":\"\",\"format\":\"pdf\",\"kind\":\"voice_sample\",\"caption\":\"\",\"content\":\"\"}"
                .len();
        let body = LARGEST.div_ceil(3) * 4 + head + 6 * (TITLE_CHARACTERS + CAPTION_CHARACTERS);
        assert!(body <= BODY_BYTES, "{body}");
    }

    #[test]
    fn a_version_is_one_more_and_the_same_is_none() {
        let at = Timestamp::from_millis(1_790_000_000_000);
        let later = Timestamp::from_millis(1_790_000_060_000);
        let id = DocumentId::derived(at, [1; 10]);
        let draft = Draft {
            title: "R".to_owned(),
            text: "one".to_owned(),
            ..Draft::default()
        };
        let first = draft.clone().first(id);
        assert!(draft.clone().after(&first, later).is_none());
        let changed = Draft {
            text: "two".to_owned(),
            ..draft
        };
        let second = changed.after(&first, later).unwrap();
        assert_eq!(
            (*second.version, *second.created_at, *second.updated_at),
            (2, at, later)
        );
        assert_eq!(second.id, first.id);
    }
}
