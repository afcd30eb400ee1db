//! What people ask for their data on the channel that they write on (promise DEL-06): before any model sees it, and at
//! no cost for whoever asks for nothing. A sentence is asked back; the word that the question names is the request.

use serde_json::{Value, json};
use usher_aws::privacy::{Named, NewRequest, Opened, PrivacyError};
use usher_aws::store::{StoreError, When, keys};
use usher_aws::suppressions::Means;
use usher_aws::{Platform, TenantScope};
use usher_carriers::event::Said;
use usher_shared::channel::ChannelKind;
use usher_shared::ids::{ConversationId, MessageId};
use usher_shared::model::{ConversationState, MessageBody, Reach};
use usher_shared::privacy::{ReplyTo, RequestKind, RequestSource, RequestSubject};
use usher_shared::records::ChannelAddress;
use usher_shared::rights::{Asked, Language, Wish, acknowledged, by_link, confirms, question, wish};

use super::place::Place;
use super::{Inbound, ReceiveError, say};

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
    let proves = Proof::of(*channel.kind, said) == Proof::Channel;
    // By mail the word proves nothing: only the link does, which goes to the address.
    if let Some(confirmed) = confirms(&said.text).filter(|_| proves) {
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
    pub(super) platform: &'a Platform,
    pub(super) scope: &'a TenantScope,
    pub(super) channel: &'a ChannelAddress,
    pub(super) place: &'a Place,
    pub(super) said: &'a Said,
    pub(super) address: &'a str,
    pub(super) reach: Option<&'a Reach>,
    pub(super) message: MessageId,
    pub(super) conversation: ConversationId,
}

impl Heard<'_> {
    /// Does what a plea asks for. Done again it does what is left.
    pub(super) async fn take(&self, plea: Plea) -> Result<(), ReceiveError> {
        match plea {
            Plea::Wish(wish, language) => self.wish(wish, language).await,
            Plea::Word(asked) => self.word(asked).await,
        }
    }

    async fn wish(&self, wish: Wish, language: Language) -> Result<(), ReceiveError> {
        let proof = Proof::of(*self.channel.kind, self.said);
        if proof == Proof::None || !self.place.keys.processing().may_send() || self.is_suppressed().await? {
            return self.call_people().await;
        }
        let id = self.answer_id(b"rights");
        let said = keys::message(self.scope.tenant(), self.conversation, id);
        if self.scope.store().get_row(&said, true).await?.is_some() {
            return Ok(());
        }
        let asked = Asked {
            wish,
            language,
            at: self.message.at(),
        };
        let pending = self.place.asked.filter(|asked| asked.waits(self.scope.now()));
        if pending.is_some_and(|pending| pending.wish == wish && pending.at < asked.at) {
            // They were asked already, and a machine that asks again helps nobody.
            return self.call_people().await;
        }
        // The state before the question: a question whose answer nobody expects would be a lie.
        self.expect(json!(asked), None).await?;
        let text = if proof == Proof::Link {
            let opened = self.open(asked, RequestSource::Mail).await?;
            let link = self.platform.confirm_url(self.scope, *opened.request.id);
            let link = link.map_err(PrivacyError::from)?;
            by_link(wish, language, self.scope.business_name(), &link)
        } else {
            question(wish, language)
        };
        self.say(id, text).await?;
        tracing::info!(tenant.id = %self.scope.tenant(), message.id = %self.message, wish = ?wish, "asked back");
        Ok(())
    }

    /// The word was said: the request begins, and its person gets code and page before anything of it is done.
    async fn word(&self, asked: Asked) -> Result<(), ReceiveError> {
        let opened = self.open(asked, RequestSource::Channel).await?;
        let text = acknowledged(asked.language, &opened.code, &opened.status_url);
        self.say(self.answer_id(b"rights-taken"), text).await?;
        // Last: until then a repetition finds that it is expected.
        self.expect(json!(null), Some(asked)).await
    }

    async fn open(&self, asked: Asked, source: RequestSource) -> Result<Opened, ReceiveError> {
        let contact = self.place.contact;
        let new = NewRequest {
            kind: kind(asked.wish),
            subject: RequestSubject::Contact { contact },
            source,
            verified: source == RequestSource::Channel,
            named: Named::Asked {
                at: asked.at,
                words: format!("{} {:?}", contact.id, asked.wish),
            },
            requested_by: None,
            notes: None,
            reply_to: self.reply_to(asked.language),
        };
        Ok(self.platform.open_request(self.scope, new).await?)
    }

    /// Where they are told how it ended. Nowhere on a web chat: its visitor comes and looks, as long as there is
    /// something to look at; afterwards there is the page.
    fn reply_to(&self, language: Language) -> Option<ReplyTo> {
        if *self.channel.kind == ChannelKind::WebChat {
            return None;
        }
        let reach = self.reach?;
        Some(ReplyTo {
            channel: Some(reach.channel.unwrap_or(*self.channel.channel)),
            address: reach.address.clone(),
            language: Some(language.tag().to_owned()),
        })
    }

    /// The id of what is said to the message: said twice, it is one.
    fn answer_id(&self, what: &[u8]) -> MessageId {
        let own = self.message.to_string();
        say::id(self.scope, self.message.at(), &[what, own.as_bytes()])
    }

    async fn say(&self, id: MessageId, text: String) -> Result<(), ReceiveError> {
        let body = MessageBody::from(text);
        Ok(say::say(self.scope, self.conversation, id, self.message, body).await?)
    }

    /// Whether nothing reaches the person: they ended messages, which a question is.
    async fn is_suppressed(&self) -> Result<bool, StoreError> {
        match Means::of(*self.channel.kind) {
            Some(means) => {
                let address = self.reach.map_or(self.address, |reach| &reach.address);
                self.scope.is_suppressed(means, address).await
            }
            None => Ok(false),
        }
    }

    /// Writes down with the contact what it was asked, if it was asked `before`, whatever it was asked if that is none.
    async fn expect(&self, asked: Value, before: Option<Asked>) -> Result<(), ReceiveError> {
        let row = keys::contact(self.scope.tenant(), self.place.contact.address);
        let mut when = vec![When::Is("id", json!(self.place.contact.id))];
        when.extend(before.map(|before| When::Is("asked", json!(before))));
        let _forgotten_meanwhile = self
            .scope
            .store()
            .update(&row, vec![("asked", asked)], when)
            .await?;
        Ok(())
    }

    /// No machine can go on with it.
    async fn call_people(&self) -> Result<(), ReceiveError> {
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

/// The kind of request that a wish is.
const fn kind(wish: Wish) -> RequestKind {
    match wish {
        Wish::Delete => RequestKind::Deletion,
        Wish::Export => RequestKind::Access,
        Wish::WithoutAi => RequestKind::Objection,
        Wish::Object => RequestKind::Restriction,
    }
}
