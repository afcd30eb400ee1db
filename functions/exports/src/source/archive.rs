//! One person's everything: who they are, what was said and what the AI did, as data and as a readable page, every
//! record that is kept of them, the files that they sent, what is not here and why, and a manifest.

use serde::{Deserialize, Serialize};
use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::sealing::DataKey;
use usher_aws::store::keys;
use usher_shared::ids::{ConversationId, ExportId, LeadId};
use usher_shared::model::{ContactRef, ExportCounts, ExportKind};
use usher_shared::record::key;
use usher_shared::records::{Attachment, Conversation, DataExport, Message, Trace};

use super::person::Records;
use super::registry::Whose;
use super::rows::{Lines, file_name, read_file};
use super::{MESSAGES, SourceError, Subject, following, forward, reference, subject};
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
    /// The contact, if it is nobody's lead.
    #[serde(default)]
    contact: Option<ContactRef>,
    zip: Zip,
    stage: Stage,
}

/// What is written next.
#[derive(Debug, Serialize, Deserialize)]
enum Stage {
    Lead,
    Lines(Walk),
    Page(Walk),
    Records(Records),
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
            contact: *export.contact,
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
        let Subject { lead, contacts } = subject(scope, self.lead, self.contact).await?;
        let references: Vec<ContactRef> = contacts.iter().map(reference).collect();
        let mut bytes = Vec::new();
        match &mut self.stage {
            Stage::Lead => {
                counts.leads = u64::from(lead.is_some());
                let (name, value) = match &lead {
                    Some(lead) => ("lead.json", lines::lead(lead, &contacts)),
                    None => (
                        "contact.json",
                        contacts.first().map(lines::contact).unwrap_or_default(),
                    ),
                };
                bytes = serde_json::to_vec_pretty(&value).unwrap_or_default();
                self.zip.file(name, &bytes, out)?;
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
                    html::begin(lead.as_ref(), &contacts, &mut bytes);
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
                    self.zip.begin("records.ndjson", out)?;
                    self.stage = Stage::Records(Records::Lead);
                }
            }
            Stage::Records(records) => {
                // What is counted was counted when it was written in the API's shapes.
                let mut found = Lines::default();
                let at_end = records.step(scope, self.lead, &contacts, &mut found).await?;
                self.zip.write(&found.bytes, out)?;
                if at_end {
                    self.zip.end(out)?;
                    self.stage = Stage::Files(Walk::default());
                }
            }
            Stage::Files(walk) => match walk.next(scope, &references, Pass::Files).await? {
                Some(Piece::File(attachment, key)) => {
                    if let Some((name, plain)) = read_file(scope, &attachment, &key).await? {
                        self.zip.file(&name, &plain, out)?;
                        counts.files += 1;
                    }
                }
                Some(_) => {}
                None => self.stage = Stage::End,
            },
            Stage::End => {
                let omitted = serde_json::to_vec_pretty(&Whose::Person.omitted()).unwrap_or_default();
                self.zip.file("omitted.json", &omitted, out)?;
                let about = json!({
                    "export_id": self.export,
                    "kind": ExportKind::LeadArchive,
                    "lead_id": self.lead,
                    "contact_id": self.contact.map(|contact| contact.id),
                });
                self.zip.manifest(about, out)?;
                self.zip.finish(out)?;
                return Ok(true);
            }
        }
        Ok(false)
    }
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
                counts.attachments += 1;
                let file = file_name(*attachment.id, *attachment.state, *attachment.media_type);
                lines::attachment(attachment, file, out);
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
                match following(scope, *contact, self.finished).await? {
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
            let range = keys::messages(scope.tenant(), current.id, None);
            let page = scope.store().query(&range, &read).await?;
            let messages = page
                .rows
                .into_iter()
                .map(|row| scope.store().open(row, &open.key));
            let messages = messages.collect::<Result<_, _>>()?;
            current.after = page.next;
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
}
