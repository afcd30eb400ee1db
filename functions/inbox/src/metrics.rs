//! Figures by day and channel.

use axum::Json;
use serde::{Deserialize, Serialize};
use usher_aws::http::{Problem, QueryOf};
use usher_aws::sealing::DataKey;
use usher_aws::store::keys;
use usher_shared::Timestamp;
use usher_shared::figures::{Figures, MINIMUM_GROUP};
use usher_shared::ids::ChannelId;
use usher_shared::records::{CountedThrough, DayFigures};
use utoipa::ToSchema;

use crate::access::Granted;
use crate::access::permission::MetricsRead;
use crate::openapi::{Invalid, Refused};
use crate::words::Time;

/// Days that one request may ask for.
const MOST_DAYS: i64 = 92;
/// Days that are shown where nothing is said.
const DAYS: u32 = 30;

/// Parameters of the figures.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MetricsQuery {
    /// The first day, UTC; 30 days before the last if not given.
    #[param(example = "2026-09-01")]
    from: Option<String>,
    /// The last day, UTC; yesterday if not given.
    #[param(example = "2026-09-30")]
    to: Option<String>,
    /// Only this channel.
    #[param(value_type = Option<String>, example = "chan_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    channel: Option<ChannelId>,
}

/// Figures by day and channel.
#[derive(Serialize, ToSchema)]
#[schema(as = Metrics)]
pub(crate) struct MetricsView {
    /// Always `metrics`.
    #[schema(example = "metrics")]
    object: &'static str,
    /// Days with fewer conversations on a channel are suppressed.
    #[schema(example = 5)]
    minimum_group: u64,
    /// Up to when everything is counted; null before the first count. A day is shown once it is counted to its end.
    counted_through: Option<Time>,
    /// One entry for each day and channel on which something happened.
    data: Vec<DayView>,
}

/// One day on one channel.
#[derive(Serialize, ToSchema)]
#[schema(as = DayMetrics)]
struct DayView {
    /// The day, UTC.
    #[schema(example = "2026-09-21")]
    day: String,
    /// The channel.
    #[schema(value_type = String, example = "chan_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    channel_id: ChannelId,
    /// There were too few conversations to say anything of them.
    suppressed: bool,
    /// What was counted; null if it is suppressed.
    figures: Option<FiguresView>,
}

/// What was counted.
#[derive(Serialize, ToSchema)]
#[schema(as = Figures)]
struct FiguresView {
    /// Conversations in which somebody wrote.
    conversations: u64,
    /// Messages that people wrote.
    inbound: u64,
    /// Messages of the AI.
    answered_by_ai: u64,
    /// Messages of the business's people.
    answered_by_human: u64,
    /// Turns that were handed over, by reason.
    handed_over: HandedOver,
    /// From what somebody wrote to the first answer.
    response_time: ResponseTime,
    /// People who became leads.
    leads: u64,
}

/// Turns that were handed over, by reason.
#[derive(Serialize, ToSchema)]
struct HandedOver {
    /// No document holds the answer.
    no_answer: u64,
    /// Somebody asked for a person.
    on_request: u64,
    /// The provider failed.
    failure: u64,
}

/// From what somebody wrote to the first answer.
#[derive(Serialize, ToSchema)]
struct ResponseTime {
    /// How many.
    count: u64,
    /// Seconds, all together.
    sum_seconds: u64,
    /// Of them within a minute.
    within_a_minute: u64,
    /// Later, and within ten minutes.
    within_ten_minutes: u64,
    /// Later, and within an hour.
    within_an_hour: u64,
    /// Later, and within a day.
    within_a_day: u64,
    /// Later still.
    later: u64,
}

impl From<Figures> for FiguresView {
    fn from(figures: Figures) -> Self {
        let [minute, ten_minutes, hour, day, later] = figures.response_buckets;
        Self {
            conversations: figures.conversations,
            inbound: figures.inbound,
            answered_by_ai: figures.answered_by_ai,
            answered_by_human: figures.answered_by_human,
            handed_over: HandedOver {
                no_answer: figures.handed_over_no_answer,
                on_request: figures.handed_over_on_request,
                failure: figures.handed_over_failure,
            },
            response_time: ResponseTime {
                count: figures.responses,
                sum_seconds: figures.response_seconds,
                within_a_minute: minute,
                within_ten_minutes: ten_minutes,
                within_an_hour: hour,
                within_a_day: day,
                later,
            },
            leads: figures.leads,
        }
    }
}

impl DayView {
    fn new(row: &DayFigures) -> Self {
        let suppressed = row.figures.conversations < MINIMUM_GROUP;
        Self {
            day: row.day.to_string().chars().take(10).collect(),
            channel_id: *row.channel,
            suppressed,
            figures: (!suppressed).then(|| (*row.figures).into()),
        }
    }
}

