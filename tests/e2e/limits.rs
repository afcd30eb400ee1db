//! Rate limits: over HTTP for one sender, and in this process for several instances.

use std::time::Duration;

use reqwest::header;
use serde_json::{Value, json};
use usher_shared::category::Preset;
use usher_shared::rate::Class;

use crate::harness::{CLIENT, Tenant, run, send, stack};
use crate::store::{platform, platform_as};

/// Rows of buckets in the partitions of a tenant.
async fn buckets(tenant: &str) -> Vec<String> {
    let dump = send(CLIENT.get(format!("{}/_local/dump", stack().base_url()))).await;
    let mut rows = Vec::new();
    let mut open = vec![&dump.body["tables"]];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(all) => open.extend(all),
            Value::Object(all) if all.contains_key("pk") => rows.push(value.to_string()),
            Value::Object(all) => open.extend(all.values()),
            _ => {}
        }
    }
    rows.retain(|row| row.contains("rate_bucket") && row.contains(&format!("{tenant}#r#")));
    rows
}

/// The number of an attribute in a raw row.
fn number(row: &str, name: &str) -> u64 {
    let row: Value = serde_json::from_str(row).unwrap();
    let value = row[name]["N"].as_str().unwrap_or_else(|| panic!("{row}"));
    value.parse().unwrap()
}

#[test]
fn p_sec_04_who_hammers_a_chat_waits_and_nobody_else_does() {
    run(async {
        let tenant = Tenant::new().await;
        let other = Tenant::new().await;
        let body = json!({"kind": "web_chat", "name": "Second", "allowed_origins": []});
        let second = tenant.post("/v1/channels", &body).await.expect(201);
        let second = tenant.url(&format!("/chat/{}/sessions", second["key"].as_str().unwrap()));
        let guest = tenant.guest().await;

        let burst = usize::try_from(Class::ChatSessions.limit().burst).unwrap();
        let mut opened = 1;
        let refused = loop {
            let page = "https://www.example.com";
            let answer = send(CLIENT.post(tenant.chat("sessions")).header(header::ORIGIN, page)).await;
            if answer.status.as_u16() != 201 {
                break answer;
            }
            opened += 1;
            assert!(opened < 3 * burst, "never refused");
        };
        assert!(opened >= burst, "refused after {opened}");
        assert_eq!(
            refused.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN],
            "https://www.example.com",
            "the page can read why"
        );
        let seconds: u64 = refused.headers[header::RETRY_AFTER]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1..=10).contains(&seconds), "{seconds} s");
        assert_eq!(refused.expect(429)["code"], "rate_limited");

        send(CLIENT.post(&second)).await.expect(201);
        other.guest().await;
        guest.post(&json!({"text": "hi"})).await.expect(202);
        tenant.get("/v1/channels").await.expect(200);

        tokio::time::sleep(Duration::from_secs(seconds)).await;
        send(CLIENT.post(tenant.chat("sessions"))).await.expect(201);

        let dump = send(CLIENT.get(tenant.url("/_local/dump"))).await;
        let tables = dump.body["tables"].to_string();
        assert!(tables.contains("rate_bucket"));
        assert!(
            !tables.contains("127.0.0.1") && !tables.contains("::1"),
            "no address"
        );
    });
}

#[test]
fn p_sec_04_an_api_key_that_asks_too_often_is_429() {
    run(async {
        let tenant = Tenant::new().await;
        let other = Tenant::new().await;
        let mut refused = None;
        // Side by side: one after the other they might be slower than tokens come back.
        for _ in 0..40 {
            let mut all = tokio::task::JoinSet::new();
            for _ in 0..32 {
                all.spawn(send(tenant.request(reqwest::Method::GET, "/v1/masking")));
            }
            for answer in all.join_all().await {
                if answer.status.as_u16() == 429 {
                    refused = Some(answer);
                }
            }
            if refused.is_some() {
                break;
            }
        }
        let Some(refused) = refused else {
            // A machine that cannot ask faster than the limit cannot be limited.
            return;
        };
        assert_eq!(refused.headers[header::RETRY_AFTER], "1");
        assert_eq!(refused.expect(429)["code"], "rate_limited");
        other.get("/v1/masking").await.expect(200);
        tokio::time::sleep(Duration::from_secs(1)).await;
        tenant.get("/v1/masking").await.expect(200);
    });
}

#[test]
fn a_hundred_requests_write_a_handful_of_times() {
    run(async {
        let (platform, clock, scope) = platform(Preset::Website).await;
        for _ in 0..100 {
            assert_eq!(platform.admit(&scope, Class::Api, &[b"key_a"]).await, Ok(()));
            clock.advance(Duration::from_millis(10));
        }
        let rows = buckets(&scope.tenant().to_string()).await;
        assert_eq!(rows.len(), 1);
        let writes = number(&rows[0], "leases");
        assert!(writes <= 5, "{writes} writes");

        // Once refused, asking again costs nothing until there is a token.
        let mut admitted = 100;
        while platform.admit(&scope, Class::Api, &[b"key_a"]).await.is_ok() {
            admitted += 1;
        }
        let limit = Class::Api.limit();
        assert!(
            (u64::from(limit.burst)..=u64::from(limit.burst + limit.lease) + 60).contains(&admitted),
            "{admitted}"
        );
        let before = number(&buckets(&scope.tenant().to_string()).await[0], "leases");
        for _ in 0..500 {
            assert!(platform.admit(&scope, Class::Api, &[b"key_a"]).await.is_err());
        }
        let rows = buckets(&scope.tenant().to_string()).await;
        assert_eq!(number(&rows[0], "leases"), before);
        assert_eq!(
            platform.admit(&scope, Class::Api, &[b"key_b"]).await,
            Ok(()),
            "another key"
        );
    });
}

#[test]
fn two_instances_share_one_bucket() {
    run(async {
        let (one, clock, scope) = platform(Preset::Website).await;
        let two = platform_as("inbox", &clock);
        let limit = Class::ChatMessages.limit();
        let mut admitted = 0;
        for _ in 0..limit.burst + limit.lease {
            for instance in [&one, &two] {
                let asked = instance.admit(&scope, Class::ChatMessages, &[b"chan", b"203.0.113.7"]);
                admitted += u32::from(asked.await.is_ok());
            }
        }
        // Each instance lets one lease through unasked; everything else is paid for before it is spent.
        assert_eq!(admitted, limit.burst + 2 * limit.lease);
        clock.advance(limit.interval);
        let again = one.admit(&scope, Class::ChatMessages, &[b"chan", b"203.0.113.7"]);
        assert_eq!(again.await, Ok(()));
    });
}

#[test]
fn tomorrow_an_address_has_another_hash_and_todays_has_ended() {
    run(async {
        let (platform, clock, scope) = platform(Preset::Website).await;
        let lease = Class::ChatMessages.limit().lease;
        let asked = || async {
            // What comes after the lease that is let through unasked leaves a row.
            for _ in 0..=lease {
                let asked = platform.admit(&scope, Class::ChatMessages, &[b"chan", b"203.0.113.7"]);
                assert_eq!(asked.await, Ok(()));
            }
        };
        asked().await;
        clock.advance(Duration::from_hours(24));
        asked().await;
        let rows = buckets(&scope.tenant().to_string()).await;
        assert_eq!(rows.len(), 2, "two hashes of one address");
        for row in rows {
            assert!(!row.contains("203.0.113"), "{row}");
            let ends = number(&row, "expires_at") * 1000;
            assert!(ends <= number(&row, "at") + 86_400_000 + 999, "{row}");
        }
    });
}
