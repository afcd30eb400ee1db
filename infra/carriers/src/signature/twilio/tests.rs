#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::Value;

use super::*;

const CASES: &str = include_str!("../../../../../tests/vectors/twilio/signatures.json");

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn header<'a>(case: &'a Value, name: &str) -> Option<&'a str> {
    case.get("headers")?.get(name)?.as_str()
}

fn judge(case: &Value) -> Result<Fields, Refusal> {
    let request = Request {
        url: text(case, "url"),
        is_get: text(case, "method") == "GET",
        content_type: header(case, "Content-Type"),
        signature: header(case, "X-Twilio-Signature"),
        settings: header(case, "X-Twilio-Webhooks-Signature-Settings"),
        body: text(case, "body").as_bytes(),
    };
    verify(text(case, "secret"), &request)
}

#[test]
fn p_sec_04_every_case_is_judged_as_it_must_be() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    let mut judged = 0;
    for case in cases.iter().filter(|case| text(case, "level") == "must") {
        let expected = text(case, "expect") == "valid";
        assert_eq!(
            judge(case).is_ok(),
            expected,
            "{}: {}",
            text(case, "name"),
            text(case, "reason")
        );
        judged += 1;
    }
    assert_eq!(judged, 20);
}

#[test]
fn forms_come_out_decoded_in_order() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    for case in cases
        .iter()
        .filter(|case| text(case, "expect") == "valid" && text(case, "level") == "must")
    {
        let Some(form) = case.get("form").and_then(Value::as_array) else {
            continue;
        };
        let expected: Vec<(String, String)> = serde_json::from_value(Value::Array(form.clone())).unwrap();
        assert_eq!(
            judge(case).unwrap(),
            Fields::from_iter(expected),
            "{}",
            text(case, "name")
        );
    }
}

#[test]
fn p_sec_04_signatures_under_a_shared_key_are_refused() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    let case = cases
        .iter()
        .find(|case| text(case, "name") == "sharedkey-sha256")
        .unwrap();
    assert_eq!(judge(case), Err(Refusal::Kind));
}

const URL: &str = "https://hooks.example.com/hooks/twilio/tw_1/sms";

fn posted<'a>(signature: &'a str, body: &'a [u8], content_type: &'a str) -> Request<'a> {
    Request {
        url: URL,
        is_get: false,
        content_type: Some(content_type),
        signature: Some(signature),
        settings: None,
        body,
    }
}

#[test]
fn p_sec_04_a_body_of_another_type_is_never_taken_on_its_address_alone() {
    // The signature of a bare request to this address must not carry a body that nothing signed.
    let bare = sign("token", URL, &Fields::default());
    assert!(verify("token", &posted(&bare, b"", "text/plain")).is_ok());
    for content_type in [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "",
    ] {
        assert_eq!(
            verify("token", &posted(&bare, b"From=%2B1", content_type)),
            Err(Refusal::Body)
        );
    }
    let form = "application/x-www-form-urlencoded";
    assert_eq!(
        verify("token", &posted(&bare, b"From=%2B1", form)),
        Err(Refusal::Wrong)
    );
}

#[test]
fn p_sec_04_what_is_broken_is_refused() {
    let form = "Application/X-WWW-Form-Urlencoded ; charset=utf-8";
    let fields: Fields = [("a".to_owned(), "1".to_owned())].into_iter().collect();
    let right = sign("token", URL, &fields);
    assert!(verify("token", &posted(&right, b"a=1", form)).is_ok());
    for signature in ["", "%%%", "YQ", "YQ==", right.trim_end_matches('=')] {
        assert!(
            verify("token", &posted(signature, b"a=1", form)).is_err(),
            "{signature:?}"
        );
    }
    // An empty token would make everybody a carrier.
    let nobodys = sign("", URL, &fields);
    assert_eq!(verify("", &posted(&nobodys, b"a=1", form)), Err(Refusal::Missing));
    let broken = verify("token", &posted(&right, b"a=%ff", form));
    assert_eq!(broken, Err(Refusal::Form(FormError::NotUtf8)));
}
