//! What is known of a request when it is judged: condition keys with their values.

use std::collections::BTreeMap;

use crate::template::ACCOUNT;

/// Condition keys, without case, with their values.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Context {
    values: BTreeMap<String, Vec<String>>,
}

/// Keys that the local stack fills in; a policy that asks for another is refused by name, because a
/// condition that is never met (or always) would be a permission that nobody tested.
const KNOWN: [&str; 19] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:securetransport",
    "aws:sourceaccount",
    "aws:tagkeys",
    "dynamodb:enclosingoperation",
    "dynamodb:leadingkeys",
    "dynamodb:returnconsumedcapacity",
    "dynamodb:returnvalues",
    "dynamodb:select",
    "kms:calleraccount",
    "kms:encryptioncontextkeys",
    "kms:viaservice",
    "s3:delimiter",
    "s3:max-keys",
    "s3:prefix",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "sts:rolesessionname",
];
/// Keys with a name of one's own at their end.
const FAMILIES: [&str; 3] = ["aws:principaltag/", "aws:requesttag/", "kms:encryptioncontext:"];

impl Context {
    /// Adds a value to a key.
    pub(crate) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.add(key, value);
        self
    }

    /// Adds a value to a key.
    pub(crate) fn add(&mut self, key: &str, value: impl Into<String>) {
        let values = self.values.entry(key.to_ascii_lowercase()).or_default();
        values.push(value.into());
    }

    /// All values of a key; none if it is missing.
    pub(crate) fn all(&self, key: &str) -> &[String] {
        self.values.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// The value of a key that has exactly one.
    pub(crate) fn single(&self, key: &str) -> Option<&str> {
        match self.all(key) {
            [only] => Some(only),
            _ => None,
        }
    }

    /// What every request has: TLS (loopback stands for it), the role, its account and its tags.
    pub(crate) fn of_principal<'a>(role: &str, tags: impl Iterator<Item = (&'a String, &'a String)>) -> Self {
        let mut context = Self::default()
            .with("aws:SecureTransport", "true")
            .with("aws:PrincipalAccount", ACCOUNT)
            .with("aws:PrincipalArn", role);
        for (name, value) in tags {
            context.add(&format!("aws:PrincipalTag/{name}"), value);
        }
        context
    }

    /// Adds all that `other` says.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (key, values) in &other.values {
            self.values
                .entry(key.clone())
                .or_default()
                .extend(values.iter().cloned());
        }
    }
}

/// Whether a key in lower case is one that requests carry here.
pub(crate) fn is_known(key: &str) -> bool {
    KNOWN.contains(&key)
        || FAMILIES
            .iter()
            .any(|family| key.len() > family.len() && key.starts_with(family))
}
