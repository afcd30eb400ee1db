#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::event::What;

const MAILBOX: &str = "tn01@in.acme-inbox.example";

fn to() -> To {
    To {
        space: Space::Mailbox,
        address: MAILBOX.to_owned(),
    }
}

fn verdicts(list: &[(&str, &str)]) -> Verdicts {
    list.iter()
        .map(|(name, verdict)| ((*name).to_owned(), (*verdict).to_owned()))
        .collect()
}

fn good(envelope: &str) -> Received {
    Received {
        id: "ses-1".to_owned(),
        at: Some(Timestamp::from_millis(1)),
        envelope: Some(envelope.to_owned()),
        verdicts: verdicts(&[
            ("spam", "pass"),
            ("virus", "pass"),
            ("spf", "pass"),
            ("dmarc", "pass"),
        ]),
    }
}

fn told(raw: &[u8], received: &Received, relays: &[String]) -> Event {
    let to = to();
    let addressed = Addressed {
        to: &to,
        mailbox: MAILBOX,
        token: Some("th77"),
        domain: Some("in.acme-inbox.example"),
        relays,
    };
    read(raw, received, addressed)
}

#[track_caller]
fn said(event: &Event) -> (&Person, &Said) {
    match (&event.person, &event.what) {
        (Some(person), What::Message(said)) => (person, said),
        (_, other) => panic!("{other:?}"),
    }
}

fn mail(head: &str, body: &str) -> Vec<u8> {
    format!("{head}\nSubject: Hi\nMessage-ID: <m@example.net>\n\n{body}\n").into_bytes()
}

macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/vectors/mail/", $name))
    };
}

#[test]
fn an_answer_becomes_a_message_with_its_thread() {
    let event = told(
        vector!("email-reply-threaded.eml"),
        &good("ana@customer.example"),
        &[],
    );
    let (person, said) = said(&event);
    assert_eq!(person.address, "ana@customer.example");
    assert_eq!(person.profile.name.as_deref(), Some("Ana Ruiz"));
    assert_eq!(said.text, "Sí, el martes está bien.");
    assert!(said.quoted.as_deref().unwrap().contains("> Does Tuesday work?"));
    assert!(!said.unattended);
    let head = said.mail.as_ref().unwrap();
    assert_eq!(head.subject, "Re: cotización");
    assert_eq!(
        head.message_id.as_deref(),
        Some("CAF=abc123@mail.customer.example")
    );
    let parents: Vec<_> = thread::parents(head).collect();
    assert_eq!(
        parents,
        [
            thread::Parent::Token("th77"),
            thread::Parent::Mail("th77.out5@acme-inbox.example"),
            thread::Parent::Mail("th77.out1@acme-inbox.example"),
        ]
    );
    assert_eq!(
        (event.id.as_str(), event.at),
        ("ses-1", Some(Timestamp::from_millis(1)))
    );
}

#[test]
fn what_machines_send_is_stored_and_not_answered() {
    for raw in [
        vector!("email-auto-reply-ooo.eml").as_slice(),
        vector!("email-list-mail.eml").as_slice(),
    ] {
        let event = told(raw, &good("someone@customer.example"), &[]);
        assert!(said(&event).1.unattended);
    }
}

#[test]
fn a_bounce_tells_of_our_message_and_whom_it_did_not_reach() {
    let event = told(vector!("email-bounce-dsn.eml"), &good(""), &[]);
    let person = event.person.as_ref().map(|person| person.address.as_str());
    assert_eq!(person, Some("ana@customer.example"));
    let What::Status {
        message, delivery, ..
    } = &event.what
    else {
        panic!("{:?}", event.what);
    };
    assert_eq!(message, "th77.out5@acme-inbox.example");
    assert_eq!(*delivery, Delivery::Undelivered);
}

#[test]
fn our_own_mail_that_comes_back_is_nothing_new() {
    let raw = mail("From: Ana <ana@example.net>\nX-Usher-Loop: 1", "what we said");
    let event = told(&raw, &good("ana@example.net"), &[]);
    assert_eq!(event.what, What::Ignored("mail_own"));
    for own in ["tn01@in.acme-inbox.example", "other@in.acme-inbox.example"] {
        let event = told(&mail(&format!("From: {own}"), "hello me"), &good(own), &[]);
        assert!(said(&event).1.unattended, "{own}");
    }
}

