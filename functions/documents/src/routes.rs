//! The routes of documents: add, look at, replace, remove.

use axum::extract::Extension;
use axum::http::{HeaderName, StatusCode, header};
use axum::{Json, Router};
use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::http::access::permission::{DocumentsDelete, DocumentsRead, DocumentsWrite};
use usher_aws::http::access::{Granted, PathId};
use usher_aws::http::document::{
    IdempotencyHeader, Invalid, NotFound, NotMade, Refused, TooLarge, base, finish,
};
use usher_aws::http::words::Deleted;
use usher_aws::http::{
    App, IdempotencyKey, Idempotent, List, ListQuery, Problem, ProblemBody, QueryOf, Strict, gone, read_page,
    wrap,
};
use usher_aws::sealing::DataKey;
use usher_aws::store::{Read, When, keys};
use usher_aws::web::Web;
use usher_shared::ids::DocumentId;
use usher_shared::model::AuditAction;
use usher_shared::record::key;
use usher_shared::records::Document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Documents;
use crate::extract::fill;
use crate::request::{BODY_BYTES, NewDocument, checked};
use crate::view::DocumentView;

const DOCUMENTS: usize = 200;

/// All routes of the function.
pub fn router(documents: Documents) -> Router {
    let (routes, _document) = described().split_for_parts();
    wrap(routes.layer(Extension(documents.web)), documents.app)
}

/// The description of all routes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    finish(described().into_openapi())
}

fn described() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(base())
        .routes(routes!(list_documents, create_document))
        .routes(routes!(read_document, replace_document, delete_document))
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
async fn list_documents(
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
/// The AI answers from it within moments. A web address is read while you wait, for up to 15 seconds. At most 200
/// documents. Scope: `documents:write`.
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
async fn create_document(
    Extension(web): Extension<Web>,
    granted: Granted<DocumentsWrite>,
    idempotency: IdempotencyKey,
    request: Strict<NewDocument, BODY_BYTES>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<DocumentView>), Problem> {
    let scope = granted.scope();
    let (draft, from) = checked(request.value)?;
    let fresh = DocumentId::generate(scope.now(), scope.entropy());
    let started = granted
        .begin(&idempotency, "POST /v1/documents", &request.raw, fresh)
        .await?;
    let (id, document) = match started {
        Idempotent::Made(id) => (id, stored(scope, id).await?.ok_or_else(gone)?),
        Idempotent::Make(id, pending) => {
            // What cannot be read makes nothing, and may be asked again at once.
            let draft = match fill(&web, draft, from).await {
                Ok(draft) => draft,
                Err(problem) => {
                    pending.abandon(scope).await?;
                    return Err(problem);
                }
            };
            let Some(key) = key_to_write_under(scope, id).await? else {
                pending.abandon(scope).await?;
                let detail = "There are 200 documents already. Delete one first.";
                return Err(Problem::conflict("too_many_documents", detail));
            };
            let document = draft.first(id);
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
async fn read_document(
    granted: Granted<DocumentsRead>,
    PathId(id): PathId<DocumentId>,
) -> Result<Json<DocumentView>, Problem> {
    let document = stored(granted.scope(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(Json(DocumentView::new(id, document, true)))
}

/// Replaces a document
///
/// It keeps its id and its place in the list, and gets the next version; the one before cannot be read any more. Nothing
/// happens if nothing is different. Scope: `documents:write`.
#[utoipa::path(
    put,
    path = "/v1/documents/{id}",
    tag = "documents",
    params(("id" = String, Path, description = "The document.", example = "doc_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    request_body(content = NewDocument, example = json!({
        "title": "House rules", "format": "markdown", "text": "# Dogs\n\nDogs and cats are welcome in the garden."
    })),
    responses(
        (status = 200, description = "The document, without its text.", body = DocumentView),
        (status = 409, description = "It was replaced or removed meanwhile: `changed_meanwhile`.", body = ProblemBody,
            content_type = "application/problem+json"),
        Refused,
        NotFound,
        TooLarge,
        Invalid,
    )
)]
async fn replace_document(
    Extension(web): Extension<Web>,
    granted: Granted<DocumentsWrite>,
    PathId(id): PathId<DocumentId>,
    request: Strict<NewDocument, BODY_BYTES>,
) -> Result<Json<DocumentView>, Problem> {
    let scope = granted.scope();
    let (draft, from) = checked(request.value)?;
    let key = scope.document_key(id).await?.ok_or_else(Problem::not_found)?;
    let before = stored(scope, id).await?.ok_or_else(Problem::not_found)?;
    let draft = fill(&web, draft, from).await?;
    let Some(document) = draft.after(&before, scope.now()) else {
        // An earlier attempt of this request may have died before it could tell.
        announce(scope).await?;
        return Ok(Json(DocumentView::new(id, before, false)));
    };
    let row = keys::document(scope.tenant(), id);
    let when = When::Is("version", json!(*before.version));
    let replacing = scope.store().putting(&row, &document, &key, when)?;
    let entry = granted.audit(AuditAction::DocumentReplaced, &id)?;
    if !scope.store().together(vec![replacing, entry]).await?.happened() {
        let detail = "The document was replaced or removed meanwhile. Read it and try again.";
        return Err(Problem::conflict("changed_meanwhile", detail));
    }
    announce(scope).await?;
    Ok(Json(DocumentView::new(id, document, false)))
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
async fn delete_document(
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
