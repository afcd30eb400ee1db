//! An account of a tenant's, and the guests at its other end.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use usher_aws::channels::NewChannel;
use usher_aws::{Platform, TenantScope};
use usher_carriers::signature::meta::{HEADER, appsecret_proof, sign};
use usher_local::Stack;
use usher_local::meta::{APP_SECRET, token};
use usher_shared::channel::{ChannelHealth, ChannelKind, ChannelSettings, Connection, MetaConnection};
use usher_shared::ids::ChannelId;

use crate::harness::{Answer, CLIENT, Tenant, data, eventually, id, send, stack};

/// An id at Meta that nothing else has.
pub(crate) fn number() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let process = std::process::id() % 100_000;
    format!("71{process:05}{:05}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A tenant, entered as the operator.
pub(crate) async fn enter(stack: &Stack, tenant: &Tenant) -> (Platform, TenantScope) {
    let platform = usher_local::seed::operator(stack).unwrap();
    let key = platform.find_api_key(&tenant.demo.api_key).await.unwrap();
    let scope = platform.enter(*key.unwrap().tenant).await.unwrap();
    (platform, scope)
}

/// A channel at Meta.
pub(crate) struct Account<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) kind: ChannelKind,
    pub(crate) channel: ChannelId,
    /// The page's, the account's or the number's id.
    pub(crate) id: String,
    /// Who granted it.
    granted_by: String,
}

impl<'a> Account<'a> {
    /// Connects a channel of the shared stack.
    pub(crate) async fn new(tenant: &'a Tenant, kind: ChannelKind) -> Self {
        Self::on(stack(), tenant, kind, number(), ChannelSettings::default()).await
    }

    /// The same with settings.
    pub(crate) async fn with(tenant: &'a Tenant, kind: ChannelKind, settings: ChannelSettings) -> Self {
        Self::on(stack(), tenant, kind, number(), settings).await
    }

    /// Connects a channel that a person granted.
    pub(crate) async fn granted_by(tenant: &'a Tenant, kind: ChannelKind, person: &str) -> Self {
        let (settings, person) = (ChannelSettings::default(), person.to_owned());
        Self::granted(stack(), tenant, kind, number(), settings, person).await
    }

    /// Connects a channel under an id.
    pub(crate) async fn on(
        stack: &Stack,
        tenant: &'a Tenant,
        kind: ChannelKind,
        account: String,
        settings: ChannelSettings,
    ) -> Self {
        Self::granted(stack, tenant, kind, account, settings, number()).await
    }

    async fn granted(
        stack: &Stack,
        tenant: &'a Tenant,
        kind: ChannelKind,
        account: String,
        settings: ChannelSettings,
        granted_by: String,
    ) -> Self {
        let (platform, scope) = enter(stack, tenant).await;
        let channel = ChannelId::generate(scope.now(), scope.entropy());
        let connection = MetaConnection {
            token: token(&account, &granted_by),
            account: account.clone(),
            business_account: None,
            permissions: Vec::new(),
            granted_by: Some(granted_by.clone()),
            instagram_login: false,
        };
        let new = NewChannel {
            id: channel,
            kind,
            name: "Front desk".to_owned(),
            allowed_origins: Vec::new(),
            settings,
            connection: Some(Connection::Meta(connection)),
            health: ChannelHealth::default(),
        };
        platform.connect_channel(&scope, new, Vec::new()).await.unwrap();
        Self {
            tenant,
            kind,
            channel,
            id: account,
            granted_by,
        }
    }

    /// A guest does something: what is to be said beside channel and kind.
    pub(crate) async fn guest(&self, from: &str, act: Value) -> Value {
        let mut body = json!({"channel": self.id, "kind": self.kind.name(), "from": from});
        for (name, value) in act.as_object().unwrap() {
            body[name] = value.clone();
        }
        let request = CLIENT.post(self.tenant.url("/_local/guest")).json(&body);
        let answer = send(request).await.expect(200);
        let all = answer["data"].as_array().cloned();
        for one in all.unwrap_or_else(|| vec![answer.clone()]) {
            assert_eq!(one["status"], 200, "{one}");
        }
        answer
    }

