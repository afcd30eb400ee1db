//! Reads `template.yaml` into what the stack is built from. Everything the template says about tables,
//! queues, keys, buckets, functions and their events is either understood or refused by name: nothing is
//! silently left out, or the local stack would promise more than a deployment keeps.

mod mail;
mod properties;
pub(crate) mod raw;
mod schedule;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

pub use self::mail::MailRule;
use self::properties::{EventProperties, FunctionProperties, QueueProperties, TableProperties};
pub use self::raw::{Names, Raw};
use crate::filters::Pattern;

/// Account id used in local ARNs.
pub const ACCOUNT: &str = "123456789012";
/// Region used in local ARNs and signatures.
pub const REGION: &str = "us-east-1";

/// Why the template cannot be used: where, and what.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct TemplateError {
    /// Resource, property path or line.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

impl TemplateError {
    pub(crate) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
        }
    }
}

/// A table, with the request that creates it.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name, which locally is its logical id.
    pub name: String,
    /// Body of `CreateTable`.
    pub create: Value,
    /// Attribute that holds the time to live, in epoch seconds.
    pub ttl_attribute: Option<String>,
    /// Days of point-in-time recovery; `None` without it.
    pub recovery_days: Option<u32>,
}

/// A queue.
#[derive(Debug, Clone)]
pub struct Queue {
    /// Its name; a FIFO queue's ends in `.fifo`.
    pub name: String,
    /// First in, first out per message group.
    pub fifo: bool,
    /// Delay before a message can be received.
    pub delay: Duration,
    /// How long a received message stays hidden.
    pub visibility: Duration,
    /// How long a message is kept at all.
    pub retention: Duration,
    /// Queue that takes what was received too often, and how often that is.
    pub dead_letters: Option<(String, u32)>,
}

/// One route of the HTTP API.
#[derive(Debug, Clone)]
pub struct Route {
    /// Upper-case method, or `ANY`.
    pub method: String,
    /// Path with `{parameters}`.
    pub path: String,
}

/// A stream read by a function.
#[derive(Debug, Clone)]
pub struct StreamSource {
    /// Table whose stream it is.
    pub table: String,
    /// Records per invocation.
    pub batch_size: usize,
    /// Any of these must match; empty matches all.
    pub filters: Vec<Pattern>,
    /// Split a failing batch in two.
    pub bisect: bool,
    /// Whether the answer names failed records.
    pub report_failures: bool,
    /// Attempts after the first; `None` is for ever.
    pub max_retries: Option<u32>,
    /// Oldest record still tried.
    pub max_age: Option<Duration>,
    /// Queue for what could not be processed.
    pub on_failure: Option<String>,
}

/// A queue read by a function.
#[derive(Debug, Clone)]
pub struct QueueSource {
    /// Queue name.
    pub queue: String,
    /// Messages per invocation.
    pub batch_size: usize,
    /// Whether the answer names failed messages.
    pub report_failures: bool,
}

/// A schedule that runs a function.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Name for the control endpoint: the event's key in lower case.
    pub name: String,
    /// `rate(…)` or `cron(…)`.
    pub expression: crate::schedules::Expression,
    /// What the function receives as its event.
    pub input: String,
    /// Attempts after the first.
    pub max_retries: u32,
}

/// A function with everything that invokes it.
#[derive(Debug, Clone)]
pub struct Function {
    /// Binary and function name: the last part of `CodeUri`.
    pub name: String,
    /// Environment, resolved.
    pub environment: BTreeMap<String, String>,
    /// Time an invocation may take.
    pub timeout: Duration,
    /// Memory in MiB; told to the function, not enforced.
    pub memory_mib: u32,
    /// ARN of its base role.
    pub role: String,
    /// HTTP routes.
    pub routes: Vec<Route>,
    /// Streams.
    pub streams: Vec<StreamSource>,
    /// Queues.
    pub queues: Vec<QueueSource>,
    /// Schedules.
    pub schedules: Vec<Schedule>,
    /// Events of the account's bus that it is told.
    pub events: Vec<Pattern>,
}

