//! A mailbox of a tenant of its own, and what goes in and out of it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use usher_aws::channels::NewChannel;
use usher_aws::{Platform, TenantScope};
use usher_local::{Stack, seed};
use usher_shared::channel::{ChannelHealth, ChannelKind, ChannelSettings, Connection, MailProvider};
use usher_shared::ids::ChannelId;

use crate::harness::{Answer, CLIENT, Tenant, data, eventually, id, send};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A name that nobody else has.
pub(crate) fn unique(name: &str) -> String {
    format!("{name}{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

pub(crate) struct Mailbox {
    pub(crate) tenant: Tenant,
    pub(crate) address: String,
    pub(crate) channel: ChannelId,
    pub(crate) key: String,
    base: String,
}

impl Mailbox {
    /// A mailbox whose mail SES takes.
    pub(crate) async fn new(stack: &Stack) -> Self {
        Self::with(stack, ChannelSettings::default(), None).await
    }

    /// A mailbox whose mail Resend takes, under a key.
    pub(crate) async fn by_resend(stack: &Stack, api_key: &str, secret: &str) -> Self {
        let settings = ChannelSettings {
            mail_provider: MailProvider::Resend,
            ..ChannelSettings::default()
        };
        let connection = Connection::Resend(usher_shared::channel::ResendConnection {
            api_key: api_key.to_owned(),
            webhook_secret: secret.to_owned(),
        });
        Self::with(stack, settings, Some(connection)).await
    }

    pub(crate) async fn with(
        stack: &Stack,
        settings: ChannelSettings,
        connection: Option<Connection>,
    ) -> Self {
        let tenant = Tenant::with_prices_on(stack).await;
        let (address, channel, key) = connect(stack, &tenant, settings, connection).await;
        Self {
            tenant,
            address,
            channel,
            key,
            base: stack.base_url().to_owned(),
        }
    }

    /// The address of another mailbox, of a tenant that is there.
    pub(crate) async fn of(stack: &Stack, tenant: &Tenant) -> String {
        connect(stack, tenant, ChannelSettings::default(), None).await.0
    }

    /// Writes a mail to the mailbox, if it says nothing else.
    pub(crate) async fn write(&self, mut mail: Value) -> Value {
        mail["kind"] = json!("email");
        if mail.get("to").is_none() {
            mail["to"] = json!(self.address);
        }
        let url = format!("{}/_local/guest", self.base);
        let told = send(CLIENT.post(url).json(&mail)).await.expect(200);
        for answer in told["answers"].as_array().unwrap() {
            assert!(answer.get("stored").is_some(), "{answer}");
        }
        told
    }

    /// Mail that left for an address so far.
    pub(crate) async fn sent_to(&self, address: &str) -> Vec<Value> {
        let url = format!("{}/_local/outbox?kind=email", self.base);
        let list = send(CLIENT.get(url)).await.expect(200);
        let to = |entry: &&Value| entry["content"]["to"] == address;
        let sent = data(&list).iter().filter(to);
        sent.map(|entry| entry["content"].clone()).collect()
    }

    /// The mail that left for an address, once there are so many.
    pub(crate) async fn answer(&self, address: &str, number: usize) -> Value {
        eventually("a mail is answered", || async {
            self.sent_to(address).await.get(number - 1).cloned()
        })
        .await
    }

    /// All messages of all conversations, oldest first in each.
    pub(crate) async fn messages(&self) -> Vec<Value> {
        let conversations = self.tenant.get("/v1/conversations?limit=100").await.expect(200);
        let mut all = Vec::new();
        for conversation in data(&conversations) {
            let path = format!("/v1/conversations/{}/messages?limit=100", id(conversation));
            all.extend(data(&self.tenant.get(&path).await.expect(200)).clone());
        }
        all
    }

    /// The message with this text, once it is there.
    pub(crate) async fn message(&self, text: &str) -> Value {
        eventually("the message is listed", || async {
            let all = self.messages().await;
            all.into_iter().find(|message| message["text"] == text)
        })
        .await
    }

    /// The conversations that these texts are in.
    pub(crate) async fn conversations_of(&self, texts: &[&str]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for text in texts {
            let message = self.message(text).await;
            found.insert(message["conversation_id"].as_str().unwrap().to_owned());
        }
        found
    }

    /// The answer to whoever waits for one last: by now everything before it has been worked through.
    pub(crate) async fn settle(&self) {
        let last = format!("{}@example.net", unique("last"));
        let mail = json!({"from": last, "subject": "Hire", "text": "How much is the garden room?"});
        self.write(mail).await;
        self.answer(&last, 1).await;
    }
}

/// Connects a mailbox: its address, its channel and that one's key.
async fn connect(
    stack: &Stack,
    tenant: &Tenant,
    settings: ChannelSettings,
    connection: Option<Connection>,
) -> (String, ChannelId, String) {
    let (platform, scope) = scope_of(stack, tenant).await;
    let address = format!("{}@mail.localhost", unique("hello"));
    let channel = ChannelId::generate(platform.clock().now(), platform.entropy());
    let new = NewChannel {
        id: channel,
        kind: ChannelKind::Email,
        name: "Mail".to_owned(),
        allowed_origins: Vec::new(),
        settings: ChannelSettings {
            address: Some(address.clone()),
            sender_name: Some("Test Venue".to_owned()),
            ..settings
        },
        connection,
        health: ChannelHealth::default(),
    };
    let connected = platform.connect_channel(&scope, new, Vec::new()).await.unwrap();
    (address, channel, connected.key.to_string())
}

pub(crate) async fn scope_of(stack: &Stack, tenant: &Tenant) -> (Platform, TenantScope) {
    let platform = seed::operator(stack).unwrap();
    let key = platform.find_api_key(&tenant.demo.api_key).await;
    let owner = *key.unwrap().unwrap().tenant;
    let scope = platform.enter(owner).await.unwrap();
    (platform, scope)
}

/// Raw mails that lie in the bucket.
pub(crate) async fn raw_mails(stack: &Stack) -> Vec<String> {
    let dump = send(CLIENT.get(format!("{}/_local/dump", stack.base_url())))
        .await
        .expect(200);
    let objects = dump["objects"].as_array().unwrap();
    let paths = objects.iter().filter_map(|object| object["path"].as_str());
    paths
        .filter(|path| path.starts_with("mailbucket/"))
        .map(str::to_owned)
        .collect()
}

/// Has faults strike the played carriers.
pub(crate) async fn fault(stack: &Stack, fault: Value) -> Answer {
    let url = format!("{}/_local/fault", stack.base_url());
    let answer = send(CLIENT.post(url).json(&fault)).await;
    assert!(answer.status.is_success(), "{}", answer.body);
    answer
}
