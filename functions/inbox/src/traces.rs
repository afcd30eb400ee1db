//! The AI's audit trail of a conversation.

use axum::Json;
use serde::Serialize;
use usher_aws::http::{List, ListQuery, Problem, QueryOf, read_page};
use usher_aws::store::keys;
use usher_shared::ids::{ConversationId, DocumentId, MessageId, TraceId};
use usher_shared::knowledge::Language;
use usher_shared::model::{PassageRef, Usage};
use usher_shared::records::Trace;
use utoipa::ToSchema;

use crate::access::permission::TracesRead;
use crate::access::{Granted, PathId};
use crate::openapi::{Invalid, NotFound, Refused};
use crate::words::{Decision, Time};

/// One decision of the AI: what it was asked, what it said, and why.
#[derive(Serialize, ToSchema)]
#[schema(as = Trace)]
pub(crate) struct TraceView {
    /// Always `trace`.
    #[schema(example = "trace")]
    object: &'static str,
    /// Its id.
    #[schema(value_type = String, example = "trace_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    id: TraceId,
    /// The conversation.
    #[schema(value_type = String, example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    conversation_id: ConversationId,
    /// The inbound message it is about.
    #[schema(value_type = String, example = "msg_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    message_id: MessageId,
    /// The outbound message it led to; `null` where a person was faster.
    #[schema(value_type = Option<String>, example = "msg_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    reply_id: Option<MessageId>,
    /// What was decided.
    decision: Decision,
    /// When a person took the conversation over, if this was the newest decision then.
    taken_over_at: Option<Time>,
    /// Who was asked.
    #[schema(example = "builtin")]
    provider: String,
    /// Which model, with its version.
    #[schema(example = "passages-1")]
    model: String,
    /// Tokens that it took.
    usage: UsageView,
    /// Passages of documents that the answer rests on.
    passages: Vec<PassageView>,
    /// Safety flags.
    #[schema(example = json!([]))]
    flags: Vec<String>,
    /// What the person is after.
    #[schema(example = "booking")]
    intent: Option<String>,
    /// The language of the notice that an AI answers, where the answer begins with it.
    #[schema(example = "en")]
    ai_notice: Option<&'static str>,
    /// The prompt sent.
    prompt: String,
    /// What was said.
    response: String,
    /// What the model said, where something else was said in its stead: it was cleaned, or kept back and a person called.
    #[schema(example = "It costs 1 euro.")]
    refused: Option<String>,
    /// When the decision was made.
    created_at: Time,
}

/// Tokens of one call to a model, each counted once.
#[derive(Serialize, ToSchema)]
#[schema(as = Usage)]
#[expect(
    clippy::struct_field_names,
    reason = "what is counted stands in every name of the API"
)]
pub(crate) struct UsageView {
    /// Read, and neither from a cache nor into one.
    #[schema(example = 812)]
    input_tokens: u64,
    /// Read from the provider's cache.
    #[schema(example = 2048)]
    cache_read_tokens: u64,
    /// Read into the provider's cache.
    #[schema(example = 0)]
    cache_write_tokens: u64,
    /// Said.
    #[schema(example = 97)]
    output_tokens: u64,
}

impl From<Usage> for UsageView {
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.input,
            cache_read_tokens: usage.cache_read,
            cache_write_tokens: usage.cache_write,
            output_tokens: usage.output,
        }
    }
}

/// One passage of a document.
#[derive(Serialize, ToSchema)]
#[schema(as = Passage)]
pub(crate) struct PassageView {
    /// The document. It may have been deleted since.
    #[schema(value_type = String, example = "doc_01k5p0d3sbqgd2h6x7mzv9e4ra")]
    document_id: DocumentId,
    /// The passage's position in it, from 1.
    #[schema(example = 3)]
    number: u32,
}

impl From<PassageRef> for PassageView {
    fn from(passage: PassageRef) -> Self {
        Self {
            document_id: passage.document,
            number: passage.number,
        }
    }
}

