//! Where an export's bytes come from: a walk over the tenant's rows in small steps. What a step leaves behind
//! is all that another process needs to go on, and the same rows always give the same bytes.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use usher_aws::TenantScope;
use usher_aws::files::FileError;
use usher_aws::sealing::{DataKey, KeyringError};
use usher_aws::settings::MissingVariable;
use usher_aws::store::{Read, Row, StoreError, keys};
use usher_shared::ids::ConversationId;
use usher_shared::model::{ContactRef, ExportCounts, ExportKind};
use usher_shared::records::{Contact, Conversation, DataExport, Lead, Message};

use crate::format::{csv, lines};

mod archive;

/// Rows of a list that are opened at the same time: each costs a read of its keys.
const AT_ONCE: usize = 8;
/// Messages read at a time. Together with [`AT_ONCE`] it bounds what a step holds in memory.
const MESSAGES: usize = 100;
/// Messages read together with a conversation: most have no more. What is read of those after a longer one is
/// read again.
const FIRST_MESSAGES: usize = 25;

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
    Leads {
        header: bool,
        after: Option<String>,
    },
    Conversations {
        after: Option<String>,
        inside: Option<Inside>,
    },
    Archive(Box<archive::Archive>),
    Done,
}

/// A conversation of which some messages are written.
#[derive(Debug, Serialize, Deserialize)]
struct Inside {
    /// Its place in the list.
    order: String,
    id: ConversationId,
    /// The last message written, by its sort key.
    after: String,
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
                ExportKind::ConversationsNdjson => Place::Conversations {
                    after: None,
                    inside: None,
                },
                ExportKind::LeadArchive => Place::Archive(Box::new(archive::Archive::new(export))),
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
            Place::Conversations { after, inside } => {
                conversations(scope, after, inside, &mut self.counts, out).await?
            }
            Place::Archive(archive) => archive.step(scope, &mut self.counts, out).await?,
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

/// The next messages of the conversation that is being written, or the next few conversations.
async fn conversations(
    scope: &TenantScope,
    after: &mut Option<String>,
    inside: &mut Option<Inside>,
    counts: &mut ExportCounts,
    out: &mut Vec<u8>,
) -> Result<bool, SourceError> {
    if let Some(current) = inside.take() {
        let read = forward(MESSAGES, Some(current.after));
        let page = match scope.open_conversation(current.id).await? {
            None => None,
            Some(open) => Some(messages(scope, current.id, &open.key, &read).await?),
        };
        let next = page.and_then(|(messages, next)| {
            write_messages(&messages, counts, out);
            next
        });
        match next {
            Some(next) => {
                *inside = Some(Inside {
                    after: next,
                    ..current
                });
            }
            None => *after = Some(current.order),
        }
        return Ok(false);
    }
    let list = keys::conversations(scope.tenant());
    let page = scope
        .store()
        .query(&list, &forward(AT_ONCE, after.clone()))
        .await?;
    let at_end = page.next.is_none();
    let opened: Vec<(String, Option<Opened>)> = stream::iter(page.rows)
        .map(|row| async move {
            let order = row.order(true).unwrap_or_default().to_owned();
            Ok::<_, SourceError>((order, open(scope, row).await?))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    for (order, found) in opened {
        if let Some(found) = found {
            counts.conversations += 1;
            lines::conversation(&found.head, out);
            write_messages(&found.messages, counts, out);
            if let Some(next) = found.next {
                // The rest of the page is read again when this one is at its end.
                *inside = Some(Inside {
                    order,
                    id: *found.head.id,
                    after: next,
                });
                return Ok(false);
            }
        }
        *after = Some(order);
    }
    Ok(at_end)
}

/// A conversation with its first messages.
struct Opened {
    head: Conversation,
    messages: Vec<Message>,
    next: Option<String>,
}

async fn open(scope: &TenantScope, row: Row) -> Result<Option<Opened>, SourceError> {
    let Some(open) = scope.open_head(row).await? else {
        return Ok(None);
    };
    let (messages, next) = messages(scope, *open.head.id, &open.key, &forward(FIRST_MESSAGES, None)).await?;
    Ok(Some(Opened {
        head: open.head,
        messages,
        next,
    }))
}

async fn messages(
    scope: &TenantScope,
    conversation: ConversationId,
    key: &DataKey<usher_shared::record::key::Conversation>,
    read: &Read,
) -> Result<(Vec<Message>, Option<String>), SourceError> {
    let range = keys::messages(scope.tenant(), conversation, None);
    let page = scope.store().query(&range, read).await?;
    let messages = page.rows.into_iter().map(|row| scope.store().open(row, key));
    Ok((messages.collect::<Result<_, _>>()?, page.next))
}

fn write_messages(messages: &[Message], counts: &mut ExportCounts, out: &mut Vec<u8>) {
    for message in messages {
        counts.messages += 1;
        lines::message(message, out);
    }
}

fn forward(limit: usize, after: Option<String>) -> Read {
    Read {
        limit,
        backward: false,
        consistent: true,
        after,
    }
}

/// The readable contacts and the row of a lead; it is gone without any.
async fn subject(
    scope: &TenantScope,
    export: usher_shared::ids::LeadId,
) -> Result<(Lead, Vec<Contact>), SourceError> {
    let row = keys::lead(scope.tenant(), export);
    let lead: Lead = scope
        .store()
        .get(&row, &DataKey::none(), true)
        .await?
        .ok_or(SourceError::Gone)?;
    let contacts = contacts(scope, &lead).await?;
    if contacts.is_empty() {
        return Err(SourceError::Gone);
    }
    Ok((lead, contacts))
}

fn reference(contact: &Contact) -> ContactRef {
    ContactRef {
        address: *contact.address,
        id: *contact.id,
    }
}
