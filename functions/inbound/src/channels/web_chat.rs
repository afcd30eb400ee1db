//! The web chat: visitors of the tenant's pages, each in a session that is a signed token.

mod session;

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::{Deserialize, Serialize};
use usher_aws::TenantScope;
use usher_aws::http::{App, Checks, IdempotencyKey, Problem, QueryOf, Strict, TextRule};
use usher_aws::store::{Read, keys};
use usher_carriers::event::{Person, Said};
use usher_shared::ids::{ContactId, ConversationId, MessageId, SessionId};
use usher_shared::knowledge::Language;
use usher_shared::model::{Author, Direction, MessageState};
use usher_shared::records::{ChannelAddress, Message};

use self::session::{Session, Visitor};
use super::cors;
use crate::receive::{Copies, Inbound, Received, receive};

/// A text of this many characters is a long letter.
const TEXT_LIMIT: usize = 4_000;
const ID_LIMIT: usize = 255;
const BODY_LIMIT: usize = 20 * 1024;
const PAGE: usize = 50;

/// The routes of the web chat.
pub fn routes(app: App) -> Router<App> {
    Router::new()
        .route(
            "/chat/{channel_key}/sessions",
            post(open_session).options(cors::never_reached),
        )
        .route(
            "/chat/{channel_key}/messages",
            get(answers).post(post_message).options(cors::never_reached),
        )
        .route_layer(middleware::from_fn_with_state(app, cors::admit))
}

/// A new session.
#[derive(Debug, Serialize)]
struct SessionView {
    object: &'static str,
    token: String,
    expires_at: String,
    ai_notice: AiNotice,
}

/// What the page shows before the first message: that an AI answers.
#[derive(Debug, Serialize)]
struct AiNotice {
    language: &'static str,
    text: String,
}

/// `POST /chat/{channel_key}/sessions`: opens a session. Stores nothing.
async fn open_session(
    headers: HeaderMap,
    Extension(scope): Extension<TenantScope>,
    Extension(channel): Extension<ChannelAddress>,
) -> Result<(StatusCode, Json<SessionView>), Problem> {
    let session = Session::open(scope.now(), SessionId::generate(scope.now(), scope.entropy()));
    let notice = scope.ai_notices().said_in(language(&headers));
    let view = SessionView {
        object: "chat_session",
        token: session.token(&scope, &channel),
        expires_at: session.expires_at().to_string(),
        ai_notice: AiNotice {
            language: notice.language.code(),
            text: notice.text.to_owned(),
        },
    };
    Ok((StatusCode::CREATED, Json(view)))
}

/// The first language of `Accept-Language` that we speak. Browsers send them in the visitor's order.
fn language(headers: &HeaderMap) -> Option<Language> {
    let accepted = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut codes = accepted
        .split(',')
        .map(|one| one.split(';').next().unwrap_or_default().trim());
    codes.find_map(Language::by_code)
}

/// What a visitor posts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewMessage {
    text: String,
    /// Names the message: posted twice under one id, it is one message. An `Idempotency-Key` does the same.
    client_message_id: Option<String>,
}

/// What a visitor gets back.
#[derive(Debug, Serialize)]
struct Accepted {
    object: &'static str,
    id: MessageId,
    state: MessageState,
}

