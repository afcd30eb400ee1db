//! Everything of a tenant that the registry does not leave out: partition by partition, a line for each row, and the
//! files of attachments one after the other. Only the place in the walk is remembered, so that it does not matter how
//! much there is.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use usher_aws::TenantScope;
use usher_aws::sealing::ContactKeys;
use usher_aws::store::keys::{self, Table};
use usher_aws::store::{KeysAtHand, Row};
use usher_shared::Timestamp;
use usher_shared::ids::{ConversationId, DocumentId, ExportId, LeadId};
use usher_shared::model::{ContactRef, ExportCounts, ExportKind};
use usher_shared::records::{Attachment, Conversation, DataExport, Lead, REGISTRY};

use super::inbox::{Depth, Inbox, Piece};
use super::registry::Whose;
use super::rows::{Lines, of_tenant, read_file};
use super::{AT_ONCE, SourceError, forward};
use crate::format::tar;
use crate::format::zip::Zip;

/// Rows of a partition that are read at a time.
const ROWS: usize = 50;
/// Of documents: each may fill an item of the store.
const DOCUMENTS: usize = 4;
/// The file that holds the files.
const FILES: &str = "attachments.tar";

/// Where rows are.
#[derive(Clone, Copy)]
enum Ground {
    /// In one partition: the tenant's own, or a named one.
    Partition(Table, Option<&'static str>),
    /// Behind the list of leads.
    Leads,
    /// Behind the list of conversations.
    Conversations,
}

/// One file of lines.
struct Section {
    file: &'static str,
    ground: Ground,
    /// The kinds of rows that are there. It decides nothing: what is found is written, whatever it is.
    kinds: &'static [&'static str],
}

const fn inbox(file: &'static str, name: Option<&'static str>, kinds: &'static [&'static str]) -> Section {
    let ground = Ground::Partition(Table::Inbox, name);
    Section { file, ground, kinds }
}

const fn ledger(file: &'static str, name: &'static str, kinds: &'static [&'static str]) -> Section {
    let ground = Ground::Partition(Table::Ledger, Some(name));
    Section { file, ground, kinds }
}

/// All files of lines, in the order in which they are written.
const SECTIONS: [Section; 14] = [
    inbox("settings.ndjson", None, &["tenant", "assistant", "alert_plan"]),
    inbox("channels.ndjson", Some("channels"), &["channel"]),
    inbox("documents.ndjson", Some("documents"), &["document"]),
    Section {
        file: "leads.ndjson",
        ground: Ground::Leads,
        kinds: &["lead", "contact", "lead_identifier"],
    },
    // Those of contacts who are nobody's lead stand before their first conversation.
    Section {
        file: "conversations.ndjson",
        ground: Ground::Conversations,
        kinds: &[
            "conversation",
            "message",
            "attachment",
            "trace",
            "alert_state",
            "contact",
        ],
    },
    inbox("recordings.ndjson", Some("recordings"), &["call_recording"]),
    inbox("figures.ndjson", Some("figures"), &["day_figures"]),
    ledger("consents.ndjson", "consents", &["consent"]),
    ledger("suppressions.ndjson", "suppressions", &["suppression"]),
    ledger("holds.ndjson", "holds", &["hold"]),
    ledger("erasures.ndjson", "erasures", &["erasure"]),
    ledger("deletions.ndjson", "deletions", &["deletion"]),
    ledger(
        "privacy-requests.ndjson",
        "privacy-requests",
        &["privacy_request"],
    ),
    ledger("audit.ndjson", "audit", &["audit_event"]),
];

/// Every kind of record that the archive knows where to find.
#[cfg(test)]
pub(super) fn kinds() -> Vec<&'static str> {
    let files = std::iter::once("attachment_file");
    let lines = SECTIONS.iter().flat_map(|section| section.kinds);
    lines.copied().chain(files).collect()
}