/// The whole template, resolved.
#[derive(Debug, Clone)]
pub struct Template {
    /// Tables.
    pub tables: Vec<Table>,
    /// Queues.
    pub queues: Vec<Queue>,
    /// Bucket names.
    pub buckets: Vec<String>,
    /// Functions.
    pub functions: Vec<Function>,
    /// ARNs of every role, by logical id.
    pub roles: BTreeMap<String, String>,
    /// Where mail goes that comes in.
    pub mail: Option<MailRule>,
}

impl Template {
    /// Resolves a parsed template against local names.
    pub fn resolve(raw: &Raw, names: &Names) -> Result<Self, TemplateError> {
        raw.check_types()?;
        let mut template = Self {
            tables: Vec::new(),
            queues: Vec::new(),
            buckets: Vec::new(),
            functions: Vec::new(),
            roles: raw
                .of_type("AWS::IAM::Role")
                .map(|id| (id.to_owned(), raw::role_arn(id)))
                .collect(),
            mail: None,
        };
        let mut functions = Vec::new();
        for id in raw.of_type("AWS::DynamoDB::Table") {
            let properties: TableProperties = raw.properties(id, names)?;
            template.tables.push(properties.into_table(id)?);
        }
        for id in raw.of_type("AWS::SQS::Queue") {
            let properties: QueueProperties = raw.properties(id, names)?;
            template.queues.push(properties.into_queue(id, raw)?);
        }
        for id in raw.of_type("AWS::S3::Bucket") {
            template.buckets.push(raw::bucket_name(id));
        }
        for id in raw.of_type("AWS::Serverless::Function") {
            let properties: FunctionProperties = raw.properties(id, names)?;
            let function = read_function(id, properties, raw)?;
            functions.push((id.to_owned(), function.name.clone()));
            template.functions.push(function);
        }
        template.mail = MailRule::read(raw, names, &functions)?;
        for queue in &template.queues {
            if let Some((target, _)) = &queue.dead_letters
                && !template
                    .queues
                    .iter()
                    .any(|other| other.name == *target && other.fifo == queue.fifo)
            {
                return Err(TemplateError::new(
                    &queue.name,
                    format!("no queue {target} of the same kind"),
                ));
            }
        }
        Ok(template)
    }
}