impl From<Trace> for TraceView {
    fn from(trace: Trace) -> Self {
        Self {
            object: "trace",
            id: *trace.id,
            conversation_id: *trace.conversation,
            message_id: (*trace.id).into(),
            reply_id: *trace.reply,
            decision: (*trace.decision).into(),
            taken_over_at: trace.taken_over_at.map(Time),
            provider: trace.provider.to_string(),
            model: trace.model.to_string(),
            usage: (*trace.usage).into(),
            passages: trace.passages.0.into_iter().map(Into::into).collect(),
            flags: trace.flags.iter().map(ToString::to_string).collect(),
            intent: trace.intent.as_ref().map(ToString::to_string),
            ai_notice: trace.ai_notice.map(Language::code),
            created_at: Time(*trace.at),
            prompt: trace.prompt.into_inner(),
            response: trace.response.into_inner(),
            refused: trace.refused.into_inner(),
        }
    }
}

/// Lists the AI's decisions in a conversation
///
/// In the order of the messages they are about. A trace ends with the oldest message that its prompt quotes. Scope:
/// `traces:read`.
#[utoipa::path(
    get,
    path = "/v1/conversations/{id}/traces",
    tag = "traces",
    params(
        ("id" = String, Path, description = "The conversation.", example = "conv_01k5p0d3sbqgd2h6x7mzv9e4ra"),
        ListQuery,
    ),
    responses(
        (status = 200, description = "One page.", body = List<TraceView>),
        Refused,
        NotFound,
        Invalid,
    )
)]
pub(crate) async fn list_traces(
    granted: Granted<TracesRead>,
    PathId(id): PathId<ConversationId>,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<List<TraceView>>, Problem> {
    let scope = granted.scope();
    let open = scope
        .open_conversation(id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let range = keys::traces(scope.tenant(), id);
    let mut page = read_page(scope, &range, &format!("traces/{id}"), &query, false).await?;
    let views = std::mem::take(&mut page.data)
        .into_iter()
        .map(|row| scope.store().open::<Trace>(row, &open.key).map(TraceView::from))
        .collect::<Result<_, _>>()?;
    Ok(Json(page.with(views)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;
    use usher_shared::{Timestamp, model};

    #[test]
    fn a_trace_names_the_message_it_is_about() {
        let at = Timestamp::from_millis(1_790_000_000_523);
        let message = MessageId::derived(at, [1; 10]);
        let trace = Trace {
            id: TraceId::from(message).into(),
            conversation: ConversationId::derived(at, [2; 10]).into(),
            at: at.into(),
            since: at.into(),
            burst: Vec::new().into(),
            decision: model::Decision::Answered.into(),
            reply: Some(MessageId::derived(at, [3; 10])).into(),
            taken_over_at: Some(at).into(),
            usage: Usage {
                input: 812,
                cache_read: 2_048,
                cache_write: 0,
                output: 97,
            }
            .into(),
            provider: "builtin"
                .parse::<usher_shared::untrusted::Label>()
                .unwrap()
                .into(),
            model: "passages-1"
                .parse::<usher_shared::untrusted::Label>()
                .unwrap()
                .into(),
            passages: vec![PassageRef {
                document: DocumentId::derived(at, [4; 10]),
                number: 3,
            }]
            .into(),
            flags: vec!["long".parse().unwrap()].into(),
            intent: None.into(),
            ai_notice: Some(Language::German).into(),
            prompt: "Question: …".to_owned().into(),
            response: "Yes.".to_owned().into(),
            refused: Some("**Yes.**".to_owned()).into(),
        };
        assert_eq!(
            serde_json::to_value(TraceView::from(trace)).unwrap(),
            json!({
                "object": "trace",
                "id": TraceId::from(message).to_string(),
                "conversation_id": ConversationId::derived(at, [2; 10]).to_string(),
                "message_id": message.to_string(),
                "reply_id": MessageId::derived(at, [3; 10]).to_string(),
                "decision": "answered",
                "taken_over_at": "2026-09-21T14:13:20.523Z",
                "provider": "builtin",
                "model": "passages-1",
                "usage": {"input_tokens": 812, "cache_read_tokens": 2048, "cache_write_tokens": 0, "output_tokens": 97},
                "passages": [{"document_id": DocumentId::derived(at, [4; 10]).to_string(), "number": 3}],
                "flags": ["long"],
                "intent": null,
                "ai_notice": "de",
                "prompt": "Question: …",
                "response": "Yes.",
                "refused": "**Yes.**",
                "created_at": "2026-09-21T14:13:20.523Z",
            })
        );
    }
}
