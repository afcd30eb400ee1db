//! A number of a tenant's, and the guests at its other end.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use usher_aws::channels::NewChannel;
use usher_aws::{Platform, TenantScope};
use usher_carriers::signature::twilio::sign;
use usher_carriers::urlencoded::{Fields, encode};
use usher_local::Stack;
use usher_local::twilio::{ACCOUNT, AUTH_TOKEN};
use usher_shared::channel::{ChannelHealth, ChannelKind, ChannelSettings, Connection, TwilioConnection};
use usher_shared::ids::ChannelId;

use crate::harness::{Answer, CLIENT, Tenant, data, eventually, id, send};

/// The number that is written to and called.
pub(crate) const OURS: &str = "+15105550123";

/// A guest's number that nobody else has.
pub(crate) fn number() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let process = std::process::id() % 10_000;
    format!("+1415{process:04}{:03}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An id at Twilio that nothing else has.
pub(crate) fn sid(kind: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "{kind}{:016x}{:016x}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// The account at the played Twilio.
pub(crate) fn account() -> TwilioConnection {
    TwilioConnection {
        account_sid: ACCOUNT.to_owned(),
        auth_token: AUTH_TOKEN.to_owned(),
        api_key: None,
        number: OURS.to_owned(),
        messaging_service: None,
    }
}

/// A tenant, entered as the operator.
pub(crate) async fn enter(stack: &Stack, tenant: &Tenant) -> (Platform, TenantScope) {
    let platform = usher_local::seed::operator(stack).unwrap();
    let key = platform.find_api_key(&tenant.demo.api_key).await.unwrap();
    let scope = platform.enter(*key.unwrap().tenant).await.unwrap();
    (platform, scope)
}

/// A channel at Twilio.
pub(crate) struct Line<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) id: ChannelId,
    pub(crate) key: String,
    token: String,
}

impl<'a> Line<'a> {
    /// Connects a channel.
    pub(crate) async fn new(
        stack: &Stack,
        tenant: &'a Tenant,
        kind: ChannelKind,
        settings: ChannelSettings,
        connection: TwilioConnection,
    ) -> Self {
        let (platform, scope) = enter(stack, tenant).await;
        let id = ChannelId::generate(scope.now(), scope.entropy());
        let token = connection.auth_token.clone();
        let new = NewChannel {
            id,
            kind,
            name: "Front desk".to_owned(),
            allowed_origins: Vec::new(),
            settings,
            connection: Some(Connection::Twilio(connection)),
            health: ChannelHealth::default(),
        };
        let channel = platform.connect_channel(&scope, new, Vec::new()).await.unwrap();
        Self {
            tenant,
            id,
            key: channel.key.to_string(),
            token,
        }
    }

    /// A number for text messages, connected through the API.
    pub(crate) async fn connected(tenant: &'a Tenant) -> Self {
        let channel = tenant.connect(ChannelKind::Sms, json!({})).await;
        let token = channel["given"]["credentials"]["auth_token"].as_str().unwrap();
        Self {
            tenant,
            id: id(&channel).parse().unwrap(),
            key: channel["key"].as_str().unwrap().to_owned(),
            token: token.to_owned(),
        }
    }

    /// A number for text messages, with HELP explained.
    pub(crate) async fn sms(stack: &Stack, tenant: &'a Tenant) -> Self {
        let settings = ChannelSettings {
            help_text: Some("Test Venue, desk@venue.example. Reply STOP to end.".to_owned()),
            ..ChannelSettings::default()
        };
        Self::new(stack, tenant, ChannelKind::Sms, settings, account()).await
    }

    /// A number for calls that sends its link by another channel.
    pub(crate) async fn voice(stack: &Stack, tenant: &'a Tenant, by: Option<ChannelId>) -> Self {
        let settings = ChannelSettings {
            greeting: Some("Welcome to the Test Venue.".to_owned()),
            link: Some("https://venue.example/book".to_owned()),
            answers_by: by,
            ..ChannelSettings::default()
        };
        Self::new(stack, tenant, ChannelKind::Voice, settings, account()).await
    }

    /// Posts a signed webhook below the channel's address.
    pub(crate) async fn post(&self, below: &str, fields: &[(&str, &str)]) -> Answer {
        let url = self.tenant.url(&format!("/hooks/twilio/{}{below}", self.key));
        let signed: Fields = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let request = CLIENT
            .post(&url)
            .header("x-twilio-signature", sign(&self.token, &url, &signed))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encode(fields.iter().copied()));
        send(request).await
    }

    /// A text message from a number, under an id.
    pub(crate) async fn text_as(&self, sid: &str, from: &str, text: &str, more: &[(&str, &str)]) {
        let mut fields = vec![
            ("MessageSid", sid),
            ("AccountSid", ACCOUNT),
            ("From", from),
            ("To", OURS),
            ("Body", text),
            ("NumMedia", "0"),
        ];
        fields.extend(more);
        let answer = self.post("", &fields).await.expect(200);
        assert!(answer.as_str().unwrap().ends_with("<Response/>"), "{answer}");
    }

    /// A text message from a number.
    pub(crate) async fn text(&self, from: &str, text: &str) {
        self.text_as(&sid("SM"), from, text, &[]).await;
    }

    /// The conversation in which somebody said this, with its messages.
    pub(crate) async fn said(&self, text: &str) -> (String, Vec<Value>) {
        eventually("what was said is listed", || async {
            let conversations = self.tenant.get("/v1/conversations?limit=100").await.expect(200);
            for conversation in data(&conversations) {
                if conversation["channel_id"] != self.id.to_string() {
                    continue;
                }
                let messages = messages(self.tenant, &id(conversation)).await;
                if messages.iter().any(|message| message["text"] == text) {
                    return Some((id(conversation), messages));
                }
            }
            None
        })
        .await
    }

    /// A message that somebody types, once nothing more happens to it.
    pub(crate) async fn typed(&self, conversation: &str, text: &str) -> Value {
        let path = format!("/v1/conversations/{conversation}/messages");
        let typed = self.tenant.post(&path, &json!({"text": text})).await;
        assert!(typed.status.is_success(), "{}", typed.body);
        settled(self.tenant, conversation, &id(&typed.body)).await
    }
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

/// What is said to a message, once its delivery is over.
pub(crate) async fn answer_in(tenant: &Tenant, conversation: &str, text: &str) -> Value {
    let message = eventually("it is answered", || async {
        let messages = messages(tenant, conversation).await;
        let asked = messages.iter().find(|message| message["text"] == text)?;
        let answer = messages
            .iter()
            .find(|message| message["answers"] == asked["id"])?;
        Some(id(answer))
    })
    .await;
    settled(tenant, conversation, &message).await
}

/// Text messages that reached a number.
pub(crate) async fn received(tenant: &Tenant, number: &str) -> Vec<Value> {
    let outbox = send(CLIENT.get(tenant.url("/_local/outbox?kind=sms"))).await;
    let outbox = outbox.expect(200);
    let to = |entry: &&Value| entry["content"]["to"] == number;
    data(&outbox).iter().filter(to).cloned().collect()
}

/// What came with a message, once nothing of it is pending any more.
pub(crate) async fn attached(tenant: &Tenant, conversation: &str, message: &str) -> Vec<Value> {
    eventually("attachments are settled", || async {
        let messages = messages(tenant, conversation).await;
        let found = messages.into_iter().find(|found| found["id"] == message)?;
        let shown = found["attachments"].as_array().cloned().unwrap_or_default();
        let is_pending = shown.iter().any(|one| one["state"] == "pending");
        (!shown.is_empty() && !is_pending).then_some(shown)
    })
    .await
}
