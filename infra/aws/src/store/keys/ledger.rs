//! What is kept as proof: audit entries, erasures, holds, exports.

use std::marker::PhantomData;

use usher_shared::Timestamp;
use usher_shared::ids::{ErasureId, ExportId, HoldId, TenantId};
use usher_shared::records::{
    AuditEvent, Consent, DataExport, Erasing, ExportProgress, ExportSlot, Hold, OpenErasure, Suppression,
};
use usher_shared::untrusted::KeyedHash;

use super::{END, Key, Range, Table, all, by_time};

/// An audit event of a tenant; `target` keeps two events of one millisecond apart.
pub fn audit_event(tenant: TenantId, at: Timestamp, target: &str) -> Key<AuditEvent> {
    Key {
        table: Table::Ledger,
        pk: format!("{tenant}#audit"),
        sk: by_time(at, target),
        listing: None,
        record: PhantomData,
    }
}

/// Audit events of `until` or before, oldest first.
pub fn audit_events_until(tenant: TenantId, until: Timestamp) -> Range {
    Range {
        table: Table::Ledger,
        to: by_time(until, END),
        ..all(format!("{tenant}#audit"))
    }
}

/// An erasure.
pub fn erasure(tenant: TenantId, erasure: ErasureId) -> Key<Erasing> {
    Key {
        table: Table::Ledger,
        pk: format!("{tenant}#erasures"),
        sk: erasure.to_string(),
        listing: None,
        record: PhantomData,
    }
}

/// The tenant whose erasures this partition holds: the reverse of [`erasure`], for streams.
pub fn parse_erasure_partition(pk: &str) -> Option<TenantId> {
    pk.strip_suffix("#erasures")?.parse().ok()
}

/// The note of an unfinished erasure.
pub fn open_erasure(tenant: TenantId, erasure: ErasureId) -> Key<OpenErasure> {
    Key::ledger(format!("{tenant}#open-erasures"), erasure.to_string())
}

/// All unfinished erasures.
pub fn open_erasures(tenant: TenantId) -> Range {
    Range {
        table: Table::Ledger,
        ..all(format!("{tenant}#open-erasures"))
    }
}

/// A hold.
pub fn hold(tenant: TenantId, hold: HoldId) -> Key<Hold> {
    Key::ledger(format!("{tenant}#holds"), hold.to_string())
}

/// All holds, the released ones too, oldest first.
pub fn holds(tenant: TenantId) -> Range {
    Range {
        table: Table::Ledger,
        ..all(format!("{tenant}#holds"))
    }
}

/// An export.
pub fn export(tenant: TenantId, export: ExportId) -> Key<DataExport> {
    Key::ledger(format!("{tenant}#exports"), export.to_string())
}

/// All exports.
pub fn exports(tenant: TenantId) -> Range {
    Range {
        table: Table::Ledger,
        ..all(format!("{tenant}#exports"))
    }
}

/// The export whose row this is, with its tenant: for streams.
pub fn parse_export(pk: &str, sk: &str) -> Option<(TenantId, ExportId)> {
    let tenant = pk.strip_suffix("#exports")?.parse().ok()?;
    Some((tenant, sk.parse().ok()?))
}

/// How far an export's upload is.
pub fn export_progress(tenant: TenantId, export: ExportId) -> Key<ExportProgress> {
    Key::ledger(format!("{tenant}#export-progress"), export.to_string())
}

/// The place of the one export that may run.
pub fn export_slot(tenant: TenantId) -> Key<ExportSlot> {
    Key::ledger(format!("{tenant}#export-slot"), "slot".to_owned())
}

/// An address that gets nothing more.
pub fn suppression(tenant: TenantId, address: KeyedHash) -> Key<Suppression> {
    Key::ledger(format!("{tenant}#suppressions"), address.to_string())
}

/// All addresses that get nothing more.
pub fn suppressions(tenant: TenantId) -> Range {
    Range {
        table: Table::Ledger,
        ..all(format!("{tenant}#suppressions"))
    }
}

/// The proof of one request.
pub fn consent(tenant: TenantId, request: KeyedHash) -> Key<Consent> {
    Key::ledger(format!("{tenant}#consents"), request.to_string())
}

/// All proofs.
pub fn consents(tenant: TenantId) -> Range {
    Range {
        table: Table::Ledger,
        ..all(format!("{tenant}#consents"))
    }
}
