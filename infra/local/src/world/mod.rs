//! The world outside: every carrier on its real wire format, on loopback, with a record of all that it was told.
//!
//! A carrier is one file. It answers the calls that the product makes, enters what would have reached a person into the
//! outbox, and makes the webhooks that a person's acts would cause.

pub(crate) mod mail;
mod media;
pub(crate) mod meta;
pub(crate) mod models;
mod site;
pub(crate) mod telegram;
pub(crate) mod twilio;
mod weather;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;

use crate::callers::Callers;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::outbox::Outbox;
use crate::permissions::Permissions;

/// Path under which the world is served, beside the gateway's routes and the control endpoints.
pub(crate) const PATH: &str = "/_world";

/// The carriers with what they remember.
#[derive(Debug)]
pub(crate) struct World {
    /// What left the system.
    pub(crate) outbox: Arc<Outbox>,
    /// The domain clock.
    pub(crate) clock: Arc<Clock>,
    /// Where the stack is reached: where webhooks are posted to and media are fetched from.
    pub(crate) base_url: String,
    /// What goes wrong on purpose.
    pub(crate) faults: Arc<Faults>,
    /// Who calls services of the cloud that are played here.
    pub(crate) callers: Arc<Callers>,
    /// Who may.
    pub(crate) permissions: Arc<Permissions>,
    /// Meta's platform.
    pub(crate) meta: meta::Meta,
    /// Twilio.
    pub(crate) twilio: twilio::Twilio,
    /// SES and Resend.
    pub(crate) mail: mail::Mail,
    /// Web sites that tenants' documents come from.
    pub(crate) sites: site::Sites,
}

impl World {
    /// A world in which nothing has happened yet.
    pub(crate) fn new(
        outbox: Arc<Outbox>,
        clock: Arc<Clock>,
        base_url: String,
        faults: Arc<Faults>,
        callers: Arc<Callers>,
        permissions: Arc<Permissions>,
    ) -> Self {
        Self {
            outbox,
            clock,
            base_url,
            faults,
            callers,
            permissions,
            meta: meta::Meta::default(),
            twilio: twilio::Twilio::default(),
            mail: mail::Mail::default(),
            sites: site::Sites::default(),
        }
    }
}

/// Secret of the app at the played Meta platform: signs webhooks.
pub const APP_SECRET: &str = "local-app-secret";
/// Id of that app.
pub const APP_ID: &str = "1517776481860111";
/// What the played Meta platform shows when it asks whether a webhook is ours.
pub const VERIFY_TOKEN: &str = "local-verify-token";

/// Parameters of the template on this machine: carriers are here. `given` counts before them.
pub(crate) fn parameters(base_url: &str, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::from(
        [
            ("PublicBaseUrl", base_url.to_owned()),
            ("GraphUrl", format!("{base_url}{PATH}/meta/graph")),
            ("InstagramGraphUrl", format!("{base_url}{PATH}/meta/instagram")),
            ("TwilioUrl", format!("{base_url}{PATH}/twilio")),
            ("ResendUrl", format!("{base_url}{PATH}/mail/resend")),
            ("TelegramUrl", format!("{base_url}{PATH}/telegram")),
            ("TelegramBotToken", telegram::BOT_TOKEN.to_owned()),
            ("MetaAppSecrets", APP_SECRET.to_owned()),
            ("MetaAppIds", APP_ID.to_owned()),
            ("MetaVerifyToken", VERIFY_TOKEN.to_owned()),
            ("MailDomain", "mail.localhost".to_owned()),
            ("BedrockModels", models::BEDROCK_ARN.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    // What is given may name this world before anybody knows on which port it is.
    let here = |value: &String| value.replace("{world}", &format!("{base_url}{PATH}"));
    parameters.extend(given.iter().map(|(name, value)| (name.clone(), here(value))));
    parameters
}

/// Routes of every carrier, below [`PATH`].
pub(crate) fn router(world: Arc<World>) -> Router {
    let carriers = Router::new()
        .nest("/meta", meta::routes())
        .nest("/twilio", twilio::routes())
        .nest("/mail", mail::routes())
        .nest("/models", models::routes())
        .nest("/telegram", telegram::routes())
        .nest("/media", media::routes())
        .nest("/site", site::routes());
    Router::new()
        .nest(PATH, carriers)
        .route("/robots.txt", axum::routing::get(site::robots))
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(&world),
            weather::strike,
        ))
        .with_state(world)
}