/// `POST /chat/{channel_key}/messages`.
async fn post_message(
    State(app): State<App>,
    Visitor {
        scope,
        channel,
        session,
    }: Visitor,
    IdempotencyKey(key): IdempotencyKey,
    body: Strict<NewMessage, BODY_LIMIT>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let NewMessage {
        text,
        client_message_id,
    } = body.value;
    let mut checks = Checks::default();
    let text = checks.text("text", &text, TextRule::Lines(TEXT_LIMIT));
    let named = client_message_id
        .map(|id| ("client_message_id", id))
        .or(key.map(|id| ("Idempotency-Key", id)));
    if let Some((field, id)) = &named {
        checks.text(field, id, TextRule::Line(ID_LIMIT));
    }
    checks.finish()?;
    let event = named.map_or_else(
        || MessageId::generate(scope.now(), scope.entropy()).to_string(),
        |(_, id)| id,
    );
    let inbound = Inbound {
        person: Person {
            address: session.id.to_string(),
            ..Person::default()
        },
        event,
        copies: Copies::Alike,
        said: Said {
            text,
            ..Said::default()
        },
        ..Inbound::default()
    };
    match receive(&app.platform, &scope, &channel, inbound).await? {
        Received::Stored(id, _) => {
            let accepted = Accepted {
                object: "message",
                id,
                state: MessageState::Received,
            };
            Ok((StatusCode::ACCEPTED, Json(accepted)))
        }
        Received::Forgotten => Err(Problem::gone(
            "conversation_forgotten",
            "The conversation was deleted.",
        )),
        // Nothing else is said of a message.
        Received::Conflict | Received::Noted | Received::Ignored(_) => Err(Problem::unprocessable(
            "idempotency_key_reused",
            "The message's id was used before, with another text.",
        )),
    }
}

/// Which answers to give.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswersQuery {
    after: Option<MessageId>,
}

/// One answer.
#[derive(Debug, Serialize)]
struct AnswerView {
    object: &'static str,
    id: MessageId,
    author: Author,
    text: String,
    answers: Option<MessageId>,
    created_at: String,
}

/// A page of answers.
#[derive(Debug, Serialize)]
struct Answers {
    object: &'static str,
    data: Vec<AnswerView>,
    has_more: bool,
}

/// `GET /chat/{channel_key}/messages?after=`: the answers after one, oldest first.
async fn answers(
    State(app): State<App>,
    Visitor { channel, session, .. }: Visitor,
    QueryOf(query): QueryOf<AnswersQuery>,
) -> Result<Json<Answers>, Problem> {
    // What is read is decided by the policy in force now, not by one that is a minute old.
    let scope = app.platform.enter(*channel.tenant).await?;
    let (data, has_more) = read_answers(&scope, &channel, session, query.after).await?;
    Ok(Json(Answers {
        object: "list",
        data,
        has_more,
    }))
}

async fn read_answers(
    scope: &TenantScope,
    channel: &ChannelAddress,
    session: Session,
    mut after: Option<MessageId>,
) -> Result<(Vec<AnswerView>, bool), Problem> {
    let address = scope.contact_address(*channel.channel, &session.id.to_string());
    let row = scope
        .store()
        .get_row(&keys::contact(scope.tenant(), address), true)
        .await?;
    let known = row.and_then(|row| {
        Some((
            row.peek::<ContactId>("id")?,
            row.peek::<ConversationId>("conversation")?,
        ))
    });
    let Some((contact, conversation)) = known else {
        return Ok((Vec::new(), false));
    };
    let Some(contact_keys) = scope.contact_keys(contact).await? else {
        return Ok((Vec::new(), false));
    };
    let Some(key) = contact_keys.conversation(conversation)? else {
        return Ok((Vec::new(), false));
    };

    let mut data = Vec::new();
    loop {
        let read = Read {
            limit: PAGE,
            backward: false,
            consistent: true,
            after: None,
        };
        let page = scope
            .store()
            .query(&keys::messages(scope.tenant(), conversation, after), &read)
            .await?;
        let ended = page.next.is_none();
        for row in page.rows {
            let message: Message = scope.store().open(row, &key)?;
            after = Some(*message.id);
            if *message.direction == Direction::Outbound && *message.state == MessageState::Sent {
                data.push(view(message));
            }
            if data.len() == PAGE {
                return Ok((data, true));
            }
        }
        if ended {
            return Ok((data, false));
        }
    }
}

fn view(message: Message) -> AnswerView {
    AnswerView {
        object: "message",
        id: *message.id,
        author: *message.author,
        answers: *message.answers,
        created_at: message.at.to_string(),
        text: message.body.into_inner().text,
    }
}
