//! Guests in a storm: each writes its messages one after another, each once to three times, and tries again
//! as a browser does until it is told that the message is stored.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Plan, Random, Stored};
use crate::harness::Tenant;

pub(super) const PRICES: &str = "# Prices\n\n## Garden room\n\nThe garden room costs 900 euros a day.\n\n\
    ## Parking\n\nParking is free for all guests.\n\n## Deposit\n\nThe deposit is 500 euros.\n";

/// What the documents answer, and last what they do not.
const TEXTS: [&str; 7] = [
    "How much is the garden room?",
    "How much is the garden room, please?",
    "Is parking free?",
    "Is parking free for guests?",
    "How much is the deposit?",
    "How much is the deposit, please?",
    "Is there a helicopter landing pad?",
];
/// Guests at the same time.
const AT_ONCE: usize = 24;
/// Longest that a guest goes on trying.
const TRIES: usize = 200;

/// A message to write.
#[derive(Debug, Clone)]
pub(super) struct Message {
    text: &'static str,
    /// How often it is posted.
    copies: u64,
    /// Whether the copies are posted at the same time.
    together: bool,
    /// How long the guest thinks before.
    pause: Duration,
}

/// A message that the guest was told is stored.
#[derive(Debug, Clone)]
pub(crate) struct Acknowledged {
    /// Posts that were made for it, repetitions after failures included.
    pub(super) posts: usize,
}

/// One in forty is handed over: a conversation that a person has is easy.
pub(super) fn question(random: &mut Random) -> &'static str {
    if random.below(40) == 0 {
        TEXTS[6]
    } else {
        TEXTS[usize::try_from(random.below(6)).unwrap()]
    }
}

/// Messages by guest; guests take turns between the tenants.
pub(super) fn plan(random: &mut Random, messages: usize) -> Plan {
    let mut plan: Plan = Vec::new();
    let mut planned = 0;
    while planned < messages {
        let own = usize::try_from(1 + random.below(7))
            .unwrap()
            .min(messages - planned);
        planned += own;
        let mut message = || Message {
            text: question(random),
            copies: 1 + random.below(3),
            together: random.below(2) == 0,
            pause: Duration::from_millis(random.below(1_500)),
        };
        plan.push((0..own).map(|_| message()).collect());
    }
    plan
}

/// Writes everything, and gives what was acknowledged.
pub(super) async fn write(tenants: &[Tenant], plan: Plan) -> Stored {
    stream::iter(plan.into_iter().enumerate())
        .map(|(number, messages)| guest(&tenants[number % tenants.len()], number, messages))
        .buffer_unordered(AT_ONCE)
        .fold(Stored::new(), |mut all, own| async move {
            for (id, acknowledged) in own {
                assert!(
                    all.insert(id.clone(), acknowledged).is_none(),
                    "two messages have the id {id}"
                );
            }
            all
        })
        .await
}

/// A browser with an address of its own: rate limits are not what is looked at here.
pub(super) fn browser(number: usize) -> reqwest::Client {
    let host = u8::try_from(number % 250 + 2).unwrap();
    let net = u8::try_from(number / 250 % 250 + 1).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a guest's browser")]
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .local_address(std::net::IpAddr::from([127, 0, net, host]))
        .timeout(Duration::from_secs(40))
        .build()
        .unwrap()
}

async fn guest(tenant: &Tenant, number: usize, messages: Vec<Message>) -> Vec<(String, Acknowledged)> {
    let browser = browser(number);
    let (session, _) = persist(|| browser.post(tenant.chat("sessions")), StatusCode::CREATED).await;
    let token = session["token"].as_str().unwrap().to_owned();
    let mut acknowledged = Vec::new();
    for (position, message) in messages.into_iter().enumerate() {
        tokio::time::sleep(message.pause).await;
        let body = json!({"text": message.text, "client_message_id": format!("g{number}-m{position}")});
        let post = || {
            persist(
                || {
                    browser
                        .post(tenant.chat("messages"))
                        .bearer_auth(&token)
                        .json(&body)
                },
                StatusCode::ACCEPTED,
            )
        };
        let mut answers = Vec::new();
        if message.together {
            let copies = stream::iter(0..message.copies).map(|_| post());
            answers = copies.buffer_unordered(3).collect().await;
        } else {
            for _ in 0..message.copies {
                answers.push(post().await);
            }
        }
        let posts = answers.iter().map(|(_, tries)| tries).sum();
        let ids: Vec<String> = answers
            .iter()
            .map(|(answer, _)| crate::harness::id(answer))
            .collect();
        assert!(
            ids.iter().all(|id| *id == ids[0]),
            "one message has the ids {ids:?}"
        );
        acknowledged.push((ids[0].clone(), Acknowledged { posts }));
    }
    acknowledged
}

/// Tries until it is done. Only what may pass is tried again.
async fn persist(request: impl Fn() -> reqwest::RequestBuilder, wanted: StatusCode) -> (Value, usize) {
    let mut last = String::new();
    for tries in 1..=TRIES {
        match request().send().await {
            Err(error) => last = error.to_string(),
            Ok(response) => {
                let status = response.status();
                let body = response.text().await.unwrap_or_default();
                if status == wanted {
                    return (serde_json::from_str(&body).unwrap(), tries);
                }
                let passes = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
                assert!(passes, "{status}: {body}");
                last = format!("{status}: {body}");
            }
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    panic!("a guest gave up: {last}");
}
