//! YAML with `CloudFormation` tags, and the resolution of `Ref`, `GetAtt` and `Sub` to local names.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{ACCOUNT, REGION, TemplateError};

/// Types that the local stack builds.
const BUILT: [&str; 6] = [
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::Serverless::Function",
    "AWS::Serverless::HttpApi",
];
/// Types that make nothing on one machine; roles and policies are read as permissions.
const WITHOUT_LOCAL_EFFECT: [&str; 12] = [
    "AWS::CloudWatch::Alarm",
    "AWS::IAM::Role",
    "AWS::IAM::RolePolicy",
    "AWS::KMS::Alias",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::S3::BucketPolicy",
    "AWS::SES::ConfigurationSet",
    "AWS::SES::ConfigurationSetEventDestination",
    "AWS::SES::EmailIdentity",
    "AWS::SES::ReceiptRule",
    "AWS::SES::ReceiptRuleSet",
];

/// What a template's references stand for here.
#[derive(Debug, Clone)]
pub struct Names {
    /// Values of parameters without a default, or instead of it.
    pub parameters: BTreeMap<String, String>,
    /// Where SQS listens; queue URLs start with it.
    pub queue_base_url: String,
    /// ARNs of KMS keys by logical id.
    pub key_arns: BTreeMap<String, String>,
}

/// A parsed template, references not yet resolved.
#[derive(Debug, Clone)]
pub struct Raw {
    resources: Map<String, Value>,
    parameters: Map<String, Value>,
    conditions: Map<String, Value>,
    function_globals: Map<String, Value>,
}

