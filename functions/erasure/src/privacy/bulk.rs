//! Deletions of more than one person: a channel with all that came by it, all content, the account. Each person is an
//! erasure of their own, as if somebody had deleted them one by one; this asks for them, a few at a time, until nobody
//! is left who was there when it was asked.

use std::time::Duration;

use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::sealing::DataKey;
use usher_aws::store::{Read, Row, StoreError, When, keys};
use usher_shared::Timestamp;
use usher_shared::channel::ChannelState;
use usher_shared::ids::{ChannelId, DocumentId, LeadId};
use usher_shared::model::{ContactRef, ErasureState};
use usher_shared::privacy::{RequestCounts, RequestSubject};
use usher_shared::records::{ApiKey, Erasing, OpenErasure, PrivacyRequest};
use usher_shared::untrusted::Label;

use super::work::{Look, begun, change, complete, defer, malformed, stored};
use crate::begin::{Begun, Targets, begin, erasure_id};
use crate::{EraseError, Eraser, report};

/// People whose erasure is asked for at once: then the queue has a turn, and live traffic with it.
const AT_ONCE: usize = 25;
/// Rows of a list that are read at once.
const PAGE: usize = 100;
/// When it is looked again whether anybody is left.
const SOON: Duration = Duration::from_secs(2);
/// When it is looked again whether the last erasures are verified.
const LATER: Duration = Duration::from_mins(1);

/// What one pass over the people found.
#[derive(Clone, Copy, Debug, Default)]
struct Pass {
    /// Erasures that it began.
    begun: u64,
    /// People whose rows are still on their way out.
    leaving: u64,
    /// People whom a hold keeps.
    held: u64,
}

/// A channel: cut off by whoever looks after channels, which alone may speak with carriers and deletes its row when
/// nobody of it is left. What came by it is erased here.
pub(super) async fn channel(
    eraser: &Eraser,
    scope: &TenantScope,
    request: &PrivacyRequest,
    id: ChannelId,
) -> Result<Look, EraseError> {
    begun(scope, request).await?;
    let row = keys::channel(scope.tenant(), id);
    let found = scope.store().get_row(&row, true).await?;
    let cut = cut_off(scope, id, found.as_ref()).await?;
    let pass = people(eraser, scope, request, Some(id)).await?;
    if !cut {
        return Ok(Look::Again(LATER));
    }
    if found.is_some() && pass.begun + pass.leaving + pass.held == 0 {
        // Whoever looks after channels has still to see that nobody is left.
        return Ok(Look::Again(LATER));
    }
    let counts = RequestCounts {
        channels: 1,
        ..RequestCounts::default()
    };
    settle(scope, request, pass, counts).await
}

/// All content; for the account also the channels, the documents, the settings and the API keys.
pub(super) async fn content(
    eraser: &Eraser,
    scope: &TenantScope,
    request: &PrivacyRequest,
) -> Result<Look, EraseError> {
    begun(scope, request).await?;
    let whole_account = *request.subject == RequestSubject::Account;
    let mut counts = RequestCounts::default();
    let mut uncut = false;
    if whole_account {
        // First of all: nobody comes in any more, and nothing new comes with them.
        forget_api_keys(eraser, scope).await?;
        for row in scope.store().query_all(&keys::channels(scope.tenant())).await? {
            if let Some(id) = row.peek::<ChannelId>("id") {
                counts.channels += 1;
                uncut |= !cut_off(scope, id, Some(&row)).await?;
            }
        }
        counts.channels = counts.channels.max(request.counts.channels);
        counts.documents = forget_settings(scope).await?.max(request.counts.documents);
        let seen = RequestCounts {
            channels: counts.channels,
            documents: counts.documents,
            ..*request.counts
        };
        change(scope, request, vec![("counts", json!(seen))]).await?;
    }
    let pass = people(eraser, scope, request, None).await?;
    if uncut {
        return Ok(Look::Again(LATER));
    }
    if whole_account && pass.begun + pass.leaving + pass.held == 0 {
        let channels = scope.store().query_all(&keys::channels(scope.tenant())).await?;
        if !channels.is_empty() {
            return Ok(Look::Again(LATER));
        }
    }
    settle(scope, request, pass, counts).await
}

