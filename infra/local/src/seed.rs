//! The demo tenant: a wedding venue with its documents, an API key and a web chat.
//!
//! Tenant and key are made as the operator's tool makes them; channel and documents go through the API, as a
//! customer's would.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use usher_aws::Platform;
use usher_aws::clock::{SystemClock, SystemEntropy};
use usher_aws::settings::Settings;
use usher_shared::category::Preset;
use usher_shared::scope::Scope;

use crate::stack::Stack;

/// Where a persistent stack remembers its demo tenant. It holds an API key of this machine's own stack.
const FILE: &str = "demo.json";

const VENUE: &str = "Villa Aurelia";

const DOCUMENTS: [(&str, &str, &str); 5] = [
    ("Price list", "markdown", include_str!("../demo/prices.md")),
    ("Menus", "markdown", include_str!("../demo/menus.md")),
    ("Floor plan", "markdown", include_str!("../demo/floor-plan.md")),
    (
        "Frequently asked questions",
        "markdown",
        include_str!("../demo/faq.md"),
    ),
    ("Partners", "text", include_str!("../demo/partners.txt")),
];

/// What one needs to talk to the demo tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Demo {
    /// An API key with every scope.
    pub api_key: String,
    /// The public key of its web chat.
    pub channel_key: String,
}

/// A platform that acts on `stack` as its operator: for seeds and tests.
///
/// # Errors
/// What is missing.
pub fn operator(stack: &Stack) -> Result<Platform, String> {
    let mut variables: BTreeMap<String, String> = stack
        .environment("inbox")
        .cloned()
        .ok_or("the template has no function inbox")?;
    let credentials = stack.operator_credentials();
    variables.insert("AWS_ACCESS_KEY_ID".to_owned(), credentials.access_key_id.clone());
    variables.insert(
        "AWS_SECRET_ACCESS_KEY".to_owned(),
        credentials.secret_access_key.clone(),
    );
    variables.insert("AWS_SESSION_TOKEN".to_owned(), credentials.session_token.clone());
    let settings = Settings::from_source(move |name| variables.get(name).cloned());
    let clock = Arc::new(SystemClock::new(settings.local_clock().map(Into::into)));
    Platform::new(settings, clock, Arc::new(SystemEntropy)).map_err(|error| error.to_string())
}

/// Makes a tenant with an API key and a web chat that any page may use.
///
/// # Errors
/// What failed.
pub async fn tenant(stack: &Stack, name: &str, preset: Preset) -> Result<Demo, String> {
    let platform = operator(stack)?;
    platform
        .ensure_platform_key()
        .await
        .map_err(|error| error.to_string())?;
    let tenant = platform
        .create_tenant(name, preset)
        .await
        .map_err(|error| error.to_string())?;
    let key = platform
        .create_api_key(tenant, Scope::ALL.to_vec(), None)
        .await
        .map_err(|error| error.to_string())?;
    let api_key = key.secret.0;
    let channel = json!({"kind": "web_chat", "name": "Web site", "allowed_origins": []});
    let channel = create(stack, &api_key, "channels", &channel).await?;
    let channel_key = channel
        .get("key")
        .and_then(Value::as_str)
        .ok_or("the channel has no key")?;
    Ok(Demo {
        api_key,
        channel_key: channel_key.to_owned(),
    })
}

/// Uploads a document through the API.
///
/// # Errors
/// What the API answered.
pub async fn document(
    stack: &Stack,
    api_key: &str,
    title: &str,
    format: &str,
    text: &str,
) -> Result<Value, String> {
    create(
        stack,
        api_key,
        "documents",
        &json!({"title": title, "format": format, "text": text}),
    )
    .await
}

/// Seeds the demo tenant, or finds the one that an earlier start left, and says what to try.
///
/// # Errors
/// What failed.
pub async fn seed(stack: &Stack) -> Result<Demo, String> {
    let file = stack.shared.home.persistent(FILE);
    let known = file.as_ref().and_then(|file| std::fs::read(file).ok());
    if let Some(demo) = known.and_then(|bytes| serde_json::from_slice::<Demo>(&bytes).ok()) {
        return Ok(demo);
    }
    let demo = tenant(stack, VENUE, Preset::Hospitality).await?;
    for (title, format, text) in DOCUMENTS {
        document(stack, &demo.api_key, title, format, text).await?;
    }
    // Written last: a seed that was interrupted is made again, as another tenant.
    if let Some(file) = file {
        let bytes = serde_json::to_vec_pretty(&demo).map_err(|error| error.to_string())?;
        std::fs::write(&file, bytes).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(demo)
}

/// Says what to try. Each line works as printed.
///
/// # Errors
/// What failed.
pub async fn say_what_to_try(stack: &Stack, demo: &Demo) -> Result<(), String> {
    let base = stack.base_url();
    let Demo { api_key, channel_key } = demo;
    let session = post(stack, &format!("/chat/{channel_key}/sessions"), None, &json!({})).await?;
    let session = session
        .get("token")
        .and_then(Value::as_str)
        .ok_or("the session has no token")?;
    stack.console().say(&format!(
        "
The demo tenant is {VENUE}, a wedding venue.
API key of its owner:  {api_key}
Key of its web chat:   {channel_key}

Ask as a guest (this session was just opened for you):
  curl -s {base}/chat/{channel_key}/messages -H 'Authorization: Bearer {session}' -H 'Content-Type: application/json' -d '{{\"text\": \"How much is the Lake menu per person?\"}}'

A few seconds later, read the answer:
  curl -s {base}/chat/{channel_key}/messages -H 'Authorization: Bearer {session}'

Ask what no document says, and a person has to answer:
  curl -s {base}/chat/{channel_key}/messages -H 'Authorization: Bearer {session}' -H 'Content-Type: application/json' -d '{{\"text\": \"Is there a helicopter landing pad?\"}}'

See it as the owner does:
  curl -s {base}/v1/conversations -H 'Authorization: Bearer {api_key}'
  curl -s {base}/v1/leads -H 'Authorization: Bearer {api_key}'
  curl -s {base}/v1/documents -H 'Authorization: Bearer {api_key}'
  curl -s {base}/v1/openapi.json

Look behind the scenes:
  curl -s {base}/_local/health
  curl -s {base}/_local/guest -d '{{\"channel\": \"{channel_key}\", \"from\": \"anna\", \"text\": \"When is the deposit due?\"}}'
  curl -s {base}/_local/clock -d '{{\"advance\": \"1d\"}}'
"
    ));
    Ok(())
}

async fn create(stack: &Stack, api_key: &str, resource: &str, body: &Value) -> Result<Value, String> {
    post(stack, &format!("/v1/{resource}"), Some(api_key), body).await
}

async fn post(stack: &Stack, path: &str, bearer: Option<&str>, body: &Value) -> Result<Value, String> {
    let mut request = crate::client::loopback()
        .post(format!("{}{path}", stack.base_url()))
        .json(body);
    if let Some(bearer) = bearer {
        request = request.bearer_auth(bearer);
    }
    let response = request.send().await.map_err(|error| error.to_string())?;
    let status = response.status();
    let answer: Value = response.json().await.map_err(|error| error.to_string())?;
    if status.is_success() {
        Ok(answer)
    } else {
        Err(format!("POST {path} answered {status}: {answer}"))
    }
}
