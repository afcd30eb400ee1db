//! A tenant's policy as answers show it.

use serde::Serialize;
use serde_json::json;
use usher_aws::http::words::Time;
use usher_shared::TenantPolicy;
use usher_shared::category::Category;
use utoipa::ToSchema;

use crate::words::Anchor;

/// How long what is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Retention {
    /// Always `retention`.
    object: &'static str,
    /// Grows with every change that takes effect.
    version: u64,
    #[serde(flatten)]
    chosen: Chosen,
    /// A change that waits; null if there is none.
    pending: Option<PendingRetention>,
}

/// The periods of one version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Chosen {
    /// Where the periods start from: `hospitality`, `website` or `mail`.
    preset: String,
    /// What the periods of conversations count from.
    anchor: Anchor,
    /// One entry per category.
    periods: Vec<Period>,
    /// Channels whose conversations have a period of their own.
    channels: Vec<ChannelPeriod>,
    /// Hours between a change that shortens and its effect.
    cooling_off_hours: u32,
}

/// A change that takes effect later.
#[derive(Debug, Serialize, ToSchema)]
struct PendingRetention {
    /// When it takes effect, by itself. Until then it can be canceled.
    takes_effect_at: Time,
    #[serde(flatten)]
    chosen: Chosen,
}

/// The period of one category.
#[derive(Debug, Serialize, ToSchema)]
struct Period {
    /// The category.
    category: String,
    /// Days from a record's time to its end; null for the life of the account.
    days: Option<u32>,
    /// Whether the tenant chose it.
    chosen: bool,
    /// Between which the tenant may choose; null if the platform's period holds for all.
    bounds: Option<PeriodBounds>,
}

/// The period of what is written on one channel.
#[derive(Debug, Serialize, ToSchema)]
struct ChannelPeriod {
    /// The channel.
    #[schema(example = "chan_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    channel_id: String,
    /// Days.
    days: u32,
}

/// Between which days a period may be chosen, both included.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PeriodBounds {
    /// The shortest.
    pub(crate) min_days: u32,
    /// The longest; null for the life of the account.
    pub(crate) max_days: Option<u32>,
}

impl Retention {
    pub(crate) fn of(policy: &TenantPolicy) -> Self {
        Self {
            object: "retention",
            version: policy.version(),
            chosen: Chosen::of(policy),
            pending: policy.pending().map(|pending| PendingRetention {
                takes_effect_at: Time(pending.takes_effect_at),
                chosen: Chosen::of(&pending.policy),
            }),
        }
    }
}

impl Chosen {
    pub(crate) fn of(policy: &TenantPolicy) -> Self {
        let periods = Category::ALL.into_iter().map(|category| Period {
            category: category.name().to_owned(),
            days: policy.days(category),
            chosen: policy.chosen(category).is_some(),
            bounds: category.bounds(policy.preset).map(|bounds| PeriodBounds {
                min_days: bounds.min_days,
                max_days: bounds.max_days,
            }),
        });
        let channels = policy.channels().iter().map(|(channel, days)| ChannelPeriod {
            channel_id: channel.to_string(),
            days: *days,
        });
        Self {
            preset: json!(policy.preset).as_str().unwrap_or_default().to_owned(),
            anchor: policy.anchor().into(),
            periods: periods.collect(),
            channels: channels.collect(),
            cooling_off_hours: policy.cooling_off_hours(),
        }
    }
}
