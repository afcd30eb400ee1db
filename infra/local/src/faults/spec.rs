//! What a fault is: where it strikes, what it does, how often. Read from JSON; what makes no sense is
//! refused with the name of the field.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::parse_duration_ms;
use crate::proxy::Service;

/// Where a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Calls to `DynamoDB`.
    DynamoDb,
    /// Calls to SQS.
    Sqs,
    /// Calls to KMS.
    Kms,
    /// Calls to STS.
    Sts,
    /// Calls to S3.
    S3,
    /// Batches of a stream on their way to a function; the operation is the table.
    Stream,
    /// Batches of a queue on their way to a function; the operation is the queue.
    Queue,
    /// Invocations of a function.
    Lambda,
    /// Calls to the played carriers; the operation is the carrier: `meta`, `twilio`, `resend`, `ses`, `anthropic`, `openai`,
    /// `bedrock`.
    Carrier,
}

impl Target {
    const ALL: [Self; 9] = [
        Self::DynamoDb,
        Self::Sqs,
        Self::Kms,
        Self::Sts,
        Self::S3,
        Self::Stream,
        Self::Queue,
        Self::Lambda,
        Self::Carrier,
    ];

    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::Sqs => "sqs",
            Self::Kms => "kms",
            Self::Sts => "sts",
            Self::S3 => "s3",
            Self::Stream => "stream",
            Self::Queue => "queue",
            Self::Lambda => "lambda",
            Self::Carrier => "carrier",
        }
    }

    fn is_service(self) -> bool {
        !matches!(self, Self::Stream | Self::Queue | Self::Lambda | Self::Carrier)
    }
}

impl From<Service> for Target {
    fn from(service: Service) -> Self {
        match service {
            Service::DynamoDb => Self::DynamoDb,
            Service::Sqs => Self::Sqs,
            Service::Kms => Self::Kms,
            Service::Sts => Self::Sts,
            Service::S3 => Self::S3,
        }
    }
}

/// What a fault does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The service says that it is asked too often. Nothing is applied.
    Throttle,
    /// The service says that it failed. Nothing is applied.
    Internal,
    /// The request hangs and is never applied.
    Timeout,
    /// The request is applied, and its answer hangs.
    TimeoutAfter,
    /// The request is applied, and the connection closes instead of the answer.
    DropResponse,
    /// The service denies the request.
    Denied,
    /// The KMS key waits for its deletion.
    PendingDeletion,
    /// A part of a batch comes back unprocessed.
    Unprocessed,
    /// Another transaction works on the same items.
    Conflict,
    /// An eventually consistent read answers from before the last write.
    Stale,
    /// A batch comes later.
    Late,
    /// A batch, a message or an invocation comes twice.
    Duplicate,
    /// A batch of a stream comes in another order, but for the records of one item.
    Reorder,
    /// The function's processes die: at a call before it is applied, or at an invocation before it answers.
    Kill,
    /// The function's processes die at a call that has been applied.
    KillAfter,
    /// A provider of language models says that what may be spent is spent.
    SpendLimit,
    /// A provider of language models has too much to do.
    Overloaded,
    /// A model says something else than it was asked to.
    Garbage,
    /// A model declines.
    Refusal,
    /// A model's answer breaks off.
    Truncated,
    /// A model does what an attacker told it.
    Hostile,
}

