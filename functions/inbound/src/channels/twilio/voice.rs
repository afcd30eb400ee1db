//! Calls: a machine takes them, what was said becomes a conversation that a person answers. A link is sent by text
//! message to who asked for it, once for each call, and the number is used for nothing else.

use usher_aws::http::Problem;
use usher_carriers::event::{Event, Person, What};
use usher_carriers::{twiml, voice};
use usher_shared::channel::ChannelKind;
use usher_shared::ids::{ConversationId, MessageId};
use usher_shared::link_request::asks_for_link;
use usher_shared::model::{ConversationState, MessageBody, Profile, Reach};
use usher_shared::records::CallRecording;

use super::consent::{Asked, Purpose, prove};
use super::ignored;
use super::request::Genuine;
use crate::receive::{Copies, Inbound, Received, receive, say};

/// What a caller left: heard or read.
struct Left {
    /// Twilio's id of the call.
    call: String,
    /// Twilio's id of its recording.
    recording: Option<String>,
    /// The caller.
    person: Person,
    /// What was said, if it is in writing.
    text: String,
    message: MessageId,
    conversation: ConversationId,
}

/// Answers a call.
pub(super) fn incoming(hook: &Genuine) -> String {
    twiml::voicemail(&hook.channel.settings(), hook.channel.hooks())
}

/// Takes the end of a recording.
pub(super) async fn recorded(hook: &Genuine) -> Result<(), Problem> {
    store(hook, voice::recorded(&hook.key(), &hook.fields)).await?;
    Ok(())
}

/// Takes what Twilio says of a recording as such.
pub(super) fn recording(hook: &Genuine) {
    if let What::Ignored(name) = voice::recording(&hook.key(), &hook.fields).event.what {
        ignored(name);
    }
}

/// Takes what was said, in writing.
pub(super) async fn transcription(hook: &Genuine) -> Result<(), Problem> {
    let Some(left) = store(hook, voice::transcription(&hook.key(), &hook.fields)).await? else {
        return Ok(());
    };
    if asks_for_link(&left.text)
        && let Some(name) = send_link(hook, &left).await?
    {
        ignored(name);
    }
    Ok(())
}

/// Stores what a caller left as a message that waits for a person, and remembers its recording; `None` if it says
/// nothing, or belongs to what was forgotten.
async fn store(hook: &Genuine, about: voice::About) -> Result<Option<Left>, Problem> {
    let voice::About {
        event,
        call,
        recording,
    } = about;
    let Event { id, person, what, .. } = event;
    let (mut person, said) = match (person, what) {
        (Some(person), What::Message(said)) => (person, said),
        (_, What::Ignored(name)) => {
            ignored(name);
            return Ok(None);
        }
        _ => {
            ignored("call_from_nobody");
            return Ok(None);
        }
    };
    // For a person to call back; no message leaves by it.
    person.profile = Profile {
        phone: number(&person).map(str::to_owned),
        ..person.profile
    };
    let text = said.text.clone();
    let inbound = Inbound {
        person: person.clone(),
        event: id,
        copies: Copies::Alike,
        said,
        ..Inbound::default()
    };
    let scope = &hook.scope;
    let received = receive(&hook.platform, scope, &hook.address, inbound).await?;
    let Received::Stored(message, conversation) = received else {
        return Ok(None);
    };
    if let Some(recording) = &recording {
        remember(hook, conversation, message, recording).await?;
    }
    let waits = ConversationState::WaitingForHuman;
    let from = ConversationState::OPEN_TO_AI;
    let _with_a_person_already = scope
        .move_conversation(conversation, &from, waits, scope.now(), None)
        .await?;
    Ok(Some(Left {
        call,
        recording,
        person,
        text,
        message,
        conversation,
    }))
}

/// Remembers a recording, which has to go when its conversation does.
async fn remember(
    hook: &Genuine,
    conversation: ConversationId,
    message: MessageId,
    recording: &str,
) -> Result<(), Problem> {
    let scope = &hook.scope;
    let Some(open) = scope.open_conversation(conversation).await? else {
        return Ok(());
    };
    let record = CallRecording {
        conversation: conversation.into(),
        contact: open.head.contact,
        channel: hook.address.channel,
        at: message.at().into(),
        recording: recording.to_owned().into(),
    };
    scope.remember_recording(&record).await?;
    Ok(())
}

/// Sends the one message that a call asked for. The proof comes first: it names the message, so that whatever is
/// repeated sends the same one. Gives the name of what stands in its way.
async fn send_link(hook: &Genuine, left: &Left) -> Result<Option<&'static str>, Problem> {
    let scope = &hook.scope;
    let settings = hook.channel.settings();
    let Some(number) = number(&left.person) else {
        return Ok(Some("link_to_a_hidden_number"));
    };
    let (Some(link), Some(by)) = (settings.link, settings.answers_by) else {
        return Ok(Some("link_not_configured"));
    };
    let by_sms = hook.platform.recall_channel(scope, by).await?;
    if by_sms.is_none_or(|channel| *channel.channel.kind != ChannelKind::Sms) {
        return Ok(Some("link_without_a_number_to_send_by"));
    }
    let id = say::id(scope, left.message.at(), &[b"link", left.call.as_bytes()]);
    let asked = Asked {
        purpose: Purpose::Link,
        channel: *hook.address.channel,
        request: &left.call,
        number,
        evidence: left.recording.as_deref().unwrap_or_default(),
        conversation: left.conversation,
        at: left.message.at(),
    };
    let Some((conversation, id)) = prove(scope, asked, id).await? else {
        return Ok(Some("link_to_somebody_forgotten"));
    };
    let text = format!(
        "{}: here is the link that you asked for on the phone: {link}",
        scope.business_name()
    );
    let body = MessageBody {
        reach: Some(Reach {
            address: number.to_owned(),
            channel: Some(by),
        }),
        ..MessageBody::from(text)
    };
    say::say(scope, conversation, id, left.message, body).await?;
    Ok(None)
}

/// The number of a caller who did not hide it.
fn number(person: &Person) -> Option<&str> {
    Some(person.address.as_str()).filter(|address| address.starts_with('+'))
}
