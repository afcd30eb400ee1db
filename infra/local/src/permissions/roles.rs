//! The template's permissions: policies of roles, of buckets and of keys, and which role serves what.

use std::collections::BTreeMap;

use serde_json::Value;

use super::policy::{Kind, Statement, parse};
use crate::template::raw::{bucket_arn, function_arn, role_arn};
use crate::template::{Names, Raw, TemplateError};

/// How files of a bucket are encrypted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Encryption {
    /// ARN of the key.
    pub(crate) key: String,
    /// Whether the bucket's own key is used, so that the bucket is the context.
    pub(crate) bucket_key: bool,
}

/// Hash keys of a table and of its indexes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TableKeys {
    pub(crate) hash: String,
    pub(crate) indexes: BTreeMap<String, String>,
}

/// Who invokes a function on schedule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scheduled {
    /// ARN of the scheduler's role; `None` if the template names none.
    pub(crate) role: Option<String>,
    /// ARN of the function.
    pub(crate) function: String,
}

/// Everything that decides who may do what.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    /// All statements, in the order of the roles' names, resource policies last.
    pub(crate) statements: Vec<Statement>,
    /// ARN of each role, bucket and key with the positions of its statements.
    pub(crate) of: BTreeMap<String, Vec<usize>>,
    /// Buckets by name.
    pub(crate) encryption: BTreeMap<String, Encryption>,
    pub(crate) tables: BTreeMap<String, TableKeys>,
    /// Schedules by name.
    pub(crate) schedules: BTreeMap<String, Scheduled>,
    /// ARNs of keys.
    pub(crate) keys: Vec<String>,
    /// How the template writes an ARN: ARN to `!GetAtt …`.
    pub(crate) spelled: BTreeMap<String, String>,
}

