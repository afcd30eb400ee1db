//! What a request says of the periods, and the policy that it makes.

use std::collections::BTreeMap;

use serde::Deserialize;
use usher_aws::TenantScope;
use usher_aws::http::{FieldError, Problem};
use usher_aws::store::keys;
use usher_shared::TenantPolicy;
use usher_shared::category::Category;
use usher_shared::ids::ChannelId;
use utoipa::ToSchema;

use crate::words::Anchor;

/// The choice of periods. What is not mentioned stays; null goes back to the preset's period.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionChange {
    /// Days to keep conversations, their messages, attachments and the AI's audit trail.
    #[serde(default)]
    #[schema(value_type = Option<u32>)]
    conversation_days: Choice,
    /// Days to keep leads after their last activity.
    #[serde(default)]
    #[schema(value_type = Option<u32>)]
    lead_days: Choice,
    /// Days to keep what is written on single channels, by the channel's id; null goes back to `conversation_days`.
    #[serde(default)]
    channels: BTreeMap<String, Option<u32>>,
    /// What the periods of conversations count from.
    anchor: Option<Anchor>,
    /// Hours between a change that shortens and its effect.
    cooling_off_hours: Option<u32>,
    /// From the preview of this very change; needed if it shortens anything.
    pub(crate) confirm_token: Option<String>,
}

/// What a change says of one period.
#[derive(Clone, Copy, Debug, Default)]
enum Choice {
    /// Nothing.
    #[default]
    Stays,
    /// Null: the preset's period.
    Preset,
    /// A number of days.
    Days(u32),
}

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<u32>::deserialize(deserializer)?.map_or(Self::Preset, Self::Days))
    }
}

/// The policy that a change makes of the one in force. Names every field that cannot be had.
pub(crate) async fn changed_for(
    scope: &TenantScope,
    change: &RetentionChange,
) -> Result<TenantPolicy, Problem> {
    let policy = changed(scope.policy(), change)?;
    for channel in policy.channels().keys() {
        let known = scope.policy().channels().contains_key(channel);
        let row = keys::channel(scope.tenant(), *channel);
        if !known && scope.store().get_row(&row, true).await?.is_none() {
            return Err(no_channel());
        }
    }
    Ok(policy)
}

fn no_channel() -> Problem {
    Problem::invalid_field("channels", "must name channels of this account")
}

fn changed(policy: &TenantPolicy, change: &RetentionChange) -> Result<TenantPolicy, Problem> {
    let (mut policy, mut errors) = (policy.clone(), Vec::new());
    for (field, category, days) in [
        (
            "conversation_days",
            Category::Conversation,
            change.conversation_days,
        ),
        ("lead_days", Category::Lead, change.lead_days),
    ] {
        match days {
            Choice::Stays => {}
            Choice::Preset => policy.reset(category),
            Choice::Days(days) => {
                if let Err(error) = policy.choose(category, days) {
                    errors.push(FieldError::new(field, error.to_string()));
                }
            }
        }
    }
    for (channel, days) in &change.channels {
        let Ok(channel) = channel.parse::<ChannelId>() else {
            return Err(no_channel());
        };
        match days {
            None => policy.reset_for(channel),
            Some(days) => {
                if let Err(error) = policy.choose_for(channel, *days) {
                    errors.push(FieldError::new("channels", error.to_string()));
                }
            }
        }
    }
    if let Some(anchor) = change.anchor {
        policy.anchor_at(anchor.into());
    }
    if let Some(hours) = change.cooling_off_hours
        && let Err(error) = policy.cool_off(hours)
    {
        errors.push(FieldError::new("cooling_off_hours", error.to_string()));
    }
    if errors.is_empty() {
        Ok(policy)
    } else {
        Err(Problem::invalid(errors))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use usher_shared::category::Preset;

    fn change(text: &str) -> Result<TenantPolicy, Problem> {
        changed(
            &TenantPolicy::preset(Preset::Website),
            &serde_json::from_str(text).unwrap(),
        )
    }

    #[test]
    fn what_is_not_mentioned_stays_and_null_goes_back() {
        let policy = change(r#"{"conversation_days": 30, "lead_days": 400}"#).unwrap();
        assert_eq!(
            (policy.days(Category::Conversation), policy.days(Category::Lead)),
            (Some(30), Some(400))
        );
        let body: RetentionChange = serde_json::from_str(r#"{"lead_days": null}"#).unwrap();
        let policy = changed(&policy, &body).unwrap();
        assert_eq!(
            (policy.days(Category::Conversation), policy.days(Category::Lead)),
            (Some(30), None)
        );
    }

    #[test]
    fn every_period_outside_its_bounds_is_named_with_the_bound() {
        let problem = change(
            r#"{"conversation_days": 366, "lead_days": 0, "cooling_off_hours": 1,
                "channels": {"chan_01k5p0d3sbqgd2h6x7mzv9e4ra": 400}}"#,
        )
        .unwrap_err();
        let errors: Vec<_> = problem
            .errors()
            .iter()
            .map(|e| (e.field.as_str(), e.message.as_str()))
            .collect();
        assert_eq!(
            errors,
            [
                ("conversation_days", "must be at least 1 days and at most 365"),
                ("lead_days", "must be at least 1 days"),
                ("channels", "must be at least 1 days and at most 365"),
                ("cooling_off_hours", "must be at least 24 hours and at most 720"),
            ]
        );
        assert!(change(r#"{"channels": {"anna@example.com": 4}}"#).is_err());
    }
}
