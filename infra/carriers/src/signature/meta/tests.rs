#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use serde_json::Value;

use super::*;

const CASES: &str = include_str!("../../../../../tests/vectors/meta/signatures.json");
const QUESTIONS: &str = include_str!("../../../../../tests/vectors/meta/handshake.json");

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap_or_default()
}

#[test]
fn p_sec_04_every_signed_webhook_and_request_of_the_vectors_gets_its_verdict() {
    let cases: Value = serde_json::from_str(CASES).unwrap();
    let (mut webhooks, mut requests) = (0, 0);
    for case in cases["webhook_and_signed_request"].as_array().unwrap() {
        let secrets = ["of another app".to_owned(), text(case, "secret").to_owned()];
        let verdict = match text(case, "scheme") {
            "meta-hub-256" => {
                webhooks += 1;
                let body = base64::engine::general_purpose::STANDARD
                    .decode(text(case, "body_b64"))
                    .unwrap();
                let header = case["headers"]["X-Hub-Signature-256"].as_str();
                is_signed(&secrets, header, &body)
            }
            "meta-signed-request" => {
                requests += 1;
                let opened = signed_request(&secrets, text(case, "signed_request"));
                if let Some(opened) = &opened {
                    assert_eq!(opened.user_id, text(&case["payload"], "user_id"));
                    assert_eq!(opened.issued_at, case["payload"]["issued_at"].as_i64());
                }
                opened.is_some()
            }
            other => unreachable!("a scheme that nobody knows: {other}"),
        };
        assert_eq!(verdict, text(case, "expect") == "valid", "{}", text(case, "name"));
    }
    assert_eq!((webhooks, requests), (10, 6));
}

#[test]
fn p_sec_04_the_proof_of_the_vectors_is_made() {
    let cases: Value = serde_json::from_str(CASES).unwrap();
    for case in cases["appsecret_proof"].as_array().unwrap() {
        let proof = appsecret_proof(text(case, "secret"), text(case, "access_token"));
        assert_eq!(proof, text(case, "expect_proof"));
    }
}

#[test]
fn p_sec_04_whether_a_webhook_is_ours_is_answered_as_in_the_vectors() {
    let cases: Value = serde_json::from_str(QUESTIONS).unwrap();
    for case in cases.as_array().unwrap() {
        let answer = handshake(Some(text(case, "verify_token")), text(case, "query"));
        assert_eq!(
            answer.as_deref(),
            case["expect_body"].as_str(),
            "{}",
            text(case, "name")
        );
        assert_eq!(answer.is_some(), case["expect_status"] == 200);
    }
}

#[test]
fn an_encoded_question_is_decoded_and_a_token_that_was_not_set_agrees_with_nothing() {
    let query = "hub.mode=subscribe&hub.verify_token=a%20b%2Bc&hub.challenge=1%262";
    assert_eq!(handshake(Some("a b+c"), query).as_deref(), Some("1&2"));
    for token in [None, Some("")] {
        assert_eq!(
            handshake(token, "hub.mode=subscribe&hub.verify_token=&hub.challenge=1"),
            None
        );
    }
}

#[test]
fn p_sec_04_nothing_is_believed_without_a_secret() {
    let forged = sign("", b"{}");
    assert!(!is_signed(&[], Some(&forged), b"{}"));
    assert!(!is_signed(&[String::new()], Some(&forged), b"{}"));
    assert!(is_signed(&["s".to_owned()], Some(&sign("s", b"{}")), b"{}"));
}

#[test]
fn signatures_that_are_none_are_refused() {
    let secrets = ["s".to_owned()];
    let long = format!("{PREFIX}{}", "a".repeat(66));
    for header in ["", "sha256=", "sha256=zz", "sha256=é", "sha1=00", &long] {
        assert!(!is_signed(&secrets, Some(header), b"{}"), "{header}");
    }
    for text in ["", ".", "a.b", "é.é", "..", "a.b.c"] {
        assert!(signed_request(&secrets, text).is_none(), "{text}");
    }
}

