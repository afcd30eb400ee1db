//! The end of one conversation: the day that it is about, as a person says it, and what follows from that.

use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::http::access::permission::{ConversationsRead, ConversationsWrite};
use usher_aws::http::access::{Granted, PathId};
use usher_aws::http::document::{Invalid, NotFound, Refused};
use usher_aws::http::words::Time;
use usher_aws::http::{Problem, ProblemBody, Strict};
use usher_aws::sealing::DataKey;
use usher_aws::store::{Row, When, keys};
use usher_shared::Timestamp;
use usher_shared::category::Category;
use usher_shared::ids::ConversationId;
use usher_shared::model::AuditAction;
use usher_shared::policy::{Anchor, Course};
use utoipa::ToSchema;

/// A day further away than this is a slip, and would keep a conversation for good.
const FURTHEST_DAYS: u32 = 3_653;

/// How long one conversation is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConversationRetention {
    /// Always `conversation_retention`.
    object: &'static str,
    /// The conversation.
    #[schema(example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    conversation_id: String,
    /// The day that it is about; null if nobody has set one.
    #[schema(example = "2027-06-19")]
    event_date: Option<String>,
    /// What its period counts from: `created`, `last_activity`, `closed`, `not_closed` (it does not count yet) or
    /// `event_date`. Under the anchor `event_date` a conversation without one has `last_activity` here.
    counted_from: &'static str,
    /// Days from there; null for the life of the account.
    days: Option<u32>,
    /// When its first message ends; null if it does not, as things are.
    first_ends_at: Option<Time>,
    /// When its newest does.
    last_ends_at: Option<Time>,
}

/// The day that a conversation is about.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventDate {
    /// A day such as `2027-06-19`; null if it is about none. The period counts from its end, in UTC.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(example = "2027-06-19")]
    event_date: Option<String>,
}

/// Reads how long a conversation is kept
///
/// Scope: `conversations:read`.
#[utoipa::path(
    get,
    path = "/v1/conversations/{id}/retention",
    tag = "retention",
    params(("id" = String, Path, description = "The conversation.", example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    responses(
        (status = 200, description = "How long it is kept.", body = ConversationRetention),
        Refused,
        NotFound,
    )
)]
pub(crate) async fn read_conversation_retention(
    granted: Granted<ConversationsRead>,
    PathId(id): PathId<ConversationId>,
) -> Result<Json<ConversationRetention>, Problem> {
    let scope = granted.scope();
    let (course, began) = course_of(scope, id).await?;
    Ok(Json(view(scope, id, &course, began)))
}

/// Sets the day that a conversation is about
///
/// If the periods count from `event_date`, what is in the conversation is kept until so many days after it, and a change
/// counts at once. It does not outlast what the platform promises at most. Scope: `conversations:write`.
#[utoipa::path(
    put,
    path = "/v1/conversations/{id}/retention",
    tag = "retention",
    params(("id" = String, Path, description = "The conversation.", example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra")),
    request_body(content = EventDate, example = json!({"event_date": "2027-06-12"})),
    responses(
        (status = 200, description = "How long it is kept now.", body = ConversationRetention),
        (status = 409, description = "Something happened to it at the same time.", body = ProblemBody,
            content_type = "application/problem+json"),
        Refused,
        NotFound,
        Invalid,
    )
)]
pub(crate) async fn set_event_date(
    granted: Granted<ConversationsWrite>,
    PathId(id): PathId<ConversationId>,
    body: Strict<EventDate>,
) -> Result<Json<ConversationRetention>, Problem> {
    let scope = granted.scope();
    let (course, began) = course_of(scope, id).await?;
    let event_at = match &body.value.event_date {
        None => None,
        Some(text) => Some(end_of_day(text, scope.now()).ok_or_else(unusable)?),
    };
    let (tenant, store) = (scope.tenant(), scope.store());
    let row = keys::conversation(tenant, id);
    let set = vec![("event_at", json!(event_at))];
    let mut parts = vec![store.updating(&row, set, &[When::Present])?];
    // The sweep looks at it anew: it may have been put off until a day that is not its day any more.
    let row = keys::conversation_age(tenant, id);
    if let Some(age) = store.get(&row, &DataKey::none(), true).await? {
        let row = row.listed(keys::age_listing(tenant, id, *age.oldest));
        let oldest = json!(*age.oldest);
        let when = [When::Is("oldest", oldest.clone())];
        parts.push(store.updating(&row, vec![("oldest", oldest)], &when)?);
    }
    parts.push(granted.audit(AuditAction::RetentionChanged, &id)?);
    if !store.together(parts).await?.happened() {
        let detail = "Something happened to the conversation at the same time. Try again.";
        return Err(Problem::conflict("changed_meanwhile", detail));
    }
    let course = Course { event_at, ..course };
    Ok(Json(view(scope, id, &course, began)))
}

