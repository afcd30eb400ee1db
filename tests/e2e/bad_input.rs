//! What bad input gets.

use reqwest::header;
use serde_json::json;

use crate::harness::{CLIENT, Tenant, run, send};

#[test]
fn an_unknown_channel_is_404_with_a_request_id() {
    run(async {
        let tenant = Tenant::new().await;
        for key in ["wc_01k5abcdefghjkmnpqrstvwxyz", "nonsense"] {
            let answer = send(CLIENT.post(tenant.url(&format!("/chat/{key}/sessions")))).await;
            assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
            let request_id = answer.headers["x-request-id"].to_str().unwrap().to_owned();
            let body = answer.expect(404);
            assert_eq!(
                (&body["code"], &body["request_id"]),
                (&json!("not_found"), &json!(request_id))
            );
        }
    });
}

#[test]
fn only_allowed_origins_may_use_a_channel_and_preflights_are_answered() {
    run(async {
        let tenant = Tenant::new().await;
        let body =
            json!({"kind": "web_chat", "name": "Site", "allowed_origins": ["https://www.example.com"]});
        let channel = tenant.post("/v1/channels", &body).await.expect(201);
        let url = tenant.url(&format!("/chat/{}/sessions", channel["key"].as_str().unwrap()));
        let from = |origin: &'static str| CLIENT.post(&url).header(header::ORIGIN, origin);
        assert_eq!(
            send(from("https://evil.example")).await.expect(403)["code"],
            "origin_not_allowed"
        );
        let good = send(from("https://www.example.com")).await;
        assert_eq!(
            good.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN],
            "https://www.example.com"
        );
        good.expect(201);

        let preflight = |origin: &'static str| {
            let request = CLIENT
                .request(reqwest::Method::OPTIONS, &url)
                .header(header::ORIGIN, origin);
            send(request.header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST"))
        };
        let answer = preflight("https://www.example.com").await;
        assert_eq!(answer.status.as_u16(), 204);
        assert_eq!(
            answer.headers[header::ACCESS_CONTROL_ALLOW_METHODS],
            "GET, POST, OPTIONS"
        );
        assert_eq!(preflight("https://evil.example").await.status.as_u16(), 403);
    });
}

#[test]
fn bodies_are_bounded_and_strict() {
    run(async {
        let tenant = Tenant::new().await;
        let guest = tenant.guest().await;
        guest
            .post(&json!({"text": "a".repeat(21 * 1024)}))
            .await
            .expect(413);
        let table = [
            (json!({"text": 5}), "text", "must be a string"),
            (json!({"text": ""}), "text", "must not be empty"),
            (
                json!({"text": "a".repeat(4001)}),
                "text",
                "must be at most 4000 characters",
            ),
            (json!({"text": "a", "html": true}), "html", "is not a known field"),
            (json!({}), "text", "is required"),
            (json!([]), "", "must be a JSON object"),
            (
                json!({"text": "a", "client_message_id": ""}),
                "client_message_id",
                "must not be empty",
            ),
        ];
        for (body, field, message) in table {
            let answer = guest.post(&body).await;
            assert_eq!(
                answer.refused(),
                [(field.to_owned(), message.to_owned())],
                "{body}"
            );
            answer.expect(422);
        }
        let raw = CLIENT
            .post(tenant.chat("messages"))
            .bearer_auth(&guest.token)
            .body("{\"text\": ");
        assert_eq!(
            send(raw).await.refused(),
            [(String::new(), "must be valid JSON".to_owned())]
        );
        assert!(guest.answers().await.is_empty(), "nothing was stored");
    });
}

#[test]
fn a_forged_foreign_or_missing_session_is_401() {
    run(async {
        let tenant = Tenant::new().await;
        let other = Tenant::new().await;
        let guest = tenant.guest().await;
        let foreign = other.guest().await.token;
        let (claims, signature) = guest.token.rsplit_once('.').unwrap();
        let (id, end) = claims.split_once('.').unwrap();
        let later = end.parse::<i64>().unwrap() + 1;
        let forged = format!("{id}.{later}.{signature}");
        for token in [
            "",
            "x",
            &foreign,
            &forged,
            &format!("{claims}."),
            &tenant.demo.api_key,
        ] {
            let request = CLIENT
                .post(tenant.chat("messages"))
                .bearer_auth(token)
                .json(&json!({"text": "hi"}));
            let answer = send(request).await;
            assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
            assert_eq!(answer.expect(401)["code"], "invalid_session", "{token}");
        }
        send(CLIENT.get(tenant.chat("messages"))).await.expect(401);
        guest.post(&json!({"text": "hi"})).await.expect(202);
    });
}

#[test]
fn p_sec_04_a_wrong_or_missing_api_key_is_401() {
    run(async {
        let tenant = Tenant::new().await;
        let key = &tenant.demo.api_key;
        let almost = format!("{}0", &key[..key.len() - 1]);
        let almost = if almost == *key {
            format!("{}1", &key[..key.len() - 1])
        } else {
            almost
        };
        for token in ["", "x", "usk_", &almost, &key[..key.len() - 1]] {
            let answer = send(CLIENT.get(tenant.url("/v1/conversations")).bearer_auth(token)).await;
            assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
            assert_eq!(answer.expect(401)["code"], "invalid_api_key");
        }
        send(CLIENT.get(tenant.url("/v1/conversations")))
            .await
            .expect(401);
        tenant.get("/v1/conversations").await.expect(200);
    });
}