impl Rules {
    /// Reads them from the template.
    pub(crate) fn read(raw: &Raw, names: &Names) -> Result<Self, TemplateError> {
        let mut rules = Self::default();
        let properties = |id: &str| raw.properties::<Value>(id, names);
        for id in raw.of_type("AWS::IAM::Role") {
            let role = properties(id)?;
            for member in role.as_object().into_iter().flat_map(serde_json::Map::keys) {
                if !["AssumeRolePolicyDocument", "Policies", "Description"].contains(&member.as_str()) {
                    return Err(TemplateError::new(
                        id,
                        format!("{member} is not known to the local stack"),
                    ));
                }
            }
            let arn = role_arn(id);
            rules.add(
                &arn,
                role.get("AssumeRolePolicyDocument"),
                Kind::Trust,
                id,
                "trust",
            )?;
            for policy in role
                .get("Policies")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                rules.add(
                    &arn,
                    policy.get("PolicyDocument"),
                    Kind::Identity,
                    id,
                    name_of(policy),
                )?;
            }
            for other in raw.of_type("AWS::IAM::RolePolicy") {
                let policy = properties(other)?;
                if !raw.is_made(other, names)? {
                    continue;
                }
                if policy.get("RoleName").and_then(Value::as_str) == Some(id) {
                    rules.add(
                        &arn,
                        policy.get("PolicyDocument"),
                        Kind::Identity,
                        id,
                        name_of(&policy),
                    )?;
                }
            }
            rules.spelled.insert(arn, format!("!GetAtt {id}.Arn"));
        }
        for id in raw.of_type("AWS::S3::BucketPolicy") {
            let policy = properties(id)?;
            let bucket = policy.get("Bucket").and_then(Value::as_str).unwrap_or_default();
            rules.add(
                &bucket_arn(bucket),
                policy.get("PolicyDocument"),
                Kind::Resource,
                id,
                "policy",
            )?;
        }
        for id in raw.of_type("AWS::KMS::Key") {
            if let Some(arn) = names.key_arns.get(id) {
                let key = properties(id)?;
                rules.add(arn, key.get("KeyPolicy"), Kind::Resource, id, "policy")?;
                rules.keys.push(arn.clone());
                rules.spelled.insert(arn.clone(), format!("!GetAtt {id}.Arn"));
            }
        }
        for id in raw.of_type("AWS::S3::Bucket") {
            let bucket = properties(id)?;
            let name = crate::template::raw::bucket_name(id);
            rules
                .spelled
                .insert(bucket_arn(&name), format!("!GetAtt {id}.Arn"));
            let rule = "/BucketEncryption/ServerSideEncryptionConfiguration/0";
            let rule = bucket.pointer(rule).cloned().unwrap_or_default();
            let key = rule.pointer("/ServerSideEncryptionByDefault/KMSMasterKeyID");
            if let Some(key) = key.and_then(Value::as_str) {
                let encryption = Encryption {
                    key: key.to_owned(),
                    bucket_key: rule.get("BucketKeyEnabled") == Some(&Value::Bool(true)),
                };
                rules.encryption.insert(name, encryption);
            }
        }
        rules.read_tables_and_queues(raw, names)?;
        rules.read_schedules(raw, names)?;
        Ok(rules)
    }

    fn add(
        &mut self,
        arn: &str,
        document: Option<&Value>,
        kind: Kind,
        owner: &str,
        name: &str,
    ) -> Result<(), TemplateError> {
        let problem = |problem: String| TemplateError::new(owner, problem);
        let document = document.ok_or_else(|| problem(format!("policy {name} has no document")))?;
        for statement in parse(document, kind, owner, name).map_err(problem)? {
            if self.statements.iter().any(|known| known.id == statement.id) {
                return Err(problem(format!("two statements are called {}", statement.id)));
            }
            self.of
                .entry(arn.to_owned())
                .or_default()
                .push(self.statements.len());
            self.statements.push(statement);
        }
        Ok(())
    }

    fn read_tables_and_queues(&mut self, raw: &Raw, names: &Names) -> Result<(), TemplateError> {
        for id in raw.of_type("AWS::DynamoDB::Table") {
            let table = raw.properties::<Value>(id, names)?;
            let hash = |schema: Option<&Value>| {
                let keys = schema.and_then(Value::as_array).into_iter().flatten();
                let mut hash = keys.filter(|key| key.get("KeyType").is_some_and(|kind| kind == "HASH"));
                let name = hash.next().and_then(|key| key.get("AttributeName"));
                name.and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            let mut keys = TableKeys {
                hash: hash(table.get("KeySchema")),
                indexes: BTreeMap::new(),
            };
            let indexes = table.get("GlobalSecondaryIndexes").and_then(Value::as_array);
            for index in indexes.into_iter().flatten() {
                let name = index.get("IndexName").and_then(Value::as_str).unwrap_or_default();
                keys.indexes.insert(name.to_owned(), hash(index.get("KeySchema")));
            }
            self.tables.insert(id.to_owned(), keys);
        }
        for (kind, attribute) in [
            ("AWS::DynamoDB::Table", "Arn"),
            ("AWS::DynamoDB::Table", "StreamArn"),
            ("AWS::SQS::Queue", "Arn"),
            ("AWS::Serverless::Function", "Arn"),
        ] {
            for id in raw.of_type(kind) {
                if let Some(arn) = raw.attribute(&format!("{id}.{attribute}"), names) {
                    self.spelled.insert(arn, format!("!GetAtt {id}.{attribute}"));
                }
            }
        }
        Ok(())
    }

    fn read_schedules(&mut self, raw: &Raw, names: &Names) -> Result<(), TemplateError> {
        for id in raw.of_type("AWS::Serverless::Function") {
            let function = raw.properties::<Value>(id, names)?;
            let events = function.get("Events").and_then(Value::as_object);
            for (key, event) in events.into_iter().flatten() {
                if event.get("Type").is_some_and(|kind| kind == "ScheduleV2") {
                    let role = event.pointer("/Properties/RoleArn").and_then(Value::as_str);
                    let scheduled = Scheduled {
                        role: role.map(str::to_owned),
                        function: function_arn(id),
                    };
                    self.schedules.insert(key.to_lowercase(), scheduled);
                }
            }
        }
        Ok(())
    }
}

fn name_of(policy: &Value) -> &str {
    policy
        .get("PolicyName")
        .and_then(Value::as_str)
        .unwrap_or("policy")
}
