//! Mail by SES, in the installation's own account: a call that is signed under the function's role.

use std::time::Duration;

use usher_aws::web::{CallFailed, Web};
use usher_carriers::call::{Account, Outcome, Outgoing};
use usher_carriers::mail::ses;
use usher_shared::channel::Failure;

use super::{Prepared, Sender, Sending};

/// Sends by SES. It takes the same mail twice if it is given twice.
pub(super) struct Ses {
    web: Web,
}

impl Ses {
    pub(super) fn new(web: Web) -> Self {
        Self { web }
    }
}

impl Sender for Ses {
    fn repetition_is_harmless(&self) -> bool {
        false
    }

    fn prepare(&self, account: &Account<'_>, outgoing: &Outgoing<'_>) -> Result<Prepared, Outcome> {
        ses::send(account, outgoing).map(Prepared::Call)
    }

    fn send(&self, prepared: Prepared, limit: Duration) -> Sending<'_> {
        Box::pin(async move {
            let Prepared::Call(call) = prepared else {
                return Outcome::refused(Failure::Refused);
            };
            match self.web.call_aws("ses", &call, limit).await {
                Ok((answer, error)) => ses::outcome(&answer, error.as_deref()),
                Err(CallFailed::NotSent) => Outcome::NotNow { after: None },
                Err(CallFailed::Unknown) => Outcome::Unknown,
            }
        })
    }
}
