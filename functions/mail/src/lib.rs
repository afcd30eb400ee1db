//! Mail that SES took in, and what SES tells of ours.
//!
//! A mail lies in a bucket until it is stored as a message; then its raw form is removed, whatever it was. A mail whose
//! telling failed is found in the bucket a little later, and the bucket forgets within a day what nobody could read.

mod leftovers;
mod recipients;

use std::sync::Arc;

use inbound::receive::mail::take_mail;
use inbound::receive::{ReceiveError, Received};
use serde_json::{Value, json};
use usher_aws::Platform;
use usher_aws::files::FileError;
use usher_aws::mail::RawMails;
use usher_aws::scope::ScopeError;
use usher_aws::sealing::KeyringError;
use usher_aws::settings::MissingVariable;
use usher_aws::telemetry::{self, Unit};
use usher_carriers::event::{Event, To};
use usher_carriers::mail::ses::{Heard, Notice, hear};
use usher_carriers::mail::{Addressed, read};
use usher_shared::records::ChannelAddress;

use crate::recipients::mailboxes;

/// Why an event could not be worked through. Lambda brings it again.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The bucket failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The channel cannot be found.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The tenant cannot be entered.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// The message cannot be stored.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
}

/// What the function holds while it is warm.
pub struct Mailroom {
    platform: Arc<Platform>,
    raw: RawMails,
}

/// What came of an event.
#[derive(Clone, Copy, Default)]
struct Report {
    /// Mails that became messages.
    stored: u32,
    /// What changed something that is stored.
    noted: u32,
    /// What was acknowledged and nothing else.
    ignored: u32,
}

impl Mailroom {
    /// A mailroom over the bucket that the environment names.
    ///
    /// # Errors
    /// [`MissingVariable`], naming it.
    pub fn new(platform: Arc<Platform>) -> Result<Self, MissingVariable> {
        let raw = platform.raw_mails()?;
        Ok(Self { platform, raw })
    }

    /// Handles an event: SES's receipt rule, what SES tells of a mail of ours, or the schedule that looks for what was
    /// left over. Says what came of it.
    ///
    /// # Errors
    /// [`MailError`]; the next delivery of the event does what is left.
    pub async fn handle(&self, event: &Value) -> Result<Value, MailError> {
        let mut report = Report::default();
        if event.get("schedule").and_then(Value::as_str) == Some("leftovers") {
            self.leftovers(&mut report).await?;
        } else {
            match hear(event) {
                Heard::Mail(notices) => {
                    for notice in notices {
                        let id = &notice.received.id;
                        // What is not there any more is done.
                        if let Some(raw) = self.raw.get(id).await? {
                            self.take(&notice, &raw, &mut report).await?;
                        }
                    }
                }
                Heard::Events(events) => {
                    for event in events {
                        self.told(event, &mut report).await?;
                    }
                }
                Heard::Nothing => report.ignore("not_mail"),
            }
        }
        let counts = [
            ("stored", report.stored),
            ("noted", report.noted),
            ("ignored", report.ignored),
        ];
        let metrics = counts.map(|(name, count)| (name, f64::from(count), Unit::Count));
        telemetry::emit("mail", &metrics);
        Ok(json!({"stored": report.stored, "noted": report.noted, "ignored": report.ignored}))
    }

    /// Stores a mail for everybody whose mailbox it was sent to; then the raw mail is removed.
    async fn take(&self, notice: &Notice, raw: &[u8], report: &mut Report) -> Result<(), MailError> {
        let mut known = false;
        for (to, token) in mailboxes(&notice.recipients) {
            let Some(channel) = self.platform.find_channel(&to).await? else {
                continue;
            };
            known = true;
            self.deliver(notice, raw, (&to, token.as_deref()), &channel, report)
                .await?;
        }
        if !known {
            report.ignore("mail_for_nobody");
        }
        self.raw.delete(&notice.received.id).await?;
        Ok(())
    }

    async fn deliver(
        &self,
        notice: &Notice,
        raw: &[u8],
        (to, token): (&To, Option<&str>),
        channel: &ChannelAddress,
        report: &mut Report,
    ) -> Result<(), MailError> {
        let scope = self.platform.enter_to_write(*channel.tenant).await?;
        let open = self.platform.recall_channel(&scope, *channel.channel).await?;
        let settings = open.map(|open| open.settings()).unwrap_or_default();
        let domain = self.platform.settings().mail_domain();
        let addressed = Addressed {
            to,
            mailbox: &to.address,
            token,
            domain: domain.as_deref(),
            relays: &settings.form_relays,
        };
        let event = read(raw, &notice.received, addressed);
        report.count(take_mail(&self.platform, &scope, channel, event).await?);
        Ok(())
    }

    /// Takes what SES tells of a mail of ours.
    async fn told(&self, event: Event, report: &mut Report) -> Result<(), MailError> {
        let Some(channel) = self.platform.find_channel(&event.to).await? else {
            report.ignore("unconnected");
            return Ok(());
        };
        let scope = self.platform.enter_to_write(*channel.tenant).await?;
        report.count(take_mail(&self.platform, &scope, &channel, event).await?);
        Ok(())
    }
}

impl Report {
    fn count(&mut self, received: Received) {
        match received {
            Received::Stored(..) => self.stored += 1,
            Received::Noted => self.noted += 1,
            Received::Ignored(name) => self.ignore(name),
            Received::Forgotten => self.ignore("forgotten"),
            Received::Conflict => self.ignore("conflict"),
        }
    }

    fn ignore(&mut self, name: &'static str) {
        tracing::info!(event.name = name, "ignored");
        self.ignored += 1;
    }
}
