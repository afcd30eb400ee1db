//! Messages of a conversation, and a person's answer.

use axum::Json;
use axum::http::{HeaderName, StatusCode, header};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use usher_aws::conversation::OpenConversation;
use usher_aws::http::{IdempotencyKey, Idempotent, List, ListQuery, Problem, QueryOf, Strict, read_page};
use usher_aws::store::{When, keys};
use usher_shared::ids::{ConversationId, MessageId};
use usher_shared::masking::mask;
use usher_shared::model::{self, AuditAction, MessageBody};
use usher_shared::records::Message;
use utoipa::ToSchema;

use crate::access::permission::{ConversationsRead, ConversationsWrite};
use crate::access::{Granted, PathId};
use crate::attachments::AttachmentView;
use crate::openapi::{IdempotencyHeader, Invalid, NotFound, NotMade, Refused};
use crate::words::{Author, Delivery, Direction, Failure, MessageState, Time};
use usher_aws::http::{Checks, TextRule};

/// The same as a person on the other end may write.
const TEXT_CHARACTERS: usize = 4_000;
/// How far back the newest inbound message is looked for when a person answers.
const LOOK_BACK: usize = 20;

/// One message, in either direction.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
pub(crate) struct MessageView {
    /// Always `message`.
    #[schema(example = "message")]
    object: &'static str,
    /// Its id.
    #[schema(value_type = String, example = "msg_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    id: MessageId,
    /// The conversation it belongs to.
    #[schema(value_type = String, example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    conversation_id: ConversationId,
    /// Which way it goes.
    direction: Direction,
    /// Who wrote it.
    author: Author,
    /// Where it is on its way.
    state: MessageState,
    /// What it says.
    #[schema(example = "Yes, 12 June is free. Shall I hold it for you?")]
    text: String,
    /// The inbound message that it answers, if the AI or the system wrote it.
    #[schema(value_type = Option<String>, example = "msg_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    answers: Option<MessageId>,
    /// When it was received or written.
    created_at: Time,
    /// How far it is known to have come, where the carrier tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<Delivery>,
    /// Why it was not sent or did not arrive.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    /// Its subject. Mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Our wedding on 12 June")]
    subject: Option<String>,
    /// What was quoted below it. Mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    quoted: Option<String>,
    /// What the person feels about it, as the channel shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "❤")]
    reaction: Option<String>,
    /// What came with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<AttachmentView>,
    /// Nothing to answer by itself: a machine sent it, or the channel is paused.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unattended: bool,
    /// When the person changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<Time>,
    /// When the person took it back: nothing of it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn_at: Option<Time>,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        let body = message.body.into_inner();
        Self {
            object: "message",
            id: *message.id,
            conversation_id: *message.conversation,
            direction: (*message.direction).into(),
            author: (*message.author).into(),
            state: (*message.state).into(),
            answers: *message.answers,
            created_at: Time(*message.at),
            delivery: (*message.delivery).map(Into::into),
            failure: (*message.failure).map(Into::into),
            unattended: *message.unattended == Some(true),
            edited_at: (*message.edited_at).map(Time),
            withdrawn_at: (*message.withdrawn_at).map(Time),
            attachments: Vec::new(),
            subject: body.mail.map(|mail| mail.subject),
            quoted: body.quoted,
            reaction: body.reaction,
            text: body.text,
        }
    }
}

/// A person's answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMessage {
    /// What to say: 1 to 4,000 characters after white space around it is dropped; lines may be broken with
    /// line feeds.
    #[schema(min_length = 1, example = "Yes, 12 June is free. Shall I hold it for you?")]
    text: String,
}

