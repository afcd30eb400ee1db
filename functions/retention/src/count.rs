//! Counts what happened, by day and channel, from what is stored: every hour, up to an hour ago.
//!
//! What was counted and up to when are one transaction, so nothing is counted twice, however often a run dies or two
//! meet; and nothing is written for it on the way of a message. What was erased before it was counted is not counted.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use usher_aws::deadline::Deadline;
use usher_aws::scope::ScopeError;
use usher_aws::sealing::DataKey;
use usher_aws::store::{Read, Row, StoreError, When, keys};
use usher_aws::telemetry::{self, Unit};
use usher_aws::{Platform, TenantScope};
use usher_shared::Timestamp;
use usher_shared::figures::{Figures, Seen, count};
use usher_shared::ids::{ChannelId, ConversationId, TenantId, TraceId};
use usher_shared::model::ContactRef;
use usher_shared::records::{CountedThrough, DayFigures};

/// What is younger is left for the next run: it may still be on its way into the tables, or be answered.
const LAG: Duration = Duration::from_hours(1);
/// Counted at once.
const SLICE: Duration = Duration::from_hours(24);
/// How far back what was said before is looked at.
const CONTEXT: Duration = Duration::from_hours(24);
/// A head is at most this far behind the newest message of its conversation.
const HEAD_LAG: Duration = Duration::from_mins(2);
/// Of a tenant that was never counted, this much is.
const FIRST_DAYS: u32 = 31;
/// Rows of a list read at once.
const PAGE: usize = 100;
/// Time kept for the tenant in hand; with less, the next run goes on.
const ENOUGH: Duration = Duration::from_secs(20);
/// Days and channels that one transaction may hold, beside the time.
const MOST: usize = 90;

/// What a run did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    /// Tenants visited.
    pub tenants: u64,
    /// Rows of figures written.
    pub rows: u64,
    /// Tenants that could not be counted.
    pub failed: u64,
}

type ByChannel = BTreeMap<(i64, ChannelId), Figures>;

