//! What a run would be billed for: request units of the database by table and index, requests of the other
//! services, invocations and their milliseconds, bytes of log, each with the function and the trigger that
//! caused it. A call is matched to its invocation by the trace id that Lambda hands to a function and that
//! the SDK sends along with every request.

mod bill;
mod capacity;
pub mod prices;
mod table;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use serde::Serialize;

pub use self::bill::Bill;
pub(crate) use self::capacity::{Charge, ask, charges};
pub(crate) use self::table::text;

/// Invocations whose late calls are still told apart.
const KEPT_TRACES: usize = 10_000;
/// What the log service adds to each event.
const LOG_EVENT_BYTES: u64 = 26;

/// What made a function run, as the meter names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Cause {
    /// The function, or `operator`.
    pub function: String,
    /// `POST /v1/exports`, `queue ReplyQueue.fifo`, `stream InboxTable`, `schedule sweep`, or `-`.
    pub trigger: String,
}

/// Requests of one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Kind {
    /// Who caused them.
    #[serde(flatten)]
    pub cause: Cause,
    /// `dynamodb`, `sqs`, `kms`, `sts`, `s3`.
    pub service: &'static str,
    /// Name of the operation.
    pub operation: String,
    /// Table, `table/index`, queue or bucket; empty where the service is the resource.
    pub resource: String,
}

/// What requests of one kind came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Usage {
    /// Requests. A request that touches a table and its index counts with the table.
    pub requests: u64,
    /// Those of them whose condition failed: billed all the same.
    pub failed_conditions: u64,
    /// Read request units.
    pub read_units: f64,
    /// Write request units.
    pub write_units: f64,
}

/// Invocations for one cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Runs {
    /// How many.
    pub invocations: u64,
    /// Their durations, each rounded up to a millisecond. Of a debug build on this machine.
    pub milliseconds: u64,
}

/// One line of the meter about requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallLine {
    /// What was called, by whom.
    #[serde(flatten)]
    pub kind: Kind,
    /// What it came to.
    #[serde(flatten)]
    pub usage: Usage,
}

/// One line of the meter about invocations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunLine {
    /// What ran, and why.
    #[serde(flatten)]
    pub cause: Cause,
    /// What it came to.
    #[serde(flatten)]
    pub runs: Runs,
}

/// Everything since the last reset.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Reading {
    /// Requests to services.
    pub calls: Vec<CallLine>,
    /// Invocations.
    pub invocations: Vec<RunLine>,
    /// Bytes of log by function, with what the log service adds to each line.
    pub log_bytes: BTreeMap<String, u64>,
    /// Memory of each function in MiB.
    pub memory_mib: BTreeMap<String, u32>,
}

impl Reading {
    /// Units of the database over the lines that `wanted` picks: read, write.
    pub fn units(&self, wanted: impl Fn(&Kind) -> bool) -> (f64, f64) {
        let lines = self.calls.iter().filter(|line| wanted(&line.kind));
        lines.fold((0.0, 0.0), |(read, write), line| {
            (read + line.usage.read_units, write + line.usage.write_units)
        })
    }

    /// Requests over the lines that `wanted` picks.
    pub fn requests(&self, wanted: impl Fn(&Kind) -> bool) -> u64 {
        let lines = self.calls.iter().filter(|line| wanted(&line.kind));
        lines.map(|line| line.usage.requests).sum()
    }
}

#[derive(Debug, Default)]
struct State {
    traces: HashMap<String, Cause>,
    order: VecDeque<String>,
    calls: BTreeMap<Kind, Usage>,
    runs: BTreeMap<Cause, Runs>,
    log_bytes: BTreeMap<String, u64>,
}

/// The meter of one stack.
#[derive(Debug, Default)]
pub struct Meter {
    state: Mutex<State>,
    memory_mib: BTreeMap<String, u32>,
}

impl Meter {
    /// A meter at zero for functions with this much memory.
    pub fn new(memory_mib: BTreeMap<String, u32>) -> Self {
        Self {
            state: Mutex::default(),
            memory_mib,
        }
    }

    /// Everything since the last reset.
    pub fn read(&self) -> Reading {
        let state = self.lock();
        let call = |(kind, usage): (&Kind, &Usage)| CallLine {
            kind: kind.clone(),
            usage: *usage,
        };
        let run = |(cause, runs): (&Cause, &Runs)| RunLine {
            cause: cause.clone(),
            runs: *runs,
        };
        Reading {
            calls: state.calls.iter().map(call).collect(),
            invocations: state.runs.iter().map(run).collect(),
            log_bytes: state.log_bytes.clone(),
            memory_mib: self.memory_mib.clone(),
        }
    }

