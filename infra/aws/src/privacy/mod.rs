//! Requests of privacy: how they are opened, confirmed and ended, by whichever way they came.
//!
//! A request is a row in the Ledger; whatever is done about it begins from that row's own stream record, once the row
//! says `pending`. Beside it stands one row for each open request, under what it is about: so there is one for the
//! same at a time, and another is a duplicate. Only what is known to be asked by those who may takes that place: an
//! unconfirmed request neither blocks a confirmed one nor learns of it.
//!
//! Whoever asked gets a code, which is stored nowhere: it follows from the request's id under the tenant's key, and the
//! directory finds the request by a hash of it.

mod code;
mod ending;

use serde_json::json;
use usher_shared::Timestamp;
use usher_shared::ids::{ApiKeyId, PrivacyRequestId, TenantId};
use usher_shared::privacy::{
    ReplyTo, RequestCounts, RequestEvent, RequestKind, RequestSource, RequestState, RequestSubject, due_at,
};
use usher_shared::records::{OpenRequest, PrivacyCode, PrivacyReply, PrivacyRequest};

pub use self::code::{CODE_LENGTH, normal_code};
pub use self::ending::Ending;
use crate::platform::Platform;
use crate::scope::TenantScope;
use crate::sealing::{DataKey, HashPurpose, KeyringError};
use crate::settings::MissingVariable;
use crate::store::{StoreError, When, keys};

/// Those who open and end requests for the same at the same time try again this often.
const ATTEMPTS: usize = 5;

/// Why a request could not be opened or moved. Doing it again does what is left.
#[derive(Debug, thiserror::Error)]
pub enum PrivacyError {
    /// Rows or keys cannot be had.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The function was not told where it is reached.
    #[error(transparent)]
    Settings(#[from] MissingVariable),
}

impl From<StoreError> for PrivacyError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

/// What tells one request from another.
#[derive(Clone, Debug)]
pub enum Named {
    /// Each call opens a request of its own.
    Fresh,
    /// This id, which the caller drew.
    Id(PrivacyRequestId),
    /// Whoever repeats the same words of the same time means the same request: the same answer and code.
    Asked {
        /// When it was asked, as the words have it.
        at: Timestamp,
        /// What names it at its source: a carrier's id of an event, a person's id at a platform. Kept as a keyed hash.
        words: String,
    },
}

/// A request to be opened.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// What is asked for.
    pub kind: RequestKind,
    /// What it is about; what the kind cannot be done to is for the caller to refuse ([`RequestSubject::takes`]).
    pub subject: RequestSubject,
    /// By which way it came.
    pub source: RequestSource,
    /// Whether it is known that whoever asks may: then it begins at once, otherwise after [`Platform::confirm_request`].
    pub verified: bool,
    /// What tells it from others.
    pub named: Named,
    /// The API key that asks, if one does.
    pub requested_by: Option<ApiKeyId>,
    /// What the tenant notes about it. Sealed.
    pub notes: Option<String>,
    /// Where whoever asks is told what became of it. Sealed, and deleted once they were told.
    pub reply_to: Option<ReplyTo>,
}

/// A request that was opened, now or before.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The request.
    pub request: PrivacyRequest,
    /// The confirmation code: letters and digits, for whoever asked and nobody else.
    pub code: String,
    /// The page on which whoever has the code sees what became of it.
    pub status_url: String,
}

