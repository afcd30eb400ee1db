//! Documents: what the AI answers from.

use axum::Json;
use axum::http::{HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};
use usher_aws::TenantScope;
use usher_aws::http::{IdempotencyKey, Idempotent, List, ListQuery, Problem, QueryOf, Strict, read_page};
use usher_aws::sealing::DataKey;
use usher_aws::store::{Read, When, keys};
use usher_shared::ids::DocumentId;
use usher_shared::model::AuditAction;
use usher_shared::record::key;
use usher_shared::records::Document;
use utoipa::ToSchema;

use crate::access::permission::{DocumentsDelete, DocumentsRead, DocumentsWrite};
use crate::access::{Granted, PathId};
use crate::openapi::{IdempotencyHeader, Invalid, NotFound, NotMade, Refused};
use crate::words::{Deleted, DocumentFormat, Time};
use usher_aws::http::{Checks, TextRule};

const TITLE_CHARACTERS: usize = 200;
/// An item of the store holds 400 KiB. Stored as JSON, a byte of text takes at most two: line feeds, tabs,
/// quotes and backslashes.
const TEXT_BYTES: usize = 200_000;
/// The same text in a request may be written with more escapes than needed.
const BODY_BYTES: usize = 512 * 1024;
const DOCUMENTS: usize = 200;

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
    /// How its text is written.
    format: DocumentFormat,
    /// Size of its text in bytes of UTF-8.
    #[schema(example = 41)]
    size: u64,
    /// Its text; only where one document is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "# Dogs\n\nDogs are welcome in the garden.\n")]
    text: Option<String>,
    /// When it was added.
    created_at: Time,
}

impl DocumentView {
    fn new(id: DocumentId, document: Document, with_text: bool) -> Self {
        Self {
            object: "document",
            id,
            format: (*document.format).into(),
            size: *document.size,
            created_at: Time(*document.created_at),
            title: document.title.into_inner(),
            text: with_text.then(|| document.text.into_inner()),
        }
    }
}

/// A document to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDocument {
    /// Its title: one line of 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "House rules")]
    title: String,
    /// How its text is written.
    format: DocumentFormat,
    /// Its text, 1 to 200,000 bytes of UTF-8 after white space around it is dropped; lines end with line feeds.
    #[schema(min_length = 1, example = "# Dogs\n\nDogs are welcome in the garden.")]
    text: String,
}

