//! How the AI speaks for a business.

use std::collections::BTreeMap;

use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::json;
use usher_aws::http::{Checks, Problem, Strict, TextRule};
use usher_aws::store::{When, keys};
use usher_shared::ai_notice::{AiNotices, NoticeText};
use usher_shared::knowledge::Language;
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
#[derive(Serialize, ToSchema)]
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
    /// What a person is told before the AI answers for the first time, by language.
    ai_notices: NoticesView,
}

/// What a person is told before the AI answers for the first time, in the languages that the AI tells apart.
#[derive(Serialize, ToSchema)]
#[schema(as = AiNotices)]
pub(crate) struct NoticesView {
    /// English.
    #[schema(example = "You are writing with an AI assistant.")]
    en: String,
    /// German.
    #[schema(example = "Sie schreiben mit einem KI-Assistenten.")]
    de: String,
    /// French.
    #[schema(example = "Vous écrivez à un assistant IA.")]
    fr: String,
    /// Italian.
    #[schema(example = "Sta scrivendo a un assistente IA.")]
    it: String,
    /// Spanish.
    #[schema(example = "Está escribiendo a un asistente de IA.")]
    es: String,
}

impl From<&AiNotices> for NoticesView {
    fn from(notices: &AiNotices) -> Self {
        let said = |language| notices.said_in(Some(language)).text.to_owned();
        Self {
            en: said(Language::English),
            de: said(Language::German),
            fr: said(Language::French),
            it: said(Language::Italian),
            es: said(Language::Spanish),
        }
    }
}

/// Words of the business's own for it. A language that is left out, or empty, has the built-in ones.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewNotices {
    /// English: one line of up to 160 characters without digits and `@`.
    #[serde(default)]
    en: String,
    /// German.
    #[serde(default)]
    de: String,
    /// French.
    #[serde(default)]
    fr: String,
    /// Italian.
    #[serde(default)]
    it: String,
    /// Spanish.
    #[serde(default)]
    es: String,
}

impl NewNotices {
    /// The words that are the business's own; none if it has none.
    fn checked(self, checks: &mut Checks) -> Option<AiNotices> {
        let given = [
            (Language::English, self.en),
            (Language::German, self.de),
            (Language::French, self.fr),
            (Language::Italian, self.it),
            (Language::Spanish, self.es),
        ];
        let mut texts = BTreeMap::new();
        for (language, text) in given {
            if text.trim().is_empty() {
                continue;
            }
            match text.parse::<NoticeText>() {
                Ok(text) => {
                    texts.insert(language, text);
                }
                Err(why) => checks.refuse(format!("ai_notices.{}", language.code()), why.to_string()),
            }
        }
        (!texts.is_empty()).then(|| AiNotices::new(texts))
    }
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
    /// What a person is told before the AI answers for the first time; the built-in words if it is left out.
    #[serde(default)]
    ai_notices: NewNotices,
}

impl AssistantView {
    fn new(assistant: Assistant, notices: &AiNotices) -> Self {
        Self {
            object: "assistant",
            voice: assistant.voice.into_inner(),
            facts: assistant.facts.into_inner(),
            opening_hours: assistant.opening_hours.into_inner(),
            ai_notices: notices.into(),
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
    let nothing = || Assistant {
        changed_at: scope.now().into(),
        voice: String::new().into(),
        facts: String::new().into(),
        opening_hours: String::new().into(),
    };
    let assistant = found.unwrap_or_else(nothing);
    Ok(Json(AssistantView::new(assistant, scope.ai_notices())))
}

/// Changes how the AI speaks
///
/// Counts for the next question. All three texts are needed; an empty one says nothing. Before its first answer in a
/// conversation the AI says that it is one, in the language of the guest as far as that can be told; on a web chat the
/// page says it, with the words that it got with its session. Scope: `settings:write`.
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
        ai_notices,
    } = request.value;
    let mut checks = Checks::default();
    let notices = ai_notices.checked(&mut checks);
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
    let row = keys::tenant(scope.tenant());
    let set = vec![("ai_notices", json!(notices))];
    let notices_change = scope.store().updating(&row, set, &[When::Present])?;
    let changed = scope
        .store()
        .together(vec![change, notices_change, entry])
        .await?;
    if changed.happened() {
        let notices = notices.unwrap_or_default();
        Ok(Json(AssistantView::new(assistant, &notices)))
    } else {
        Err(Problem::not_found())
    }
}
