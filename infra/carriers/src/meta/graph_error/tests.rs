#![expect(clippy::unwrap_used, reason = "tests")]

use ChannelTrouble::{CredentialsRefused, PermissionMissing, Restricted};
use serde_json::json;

use super::*;

fn answered(status: u16, code: i64, subcode: i64) -> Outcome {
    let body = json!({"error": {"message": "m", "code": code, "error_subcode": subcode}});
    outcome(&Answer {
        status,
        retry_after: None,
        body: body.to_string().into_bytes(),
    })
}

#[test]
fn errors_have_one_clear_reason_each() {
    for (code, subcode, why, trouble) in [
        (190, 460, Failure::CredentialsRefused, Some(CredentialsRefused)),
        (190, 463, Failure::CredentialsRefused, Some(CredentialsRefused)),
        (10, 2_018_278, Failure::WindowClosed, None),
        (100, 1_545_041, Failure::WindowClosed, None),
        (551, 1_545_041, Failure::Unreachable, None),
        (10, 1_893_063, Failure::NotAllowed, Some(Restricted)),
        (100, 0, Failure::Refused, None),
        (3, 0, Failure::NotAllowed, Some(PermissionMissing)),
        (10, 0, Failure::NotAllowed, Some(PermissionMissing)),
        (200, 0, Failure::NotAllowed, Some(PermissionMissing)),
        (299, 0, Failure::NotAllowed, Some(PermissionMissing)),
        (368, 0, Failure::NotAllowed, Some(Restricted)),
        (131_031, 0, Failure::NotAllowed, Some(Restricted)),
        (131_042, 0, Failure::NotAllowed, Some(Restricted)),
        (131_047, 0, Failure::WindowClosed, None),
        (131_026, 0, Failure::Unreachable, None),
        (131_049, 0, Failure::Blocked, None),
        (130_472, 0, Failure::Blocked, None),
        (131_050, 0, Failure::OptedOut, None),
        (131_051, 0, Failure::Refused, None),
        (132_001, 0, Failure::NotAllowed, None),
        (132_016, 0, Failure::NotAllowed, None),
        (133_010, 0, Failure::NotAllowed, None),
        (999_999, 0, Failure::Refused, None),
    ] {
        assert_eq!(
            answered(400, code, subcode),
            Outcome::Refused { why, trouble },
            "{code}/{subcode}"
        );
    }
}

#[test]
fn throttling_waits_whatever_the_status() {
    for code in [
        4, 17, 32, 341, 613, 80_001, 80_007, 80_008, 130_429, 131_048, 133_016,
    ] {
        for status in [400, 403, 429, 500] {
            assert_eq!(
                answered(status, code, 0),
                Outcome::NotNow { after: None },
                "{code} {status}"
            );
        }
    }
    let after = Some(Duration::from_secs(6));
    assert_eq!(answered(400, 131_056, 0), Outcome::NotNow { after });
    let told = Answer {
        status: 400,
        retry_after: Some(1140),
        body: br#"{"error":{"code":4}}"#.to_vec(),
    };
    let after = Some(Duration::from_mins(19));
    assert_eq!(outcome(&told), Outcome::NotNow { after });
}

#[test]
fn nothing_is_sent_again_without_a_proof_that_it_was_not_sent() {
    let not_now = Outcome::NotNow { after: None };
    for (status, body, expected) in [
        (500, json!({}), Outcome::Unknown),
        (502, json!("<html>"), Outcome::Unknown),
        (500, json!({"error": {"code": 1}}), Outcome::Unknown),
        (
            503,
            json!({"error": {"code": 2, "is_transient": true}}),
            Outcome::Unknown,
        ),
        (500, json!({"error": {"code": 131_000}}), Outcome::Unknown),
        (500, json!({"error": {"code": 100}}), Outcome::Unknown),
        (400, json!({"error": {"code": 1}}), Outcome::Unknown),
        (
            400,
            json!({"error": {"code": 1, "is_transient": true}}),
            not_now.clone(),
        ),
        (400, json!({"error": {"code": 2}}), not_now.clone()),
        (
            400,
            json!({"error": {"code": 77_777, "is_transient": true}}),
            not_now.clone(),
        ),
        (500, json!({"error": {"code": 131_016}}), not_now.clone()),
        (429, json!({}), not_now),
        (408, json!({}), Outcome::Unknown),
        (302, json!({}), Outcome::Unknown),
        (404, json!({}), Outcome::refused(Failure::Refused)),
        (
            401,
            json!({"error": {"code": 190}}),
            Outcome::Refused {
                why: Failure::CredentialsRefused,
                trouble: Some(CredentialsRefused),
            },
        ),
        (
            500,
            json!({"error": {"code": 190}}),
            Outcome::Refused {
                why: Failure::CredentialsRefused,
                trouble: Some(CredentialsRefused),
            },
        ),
    ] {
        let answer = Answer {
            status,
            retry_after: None,
            body: body.to_string().into_bytes(),
        };
        assert_eq!(outcome(&answer), expected, "{status} {body}");
    }
}

#[test]
fn the_samples_are_read() {
    for (body, code, subcode) in [
        (
            include_str!("../../../../../tests/vectors/meta/payloads/meta-graph-error-190.json"),
            190,
            460,
        ),
        (
            include_str!("../../../../../tests/vectors/meta/payloads/meta-graph-error-window-closed.json"),
            10,
            2_018_278,
        ),
    ] {
        assert_eq!(read(body.as_bytes()).unwrap(), (code, subcode, false));
    }
    for nothing in ["", "{}", "[]", r#"{"error":"no"}"#, r#"{"error":{"code":[]}}"#] {
        assert_eq!(read(nothing.as_bytes()), None);
    }
}
