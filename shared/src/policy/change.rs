//! Changing a policy: what shortens waits, and what waits takes effect by itself.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{Anchor, PolicyError, TenantPolicy};
use crate::category::Category;
use crate::time::Timestamp;

/// Hours that a change which shortens may be made to wait: from one day to thirty.
pub const COOLING_OFF_HOURS: RangeInclusive<u32> = 24..=720;
/// Three days: a change on a Friday can be taken back on Monday.
const USUAL_COOLING_OFF: u32 = 72;
const MILLIS_PER_HOUR: i64 = 3_600_000;

/// A change that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// When it takes effect.
    pub takes_effect_at: Timestamp,
    /// What is in force then.
    pub policy: TenantPolicy,
}

impl TenantPolicy {
    /// The policy in force at `now`: what waited takes effect by the clock alone, at every read and whatever has run
    /// meanwhile.
    #[must_use]
    pub fn in_force(self, now: Timestamp) -> Self {
        match self.pending {
            Some(pending) if pending.takes_effect_at <= now => pending.policy,
            _ => self,
        }
    }

    /// What takes effect later.
    pub fn pending(&self) -> Option<&Pending> {
        self.pending.as_deref()
    }

    /// How often the policy has changed.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Hours between a change that shortens and its effect.
    pub fn cooling_off_hours(&self) -> u32 {
        self.cooling_off_hours.unwrap_or(USUAL_COOLING_OFF)
    }

    /// Chooses how long a change that shortens waits.
    ///
    /// # Errors
    /// [`PolicyError::CoolingOff`] if that is outside the bounds.
    pub fn cool_off(&mut self, hours: u32) -> Result<(), PolicyError> {
        if !COOLING_OFF_HOURS.contains(&hours) {
            return Err(PolicyError::CoolingOff);
        }
        self.cooling_off_hours = Some(hours).filter(|hours| *hours != USUAL_COOLING_OFF);
        Ok(())
    }

    /// When a change that shortens would take effect if it were made at `now`.
    pub fn cooled_off_at(&self, now: Timestamp) -> Timestamp {
        let wait = i64::from(self.cooling_off_hours()).saturating_mul(MILLIS_PER_HOUR);
        Timestamp::from_millis(now.millis().saturating_add(wait))
    }

    /// `next` as the successor of this policy: one version on, with nothing that waits.
    #[must_use]
    pub fn succeeded_by(&self, next: Self) -> Self {
        Self {
            version: self.version.saturating_add(1),
            pending: None,
            ..next
        }
    }

    /// This policy, with a successor that takes effect at `at`.
    #[must_use]
    pub fn followed_by(self, next: Self, at: Timestamp) -> Self {
        let pending = Pending {
            takes_effect_at: at,
            policy: self.succeeded_by(next),
        };
        Self {
            pending: Some(Box::new(pending)),
            ..self
        }
    }

    /// This policy, without what waits.
    #[must_use]
    pub fn without_pending(self) -> Self {
        Self {
            pending: None,
            ..self
        }
    }

    /// Whether anything may end earlier under `next` than under this policy, or a later change may take effect sooner.
    pub fn is_shortened_by(&self, next: &Self) -> bool {
        let shorter =
            |old: Option<u32>, new: Option<u32>| new.is_some_and(|new| old.is_none_or(|old| new < old));
        let category = Category::ALL
            .into_iter()
            .any(|category| shorter(self.days(category), next.days(category)));
        let mut channels = self.channels.keys().chain(next.channels.keys());
        let channel = channels.any(|channel| shorter(self.days_on(*channel), next.days_on(*channel)));
        // No anchor ends anything earlier than each record's own time; any other may end earlier than any other.
        let anchor = self.anchor != next.anchor
            && self.anchor != Anchor::Created
            && next.shortest(Category::Conversation).is_some();
        category || channel || anchor || next.cooling_off_hours() < self.cooling_off_hours()
    }
}
