#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;

use super::*;

const BOUNDARY: &str = "multipart/form-data; boundary=----x7";

fn read(content_type: &str, body: &[u8]) -> Enquiry {
    Enquiry::read(Form::parse(content_type, body).unwrap()).unwrap()
}

fn wrong(body: &str) -> Vec<(String, String)> {
    let form = Form::parse("application/json", body.as_bytes()).unwrap();
    let refused = Enquiry::read(form).unwrap_err().into_iter();
    refused.map(|wrong| (wrong.field, wrong.message)).collect()
}

#[test]
fn the_three_ways_of_posting_a_form_say_the_same() {
    let urlencoded =
        "your-name=Ann+Lee&E-Mail=Ann%40Example.com&message=Is+12+June+free%3F%0D%0AYes%3F&guests=80";
    let json = r#"{"name":"Ann Lee","email":"ann@example.com","message":"Is 12 June free?\nYes?","guests":80,"none":null}"#;
    let parts = [
        ("name", "Ann Lee"),
        ("email", " ann@example.com "),
        ("message", "Is 12 June free?\r\nYes?"),
        ("guests", "80"),
    ];
    let parts = parts.map(|(name, value)| {
        format!("------x7\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    });
    let multipart = format!("{}------x7--\r\n", parts.concat());
    let first = read(
        "application/x-www-form-urlencoded; charset=utf-8",
        urlencoded.as_bytes(),
    );
    assert_eq!(first, read("application/json", json.as_bytes()));
    assert_eq!(first, read(BOUNDARY, multipart.as_bytes()));
    assert_eq!(first.profile.email.as_deref(), Some("ann@example.com"));
    assert_eq!(first.profile.name.as_deref(), Some("Ann Lee"));
    assert_eq!(
        first.text,
        "Is 12 June free?\nYes?\n\nGuests: 80\nName: Ann Lee\nE-mail: ann@example.com"
    );
}

#[test]
fn files_come_with_their_names_and_bytes_as_they_are() {
    let bytes = b"\x89PNG\r\n\x1a\n\r\n--\0\xff";
    let mut body = b"preamble\r\n------x7\r\nContent-Disposition: form-data; name=\"plan\"; \
        filename=\"C:\\fake\\the %22plan%22.png\"\r\nContent-Type: image/png\r\n\r\n"
        .to_vec();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n------x7\r\ncontent-disposition: form-data; name=empty; filename=\"\"\r\n");
    body.extend_from_slice(b"content-type: application/octet-stream\r\n\r\n\r\n------x7--");
    let form = Form::parse(BOUNDARY, &body).unwrap();
    assert_eq!(form.files.len(), 1);
    let file = &form.files[0];
    assert_eq!(file.bytes, bytes);
    assert_eq!(file.name.as_deref(), Some("the \"plan\".png"));
    assert_eq!(file.media_type.as_deref(), Some("image/png"));
    assert_eq!(file.field, "plan");
}

#[test]
fn what_is_no_form_says_why() {
    let urlencoded = "application/x-www-form-urlencoded";
    let many = "a=b&".repeat(MOST_FIELDS + 1);
    let long = format!("{}=b", "a".repeat(201));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let nested = format!("{{\"a\":{deep}}}");
    let huge = vec![b'a'; LONGEST + 1];
    let table: &[(&str, &[u8], NoForm)] = &[
        ("text/plain", b"a=b", NoForm::Type),
        ("", b"", NoForm::Type),
        (urlencoded, b"a=%zz", NoForm::Malformed),
        (urlencoded, b"a=%ff", NoForm::NotUtf8),
        (urlencoded, many.as_bytes(), NoForm::TooLarge),
        (urlencoded, long.as_bytes(), NoForm::TooLarge),
        ("application/json", b"[]", NoForm::Malformed),
        ("application/json", b"{\"a\":{}}", NoForm::Malformed),
        ("application/json", b"{\"a\":[[1]]}", NoForm::Malformed),
        ("application/json", b"{\"a\":\"\xff\"}", NoForm::NotUtf8),
        ("application/json", b"{\"a\":", NoForm::Malformed),
        ("application/json", nested.as_bytes(), NoForm::Malformed),
        ("application/json", &huge, NoForm::TooLarge),
        ("multipart/form-data", b"", NoForm::Malformed),
        ("multipart/form-data; boundary=", b"", NoForm::Malformed),
        ("multipart/form-data; boundary=\"a\r\nb\"", b"", NoForm::Malformed),
        (BOUNDARY, b"", NoForm::Malformed),
        (BOUNDARY, b"------x7\r\n", NoForm::Malformed),
        (BOUNDARY, b"------x7\r\n\r\nx\r\n------x7--", NoForm::Malformed),
        (
            BOUNDARY,
            b"------x7\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nno end",
            NoForm::Malformed,
        ),
        (
            BOUNDARY,
            b"------x7\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\xff\r\n------x7--",
            NoForm::NotUtf8,
        ),
    ];
    for (content_type, body, expected) in table {
        let found = Form::parse(content_type, body);
        assert_eq!(found.unwrap_err(), *expected, "{content_type}");
    }
}

#[test]
fn a_field_that_is_wrong_is_named_as_the_page_names_it() {
    let named = |field: &str, message: &str| vec![(field.to_owned(), message.to_owned())];
    assert_eq!(
        wrong(r#"{"Your E-Mail":"ann","message":"Hello"}"#),
        named(
            "Your E-Mail",
            "must be an e-mail address such as anna@example.com"
        )
    );
    assert_eq!(wrong(r#"{"tel":"12","message":"Hello"}"#)[0].0, "tel".to_owned());
    assert_eq!(
        wrong(r#"{"message":"Hello"}"#),
        named("email", "must be given, or a phone number")
    );
    assert_eq!(
        wrong(r#"{"email":"a@example.com","message":"  "}"#),
        named("message", "must not be empty")
    );
    assert_eq!(
        wrong(r#"{"email":"a@example.com","message":"Hello","_reply_by":"sms"}"#),
        named("phone", "must be given for an answer by SMS")
    );
    let long = format!(
        r#"{{"email":"a@example.com","message":"{}"}}"#,
        "x".repeat(10_001)
    );
    assert_eq!(
        wrong(&long)[0],
        (
            "message".to_owned(),
            "must be at most 10000 characters".to_owned()
        )
    );
    let all = wrong(r#"{"email":"a","phone":"b","_reply_by":"pigeon","a":"\u0007"}"#);
    let fields: Vec<_> = all.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["_reply_by", "a", "email", "phone", "message"]);
}

#[test]
fn a_trap_that_is_filled_in_is_seen_and_one_that_is_empty_is_not() {
    let trapped = |body: &str| {
        Form::parse("application/x-www-form-urlencoded", body.as_bytes())
            .unwrap()
            .is_trapped()
    };
    assert!(trapped("_honey=buy"));
    assert!(trapped("a=b&_gotcha=1"));
    assert!(!trapped("_honey=&_gotcha=++&a=b"));
}

#[test]
fn the_person_says_how_they_want_to_be_answered() {
    let both = r#"{"email":"a@example.com","mobile":"+1 555 010 0199","text":"Hi","contact_by":"SMS"}"#;
    let enquiry = read("application/json", both.as_bytes());
    assert_eq!(enquiry.reply_by, Some(ReplyBy::Sms));
    assert_eq!(enquiry.address(ReplyBy::Sms), Some("+15550100199"));
    assert_eq!(enquiry.address(ReplyBy::Email), Some("a@example.com"));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        body in proptest::collection::vec(any::<u8>(), 0..400),
        kind in 0_usize..3,
    ) {
        let types = ["application/json", "application/x-www-form-urlencoded", BOUNDARY];
        if let Ok(form) = Form::parse(types[kind], &body) {
            let _any = Enquiry::read(form);
        }
    }

    #[test]
    fn what_a_browser_writes_is_what_is_read(
        fields in proptest::collection::vec(("[a-z]{1,10}", "[^\r]{0,40}"), 0..10),
        file in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut body = Vec::new();
        for (name, value) in &fields {
            let part = format!("------x7\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        body.extend_from_slice(b"------x7\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n");
        body.extend_from_slice(&file);
        body.extend_from_slice(b"\r\n------x7--\r\n");
        prop_assume!(!file.windows(10).any(|window| window == b"\r\n------x7"));
        let form = Form::parse(BOUNDARY, &body).unwrap();
        prop_assert_eq!(&form.fields, &fields);
        prop_assert_eq!(&form.files[0].bytes, &file);
    }
}
