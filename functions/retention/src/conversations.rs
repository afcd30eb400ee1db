//! The sweep of conversations: visits those that hold something past the shortest period in force, and no others.
//!
//! A channel's period or an anchor may keep such a thing longer. Then the conversation is put off until that ends, under
//! the version of the policy that says so; a newer version looks once at all that were put off under earlier ones. So
//! each is visited when something ends, and once for every change of the policy.

use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::holds::Protected;
use usher_aws::sealing::DataKey;
use usher_aws::store::keys::{self, Range};
use usher_aws::store::{Read, Row, When};
use usher_shared::category::Category;
use usher_shared::ids::ConversationId;
use usher_shared::policy::Course;
use usher_shared::records::{ConversationAge, Message};
use usher_shared::{Record as _, Timestamp};

use crate::sweep::SweepError;

/// Notes read at once.
const PAGE: usize = 50;
/// For what has no end as things are.
const NEVER: Timestamp = Timestamp::from_millis(9_999_999_999_999);

/// Removes what has ended in a tenant's conversations; says how many rows went.
pub(crate) async fn sweep_conversations(scope: &TenantScope) -> Result<u64, SweepError> {
    let (tenant, policy, now) = (scope.tenant(), scope.policy(), scope.now());
    let mut rows = 0;
    if let Some(days) = policy.shortest(Category::Conversation) {
        rows += sweep_list(scope, &keys::ages(tenant, now.minus_days(days))).await?;
        if policy.depends_on_course(Category::Conversation) {
            rows += sweep_list(scope, &keys::deferred_until(tenant, policy.version(), now)).await?;
        }
    }
    // Nothing was ever put off under a policy that has not changed.
    if policy.version() > 0 {
        rows += sweep_list(scope, &keys::deferred_before(tenant, policy.version())).await?;
    }
    Ok(rows)
}

async fn sweep_list(scope: &TenantScope, list: &Range) -> Result<u64, SweepError> {
    let (mut rows, mut after) = (0, None);
    loop {
        let read = Read {
            limit: PAGE,
            backward: false,
            consistent: false,
            after,
        };
        let page = scope.store().query(list, &read).await?;
        // Looked at anew for each page: a hold that was placed meanwhile counts.
        let protected = if page.rows.is_empty() {
            Protected::default()
        } else {
            scope.holds().protected().await?
        };
        for row in page.rows {
            let age: ConversationAge = scope.store().open(row, &DataKey::none())?;
            // Its note stays as it is, so that the first sweep after the hold finds it.
            if !protected.conversation(*age.conversation, age.contact.id) {
                rows += sweep_conversation(scope, &age).await?;
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(rows);
        }
    }
}

/// Removes what has ended in a conversation: messages by their keys, traces by their anchors. If nothing is left, the
/// conversation itself goes, with its key.
async fn sweep_conversation(scope: &TenantScope, age: &ConversationAge) -> Result<u64, SweepError> {
    let (tenant, id) = (scope.tenant(), *age.conversation);
    let head_row = keys::conversation(tenant, id);
    let head = scope.store().get_row_ended(&head_row).await?;
    let Some(course) = head.as_ref().and_then(Row::course) else {
        // The database was faster; or nothing says any more that it is kept longer than others.
        return end_conversation(scope, age).await;
    };
    let mut rows = 0;
    if let Some(cutoff) = scope.policy().ended_until(&course, scope.now()) {
        rows += remove_until(scope, id, cutoff).await?;
    }
    // Looked at once more: a message may have come meanwhile, and with it a later end.
    let head = scope.store().get_row(&head_row, true).await?;
    let Some(course) = head.as_ref().and_then(Row::course) else {
        return Ok(rows + end_conversation(scope, age).await?);
    };
    forget_title(scope, id, &course).await?;
    let oldest = oldest_message(scope, id).await?;
    let aged = ConversationAge {
        oldest: oldest.unwrap_or(course.last_activity).into(),
        ..age.clone()
    };
    let row = keys::conversation_age(tenant, id).listed(place(scope, id, &course, *aged.oldest));
    let _erased_meanwhile = scope
        .store()
        .put(&row, &aged, &DataKey::none(), When::Present)
        .await?;
    Ok(rows)
}

async fn remove_until(scope: &TenantScope, id: ConversationId, cutoff: Timestamp) -> Result<u64, SweepError> {
    let (tenant, store) = (scope.tenant(), scope.store());
    let mut rows = store.purge(&keys::messages_until(tenant, id, cutoff)).await?;
    rows += store.purge_until(&keys::traces(tenant, id), Some(cutoff)).await?;
    // Their files follow the rows.
    rows += store.purge(&keys::attachments_until(tenant, id, cutoff)).await?;
    Ok(rows)
}

/// The time of the oldest message that is left. What the policy hides is not among the rows read, so it is a living one.
async fn oldest_message(scope: &TenantScope, id: ConversationId) -> Result<Option<Timestamp>, SweepError> {
    let read = Read {
        limit: 1,
        backward: false,
        consistent: true,
        after: None,
    };
    let range = keys::messages(scope.tenant(), id, None);
    let first = scope.store().query(&range, &read).await?.rows.into_iter().next();
    Ok(first.and_then(|row| row.peek::<Timestamp>(Message::SPEC.anchor)))
}

/// Where a conversation with something of this age is found when it is due: by its age, or, if that alone would have the
/// sweep come in vain again and again, by when it ends.
fn place(scope: &TenantScope, id: ConversationId, course: &Course, oldest: Timestamp) -> keys::Listing {
    let (tenant, policy, now) = (scope.tenant(), scope.policy(), scope.now());
    if !policy.may_have_ended(Category::Conversation, oldest, now) {
        return keys::age_listing(tenant, id, oldest);
    }
    let due = policy.end_in(course, oldest, now).unwrap_or(NEVER);
    keys::deferred_listing(tenant, id, policy.version(), due)
}

/// Nothing of the conversation may be read any more: key, rows, and the contact too if it is nobody's lead and
/// has no other conversation.
async fn end_conversation(scope: &TenantScope, age: &ConversationAge) -> Result<u64, SweepError> {
    let (tenant, contact) = (scope.tenant(), *age.contact);
    let keys_gone = scope.forget_keys(&[contact], Some(*age.conversation)).await?;
    if !keys_gone.happened() {
        return Ok(0);
    }
    let mut rows = scope
        .store()
        .purge(&keys::conversation_rows(tenant, *age.conversation))
        .await?;
    if let Some((record, contact_keys)) = scope.open_contact(contact).await?
        && record.lead.is_none()
        && *record.conversation == *age.conversation
        && !contact_keys.is_held()
    {
        // The key first; then the row, unless a new conversation began meanwhile.
        let row = keys::contact(tenant, contact.address);
        let when = vec![
            When::Is("id", json!(contact.id)),
            When::Is("conversation", json!(*age.conversation)),
        ];
        let forgotten = vec![("erased_at", json!(scope.now()))];
        if scope.store().update(&row, forgotten, when).await?.happened()
            && scope.forget_keys(&[contact], None).await?.happened()
        {
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
async fn forget_title(scope: &TenantScope, id: ConversationId, course: &Course) -> Result<(), SweepError> {
    let (policy, now) = (scope.policy(), scope.now());
    // If something happened meanwhile, the next sweep does it.
    let _busy = scope
        .rewrite_head(id, |head| {
            let ended = policy.has_ended_in(course, *head.created_at, now);
            let due = ended && !head.title.get().is_empty();
            if due {
                head.title = String::new().into();
            }
            due
        })
        .await?;
    Ok(())
}