/// Lists documents
///
/// Oldest first, without their texts. Scope: `documents:read`.
#[utoipa::path(
    get,
    path = "/v1/documents",
    tag = "documents",
    params(ListQuery),
    responses(
        (status = 200, description = "One page.", body = List<DocumentView>),
        Refused,
        Invalid,
    )
)]
pub(crate) async fn list_documents(
    granted: Granted<DocumentsRead>,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<List<DocumentView>>, Problem> {
    let scope = granted.scope();
    let range = keys::documents(scope.tenant());
    let mut page = read_page(scope, &range, "documents", &query, false).await?;
    let document_keys = scope.document_keys().await?;
    let mut views = Vec::new();
    for row in std::mem::take(&mut page.data) {
        // A document without its key is forgotten; its row is on its way out.
        if let Some(id) = row.peek::<DocumentId>("id")
            && let Some(key) = document_keys.get(&id)
        {
            views.push(DocumentView::new(id, scope.store().open(row, key)?, false));
        }
    }
    Ok(Json(page.with(views)))
}

/// Adds a document
///
/// The AI answers from it within moments. At most 200 documents. Scope: `documents:write`.
#[utoipa::path(
    post,
    path = "/v1/documents",
    tag = "documents",
    params(IdempotencyHeader),
    request_body(content = NewDocument, example = json!({
        "title": "House rules", "format": "markdown", "text": "# Dogs\n\nDogs are welcome in the garden."
    })),
    responses(
        (status = 201, description = "The document, without its text.", body = DocumentView,
            headers(("Location" = String, description = "The document."))),
        Refused,
        NotMade,
    )
)]
pub(crate) async fn create_document(
    granted: Granted<DocumentsWrite>,
    idempotency: IdempotencyKey,
    request: Strict<NewDocument, BODY_BYTES>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<DocumentView>), Problem> {
    let scope = granted.scope();
    let (title, text) = checked(&request.value)?;
    let fresh = DocumentId::generate(scope.now(), scope.entropy());
    let started = granted
        .begin(&idempotency, "POST /v1/documents", &request.raw, fresh)
        .await?;
    let (id, document) = match started {
        Idempotent::Made(id) => (id, stored(scope, id).await?.ok_or_else(crate::openapi::gone)?),
        Idempotent::Make(id, pending) => {
            let Some(key) = key_to_write_under(scope, id).await? else {
                pending.abandon(scope).await?;
                let detail = "There are 200 documents already. Delete one first.";
                return Err(Problem::conflict("too_many_documents", detail));
            };
            let document = new_document(id, request.value.format, title, text);
            let row = keys::document(scope.tenant(), id);
            let making = scope.store().putting(&row, &document, &key, When::Absent)?;
            let entry = granted.audit(AuditAction::DocumentCreated, &id)?;
            // If the row is there, an earlier attempt of this very request wrote the same, and its entry.
            let _same_document = scope.store().together(vec![making, entry]).await?;
            announce(scope).await?;
            pending.complete(scope).await?;
            (id, document)
        }
    };
    let location = format!("/v1/documents/{id}");
    let view = DocumentView::new(id, document, false);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(view)))
}

