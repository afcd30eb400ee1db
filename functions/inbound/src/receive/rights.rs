//! What people ask for their data on the channel that they write on (promise DEL-06): before any model sees it, and at
//! no cost for whoever asks for nothing. A sentence is asked back; the word that the question names is the request.

use serde_json::json;
use usher_aws::TenantScope;
use usher_aws::sealing::KeyringError;
use usher_aws::store::{StoreError, When, keys};
use usher_aws::suppressions::Means;
use usher_carriers::event::Said;
use usher_shared::channel::ChannelKind;
use usher_shared::ids::{ConversationId, MessageId};
use usher_shared::model::{ConversationState, MessageBody};
use usher_shared::records::ChannelAddress;
use usher_shared::rights::{Asked, Language, Wish, confirms, question, wish};

use super::place::Place;
use super::{Inbound, say};

/// What a message is about, where it is about the writer's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plea {
    /// Somebody wishes for something: to be asked back.
    Wish(Wish, Language),
    /// Somebody who was asked back says the word.
    Word(Asked),
}

/// How a person on a channel shows that it is they who ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// By writing on it.
    Channel,
    /// By opening a link that goes to the address.
    Link,
    /// Not at all: a number that calls can be anybody's, and an answer to a comment is everybody's to read.
    None,
}

impl Proof {
    fn of(kind: ChannelKind, said: &Said) -> Self {
        match kind {
            _ if said.comment.is_some() => Self::None,
            ChannelKind::WebChat
            | ChannelKind::Sms
            | ChannelKind::Messenger
            | ChannelKind::Instagram
            | ChannelKind::Whatsapp => Self::Channel,
            ChannelKind::Email | ChannelKind::Form => Self::Link,
            ChannelKind::Voice => Self::None,
        }
    }
}

/// Reads what a message is about. Looks into the database only for a word that nobody writes by chance.
pub(super) async fn plea(
    scope: &TenantScope,
    channel: &ChannelAddress,
    place: &Place,
    inbound: &Inbound,
) -> Result<Option<Plea>, StoreError> {
    let said = &inbound.said;
    // Machines have no rights, whoever ended messages is not asked anything, and who is not who they say is nobody.
    if said.unattended || *channel.paused == Some(true) {
        return Ok(None);
    }
    if let Some(confirmed) = confirms(&said.text) {
        let asked = match place.asked {
            // The row may have been read a moment too early.
            None => asked_now(scope, place).await?,
            asked => asked,
        };
        let waits = asked.filter(|asked| asked.wish == confirmed && asked.waits(scope.now()));
        return Ok(waits.map(Plea::Word));
    }
    let mut wished = wish(&said.text);
    if let (None, Some(mail)) = (wished, &said.mail)
        && mail.references.is_empty()
    {
        // An answer repeats the subject of what it answers, and wishes for nothing by it.
        wished = wish(&mail.subject);
    }
    Ok(wished.map(|(wish, language)| Plea::Wish(wish, language)))
}

async fn asked_now(scope: &TenantScope, place: &Place) -> Result<Option<Asked>, StoreError> {
    let row = keys::contact(scope.tenant(), place.contact.address);
    let row = scope.store().get_row(&row, true).await?;
    let row = row.filter(|row| row.peek("id") == Some(place.contact.id));
    Ok(row.and_then(|row| row.peek("asked")))
}

/// A plea in its place.
pub(super) struct Heard<'a> {
    pub(super) scope: &'a TenantScope,
    pub(super) channel: &'a ChannelAddress,
    pub(super) place: &'a Place,
    pub(super) said: &'a Said,
    pub(super) address: &'a str,
    pub(super) message: MessageId,
    pub(super) conversation: ConversationId,
}

impl Heard<'_> {
    /// Does what a plea asks for. Done again it does what is left.
    pub(super) async fn take(&self, plea: Plea) -> Result<(), KeyringError> {
        match plea {
            Plea::Wish(wish, language) => self.wish(wish, language).await,
            Plea::Word(_) => self.call_people().await,
        }
    }

    async fn wish(&self, wish: Wish, language: Language) -> Result<(), KeyringError> {
        let proof = Proof::of(*self.channel.kind, self.said);
        if proof == Proof::None || !self.place.keys.processing().may_send() || self.is_suppressed().await? {
            return self.call_people().await;
        }
        let asked = Asked {
            wish,
            language,
            at: self.message.at(),
        };
        if let Proof::Link = proof {
            return self.call_people().await;
        }
        let own = self.message.to_string();
        let id = say::id(self.scope, self.message.at(), &[b"rights", own.as_bytes()]);
        let said = keys::message(self.scope.tenant(), self.conversation, id);
        if self.scope.store().get_row(&said, true).await?.is_some() {
            return Ok(());
        }
        let pending = self.place.asked.filter(|asked| asked.waits(self.scope.now()));
        if pending.is_some_and(|pending| pending.wish == wish && pending.at < asked.at) {
            // They were asked already, and a machine that asks again helps nobody.
            return self.call_people().await;
        }
        // The state before the question: a question whose answer nobody expects would be a lie.
        self.expect(json!(asked), Vec::new()).await?;
        let body = MessageBody::from(question(wish, language));
        say::say(self.scope, self.conversation, id, self.message, body).await?;
        tracing::info!(tenant.id = %self.scope.tenant(), message.id = %self.message, wish = ?wish, "asked back");
        Ok(())
    }

    /// Whether nothing reaches the person: they ended messages, which a question is.
    async fn is_suppressed(&self) -> Result<bool, StoreError> {
        match Means::of(*self.channel.kind) {
            Some(means) => self.scope.is_suppressed(means, self.address).await,
            None => Ok(false),
        }
    }

    /// Writes down with the contact what it was asked.
    async fn expect(&self, asked: serde_json::Value, mut when: Vec<When>) -> Result<(), StoreError> {
        let row = keys::contact(self.scope.tenant(), self.place.contact.address);
        when.push(When::Is("id", json!(self.place.contact.id)));
        let _forgotten_meanwhile = self
            .scope
            .store()
            .update(&row, vec![("asked", asked)], when)
            .await?;
        Ok(())
    }

    /// No machine can go on with it.
    async fn call_people(&self) -> Result<(), KeyringError> {
        let waits = ConversationState::WaitingForHuman;
        let _with_a_person_already = self
            .scope
            .move_conversation(
                self.conversation,
                &ConversationState::OPEN_TO_AI,
                waits,
                self.scope.now(),
                None,
            )
            .await?;
        Ok(())
    }
}
