#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::sms::tests::example;

const BASE: &str = "https://api.twilio.com";

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        retry_after: None,
        body: body.as_bytes().to_vec(),
    }
}

#[test]
fn the_account_is_asked_for() {
    let call = check(BASE, &example());
    assert_eq!(
        (call.method, call.url.as_str()),
        (Method::Get, "https://api.twilio.com/2010-04-01/Accounts/AC1.json")
    );
    for (status, body, expected) in [
        (200, r#"{"status":"active"}"#, Ok(None)),
        (200, "{}", Ok(None)),
        (
            200,
            r#"{"status":"suspended"}"#,
            Ok(Some(ChannelTrouble::Restricted)),
        ),
        (401, "", Ok(Some(ChannelTrouble::CredentialsRefused))),
        (404, "", Ok(Some(ChannelTrouble::CredentialsRefused))),
        (429, "", Err(Inconclusive)),
        (500, "", Err(Inconclusive)),
    ] {
        assert_eq!(checked(&answer(status, body)), expected, "{status} {body}");
    }
}

#[test]
fn what_is_removed_is_gone_or_asked_for_again() {
    let call = delete_recording(BASE, &example(), "RE/1");
    assert_eq!(call.method, Method::Delete);
    assert_eq!(
        call.url,
        "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE%2F1.json"
    );
    let gone = |status| deleted(&answer(status, "")).is_ok();
    assert!([204, 200, 404, 410].into_iter().all(gone));
    assert!(![401, 429, 500, 503, 302].into_iter().any(gone));
}

#[test]
fn p_sec_04_credentials_go_to_the_carrier_alone() {
    let media = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1";
    assert!(
        fetch(BASE, &example(), media)
            .headers
            .iter()
            .any(|(name, _)| *name == "authorization")
    );
    assert_eq!(delete_media(BASE, &example(), media).unwrap().url, media);
    for foreign in [
        "https://evil.example/2010-04-01/x",
        "https://api.twilio.com.evil.example/x",
        "https://api.twilio.com@evil.example/x",
        "https://api.twilio.com:444/x",
        "https://api.twilio.com",
        "http://api.twilio.com/x",
        "https://api.twilio.com/../x",
        "https://api.twilio.com/\\evil.example",
        "https://api.twilio.com/x#y",
    ] {
        assert!(fetch(BASE, &example(), foreign).headers.is_empty(), "{foreign}");
        assert!(delete_media(BASE, &example(), foreign).is_none(), "{foreign}");
    }
}
