//! An export as the API shows it.

use serde::Serialize;
use usher_aws::TenantScope;
use usher_shared::category::Category;
use usher_shared::ids::{ApiKeyId, ContactId, ExportId, LeadId};
use usher_shared::model::{ExportCounts, ExportKind, ExportState};
use usher_shared::records::DataExport;
use utoipa::ToSchema;

/// An export.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Export)]
pub(crate) struct ExportView {
    /// Always `export`.
    #[schema(example = "export")]
    object: &'static str,
    /// Its id.
    #[schema(value_type = String, example = "exp_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    id: ExportId,
    /// What the file holds.
    #[schema(value_type = ExportKindWord, example = "leads_csv")]
    kind: ExportKind,
    /// The lead that an archive is about.
    #[schema(value_type = Option<String>)]
    lead_id: Option<LeadId>,
    /// The contact that an archive is about who is nobody's lead.
    #[schema(value_type = Option<String>)]
    contact_id: Option<ContactId>,
    /// Whether it holds the AI's audit trail; null where that needs no permission of its own.
    traces: Option<bool>,
    /// Where it is.
    #[schema(value_type = ExportStateWord, example = "complete")]
    state: ExportState,
    /// How much it holds so far.
    #[schema(value_type = ExportCountsView)]
    counts: ExportCounts,
    /// How far it is.
    progress: Progress,
    /// Size of the file in bytes; null before it is complete.
    #[schema(example = 412)]
    size: Option<u64>,
    /// SHA-256 of the file, in hexadecimal digits; null before it is complete.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    sha256: Option<String>,
    /// Where the file can be fetched, without an API key; null before it is complete.
    download_url: Option<String>,
    /// The API key that asked for it.
    #[schema(value_type = String, example = "key_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    requested_by: ApiKeyId,
    /// When it was asked for.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    updated_at: String,
    /// When it was complete.
    #[schema(format = DateTime)]
    completed_at: Option<String>,
    /// When export and file end.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// How far an export is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExportProgress)]
struct Progress {
    /// Bytes written.
    bytes: u64,
    /// Of a hundred; null while it is written, for how far it has to go is not known before the end.
    #[schema(example = 100)]
    percent: Option<u8>,
}

/// What an export holds.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ExportKind)]
#[expect(dead_code, reason = "describes the words of the model")]
pub(crate) enum ExportKindWord {
    /// All leads, as a table.
    LeadsCsv,
    /// All conversations with their messages, one JSON document a line.
    ConversationsNdjson,
    /// All conversations and all messages, as two tables in an archive.
    ConversationsCsv,
    /// Everything about one person, as an archive of files.
    LeadArchive,
    /// Everything of the tenant, as an archive of files.
    AccountArchive,
}

/// Where an export is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ExportState)]
#[expect(dead_code, reason = "describes the words of the model")]
enum ExportStateWord {
    /// Waiting for a worker.
    Pending,
    /// A worker writes it.
    Running,
    /// The file can be fetched.
    Complete,
    /// It was given up.
    Failed,
    /// It was stopped, or its file withdrawn.
    Canceled,
}

/// How much an export holds.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportCounts)]
struct ExportCountsView {
    /// Leads.
    leads: u64,
    /// Conversations.
    conversations: u64,
    /// Messages.
    messages: u64,
    /// Entries of the AI's audit trail.
    traces: u64,
    /// Attachments, whether their files are stored or not.
    attachments: u64,
    /// Files of attachments.
    files: u64,
}

impl ExportView {
    /// The export, with its link once there is a file. `base` is the public address of the API.
    pub(crate) fn new(scope: &TenantScope, export: &DataExport, base: &str) -> Self {
        let complete = *export.state == ExportState::Complete;
        let expires = scope.policy().expiry(Category::Export, *export.created_at);
        Self {
            object: "export",
            id: *export.id,
            kind: *export.kind,
            lead_id: *export.lead,
            contact_id: export.contact.map(|contact| contact.id),
            traces: *export.traces,
            state: *export.state,
            counts: *export.counts,
            progress: Progress {
                bytes: *export.size,
                percent: match *export.state {
                    ExportState::Pending => Some(0),
                    ExportState::Complete => Some(100),
                    ExportState::Running | ExportState::Failed | ExportState::Canceled => None,
                },
            },
            size: complete.then_some(*export.size),
            sha256: export
                .sha256
                .as_ref()
                .filter(|_| complete)
                .map(ToString::to_string),
            download_url: complete.then(|| format!("{base}/d/{}", crate::link::token(scope, *export.id))),
            requested_by: *export.requested_by,
            created_at: export.created_at.to_string(),
            updated_at: export.updated_at.to_string(),
            completed_at: export.completed_at.map(|at| at.to_string()),
            expires_at: expires.map(|at| at.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn the_document_names_exactly_the_words_and_counts_that_the_model_has() {
        let document = serde_json::to_value(crate::openapi()).unwrap();
        let words = |schema: &str| -> Value {
            let schema = document
                .pointer(&format!("/components/schemas/{schema}"))
                .unwrap();
            let words = |at: &str| schema.pointer(at).cloned();
            let one_of = schema.get("oneOf").and_then(Value::as_array);
            words("/enum").unwrap_or_else(|| {
                let each = one_of
                    .unwrap()
                    .iter()
                    .map(|word| word.pointer("/enum/0").unwrap());
                each.cloned().collect()
            })
        };
        assert_eq!(words("ExportKind"), json!(ExportKind::ALL));
        let states = [
            ExportState::Pending,
            ExportState::Running,
            ExportState::Complete,
            ExportState::Failed,
            ExportState::Canceled,
        ];
        assert_eq!(words("ExportState"), json!(states));
        let counts = json!(ExportCounts::default());
        let described = document
            .pointer("/components/schemas/ExportCounts/properties")
            .unwrap();
        let names = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(described), names(&counts));
    }
}
