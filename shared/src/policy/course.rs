//! What the course of a conversation says about the end of what is in it: its channel, when it last went on, whether it
//! is closed, the day that it is about.

use serde::{Deserialize, Serialize};

use super::TenantPolicy;
use crate::category::{Category, Period};
use crate::ids::ChannelId;
use crate::record::NotPersonal;
use crate::time::Timestamp;

/// What the periods of conversations count from. A record's own time, where that is later: what is written after the
/// wedding has its full period too. So no anchor ends anything earlier than [`Self::Created`] does, and what the platform
/// promises at most counts from the record's own time whatever is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// Each record's own time.
    #[default]
    Created,
    /// The conversation's last activity.
    LastActivity,
    /// Its closing. While it is not closed, its period does not begin.
    Closed,
    /// The day that it is about, such as that of a wedding; its last activity, if nobody set one.
    EventDate,
}

impl NotPersonal for Anchor {}

/// What is known of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// The channel it is on.
    pub channel: ChannelId,
    /// When it last went on.
    pub last_activity: Timestamp,
    /// Whether it is closed: then its last activity was the closing.
    pub closed: bool,
    /// The day it is about, if it has one.
    pub event_at: Option<Timestamp>,
}

/// Whether a record's end is decided with its conversation's.
fn follows_conversation(category: Category, policy: &TenantPolicy) -> bool {
    match category.period(policy.preset) {
        _ if category == Category::Conversation => true,
        Period::With(other) => follows_conversation(other, policy),
        Period::LifeOfAccount | Period::Days(_) => false,
    }
}

impl TenantPolicy {
    /// What the periods of conversations count from.
    pub fn anchor(&self) -> Anchor {
        self.anchor
    }

    /// Chooses what the periods of conversations count from.
    pub fn anchor_at(&mut self, anchor: Anchor) {
        self.anchor = anchor;
    }

    /// Whether the end of a record of `category` cannot be told without its conversation.
    pub fn depends_on_course(&self, category: Category) -> bool {
        (self.anchor != Anchor::Created || !self.channels.is_empty()) && follows_conversation(category, self)
    }

    /// The shortest period that is in force for records of `category` on any channel.
    pub fn shortest(&self, category: Category) -> Option<u32> {
        let days = self.days(category);
        if !follows_conversation(category, self) {
            return days;
        }
        self.channels.values().copied().chain(days).min()
    }

    /// The longest period that any policy of this tenant's kind gives from a record's own time, for what must not be
    /// taken for ended too early.
    pub fn longest(&self, category: Category) -> Option<u32> {
        if !self.depends_on_course(category) {
            return self.days(category);
        }
        Category::Conversation.bounds(self.preset)?.max_days
    }

    /// Whether a record of `category` and of this time of its own may be past its period at `now`. If not, it is not,
    /// whatever its conversation says.
    pub fn may_have_ended(&self, category: Category, own: Timestamp, now: Timestamp) -> bool {
        self.shortest(category)
            .is_some_and(|days| own.plus_days(days) <= now)
    }

    /// The days that what is written on a channel is kept.
    pub fn days_on(&self, channel: ChannelId) -> Option<u32> {
        let chosen = self.channels.get(&channel).copied();
        chosen.or_else(|| self.days(Category::Conversation))
    }

    /// The time in the course of a conversation from which its period counts, where that is later than a record's own
    /// time; `None` if only that counts.
    pub fn counted_from(&self, course: &Course, now: Timestamp) -> Option<Timestamp> {
        match self.anchor {
            Anchor::Created => None,
            Anchor::LastActivity => Some(course.last_activity),
            Anchor::Closed if course.closed => Some(course.last_activity),
            Anchor::Closed => Some(now),
            Anchor::EventDate => Some(course.event_at.unwrap_or(course.last_activity)),
        }
    }

    /// When a record with this time of its own, in a conversation of this course, ends; `None` for the life of the
    /// account.
    pub fn end_in(&self, course: &Course, own: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let days = self.days_on(course.channel)?;
        let from = self.counted_from(course, now).map_or(own, |from| from.max(own));
        let end = from.plus_days(days);
        let latest = self.stamp(Category::Conversation, own);
        Some(latest.map_or(end, |latest| end.min(latest)))
    }

    /// Whether such a record is past its period at `now`.
    pub fn has_ended_in(&self, course: &Course, own: Timestamp, now: Timestamp) -> bool {
        self.end_in(course, own, now).is_some_and(|end| end <= now)
    }

    /// Everything of a conversation that has this time of its own or an earlier one is past its period at `now`, and
    /// nothing else; `None` if nothing is.
    pub fn ended_until(&self, course: &Course, now: Timestamp) -> Option<Timestamp> {
        let days = self.days_on(course.channel)?;
        let by_days = now.minus_days(days);
        let from = self.counted_from(course, now);
        if from.is_none_or(|from| from <= by_days) {
            return Some(by_days);
        }
        let latest = Category::Conversation.bounds(self.preset)?.max_days?;
        Some(now.minus_days(latest))
    }
}