impl Platform {
    /// Opens a request, or gives back the one that these words opened before. Work on it starts by itself if it is
    /// verified.
    ///
    /// # Errors
    /// [`PrivacyError`].
    pub async fn open_request(&self, scope: &TenantScope, new: NewRequest) -> Result<Opened, PrivacyError> {
        let now = scope.now();
        let id = match &new.named {
            Named::Fresh => PrivacyRequestId::generate(now, scope.entropy()),
            Named::Id(id) => *id,
            Named::Asked { at, words } => {
                let parts = [b"privacy-request", new.source.name().as_bytes(), words.as_bytes()];
                let hash = scope.key().hash(HashPurpose::Derived, &parts);
                PrivacyRequestId::derived(*at, hash.tail())
            }
        };
        let code = scope.privacy_code(id);
        let status_url = self.status_url(&code)?;
        let opened = |request| Opened {
            request,
            code: code.clone(),
            status_url: status_url.clone(),
        };
        if let Some(request) = scope.privacy_request(id).await? {
            return Ok(opened(request));
        }
        // What leads to the request comes before it: a request that nobody can find would be worse than a code that
        // leads nowhere, which is what a crash in between leaves until the request is repeated.
        self.put_privacy_code(scope.tenant(), id, &code, now).await?;
        if let Some(to) = &new.reply_to {
            let reply = PrivacyReply {
                request: id.into(),
                created_at: now.into(),
                to: to.clone().into(),
            };
            let row = keys::privacy_reply(scope.tenant(), id);
            let _before = scope.store().put(&row, &reply, scope.key(), When::Absent).await?;
        }
        let request = request_of(id, &new, now);
        let store = scope.store();
        let row = keys::privacy_request(scope.tenant(), id);
        for _ in 0..ATTEMPTS {
            let (wanted, place) = match place_of(scope, &request).await? {
                Place::None => (request.clone(), None),
                Place::Free => (request.clone(), Some(note(&request, now))),
                Place::Taken(first) => (duplicate(&request, first, now), None),
            };
            let mut parts = vec![store.putting(&row, &wanted, scope.key(), When::Absent)?];
            if let Some(place) = &place {
                let key = keys::open_request(scope.tenant(), *request.kind, &request.subject);
                parts.push(store.putting(&key, place, &DataKey::none(), When::Absent)?);
            }
            if store.together(parts).await?.happened() {
                tracing::info!(
                    tenant.id = %scope.tenant(), privacy_request.id = %id, kind = request.kind.name(),
                    source = request.source.name(), state = wanted.state.name(), "privacy request opened"
                );
                return Ok(opened(wanted));
            }
            if let Some(before) = scope.privacy_request(id).await? {
                return Ok(opened(before));
            }
        }
        Err(contended())
    }

    /// Whoever asked has shown that they may: the request begins, or is found to be a duplicate. Again, it changes
    /// nothing. `None` if there is no such request.
    ///
    /// # Errors
    /// [`PrivacyError`].
    pub async fn confirm_request(
        &self,
        scope: &TenantScope,
        id: PrivacyRequestId,
    ) -> Result<Option<PrivacyRequest>, PrivacyError> {
        let store = scope.store();
        let row = keys::privacy_request(scope.tenant(), id);
        for _ in 0..ATTEMPTS {
            let Some(mut request) = scope.privacy_request(id).await? else {
                return Ok(None);
            };
            let Some(state) = request.state.after(RequestEvent::Confirmed, *request.kind) else {
                return Ok(Some(request));
            };
            let now = scope.now();
            request.state = state.into();
            request.confirmed_at = Some(now).into();
            request.updated_at = now.into();
            let request = begun_with(request, now);
            let (wanted, place) = match place_of(scope, &request).await? {
                Place::None => (request.clone(), None),
                Place::Free => (request.clone(), Some(note(&request, now))),
                Place::Taken(first) => (duplicate(&request, first, now), None),
            };
            let set = vec![
                ("state", json!(wanted.state.0)),
                ("confirmed_at", json!(now)),
                ("updated_at", json!(now)),
                ("begun_at", json!(wanted.begun_at.0)),
                ("ended_at", json!(wanted.ended_at.0)),
                ("duplicate_of", json!(wanted.duplicate_of.0)),
            ];
            let unconfirmed = [When::Is("state", json!(RequestState::IdentityUnverified))];
            let mut parts = vec![store.updating(&row, set, &unconfirmed)?];
            if let Some(place) = &place {
                let key = keys::open_request(scope.tenant(), *request.kind, &request.subject);
                parts.push(store.putting(&key, place, &DataKey::none(), When::Absent)?);
            }
            if store.together(parts).await?.happened() {
                tracing::info!(
                    tenant.id = %scope.tenant(), privacy_request.id = %id, state = wanted.state.name(),
                    "privacy request confirmed"
                );
                return Ok(Some(wanted));
            }
        }
        Err(contended())
    }

