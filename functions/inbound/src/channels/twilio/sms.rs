//! Text messages: consent first, then everything else.

use usher_aws::http::Problem;
use usher_aws::suppressions::Means;
use usher_carriers::event::{Event, Person, Said, What};
use usher_carriers::sms;
use usher_shared::channel::Failure;
use usher_shared::consent::{Wish, wish};
use usher_shared::ids::{ConversationId, MessageId};
use usher_shared::model::{ConversationState, MessageBody, Reach};
use usher_shared::rights::wish as asks_for_rights;

use super::consent::{Asked, Purpose, is_proved, prove};
use super::request::Genuine;
use crate::receive::{Copies, Inbound, Received, receive, say, take};

/// A text message that says something, from somebody.
struct Text<'a> {
    hook: &'a Genuine,
    /// Twilio's id of it.
    id: String,
    person: Person,
    said: Said,
}

/// Takes a text message that came in. Gives the name under which it is ignored, if it is.
pub(super) async fn incoming(hook: &Genuine) -> Result<Option<&'static str>, Problem> {
    let sms::Incoming { event, told } = sms::incoming(&hook.key(), &hook.fields);
    let Event { id, person, what, .. } = event;
    let (person, said) = match (person, what) {
        (Some(person), What::Message(said)) => (person, said),
        (_, What::Ignored(name)) => return Ok(Some(name)),
        _ => return Ok(Some("sms_from_nobody")),
    };
    // Two numbers that answer each other would never stop.
    if hook.account().is_some_and(|own| own.number == person.address) {
        return Ok(Some("sms_from_ourselves"));
    }
    let suppressed = hook.scope.is_suppressed(Means::Sms, &person.address).await?;
    let wish = wish(&said.text, told, suppressed);
    // A machine answers neither wishes, nor who must not be written to, nor what cannot be: short codes and names.
    let unattended = wish.is_some() || suppressed || !sms::can_be_answered(&person.address);
    let text = Text {
        hook,
        id,
        person,
        said: Said { unattended, ..said },
    };
    match wish {
        None if suppressed && asks_for_rights(&text.said.text).is_some() => text.call_people().await?,
        None => {
            text.store().await?;
        }
        Some(Wish::Stop { keyword }) => text.stop(keyword).await?,
        Some(Wish::Resume) => text.resume().await?,
        Some(Wish::Help) => {
            let is_answered = told.is_some() || suppressed;
            text.help(is_answered).await?;
        }
    }
    Ok(None)
}

impl Text<'_> {
    /// Stores the message; `None` if it belongs to what was forgotten.
    async fn store(&self) -> Result<Option<(MessageId, ConversationId)>, Problem> {
        let reach = Reach {
            address: self.person.address.clone(),
            channel: None,
        };
        let inbound = Inbound {
            person: self.person.clone(),
            event: self.id.clone(),
            copies: Copies::Alike,
            said: self.said.clone(),
            reach: Some(reach),
            ..Inbound::default()
        };
        Ok(
            match receive(&self.hook.platform, &self.hook.scope, &self.hook.address, inbound).await? {
                Received::Stored(id, conversation) => Some((id, conversation)),
                _ => None,
            },
        )
    }

    /// Who ended messages has rights all the same, but cannot be asked back.
    async fn call_people(&self) -> Result<(), Problem> {
        let Some((_, conversation)) = self.store().await? else {
            return Ok(());
        };
        let waits = ConversationState::WaitingForHuman;
        let from = ConversationState::OPEN_TO_AI;
        let scope = &self.hook.scope;
        let _with_a_person_already = scope
            .move_conversation(conversation, &from, waits, scope.now(), None)
            .await?;
        Ok(())
    }

    /// No more messages, at once: that is written down before anything else. Confirmed by nobody here: the carrier has
    /// confirmed what is a keyword, and who said it in a sentence wants no more.
    async fn stop(&self, keyword: bool) -> Result<(), Problem> {
        let (hook, scope) = (self.hook, &self.hook.scope);
        // A late repetition does not end what was resumed since.
        let channel = *hook.address.channel;
        if !is_proved(scope, Purpose::Stop, channel, &self.id).await? {
            let reason = if keyword { "keyword" } else { "words" };
            scope.suppress(Means::Sms, &self.person.address, reason).await?;
        }
        let Some((message, conversation)) = self.store().await? else {
            return Ok(());
        };
        prove(scope, self.asked(Purpose::Stop, conversation, message), message).await?;
        if !keyword {
            // A sentence may say more, and a person should see that nothing is sent any more.
            let waits = ConversationState::WaitingForHuman;
            let from = ConversationState::OPEN_TO_AI;
            let _with_a_person_already = scope
                .move_conversation(conversation, &from, waits, scope.now(), None)
                .await?;
        }
        tracing::info!(tenant.id = %scope.tenant(), message.id = %message, keyword, "opted out");
        Ok(())
    }

    /// Messages again, unless they were refused since.
    async fn resume(&self) -> Result<(), Problem> {
        let scope = &self.hook.scope;
        let Some((message, conversation)) = self.store().await? else {
            return Ok(());
        };
        let lifted = scope
            .lift_suppression_before(Means::Sms, &self.person.address, message.at())
            .await?;
        prove(scope, self.asked(Purpose::Resume, conversation, message), message).await?;
        tracing::info!(tenant.id = %scope.tenant(), message.id = %message, lifted = lifted.happened(), "opted in");
        Ok(())
    }

    /// Who is writing, and how it is ended; nothing where the carrier has said it already.
    async fn help(&self, is_answered: bool) -> Result<(), Problem> {
        let (hook, scope) = (self.hook, &self.hook.scope);
        let Some((message, conversation)) = self.store().await? else {
            return Ok(());
        };
        if is_answered {
            return Ok(());
        }
        let text = hook.channel.settings().help_text.unwrap_or_else(|| {
            format!(
                "{}: a person reads what you write here. Reply STOP to get no more messages.",
                scope.business_name()
            )
        });
        let asked = message.to_string();
        let id = say::id(scope, message.at(), &[b"help", asked.as_bytes()]);
        say::say(scope, conversation, id, message, MessageBody::from(text)).await?;
        Ok(())
    }

    fn asked(&self, purpose: Purpose, conversation: ConversationId, message: MessageId) -> Asked<'_> {
        Asked {
            purpose,
            channel: *self.hook.address.channel,
            request: &self.id,
            number: &self.person.address,
            evidence: &self.id,
            conversation,
            at: message.at(),
        }
    }
}

/// Takes what became of a message of ours. Gives the name under which it is ignored, if that is worth counting.
pub(super) async fn status(hook: &Genuine) -> Result<Option<&'static str>, Problem> {
    let event = sms::status(&hook.key(), &hook.fields, hook.query.get("ref"));
    let refused_by_person = matches!(
        event.what,
        What::Status {
            failure: Some(Failure::OptedOut),
            ..
        }
    );
    // The carrier knows of a withdrawal that we were not told of.
    if let (true, Some(person)) = (refused_by_person, &event.person) {
        hook.scope
            .suppress(Means::Sms, &person.address, "carrier")
            .await?;
    }
    let taken = Box::pin(take(&hook.platform, &hook.scope, &hook.address, event)).await?;
    Ok(match taken {
        // Every message has several of those that are on their way.
        Received::Ignored(name) if name != "status_on_its_way" => Some(name),
        _ => None,
    })
}