/// Reads a document
///
/// With its text. Scope: `documents:read`.
#[utoipa::path(
    get,
    path = "/v1/documents/{id}",
    tag = "documents",
    params(("id" = String, Path, description = "The document.", example = "doc_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "The document.", body = DocumentView),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn read_document(
    granted: Granted<DocumentsRead>,
    PathId(id): PathId<DocumentId>,
) -> Result<Json<DocumentView>, Problem> {
    let document = stored(granted.scope(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(Json(DocumentView::new(id, document, true)))
}

/// Removes a document
///
/// From then on no copy of it can be read, and the AI no longer answers from it. Scope: `documents:delete`.
#[utoipa::path(
    delete,
    path = "/v1/documents/{id}",
    tag = "documents",
    params(("id" = String, Path, description = "The document.", example = "doc_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "It is gone.", body = Deleted),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn delete_document(
    granted: Granted<DocumentsDelete>,
    PathId(id): PathId<DocumentId>,
) -> Result<Json<Deleted>, Problem> {
    let scope = granted.scope();
    let row = keys::document(scope.tenant(), id);
    let had_key = scope.delete_document_key(id).await?;
    if !had_key && scope.store().get_row(&row, true).await?.is_none() {
        return Err(Problem::not_found());
    }
    announce(scope).await?;
    // The row goes last: while it is there, a repeated request finishes what this one began.
    let removal = scope.store().deleting(&row, &[When::Present])?;
    let entry = granted.audit(AuditAction::DocumentDeleted, &id)?;
    let _by_another_request = scope.store().together(vec![removal, entry]).await?;
    Ok(Json(Deleted::new("document", &id)))
}

fn checked(request: &NewDocument) -> Result<(String, String), Problem> {
    let mut checks = Checks::default();
    let title = checks.text("title", &request.title, TextRule::Line(TITLE_CHARACTERS));
    let text = checks.text("text", &request.text, TextRule::Bytes(TEXT_BYTES));
    checks.finish()?;
    Ok((title, text))
}

/// The document as a function of its id and the request.
fn new_document(id: DocumentId, format: DocumentFormat, title: String, text: String) -> Document {
    Document {
        id: id.into(),
        format: usher_shared::model::DocumentFormat::from(format).into(),
        created_at: id.at().into(),
        size: u64::try_from(text.len()).unwrap_or(u64::MAX).into(),
        title: title.into(),
        text: text.into(),
    }
}

/// A new key, or the one that an earlier attempt of the same request made; `None` if there are as many
/// documents as there may be.
async fn key_to_write_under(
    scope: &TenantScope,
    id: DocumentId,
) -> Result<Option<DataKey<key::Document>>, Problem> {
    if let Some(key) = scope.document_key(id).await? {
        return Ok(Some(key));
    }
    // Keys are counted, not documents: their rows are small.
    let all = Read {
        limit: DOCUMENTS,
        backward: false,
        consistent: true,
        after: None,
    };
    let existing = scope
        .store()
        .query(&keys::document_keys(scope.tenant()), &all)
        .await?;
    if existing.rows.len() >= DOCUMENTS {
        return Ok(None);
    }
    Ok(Some(scope.create_document_key(id).await?))
}

/// Lets those who answer from the documents know that these changed.
async fn announce(scope: &TenantScope) -> Result<(), Problem> {
    let row = keys::tenant(scope.tenant());
    Ok(scope.store().increment(&row, "knowledge_version").await?)
}

async fn stored(scope: &TenantScope, id: DocumentId) -> Result<Option<Document>, Problem> {
    let Some(key) = scope.document_key(id).await? else {
        return Ok(None);
    };
    let row = keys::document(scope.tenant(), id);
    Ok(scope.store().get(&row, &key, true).await?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;
    use usher_shared::Timestamp;

    #[test]
    fn a_document_is_listed_without_its_text() {
        let at = Timestamp::from_millis(1_790_000_000_523);
        let id = DocumentId::derived(at, [1; 10]);
        let text = "Dogs are welcome. Å!";
        let document = new_document(
            id,
            DocumentFormat::Markdown,
            "House rules".to_owned(),
            text.to_owned(),
        );
        let listed = json!({
            "object": "document",
            "id": id.to_string(),
            "title": "House rules",
            "format": "markdown",
            "size": 21,
            "created_at": "2026-09-21T14:13:20.523Z",
        });
        let mut read = listed.clone();
        read.as_object_mut()
            .unwrap()
            .insert("text".to_owned(), json!(text));
        for (with_text, expected) in [(false, listed), (true, read)] {
            let view = DocumentView::new(id, document.clone(), with_text);
            assert_eq!(serde_json::to_value(view).unwrap(), expected);
        }
    }

    #[test]
    fn all_refusals_of_a_new_document_come_at_once() {
        let check = |title: &str, text: &str| {
            let request = NewDocument {
                title: title.to_owned(),
                format: DocumentFormat::Text,
                text: text.to_owned(),
            };
            checked(&request).map_err(|problem| crate::tests::refused_fields(&problem))
        };
        assert_eq!(
            check(" Rules ", "a\n\tb\n").unwrap(),
            ("Rules".to_owned(), "a\n\tb".to_owned())
        );
        assert!(check("R", &"å".repeat(100_000)).is_ok());
        let long = "å".repeat(100_001);
        let table: [(&str, &str, &[&str]); 4] = [
            ("", "", &["title", "text"]),
            ("R", &long, &["text"]),
            ("R", "a\u{0}b", &["text"]),
            ("a\tb", "a\rb", &["title", "text"]),
        ];
        for (title, text, fields) in table {
            assert_eq!(check(title, text).unwrap_err(), fields, "{title}");
        }
    }

    #[test]
    fn the_longest_text_fits_into_an_item_of_the_store() {
        let text = "\"".repeat(TEXT_BYTES);
        let title = "\"".repeat(TITLE_CHARACTERS);
        let stored = serde_json::to_vec(&text).unwrap().len() + serde_json::to_vec(&title).unwrap().len();
        // Nonces, tags, keys, stamps and the other fields take less than 2,000 bytes.
        assert!(stored + 2_000 < 400 * 1024, "{stored}");
    }
}