impl Raw {
    /// Parses the text. Errors carry the line.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let yaml: serde_norway::Value =
            serde_norway::from_str(text).map_err(|e| TemplateError::new("template.yaml", e.to_string()))?;
        let document = to_json(yaml, "template.yaml")?;
        let section = |name: &str| {
            document
                .get(name)
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default()
        };
        let resources = section("Resources");
        if resources.is_empty() {
            return Err(TemplateError::new("template.yaml", "has no Resources"));
        }
        let globals = section("Globals");
        if let Some(other) = globals.keys().find(|key| *key != "Function") {
            return Err(TemplateError::new(
                format!("Globals.{other}"),
                "only Function is known here",
            ));
        }
        let function_globals = globals
            .get("Function")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        Ok(Self {
            resources,
            parameters: section("Parameters"),
            conditions: section("Conditions"),
            function_globals,
        })
    }

    /// Logical ids of all resources of one type, in alphabetical order.
    pub fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        self.resources
            .iter()
            .filter(move |(id, _)| self.type_of(id) == Some(kind))
            .map(|(id, _)| id.as_str())
    }

    fn type_of(&self, id: &str) -> Option<&str> {
        self.resources.get(id)?.get("Type")?.as_str()
    }

    /// Refuses resources of unknown types, and conditional ones.
    pub(super) fn check_types(&self) -> Result<(), TemplateError> {
        for (id, resource) in &self.resources {
            let kind = self
                .type_of(id)
                .ok_or_else(|| TemplateError::new(id, "has no Type"))?;
            if !BUILT.contains(&kind) && !WITHOUT_LOCAL_EFFECT.contains(&kind) {
                return Err(TemplateError::new(
                    id,
                    format!("type {kind} is not known to the local stack"),
                ));
            }
            if BUILT.contains(&kind) && resource.get("Condition").is_some() {
                return Err(TemplateError::new(
                    id,
                    "conditional resources are not supported locally",
                ));
            }
        }
        Ok(())
    }

    /// Whether a resource is made: it has no condition, or one that holds.
    pub(crate) fn is_made(&self, id: &str, names: &Names) -> Result<bool, TemplateError> {
        let condition = self.resources.get(id).and_then(|r| r.get("Condition"));
        let Some(name) = condition.and_then(Value::as_str) else {
            return Ok(true);
        };
        let condition = self
            .conditions
            .get(name)
            .ok_or_else(|| TemplateError::new(id, format!("condition {name} is not there")))?;
        self.holds(condition, names, name)
    }

    fn holds(&self, condition: &Value, names: &Names, place: &str) -> Result<bool, TemplateError> {
        let unknown = || TemplateError::new(place, "a condition that the local stack does not know");
        let (name, argument) = condition.as_object().and_then(single).ok_or_else(unknown)?;
        match (name, argument.as_array().map(Vec::as_slice)) {
            ("Fn::Not", Some([other])) => Ok(!self.holds(other, names, place)?),
            ("Fn::Equals", Some([one, other])) => {
                Ok(self.text(one, names, place)? == self.text(other, names, place)?)
            }
            _ => Err(unknown()),
        }
    }

    /// A text, or several joined.
    fn text(&self, value: &Value, names: &Names, place: &str) -> Result<String, TemplateError> {
        let joined = value
            .as_object()
            .and_then(single)
            .filter(|(name, _)| *name == "Fn::Join");
        let joined = joined.and_then(|(_, argument)| argument.as_array());
        let text = match joined.map(Vec::as_slice) {
            // A list of a parameter is its text here, commas and all.
            Some([_, list]) => self.resolve(list, names, place)?,
            _ => self.resolve(value, names, place)?,
        };
        let text = text.as_str().map(ToOwned::to_owned);
        text.ok_or_else(|| TemplateError::new(place, "a condition compares what is no text"))
    }

    /// Properties of a resource, globals merged in, references resolved, read into `T`.
    pub(crate) fn properties<T: DeserializeOwned>(
        &self,
        id: &str,
        names: &Names,
    ) -> Result<T, TemplateError> {
        let mut properties = self
            .resources
            .get(id)
            .and_then(|r| r.get("Properties"))
            .cloned()
            .unwrap_or_else(|| json!({}));
        if self.type_of(id) == Some("AWS::Serverless::Function") {
            let mut merged = Value::Object(self.function_globals.clone());
            merge(&mut merged, properties);
            properties = merged;
        }
        let resolved = self.resolve(&properties, names, id)?;
        serde_json::from_value(resolved).map_err(|e| TemplateError::new(id, e.to_string()))
    }

    /// Replaces intrinsic functions in `value` by what they stand for.
    fn resolve(&self, value: &Value, names: &Names, place: &str) -> Result<Value, TemplateError> {
        match value {
            Value::Object(members) => {
                if let Some((name, argument)) = single(members)
                    && (name == "Ref" || name.starts_with("Fn::"))
                {
                    return self.intrinsic(name, argument, names, place);
                }
                let mut resolved = Map::new();
                for (name, member) in members {
                    let member = self.resolve(member, names, &format!("{place}.{name}"))?;
                    if !member.is_null() {
                        resolved.insert(name.clone(), member);
                    }
                }
                Ok(Value::Object(resolved))
            }
            Value::Array(values) => values
                .iter()
                .enumerate()
                .map(|(i, v)| self.resolve(v, names, &format!("{place}[{i}]")))
                .collect::<Result<_, _>>()
                .map(Value::Array),
            other => Ok(other.clone()),
        }
    }

    fn intrinsic(
        &self,
        name: &str,
        argument: &Value,
        names: &Names,
        place: &str,
    ) -> Result<Value, TemplateError> {
        let unresolved = |what: &str| TemplateError::new(place, format!("cannot resolve {what}"));
        match (name, argument) {
            ("Ref", Value::String(target)) if target == "AWS::NoValue" => Ok(Value::Null),
            ("Ref", Value::String(target)) => self
                .reference(target, names)
                .map(Value::String)
                .ok_or_else(|| unresolved(target)),
            ("Fn::GetAtt", Value::String(path)) => self
                .attribute(path, names)
                .map(Value::String)
                .ok_or_else(|| unresolved(path)),
            ("Fn::GetAtt", Value::Array(parts)) => {
                let path = parts
                    .iter()
                    .filter_map(Value::as_str)
                    .collect::<Vec<_>>()
                    .join(".");
                self.attribute(&path, names)
                    .map(Value::String)
                    .ok_or_else(|| unresolved(&path))
            }
            ("Fn::Sub", Value::String(text)) => self.substitute(text, names, place).map(Value::String),
            _ => Err(TemplateError::new(
                place,
                format!("{name} {argument} is not supported locally"),
            )),
        }
    }

    fn substitute(&self, text: &str, names: &Names, place: &str) -> Result<String, TemplateError> {
        let mut output = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            output.push_str(before);
            let (variable, tail) = after
                .split_once('}')
                .ok_or_else(|| TemplateError::new(place, format!("unclosed ${{ in {text}")))?;
            if let Some(literal) = variable.strip_prefix('!') {
                output.extend(["${", literal, "}"]);
            } else {
                let value = self
                    .reference(variable, names)
                    .or_else(|| self.attribute(variable, names));
                let problem = || TemplateError::new(place, format!("cannot resolve {variable}"));
                output.push_str(&value.ok_or_else(problem)?);
            }
            rest = tail;
        }
        output.push_str(rest);
        Ok(output)
    }

    /// What `Ref` gives.
    fn reference(&self, target: &str, names: &Names) -> Option<String> {
        if let Some(pseudo) = target.strip_prefix("AWS::") {
            let value = match pseudo {
                "Region" => REGION,
                "AccountId" => ACCOUNT,
                "Partition" => "aws",
                "StackName" => "usher-local",
                "URLSuffix" => "amazonaws.com",
                _ => return None,
            };
            return Some(value.to_owned());
        }
        if let Some(parameter) = self.parameters.get(target) {
            let default = || {
                parameter
                    .get("Default")
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            };
            return names.parameters.get(target).cloned().or_else(default);
        }
        match self.type_of(target)? {
            "AWS::SQS::Queue" => Some(format!(
                "{}/{ACCOUNT}/{}",
                names.queue_base_url,
                self.queue_name(target)
            )),
            "AWS::S3::Bucket" => Some(bucket_name(target)),
            "AWS::KMS::Key" => names.key_arns.get(target)?.rsplit('/').next().map(str::to_owned),
            _ => Some(target.to_owned()),
        }
    }

    /// What `GetAtt` gives.
    pub(crate) fn attribute(&self, path: &str, names: &Names) -> Option<String> {
        let (id, attribute) = path.split_once('.')?;
        match (self.type_of(id)?, attribute) {
            ("AWS::DynamoDB::Table", "Arn") => Some(table_arn(id)),
            ("AWS::DynamoDB::Table", "StreamArn") => Some(stream_arn(id)),
            ("AWS::SQS::Queue", "Arn") => Some(queue_arn(&self.queue_name(id))),
            ("AWS::SQS::Queue", "QueueName") => Some(self.queue_name(id)),
            ("AWS::KMS::Key", "Arn") => names.key_arns.get(id).cloned(),
            ("AWS::IAM::Role", "Arn") => Some(role_arn(id)),
            ("AWS::S3::Bucket", "Arn") => Some(bucket_arn(&bucket_name(id))),
            ("AWS::Logs::LogGroup", "Arn") => {
                Some(format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{id}:*"))
            }
            ("AWS::Serverless::Function", "Arn") => Some(function_arn(id)),
            _ => None,
        }
    }

    /// A queue's name: its logical id, with the suffix that FIFO queues must have.
    pub(super) fn queue_name(&self, id: &str) -> String {
        let fifo = self
            .resources
            .get(id)
            .and_then(|r| r.pointer("/Properties/FifoQueue"))
            == Some(&json!(true));
        if fifo { format!("{id}.fifo") } else { id.to_owned() }
    }
}

