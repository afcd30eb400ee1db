//! Figures by day and channel.

use usher_shared::Timestamp;
use usher_shared::ids::{ChannelId, TenantId};
use usher_shared::records::{CountedThrough, DayFigures};

use super::{END, Key, Range, all};

/// Figures of the day that holds `at`, on one channel.
pub fn day_figures(tenant: TenantId, at: Timestamp, channel: ChannelId) -> Key<DayFigures> {
    Key::inbox(figures_partition(tenant), format!("{}#{channel}", day(at)))
}

/// Figures of all channels from the day that holds `first` to the one that holds `last`.
pub fn figures_between(tenant: TenantId, first: Timestamp, last: Timestamp) -> Range {
    Range {
        from: day(first),
        to: format!("{}#{END}", day(last)),
        ..all(figures_partition(tenant))
    }
}

/// Up to when figures are counted. Sorts apart from the days.
pub fn counted_through(tenant: TenantId) -> Key<CountedThrough> {
    Key::inbox(figures_partition(tenant), "through".to_owned())
}

fn figures_partition(tenant: TenantId) -> String {
    format!("{tenant}#figures")
}

/// The day as eight digits of days since 1970, which sort as the days do.
fn day(at: Timestamp) -> String {
    format!("d{:08}", at.day().max(0))
}
