//! The properties that are understood. Unknown members are refused by `deny_unknown_fields`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Queue, QueueSource, Raw, Route, StreamSource, Table, TemplateError};
use crate::filters::Pattern;

/// A property that has a meaning in the cloud and none on one machine: accepted, not looked at.
pub(super) type CloudOnly = Option<Value>;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "cloud-only properties are accepted, not read")]
pub(super) struct TableProperties {
    billing_mode: String,
    attribute_definitions: Value,
    key_schema: Value,
    #[serde(default)]
    global_secondary_indexes: Option<Value>,
    #[serde(default)]
    stream_specification: Option<StreamSpecification>,
    #[serde(default)]
    time_to_live_specification: Option<TimeToLive>,
    #[serde(default)]
    point_in_time_recovery_specification: Option<Recovery>,
    #[serde(rename = "SSESpecification")]
    sse_specification: CloudOnly,
    deletion_protection_enabled: CloudOnly,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Recovery {
    point_in_time_recovery_enabled: bool,
    /// What AWS takes where nothing is said.
    #[serde(default = "longest_recovery")]
    recovery_period_in_days: u32,
}

fn longest_recovery() -> u32 {
    35
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StreamSpecification {
    stream_view_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TimeToLive {
    attribute_name: String,
    enabled: bool,
}

impl TableProperties {
    pub(super) fn into_table(self, id: &str) -> Result<Table, TemplateError> {
        if self.billing_mode != "PAY_PER_REQUEST" {
            return Err(TemplateError::new(
                id,
                "only BillingMode PAY_PER_REQUEST is supported",
            ));
        }
        let mut create = json!({
            "TableName": id,
            "BillingMode": self.billing_mode,
            "AttributeDefinitions": self.attribute_definitions,
            "KeySchema": self.key_schema,
        });
        if let Some(object) = create.as_object_mut() {
            if let Some(indexes) = self.global_secondary_indexes {
                object.insert("GlobalSecondaryIndexes".to_owned(), indexes);
            }
            if let Some(stream) = self.stream_specification {
                let specification = json!({"StreamEnabled": true, "StreamViewType": stream.stream_view_type});
                object.insert("StreamSpecification".to_owned(), specification);
            }
        }
        let ttl = self
            .time_to_live_specification
            .filter(|t| t.enabled)
            .map(|t| t.attribute_name);
        let recovery_days = self
            .point_in_time_recovery_specification
            .filter(|recovery| recovery.point_in_time_recovery_enabled)
            .map(|recovery| recovery.recovery_period_in_days);
        Ok(Table {
            name: id.to_owned(),
            create,
            ttl_attribute: ttl,
            recovery_days,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "cloud-only properties are accepted, not read")]
pub(super) struct QueueProperties {
    #[serde(default)]
    fifo_queue: bool,
    #[serde(default)]
    delay_seconds: u64,
    #[serde(default = "thirty_seconds")]
    visibility_timeout: u64,
    #[serde(default = "four_days")]
    message_retention_period: u64,
    sqs_managed_sse_enabled: CloudOnly,
    #[serde(default)]
    redrive_policy: Option<RedrivePolicy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RedrivePolicy {
    dead_letter_target_arn: String,
    max_receive_count: u32,
}

fn thirty_seconds() -> u64 {
    30
}

fn four_days() -> u64 {
    345_600
}

impl QueueProperties {
    pub(super) fn into_queue(self, id: &str, raw: &Raw) -> Result<Queue, TemplateError> {
        let dead_letters = match self.redrive_policy {
            Some(policy) => {
                let name = last(&policy.dead_letter_target_arn, ':', id)?;
                Some((name, policy.max_receive_count))
            }
            None => None,
        };
        Ok(Queue {
            name: raw.queue_name(id),
            fifo: self.fifo_queue,
            delay: Duration::from_secs(self.delay_seconds),
            visibility: Duration::from_secs(self.visibility_timeout),
            retention: Duration::from_secs(self.message_retention_period),
            dead_letters,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "cloud-only properties are accepted, not read")]
pub(super) struct FunctionProperties {
    code_uri: String,
    pub(super) role: Option<String>,
    pub(super) timeout: Option<u64>,
    pub(super) memory_size: Option<u32>,
    pub(super) environment: Option<Environment>,
    pub(super) events: Option<BTreeMap<String, Value>>,
    description: CloudOnly,
    runtime: CloudOnly,
    architectures: CloudOnly,
    handler: CloudOnly,
    logging_config: CloudOnly,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Environment {
    pub(super) variables: BTreeMap<String, String>,
}

impl FunctionProperties {
    /// The binary's name, from `CodeUri: target/lambda/<name>/`.
    pub(super) fn name(&self, id: &str) -> Result<String, TemplateError> {
        let name = self
            .code_uri
            .strip_prefix("target/lambda/")
            .map(|rest| rest.trim_end_matches('/'));
        match name {
            Some(name) if !name.is_empty() && !name.contains('/') => Ok(name.to_owned()),
            _ => Err(TemplateError::new(
                id,
                format!("CodeUri {} is not target/lambda/<name>/", self.code_uri),
            )),
        }
    }
}

#[derive(Deserialize)]
#[serde(tag = "Type", content = "Properties")]
pub(super) enum EventProperties {
    #[serde(rename = "HttpApi")]
    HttpApi(HttpEvent),
    #[serde(rename = "DynamoDB")]
    DynamoDb(StreamEvent),
    #[serde(rename = "SQS")]
    Sqs(QueueEvent),
    #[serde(rename = "ScheduleV2")]
    Schedule(super::schedule::ScheduleEvent),
    #[serde(rename = "EventBridgeRule")]
    Rule(super::mail::RuleEvent),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "there is one API")]
pub(super) struct HttpEvent {
    api_id: String,
    method: String,
    path: String,
}

impl HttpEvent {
    pub(super) fn into_route(self) -> Route {
        Route {
            method: self.method.to_uppercase(),
            path: self.path,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct StreamEvent {
    stream: String,
    starting_position: String,
    #[serde(default)]
    batch_size: Option<usize>,
    #[serde(default)]
    bisect_batch_on_function_error: bool,
    #[serde(default)]
    maximum_retry_attempts: Option<i64>,
    #[serde(default)]
    maximum_record_age_in_seconds: Option<i64>,
    #[serde(default)]
    function_response_types: Vec<String>,
    #[serde(default)]
    destination_config: Option<DestinationConfig>,
    #[serde(default)]
    filter_criteria: Option<FilterCriteria>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DestinationConfig {
    on_failure: OnFailure,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OnFailure {
    #[serde(rename = "Type")]
    kind: String,
    destination: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FilterCriteria {
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    pattern: String,
}

impl StreamEvent {
    pub(super) fn into_source(self, place: &str) -> Result<StreamSource, TemplateError> {
        if self.starting_position != "TRIM_HORIZON" {
            return Err(TemplateError::new(
                place,
                "only StartingPosition TRIM_HORIZON loses nothing",
            ));
        }
        let table = self
            .stream
            .split_once(":table/")
            .and_then(|(_, rest)| rest.split_once("/stream/"))
            .map(|(table, _)| table.to_owned())
            .ok_or_else(|| TemplateError::new(place, format!("{} is no stream", self.stream)))?;
        let on_failure = match self.destination_config {
            Some(config) if config.on_failure.kind == "SQS" => {
                Some(last(&config.on_failure.destination, ':', place)?)
            }
            Some(_) => return Err(TemplateError::new(place, "only SQS is supported as OnFailure")),
            None => None,
        };
        let filters = self
            .filter_criteria
            .map(|criteria| criteria.filters)
            .unwrap_or_default();
        Ok(StreamSource {
            table,
            batch_size: self.batch_size.unwrap_or(100),
            filters: filters
                .iter()
                .map(|filter| Pattern::parse(&filter.pattern))
                .collect::<Result<_, _>>()
                .map_err(|e| TemplateError::new(place, e))?,
            bisect: self.bisect_batch_on_function_error,
            report_failures: reports(&self.function_response_types, place)?,
            max_retries: self.maximum_retry_attempts.and_then(|n| u32::try_from(n).ok()),
            max_age: self
                .maximum_record_age_in_seconds
                .and_then(|n| u64::try_from(n).ok())
                .map(Duration::from_secs),
            on_failure,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct QueueEvent {
    queue: String,
    #[serde(default)]
    batch_size: Option<usize>,
    #[serde(default)]
    function_response_types: Vec<String>,
}

impl QueueEvent {
    pub(super) fn into_source(self, place: &str, raw: &Raw) -> Result<QueueSource, TemplateError> {
        let queue = last(&self.queue, ':', place)?;
        if !raw
            .of_type("AWS::SQS::Queue")
            .any(|id| raw.queue_name(id) == queue)
        {
            return Err(TemplateError::new(place, format!("there is no queue {queue}")));
        }
        let batch_size = self.batch_size.unwrap_or(10);
        if !(1..=10).contains(&batch_size) {
            return Err(TemplateError::new(place, "BatchSize over 10 is not supported"));
        }
        let report_failures = reports(&self.function_response_types, place)?;
        Ok(QueueSource {
            queue,
            batch_size,
            report_failures,
        })
    }
}

fn reports(types: &[String], place: &str) -> Result<bool, TemplateError> {
    match types.iter().find(|t| *t != "ReportBatchItemFailures") {
        Some(other) => Err(TemplateError::new(
            place,
            format!("unknown FunctionResponseTypes {other}"),
        )),
        None => Ok(!types.is_empty()),
    }
}

fn last(arn: &str, separator: char, place: &str) -> Result<String, TemplateError> {
    match arn.rsplit_once(separator) {
        Some((_, name)) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(TemplateError::new(place, format!("{arn} is no ARN"))),
    }
}
