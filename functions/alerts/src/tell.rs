//! Telling one target, by its own means.

use std::time::Duration;

use usher_aws::settings::{MissingVariable, Settings};
use usher_aws::web::{CallFailed, Web};
use usher_carriers::call::Outcome;
use usher_carriers::mail::compose;
use usher_carriers::mail::ses;
use usher_carriers::telegram::{self, Heard};
use usher_shared::alert::{Target, TargetKind, TargetTrouble};

use crate::words::Alert;

/// Longest that one call may take.
pub(crate) const CALL: Duration = Duration::from_secs(5);
/// When to try again what nobody said when to try.
pub(crate) const LATER: Duration = Duration::from_mins(1);
/// The name before the `@` that alerts come from.
const SENDER: &str = "alerts";

/// What became of an attempt to tell somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// They were told.
    Told,
    /// They were told, and their group is another chat from now on.
    Moved(String),
    /// They cannot be told any more.
    Over(TargetTrouble),
    /// They were perhaps not told: to be tried again.
    Later(Duration),
    /// The installation cannot tell anybody by this means.
    Impossible,
}

/// The means by which people are told.
#[derive(Clone)]
pub struct Teller {
    web: Web,
    telegram: String,
    token: Option<String>,
    ses: String,
    /// The address that mail comes from; none where there is no mail.
    sender: Option<String>,
}

impl std::fmt::Debug for Teller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Teller")
    }
}

impl Teller {
    /// The means that these settings name.
    ///
    /// # Errors
    /// [`MissingVariable`], naming it.
    pub fn new(settings: &Settings) -> Result<Self, MissingVariable> {
        Ok(Self {
            web: Web::new(settings),
            telegram: settings.telegram_url()?,
            token: settings.telegram_bot_token(),
            ses: settings.ses_url()?,
            sender: settings.mail_domain().map(|domain| format!("{SENDER}@{domain}")),
        })
    }

    /// Whether mail can be sent at all.
    pub(crate) fn has_mail(&self) -> bool {
        self.sender.is_some()
    }

    /// Whether there is a bot for tenants without one.
    pub(crate) fn has_bot(&self) -> bool {
        self.token.is_some()
    }

    /// Tells one target, by the tenant's own bot if there is one. Takes `limit` at most, or twice that where a chat has
    /// moved.
    pub(crate) async fn tell(
        &self,
        own_bot: Option<&str>,
        target: &Target,
        alert: &Alert,
        silent: bool,
        limit: Duration,
    ) -> Attempt {
        match target.kind {
            TargetKind::Mail => self.mail(&target.address, alert, limit).await,
            TargetKind::Telegram => {
                let own = own_bot.is_some();
                let Some(token) = own_bot.or(self.token.as_deref()) else {
                    return Attempt::Impossible;
                };
                let say = async |chat: &str| {
                    let call = telegram::send(&self.telegram, token, chat, &alert.text, silent);
                    match self.web.call(&call, limit).await {
                        Ok(answer) => telegram::heard(&answer),
                        Err(CallFailed::NotSent) => Heard::NotNow(None),
                        Err(CallFailed::Unknown) => Heard::Unknown,
                    }
                };
                match say(&target.address).await {
                    Heard::Moved(chat) => match meant(&say(&chat).await, own) {
                        Attempt::Told => Attempt::Moved(chat),
                        other => other,
                    },
                    heard => meant(&heard, own),
                }
            }
        }
    }

    async fn mail(&self, to: &str, alert: &Alert, limit: Duration) -> Attempt {
        let Some(sender) = &self.sender else {
            return Attempt::Impossible;
        };
        let Ok(mail) = compose::notice(sender, "Usher", to, &alert.subject, &alert.text) else {
            return Attempt::Over(TargetTrouble::Refused);
        };
        // Under no configuration set: nobody waits for events about it.
        let call = ses::call(&self.ses, &mail, None);
        match self.web.call_aws("ses", &call, limit).await {
            Ok((answer, error)) => sent(&ses::outcome(&answer, error.as_deref())),
            Err(CallFailed::NotSent | CallFailed::Unknown) => Attempt::Later(LATER),
        }
    }
}

/// What SES's word means for the target.
fn sent(outcome: &Outcome) -> Attempt {
    match outcome {
        Outcome::Taken { .. } => Attempt::Told,
        Outcome::NotNow { after } => Attempt::Later(after.unwrap_or(LATER)),
        // An alert that comes twice is better than none.
        Outcome::Unknown => Attempt::Later(LATER),
        Outcome::Refused { trouble: None, .. } => Attempt::Over(TargetTrouble::Refused),
        // Of the installation, not of the address.
        Outcome::Refused { trouble: Some(_), .. } => Attempt::Impossible,
    }
}

/// What Telegram's word means for the target. `own` says that the bot is the tenant's.
fn meant(heard: &Heard, own: bool) -> Attempt {
    match heard {
        Heard::Taken => Attempt::Told,
        Heard::Unreachable | Heard::Refused => Attempt::Over(TargetTrouble::Unreachable),
        Heard::TokenRefused if own => Attempt::Over(TargetTrouble::TokenRefused),
        Heard::TokenRefused => Attempt::Impossible,
        Heard::NotNow(after) => Attempt::Later(after.unwrap_or(LATER)),
        // A chat that has moved twice within a second is asked for again.
        Heard::Unknown | Heard::Moved(_) => Attempt::Later(LATER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use usher_shared::channel::{ChannelTrouble, Failure};

    #[test]
    fn only_what_is_about_the_target_ends_it() {
        use TargetTrouble::{Refused, TokenRefused, Unreachable};
        let telegram = [
            (Heard::Taken, Attempt::Told, Attempt::Told),
            (
                Heard::Unreachable,
                Attempt::Over(Unreachable),
                Attempt::Over(Unreachable),
            ),
            (
                Heard::TokenRefused,
                Attempt::Over(TokenRefused),
                Attempt::Impossible,
            ),
            (Heard::Unknown, Attempt::Later(LATER), Attempt::Later(LATER)),
        ];
        for (heard, with_own, with_ours) in telegram {
            assert_eq!(meant(&heard, true), with_own);
            assert_eq!(meant(&heard, false), with_ours);
        }
        let wait = Duration::from_secs(14);
        assert_eq!(meant(&Heard::NotNow(Some(wait)), false), Attempt::Later(wait));
        let refused = |trouble| Outcome::Refused {
            why: Failure::Refused,
            trouble,
        };
        assert_eq!(sent(&refused(None)), Attempt::Over(Refused));
        assert_eq!(
            sent(&refused(Some(ChannelTrouble::Restricted))),
            Attempt::Impossible
        );
        assert_eq!(sent(&Outcome::Unknown), Attempt::Later(LATER));
    }
}
