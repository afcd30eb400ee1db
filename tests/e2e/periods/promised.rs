//! Periods that the platform promises, whatever a tenant chooses; and the page that says so.

use std::time::Duration;

use serde_json::{Value, json};
use usher_aws::store::{Read, keys};
use usher_shared::TenantPolicy;
use usher_shared::category::{Category, Preset};
use usher_shared::record::Place;
use usher_shared::records::REGISTRY;

use super::{DAY, rows_of, sweep, talked};
use crate::erasure::dump;
use crate::harness::{CLIENT, Tenant, data, eventually, run, send, stack, start};
use crate::holds::scope_of;

#[test]
fn p_ret_04_under_the_mail_preset_a_message_and_what_is_known_of_its_delivery_end_after_ninety_days() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Mail).await;
        let conversation = talked(&tenant).await;
        let longer = tenant
            .put("/v1/retention", &json!({"conversation_days": 91}))
            .await;
        longer.expect(422);
        let path = format!("/v1/conversations/{conversation}/messages");
        stack.advance(DAY * 89).await.unwrap();
        let messages = tenant.get(&path).await.expect(200);
        assert!(
            data(&messages).iter().any(|message| message["state"] == "sent"),
            "{messages}"
        );
        stack.advance(DAY + Duration::from_mins(1)).await.unwrap();
        tenant.get(&path).await.expect(404);
        sweep(&stack).await;
        eventually("all rows are gone", || async {
            (rows_of(&tenant, &conversation).await == 0).then_some(())
        })
        .await;
        stack.shutdown().await;
    });
}

#[test]
fn p_ret_08_the_security_log_is_there_for_a_year_and_gone_then() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        tenant
            .upload("Prices", "# Prices\n\nThe garden room costs 900 euros.\n")
            .await;
        let entries = || async {
            let scope = scope_of(&stack, &tenant).await;
            let all = keys::audit_events_until(scope.tenant(), scope.now());
            let read = Read {
                limit: 100,
                backward: false,
                consistent: true,
                after: None,
            };
            let readable = scope.store().query(&all, &read).await.unwrap().rows.len();
            let stored = dump(&tenant).await["tables"]["LedgerTable"].to_string();
            (readable, stored.matches("document_created").count())
        };
        let first = entries().await;
        assert_eq!(first.1, 1);
        stack.advance(DAY * 364).await.unwrap();
        sweep(&stack).await;
        assert_eq!(entries().await, first, "a day too early");
        let report = tenant.get("/v1/retention/report").await.expect(200);
        let all = report["categories"].as_array().unwrap();
        let log = all
            .iter()
            .find(|entry| entry["category"] == "security_log")
            .unwrap();
        assert_eq!((&log["days"], &log["removed_by"]), (&json!(365), &json!("sweep")));
        assert!(log["oldest_at"].is_string(), "{log}");
        stack.advance(DAY + Duration::from_mins(1)).await.unwrap();
        assert_eq!(entries().await.0, 0, "unreadable from that moment on");
        eventually("its row is gone", || async {
            sweep(&stack).await;
            (entries().await == (0, 0)).then_some(())
        })
        .await;
        stack.shutdown().await;
    });
}

#[test]
fn p_ret_07_no_table_holds_an_address_of_the_network_and_no_record_has_a_place_for_one() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Website).await;
        let guest = tenant.guest().await;
        let asked = guest.say("Hello?").await;
        guest.answer_to(&asked).await;
        // The gateway tells the functions who called: the limits count by it, once somebody comes often.
        for _ in 0..12 {
            tenant.guest().await;
        }
        let tables = dump(&tenant).await["tables"].to_string();
        assert!(tables.contains("rate_bucket"), "something was counted by address");
        assert!(
            !tables.contains("127.0.0.1") && !tables.contains("::1\""),
            "as itself"
        );
        for spec in REGISTRY {
            let fields = spec.open.iter().chain(spec.sealed);
            for field in fields {
                assert!(
                    !["ip", "source_ip", "remote_address", "user_agent"].contains(field),
                    "{}",
                    spec.kind
                );
            }
        }
        // What is counted by is a keyed hash, for a day.
        let bucket = REGISTRY.iter().find(|spec| spec.kind == "rate_bucket").unwrap();
        assert_eq!(bucket.category, Category::RateLimit);
        assert_eq!(bucket.places, [Place::InboxTable]);
        for preset in [Preset::Hospitality, Preset::Website, Preset::Mail] {
            assert_eq!(TenantPolicy::preset(preset).days(Category::RateLimit), Some(1));
        }
        stack.shutdown().await;
    });
}

#[test]
fn p_gov_01_the_page_shows_the_periods_that_reads_and_sweeps_go_by() {
    run(async {
        let url = format!("{}/privacy/policy", stack().base_url());
        let page = send(CLIENT.get(&url)).await.expect(200);
        assert_eq!(page["version"], usher_shared::published::CURRENT.version);
        for preset in [Preset::Hospitality, Preset::Website, Preset::Mail] {
            let tenant = Tenant::on(stack(), preset).await;
            let told = tenant.get("/v1/retention").await.expect(200);
            for period in told["periods"].as_array().unwrap() {
                let of = |entry: &&Value| entry["category"] == period["category"];
                let entry = page["categories"].as_array().unwrap().iter().find(of).unwrap();
                let shown = entry["periods"].as_array().unwrap();
                let shown = shown
                    .iter()
                    .find(|shown| shown["preset"] == told["preset"])
                    .unwrap();
                assert_eq!(
                    (&shown["days"], &shown["bounds"]),
                    (&period["days"], &period["bounds"]),
                    "{period}"
                );
            }
            // And what is told is what a row is hidden by.
            let scope = scope_of(stack(), &tenant).await;
            assert_eq!(
                told["periods"][0]["days"],
                json!(scope.policy().days(Category::Conversation))
            );
        }
        let html = send(CLIENT.get(&url).header("accept", "text/html,*/*")).await;
        assert_eq!(html.headers["content-type"], "text/html; charset=utf-8");
        let (edition, text) = (
            usher_shared::published::CURRENT,
            html.body.as_str().unwrap().to_owned(),
        );
        assert!(
            text.contains(&format!(
                "Version {}, in force since {}",
                edition.version, edition.date
            )),
            "{text}"
        );
        for spec in REGISTRY {
            assert!(text.contains(spec.category.name()), "{}", spec.kind);
        }
        assert!(
            text.contains("<td>365 days, or what the business chooses, from 1 days to 365 days</td>"),
            "{text}"
        );
    });
}
