//! Text messages, there and back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use usher_shared::channel::{ChannelKind, ChannelSettings, TwilioConnection};

use super::line::{Line, OURS, account, answer_in, attached, messages, number, received, settled, sid};
use crate::harness::{CLIENT, Tenant, eventually, id, run, send, stack};

const QUESTION: &str = "How much is the garden room?";

/// Sends as a guest, through the control endpoint.
pub(crate) async fn guest(line: &Line<'_>, kind: &str, from: &str, text: &str) -> Value {
    let body = json!({"channel": line.key, "kind": kind, "from": from, "text": text});
    let answer = send(CLIENT.post(line.tenant.url("/_local/guest")).json(&body)).await;
    answer.expect(200)
}

#[test]
fn a_text_message_is_answered_by_text_and_its_delivery_is_told() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let line = Line::sms(stack(), &tenant).await;
        let from = number();
        let told = guest(&line, "sms", &from, QUESTION).await;
        assert_eq!(told["status"], 200, "{told}");
        let (conversation, _) = line.said(QUESTION).await;
        let answer = answer_in(&tenant, &conversation, QUESTION).await;
        assert_eq!(answer["state"], "sent", "{answer}");
        assert_eq!(answer["author"], "ai");
        let sent = received(&tenant, &from).await;
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert_eq!(sent[0]["content"]["from"], OURS);
        assert_eq!(sent[0]["content"]["body"], answer["text"]);
        assert!(answer["text"].as_str().unwrap().contains("900"), "{answer}");
        // Twilio tells that it was sent after it has told that it was delivered.
        let delivered = eventually("it is delivered", || async {
            let answer = settled(&tenant, &conversation, &id(&answer)).await;
            (answer["delivery"] == "delivered").then_some(answer)
        });
        assert_eq!(delivered.await["state"], "sent");
    });
}

#[test]
fn statuses_never_go_back_and_each_message_is_written_once_for_what_matters() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let line = Line::sms(stack(), &tenant).await;
        let from = number();
        guest(&line, "sms", &from, QUESTION).await;
        let (conversation, _) = line.said(QUESTION).await;
        let answer = id(&answer_in(&tenant, &conversation, QUESTION).await);
        let callback = received(&tenant, &from).await[0]["content"]["status_callback"].clone();
        let callback = callback.as_str().unwrap().to_owned();
        let (_, below) = callback.split_once(line.key.as_str()).unwrap();
        eventually("it is delivered", || async {
            let answer = settled(&tenant, &conversation, &answer).await;
            (answer["delivery"] == "delivered").then_some(())
        })
        .await;
        for status in ["queued", "sent", "sending", "accepted", "delivered", "nonsense"] {
            let fields = [
                ("MessageSid", "SM1"),
                ("MessageStatus", status),
                ("To", from.as_str()),
            ];
            line.post(below, &fields).await.expect(200);
            let answer = settled(&tenant, &conversation, &answer).await;
            assert_eq!(
                (&answer["delivery"], &answer["state"]),
                (&json!("delivered"), &json!("sent")),
                "{status}"
            );
        }
        let fields = [
            ("MessageSid", "SM1"),
            ("MessageStatus", "read"),
            ("To", from.as_str()),
        ];
        line.post(below, &fields).await.expect(200);
        let answer = settled(&tenant, &conversation, &answer).await;
        assert_eq!(answer["delivery"], "read");
        // Of nobody's message, and of none at all.
        for below in ["/status?ref=nonsense", "/status"] {
            line.post(below, &fields).await.expect(200);
        }
    });
}

#[test]
fn what_did_not_arrive_says_why_and_calls_a_person() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let line = Line::sms(stack(), &tenant).await;
        // The phone with this number is off.
        guest(&line, "sms", "+15005550030", QUESTION).await;
        let (conversation, _) = line.said(QUESTION).await;
        let answer = eventually("it has failed", || async {
            let answer = answer_in(&tenant, &conversation, QUESTION).await;
            (answer["state"] == "failed").then_some(answer)
        })
        .await;
        assert_eq!(
            (&answer["delivery"], &answer["failure"]),
            (&json!("undelivered"), &json!("unreachable"))
        );
        let head = tenant.get(&format!("/v1/conversations/{conversation}")).await;
        assert_eq!(head.expect(200)["state"], "waiting_for_human");
    });
}

