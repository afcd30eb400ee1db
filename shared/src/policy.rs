//! A tenant's retention policy: a preset, its overrides, and the arithmetic of expiry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::category::{Bounds, Category, Period, Preset};
use crate::record::NotPersonal;
use crate::time::Timestamp;

/// How long a tenant keeps what. Versioned with the tenant's row; applied at every read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantPolicy {
    /// Where the periods start from.
    pub preset: Preset,
    /// Days chosen by the tenant, within the platform's bounds.
    #[serde(default)]
    overrides: BTreeMap<Category, u32>,
}

impl NotPersonal for TenantPolicy {}

/// Why a period was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The platform's period holds for everybody.
    #[error("the period of this category cannot be changed")]
    Fixed,
    /// The period lies outside its bounds.
    #[error("must be at least {} days{}", .0.min_days, max_text(.0.max_days))]
    OutOfBounds(Bounds),
}

fn max_text(max: Option<u32>) -> String {
    max.map_or_else(String::new, |days| format!(" and at most {days}"))
}

impl TenantPolicy {
    /// The policy of a tenant that has chosen nothing yet.
    pub fn preset(preset: Preset) -> Self {
        Self {
            preset,
            overrides: BTreeMap::new(),
        }
    }

    /// Chooses `days` for `category`.
    ///
    /// # Errors
    /// [`PolicyError`] if the platform does not allow it; the policy is then unchanged.
    pub fn choose(&mut self, category: Category, days: u32) -> Result<(), PolicyError> {
        let bounds = category.bounds(self.preset).ok_or(PolicyError::Fixed)?;
        if days < bounds.min_days || bounds.max_days.is_some_and(|max| days > max) {
            return Err(PolicyError::OutOfBounds(bounds));
        }
        self.overrides.insert(category, days);
        Ok(())
    }

    /// The period in force, in days; `None` for the life of the account.
    pub fn days(&self, category: Category) -> Option<u32> {
        if let Some(&days) = self.overrides.get(&category) {
            return Some(days);
        }
        match category.period(self.preset) {
            Period::LifeOfAccount => None,
            Period::Days(days) => Some(days),
            Period::With(other) => self.days(other),
        }
    }

    /// When a record of `category` anchored at `anchor` ends; `None` for the life of the account.
    pub fn expiry(&self, category: Category, anchor: Timestamp) -> Option<Timestamp> {
        self.days(category).map(|days| anchor.plus_days(days))
    }

    /// When a record of `category` anchored at `anchor` ends at the latest, whatever its tenant chooses: what is
    /// stamped on it, for the database to remove it by itself. Never earlier than [`Self::expiry`] under any
    /// policy that the platform allows, so that a longer period needs no stamp to be changed first; what a
    /// tenant chose to end earlier is hidden by every read at once, and swept.
    pub fn stamp(&self, category: Category, anchor: Timestamp) -> Option<Timestamp> {
        let days = match (category.period(self.preset), category.bounds(self.preset)) {
            (_, Some(bounds)) => bounds.max_days,
            (Period::With(other), None) => return self.stamp(other, anchor),
            (Period::Days(days), None) => Some(days),
            (Period::LifeOfAccount, None) => None,
        };
        days.map(|days| anchor.plus_days(days))
    }

    /// The days that the tenant chose for `category`; `None` if the preset's period holds.
    pub fn chosen(&self, category: Category) -> Option<u32> {
        self.overrides.get(&category).copied()
    }

    /// Goes back to the preset's period for `category`.
    pub fn reset(&mut self, category: Category) {
        self.overrides.remove(&category);
    }

    /// Whether a record of `category` anchored at `anchor` is past its period at `now`. At the very
    /// moment of expiry it is: a promise of "at most" includes its last millisecond and no more.
    pub fn is_expired(&self, category: Category, anchor: Timestamp, now: Timestamp) -> bool {
        self.expiry(category, anchor).is_some_and(|end| end <= now)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn presets_hold_the_registers_periods() {
        let table = [
            (Preset::Hospitality, Category::Conversation, None),
            (Preset::Website, Category::Conversation, Some(365)),
            (Preset::Mail, Category::Conversation, Some(90)),
            (Preset::Hospitality, Category::AiTrace, None),
            (Preset::Website, Category::AiTrace, Some(365)),
            (Preset::Website, Category::Lead, None),
            (Preset::Website, Category::Watermark, Some(14)),
            (Preset::Website, Category::Idempotency, Some(1)),
        ];
        for (preset, category, days) in table {
            assert_eq!(
                TenantPolicy::preset(preset).days(category),
                days,
                "{preset:?} {category:?}"
            );
        }
    }

    #[test]
    fn a_trace_follows_its_conversation() {
        let mut policy = TenantPolicy::preset(Preset::Hospitality);
        policy.choose(Category::Conversation, 30).unwrap();
        assert_eq!(policy.days(Category::AiTrace), Some(30));
    }

    #[test]
    fn a_period_outside_its_bounds_is_refused_and_names_the_bound() {
        let mut policy = TenantPolicy::preset(Preset::Website);
        let error = policy.choose(Category::Conversation, 366).unwrap_err();
        assert_eq!(error.to_string(), "must be at least 1 days and at most 365");
        assert_eq!(
            policy.choose(Category::Conversation, 0).unwrap_err().to_string(),
            error.to_string()
        );
        assert_eq!(policy.choose(Category::Idempotency, 2), Err(PolicyError::Fixed));
        assert_eq!(policy, TenantPolicy::preset(Preset::Website));
    }

    #[test]
    fn a_stamp_is_never_before_the_end_under_any_policy_that_is_allowed() {
        let anchor = Timestamp::from_millis(1_790_000_000_000);
        for preset in [Preset::Hospitality, Preset::Website, Preset::Mail] {
            for category in Category::ALL {
                let mut policy = TenantPolicy::preset(preset);
                let stamp = policy.stamp(category, anchor);
                let mut ends = vec![policy.expiry(category, anchor)];
                for days in [1, 30, 90, 365, 3650] {
                    if policy.choose(category, days).is_ok() {
                        assert_eq!(
                            policy.stamp(category, anchor),
                            stamp,
                            "the choice changes no stamp"
                        );
                        ends.push(policy.expiry(category, anchor));
                    }
                }
                // No end is later than any: `None` is the life of the account.
                let late =
                    |end: &Option<Timestamp>| end.is_none_or(|end| stamp.is_some_and(|stamp| end > stamp));
                assert!(
                    stamp.is_none() || !ends.iter().any(late),
                    "{preset:?} {category:?}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn expired_exactly_from_the_expiry_on(days in 1_u32..=365, anchor in 0_i64..(1 << 42), offset in -1_000_i64..1_000) {
            let mut policy = TenantPolicy::preset(Preset::Website);
            policy.choose(Category::Conversation, days).unwrap();
            let anchor = Timestamp::from_millis(anchor);
            let end = policy.expiry(Category::Conversation, anchor).unwrap();
            let now = Timestamp::from_millis(end.millis() + offset);
            prop_assert_eq!(policy.is_expired(Category::Conversation, anchor, now), offset >= 0);
        }
    }
}
