//! What the tool says: results on standard output, as text or JSON; progress and errors on standard error.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde::Serialize;
use usher_shared::Timestamp;
use usher_shared::category::Category;
use usher_shared::ids::{ApiKeyId, TenantId};
use usher_shared::policy::TenantPolicy;
use usher_shared::records::ApiKey;

use crate::OpsError;

/// Where results go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a result in the form that was asked for.
    pub(crate) fn result<T: Serialize>(self, value: &T, text: &str) -> Result<(), OpsError> {
        if !self.json {
            return say(text);
        }
        let json = serde_json::to_string_pretty(value);
        say(&json.map_err(|error| OpsError::Failed(error.to_string()))?)
    }
}

/// Prints a text. Fails where nobody can read it: a secret that is shown once must not be lost in silence.
pub(crate) fn say(text: &str) -> Result<(), OpsError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|error| OpsError::Failed(format!("standard output: {error}")))
}

/// Says how far a long command got.
pub(crate) fn progress(text: &str) {
    let _nobody_reads_it = writeln!(std::io::stderr(), "{text}");
}

/// Says why the tool ends.
pub(crate) fn complain(text: &str) {
    progress(&format!("usher-ops: {text}"));
}

/// An RFC 3339 time.
pub(crate) fn time(at: Timestamp) -> String {
    at.to_string()
}

/// A tenant in a list.
#[derive(Debug, Serialize)]
pub(crate) struct TenantLine {
    pub(crate) object: &'static str,
    pub(crate) id: TenantId,
    pub(crate) name: String,
    pub(crate) preset: &'static str,
    pub(crate) created_at: String,
}

/// A tenant with its policy.
#[derive(Debug, Serialize)]
pub(crate) struct TenantDetails {
    #[serde(flatten)]
    pub(crate) line: TenantLine,
    /// Masked unless it was asked for.
    pub(crate) admin: Option<String>,
    pub(crate) knowledge_version: u64,
    /// Days by category; `null` is the life of the account.
    pub(crate) retention_days: BTreeMap<&'static str, Option<u32>>,
}

/// A key, without its secret.
#[derive(Debug, Serialize)]
pub(crate) struct KeyLine {
    pub(crate) object: &'static str,
    pub(crate) id: ApiKeyId,
    pub(crate) last_four: String,
    pub(crate) scopes: Vec<&'static str>,
    pub(crate) created_at: String,
    pub(crate) expires_at: Option<String>,
    pub(crate) revoked_at: Option<String>,
}

/// A list of something.
#[derive(Debug, Serialize)]
pub(crate) struct Listed<T> {
    pub(crate) object: &'static str,
    pub(crate) data: Vec<T>,
}

impl<T> Listed<T> {
    pub(crate) const fn new(data: Vec<T>) -> Self {
        Self { object: "list", data }
    }
}

impl From<&ApiKey> for KeyLine {
    fn from(key: &ApiKey) -> Self {
        Self {
            object: "api_key",
            id: *key.id,
            last_four: key.last_four.to_string(),
            scopes: key.scopes.iter().map(|scope| scope.name()).collect(),
            created_at: time(*key.created_at),
            expires_at: key.expires_at.map(time),
            revoked_at: key.revoked_at.map(time),
        }
    }
}

impl KeyLine {
    pub(crate) fn text(&self) -> String {
        let end = |name: &str, at: &Option<String>| {
            at.as_ref().map(|at| format!("  {name} {at}")).unwrap_or_default()
        };
        format!(
            "{}  …{}  created {}{}{}  {}",
            self.id,
            self.last_four,
            self.created_at,
            end("expires", &self.expires_at),
            end("revoked", &self.revoked_at),
            self.scopes.join(",")
        )
    }
}

impl TenantDetails {
    pub(crate) fn text(&self) -> String {
        let TenantLine {
            id,
            name,
            preset,
            created_at,
            ..
        } = &self.line;
        let mut text = format!(
            "{id}\n  name               {name}\n  admin              {}\n  created            {created_at}\n  \
             preset             {preset}\n  knowledge version  {}\n  kept for",
            self.admin.as_deref().unwrap_or("not known"),
            self.knowledge_version
        );
        for (category, days) in &self.retention_days {
            let days = days.map_or_else(|| "life of the account".to_owned(), |days| format!("{days} days"));
            text.extend(["\n    ", &format!("{category:<17}{days}")]);
        }
        text
    }
}

/// The period in force of every category, in days.
pub(crate) fn retention(policy: &TenantPolicy) -> BTreeMap<&'static str, Option<u32>> {
    Category::ALL
        .into_iter()
        .map(|category| (category.name(), policy.days(category)))
        .collect()
}

/// An e-mail address of which only the first letter and the domain show.
pub(crate) fn masked(address: &str) -> String {
    match address.split_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}***@{domain}")
        }
        None => "***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_masked() {
        assert_eq!(masked("anna.berg@example.com"), "a***@example.com");
        assert_eq!(masked("nonsense"), "***");
    }
}
