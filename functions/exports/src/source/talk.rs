//! All conversations of a tenant: line by line, or as two tables.

use serde::{Deserialize, Serialize};
use serde_json::json;
use usher_aws::TenantScope;
use usher_shared::ids::ExportId;
use usher_shared::model::{ExportCounts, ExportKind};
use usher_shared::records::{Attachment, DataExport, Message, Trace};

use super::inbox::{Depth, Inbox, Piece};
use super::{SourceError, registry};
use crate::format::zip::Zip;
use crate::format::{csv, lines};

/// How far the lines are.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Lines {
    /// What the first line says, until it is written.
    first: Option<ExportId>,
    traces: bool,
    inbox: Inbox,
}

impl Lines {
    pub(super) fn new(export: &DataExport) -> Self {
        Self {
            first: Some(*export.id),
            traces: export.traces.unwrap_or(false),
            inbox: Inbox::default(),
        }
    }

    /// Writes a little more; says whether that was all.
    pub(super) async fn step(
        &mut self,
        scope: &TenantScope,
        counts: &mut ExportCounts,
        out: &mut Vec<u8>,
    ) -> Result<bool, SourceError> {
        if self.first.take().is_some() {
            let first = json!({
                "object": "export_manifest",
                "kind": ExportKind::ConversationsNdjson,
                "omitted": registry::left_out_of_lines(self.traces),
            });
            lines::write(&first, out);
        }
        let depth = if self.traces { Depth::Traces } else { Depth::Said };
        let (pieces, at_end) = self.inbox.next(scope, depth).await?;
        for piece in pieces {
            write_lines(scope, piece, counts, out)?;
        }
        Ok(at_end)
    }
}

fn write_lines(
    scope: &TenantScope,
    piece: Piece,
    counts: &mut ExportCounts,
    out: &mut Vec<u8>,
) -> Result<(), SourceError> {
    let Piece { open, begins, rows } = piece;
    if begins {
        counts.conversations += 1;
        lines::conversation(&open.head, out);
    }
    for row in rows {
        match row.kind() {
            Some("message") => {
                let message: Message = scope.store().open(row, &open.key)?;
                counts.messages += 1;
                lines::message(&message, out);
            }
            Some("attachment") => {
                let attachment: Attachment = scope.store().open(row, &open.key)?;
                counts.attachments += 1;
                lines::attachment(&attachment, None, out);
            }
            Some("trace") => {
                let trace: Trace = scope.store().open(row, &open.key)?;
                counts.traces += 1;
                lines::trace(&trace, out);
            }
            _ => {}
        }
    }
    Ok(())
}

/// How far the tables are.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Tables {
    export: ExportId,
    zip: Zip,
    stage: Stage,
}

#[derive(Debug, Serialize, Deserialize)]
enum Stage {
    Begin,
    Conversations(Inbox),
    Messages(Inbox),
    End,
}

impl Tables {
    pub(super) fn new(export: &DataExport) -> Self {
        Self {
            export: *export.id,
            zip: Zip::large(*export.created_at),
            stage: Stage::Begin,
        }
    }

    /// Writes a little more; says whether the archive is whole.
    pub(super) async fn step(
        &mut self,
        scope: &TenantScope,
        counts: &mut ExportCounts,
        out: &mut Vec<u8>,
    ) -> Result<bool, SourceError> {
        let mut bytes = Vec::new();
        match &mut self.stage {
            Stage::Begin => {
                self.begin("conversations.csv", &csv::CONVERSATIONS, out)?;
                self.stage = Stage::Conversations(Inbox::default());
            }
            Stage::Conversations(inbox) => {
                let (pieces, at_end) = inbox.next(scope, Depth::Head).await?;
                for piece in pieces {
                    counts.conversations += 1;
                    csv::conversation(&piece.open.head, &mut bytes);
                }
                self.zip.write(&bytes, out)?;
                if at_end {
                    self.zip.end(out)?;
                    self.begin("messages.csv", &csv::MESSAGES, out)?;
                    self.stage = Stage::Messages(Inbox::default());
                }
            }
            Stage::Messages(inbox) => {
                let (pieces, at_end) = inbox.next(scope, Depth::Said).await?;
                for piece in pieces {
                    for row in piece.rows {
                        if row.kind() == Some("message") {
                            let message: Message = scope.store().open(row, &piece.open.key)?;
                            counts.messages += 1;
                            csv::message(&message, &mut bytes);
                        }
                    }
                }
                self.zip.write(&bytes, out)?;
                if at_end {
                    self.zip.end(out)?;
                    self.stage = Stage::End;
                }
            }
            Stage::End => {
                let about = json!({
                    "export_id": self.export,
                    "kind": ExportKind::ConversationsCsv,
                    "omitted": registry::left_out_of_tables(),
                });
                self.zip.manifest(about, out)?;
                self.zip.finish(out)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn begin(&mut self, name: &str, header: &[&str], out: &mut Vec<u8>) -> Result<(), SourceError> {
        let mut bytes = Vec::new();
        csv::line(header, &mut bytes);
        self.zip.begin(name, out)?;
        self.zip.write(&bytes, out)?;
        Ok(())
    }
}
