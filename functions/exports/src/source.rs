//! Where an export's bytes come from: a walk over the tenant's rows in small steps. What a step leaves behind
//! is all that another process needs to go on, and the same rows always give the same bytes.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use usher_aws::TenantScope;
use usher_aws::files::FileError;
use usher_aws::sealing::{DataKey, KeyringError};
use usher_aws::settings::MissingVariable;
use usher_aws::store::{Read, StoreError, keys};
use usher_shared::ids::{ConversationId, LeadId};
use usher_shared::model::{ContactRef, ExportCounts, ExportKind};
use usher_shared::records::{Contact, DataExport, Lead};

use crate::format::csv;

mod account;
mod archive;
mod inbox;
mod person;
mod registry;
mod rows;
mod talk;

/// Rows of a list that are opened at the same time: each costs a read of its keys.
const AT_ONCE: usize = 8;
/// Small rows read at a time. Together with [`AT_ONCE`] it bounds what a step holds in memory.
const MESSAGES: usize = 100;
/// Why a step could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// Keys or rows cannot be had.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// What the export is about is forgotten.
    #[error("the subject of the export is gone")]
    Gone,
    /// A file of an attachment cannot be had.
    #[error(transparent)]
    File(#[from] FileError),
    /// The function was not told where they are.
    #[error(transparent)]
    Settings(#[from] MissingVariable),
    /// The file would be too large.
    #[error(transparent)]
    TooLarge(#[from] crate::format::zip::TooLarge),
    /// A file has no place in an archive of files.
    #[error(transparent)]
    Unfit(#[from] crate::format::tar::Unfit),
}

impl From<StoreError> for SourceError {
    fn from(error: StoreError) -> Self {
        Self::Keyring(error.into())
    }
}

/// How far an export is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) counts: ExportCounts,
    place: Place,
}

#[derive(Debug, Serialize, Deserialize)]
enum Place {
    Leads { header: bool, after: Option<String> },
    Lines(talk::Lines),
    Tables(Box<talk::Tables>),
    Archive(Box<archive::Archive>),
    Account(Box<account::Account>),
    Done,
}

impl Work {
    /// The beginning of an export.
    pub(crate) fn begin(export: &DataExport) -> Self {
        Self {
            counts: ExportCounts::default(),
            place: match *export.kind {
                ExportKind::LeadsCsv => Place::Leads {
                    header: false,
                    after: None,
                },
                ExportKind::ConversationsNdjson => Place::Lines(talk::Lines::new(export)),
                ExportKind::ConversationsCsv => Place::Tables(Box::new(talk::Tables::new(export))),
                ExportKind::LeadArchive => Place::Archive(Box::new(archive::Archive::new(export))),
                ExportKind::AccountArchive => Place::Account(Box::new(account::Account::new(export))),
            },
        }
    }

    /// Whether everything is written.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.place, Place::Done)
    }

    /// Writes a little more. What is written and what is left behind belong together.
    ///
    /// # Errors
    /// [`SourceError`]; then neither `self` nor `out` may be used any more.
    pub(crate) async fn step(&mut self, scope: &TenantScope, out: &mut Vec<u8>) -> Result<(), SourceError> {
        let done = match &mut self.place {
            Place::Leads { header, after } => {
                if !*header {
                    csv::line(&csv::LEADS, out);
                    *header = true;
                }
                leads(scope, after, &mut self.counts, out).await?
            }
            Place::Lines(lines) => lines.step(scope, &mut self.counts, out).await?,
            Place::Tables(tables) => tables.step(scope, &mut self.counts, out).await?,
            Place::Archive(archive) => archive.step(scope, &mut self.counts, out).await?,
            Place::Account(account) => account.step(scope, &mut self.counts, out).await?,
            Place::Done => true,
        };
        if done {
            self.place = Place::Done;
        }
        Ok(())
    }
}

/// The next page of leads, in the order of their last activity: a lead that moves while the export runs
/// appears again at the end and is never missed.
async fn leads(
    scope: &TenantScope,
    after: &mut Option<String>,
    counts: &mut ExportCounts,
    out: &mut Vec<u8>,
) -> Result<bool, SourceError> {
    let page = scope
        .store()
        .query(&keys::leads(scope.tenant()), &forward(MESSAGES, after.take()))
        .await?;
    let opened: Vec<(Lead, Vec<Contact>)> = stream::iter(page.rows)
        .map(|row| async move {
            let lead: Lead = scope.store().open(row, &DataKey::none())?;
            let contacts = contacts(scope, &lead).await?;
            Ok::<_, SourceError>((lead, contacts))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    for (lead, contacts) in opened {
        // Without a contact that can be read, the person is forgotten.
        if !contacts.is_empty() {
            counts.leads += 1;
            csv::lead(&lead, contacts, out);
        }
    }
    *after = page.next;
    Ok(after.is_none())
}

/// The contacts of a lead that can be read.
async fn contacts(scope: &TenantScope, lead: &Lead) -> Result<Vec<Contact>, SourceError> {
    let mut contacts = Vec::new();
    for contact in &*lead.contacts {
        if let Some((contact, _keys)) = scope.open_contact(*contact).await? {
            contacts.push(contact);
        }
    }
    Ok(contacts)
}

fn forward(limit: usize, after: Option<String>) -> Read {
    Read {
        limit,
        backward: false,
        consistent: true,
        after,
    }
}

/// Who an archive is about: a lead with its contacts, or a contact that is nobody's lead.
struct Subject {
    lead: Option<Lead>,
    contacts: Vec<Contact>,
}

/// Finds them; without a contact that can be read the person is gone.
async fn subject(
    scope: &TenantScope,
    lead: Option<LeadId>,
    contact: Option<ContactRef>,
) -> Result<Subject, SourceError> {
    let found = match (lead, contact) {
        (Some(lead), _) => {
            let row = keys::lead(scope.tenant(), lead);
            let lead: Option<Lead> = scope.store().get(&row, &DataKey::none(), true).await?;
            let lead = lead.ok_or(SourceError::Gone)?;
            Subject {
                contacts: contacts(scope, &lead).await?,
                lead: Some(lead),
            }
        }
        (None, Some(contact)) => Subject {
            lead: None,
            contacts: scope
                .open_contact(contact)
                .await?
                .into_iter()
                .map(|(contact, _)| contact)
                .collect(),
        },
        (None, None) => return Err(SourceError::Gone),
    };
    if found.contacts.is_empty() {
        return Err(SourceError::Gone);
    }
    Ok(found)
}

/// The contact's next conversation after the one that was finished.
async fn following(
    scope: &TenantScope,
    contact: ContactRef,
    finished: Option<ConversationId>,
) -> Result<Option<ConversationId>, SourceError> {
    let Some(keys) = scope.contact_keys(contact.id).await? else {
        return Ok(None);
    };
    let unfinished = |id: &ConversationId| finished.is_none_or(|finished| *id > finished);
    Ok(keys.conversations().filter(unfinished).min())
}

fn reference(contact: &Contact) -> ContactRef {
    ContactRef {
        address: *contact.address,
        id: *contact.id,
    }
}
