//! Conversations: who writes, who answers, and the way back to the AI.

use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::cursor;
use usher_aws::http::{List, ListQuery, Problem, QueryOf, read_page};
use usher_aws::sealing::DataKey;
use usher_aws::store::{Row, When, keys};
use usher_shared::Timestamp;
use usher_shared::ids::{ChannelId, ContactId, ConversationId, LeadId, MessageId};
use usher_shared::model::{self, AuditAction, ContactRef};
use usher_shared::records::{Conversation, Lead};
use utoipa::ToSchema;

use crate::access::permission::{ConversationsRead, ConversationsWrite};
use crate::access::{Granted, PathId};
use crate::openapi::{Invalid, NotFound, Refused};
use crate::paging::{Filling, Reading, open_each};
use crate::words::{ConversationState, Time};

/// Name of the list, for its cursors.
const LIST: &str = "conversations";
/// Rows read at a time while looking for conversations in one state, and how often in one request.
const STEP: u16 = 100;
const STEPS: usize = 10;

/// One conversation with one person on one channel.
#[derive(Serialize, ToSchema)]
#[schema(as = Conversation)]
pub(crate) struct ConversationView {
    /// Always `conversation`.
    #[schema(example = "conversation")]
    object: &'static str,
    /// Its id.
    #[schema(value_type = String, example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    id: ConversationId,
    /// Who answers.
    state: ConversationState,
    /// The channel it is on.
    #[schema(value_type = String, example = "chan_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    channel_id: ChannelId,
    /// The person's address on that channel.
    #[schema(value_type = String, example = "cont_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    contact_id: ContactId,
    /// The lead the person is, if one was captured.
    #[schema(value_type = Option<String>, example = "lead_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    lead_id: Option<LeadId>,
    /// The first words of the first message.
    #[schema(example = "Is the barn free on 12 June?")]
    title: String,
    /// When it began.
    created_at: Time,
    /// When its place in the list last changed.
    last_activity_at: Time,
    /// The newest inbound message that was answered or handed over.
    #[schema(value_type = Option<String>, example = "msg_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    answered_through: Option<MessageId>,
    /// Since when it waits for a person; null while it does not.
    waiting_since: Option<Time>,
    /// When somebody acknowledged that it waits: nobody is told any more.
    acknowledged_at: Option<Time>,
}

impl ConversationView {
    fn new(head: Conversation, lead_id: Option<LeadId>) -> Self {
        Self {
            object: "conversation",
            id: *head.id,
            state: (*head.state).into(),
            channel_id: *head.channel,
            contact_id: head.contact.id,
            lead_id,
            created_at: Time(*head.created_at),
            last_activity_at: Time(*head.last_activity),
            answered_through: *head.answered_through,
            waiting_since: (*head.waiting_since).map(Time),
            acknowledged_at: (*head.acknowledged_at).map(Time),
            title: head.title.into_inner(),
        }
    }
}

/// Parameters of the list of conversations.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConversationsQuery {
    /// Items at most, 1 to 100; 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// `next_cursor` of a page: gives the page after it.
    after: Option<String>,
    /// `previous_cursor` of a page: gives the page before it.
    before: Option<String>,
    /// Only conversations in this state.
    #[param(inline)]
    state: Option<ConversationState>,
    /// Only conversations on this channel.
    #[param(value_type = Option<String>, example = "chan_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    channel_id: Option<ChannelId>,
    /// Only conversations with this lead.
    #[param(value_type = Option<String>, example = "lead_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    lead_id: Option<LeadId>,
    /// Only conversations whose last activity is at this time or later; RFC 3339.
    #[param(value_type = Option<String>, example = "2026-09-21T00:00:00Z")]
    since: Option<Time>,
    /// Only conversations whose last activity is before this time; RFC 3339.
    #[param(value_type = Option<String>, example = "2026-09-22T00:00:00Z")]
    until: Option<Time>,
}

/// Lists conversations
///
/// Newest activity first. With `state`, `channel_id` or `lead_id`, a page may hold fewer items than `limit`, or
/// none, and still say `has_more`: then read on with `next_cursor`. Filters can be combined. Scope:
/// `conversations:read`.
#[utoipa::path(
    get,
    path = "/v1/conversations",
    tag = "conversations",
    params(ConversationsQuery),
    responses(
        (status = 200, description = "One page.", body = List<ConversationView>),
        Refused,
        Invalid,
    )
)]
pub(crate) async fn list_conversations(
    granted: Granted<ConversationsRead>,
    QueryOf(query): QueryOf<ConversationsQuery>,
) -> Result<Json<List<ConversationView>>, Problem> {
    let scope = granted.scope();
    let page = matching_rows(scope, query).await?;
    let views = open_each(page, |row| view_of_row(scope, row)).await?;
    Ok(Json(views))
}

