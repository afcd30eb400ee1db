//! `restore status` and `restore replay`: what stands between restored tables and serving.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use usher_aws::forgetting::exports::{remove_files, withdraw};
use usher_aws::forgetting::{forget_keys, left_of, mark_contacts, remove};
use usher_aws::restore::{LedgerPage, LedgerPlace, Merged};
use usher_aws::{Platform, TenantScope};
use usher_shared::Timestamp;
use usher_shared::ids::TenantId;
use usher_shared::records::Erasing;

use crate::OpsError;
use crate::output::{Output, progress, time};

/// Erasures in work at the same time.
const AT_ONCE: usize = 8;

/// Counts of a replay.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    erasures: u64,
    merged: u64,
    keys: u64,
    rows: u64,
    without_key: u64,
    left: u64,
}

/// Says whether the stack serves. Fails if it does not, so that a script can wait for it.
pub(crate) async fn status(platform: &Platform, out: Output) -> Result<(), OpsError> {
    let standing = Box::pin(platform.serving_now()).await?;
    let mark = standing.mark.as_ref();
    let replayed = mark.and_then(|mark| *mark.replayed_through);
    let value = json!({
        "object": "serving",
        "serves": standing.serves,
        "marked_at": mark.map(|mark| time(*mark.marked_at)),
        "replayed_through": replayed.map(time),
    });
    if standing.serves {
        let since = mark.map_or_else(
            || "nothing is provisioned yet".to_owned(),
            |mark| format!("these tables are marked since {}", time(*mark.marked_at)),
        );
        return out.result(&value, &format!("The stack serves: {since}."));
    }
    out.result(&value, "The stack does not serve.")?;
    Err(OpsError::Failed(match mark {
        Some(_) => "the mark names other tables: one of these was restored; run: usher-ops restore replay".to_owned(),
        None => "there is no mark: a table was restored, or the stack is older than marks; run: usher-ops restore replay"
            .to_owned(),
    }))
}

/// Replays the ledger on the tables, and lets them serve if nothing of what it names is left.
pub(crate) async fn replay(
    platform: &Platform,
    out: Output,
    from: Option<String>,
    dry: bool,
) -> Result<(), OpsError> {
    let behind = !Box::pin(platform.serving_now()).await?.serves;
    let off = platform.settings_off().await?;
    let own = platform.ledger_table().to_owned();
    let from = from.unwrap_or_else(|| own.clone());
    let through = platform.clock().now();
    let mut counts = Counts::default();
    if from != own {
        counts.merged = merge(platform, &from, behind, dry).await?;
    }
    // Without a merge to look at, a dry run counts what the newer ledger says.
    let ledger = if dry { &from } else { &own };
    if dry {
        each(platform, ledger, &mut counts, Step::Look).await?;
        return say(out, &counts, &off, true, None);
    }
    // Keys first and all of them: from then on nothing of anybody can be read, whatever happens to the rest.
    each(platform, ledger, &mut counts, Step::Keys).await?;
    progress("keys are gone; removing rows and files …");
    each(platform, ledger, &mut counts, Step::Rows).await?;
    progress("looking whether anything is left …");
    each(platform, ledger, &mut counts, Step::Look).await?;
    if counts.left > 0 {
        return Err(OpsError::Failed(format!(
            "{} keys or rows of what was erased are still there; the tables do not serve. Run it again",
            counts.left
        )));
    }
    if !off.is_empty() {
        return Err(OpsError::Failed(format!(
            "erasures are replayed, but the tables do not serve yet, because a restore leaves these off: {}. Switch \
             them on (docs/RUNBOOK.md) and run it again",
            off.join("; ")
        )));
    }
    let mark = platform.mark_serving(through).await?;
    say(out, &counts, &off, false, Some(*mark.marked_at))
}

