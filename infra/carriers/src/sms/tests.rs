#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;
use usher_shared::Timestamp;
use usher_shared::channel::{ChannelSettings, ChannelTrouble, Connection, TwilioConnection};
use usher_shared::consent::{Wish, wish};

use super::*;
use crate::call::Endpoints;

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!(
            "../../../../tests/vectors/twilio/twilio-",
            $name,
            ".json"
        ))
    };
}

fn fields(sample: &str) -> Fields {
    let sample: serde_json::Value = serde_json::from_str(sample).unwrap();
    let body = sample.get("body").unwrap().as_str().unwrap();
    Fields::decode(body.as_bytes()).unwrap()
}

fn message(sample: &str) -> (Person, Said, String) {
    let Incoming { event, .. } = incoming("tw_1", &fields(sample));
    assert_eq!(
        (event.to.space, event.to.address.as_str(), event.at),
        (Space::Key, "tw_1", None)
    );
    match event.what {
        What::Message(said) => (event.person.unwrap(), said, event.id),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_text_message_is_read() {
    let (person, said, id) = message(sample!("sms-inbound"));
    assert_eq!(person.address, "+14155550142");
    assert_eq!(said.text, "Hi, are you open Saturday?");
    assert_eq!(id, "SM6b86b273ff34fce19d6b804eff5a3f57");
    assert!(said.attachments.is_empty() && !said.unattended);
}

#[test]
fn pictures_come_with_their_addresses_and_types() {
    let (_, said, _) = message(sample!("mms-inbound"));
    assert_eq!(said.text, "");
    let [picture, card] = said.attachments.as_slice() else {
        panic!("{}", said.attachments.len());
    };
    assert_eq!(
        (picture.kind, picture.media_type.as_deref()),
        (AttachmentKind::Image, Some("image/jpeg"))
    );
    assert_eq!(
        (card.kind, card.media_type.as_deref()),
        (AttachmentKind::Document, Some("text/x-vcard"))
    );
    let Source::CarrierUrl(url) = &picture.source else {
        panic!("not at the carrier");
    };
    assert!(url.ends_with("/Media/MEe4223ed20d7ea5740a326e2b268ca6db"));
}

#[test]
fn whatsapp_senders_keep_their_prefix_and_name() {
    let (person, said, _) = message(sample!("whatsapp-inbound"));
    assert_eq!(person.address, "whatsapp:+14155550142");
    assert_eq!(person.profile.name.as_deref(), Some("Ana"));
    assert_eq!(said.text, "hola");
}

#[test]
fn p_con_02_what_the_carrier_says_of_keywords_is_passed_on() {
    for (sample, told, expected) in [
        (sample!("sms-stop"), Told::Stop, Wish::Stop { keyword: true }),
        (sample!("sms-start"), Told::Start, Wish::Resume),
        (sample!("sms-help"), Told::Help, Wish::Help),
    ] {
        let read = incoming("tw_1", &fields(sample));
        assert_eq!(read.told, Some(told));
        let What::Message(said) = read.event.what else {
            panic!("no message");
        };
        assert_eq!(wish(&said.text, read.told, false), Some(expected));
    }
    assert_eq!(incoming("tw_1", &fields(sample!("sms-inbound"))).told, None);
}

#[test]
fn statuses_count_where_a_message_ended() {
    let delivered = status("tw_1", &fields(sample!("status-delivered")), Some("ref-1"));
    assert_eq!(
        delivered.what,
        What::Status {
            message: "SM65c74c15a686187bb6bbf9958f494fc6".to_owned(),
            reference: Some("ref-1".to_owned()),
            delivery: Delivery::Delivered,
            failure: None,
        }
    );
    let lost = status("tw_1", &fields(sample!("status-undelivered-30003")), None);
    assert_eq!(
        lost.what,
        What::Status {
            message: "SM9250b9912ee91d6b46e23299459ecd6e".to_owned(),
            reference: None,
            delivery: Delivery::Undelivered,
            failure: Some(Failure::Unreachable),
        }
    );
    assert_eq!(lost.person.unwrap().address, "+14155550142");
    for (name, expected) in [
        ("accepted", What::Ignored("status_on_its_way")),
        ("scheduled", What::Ignored("status_on_its_way")),
        ("queued", What::Ignored("status_on_its_way")),
        ("sending", What::Ignored("status_on_its_way")),
        ("sent", What::Ignored("status_on_its_way")),
        ("brand_new", What::Ignored("status_unknown")),
        ("", What::Ignored("status_unknown")),
    ] {
        let form = format!("MessageSid=SM1&MessageStatus={name}&To=%2B14155550142");
        let fields = Fields::decode(form.as_bytes()).unwrap();
        assert_eq!(status("tw_1", &fields, None).what, expected, "{name}");
    }
    let fields = Fields::decode(b"MessageSid=SM1&MessageStatus=failed&ErrorCode=x").unwrap();
    let What::Status { failure, .. } = status("tw_1", &fields, None).what else {
        panic!("no status");
    };
    assert_eq!(failure, Some(Failure::Refused));
}

#[test]
fn what_lacks_its_essentials_is_acknowledged_and_counted() {
    for (form, name) in [
        ("From=%2B14155550142&Body=x", "sms_without_id"),
        ("MessageSid=SM1&Body=x", "sms_without_sender"),
        ("MessageSid=SM1&From=%3Cscript%3E&Body=x", "sms_without_sender"),
        ("MessageSid=SM1&From=%2B14155550142&Body=", "sms_empty"),
        ("MessageSid=SM1&From=%2B14155550142&NumMedia=3", "sms_empty"),
        ("", "sms_without_id"),
    ] {
        let read = incoming("k", &Fields::decode(form.as_bytes()).unwrap());
        assert_eq!(read.event.what, What::Ignored(name), "{form}");
    }
}

#[test]
fn what_is_no_text_is_told_in_a_line() {
    let form = b"MessageSid=SM1&From=whatsapp%3A%2B14155550142&Latitude=52.37&Longitude=4.89";
    let What::Message(said) = incoming("k", &Fields::decode(form).unwrap()).event.what else {
        panic!("no message");
    };
    assert_eq!(said.text, "[location: 52.37, 4.89]");
    let form = b"MessageSid=SM1&From=%2B14155550142&NumMedia=999999999&MediaUrl0=https%3A%2F%2Fa.example%2F1&MediaUrl77=x";
    let What::Message(said) = incoming("k", &Fields::decode(form).unwrap()).event.what else {
        panic!("no message");
    };
    assert_eq!(said.attachments.len(), 1);
}

#[test]
fn addresses_have_one_form() {
    for (given, expected) in [
        ("+14155550142", Some("+14155550142")),
        (" +14155550142 ", Some("+14155550142")),
        ("whatsapp:+14155550142", Some("whatsapp:+14155550142")),
        ("whatsapp:14155550142", Some("whatsapp:+14155550142")),
        ("22395", Some("22395")),
        ("LakeHouse", Some("LakeHouse")),
        ("+1415555014212345678", None),
        ("+", None),
        ("+1x", None),
        ("whatsapp:", None),
        ("whatsapp:Ana", None),
        ("sip:ana@example.com", None),
    ] {
        assert_eq!(address(given).as_deref(), expected, "{given}");
    }
}

pub(crate) fn example() -> TwilioConnection {
    TwilioConnection {
        account_sid: "AC1".to_owned(),
        auth_token: "token".to_owned(),
        api_key: None,
        number: "+15105550123".to_owned(),
        messaging_service: None,
    }
}

fn sent(connection: &TwilioConnection, to: &str, text: &str) -> Result<Call, Outcome> {
    let connection = Connection::Twilio(connection.clone());
    let (settings, platform) = (
        ChannelSettings::default(),
        Endpoints {
            twilio: "https://api.twilio.com".to_owned(),
            ..Endpoints::default()
        },
    );
    let account = Account {
        connection: Some(&connection),
        settings: &settings,
        platform: &platform,
        hooks: "https://usher.example/hooks/twilio/tw_1",
    };
    Sms.send(
        &account,
        &Outgoing {
            reference: "msg_1/2",
            to,
            text,
            by_human: false,
            last_inbound: None,
            now: Timestamp::from_millis(0),
            comment: None,
            mail: None,
            token: None,
            answers: None,
        },
    )
}

fn form_of(call: &Call) -> Vec<(String, String)> {
    let fields = Fields::decode(&call.body).unwrap();
    fields
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn a_message_leaves_by_the_number_with_its_reference_in_the_callback() {
    let call = sent(&example(), "+14155550142", "See you & Anna at 3 + 4 😀").unwrap();
    assert_eq!(
        call.url,
        "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json"
    );
    assert_eq!(call.method, Method::Post);
    assert!(
        call.headers
            .contains(&("authorization", "Basic QUMxOnRva2Vu".to_owned()))
    );
    let expected = [
        ("To", "+14155550142"),
        ("From", "+15105550123"),
        ("Body", "See you & Anna at 3 + 4 😀"),
        (
            "StatusCallback",
            "https://usher.example/hooks/twilio/tw_1/status?ref=msg_1%2F2",
        ),
    ];
    assert_eq!(
        form_of(&call),
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[test]
fn a_messaging_service_and_an_api_key_are_used_where_there_are_any() {
    let connection = TwilioConnection {
        api_key: Some(("SK1".to_owned(), "secret".to_owned())),
        messaging_service: Some("MG1".to_owned()),
        ..example()
    };
    let call = sent(&connection, "+14155550142", "x").unwrap();
    assert!(
        call.headers
            .contains(&("authorization", "Basic U0sxOnNlY3JldA==".to_owned()))
    );
    let form = form_of(&call);
    assert!(form.contains(&("MessagingServiceSid".to_owned(), "MG1".to_owned())));
    assert!(!form.iter().any(|(name, _)| name == "From"));
    let call = sent(&example(), "whatsapp:+14155550142", "x").unwrap();
    assert!(form_of(&call).contains(&("From".to_owned(), "whatsapp:+15105550123".to_owned())));
}

#[test]
fn what_cannot_be_sent_is_refused_before_anything_is_said() {
    let long = "ä".repeat(1_600);
    assert!(sent(&example(), "+14155550142", &long).is_ok());
    let refused = |to: &str, text: &str| sent(&example(), to, text).unwrap_err();
    assert_eq!(
        refused("+14155550142", &(long.clone() + "x")),
        Outcome::refused(Failure::TooLong)
    );
    for to in ["22395", "LakeHouse", "", "call:CA1", "whatsapp:"] {
        assert_eq!(refused(to, "x"), Outcome::refused(Failure::NoAddress), "{to}");
    }
}

#[test]
fn answers_are_understood() {
    let refused = |why, trouble| Outcome::Refused { why, trouble };
    let not_now = |seconds: Option<u64>| Outcome::NotNow {
        after: seconds.map(std::time::Duration::from_secs),
    };
    let error = |code: u32| format!(r#"{{"code":{code},"message":"m","status":400}}"#);
    let sample = |text: &str| text.to_owned();
    for (status, retry_after, body, expected) in [
        (
            201,
            None,
            sample(sample!("send-ok")),
            Outcome::Taken {
                id: "SM65c74c15a686187bb6bbf9958f494fc6".to_owned(),
            },
        ),
        (201, None, String::new(), Outcome::Unknown),
        (200, None, "<html>".to_owned(), Outcome::Unknown),
        (
            400,
            None,
            sample(sample!("error-21610")),
            refused(Failure::OptedOut, None),
        ),
        (429, Some(3), sample(sample!("error-20429")), not_now(Some(3))),
        (429, None, String::new(), not_now(None)),
        (400, None, error(30_022), not_now(None)),
        (400, None, error(21_211), refused(Failure::Unreachable, None)),
        (400, None, error(21_614), refused(Failure::Unreachable, None)),
        (400, None, error(21_217), refused(Failure::Unreachable, None)),
        (400, None, error(21_408), refused(Failure::NotAllowed, None)),
        (400, None, error(21_612), refused(Failure::NotAllowed, None)),
        (
            400,
            None,
            error(21_606),
            refused(Failure::NotAllowed, Some(ChannelTrouble::PermissionMissing)),
        ),
        (
            400,
            None,
            error(21_703),
            refused(Failure::NotAllowed, Some(ChannelTrouble::PermissionMissing)),
        ),
        (400, None, error(21_617), refused(Failure::TooLong, None)),
        (
            400,
            None,
            error(30_034),
            refused(Failure::NotAllowed, Some(ChannelTrouble::Restricted)),
        ),
        (400, None, error(63_016), refused(Failure::WindowClosed, None)),
        (400, None, error(99_999), refused(Failure::Refused, None)),
        (400, None, String::new(), refused(Failure::Refused, None)),
        (
            401,
            None,
            error(20_003),
            refused(
                Failure::CredentialsRefused,
                Some(ChannelTrouble::CredentialsRefused),
            ),
        ),
        (
            401,
            None,
            String::new(),
            refused(
                Failure::CredentialsRefused,
                Some(ChannelTrouble::CredentialsRefused),
            ),
        ),
        (
            404,
            None,
            error(20_404),
            refused(
                Failure::CredentialsRefused,
                Some(ChannelTrouble::CredentialsRefused),
            ),
        ),
        (408, None, String::new(), Outcome::Unknown),
        (500, None, String::new(), Outcome::Unknown),
        (503, Some(1), error(20_503), Outcome::Unknown),
        (302, None, String::new(), Outcome::Unknown),
    ] {
        let answer = Answer {
            status,
            retry_after,
            body: body.clone().into_bytes(),
        };
        assert_eq!(Sms.outcome(&answer), expected, "{status} {body}");
    }
    assert!(!Sms.repetition_is_harmless(), "Twilio has no idempotency key");
}

proptest! {
    #[test]
    fn any_form_is_read_without_a_panic(
        pairs in prop::collection::vec(("(MessageSid|From|To|Body|NumMedia|MediaUrl0|MessageStatus|ErrorCode|OptOutType)", "\\PC{0,30}"), 0..12),
    ) {
        let fields = Fields::from_iter(pairs);
        let _ = incoming("k", &fields);
        let _ = status("k", &fields, None);
        let _ = crate::voice::transcription("k", &fields);
        let _ = crate::voice::recorded("k", &fields);
    }
}
