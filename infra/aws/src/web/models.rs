//! Questions to language models: over plain HTTP with a key, or signed to a service of AWS.

use std::time::Duration;

use usher_carriers::call::Call;
use usher_models::Api;
use usher_models::heard::{Heard, Hints};

use super::{CallFailed, Web};
use crate::clock::wall_now;

impl Web {
    /// Says `call` to a model and gives the whole answer. As [`Web::call`] otherwise: nothing is repeated.
    ///
    /// # Errors
    /// [`CallFailed`]: whether anything can have left.
    pub async fn ask(&self, api: Api, call: &Call, limit: Duration) -> Result<Heard, CallFailed> {
        let signature = match api {
            Api::Bedrock => self.signature("bedrock", call)?,
            Api::Anthropic | Api::OpenAi => Vec::new(),
        };
        let response = self.send(call, &signature, limit).await?;
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let hints = Hints::read(header, wall_now());
        let answer = super::read(response).await?;
        Ok(Heard {
            status: answer.status,
            body: answer.body,
            hints,
        })
    }
}
