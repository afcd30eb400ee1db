mod people;

use base64::Engine as _;
use serde_json::json;
use usher_shared::channel::{AttachmentKind, ChannelTrouble, Delivery, Failure};

use super::*;
use crate::event::Attached;

const NUMBER: &str = "106540352242922";
const SHEENA: &str = "US.13491208655302741918";
const PHONE: &str = "+16505551234";
const SENT: i64 = 1_790_000_000_000;

fn answering(context: &str, said: &str) -> Said {
    Said {
        context: Some(context.to_owned()),
        ..text(said)
    }
}

#[test]
fn messages_of_every_kind_say_what_the_person_said() {
    let cases = [
        (sample!("whatsapp-text"), text("Does it come in another color?")),
        (sample!("whatsapp-text-from-ad"), text("Hi")),
        (
            sample!("whatsapp-text-reply-context"),
            answering("wamid.PREV", "yes that one"),
        ),
        (
            sample!("whatsapp-location"),
            text("[location: 37.4847483695049, -122.1473373086664, HQ, 1 Example Way]"),
        ),
        (
            sample!("whatsapp-contacts"),
            text("[contact: Bob Lee, +1 650 555 9999]"),
        ),
        (
            sample!("whatsapp-interactive-button"),
            answering("wamid.OUT1", "9:00"),
        ),
        (
            sample!("whatsapp-interactive-list"),
            answering("wamid.OUT2", "Haircut"),
        ),
        (
            sample!("whatsapp-interactive-flow"),
            answering("wamid.OUT3", "[form: email: a@b.example]"),
        ),
        (
            sample!("whatsapp-button-template"),
            answering("wamid.TPL", "Unsubscribe"),
        ),
        (sample!("whatsapp-unsupported"), text("[unsupported message]")),
    ];
    for (body, said) in cases {
        let event = one(body);
        assert_eq!(
            event.to,
            To {
                space: Space::Whatsapp,
                address: NUMBER.to_owned()
            }
        );
        assert_eq!(ms(&event), Some(SENT));
        assert!(event.id.starts_with("wamid.HBg"));
        let person = event.person.as_ref().unwrap();
        assert_eq!(
            (person.address.as_str(), person.alias.as_deref()),
            (SHEENA, Some(PHONE))
        );
        assert_eq!(person.profile.name.as_deref(), Some("Sheena Nelson"));
        assert_eq!(person.profile.handle.as_deref(), Some("sheena.n"));
        assert_eq!(person.profile.phone.as_deref(), Some(PHONE));
        assert!(message(event) == said, "{body}");
    }
}

#[test]
fn media_are_fetched_by_their_id_and_checked_by_their_digest() {
    let digest = |base64: &str| {
        base64::engine::general_purpose::STANDARD
            .decode(base64)
            .unwrap()
            .try_into()
            .unwrap()
    };
    for (body, kind, media_type, sha256, name, words) in [
        (
            sample!("whatsapp-image"),
            AttachmentKind::Image,
            "image/jpeg",
            "/YJPzt0kXlWHHHTLSOu60C2rm8S5NwQztgnWAi7OenM=",
            None,
            "like this",
        ),
        (
            sample!("whatsapp-video"),
            AttachmentKind::Video,
            "video/mp4",
            "+Bz7x4PUv/Fwu0gqsjxGBbUEmx7KohsT6PSCAK06fRU=",
            None,
            "",
        ),
        (
            sample!("whatsapp-audio-voice"),
            AttachmentKind::Audio,
            "audio/ogg; codecs=opus",
            "VVULlLTYuxHH8M6qQKtyNoWRmgv9BrUs5TBdupmcVzI=",
            None,
            "",
        ),
        (
            sample!("whatsapp-document"),
            AttachmentKind::Document,
            "application/pdf",
            "ke0PfNqhOF69zF0tg+pkoyFvxFOV4WE+yeOWj+RXmdI=",
            Some("plan.pdf"),
            "floor plan",
        ),
        (
            sample!("whatsapp-sticker"),
            AttachmentKind::Image,
            "image/webp",
            "7BQsgNA0ZeJmaiSu2PuDOAsAt/qy7MXUCUK9eo9H9yU=",
            None,
            "",
        ),
    ] {
        let attached = Attached {
            kind,
            source: Source::Media("1479537139650973".to_owned()),
            name: name.map(str::to_owned),
            media_type: Some(media_type.to_owned()),
            size: None,
            sha256: Some(digest(sha256)),
        };
        let said = message(one(body));
        assert!(
            said == Said {
                attachments: vec![attached],
                ..text(words)
            },
            "{media_type}"
        );
    }
}

#[test]
fn reactions_come_and_go() {
    for (body, emoji) in [
        (sample!("whatsapp-reaction"), Some("👍")),
        (sample!("whatsapp-reaction-removed"), None),
    ] {
        let event = one(body);
        assert_eq!(person(&event), SHEENA);
        let emoji = emoji.map(str::to_owned);
        assert_eq!(
            event.what,
            What::Reaction {
                message: "wamid.OUT1".to_owned(),
                emoji
            }
        );
    }
}

