//! Search in what was said: conversations are opened one after the other, newest activity first, and their
//! messages read. Nothing that is sealed has an index of its words, so the work of one request is bounded, and
//! the answer says how far it got.

mod place;

use std::time::Duration;

use axum::Json;
use serde::{Deserialize, Serialize};
use usher_aws::clock::wall_now;
use usher_aws::conversation::OpenConversation;
use usher_aws::http::{Checks, Problem, Strict, TextRule};
use usher_aws::sealing::HashPurpose;
use usher_aws::store::{Read, Row, keys};
use usher_aws::{TenantScope, cursor};
use usher_shared::Timestamp;
use usher_shared::find::Needle;
use usher_shared::ids::{ConversationId, MessageId};
use usher_shared::records::Message;
use utoipa::ToSchema;

use self::place::{Place, Window, decode, encode};
use crate::access::Granted;
use crate::access::permission::ConversationsRead;
use crate::openapi::{Invalid, Refused, TooLarge};
use crate::words::Time;

const QUERY_CHARACTERS: usize = 200;
/// The window where none is asked for.
const WINDOW_DAYS: u32 = 30;
/// Messages opened in one request at most.
const MESSAGES: usize = 2_000;
/// A conversation costs two reads before its first message: as much as this many messages.
const CONVERSATION: usize = 10;
/// Less than half of the function's timeout in `template.yaml`, by wall time.
const TIME: Duration = Duration::from_secs(4);
/// Rows read at a time.
const CONVERSATIONS_AT_ONCE: usize = 25;
const MESSAGES_AT_ONCE: usize = 100;

/// What to look for, where, and which page of it. In a body, because what people say does not belong in a URL.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchRequest {
    /// One line of up to 200 characters. A message is found if it holds all words, in any case, with or without
    /// accents, also as parts of longer words.
    #[schema(min_length = 1, max_length = 200, example = "garden room")]
    q: String,
    /// Only messages at this time or later; 30 days ago if not given.
    since: Option<Time>,
    /// Only messages before this time.
    until: Option<Time>,
    /// Items at most, 1 to 100; 20 if not given.
    #[schema(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// `next_cursor` of a page: goes on where it stopped, in the same window.
    after: Option<String>,
}

/// A message that holds the words.
#[derive(Serialize, ToSchema)]
pub(crate) struct SearchResult {
    /// Always `search_result`.
    #[schema(example = "search_result")]
    object: &'static str,
    /// The conversation.
    #[schema(value_type = String, example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    conversation_id: ConversationId,
    /// The message.
    #[schema(value_type = String, example = "msg_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    message_id: MessageId,
    /// One line of the message around the first match.
    #[schema(example = "Is the garden room free on 12 June?")]
    snippet: String,
    /// When the message was received or written.
    created_at: Time,
}

/// One page of what was found.
#[derive(Serialize, ToSchema)]
pub(crate) struct SearchPage {
    /// Always `list`.
    #[schema(example = "list")]
    object: &'static str,
    /// What was found: by conversation, newest activity first, and newest message first within each.
    data: Vec<SearchResult>,
    /// Whether a part of the window was not searched yet, though it may hold nothing.
    has_more: bool,
    /// Give as `after` to search on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// All conversations with activity after this time were searched; the window's start once all of it was.
    searched_through: Time,
}

/// Searches messages
///
/// Opens the conversations of a window of time, newest activity first, and looks through what was said in either
/// direction. One request looks through up to 2,000 messages or a few seconds; if that did not reach the window's
/// start, `has_more` says so, `searched_through` tells how far it got, and `next_cursor` goes on from there. A page
/// may be empty and still have more. Scope: `conversations:read`.
#[utoipa::path(
    post,
    path = "/v1/search",
    tag = "conversations",
    request_body(content = SearchRequest, example = json!({"q": "garden room", "since": "2026-09-01T00:00:00Z"})),
    responses(
        (status = 200, description = "One page.", body = SearchPage),
        Refused,
        TooLarge,
        Invalid,
    )
)]
pub(crate) async fn search(
    granted: Granted<ConversationsRead>,
    request: Strict<SearchRequest>,
) -> Result<Json<SearchPage>, Problem> {
    let scope = granted.scope();
    let asked = check(&request.value)?;
    let list = list_name(scope, &asked.needle, &request.value);
    let (window, place) = if let Some(text) = &request.value.after {
        resume(scope, &list, text)?
    } else {
        let since = request.value.since.map(|time| time.0);
        let since = since.unwrap_or_else(|| scope.now().minus_days(WINDOW_DAYS));
        let until = request.value.until.map(|time| time.0);
        (Window { since, until }, None)
    };
    if window.until.is_some_and(|until| until <= window.since) {
        return Err(Problem::invalid_field("until", "must be after since"));
    }
    let mut search = Search {
        scope,
        needle: asked.needle,
        window,
        limit: asked.limit,
        work: MESSAGES,
        began: wall_now(),
        found: Vec::new(),
    };
    let stopped = search.walk(place).await?;
    Ok(Json(SearchPage {
        object: "list",
        data: search.found,
        has_more: stopped.is_some(),
        searched_through: Time(stopped.as_ref().map_or(window.since, |place| place.active)),
        next_cursor: stopped.map(|place| cursor::encode(scope, &list, &encode(&window, &place))),
    }))
}

struct Asked {
    needle: Needle,
    limit: usize,
}

fn check(request: &SearchRequest) -> Result<Asked, Problem> {
    let mut checks = Checks::default();
    let text = checks.text("q", &request.q, TextRule::Line(QUERY_CHARACTERS));
    let needle = Needle::new(&text);
    if needle.is_none() && !text.is_empty() {
        checks.refuse("q", "must hold a word");
    }
    let limit = request.limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        checks.refuse("limit", "must be from 1 to 100");
    }
    checks.finish()?;
    Ok(Asked {
        needle: needle.ok_or_else(Problem::internal)?,
        limit: limit.into(),
    })
}

