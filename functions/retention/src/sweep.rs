//! The sweep: visits every tenant, and of each only the conversations and leads that hold something old.
//! Its cost grows with what has expired, not with what is stored.

use std::time::Duration;

use serde_json::json;
use usher_aws::deadline::Deadline;
use usher_aws::scope::ScopeError;
use usher_aws::sealing::{DataKey, KeyringError};
use usher_aws::store::{Read, StoreError, When, keys};
use usher_aws::telemetry::{self, Unit};
use usher_aws::{Platform, TenantScope};
use usher_shared::category::Category;
use usher_shared::ids::{ConversationId, TenantId};
use usher_shared::model::Profile;
use usher_shared::records::{ConversationAge, Lead, Message};
use usher_shared::{Record as _, Sealed, Timestamp};

use crate::meter;

/// Notes or leads read at once.
const PAGE: usize = 50;
/// Time kept for the tenant in hand; with less, the next run goes on.
const ENOUGH: Duration = Duration::from_secs(20);

/// Why a tenant could not be swept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SweepError {
    #[error(transparent)]
    Scope(#[from] ScopeError),
    #[error(transparent)]
    Keyring(#[from] KeyringError),
}

impl From<StoreError> for SweepError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

/// What a run did.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    pub(crate) tenants: u64,
    pub(crate) rows: u64,
    pub(crate) failed: u64,
}

