//! What a carrier says of a channel's credentials: before it is connected, and again on a schedule.

use std::time::Duration;

use usher_aws::web::Web;
use usher_carriers::call::{Answer, Call, Endpoints, Method};
use usher_carriers::meta::account::{self, Refusal};
use usher_carriers::twilio;
use usher_shared::Timestamp;
use usher_shared::channel::{
    ChannelHealth, ChannelKind, ChannelTrouble, Connection, MetaConnection, ResendConnection,
};

/// Longest that one answer may take.
const PATIENCE: Duration = Duration::from_secs(4);
/// Credentials that end within this time are said to end soon, and are renewed if they can be.
const SOON: Duration = Duration::from_hours(7 * 24);

/// How to ask.
#[derive(Clone, Debug)]
pub(crate) struct Carriers {
    pub(crate) web: Web,
    pub(crate) endpoints: Endpoints,
}

/// What a carrier said of credentials that work.
#[derive(Debug)]
pub(crate) struct Found {
    /// The name under which people know the place; not every carrier says one.
    pub(crate) name: Option<String>,
    /// The credentials, with what the carrier said of them.
    pub(crate) connection: Connection,
    /// What the look found.
    pub(crate) health: ChannelHealth,
}

/// What a carrier said of credentials that do not.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    /// These fields of the credentials are to blame.
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        why: &'static str,
        /// What that makes of a channel that is connected.
        trouble: ChannelTrouble,
    },
    /// It gave no answer that says anything.
    Silent,
}

impl Bad {
    const fn field(field: &'static str, why: &'static str, trouble: ChannelTrouble) -> Self {
        Self::Field { field, why, trouble }
    }
}

const REFUSED: Bad = Bad::field(
    "credentials.token",
    "is refused by the platform",
    ChannelTrouble::CredentialsRefused,
);

impl Carriers {
    async fn ask(&self, call: &Call) -> Result<Answer, Bad> {
        self.web.call(call, PATIENCE).await.map_err(|_| Bad::Silent)
    }

    /// Looks whether the credentials work, and sees to it that the carrier tells us of messages.
    ///
    /// # Errors
    /// [`Bad`].
    pub(crate) async fn look(
        &self,
        kind: ChannelKind,
        connection: Connection,
        now: Timestamp,
    ) -> Result<Found, Bad> {
        match connection {
            Connection::Meta(meta) => self.meta(kind, meta, now).await,
            Connection::Twilio(twilio) => {
                let call = twilio::check(&self.endpoints.twilio, &twilio);
                let refused = twilio::checked(&self.ask(&call).await?).map_err(|_| Bad::Silent)?;
                let field = if twilio.api_key.is_some() {
                    "credentials.api_key_secret"
                } else {
                    "credentials.auth_token"
                };
                match refused {
                    Some(ChannelTrouble::Restricted) => Err(Bad::field(
                        "credentials.account_sid",
                        "belongs to an account that is suspended or closed",
                        ChannelTrouble::Restricted,
                    )),
                    Some(trouble) => Err(Bad::field(field, "is refused by Twilio", trouble)),
                    None => Ok(Found {
                        name: None,
                        connection: Connection::Twilio(twilio),
                        health: seen(now),
                    }),
                }
            }
            Connection::Resend(resend) => {
                is_known(&self.ask(&domains(&self.endpoints, &resend)).await?)?;
                Ok(Found {
                    name: None,
                    connection: Connection::Resend(resend),
                    health: seen(now),
                })
            }
        }
    }

