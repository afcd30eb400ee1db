#![expect(clippy::unwrap_used, reason = "tests")]

use usher_shared::Timestamp;

use super::*;
use crate::event::MailHead;

fn settings() -> ChannelSettings {
    ChannelSettings {
        address: Some("Hello@Acme.example".to_owned()),
        sender_name: Some("Acme".to_owned()),
        ..ChannelSettings::default()
    }
}

fn head() -> MailHead {
    MailHead {
        message_id: Some("CAF=abc123@mail.customer.example".to_owned()),
        references: vec!["1@acme.example".to_owned(), "2@acme.example".to_owned()],
        subject: "RE: cotización".to_owned(),
        ..MailHead::default()
    }
}

fn outgoing<'a>(head: Option<&'a MailHead>, text: &'a str) -> Outgoing<'a> {
    Outgoing {
        reference: "conv_1-msg_1",
        to: "ana@customer.example",
        text,
        by_human: false,
        last_inbound: None,
        now: Timestamp::from_millis(0),
        comment: None,
        mail: head,
        answers: None,
        token: Some("th77"),
    }
}

fn header<'a>(mail: &'a Composed, name: &str) -> Option<&'a str> {
    let found = mail.headers.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

#[test]
fn an_answer_is_threaded_and_marked_as_a_machines() {
    let head = head();
    let mail = compose(&settings(), &outgoing(Some(&head), "Martes, 10h.")).unwrap();
    assert_eq!(mail.sender(), "\"Acme\" <hello@acme.example>");
    assert_eq!(mail.to, "ana@customer.example");
    assert_eq!(mail.reply_to, "hello+th77@acme.example");
    assert_eq!(mail.subject, "Re: cotización");
    assert_eq!(
        header(&mail, "In-Reply-To"),
        Some("<CAF=abc123@mail.customer.example>")
    );
    assert_eq!(
        header(&mail, "References"),
        Some("<1@acme.example> <2@acme.example> <CAF=abc123@mail.customer.example>")
    );
    assert_eq!(header(&mail, "Auto-Submitted"), Some("auto-replied"));
    assert_eq!(header(&mail, "X-Auto-Response-Suppress"), Some("All"));
    assert_eq!(header(&mail, LOOP_HEADER), Some("1"));
    assert_eq!(mail.tag.as_deref(), Some("conv_1-msg_1"));
}

#[test]
fn what_a_person_wrote_is_not_marked_as_a_machines() {
    let mut outgoing = outgoing(None, "x");
    outgoing.by_human = true;
    let mail = compose(&settings(), &outgoing).unwrap();
    assert_eq!(header(&mail, "Auto-Submitted"), None);
    assert_eq!(header(&mail, LOOP_HEADER), Some("1"));
    assert_eq!(mail.subject, "Re: Acme");
}

#[test]
fn nothing_in_a_text_is_markup() {
    let text = "<b>&\"'\r\nnext\n\nsecond <script>";
    let mail = compose(&settings(), &outgoing(None, text)).unwrap();
    assert_eq!(
        mail.html,
        "<!doctype html><html><body><p>&lt;b&gt;&amp;&quot;&#39;<br>next</p><p>second &lt;script&gt;</p></body></html>"
    );
    assert_eq!(mail.text, text);
}

#[test]
fn nothing_that_others_chose_can_add_a_header() {
    let settings = ChannelSettings {
        sender_name: Some("A\r\nBcc: x@evil.example \"<y>".to_owned()),
        ..settings()
    };
    let head = MailHead {
        message_id: Some("a\r\nBcc: x".to_owned()),
        references: vec!["b>\r\nX: y".to_owned()],
        subject: "Hi\r\nBcc: x@evil.example".to_owned(),
        ..MailHead::default()
    };
    let mail = compose(&settings, &outgoing(Some(&head), "x")).unwrap();
    assert_eq!(header(&mail, "In-Reply-To"), None);
    let all = format!(
        "{}{}{}{:?}",
        mail.sender(),
        mail.subject,
        mail.reply_to,
        mail.headers
    );
    assert!(!all.contains(['\r', '\n']) && !all.contains("<y>"), "{all}");
}

#[test]
fn the_thread_fits_into_a_header() {
    let head = MailHead {
        references: (0..60)
            .map(|n| format!("{n}-{}@mail.example", "x".repeat(60)))
            .collect(),
        ..head()
    };
    let mail = compose(&settings(), &outgoing(Some(&head), "x")).unwrap();
    let references = header(&mail, "References").unwrap();
    assert!(references.len() <= LONGEST_HEADER && references.is_ascii());
    assert!(references.starts_with("<0-x") && references.ends_with("<CAF=abc123@mail.customer.example>"));
    let many = MailHead {
        references: (0..60).map(|n| format!("{n}@x.example")).collect(),
        ..head
    };
    let mail = compose(&settings(), &outgoing(Some(&many), "x")).unwrap();
    assert_eq!(
        header(&mail, "References").unwrap().split(' ').count(),
        MOST_REFERENCES
    );
}

#[test]
fn who_is_not_vouched_for_is_written_to_at_the_plain_address() {
    let mut outgoing = outgoing(None, "x");
    outgoing.to = "unverified:ana@customer.example";
    assert_eq!(
        compose(&settings(), &outgoing).unwrap().to,
        "ana@customer.example"
    );
}

#[test]
fn what_cannot_be_addressed_or_is_too_long_does_not_leave() {
    let mut nowhere = outgoing(None, "x");
    nowhere.to = "not an address";
    assert_eq!(compose(&settings(), &nowhere).err(), Some(Failure::NoAddress));
    let from_nobody = ChannelSettings::default();
    assert_eq!(
        compose(&from_nobody, &outgoing(None, "x")).err(),
        Some(Failure::NoAddress)
    );
    let long = "x".repeat(LONGEST_TEXT + 1);
    assert_eq!(
        compose(&settings(), &outgoing(None, &long)).err(),
        Some(Failure::TooLong)
    );
}

#[test]
fn names_beyond_ascii_are_encoded_where_headers_must_be_ascii() {
    let settings = ChannelSettings {
        sender_name: Some("Café Ñandú de la Plaza Mayor y sus Terrazas al Sol".to_owned()),
        ..settings()
    };
    let mail = compose(&settings, &outgoing(None, "x")).unwrap();
    let encoded = mail.sender_in_ascii();
    assert!(encoded.is_ascii() && encoded.ends_with(" <hello@acme.example>"));
    assert!(encoded.split(' ').all(|word| word.len() <= 75));
    let raw = format!("From: {encoded}\r\n\r\nx");
    let read = crate::mail::parse::parse(raw.as_bytes()).unwrap().from.unwrap();
    assert_eq!(read.name.as_deref(), settings.sender_name.as_deref());
}