/// Reads figures by day and channel
///
/// Counts of what happened, without anybody in them: they stay when conversations are erased. A day is shown once it is
/// over and counted, an hour or two later. Of a day with fewer than five conversations on a channel only that is
/// said; no sums are given, from which it could be told. Scope: `metrics:read`.
#[utoipa::path(
    get,
    path = "/v1/metrics",
    tag = "metrics",
    params(MetricsQuery),
    responses(
        (status = 200, description = "The figures, oldest first.", body = MetricsView),
        Refused,
        Invalid,
    )
)]
pub(crate) async fn read_metrics(
    granted: Granted<MetricsRead>,
    QueryOf(query): QueryOf<MetricsQuery>,
) -> Result<Json<MetricsView>, Problem> {
    let (scope, none) = (granted.scope(), DataKey::none());
    let (first, last) = days(&query, scope.now())?;
    let through = keys::counted_through(scope.tenant());
    let through: Option<CountedThrough> = scope.store().get(&through, &none, true).await?;
    let through = through.map(|through| *through.through);
    let range = keys::figures_between(scope.tenant(), first, last);
    let mut data = Vec::new();
    for row in scope.store().query_all(&range).await? {
        let row: DayFigures = scope.store().open(row, &none)?;
        // Read again and again, the figures of a day that goes on would tell one conversation from the others.
        let is_over = through.is_some_and(|through| row.day.plus_days(1) <= through);
        if is_over && query.channel.is_none_or(|channel| channel == *row.channel) {
            data.push(DayView::new(&row));
        }
    }
    Ok(Json(MetricsView {
        object: "metrics",
        minimum_group: MINIMUM_GROUP,
        counted_through: through.map(Time),
        data,
    }))
}

/// The first and the last day that are asked for.
fn days(query: &MetricsQuery, now: Timestamp) -> Result<(Timestamp, Timestamp), Problem> {
    let parse = |field: &str, text: &Option<String>, otherwise: Timestamp| match text {
        None => Ok(otherwise),
        Some(text) => {
            let whole = (text.len() == 10).then(|| format!("{text}T00:00:00Z").parse().ok());
            let day = whole.flatten().filter(|day: &Timestamp| day.millis() >= 0);
            day.ok_or_else(|| Problem::invalid_field(field, "must be a day such as 2026-09-21"))
        }
    };
    let last = parse("to", &query.to, now.minus_days(1))?;
    let first = parse("from", &query.from, last.minus_days(DAYS - 1))?;
    if first.day() > last.day() {
        return Err(Problem::invalid_field("to", "must not be before from"));
    }
    if last.day() - first.day() >= MOST_DAYS {
        return Err(Problem::invalid_field(
            "from",
            format!("must be at most {MOST_DAYS} days"),
        ));
    }
    Ok((first, last))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use serde_json::json;

    fn row(conversations: u64) -> DayFigures {
        DayFigures {
            day: "2026-09-21T00:00:00Z".parse::<Timestamp>().unwrap().into(),
            channel: ChannelId::derived(Timestamp::from_millis(1), [1; 10]).into(),
            figures: Figures {
                conversations,
                inbound: 9,
                ..Figures::default()
            }
            .into(),
        }
    }

    #[test]
    fn p_ai_04_too_few_are_suppressed_and_it_says_so() {
        let few = serde_json::to_value(DayView::new(&row(MINIMUM_GROUP - 1))).unwrap();
        assert_eq!(
            (&few["day"], &few["suppressed"], &few["figures"]),
            (&json!("2026-09-21"), &json!(true), &json!(null))
        );
        let enough = serde_json::to_value(DayView::new(&row(MINIMUM_GROUP))).unwrap();
        assert_eq!(
            (&enough["suppressed"], &enough["figures"]["inbound"]),
            (&json!(false), &json!(9))
        );
    }

    #[test]
    fn days_are_whole_days_in_order_and_not_too_many() {
        let now: Timestamp = "2026-09-21T14:13:20Z".parse().unwrap();
        let asked = |from: Option<&str>, to: Option<&str>| {
            let query = MetricsQuery {
                from: from.map(str::to_owned),
                to: to.map(str::to_owned),
                channel: None,
            };
            days(&query, now).map(|(first, last)| (first.day() - now.day(), last.day() - now.day()))
        };
        assert_eq!(asked(None, None).unwrap(), (-30, -1));
        assert_eq!(asked(Some("2026-09-20"), Some("2026-09-20")).unwrap(), (-1, -1));
        assert_eq!(asked(None, Some("2026-09-21")).unwrap(), (-29, 0));
        for (from, to, field) in [
            (Some("yesterday"), None, "from"),
            (Some("2026-9-1"), None, "from"),
            (None, Some("2026-09-31"), "to"),
            (Some("2026-09-02"), Some("2026-09-01"), "to"),
            (Some("2026-01-01"), Some("2026-09-01"), "from"),
        ] {
            let problem = asked(from, to).unwrap_err();
            assert_eq!(problem.errors().first().unwrap().field, field, "{from:?} {to:?}");
        }
    }
}
