//! Reading web sites again, on a schedule: what they say changes, and nobody tells.

use std::time::Duration;

use serde_json::json;
use usher_aws::deadline::Deadline;
use usher_aws::scope::ScopeError;
use usher_aws::sealing::{DataKey, KeyringError};
use usher_aws::store::{StoreError, When, keys};
use usher_aws::telemetry::{self, Unit};
use usher_aws::web::Web;
use usher_aws::{Platform, TenantScope};
use usher_shared::ids::DocumentId;
use usher_shared::model::DocumentFormat;
use usher_shared::record::key;
use usher_shared::records::Document;

use crate::request::Draft;
use crate::web;

/// A site is read again when this long has passed since it was looked at. An hour less than a day, so that runs an hour
/// apart do not make it two.
const AGAIN: Duration = Duration::from_hours(23);
/// One site takes no longer.
const SITE: Duration = Duration::from_secs(40);
/// Time kept for the site in hand; with less, the run ends and says so.
const ENOUGH: Duration = Duration::from_mins(1);

/// What a run did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reread {
    /// Tenants visited.
    pub(crate) tenants: u64,
    /// Sites looked at.
    pub(crate) looked_at: u64,
    /// Of those, sites that said something new.
    pub(crate) changed: u64,
    /// Of those, sites that could not be read.
    pub(crate) unread: u64,
    /// Tenants that could not be visited.
    pub(crate) failed: u64,
}

#[derive(Debug, thiserror::Error)]
enum RereadError {
    #[error(transparent)]
    Scope(#[from] ScopeError),
    #[error(transparent)]
    Keyring(#[from] KeyringError),
}

impl From<StoreError> for RereadError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

/// Reads the sites of all tenants that are due.
///
/// # Errors
/// [`StoreError`] if the list of tenants cannot be read.
pub(crate) async fn reread_all(
    platform: &Platform,
    way_out: &Web,
    deadline: Deadline,
) -> Result<Reread, StoreError> {
    let (mut reread, mut after) = (Reread::default(), None);
    'tenants: loop {
        let page = platform.tenants(after).await?;
        for entry in page.tenants {
            if deadline.remaining() < ENOUGH && reread.tenants > 0 {
                tracing::warn!(tenants = reread.tenants, "out of time; sites were not all read");
                break 'tenants;
            }
            reread.tenants += 1;
            let visited = match platform.enter(*entry.id).await {
                Err(ScopeError::UnknownTenant) => continue,
                Ok(scope) => visit(&scope, way_out, deadline, &mut reread).await,
                Err(error) => Err(error.into()),
            };
            if let Err(error) = visited {
                reread.failed += 1;
                tracing::error!(tenant.id = %*entry.id, error = %error, "sites not read");
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let count = |number: u64| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    telemetry::emit(
        "documents",
        &[
            ("sites_read", count(reread.looked_at), Unit::Count),
            ("sites_unread", count(reread.unread), Unit::Count),
            ("tenants_failed", count(reread.failed), Unit::Count),
        ],
    );
    Ok(reread)
}

async fn visit(
    scope: &TenantScope,
    way_out: &Web,
    deadline: Deadline,
    reread: &mut Reread,
) -> Result<(), RereadError> {
    let rows = scope.store().query_all(&keys::documents(scope.tenant())).await?;
    let due = rows
        .iter()
        .filter(|row| row.peek::<DocumentFormat>("format") == Some(DocumentFormat::Web))
        .filter(|row| {
            let read_at = row.peek("read_at");
            read_at.is_none_or(|read_at| scope.now().since(read_at) >= AGAIN)
        });
    let due: Vec<DocumentId> = due.filter_map(|row| row.peek("id")).collect();
    for id in due {
        if deadline.remaining() < ENOUGH && reread.looked_at > 0 {
            break;
        }
        // Forgotten meanwhile, perhaps.
        let Some(key) = scope.document_key(id).await? else {
            continue;
        };
        let row = keys::document(scope.tenant(), id);
        if let Some(document) = scope.store().get(&row, &key, true).await? {
            look(scope, way_out, &document, &key, reread).await?;
        }
    }
    Ok(())
}

/// Reads one site, and writes down what it says now.
async fn look(
    scope: &TenantScope,
    way_out: &Web,
    document: &Document,
    key: &DataKey<key::Document>,
    reread: &mut Reread,
) -> Result<(), RereadError> {
    let Some(address) = document.source_url.get().clone() else {
        return Ok(());
    };
    reread.looked_at += 1;
    let row = keys::document(scope.tenant(), *document.id);
    // Whoever replaced it meanwhile knows better.
    let mut version = *document.version;
    let (read, why) = match web::read(way_out, &address, SITE).await {
        Ok(read) => (Some(read), None),
        Err(why) => (None, Some(why)),
    };
    if let Some(read) = read {
        let draft = Draft {
            title: document.title.get().clone(),
            caption: document.caption.get().clone(),
            kind: *document.kind,
            format: *document.format,
            text: read.text,
            sources: read.sources,
            warnings: read.warnings,
            source_url: Some(address),
        };
        if let Some(mut next) = draft.after(document, scope.now()) {
            // Not read yet, as long as those who answer were not told: the next run would tell them.
            next.read_at = document.read_at;
            let when = When::Is("version", json!(version));
            if !scope.store().put(&row, &next, key, when).await?.happened() {
                return Ok(());
            }
            version = *next.version;
            reread.changed += 1;
        }
        scope
            .store()
            .increment(&keys::tenant(scope.tenant()), "knowledge_version")
            .await?;
    }
    if let Some(why) = why {
        reread.unread += 1;
        tracing::warn!(tenant.id = %scope.tenant(), document.id = %*document.id, document.read_failure = ?why, "site not read");
    }
    let set = vec![("read_at", json!(scope.now())), ("read_failure", json!(why))];
    let when = vec![When::Is("version", json!(version))];
    let _replaced_meanwhile = scope.store().update(&row, set, when).await?;
    Ok(())
}