/// What follows from a pass: another, or the end.
async fn settle(
    scope: &TenantScope,
    request: &PrivacyRequest,
    pass: Pass,
    more: RequestCounts,
) -> Result<Look, EraseError> {
    let request = stored(scope, request).await?;
    let counts = RequestCounts {
        channels: request.counts.channels.max(more.channels),
        documents: request.counts.documents.max(more.documents),
        ..*request.counts
    };
    change(scope, &request, vec![("counts", json!(counts))]).await?;
    if pass.begun > 0 || pass.leaving > 0 {
        return Ok(Look::Again(SOON));
    }
    if pass.held > 0 {
        defer(scope, &request).await?;
        return Ok(Look::Rests);
    }
    let now = scope.now();
    if request.removed_at.is_none() {
        let set = vec![("unreadable_at", json!(now)), ("removed_at", json!(now))];
        change(scope, &request, set).await?;
    }
    let removed_at = request.removed_at.unwrap_or(now);
    if are_erasures_open(scope, removed_at).await? {
        return Ok(Look::Again(LATER));
    }
    if let RequestSubject::Channel { channel } = *request.subject
        && let Ok(target) = channel.to_string().parse()
    {
        report::tell(scope, target, None, now).await?;
    }
    let counts = counted(scope, &request, removed_at, counts).await?;
    let request = stored(scope, &request).await?;
    let set = vec![("verified_at", json!(now)), ("counts", json!(counts))];
    complete(scope, &request, set).await?;
    Ok(Look::Rests)
}

