//! Which models may be called at all, and in which order they are.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use usher_shared::untrusted::Label;

/// How a provider is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// Anthropic's Messages.
    Anthropic,
    /// Responses of `OpenAI`.
    OpenAi,
    /// Amazon Bedrock's Converse, in the installation's own account.
    Bedrock,
}

impl Api {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Anthropic, Self::OpenAi, Self::Bedrock];

    /// Its name, as in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Bedrock => "bedrock",
        }
    }

    /// What is done with every request so that less is kept, and what that does not do. A flag is not an agreement.
    pub const fn retention_note(self) -> &'static str {
        match self {
            Self::Anthropic => {
                "There is no switch per request: nothing but the agreement named here keeps the provider from storing requests and answers for a while."
            }
            Self::OpenAi => {
                "Every request says `store: false`. That removes stored responses only: the provider's abuse monitoring may keep content for up to 30 days unless the agreement named here covers it."
            }
            Self::Bedrock => {
                "Requests stay in the installation's AWS account and in the geography of the model or inference profile; the evidence named here says what AWS and the model's maker keep of them."
            }
        }
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An agreement that nothing of what is sent is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZeroRetention {
    /// The day from which it holds.
    pub agreed_on: Date,
    /// Where it can be read: a contract, an order form, a letter.
    pub evidence: String,
}

/// One entry of the list: this model, at this endpoint, under this agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// How it is spoken to.
    pub provider: Api,
    /// The model, as the provider names it.
    pub model: String,
    /// Where it is: `https://api.anthropic.com`, without a path.
    pub endpoint: String,
    /// What was agreed with the provider.
    pub zero_retention: ZeroRetention,
}

/// How a model is asked. What is not configured is not sent: newer models refuse sampling parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Tokens of an answer, thinking included.
    pub max_output_tokens: u32,
    /// `anthropic-version`.
    pub version: String,
    /// How hard a model thinks, in its provider's words.
    pub effort: Option<String>,
    /// Whether a model of Anthropic thinks, in its own words: `disabled`, `adaptive`. Not sent if absent.
    pub thinking: Option<String>,
    /// Sampling.
    pub temperature: Option<f64>,
    /// Sampling.
    pub top_p: Option<f64>,
    /// Seconds after which an attempt is given up.
    pub attempt_seconds: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_output_tokens: 1_500,
            version: "2026-10-21".to_owned(),
            effort: None,
            thinking: None,
            temperature: None,
            top_p: None,
            attempt_seconds: 8,
        }
    }
}

/// A model that somebody wants to be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// How it is spoken to.
    pub provider: Api,
    /// The model.
    pub model: String,
    /// Where it is.
    pub endpoint: String,
    /// How it is asked.
    #[serde(default)]
    pub options: Options,
}

/// What answers when no model does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// The built-in provider, from the documents alone; it hands over what they do not say.
    #[default]
    Builtin,
    /// A person.
    HandOver,
}

/// The approval of one model: everything that makes up where a call goes. Only the list hands it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    api: Api,
    model: String,
    endpoint: String,
}

impl Approved {
    /// How it is spoken to.
    pub fn api(&self) -> Api {
        self.api
    }

    /// The model.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Where it is.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

/// It is not on the list: nothing can be sent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not on the list of allowed models")]
pub struct NotApproved;

/// One model of the chain, and whether it may be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// What the configuration wants.
    pub wanted: Wanted,
    /// What the list says of it.
    pub approved: Result<Approved, NotApproved>,
}

/// Models: which may be called, and which are, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Providers {
    /// The list.
    pub allowed: Vec<Allowed>,
    /// Who is asked first, second, and so on.
    pub chain: Vec<Link>,
    /// What answers when none of them does.
    pub fallback: Fallback,
}

/// The configuration is none. Says where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("models: {0}")]
pub struct InvalidProviders(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    allowed: Vec<Allowed>,
    #[serde(default)]
    chain: Vec<Wanted>,
    #[serde(default)]
    fallback: Fallback,
}

impl Providers {
    /// Reads the configuration; an empty text is no model at all.
    ///
    /// # Errors
    /// [`InvalidProviders`]. An entry without a date or evidence is one: half a list is none.
    pub fn parse(text: &str) -> Result<Self, InvalidProviders> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let written: Written =
            serde_json::from_str(text).map_err(|error| InvalidProviders(error.to_string()))?;
        for (entry, number) in written.allowed.iter().zip(1..) {
            entry
                .check()
                .map_err(|problem| InvalidProviders(format!("allowed entry {number}: {problem}")))?;
        }
        let chain = written.chain.into_iter().map(|wanted| Link {
            approved: approve(&written.allowed, &wanted),
            wanted,
        });
        Ok(Self {
            chain: chain.collect(),
            allowed: written.allowed,
            fallback: written.fallback,
        })
    }
}

