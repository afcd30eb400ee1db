//! What the template says about mail that comes in, and about events that functions are told.

use serde::Deserialize;
use serde_json::Value;

use super::raw::function_arn;
use super::{Names, Raw, TemplateError};
use crate::filters::Pattern;

/// Where SES puts mail, and whom it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRule {
    /// The domain whose mail is taken.
    pub domain: String,
    /// The bucket.
    pub bucket: String,
    /// What stands before a mail's id in its object's name.
    pub prefix: String,
    /// Name of the function.
    pub function: String,
}

impl MailRule {
    /// The template's receipt rule, if it has one. `functions` are names by logical id.
    pub(super) fn read(
        raw: &Raw,
        names: &Names,
        functions: &[(String, String)],
    ) -> Result<Option<Self>, TemplateError> {
        let Some(id) = raw.of_type("AWS::SES::ReceiptRule").next() else {
            return Ok(None);
        };
        let rule: Value = raw.properties(id, names)?;
        let text = |pointer: &str| {
            let found = rule.pointer(pointer).and_then(Value::as_str);
            found
                .map(str::to_owned)
                .ok_or_else(|| TemplateError::new(id, format!("has no {pointer}")))
        };
        let told = text("/Rule/Actions/1/LambdaAction/FunctionArn")?;
        if text("/Rule/Actions/1/LambdaAction/InvocationType")? != "Event" {
            return Err(TemplateError::new(id, "only InvocationType Event is supported"));
        }
        let function = functions.iter().find(|(id, _)| function_arn(id) == told);
        let function =
            function.ok_or_else(|| TemplateError::new(id, format!("there is no function {told}")))?;
        Ok(Some(Self {
            domain: text("/Rule/Recipients/0")?,
            bucket: text("/Rule/Actions/0/S3Action/BucketName")?,
            prefix: text("/Rule/Actions/0/S3Action/ObjectKeyPrefix")?,
            function: function.1.clone(),
        }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RuleEvent {
    pattern: Value,
}

impl RuleEvent {
    pub(super) fn into_pattern(self, place: &str) -> Result<Pattern, TemplateError> {
        Pattern::parse(&self.pattern.to_string()).map_err(|problem| TemplateError::new(place, problem))
    }
}