/// Lists the messages of a conversation
///
/// Oldest first. Scope: `conversations:read`.
#[utoipa::path(
    get,
    path = "/v1/conversations/{id}/messages",
    tag = "conversations",
    params(
        ("id" = String, Path, description = "The conversation.", example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra"),
        ListQuery,
    ),
    responses(
        (status = 200, description = "One page.", body = List<MessageView>),
        Refused,
        NotFound,
        Invalid,
    )
)]
pub(crate) async fn list_messages(
    granted: Granted<ConversationsRead>,
    PathId(id): PathId<ConversationId>,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<List<MessageView>>, Problem> {
    let scope = granted.scope();
    let open = scope
        .open_conversation(id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let range = keys::messages(scope.tenant(), id, None);
    let mut page = read_page(scope, &range, &format!("messages/{id}"), &query, false).await?;
    let mut views = Vec::new();
    for row in std::mem::take(&mut page.data) {
        let message: Message = scope.store().open(row, &open.key)?;
        let attachments = if message.attachments.is_some_and(|count| count > 0) {
            scope.attachments_of(id, *message.id, &open.key).await?
        } else {
            Vec::new()
        };
        views.push(MessageView {
            attachments: attachments.into_iter().map(AttachmentView::from).collect(),
            ..message.into()
        });
    }
    Ok(Json(page.with(views)))
}

/// Answers as a person
///
/// Takes the conversation over: from then on the AI is silent in it until it is handed back. The message
/// leaves by the conversation's channel; its `state` tells how far it got. What `/v1/masking` masks is masked in it
/// too. Scope: `conversations:write`.
#[utoipa::path(
    post,
    path = "/v1/conversations/{id}/messages",
    tag = "conversations",
    params(
        ("id" = String, Path, description = "The conversation.", example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra"),
        IdempotencyHeader,
    ),
    request_body(content = NewMessage, example = json!({"text": "Yes, 12 June is free. Shall I hold it for you?"})),
    responses(
        (status = 201, description = "The message, on its way.", body = MessageView,
            headers(("Location" = String, description = "The conversation's messages, at this one."))),
        Refused,
        NotFound,
        NotMade,
    )
)]
pub(crate) async fn send_message(
    granted: Granted<ConversationsWrite>,
    PathId(id): PathId<ConversationId>,
    idempotency: IdempotencyKey,
    request: Strict<NewMessage>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<MessageView>), Problem> {
    let text = checked(&request.value)?;
    let scope = granted.scope();
    let text = mask(&text, scope.masking()).text;
    let found = scope.open_with_messages(id, LOOK_BACK).await?;
    let (open, newest) = found.ok_or_else(Problem::not_found)?;
    let fresh = MessageId::generate(scope.now(), scope.entropy());
    // The conversation is part of what the idempotency key is bound to.
    let bound: Bytes = [id.to_string().as_bytes(), &request.raw].concat().into();
    let started = granted
        .begin(
            &idempotency,
            "POST /v1/conversations/{id}/messages",
            &bound,
            fresh,
        )
        .await?;
    let message = match started {
        Idempotent::Made(message) => stored(&granted, &open, message).await?,
        Idempotent::Make(message, pending) => {
            // First the AI falls silent, then the message leaves.
            take_over(&granted, &open, &newest).await?;
            let message = store(&granted, &open, message, text).await?;
            pending.complete(scope).await?;
            message
        }
    };
    let location = format!("/v1/conversations/{id}/messages#{}", *message.id);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(message.into()),
    ))
}

fn checked(request: &NewMessage) -> Result<String, Problem> {
    let mut checks = Checks::default();
    let text = checks.text("text", &request.text, TextRule::Lines(TEXT_CHARACTERS));
    checks.finish()?;
    Ok(text)
}

