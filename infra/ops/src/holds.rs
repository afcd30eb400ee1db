//! Holds: placed, released and listed by the operator.

use serde::Serialize;
use usher_aws::Platform;
use usher_aws::holds::{Holds, Subject};
use usher_shared::ids::{HoldId, TenantId};
use usher_shared::records::Hold;

use crate::OpsError;
use crate::output::{Listed, Output, time};

/// A hold as the tool shows it.
#[derive(Debug, Serialize)]
struct HoldLine {
    object: &'static str,
    id: HoldId,
    subject: String,
    placed_at: String,
    released_at: Option<String>,
    /// Only if it was asked for: it may name somebody.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl HoldLine {
    fn new(hold: &Hold, reveal: bool) -> Self {
        Self {
            object: "hold",
            id: *hold.id,
            subject: hold.subject.to_string(),
            placed_at: time(*hold.placed_at),
            released_at: hold.released_at.map(time),
            reason: reveal.then(|| hold.reason.get().clone()),
        }
    }

    fn text(&self) -> String {
        let released = self
            .released_at
            .as_ref()
            .map_or_else(String::new, |at| format!("  released {at}"));
        let reason = self
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!("  {reason}"));
        format!(
            "{}  {}  placed {}{released}{reason}",
            self.id, self.subject, self.placed_at
        )
    }
}

async fn holds_of(platform: &Platform, tenant: TenantId) -> Result<Holds, OpsError> {
    let holds = platform.holds_of(tenant).await?;
    holds.ok_or_else(|| OpsError::NotFound(format!("<tenant> {tenant}: there is no such tenant")))
}

/// Places a hold.
pub(crate) async fn place(
    platform: &Platform,
    out: Output,
    tenant: TenantId,
    subject: Subject,
    reason: String,
) -> Result<(), OpsError> {
    let placed = holds_of(platform, tenant).await?.place(subject, reason).await?;
    let placed = placed.ok_or_else(|| {
        OpsError::NotFound(format!(
            "<conversation|lead> {subject}: the tenant has none of this id, or it is already forgotten"
        ))
    })?;
    let line = HoldLine::new(&placed, false);
    out.result(&line, &line.text())
}

/// Releases a hold.
pub(crate) async fn release(
    platform: &Platform,
    out: Output,
    tenant: TenantId,
    hold: HoldId,
) -> Result<(), OpsError> {
    let released = holds_of(platform, tenant).await?.release(hold).await?;
    let released =
        released.ok_or_else(|| OpsError::NotFound(format!("<hold> {hold}: the tenant has no such hold")))?;
    let line = HoldLine::new(&released, false);
    out.result(&line, &line.text())
}

/// Lists holds, oldest first.
pub(crate) async fn list(
    platform: &Platform,
    out: Output,
    tenant: TenantId,
    reveal: bool,
) -> Result<(), OpsError> {
    let holds = holds_of(platform, tenant).await?.all().await?;
    let lines: Vec<HoldLine> = holds.iter().map(|hold| HoldLine::new(hold, reveal)).collect();
    let text: Vec<String> = lines.iter().map(HoldLine::text).collect();
    let text = if text.is_empty() {
        "The tenant has no holds.".to_owned()
    } else {
        text.join("\n")
    };
    out.result(&Listed::new(lines), &text)
}
