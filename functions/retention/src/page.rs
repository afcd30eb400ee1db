//! The policy page: what is kept how long, for anybody to read, from the tables that reads and sweeps go by.

use std::fmt::Write as _;

use axum::Json;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::json;
use usher_shared::category::Bounds;
use usher_shared::policy::COOLING_OFF_HOURS;
use usher_shared::published::{CURRENT, EDITIONS, PRESETS, Published, published};
use utoipa::ToSchema;

use crate::view::PeriodBounds;

/// The policy in force.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PrivacyPolicy {
    /// Always `privacy_policy`.
    object: &'static str,
    /// Grows with every edition.
    version: u32,
    /// The day from which it is in force.
    #[schema(example = "2026-11-26")]
    date: &'static str,
    /// What is kept, by category.
    categories: Vec<CategoryPolicy>,
    /// Hours between a business's change that shortens a period and its effect: the least and the most.
    cooling_off_hours: [u32; 2],
    /// All editions, the newest first.
    editions: Vec<PolicyEdition>,
}

/// What is kept of one category.
#[derive(Debug, Serialize, ToSchema)]
struct CategoryPolicy {
    /// The category.
    category: &'static str,
    /// Why it is kept.
    purpose: &'static str,
    /// How long, by the kind of business.
    periods: Vec<PresetPeriod>,
    /// Kinds of records in it.
    records: Vec<&'static str>,
    /// What an erasure leaves, and why; all else it deletes.
    stays_after_erasure: Vec<Stays>,
}

/// The period for one kind of business.
#[derive(Debug, Serialize, ToSchema)]
struct PresetPeriod {
    /// `hospitality`, `website` or `mail`.
    preset: String,
    /// Days; null for the life of the account.
    days: Option<u32>,
    /// Between which a business may choose; null if it may not.
    bounds: Option<PeriodBounds>,
}

/// What an erasure leaves.
#[derive(Debug, Serialize, ToSchema)]
struct Stays {
    /// The kind of record.
    record: &'static str,
    /// Why.
    because: &'static str,
}

/// One edition.
#[derive(Debug, Serialize, ToSchema)]
struct PolicyEdition {
    /// Its version.
    version: u32,
    /// The day from which it was in force.
    date: &'static str,
    /// Whether it changed anything for those whose data it is about.
    material: bool,
    /// What was new in it.
    changes: &'static str,
}

/// Shows the policy in force
///
/// Without a key, for anybody: as a page to whoever asks for HTML, as JSON to all others.
#[utoipa::path(
    get,
    path = "/privacy/policy",
    tag = "privacy",
    security(()),
    responses((status = 200, description = "The policy.", content(
        (PrivacyPolicy = "application/json"),
        (String = "text/html"),
    )))
)]
pub(crate) async fn read_policy(headers: HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    // The same address gives two things: whoever keeps copies has to know.
    let vary = [(header::VARY, "Accept")];
    if accepted.is_some_and(|accepted| accepted.contains("text/html")) {
        let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
        return (vary, html, page()).into_response();
    }
    (vary, Json(policy())).into_response()
}

fn policy() -> PrivacyPolicy {
    PrivacyPolicy {
        object: "privacy_policy",
        version: CURRENT.version,
        date: CURRENT.date,
        categories: published().into_iter().map(category).collect(),
        cooling_off_hours: [*COOLING_OFF_HOURS.start(), *COOLING_OFF_HOURS.end()],
        editions: EDITIONS
            .iter()
            .map(|edition| PolicyEdition {
                version: edition.version,
                date: edition.date,
                material: edition.material,
                changes: edition.changes,
            })
            .collect(),
    }
}

fn category(entry: Published) -> CategoryPolicy {
    let periods = entry
        .periods
        .into_iter()
        .map(|(preset, days, bounds)| PresetPeriod {
            preset: json!(preset).as_str().unwrap_or_default().to_owned(),
            days,
            bounds: bounds.map(|bounds| PeriodBounds {
                min_days: bounds.min_days,
                max_days: bounds.max_days,
            }),
        });
    let stays = entry.stays.into_iter();
    CategoryPolicy {
        category: entry.category.name(),
        purpose: entry.purpose,
        periods: periods.collect(),
        records: entry.records,
        stays_after_erasure: stays.map(|(record, because)| Stays { record, because }).collect(),
    }
}

/// The same as a page. Everything on it is our own text, which needs no escaping; a test looks.
fn page() -> String {
    let mut rows = String::new();
    for entry in published() {
        let mut periods = String::new();
        for (_, days, bounds) in &entry.periods {
            let _infallible = write!(periods, "<td>{}</td>", period(*days, *bounds));
        }
        let (name, purpose) = (entry.category.name(), entry.purpose);
        let _infallible = write!(
            rows,
            "<tr><th scope=\"row\">{name}</th><td>{purpose}</td>{periods}</tr>"
        );
    }
    let mut presets = String::new();
    for preset in PRESETS {
        let name = json!(preset);
        let name = name.as_str().unwrap_or_default();
        let _infallible = write!(presets, "<th scope=\"col\">{name}</th>");
    }
    let mut stays = String::new();
    for (record, why) in published().into_iter().flat_map(|entry| entry.stays) {
        let _infallible = write!(stays, "<li>{record}: {why}</li>");
    }
    let mut editions = String::new();
    for edition in EDITIONS {
        let (version, date, changes) = (edition.version, edition.date, edition.changes);
        let _infallible = write!(editions, "<li>Version {version}, {date}: {changes}</li>");
    }
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Privacy policy: what is kept how long</title>\
         <meta name=\"viewport\" content=\"width=device-width\"></head><body><main><h1>What is kept how long</h1>\
         <p>Version {}, in force since {}.</p>\
         <table><thead><tr><th scope=\"col\">Category</th><th scope=\"col\">Why</th>{presets}</tr></thead><tbody>{rows}</tbody></table>\
         <p>Nothing past its period can be read. What has ended is removed by a sweep every hour, or by the database within \
         days. A business that shortens a period sees before what would go, and has {} to {} hours to take it back.</p>\
         <h2>What stays after an erasure</h2><ul>{stays}</ul>\
         <h2>Editions</h2><ul>{editions}</ul></main></body></html>",
        CURRENT.version,
        CURRENT.date,
        COOLING_OFF_HOURS.start(),
        COOLING_OFF_HOURS.end(),
    )
}

fn period(days: Option<u32>, bounds: Option<Bounds>) -> String {
    let text = |days: Option<u32>| {
        days.map_or_else(|| "life of the account".to_owned(), |days| format!("{days} days"))
    };
    let chosen = |bounds: Bounds| {
        let (least, most) = (bounds.min_days, text(bounds.max_days));
        format!(", or what the business chooses, from {least} days to {most}")
    };
    format!("{}{}", text(days), bounds.map(chosen).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_page_says_needs_no_escaping() {
        let text: String = published()
            .into_iter()
            .flat_map(|entry| {
                let stays = entry.stays.into_iter().flat_map(|(record, why)| [record, why]);
                [entry.purpose].into_iter().chain(stays).collect::<Vec<_>>()
            })
            .chain(EDITIONS.iter().map(|edition| edition.changes))
            .collect();
        assert!(!text.contains(['<', '>', '&', '"']), "{text}");
    }
}