fn say(
    out: Output,
    counts: &Counts,
    off: &[String],
    dry: bool,
    marked_at: Option<Timestamp>,
) -> Result<(), OpsError> {
    let value = json!({
        "object": "replay",
        "dry_run": dry,
        "ledger_rows_merged": counts.merged,
        "erasures": counts.erasures,
        "keys_removed": counts.keys,
        "rows_removed": counts.rows,
        "erasures_of_tenants_without_key": counts.without_key,
        "left": counts.left,
        "settings_off": off,
        "marked_at": marked_at.map(time),
    });
    let what = if dry {
        let mut text = format!(
            "Nothing was changed. {} rows would come into the ledger; {} erasures would be replayed, of which {} keys \
             and rows are there now.",
            counts.merged, counts.erasures, counts.left
        );
        for setting in off {
            text.extend(["\nTo be switched on first: ", setting]);
        }
        text
    } else {
        format!(
            "{} rows came into the ledger. {} erasures are replayed: {} keys and {} rows removed, nothing is left.\n\
             The tables serve.",
            counts.merged, counts.erasures, counts.keys, counts.rows
        )
    };
    out.result(&value, &what)
}

async fn merge(platform: &Platform, from: &str, behind: bool, dry: bool) -> Result<u64, OpsError> {
    let (mut written, mut read, mut place): (u64, usize, Option<LedgerPlace>) = (0, 0, None);
    loop {
        let page = page(platform, from, place).await?;
        let merged = platform.merge(&page, behind, dry).await?;
        let of_page = merged.iter().filter(|merged| **merged == Merged::Written).count();
        written += u64::try_from(of_page).unwrap_or(u64::MAX);
        read += page.len();
        progress(&format!("{read} rows of {from} read, {written} are news …"));
        place = page.next;
        if place.is_none() {
            return Ok(written);
        }
    }
}

async fn page(platform: &Platform, table: &str, place: Option<LedgerPlace>) -> Result<LedgerPage, OpsError> {
    let page = platform.ledger_page(table, place).await;
    page.map_err(|error| OpsError::Failed(format!("ledger {table}: {error}")))
}

/// One way through all erasures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Delete their keys.
    Keys,
    /// Remove rows and files, and leave watermarks.
    Rows,
    /// Count what is left.
    Look,
}

/// Takes one step for every erasure of a ledger, page by page.
async fn each(platform: &Platform, ledger: &str, counts: &mut Counts, step: Step) -> Result<(), OpsError> {
    let mut place = None;
    let (mut done, mut withdrawn) = (0_u64, BTreeSet::new());
    counts.without_key = 0;
    loop {
        let page = page(platform, ledger, place).await?;
        let erasures = page.erasures()?;
        let tenants: BTreeSet<TenantId> = erasures.iter().map(|(tenant, _)| *tenant).collect();
        for tenant in tenants {
            let of_tenant = erasures
                .iter()
                .filter(|(whose, _)| *whose == tenant)
                .map(|(_, erasing)| erasing);
            let of_tenant: Vec<&Erasing> = of_tenant.collect();
            let number = u64::try_from(of_tenant.len()).unwrap_or(u64::MAX);
            done += number;
            let Some(scope) = platform.enter_restored(tenant).await? else {
                // Its key is gone, and with it everything that was sealed under it.
                counts.without_key += number;
                continue;
            };
            let sum = one_tenant(&scope, &of_tenant, step).await?;
            match step {
                Step::Keys => counts.keys += sum,
                Step::Rows => counts.rows += sum,
                Step::Look => counts.left += sum,
            }
            if step == Step::Rows && withdrawn.insert(tenant) {
                withdraw(&scope).await?;
                let files = platform
                    .files(&scope)
                    .map_err(|error| OpsError::Arguments(error.to_string()))?;
                let removed = remove_files(&scope, &files).await;
                removed.map_err(|error| OpsError::Failed(error.to_string()))?;
            }
        }
        place = page.next;
        if place.is_none() {
            break;
        }
        progress(&format!("{done} erasures so far …"));
    }
    counts.erasures = done;
    Ok(())
}

async fn one_tenant(scope: &TenantScope, erasures: &[&Erasing], step: Step) -> Result<u64, OpsError> {
    let each = stream::iter(erasures).map(|erasing| async move {
        match step {
            Step::Keys => forget_keys(scope, erasing).await,
            Step::Rows => {
                let removed = remove(scope, erasing).await?;
                mark_contacts(scope, erasing).await?;
                Ok(removed)
            }
            Step::Look => left_of(scope, erasing).await,
        }
    });
    let sum = each
        .buffer_unordered(AT_ONCE)
        .try_fold(0, |sum, one| async move { Ok(sum + one) })
        .await?;
    Ok(sum)
}
