//! Signatures, as Twilio makes them and as others do.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use reqwest::Method;
use serde_json::Value;
use usher_shared::channel::{ChannelKind, ChannelSettings, TwilioConnection};

use super::line::{Line, account, number, sid};
use crate::harness::{CLIENT, Tenant, run, send, stack};

/// The token and the address of most cases.
const SECRET: &str = "0b0efd6997c01985180bc4e53e7eba26";
const FIRST: &str = "https://hooks.example.com/v1/twilio/sms/tn_01HZX3";

const CASES: &str = include_str!("../../vectors/twilio/signatures.json");

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap_or_default()
}

/// The channel that a case was signed for: its token, and its address as the case's sender saw it.
async fn line<'a>(tenant: &'a Tenant, token: &str, address: &str) -> Line<'a> {
    let settings = ChannelSettings {
        signed_url: Some(address.to_owned()),
        ..ChannelSettings::default()
    };
    let connection = TwilioConnection {
        auth_token: token.to_owned(),
        ..account()
    };
    Line::new(stack(), tenant, ChannelKind::Sms, settings, connection).await
}

#[test]
fn p_sec_04_every_case_of_twilio_is_judged_as_it_must_be_at_the_endpoint() {
    run(async {
        let tenant = Tenant::new().await;
        let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
        let must = cases.iter().filter(|case| case["level"] == "must");
        let (mut lines, mut judged) = (BTreeMap::new(), 0);
        for case in must {
            let (address, query) = text(case, "url")
                .split_once('?')
                .unwrap_or((text(case, "url"), ""));
            let place = (text(case, "secret"), address);
            if let Entry::Vacant(vacant) = lines.entry(place) {
                vacant.insert(line(&tenant, place.0, place.1).await);
            }
            let mut url = tenant.url(&format!("/hooks/twilio/{}", lines[&place].key));
            if !query.is_empty() {
                url = format!("{url}?{query}");
            }
            let method: Method = text(case, "method").parse().unwrap();
            let mut request = CLIENT.request(method, url).body(text(case, "body").to_owned());
            for (name, value) in case["headers"].as_object().unwrap() {
                request = request.header(name, value.as_str().unwrap());
            }
            let answer = send(request).await;
            let expected = if case["expect"] == "valid" { 200 } else { 403 };
            assert_eq!(
                answer.status.as_u16(),
                expected,
                "{}: {}",
                text(case, "name"),
                text(case, "reason")
            );
            judged += 1;
        }
        assert_eq!(judged, 20);
        let logs = stack().logs("inbound").unwrap();
        assert!(
            logs.contains("signatures_refused"),
            "counted, and an alarm looks at it"
        );
        // What was signed is stored.
        let said = "Hi, do you have any openings on Tuesday?";
        lines[&(SECRET, FIRST)].said(said).await;
    });
}

#[test]
fn p_sec_04_what_twilio_did_not_sign_is_refused_and_stores_nothing() {
    run(async {
        let tenant = Tenant::new().await;
        let line = Line::sms(stack(), &tenant).await;
        let url = tenant.url(&format!("/hooks/twilio/{}", line.key));
        let form = "application/x-www-form-urlencoded";
        let id = sid("SM");
        let good = format!("MessageSid={id}&From=%2B14155550142&Body=Hello");
        let deep = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
        for (body, content_type, signature, expected) in [
            (good.clone().into_bytes(), form, None, 403),
            (good.clone().into_bytes(), form, Some(""), 403),
            (good.clone().into_bytes(), form, Some("not base64"), 403),
            (good.into_bytes(), form, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA="), 403),
            (b"Body=%F".to_vec(), form, Some("AAAA"), 400),
            (b"Body=%FF%FE".to_vec(), form, Some("AAAA"), 400),
            (b"Body=\xff\xfe".to_vec(), form, Some("AAAA"), 400),
            (b"a=1&".repeat(10_000), form, Some("AAAA"), 413),
            (vec![b'a'; 400_000], form, Some("AAAA"), 413),
            (deep.into_bytes(), "application/json", Some("AAAA"), 403),
            (Vec::new(), form, Some("AAAA"), 403),
        ] {
            let length = body.len();
            let mut request = CLIENT.post(&url).header("content-type", content_type).body(body);
            if let Some(signature) = signature {
                request = request.header("x-twilio-signature", signature);
            }
            let answer = send(request).await;
            assert_eq!(
                answer.status.as_u16(),
                expected,
                "{length} bytes: {}",
                answer.body
            );
        }
        let all = tenant.get("/v1/conversations?limit=100").await.expect(200);
        assert!(crate::harness::data(&all).is_empty(), "{all}");
    });
}

#[test]
fn what_is_for_a_channel_that_nobody_connected_is_acknowledged_and_counted() {
    run(async {
        let tenant = Tenant::new().await;
        let web_chat = tenant.demo.channel_key.clone();
        let unknown = format!("ck_{}", "0".repeat(26));
        for key in [unknown.as_str(), "nonsense", web_chat.as_str()] {
            let request = CLIENT
                .post(tenant.url(&format!("/hooks/twilio/{key}")))
                .header("content-type", "application/x-www-form-urlencoded")
                .body(format!("MessageSid={}&From={}&Body=x", sid("SM"), number()));
            let answer = send(request).await;
            assert_eq!(answer.status.as_u16(), 200, "{key}");
            assert_eq!(answer.headers["content-type"], "text/xml; charset=utf-8");
            assert!(answer.body.as_str().unwrap().ends_with("<Response/>"));
        }
        assert!(stack().logs("inbound").unwrap().contains("webhooks_to_nobody"));
    });
}
