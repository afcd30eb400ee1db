//! The tenants' documents as a warm instance holds them: one index per tenant, thrown away as soon as the
//! tenant's documents change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use usher_aws::TenantScope;
use usher_aws::sealing::KeyringError;
use usher_aws::store::{Read, keys};
use usher_shared::document;
use usher_shared::ids::{DocumentId, TenantId};
use usher_shared::knowledge::Index;
use usher_shared::records::Document;

/// Indexes kept at once. A tenant's documents are at most a few megabytes.
const TENANTS: usize = 16;
const PAGE: usize = 50;

/// Indexes by tenant. An index is found under its tenant's id and version alone: there is no way to ask for
/// another's.
#[derive(Default)]
pub(crate) struct Library {
    shelves: Mutex<HashMap<TenantId, Shelf>>,
}

struct Shelf {
    version: u64,
    index: Arc<Index>,
}

impl Library {
    /// The index of the scope's tenant, as of the version that the scope read.
    pub(crate) async fn index(&self, scope: &TenantScope) -> Result<Arc<Index>, KeyringError> {
        let (tenant, version) = (scope.tenant(), scope.knowledge_version());
        if let Some(index) = self.find(tenant, version) {
            return Ok(index);
        }
        let index = Arc::new(load(scope).await?);
        self.keep(
            tenant,
            Shelf {
                version,
                index: Arc::clone(&index),
            },
        );
        Ok(index)
    }

    fn find(&self, tenant: TenantId, version: u64) -> Option<Arc<Index>> {
        let shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        shelves
            .get(&tenant)
            .filter(|shelf| shelf.version == version)
            .map(|shelf| Arc::clone(&shelf.index))
    }

    fn keep(&self, tenant: TenantId, fresh: Shelf) {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        if shelves.len() >= TENANTS && !shelves.contains_key(&tenant) {
            // Any one makes room: a warm instance seldom serves this many.
            if let Some(&other) = shelves.keys().next() {
                shelves.remove(&other);
            }
        }
        shelves.insert(tenant, fresh);
    }
}

async fn load(scope: &TenantScope) -> Result<Index, KeyringError> {
    let data_keys = scope.document_keys().await?;
    let mut passages = Vec::new();
    let mut after = None;
    loop {
        let read = Read {
            limit: PAGE,
            backward: false,
            consistent: true,
            after,
        };
        let page = scope
            .store()
            .query(&keys::documents(scope.tenant()), &read)
            .await?;
        for row in page.rows {
            // A document without a key is forgotten, whatever else of it is still there.
            let key = row.peek::<DocumentId>("id").and_then(|id| data_keys.get(&id));
            if let Some(key) = key {
                let document: Document = scope.store().open(row, key)?;
                passages.extend(document::passages(&document));
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(Index::build(passages));
        }
    }
}
