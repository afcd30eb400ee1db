//! Logs and metrics: JSON lines with ids and counts, never with content. See docs/LOGGING.md.

use std::io::Write as _;

use serde_json::{Map, Value, json};
use tracing_subscriber::EnvFilter;

use crate::clock::wall_now;

/// Starts JSON logs on standard output. Libraries log warnings and worse; their debug lines may hold bodies.
pub fn start() {
    let filter = EnvFilter::new(
        "warn,inbound=info,inbox=info,dispatch=info,reply=info,deliver=info,erasure=info,exports=info,retention=info,mail=info,usher_aws=info",
    );
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(std::io::stdout)
        .finish();
    // A second start in one process, as in tests, keeps the first subscriber.
    let _already_started = tracing::subscriber::set_global_default(subscriber);
    std::panic::set_hook(Box::new(|info| {
        // Only where, not what: a panic's message may quote the data that caused it.
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(panic.location = place, "panicked");
    }));
}

/// Units of CloudWatch metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Time in milliseconds.
    Milliseconds,
}

/// Writes one line in CloudWatch's embedded metric format, from which it makes metrics.
pub fn emit(function: &str, metrics: &[(&str, f64, Unit)]) {
    let line = embedded_metrics(function, metrics, wall_now().millis()).to_string();
    let mut out = std::io::stdout().lock();
    // A metric that cannot be written is not worth failing an invocation for.
    let _unwritable = writeln!(out, "{line}");
}

fn embedded_metrics(function: &str, metrics: &[(&str, f64, Unit)], at_millis: i64) -> Value {
    let definitions: Vec<Value> = metrics
        .iter()
        .map(|(name, _, unit)| json!({"Name": name, "Unit": format!("{unit:?}")}))
        .collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": at_millis,
            "CloudWatchMetrics": [{"Namespace": "Usher", "Dimensions": [["function"]], "Metrics": definitions}],
        }),
    );
    line.insert("function".to_owned(), function.into());
    for (name, value, _) in metrics {
        line.insert((*name).to_owned(), json!(value));
    }
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_in_the_embedded_format() {
        let line = embedded_metrics("reply", &[("answered", 1.0, Unit::Count)], 1_790_000_000_000);
        assert_eq!(
            line,
            json!({
                "_aws": {
                    "Timestamp": 1_790_000_000_000_i64,
                    "CloudWatchMetrics": [{
                        "Namespace": "Usher",
                        "Dimensions": [["function"]],
                        "Metrics": [{"Name": "answered", "Unit": "Count"}],
                    }],
                },
                "function": "reply",
                "answered": 1.0,
            })
        );
    }
}
