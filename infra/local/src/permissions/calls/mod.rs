//! What a call asks for: the actions, resources and condition keys that the cloud judges it by.

mod dynamodb;
mod others;
mod s3;

use super::context::Context;
use super::roles::Rules;
use crate::proxy::{Call, Service};

/// One thing that is asked for. A call may ask for several; each has to be allowed.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// Such as `dynamodb:GetItem`.
    pub(crate) action: String,
    /// ARN of what it is about, or `*` for actions that are about nothing in particular.
    pub(crate) resource: String,
    /// The request's own condition keys.
    pub(crate) context: Context,
    /// Whose policy has a say beside the caller's: ARN of a role, bucket or key.
    pub(crate) other: Option<Other>,
}

/// A policy beside the caller's own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Other {
    /// Of a role that is to be taken: both have to allow it.
    Trust(String),
    /// Of a key: it has to allow it, or to leave it to the account's roles.
    Key(String),
    /// Of a bucket: either is enough.
    Bucket(String),
}

impl Ask {
    pub(crate) fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            resource: resource.into(),
            context: Context::default(),
            other: None,
        }
    }

    fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.context.add(key, value);
        self
    }
}

/// What a call asks for. Nothing for what every caller may do.
///
/// # Errors
/// What is not understood; such a call is refused.
pub(crate) fn asks(service: Service, call: &Call, rules: &Rules) -> Result<Vec<Ask>, String> {
    match service {
        Service::DynamoDb => dynamodb::asks(&call.operation, call.request.body(), &rules.tables),
        Service::S3 => s3::asks(&call.request, rules),
        Service::Kms => others::kms(&call.operation, call.request.body(), &rules.keys),
        Service::Sqs => others::sqs(&call.operation, call.request.body()),
        Service::Sts => others::sts(&call.operation, call.request.body()),
    }
}
