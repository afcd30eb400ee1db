#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use serde_json::json;
use usher_shared::channel::{ChannelSettings, CommentReplies, MessageTemplate};

use super::*;
use crate::call::Carrier;
use crate::event::Comment;
use crate::meta::{Instagram, Messenger, Whatsapp};

const HOUR: i64 = 3_600_000;
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

fn connection(instagram_login: bool) -> Connection {
    Connection::Meta(MetaConnection {
        account: "10/29".to_owned(),
        business_account: None,
        token: "EAAB115b1fb899da3f8e8c0c87308738514e2a6650586258ddc338d8053ae4a6".to_owned(),
        permissions: Vec::new(),
        granted_by: None,
        instagram_login,
    })
}

fn endpoints() -> Endpoints {
    Endpoints {
        graph: "https://graph.example/v26.0".to_owned(),
        instagram: "https://ig.example/v26.0".to_owned(),
        app_secrets: vec!["e450bc3731b363a59187266cc3a9b554".to_owned(), "old".to_owned()],
        ..Endpoints::default()
    }
}

/// The proof of token and secret above, from the vectors.
const PROOF: &str = "appsecret_proof=aebbb0bd14546bdd6b8c9fb401761eca6aa5d2f86b6087bc9b2c2fd937f21706";

#[derive(Clone)]
struct Say {
    to: &'static str,
    text: String,
    by_human: bool,
    hours: Option<i64>,
    comment: Option<Comment>,
    settings: ChannelSettings,
    instagram_login: bool,
}

fn say(to: &'static str) -> Say {
    Say {
        to,
        text: "Yes.".to_owned(),
        by_human: false,
        hours: Some(1),
        comment: None,
        settings: ChannelSettings::default(),
        instagram_login: false,
    }
}

fn comment() -> Comment {
    let id = "122_9".to_owned();
    Comment {
        id,
        parent: None,
        post: None,
    }
}

impl Say {
    fn by(&self, carrier: &dyn Carrier) -> Result<Call, Outcome> {
        let connection = connection(self.instagram_login);
        let account = Account {
            connection: Some(&connection),
            settings: &self.settings,
            platform: &endpoints(),
            hooks: "https://x.example/hooks",
        };
        let last = self
            .hours
            .map(|hours| Timestamp::from_millis(NOW.millis() - hours * HOUR));
        carrier.send(
            &account,
            &Outgoing {
                reference: "msg_1",
                to: self.to,
                text: &self.text,
                by_human: self.by_human,
                last_inbound: last,
                now: NOW,
                comment: self.comment.as_ref(),
                mail: None,
                token: None,
                answers: None,
            },
        )
    }

    fn body(&self, carrier: &dyn Carrier) -> Value {
        serde_json::from_slice(&self.by(carrier).unwrap().body).unwrap()
    }

    fn why(&self, carrier: &dyn Carrier) -> Failure {
        match self.by(carrier) {
            Err(Outcome::Refused { why, trouble: None }) => why,
            other => unreachable!("not refused: {other:?}"),
        }
    }
}

#[test]
fn an_answer_by_messenger_goes_to_the_pages_edge_with_the_proof() {
    let call = say("739").by(&Messenger).unwrap();
    assert_eq!(call.method, Method::Post);
    assert_eq!(
        call.url,
        format!("https://graph.example/v26.0/10%2F29/messages?{PROOF}")
    );
    let Connection::Meta(connection) = connection(false) else {
        unreachable!()
    };
    assert_eq!(
        call.headers,
        [
            ("authorization", format!("Bearer {}", connection.token)),
            ("content-type", "application/json".to_owned()),
        ]
    );
    assert_eq!(
        say("739").body(&Messenger),
        json!({
            "recipient": {"id": "739"},
            "messaging_type": "RESPONSE",
            "message": {"text": "Yes.", "metadata": "msg_1"},
        })
    );
}

