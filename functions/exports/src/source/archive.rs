//! One lead's everything: who they are, what was said and what the AI did, as data and as a readable page,
//! and a manifest.

use serde::{Deserialize, Serialize};
use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::attachments::open_file;
use usher_aws::sealing::DataKey;
use usher_aws::store::{StoreError, keys};
use usher_shared::channel::AttachmentState;
use usher_shared::ids::{ConversationId, ExportId, LeadId};
use usher_shared::model::{ContactRef, ExportCounts};
use usher_shared::record::key;
use usher_shared::records::{Attachment, Conversation, DataExport, Message, Trace};

use super::{MESSAGES, SourceError, forward, messages, reference, subject};
use crate::format::zip::Zip;
use crate::format::{html, lines};

/// Attachments read at a time, as far as it is about what is known of them. Their files are read one by one.
const ATTACHMENTS: usize = 50;
/// Traces read at a time: each holds a prompt and a response.
const TRACES: usize = 20;

/// How far an archive is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Archive {
    export: ExportId,
    lead: Option<LeadId>,
    zip: Zip,
    stage: Stage,
}

/// What is written next.
#[derive(Debug, Serialize, Deserialize)]
enum Stage {
    Lead,
    Lines(Walk),
    Page(Walk),
    Files(Walk),
    End,
}

/// A place among the conversations of the lead's contacts.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Walk {
    contact: usize,
    /// The conversation that was finished last.
    finished: Option<ConversationId>,
    current: Option<Current>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Current {
    id: ConversationId,
    traces: bool,
    #[serde(default)]
    attachments: bool,
    /// The last row written, by its sort key.
    after: Option<String>,
}

enum Piece {
    Head(Box<Conversation>),
    Messages(Vec<Message>),
    Traces(Vec<Trace>),
    Attachments(Vec<Attachment>),
    File(Box<Attachment>, DataKey<key::Conversation>),
}

/// What a walk is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Everything that is known.
    Lines,
    /// What was said.
    Page,
    /// The files that came with it.
    Files,
}

impl Archive {
    pub(super) fn new(export: &DataExport) -> Self {
        Self {
            export: *export.id,
            lead: *export.lead,
            zip: Zip::new(*export.created_at),
            stage: Stage::Lead,
        }
    }