#[test]
fn a_messaging_service_sends_where_one_is_connected_and_a_key_signs_in_for_the_account() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let connection = TwilioConnection {
            api_key: Some((
                usher_local::twilio::API_KEY.to_owned(),
                usher_local::twilio::API_KEY_SECRET.to_owned(),
            )),
            messaging_service: Some("MGe9949d904d436e1fd21b1ac234c1fad2".to_owned()),
            ..account()
        };
        let settings = ChannelSettings::default();
        let line = Line::new(stack(), &tenant, ChannelKind::Sms, settings, connection).await;
        let from = number();
        let service = [("MessagingServiceSid", "MGe9949d904d436e1fd21b1ac234c1fad2")];
        line.text_as(&sid("SM"), &from, QUESTION, &service).await;
        let (conversation, _) = line.said(QUESTION).await;
        assert_eq!(answer_in(&tenant, &conversation, QUESTION).await["state"], "sent");
        let sent = &received(&tenant, &from).await[0]["content"];
        assert_eq!(
            (&sent["messaging_service_sid"], &sent["from"]),
            (&json!("MGe9949d904d436e1fd21b1ac234c1fad2"), &Value::Null)
        );
    });
}

#[test]
fn a_number_that_was_connected_through_the_api_takes_and_sends() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let line = Line::connected(&tenant).await;
        let from = number();
        line.text(&from, QUESTION).await;
        let (conversation, _) = line.said(QUESTION).await;
        let answer = answer_in(&tenant, &conversation, QUESTION).await;
        assert_eq!(answer["state"], "sent", "{answer}");
        eventually("its delivery is told under its own account's token", || async {
            let answer = settled(&tenant, &conversation, &id(&answer)).await;
            (answer["delivery"] == "delivered").then_some(())
        })
        .await;
    });
}

#[test]
fn a_message_that_comes_several_times_at_once_is_stored_and_answered_once() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let line = Line::sms(stack(), &tenant).await;
        let (from, id) = (number(), sid("SM"));
        let all = (0..6).map(|_| line.text_as(&id, &from, QUESTION, &[]));
        futures_util::future::join_all(all).await;
        let (conversation, _) = line.said(QUESTION).await;
        answer_in(&tenant, &conversation, QUESTION).await;
        line.text_as(&id, &from, QUESTION, &[]).await;
        let messages = messages(&tenant, &conversation).await;
        assert_eq!(messages.len(), 2, "{messages:?}");
        assert_eq!(received(&tenant, &from).await.len(), 1);
    });
}

#[test]
fn what_nobody_can_answer_is_kept_and_left_unanswered() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let line = Line::sms(stack(), &tenant).await;
        for from in ["72975", "PARCELS"] {
            let text = format!("{QUESTION} Yours, {from}");
            line.text(from, &text).await;
            let (_, messages) = line.said(&text).await;
            assert_eq!(messages[0]["unattended"], true, "{messages:?}");
            assert_eq!(messages.len(), 1);
        }
        // Our own number is nobody's guest.
        line.text(OURS, QUESTION).await;
        let media = [
            ("NumMedia", "1"),
            ("MediaUrl0", "https://api.twilio.com/x"),
            ("MediaContentType0", "image/jpeg"),
        ];
        let from = number();
        line.text_as(&sid("MM"), &from, "This is the room", &media).await;
        line.said("This is the room").await;
        let conversations = tenant.get("/v1/conversations?limit=100").await.expect(200);
        assert_eq!(crate::harness::data(&conversations).len(), 3);
    });
}

#[test]
fn what_comes_with_a_text_message_is_fetched_with_the_account_s_credentials() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let line = Line::sms(stack(), &tenant).await;
        let (from, text) = (number(), "This is the room");
        let picture = STANDARD.encode(b"\x89PNG\r\n\x1a\n and what a picture is made of");
        let body = json!({"channel": line.key, "kind": "sms", "from": from, "text": text,
                          "media": [{"media_type": "image/png", "base64": picture}]});
        let told = send(CLIENT.post(tenant.url("/_local/guest")).json(&body)).await;
        assert_eq!(told.expect(200)["status"], 200);
        let (conversation, said) = line.said(text).await;
        let picture = attached(&tenant, &conversation, &id(&said[0])).await;
        assert_eq!(
            (&picture[0]["state"], &picture[0]["kind"]),
            (&json!("stored"), &json!("image")),
            "{picture:?}"
        );
    });
}

#[test]
fn p_con_02_who_is_opted_out_at_the_carrier_is_opted_out_here() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let line = Line::sms(stack(), &tenant).await;
        // Twilio refuses this number: it has said STOP to it, and not to us.
        let from = "+15005550004";
        line.text(from, QUESTION).await;
        let (conversation, _) = line.said(QUESTION).await;
        let answer = answer_in(&tenant, &conversation, QUESTION).await;
        assert_eq!(
            (&answer["state"], &answer["failure"]),
            (&json!("canceled"), &json!("opted_out"))
        );
        let dump = send(CLIENT.get(tenant.url("/_local/dump"))).await.body;
        let kept = dump["tables"]["LedgerTable"].to_string();
        assert!(kept.contains("\"carrier\""), "{kept}");
        let typed = line.typed(&conversation, "Are you there?").await;
        assert_eq!(typed["failure"], "opted_out");
    });
}
