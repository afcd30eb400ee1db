//! Recordings of calls, whose period is that of what was said.

use usher_aws::holds::Protected;
use usher_aws::store::{Row, keys};
use usher_aws::web::Web;
use usher_aws::{Platform, TenantScope};
use usher_shared::Timestamp;
use usher_shared::ids::ConversationId;
use usher_shared::model::ContactRef;

use crate::sweep::SweepError;

/// Removes recordings of calls at their carrier, which end with what was said, and under the shortest period in force:
/// neither an anchor nor a longer channel keeps a recording. What the carrier does not remove now is
/// found by the next sweep.
pub(crate) async fn sweep_recordings(
    platform: &Platform,
    scope: &TenantScope,
    protected: &Protected,
    cutoff: Timestamp,
) -> Result<u64, SweepError> {
    let range = keys::call_recordings_until(scope.tenant(), cutoff);
    let is_due = |row: &Row| {
        let place = row
            .peek::<ConversationId>("conversation")
            .zip(row.peek("contact"));
        place.is_some_and(|(conversation, contact): (_, ContactRef)| {
            !protected.conversation(conversation, contact.id)
        })
    };
    let web = Web::new(platform.settings());
    let removal = platform.remove_recordings(scope, &web, &range, is_due).await?;
    if removal.left > 0 {
        tracing::error!(tenant.id = %scope.tenant(), left = removal.left, "recordings are still at their carrier");
    }
    Ok(removal.removed)
}
