//! Somebody is told that a guest waits: by which means, with which words, when, how often, and until when.

mod outages;

use std::time::Duration;

use serde_json::{Value, json};
use usher_aws::queue::Outgoing;
use usher_local::Stack;
use usher_shared::Timestamp;
use usher_shared::category::Preset;
use usher_shared::ids::ConversationId;
use usher_shared::records::AlertJob;

use crate::harness::{CLIENT, Guest, Tenant, eventually, id, run, send, start};
use crate::journey::{operator, queue};

/// Nothing of this may be in an alert.
const SAID: &str = "I am Zebulon Quarkworth, zebulon@quark.example. Is there a helicopter landing pad?";
const WORDS: [&str; 5] = ["Zebulon", "Quarkworth", "quark.example", "helicopter", "landing"];

/// Longer than the stack holds a delayed job back, and a look.
pub(crate) async fn a_while() {
    tokio::time::sleep(Duration::from_secs(6)).await;
}

/// Alerts that left, to one target.
pub(crate) fn told(stack: &Stack, to: &str) -> Vec<Value> {
    let all = stack.left_by("alert");
    all.into_iter()
        .filter(|entry| entry["content"]["to"] == to)
        .collect()
}

pub(crate) async fn told_times(stack: &Stack, to: &str, times: usize) -> Vec<Value> {
    eventually(&format!("{to} is told {times} times"), || async {
        let told = told(stack, to);
        assert!(told.len() <= times, "{to}: {told:?}");
        (told.len() == times).then_some(told)
    })
    .await
}

pub(crate) async fn set(tenant: &Tenant, targets: &Value) -> Value {
    let body = json!({"targets": targets, "repeat_minutes": 10, "second_after_minutes": 30});
    tenant.put("/v1/alerts", &body).await.expect(200)
}

fn since(conversation: &Value) -> Timestamp {
    conversation["waiting_since"].as_str().unwrap().parse().unwrap()
}

/// Something that only a person can answer; gives the path of the conversation once it waits.
pub(crate) async fn hand_over(tenant: &Tenant, guest: &Guest<'_>) -> String {
    let asked = guest.say(SAID).await;
    let path = format!("/v1/conversations/{}", id(&tenant.conversation_of(&asked).await));
    eventually("it waits", || async {
        (tenant.get(&path).await.expect(200)["state"] == "waiting_for_human").then_some(())
    })
    .await;
    path
}

#[test]
fn p_sec_01_who_waits_is_told_by_mail_and_telegram_without_a_word_of_the_guest_until_somebody_knows() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let (mail, chat) = ("desk@venue.example", "-1001112223334");
        let targets = json!([{"kind": "mail", "address": mail}, {"kind": "telegram", "address": chat}]);
        set(&tenant, &targets).await;
        let guest = tenant.guest().await;
        let path = hand_over(&tenant, &guest).await;
        let conversation = path.rsplit('/').next().unwrap();
        let mails = told_times(&stack, mail, 1).await;
        let chats = told_times(&stack, chat, 1).await;
        for text in [&mails[0]["content"]["text"], &chats[0]["content"]["text"]] {
            let text = text.as_str().unwrap();
            for wanted in [
                "Test Venue",
                "Channel: web chat",
                "less than a minute",
                conversation,
            ] {
                assert!(text.contains(wanted), "{wanted}: {text}");
            }
        }
        // One hand-over, one alert each, though the guest goes on and the job comes again.
        guest.say("Zebulon once more: the helicopter?").await;
        let (platform, scope) = operator(&stack, &tenant).await;
        let head = tenant.get(&path).await.expect(200);
        let job = AlertJob {
            at: platform.clock().now().into(),
            tenant: scope.tenant().into(),
            conversation: conversation.parse::<ConversationId>().unwrap().into(),
            since: since(&head).into(),
            look: 1.into(),
        };
        let job = Outgoing::standard(&job).unwrap();
        let url = queue(&stack, "alerts", "ALERT_QUEUE_URL");
        let twice = [job.clone(), job];
        assert!(platform.send_jobs(&url, &twice).await.is_empty());
        a_while().await;
        told_times(&stack, mail, 1).await;
        told_times(&stack, chat, 1).await;
        // Again after the interval, with the time that has passed.
        stack.advance(Duration::from_mins(10)).await.unwrap();
        let again = told_times(&stack, chat, 2).await;
        let text = again[1]["content"]["text"].as_str().unwrap();
        assert!(text.contains("Waiting: 10 minutes"), "{text}");
        told_times(&stack, mail, 2).await;
        // Until somebody says that they know.
        for _ in 0..2 {
            let known = tenant.post(&format!("{path}/acknowledge"), &json!({})).await;
            assert!(known.expect(200)["acknowledged_at"].is_string());
        }
        stack.advance(Duration::from_hours(1)).await.unwrap();
        a_while().await;
        told_times(&stack, chat, 2).await;
        // A person comes, hands it back, and it waits once more: that is another wait.
        let body = json!({"text": "No, but there is a lake."});
        tenant.post(&format!("{path}/messages"), &body).await.expect(201);
        let gone = tenant.post(&format!("{path}/acknowledge"), &json!({})).await;
        assert_eq!(gone.expect(409)["code"], "not_waiting");
        tenant
            .post(&format!("{path}/hand-back"), &json!({}))
            .await
            .expect(200);
        hand_over(&tenant, &guest).await;
        told_times(&stack, chat, 3).await;
        told_times(&stack, mail, 3).await;
        tenant.post(&format!("{path}/messages"), &body).await.expect(201);
        stack.advance(Duration::from_hours(1)).await.unwrap();
        a_while().await;
        told_times(&stack, chat, 3).await;
        // Neither what leaves nor what is logged says anything of the guest, and no log says who was told.
        let left = json!(stack.left_by("alert")).to_string();
        let logs = stack.logs("alerts").unwrap();
        for word in WORDS {
            assert!(!left.contains(word) && !logs.contains(word), "{word}");
        }
        for word in [mail, chat, "AAE-"] {
            assert!(!logs.contains(word), "{word}");
        }
        stack.shutdown().await;
    });
}

