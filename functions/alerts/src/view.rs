//! Settings as the API shows them.

use serde::{Deserialize, Serialize};
use usher_aws::words;
use usher_shared::alert::{self as model, QuietHours, Target};
use usher_shared::records::AlertPlan;
use utoipa::ToSchema;

words! {
    /// How somebody is told.
    TargetKind {
        /// By mail.
        Mail,
        /// By a message of a Telegram bot.
        Telegram,
    }
    /// When somebody is told.
    Rank {
        /// At once.
        First,
        /// After nobody came for a while.
        Second,
    }
    /// What quiet hours do to an alert that falls into them.
    During {
        /// It is sent at their end.
        Defer,
        /// It is sent at once, without a sound.
        Silent,
    }
    /// Why somebody is not told any more, until the settings are written again.
    TargetTrouble {
        /// The bot was blocked, removed from the group, or never let in; or there is no such chat.
        Unreachable,
        /// Telegram does not know the bot.
        TokenRefused,
        /// The mail was refused for good.
        Refused,
    }
}

#[expect(
    clippy::derivable_impls,
    reason = "the macro derives what all words have in common"
)]
impl Default for Rank {
    fn default() -> Self {
        Self::First
    }
}

#[expect(
    clippy::derivable_impls,
    reason = "the macro derives what all words have in common"
)]
impl Default for During {
    fn default() -> Self {
        Self::Defer
    }
}

/// Whom to tell that somebody waits for a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alerts)]
pub(crate) struct AlertsView {
    /// Always `alerts`.
    #[schema(example = "alerts")]
    object: &'static str,
    /// Whom. Nobody, as long as nothing was set.
    targets: Vec<TargetView>,
    /// Minutes after which somebody is told again.
    repeat_minutes: u32,
    /// Minutes after which the second ones are told as well.
    second_after_minutes: u32,
    /// Whose Telegram bot tells them.
    telegram_bot: Bot,
}

/// Whose Telegram bot it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bot {
    /// Your own.
    Own,
    /// The installation's.
    Installation,
    /// There is none.
    None,
}

/// Somebody who is told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertTarget)]
pub(crate) struct TargetView {
    /// How.
    kind: TargetKind,
    /// A mail address, or a Telegram chat.
    #[schema(example = "reception@example.com")]
    address: String,
    /// When.
    rank: Rank,
    /// When not.
    quiet_hours: Option<QuietHoursView>,
    /// Why not any more.
    trouble: Option<TargetTrouble>,
}

/// Hours in which somebody is left alone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuietHours)]
pub(crate) struct QuietHoursView {
    /// Their beginning.
    #[schema(example = "22:00")]
    from: String,
    /// Their end.
    #[schema(example = "07:00")]
    to: String,
    /// The person's time zone.
    #[schema(example = "Europe/Vienna")]
    time_zone: String,
    /// What they do.
    during: During,
}

impl AlertsView {
    pub(crate) fn new(plan: &AlertPlan, installation_has_bot: bool) -> Self {
        Self {
            object: "alerts",
            targets: plan.targets.get().iter().map(TargetView::new).collect(),
            repeat_minutes: *plan.repeat_minutes,
            second_after_minutes: *plan.second_after_minutes,
            telegram_bot: match (plan.telegram_token.get(), installation_has_bot) {
                (Some(_), _) => Bot::Own,
                (None, true) => Bot::Installation,
                (None, false) => Bot::None,
            },
        }
    }
}

impl TargetView {
    fn new(target: &Target) -> Self {
        Self {
            kind: target.kind.into(),
            address: target.address.clone(),
            rank: target.rank.into(),
            quiet_hours: target.quiet.as_ref().map(QuietHoursView::new),
            trouble: target.trouble.map(Into::into),
        }
    }
}

impl QuietHoursView {
    fn new(hours: &QuietHours) -> Self {
        let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        Self {
            from: time(hours.from),
            to: time(hours.to),
            time_zone: hours.zone.clone(),
            during: hours.during.into(),
        }
    }
}

/// What became of a test.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertTest)]
pub(crate) struct TestView {
    /// Always `alert_test`.
    #[schema(example = "alert_test")]
    pub(crate) object: &'static str,
    /// Of each target, in their order.
    pub(crate) results: Vec<TestResult>,
}

/// What became of a test at one target.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertTestResult)]
pub(crate) struct TestResult {
    /// How.
    pub(crate) kind: TargetKind,
    /// To whom.
    #[schema(example = "reception@example.com")]
    pub(crate) address: String,
    /// What became of it.
    pub(crate) outcome: TestOutcome,
}

/// What became of a test at one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TestOutcome {
    /// It was taken.
    Sent,
    /// It was refused for good: nobody is told so any more, until the settings are written again.
    Refused,
    /// It was perhaps not taken: a matter of time.
    NotNow,
    /// This installation cannot tell anybody by this means.
    Impossible,
    /// It was refused before, and not tried.
    NotTried,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;
    use usher_shared::Timestamp;

    #[test]
    fn the_bots_secret_is_never_shown() {
        let target = Target {
            kind: model::TargetKind::Telegram,
            address: "-100200".to_owned(),
            rank: model::Rank::Second,
            quiet: Some(QuietHours {
                from: 22 * 60,
                to: 7 * 60 + 5,
                zone: "Europe/Vienna".to_owned(),
                during: model::During::Silent,
            }),
            trouble: Some(model::TargetTrouble::Unreachable),
        };
        let plan = AlertPlan {
            created_at: Timestamp::from_millis(1).into(),
            version: 7.into(),
            repeat_minutes: 10.into(),
            second_after_minutes: 30.into(),
            targets: vec![target].into(),
            telegram_token: Some("1:secret".to_owned()).into(),
        };
        assert_eq!(
            serde_json::to_value(AlertsView::new(&plan, true)).unwrap(),
            json!({
                "object": "alerts",
                "targets": [{
                    "kind": "telegram", "address": "-100200", "rank": "second", "trouble": "unreachable",
                    "quiet_hours": {"from": "22:00", "to": "07:05", "time_zone": "Europe/Vienna", "during": "silent"},
                }],
                "repeat_minutes": 10,
                "second_after_minutes": 30,
                "telegram_bot": "own",
            })
        );
    }
}
