//! What a change of the periods would remove, counted before it is made, under a role that can remove nothing; and the
//! token that says that somebody has seen it.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use usher_aws::TenantScope;
use usher_aws::holds::Protected;
use usher_aws::http::access::Granted;
use usher_aws::http::access::permission::RetentionWrite;
use usher_aws::http::document::{Invalid, Refused};
use usher_aws::http::words::Time;
use usher_aws::http::{App, Problem, ProblemBody, Strict};
use usher_aws::store::keys::{self, Range};
use usher_aws::store::{Read, Row, StoreError};
use usher_shared::category::Category;
use usher_shared::ids::ConversationId;
use usher_shared::model::ContactRef;
use usher_shared::{TenantPolicy, Timestamp};
use utoipa::ToSchema;

use crate::change::{RetentionChange, changed_for};
use crate::routes::refuse_second;
use crate::view::Chosen;

/// How long a token is good for: time to read the figures and to decide, not to forget them.
const TOKEN_LIFE: Duration = Duration::from_mins(15);
/// Name of the MAC's purpose.
const PURPOSE: &str = "retention-preview";
/// Conversations that are looked into at most, so that an answer comes in time.
const MOST: usize = 500;
const PAGE: usize = 100;

/// What a change would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetentionPreview {
    /// Always `retention_preview`.
    object: &'static str,
    /// The version of the periods from which the change starts.
    version: u64,
    /// Whether anything may end earlier: then the change needs the token, and waits.
    shortens: bool,
    /// When it would take effect if it were made now.
    takes_effect_at: Time,
    /// The periods as they would be.
    periods: Chosen,
    /// What would go when it takes effect, and would not without it. What holds protect is left out.
    would_go: Vec<CategoryCount>,
    /// False if there is more than could be counted in time: then the counts say "at least".
    complete: bool,
    /// Names this very change for `PUT /v1/retention`; null if it needs none.
    confirm_token: Option<String>,
    /// When the token is over.
    confirm_by: Option<Time>,
}

/// Records of one category that would go.
#[derive(Debug, Serialize, ToSchema)]
struct CategoryCount {
    /// The category.
    category: String,
    /// All of them.
    records: u64,
    /// By the month of their own time.
    months: Vec<MonthCount>,
}

/// Records of one month.
#[derive(Debug, Serialize, ToSchema)]
struct MonthCount {
    /// The month, in UTC.
    #[schema(example = "2026-03")]
    month: String,
    /// Records.
    records: u64,
}

/// Counts what a change of the periods would remove
///
/// Changes nothing, and could not: it is computed under a role that may read and do nothing else. If the change shortens
/// anything, the answer has a token, good for 15 minutes, for this change of these periods and no other.
/// Scope: `retention:write`.
#[utoipa::path(
    post,
    path = "/v1/retention/preview",
    tag = "retention",
    request_body(content = RetentionChange, example = json!({"conversation_days": 90})),
    responses(
        (status = 200, description = "What it would do.", body = RetentionPreview),
        (status = 409, description = "A change waits already.", body = ProblemBody,
            content_type = "application/problem+json"),
        Refused,
        Invalid,
    )
)]
pub(crate) async fn preview_retention(
    State(app): State<App>,
    granted: Granted<RetentionWrite>,
    body: Strict<RetentionChange>,
) -> Result<Json<RetentionPreview>, Problem> {
    let scope = granted.scope();
    let (old, now) = (scope.policy(), scope.now());
    refuse_second(old)?;
    let next = changed_for(scope, &body.value).await?;
    let shortens = old.is_shortened_by(&next);
    let at = if shortens { old.cooled_off_at(now) } else { now };
    let reading = app.platform.only_reading(scope).await?;
    let going = Going::count(&reading, &next, at).await?;
    let until = now.plus(TOKEN_LIFE);
    let confirm_token = if shortens {
        Some(token(scope, &next, until)?)
    } else {
        None
    };
    Ok(Json(RetentionPreview {
        object: "retention_preview",
        version: old.version(),
        shortens,
        takes_effect_at: Time(at),
        periods: Chosen::of(&next),
        would_go: going.by_category(),
        complete: going.complete,
        confirm_by: confirm_token.as_ref().map(|_| Time(until)),
        confirm_token,
    }))
}

/// Under the tenant's own key: a token of another tenant says nothing here.
fn token(scope: &TenantScope, next: &TenantPolicy, until: Timestamp) -> Result<String, Problem> {
    let [version, policy, end] = parts(scope, next, until)?;
    let tag = scope.key().mac(PURPOSE, &[&version, &policy, &end]);
    Ok(URL_SAFE_NO_PAD.encode([&end, tag.as_ref()].concat()))
}

fn parts(scope: &TenantScope, next: &TenantPolicy, until: Timestamp) -> Result<[Vec<u8>; 3], Problem> {
    Ok([
        scope.policy().version().to_be_bytes().to_vec(),
        serde_json::to_vec(next).map_err(|_| Problem::internal())?,
        until.millis().to_be_bytes().to_vec(),
    ])
}

