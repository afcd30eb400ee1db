//! By mail and by form: a link goes to the address, and only who opens it and presses the button has asked.

use std::time::Duration;

use serde_json::{Value, json};
use usher_local::Stack;
use usher_shared::channel::ChannelSettings;
use usher_shared::privacy::{RequestKind, RequestSource, RequestState};

use super::requests;
use crate::harness::{CLIENT, Tenant, data, eventually, run, send, start};
use crate::mail::mailbox::{Mailbox, unique};

/// The link in a mail.
fn link(mail: &Value) -> String {
    let text = mail["text"].as_str().unwrap();
    let start = text.find("http").unwrap();
    let link: String = text[start..].chars().take_while(|c| !c.is_whitespace()).collect();
    assert!(link.contains("/privacy/confirm/"), "{link}");
    link
}

async fn state(stack: &Stack, tenant: &Tenant) -> Vec<RequestState> {
    let all = requests(stack, tenant).await;
    all.iter().map(|request| *request.state).collect()
}

async fn page(method: &str, link: &str) -> (u16, String) {
    let request = match method {
        "POST" => CLIENT.post(link),
        _ => CLIENT.get(link),
    };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[test]
fn p_del_06_who_asks_by_mail_confirms_by_one_click_that_no_scanner_makes() {
    run(async {
        let stack = start().await;
        let mailbox = Mailbox::new(&stack).await;
        let (other, tenant) = (Mailbox::new(&stack).await, &mailbox.tenant);

        // Whoever is not who they say gets no mail, and starts nothing.
        let forged = format!("{}@example.net", unique("forged"));
        let wish = "Please delete all my personal data.";
        for verdicts in [
            json!({"dmarc": "fail", "spf": "fail"}),
            json!({"dmarc": "gray", "spf": "fail", "dkim": "fail"}),
        ] {
            let mail = json!({"from": forged, "subject": "My data", "text": wish, "verdicts": verdicts});
            mailbox.write(mail).await;
        }
        // A machine has no rights.
        let robot = format!("{}@example.net", unique("robot"));
        mailbox
            .write(json!({"from": robot, "subject": "Delete my data", "text": "x", "headers": {"Auto-Submitted": "auto-replied"}}))
            .await;

        let from = format!("{}@example.net", unique("zebedee"));
        let mail =
            json!({"from": from, "subject": "Delete my data", "text": "Thank you, Zebedee", "deliveries": 2});
        mailbox.write(mail).await;
        let answer = mailbox.answer(&from, 1).await;
        let link = link(&answer);
        assert_eq!(state(&stack, tenant).await, [RequestState::IdentityUnverified]);
        assert_eq!(mailbox.sent_to(&from).await.len(), 1, "one mail for one wish");
        assert!(mailbox.sent_to(&forged).await.is_empty() && mailbox.sent_to(&robot).await.is_empty());

        // The word proves nothing by mail.
        mailbox.write(json!({"from": from, "subject": "Re: Delete my data", "text": "DELETE", "references": ["x@y"]})).await;
        // A scanner of mail opens every link.
        for _ in 0..3 {
            let (status, shown) = page("GET", &link).await;
            assert_eq!(status, 200);
            assert!(shown.contains("<form method=\"post\">") && !shown.contains(&from));
        }
        assert_eq!(state(&stack, tenant).await, [RequestState::IdentityUnverified]);

        // Altered in any part it leads nowhere.
        let (base, token) = link.rsplit_once('/').unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let foreign = requests(&stack, tenant).await[0]
            .id
            .to_string()
            .replace("preq_0", "preq_1");
        for altered in [
            format!("{}.{}.{}.{}", parts[0], foreign, parts[2], parts[3]),
            format!("{}.{}.{}.{}", parts[0], parts[1], "9999999999999", parts[3]),
            format!("{}.{}.{}.{}", parts[0], parts[1], parts[2], "00".repeat(32)),
            format!("{}.{}.{}", parts[0], parts[1], parts[2]),
            "x".to_owned(),
            format!("{token}0"),
        ] {
            for method in ["GET", "POST"] {
                let (status, shown) = page(method, &format!("{base}/{altered}")).await;
                assert_eq!(status, 404, "{altered}");
                assert!(shown.contains("leads nowhere"));
            }
        }
        assert_eq!(state(&stack, tenant).await, [RequestState::IdentityUnverified]);

        let (status, shown) = page("POST", &link).await;
        assert_eq!(status, 200);
        let opened = &requests(&stack, tenant).await[0];
        assert!(opened.confirmed_at.is_some() && *opened.state != RequestState::IdentityUnverified);
        assert_eq!(
            (*opened.source, *opened.kind),
            (RequestSource::Mail, RequestKind::Deletion)
        );
        assert!(shown.contains("/privacy/status/"), "{shown}");
        // Once.
        for method in ["GET", "POST"] {
            let (status, again) = page(method, &link).await;
            assert_eq!(status, 404);
            assert!(!again.contains("/privacy/status/"));
        }
        assert!(requests(&stack, &other.tenant).await.is_empty());
        assert!(other.sent_to(&from).await.len() == 1);
    });
}

#[test]
fn p_del_06_a_link_and_a_question_live_for_a_day_and_an_hour() {
    run(async {
        let stack = start().await;
        let mailbox = Mailbox::with(&stack, ChannelSettings::default(), None).await;
        let tenant = &mailbox.tenant;
        let from = format!("{}@example.net", unique("late"));
        mailbox
            .write(json!({"from": from, "subject": "Hello", "text": "Send me my data"}))
            .await;
        let link = link(&mailbox.answer(&from, 1).await);
        let guest = tenant.guest().await;
        let asked = guest.say("Delete my data").await;
        assert_eq!(guest.answer_to(&asked).await["author"], "system");
        stack.advance(Duration::from_mins(61)).await.unwrap();
        // An hour later the word is a word like any other.
        let word = guest.say("DELETE").await;
        eventually("the AI looked at it", || async {
            let conversation = tenant.conversation_of(&word).await;
            let path = format!(
                "/v1/conversations/{}/traces",
                conversation["id"].as_str().unwrap()
            );
            let traces = tenant.get(&path).await.expect(200);
            (!data(&traces).is_empty()).then_some(())
        })
        .await;
        assert_eq!(page("GET", &link).await.0, 200);
        stack.advance(Duration::from_hours(23)).await.unwrap();
        assert_eq!(page("GET", &link).await.0, 404);
        assert_eq!(page("POST", &link).await.0, 404);
        assert_eq!(state(&stack, tenant).await, [RequestState::IdentityUnverified]);
    });
}

#[test]
fn p_del_06_who_types_an_address_into_a_form_has_proved_nothing() {
    run(async {
        let stack = start().await;
        let mailbox = Mailbox::new(&stack).await;
        let tenant = &mailbox.tenant;
        let settings = json!({"answers_by": mailbox.channel.to_string()});
        let form = json!({"kind": "form", "name": "Enquiries", "settings": settings});
        let form = tenant.post("/v1/channels", &form).await.expect(201);
        let victim = format!("{}@example.net", unique("victim"));
        let url = tenant.url(&format!("/forms/{}", form["key"].as_str().unwrap()));
        let body = json!({"email": victim, "message": "Delete all my data"});
        send(CLIENT.post(&url).json(&body)).await.expect(202);
        let link = link(&mailbox.answer(&victim, 1).await);
        assert_eq!(state(&stack, tenant).await, [RequestState::IdentityUnverified]);
        // The word in a second submission is anybody's.
        let body = json!({"email": victim, "message": "DELETE"});
        send(CLIENT.post(&url).json(&body)).await.expect(202);
        assert_eq!(state(&stack, tenant).await, [RequestState::IdentityUnverified]);
        assert_eq!(page("POST", &link).await.0, 200);
        assert_ne!(state(&stack, tenant).await, [RequestState::IdentityUnverified]);
    });
}
