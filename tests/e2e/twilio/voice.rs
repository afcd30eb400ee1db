//! Calls: what is said becomes a conversation, and a link goes to who asked for it.

use serde_json::{Value, json};
use usher_shared::category::Preset;

use super::line::{Line, attached, enter, messages, number, received, sid};
use super::texts::guest;
use crate::harness::{CLIENT, Tenant, data, eventually, id, run, send, stack, start};

const ASKS: &str = "Hi, this is Ana. Could you please text me the booking link? Thanks.";
const ASKS_TWICE: &str =
    "Can you send me the link to book? So, again, please send me the link. Thank you, bye.";
const ASKS_NOT: &str = "Hi this is Ana, please call me back about the quote.";

/// What became of recordings at the played Twilio.
async fn deleted(tenant: &Tenant) -> Vec<String> {
    let list = send(CLIENT.get(tenant.url("/_local/outbox?kind=recording_deleted"))).await;
    let list = list.expect(200);
    data(&list).iter().map(id).collect()
}

/// Nothing more is sent for a while.
async fn silence() {
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
}

#[test]
fn a_call_is_told_of_its_recording_and_becomes_a_conversation_that_waits_for_a_person() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let line = Line::voice(stack(), &tenant, None).await;
        let from = number();
        let call = guest(&line, "voice", &from, ASKS_NOT).await;
        assert_eq!(call["answers"], json!([200, 200, 200, 200]), "{call}");
        let twiml = call["response"].as_str().unwrap();
        let spoken = twiml.find("Welcome to the Test Venue. This call is recorded.");
        assert!(spoken.unwrap() < twiml.find("<Record").unwrap(), "{twiml}");
        let (conversation, said) = line.said(ASKS_NOT).await;
        assert_eq!(said.len(), 2, "{said:?}");
        assert_eq!(said[0]["text"], "[voice message, 12 s]");
        assert!(said.iter().all(|said| said["unattended"] == true));
        // What was said can be heard as well.
        let sound = attached(&tenant, &conversation, &id(&said[0])).await;
        assert_eq!(
            (&sound[0]["state"], &sound[0]["kind"]),
            (&json!("stored"), &json!("audio")),
            "{sound:?}"
        );
        let head = tenant.get(&format!("/v1/conversations/{conversation}")).await;
        assert_eq!(head.expect(200)["state"], "waiting_for_human");
        // The number is for nothing else: what somebody types has no way to it.
        let typed = line.typed(&conversation, "We will call you back").await;
        assert_eq!(
            (&typed["state"], &typed["failure"]),
            (&json!("failed"), &json!("no_address"))
        );
        assert!(received(&tenant, &from).await.is_empty());
        // A number for text messages takes no calls.
        let sms = Line::sms(stack(), &tenant).await;
        let refused = guest(&sms, "voice", &from, "Hello?").await;
        assert_eq!(refused["answers"], json!([200]));
        assert!(!refused["response"].as_str().unwrap().contains("Record"));
    });
}

#[test]
fn p_con_01_a_call_that_asks_for_the_link_twice_gets_one_and_two_calls_get_two() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let sms = Line::sms(stack(), &tenant).await;
        let line = Line::voice(stack(), &tenant, Some(sms.id)).await;
        let from = number();
        // Twice in one call, and every webhook of it three times.
        for _ in 0..3 {
            let body = json!({"channel": line.key, "kind": "voice", "from": from, "text": ASKS_TWICE,
                              "client_message_id": format!("first {from}")});
            let call = send(CLIENT.post(tenant.url("/_local/guest")).json(&body)).await;
            assert_eq!(call.expect(200)["answers"], json!([200, 200, 200, 200]));
        }
        // Another transcription of the same call asks for nothing new.
        let first = first_call(&line, &from).await;
        eventually("the link is sent", || async {
            (!received(&tenant, &from).await.is_empty()).then_some(())
        })
        .await;
        silence().await;
        let sent = received(&tenant, &from).await;
        assert_eq!(sent.len(), 1, "{sent:?}");
        let body = sent[0]["content"]["body"].as_str().unwrap();
        assert!(
            body.contains("https://venue.example/book") && body.contains("Test Venue"),
            "{body}"
        );
        guest(&line, "voice", &from, ASKS).await;
        eventually("the second link is sent", || async {
            (received(&tenant, &from).await.len() == 2).then_some(())
        })
        .await;
        silence().await;
        assert_eq!(received(&tenant, &from).await.len(), 2);
        // The proof: one entry a call, under hashes; what was said of the call is sealed.
        let (_, scope) = enter(stack(), &tenant).await;
        let range = usher_aws::store::keys::consents(scope.tenant());
        let proofs = scope.store().query_all(&range).await.unwrap();
        assert_eq!(proofs.len(), 2);
        let dump = send(CLIENT.get(tenant.url("/_local/dump")))
            .await
            .body
            .to_string();
        assert!(
            !dump.contains(&first) && !dump.contains(&from[1..]),
            "plain in the dump"
        );
        // Nobody else's call led to anything in the channel for text messages.
        let all = tenant.get("/v1/conversations?limit=100").await.expect(200);
        let by_sms = |head: &&Value| head["channel_id"] == sms.id.to_string();
        assert_eq!(data(&all).iter().filter(by_sms).count(), 0);
    });
}

