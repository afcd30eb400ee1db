//! Keys to language models: read from standard input, for what is an argument stands in the shell's history.

use std::io::Read as _;

use serde_json::json;
use usher_aws::Platform;
use usher_aws::provision::Secret;
use usher_models::Api;

use crate::OpsError;
use crate::output::Output;

/// Bytes of a key; what is longer is something else.
const LONGEST: u64 = 1_000;

pub(crate) async fn keep_key(platform: &Platform, out: Output, provider: Api) -> Result<(), OpsError> {
    let mut key = String::new();
    let read = std::io::stdin().lock().take(LONGEST + 1).read_to_string(&mut key);
    let key = key.trim();
    let plain = key.bytes().all(|byte| byte.is_ascii_graphic());
    let fits = read.is_ok_and(|bytes| u64::try_from(bytes).is_ok_and(|bytes| bytes <= LONGEST));
    if key.is_empty() || !plain || !fits {
        let text = "the key is read from standard input: one line of printable characters";
        return Err(OpsError::Arguments(text.to_owned()));
    }
    platform.keep_model_key(provider, &Secret(key.to_owned())).await?;
    let value = json!({"object": "model_key", "provider": provider, "kept": true});
    out.result(
        &value,
        &format!("the key to {provider} is kept, and used within five minutes"),
    )
}

pub(crate) async fn forget_key(platform: &Platform, out: Output, provider: Api) -> Result<(), OpsError> {
    if !platform.forget_model_key(provider).await? {
        return Err(OpsError::NotFound(format!("there is no key to {provider}")));
    }
    let value = json!({"object": "model_key", "provider": provider, "kept": false});
    out.result(
        &value,
        &format!("the key to {provider} is forgotten, and not used after five minutes"),
    )
}
