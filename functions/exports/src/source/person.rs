//! Everything that is stored about one person, a line for each row: their contacts with what finds them, recordings of
//! their calls, whether they want no more messages, their conversations, and what they asked for.

use serde::{Deserialize, Serialize};
use usher_aws::TenantScope;
use usher_aws::sealing::DataKey;
use usher_aws::store::{KeysAtHand, keys};
use usher_aws::suppressions::Means;
use usher_shared::ids::{ConversationId, LeadId};
use usher_shared::model::ContactRef;
use usher_shared::records::{Channel, Contact};

use super::rows::{Lines, of_tenant};
use super::{MESSAGES, SourceError, forward};

/// Rows of a conversation that are read at a time: traces hold a prompt each.
const ROWS: usize = 25;

/// The kinds of records that are looked for; the files of attachments are written by the archive.
#[cfg(test)]
pub(super) const KINDS: [&str; 12] = [
    "lead",
    "contact",
    "lead_identifier",
    "call_recording",
    "suppression",
    "conversation",
    "message",
    "attachment",
    "attachment_file",
    "trace",
    "alert_state",
    "consent",
];

/// How far the lines are.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Records {
    Lead,
    Contact(usize),
    Conversations {
        contact: usize,
        /// The conversation that was finished last.
        finished: Option<ConversationId>,
        /// The one that is not, and its last row that was written.
        inside: Option<(ConversationId, String)>,
    },
    Consents {
        after: Option<String>,
    },
    Done,
}

impl Records {
    /// Writes a little more; says whether that was all.
    pub(super) async fn step(
        &mut self,
        scope: &TenantScope,
        lead: Option<LeadId>,
        contacts: &[Contact],
        lines: &mut Lines,
    ) -> Result<bool, SourceError> {
        match self {
            Self::Lead => {
                if let Some(lead) = lead {
                    let row = keys::lead(scope.tenant(), lead);
                    if let Some(row) = scope.store().get_row(&row, true).await? {
                        lines.row(scope, row, &of_tenant(scope))?;
                    }
                }
                *self = Self::Contact(0);
            }
            Self::Contact(number) => match contacts.get(*number) {
                Some(contact) => {
                    about(scope, contact, lines).await?;
                    *number += 1;
                }
                None => {
                    *self = Self::Conversations {
                        contact: 0,
                        finished: None,
                        inside: None,
                    };
                }
            },
            Self::Conversations {
                contact,
                finished,
                inside,
            } => match contacts.get(*contact) {
                Some(found) => {
                    if !conversation(scope, super::reference(found), finished, inside, lines).await? {
                        *contact += 1;
                        *finished = None;
                    }
                }
                None => *self = Self::Consents { after: None },
            },
            Self::Consents { after } => {
                consents(scope, contacts, after, lines).await?;
                if after.is_none() {
                    *self = Self::Done;
                }
            }
            Self::Done => return Ok(true),
        }
        Ok(false)
    }
}

/// What is there of a contact beside what was said.
async fn about(scope: &TenantScope, contact: &Contact, lines: &mut Lines) -> Result<(), SourceError> {
    lines.contact(scope, super::reference(contact)).await?;
    let range = keys::call_recordings_of(scope.tenant(), *contact.id, None);
    for row in scope.store().query_all(&range).await? {
        lines.row(scope, row, &of_tenant(scope))?;
    }
    for (means, address) in addresses(scope, contact).await? {
        let hash = scope.suppression_hash(means, &address);
        let row = keys::suppression(scope.tenant(), hash);
        if let Some(row) = scope.store().get_row(&row, true).await? {
            lines.row(scope, row, &of_tenant(scope))?;
        }
    }
    Ok(())
}

/// The addresses at which the person may have asked for no more messages: the one they wrote from, and those they gave.
async fn addresses(scope: &TenantScope, contact: &Contact) -> Result<Vec<(Means, String)>, SourceError> {
    let profile = contact.profile.get();
    let mut found = Vec::new();
    if let Some(reach) = contact.reach.get() {
        let row = keys::channel(scope.tenant(), reach.channel.unwrap_or(*contact.channel));
        let channel: Option<Channel> = scope.store().get(&row, scope.key(), true).await?;
        if let Some(means) = channel.and_then(|channel| Means::of(*channel.kind)) {
            found.push((means, reach.address.clone()));
        }
    }
    let given = [(Means::Sms, &profile.phone), (Means::Email, &profile.email)];
    for (means, address) in given {
        found.extend(address.clone().map(|address| (means, address)));
    }
    found.sort_by(|one, other| (one.0.name(), &one.1).cmp(&(other.0.name(), &other.1)));
    found.dedup();
    Ok(found)
}

/// The next rows of the contact's conversations, in the order of their ids; `false` if there are no more.
async fn conversation(
    scope: &TenantScope,
    contact: ContactRef,
    finished: &mut Option<ConversationId>,
    inside: &mut Option<(ConversationId, String)>,
    lines: &mut Lines,
) -> Result<bool, SourceError> {
    let (id, after) = match inside.take() {
        Some((id, after)) => (id, Some(after)),
        None => match super::following(scope, contact, *finished).await? {
            Some(id) => (id, None),
            None => return Ok(false),
        },
    };
    if let Some(open) = scope.open_conversation(id).await?
        && open.head.contact.id == contact.id
    {
        let range = keys::conversation_rows(scope.tenant(), id);
        let page = scope.store().query(&range, &forward(ROWS, after)).await?;
        for row in page.rows {
            lines.row_of_conversation(scope, &open, row)?;
        }
        *inside = page.next.map(|after| (id, after));
    }
    if inside.is_none() {
        *finished = Some(id);
    }
    Ok(true)
}

/// The next of the tenant's proofs, as far as they are the person's. They are few, and listed under nobody's name.
async fn consents(
    scope: &TenantScope,
    contacts: &[Contact],
    after: &mut Option<String>,
    lines: &mut Lines,
) -> Result<(), SourceError> {
    let read = forward(MESSAGES, after.take());
    let page = scope
        .store()
        .query(&keys::consents(scope.tenant()), &read)
        .await?;
    for row in page.rows {
        let whose = row.peek::<ContactRef>("contact");
        let theirs = contacts
            .iter()
            .find(|contact| whose.is_some_and(|whose| whose.id == *contact.id));
        if let Some(contact) = theirs
            && let Some(contact_keys) = scope.contact_keys(*contact.id).await?
        {
            let key: &DataKey<_> = contact_keys.contact();
            let at_hand = KeysAtHand {
                contact: Some(key),
                ..of_tenant(scope)
            };
            lines.row(scope, row, &at_hand)?;
        }
    }
    *after = page.next;
    Ok(())
}