/// Quiet hours in a zone without a summer, 5 h 45 min ahead: from an hour before the stack's now to two hours after.
fn quiet(stack: &Stack, during: &str) -> Value {
    let now = Timestamp::from_millis(stack.clock().now_ms());
    let time = |minutes: i64| {
        let minute = (now.millis() / 60_000 + 5 * 60 + 45 + minutes).rem_euclid(1_440);
        format!("{:02}:{:02}", minute / 60, minute % 60)
    };
    json!({"from": time(-60), "to": time(120), "time_zone": "Asia/Kathmandu", "during": during})
}

#[test]
fn quiet_hours_put_it_off_to_their_end_or_make_it_silent_and_the_second_person_is_told_after_a_while() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let (sleeps, listens, second) = ("1001", "1002", "owner@venue.example");
        let targets = json!([
            {"kind": "telegram", "address": sleeps, "quiet_hours": quiet(&stack, "defer")},
            {"kind": "telegram", "address": listens, "quiet_hours": quiet(&stack, "silent")},
            {"kind": "mail", "address": second, "rank": "second"},
        ]);
        set(&tenant, &targets).await;
        let guest = tenant.guest().await;
        hand_over(&tenant, &guest).await;
        let silent = told_times(&stack, listens, 1).await;
        assert_eq!(silent[0]["content"]["silent"], true);
        a_while().await;
        assert!(told(&stack, sleeps).is_empty() && told(&stack, second).is_empty());
        stack.advance(Duration::from_mins(30)).await.unwrap();
        told_times(&stack, second, 1).await;
        assert!(told(&stack, sleeps).is_empty());
        // Two hours after the beginning of the test they end.
        stack.advance(Duration::from_mins(91)).await.unwrap();
        let woken = told_times(&stack, sleeps, 1).await;
        assert_eq!(woken[0]["content"]["silent"], false);
        let text = woken[0]["content"]["text"].as_str().unwrap();
        assert!(text.contains("Waiting: 2 hours"), "{text}");
        stack.shutdown().await;
    });
}

