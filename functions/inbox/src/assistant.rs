//! How the AI speaks for a business.

use axum::Json;
use serde::{Deserialize, Serialize};
use usher_aws::http::{Checks, Problem, Strict, TextRule};
use usher_aws::store::{When, keys};
use usher_shared::model::AuditAction;
use usher_shared::records::Assistant;
use utoipa::ToSchema;

use crate::access::Granted;
use crate::access::permission::{SettingsRead, SettingsWrite};
use crate::openapi::{Invalid, Refused, TooLarge};

const VOICE_CHARACTERS: usize = 1_000;
const FACTS_CHARACTERS: usize = 4_000;
const HOURS_CHARACTERS: usize = 1_000;

/// How the AI speaks for a business, and what it knows without looking.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = Assistant)]
pub(crate) struct AssistantView {
    /// Always `assistant`.
    #[schema(example = "assistant")]
    object: &'static str,
    /// How it speaks.
    #[schema(example = "Warm and brief. We say du.")]
    voice: String,
    /// Facts that hold for every question.
    #[schema(example = "We are at the lake, 20 minutes from the station.")]
    facts: String,
    /// When the business is open.
    #[schema(example = "Tuesday to Sunday, 10 to 18")]
    opening_hours: String,
}

/// How the AI shall speak from now on. A text that is empty says nothing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAssistant {
    /// How it speaks: up to 1,000 characters.
    voice: String,
    /// Facts that hold for every question: up to 4,000 characters.
    facts: String,
    /// When the business is open: up to 1,000 characters.
    opening_hours: String,
}

impl From<Assistant> for AssistantView {
    fn from(assistant: Assistant) -> Self {
        Self {
            object: "assistant",
            voice: assistant.voice.into_inner(),
            facts: assistant.facts.into_inner(),
            opening_hours: assistant.opening_hours.into_inner(),
        }
    }
}

/// Reads how the AI speaks
///
/// Language models are told this before every question; the built-in provider speaks in the words of the documents
/// alone. Scope: `settings:read`.
#[utoipa::path(
    get,
    path = "/v1/assistant",
    tag = "settings",
    responses(
        (status = 200, description = "How the AI speaks.", body = AssistantView),
        Refused,
    )
)]
pub(crate) async fn read_assistant(granted: Granted<SettingsRead>) -> Result<Json<AssistantView>, Problem> {
    let scope = granted.scope();
    let row = keys::assistant(scope.tenant());
    let found = scope.store().get(&row, scope.key(), true).await?;
    let nothing = AssistantView {
        object: "assistant",
        ..AssistantView::default()
    };
    Ok(Json(found.map_or(nothing, Into::into)))
}

/// Changes how the AI speaks
///
/// Counts for the next question. All three texts are needed; an empty one says nothing. Scope: `settings:write`.
#[utoipa::path(
    put,
    path = "/v1/assistant",
    tag = "settings",
    request_body(content = NewAssistant, example = json!({"voice": "Warm and brief.", "facts": "",
        "opening_hours": "Tuesday to Sunday, 10 to 18"})),
    responses(
        (status = 200, description = "How the AI speaks now.", body = AssistantView),
        Refused,
        TooLarge,
        Invalid,
    )
)]
pub(crate) async fn change_assistant(
    granted: Granted<SettingsWrite>,
    request: Strict<NewAssistant>,
) -> Result<Json<AssistantView>, Problem> {
    let scope = granted.scope();
    let NewAssistant {
        voice,
        facts,
        opening_hours,
    } = request.value;
    let mut checks = Checks::default();
    let mut text = |field: &str, value: &str, limit: usize| {
        if value.trim().is_empty() {
            return String::new();
        }
        checks.text(field, value, TextRule::Lines(limit))
    };
    let assistant = Assistant {
        changed_at: scope.now().into(),
        voice: text("voice", &voice, VOICE_CHARACTERS).into(),
        facts: text("facts", &facts, FACTS_CHARACTERS).into(),
        opening_hours: text("opening_hours", &opening_hours, HOURS_CHARACTERS).into(),
    };
    checks.finish()?;
    // Together: nobody changes what is said in the business's name without a trace of who did it.
    let entry = granted.audit(AuditAction::AssistantChanged, &scope.tenant())?;
    let row = keys::assistant(scope.tenant());
    let change = scope.store().putting(&row, &assistant, scope.key(), When::Any)?;
    let changed = scope.store().together(vec![change, entry]).await?;
    if changed.happened() {
        Ok(Json(assistant.into()))
    } else {
        Err(Problem::not_found())
    }
}
