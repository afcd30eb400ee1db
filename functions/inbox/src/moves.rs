//! Who answers a conversation, as people decide it: taken over, handed back to the AI, closed.

use axum::Json;
use usher_aws::conversation::OpenConversation;
use usher_aws::http::Problem;
use usher_shared::ids::ConversationId;
use usher_shared::model::ConversationState::{self, Ai, Closed, Human, WaitingForHuman};
use usher_shared::model::{AuditAction, Direction};
use usher_shared::records::Message;

use crate::access::permission::ConversationsWrite;
use crate::access::{Granted, PathId};
use crate::conversations::{ConversationView, view};
use crate::messages::LOOK_BACK;
use crate::openapi::{NotFound, Refused};

/// Takes a conversation over
///
/// From then on the AI is silent in it, at once: what it has not sent yet is not sent. Answering does the same. The
/// request has no body. Scope: `conversations:write`.
#[utoipa::path(
    post,
    path = "/v1/conversations/{id}/take-over",
    tag = "conversations",
    params(("id" = String, Path, description = "The conversation.", example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "The conversation, now in state `human`.", body = ConversationView),
        (status = 409, description = "A person has it already.", body = usher_aws::http::ProblemBody,
            content_type = "application/problem+json", example = json!({
                "code": "already_taken_over", "title": "Conflict", "status": 409,
                "detail": "A person has this conversation already.",
                "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
            })),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn take_over(
    granted: Granted<ConversationsWrite>,
    PathId(id): PathId<ConversationId>,
) -> Result<Json<ConversationView>, Problem> {
    moved(&granted, id, &TAKE_OVER).await
}

/// Hands a conversation back to the AI
///
/// From then on the AI answers what the person writes next. The request has no body. Scope: `conversations:write`.
#[utoipa::path(
    post,
    path = "/v1/conversations/{id}/hand-back",
    tag = "conversations",
    params(("id" = String, Path, description = "The conversation.", example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "The conversation, now in state `ai`.", body = ConversationView),
        (status = 409, description = "The AI has it already.", body = usher_aws::http::ProblemBody,
            content_type = "application/problem+json", example = json!({
                "code": "already_with_ai", "title": "Conflict", "status": 409,
                "detail": "The AI answers this conversation already.",
                "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
            })),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn hand_back(
    granted: Granted<ConversationsWrite>,
    PathId(id): PathId<ConversationId>,
) -> Result<Json<ConversationView>, Problem> {
    moved(&granted, id, &HAND_BACK).await
}

/// Closes a conversation
///
/// Nobody has to answer it any more. If the person writes again it goes on, with the AI. The request has no body.
/// Scope: `conversations:write`.
#[utoipa::path(
    post,
    path = "/v1/conversations/{id}/close",
    tag = "conversations",
    params(("id" = String, Path, description = "The conversation.", example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "The conversation, now in state `closed`.", body = ConversationView),
        (status = 409, description = "It is closed already.", body = usher_aws::http::ProblemBody,
            content_type = "application/problem+json", example = json!({
                "code": "already_closed", "title": "Conflict", "status": 409,
                "detail": "This conversation is closed already.",
                "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
            })),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn close(
    granted: Granted<ConversationsWrite>,
    PathId(id): PathId<ConversationId>,
) -> Result<Json<ConversationView>, Problem> {
    moved(&granted, id, &CLOSE).await
}

/// A decision of a person about who answers.
pub(crate) struct Move {
    from: [ConversationState; 3],
    to: ConversationState,
    action: AuditAction,
    /// Whether what was written before counts as answered, so that the AI does not answer it afterwards.
    settles: bool,
    already: (&'static str, &'static str),
}

pub(crate) const TAKE_OVER: Move = Move {
    from: [Ai, WaitingForHuman, Closed],
    to: Human,
    action: AuditAction::ConversationTakenOver,
    settles: true,
    already: ("already_taken_over", "A person has this conversation already."),
};

const HAND_BACK: Move = Move {
    from: [Human, WaitingForHuman, Closed],
    to: Ai,
    action: AuditAction::ConversationHandedBack,
    settles: false,
    already: ("already_with_ai", "The AI answers this conversation already."),
};

const CLOSE: Move = Move {
    from: [Ai, WaitingForHuman, Human],
    to: Closed,
    action: AuditAction::ConversationClosed,
    settles: true,
    already: ("already_closed", "This conversation is closed already."),
};

async fn moved(
    granted: &Granted<ConversationsWrite>,
    id: ConversationId,
    decided: &Move,
) -> Result<Json<ConversationView>, Problem> {
    let scope = granted.scope();
    let look_back = if decided.settles { LOOK_BACK } else { 0 };
    let found = scope.open_with_messages(id, look_back).await?;
    let (open, newest) = found.ok_or_else(Problem::not_found)?;
    if !decide(granted, &open, &newest, decided).await? {
        let (code, detail) = decided.already;
        return Err(Problem::conflict(code, detail));
    }
    let again = scope
        .open_conversation(id)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(Json(view(scope, again.head).await?))
}

/// Writes a decision down, with who took it. `false` if the conversation is where it should go already.
pub(crate) async fn decide(
    granted: &Granted<ConversationsWrite>,
    open: &OpenConversation,
    newest: &[Message],
    decided: &Move,
) -> Result<bool, Problem> {
    let scope = granted.scope();
    let (id, now) = (*open.head.id, scope.now());
    let through = decided.settles.then(|| answered_through(open, newest)).flatten();
    if decided.to == Human && *open.head.state != Human {
        scope.note_takeover(id, now).await?;
    }
    let entry = granted.audit(decided.action, &id)?;
    let moved = scope
        .move_conversation_and(id, &decided.from, decided.to, now, through, entry)
        .await?;
    Ok(moved.happened())
}

/// What was written before counts as answered.
pub(crate) fn answered_through(
    open: &OpenConversation,
    newest: &[Message],
) -> Option<usher_shared::ids::MessageId> {
    let mut newest_first = newest.iter().rev();
    let inbound = newest_first.find(|message| *message.direction == Direction::Inbound);
    inbound
        .map(|message| *message.id)
        .max(*open.head.answered_through)
}
