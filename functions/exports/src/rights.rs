//! What a key must be allowed to have to do with an export: whoever may fetch a file learns what the scopes protect.

use usher_aws::TenantScope;
use usher_aws::http::{Caller, Problem};
use usher_shared::model::ExportKind;
use usher_shared::records::DataExport;
use usher_shared::scope::Scope;

/// Each of them opens some kind of export.
const ANY: [Scope; 3] = [
    Scope::LeadsExport,
    Scope::ConversationsExport,
    Scope::AccountExport,
];

/// Scopes that an export of this kind needs.
const fn needed(kind: ExportKind) -> &'static [Scope] {
    match kind {
        ExportKind::LeadsCsv => &[Scope::LeadsExport],
        ExportKind::ConversationsNdjson | ExportKind::ConversationsCsv => &[Scope::ConversationsExport],
        ExportKind::LeadArchive => &[Scope::LeadsExport, Scope::ConversationsExport],
        ExportKind::AccountArchive => &[Scope::AccountExport],
    }
}

/// Scopes that this very export needs.
pub(crate) fn of(export: &DataExport) -> impl Iterator<Item = Scope> {
    let traces = export.traces.unwrap_or(false).then_some(Scope::TracesRead);
    needed(*export.kind).iter().copied().chain(traces)
}

/// The tenant, if the key may export anything at all.
pub(crate) fn any(caller: &Caller) -> Result<&TenantScope, Problem> {
    let mut refused = None;
    for scope in ANY {
        match caller.allow(scope) {
            Ok(scope) => return Ok(scope),
            Err(problem) => refused = refused.or(Some(problem)),
        }
    }
    Err(refused.unwrap_or_else(Problem::internal))
}

/// Whether the key may ask for exports of this kind.
pub(crate) fn may_ask(caller: &Caller, kind: ExportKind) -> Result<(), Problem> {
    all(caller, needed(kind).iter().copied())
}

/// Whether the key may have to do with this export.
pub(crate) fn may_have(caller: &Caller, export: &DataExport) -> Result<(), Problem> {
    all(caller, of(export))
}

/// Whether what the key asks for holds the AI's audit trail, where that takes a permission of its own.
pub(crate) fn with_traces(caller: &Caller, kind: ExportKind) -> Option<bool> {
    (kind == ExportKind::ConversationsNdjson).then(|| caller.allow(Scope::TracesRead).is_ok())
}

fn all(caller: &Caller, scopes: impl IntoIterator<Item = Scope>) -> Result<(), Problem> {
    scopes
        .into_iter()
        .try_for_each(|scope| caller.allow(scope).map(|_| ()))
}
