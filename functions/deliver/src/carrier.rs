//! Who carries a message to a person: one small trait, one member per kind of channel.

mod ses;

use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use usher_aws::web::{CallFailed, Web};
use usher_carriers::call::{Account, Call, Carrier, Outcome, Outgoing};
use usher_carriers::mail::resend::Resend;
use usher_carriers::meta::{Instagram, Messenger, Whatsapp};
use usher_carriers::sms::Sms;
use usher_shared::channel::{ChannelKind, ChannelSettings, Failure, MailProvider};

/// What is ready to leave: made by the channel's own rules, before the message is claimed.
pub enum Prepared {
    /// A call to the carrier.
    Call(Call),
    /// Nothing has to leave.
    Nothing,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prepared(..)")
    }
}

/// What became of it, once it is known.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Takes messages to the people on one kind of channel.
pub trait Sender: Send + Sync {
    /// Whether giving it the same message twice is harmless, so that a lost answer can simply be asked for
    /// again.
    fn repetition_is_harmless(&self) -> bool;

    /// Whether the person comes and fetches what is meant for them: there is nothing to send, and a message
    /// that may be fetched is delivered.
    fn is_fetched(&self) -> bool {
        false
    }

    /// Makes a message ready to leave.
    ///
    /// # Errors
    /// What becomes of it instead, if it may not leave: nothing was sent.
    fn prepare(&self, account: &Account<'_>, outgoing: &Outgoing<'_>) -> Result<Prepared, Outcome>;

    /// Lets it leave. Takes `limit` at most.
    fn send(&self, prepared: Prepared, limit: Duration) -> Sending<'_>;
}

/// The web chat's carrier is the visitor, who comes and reads: nothing leaves.
#[derive(Clone, Copy, Debug)]
pub struct WebChat;

impl Sender for WebChat {
    fn repetition_is_harmless(&self) -> bool {
        true
    }

    fn is_fetched(&self) -> bool {
        true
    }

    fn prepare(&self, _: &Account<'_>, _: &Outgoing<'_>) -> Result<Prepared, Outcome> {
        Ok(Prepared::Nothing)
    }

    fn send(&self, _: Prepared, _: Duration) -> Sending<'_> {
        Box::pin(ready(Outcome::Taken { id: String::new() }))
    }
}

/// A channel that only receives: whoever answers on it names another one.
#[derive(Clone, Copy, Debug)]
pub struct Mute;

impl Sender for Mute {
    fn repetition_is_harmless(&self) -> bool {
        true
    }

    fn prepare(&self, _: &Account<'_>, _: &Outgoing<'_>) -> Result<Prepared, Outcome> {
        Err(Outcome::refused(Failure::NoAddress))
    }

    fn send(&self, _: Prepared, _: Duration) -> Sending<'_> {
        Box::pin(ready(Outcome::refused(Failure::NoAddress)))
    }
}

/// A carrier that is called over HTTP.
pub struct Http<C> {
    carrier: C,
    web: Web,
}

impl<C: Carrier> Http<C> {
    /// Calls `carrier` through `web`.
    pub fn new(carrier: C, web: Web) -> Self {
        Self { carrier, web }
    }
}

impl<C: Carrier> Sender for Http<C> {
    fn repetition_is_harmless(&self) -> bool {
        self.carrier.repetition_is_harmless()
    }

    fn prepare(&self, account: &Account<'_>, outgoing: &Outgoing<'_>) -> Result<Prepared, Outcome> {
        if outgoing.to.is_empty() {
            return Err(Outcome::refused(Failure::NoAddress));
        }
        if outgoing.text.chars().count() > self.carrier.longest() {
            return Err(Outcome::refused(Failure::TooLong));
        }
        self.carrier.send(account, outgoing).map(Prepared::Call)
    }

    fn send(&self, prepared: Prepared, limit: Duration) -> Sending<'_> {
        Box::pin(async move {
            let Prepared::Call(call) = prepared else {
                return Outcome::refused(Failure::Refused);
            };
            match self.web.call(&call, limit).await {
                Ok(answer) => self.carrier.outcome(&answer),
                Err(CallFailed::NotSent) => Outcome::NotNow { after: None },
                Err(CallFailed::Unknown) => Outcome::Unknown,
            }
        })
    }
}

/// The senders by kind of channel.
#[derive(Clone)]
pub struct Carriers {
    senders: [Arc<dyn Sender>; ChannelKind::ALL.len()],
    /// Takes the mail of tenants who have it taken under a key of their own.
    resend: Arc<dyn Sender>,
}

impl fmt::Debug for Carriers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carriers")
    }
}

impl Carriers {
    /// The senders of all kinds, calling out through `web`.
    pub fn new(web: &Web) -> Self {
        Self {
            resend: Arc::new(Http::new(Resend, web.clone())),
            senders: ChannelKind::ALL.map(|kind| -> Arc<dyn Sender> {
                match kind {
                    ChannelKind::WebChat => Arc::new(WebChat),
                    ChannelKind::Sms => Arc::new(Http::new(Sms, web.clone())),
                    ChannelKind::Messenger => Arc::new(Http::new(Messenger, web.clone())),
                    ChannelKind::Instagram => Arc::new(Http::new(Instagram, web.clone())),
                    ChannelKind::Whatsapp => Arc::new(Http::new(Whatsapp, web.clone())),
                    ChannelKind::Email => Arc::new(ses::Ses::new(web.clone())),
                    ChannelKind::Form | ChannelKind::Voice => Arc::new(Mute),
                }
            }),
        }
    }

    /// These, with another sender for one kind: for drills.
    #[must_use]
    pub fn with(mut self, kind: ChannelKind, sender: Arc<dyn Sender>) -> Self {
        let mut places = self.senders.iter_mut().zip(ChannelKind::ALL);
        if let Some((place, _)) = places.find(|(_, of)| *of == kind) {
            *place = sender;
        }
        self
    }

    /// The sender of a channel: of its kind, and of the provider that its tenant chose.
    pub(crate) fn by(&self, kind: ChannelKind, settings: &ChannelSettings) -> Arc<dyn Sender> {
        match (kind, settings.mail_provider) {
            (ChannelKind::Email, MailProvider::Resend) => Arc::clone(&self.resend),
            _ => self.of(kind),
        }
    }

    /// The sender of a kind of channel.
    pub(crate) fn of(&self, kind: ChannelKind) -> Arc<dyn Sender> {
        let mut all = self.senders.iter().zip(ChannelKind::ALL);
        let found = all
            .find(|(_, of)| *of == kind)
            .map(|(sender, _)| Arc::clone(sender));
        found.unwrap_or_else(|| Arc::new(Mute))
    }
}
