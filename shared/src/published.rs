//! The policy as it is published: what is kept how long, from the very tables that reads and sweeps go by.
//!
//! Periods are nowhere else, so the page cannot say other ones. What can be forgotten is to give the page a new edition
//! when they change: a test below holds the periods of the newest edition, word for word.

use crate::category::{Bounds, Category, Preset};
use crate::policy::TenantPolicy;
use crate::record::Erasure;
use crate::records::REGISTRY;

/// One state of the published policy.
#[derive(Clone, Copy, Debug)]
pub struct Edition {
    /// Grows by one.
    pub version: u32,
    /// The day it is in force from.
    pub date: &'static str,
    /// Whether it changes anything for those whose data it is about. Of such a change every account is told before.
    pub material: bool,
    /// What is new in it.
    pub changes: &'static str,
}

/// The edition in force.
pub const CURRENT: Edition = Edition {
    version: 1,
    date: "2026-11-26",
    material: false,
    changes: "First published edition.",
};

/// All editions, the one in force first.
pub const EDITIONS: &[Edition] = &[CURRENT];

/// What is kept of one category, and how long.
#[derive(Clone, Debug)]
pub struct Published {
    /// The category.
    pub category: Category,
    /// Why it is kept.
    pub purpose: &'static str,
    /// For each kind of business: the period in days, `None` for the life of the account, and between which a business
    /// may choose.
    pub periods: Vec<(Preset, Option<u32>, Option<Bounds>)>,
    /// Kinds of records in it.
    pub records: Vec<&'static str>,
    /// What an erasure leaves of them, and why.
    pub stays: Vec<(&'static str, &'static str)>,
}

/// The kinds of business, in the order in which they are shown.
pub const PRESETS: [Preset; 3] = [Preset::Hospitality, Preset::Website, Preset::Mail];

/// The policy, by category.
pub fn published() -> Vec<Published> {
    let one = |category: Category| {
        let specs = || REGISTRY.iter().filter(move |spec| spec.category == category);
        Published {
            category,
            purpose: purpose(category),
            periods: PRESETS
                .into_iter()
                .map(|preset| {
                    let days = TenantPolicy::preset(preset).days(category);
                    (preset, days, category.bounds(preset))
                })
                .collect(),
            records: specs().map(|spec| spec.kind).collect(),
            stays: specs()
                .filter_map(|spec| match spec.erasure {
                    Erasure::Keep(why) | Erasure::Watermark(why) => Some((spec.kind, why)),
                    Erasure::Delete => None,
                })
                .collect(),
        }
    };
    Category::ALL.into_iter().map(one).collect()
}

const fn purpose(category: Category) -> &'static str {
    match category {
        Category::Conversation => "Messages and conversations, to answer them.",
        Category::Lead => {
            "People who wrote to a business, and what they volunteered, so that it can come back to them."
        }
        Category::AiTrace => "What the AI was asked, what it said and why, so that people can check it.",
        Category::Account => "Who uses the service and how it is set up.",
        Category::Credential => "Credentials of the API and of channels, under keys or hashed.",
        Category::Key => "Wrapped keys; deleting one forgets what it sealed.",
        Category::Watermark => "Keyed hashes that keep late deliveries from bringing back what was erased.",
        Category::Transport => {
            "Work on its way between the parts of the service; and ids, no content, but for raw mail, for seconds."
        }
        Category::Idempotency => "Outcomes of repeated requests: keyed hashes and ids.",
        Category::SecurityLog => "Who did what to settings and conversations, without content.",
        Category::Ledger => "Proof of erasures, by ids alone, replayed on whatever is restored.",
        Category::RateLimit => "Keyed hashes that limit how often somebody asks. No address is stored.",
        Category::Export => "Files that a business asked for.",
        Category::Hold => "What must not be erased for the time being, and why.",
        Category::Suppression => "Consents and their withdrawals, under keyed hashes.",
        Category::Attachment => "Files that came with messages.",
        Category::Aggregate => "Figures by day and channel, which point at nobody.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `category: hospitality / website / mail`, in days; `-` for the life of the account; in brackets what a business may
    /// choose.
    fn in_words() -> String {
        let text = |days: Option<u32>| days.map_or_else(|| "-".to_owned(), |days| days.to_string());
        let lines = published().into_iter().map(|entry| {
            let periods: Vec<String> = entry
                .periods
                .iter()
                .map(|(_, days, bounds)| {
                    let choice = bounds.map(|b| format!(" ({} to {})", b.min_days, text(b.max_days)));
                    format!("{}{}", text(*days), choice.unwrap_or_default())
                })
                .collect();
            format!("{}: {}\n", entry.category.name(), periods.join(" / "))
        });
        lines.collect()
    }

    #[test]
    fn p_gov_01_a_period_does_not_change_without_a_new_edition() {
        // If this fails because a period was changed: add an edition first, then its periods here.
        let of_edition = (
            1,
            "conversation: - (1 to -) / 365 (1 to 365) / 90 (1 to 90)\n\
             lead: - (1 to -) / - (1 to -) / - (1 to -)\n\
             ai_trace: - / 365 / 90\n\
             account: - / - / -\n\
             credential: - / - / -\n\
             key: - / - / -\n\
             watermark: 14 / 14 / 14\n\
             transport: 14 / 14 / 14\n\
             idempotency: 1 / 1 / 1\n\
             security_log: 365 / 365 / 365\n\
             ledger: - / - / -\n\
             rate_limit: 1 / 1 / 1\n\
             export: 7 / 7 / 7\n\
             hold: - / - / -\n\
             suppression: - / - / -\n\
             attachment: - / 365 / 90\n\
             aggregate: - / - / -\n"
                .to_owned(),
        );
        assert_eq!((CURRENT.version, in_words()), of_edition);
    }

    #[test]
    fn editions_go_back_one_by_one() {
        for (edition, version) in EDITIONS.iter().rev().zip(1..) {
            assert_eq!(edition.version, version);
            assert_eq!(edition.date.len(), 10);
        }
    }
}