/// Reads a conversation
///
/// Its messages have a list of their own. Scope: `conversations:read`.
#[utoipa::path(
    get,
    path = "/v1/conversations/{id}",
    tag = "conversations",
    params(("id" = String, Path, description = "The conversation.", example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "The conversation.", body = ConversationView),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn read_conversation(
    granted: Granted<ConversationsRead>,
    PathId(id): PathId<ConversationId>,
) -> Result<Json<ConversationView>, Problem> {
    let scope = granted.scope();
    let open = scope
        .open_conversation(id)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(Json(view(scope, open.head).await?))
}

/// Says that somebody knows that a conversation waits
///
/// Nobody is told of it any more. The conversation waits on, and whoever answers takes it over; if it is handed back and
/// waits once more, people are told anew. Asked again, it answers the same. The request has no body. Scope:
/// `conversations:write`.
#[utoipa::path(
    post,
    path = "/v1/conversations/{id}/acknowledge",
    tag = "conversations",
    params(("id" = String, Path, description = "The conversation.", example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "The conversation, acknowledged.", body = ConversationView),
        (status = 409, description = "It waits for nobody.", body = usher_aws::http::ProblemBody,
            content_type = "application/problem+json", example = json!({
                "code": "not_waiting", "title": "Conflict", "status": 409,
                "detail": "The conversation does not wait for a person.",
                "request_id": "req_01k5p0d3sbqgd2h6x7mzv9e4ra"
            })),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn acknowledge(
    granted: Granted<ConversationsWrite>,
    PathId(id): PathId<ConversationId>,
) -> Result<Json<ConversationView>, Problem> {
    let scope = granted.scope();
    let open = scope
        .open_conversation(id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let mut head = open.head;
    if *head.state != model::ConversationState::WaitingForHuman {
        return Err(not_waiting());
    }
    if head.acknowledged_at.is_none() {
        let now = scope.now();
        let entry = granted.audit(AuditAction::ConversationAcknowledged, &id)?;
        let when = [
            When::Is("state", json!(*head.state)),
            When::Missing("acknowledged_at"),
        ];
        let row = keys::conversation(scope.tenant(), id);
        let set = vec![("acknowledged_at", json!(now))];
        let change = scope.store().updating(&row, set, &when)?;
        if !scope.store().together(vec![change, entry]).await?.happened() {
            // Somebody was faster: came, or acknowledged it.
            let again = scope.open_conversation(id).await?;
            let again = again.ok_or_else(Problem::not_found)?.head;
            if again.acknowledged_at.is_none() {
                return Err(not_waiting());
            }
            return Ok(Json(view(scope, again).await?));
        }
        head.acknowledged_at = Some(now).into();
    }
    Ok(Json(view(scope, head).await?))
}

fn not_waiting() -> Problem {
    let detail = "The conversation does not wait for a person.";
    Problem::conflict("not_waiting", detail)
}

/// What the rows of the list are filtered by, before anything is opened.
struct Wanted {
    state: Option<model::ConversationState>,
    channel: Option<ChannelId>,
    /// The contacts of the lead that is asked for.
    contacts: Option<Vec<ContactId>>,
}

impl Wanted {
    fn is_everything(&self) -> bool {
        self.state.is_none() && self.channel.is_none() && self.contacts.is_none()
    }

    fn holds(&self, row: &Row) -> bool {
        let with = |contacts: &Vec<ContactId>| {
            let contact = row.peek::<ContactRef>("contact");
            contact.is_some_and(|contact| contacts.contains(&contact.id))
        };
        self.state.is_none_or(|state| row.peek("state") == Some(state))
            && self
                .channel
                .is_none_or(|channel| row.peek("channel") == Some(channel))
            && self.contacts.as_ref().is_none_or(with)
    }
}

/// The contacts of a lead; none if there is no such lead.
async fn contacts_of(scope: &TenantScope, lead: LeadId) -> Result<Vec<ContactId>, Problem> {
    let row = keys::lead(scope.tenant(), lead);
    let lead: Option<Lead> = scope.store().get(&row, &DataKey::none(), true).await?;
    let contacts = lead.map(|lead| lead.contacts.0).unwrap_or_default();
    Ok(contacts.into_iter().map(|contact| contact.id).collect())
}

/// One page of the list, before anything is opened.
async fn matching_rows(scope: &TenantScope, query: ConversationsQuery) -> Result<List<Row>, Problem> {
    let ConversationsQuery {
        limit,
        after,
        before,
        state,
        channel_id,
        lead_id,
        since,
        until,
    } = query;
    let (mut since, until) = (since.map(|time| time.0), until.map(|time| time.0));
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        return Err(Problem::invalid_field("until", "must be after since"));
    }
    let wanted = Wanted {
        state: state.map(Into::into),
        channel: channel_id,
        contacts: match lead_id {
            Some(lead) => Some(contacts_of(scope, lead).await?),
            None => None,
        },
    };
    // A contact has no conversation from before it first wrote, which its id tells: the walk ends there. A lead
    // that does not exist has no contacts, and its walk is over at once.
    if let Some(contacts) = &wanted.contacts {
        let first = contacts.iter().map(|contact| contact.at()).min();
        since = since.max(Some(first.unwrap_or(Timestamp::from_millis(i64::MAX))));
    }
    let range = keys::conversations_between(scope.tenant(), since, until);
    if wanted.is_everything() {
        let query = ListQuery { limit, after, before };
        return read_page(scope, &range, LIST, &query, true).await;
    }
    let limit = limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(Problem::invalid_field("limit", "must be from 1 to 100"));
    }
    let reading = if before.is_some() {
        Reading::Back
    } else {
        Reading::Onward
    };
    let mut filling = Filling::new(limit.into(), reading);
    let (mut after, mut before) = (after, before);
    for _ in 0..STEPS {
        let query = ListQuery {
            limit: Some(STEP),
            after: after.take(),
            before: before.take(),
        };
        let page = read_page(scope, &range, LIST, &query, true).await?;
        filling.take(page, |row| wanted.holds(row), |row| place(scope, row));
        if !filling.wants_more() {
            break;
        }
        let stands = filling.stands().map(str::to_owned);
        match reading {
            Reading::Onward => after = stands,
            Reading::Back => before = stands,
        }
    }
    Ok(filling.finish())
}

/// The cursor of a row of the list.
fn place(scope: &TenantScope, row: &Row) -> Option<String> {
    let (id, at) = (
        row.peek::<ConversationId>("id")?,
        row.peek::<Timestamp>("last_activity")?,
    );
    let listing = keys::conversation_listing(scope.tenant(), id, at);
    Some(cursor::encode(scope, LIST, &listing.sk))
}

async fn view_of_row(scope: &TenantScope, row: Row) -> Result<Option<ConversationView>, Problem> {
    match scope.open_head(row).await? {
        None => Ok(None),
        Some(open) => view(scope, open.head).await.map(Some),
    }
}

pub(crate) async fn view(scope: &TenantScope, head: Conversation) -> Result<ConversationView, Problem> {
    let lead = lead_of(scope, *head.contact).await?;
    Ok(ConversationView::new(head, lead))
}

/// The lead that a contact belongs to. Opens nothing.
async fn lead_of(scope: &TenantScope, contact: ContactRef) -> Result<Option<LeadId>, Problem> {
    let row = keys::contact(scope.tenant(), contact.address);
    let row = scope.store().get_row(&row, true).await?;
    // The address may belong to a fresh contact by now.
    let row = row.filter(|row| row.peek("id") == Some(contact.id));
    Ok(row.and_then(|row| row.peek("lead")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use usher_shared::untrusted::KeyedHash;

    #[test]
    fn a_conversation_is_shown_without_its_addresses_hash() {
        let at = Timestamp::from_millis(1_790_000_000_523);
        let head = Conversation {
            id: ConversationId::derived(at, [1; 10]).into(),
            contact: ContactRef {
                address: KeyedHash::from_bytes([9; 16]),
                id: ContactId::derived(at, [2; 10]),
            }
            .into(),
            channel: ChannelId::derived(at, [3; 10]).into(),
            state: model::ConversationState::WaitingForHuman.into(),
            created_at: at.into(),
            last_activity: Timestamp::from_millis(1_790_000_001_000).into(),
            answered_through: None.into(),
            processing: None.into(),
            waiting_since: None.into(),
            acknowledged_at: None.into(),
            ai_told: None.into(),
            event_at: None.into(),
            reach: None.into(),
            title: "Is the barn free?".to_owned().into(),
        };
        let lead = LeadId::derived(at, [4; 10]);
        let shown = serde_json::to_value(ConversationView::new(head, Some(lead))).unwrap();
        assert_eq!(
            shown,
            json!({
                "object": "conversation",
                "id": ConversationId::derived(at, [1; 10]).to_string(),
                "state": "waiting_for_human",
                "channel_id": ChannelId::derived(at, [3; 10]).to_string(),
                "contact_id": ContactId::derived(at, [2; 10]).to_string(),
                "lead_id": lead.to_string(),
                "title": "Is the barn free?",
                "created_at": "2026-09-21T14:13:20.523Z",
                "last_activity_at": "2026-09-21T14:13:21.000Z",
                "answered_through": null,
                "waiting_since": null,
                "acknowledged_at": null,
            })
        );
    }

    #[test]
    fn the_list_takes_its_parameters_and_no_others() {
        let parse = |text: &str| serde_json::from_str::<ConversationsQuery>(text);
        assert!(parse(r#"{"limit": 5, "after": "x", "state": "human"}"#).is_ok());
        assert!(parse(r#"{"state": "open"}"#).is_err());
        assert!(parse(r#"{"sort": "x"}"#).is_err());
    }
}