#[test]
fn statuses_name_our_message_and_repeat_our_reference() {
    for (body, delivery, reference, failure) in [
        (
            sample!("whatsapp-status-sent"),
            Delivery::Accepted,
            Some("out_01JD8"),
            None,
        ),
        (
            sample!("whatsapp-status-delivered"),
            Delivery::Delivered,
            None,
            None,
        ),
        (sample!("whatsapp-status-read"), Delivery::Read, None, None),
        (
            sample!("whatsapp-status-failed-window"),
            Delivery::Undelivered,
            None,
            Some(Failure::WindowClosed),
        ),
    ] {
        let event = one(body);
        assert_eq!((person(&event), ms(&event)), (SHEENA, Some(SENT + 2000)));
        assert!(event.id.starts_with("wamid.OUT1:"));
        let reference = reference.map(str::to_owned);
        assert_eq!(
            event.what,
            What::Status {
                message: "wamid.OUT1".to_owned(),
                reference,
                delivery,
                failure
            }
        );
    }
}

#[test]
fn news_of_the_account_are_counted() {
    assert_eq!(
        one(sample!("whatsapp-template-status-update")).what,
        What::Ignored("whatsapp_template")
    );
    assert_eq!(
        one(sample!("whatsapp-value-errors")).what,
        What::Ignored("whatsapp_error")
    );
    for (field, name) in [
        ("account_update", "whatsapp_account"),
        ("phone_number_quality_update", "whatsapp_number"),
        ("user_preferences", "whatsapp_preferences"),
        ("calls", "whatsapp_calls"),
        ("history", "whatsapp_history"),
        ("messages", "whatsapp_change"),
    ] {
        assert_eq!(change(field, json!({})).what, What::Ignored(name));
    }
}

fn body_of(field: &str, value: Value) -> String {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "9", "changes": [{"field": field, "value": value}]}]}).to_string()
}

fn change(field: &str, value: Value) -> Event {
    one(&body_of(field, value))
}

fn written(mut message: Value, contacts: Value) -> Event {
    message["id"] = "wamid.1".into();
    message["timestamp"] = "1790000000".into();
    change(
        "messages",
        json!({"metadata": {"phone_number_id": "5"}, "contacts": contacts, "messages": [message]}),
    )
}

#[test]
fn what_was_written_in_the_apps_own_inbox_is_somebody_elses_answer() {
    let value = json!({"metadata": {"phone_number_id": "5"}, "message_echoes": [{"from": "15550783881", "to": "16505551234", "id": "wamid.9", "timestamp": "1790000000", "type": "text", "text": {"body": "We are open"}}]});
    let event = change("smb_message_echoes", value);
    assert_eq!((person(&event), event.id.as_str()), (PHONE, "wamid.9"));
    assert_eq!(
        event.what,
        What::Echo {
            reference: None,
            said: text("We are open")
        }
    );
}

#[test]
fn messages_taken_back_and_edited_name_the_first_one() {
    let from = |mut said: Value| {
        said["from"] = "16505551234".into();
        written(said, json!([]))
    };
    let event = from(json!({"type": "revoke", "revoke": {"original_message_id": "wamid.0"}}));
    assert_eq!(
        event.what,
        What::Unsent {
            message: "wamid.0".to_owned()
        }
    );
    let event = from(
        json!({"type": "edit", "edit": {"original_message_id": "wamid.0", "message": {"type": "text", "text": {"body": "b"}}}}),
    );
    assert_eq!(
        event.what,
        What::Edited {
            message: "wamid.0".to_owned(),
            text: "b".to_owned()
        }
    );
}

#[test]
fn other_kinds_get_a_line_in_brackets() {
    for (said, line) in [
        (
            json!({"type": "order", "order": {"text": "Please", "product_items": [{"product_retailer_id": "sku", "quantity": "2"}]}}),
            "Please\n[order: 2 x sku]",
        ),
        (
            json!({"type": "interactive", "interactive": {"type": "call_permission_reply", "call_permission_reply": {"response": "accept"}}}),
            "[call permission: accept]",
        ),
        (
            json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"response_json": "[[[["}}}),
            "[form]",
        ),
        (
            json!({"type": "location", "location": {"latitude": "37.5", "longitude": "x"}}),
            "[location: 37.5]",
        ),
        (json!({"type": "text"}), "[empty message]"),
        (json!({"type": "hologram"}), "[unsupported message]"),
        (json!({}), "[unsupported message]"),
    ] {
        let mut said = said;
        said["from"] = "16505551234".into();
        assert_eq!(message(written(said, json!([]))), text(line));
    }
    let group = json!({"from": "16505551234", "group_id": "g", "type": "text", "text": {"body": "hi"}});
    assert!(message(written(group, json!([]))).unattended);
    let welcome = json!({"from": "16505551234", "type": "request_welcome"});
    assert_eq!(
        written(welcome, json!([])).what,
        What::Ignored("whatsapp_welcome")
    );
}

#[test]
fn errors_that_concern_the_account_are_trouble() {
    let event = change(
        "messages",
        json!({"metadata": {"phone_number_id": "5"}, "errors": [{"code": 131_031}]}),
    );
    assert_eq!(
        (event.to.address.as_str(), event.what),
        ("5", What::Trouble(ChannelTrouble::Restricted))
    );
    let value = json!({"metadata": {"phone_number_id": "5"}, "statuses": [{"id": "wamid.1", "status": "failed", "timestamp": "1790000000", "recipient_id": "16505551234", "errors": [{"code": 131_042}]}]});
    let events = parse(body_of("messages", value).as_bytes()).unwrap();
    let what: Vec<_> = events.iter().map(|event| &event.what).collect();
    let [
        What::Status {
            failure: Some(Failure::NotAllowed),
            ..
        },
        What::Trouble(ChannelTrouble::Restricted),
    ] = what[..]
    else {
        unreachable!("{what:?}")
    };
    let unknown = json!({"statuses": [{"id": "wamid.1", "status": "warning"}]});
    assert_eq!(change("messages", unknown).what, What::Ignored("whatsapp_status"));
}
