//! One stack for all tests, and a tenant of its own for each.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use usher_local::seed::{self, Demo};
use usher_local::{Options, Stack};
use usher_shared::category::Preset;
use usher_shared::channel::ChannelKind;

/// An answer has to be there after this long, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// What shortens a period waits this long.
pub(crate) const COOLING_OFF: Duration = Duration::from_hours(72);
const POLL: Duration = Duration::from_millis(100);

pub(crate) static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "the tests' one client")]
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap()
});

struct Shared {
    runtime: Runtime,
    stack: Stack,
}

/// Lives as long as the test process; its functions end when their Runtime API is gone.
static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let stack = runtime.block_on(start());
    Shared { runtime, stack }
});

/// Runs a test on the runtime that the shared stack lives on.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    SHARED.runtime.block_on(test)
}

/// The shared stack.
pub(crate) fn stack() -> &'static Stack {
    &SHARED.stack
}

/// Root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A stack of one's own, for tests that move the clock.
pub(crate) async fn start() -> Stack {
    start_with(BTreeMap::new()).await
}

/// A stack of one's own with other parameters of the template.
pub(crate) async fn start_with(parameters: BTreeMap<String, String>) -> Stack {
    let options = Options {
        parameters,
        queue_visibility: Some(Duration::from_secs(2)),
        longest_delay: Some(Duration::from_secs(2)),
        ..Options::in_memory(root())
    };
    usher_local::start(options)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A tenant with an API key and a web chat.
pub(crate) struct Tenant {
    base: String,
    pub(crate) demo: Demo,
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The body, if the status is as expected.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// The refused fields with their messages.
    pub(crate) fn refused(&self) -> Vec<(String, String)> {
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        errors
            .iter()
            .map(|error| (text(&error["field"]), text(&error["message"])))
            .collect()
    }
}

pub(crate) async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer {
        status,
        headers,
        body,
    }
}

/// A number that no other test has.
fn fresh_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1_000_000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The items of a list.
pub(crate) fn data(list: &Value) -> &Vec<Value> {
    list["data"]
        .as_array()
        .unwrap_or_else(|| panic!("no list: {list}"))
}

/// The id of a resource.
pub(crate) fn id(resource: &Value) -> String {
    resource["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id: {resource}"))
        .to_owned()
}

impl Tenant {
    /// A tenant on the shared stack, without documents.
    pub(crate) async fn new() -> Self {
        Self::on(stack(), Preset::Hospitality).await
    }

    /// A tenant on a stack.
    pub(crate) async fn on(stack: &Stack, preset: Preset) -> Self {
        let demo = seed::tenant(stack, "Test Venue", preset).await.unwrap();
        Self {
            base: stack.base_url().to_owned(),
            demo,
        }
    }

    /// A tenant on the shared stack with one document, which says that parking is free and hire is 900 euros.
    pub(crate) async fn with_prices() -> Self {
        Self::with_prices_on(stack()).await
    }

    /// The same on a stack of one's own.
    pub(crate) async fn with_prices_on(stack: &Stack) -> Self {
        let tenant = Self::on(stack, Preset::Hospitality).await;
        tenant
            .upload(
                "Prices",
                "# Prices\n\n## Garden room\n\nThe garden room costs 900 euros a day.\n",
            )
            .await;
        tenant
    }

