//! What an erasure did, and when: written beside its row as it goes on.

use serde_json::{Value, json};
use usher_aws::TenantScope;
use usher_aws::sealing::DataKey;
use usher_aws::store::{StoreError, When, keys};
use usher_shared::ids::ErasureId;
use usher_shared::model::ErasureState;
use usher_shared::records::{Deletion, Erasing, ErasureReport};
use usher_shared::untrusted::{KeyedHash, Label};

/// Begins the report, with the hashes by which the person can be found: once rows are removed, nobody knows them.
pub(crate) async fn begin(scope: &TenantScope, erasing: &Erasing) -> Result<(), StoreError> {
    if *erasing.state > ErasureState::Requested {
        return Ok(());
    }
    let mut identifiers = Vec::new();
    if *erasing.whole_contacts {
        for contact in erasing.contacts.iter() {
            let range = keys::identifiers_of(scope.tenant(), contact.id);
            let rows = scope.store().query_all(&range).await?;
            identifiers.extend(rows.iter().filter_map(|row| row.peek::<KeyedHash>("identifier")));
        }
    }
    let report = ErasureReport {
        erasure: erasing.id,
        asked_at: erasing.requested_at,
        unreadable_at: None.into(),
        removed_at: None.into(),
        verified_at: None.into(),
        announced_at: None.into(),
        rows: 0.into(),
        files: 0.into(),
        left: 0.into(),
        identifiers: Some(identifiers).into(),
    };
    let row = keys::erasure_report(scope.tenant(), *erasing.id);
    let _begun_before = scope
        .store()
        .put(&row, &report, &DataKey::none(), When::Absent)
        .await?;
    Ok(())
}

/// The report; erasures from before there were any have none.
pub(crate) async fn read(scope: &TenantScope, id: ErasureId) -> Result<Option<ErasureReport>, StoreError> {
    let row = keys::erasure_report(scope.tenant(), id);
    scope.store().get(&row, &DataKey::none(), true).await
}

/// The keys are gone: says so in the report, once, and in the feed of deletions.
pub(crate) async fn unreadable(scope: &TenantScope, erasing: &Erasing) -> Result<(), StoreError> {
    let set = vec![("unreadable_at", json!(scope.now()))];
    once(scope, *erasing.id, "unreadable_at", set).await?;
    announce(scope, erasing).await
}

/// Rows and files are removed: adds what there was to what an earlier attempt removed.
pub(crate) async fn removed(
    scope: &TenantScope,
    id: ErasureId,
    rows: u64,
    files: u64,
) -> Result<(), StoreError> {
    let Some(report) = read(scope, id).await? else {
        return Ok(());
    };
    let row = keys::erasure_report(scope.tenant(), id);
    let mut set = vec![
        ("rows", json!(report.rows.saturating_add(rows))),
        ("files", json!(report.files.saturating_add(files))),
    ];
    if report.removed_at.is_none() {
        set.push(("removed_at", json!(scope.now())));
    }
    let _there = scope.store().update(&row, set, vec![When::Present]).await?;
    Ok(())
}

/// An independent look found this much. Nothing: it is verified, and what it was looked for by is forgotten.
pub(crate) async fn probed(scope: &TenantScope, id: ErasureId, left: u64) -> Result<(), StoreError> {
    let row = keys::erasure_report(scope.tenant(), id);
    let set = if left == 0 {
        vec![
            ("left", json!(0)),
            ("identifiers", Value::Null),
            ("verified_at", json!(scope.now())),
        ]
    } else {
        vec![("left", json!(left))]
    };
    let _there = scope
        .store()
        .update(&row, set, vec![When::Present, When::Missing("verified_at")])
        .await?;
    Ok(())
}

async fn once(
    scope: &TenantScope,
    id: ErasureId,
    field: &'static str,
    set: Vec<(&'static str, Value)>,
) -> Result<(), StoreError> {
    let row = keys::erasure_report(scope.tenant(), id);
    let when = vec![When::Present, When::Missing(field)];
    let _before = scope.store().update(&row, set, when).await?;
    Ok(())
}

/// Puts what was erased into the feed, where whoever reads it by cursor sees it: never behind what was read already.
/// The time is written down first and the entry within moments of it; an entry that never came is given a new time.
async fn announce(scope: &TenantScope, erasing: &Erasing) -> Result<(), StoreError> {
    let Some(report) = read(scope, *erasing.id).await? else {
        return Ok(());
    };
    let targets = targets(erasing);
    if let Some(at) = *report.announced_at {
        let mut there = true;
        for target in &targets {
            let row = keys::deletion(scope.tenant(), at, target.as_str());
            there &= scope.store().get_row(&row, true).await?.is_some();
        }
        if there {
            return Ok(());
        }
    }
    let now = scope.now();
    let row = keys::erasure_report(scope.tenant(), *erasing.id);
    let set = vec![("announced_at", json!(now))];
    let _there = scope.store().update(&row, set, vec![When::Present]).await?;
    for target in targets {
        tell(scope, target, Some(*erasing.id), now).await?;
    }
    Ok(())
}

/// Writes one entry of the feed.
pub(crate) async fn tell(
    scope: &TenantScope,
    target: Label,
    erasure: Option<ErasureId>,
    at: usher_shared::Timestamp,
) -> Result<(), StoreError> {
    let row = keys::deletion(scope.tenant(), at, target.as_str());
    let entry = Deletion {
        at: at.into(),
        target: target.into(),
        erasure: erasure.into(),
    };
    let _repeated = scope
        .store()
        .put(&row, &entry, &DataKey::none(), When::Absent)
        .await?;
    Ok(())
}

/// What an erasure makes disappear from the API: conversations, and the lead.
fn targets(erasing: &Erasing) -> Vec<Label> {
    let lead = erasing.lead.iter().map(ToString::to_string);
    let conversations = erasing.conversations.iter().map(ToString::to_string);
    lead.chain(conversations)
        .filter_map(|id| id.parse().ok())
        .collect()
}