    /// Writes a little more; says whether the archive is whole.
    pub(super) async fn step(
        &mut self,
        scope: &TenantScope,
        counts: &mut ExportCounts,
        out: &mut Vec<u8>,
    ) -> Result<bool, SourceError> {
        let (lead, contacts) = subject(scope, self.lead.ok_or(SourceError::Gone)?).await?;
        let references: Vec<ContactRef> = contacts.iter().map(reference).collect();
        let mut bytes = Vec::new();
        match &mut self.stage {
            Stage::Lead => {
                counts.leads = 1;
                bytes = serde_json::to_vec_pretty(&lines::lead(&lead, &contacts)).unwrap_or_default();
                self.zip.begin("lead.json", out)?;
                self.zip.write(&bytes, out)?;
                self.zip.end(out)?;
                self.zip.begin("conversations.ndjson", out)?;
                self.stage = Stage::Lines(Walk::default());
            }
            Stage::Lines(walk) => {
                if let Some(piece) = walk.next(scope, &references, Pass::Lines).await? {
                    write_lines(&piece, counts, &mut bytes);
                    self.zip.write(&bytes, out)?;
                } else {
                    self.zip.end(out)?;
                    self.zip.begin("index.html", out)?;
                    html::begin(&lead, &contacts, &mut bytes);
                    self.zip.write(&bytes, out)?;
                    self.stage = Stage::Page(Walk::default());
                }
            }
            Stage::Page(walk) => {
                if let Some(piece) = walk.next(scope, &references, Pass::Page).await? {
                    write_page(&piece, &mut bytes);
                    self.zip.write(&bytes, out)?;
                } else {
                    html::end(&mut bytes);
                    self.zip.write(&bytes, out)?;
                    self.zip.end(out)?;
                    self.stage = Stage::Files(Walk::default());
                }
            }
            Stage::Files(walk) => match walk.next(scope, &references, Pass::Files).await? {
                Some(Piece::File(attachment, key)) => {
                    if let Some((name, plain)) = read_file(scope, &attachment, &key).await? {
                        self.zip.begin(&name, out)?;
                        self.zip.write(&plain, out)?;
                        self.zip.end(out)?;
                    }
                }
                Some(_) => {}
                None => self.stage = Stage::End,
            },
            Stage::End => {
                let manifest = self.manifest();
                self.zip.begin("manifest.json", out)?;
                self.zip.write(&manifest, out)?;
                self.zip.end(out)?;
                self.zip.finish(out)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn manifest(&self) -> Vec<u8> {
        let files: Vec<_> = self
            .zip
            .entries()
            .iter()
            .map(|entry| json!({"name": entry.name, "size": entry.size, "sha256": entry.sha256}))
            .collect();
        let manifest = json!({
            "object": "export_manifest",
            "export_id": self.export,
            "lead_id": self.lead,
            "files": files,
        });
        serde_json::to_vec_pretty(&manifest).unwrap_or_default()
    }
}

/// The name of an attachment's file in the archive; none if there is no file.
fn file_name(attachment: &Attachment) -> Option<String> {
    let stored = *attachment.state == AttachmentState::Stored;
    let media_type = attachment.media_type.filter(|_| stored)?;
    Some(format!(
        "attachments/{}.{}",
        *attachment.id,
        media_type.extension()
    ))
}

/// The file of an attachment; nothing if it is gone.
async fn read_file(
    scope: &TenantScope,
    attachment: &Attachment,
    key: &DataKey<key::Conversation>,
) -> Result<Option<(String, Vec<u8>)>, SourceError> {
    let Some(name) = file_name(attachment) else {
        return Ok(None);
    };
    let file = scope.attachment_file(attachment);
    let Some(sealed) = scope.attachment_files()?.get(&file).await? else {
        return Ok(None);
    };
    let plain = open_file(key, &file, &sealed).map_err(StoreError::from)?;
    Ok(Some((name, plain)))
}

fn write_lines(piece: &Piece, counts: &mut ExportCounts, out: &mut Vec<u8>) {
    match piece {
        Piece::Head(head) => {
            counts.conversations += 1;
            lines::conversation(head, out);
        }
        Piece::Messages(messages) => {
            for message in messages {
                counts.messages += 1;
                lines::message(message, out);
            }
        }
        Piece::Traces(traces) => {
            for trace in traces {
                counts.traces += 1;
                lines::trace(trace, out);
            }
        }
        Piece::Attachments(attachments) => {
            for attachment in attachments {
                lines::attachment(attachment, file_name(attachment), out);
            }
        }
        Piece::File(..) => {}
    }
}

fn write_page(piece: &Piece, out: &mut Vec<u8>) {
    match piece {
        Piece::Head(head) => html::conversation(head, out),
        Piece::Messages(messages) => messages.iter().for_each(|message| html::message(message, out)),
        Piece::Traces(_) | Piece::Attachments(_) | Piece::File(..) => {}
    }
}

impl Walk {
    /// The next piece; `None` at the end. What is forgotten or past its period is passed by.
    async fn next(
        &mut self,
        scope: &TenantScope,
        contacts: &[ContactRef],
        pass: Pass,
    ) -> Result<Option<Piece>, SourceError> {
        loop {
            let Some(contact) = contacts.get(self.contact) else {
                return Ok(None);
            };
            let Some(current) = &mut self.current else {
                match self.following(scope, *contact).await? {
                    None => {
                        self.contact += 1;
                        self.finished = None;
                    }
                    Some(id) => match scope.open_conversation(id).await? {
                        Some(open) if open.head.contact.id == contact.id => {
                            self.current = Some(Current {
                                id,
                                traces: false,
                                attachments: pass == Pass::Files,
                                after: None,
                            });
                            return Ok(Some(Piece::Head(Box::new(open.head))));
                        }
                        _ => self.finished = Some(id),
                    },
                }
                continue;
            };
            let Some(open) = scope.open_conversation(current.id).await? else {
                self.finish();
                continue;
            };
            if current.attachments {
                let limit = if pass == Pass::Files { 1 } else { ATTACHMENTS };
                let range = keys::attachments(scope.tenant(), current.id);
                let read = forward(limit, current.after.take());
                let page = scope.store().query(&range, &read).await?;
                let rows = page.rows.into_iter();
                let attachments = rows.map(|row| scope.store().open(row, &open.key));
                let mut attachments: Vec<Attachment> = attachments.collect::<Result<_, _>>()?;
                current.after = page.next;
                if current.after.is_none() {
                    self.finish();
                }
                if pass != Pass::Files {
                    return Ok(Some(Piece::Attachments(attachments)));
                }
                match attachments.pop() {
                    Some(attachment) => return Ok(Some(Piece::File(Box::new(attachment), open.key))),
                    None => continue,
                }
            }
            if current.traces {
                let range = keys::traces(scope.tenant(), current.id);
                let page = scope
                    .store()
                    .query(&range, &forward(TRACES, current.after.take()))
                    .await?;
                let traces = page
                    .rows
                    .into_iter()
                    .map(|row| scope.store().open(row, &open.key));
                let traces: Vec<Trace> = traces.collect::<Result<_, _>>()?;
                current.after = page.next;
                current.attachments = current.after.is_none();
                return Ok(Some(Piece::Traces(traces)));
            }
            let read = forward(MESSAGES, current.after.take());
            let (messages, next) = messages(scope, current.id, &open.key, &read).await?;
            current.after = next;
            if current.after.is_none() {
                current.traces = true;
                if pass == Pass::Page {
                    self.finish();
                }
            }
            return Ok(Some(Piece::Messages(messages)));
        }
    }

    fn finish(&mut self) {
        self.finished = self.current.take().map(|current| current.id);
    }

    /// The contact's next conversation after the one that was finished.
    async fn following(
        &self,
        scope: &TenantScope,
        contact: ContactRef,
    ) -> Result<Option<ConversationId>, SourceError> {
        let Some(keys) = scope.contact_keys(contact.id).await? else {
            return Ok(None);
        };
        Ok(keys
            .conversations()
            .filter(|id| self.finished.is_none_or(|finished| *id > finished))
            .min())
    }
}
