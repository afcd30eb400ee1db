#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn read(raw: &str) -> Mail {
    parse(raw.replace('\n', "\r\n").as_bytes()).unwrap()
}

const HEAD: &str =
    "From: Ana Ruiz <Ana@Example.NET>\nTo: hello@acme.example\nSubject: Mesa\nMessage-ID: <a@b>\n";

#[test]
fn a_plain_mail_is_read() {
    let mail = read(&format!(
        "{HEAD}Content-Type: text/plain; charset=utf-8\n\nHola\n"
    ));
    let from = mail.from.as_ref().unwrap();
    assert_eq!(from.address, "ana@example.net");
    assert_eq!(from.name.as_deref(), Some("Ana Ruiz"));
    assert_eq!(mail.to, ["hello@acme.example"]);
    assert_eq!((mail.subject.as_str(), mail.text.as_str()), ("Mesa", "Hola"));
    assert_eq!(mail.message_id.as_deref(), Some("a@b"));
    assert!(mail.attachments.is_empty() && mail.report.is_none() && mail.quoted.is_none());
}

#[test]
fn charsets_and_encodings_of_texts_and_heads_are_read() {
    for (charset, encoding, body, text) in [
        ("iso-8859-1", "quoted-printable", "Espa=F1a", "España"),
        ("windows-1252", "quoted-printable", "5 =80", "5 €"),
        ("utf-8", "base64", "wqFIb2xhIQ==", "¡Hola!"),
        ("iso-2022-jp", "7bit", "\u{1b}$BEl5~\u{1b}(B", "東京"),
        ("shift_jis", "base64", "k4yLng==", "東京"),
        ("koi8-r", "base64", "8NLJ18XU", "Привет"),
        ("gb18030", "base64", "xOO6ww==", "你好"),
        ("no-such-charset", "7bit", "plain", "plain"),
    ] {
        let mail = read(&format!(
            "{HEAD}Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {encoding}\n\n{body}\n"
        ));
        assert_eq!(mail.text.trim_end(), text, "{charset}");
    }
    let mail = read("From: =?UTF-8?Q?Jos=C3=A9?= <j@example.net>\nSubject: =?iso-8859-1?Q?Se=F1al?=\n\nx\n");
    assert_eq!(mail.subject, "Señal");
    assert_eq!(mail.from.unwrap().name.as_deref(), Some("José"));
    // Bytes that are no text of any kind are shown as far as they can be.
    let raw = [HEAD.as_bytes(), b"\nA\xff\xfeB\n"].concat();
    assert!(parse(&raw).unwrap().text.starts_with('A'));
}

#[test]
fn attachments_come_with_their_bytes_and_the_text_stays_text() {
    let mail = read(&format!(
        "{HEAD}Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: multipart/alternative; boundary=a\n\n\
         --a\nContent-Type: text/plain\n\nSee the plan.\n--a\nContent-Type: text/html\n\n<p>See the plan.</p>\n--a--\n\
         --m\nContent-Type: application/pdf; name=\"plan.pdf\"\nContent-Disposition: attachment; filename=\"plan.pdf\"\n\
         Content-Transfer-Encoding: base64\n\nJVBERg==\n\
         --m\nContent-Type: image/png\nContent-ID: <i1>\nContent-Transfer-Encoding: base64\n\niVBORw==\n\
         --m\nContent-Type: message/rfc822\n\nFrom: x@example.net\nSubject: old\n\nolder\n--m--\n"
    ));
    assert_eq!(mail.text, "See the plan.");
    let kept: Vec<_> = mail
        .attachments
        .iter()
        .map(|a| (a.kind, a.name.as_deref(), a.media_type.as_deref()))
        .collect();
    assert_eq!(
        kept,
        [
            (
                AttachmentKind::Document,
                Some("plan.pdf"),
                Some("application/pdf")
            ),
            (AttachmentKind::Image, None, Some("image/png")),
            (AttachmentKind::Document, None, Some("message/rfc822")),
        ]
    );
    assert!(matches!(&mail.attachments[0].source, Source::Bytes(bytes) if bytes == b"%PDF"));
    assert!(
        matches!(&mail.attachments[2].source, Source::Bytes(bytes) if bytes.starts_with(b"From: x@example.net"))
    );
    assert_eq!(mail.attachments[0].size, Some(4));
}

#[test]
fn a_mail_in_html_alone_is_read_as_text() {
    let mail = read(&format!(
        "{HEAD}Content-Type: text/html\n\n<p>Hola</p><script>x</script><div class=gmail_quote>old</div>\n"
    ));
    assert_eq!(
        (mail.text.as_str(), mail.quoted.as_deref()),
        ("Hola", Some("old"))
    );
}