/// Posts another transcription of a call, and gives the id of its recording.
async fn first_call(line: &Line<'_>, from: &str) -> String {
    let seed = format!("first {from}");
    let body = json!({"channel": line.key, "kind": "voice", "from": from, "text": ASKS_TWICE,
                      "client_message_id": seed});
    let call = send(CLIENT.post(line.tenant.url("/_local/guest")).json(&body)).await;
    let call = call.expect(200);
    let fields = [
        ("CallSid", call["call_sid"].as_str().unwrap()),
        ("From", from),
        ("TranscriptionSid", &sid("TR")),
        ("TranscriptionStatus", "completed"),
        ("TranscriptionText", ASKS),
        ("RecordingSid", call["recording_sid"].as_str().unwrap()),
    ];
    line.post("/transcription", &fields).await.expect(200);
    call["recording_sid"].as_str().unwrap().to_owned()
}

#[test]
fn p_con_01_nothing_is_sent_to_who_did_not_ask_said_stop_or_hides_the_number() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let sms = Line::sms(stack(), &tenant).await;
        let line = Line::voice(stack(), &tenant, Some(sms.id)).await;
        let unset = Line::voice(stack(), &tenant, None).await;
        let (silent, stopped, unlinked) = (number(), number(), number());
        sms.text(&stopped, "STOP").await;
        guest(&line, "voice", &silent, ASKS_NOT).await;
        guest(&line, "voice", &stopped, ASKS).await;
        guest(&line, "voice", "+266696687", ASKS).await;
        guest(&unset, "voice", &unlinked, ASKS).await;
        let (conversation, _) = eventually("the link is stopped", || async {
            let all = tenant.get("/v1/conversations?limit=100").await.expect(200);
            for head in data(&all) {
                let said = messages(&tenant, &id(head)).await;
                if said.iter().any(|said| said["state"] == "canceled") {
                    return Some((id(head), said));
                }
            }
            None
        })
        .await;
        assert!(!conversation.is_empty());
        silence().await;
        for number in [&silent, &stopped, &unlinked, "+266696687"] {
            assert!(received(&tenant, number).await.is_empty());
        }
    });
}

#[test]
fn p_con_01_the_recording_goes_with_the_person_and_with_its_period_and_the_proof_stays() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Website).await;
        let sms = Line::sms(&stack, &tenant).await;
        let line = Line::voice(&stack, &tenant, Some(sms.id)).await;
        let from = number();
        let call = guest(&line, "voice", &from, ASKS).await;
        let recording = call["recording_sid"].as_str().unwrap().to_owned();
        let (conversation, _) = line.said(ASKS).await;
        eventually("the link is sent", || async {
            (!received(&tenant, &from).await.is_empty()).then_some(())
        })
        .await;
        // Another caller's, which is left alone until its period ends.
        let other = guest(&line, "voice", &number(), ASKS_NOT).await;
        let other = other["recording_sid"].as_str().unwrap().to_owned();

        // The carrier is out of order at first: it is asked again.
        let fault = json!({"service": "carrier", "operation": "twilio", "kind": "500", "count": 2});
        send(CLIENT.post(tenant.url("/_local/fault")).json(&fault))
            .await
            .expect(200);
        let erased = tenant.delete(&format!("/v1/conversations/{conversation}")).await;
        assert!(erased.status.is_success(), "{}", erased.body);
        eventually("the recording is deleted", || async {
            (deleted(&tenant).await == [recording.clone()]).then_some(())
        })
        .await;
        let (_, scope) = enter(&stack, &tenant).await;
        let proofs = scope
            .store()
            .query_all(&usher_aws::store::keys::consents(scope.tenant()))
            .await
            .unwrap();
        assert_eq!(proofs.len(), 1, "the proof stays");
        let dump = send(CLIENT.get(tenant.url("/_local/dump")))
            .await
            .body
            .to_string();
        assert!(!dump.contains(&recording) && !dump.contains(&from[1..]));

        stack
            .advance(std::time::Duration::from_hours(24 * 366))
            .await
            .unwrap();
        eventually("the other recording ends with its period", || async {
            send(CLIENT.post(tenant.url("/_local/schedule/sweep"))).await;
            deleted(&tenant).await.contains(&other).then_some(())
        })
        .await;
        stack.shutdown().await;
    });
}
