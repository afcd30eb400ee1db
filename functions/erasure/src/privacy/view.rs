//! Requests as the API and the public page show them.

use serde::{Deserialize, Serialize};
use usher_aws::TenantScope;
use usher_aws::http::words::Time;
use usher_shared::Timestamp;
use usher_shared::ids::{ApiKeyId, PrivacyRequestId};
use usher_shared::privacy::{self as model, ALARM_DAYS, BACKUP_DAYS, RequestSubject};
use usher_shared::records::PrivacyRequest;
use utoipa::ToSchema;

usher_aws::words! {
    /// What is asked for: to be told, to be given, to have put right, erased, kept but used for nothing, not read by an AI.
    RequestKind { Access, Portability, Correction, Deletion, Restriction, Objection, }
    /// Where a request stands.
    RequestState { IdentityUnverified, Pending, InProcessing, Complete, Denied, Canceled, Error, Duplicate, Deferred, }
    /// By which way it was asked.
    RequestSource { TenantUser, Channel, Mail, Meta, }
}

/// What a request is about.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PrivacySubject)]
pub(crate) struct SubjectView {
    /// `message`, `conversation`, `lead`, `channel`, `content` (all of it, but not the account) or `account`; in
    /// answers also `contact` (one person's address on one channel) and `nobody` (who was asked about is not known).
    #[schema(example = "lead")]
    pub(crate) object: String,
    /// Its id; none for `content`, `account` and `nobody`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "lead_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    pub(crate) id: Option<String>,
    /// A message's conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    pub(crate) conversation_id: Option<String>,
}

impl From<&RequestSubject> for SubjectView {
    fn from(subject: &RequestSubject) -> Self {
        let has_id = !matches!(
            subject,
            RequestSubject::Content | RequestSubject::Account | RequestSubject::Nobody
        );
        let conversation_id = match subject {
            RequestSubject::Message { conversation, .. } => Some(conversation.to_string()),
            _ => None,
        };
        Self {
            object: subject.object().to_owned(),
            id: has_id.then(|| subject.to_string()),
            conversation_id,
        }
    }
}

/// How far it has come, each step by itself: what cannot be read any more is not yet removed, and what is removed is
/// not yet out of backups.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PrivacyProgress)]
pub(crate) struct Progress {
    /// When it was asked.
    pub(crate) requested_at: Time,
    /// When it was known that whoever asked may.
    pub(crate) confirmed_at: Option<Time>,
    /// When the last key was deleted: nothing of it can be read from then on, in no copy and no backup.
    pub(crate) unreadable_at: Option<Time>,
    /// When rows and files were removed.
    pub(crate) removed_at: Option<Time>,
    /// When it was looked for independently, and nothing was found.
    pub(crate) verified_at: Option<Time>,
    /// When no backup holds it any more, readable or not.
    pub(crate) out_of_backups_at: Option<Time>,
    /// Whether that is so by now.
    pub(crate) out_of_backups: bool,
}

/// What was done.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PrivacyCounts)]
pub(crate) struct CountsView {
    people: u64,
    conversations: u64,
    rows: u64,
    files: u64,
    channels: u64,
    documents: u64,
}

/// Something that stays, and why.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Stays {
    /// What.
    #[schema(example = "suppressions")]
    pub(crate) what: &'static str,
    /// On which ground.
    pub(crate) why: &'static str,
}

/// A request of privacy.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PrivacyRequest)]
pub(crate) struct RequestView {
    /// Always `privacy_request`.
    object: &'static str,
    /// Its id.
    #[schema(value_type = String, example = "preq_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    id: PrivacyRequestId,
    /// What is asked for.
    kind: RequestKind,
    /// What it is about.
    subject: SubjectView,
    /// By which way it was asked.
    source: RequestSource,
    /// Where it stands.
    state: RequestState,
    /// How far it has come.
    progress: Progress,
    /// By when it is answered: 30 days or one calendar month after it was asked, whichever is earlier.
    due_at: Time,
    /// Whole days until then; negative once it is overdue. Null when it is over.
    days_left: Option<i64>,
    /// Whether it is old enough to be looked after: from day 20 on, while it is open.
    due_soon: bool,
    /// When it was over, however it ended.
    ended_at: Option<Time>,
    /// The open request for the same, if this is a duplicate.
    #[schema(value_type = Option<String>)]
    duplicate_of: Option<PrivacyRequestId>,
    /// The API key that asked.
    #[schema(value_type = Option<String>)]
    requested_by: Option<ApiKeyId>,
    /// What the tenant noted about it.
    notes: Option<String>,
    /// Why it was refused.
    reason: Option<String>,
    /// What was done.
    counts: CountsView,
    /// What stays, and why.
    stays: Vec<Stays>,
    /// The code that whoever asked shows.
    confirmation_code: String,
    /// The page on which whoever has the code sees what became of it.
    status_url: String,
}