#[test]
fn instagram_goes_to_whatever_the_token_was_given_for() {
    let mut answer = say("684");
    assert_eq!(
        answer.by(&Instagram).unwrap().url,
        format!("https://graph.example/v26.0/me/messages?{PROOF}")
    );
    answer.instagram_login = true;
    assert_eq!(
        answer.by(&Instagram).unwrap().url,
        "https://ig.example/v26.0/me/messages"
    );
    assert_eq!(answer.body(&Instagram)["recipient"], json!({"id": "684"}));
}

#[test]
fn whatsapp_names_numbers_and_ids_each_in_its_way() {
    assert_eq!(
        say("+16505551234").body(&Whatsapp),
        json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "16505551234",
            "type": "text",
            "text": {"body": "Yes.", "preview_url": false},
            "biz_opaque_callback_data": "msg_1",
        })
    );
    let by_id = say("US.13491208655302741918").body(&Whatsapp);
    assert_eq!(by_id["recipient"], "US.13491208655302741918");
    assert_eq!(by_id.get("to"), None);
    for nobody in ["", "+", "16505551234", "sheena", "USA.1", "US."] {
        assert_eq!(say(nobody).why(&Whatsapp), Failure::NoAddress, "{nobody}");
    }
}

#[test]
fn the_window_is_kept_before_anything_is_sent() {
    for carrier in [&Messenger as &dyn Carrier, &Instagram] {
        for (hours, by_human, sent) in [
            (Some(0), false, Some(json!(null))),
            (Some(23), false, Some(json!(null))),
            (Some(23), true, Some(json!(null))),
            (Some(24), false, None),
            (Some(24), true, Some(json!("HUMAN_AGENT"))),
            (Some(167), true, Some(json!("HUMAN_AGENT"))),
            (Some(168), true, None),
            (None, false, None),
            (None, true, None),
        ] {
            let answer = Say {
                by_human,
                hours,
                ..say("739")
            };
            match sent {
                Some(tag) => {
                    let body = answer.body(carrier);
                    let kind = if tag.is_null() { "RESPONSE" } else { "MESSAGE_TAG" };
                    assert_eq!((&body["tag"], &body["messaging_type"]), (&tag, &json!(kind)));
                }
                None => assert_eq!(answer.why(carrier), Failure::WindowClosed, "{hours:?} {by_human}"),
            }
        }
    }
}

#[test]
fn whatsapp_reopens_by_template_with_what_a_person_typed() {
    let template = MessageTemplate {
        name: "follow_up".to_owned(),
        language: "en_US".to_owned(),
    };
    let with = ChannelSettings {
        reopening_template: Some(template),
        ..ChannelSettings::default()
    };
    let late = Say {
        hours: Some(500),
        by_human: true,
        text: "We\n\nhave   it.".to_owned(),
        settings: with,
        ..say("+1650")
    };
    let body = late.body(&Whatsapp);
    assert_eq!((&body["type"], body.get("text")), (&json!("template"), None));
    assert_eq!(
        body["template"],
        json!({
            "name": "follow_up",
            "language": {"code": "en_US"},
            "components": [{"type": "body", "parameters": [{"type": "text", "text": "We have it."}]}],
        })
    );
    assert_eq!(
        Say {
            by_human: false,
            ..late.clone()
        }
        .why(&Whatsapp),
        Failure::WindowClosed
    );
    assert_eq!(
        Say {
            hours: None,
            ..late.clone()
        }
        .why(&Whatsapp),
        Failure::WindowClosed
    );
    assert_eq!(
        Say {
            settings: ChannelSettings::default(),
            ..late.clone()
        }
        .why(&Whatsapp),
        Failure::WindowClosed
    );
    assert_eq!(
        Say {
            text: "x".repeat(1025),
            ..late
        }
        .why(&Whatsapp),
        Failure::TooLong
    );
}

