//! Rows as lines of an archive: whatever the registry says of their kind.

use serde_json::{Map, Value, json};
use usher_aws::TenantScope;
use usher_aws::attachments::open_file;
use usher_aws::conversation::OpenConversation;
use usher_aws::sealing::DataKey;
use usher_aws::store::{KeysAtHand, Row, StoreError, keys};
use usher_shared::channel::AttachmentState;
use usher_shared::ids::{AttachmentId, ContactId};
use usher_shared::model::{ContactRef, ExportCounts};
use usher_shared::record::key;
use usher_shared::records::Attachment;
use usher_shared::sniff::MediaType;

use super::SourceError;
use crate::format::lines;

/// Lines in the order in which they are found, and how many of what they are.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) bytes: Vec<u8>,
    counts: ExportCounts,
}

impl Lines {
    /// Writes a row, if it is shown under these keys.
    pub(super) fn row(
        &mut self,
        scope: &TenantScope,
        row: Row,
        keys: &KeysAtHand<'_>,
    ) -> Result<(), SourceError> {
        let file = (row.kind() == Some("attachment"))
            .then(|| name_of_file(&row))
            .flatten();
        if let Some(mut fields) = scope.store().reveal(row, keys)? {
            if let Some(file) = file {
                fields.insert("file".to_owned(), file.into());
            }
            self.write(&fields);
        }
        Ok(())
    }

    /// Writes a row of a conversation. The head's title ends before the head does.
    pub(super) fn row_of_conversation(
        &mut self,
        scope: &TenantScope,
        open: &OpenConversation,
        row: Row,
    ) -> Result<(), SourceError> {
        let at_hand = of_conversation(scope, open);
        if row.kind() != Some("conversation") {
            return self.row(scope, row, &at_hand);
        }
        if let Some(mut fields) = scope.store().reveal(row, &at_hand)? {
            fields.insert("title".to_owned(), json!(open.head.title.get()));
            self.write(&fields);
        }
        Ok(())
    }

    /// Writes the row of a contact and what finds it.
    pub(super) async fn contact(
        &mut self,
        scope: &TenantScope,
        contact: ContactRef,
    ) -> Result<bool, SourceError> {
        let Some(contact_keys) = scope.contact_keys(contact.id).await? else {
            return Ok(false);
        };
        let row = keys::contact(scope.tenant(), contact.address);
        let found = scope.store().get_row(&row, true).await?;
        // The address may belong to a fresh contact by now, after the old one was forgotten.
        let Some(found) = found.filter(|row| row.peek::<ContactId>("id") == Some(contact.id)) else {
            return Ok(false);
        };
        let at_hand = KeysAtHand {
            contact: Some(contact_keys.contact()),
            ..of_tenant(scope)
        };
        self.row(scope, found, &at_hand)?;
        let range = keys::identifiers_of(scope.tenant(), contact.id);
        for row in scope.store().query_all(&range).await? {
            self.row(scope, row, &at_hand)?;
        }
        Ok(true)
    }

    fn write(&mut self, fields: &Map<String, Value>) {
        match fields.get("record").and_then(Value::as_str) {
            Some("lead") => self.counts.leads += 1,
            Some("conversation") => self.counts.conversations += 1,
            Some("message") => self.counts.messages += 1,
            Some("trace") => self.counts.traces += 1,
            Some("attachment") => self.counts.attachments += 1,
            _ => {}
        }
        lines::write(fields, &mut self.bytes);
    }

    /// What was counted, onto what was counted before.
    pub(super) fn count(&self, counts: &mut ExportCounts) {
        counts.leads += self.counts.leads;
        counts.conversations += self.counts.conversations;
        counts.messages += self.counts.messages;
        counts.traces += self.counts.traces;
        counts.attachments += self.counts.attachments;
    }
}

/// The tenant's key alone.
pub(super) fn of_tenant(scope: &TenantScope) -> KeysAtHand<'_> {
    KeysAtHand {
        tenant: Some(scope.key()),
        ..KeysAtHand::default()
    }
}

/// All keys that rows of a conversation may be sealed under.
fn of_conversation<'a>(scope: &'a TenantScope, open: &'a OpenConversation) -> KeysAtHand<'a> {
    KeysAtHand {
        contact: Some(open.contact_keys.contact()),
        conversation: Some(&open.key),
        ..of_tenant(scope)
    }
}

/// The name of an attachment's file in an archive; none if there is no file.
pub(super) fn file_name(
    id: AttachmentId,
    state: AttachmentState,
    media_type: Option<MediaType>,
) -> Option<String> {
    let media_type = media_type.filter(|_| state == AttachmentState::Stored)?;
    Some(format!("attachments/{id}.{}", media_type.extension()))
}

fn name_of_file(row: &Row) -> Option<String> {
    file_name(row.peek("id")?, row.peek("state")?, row.peek("media_type"))
}

/// The file of an attachment with its name; nothing if it is gone.
pub(super) async fn read_file(
    scope: &TenantScope,
    attachment: &Attachment,
    key: &DataKey<key::Conversation>,
) -> Result<Option<(String, Vec<u8>)>, SourceError> {
    let Some(name) = file_name(*attachment.id, *attachment.state, *attachment.media_type) else {
        return Ok(None);
    };
    let file = scope.attachment_file(attachment);
    let Some(sealed) = scope.attachment_files()?.get(&file).await? else {
        return Ok(None);
    };
    let plain = open_file(key, &file, &sealed).map_err(StoreError::from)?;
    Ok(Some((name, plain)))
}
