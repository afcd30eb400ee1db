//! What becomes of the people who wrote on a channel that was disconnected: counted before, and erased if that was
//! asked for.

use std::collections::BTreeMap;

use usher_aws::TenantScope;
use usher_aws::deadline::Deadline;
use usher_aws::sealing::{DataKey, HashPurpose};
use usher_aws::store::{Read, StoreError, When, keys};
use usher_shared::ids::{ChannelId, ContactId, ConversationId, ErasureId, LeadId};
use usher_shared::model::{ContactRef, ErasureState};
use usher_shared::records::{Channel, Erasing, Lead, OpenErasure};
use usher_shared::untrusted::Label;

/// Rows read at once.
const PAGE: usize = 100;
/// Conversations of the tenant that a preview looks at: a request has to answer in time.
pub(crate) const COUNTED: usize = 10_000;
/// With less time left, the next run goes on.
const ENOUGH: std::time::Duration = std::time::Duration::from_secs(3);

/// People with their conversations on a channel.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) people: BTreeMap<String, (ContactRef, Vec<ConversationId>)>,
    /// Whether that is all of them.
    pub(crate) complete: bool,
}

impl Written {
    pub(crate) fn conversations(&self) -> usize {
        self.people
            .values()
            .map(|(_, conversations)| conversations.len())
            .sum()
    }
}

/// Finds who wrote on a channel, looking at `most` of the tenant's conversations, or at all of them.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn find(
    scope: &TenantScope,
    channel: ChannelId,
    most: Option<usize>,
) -> Result<Written, StoreError> {
    let mut written = Written::default();
    let (mut after, mut looked_at) = (None, 0);
    loop {
        let read = Read {
            limit: PAGE,
            backward: true,
            consistent: false,
            after,
        };
        let page = scope
            .store()
            .query(&keys::conversations(scope.tenant()), &read)
            .await?;
        for row in &page.rows {
            looked_at += 1;
            let (Some(id), Some(contact)) = (
                row.peek::<ConversationId>("id"),
                row.peek::<ContactRef>("contact"),
            ) else {
                continue;
            };
            if row.peek::<ChannelId>("channel") == Some(channel) {
                let entry = written.people.entry(contact.id.to_string());
                entry.or_insert_with(|| (contact, Vec::new())).1.push(id);
            }
        }
        after = page.next;
        if after.is_none() {
            written.complete = true;
            return Ok(written);
        }
        if most.is_some_and(|most| looked_at >= most) {
            return Ok(written);
        }
    }
}

/// How many of these people are known as leads.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn leads(scope: &TenantScope, written: &Written) -> Result<usize, StoreError> {
    let mut count = 0;
    for (contact, _) in written.people.values() {
        let row = scope
            .store()
            .get_row(&keys::contact(scope.tenant(), contact.address), false)
            .await?;
        let lead = row.and_then(|row| row.peek::<Option<LeadId>>("lead")).flatten();
        count += usize::from(lead.is_some());
    }
    Ok(count)
}

/// Asks for the erasure of everybody who wrote on a channel: a row in the ledger each, from which the eraser begins.
/// When nobody is left, the channel's own row goes. Says whether it got that far; the next call goes on.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn purge(
    scope: &TenantScope,
    channel: &Channel,
    deadline: Deadline,
) -> Result<bool, StoreError> {
    let (id, tenant) = (*channel.id, scope.tenant());
    let mut unfinished = 0_u64;
    let written = find(scope, id, None).await?;
    for (contact, conversations) in written.people.values() {
        if deadline.remaining() < ENOUGH {
            return Ok(false);
        }
        unfinished += u64::from(erase(scope, id, *contact, conversations).await?);
    }
    if unfinished > 0 || !written.complete {
        return Ok(false);
    }
    scope.store().delete(&keys::channel(tenant, id)).await?;
    Ok(true)
}

/// Writes one person's erasure down. `true` while it is not over.
async fn erase(
    scope: &TenantScope,
    channel: ChannelId,
    contact: ContactRef,
    conversations: &[ConversationId],
) -> Result<bool, StoreError> {
    let (tenant, now) = (scope.tenant(), scope.now());
    let parts = [channel.to_string(), contact.id.to_string()];
    let parts = [b"purge".as_slice(), parts[0].as_bytes(), parts[1].as_bytes()];
    let id = ErasureId::derived(
        channel.at(),
        scope.key().hash(HashPurpose::Derived, &parts).tail(),
    );
    let row = keys::erasure(tenant, id);
    if scope.store().get_row(&row, true).await?.is_some() {
        // The eraser has it; or a hold keeps it, and then the channel's row stays as long.
        return Ok(true);
    }
    let known = scope
        .store()
        .get_row(&keys::contact(tenant, contact.address), true)
        .await?;
    let known = known.filter(|row| row.peek::<ContactId>("id") == Some(contact.id));
    let lead = known.and_then(|row| row.peek::<Option<LeadId>>("lead")).flatten();
    let Ok(subject) = channel.to_string().parse::<Label>() else {
        return Ok(true);
    };
    let erasing = Erasing {
        id: id.into(),
        subject: subject.into(),
        requested_at: now.into(),
        state: ErasureState::Requested.into(),
        updated_at: now.into(),
        whole_contacts: true.into(),
        // The lead goes with its last contact; one that has others stays theirs.
        lead: alone(scope, lead).await?.into(),
        contacts: vec![contact].into(),
        conversations: conversations.to_vec().into(),
        requested_by: None.into(),
    };
    let note = OpenErasure {
        erasure: id.into(),
        started_at: now.into(),
    };
    let _begun_before = scope
        .store()
        .put(
            &keys::open_erasure(tenant, id),
            &note,
            &DataKey::none(),
            When::Absent,
        )
        .await?;
    let _begun_before = scope
        .store()
        .put(&row, &erasing, &DataKey::none(), When::Absent)
        .await?;
    Ok(true)
}

/// The lead, if it has no other contact.
async fn alone(scope: &TenantScope, lead: Option<LeadId>) -> Result<Option<LeadId>, StoreError> {
    let Some(id) = lead else {
        return Ok(None);
    };
    let lead: Option<Lead> = scope
        .store()
        .get(&keys::lead(scope.tenant(), id), &DataKey::none(), true)
        .await?;
    Ok(lead.is_some_and(|lead| lead.contacts.len() < 2).then_some(id))
}
