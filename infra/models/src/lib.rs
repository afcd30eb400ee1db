//! Language models: what Anthropic, `OpenAI` and Amazon Bedrock are asked on the wire, and what their answers mean.
//!
//! Nothing here reads a clock, draws randomness, opens a connection or knows a database. A [`prompt::Ask`] becomes a
//! [`Call`](usher_carriers::call::Call), and the [`heard::Heard`] to it becomes a [`draft::Draft`] or a
//! [`failure::Failed`]. So every answer and every error of every provider can be tested with bytes alone.
//!
//! A call can be made from an [`Approved`] only, which nobody but the list of [`Providers`] hands out: what is not on the
//! list cannot be said, and there is no check that could be forgotten.
//!
//! ```compile_fail
//! // Its fields are nobody's: an approval cannot be made up.
//! let made_up = usher_models::Approved {
//!     api: usher_models::Api::OpenAi,
//!     model: "gpt-6.1-terra".to_owned(),
//!     endpoint: "https://example.com".to_owned(),
//! };
//! ```
//!
//! ```
//! // The same names are right; only the list may put them together.
//! let listed = r#"{"allowed": [{"provider": "openai", "model": "gpt-6.1-terra", "endpoint": "https://example.com",
//!     "zero_retention": {"agreed_on": "2026-10-01", "evidence": "contract 7"}}],
//!     "chain": [{"provider": "openai", "model": "gpt-6.1-terra", "endpoint": "https://example.com"}]}"#;
//! let providers = usher_models::Providers::parse(listed).unwrap();
//! let approved: &usher_models::Approved = providers.chain[0].approved.as_ref().unwrap();
//! assert_eq!(approved.api(), usher_models::Api::OpenAi);
//! ```

mod anthropic;
mod approved;
mod bedrock;
pub mod breaker;
pub mod draft;
pub mod failure;
pub mod heard;
mod openai;
pub mod prompt;
pub mod retry;

#[cfg(test)]
mod vectors;

use usher_carriers::call::Call;

pub use approved::{
    Allowed, Api, Approved, Fallback, InvalidProviders, Link, NotApproved, Options, Providers, Wanted,
    ZeroRetention,
};
use heard::{Heard, Said};

use crate::failure::Failed;
use crate::prompt::Ask;

/// The call that asks an approved model. It carries no credentials yet: see [`authorize`].
pub fn call(approved: &Approved, options: &Options, ask: &Ask<'_>) -> Call {
    match approved.api() {
        Api::Anthropic => anthropic::call(approved, options, ask),
        Api::OpenAi => openai::call(approved, options, ask),
        Api::Bedrock => bedrock::call(approved, options, ask),
    }
}

/// Puts a provider's key into a call. Calls to Bedrock have none: they are signed under the function's role.
pub fn authorize(api: Api, call: &mut Call, key: &str) {
    match api {
        Api::Anthropic => call.headers.push(("x-api-key", key.to_owned())),
        Api::OpenAi => call.headers.push(("authorization", format!("Bearer {key}"))),
        Api::Bedrock => {}
    }
}

/// What an answer says.
///
/// # Errors
/// [`Failed`]: why there is nothing to use, and whether asking again may help.
pub fn said(api: Api, heard: &Heard) -> Result<Said, Failed> {
    match api {
        Api::Anthropic => anthropic::said(heard),
        Api::OpenAi => openai::said(heard),
        Api::Bedrock => bedrock::said(heard),
    }
}