    /// The request that a confirmation code leads to, as it came from whoever has it; `None` if it leads nowhere.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub async fn find_privacy_code(&self, code: &str) -> Result<Option<PrivacyCode>, KeyringError> {
        // What cannot be a code is looked for all the same: that costs as much, and tells as little.
        let code = normal_code(code).unwrap_or_default();
        let row = keys::privacy_code(self.privacy_code_hash(&code).await?);
        Ok(self.platform_store().get(&row, &DataKey::none(), true).await?)
    }

    /// The page on which whoever has the code sees what became of a request.
    ///
    /// # Errors
    /// [`MissingVariable`].
    pub fn status_url(&self, code: &str) -> Result<String, MissingVariable> {
        Ok(format!(
            "{}/privacy/status/{code}",
            self.settings().public_base_url()?
        ))
    }

    async fn put_privacy_code(
        &self,
        tenant: TenantId,
        request: PrivacyRequestId,
        code: &str,
        now: Timestamp,
    ) -> Result<(), KeyringError> {
        let code = self.privacy_code_hash(code).await?;
        let record = PrivacyCode {
            code: code.into(),
            tenant: tenant.into(),
            request: request.into(),
            created_at: now.into(),
        };
        let row = keys::privacy_code(code);
        let store = self.platform_store();
        let _repeated = store.put(&row, &record, &DataKey::none(), When::Absent).await?;
        Ok(())
    }
}

impl TenantScope {
    /// A request of the tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn privacy_request(&self, id: PrivacyRequestId) -> Result<Option<PrivacyRequest>, StoreError> {
        let row = keys::privacy_request(self.tenant(), id);
        self.store().get(&row, self.key(), true).await
    }
}

/// The place of the one open request for the same.
enum Place {
    /// It needs none: it is not confirmed, or over, or about nobody.
    None,
    /// Nobody has it.
    Free,
    /// This request has it.
    Taken(PrivacyRequestId),
}

async fn place_of(scope: &TenantScope, request: &PrivacyRequest) -> Result<Place, StoreError> {
    if !request.state.is_open() {
        return Ok(Place::None);
    }
    let row = keys::open_request(scope.tenant(), *request.kind, &request.subject);
    let found = scope.store().get(&row, &DataKey::none(), true).await?;
    Ok(found.map_or(Place::Free, |found| Place::Taken(*found.request)))
}

fn note(request: &PrivacyRequest, now: Timestamp) -> OpenRequest {
    OpenRequest {
        request: request.id,
        opened_at: request.created_at,
        started_at: now.into(),
        due_at: request.due_at,
    }
}

fn request_of(id: PrivacyRequestId, new: &NewRequest, now: Timestamp) -> PrivacyRequest {
    let state = if new.verified {
        RequestState::Pending
    } else {
        RequestState::IdentityUnverified
    };
    let request = PrivacyRequest {
        id: id.into(),
        kind: new.kind.into(),
        subject: new.subject.into(),
        source: new.source.into(),
        state: state.into(),
        created_at: now.into(),
        updated_at: now.into(),
        due_at: due_at(now).into(),
        confirmed_at: new.verified.then_some(now).into(),
        begun_at: None.into(),
        unreadable_at: None.into(),
        removed_at: None.into(),
        verified_at: None.into(),
        ended_at: None.into(),
        told_at: None.into(),
        duplicate_of: None.into(),
        requested_by: new.requested_by.into(),
        ended_by: None.into(),
        erasures: Vec::new().into(),
        counts: RequestCounts::default().into(),
        notes: new.notes.clone().into(),
        reason: None.into(),
    };
    begun_with(request, now)
}

/// What is about nobody who is known is done with its confirmation: there is nothing to do.
fn begun_with(mut request: PrivacyRequest, now: Timestamp) -> PrivacyRequest {
    if *request.subject == RequestSubject::Nobody && *request.state == RequestState::Pending {
        request.state = RequestState::Complete.into();
        request.begun_at = Some(now).into();
        request.ended_at = Some(now).into();
    }
    request
}

fn duplicate(request: &PrivacyRequest, first: PrivacyRequestId, now: Timestamp) -> PrivacyRequest {
    PrivacyRequest {
        state: RequestState::Duplicate.into(),
        duplicate_of: Some(first).into(),
        ended_at: Some(now).into(),
        ..request.clone()
    }
}

fn contended() -> PrivacyError {
    StoreError::Database {
        operation: "TransactWriteItems",
        code: "RequestContended".to_owned(),
    }
    .into()
}