/// Counts all tenants, as far as the time goes. Whoever was not reached is counted by the next run, from where theirs
/// ended.
///
/// # Errors
/// [`StoreError`] if the list of tenants cannot be read.
pub async fn count_all(platform: &Platform, deadline: Deadline) -> Result<Counted, StoreError> {
    let (mut counted, mut after) = (Counted::default(), None);
    'tenants: loop {
        let page = platform.tenants(after).await?;
        for entry in page.tenants {
            if deadline.remaining() < ENOUGH && counted.tenants > 0 {
                tracing::warn!(
                    tenants = counted.tenants,
                    "out of time; the next run counts the rest"
                );
                break 'tenants;
            }
            counted.tenants += 1;
            match count_one(platform, *entry.id, *entry.created_at, deadline).await {
                Ok(rows) => counted.rows += rows,
                Err(error) => {
                    counted.failed += 1;
                    tracing::error!(tenant.id = %*entry.id, error = %error, "not counted");
                }
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let number = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    telemetry::emit(
        "retention",
        &[
            ("figures_rows", number(counted.rows), Unit::Count),
            ("figures_failed", number(counted.failed), Unit::Count),
        ],
    );
    Ok(counted)
}

async fn count_one(
    platform: &Platform,
    tenant: TenantId,
    created_at: Timestamp,
    deadline: Deadline,
) -> Result<u64, ScopeError> {
    let scope = match platform.enter(tenant).await {
        Err(ScopeError::UnknownTenant) => return Ok(0),
        scope => scope?,
    };
    let row = keys::counted_through(tenant);
    let known: Option<CountedThrough> = scope.store().get(&row, &DataKey::none(), true).await?;
    let known = known.map(|known| *known.through);
    let end = scope.now().minus(LAG);
    let mut from = known.unwrap_or_else(|| created_at.max(end.minus_days(FIRST_DAYS)));
    let (mut written, mut stands) = (0, known);
    while from < end && (written == 0 || deadline.remaining() >= ENOUGH) {
        let to = from.plus(SLICE).min(end);
        let counted = slice(&scope, from, to).await?;
        let idle = counted.is_empty();
        // Where nothing happened, the time is written down once a day and not every hour: after midnight, when the day
        // before can be shown.
        let due = stands.is_none_or(|stands| to.day() > stands.day());
        if !idle || due {
            if counted.len() > MOST {
                tracing::error!(tenant.id = %tenant, rows = counted.len(), "too many channels for one transaction");
            }
            if !write(&scope, stands, to, &counted).await? {
                // Another run was faster.
                return Ok(written);
            }
            written += u64::try_from(counted.len()).unwrap_or_default();
            stands = Some(to);
        }
        from = to;
    }
    Ok(written)
}

/// Adds what was counted to the rows, and moves the time, if it still stands where it did.
async fn write(
    scope: &TenantScope,
    stands: Option<Timestamp>,
    to: Timestamp,
    counted: &ByChannel,
) -> Result<bool, StoreError> {
    let (store, none, tenant) = (scope.store(), DataKey::none(), scope.tenant());
    let through = CountedThrough { through: to.into() };
    let when = match stands {
        None => When::Absent,
        Some(stands) => When::Is("through", json!(stands)),
    };
    let mut parts = vec![store.putting(&keys::counted_through(tenant), &through, &none, when)?];
    for ((day, channel), more) in counted {
        let day = Timestamp::from_millis(0).plus_days(u32::try_from(*day).unwrap_or_default());
        let row = keys::day_figures(tenant, day, *channel);
        let found: Option<DayFigures> = store.get(&row, &none, true).await?;
        let when = if found.is_some() {
            When::Present
        } else {
            When::Absent
        };
        let mut figures = found.map(|found| *found.figures).unwrap_or_default();
        figures.add(more);
        let record = DayFigures {
            day: day.into(),
            channel: (*channel).into(),
            figures: figures.into(),
        };
        // Rows change together with the time alone: while it stands, what was read of them stands too.
        parts.push(store.putting(&row, &record, &none, when)?);
    }
    Ok(store.together(parts).await?.happened())
}

/// Counts what happened from `from` on and before `to`.
async fn slice(scope: &TenantScope, from: Timestamp, to: Timestamp) -> Result<ByChannel, StoreError> {
    let mut counted = ByChannel::new();
    let tenant = scope.tenant();
    let active = keys::conversations_between(tenant, Some(from.minus(HEAD_LAG)), None);
    let mut after = None;
    loop {
        let page = scope.store().query(&active, &onwards(after)).await?;
        for head in page.rows {
            let place = head.peek::<ConversationId>("id").zip(head.peek("channel"));
            let began = head.peek::<Timestamp>("created_at");
            if let Some((id, channel)) = place.filter(|_| began.is_none_or(|began| began < to)) {
                conversation(scope, id, channel, (from, to), &mut counted).await?;
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    leads(scope, (from, to), &mut counted).await?;
    Ok(counted)
}

fn onwards(after: Option<String>) -> Read {
    Read {
        limit: PAGE,
        backward: false,
        consistent: false,
        after,
    }
}

async fn conversation(
    scope: &TenantScope,
    id: ConversationId,
    channel: ChannelId,
    (from, to): (Timestamp, Timestamp),
    counted: &mut ByChannel,
) -> Result<(), StoreError> {
    let tenant = scope.tenant();
    let range = keys::messages_between(tenant, id, from.minus(CONTEXT), Some(to));
    let rows = scope.store().query_all(&range).await?;
    let seen: Vec<Seen> = rows.iter().filter_map(seen).collect();
    for (day, figures) in count(&seen, from) {
        counted.entry((day, channel)).or_default().add(&figures);
    }
    let traces = scope
        .store()
        .query_all(&keys::traces_between(tenant, id, from, to))
        .await?;
    for trace in traces {
        if let Some((trace, decision)) = trace.peek::<TraceId>("id").zip(trace.peek("decision")) {
            let mut figures = Figures::default();
            figures.decided(decision);
            if !figures.is_empty() {
                let day = trace.at().day();
                counted.entry((day, channel)).or_default().add(&figures);
            }
        }
    }
    Ok(())
}

/// What counting needs to know of a message. Its words stay sealed.
fn seen(row: &Row) -> Option<Seen> {
    Some(Seen {
        direction: row.peek("direction")?,
        author: row.peek("author")?,
        state: row.peek("state")?,
        at: row.peek::<usher_shared::ids::MessageId>("id")?.at(),
        unattended: row.peek("unattended") == Some(true),
    })
}

async fn leads(
    scope: &TenantScope,
    (from, to): (Timestamp, Timestamp),
    counted: &mut ByChannel,
) -> Result<(), StoreError> {
    let range = keys::leads_since(scope.tenant(), from);
    let mut after = None;
    loop {
        let page = scope.store().query(&range, &onwards(after)).await?;
        for lead in page.rows {
            let captured = lead.peek::<Timestamp>("created_at");
            let Some(captured) = captured.filter(|at| (from..to).contains(at)) else {
                continue;
            };
            let contacts = lead.peek::<Vec<ContactRef>>("contacts").unwrap_or_default();
            let Some(first) = contacts.first() else { continue };
            let row = keys::contact(scope.tenant(), first.address);
            let contact = scope.store().get_row(&row, false).await?;
            if let Some(channel) = contact.and_then(|contact| contact.peek("channel")) {
                counted.entry((captured.day(), channel)).or_default().leads += 1;
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}
