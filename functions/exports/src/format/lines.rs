//! One JSON document a line. The shapes are those of the API.

use serde::Serialize;
use serde_json::{Value, json};
use usher_shared::channel::{AttachmentKind, AttachmentRefusal, AttachmentState, Delivery, Failure};
use usher_shared::ids::{AttachmentId, ChannelId, ContactId, ConversationId, MessageId, TraceId};
use usher_shared::model::{Author, ConversationState, Decision, Direction, MessageState};
use usher_shared::records::{Attachment, Contact, Conversation, Lead, Message, Trace};
use usher_shared::sniff::MediaType;
use usher_shared::untrusted::Label;

#[derive(Serialize)]
struct ConversationLine<'a> {
    object: &'static str,
    id: ConversationId,
    state: ConversationState,
    channel_id: ChannelId,
    contact_id: ContactId,
    title: &'a str,
    created_at: String,
    last_activity_at: String,
}

#[derive(Serialize)]
struct MessageLine<'a> {
    object: &'static str,
    id: MessageId,
    conversation_id: ConversationId,
    direction: Direction,
    author: Author,
    state: MessageState,
    text: &'a str,
    answers: Option<MessageId>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quoted: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reaction: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<Delivery>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn_at: Option<String>,
}

#[derive(Serialize)]
struct AttachmentLine<'a> {
    object: &'static str,
    id: AttachmentId,
    conversation_id: ConversationId,
    message_id: MessageId,
    kind: AttachmentKind,
    state: AttachmentState,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<AttachmentRefusal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

#[derive(Serialize)]
struct TraceLine<'a> {
    object: &'static str,
    id: TraceId,
    conversation_id: ConversationId,
    message_id: MessageId,
    reply_id: Option<MessageId>,
    decision: Decision,
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_over_at: Option<String>,
    provider: &'a str,
    model: &'a str,
    usage: Value,
    passages: Vec<Value>,
    flags: Vec<&'a str>,
    intent: Option<&'a str>,
    prompt: &'a str,
    response: &'a str,
    refused: Option<&'a str>,
    created_at: String,
}

/// Writes the line of a conversation.
pub(crate) fn conversation(head: &Conversation, out: &mut Vec<u8>) {
    let line = ConversationLine {
        object: "conversation",
        id: *head.id,
        state: *head.state,
        channel_id: *head.channel,
        contact_id: head.contact.id,
        title: head.title.get(),
        created_at: head.created_at.to_string(),
        last_activity_at: head.last_activity.to_string(),
    };
    write(&line, out);
}

/// Writes the line of a message.
pub(crate) fn message(message: &Message, out: &mut Vec<u8>) {
    let body = message.body.get();
    let line = MessageLine {
        object: "message",
        id: *message.id,
        conversation_id: *message.conversation,
        direction: *message.direction,
        author: *message.author,
        state: *message.state,
        text: &body.text,
        answers: *message.answers,
        created_at: message.at.to_string(),
        subject: body.mail.as_ref().map(|mail| mail.subject.as_str()),
        quoted: body.quoted.as_deref(),
        reaction: body.reaction.as_deref(),
        delivery: *message.delivery,
        failure: *message.failure,
        edited_at: message.edited_at.map(|at| at.to_string()),
        withdrawn_at: message.withdrawn_at.map(|at| at.to_string()),
    };
    write(&line, out);
}

/// Writes the line of an attachment. `file` is its name in the archive, if it is stored.
pub(crate) fn attachment(attachment: &Attachment, file: Option<String>, out: &mut Vec<u8>) {
    let line = AttachmentLine {
        object: "attachment",
        id: *attachment.id,
        conversation_id: *attachment.conversation,
        message_id: *attachment.message,
        kind: *attachment.kind,
        state: *attachment.state,
        refusal: *attachment.refusal,
        name: attachment.claim.get().name.as_deref(),
        media_type: attachment.media_type.map(MediaType::name),
        size: *attachment.size,
        created_at: attachment.at.to_string(),
        file,
    };
    write(&line, out);
}