    /// Back to zero. Invocations that still run count from here on.
    pub fn reset(&self) {
        let mut state = self.lock();
        state.calls.clear();
        state.runs.clear();
        state.log_bytes.clear();
    }

    /// An invocation is about to begin under this trace id.
    pub(crate) fn begin(&self, trace: &str, cause: Cause) {
        let mut state = self.lock();
        if state.order.len() == KEPT_TRACES
            && let Some(oldest) = state.order.pop_front()
        {
            state.traces.remove(&oldest);
        }
        state.order.push_back(trace.to_owned());
        state.traces.insert(trace.to_owned(), cause);
    }

    /// An invocation has ended, however it did.
    pub(crate) fn end(&self, cause: Cause, milliseconds: u64) {
        let mut state = self.lock();
        let runs = state.runs.entry(cause).or_default();
        runs.invocations += 1;
        runs.milliseconds += milliseconds;
    }

    /// A function has written a line.
    pub(crate) fn logged(&self, function: &str, bytes: usize) {
        let bytes = u64::try_from(bytes)
            .unwrap_or(u64::MAX)
            .saturating_add(LOG_EVENT_BYTES);
        let mut state = self.lock();
        *state.log_bytes.entry(function.to_owned()).or_default() += bytes;
    }

    /// Requests that a trigger itself makes: a queue that is read for a function.
    pub(crate) fn polled(&self, cause: Cause, operation: &str, queue: &str) {
        let kind = Kind {
            cause,
            service: "sqs",
            operation: operation.to_owned(),
            resource: queue.to_owned(),
        };
        self.lock().calls.entry(kind).or_default().requests += 1;
    }

    /// A request of `function` was answered.
    pub(crate) fn charge(
        &self,
        function: &str,
        headers: &HeaderMap,
        service: &'static str,
        operation: &str,
        charges: Vec<Charge>,
    ) {
        let mut state = self.lock();
        let cause = trace_of(headers)
            .and_then(|trace| state.traces.get(trace).cloned())
            .unwrap_or_else(|| Cause {
                function: function.to_owned(),
                trigger: "-".to_owned(),
            });
        for charge in charges {
            let kind = Kind {
                cause: cause.clone(),
                service,
                operation: operation.to_owned(),
                resource: charge.resource,
            };
            let usage = state.calls.entry(kind).or_default();
            usage.requests += u64::from(charge.counts);
            usage.failed_conditions += u64::from(charge.failed_condition);
            usage.read_units += charge.read_units;
            usage.write_units += charge.write_units;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A new trace id in the form that Lambda hands to a function.
pub(crate) fn new_trace() -> String {
    let seconds = crate::clock::wall_ms() / 1000;
    format!("Root=1-{seconds:08x}-{}", crate::ids::random_hex(12))
}

fn trace_of(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get("x-amzn-trace-id")?.to_str().ok()?;
    value.split(';').find(|part| part.starts_with("Root="))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn cause(trigger: &str) -> Cause {
        Cause {
            function: "inbound".to_owned(),
            trigger: trigger.to_owned(),
        }
    }

    fn charge(resource: &str, write_units: f64) -> Charge {
        Charge {
            resource: resource.to_owned(),
            counts: true,
            failed_condition: false,
            read_units: 0.0,
            write_units,
        }
    }

    #[test]
    fn calls_are_charged_to_the_invocation_whose_trace_they_carry() {
        let meter = Meter::default();
        let trace = new_trace();
        meter.begin(&trace, cause("POST /a"));
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-trace-id", format!("{trace};Sampled=0").parse().unwrap());
        meter.charge("inbound", &headers, "dynamodb", "PutItem", vec![charge("T", 1.0)]);
        meter.charge("inbound", &headers, "dynamodb", "PutItem", vec![charge("T", 2.0)]);
        meter.charge(
            "reply",
            &HeaderMap::new(),
            "dynamodb",
            "PutItem",
            vec![charge("T", 4.0)],
        );
        let reading = meter.read();
        assert_eq!(reading.units(|kind| kind.cause.trigger == "POST /a"), (0.0, 3.0));
        assert_eq!(reading.units(|kind| kind.cause.trigger == "-"), (0.0, 4.0));
        assert_eq!(reading.requests(|kind| kind.service == "dynamodb"), 3);
        meter.reset();
        assert_eq!(meter.read(), Reading::default());
    }

    #[test]
    fn a_long_life_keeps_a_bounded_number_of_traces() {
        let meter = Meter::default();
        for number in 0..KEPT_TRACES + 5 {
            meter.begin(&format!("Root={number}"), cause("-"));
        }
        let state = meter.lock();
        assert_eq!(
            (state.traces.len(), state.order.len()),
            (KEPT_TRACES, KEPT_TRACES)
        );
        assert!(!state.traces.contains_key("Root=0"));
    }
}
