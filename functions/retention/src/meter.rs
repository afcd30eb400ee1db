//! The outcome meter: how old the oldest record of a category is, beside its period.

use std::time::Duration;

use usher_aws::TenantScope;
use usher_aws::holds::Protected;
use usher_aws::store::keys::{self, Range};
use usher_aws::store::{Read, Row, StoreError};
use usher_shared::Timestamp;
use usher_shared::category::{Category, Period};
use usher_shared::ids::ConversationId;
use usher_shared::model::ContactRef;

/// What removes what has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RemovedBy {
    /// The sweep of this function, every hour.
    Sweep,
    /// The database, by the stamp on each row.
    Database,
    /// The queues, by their own retention.
    Queue,
}

impl RemovedBy {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sweep => "sweep",
            Self::Database => "database",
            Self::Queue => "queue",
        }
    }

    const fn of(category: Category) -> Self {
        match category {
            Category::Conversation
            | Category::AiTrace
            | Category::Attachment
            | Category::Lead
            | Category::SecurityLog => Self::Sweep,
            Category::Transport => Self::Queue,
            _ => Self::Database,
        }
    }
}

/// One reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) category: Category,
    /// The period in force; none for the life of the account.
    pub(crate) days: Option<u32>,
    pub(crate) removed_by: RemovedBy,
    /// Time of the oldest record that is stored, readable or not.
    pub(crate) oldest: Option<Timestamp>,
    /// How long ago the oldest record should have gone; zero if all is well.
    pub(crate) overdue: Duration,
}

/// What is looked through at once for something that no hold keeps, or that is due.
const PAGE: usize = 50;
const END_OF_TIME: Timestamp = Timestamp::from_millis(9_999_999_999_999);

/// Reads the meter of a tenant: the first entries of each list that is in the order of age, and of what holds keep.
pub(crate) async fn measure(scope: &TenantScope, protected: &Protected) -> Result<Vec<Reading>, StoreError> {
    let tenant = scope.tenant();
    let conversations = oldest_of_conversations(scope, protected).await?;
    let mut readings = Vec::new();
    for category in Category::ALL {
        let (oldest, overdue) = match category {
            Category::Conversation | Category::AiTrace | Category::Attachment => conversations,
            Category::Lead => {
                let range = keys::leads_until(tenant, END_OF_TIME);
                oldest_of(scope, category, &range, protected).await?
            }
            Category::SecurityLog => {
                let range = keys::audit_events_until(tenant, END_OF_TIME);
                oldest_of(scope, category, &range, protected).await?
            }
            Category::Export => oldest_of(scope, category, &keys::exports(tenant), protected).await?,
            _ => (None, Duration::ZERO),
        };
        let bounded = category.bounds(scope.policy().preset).is_some();
        // What stays with the account, whatever anybody chooses, has nothing to be measured against.
        if bounded || category.period(scope.policy().preset) != Period::LifeOfAccount {
            readings.push(Reading {
                category,
                days: scope.policy().days(category),
                removed_by: RemovedBy::of(category),
                oldest,
                overdue,
            });
        }
    }
    Ok(readings)
}

/// Age and delay of the first row of a list that is in the order of age.
async fn oldest_of(
    scope: &TenantScope,
    category: Category,
    range: &Range,
    protected: &Protected,
) -> Result<(Option<Timestamp>, Duration), StoreError> {
    let limit = if protected.holds.is_empty() { 1 } else { PAGE };
    let first = unheld(scope, range, protected, limit).await?;
    let oldest = first.first().and_then(Row::anchor);
    let end = oldest.and_then(|oldest| scope.policy().expiry(category, oldest));
    Ok((oldest, end.map_or(Duration::ZERO, |end| scope.now().since(end))))
}

/// The same of conversations, by the notes of their age. Where their end depends on more than that, their heads tell.
async fn oldest_of_conversations(
    scope: &TenantScope,
    protected: &Protected,
) -> Result<(Option<Timestamp>, Duration), StoreError> {
    let (tenant, policy) = (scope.tenant(), scope.policy());
    let ages = keys::ages(tenant, END_OF_TIME);
    let depends = policy.depends_on_course(Category::Conversation);
    let mut lists = vec![ages];
    if depends || policy.version() > 0 {
        lists.push(keys::deferred_before(tenant, policy.version()));
        lists.push(keys::deferred_until(tenant, policy.version(), END_OF_TIME));
    }
    let (mut oldest, mut overdue) = (None, Duration::ZERO);
    for list in lists {
        let single = protected.holds.is_empty() && !depends;
        let rows = unheld(scope, &list, protected, if single { 1 } else { PAGE }).await?;
        let first = rows.first().and_then(Row::anchor);
        oldest = [oldest, first].into_iter().flatten().min();
        for row in &rows {
            overdue = overdue.max(delay(scope, row).await?);
        }
    }
    Ok((oldest, overdue))
}

/// How long ago the oldest thing in a conversation should have gone.
async fn delay(scope: &TenantScope, note: &Row) -> Result<Duration, StoreError> {
    let (policy, now) = (scope.policy(), scope.now());
    let own = note.anchor();
    let Some(own) = own.filter(|own| policy.may_have_ended(Category::Conversation, *own, now)) else {
        return Ok(Duration::ZERO);
    };
    let mut end = policy.expiry(Category::Conversation, own);
    if policy.depends_on_course(Category::Conversation)
        && let Some(id) = note.peek::<ConversationId>("conversation")
    {
        let head = keys::conversation(scope.tenant(), id);
        let head = scope.store().get_row_ended(&head).await?;
        if let Some(course) = head.as_ref().and_then(Row::course) {
            end = policy.end_in(&course, own, now);
        }
    }
    Ok(end.map_or(Duration::ZERO, |end| now.since(end)))
}

/// The first rows of a list that no hold keeps, at most `limit`; none only if there are none at all.
async fn unheld(
    scope: &TenantScope,
    range: &Range,
    protected: &Protected,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let mut after = None;
    loop {
        let read = Read {
            limit,
            backward: false,
            consistent: false,
            after,
        };
        let mut page = scope.store().query_ended(range, &read).await?;
        page.rows.retain(|row| {
            let conversation = row.peek::<ConversationId>("conversation");
            let contact = row.peek::<ContactRef>("contact");
            let lead = row.peek::<Vec<ContactRef>>("contacts").unwrap_or_default();
            let held = match (conversation, contact) {
                (Some(conversation), Some(contact)) => protected.conversation(conversation, contact.id),
                _ => lead.iter().any(|contact| protected.whole_contact(contact.id)),
            };
            !held
        });
        after = page.next;
        if !page.rows.is_empty() || after.is_none() {
            return Ok(page.rows);
        }
    }
}
