use serde_json::json;
use usher_shared::channel::{AttachmentKind, Delivery};

use super::*;
use crate::event::Comment;

const ACCOUNT: &str = "17841405822304914";
const ANA: &str = "6841127904412277";
const MID: &str = "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNDA1ODIyMzA0OTE0";
const SENT: i64 = 1_790_000_000_001;

#[test]
fn messages_of_every_kind_say_what_the_person_said() {
    let cases = [
        (sample!("instagram-message-text"), "", "hola 👋", 0),
        (sample!("instagram-story-reply"), "1", "Me interesa", 1),
        (
            sample!("instagram-story-mention"),
            "2",
            "[mentioned you in a story]",
            1,
        ),
        (sample!("instagram-message-image"), "3", "", 1),
        (sample!("instagram-unsupported"), "5", "[unsupported message]", 0),
        (sample!("instagram-postback"), "6", "Opening hours", 0),
    ];
    for (body, number, words, attachments) in cases {
        let event = one(body);
        assert_eq!(
            event.to,
            To {
                space: Space::Instagram,
                address: ACCOUNT.to_owned()
            }
        );
        assert_eq!((person(&event), ms(&event)), (ANA, Some(SENT)));
        assert_eq!(event.id, format!("{MID}{number}"));
        let said = message(event);
        assert_eq!(
            (said.text.as_str(), said.attachments.len(), said.unattended),
            (words, attachments, false)
        );
    }
}

#[test]
fn media_of_stories_are_not_kept_and_others_are() {
    for body in [
        sample!("instagram-story-reply"),
        sample!("instagram-story-mention"),
    ] {
        let said = message(one(body));
        assert_eq!(sources(&said), [&Source::NotOffered]);
    }
    let said = message(one(sample!("instagram-message-image")));
    assert_eq!(said.attachments[0].kind, AttachmentKind::Image);
    let url = "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=3&signature=ghi";
    assert_eq!(sources(&said), [&Source::Url(url.to_owned())]);
}

#[test]
fn a_message_taken_back_is_named() {
    let event = one(sample!("instagram-unsend"));
    assert_eq!((person(&event), &event.id), (ANA, &format!("unsent:{MID}")));
    assert_eq!(
        event.what,
        What::Unsent {
            message: MID.to_owned()
        }
    );
}

#[test]
fn a_message_seen_is_one_message_read() {
    let event = one(sample!("instagram-seen"));
    let What::Status {
        message,
        reference: None,
        delivery,
        failure: None,
    } = event.what
    else {
        unreachable!("no status")
    };
    assert_eq!((message, delivery), (format!("{MID}4"), Delivery::Read));
}

#[test]
fn an_echo_without_a_reference_is_told_by_its_id() {
    let event = one(sample!("instagram-echo"));
    assert_eq!(person(&event), ANA);
    assert_eq!(
        event.what,
        What::Echo {
            reference: None,
            said: text("Sure!")
        }
    );
}

#[test]
fn reactions_name_their_message() {
    let event = one(sample!("instagram-reaction"));
    assert_eq!(
        event.what,
        What::Reaction {
            message: MID.to_owned(),
            emoji: Some("❤\u{fe0f}".to_owned())
        }
    );
}

#[test]
fn comments_come_in_two_shapes_and_say_the_same() {
    for (body, id, parent) in [
        (
            sample!("instagram-comment-facebook-login"),
            "17865799348089039",
            Some("17865799348080000"),
        ),
        (
            sample!("instagram-comment-instagram-login"),
            "17865799348089040",
            None,
        ),
    ] {
        let event = one(body);
        assert_eq!((person(&event), event.id.as_str(), ms(&event)), (ANA, id, None));
        assert_eq!(
            event.person.as_ref().unwrap().profile.handle.as_deref(),
            Some("ana.ruiz")
        );
        let comment = Comment {
            id: id.to_owned(),
            parent: parent.map(str::to_owned),
            post: Some("17887498072083520".to_owned()),
        };
        assert!(
            message(event)
                == Said {
                    comment: Some(comment),
                    ..text("price pls")
                }
        );
    }
}

fn comment(value: Value) -> Event {
    one(&json!({"object": "instagram", "entry": [{"id": "1", "time": 9, "field": "live_comments", "value": value}]}).to_string())
}

#[test]
fn our_own_comments_are_not_answered_under_either_of_our_ids() {
    for from in [json!({"id": "1"}), json!({"id": "2", "self_ig_scoped_id": "3"})] {
        let event = comment(json!({"id": "c", "text": "DM sent!", "from": from}));
        assert_eq!(event.what, What::Ignored("meta_own_comment"));
    }
    let other = comment(json!({"comment_id": "c", "text": "hi", "from": {"id": "2"}}));
    assert_eq!((person(&other), other.id.as_str()), ("2", "c"));
    let removed = comment(json!({"id": "c", "verb": "remove", "from": {"id": "2"}}));
    assert_eq!(
        removed.what,
        What::Unsent {
            message: "c".to_owned()
        }
    );
}

#[test]
fn the_dashboards_test_is_read_like_a_message() {
    let value = json!({"sender": {"id": "7"}, "recipient": {"id": "1"}, "timestamp": "1790000000", "message": {"mid": "m", "text": "t"}});
    let body = json!({"object": "instagram", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]});
    let event = one(&body.to_string());
    assert_eq!(
        (event.id.as_str(), person(&event), ms(&event)),
        ("m", "7", Some(1_790_000_000_000))
    );
    assert_eq!(message(event), text("t"));
}

#[test]
fn shared_posts_are_fetched_and_named() {
    let shared = json!({"sender": {"id": "7"}, "timestamp": 5, "message": {"mid": "m", "attachments": [{"type": "ig_reel", "payload": {"url": "https://x.example/r"}}]}});
    let said = message(item("instagram", &shared));
    assert_eq!(said.text, "[shared post]");
    assert_eq!(sources(&said), [&Source::Url("https://x.example/r".to_owned())]);
}
