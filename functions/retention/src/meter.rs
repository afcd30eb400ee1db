//! The outcome meter: how old the oldest record of a category is, beside its period.

use std::time::Duration;

use usher_aws::TenantScope;
use usher_aws::store::{Read, StoreError, keys};
use usher_shared::Timestamp;
use usher_shared::category::Category;

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

/// Reads the meter of a tenant: one index entry per category.
pub(crate) async fn measure(scope: &TenantScope) -> Result<Vec<Reading>, StoreError> {
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
        let read = Read {
            limit: 1,
            backward: false,
            consistent: false,
            after: None,
        };
        let first = scope
            .store()
            .query_ended(&range, &read)
            .await?
            .rows
            .into_iter()
            .next();
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