fn unusable() -> Problem {
    let message = "must be a day such as 2027-06-19, no further than ten years away";
    Problem::invalid_field("event_date", message)
}

/// The last moment of a day, if the day is near enough.
fn end_of_day(text: &str, now: Timestamp) -> Option<Timestamp> {
    // `2027-06-19` and nothing else that a time may look like.
    if text.len() != 10 {
        return None;
    }
    let at: Timestamp = format!("{text}T23:59:59.999Z").parse().ok()?;
    let near = now.minus_days(FURTHEST_DAYS) <= at && at <= now.plus_days(FURTHEST_DAYS);
    near.then_some(at)
}

/// The course of a conversation that may be read, and when it began.
async fn course_of(scope: &TenantScope, id: ConversationId) -> Result<(Course, Timestamp), Problem> {
    let row = keys::conversation(scope.tenant(), id);
    let head = scope.store().get_row(&row, true).await?;
    let head = head.ok_or_else(Problem::not_found)?;
    // Forgotten already, and its row not removed yet: its key says so.
    if scope.open_conversation(id).await?.is_none() {
        return Err(Problem::not_found());
    }
    let found = Row::course(&head).zip(head.peek("created_at"));
    found.ok_or_else(Problem::internal)
}

fn view(scope: &TenantScope, id: ConversationId, course: &Course, began: Timestamp) -> ConversationRetention {
    let (policy, now) = (scope.policy(), scope.now());
    let end = |own| {
        // What is not closed has no end of its own, only the one that the platform promises at most.
        if policy.anchor() == Anchor::Closed && !course.closed {
            return policy.stamp(Category::Conversation, own).map(Time);
        }
        policy.end_in(course, own, now).map(Time)
    };
    ConversationRetention {
        object: "conversation_retention",
        conversation_id: id.to_string(),
        event_date: course
            .event_at
            .map(|at| at.to_string().get(..10).unwrap_or_default().to_owned()),
        counted_from: match policy.anchor() {
            Anchor::Created => "created",
            Anchor::Closed if course.closed => "closed",
            Anchor::Closed => "not_closed",
            Anchor::EventDate if course.event_at.is_some() => "event_date",
            Anchor::LastActivity | Anchor::EventDate => "last_activity",
        },
        days: policy.days_on(course.channel),
        first_ends_at: end(began),
        last_ends_at: end(course.last_activity),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_to_its_end_and_nothing_else_is_a_day() {
        let now = Timestamp::from_millis(1_790_000_000_000);
        let end = end_of_day("2027-06-19", now).map(|at| at.to_string());
        assert_eq!(end.as_deref(), Some("2027-06-19T23:59:59.999Z"));
        for text in [
            "",
            "2027-6-19",
            "2027-06-31",
            "19.06.2027",
            "2027-06-19T",
            "2099-01-01",
            "1999-01-01",
        ] {
            assert_eq!(end_of_day(text, now), None, "{text}");
        }
    }
}
