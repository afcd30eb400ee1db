//! The outcome meter: how old the oldest record of a category is, beside its period.

use std::time::Duration;

use usher_aws::TenantScope;
use usher_aws::holds::Protected;
use usher_aws::store::keys::{self, Range};
use usher_aws::store::{Read, Row, StoreError};
use usher_shared::Timestamp;
use usher_shared::category::Category;
use usher_shared::ids::ConversationId;
use usher_shared::model::ContactRef;

/// One reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) category: Category,
    /// The period in force; none for the life of the account.
    pub(crate) days: Option<u32>,
    /// Time of the oldest record that is stored, readable or not.
    pub(crate) oldest: Option<Timestamp>,
    /// How long ago the oldest record should have gone; zero if all is well.
    pub(crate) overdue: Duration,
}

/// What is looked through at once for something that no hold keeps.
const PAGE: usize = 50;

/// Reads the meter of a tenant: one index entry per category, and those that holds keep.
pub(crate) async fn measure(scope: &TenantScope, protected: &Protected) -> Result<Vec<Reading>, StoreError> {
    let end_of_time = Timestamp::from_millis(9_999_999_999_999);
    let mut readings = Vec::new();
    for (category, range, field) in [
        (
            Category::Conversation,
            keys::ages(scope.tenant(), end_of_time),
            "oldest",
        ),
        (
            Category::AiTrace,
            keys::ages(scope.tenant(), end_of_time),
            "oldest",
        ),
        (
            Category::Lead,
            keys::leads_until(scope.tenant(), end_of_time),
            "last_activity",
        ),
    ] {
        let first = first_unheld(scope, &range, protected).await?;
        let oldest = first.and_then(|row| row.peek::<Timestamp>(field));
        let end = oldest.and_then(|oldest| scope.policy().expiry(category, oldest));
        let overdue = end.map_or(Duration::ZERO, |end| scope.now().since(end));
        readings.push(Reading {
            category,
            days: scope.policy().days(category),
            oldest,
            overdue,
        });
    }
    Ok(readings)
}

/// The first row of a list that no hold keeps.
async fn first_unheld(
    scope: &TenantScope,
    range: &Range,
    protected: &Protected,
) -> Result<Option<Row>, StoreError> {
    let mut after = None;
    loop {
        let read = Read {
            limit: if protected.holds.is_empty() { 1 } else { PAGE },
            backward: false,
            consistent: false,
            after,
        };
        let page = scope.store().query_ended(range, &read).await?;
        let unheld = |row: &Row| {
            let conversation = row.peek::<ConversationId>("conversation");
            let contact = row.peek::<ContactRef>("contact");
            let lead = row.peek::<Vec<ContactRef>>("contacts").unwrap_or_default();
            let held = match (conversation, contact) {
                (Some(conversation), Some(contact)) => protected.conversation(conversation, contact.id),
                _ => lead.iter().any(|contact| protected.whole_contact(contact.id)),
            };
            !held
        };
        if let Some(found) = page.rows.into_iter().find(unheld) {
            return Ok(Some(found));
        }
        after = page.next;
        if after.is_none() {
            return Ok(None);
        }
    }
}