    /// A guest writes.
    pub(crate) async fn write(&self, from: &str, text: &str) -> Value {
        self.guest(from, json!({"text": text})).await
    }

    /// The conversation in which somebody said this, with its messages.
    pub(crate) async fn said(&self, text: &str) -> (String, Vec<Value>) {
        eventually("what was said is listed", || async {
            for conversation in self.conversations().await {
                let messages = messages(self.tenant, &id(&conversation)).await;
                if messages.iter().any(|message| message["text"] == text) {
                    return Some((id(&conversation), messages));
                }
            }
            None
        })
        .await
    }

    /// Its conversations.
    pub(crate) async fn conversations(&self) -> Vec<Value> {
        let all = self.tenant.get("/v1/conversations?limit=100").await.expect(200);
        let here = |one: &&Value| one["channel_id"] == self.channel.to_string();
        data(&all).iter().filter(here).cloned().collect()
    }

    /// A message that somebody types, once nothing more happens to it.
    pub(crate) async fn typed(&self, conversation: &str, text: &str) -> Value {
        let path = format!("/v1/conversations/{conversation}/messages");
        let typed = self.tenant.post(&path, &json!({"text": text})).await.expect(201);
        settled(self.tenant, conversation, &id(&typed)).await
    }

    /// What reached a person by this account.
    pub(crate) async fn reached(&self, person: &str) -> Vec<Value> {
        self.outbox("dm", |content| content["to"] == person.trim_start_matches('+'))
            .await
    }

    /// What left by this account.
    pub(crate) async fn outbox(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        let outbox = self.tenant.url(&format!("/_local/outbox?kind={kind}"));
        let outbox = send(CLIENT.get(outbox)).await.expect(200);
        let ours = |entry: &&Value| entry["channel"] == self.id.as_str() && fits(&entry["content"]);
        let ours = data(&outbox).iter().filter(ours);
        ours.map(|entry| entry["content"].clone()).collect()
    }

    /// The person who granted the account takes it back, at the platform.
    pub(crate) async fn revoke_grant(&self) {
        let token = token(&self.id, &self.granted_by);
        let proof = appsecret_proof(APP_SECRET, &token);
        let path = format!("/_world/meta/graph/{}/permissions", self.granted_by);
        let url = self.tenant.url(&format!("{path}?appsecret_proof={proof}"));
        send(CLIENT.delete(url).bearer_auth(token)).await.expect(200);
    }
}

/// Posts an update that Meta signed.
pub(crate) async fn post(tenant: &Tenant, update: &Value) -> Answer {
    post_bytes(tenant, update.to_string().into_bytes()).await
}

/// The same, whatever it is.
pub(crate) async fn post_bytes(tenant: &Tenant, body: Vec<u8>) -> Answer {
    let request = CLIENT
        .post(tenant.url("/hooks/meta"))
        .header(HEADER, sign(APP_SECRET, &body))
        .body(body);
    send(request).await
}

/// An update of a page with one item.
pub(crate) fn on_page(page: &str, item: &Value) -> Value {
    json!({"object": "page", "entry": [{"id": page, "time": 1, "messaging": [item]}]})
}

/// The messages of a conversation, oldest first.
pub(crate) async fn messages(tenant: &Tenant, conversation: &str) -> Vec<Value> {
    let path = format!("/v1/conversations/{conversation}/messages?limit=100");
    data(&tenant.get(&path).await.expect(200)).clone()
}

/// A message, once its delivery is over.
pub(crate) async fn settled(tenant: &Tenant, conversation: &str, message: &str) -> Value {
    eventually("the message is delivered, or not", || async {
        let messages = messages(tenant, conversation).await;
        let found = messages.into_iter().find(|found| found["id"] == message);
        found.filter(|found| found["state"] != "queued" && found["state"] != "sending")
    })
    .await
}

/// A conversation, once it is in a state.
pub(crate) async fn is_in_state(tenant: &Tenant, conversation: &str, state: &str) {
    eventually("the conversation is in its state", || async {
        let head = tenant.get(&format!("/v1/conversations/{conversation}")).await;
        (head.expect(200)["state"] == state).then_some(())
    })
    .await;
}