/// Gives the conversation to people. What was written before counts as answered, so that the AI does not
/// answer it after a hand-back.
async fn take_over(
    granted: &Granted<ConversationsWrite>,
    open: &OpenConversation,
    newest: &[Message],
) -> Result<(), Problem> {
    use model::ConversationState::{Ai, Human, WaitingForHuman};

    let scope = granted.scope();
    let (id, now) = (*open.head.id, scope.now());
    let inbound = newest
        .iter()
        .rev()
        .find(|message| *message.direction == model::Direction::Inbound);
    let through = inbound
        .map(|message| *message.id)
        .max(*open.head.answered_through);
    if *open.head.state != Human {
        scope.note_takeover(id, now).await?;
    }
    let entry = granted.audit(AuditAction::ConversationTakenOver, &id)?;
    let moved = scope
        .move_conversation_and(id, &[Ai, WaitingForHuman], Human, now, through, entry)
        .await?;
    if moved.happened() {
        return Ok(());
    }
    let kept = scope.move_conversation(id, &[Human], Human, now, through).await?;
    if kept.happened() {
        Ok(())
    } else {
        Err(Problem::not_found())
    }
}

/// Writes the message, unless an earlier attempt of the same request did.
async fn store(
    granted: &Granted<ConversationsWrite>,
    open: &OpenConversation,
    id: MessageId,
    text: String,
) -> Result<Message, Problem> {
    let scope = granted.scope();
    let message = Message {
        id: id.into(),
        conversation: open.head.id,
        contact: open.head.contact,
        channel: open.head.channel,
        direction: model::Direction::Outbound.into(),
        author: model::Author::Human.into(),
        state: model::MessageState::Queued.into(),
        at: id.at().into(),
        answers: None.into(),
        body: MessageBody::from(text).into(),
        ..Message::blank()
    };
    let row = keys::message(scope.tenant(), *open.head.id, id);
    let written = scope.store().put(&row, &message, &open.key, When::Absent).await?;
    if written.happened() {
        Ok(message)
    } else {
        stored(granted, open, id).await
    }
}

async fn stored(
    granted: &Granted<ConversationsWrite>,
    open: &OpenConversation,
    id: MessageId,
) -> Result<Message, Problem> {
    let scope = granted.scope();
    let row = keys::message(scope.tenant(), *open.head.id, id);
    let found = scope.store().get(&row, &open.key, true).await?;
    found.ok_or_else(crate::openapi::gone)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;
    use usher_shared::Timestamp;
    use usher_shared::ids::{ChannelId, ContactId};
    use usher_shared::untrusted::KeyedHash;

    #[test]
    fn a_message_is_shown_with_its_text_and_without_its_addresses_hash() {
        let at = Timestamp::from_millis(1_790_000_000_523);
        let message = Message {
            id: MessageId::derived(at, [1; 10]).into(),
            conversation: ConversationId::derived(at, [2; 10]).into(),
            contact: model::ContactRef {
                address: KeyedHash::from_bytes([9; 16]),
                id: ContactId::derived(at, [3; 10]),
            }
            .into(),
            channel: ChannelId::derived(at, [4; 10]).into(),
            direction: model::Direction::Outbound.into(),
            author: model::Author::Ai.into(),
            state: model::MessageState::Sent.into(),
            at: at.into(),
            answers: Some(MessageId::derived(at, [5; 10])).into(),
            body: MessageBody::from("Yes.".to_owned()).into(),
            ..Message::blank()
        };
        assert_eq!(
            serde_json::to_value(MessageView::from(message)).unwrap(),
            json!({
                "object": "message",
                "id": MessageId::derived(at, [1; 10]).to_string(),
                "conversation_id": ConversationId::derived(at, [2; 10]).to_string(),
                "direction": "outbound",
                "author": "ai",
                "state": "sent",
                "text": "Yes.",
                "answers": MessageId::derived(at, [5; 10]).to_string(),
                "created_at": "2026-09-21T14:13:20.523Z",
            })
        );
    }

    #[test]
    fn answers_have_up_to_four_thousand_characters() {
        let check = |text: &str| {
            checked(&NewMessage {
                text: text.to_owned(),
            })
        };
        assert_eq!(check("  Yes.\n").unwrap(), "Yes.");
        assert!(check(&"å".repeat(4_000)).is_ok());
        for refused in ["", "  \n", "a\u{0}b", &"å".repeat(4_001)] {
            assert!(check(refused).is_err());
        }
    }
}