/// How far an archive is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Account {
    export: ExportId,
    at: Timestamp,
    zip: Zip,
    /// Files of lines that are whole.
    whole: usize,
    begun: bool,
    inbox: Inbox,
    /// The last row of the partition or list that was written.
    after: Option<String>,
}

impl Account {
    pub(super) fn new(export: &DataExport) -> Self {
        Self {
            export: *export.id,
            at: *export.created_at,
            zip: Zip::large(*export.created_at),
            whole: 0,
            begun: false,
            inbox: Inbox::default(),
            after: None,
        }
    }

    /// Writes a little more; says whether the archive is whole.
    pub(super) async fn step(
        &mut self,
        scope: &TenantScope,
        counts: &mut ExportCounts,
        out: &mut Vec<u8>,
    ) -> Result<bool, SourceError> {
        let section = SECTIONS.get(self.whole);
        if !self.begun {
            self.zip
                .begin(section.map_or(FILES, |section| section.file), out)?;
            self.begun = true;
        }
        let Some(section) = section else {
            return self.files(scope, counts, out).await;
        };
        let mut lines = Lines::default();
        let at_end = match section.ground {
            Ground::Partition(table, name) => self.partition(scope, table, name, &mut lines).await?,
            Ground::Leads => self.leads(scope, &mut lines).await?,
            Ground::Conversations => {
                let (pieces, at_end) = self.inbox.next(scope, Depth::Everything).await?;
                for piece in pieces {
                    conversation(scope, piece, &mut lines).await?;
                }
                at_end
            }
        };
        lines.count(counts);
        self.zip.write(&lines.bytes, out)?;
        if at_end {
            self.zip.end(out)?;
            self.whole += 1;
            self.begun = false;
            self.after = None;
        }
        Ok(false)
    }

