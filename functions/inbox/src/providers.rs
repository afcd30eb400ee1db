//! Which language models may be called, and which are.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use usher_aws::http::{App, Problem};
use usher_models::{Api, Fallback, Providers};
use utoipa::ToSchema;

use crate::access::Granted;
use crate::access::permission::SettingsRead;
use crate::openapi::Refused;

/// The language models of this installation.
#[derive(Serialize, ToSchema)]
#[schema(as = AiProviders)]
pub(crate) struct ProvidersView {
    /// Always `ai_providers`.
    #[schema(example = "ai_providers")]
    object: &'static str,
    /// The only models to which anything can be sent: a request to another cannot be made.
    allowed: Vec<AllowedView>,
    /// Who is asked, in this order, until one answers.
    chain: Vec<LinkView>,
    /// What answers when none of them does: `builtin`, which asks nobody and answers from the documents alone, or
    /// `hand_over`.
    #[schema(example = "builtin")]
    fallback: &'static str,
}

/// A model on the list.
#[derive(Serialize, ToSchema)]
#[schema(as = AllowedModel)]
pub(crate) struct AllowedView {
    /// How it is spoken to: `anthropic`, `openai`, `bedrock`.
    #[schema(example = "anthropic")]
    provider: &'static str,
    /// The model.
    #[schema(example = "claude-sonnet-5-5")]
    model: String,
    /// Where it is.
    #[schema(example = "https://api.anthropic.com")]
    endpoint: String,
    /// The operator's agreement with the provider that nothing of what is sent is kept, as the operator recorded it.
    zero_retention: ZeroRetentionView,
}

/// What was agreed with a provider, by the operator's own record. Usher does not check it.
#[derive(Serialize, ToSchema)]
#[schema(as = ZeroRetention)]
pub(crate) struct ZeroRetentionView {
    /// From when it holds.
    #[schema(example = "2026-10-01", format = "date")]
    agreed_on: String,
    /// Where it can be read.
    #[schema(example = "Order form 4711, annex 2")]
    evidence: String,
    /// What is done with every request, and what that does not do. A flag is not an agreement.
    #[schema(example = "There is no switch per request …")]
    note: &'static str,
}

/// A model of the chain.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelOfChain)]
pub(crate) struct LinkView {
    /// How it is spoken to.
    #[schema(example = "anthropic")]
    provider: &'static str,
    /// The model.
    #[schema(example = "claude-sonnet-5-5")]
    model: String,
    /// Whether it is on the list. What is not is never asked.
    #[schema(example = true)]
    allowed: bool,
}

impl From<Providers> for ProvidersView {
    fn from(providers: Providers) -> Self {
        let name = Api::name;
        Self {
            object: "ai_providers",
            allowed: providers
                .allowed
                .into_iter()
                .map(|entry| AllowedView {
                    provider: name(entry.provider),
                    model: entry.model,
                    endpoint: entry.endpoint,
                    zero_retention: ZeroRetentionView {
                        agreed_on: entry.zero_retention.agreed_on.to_string(),
                        evidence: entry.zero_retention.evidence,
                        note: entry.provider.retention_note(),
                    },
                })
                .collect(),
            chain: providers
                .chain
                .into_iter()
                .map(|link| LinkView {
                    provider: name(link.wanted.provider),
                    model: link.wanted.model,
                    allowed: link.approved.is_ok(),
                })
                .collect(),
            fallback: match providers.fallback {
                Fallback::Builtin => "builtin",
                Fallback::HandOver => "hand_over",
            },
        }
    }
}

/// Reads which language models are used
///
/// The list of models to which this installation may send anything, with the operator's record of what was agreed with
/// their providers, and the order in which they are asked. With an empty chain no text leaves for any model: the
/// built-in provider answers. Scope: `settings:read`.
#[utoipa::path(
    get,
    path = "/v1/ai/providers",
    tag = "settings",
    responses(
        (status = 200, description = "The models.", body = ProvidersView),
        Refused,
    )
)]
pub(crate) async fn read_providers(
    _granted: Granted<SettingsRead>,
    State(app): State<App>,
) -> Result<Json<ProvidersView>, Problem> {
    // The same reading as in the function that asks: what cannot be read there asks nobody, and is no list here.
    let providers = Providers::parse(&app.platform.settings().ai_providers());
    let providers = providers.inspect_err(|error| tracing::error!(error = %error, "no model is asked"));
    Ok(Json(providers.unwrap_or_default().into()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    #[test]
    fn p_ai_01_the_list_is_shown_with_date_evidence_and_what_a_flag_does_not_do() {
        let entry = json!({"provider": "openai", "model": "m", "endpoint": "https://api.openai.com",
            "zero_retention": {"agreed_on": "2026-10-01", "evidence": "contract 7"}});
        let link =
            |model: &str| json!({"provider": "openai", "model": model, "endpoint": "https://api.openai.com"});
        let text = json!({"allowed": [entry], "chain": [link("m"), link("other")]}).to_string();
        let view = ProvidersView::from(Providers::parse(&text).unwrap());
        let note = Api::OpenAi.retention_note();
        assert!(note.contains("store: false") && note.contains("30 days"));
        assert_eq!(
            serde_json::to_value(view).unwrap(),
            json!({
                "object": "ai_providers",
                "allowed": [{"provider": "openai", "model": "m", "endpoint": "https://api.openai.com",
                    "zero_retention": {"agreed_on": "2026-10-01", "evidence": "contract 7", "note": note}}],
                "chain": [{"provider": "openai", "model": "m", "allowed": true},
                    {"provider": "openai", "model": "other", "allowed": false}],
                "fallback": "builtin",
            })
        );
    }
}
