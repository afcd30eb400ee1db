//! Opening an attachment: decrypted for minutes, for whoever may see its conversation and asks.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use serde::Serialize;
use usher_aws::attachments::open_file;
use usher_aws::http::access::Granted;
use usher_aws::http::access::permission::ConversationsRead;
use usher_aws::http::document::{NotFound, Refused};
use usher_aws::http::{App, Problem, ProblemBody, path_id};
use usher_aws::queue::Outgoing;
use usher_aws::store::keys;
use usher_shared::attachment::AttachmentTask;
use usher_shared::channel::AttachmentState;
use usher_shared::ids::{AttachmentId, ConversationId, MessageId};
use usher_shared::model::AuditAction;
use usher_shared::records::{Attachment, AttachmentCopy, AttachmentJob};
use utoipa::ToSchema;

/// How long a link works.
const SIGNED_FOR: Duration = Duration::from_mins(5);
/// The copy goes when no download that began in time can still be running.
const COPY_LASTS: Duration = Duration::from_mins(10);

/// A link to an attachment.
#[derive(Serialize, ToSchema)]
#[schema(as = AttachmentLink)]
pub(crate) struct LinkView {
    /// Always `attachment_link`.
    #[schema(example = "attachment_link")]
    object: &'static str,
    /// The attachment.
    #[schema(value_type = String, example = "att_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    attachment_id: AttachmentId,
    /// Where it can be downloaded by whoever has this address.
    url: String,
    /// Seconds for which the address works.
    #[schema(example = 300)]
    expires_in: u64,
    /// The file's name, as its sender called it. Not to be trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "floor plan.pdf")]
    name: Option<String>,
    /// What it was found to be.
    #[schema(example = "application/pdf")]
    media_type: &'static str,
    /// Its size in bytes.
    size: u64,
}

type Found = (StatusCode, [(HeaderName, String); 3], Json<LinkView>);

/// Opens an attachment
///
/// Leads to a link that works for five minutes. Each call is noted in the audit trail. Scope: `conversations:read`.
#[utoipa::path(
    get,
    path = "/v1/conversations/{id}/messages/{message_id}/attachments/{attachment_id}",
    tag = "conversations",
    params(
        ("id" = String, Path, description = "The conversation.", example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra"),
        ("message_id" = String, Path, description = "The message.", example = "msg_01k5p0d3sbqgd2h6x7mzv9e4ra"),
        ("attachment_id" = String, Path, description = "The attachment.", example = "att_01k5p0d3sbqgd2h6x7mzv9e4ra"),
    ),
    responses(
        (status = 303, description = "The file is at `Location`, and at `url` in the body.", body = LinkView, headers(
            ("Location" = String, description = "A signed address."),
            ("Cache-Control" = String, description = "`no-store`."),
            ("Referrer-Policy" = String, description = "`no-referrer`.")
        )),
        (status = 409, description = "It is still being fetched from its carrier.", body = ProblemBody,
            content_type = "application/problem+json", example = json!({
                "code": "attachment_pending", "title": "Conflict", "status": 409,
                "detail": "The attachment is still being fetched.", "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
            })),
        (status = 410, description = "It was not stored; the message says why.", body = ProblemBody,
            content_type = "application/problem+json", example = json!({
                "code": "attachment_not_stored", "title": "Gone", "status": 410,
                "detail": "The attachment was not stored.", "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
            })),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn open_attachment(
    State(app): State<App>,
    granted: Granted<ConversationsRead>,
    Path((conversation, message, attachment)): Path<(String, String, String)>,
) -> Result<Found, Problem> {
    let conversation: ConversationId = path_id(&conversation)?;
    let message: MessageId = path_id(&message)?;
    let attachment: AttachmentId = path_id(&attachment)?;
    let scope = granted.scope();
    let open = scope.open_conversation(conversation).await?;
    let open = open.ok_or_else(Problem::not_found)?;
    let row = keys::attachment(scope.tenant(), conversation, message, attachment);
    let found = scope.store().get(&row, &open.key, true).await?;
    let attachment: Attachment = found.ok_or_else(Problem::not_found)?;
    match *attachment.state {
        AttachmentState::Stored => {}
        AttachmentState::Pending => {
            return Err(Problem::conflict(
                "attachment_pending",
                "The attachment is still being fetched.",
            ));
        }
        AttachmentState::Refused => return Err(not_stored()),
    }
    let media_type = attachment.media_type.ok_or_else(Problem::internal)?;
    let files = scope.attachment_files().map_err(|_| Problem::internal())?;
    let file = scope.attachment_file(&attachment);
    let sealed = files.get(&file).await?.ok_or_else(not_stored)?;
    let plain = open_file(&open.key, &file, &sealed).map_err(|_| Problem::internal())?;
    drop(sealed);
    let entry = granted.audit(AuditAction::AttachmentOpened, &*attachment.id)?;
    let _new = scope.store().together(vec![entry]).await?;
    // Before the copy is there: none is left behind by whoever dies in between.
    let copy = scope.attachment_copy(&attachment)?;
    end_later(&app, &attachment, &copy).await?;
    files.put_copy(&copy, plain, media_type).await?;
    let name = format!("{}.{}", *attachment.id, media_type.extension());
    let url = files.signed_url(&copy, &name, SIGNED_FOR).await?;
    let headers = [
        (header::LOCATION, url.clone()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    let view = LinkView {
        object: "attachment_link",
        attachment_id: *attachment.id,
        url,
        expires_in: SIGNED_FOR.as_secs(),
        name: attachment.claim.get().name.clone(),
        media_type: media_type.name(),
        size: attachment.size.unwrap_or_default(),
    };
    Ok((StatusCode::SEE_OTHER, headers, Json(view)))
}

fn not_stored() -> Problem {
    Problem::gone("attachment_not_stored", "The attachment was not stored.")
}

/// Asks for the copy's removal.
async fn end_later(app: &App, attachment: &Attachment, copy: &AttachmentCopy) -> Result<(), Problem> {
    let job = AttachmentJob {
        at: copy.at,
        tenant: copy.tenant,
        conversation: copy.conversation,
        message: attachment.message,
        attachment: copy.attachment,
        task: AttachmentTask::EndCopy.into(),
        copy: Some(copy.name.0.clone()).into(),
    };
    let queue = app.platform.settings().attachment_queue();
    let queue = queue.map_err(|_| Problem::internal())?;
    let job = Outgoing::standard(&job).map_err(|_| Problem::internal())?;
    let refused = app.platform.send_jobs(&queue, &[job.after(COPY_LASTS)]).await;
    match refused.into_iter().next() {
        None => Ok(()),
        Some((_, error)) => {
            tracing::error!(error = %error, "the end of a copy could not be asked for");
            Err(Problem::unavailable())
        }
    }
}