#[test]
fn every_mark_of_a_machine_is_known() {
    for head in [
        "From: a@example.net\nAuto-Submitted: auto-generated",
        "From: a@example.net\nAuto-Submitted: auto-replied; owner-email=\"x\"",
        "From: a@example.net\nPrecedence: junk",
        "From: a@example.net\nPrecedence: auto_reply",
        "From: a@example.net\nList-Post: <mailto:x@example.net>",
        "From: a@example.net\nList-Unsubscribe: <https://example.net>",
        "From: a@example.net\nX-Auto-Response-Suppress: DR, OOF",
        "From: a@example.net\nX-Autoreply: yes",
        "From: a@example.net\nX-Autorespond: x",
        "From: a@example.net\nX-Auto-Reply-From: x",
        "From: no-reply@example.net",
        "From: noreply@example.net",
        "From: acme_no.reply@example.net",
        "From: do-not-reply@example.net",
        "From: MAILER-DAEMON@example.net",
        "From: postmaster@example.net",
        "From: bounces+12@example.net",
        "From: a@example.net\nReturn-Path: <>",
    ] {
        let received = Received {
            envelope: None,
            ..good("")
        };
        let event = told(&mail(head, "x"), &received, &[]);
        assert!(said(&event).1.unattended, "{head}");
    }
    let event = told(&mail("From: a@example.net", "x"), &good(""), &[]);
    assert!(said(&event).1.unattended, "an empty envelope");
    for head in [
        "From: a@example.net\nAuto-Submitted: no",
        "From: a@example.net\nPrecedence: first-class",
        "From: boris@example.net",
        "From: a@example.net\nX-Auto-Response-Suppress: none",
    ] {
        let event = told(&mail(head, "x"), &good("a@example.net"), &[]);
        assert!(!said(&event).1.unattended, "{head}");
    }
}

#[test]
fn a_sender_that_nobody_vouches_for_is_another_person() {
    let judged = |list: &[(&str, &str)], envelope: &str, signature: &str| {
        let received = Received {
            verdicts: verdicts(list),
            ..good(envelope)
        };
        let head = format!("From: ana@customer.example{signature}");
        let event = told(&mail(&head, "x"), &received, &[]);
        let (person, said) = said(&event);
        (
            person.address == "ana@customer.example",
            said.unattended,
            person.profile.email.is_some(),
        )
    };
    let vouched = (true, false, true);
    let doubtful = (false, true, false);
    let ana = "ana@customer.example";
    assert_eq!(judged(&[("dmarc", "pass")], ana, ""), vouched);
    assert_eq!(
        judged(&[("dmarc", "fail"), ("spf", "pass"), ("dkim", "pass")], ana, ""),
        doubtful
    );
    assert_eq!(
        judged(&[("dmarc", "gray"), ("spf", "gray"), ("dkim", "gray")], ana, ""),
        doubtful
    );
    assert_eq!(judged(&[("dmarc", "gray"), ("spf", "pass")], ana, ""), vouched);
    assert_eq!(
        judged(
            &[("dmarc", "gray"), ("spf", "pass")],
            "x@mail.customer.example",
            ""
        ),
        vouched
    );
    assert_eq!(
        judged(&[("dmarc", "gray"), ("spf", "pass")], "eve@evil.example", ""),
        doubtful
    );
    let signed = "\nDKIM-Signature: v=1; d=customer.example; b=x";
    assert_eq!(
        judged(&[("dmarc", "gray"), ("dkim", "pass")], "", signed),
        (true, true, true)
    );
    let by_other = "\nDKIM-Signature: v=1; d=evil.example; b=x";
    assert_eq!(
        judged(
            &[("dmarc", "gray"), ("dkim", "pass")],
            "eve@evil.example",
            by_other
        ),
        doubtful
    );
    // Nobody looked: another person still, but one who may be answered.
    assert_eq!(judged(&[], ana, ""), (false, false, false));
    // Rubbish is not answered, whoever sent it.
    assert_eq!(
        judged(&[("dmarc", "pass"), ("spam", "fail")], ana, ""),
        (true, true, true)
    );
}

#[test]
fn a_virus_is_dropped() {
    let received = Received {
        verdicts: verdicts(&[("virus", "fail"), ("dmarc", "pass")]),
        ..good("ana@example.net")
    };
    let event = told(&mail("From: ana@example.net", "x"), &received, &[]);
    assert_eq!(event.what, What::Ignored("mail_virus"));
}