#[test]
fn comments_are_answered_as_the_tenant_chose() {
    let to = |replies, by_human| Say {
        by_human,
        comment: Some(comment()),
        settings: ChannelSettings {
            comment_replies: replies,
            ..ChannelSettings::default()
        },
        ..say("comment:122_9")
    };
    for (carrier, edge) in [(&Messenger as &dyn Carrier, "comments"), (&Instagram, "replies")] {
        let public = to(CommentReplies::Public, false);
        let url = public.by(carrier).unwrap().url;
        assert_eq!(url, format!("https://graph.example/v26.0/122_9/{edge}?{PROOF}"));
        assert_eq!(public.body(carrier), json!({"message": "Yes."}));
        let private =
            json!({"recipient": {"comment_id": "122_9"}, "message": {"text": "Yes.", "metadata": "msg_1"}});
        assert_eq!(to(CommentReplies::Private, false).body(carrier), private);
        assert_eq!(to(CommentReplies::Off, true).body(carrier), private);
        assert_eq!(to(CommentReplies::Off, false).why(carrier), Failure::NotAllowed);
        let late = Say {
            hours: Some(168),
            ..to(CommentReplies::Private, true)
        };
        assert_eq!(late.why(carrier), Failure::WindowClosed);
        let days = Say {
            hours: Some(100),
            ..to(CommentReplies::Private, false)
        };
        assert_eq!(days.body(carrier), private);
        let to_nobody = Say {
            comment: None,
            ..to(CommentReplies::Private, false)
        };
        assert_eq!(to_nobody.why(carrier), Failure::NoAddress);
    }
}

#[test]
fn lengths_are_characters_and_on_instagram_bytes() {
    for (carrier, to, longest, one) in [
        (&Messenger as &dyn Carrier, "739", 2000, "é"),
        (&Instagram, "739", 500, "é"),
        (&Instagram, "739", 1000, "e"),
        (&Whatsapp, "+1650", 4096, "é"),
    ] {
        assert!(
            Say {
                text: one.repeat(longest),
                ..say(to)
            }
            .by(carrier)
            .is_ok()
        );
        assert_eq!(
            Say {
                text: one.repeat(longest + 1),
                ..say(to)
            }
            .why(carrier),
            Failure::TooLong
        );
        assert!(!carrier.repetition_is_harmless());
    }
}

#[test]
fn without_credentials_nothing_is_said() {
    let account = Account {
        connection: None,
        settings: &ChannelSettings::default(),
        platform: &endpoints(),
        hooks: "",
    };
    assert!(connection_of(&account));
}

fn connection_of(account: &Account<'_>) -> bool {
    super::connection(account) == Err(Outcome::refused(Failure::CredentialsRefused))
}

#[test]
fn the_id_of_what_was_taken_is_where_each_channel_puts_it() {
    let taken = |status, body: &str| {
        outcome(&Answer {
            status,
            retry_after: None,
            body: body.as_bytes().to_vec(),
        })
    };
    for (body, id) in [
        (
            include_str!("../../../../../tests/vectors/meta/payloads/meta-send-ok.json"),
            "m_9xGk2QeYb7c0vWJ1oTz3LhRk5uP8sN4dAf6iBqXw6",
        ),
        (
            include_str!("../../../../../tests/vectors/meta/payloads/whatsapp-send-ok.json"),
            "wamid.OUT1",
        ),
        (r#"{"id":"122_10"}"#, "122_10"),
    ] {
        assert_eq!(taken(200, body), Outcome::Taken { id: id.to_owned() });
    }
    for nothing in ["", "{}", "<html>", r#"{"success":true}"#] {
        assert_eq!(taken(200, nothing), Outcome::Unknown);
    }
    let why = Failure::Unreachable;
    assert_eq!(taken(200, r#"{"error":{"code":551}}"#), Outcome::refused(why));
    assert_eq!(taken(400, r#"{"error":{"code":551}}"#), Outcome::refused(why));
}
