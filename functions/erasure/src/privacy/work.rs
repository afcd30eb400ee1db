//! The work on requests of privacy. Every step can be done again: a job that comes twice, or after a crash, goes on with
//! what is left. Each looks at the row itself, so that a job says no more than where to look.

use std::time::Duration;

use serde_json::{Value, json};
use usher_aws::TenantScope;
use usher_aws::queue::Outgoing;
use usher_aws::scope::ScopeError;
use usher_aws::sealing::DataKey;
use usher_aws::store::{StoreError, When, keys};
use usher_shared::Timestamp;
use usher_shared::ids::{ErasureId, LeadId, PrivacyRequestId};
use usher_shared::model::{ContactRef, ErasureLook, ErasureState, Processing};
use usher_shared::privacy::{RequestCounts, RequestEvent, RequestKind, RequestState, RequestSubject};
use usher_shared::records::{Erasing, Lead, OpenRequest, PrivacyJob, PrivacyRequest};
use usher_shared::untrusted::Label;

use super::bulk;
use crate::begin::{BeginError, Begun, Targets, begin, erasure_id};
use crate::{EraseError, Eraser, message, report};

/// How one look at a request ended.
pub(crate) enum Look {
    /// It is over, or waits for people or for the end of a hold.
    Rests,
    /// It waits for its erasures, which bring it here again.
    Waits,
    /// It has to be looked at again after this long.
    Again(Duration),
    /// It has to be looked at once more when nobody can hold any more what was removed.
    Second,
}

/// Goes on with one request, or with all that wait for an erasure or for the end of a hold.
pub(crate) async fn work(eraser: &Eraser, job: &PrivacyJob) -> Result<(), EraseError> {
    let scope = match eraser.platform.enter(*job.tenant).await {
        Err(ScopeError::UnknownTenant) => return Ok(()),
        scope => scope?,
    };
    if let Some(id) = *job.request {
        return go_on(eraser, &scope, id, *job.look).await;
    }
    let rows = scope
        .store()
        .query_all(&keys::open_requests(scope.tenant()))
        .await?;
    let mut outcome = Ok(());
    for row in rows {
        let open: OpenRequest = scope.store().open(row, &DataKey::none())?;
        // One request's trouble is not the others'; the job comes again for it.
        let gone_on = go_on(eraser, &scope, *open.request, ErasureLook::First).await;
        outcome = outcome.and(gone_on);
    }
    outcome
}

/// An erasure is verified: requests that wait for it go on, if there are any.
pub(crate) async fn after_erasure(eraser: &Eraser, scope: &TenantScope) -> Result<(), EraseError> {
    let open = scope
        .store()
        .query_all(&keys::open_requests(scope.tenant()))
        .await?;
    if open.is_empty() {
        return Ok(());
    }
    send(eraser, scope, None, ErasureLook::First, Duration::ZERO).await
}

/// The rows of an erasure are removed: the request about it says so now, and not only once it is verified. Requests of
/// many people look after their erasures themselves.
pub(crate) async fn note_removal(
    eraser: &Eraser,
    scope: &TenantScope,
    erasing: &Erasing,
) -> Result<(), EraseError> {
    let open = scope
        .store()
        .query_all(&keys::open_requests(scope.tenant()))
        .await?;
    for row in open {
        let open: OpenRequest = scope.store().open(row, &DataKey::none())?;
        let request = scope.privacy_request(*open.request).await?;
        let is_about = |request: &PrivacyRequest| {
            let of_many = matches!(
                *request.subject,
                RequestSubject::Channel { .. } | RequestSubject::Content | RequestSubject::Account
            );
            !of_many && request.subject.to_string() == erasing.subject.as_str()
        };
        if request.as_ref().is_some_and(is_about) {
            go_on(eraser, scope, *open.request, ErasureLook::First).await?;
        }
    }
    Ok(())
}

async fn go_on(
    eraser: &Eraser,
    scope: &TenantScope,
    id: PrivacyRequestId,
    look: ErasureLook,
) -> Result<(), EraseError> {
    let Some(request) = scope.privacy_request(id).await? else {
        return Ok(());
    };
    if !request.state.is_open() {
        return Ok(());
    }
    let look = match *request.kind {
        RequestKind::Deletion => delete(eraser, scope, &request, look).await?,
        RequestKind::Restriction => restrict(scope, &request, Processing::Restricted).await?,
        RequestKind::Objection => restrict(scope, &request, Processing::WithoutAi).await?,
        RequestKind::Access | RequestKind::Portability | RequestKind::Correction => {
            begun(scope, &request).await?;
            Look::Rests
        }
    };
    match look {
        Look::Rests | Look::Waits => Ok(()),
        Look::Again(after) => send(eraser, scope, Some(id), ErasureLook::First, after).await,
        Look::Second => send(eraser, scope, Some(id), ErasureLook::Second, eraser.second_look).await,
    }
}

