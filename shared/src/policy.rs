//! A tenant's retention policy: a preset, what the tenant chose, and the arithmetic of expiry.

mod change;
mod course;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::category::{Bounds, Category, Period, Preset};
use crate::ids::ChannelId;
use crate::record::NotPersonal;
use crate::time::Timestamp;

pub use self::change::{COOLING_OFF_HOURS, Pending};
pub use self::course::{Anchor, Course};

/// How long a tenant keeps what. Versioned with the tenant's row; applied at every read.
///
/// What is at its default is not written, so that a policy from before there was anything to choose is still the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantPolicy {
    /// Where the periods start from.
    pub preset: Preset,
    /// Days chosen by the tenant, within the platform's bounds.
    #[serde(default)]
    overrides: BTreeMap<Category, u32>,
    /// Days chosen for the conversations of single channels, within the same bounds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    channels: BTreeMap<ChannelId, u32>,
    /// What the periods of conversations count from.
    #[serde(default, skip_serializing_if = "is_default")]
    anchor: Anchor,
    /// Hours between a change that shortens and its effect, if not the platform's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cooling_off_hours: Option<u32>,
    /// Grows with every change that takes effect.
    #[serde(default, skip_serializing_if = "is_default")]
    version: u64,
    /// What takes effect later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<Box<Pending>>,
}

impl NotPersonal for TenantPolicy {}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Why a period was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The platform's period holds for everybody.
    #[error("the period of this category cannot be changed")]
    Fixed,
    /// The period lies outside its bounds.
    #[error("must be at least {} days{}", .0.min_days, max_text(.0.max_days))]
    OutOfBounds(Bounds),
    /// The time between a change that shortens and its effect lies outside its bounds.
    #[error("must be at least {} hours and at most {}", COOLING_OFF_HOURS.start(), COOLING_OFF_HOURS.end())]
    CoolingOff,
}

fn max_text(max: Option<u32>) -> String {
    max.map_or_else(String::new, |days| format!(" and at most {days}"))
}

impl TenantPolicy {
    /// The policy of a tenant that has chosen nothing yet.
    pub fn preset(preset: Preset) -> Self {
        Self {
            preset,
            ..Self::default()
        }
    }

    /// Chooses `days` for `category`.
    ///
    /// # Errors
    /// [`PolicyError`] if the platform does not allow it; the policy is then unchanged.
    pub fn choose(&mut self, category: Category, days: u32) -> Result<(), PolicyError> {
        self.allowed(category, days)?;
        self.overrides.insert(category, days);
        Ok(())
    }

    /// Chooses `days` for the conversations of one channel, whatever the tenant's own are.
    ///
    /// # Errors
    /// As [`Self::choose`].
    pub fn choose_for(&mut self, channel: ChannelId, days: u32) -> Result<(), PolicyError> {
        self.allowed(Category::Conversation, days)?;
        self.channels.insert(channel, days);
        Ok(())
    }

    fn allowed(&self, category: Category, days: u32) -> Result<(), PolicyError> {
        let bounds = category.bounds(self.preset).ok_or(PolicyError::Fixed)?;
        if days < bounds.min_days || bounds.max_days.is_some_and(|max| days > max) {
            return Err(PolicyError::OutOfBounds(bounds));
        }
        Ok(())
    }

    /// The period in force, in days; `None` for the life of the account. For conversations and what follows them, that
    /// of channels without one of their own.
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

    /// When a record of `category` anchored at `anchor` ends; `None` for the life of the account. For records whose end
    /// a conversation decides, [`Self::end_in`] is exact.
    pub fn expiry(&self, category: Category, anchor: Timestamp) -> Option<Timestamp> {
        self.days(category).map(|days| anchor.plus_days(days))
    }

    /// When a record of `category` anchored at `anchor` ends at the latest, whatever its tenant chooses: what is
    /// stamped on it, for the database to remove it by itself. Never earlier than [`Self::expiry`] or [`Self::end_in`]
    /// under any policy that the platform allows, so that a longer period needs no stamp to be changed first; what a
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

    /// Channels with a period of their own.
    pub fn channels(&self) -> &BTreeMap<ChannelId, u32> {
        &self.channels
    }

    /// Goes back to the tenant's own period for the conversations of a channel.
    pub fn reset_for(&mut self, channel: ChannelId) {
        self.channels.remove(&channel);
    }

    /// Whether a record of `category` anchored at `anchor` is past its period at `now`. At the very
    /// moment of expiry it is: a promise of "at most" includes its last millisecond and no more.
    pub fn is_expired(&self, category: Category, anchor: Timestamp, now: Timestamp) -> bool {
        self.expiry(category, anchor).is_some_and(|end| end <= now)
    }
}

#[cfg(test)]
mod tests;
