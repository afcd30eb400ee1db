#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use usher_shared::channel::ChannelSettings;

use super::*;

macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("../../../../../tests/vectors/mail/", $name)).as_slice()
    };
}

fn event_of(body: &[u8]) -> Event {
    match hear("key1", "msg_1", body) {
        Ok(Heard::Event(event)) => *event,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_webhook_has_its_effect() {
    let status = |delivery, failure| What::Status {
        message: "56761188-7520-42d8-8898-ff6fc54ce618".to_owned(),
        reference: None,
        delivery,
        failure,
    };
    for (body, what) in [
        (
            vector!("resend-email-sent.json"),
            status(Delivery::Accepted, None),
        ),
        (
            vector!("resend-email-delivered.json"),
            status(Delivery::Delivered, None),
        ),
        (
            vector!("resend-email-bounced.json"),
            status(Delivery::Undelivered, Some(Failure::Unreachable)),
        ),
        (
            vector!("resend-email-suppressed.json"),
            status(Delivery::Undelivered, Some(Failure::Unreachable)),
        ),
        (
            vector!("resend-email-complained.json"),
            status(Delivery::Delivered, Some(Failure::OptedOut)),
        ),
        (
            vector!("resend-email-failed.json"),
            status(Delivery::Undelivered, Some(Failure::NotAllowed)),
        ),
        (
            vector!("resend-email-scheduled.json"),
            What::Ignored("mail_scheduled"),
        ),
        (
            vector!("resend-email-delivery-delayed.json"),
            What::Ignored("mail_delayed"),
        ),
        (vector!("resend-email-opened.json"), What::Ignored("mail_opened")),
        (
            vector!("resend-email-clicked.json"),
            What::Ignored("mail_clicked"),
        ),
    ] {
        let event = event_of(body);
        assert_eq!(event.what, what);
        assert_eq!((event.to.space, event.to.address.as_str()), (Space::Key, "key1"));
        assert_eq!(event.person.unwrap().address, "ana@customer.example");
        assert_eq!(event.id, "msg_1");
    }
}

#[test]
fn mail_that_came_in_is_to_be_fetched() {
    let Ok(Heard::Mail(notice)) = hear("key1", "msg_1", vector!("resend-email-received.json")) else {
        panic!("mail");
    };
    assert_eq!(notice.email, "56761188-7520-42d8-8898-ff6fc54ce618");
    assert_eq!(notice.recipients, ["tn01@in.acme-inbox.example"]);
    let call = fetch(&endpoints(), &connected(), &notice.email);
    assert_eq!(
        call.url,
        "https://resend.test/emails/receiving/56761188-7520-42d8-8898-ff6fc54ce618"
    );
    assert_eq!(call.method, Method::Get);
    let answer = Answer {
        status: 200,
        body: br#"{"raw":{"download_url":"https://cdn.test/x"}}"#.to_vec(),
        ..Answer::default()
    };
    assert_eq!(raw_address(&answer).as_deref(), Some("https://cdn.test/x"));
    assert_eq!(raw_address(&Answer::default()), None);
    let raw = b"Return-Path: <ana@customer.example>\r\nAuthentication-Results: amazonses.com; dmarc=pass header.from=customer.example\r\nFrom: ana@customer.example\r\n\r\nx";
    let received = received(&notice, raw);
    assert_eq!(received.verdicts, [("dmarc".to_owned(), "pass".to_owned())]);
    assert_eq!(received.envelope.as_deref(), Some("ana@customer.example"));
}

#[test]
fn an_id_that_leads_elsewhere_is_no_id() {
    let body = br#"{"type":"email.received","data":{"email_id":"../../domains"}}"#;
    assert_eq!(hear("key1", "msg_1", body), Err(Malformed));
}

#[test]
fn kinds_that_are_not_known_are_acknowledged_and_what_is_none_is_refused() {
    for kind in [
        "domain.updated",
        "contact.created",
        "suppression.added",
        "later.kind",
    ] {
        let body = format!(r#"{{"type":"{kind}","created_at":"x","data":{{"email_id":"e","to":5}}}}"#);
        assert_eq!(event_of(body.as_bytes()).what, What::Ignored("mail_unknown"));
    }
    let deep = "[".repeat(100_000);
    for body in [
        b"".as_slice(),
        b"[]",
        b"{",
        b"\xff",
        b"{\"type\":5}",
        deep.as_bytes(),
    ] {
        assert_eq!(hear("key1", "msg_1", body), Err(Malformed));
    }
}

fn endpoints() -> Endpoints {
    Endpoints {
        resend: "https://resend.test".to_owned(),
        ..Endpoints::default()
    }
}

fn connected() -> ResendConnection {
    ResendConnection {
        api_key: "re_secret".to_owned(),
        webhook_secret: "whsec_c2VjcmV0".to_owned(),
    }
}

#[test]
fn a_message_is_said_under_its_reference() {
    let connection = Connection::Resend(connected());
    let settings = ChannelSettings {
        address: Some("hello@acme.example".to_owned()),
        ..ChannelSettings::default()
    };
    let platform = endpoints();
    let account = Account {
        connection: Some(&connection),
        settings: &settings,
        platform: &platform,
        hooks: "https://usher.test/hooks",
    };
    let outgoing = Outgoing {
        reference: "conv_1-msg_1",
        to: "ana@customer.example",
        text: "Hola <Ana>",
        by_human: false,
        last_inbound: None,
        now: Timestamp::from_millis(0),
        comment: None,
        mail: None,
        answers: None,
        token: None,
    };
    let call = Resend.send(&account, &outgoing).unwrap();
    assert_eq!(
        (call.method, call.url.as_str()),
        (Method::Post, "https://resend.test/emails")
    );
    let header = |name: &str| {
        call.headers
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(header("authorization"), Some("Bearer re_secret"));
    assert_eq!(header("idempotency-key"), Some("conv_1-msg_1"));
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(body["from"], "hello@acme.example");
    assert_eq!(body["to"], json!(["ana@customer.example"]));
    assert_eq!(body["text"], "Hola <Ana>");
    assert!(body["html"].as_str().unwrap().contains("Hola &lt;Ana&gt;"));
    assert_eq!(body["headers"]["Auto-Submitted"], "auto-replied");
    assert_eq!(
        body["tags"],
        json!([{"name": "message", "value": "conv_1-msg_1"}])
    );
    // The same at every attempt: the key stands for this body alone.
    assert!(Resend.send(&account, &outgoing).unwrap() == call);
    let unconnected = Account {
        connection: None,
        ..account
    };
    assert_eq!(
        Resend.send(&unconnected, &outgoing).err(),
        Some(Outcome::refused(Failure::ChannelClosed))
    );
}

#[test]
fn answers_say_what_became_of_a_message() {
    let outcome = |status, body: &[u8]| {
        Resend.outcome(&Answer {
            status,
            retry_after: Some(2),
            body: body.to_vec(),
        })
    };
    assert_eq!(
        outcome(200, vector!("resend-send-ok.json")),
        Outcome::Taken {
            id: "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794".to_owned()
        }
    );
    assert_eq!(
        outcome(422, vector!("resend-error-422.json")),
        Outcome::refused(Failure::Unreachable)
    );
    assert_eq!(
        outcome(429, vector!("resend-error-429.json")),
        Outcome::NotNow {
            after: Some(Duration::from_secs(2))
        }
    );
    let named =
        |status, name: &str| outcome(status, format!(r#"{{"name":"{name}","message":"x"}}"#).as_bytes());
    let channel = |why, trouble| Outcome::Refused {
        why,
        trouble: Some(trouble),
    };
    let refused = channel(Failure::CredentialsRefused, ChannelTrouble::CredentialsRefused);
    assert_eq!(named(401, "missing_api_key"), refused);
    assert_eq!(named(403, "invalid_api_key"), refused);
    assert_eq!(
        named(403, "validation_error"),
        channel(Failure::NotAllowed, ChannelTrouble::PermissionMissing)
    );
    assert_eq!(
        named(409, "concurrent_idempotent_requests"),
        Outcome::NotNow { after: Some(MET) }
    );
    assert_eq!(named(409, "invalid_idempotent_request"), Outcome::Unknown);
    assert_eq!(
        named(429, "daily_quota_exceeded"),
        channel(Failure::NotAllowed, ChannelTrouble::Restricted)
    );
    assert_eq!(named(451, "security_error"), Outcome::refused(Failure::Blocked));
    assert_eq!(
        named(422, "invalid_from_address"),
        Outcome::refused(Failure::Refused)
    );
    for (status, body) in [(500, "{}"), (200, "{}"), (200, "not json"), (503, "")] {
        assert_eq!(
            outcome(status, body.as_bytes()),
            Outcome::Unknown,
            "{status} {body}"
        );
    }
    assert!(Resend.repetition_is_harmless());
}
