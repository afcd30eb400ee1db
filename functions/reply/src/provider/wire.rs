//! The way from a question to a provider: its key, and the call.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use usher_aws::Platform;
use usher_aws::provision::Secret;
use usher_aws::web::Web;
use usher_carriers::call::Call;
use usher_models::failure::Failure;
use usher_models::heard::Heard;
use usher_models::{Api, Approved, authorize};

/// A key is read again after this long: whoever replaces one need not restart anything.
const KEY_AGE: Duration = Duration::from_mins(5);

/// An answer on its way.
pub(crate) type Hearing<'a> = Pin<Box<dyn Future<Output = Result<Heard, Failure>> + Send + 'a>>;

/// Says calls to providers.
pub(crate) trait Wire: Send + Sync {
    /// Says `call` to an approved model, once.
    fn say<'a>(&'a self, approved: &'a Approved, call: Call, limit: Duration) -> Hearing<'a>;
}

/// The wire out of the function.
pub(super) struct Out {
    web: Web,
    platform: Arc<Platform>,
    keys: Mutex<HashMap<Api, (Instant, Secret)>>,
}

impl Out {
    pub(super) fn new(platform: Arc<Platform>) -> Self {
        Self {
            web: Web::new(platform.settings()),
            platform,
            keys: Mutex::default(),
        }
    }

    async fn key(&self, api: Api) -> Result<Secret, Failure> {
        let known = self.keys().get(&api).cloned();
        if let Some((_, key)) = known.filter(|(read, _)| read.elapsed() < KEY_AGE) {
            return Ok(key);
        }
        let key = self.platform.model_key(api).await.map_err(|error| {
            tracing::error!(model.provider = %api, error = %error, "key of a provider cannot be had");
            Failure::Unavailable
        })?;
        let key = key.ok_or(Failure::Unauthorised)?;
        self.keys().insert(api, (Instant::now(), key.clone()));
        Ok(key)
    }

    fn keys(&self) -> std::sync::MutexGuard<'_, HashMap<Api, (Instant, Secret)>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wire for Out {
    fn say<'a>(&'a self, approved: &'a Approved, mut call: Call, limit: Duration) -> Hearing<'a> {
        Box::pin(async move {
            let api = approved.api();
            if api != Api::Bedrock {
                authorize(api, &mut call, &self.key(api).await?.0);
            }
            let heard = self.web.ask(api, &call, limit).await;
            let heard = heard.map_err(|_| Failure::Unavailable)?;
            if heard.status == 401 {
                // Perhaps it was replaced a moment ago.
                self.keys().remove(&api);
            }
            Ok(heard)
        })
    }
}