/// Whether a token is from the preview of this very change, and not over.
pub(crate) fn confirm(scope: &TenantScope, next: &TenantPolicy, token: Option<&str>) -> Result<(), Problem> {
    let Some(token) = token else {
        let needed = "is needed to shorten a period: POST the change to /v1/retention/preview";
        return Err(Problem::invalid_field("confirm_token", needed));
    };
    let other = || {
        let detail = "The token is over, or is not from a preview of this change of the periods in force.";
        Problem::conflict("preview_differs", detail)
    };
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| other())?;
    let (end, tag) = bytes.split_first_chunk::<8>().ok_or_else(other)?;
    let until = Timestamp::from_millis(i64::from_be_bytes(*end));
    let [version, policy, end] = parts(scope, next, until)?;
    if scope.key().verify(PURPOSE, &[&version, &policy, &end], tag) && scope.now() < until {
        return Ok(());
    }
    Err(other())
}

/// What would go, by category and month.
#[derive(Debug)]
struct Going {
    counts: BTreeMap<Category, BTreeMap<String, u64>>,
    complete: bool,
}

impl Going {
    /// Counts what ends under `next` at `at` and does not under the policy in force.
    async fn count(scope: &TenantScope, next: &TenantPolicy, at: Timestamp) -> Result<Self, StoreError> {
        let mut going = Self {
            counts: BTreeMap::new(),
            complete: true,
        };
        let protected = scope.holds().protected().await?;
        going.count_conversations(scope, next, at, &protected).await?;
        going.count_leads(scope, next, at, &protected).await?;
        Ok(going)
    }

    fn note(&mut self, category: Category, own: Timestamp) {
        let month = own.to_string().get(..7).unwrap_or_default().to_owned();
        *self.counts.entry(category).or_default().entry(month).or_default() += 1;
    }

    async fn count_conversations(
        &mut self,
        scope: &TenantScope,
        next: &TenantPolicy,
        at: Timestamp,
        protected: &Protected,
    ) -> Result<(), StoreError> {
        let Some(days) = next.shortest(Category::Conversation) else {
            return Ok(());
        };
        // What is past the shortest period already and kept nevertheless is listed apart.
        let lists = [
            keys::ages(scope.tenant(), at.minus_days(days)),
            keys::deferred_before(scope.tenant(), scope.policy().version().saturating_add(1)),
        ];
        let mut seen = 0;
        for list in lists {
            let mut after = None;
            loop {
                let page = scope.store().query_ended(&list, &forward(after)).await?;
                for note in page.rows {
                    if seen == MOST {
                        self.complete = false;
                        return Ok(());
                    }
                    seen += 1;
                    let ids = note
                        .peek::<ConversationId>("conversation")
                        .zip(note.peek::<ContactRef>("contact"));
                    if let Some((id, contact)) = ids
                        && !protected.conversation(id, contact.id)
                    {
                        self.count_conversation(scope, next, at, id).await?;
                    }
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn count_conversation(
        &mut self,
        scope: &TenantScope,
        next: &TenantPolicy,
        at: Timestamp,
        id: ConversationId,
    ) -> Result<(), StoreError> {
        let tenant = scope.tenant();
        let head = scope
            .store()
            .get_row(&keys::conversation(tenant, id), true)
            .await?;
        let Some(course) = head.as_ref().and_then(Row::course) else {
            return Ok(());
        };
        let Some(until) = next.ended_until(&course, at) else {
            return Ok(());
        };
        let already = scope.policy().ended_until(&course, at);
        let goes = |own: Timestamp| own <= until && already.is_none_or(|already| own > already);
        if goes(course.last_activity) {
            self.note(Category::Conversation, course.last_activity);
        }
        for (category, range) in [
            (Category::Conversation, keys::messages_until(tenant, id, until)),
            (Category::AiTrace, keys::traces(tenant, id)),
            (Category::Attachment, keys::attachments_until(tenant, id, until)),
        ] {
            self.count_rows(scope, category, &range, &goes).await?;
        }
        Ok(())
    }

    async fn count_rows(
        &mut self,
        scope: &TenantScope,
        category: Category,
        range: &Range,
        goes: &(dyn Fn(Timestamp) -> bool + Sync),
    ) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = scope.store().query(range, &forward(after)).await?;
            for own in page.rows.iter().filter_map(Row::anchor) {
                if goes(own) {
                    self.note(category, own);
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn count_leads(
        &mut self,
        scope: &TenantScope,
        next: &TenantPolicy,
        at: Timestamp,
        protected: &Protected,
    ) -> Result<(), StoreError> {
        let Some(days) = next.days(Category::Lead) else {
            return Ok(());
        };
        let range = keys::leads_until(scope.tenant(), at.minus_days(days));
        let mut after = None;
        loop {
            let page = scope.store().query(&range, &forward(after)).await?;
            for row in &page.rows {
                let contacts = row.peek::<Vec<ContactRef>>("contacts").unwrap_or_default();
                let held = contacts.iter().any(|contact| protected.whole_contact(contact.id));
                if let Some(own) = row.anchor()
                    && !held
                    && !scope.policy().is_expired(Category::Lead, own, at)
                {
                    self.note(Category::Lead, own);
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn by_category(&self) -> Vec<CategoryCount> {
        let counts = self.counts.iter().map(|(category, months)| CategoryCount {
            category: category.name().to_owned(),
            records: months.values().sum(),
            months: months
                .iter()
                .map(|(month, records)| MonthCount {
                    month: month.clone(),
                    records: *records,
                })
                .collect(),
        });
        counts.collect()
    }
}

fn forward(after: Option<String>) -> Read {
    Read {
        limit: PAGE,
        backward: false,
        consistent: false,
        after,
    }
}