async fn send(
    eraser: &Eraser,
    scope: &TenantScope,
    request: Option<PrivacyRequestId>,
    look: ErasureLook,
    after: Duration,
) -> Result<(), EraseError> {
    let job = PrivacyJob {
        at: scope.now().into(),
        tenant: scope.tenant().into(),
        request: request.into(),
        look: look.into(),
    };
    let job = Outgoing::standard(&job)?.after(after);
    match eraser.platform.send_jobs(&eraser.queue, &[job]).await.pop() {
        None => Ok(()),
        Some((_, error)) => Err(error.into()),
    }
}

async fn delete(
    eraser: &Eraser,
    scope: &TenantScope,
    request: &PrivacyRequest,
    look: ErasureLook,
) -> Result<Look, EraseError> {
    match *request.subject {
        RequestSubject::Message {
            conversation,
            message,
        } => message::delete(eraser, scope, request, (conversation, message), look).await,
        RequestSubject::Conversation { conversation } => {
            let targets = Targets::conversation(scope, conversation).await?;
            one(eraser, scope, request, conversation.at(), targets).await
        }
        RequestSubject::Lead { lead } => {
            let targets = Targets::lead(scope, lead).await?;
            one(eraser, scope, request, lead.at(), targets).await
        }
        RequestSubject::Contact { contact } => {
            let targets = Targets::contact(scope, contact).await?;
            one(eraser, scope, request, contact.id.at(), targets).await
        }
        RequestSubject::Channel { channel } => bulk::channel(eraser, scope, request, channel).await,
        RequestSubject::Content | RequestSubject::Account => bulk::content(eraser, scope, request).await,
        RequestSubject::Nobody => {
            complete(scope, request, Vec::new()).await?;
            Ok(Look::Rests)
        }
    }
}

/// One erasure does it: begun, or begun before by whoever deleted it, and looked after until it is verified.
async fn one(
    eraser: &Eraser,
    scope: &TenantScope,
    request: &PrivacyRequest,
    at: Timestamp,
    targets: Option<Targets>,
) -> Result<Look, EraseError> {
    let subject = request.subject.to_string();
    let id = erasure_id(scope, &subject, at);
    if let Some(targets) = targets {
        let counts = RequestCounts {
            people: u64::from(targets.whole_contacts),
            conversations: u64::try_from(targets.conversations.len()).unwrap_or(u64::MAX),
            ..*request.counts
        };
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
            Begun::Held(_) => {
                defer(scope, request).await?;
                return Ok(Look::Rests);
            }
            Begun::Yes => {
                begun(scope, request).await?;
                let set = vec![("erasures", json!([id])), ("counts", json!(counts))];
                change(scope, request, set).await?;
            }
        }
    }
    let row = keys::erasure(scope.tenant(), id);
    let erasing: Option<Erasing> = scope.store().get(&row, &DataKey::none(), true).await?;
    let Some(erasing) = erasing.filter(|erasing| *erasing.state != ErasureState::Held) else {
        // Nothing of it is there, and nothing ever was erased.
        complete(scope, request, Vec::new()).await?;
        return Ok(Look::Rests);
    };
    begun(scope, request).await?;
    let request = stored(scope, request).await?;
    let set = steps(scope, &request, id, &erasing).await?;
    if *erasing.state == ErasureState::Verified {
        complete(scope, &request, set).await?;
        return Ok(Look::Rests);
    }
    change(scope, &request, set).await?;
    Ok(Look::Waits)
}

/// What the erasure's report says of how far it has come.
async fn steps(
    scope: &TenantScope,
    request: &PrivacyRequest,
    id: ErasureId,
    erasing: &Erasing,
) -> Result<Vec<(&'static str, Value)>, StoreError> {
    let Some(report) = report::read(scope, id).await? else {
        // From before there were reports: the row's own times are all there is.
        let mut set = vec![
            ("erasures", json!([id])),
            ("unreadable_at", json!(erasing.requested_at.0)),
        ];
        if *erasing.state == ErasureState::Verified {
            set.push(("removed_at", json!(erasing.updated_at.0)));
            set.push(("verified_at", json!(erasing.updated_at.0)));
        }
        return Ok(set);
    };
    let counts = RequestCounts {
        rows: *report.rows,
        files: *report.files,
        ..*request.counts
    };
    Ok(vec![
        ("erasures", json!([id])),
        ("unreadable_at", json!(report.unreadable_at.0)),
        ("removed_at", json!(report.removed_at.0)),
        ("verified_at", json!(report.verified_at.0)),
        ("counts", json!(counts)),
    ])
}