    async fn meta(&self, kind: ChannelKind, mut meta: MetaConnection, now: Timestamp) -> Result<Found, Bad> {
        let call = account::ask_identity(&self.endpoints, kind, &meta);
        let identity = account::identity(&self.ask(&call).await?).map_err(|refusal| match refusal {
            Refusal::Refused { .. } => Bad::field(
                "credentials.account_id",
                "is not known to the platform, or not for this token",
                ChannelTrouble::PermissionMissing,
            ),
            other => bad(other),
        })?;
        if identity.id != meta.account {
            return Err(Bad::field(
                "credentials.account_id",
                "is not the account that the token speaks for",
                ChannelTrouble::CredentialsRefused,
            ));
        }
        let mut health = seen(now);
        if let Some(call) = account::ask_token(&self.endpoints, &meta) {
            let token = account::token(&self.ask(&call).await?).map_err(bad)?;
            if !token.is_valid {
                return Err(REFUSED);
            }
            health.credentials_end = token.ends;
            meta.permissions = token.permissions;
            meta.granted_by = token.granted_by;
        }
        if let Some((token, ends)) = self.renewed(&meta, now).await {
            meta.token = token;
            health.credentials_end = Some(ends);
        }
        let call = account::ask_subscription(&self.endpoints, kind, &meta);
        let subscribed = account::is_subscribed(kind, &self.ask(&call).await?).map_err(bad)?;
        if !subscribed {
            let call = account::subscribe(&self.endpoints, kind, &meta);
            account::done(&self.ask(&call).await?).map_err(bad)?;
        }
        health.subscribed = Some(subscribed);
        if health.credentials_end.is_some_and(|end| end < now.plus(SOON)) {
            health.trouble = Some(ChannelTrouble::CredentialsEndSoon);
        }
        Ok(Found {
            name: identity.name,
            connection: Connection::Meta(meta),
            health,
        })
    }

    /// Tokens of Instagram's own login live sixty days and are renewed each time they are looked at: a renewal that
    /// comes too early is refused, and harms nothing.
    async fn renewed(&self, meta: &MetaConnection, now: Timestamp) -> Option<(String, Timestamp)> {
        let call = account::renew(&self.endpoints, meta)?;
        let answer = self.ask(&call).await.ok()?;
        account::renewed(&answer, now).ok()
    }

    /// Takes back at the platform what a channel had: the subscription, and the whole grant if nothing else lives by it.
    ///
    /// # Errors
    /// [`Bad::Silent`]: to be said again. A platform that refuses the token has forgotten it before us.
    pub(crate) async fn revoke(
        &self,
        kind: ChannelKind,
        connection: &Connection,
        subscription_is_shared: bool,
        whole_grant: bool,
    ) -> Result<(), Bad> {
        // Twilio and Resend: the secrets are the customer's own and open more than this channel. Nothing was granted.
        let Connection::Meta(meta) = connection else {
            return Ok(());
        };
        if !subscription_is_shared {
            let call = account::unsubscribe(&self.endpoints, kind, meta);
            is_over(account::done(&self.ask(&call).await?))?;
        }
        if whole_grant && let Some(call) = account::revoke_grant(&self.endpoints, meta) {
            is_over(account::done(&self.ask(&call).await?))?;
        }
        Ok(())
    }
}

/// What is refused for good is over as well: there is nothing left to take back.
fn is_over(done: Result<(), Refusal>) -> Result<(), Bad> {
    match done {
        Err(Refusal::NotNow { .. }) => Err(Bad::Silent),
        _ => Ok(()),
    }
}

fn seen(now: Timestamp) -> ChannelHealth {
    ChannelHealth {
        checked_at: Some(now),
        ..ChannelHealth::default()
    }
}

fn bad(refusal: Refusal) -> Bad {
    match refusal {
        Refusal::NotNow { .. } => Bad::Silent,
        Refusal::Trouble(ChannelTrouble::CredentialsRefused) => REFUSED,
        Refusal::Trouble(trouble) => {
            Bad::field("credentials.token", "lacks a permission that is needed", trouble)
        }
        Refusal::Refused { .. } => Bad::field(
            "credentials.token",
            "does not open what is needed",
            ChannelTrouble::PermissionMissing,
        ),
    }
}

/// Asks Resend something that needs no more than a key.
fn domains(endpoints: &Endpoints, resend: &ResendConnection) -> Call {
    Call {
        method: Method::Get,
        url: format!("{}/domains", endpoints.resend),
        headers: vec![("authorization", format!("Bearer {}", resend.api_key))],
        body: Vec::new(),
    }
}

/// A key that may only send is refused here under a name of its own: it works.
fn is_known(answer: &Answer) -> Result<(), Bad> {
    #[derive(serde::Deserialize)]
    struct Named {
        #[serde(default)]
        name: String,
    }
    let name = || {
        let named: Result<Named, _> = serde_json::from_slice(&answer.body);
        named.map(|named| named.name).unwrap_or_default()
    };
    match answer.status {
        200..=299 => Ok(()),
        401 if name() == "restricted_api_key" => Ok(()),
        400 | 401 | 403 => Err(Bad::field(
            "credentials.api_key",
            "is refused by Resend",
            ChannelTrouble::CredentialsRefused,
        )),
        _ => Err(Bad::Silent),
    }
}