impl Kind {
    const ALL: [Self; 21] = [
        Self::Throttle,
        Self::Internal,
        Self::Timeout,
        Self::TimeoutAfter,
        Self::DropResponse,
        Self::Denied,
        Self::PendingDeletion,
        Self::Unprocessed,
        Self::Conflict,
        Self::Stale,
        Self::Late,
        Self::Duplicate,
        Self::Reorder,
        Self::Kill,
        Self::KillAfter,
        Self::SpendLimit,
        Self::Overloaded,
        Self::Garbage,
        Self::Refusal,
        Self::Truncated,
        Self::Hostile,
    ];

    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::Internal => "500",
            Self::Timeout => "timeout",
            Self::TimeoutAfter => "timeout-after",
            Self::DropResponse => "drop-response",
            Self::Denied => "denied",
            Self::PendingDeletion => "pending-deletion",
            Self::Unprocessed => "unprocessed",
            Self::Conflict => "conflict",
            Self::Stale => "stale",
            Self::Late => "late",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::Kill => "kill",
            Self::KillAfter => "kill-after",
            Self::SpendLimit => "spend-limit",
            Self::Overloaded => "overloaded",
            Self::Garbage => "garbage",
            Self::Refusal => "refusal",
            Self::Truncated => "truncated",
            Self::Hostile => "hostile",
        }
    }

    fn strikes(self, target: Target) -> bool {
        match self {
            Self::Throttle | Self::Internal | Self::Timeout | Self::TimeoutAfter | Self::DropResponse => {
                target.is_service() || target == Target::Carrier
            }
            Self::Denied | Self::KillAfter => target.is_service(),
            Self::Kill => target.is_service() || target == Target::Lambda,
            Self::PendingDeletion => target == Target::Kms,
            Self::Unprocessed | Self::Conflict | Self::Stale => target == Target::DynamoDb,
            Self::Late => matches!(target, Target::Stream | Target::Queue | Target::Carrier),
            Self::Duplicate => matches!(target, Target::Stream | Target::Queue | Target::Lambda),
            Self::Reorder => target == Target::Stream,
            Self::SpendLimit
            | Self::Overloaded
            | Self::Garbage
            | Self::Refusal
            | Self::Truncated
            | Self::Hostile => target == Target::Carrier,
        }
    }

    /// Whether only a provider of language models does it.
    pub(crate) fn is_a_models(self) -> bool {
        matches!(
            self,
            Self::SpendLimit
                | Self::Overloaded
                | Self::Garbage
                | Self::Refusal
                | Self::Truncated
                | Self::Hostile
        )
    }

    /// The operations it can strike, where not all.
    fn operations(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Unprocessed => Some(&["BatchWriteItem", "BatchGetItem"]),
            Self::Conflict => Some(&["TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem"]),
            Self::Stale => Some(&["GetItem", "Query"]),
            _ => None,
        }
    }

    pub(super) fn fits_operation(self, operation: &str) -> bool {
        self.operations().is_none_or(|known| known.contains(&operation))
    }

    /// How long it lasts when nothing else is said.
    fn delay(self) -> Duration {
        match self {
            // Longer than the SDK waits for one attempt.
            Self::Timeout | Self::TimeoutAfter => Duration::from_secs(5),
            Self::Stale | Self::Late => Duration::from_secs(1),
            _ => Duration::ZERO,
        }
    }

    fn has_delay(self) -> bool {
        !self.delay().is_zero() || self == Self::Duplicate
    }
}

/// A fault to come.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Where it strikes.
    pub target: Target,
    /// Operation, table or queue; any when absent.
    pub operation: Option<String>,
    /// What it does.
    pub kind: Kind,
    /// Function that it strikes; any but the operator when absent.
    pub function: Option<String>,
    /// How often it strikes; for ever when absent.
    pub count: Option<u32>,
    /// How many that it could strike it lets pass first.
    pub skip: u32,
    /// How likely it strikes each; certainly when absent.
    pub probability: Option<f64>,
    /// Seed of the draws.
    pub seed: u64,
    /// How long a timeout hangs, how late a batch comes, how old what a stale read gives may be.
    pub delay: Duration,
}

/// What is wrong with a fault, and in which field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidFault {
    /// The field.
    pub field: &'static str,
    /// The problem.
    pub problem: String,
}

fn invalid(field: &'static str, problem: impl Into<String>) -> InvalidFault {
    InvalidFault {
        field,
        problem: problem.into(),
    }
}

/// A fault as it stands in a body, before anything is known of it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    service: String,
    kind: String,
    operation: Option<String>,
    function: Option<String>,
    count: Option<u32>,
    skip: Option<u32>,
    probability: Option<f64>,
    seed: Option<u64>,
    delay: Option<String>,
}