impl RequestView {
    pub(crate) fn new(scope: &TenantScope, request: PrivacyRequest, status_url: String) -> Self {
        let now = scope.now();
        let open = !request.state.is_over();
        let code = scope.privacy_code(*request.id);
        Self {
            object: "privacy_request",
            id: *request.id,
            kind: (*request.kind).into(),
            subject: (&*request.subject).into(),
            source: (*request.source).into(),
            state: (*request.state).into(),
            progress: progress(&request, now),
            due_at: Time(*request.due_at),
            days_left: open.then(|| days_left(*request.due_at, now)),
            due_soon: open && now >= request.created_at.plus_days(ALARM_DAYS),
            ended_at: request.ended_at.map(Time),
            duplicate_of: *request.duplicate_of,
            requested_by: *request.requested_by,
            counts: counts(&request),
            stays: stays(&request),
            confirmation_code: code,
            status_url,
            notes: request.notes.into_inner(),
            reason: request.reason.into_inner(),
        }
    }
}

/// Whole days until a time: 0 on the last of them, negative after it.
pub(crate) fn days_left(due: Timestamp, now: Timestamp) -> i64 {
    const DAY: i64 = 86_400_000;
    (due.millis() - now.millis()).div_euclid(DAY)
}

/// When no backup holds what a request removed.
pub(crate) fn out_of_backups_at(request: &PrivacyRequest) -> Option<Timestamp> {
    request.removed_at.map(|at| at.plus_days(BACKUP_DAYS))
}

pub(crate) fn progress(request: &PrivacyRequest, now: Timestamp) -> Progress {
    let horizon = out_of_backups_at(request);
    Progress {
        requested_at: Time(*request.created_at),
        confirmed_at: request.confirmed_at.map(Time),
        unreadable_at: request.unreadable_at.map(Time),
        removed_at: request.removed_at.map(Time),
        verified_at: request.verified_at.map(Time),
        out_of_backups_at: horizon.map(Time),
        out_of_backups: horizon.is_some_and(|at| at <= now),
    }
}

pub(crate) fn counts(request: &PrivacyRequest) -> CountsView {
    let counts = *request.counts;
    CountsView {
        people: counts.people,
        conversations: counts.conversations,
        rows: counts.rows,
        files: counts.files,
        channels: counts.channels,
        documents: counts.documents,
    }
}

/// What a deletion leaves, and on which ground.
pub(crate) fn stays(request: &PrivacyRequest) -> Vec<Stays> {
    let stay = |what, why| Stays { what, why };
    if *request.kind != model::RequestKind::Deletion
        || !matches!(
            *request.state,
            model::RequestState::Pending
                | model::RequestState::InProcessing
                | model::RequestState::Complete
                | model::RequestState::Deferred
        )
    {
        return Vec::new();
    }
    if *request.subject == RequestSubject::Nobody {
        return Vec::new();
    }
    let mut all = vec![
        stay(
            "this request",
            "proof of what was asked and done: ids and times, which a restored backup needs to forget it again",
        ),
        stay(
            "security log",
            "who used an API key for what, by ids, for 365 days: to find misuse",
        ),
        stay(
            "figures",
            "counts by day and channel, in which nobody can be told from anybody",
        ),
    ];
    match *request.subject {
        RequestSubject::Message { .. } => {
            all.push(stay(
                "copies of the message in backups",
                "sealed under the conversation's key, which stays with the rest of the conversation; they end with the \
                 backups, 30 days after the message was removed",
            ));
        }
        RequestSubject::Conversation { .. } => {
            all.push(stay(
                "the person as a lead",
                "was not asked to be erased; has a request of its own",
            ));
        }
        _ => all.push(stay(
            "suppressions",
            "a refusal of further messages, as a keyed hash: without it, it would be forgotten",
        )),
    }
    match *request.subject {
        RequestSubject::Content => all.push(stay(
            "account, channels, documents and settings",
            "the account goes on; it was asked to forget its content alone",
        )),
        RequestSubject::Account => all.push(stay(
            "billing records",
            "kept for 7 years where there are any, as the law on bookkeeping demands",
        )),
        _ => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_rgt_06_the_last_day_is_day_zero_and_what_is_overdue_is_negative() {
        let due = Timestamp::from_millis(1_790_000_000_000);
        let hour = std::time::Duration::from_hours(1);
        assert_eq!(days_left(due, due.minus_days(30)), 30);
        assert_eq!(days_left(due, due.minus(hour)), 0);
        assert_eq!(days_left(due, due), 0);
        assert_eq!(days_left(due, due.plus(hour)), -1);
    }
}
