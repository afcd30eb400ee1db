//! SES (version 2 of its API) and Resend, as far as the product speaks to them: what they take goes into the outbox,
//! and what would become of it is told back, by events and by signed webhooks.
//!
//! What becomes of a mail is told by the start of its recipient's name: `wrong` (a bounce for good), `soft` (one that may pass),
//! `complain`, `silent` (nothing is ever told). All others have it delivered.

mod resend;
mod ses;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use serde_json::{Value, json};

use super::World;
use crate::filters::Pattern;
use crate::runtime::Pool;
use crate::template::Template;

/// Attempts at an event, as Lambda makes them; the waits between them are shorter here.
const ATTEMPTS: u32 = 3;
const BETWEEN: Duration = Duration::from_millis(500);

/// What it remembers.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    /// Functions that are told of events, with the events that they want.
    told: OnceLock<Vec<(Arc<Pool>, Vec<Pattern>)>>,
    /// Where Resend posts what happens, by account.
    webhooks: Mutex<HashMap<String, String>>,
    /// What Resend answered to a key that it has seen, by account and key.
    answered: Mutex<HashMap<(String, String), (Value, Value)>>,
}

/// Its routes.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/ses/v2/email/outbound-emails", post(ses::send))
        .route("/resend/emails", post(resend::send))
        .route("/resend/webhooks", post(resend::register))
}

impl Mail {
    /// Makes known who is told of events.
    pub(crate) fn bind(&self, template: &Template, pools: &BTreeMap<String, Arc<Pool>>) {
        let told = template.functions.iter().filter_map(|function| {
            let pool = pools.get(&function.name)?;
            (!function.events.is_empty()).then(|| (Arc::clone(pool), function.events.clone()))
        });
        let _bound_once = self.told.set(told.collect());
    }

    /// Puts an event on the account's bus.
    pub(crate) async fn tell(&self, event: &Value) {
        for (pool, wanted) in self.told.get().into_iter().flatten() {
            if wanted.iter().any(|pattern| pattern.matches(event)) {
                let _nobody_waits = invoke(pool, "events", event).await;
            }
        }
    }
}

/// Invokes a function as Lambda does for whoever does not wait for an answer. Gives it all the same, for whoever looks
/// on: the function's, or why it was given up.
pub(crate) async fn invoke(pool: &Pool, trigger: &str, event: &Value) -> Value {
    let mut attempt = 1;
    loop {
        match pool.invoke_event(trigger, event.to_string().into()).await {
            Ok(answer) => return serde_json::from_slice(&answer).unwrap_or_default(),
            Err(_) if attempt < ATTEMPTS => tokio::time::sleep(BETWEEN * attempt).await,
            Err(error) => return json!({"given_up": error.to_string()}),
        }
        attempt += 1;
    }
}

/// What becomes of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Delivered,
    Bounced,
    BouncedForNow,
    Complained,
    Untold,
}

impl Fate {
    fn of(recipient: &str) -> Self {
        let name = recipient.rsplit('<').next().unwrap_or_default();
        let starts = |word: &str| name.starts_with(word);
        match () {
            () if starts("wrong") => Self::Bounced,
            () if starts("soft") => Self::BouncedForNow,
            () if starts("complain") => Self::Complained,
            () if starts("silent") => Self::Untold,
            () => Self::Delivered,
        }
    }
}