    async fn partition(
        &mut self,
        scope: &TenantScope,
        table: Table,
        name: Option<&str>,
        lines: &mut Lines,
    ) -> Result<bool, SourceError> {
        let range = keys::rows_of(scope.tenant(), table, name);
        let limit = if name == Some("documents") {
            DOCUMENTS
        } else {
            ROWS
        };
        let read = forward(limit, self.after.take());
        let page = scope.store().query(&range, &read).await?;
        let found: Vec<(Row, RowKeys)> = stream::iter(page.rows)
            .map(|row| async move {
                let keys = RowKeys::of(scope, &row).await?;
                Ok::<_, SourceError>((row, keys))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        for (row, keys) in found {
            let at_hand = KeysAtHand {
                contact: keys.contact.as_ref().map(ContactKeys::contact),
                document: keys.document.as_ref(),
                ..of_tenant(scope)
            };
            lines.row(scope, row, &at_hand)?;
        }
        self.after = page.next;
        Ok(self.after.is_none())
    }

    /// The next leads, each with its contacts. One without a contact that can be read is forgotten.
    async fn leads(&mut self, scope: &TenantScope, lines: &mut Lines) -> Result<bool, SourceError> {
        let read = forward(AT_ONCE, self.after.take());
        let page = scope.store().query(&keys::leads(scope.tenant()), &read).await?;
        for row in page.rows {
            let contacts: Vec<ContactRef> = row.peek("contacts").unwrap_or_default();
            let mut people = Lines::default();
            let mut readable = false;
            for contact in contacts {
                readable |= people.contact(scope, contact).await?;
            }
            if readable {
                lines.row(scope, row, &of_tenant(scope))?;
                lines.bytes.append(&mut people.bytes);
            }
        }
        self.after = page.next;
        Ok(self.after.is_none())
    }

    /// The next file, or the end of the archive.
    async fn files(
        &mut self,
        scope: &TenantScope,
        counts: &mut ExportCounts,
        out: &mut Vec<u8>,
    ) -> Result<bool, SourceError> {
        let read = forward(1, self.after.take());
        let page = scope.store().query(&keys::files(scope.tenant()), &read).await?;
        let mut bytes = Vec::new();
        for row in page.rows {
            let conversation: Option<ConversationId> = row.peek("conversation");
            if let Some(id) = conversation
                && let Some(open) = scope.open_conversation(id).await?
            {
                let attachment: Attachment = scope.store().open(row, &open.key)?;
                if let Some((name, plain)) = read_file(scope, &attachment, &open.key).await? {
                    tar::file(&name, *attachment.at, &plain, &mut bytes)?;
                    counts.files += 1;
                }
            }
        }
        self.after = page.next;
        let at_end = self.after.is_none();
        if at_end {
            tar::end(&mut bytes);
        }
        self.zip.write(&bytes, out)?;
        if at_end {
            self.end(out)?;
        }
        Ok(at_end)
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), SourceError> {
        self.zip.end(out)?;
        let omitted = serde_json::to_vec_pretty(&Whose::Account.omitted()).unwrap_or_default();
        self.zip.file("omitted.json", &omitted, out)?;
        let about = json!({
            "export_id": self.export,
            "kind": ExportKind::AccountArchive,
            "created_at": self.at.to_string(),
            "records": SECTIONS.iter().map(described).collect::<Vec<_>>(),
        });
        self.zip.manifest(about, out)?;
        self.zip.finish(out)?;
        Ok(())
    }
}

/// Which records a file of lines holds, for the manifest.
fn described(section: &Section) -> Value {
    let is_known = |kind: &&&str| REGISTRY.iter().any(|spec| spec.kind == **kind);
    let records: Vec<_> = section.kinds.iter().filter(is_known).collect();
    json!({"file": section.file, "records": records})
}

/// Keys that a row of a partition names.
#[derive(Default)]
struct RowKeys {
    contact: Option<ContactKeys>,
    document: Option<usher_aws::sealing::DataKey<usher_shared::record::key::Document>>,
}

impl RowKeys {
    async fn of(scope: &TenantScope, row: &Row) -> Result<Self, SourceError> {
        let mut found = Self::default();
        match row.sealed_by() {
            Some("document") => {
                if let Some(id) = row.peek::<DocumentId>("id") {
                    found.document = scope.document_key(id).await?;
                }
            }
            Some("contact") => {
                if let Some(contact) = row.peek::<ContactRef>("contact") {
                    found.contact = scope.contact_keys(contact.id).await?;
                }
            }
            _ => {}
        }
        Ok(found)
    }
}

/// Rows of a conversation; before its first ones the contact, if no lead brings it and no earlier conversation did.
async fn conversation(scope: &TenantScope, piece: Piece, lines: &mut Lines) -> Result<(), SourceError> {
    let Piece { open, begins, rows } = piece;
    if begins
        && is_first(scope, &open.head, &open.contact_keys).await?
        && !has_lead(scope, &open.head).await?
    {
        lines.contact(scope, *open.head.contact).await?;
    }
    for row in rows {
        lines.row_of_conversation(scope, &open, row)?;
    }
    Ok(())
}

/// Whether no conversation of the contact that can be read is older.
async fn is_first(
    scope: &TenantScope,
    head: &Conversation,
    keys_of: &ContactKeys,
) -> Result<bool, SourceError> {
    for other in keys_of.conversations().filter(|id| *id < *head.id) {
        let row = keys::conversation(scope.tenant(), other);
        if scope.store().get_row(&row, true).await?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the list of leads brings the conversation's contact.
async fn has_lead(scope: &TenantScope, head: &Conversation) -> Result<bool, SourceError> {
    let row = keys::contact(scope.tenant(), head.contact.address);
    let contact = scope.store().get_row(&row, true).await?;
    let Some(lead) = contact.and_then(|contact| contact.peek::<LeadId>("lead")) else {
        return Ok(false);
    };
    let row = keys::lead(scope.tenant(), lead);
    let lead: Option<Lead> = scope
        .store()
        .get(&row, &usher_aws::sealing::DataKey::none(), true)
        .await?;
    Ok(lead.is_some_and(|lead| lead.contacts.iter().any(|one| one.id == head.contact.id)))
}
