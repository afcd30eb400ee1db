//! Signatures, as Meta makes them and as others do; bodies that nobody sends.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use usher_local::Options;
use usher_shared::category::Preset;
use usher_shared::channel::{ChannelKind, ChannelSettings};

use super::account::{Account, number, on_page, post, post_bytes};
use crate::harness::{CLIENT, Tenant, eventually, root, run, send, stack};

const CASES: &str = include_str!("../../vectors/meta/signatures.json");
const QUESTIONS: &str = include_str!("../../vectors/meta/handshake.json");

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap_or_default()
}

#[test]
fn p_sec_04_every_case_of_meta_is_judged_as_it_must_be_at_the_endpoint() {
    run(async {
        let cases: Value = serde_json::from_str(CASES).unwrap();
        let questions: Vec<Value> = serde_json::from_str(QUESTIONS).unwrap();
        let cases = cases["webhook_and_signed_request"].as_array().unwrap();
        let hooks = cases
            .iter()
            .filter(|case| case["scheme"] == "meta-hub-256" && case["level"] == "must");
        let hooks: Vec<&Value> = hooks.collect();
        // All of them are made with one secret, and asked with one token.
        let secret = text(hooks[0], "secret");
        let verify_token = text(&questions[0], "verify_token");
        let secrets = format!("of-another-app, {secret}");
        let parameters = [
            ("MetaAppSecrets", secrets.as_str()),
            ("MetaVerifyToken", verify_token),
        ];
        let options = Options {
            parameters: parameters
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ..Options::in_memory(root())
        };
        let stack = usher_local::start(options).await.unwrap();
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        // The page of the cases is connected: what is believed is stored.
        let page = "102938475610293".to_owned();
        let page = Account::on(
            &stack,
            &tenant,
            ChannelKind::Messenger,
            page,
            ChannelSettings::default(),
        )
        .await;
        for case in &hooks {
            assert_eq!(text(case, "secret"), secret);
            let body = STANDARD.decode(text(case, "body_b64")).unwrap();
            let mut request = CLIENT.post(tenant.url("/hooks/meta")).body(body);
            for (name, value) in case["headers"].as_object().unwrap() {
                request = request.header(name, value.as_str().unwrap());
            }
            let answer = send(request).await;
            let expected = if case["expect"] == "valid" { 200 } else { 403 };
            assert_eq!(answer.status.as_u16(), expected, "{}", text(case, "name"));
        }
        assert_eq!(hooks.len(), 10);
        eventually("what was signed is stored", || async {
            (!page.conversations().await.is_empty()).then_some(())
        })
        .await;
        assert_eq!(page.conversations().await.len(), 1, "and nothing else");
        let logs = stack.logs("inbound").unwrap();
        assert_eq!(logs.matches("\"signatures_refused\":1.0").count(), 7);

        for question in &questions {
            let url = tenant.url(&format!("/hooks/meta?{}", text(question, "query")));
            let answer = CLIENT.get(url).send().await.unwrap();
            let name = text(question, "name");
            assert_eq!(answer.status().as_u16(), question["expect_status"], "{name}");
            if let Some(challenge) = question["expect_body"].as_str() {
                assert_eq!(answer.headers()["content-type"], "text/plain");
                assert_eq!(answer.text().await.unwrap(), challenge, "{name}");
            }
        }
        stack.shutdown().await;
    });
}

#[test]
fn p_sec_04_what_meta_did_not_sign_is_refused_and_stores_nothing() {
    run(async {
        let tenant = Tenant::new().await;
        let page = Account::new(&tenant, ChannelKind::Messenger).await;
        let item = json!({"sender": {"id": number()}, "message": {"mid": "m_1", "text": "Hello"}});
        let body = on_page(&page.id, &item).to_string();
        let right = usher_carriers::signature::meta::sign(usher_local::meta::APP_SECRET, body.as_bytes());
        let others = usher_carriers::signature::meta::sign("of another app", body.as_bytes());
        let upper = right.to_uppercase();
        for header in [
            "",
            "sha256=",
            "sha256=zz",
            &others,
            &right[..70],
            &upper,
            "sha1=00",
        ] {
            let request = CLIENT
                .post(tenant.url("/hooks/meta"))
                .header("x-hub-signature-256", header)
                .body(body.clone());
            let answer = send(request).await;
            assert_eq!(answer.status.as_u16(), 403, "{header}");
            assert_eq!(answer.body["code"], "signature_invalid");
        }
        assert!(page.conversations().await.is_empty());
    });
}

#[test]
fn bodies_that_nobody_sends_get_a_clear_refusal() {
    run(async {
        let tenant = Tenant::new().await;
        let deep = format!(
            r#"{{"object":"page","entry":{}{}}}"#,
            "[".repeat(5_000),
            "]".repeat(5_000)
        );
        let huge = format!(r#"{{"object":"page","entry":[],"x":"{}"}}"#, "a".repeat(3 << 20));
        for (body, expected) in [
            (br#"{"object":"page","entry":[{"id":"1""#.to_vec(), 400),
            (deep.into_bytes(), 400),
            (b"{\"object\":\"\xff\xfe\",\"entry\":[]}".to_vec(), 400),
            (b"[]".to_vec(), 400),
            (Vec::new(), 400),
            (huge.into_bytes(), 413),
        ] {
            let length = body.len();
            let answer = post_bytes(&tenant, body).await;
            assert_eq!(
                answer.status.as_u16(),
                expected,
                "{length} bytes: {}",
                answer.body
            );
            assert!(answer.body["code"].is_string(), "{}", answer.body);
        }
        // One strange update keeps no other from being heard.
        let page = Account::new(&tenant, ChannelKind::Messenger).await;
        let from = number();
        let good = json!({
            "sender": {"id": from}, "recipient": {"id": page.id}, "timestamp": 1_790_000_000_523_i64,
            "message": {"mid": "m_good", "text": "Still here"},
        });
        let update = json!({"object": "page", "entry": [
            {"id": page.id, "messaging": [null, {"message": 7}, {"a_new_kind": {}}, good]},
            {"id": page.id, "changes": [{"field": "ratings", "value": {}}]}, 5,
        ]});
        post(&tenant, &update).await.expect(200);
        page.said("Still here").await;
        let logs = stack().logs("inbound").unwrap();
        for name in [
            "meta_malformed",
            "meta_messaging",
            "meta_change",
            "events_ignored",
        ] {
            assert!(logs.contains(name), "{name} is counted");
        }
    });
}

#[test]
fn what_is_for_a_channel_that_nobody_connected_is_acknowledged_and_counted() {
    run(async {
        let tenant = Tenant::new().await;
        let before = tenant_nobody();
        let item = json!({
            "sender": {"id": "7"}, "recipient": {"id": "404"}, "timestamp": 1_790_000_000_523_i64,
            "message": {"mid": "m_1", "text": "Anybody?"},
        });
        post(&tenant, &on_page("404", &item)).await.expect(200);
        assert!(tenant_nobody() > before);
    });
}

fn tenant_nobody() -> usize {
    stack()
        .logs("inbound")
        .unwrap_or_default()
        .matches("\"webhooks_to_nobody\":")
        .count()
}