fn read_function(id: &str, properties: FunctionProperties, raw: &Raw) -> Result<Function, TemplateError> {
    let name = properties.name(id)?;
    let mut function = Function {
        name,
        environment: properties.environment.unwrap_or_default().variables,
        timeout: Duration::from_secs(properties.timeout.unwrap_or(3)),
        memory_mib: properties.memory_size.unwrap_or(128),
        role: properties
            .role
            .ok_or_else(|| TemplateError::new(id, "has no Role of its own"))?,
        routes: Vec::new(),
        streams: Vec::new(),
        queues: Vec::new(),
        schedules: Vec::new(),
        events: Vec::new(),
    };
    for variable in function.environment.keys() {
        if variable == crate::environment::CLOCK_VARIABLE || variable.starts_with("AWS_ENDPOINT_URL") {
            return Err(TemplateError::new(
                id,
                format!("{variable} belongs to the local stack alone"),
            ));
        }
    }
    for (key, event) in properties.events.unwrap_or_default() {
        let place = format!("{id}.Events.{key}");
        let event: EventProperties =
            serde_json::from_value(event).map_err(|e| TemplateError::new(&place, e.to_string()))?;
        match event {
            EventProperties::HttpApi(http) => function.routes.push(http.into_route()),
            EventProperties::DynamoDb(stream) => function.streams.push(stream.into_source(&place)?),
            EventProperties::Sqs(queue) => function.queues.push(queue.into_source(&place, raw)?),
            EventProperties::Rule(rule) => function.events.push(rule.into_pattern(&place)?),
            EventProperties::Schedule(schedule) => {
                function.schedules.push(schedule.into_schedule(&key, &place)?);
            }
        }
    }
    Ok(function)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    pub(crate) fn names() -> Names {
        Names {
            parameters: BTreeMap::from([("PublicBaseUrl".to_owned(), "http://127.0.0.1:1".to_owned())]),
            queue_base_url: "http://127.0.0.1:2".to_owned(),
            key_arns: BTreeMap::from([(
                "SealingKey".to_owned(),
                format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/k-1"),
            )]),
        }
    }

    fn real() -> String {
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml")).unwrap()
    }

    #[test]
    fn the_real_template_is_understood() {
        let template = Template::resolve(&Raw::parse(&real()).unwrap(), &names()).unwrap();
        let table_names: Vec<_> = template.tables.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(table_names, ["InboxTable", "KeysTable", "LedgerTable"]);
        assert!(
            template
                .tables
                .iter()
                .all(|t| t.ttl_attribute.as_deref() == Some("expires_at"))
        );
        let function = |name: &str| template.functions.iter().find(|f| f.name == name).unwrap();
        assert_eq!(function("inbound").routes.len(), 16);
        assert_eq!(function("inbox").routes.len(), 33);
        assert_eq!(function("alerts").routes.len(), 3);
        let dispatch = function("dispatch");
        assert_eq!(dispatch.streams[0].table, "InboxTable");
        assert_eq!(
            dispatch.streams[0].on_failure.as_deref(),
            Some("StreamDeadLetters")
        );
        assert_eq!(dispatch.schedules[0].name, "redrive");
        assert_eq!(dispatch.schedules[0].input, r#"{"schedule":"redrive"}"#);
        assert_eq!(
            dispatch.environment["REPLY_QUEUE_URL"],
            format!("http://127.0.0.1:2/{ACCOUNT}/ReplyQueue.fifo")
        );
        assert_eq!(
            dispatch.environment["TENANT_ROLE_ARN"],
            format!("arn:aws:iam::{ACCOUNT}:role/DispatchTenantRole")
        );
        assert_eq!(dispatch.environment["INBOX_TABLE"], "InboxTable");
        assert_eq!(function("reply").queues[0].queue, "ReplyQueue.fifo");
        let queue = template
            .queues
            .iter()
            .find(|q| q.name == "ReplyQueue.fifo")
            .unwrap();
        assert_eq!(queue.delay, Duration::from_secs(2));
        assert_eq!(queue.dead_letters, Some(("ReplyDeadLetters.fifo".to_owned(), 5)));
        for (function, source) in template
            .functions
            .iter()
            .flat_map(|f| f.queues.iter().map(move |q| (f, q)))
        {
            let queue = template.queues.iter().find(|q| q.name == source.queue).unwrap();
            assert!(queue.visibility >= 6 * function.timeout, "{}", function.name);
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (from, to, expected) in [
            (
                "Type: AWS::KMS::Key",
                "Type: AWS::KMS::Kay",
                "SealingKey: type AWS::KMS::Kay is not known",
            ),
            ("!Ref InboxTable", "!Ref InboxTabel", "InboxTabel"),
            ("DelaySeconds: 2", "DelaySecond: 2", "unknown field `DelaySecond`"),
            ("rate(5 minutes)", "at(2026-01-01T00:00:00)", "rate(…) or cron(…)"),
            (
                r#""k":{"S":["erasure"]}"#,
                r#""k":{"S":[{"suffix":"e"}]}"#,
                "only exact values",
            ),
            (
                "PUBLIC_BASE_URL: !Ref",
                "AWS_ENDPOINT_URL_S3: !Ref",
                "AWS_ENDPOINT_URL_S3",
            ),
            (
                "PUBLIC_BASE_URL: !Ref",
                "USHER_LOCAL_CLOCK: !Ref",
                "USHER_LOCAL_CLOCK",
            ),
            (
                "!GetAtt SealingKey.Arn",
                "!GetAtt SealingKey.Arm",
                "SealingKey.Arm",
            ),
            ("Resources:", "Resources: [", "line"),
        ] {
            let text = real().replace(from, to);
            assert_ne!(text, real(), "{from}");
            let error = Raw::parse(&text)
                .and_then(|raw| Template::resolve(&raw, &names()).map(|_| ()))
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{from}: {error}");
        }
    }
}
