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