/// Binds cursors to what was asked for: of the words, a keyed hash.
fn list_name(scope: &TenantScope, needle: &Needle, request: &SearchRequest) -> String {
    let words = needle.words().join(" ");
    let time = |time: Option<Time>| time.map(|time| time.0.to_string()).unwrap_or_default();
    let (since, until) = (time(request.since), time(request.until));
    let parts = [b"search", words.as_bytes(), since.as_bytes(), until.as_bytes()];
    format!("search/{}", scope.key().hash(HashPurpose::RequestBody, &parts))
}

fn resume(scope: &TenantScope, list: &str, text: &str) -> Result<(Window, Option<Place>), Problem> {
    let refused = || Problem::invalid_field("after", cursor::InvalidCursor.to_string());
    let text = cursor::decode(scope, list, text).map_err(|_| refused())?;
    let (window, place) = decode(&text).ok_or_else(refused)?;
    Ok((window, Some(place)))
}

struct Search<'a> {
    scope: &'a TenantScope,
    needle: Needle,
    window: Window,
    limit: usize,
    /// Messages that may still be opened.
    work: usize,
    began: Timestamp,
    found: Vec<SearchResult>,
}

/// How a conversation was left.
enum Left {
    Done,
    /// After this message, with older ones to go.
    After(MessageId),
}

impl Search<'_> {
    /// Whether this request has done its share.
    fn is_over(&self) -> bool {
        self.found.len() >= self.limit || self.work == 0 || wall_now().since(self.began) >= TIME
    }

    /// Walks on from `place` and says where it stopped; `None` at the window's start.
    async fn walk(&mut self, place: Option<Place>) -> Result<Option<Place>, Problem> {
        let tenant = self.scope.tenant();
        let range = keys::conversations_between(tenant, Some(self.window.since), None);
        let mut standing = place;
        let mut after = None;
        if let Some(place) = &mut standing {
            after = Some(keys::conversation_listing(tenant, place.conversation, place.active).sk);
            // By its id: while nobody looked it may have moved up the list.
            if let Some(message) = place.message.take() {
                let row = keys::conversation(tenant, place.conversation);
                let row = self.scope.store().get_row(&row, true).await?;
                if let Some(row) = row
                    && let Left::After(message) = self.conversation(row, Some(message)).await?
                {
                    place.message = Some(message);
                    return Ok(standing);
                }
            }
        }
        loop {
            let read = Read {
                limit: CONVERSATIONS_AT_ONCE,
                backward: true,
                consistent: false,
                after,
            };
            let page = self.scope.store().query(&range, &read).await?;
            for row in page.rows {
                // Only before another conversation: a search that is over at the last one is complete.
                if self.is_over() && standing.is_some() {
                    return Ok(standing);
                }
                let met = row.peek::<ConversationId>("id").zip(row.peek("last_activity"));
                let Some((conversation, active)) = met else {
                    continue;
                };
                let message = match self.conversation(row, None).await? {
                    Left::Done => None,
                    Left::After(message) => Some(message),
                };
                let is_within = message.is_some();
                standing = Some(Place {
                    active,
                    conversation,
                    message,
                });
                if is_within {
                    return Ok(standing);
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(None);
            }
        }
    }

    /// Looks through one conversation, newest message first, from `before` on.
    async fn conversation(&mut self, row: Row, before: Option<MessageId>) -> Result<Left, Problem> {
        self.work = self.work.saturating_sub(CONVERSATION);
        let began_later = |until| row.peek::<Timestamp>("created_at").is_some_and(|at| at >= until);
        if self.window.until.is_some_and(began_later) {
            return Ok(Left::Done);
        }
        // What is forgotten is not there.
        let Some(open) = self.scope.open_head(row).await? else {
            return Ok(Left::Done);
        };
        let id = *open.head.id;
        let tenant = self.scope.tenant();
        let range = keys::messages_between(tenant, id, self.window.since, self.window.until);
        let mut after = before.map(|message| keys::message(tenant, id, message).sk);
        loop {
            let read = Read {
                limit: MESSAGES_AT_ONCE,
                backward: true,
                consistent: true,
                after,
            };
            let page = self.scope.store().query(&range, &read).await?;
            let mut rows = page.rows.into_iter().peekable();
            while let Some(row) = rows.next() {
                let message = self.message(row, &open)?;
                let is_last = rows.peek().is_none() && page.next.is_none();
                if !is_last && self.is_over() {
                    return Ok(Left::After(message));
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(Left::Done);
            }
        }
    }

    /// Looks at one message.
    fn message(&mut self, row: Row, open: &OpenConversation) -> Result<MessageId, Problem> {
        let message: Message = self.scope.store().open(row, &open.key)?;
        self.work = self.work.saturating_sub(1);
        if let Some(snippet) = self.needle.find(&message.body.get().text) {
            self.found.push(SearchResult {
                object: "search_result",
                conversation_id: *message.conversation,
                message_id: *message.id,
                snippet,
                created_at: Time(*message.at),
            });
        }
        Ok(*message.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_checked_at_once() {
        let asked = |q: &str, limit| {
            check(&SearchRequest {
                q: q.to_owned(),
                since: None,
                until: None,
                limit,
                after: None,
            })
        };
        assert!(asked("garden room", None).is_ok());
        for (q, limit) in [
            ("", None),
            ("?!", None),
            ("a\nb", None),
            ("a", Some(0)),
            ("a", Some(101)),
        ] {
            assert!(asked(q, limit).is_err(), "{q}");
        }
        assert!(asked(&"a".repeat(201), None).is_err());
    }
}