/// The marks that keep a person's data from being used. What is marked more strictly stays so.
async fn restrict(
    scope: &TenantScope,
    request: &PrivacyRequest,
    wanted: Processing,
) -> Result<Look, EraseError> {
    begun(scope, request).await?;
    let contacts = match *request.subject {
        RequestSubject::Lead { lead } => contacts_of(scope, lead).await?,
        RequestSubject::Contact { contact } => vec![contact],
        _ => Vec::new(),
    };
    let mut people = 0;
    for contact in contacts {
        let strict_already = scope.processing(contact.id).await? == Some(Processing::Restricted);
        if strict_already || scope.change_processing(contact.id, wanted, Vec::new()).await? {
            people = 1;
        }
    }
    let counts = RequestCounts {
        people,
        ..*request.counts
    };
    let request = stored(scope, request).await?;
    finish(scope, &request, vec![("counts", json!(counts))]).await?;
    Ok(Look::Rests)
}

async fn contacts_of(scope: &TenantScope, lead: LeadId) -> Result<Vec<ContactRef>, StoreError> {
    let row = keys::lead(scope.tenant(), lead);
    let lead: Option<Lead> = scope.store().get(&row, &DataKey::none(), true).await?;
    Ok(lead.map(|lead| lead.contacts.0).unwrap_or_default())
}

/// It is taken up.
pub(crate) async fn begun(scope: &TenantScope, request: &PrivacyRequest) -> Result<(), StoreError> {
    let before = RequestState::before(RequestEvent::Begun, *request.kind);
    let now = scope.now();
    let mut set = vec![
        ("state", json!(RequestState::InProcessing)),
        ("updated_at", json!(now)),
    ];
    if request.begun_at.is_none() {
        set.push(("begun_at", json!(now)));
    }
    let row = keys::privacy_request(scope.tenant(), *request.id);
    let when = When::OneOf("state", before.iter().map(|state| json!(state)).collect());
    let _taken_up_before = scope.store().update(&row, set, vec![when]).await?;
    Ok(())
}

/// A hold is in the way. When it is released, the stream brings the request here again.
pub(crate) async fn defer(scope: &TenantScope, request: &PrivacyRequest) -> Result<(), StoreError> {
    let before = RequestState::before(RequestEvent::Held, *request.kind);
    let row = keys::privacy_request(scope.tenant(), *request.id);
    let set = vec![
        ("state", json!(RequestState::Deferred)),
        ("updated_at", json!(scope.now())),
    ];
    let when = When::OneOf("state", before.iter().map(|state| json!(state)).collect());
    let _over_meanwhile = scope.store().update(&row, set, vec![when]).await?;
    tracing::info!(tenant.id = %scope.tenant(), privacy_request.id = %*request.id, "deferred by a hold");
    Ok(())
}

/// Changes fields of a request that is open.
pub(crate) async fn change(
    scope: &TenantScope,
    request: &PrivacyRequest,
    set: Vec<(&'static str, Value)>,
) -> Result<(), StoreError> {
    let row = keys::privacy_request(scope.tenant(), *request.id);
    let open = RequestState::ALL.into_iter().filter(|state| state.is_open());
    let when = When::OneOf("state", open.map(|state| json!(state)).collect());
    let _over_meanwhile = scope.store().update(&row, set, vec![when]).await?;
    Ok(())
}

/// A deletion is done: said in the row, and the place of the open request is free again.
pub(crate) async fn complete(
    scope: &TenantScope,
    request: &PrivacyRequest,
    set: Vec<(&'static str, Value)>,
) -> Result<(), EraseError> {
    begun(scope, request).await?;
    finish(scope, request, set).await?;
    tracing::info!(tenant.id = %scope.tenant(), privacy_request.id = %*request.id, "done");
    Ok(())
}

/// It is over. Whoever has to be told is told by whoever reads the stream: the row's change to `complete` is their
/// cue, `privacy_reply` says where, and `told_at` that it was done ([`usher_aws::privacy`]).
async fn finish(
    scope: &TenantScope,
    request: &PrivacyRequest,
    set: Vec<(&'static str, Value)>,
) -> Result<(), EraseError> {
    let now = scope.now();
    let mut set = set;
    set.extend([
        ("state", json!(RequestState::Complete)),
        ("updated_at", json!(now)),
        ("ended_at", json!(now)),
    ]);
    let row = keys::privacy_request(scope.tenant(), *request.id);
    let processing = [When::Is("state", json!(RequestState::InProcessing))];
    let mut parts = vec![scope.store().updating(&row, set, &processing)?];
    parts.extend(scope.leaving_place(request).await?);
    // Ended meanwhile, by a job that came twice.
    let _ended_before = scope.store().together(parts).await?;
    Ok(())
}

/// The request as it is by now.
pub(crate) async fn stored(
    scope: &TenantScope,
    request: &PrivacyRequest,
) -> Result<PrivacyRequest, EraseError> {
    let found = scope.privacy_request(*request.id).await?;
    found.ok_or_else(|| malformed("id"))
}

pub(super) fn malformed(field: &'static str) -> EraseError {
    usher_shared::record::Malformed {
        kind: "privacy_request",
        field,
    }
    .into()
}

impl From<BeginError> for EraseError {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::Keyring(error) => error.into(),
            BeginError::Restart(error) => error.into(),
        }
    }
}
