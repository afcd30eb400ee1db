use serde_json::json;
use usher_shared::channel::{AttachmentKind, ChannelTrouble, Delivery};

use super::*;
use crate::event::{Attached, Comment};

const PAGE: &str = "102938475610293";
const ANA: &str = "7392015648120394";
const MID: &str = "m_9xGk2QeYb7c0vWJ1oTz3LhRk5uP8sN4dAf6iBqXw";
const SENT: i64 = 1_790_000_000_523;

fn attached(kind: AttachmentKind, url: &str) -> Attached {
    Attached {
        kind,
        source: Source::Url(url.to_owned()),
        name: None,
        media_type: None,
        size: None,
        sha256: None,
    }
}

#[test]
fn messages_of_every_kind_say_what_the_person_said() {
    let cases = [
        (
            sample!("meta-page-message-text"),
            "",
            text("¿Tienen disponible el modelo azul?"),
        ),
        (sample!("meta-page-message-quick-reply"), "1", text("Yes")),
        (
            sample!("meta-page-message-reply"),
            "2",
            Said {
                context: Some(MID.to_owned()),
                ..text("this one")
            },
        ),
        (
            sample!("meta-page-message-attachments"),
            "3",
            Said {
                attachments: vec![
                    attached(
                        AttachmentKind::Image,
                        "https://scontent.xx.fbcdn.net/v/t1.15752-9/1.jpg?oh=1&oe=2",
                    ),
                    attached(
                        AttachmentKind::Document,
                        "https://cdn.fbsbx.com/v/t59/quote.pdf?oh=3",
                    ),
                ],
                ..Said::default()
            },
        ),
        (
            sample!("meta-page-message-sticker"),
            "4",
            Said {
                attachments: vec![attached(
                    AttachmentKind::Image,
                    "https://scontent.xx.fbcdn.net/s.png",
                )],
                ..Said::default()
            },
        ),
        (
            sample!("meta-page-message-fallback"),
            "5",
            text("https://example.com/x"),
        ),
        (sample!("meta-page-postback"), "8", text("Get Started")),
        (
            sample!("meta-page-standby"),
            "9",
            Said {
                unattended: true,
                ..text("while another app owns the thread")
            },
        ),
    ];
    for (body, number, said) in cases {
        let event = one(body);
        assert_eq!(
            event.to,
            To {
                space: Space::Page,
                address: PAGE.to_owned()
            }
        );
        assert_eq!((person(&event), ms(&event)), (ANA, Some(SENT)));
        assert_eq!(event.id, format!("{MID}{number}"));
        assert!(message(event) == said, "{body}");
    }
}

#[test]
fn a_referral_opens_the_thread_without_words() {
    let event = one(sample!("meta-page-referral"));
    assert_eq!((person(&event), ms(&event)), (ANA, Some(SENT)));
    assert_eq!(event.id, format!("referral:{ANA}:{SENT}"));
    let said = message(event);
    assert_eq!((said.text.as_str(), said.unattended), ("[came by: Autumn]", true));
}

#[test]
fn reactions_edits_and_unsends_name_their_message() {
    let event = one(sample!("meta-page-reaction"));
    assert_eq!(event.id, format!("reaction:{MID}:react:{SENT}"));
    assert_eq!(
        event.what,
        What::Reaction {
            message: MID.to_owned(),
            emoji: Some("❤".to_owned())
        }
    );
    let event = one(sample!("meta-page-message-edit"));
    assert_eq!(event.id, format!("edited:{MID}:1"));
    let text = "¿Tienen el modelo verde?".to_owned();
    assert_eq!(
        event.what,
        What::Edited {
            message: MID.to_owned(),
            text
        }
    );
    let taken_back =
        json!({"sender": {"id": "7"}, "timestamp": 5, "reaction": {"mid": "m", "action": "unreact"}});
    let event = item("page", &taken_back);
    assert_eq!(
        event.what,
        What::Reaction {
            message: "m".to_owned(),
            emoji: None
        }
    );
    let unsent = json!({"sender": {"id": "7"}, "timestamp": 5, "message": {"mid": "m", "is_deleted": true}});
    let event = item("page", &unsent);
    assert_eq!(
        (event.id.as_str(), &event.what),
        (
            "unsent:m",
            &What::Unsent {
                message: "m".to_owned()
            }
        )
    );
}

#[test]
fn an_echo_is_about_the_person_who_got_it() {
    for (body, number, reference, said) in [
        (
            sample!("meta-page-echo-own-app"),
            6,
            Some("inbox:out:01JD8"),
            "Yes, in size M.",
        ),
        (
            sample!("meta-page-echo-other-app"),
            7,
            None,
            "Typed by a person in the Page inbox",
        ),
    ] {
        let event = one(body);
        assert_eq!(
            (person(&event), event.id.as_str()),
            (ANA, format!("{MID}{number}").as_str())
        );
        let reference = reference.map(str::to_owned);
        assert_eq!(
            event.what,
            What::Echo {
                reference,
                said: text(said)
            }
        );
    }
}

#[test]
fn what_the_page_sent_is_never_taken_for_a_guests_words() {
    let unmarked = json!({"sender": {"id": "1"}, "recipient": {"id": "7"}, "timestamp": 5, "message": {"mid": "m", "text": "hi"}});
    let event = item("page", &unmarked);
    assert_eq!(person(&event), "7");
    assert!(matches!(event.what, What::Echo { .. }));
}