/// Sweeps all tenants, as far as the time goes.
pub(crate) async fn sweep_all(platform: &Platform, deadline: Deadline) -> Result<Swept, StoreError> {
    let (mut swept, mut worst, mut after) = (Swept::default(), Duration::ZERO, None);
    'tenants: loop {
        let page = platform.tenants(after).await?;
        for entry in page.tenants {
            if deadline.remaining() < ENOUGH {
                tracing::warn!(tenants = swept.tenants, "out of time; the next run goes on");
                break 'tenants;
            }
            swept.tenants += 1;
            match sweep_one(platform, *entry.id).await {
                Ok((rows, overdue)) => {
                    swept.rows += rows;
                    worst = worst.max(overdue);
                }
                // One tenant's trouble is not the others'.
                Err(error) => {
                    swept.failed += 1;
                    tracing::error!(tenant.id = %*entry.id, error = %error, "not swept");
                }
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let count = |number: u64| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    telemetry::emit(
        "retention",
        &[
            ("rows_swept", count(swept.rows), Unit::Count),
            ("tenants_failed", count(swept.failed), Unit::Count),
            ("oldest_overdue", worst.as_secs_f64() * 1000.0, Unit::Milliseconds),
        ],
    );
    Ok(swept)
}

/// Sweeps one tenant; says how many rows went, and how long the oldest thing left is overdue.
async fn sweep_one(platform: &Platform, tenant: TenantId) -> Result<(u64, Duration), SweepError> {
    let scope = match platform.enter(tenant).await {
        Err(ScopeError::UnknownTenant) => return Ok((0, Duration::ZERO)),
        scope => scope?,
    };
    let ended = |category| {
        scope
            .policy()
            .days(category)
            .map(|days| scope.now().minus_days(days))
    };
    let mut rows = 0;
    if let Some(cutoff) = ended(Category::Conversation) {
        rows += sweep_conversations(&scope, cutoff).await?;
    }
    if let Some(cutoff) = ended(Category::Lead) {
        rows += sweep_leads(&scope, cutoff).await?;
    }
    if rows > 0 {
        tracing::info!(tenant.id = %tenant, rows, "swept");
    }
    let overdue = meter::measure(&scope)
        .await?
        .into_iter()
        .map(|reading| reading.overdue)
        .max();
    Ok((rows, overdue.unwrap_or_default()))
}

async fn sweep_conversations(scope: &TenantScope, cutoff: Timestamp) -> Result<u64, SweepError> {
    let (mut rows, mut after) = (0, None);
    loop {
        let read = Read {
            limit: PAGE,
            backward: false,
            consistent: false,
            after,
        };
        let page = scope
            .store()
            .query(&keys::ages(scope.tenant(), cutoff), &read)
            .await?;
        for row in page.rows {
            let age: ConversationAge = scope.store().open(row, &DataKey::none())?;
            rows += sweep_conversation(scope, &age, cutoff).await?;
        }
        after = page.next;
        if after.is_none() {
            return Ok(rows);
        }
    }
}

/// Removes what a conversation holds of the cutoff and before: messages by their keys, traces by their
/// anchors. If nothing is left, the conversation itself goes, with its key.
async fn sweep_conversation(
    scope: &TenantScope,
    age: &ConversationAge,
    cutoff: Timestamp,
) -> Result<u64, SweepError> {
    let (tenant, id) = (scope.tenant(), *age.conversation);
    let mut rows = scope
        .store()
        .purge(&keys::messages_until(tenant, id, cutoff))
        .await?;
    rows += scope
        .store()
        .purge_until(&keys::traces(tenant, id), Some(cutoff))
        .await?;
    let read = Read {
        limit: 1,
        backward: false,
        consistent: true,
        after: None,
    };
    let first = scope
        .store()
        .query(&keys::messages(tenant, id, None), &read)
        .await?
        .rows
        .into_iter()
        .next();
    // What the policy hides is not among the rows read; so the oldest message left is a living one.
    let oldest = first.and_then(|row| row.peek::<Timestamp>(Message::SPEC.anchor));
    let head = scope
        .store()
        .get_row(&keys::conversation(tenant, id), true)
        .await?;
    match (oldest, head) {
        (_, None) => rows += end_conversation(scope, age).await?,
        (oldest, Some(head)) => {
            let active = head.peek::<Timestamp>("last_activity").unwrap_or(cutoff);
            forget_title(scope, id, cutoff).await?;
            let aged = ConversationAge {
                oldest: oldest.unwrap_or(active).into(),
                ..age.clone()
            };
            let row = keys::conversation_age(tenant, id).listed(keys::age_listing(tenant, id, *aged.oldest));
            let _erased_meanwhile = scope
                .store()
                .put(&row, &aged, &DataKey::none(), When::Present)
                .await?;
        }
    }
    Ok(rows)
}

/// Nothing of the conversation may be read any more: key, rows, and the contact too if it is nobody's lead and
/// has no other conversation.
async fn end_conversation(scope: &TenantScope, age: &ConversationAge) -> Result<u64, SweepError> {
    let (tenant, contact) = (scope.tenant(), *age.contact);
    scope
        .store()
        .delete(&keys::conversation_key(tenant, contact.id, *age.conversation))
        .await?;
    let mut rows = scope
        .store()
        .purge(&keys::conversation_rows(tenant, *age.conversation))
        .await?;
    if let Some((record, _)) = scope.open_contact(contact).await?
        && record.lead.is_none()
        && *record.conversation == *age.conversation
    {
        // The key first; then the row, unless a new conversation began meanwhile.
        let row = keys::contact(tenant, contact.address);
        let when = vec![
            When::Is("id", json!(contact.id)),
            When::Is("conversation", json!(*age.conversation)),
        ];
        let forgotten = vec![("erased_at", json!(scope.now()))];
        if scope.store().update(&row, forgotten, when).await?.happened() {
            rows += scope
                .store()
                .purge(&keys::contact_keys(tenant, contact.id))
                .await?;
            rows += scope.forget_identifiers(contact.id).await?;
            rows += u64::from(scope.store().delete(&row).await?);
        }
    }
    Ok(rows)
}

/// The title is the first message's words: once that has ended, so has the title.
async fn forget_title(scope: &TenantScope, id: ConversationId, cutoff: Timestamp) -> Result<(), SweepError> {
    let Some(mut open) = scope.open_conversation(id).await? else {
        return Ok(());
    };
    if *open.head.created_at > cutoff {
        return Ok(());
    }
    open.head.title = Sealed::from(String::new());
    let activity = *open.head.last_activity;
    let row = keys::conversation(scope.tenant(), id).listed(keys::conversation_listing(
        scope.tenant(),
        id,
        activity,
    ));
    // If something happened meanwhile, the next sweep does it.
    let when = When::Is("last_activity", json!(activity));
    let _busy = scope.store().put(&row, &open.head, &open.key, when).await?;
    Ok(())
}

/// Removes leads that have ended, and with each what the person volunteered. Conversations have their own
/// period and stay.
async fn sweep_leads(scope: &TenantScope, cutoff: Timestamp) -> Result<u64, SweepError> {
    let (mut rows, mut after) = (0, None);
    loop {
        let read = Read {
            limit: PAGE,
            backward: false,
            consistent: false,
            after,
        };
        // Past their period they are hidden from every ordinary read.
        let page = scope
            .store()
            .query_ended(&keys::leads_until(scope.tenant(), cutoff), &read)
            .await?;
        for row in page.rows {
            let lead: Lead = scope.store().open(row, &DataKey::none())?;
            for contact in lead.contacts.iter() {
                if let Some((mut record, contact_keys)) = scope.open_contact(*contact).await? {
                    record.lead = None.into();
                    record.profile = Sealed::from(Profile::default());
                    let row = keys::contact(scope.tenant(), contact.address);
                    let when = When::Is("conversation", json!(*record.conversation));
                    let _moved_on = scope
                        .store()
                        .put(&row, &record, contact_keys.contact(), when)
                        .await?;
                }
                rows += scope.forget_identifiers(contact.id).await?;
            }
            rows += u64::from(
                scope
                    .store()
                    .delete(&keys::lead(scope.tenant(), *lead.id))
                    .await?,
            );
        }
        after = page.next;
        if after.is_none() {
            return Ok(rows);
        }
    }
}