/// Writes the line of an entry of the AI's audit trail.
pub(crate) fn trace(trace: &Trace, out: &mut Vec<u8>) {
    let passage = |passage: &usher_shared::model::PassageRef| json!({"document_id": passage.document, "number": passage.number});
    let line = TraceLine {
        object: "trace",
        id: *trace.id,
        conversation_id: *trace.conversation,
        message_id: (*trace.id).into(),
        reply_id: *trace.reply,
        decision: *trace.decision,
        taken_over_at: trace.taken_over_at.map(|at| at.to_string()),
        provider: trace.provider.as_str(),
        model: trace.model.as_str(),
        usage: json!({
            "input_tokens": trace.usage.input,
            "cache_read_tokens": trace.usage.cache_read,
            "cache_write_tokens": trace.usage.cache_write,
            "output_tokens": trace.usage.output,
        }),
        passages: trace.passages.iter().map(passage).collect(),
        flags: trace.flags.iter().map(Label::as_str).collect(),
        intent: trace.intent.as_ref().map(Label::as_str),
        prompt: trace.prompt.get(),
        response: trace.response.get(),
        refused: trace.refused.get().as_deref(),
        created_at: trace.at.to_string(),
    };
    write(&line, out);
}

/// A contact with what the person volunteered.
pub(crate) fn contact(contact: &Contact) -> Value {
    let profile = contact.profile.get();
    json!({
        "contact_id": *contact.id,
        "channel_id": *contact.channel,
        "conversation_id": *contact.conversation,
        // Where the person is written to, on channels that have such a place.
        "address": contact.reach.get().as_ref().map(|reach| &reach.address),
        "name": profile.name,
        "email": profile.email,
        "phone": profile.phone,
        "handle": profile.handle,
        "corrected": contact.corrected.as_ref().map(|correction| json!({
            "fields": correction.fields,
            "corrected_at": correction.at.to_string(),
        })),
        "first_seen_at": contact.first_seen.to_string(),
        "last_seen_at": contact.last_seen.to_string(),
    })
}

/// A lead with what each of its contacts volunteered.
pub(crate) fn lead(lead: &Lead, contacts: &[Contact]) -> Value {
    json!({
        "object": "lead",
        "id": *lead.id,
        "intents": lead.all_intents().iter().map(Label::as_str).collect::<Vec<_>>(),
        "contacts": contacts.iter().map(contact).collect::<Vec<_>>(),
        "merged": lead.parts().iter().map(|part| json!({
            "lead_id": part.lead,
            "merged_at": part.at.to_string(),
        })).collect::<Vec<_>>(),
        "created_at": lead.created_at.to_string(),
        "last_activity_at": lead.last_activity.to_string(),
    })
}

/// Writes a line.
pub(crate) fn write(line: &impl Serialize, out: &mut Vec<u8>) {
    // Writing plain data into memory cannot fail.
    let _infallible = serde_json::to_writer(&mut *out, line);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use usher_shared::Timestamp;
    use usher_shared::model::{ContactRef, MessageBody};
    use usher_shared::untrusted::KeyedHash;

    #[test]
    fn a_message_is_one_line_whatever_it_says() {
        let at = Timestamp::from_millis(1_790_000_000_523);
        let record = Message {
            id: MessageId::derived(at, [1; 10]).into(),
            conversation: ConversationId::derived(at, [2; 10]).into(),
            contact: ContactRef {
                address: KeyedHash::from_bytes([3; 16]),
                id: ContactId::derived(at, [4; 10]),
            }
            .into(),
            channel: ChannelId::derived(at, [5; 10]).into(),
            direction: Direction::Inbound.into(),
            author: Author::Contact.into(),
            state: MessageState::Received.into(),
            at: at.into(),
            answers: None.into(),
            body: MessageBody::from("two\nlines \"quoted\" \u{2028} é".to_owned()).into(),
            ..Message::blank()
        };
        let mut out = Vec::new();
        message(&record, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches('\n').count(), 1);
        assert!(
            text.starts_with("{\"object\":\"message\",\"id\":\"msg_"),
            "{text}"
        );
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            value,
            json!({
                "object": "message",
                "id": MessageId::derived(at, [1; 10]),
                "conversation_id": ConversationId::derived(at, [2; 10]),
                "direction": "inbound",
                "author": "contact",
                "state": "received",
                "text": "two\nlines \"quoted\" \u{2028} é",
                "answers": null,
                "created_at": "2026-09-21T14:13:20.523Z",
            })
        );
    }
}
