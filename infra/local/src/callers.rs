//! Who calls: access key ids and the identities behind them. Every function has credentials of its own,
//! and every session that STS hands out is entered here with its role and tags, so that each call to an
//! emulated service can be traced to a function, a role and a tenant.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

use crate::ids::random_hex;

/// Credentials as AWS hands them out.
#[derive(Clone)]
pub struct Credentials {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: String,
    /// Session token.
    pub session_token: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    fn random() -> Self {
        Self {
            access_key_id: format!("ASIA{}", random_hex(8).to_uppercase()),
            secret_access_key: random_hex(20),
            session_token: random_hex(32),
        }
    }
}

/// The identity behind an access key.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    /// Function that acts, or `operator` for the person at the machine and tests.
    pub function: String,
    /// ARN of the role it acts in; empty for the operator.
    pub role: String,
    /// Session tags, for instance `tenant`.
    pub tags: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Entry {
    secret: String,
    caller: Caller,
}

/// All known callers of one stack.
#[derive(Debug, Default)]
pub struct Callers {
    known: RwLock<HashMap<String, Entry>>,
}

impl Callers {
    /// New credentials for `caller`.
    pub fn issue(&self, caller: Caller) -> Credentials {
        let credentials = Credentials::random();
        self.enter(&credentials.access_key_id, &credentials.secret_access_key, caller);
        credentials
    }

    /// Enters credentials that somebody else made (STS).
    pub fn enter(&self, access_key_id: &str, secret: &str, caller: Caller) {
        let entry = Entry {
            secret: secret.to_owned(),
            caller,
        };
        self.known
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(access_key_id.to_owned(), entry);
    }

    /// The caller with this access key id.
    pub fn caller(&self, access_key_id: &str) -> Option<Caller> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(access_key_id).map(|entry| entry.caller.clone())
    }

    /// The secret that belongs to this access key id, for services that verify signatures.
    pub fn secret(&self, access_key_id: &str) -> Option<String> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(access_key_id).map(|entry| entry.secret.clone())
    }
}