const NOW: i64 = 1_790_000_000;

fn made(user: &Value, issued_at: &Value, expires: Option<i64>) -> String {
    let mut payload = serde_json::json!({"algorithm": "HMAC-SHA256", "user_id": user});
    if !issued_at.is_null() {
        payload["issued_at"] = issued_at.clone();
    }
    if let Some(expires) = expires {
        payload["expires"] = expires.into();
    }
    sign_request("s", &payload)
}

#[test]
fn p_del_05_a_signed_request_counts_for_a_week_and_not_before_it_was_made() {
    let secrets = ["of another app".to_owned(), "s".to_owned()];
    let now = Timestamp::from_millis(NOW * 1_000);
    let week = 7 * 86_400;
    for (issued_at, expires, current) in [
        (Value::from(NOW), None, true),
        (Value::from(NOW), Some(0), true),
        (Value::from(NOW), Some(NOW + 1), true),
        (Value::from(NOW), Some(NOW), false),
        (Value::from(NOW - week), None, true),
        (Value::from(NOW - week - 1), None, false),
        (Value::from(NOW + 300), None, true),
        (Value::from(NOW + 301), None, false),
        (Value::from(i64::MAX), None, false),
        (Value::from(i64::MIN), None, false),
        (Value::from("1790000000"), None, false),
        (Value::Null, None, false),
    ] {
        let text = made(&Value::from("77"), &issued_at, expires);
        let opened = signed_request(&secrets, &text).unwrap();
        assert_eq!(opened.is_current(now), current, "{issued_at} {expires:?}");
    }
}

#[test]
fn p_del_05_who_it_is_about_is_an_id_and_nothing_else() {
    let secrets = ["s".to_owned()];
    let opened = |user: Value| signed_request(&secrets, &made(&user, &NOW.into(), None));
    assert_eq!(opened("1208-a_B".into()).unwrap().user_id, "1208-a_B");
    assert_eq!(
        opened(1_784_000_000_000_001_u64.into()).unwrap().user_id,
        "1784000000000001"
    );
    for user in ["", "me/accounts", "..", "a b", "a?b", "é", &"1".repeat(129)] {
        assert!(opened(user.into()).is_none(), "{user}");
    }
    for user in [Value::Null, true.into(), serde_json::json!(["77"])] {
        assert!(opened(user.clone()).is_none(), "{user}");
    }
}

#[test]
fn p_del_05_padding_is_part_of_what_is_signed_and_length_has_a_bound() {
    let secrets = ["s".to_owned()];
    let text = made(&"7".into(), &NOW.into(), None);
    assert!(signed_request(&secrets, &text).is_some());
    let (mac, payload) = text.split_once('.').unwrap();
    // The MAC may be padded; the payload may only be as it was when it was signed.
    assert!(signed_request(&secrets, &format!("{mac}=.{payload}")).is_some());
    assert!(signed_request(&secrets, &format!("{mac}.{payload}=")).is_none());
    let long = serde_json::json!({"algorithm": "HMAC-SHA256", "user_id": "7", "issued_at": NOW,
        "more": "x".repeat(LONGEST_SIGNED_REQUEST)});
    assert!(signed_request(&secrets, &sign_request("s", &long)).is_none());
}

proptest::proptest! {
    /// Whatever is changed about a request that was signed, it is not believed.
    #[test]
    fn p_del_05_no_changed_request_is_believed(at in 0_usize..400, byte in 33_u8..127) {
        let text = made(&"1208000000000077".into(), &NOW.into(), None);
        let mut bytes = text.clone().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let changed = String::from_utf8(bytes).unwrap();
        let mac = |text: &str| text.split_once('.').and_then(|(mac, _)| BASE64_URL.decode(mac).ok());
        let payload = |text: &str| text.split_once('.').map(|(_, payload)| payload.to_owned());
        let same = mac(&changed) == mac(&text) && payload(&changed) == payload(&text);
        proptest::prop_assert_eq!(signed_request(&["s".to_owned()], &changed).is_some(), same);
    }
}
