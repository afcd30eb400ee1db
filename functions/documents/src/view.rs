//! A document as the API shows it.

use serde::Serialize;
use usher_aws::http::words::Time;
use usher_shared::ids::DocumentId;
use usher_shared::records::Document;
use utoipa::ToSchema;

use crate::words::{DocumentFormat, DocumentKind, DocumentWarning, ReadFailure};

/// One document that answers come from.
#[derive(Serialize, ToSchema)]
#[schema(as = Document)]
pub(crate) struct DocumentView {
    /// Always `document`.
    #[schema(example = "document")]
    object: &'static str,
    /// Its id.
    #[schema(value_type = String, example = "doc_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    id: DocumentId,
    /// Its title.
    #[schema(example = "House rules")]
    title: String,
    /// What it is to the business.
    kind: DocumentKind,
    /// What it shows, in your words; empty if nothing was said.
    #[schema(example = "")]
    caption: String,
    /// What it was written as.
    format: DocumentFormat,
    /// From 1; one more each time that its text, title, kind or caption changes.
    #[schema(example = 1)]
    version: u64,
    /// Size of its text in bytes of UTF-8.
    #[schema(example = 41)]
    size: u64,
    /// What is worth knowing about what was read.
    warnings: Vec<DocumentWarning>,
    /// The text that was read, as Markdown unless it is plain; only where one document is read. Form feeds stand between
    /// its parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "# Dogs\n\nDogs are welcome in the garden.\n")]
    text: Option<String>,
    /// Where in the document each part of its text stands: `page 3`, or the address of a web page. Only where one
    /// document is read, and empty if it has no parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!([]))]
    sources: Option<Vec<String>>,
    /// The web address that it is read from. For `web`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://www.example.com/")]
    source_url: Option<String>,
    /// When its web address was last looked at. For `web`.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_at: Option<Time>,
    /// Why the last look found nothing. For `web`.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_failure: Option<ReadFailure>,
    /// When it was added.
    created_at: Time,
    /// When its version was written.
    updated_at: Time,
}

impl DocumentView {
    pub(crate) fn new(id: DocumentId, document: Document, with_text: bool) -> Self {
        Self {
            object: "document",
            id,
            kind: (*document.kind).into(),
            format: (*document.format).into(),
            version: *document.version,
            size: *document.size,
            warnings: document
                .warnings
                .iter()
                .map(|warning| (*warning).into())
                .collect(),
            read_at: document.read_at.map(Time),
            read_failure: document.read_failure.map(Into::into),
            created_at: Time(*document.created_at),
            updated_at: Time(*document.updated_at),
            title: document.title.into_inner(),
            caption: document.caption.into_inner(),
            source_url: document.source_url.into_inner(),
            text: with_text.then(|| document.text.into_inner()),
            sources: with_text.then(|| document.sources.into_inner()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;
    use usher_shared::Timestamp;

    use super::*;
    use crate::request::Draft;

    #[test]
    fn a_document_is_listed_without_its_text() {
        let at = Timestamp::from_millis(1_790_000_000_523);
        let id = DocumentId::derived(at, [1; 10]);
        let draft = Draft {
            title: "House rules".to_owned(),
            text: "Dogs are welcome. Å!".to_owned(),
            ..Draft::default()
        };
        let document = draft.first(id);
        let listed = json!({
            "object": "document",
            "id": id.to_string(),
            "title": "House rules",
            "kind": "other",
            "caption": "",
            "format": "text",
            "version": 1,
            "size": 21,
            "warnings": [],
            "created_at": "2026-09-21T14:13:20.523Z",
            "updated_at": "2026-09-21T14:13:20.523Z",
        });
        let mut read = listed.clone();
        let fields = read.as_object_mut().unwrap();
        fields.insert("text".to_owned(), json!("Dogs are welcome. Å!"));
        fields.insert("sources".to_owned(), json!([]));
        for (with_text, expected) in [(false, listed), (true, read)] {
            let view = DocumentView::new(id, document.clone(), with_text);
            assert_eq!(serde_json::to_value(view).unwrap(), expected);
        }
    }
}
