#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Case {
    name: String,
    secret: String,
    headers: BTreeMap<String, String>,
    body: String,
    now: i64,
    expect: String,
}

#[derive(Deserialize)]
struct ToSign {
    secret: String,
    id: String,
    timestamp: i64,
    body: String,
    expect_header: String,
}

#[derive(Deserialize)]
struct Standard {
    verify: Vec<Case>,
    sign: Vec<ToSign>,
}

const SVIX: &str = include_str!("../../../../../tests/vectors/signatures/svix.json");
const STANDARD: &str = include_str!("../../../../../tests/vectors/signatures/standardwebhooks.json");

fn check(case: &Case) -> Result<(), Refused> {
    let header = |name: &str| {
        let found = case
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    };
    verify(&[&case.secret], header, case.body.as_bytes(), case.now).map(|_| ())
}

#[test]
fn p_sec_04_every_known_webhook_signature_is_judged_as_its_makers_judge_it() {
    let mut cases: Vec<Case> = serde_json::from_str(SVIX).unwrap();
    let standard: Standard = serde_json::from_str(STANDARD).unwrap();
    cases.extend(standard.verify);
    assert!(cases.len() >= 20);
    for case in &cases {
        assert_eq!(check(case).is_ok(), case.expect == "valid", "{}", case.name);
    }
}

#[test]
fn what_we_sign_is_what_the_makers_sign() {
    let standard: Standard = serde_json::from_str(STANDARD).unwrap();
    assert!(!standard.sign.is_empty());
    for case in standard.sign {
        let signed = sign(&[&case.secret], &case.id, case.timestamp, case.body.as_bytes());
        assert_eq!(signed.unwrap(), case.expect_header);
    }
}

fn first() -> Case {
    let cases: Vec<Case> = serde_json::from_str(SVIX).unwrap();
    cases.into_iter().next().unwrap()
}

#[test]
fn headers_of_two_families_are_not_one_signature() {
    let mut case = first();
    assert_eq!(check(&case), Ok(()));
    let id = case.headers.remove("svix-id").unwrap();
    case.headers.insert("webhook-id".to_owned(), id);
    assert_eq!(check(&case), Err(Refused::Missing));
}

#[test]
fn each_way_of_being_wrong_has_its_reason() {
    let spoiled = |name: &str, value: &str| {
        let mut case = first();
        case.headers.insert(name.to_owned(), value.to_owned());
        check(&case)
    };
    assert_eq!(spoiled("svix-timestamp", "soon"), Err(Refused::Timestamp));
    assert_eq!(spoiled("svix-timestamp", "1790000402"), Err(Refused::NotOfNow));
    assert_eq!(
        spoiled("svix-timestamp", "9223372036854775807"),
        Err(Refused::NotOfNow)
    );
    assert_eq!(spoiled("svix-id", ""), Err(Refused::Missing));
    for signature in ["nothing", "v1,", "v1,????", "v2,AAAA", ", ,", "v1"] {
        assert_eq!(
            spoiled("svix-signature", signature),
            Err(Refused::Wrong),
            "{signature}"
        );
    }
    let mut case = first();
    case.secret = "whsec_".to_owned();
    assert_eq!(check(&case), Err(Refused::Secret));
}

#[test]
fn a_changed_secret_is_signed_with_both_and_either_verifies() {
    let (old, new) = (
        "whsec_b2xkIHNlY3JldCBvbGQgc2VjcmV0",
        "whsec_bmV3IHNlY3JldCBuZXcgc2VjcmV0",
    );
    let signature = sign(&[new, old], "msg_1", 1_000, b"{}").unwrap();
    assert_eq!(signature.split(' ').count(), 2);
    let header = |name: &str| match name {
        "webhook-id" => Some("msg_1"),
        "webhook-timestamp" => Some("1000"),
        "webhook-signature" => Some(signature.as_str()),
        _ => None,
    };
    for secret in [old, new] {
        assert_eq!(
            verify(&[secret], header, b"{}", 1_299).unwrap(),
            Verified { id: "msg_1" }
        );
    }
    assert_eq!(
        verify(&["whsec_b3RoZXI"], header, b"{}", 1_000),
        Err(Refused::Wrong)
    );
    assert_eq!(verify(&[old], header, b"{}", 1_301), Err(Refused::NotOfNow));
}