#[test]
fn settings_are_checked_shown_without_the_bots_secret_and_tried_out() {
    run(async {
        let tenant = Tenant::new().await;
        let stack = crate::harness::stack();
        let nothing = tenant.get("/v1/alerts").await.expect(200);
        assert_eq!(
            (&nothing["targets"], &nothing["telegram_bot"]),
            (&json!([]), &json!("installation"))
        );
        let tried = tenant.post("/v1/alerts/test", &json!({})).await.expect(200);
        assert_eq!(tried["results"], json!([]));
        for (body, field) in [
            (
                json!({"targets": [{"kind": "mail", "address": "x"}]}),
                "targets[0].address",
            ),
            (
                json!({"targets": [{"kind": "telegram", "address": "all"}]}),
                "targets[0].address",
            ),
            (
                json!({"targets": [{"kind": "pager", "address": "1"}]}),
                "targets[0].kind",
            ),
            (json!({"targets": [], "repeat_minutes": 0}), "repeat_minutes"),
            (
                json!({"targets": [], "telegram_bot_token": "x"}),
                "telegram_bot_token",
            ),
            (json!({}), "targets"),
            (json!({"targets": [], "who": 1}), "who"),
        ] {
            let refused = tenant.put("/v1/alerts", &body).await;
            assert_eq!(refused.status, 422, "{body}");
            assert_eq!(refused.refused()[0].0, field, "{body}: {}", refused.body);
        }
        let secret = "700000002:AAE-secret_secret_secret_secret";
        let body = json!({
            "targets": [{"kind": "telegram", "address": "-2002"}, {"kind": "mail", "address": "Try@Venue.example"},
                        {"kind": "telegram", "address": "403"}],
            "telegram_bot_token": secret,
        });
        let shown = tenant.put("/v1/alerts", &body).await.expect(200);
        assert_eq!(shown, tenant.get("/v1/alerts").await.expect(200));
        assert_eq!(shown["telegram_bot"], "own");
        assert_eq!(shown["targets"][1]["address"], "try@venue.example");
        let tried = tenant.post("/v1/alerts/test", &json!({})).await.expect(200);
        let outcomes = |tried: &Value| {
            let results = tried["results"].as_array().unwrap().iter();
            results
                .map(|result| result["outcome"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(outcomes(&tried), ["sent", "sent", "refused"]);
        assert_eq!(told(stack, "-2002")[0]["content"]["bot"], "700000002");
        let shown = tenant.get("/v1/alerts").await.expect(200);
        assert_eq!(shown["targets"][2]["trouble"], "unreachable");
        let tried = tenant.post("/v1/alerts/test", &json!({})).await.expect(200);
        assert_eq!(outcomes(&tried), ["sent", "sent", "not_tried"]);
        // Not mentioned, the secret stays; it is stored sealed, and neither shown nor logged.
        let body = json!({"targets": [{"kind": "telegram", "address": "-2003"}]});
        assert_eq!(
            tenant.put("/v1/alerts", &body).await.expect(200)["telegram_bot"],
            "own"
        );
        let rows = json!(stack.database().items("InboxTable").unwrap()).to_string();
        for word in ["AAE-secret", "-2003", "try@venue.example"] {
            assert!(
                !rows.contains(word) && !stack.logs("alerts").unwrap().contains(word),
                "{word}"
            );
        }
        assert!(!shown.to_string().contains("AAE-secret"));
        let none = json!({"targets": [], "telegram_bot_token": null});
        assert_eq!(
            tenant.put("/v1/alerts", &none).await.expect(200)["telegram_bot"],
            "installation"
        );
    });
}

/// Everything that alerts ask of the functions' permissions.
pub(crate) async fn journey(stack: &Stack, tenant: &Tenant) {
    let targets =
        json!([{"kind": "mail", "address": "j@venue.example"}, {"kind": "telegram", "address": "-3003"}]);
    set(tenant, &targets).await;
    tenant.post("/v1/alerts/test", &json!({})).await.expect(200);
    let guest = tenant.guest().await;
    let path = hand_over(tenant, &guest).await;
    told_by(stack, "-3003", 2).await;
    told_by(stack, "j@venue.example", 2).await;
    let (platform, scope) = operator(stack, tenant).await;
    let head = tenant.get(&path).await.expect(200);
    let job = AlertJob {
        at: platform.clock().now().into(),
        tenant: scope.tenant().into(),
        conversation: id(&head).parse::<ConversationId>().unwrap().into(),
        since: since(&head).into(),
        look: 1.into(),
    };
    let letter = Outgoing::standard(&job).unwrap();
    let url = queue(stack, "dispatch", "ALERT_DEAD_LETTERS_URL");
    assert!(platform.send_jobs(&url, &[letter]).await.is_empty());
    eventually("the letter is sent on", || async {
        send(CLIENT.post(tenant.url("/_local/schedule/redrive"))).await;
        let dump = send(CLIENT.get(tenant.url("/_local/dump"))).await.body;
        let letters = dump["queues"]["AlertDeadLetters"].as_array();
        letters.is_some_and(Vec::is_empty).then_some(())
    })
    .await;
    tenant
        .post(&format!("{path}/acknowledge"), &json!({}))
        .await
        .expect(200);
    tenant.get("/v1/alerts").await.expect(200);
    // Whoever comes after is not told of anything.
    tenant
        .put("/v1/alerts", &json!({"targets": []}))
        .await
        .expect(200);
}

async fn told_by(stack: &Stack, to: &str, least: usize) {
    eventually("they are told", || async {
        (told(stack, to).len() >= least).then_some(())
    })
    .await;
}

/// What needs the function, whatever comes of it.
pub(crate) async fn keep_doing(tenant: &Tenant) {
    let targets =
        json!([{"kind": "mail", "address": "k@venue.example"}, {"kind": "telegram", "address": "-4004"}]);
    tenant
        .put("/v1/alerts", &json!({"targets": targets, "repeat_minutes": 1}))
        .await;
    let session = send(CLIENT.post(tenant.chat("sessions"))).await.body;
    if let Some(token) = session["token"].as_str() {
        let message = CLIENT.post(tenant.chat("messages")).bearer_auth(token);
        send(message.json(&json!({"text": "Is there a helicopter?"}))).await;
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
}