/// Begins the erasure of people: of those who wrote on a channel, or of all.
async fn people(
    eraser: &Eraser,
    scope: &TenantScope,
    request: &PrivacyRequest,
    channel: Option<ChannelId>,
) -> Result<Pass, EraseError> {
    // Where the account goes on, whoever writes from now on is not meant. Where it ends, or the channel does, everybody is.
    let asked = match *request.subject {
        RequestSubject::Content => request.confirmed_at.unwrap_or(*request.created_at),
        _ => Timestamp::from_millis(i64::MAX),
    };
    let mut pass = Pass::default();
    let ranges = match channel {
        Some(_) => vec![keys::conversations(scope.tenant())],
        None => vec![keys::leads(scope.tenant()), keys::conversations(scope.tenant())],
    };
    for range in ranges {
        let mut after = None;
        loop {
            let read = Read {
                limit: PAGE,
                backward: false,
                consistent: false,
                after,
            };
            // Also what is past its period: it is there until it is removed.
            let page = scope.store().query_ended(&range, &read).await?;
            for row in &page.rows {
                if channel.is_none_or(|id| row.peek::<ChannelId>("channel") == Some(id)) {
                    person(eraser, scope, request, row, asked, &mut pass).await?;
                }
                if pass.begun >= u64::try_from(AT_ONCE).unwrap_or(u64::MAX) {
                    return Ok(pass);
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(pass)
}

/// One person, as a lead or as the contact of a conversation.
async fn person(
    eraser: &Eraser,
    scope: &TenantScope,
    request: &PrivacyRequest,
    row: &Row,
    asked: Timestamp,
    pass: &mut Pass,
) -> Result<(), EraseError> {
    let lead = row.kind().filter(|kind| *kind == "lead");
    let lead = lead.and_then(|_| row.peek::<LeadId>("id"));
    let contact = row.peek::<ContactRef>("contact");
    let (subject, at, targets) = match (lead, contact) {
        (Some(lead), _) => (lead.to_string(), lead.at(), Targets::lead(scope, lead).await?),
        (None, Some(contact)) => {
            let targets = Targets::contact(scope, contact).await?;
            (contact.id.to_string(), contact.id.at(), targets)
        }
        (None, None) => return Ok(()),
    };
    if at > asked {
        return Ok(());
    }
    let Some(targets) = targets else {
        pass.leaving += 1;
        return Ok(());
    };
    let id = erasure_id(scope, &subject, at);
    let subject = subject.parse::<Label>().map_err(|_| malformed("subject"))?;
    match begin(
        &eraser.platform,
        scope,
        id,
        subject,
        *request.requested_by,
        targets,
    )
    .await?
    {
        Begun::Held(_) => pass.held += 1,
        Begun::Yes => pass.begun += 1,
    }
    Ok(())
}

/// Whether a channel is cut off, and nothing of it is left to be taken back at its platform. Where it is not, it is
/// marked to be: whoever looks after channels does it at the next look.
async fn cut_off(scope: &TenantScope, id: ChannelId, row: Option<&Row>) -> Result<bool, StoreError> {
    let store = scope.store();
    let revocation = store.get_row(&keys::revocation(scope.tenant(), id), true).await?;
    let Some(row) = row else {
        return Ok(revocation.is_none());
    };
    if row
        .peek::<Timestamp>("purge_at")
        .is_none_or(|at| at > scope.now())
    {
        let set = vec![("purge_at", json!(scope.now()))];
        let key = keys::channel(scope.tenant(), id);
        let _gone = store.update(&key, set, vec![When::Present]).await?;
    }
    Ok(row.peek("state") == Some(ChannelState::Disconnected) && revocation.is_none())
}

/// Whether erasures that were asked for until a time are not verified yet.
async fn are_erasures_open(scope: &TenantScope, until: Timestamp) -> Result<bool, StoreError> {
    let store = scope.store();
    for row in store.query_all(&keys::open_erasures(scope.tenant())).await? {
        let note: OpenErasure = store.open(row, &DataKey::none())?;
        let row = keys::erasure(scope.tenant(), *note.erasure);
        let erasing: Option<Erasing> = store.get(&row, &DataKey::none(), true).await?;
        let open = erasing.filter(|erasing| erasing.state.is_open());
        if open.is_some_and(|erasing| *erasing.requested_at <= until) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the erasures between the asking and the end of it did, from their own rows: two jobs that ran beside each other
/// count nothing twice and lose nothing.
async fn counted(
    scope: &TenantScope,
    request: &PrivacyRequest,
    until: Timestamp,
    mut counts: RequestCounts,
) -> Result<RequestCounts, StoreError> {
    let (tenant, store) = (scope.tenant(), scope.store());
    let meant = |at: Timestamp| at >= *request.created_at && at <= until;
    (counts.people, counts.conversations, counts.rows, counts.files) = (0, 0, 0, 0);
    for row in store.query_all(&keys::erasures(tenant)).await? {
        let erasing: Erasing = store.open(row, &DataKey::none())?;
        if meant(*erasing.requested_at) && *erasing.state == ErasureState::Verified {
            counts.people += u64::from(*erasing.whole_contacts);
            counts.conversations += u64::try_from(erasing.conversations.len()).unwrap_or(u64::MAX);
        }
    }
    for row in store.query_all(&keys::erasure_reports(tenant)).await? {
        if row.peek::<Timestamp>("asked_at").is_some_and(meant) {
            counts.rows += row.peek::<u64>("rows").unwrap_or_default();
            counts.files += row.peek::<u64>("files").unwrap_or_default();
        }
    }
    Ok(counts)
}

/// Deletes the account's API keys: nobody uses it any more.
async fn forget_api_keys(eraser: &Eraser, scope: &TenantScope) -> Result<(), EraseError> {
    let rows = scope.store().query_all(&keys::api_keys(scope.tenant())).await?;
    for row in rows {
        let key: ApiKey = scope.store().open(row, &DataKey::none())?;
        eraser.platform.forget_api_key(&key).await?;
    }
    Ok(())
}

/// Deletes documents, the keys first, and how the account is set up; says how many documents there were. What its name
/// was and who answered for it goes too: an id and times stay, by which this request is found.
async fn forget_settings(scope: &TenantScope) -> Result<u64, EraseError> {
    let (tenant, store) = (scope.tenant(), scope.store());
    let mut documents = 0;
    for row in store.query_all(&keys::documents(tenant)).await? {
        if let Some(id) = row.peek::<DocumentId>("id") {
            scope.delete_document_key(id).await?;
            documents += u64::from(store.delete(&keys::document(tenant, id)).await?);
        }
    }
    store.delete(&keys::assistant(tenant)).await?;
    store.delete(&keys::alert_plan(tenant)).await?;
    scope.forget_name().await?;
    Ok(documents)
}