#[test]
fn watermarks_tell_how_far_all_has_come() {
    for (body, until, delivery, at) in [
        (
            sample!("meta-page-delivery"),
            1_790_000_002_253,
            Delivery::Delivered,
            None,
        ),
        (
            sample!("meta-page-read"),
            1_790_000_005_000,
            Delivery::Read,
            Some(SENT),
        ),
    ] {
        let event = one(body);
        assert_eq!((person(&event), ms(&event)), (ANA, at));
        let until = usher_shared::Timestamp::from_millis(until);
        assert_eq!(event.what, What::Watermark { until, delivery });
    }
    let without = json!({"sender": {"id": "7"}, "delivery": {"mids": ["m1", "m2"]}});
    let What::Status {
        message, delivery, ..
    } = item("page", &without).what
    else {
        unreachable!("no status")
    };
    assert_eq!((message.as_str(), delivery), ("m2", Delivery::Delivered));
}

#[test]
fn comments_are_messages_with_their_place() {
    let event = one(sample!("meta-page-feed-comment-add"));
    assert_eq!(
        (person(&event), event.id.as_str()),
        ("28374650192837465", "122100_987654")
    );
    assert_eq!(ms(&event), Some(1_790_000_000_000));
    assert_eq!(
        event.person.as_ref().unwrap().profile.name.as_deref(),
        Some("Ana Ruiz")
    );
    let comment = Comment {
        id: "122100_987654".to_owned(),
        parent: None,
        post: Some("102938475610293_122100".to_owned()),
    };
    assert!(
        message(event)
            == Said {
                comment: Some(comment),
                ..text("Precio?")
            }
    );
    let event = one(sample!("meta-page-feed-comment-remove"));
    assert_eq!(person(&event), "28374650192837465");
    assert_eq!(
        event.what,
        What::Unsent {
            message: "122100_987654".to_owned()
        }
    );
    assert_eq!(
        one(sample!("meta-page-feed-own-comment")).what,
        What::Ignored("meta_own_comment")
    );
}

fn feed(value: Value) -> Event {
    one(&json!({"object": "page", "entry": [{"id": "1", "time": 9, "changes": [{"field": "feed", "value": value}]}]}).to_string())
}

#[test]
fn a_comment_of_nobody_is_known_by_itself() {
    let added = feed(
        json!({"item": "comment", "verb": "add", "comment_id": "c", "post_id": "p", "parent_id": "b", "photo": "https://x.example/p"}),
    );
    let removed = feed(json!({"item": "comment", "verb": "remove", "comment_id": "c"}));
    assert_eq!((person(&added), person(&removed)), ("comment:c", "comment:c"));
    let said = message(added);
    assert_eq!(said.comment.as_ref().unwrap().parent.as_deref(), Some("b"));
    assert_eq!(sources(&said), [&Source::Url("https://x.example/p".to_owned())]);
    let edited = feed(json!({"item": "comment", "verb": "edited", "comment_id": "c", "message": "new"}));
    assert_eq!(
        edited.what,
        What::Edited {
            message: "c".to_owned(),
            text: "new".to_owned()
        }
    );
    for ignored in ["hide", "unhide"] {
        let event = feed(json!({"item": "comment", "verb": ignored, "comment_id": "c"}));
        assert_eq!(event.what, What::Ignored("meta_comment_hidden"));
    }
}

#[test]
fn what_has_no_words_gets_a_line_in_brackets() {
    for (attachments, line) in [
        (
            json!([{"type": "location", "payload": {"coordinates": {"lat": 52.37, "long": "4.89"}}}]),
            "[location: 52.37, 4.89]",
        ),
        (json!([{"type": "location"}]), "[location]"),
        (
            json!([{"type": "fallback", "payload": {"url": "https://x.example", "title": "X"}}]),
            "[link: X, https://x.example]",
        ),
        (json!([{"type": "fallback"}]), "[link]"),
        (
            json!([{"type": "template", "payload": {"title": "Menu"}}]),
            "[template: Menu]",
        ),
        (json!([{"type": "appointment_booking"}]), "[appointment]"),
        (
            json!([{"type": "post", "payload": {"url": "https://x.example/p"}}]),
            "[shared post: https://x.example/p]",
        ),
        (json!([]), "[empty message]"),
        (json!("none"), "[empty message]"),
    ] {
        let message_item = json!({"sender": {"id": "7"}, "timestamp": 5, "message": {"mid": "m", "attachments": attachments}});
        assert_eq!(message(item("page", &message_item)), text(line), "{attachments}");
    }
    let unknown = json!({"sender": {"id": "7"}, "timestamp": 5, "message": {"mid": "m", "attachments": [{"type": "hologram"}]}});
    let said = message(item("page", &unknown));
    assert_eq!(
        (said.text.as_str(), sources(&said)),
        ("[attachment]", vec![&Source::NotOffered])
    );
}

#[test]
fn events_without_content_are_counted_and_blocks_are_trouble() {
    for (event, name) in [
        (json!({"optin": {}}), "meta_optin"),
        (json!({"pass_thread_control": {}}), "meta_thread_control"),
        (json!({"take_thread_control": {}}), "meta_thread_control"),
        (json!({"request_thread_control": {}}), "meta_thread_control"),
        (json!({"account_linking": {}}), "meta_account_linking"),
        (
            json!({"policy_enforcement": {"action": "warning"}}),
            "meta_policy",
        ),
    ] {
        assert_eq!(item("page", &event).what, What::Ignored(name));
    }
    let blocked = item(
        "page",
        &json!({"timestamp": 5, "policy_enforcement": {"action": "block"}}),
    );
    assert_eq!(blocked.what, What::Trouble(ChannelTrouble::Restricted));
}