impl Allowed {
    fn check(&self) -> Result<(), &'static str> {
        let named = |text: &str, longest: usize| !text.trim().is_empty() && text.len() <= longest;
        // It stands in every trace.
        if self.model.parse::<Label>().is_err() {
            return Err("model is no name of a model");
        }
        if !named(&self.zero_retention.evidence, 500) {
            return Err("evidence is empty or too long");
        }
        let host = self.endpoint.split_once("://").map(|(_, host)| host);
        let whole = host.is_some_and(|host| !host.is_empty() && !host.contains(['@', '?', '#', ' ']));
        if !whole || self.endpoint.ends_with('/') {
            return Err("endpoint is no address without a slash at its end");
        }
        Ok(())
    }
}

/// To the letter: another version of a model, or the same model at another address, is another entry.
fn approve(allowed: &[Allowed], wanted: &Wanted) -> Result<Approved, NotApproved> {
    let is_it = |entry: &&Allowed| {
        (entry.provider, &entry.model, &entry.endpoint) == (wanted.provider, &wanted.model, &wanted.endpoint)
    };
    let entry = allowed.iter().find(is_it).ok_or(NotApproved)?;
    Ok(Approved {
        api: entry.provider,
        model: entry.model.clone(),
        endpoint: entry.endpoint.clone(),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use serde_json::{Value, json};

    use super::*;

    fn entry() -> Value {
        json!({"provider": "anthropic", "model": "claude-sonnet-5-5", "endpoint": "https://api.anthropic.com",
            "zero_retention": {"agreed_on": "2026-10-01", "evidence": "contract 4711, annex 2"}})
    }

    fn link() -> Value {
        json!({"provider": "anthropic", "model": "claude-sonnet-5-5", "endpoint": "https://api.anthropic.com"})
    }

    fn parse(allowed: &Value, chain: &Value) -> Result<Providers, InvalidProviders> {
        Providers::parse(&json!({"allowed": [allowed], "chain": [chain]}).to_string())
    }

    #[test]
    fn p_ai_01_only_what_the_list_names_to_the_letter_is_approved() {
        let approved = parse(&entry(), &link()).unwrap().chain[0].approved.clone();
        assert_eq!(approved.unwrap().model(), "claude-sonnet-5-5");
        for (field, other) in [
            ("provider", "openai"),
            ("model", "claude-sonnet-5-5-20261101"),
            ("model", "Claude-Sonnet-5-5"),
            ("endpoint", "https://api.anthropic.com.example.com"),
            ("endpoint", "https://api.anthropic.com:8443"),
            ("endpoint", "http://api.anthropic.com"),
        ] {
            let mut wanted = link();
            wanted[field] = json!(other);
            let providers = parse(&entry(), &wanted).unwrap();
            assert_eq!(providers.chain[0].approved, Err(NotApproved), "{field} {other}");
        }
    }

    #[test]
    fn p_ai_01_an_entry_without_date_or_evidence_is_no_entry() {
        for (field, value) in [
            ("agreed_on", json!("")),
            ("agreed_on", json!("2026-13-01")),
            ("agreed_on", Value::Null),
            ("evidence", json!("")),
            ("evidence", json!("  ")),
            ("evidence", Value::Null),
        ] {
            let mut bad = entry();
            bad["zero_retention"][field] = value.clone();
            assert!(parse(&bad, &link()).is_err(), "{field} {value}");
        }
        let mut without = entry();
        without.as_object_mut().unwrap().remove("zero_retention");
        assert!(parse(&without, &link()).is_err());
    }

    #[test]
    fn what_is_misspelled_is_refused_and_nothing_is_nothing() {
        assert_eq!(Providers::parse(" ").unwrap(), Providers::default());
        assert!(Providers::parse("{").is_err());
        assert!(Providers::parse(r#"{"alowed": []}"#).is_err());
        let mut odd = link();
        odd["options"] = json!({"temprature": 1});
        assert!(parse(&entry(), &odd).is_err());
        for endpoint in [
            "",
            "api.anthropic.com",
            "https://",
            "https://a/",
            "https://a@b",
            "https://a?b",
        ] {
            let mut bad = entry();
            bad["endpoint"] = json!(endpoint);
            assert!(parse(&bad, &link()).is_err(), "{endpoint}");
        }
        let providers = Providers::parse(r#"{"fallback": "hand_over"}"#).unwrap();
        assert_eq!(providers.fallback, Fallback::HandOver);
    }
}
