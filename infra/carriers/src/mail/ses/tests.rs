#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;

macro_rules! vector {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!("../../../../../tests/vectors/mail/", $name)))
            .unwrap()
    };
}

fn notice_of(value: &Value) -> Notice {
    match hear(value) {
        Heard::Mail(mut notices) if notices.len() == 1 => notices.remove(0),
        other => panic!("{other:?}"),
    }
}

fn event_of(value: &Value) -> Event {
    match hear(value) {
        Heard::Events(mut events) if events.len() == 1 => events.remove(0),
        other => panic!("{other:?}"),
    }
}

#[test]
fn mail_is_told_by_the_rule_and_by_sns() {
    for (value, object) in [
        (vector!("ses-inbound-lambda.json"), None),
        (
            vector!("ses-inbound-s3-notification-via-sns.json"),
            Some(("acme-inbound-mail", "in/d6iitobk75ur44p8kdnnp7g2n800")),
        ),
    ] {
        let notice = notice_of(&value);
        assert_eq!(notice.received.id, "d6iitobk75ur44p8kdnnp7g2n800");
        assert_eq!(notice.received.envelope.as_deref(), Some("ana@customer.example"));
        assert_eq!(notice.recipients, ["tn01+th77@in.acme-inbox.example"]);
        assert_eq!(notice.received.at, "2026-09-21T14:15:01.123Z".parse().ok());
        let expected = object.map(|(bucket, key)| (bucket.to_owned(), key.to_owned()));
        assert_eq!(notice.object, expected);
        let found: Vec<_> = notice
            .received
            .verdicts
            .iter()
            .map(|(name, verdict)| (name.as_str(), verdict.as_str()))
            .collect();
        let passed = ["spam", "virus", "spf", "dkim", "dmarc"].map(|name| (name, "pass"));
        assert_eq!(found.get(..5), Some(passed.as_slice()));
        assert_eq!(found.last(), Some(&("dmarc_policy", "none")));
    }
}

#[test]
fn failed_verdicts_are_kept() {
    let notice = notice_of(&vector!("ses-inbound-lambda-spam-fail.json"));
    for (name, verdict) in [
        ("spam", "fail"),
        ("dmarc", "fail"),
        ("virus", "pass"),
        ("dmarc_policy", "reject"),
    ] {
        assert_eq!(
            super::super::verdict::of(&notice.received.verdicts, name),
            Some(verdict)
        );
    }
}

#[test]
fn every_event_about_our_mail_has_its_effect() {
    let status = |delivery, failure| What::Status {
        message: "0100017e-out5-000000".to_owned(),
        reference: None,
        delivery,
        failure,
    };
    for (value, what) in [
        (
            vector!("ses-event-send-eventbridge.json"),
            status(Delivery::Accepted, None),
        ),
        (
            vector!("ses-event-delivery-eventbridge.json"),
            status(Delivery::Delivered, None),
        ),
        (
            vector!("ses-event-bounce-permanent-eventbridge.json"),
            status(Delivery::Undelivered, Some(Failure::Unreachable)),
        ),
        (
            vector!("ses-event-bounce-permanent-sns-message.json"),
            status(Delivery::Undelivered, Some(Failure::Unreachable)),
        ),
        (
            vector!("ses-event-bounce-transient-eventbridge.json"),
            status(Delivery::Undelivered, Some(Failure::GaveUp)),
        ),
        (
            vector!("ses-event-complaint-eventbridge.json"),
            status(Delivery::Delivered, Some(Failure::OptedOut)),
        ),
        (
            vector!("ses-event-reject-eventbridge.json"),
            status(Delivery::Undelivered, Some(Failure::Blocked)),
        ),
        (
            vector!("ses-event-rendering-failure-eventbridge.json"),
            status(Delivery::Undelivered, Some(Failure::Refused)),
        ),
        (
            vector!("ses-event-delivery-delay-eventbridge.json"),
            What::Ignored("mail_delayed"),
        ),
        (
            vector!("ses-event-open-eventbridge.json"),
            What::Ignored("mail_opened"),
        ),
        (
            vector!("ses-event-click-eventbridge.json"),
            What::Ignored("mail_clicked"),
        ),
    ] {
        let event = event_of(&value);
        assert_eq!(event.what, what);
        assert_eq!(event.to.address, "hello@acme.example");
        assert_eq!(event.person.unwrap().address, "ana@customer.example");
        assert!(event.id.starts_with("0100017e-out5-000000:"));
    }
}

#[test]
fn an_event_names_the_message_by_its_tag() {
    let mut value = vector!("ses-event-delivery-eventbridge.json");
    value["detail"]["mail"]["tags"]["message"] = serde_json::json!(["conv_1-msg_1"]);
    let What::Status { reference, .. } = event_of(&value).what else {
        panic!("a status");
    };
    assert_eq!(reference.as_deref(), Some("conv_1-msg_1"));
}

#[test]
fn what_is_not_ses_is_nothing() {
    for text in [
        "{}",
        "[]",
        "null",
        "{\"Records\":[]}",
        "{\"Records\":[{\"Sns\":{\"Message\":\"x\"}}]}",
        "{\"detail\":{}}",
    ] {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(hear(&value), Heard::Nothing, "{text}");
    }
    let unknown = serde_json::json!({"detail": {"eventType": "Surprise", "mail": {"messageId": "1"}}});
    assert_eq!(event_of(&unknown).what, What::Ignored("mail_unknown"));
}