#[test]
fn a_mail_that_is_nothing_but_a_quote_was_passed_on() {
    let mail = read(&format!("{HEAD}\n-----Original Message-----\nFrom: x\nolder\n"));
    assert!(mail.text.contains("older") && mail.quoted.is_none());
}

#[test]
fn lines_that_a_program_broke_are_joined() {
    let mail = read(&format!(
        "{HEAD}Content-Type: text/plain; format=flowed\n\nA long \nline.\nAnother.\n"
    ));
    assert_eq!(mail.text, "A long line.\nAnother.");
}

#[test]
fn the_thread_is_told_oldest_first_and_the_parent_last() {
    let mail = read(&format!(
        "{HEAD}References: <1@a> <2@a>\n <3@a>\nIn-Reply-To: <2@a>\n\nx\n"
    ));
    assert_eq!(mail.references, ["1@a", "3@a", "2@a"]);
    let many: String = (0..200).map(|n| format!(" <{n}@a>\n")).collect();
    let mail = read(&format!("{HEAD}References:{many}\nx\n"));
    assert_eq!(mail.references.len(), MOST_REFERENCES);
    assert_eq!(mail.references.last().map(String::as_str), Some("199@a"));
}

#[test]
fn long_texts_are_cut_and_say_so() {
    let mail = read(&format!("{HEAD}\n{}\n", "é".repeat(80_000)));
    assert!(mail.text.len() <= LONGEST_TEXT && mail.text.ends_with(CUT));
}

#[test]
fn what_is_made_to_be_hard_to_read_is_not_read() {
    let nested = format!(
        "{HEAD}Content-Type: message/rfc822\n\n{}",
        "Content-Type: message/rfc822\n\n".repeat(100_000)
    );
    assert_eq!(parse(nested.as_bytes()).err(), Some(Unreadable::TooDeep));
    let parts = format!(
        "{HEAD}Content-Type: multipart/mixed; boundary=b\n\n{}",
        "--b\n\n".repeat(100_000)
    );
    assert_eq!(parse(parts.as_bytes()).err(), Some(Unreadable::TooDeep));
    let head = format!("Subject: {}\n\nx", "a ".repeat(LARGEST_HEAD));
    assert_eq!(parse(head.as_bytes()).err(), Some(Unreadable::TooDeep));
    let headers = format!("{HEAD}\n{}", "a:\n".repeat(MOST_HEADERS + 1));
    assert_eq!(parse(headers.as_bytes()).err(), Some(Unreadable::TooDeep));
    assert_eq!(parse(&vec![b'a'; LARGEST + 1]).err(), Some(Unreadable::TooLarge));
    for nothing in ["", "\n\n", "\0\0\0"] {
        assert_eq!(
            parse(nothing.as_bytes()).err(),
            Some(Unreadable::NotMail),
            "{nothing:?}"
        );
    }
}

#[test]
fn nesting_up_to_the_bound_is_read_in_time() {
    let deep: String = (0..140)
        .map(|n| format!("--b{n}\nContent-Type: multipart/mixed; boundary=b{}\n\n", n + 1))
        .collect();
    let _in_time = parse(format!("{HEAD}Content-Type: multipart/mixed; boundary=b0\n\n{deep}").as_bytes());
    let deep = "Content-Type: message/rfc822\n\n".repeat(MOST_TYPES - 2);
    let _in_time = parse(format!("{HEAD}Content-Type: message/rfc822\n\n{deep}").as_bytes());
}

#[test]
fn a_report_names_the_mail_that_it_is_about() {
    let raw = include_bytes!("../../../../../tests/vectors/mail/email-bounce-dsn.eml");
    let report = parse(raw).unwrap().report.unwrap();
    assert_eq!(report.original.as_deref(), Some("th77.out5@acme-inbox.example"));
    assert_eq!(report.action, "failed");
}

#[test]
fn signers_are_read_from_signatures() {
    let mail = read(&format!(
        "DKIM-Signature: v=1; a=rsa-sha256; d=Example.net; s=x;\n b=abc\nDKIM-Signature: v=1; d=other.example; b=x\n{HEAD}\nx\n"
    ));
    assert_eq!(mail.signers(), ["example.net", "other.example"]);
}

proptest::proptest! {
    #[test]
    fn no_bytes_are_too_strange(raw in proptest::collection::vec(proptest::num::u8::ANY, 0..2000)) {
        let _no_panic = parse(&raw);
    }

    #[test]
    fn no_mail_is_too_strange(body in "(--b\\r?\\n|Content-(Type|Disposition): (multipart/mixed; boundary=b|message/rfc822|text/html|multipart/report)\\r?\\n|\\r?\\n|[a-zA-Z:<>=?;\" ]{0,10}){0,60}") {
        let _no_panic = parse(format!("From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{body}").as_bytes());
    }
}