#[test]
fn a_forms_mail_is_from_whoever_filled_it() {
    let relays = ["Forms <wordpress@acme.example>".to_owned()];
    let filled = |head: &str, body: &str| {
        let raw = mail(&format!("From: Site <wordpress@acme.example>{head}"), body);
        told(&raw, &good("wordpress@acme.example"), &relays)
    };
    for (head, body, address, name) in [
        (
            "\nReply-To: Ana Ruiz <ana@example.net>",
            "x",
            "ana@example.net",
            Some("Ana Ruiz"),
        ),
        (
            "\nAuto-Submitted: auto-generated",
            "Name: Ana\nE-Mail: ana@example.net\nHi",
            "ana@example.net",
            Some("Ana"),
        ),
        (
            "",
            "Nombre\nAna Ruiz\nCorreo electrónico\nAna@Example.net",
            "ana@example.net",
            Some("Ana Ruiz"),
        ),
        ("", "please call ana@example.net.", "ana@example.net", None),
        (
            "\nReply-To: wordpress@acme.example",
            "Email: ana@example.net",
            "ana@example.net",
            None,
        ),
    ] {
        let event = filled(head, body);
        let (person, said) = said(&event);
        assert_eq!(
            (person.address.as_str(), person.profile.name.as_deref()),
            (address, name),
            "{head}{body}"
        );
        assert!(!said.unattended);
    }
    // Nobody knows who filled it: a person has to look.
    for body in [
        "no address",
        "a@example.net or b@example.net",
        "Email: noreply@acme.example",
    ] {
        let event = filled("", body);
        assert!(said(&event).1.unattended, "{body}");
    }
    // Whoever only pretends to be the form is nobody that we know.
    let raw = mail("From: wordpress@acme.example\nReply-To: ana@example.net", "x");
    let received = Received {
        verdicts: verdicts(&[("dmarc", "fail")]),
        ..good("eve@evil.example")
    };
    let event = told(&raw, &received, &relays);
    let (person, said) = said(&event);
    assert_eq!(person.address, "unverified:ana@example.net");
    assert!(said.unattended);
}

#[test]
fn what_cannot_be_read_is_counted() {
    assert_eq!(
        told(b"", &good("a@example.net"), &[]).what,
        What::Ignored("not_mail")
    );
    let raw = mail("To: x@example.net", "nobody wrote this");
    assert_eq!(
        told(&raw, &good("a@example.net"), &[]).what,
        What::Ignored("mail_from_nobody")
    );
}

#[test]
fn a_subject_tells_a_new_topic_from_an_answer() {
    use thread::{answer, is_new_topic};
    for (before, now, new) in [
        ("Mesa", "Re: Mesa", false),
        ("Mesa", "RE:  re: mesa", false),
        ("Angebot", "AW: WG: Angebot", false),
        ("Quote", "[EXTERNAL] Re[2]: Quote", false),
        ("Re: Quote", "Fwd: Quote", false),
        ("Quote", "Dinner on Friday", true),
        ("Quote", "Re: Dinner", true),
        ("Quote", "", false),
        ("", "Quote", false),
        ("Order: 5", "Order: 6", true),
        ("Order: 5", "Re: Order: 5", false),
    ] {
        assert_eq!(is_new_topic(before, now), new, "{before} -> {now}");
    }
    assert_eq!(answer("Re: RE: Mesa: 4"), "Re: Mesa: 4");
    assert_eq!(answer(""), "Re:");
    assert_eq!(thread::carriers_id("0100-abc@email.amazonses.com"), "0100-abc");
    assert_eq!(thread::carriers_id("x@eu-west-1.amazonses.com"), "x");
    assert_eq!(thread::carriers_id("x@example.net"), "x@example.net");
}

#[test]
fn addresses_have_one_form() {
    use address::{aligned, canonical, split_token, unverified, with_token};
    for (text, address) in [
        ("Ana <ANA@Example.net>", Some("ana@example.net")),
        (" ana@example.net ", Some("ana@example.net")),
        ("\"a, b\" <a.b+c@x.example>", Some("a.b+c@x.example")),
        ("josé@exämple.example", Some("josé@exämple.example")),
        ("ana", None),
        ("ana@", None),
        ("@example.net", None),
        ("a b@example.net", None),
        ("ana@example", None),
        ("a@example..net", None),
        ("a\r\nBcc: x@y.example", None),
    ] {
        assert_eq!(canonical(text).as_deref(), address, "{text}");
    }
    assert_eq!(
        split_token("a+b+c@x.example"),
        ("a@x.example".to_owned(), Some("b+c".to_owned()))
    );
    assert_eq!(split_token("+b@x.example"), ("+b@x.example".to_owned(), None));
    assert_eq!(with_token("a@x.example", "t1").as_deref(), Some("a+t1@x.example"));
    assert_eq!(with_token("a@x.example", &"t".repeat(64)), None);
    assert_eq!(with_token("a@x.example", "t\r\n"), None);
    assert_eq!(address::deliverable(&unverified("a@x.example")), "a@x.example");
    assert!(aligned("x.example", "x.example") && aligned("mail.x.example", "x.example"));
    assert!(!aligned("evilx.example", "x.example") && !aligned("example", "x.example") && !aligned("", ""));
}

#[test]
fn results_are_believed_of_the_server_that_received_alone() {
    let header = "amazonses.com; spf=pass (spfCheck: x) client-ip=1.2.3.4; dkim=fail header.i=@a; dkim=pass header.i=@b; dmarc=none header.from=c;";
    let found = verdict::from_results(header, &["amazonses.com"]);
    assert_eq!(
        found,
        verdicts(&[("spf", "pass"), ("dkim", "pass"), ("dmarc", "none")])
    );
    assert!(verdict::from_results("evil.example; dmarc=pass", &["amazonses.com"]).is_empty());
}