    pub(crate) async fn upload(&self, title: &str, text: &str) -> Value {
        let body = json!({"title": title, "format": "markdown", "text": text});
        self.post("/v1/documents", &body).await.expect(201)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        CLIENT
            .request(method, self.url(path))
            .bearer_auth(&self.demo.api_key)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::PUT, path).json(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::PATCH, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    /// Shortens periods as a person has to: previewed, confirmed, and waited for.
    pub(crate) async fn shorten(&self, stack: &Stack, change: &Value) {
        let preview = self.post("/v1/retention/preview", change).await.expect(200);
        assert_eq!(preview["shortens"], true, "{preview}");
        let mut confirmed = change.clone();
        confirmed["confirm_token"] = preview["confirm_token"].clone();
        self.put("/v1/retention", &confirmed).await.expect(202);
        stack.advance(COOLING_OFF).await.unwrap();
    }

    /// The same tenant, seen by the visitors of another of its web chats.
    pub(crate) fn at_channel(&self, key: &str) -> Self {
        let mut demo = self.demo.clone();
        key.clone_into(&mut demo.channel_key);
        Self {
            base: self.base.clone(),
            demo,
        }
    }

    pub(crate) fn chat(&self, path: &str) -> String {
        self.url(&format!("/chat/{}/{path}", self.demo.channel_key))
    }

    /// Connects a channel of a kind through the API, with credentials that the played carriers take. `settings` are
    /// set beside what the kind needs.
    pub(crate) async fn connect(&self, kind: ChannelKind, settings: Value) -> Value {
        let (mut body, number) = (
            json!({"kind": kind, "name": "Test", "settings": settings}),
            fresh_number(),
        );
        let digits = format!("1{number:014}");
        let phone = format!("+1510{:07}", number % 10_000_000);
        // Granted by somebody of its own: one token is taken back without another.
        let token = usher_local::meta::token(&digits, &format!("meta-token-{number}"));
        match kind {
            ChannelKind::WebChat | ChannelKind::Form => {}
            ChannelKind::Email => {
                if body["settings"]["address"].is_null() {
                    body["settings"]["address"] = json!(format!("venue{number}@mail.localhost"));
                }
            }
            ChannelKind::Sms | ChannelKind::Voice => {
                body["credentials"] = json!({"account_sid": format!("AC{number:032x}"),
                    "auth_token": format!("twilio-token-{number}"), "number": phone});
            }
            ChannelKind::Whatsapp => {
                body["credentials"] = json!({"account_id": digits, "business_account_id": format!("2{number:014}"),
                    "token": token});
            }
            ChannelKind::Messenger | ChannelKind::Instagram => {
                body["credentials"] = json!({"account_id": digits, "token": token});
            }
        }
        let mut channel = self.post("/v1/channels", &body).await.expect(201);
        // What the test gave, for it to sign and address by.
        channel["given"] = body;
        channel
    }

    /// A fresh guest.
    pub(crate) async fn guest(&self) -> Guest<'_> {
        let session = send(CLIENT.post(self.chat("sessions"))).await.expect(201);
        Guest {
            tenant: self,
            token: session["token"].as_str().unwrap().to_owned(),
        }
    }

    /// The conversation that holds a message, once it is listed.
    pub(crate) async fn conversation_of(&self, message: &str) -> Value {
        eventually("the conversation is listed", || async {
            let conversations = self.get("/v1/conversations?limit=100").await.expect(200);
            for conversation in data(&conversations) {
                let path = format!("/v1/conversations/{}/messages?limit=100", id(conversation));
                if data(&self.get(&path).await.expect(200))
                    .iter()
                    .any(|found| found["id"] == message)
                {
                    return Some(conversation.clone());
                }
            }
            None
        })
        .await
    }
}

/// Tries until there is something.
pub(crate) async fn eventually<T, F>(what: &str, mut attempt: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let trying = async {
        loop {
            if let Some(found) = attempt().await {
                return found;
            }
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(PATIENCE, trying)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"))
}

/// A visitor of a tenant's pages.
pub(crate) struct Guest<'a> {
    tenant: &'a Tenant,
    pub(crate) token: String,
}

impl Guest<'_> {
    /// Posts a body as it is.
    pub(crate) async fn post(&self, body: &Value) -> Answer {
        send(
            CLIENT
                .post(self.tenant.chat("messages"))
                .bearer_auth(&self.token)
                .json(body),
        )
        .await
    }

    /// Says something and gives the message's id.
    pub(crate) async fn say(&self, text: &str) -> String {
        id(&self.post(&json!({"text": text})).await.expect(202))
    }

    /// All answers so far.
    pub(crate) async fn answers(&self) -> Vec<Value> {
        let answer = send(CLIENT.get(self.tenant.chat("messages")).bearer_auth(&self.token))
            .await
            .expect(200);
        data(&answer).clone()
    }

    /// The answer to a message.
    pub(crate) async fn answer_to(&self, message: &str) -> Value {
        eventually("the message is answered", || async {
            self.answers()
                .await
                .into_iter()
                .find(|answer| answer["answers"] == message)
        })
        .await
    }
}