impl Wanted {
    /// The lag of TTL that is asked for instead of a fault.
    pub fn ttl_lag(&self) -> Option<Result<Duration, InvalidFault>> {
        if self.kind != "ttl-lag" {
            return None;
        }
        Some(if self.service == "dynamodb" {
            let week = Duration::from_hours(7 * 24);
            let lag = self.delay.as_deref().map_or(Ok(week), duration);
            lag.and_then(|lag| {
                let too_long = || invalid("delay", "TTL lags behind by 7d at most");
                (lag <= week).then_some(lag).ok_or_else(too_long)
            })
        } else {
            Err(invalid("service", "ttl-lag is dynamodb's"))
        })
    }

    /// Checks it. `functions`, `tables` and `queues` are those that there are.
    pub fn check(self, functions: &[&str], tables: &[&str], queues: &[&str]) -> Result<Fault, InvalidFault> {
        let target = Target::ALL
            .into_iter()
            .find(|target| target.name() == self.service)
            .ok_or_else(|| invalid("service", one_of(Target::ALL.map(Target::name))))?;
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| kind.name() == self.kind)
            .ok_or_else(|| invalid("kind", one_of(Kind::ALL.map(Kind::name)) + ", ttl-lag"))?;
        if !kind.strikes(target) {
            let kinds = Kind::ALL.into_iter().filter(|kind| kind.strikes(target));
            let known: Vec<_> = kinds.map(Kind::name).collect();
            return Err(invalid(
                "kind",
                format!("{} knows {}", target.name(), known.join(", ")),
            ));
        }
        if let Some(operation) = &self.operation {
            let known = match target {
                Target::Stream => Some(tables),
                Target::Queue => Some(queues),
                Target::Lambda => {
                    return Err(invalid("operation", "an invocation has none; name a function"));
                }
                _ => kind.operations(),
            };
            if let Some(known) = known.filter(|known| !known.contains(&operation.as_str())) {
                return Err(invalid("operation", one_of(known.iter().copied())));
            }
        }
        if let Some(function) = &self.function
            && function != super::OPERATOR
            && !functions.contains(&function.as_str())
        {
            return Err(invalid("function", one_of(functions.iter().copied())));
        }
        if self.count == Some(0) {
            return Err(invalid("count", "at least 1"));
        }
        if self.probability.is_some_and(|p| !(p > 0.0 && p <= 1.0)) {
            return Err(invalid("probability", "greater than 0 and at most 1"));
        }
        if self.seed.is_some() && self.probability.is_none() {
            return Err(invalid("seed", "only with a probability"));
        }
        if self.delay.is_some() && !kind.has_delay() {
            return Err(invalid("delay", format!("{} has none", kind.name())));
        }
        let delay = match &self.delay {
            None => kind.delay(),
            Some(text) => duration(text)?,
        };
        Ok(Fault {
            target,
            operation: self.operation,
            kind,
            function: self.function,
            // Once, unless a likelihood says how often.
            count: self.count.or(self.probability.is_none().then_some(1)),
            skip: self.skip.unwrap_or(0),
            probability: self.probability,
            seed: self.seed.unwrap_or(0),
            delay,
        })
    }
}

impl Fault {
    /// As JSON.
    pub fn describe(&self) -> Value {
        json!({
            "service": self.target.name(),
            "operation": self.operation,
            "kind": self.kind.name(),
            "function": self.function,
            "skip": self.skip,
            "probability": self.probability,
            "seed": self.seed,
            "delay_ms": u64::try_from(self.delay.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// `300ms`, or what the clock understands.
fn duration(text: &str) -> Result<Duration, InvalidFault> {
    let milliseconds = text.strip_suffix("ms").and_then(|number| number.parse().ok());
    let parsed = milliseconds
        .filter(|ms| *ms > 0)
        .or_else(|| parse_duration_ms(text).and_then(|ms| u64::try_from(ms).ok()));
    parsed
        .map(Duration::from_millis)
        .ok_or_else(|| invalid("delay", "a duration such as 300ms, 5s, 2m or 3d"))
}

fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().collect();
    format!("one of {}", names.join(", "))
}

#[cfg(test)]
mod tests;