/// ARN of a table.
pub(crate) fn table_arn(name: &str) -> String {
    format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}")
}

/// ARN of a table's stream; the label never changes locally.
pub(crate) fn stream_arn(table: &str) -> String {
    format!("{}/stream/2026-01-01T00:00:00.000", table_arn(table))
}

/// ARN of a queue.
pub(crate) fn queue_arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

/// ARN of a bucket.
pub(crate) fn bucket_arn(name: &str) -> String {
    format!("arn:aws:s3:::{name}")
}

/// ARN of a function.
pub(crate) fn function_arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
}

/// ARN of a role.
pub(crate) fn role_arn(id: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{id}")
}

/// A bucket's name.
pub(crate) fn bucket_name(id: &str) -> String {
    id.to_lowercase()
}

/// The only member of an object.
fn single(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut all = members.iter();
    all.next()
        .filter(|_| members.len() == 1)
        .map(|(name, value)| (name.as_str(), value))
}

/// Lays `over` on `base`: objects member by member, anything else replaced.
fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (name, value) in over {
                merge(base.entry(name).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

/// YAML to JSON; `!Tag x` becomes the long form.
fn to_json(yaml: serde_norway::Value, place: &str) -> Result<Value, TemplateError> {
    use serde_norway::Value as Yaml;
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => Value::Bool(flag),
        Yaml::Number(number) => serde_json::to_value(number).unwrap_or(Value::Null),
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => items
            .into_iter()
            .map(|i| to_json(i, place))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array)?,
        Yaml::Mapping(members) => {
            let mut object = Map::new();
            for (key, member) in members {
                let Yaml::String(key) = key else {
                    return Err(TemplateError::new(place, "a key is not text"));
                };
                let member = to_json(member, &format!("{place}.{key}"))?;
                object.insert(key, member);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                "Ref" => "Ref".to_owned(),
                "Condition" => "Condition".to_owned(),
                other => format!("Fn::{other}"),
            };
            json!({ name: to_json(tagged.value, place)? })
        }
    })
}
