//! What is kept as proof: audit entries, erasures, holds, exports.

use std::marker::PhantomData;

use usher_shared::Timestamp;
use usher_shared::ids::{ErasureId, ExportId, HoldId, PrivacyRequestId, TenantId};
use usher_shared::privacy::{RequestKind, RequestSubject};
use usher_shared::records::{
    AuditEvent, Consent, DataExport, Deletion, Erasing, ErasureReport, ExportProgress, ExportSlot, Hold,
    OpenErasure, OpenRequest, PrivacyReply, PrivacyRequest, Suppression,
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

/// All erasures.
pub fn erasures(tenant: TenantId) -> Range {
    Range {
        table: Table::Ledger,
        ..all(format!("{tenant}#erasures"))
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

/// A request of privacy.
pub fn privacy_request(tenant: TenantId, request: PrivacyRequestId) -> Key<PrivacyRequest> {
    Key::ledger(format!("{tenant}#privacy-requests"), request.to_string())
}

/// All requests of privacy, oldest first.
pub fn privacy_requests(tenant: TenantId) -> Range {
    Range {
        table: Table::Ledger,
        ..all(format!("{tenant}#privacy-requests"))
    }
}

/// The request of privacy whose row this is, with its tenant: for streams.
pub fn parse_privacy_request(pk: &str, sk: &str) -> Option<(TenantId, PrivacyRequestId)> {
    let tenant = pk.strip_suffix("#privacy-requests")?.parse().ok()?;
    Some((tenant, sk.parse().ok()?))
}

/// The place of the one open request of a kind for a subject.
pub fn open_request(tenant: TenantId, kind: RequestKind, subject: &RequestSubject) -> Key<OpenRequest> {
    let sk = format!("{}#{subject}", kind.name());
    Key::ledger(format!("{tenant}#open-requests"), sk)
}

/// The same place, by its sort key: for whoever walks over all of them.
pub fn open_request_at(tenant: TenantId, sk: String) -> Key<OpenRequest> {
    Key::ledger(format!("{tenant}#open-requests"), sk)
}

/// All open requests of privacy.
pub fn open_requests(tenant: TenantId) -> Range {
    Range {
        table: Table::Ledger,
        ..all(format!("{tenant}#open-requests"))
    }
}

/// Where whoever asked is told what became of it.
pub fn privacy_reply(tenant: TenantId, request: PrivacyRequestId) -> Key<PrivacyReply> {
    Key::ledger(format!("{tenant}#privacy-replies"), request.to_string())
}

/// What an erasure did.
pub fn erasure_report(tenant: TenantId, erasure: ErasureId) -> Key<ErasureReport> {
    Key::ledger(format!("{tenant}#erasure-reports"), erasure.to_string())
}

/// What all erasures did.
pub fn erasure_reports(tenant: TenantId) -> Range {
    Range {
        table: Table::Ledger,
        ..all(format!("{tenant}#erasure-reports"))
    }
}

/// An entry of the feed of deletions.
pub fn deletion(tenant: TenantId, at: Timestamp, target: &str) -> Key<Deletion> {
    Key::ledger(format!("{tenant}#deletions"), by_time(at, target))
}

/// The feed of deletions up to a time, oldest first.
pub fn deletions_until(tenant: TenantId, until: Timestamp) -> Range {
    Range {
        table: Table::Ledger,
        to: by_time(until, END),
        ..all(format!("{tenant}#deletions"))
    }
}

/// A hold.
pub fn hold(tenant: TenantId, hold: HoldId) -> Key<Hold> {
    Key::ledger(format!("{tenant}#holds"), hold.to_string())
}

/// The tenant whose holds this partition holds: for streams.
pub fn parse_hold_partition(pk: &str) -> Option<TenantId> {
    pk.strip_suffix("#holds")?.parse().ok()
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
