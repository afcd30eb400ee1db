#![expect(clippy::unwrap_used, reason = "tests")]

use usher_shared::Timestamp;
use usher_shared::channel::ChannelSettings;

use super::*;
use crate::call::Endpoints;
use crate::event::MailHead;

fn said(settings: &ChannelSettings, to: &str) -> Result<Value, Outcome> {
    let platform = Endpoints {
        ses: "https://email.test".to_owned(),
        ses_set: Some("set-1".to_owned()),
        ..Endpoints::default()
    };
    let account = Account {
        connection: None,
        settings,
        platform: &platform,
        hooks: "",
    };
    let head = MailHead {
        message_id: Some("1@a.example".to_owned()),
        references: vec!["0@a.example".to_owned()],
        subject: "Wedding in May".to_owned(),
        ..MailHead::default()
    };
    let outgoing = Outgoing {
        reference: "conv_1-msg_1",
        to,
        text: "Yes.",
        by_human: false,
        last_inbound: None,
        now: Timestamp::default(),
        comment: None,
        mail: Some(&head),
        answers: None,
        token: Some("t0ken"),
    };
    let call = send(&account, &outgoing)?;
    assert_eq!(call.url, "https://email.test/v2/email/outbound-emails");
    Ok(serde_json::from_slice(&call.body).unwrap())
}

fn settings() -> ChannelSettings {
    ChannelSettings {
        address: Some("hello@acme.example".to_owned()),
        sender_name: Some("Finca Niña".to_owned()),
        ..ChannelSettings::default()
    }
}

#[test]
fn a_mail_is_given_with_its_thread_its_way_back_and_its_name_for_events() {
    let body = said(&settings(), "ana@customer.example").unwrap();
    assert_eq!(
        body["FromEmailAddress"],
        "=?UTF-8?B?RmluY2EgTmnDsWE=?= <hello@acme.example>"
    );
    assert_eq!(
        body["Destination"],
        json!({"ToAddresses": ["ana@customer.example"]})
    );
    assert_eq!(body["ReplyToAddresses"], json!(["hello+t0ken@acme.example"]));
    assert_eq!(body["ConfigurationSetName"], "set-1");
    assert_eq!(
        body["EmailTags"],
        json!([{"Name": "message", "Value": "conv_1-msg_1"}])
    );
    let simple = &body["Content"]["Simple"];
    assert_eq!(
        simple["Subject"],
        json!({"Data": "Re: Wedding in May", "Charset": "UTF-8"})
    );
    assert_eq!(simple["Body"]["Text"]["Data"], "Yes.");
    assert!(
        simple["Body"]["Html"]["Data"]
            .as_str()
            .unwrap()
            .contains("<p>Yes.</p>")
    );
    let header = |name: &str| {
        let headers = simple["Headers"].as_array().unwrap();
        let found = headers.iter().find(|header| header["Name"] == name);
        found.unwrap()["Value"].as_str().unwrap().to_owned()
    };
    assert_eq!(header("In-Reply-To"), "<1@a.example>");
    assert_eq!(header("References"), "<0@a.example> <1@a.example>");
    assert_eq!(header("Auto-Submitted"), "auto-replied");
}

#[test]
fn without_an_address_nothing_is_said() {
    let refused = Outcome::refused(Failure::NoAddress);
    assert_eq!(said(&settings(), "nobody").err(), Some(refused.clone()));
    let nowhere = ChannelSettings::default();
    assert_eq!(said(&nowhere, "ana@customer.example").err(), Some(refused));
}

#[test]
fn answers_say_whether_anything_was_sent() {
    let answered = |status, error: Option<&str>, body: &str| {
        let answer = Answer {
            status,
            body: body.as_bytes().to_vec(),
            ..Answer::default()
        };
        outcome(&answer, error)
    };
    assert_eq!(
        answered(200, None, r#"{"MessageId": "0100"}"#),
        Outcome::Taken {
            id: "0100".to_owned()
        }
    );
    for body in ["", "{}", "\u{0}", r#"{"MessageId": 5}"#] {
        assert_eq!(answered(200, None, body), Outcome::Unknown, "{body}");
    }
    for (code, status, expected) in [
        ("TooManyRequestsException", 429, Outcome::NotNow { after: None }),
        ("LimitExceededException", 400, Outcome::NotNow { after: None }),
        ("MessageRejected", 400, Outcome::refused(Failure::Blocked)),
        (
            "MessageRejected:http://internal.amazon.com/",
            400,
            Outcome::refused(Failure::Blocked),
        ),
        ("BadRequestException", 400, Outcome::refused(Failure::Refused)),
        ("", 418, Outcome::refused(Failure::Refused)),
        ("", 500, Outcome::Unknown),
        ("", 0, Outcome::Unknown),
    ] {
        assert_eq!(answered(status, Some(code), "{}"), expected, "{code} {status}");
        let body = json!({"__type": format!("com.amazonaws.ses#{code}")}).to_string();
        assert_eq!(answered(status, None, &body), expected, "{code} {status}");
    }
    for (code, trouble) in [
        (
            "MailFromDomainNotVerifiedException",
            ChannelTrouble::PermissionMissing,
        ),
        ("NotFoundException", ChannelTrouble::PermissionMissing),
        ("AccountSuspendedException", ChannelTrouble::Restricted),
        ("SendingPausedException", ChannelTrouble::Restricted),
    ] {
        let refused = Outcome::Refused {
            why: Failure::NotAllowed,
            trouble: Some(trouble),
        };
        assert_eq!(answered(400, Some(code), ""), refused, "{code}");
    }
}
