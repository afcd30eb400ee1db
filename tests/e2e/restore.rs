//! Restoring from a backup: nothing serves before the ledger was replayed, and nobody comes back.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use usher_local::{Stack, seed};
use usher_shared::category::Preset;
use usher_shared::ids::{ContactId, TenantId};

use crate::erasure::{dump, nothing_shows, talk};
use crate::harness::{CLIENT, Tenant, data, eventually, root, run, send, start};
use crate::ops::{ops, refused, text, told};

const DAY: Duration = Duration::from_hours(24);
const REPLAY: [&str; 4] = ["restore", "replay", "--from-ledger", "LedgerTable-before-restore"];
/// The recovery windows of the template, in days.
const WINDOW: u32 = 29;
const KEYS_WINDOW: u32 = 3;

/// A stack with a tenant, a person and a neighbour, both leads.
struct Town {
    stack: Stack,
    tenant: Tenant,
    person: Known,
    neighbour: Known,
}

/// What is known of somebody who became a lead.
struct Known {
    email: &'static str,
    conversation: String,
    lead: String,
    message: String,
}

async fn town() -> Town {
    let stack = start().await;
    let tenant = Tenant::on(&stack, Preset::Hospitality).await;
    tenant
        .upload("Prices", "The garden room costs 900 euros a day.")
        .await;
    let (person, neighbour) = (
        settle(&tenant, "nora.forget@example.com").await,
        settle(&tenant, "otto.stays@example.com").await,
    );
    Town {
        stack,
        tenant,
        person,
        neighbour,
    }
}

async fn settle(tenant: &Tenant, email: &'static str) -> Known {
    let (_, message, conversation, lead) = talk(tenant, email).await;
    Known {
        email,
        conversation,
        lead,
        message,
    }
}

/// The contact of an erased lead, with its tenant, as the ledger names it.
async fn erased_contact(town: &Town) -> (TenantId, ContactId) {
    let dump = dump(&town.tenant).await;
    let rows = dump["tables"]["LedgerTable"].as_array().unwrap();
    let row = rows.iter().find(|row| row["k"]["S"] == "erasure").unwrap();
    let tenant = row["pk"]["S"]
        .as_str()
        .unwrap()
        .strip_suffix("#erasures")
        .unwrap();
    let contact = row["contacts"]["L"][0]["M"]["id"]["S"].as_str().unwrap();
    (tenant.parse().unwrap(), contact.parse().unwrap())
}

impl Town {
    async fn restore(&self, body: Value) -> Value {
        let request = CLIENT.post(self.tenant.url("/_local/restore")).json(&body);
        send(request).await.expect(200)
    }

    /// Erases the person, and waits until nothing is left.
    async fn erase(&self) {
        self.tenant
            .delete(&format!("/v1/leads/{}", self.person.lead))
            .await
            .expect(200);
        eventually("the erasure is verified", || async {
            let ledger = dump(&self.tenant).await["tables"]["LedgerTable"].to_string();
            ledger.contains("\"verified\"").then_some(())
        })
        .await;
    }

    /// Whether whoever ignores the mark can open the person's key.
    async fn is_readable_for_an_operator(&self, (tenant, contact): (TenantId, ContactId)) -> bool {
        let operator = seed::operator(&self.stack).unwrap();
        let scope = operator.enter_restored(tenant).await.unwrap().unwrap();
        scope.contact_keys(contact).await.unwrap().is_some()
    }

    /// Over HTTP everything is refused, and a guest's message too.
    async fn refuses(&self) {
        for path in ["/v1/leads", "/v1/conversations", "/v1/retention", "/v1/exports"] {
            let answer = self.tenant.get(path).await;
            assert!(answer.headers.contains_key("retry-after"), "{path}");
            assert_eq!(answer.expect(503)["code"], "restoring", "{path}");
        }
        let session = send(CLIENT.post(self.tenant.chat("sessions"))).await;
        assert_eq!(session.expect(503)["code"], "restoring");
    }

    /// The person is nowhere, the neighbour is where they were.
    async fn shows_the_neighbour_alone(&self) {
        let Self {
            tenant,
            person,
            neighbour,
            ..
        } = self;
        nothing_shows(tenant, &person.conversation, Some(&person.lead)).await;
        for (who, found) in [(person, 0), (neighbour, 1)] {
            let leads = tenant
                .post("/v1/leads/search", &json!({"email": who.email}))
                .await
                .expect(200);
            assert_eq!(data(&leads).len(), found, "{}", who.email);
            let hits = tenant
                .post("/v1/search", &json!({"q": who.email}))
                .await
                .expect(200);
            assert_eq!(!data(&hits).is_empty(), found > 0, "{}", who.email);
        }
        let lead = tenant
            .get(&format!("/v1/leads/{}", neighbour.lead))
            .await
            .expect(200);
        assert_eq!(lead["contacts"][0]["email"], neighbour.email);
        let messages = format!("/v1/conversations/{}/messages", neighbour.conversation);
        assert_eq!(data(&tenant.get(&messages).await.expect(200)).len(), 2);
    }

    /// Nothing of the person is stored, but in the ledger: not even unreadable.
    async fn stores_nothing_of(&self, contact: ContactId) {
        let tables = dump(&self.tenant).await["tables"].clone();
        for table in ["InboxTable", "KeysTable"] {
            // Markers stay, by their declaration: hashes and ids that refuse late deliveries.
            let rows = tables[table].as_array().unwrap().iter();
            let rows: Vec<&Value> = rows.filter(|row| row["k"]["S"] != "inbound_marker").collect();
            let rows = json!(rows).to_string();
            for id in [&self.person.conversation, &self.person.lead, &contact.to_string()] {
                assert!(!rows.contains(id.as_str()), "{table} names {id}");
            }
        }
    }

    /// Which rows there are, but for those that come and go by themselves.
    async fn rows(&self) -> BTreeSet<(String, String, String)> {
        let tables = dump(&self.tenant).await["tables"].clone();
        let mut rows = BTreeSet::new();
        for table in ["InboxTable", "KeysTable", "LedgerTable"] {
            for row in tables[table].as_array().unwrap() {
                let text = |name: &str| row[name]["S"].as_str().unwrap_or_default().to_owned();
                if text("k") != "rate_bucket" {
                    rows.insert((text("pk"), text("sk"), text("k")));
                }
            }
        }
        rows
    }
}

#[test]
fn p_del_09_p_ret_09_p_del_08_every_day_of_the_window_is_restored_and_brings_nobody_back() {
    run(async {
        let town = Box::pin(town()).await;
        let erased_on = WINDOW - 1;
        for _ in 0..erased_on {
            town.stack.advance(DAY).await.unwrap();
        }
        town.erase().await;
        let contact = erased_contact(&town).await;
        town.stack.advance(DAY).await.unwrap();

        let mut came_back = 0;
        for days_ago in (1..=WINDOW).rev() {
            let was_there = WINDOW - days_ago < erased_on;
            let report = town.restore(json!({"days_ago": days_ago})).await;
            let keys_restored = days_ago <= KEYS_WINDOW;
            for table in report["tables"].as_array().unwrap() {
                let restored = table["table"] != "KeysTable" || keys_restored;
                assert_eq!(table["restored"], restored, "{days_ago}: {table}");
            }
            town.refuses().await;
            // A wrapped key comes back with its own table alone. This is what the replay is for.
            let readable = town.is_readable_for_an_operator(contact).await;
            assert_eq!(readable, was_there && keys_restored, "{days_ago}");
            came_back += u32::from(readable);

            let told = told(&town.stack, &REPLAY).await;
            assert_eq!(told["erasures"], 1, "{days_ago}");
            assert_eq!(told["left"], 0);
            assert_eq!(
                told["keys_removed"].as_u64().unwrap() > 0,
                readable,
                "{days_ago}: {told}"
            );
            assert_eq!(
                told["rows_removed"].as_u64().unwrap() > 0,
                was_there,
                "{days_ago}: {told}"
            );
            assert!(!town.is_readable_for_an_operator(contact).await);
            town.stores_nothing_of(contact.1).await;
            eventually("the functions find out", || async {
                (town.tenant.get("/v1/leads").await.status == 200).then_some(())
            })
            .await;
            town.shows_the_neighbour_alone().await;
        }
        assert_eq!(came_back, KEYS_WINDOW - 1, "the test has seen what it is about");

        // Backups forget by themselves: keys within three days, all the rest within the window.
        for (days, table, named) in [
            (KEYS_WINDOW, "KeysTable", contact.1.to_string()),
            (
                WINDOW - KEYS_WINDOW,
                "InboxTable",
                town.person.conversation.clone(),
            ),
        ] {
            town.stack.advance(DAY * days).await.unwrap();
            let (backups, now) = (town.stack.backups(), town.stack.clock().now_ms());
            let held = backups.held();
            let held = held.iter().find(|held| held.table == table).unwrap();
            let start = now - i64::from(held.window_days) * 86_400_000;
            for at in held.snapshots.iter().copied().map(|at| at.max(start)) {
                let (_, items) = backups.find(table, at, now).unwrap();
                assert!(!items.is_empty());
                assert!(!json!(items).to_string().contains(&named), "{table} as of {at}");
            }
        }
        town.stack.shutdown().await;
    });
}

#[test]
fn p_del_09_a_replay_that_is_killed_and_one_that_is_repeated_come_to_the_same() {
    run(async {
        let town = Box::pin(town()).await;
        town.stack.advance(DAY).await.unwrap();
        town.erase().await;
        let contact = erased_contact(&town).await;
        let restore = || town.restore(json!({"days_ago": 0}));
        let serves = || async { ops(&town.stack, &["restore", "status"]).await.status.code() };

        restore().await;
        assert_eq!(serves().await, Some(1));
        let mut dry = REPLAY.to_vec();
        dry.push("--dry-run");
        let before = town.rows().await;
        let would = told(&town.stack, &dry).await;
        assert_eq!(would["dry_run"], true);
        assert!(would["ledger_rows_merged"].as_u64().unwrap() > 0, "{would}");
        assert!(would["left"].as_u64().unwrap() > 0, "{would}");
        assert_eq!(town.rows().await, before, "a dry run changes nothing");
        assert_eq!(serves().await, Some(1));

        let first = told(&town.stack, &REPLAY).await;
        assert!(first["rows_removed"].as_u64().unwrap() > 0);
        let whole = town.rows().await;
        assert_eq!(serves().await, Some(0));
        let again = told(&town.stack, &REPLAY).await;
        assert_eq!(
            (
                &again["rows_removed"],
                &again["keys_removed"],
                &again["ledger_rows_merged"]
            ),
            (&json!(0), &json!(0), &json!(0))
        );
        assert_eq!(town.rows().await, whole, "twice is once");

        for word in ["rows of", "keys are gone", "anything is left"] {
            restore().await;
            killed_at(&town.stack, word).await;
            assert_eq!(serves().await, Some(1), "killed at {word}");
            town.refuses().await;
            if word != "rows of" {
                assert!(!town.is_readable_for_an_operator(contact).await, "keys go first");
            }
            told(&town.stack, &REPLAY).await;
            assert_eq!(town.rows().await, whole, "killed at {word}");
        }
        town.stack.shutdown().await;
    });
}

/// Runs a replay and kills it as soon as it says `word`.
async fn killed_at(stack: &Stack, word: &str) {
    let binaries = usher_local::binaries::build(&root(), usher_local::binaries::Beside::Tests)
        .await
        .unwrap();
    let mut replay = tokio::process::Command::new(&binaries["usher-ops"])
        .args(["--local", stack.base_url()])
        .args(REPLAY)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(replay.stderr.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.contains(word) {
            break;
        }
    }
    replay.kill().await.unwrap();
}

#[test]
fn p_del_09_nothing_is_done_on_a_restored_table_before_the_replay() {
    run(async {
        let town = Box::pin(town()).await;
        let (tenant, neighbour) = (&town.tenant, &town.neighbour);
        town.stack.advance(DAY).await.unwrap();
        // One table is enough, whichever it is.
        for table in ["InboxTable", "LedgerTable", "KeysTable"] {
            town.restore(json!({"days_ago": 0, "tables": [table]})).await;
            town.refuses().await;
            let before = town.rows().await;
            let rows = dump(tenant).await["tables"]["InboxTable"].clone();
            let head = rows.as_array().unwrap().iter().find(|row| {
                row["k"]["S"] == "conversation" && row["id"]["S"] == neighbour.conversation.as_str()
            });
            let owner = head.unwrap()["pk"]["S"]
                .as_str()
                .unwrap()
                .split('#')
                .next()
                .unwrap()
                .to_owned();
            let job = |kind: &str| {
                json!({"k": kind, "at": town.stack.clock().now_ms(), "tenant": owner,
                       "conversation": neighbour.conversation, "message": neighbour.message})
            };
            for (function, kind) in [("reply", "reply_job"), ("deliver", "deliver_job")] {
                let event = json!({"Records": [{"messageId": "m1", "body": job(kind).to_string(),
                    "attributes": {"MessageGroupId": neighbour.conversation}}]});
                let answer = town.stack.invoke(function, &event).await.unwrap().unwrap();
                let answer: Value = serde_json::from_slice(&answer).unwrap();
                assert_eq!(
                    answer["batchItemFailures"][0]["itemIdentifier"], "m1",
                    "{function}"
                );
            }
            for (function, event) in [
                ("dispatch", json!({"Records": []})),
                ("dispatch", json!({"schedule": "redrive"})),
                ("retention", json!({"schedule": "sweep"})),
            ] {
                let answer = town.stack.invoke(function, &event).await.unwrap();
                assert!(
                    answer.unwrap_err().to_string().contains("restored from a backup"),
                    "{function}"
                );
            }
            assert_eq!(town.rows().await, before, "{table}");
            told(&town.stack, &["restore", "replay"]).await;
            eventually("the functions find out", || async {
                (tenant.get("/v1/leads").await.status == 200).then_some(())
            })
            .await;
            tenant
                .get(&format!("/v1/leads/{}", neighbour.lead))
                .await
                .expect(200);
        }
        town.stack.shutdown().await;
    });
}

#[test]
fn a_replay_refuses_to_let_tables_serve_that_lack_what_a_restore_leaves_off() {
    run(async {
        let town = Box::pin(town()).await;
        town.stack.advance(DAY).await.unwrap();
        town.restore(json!({"days_ago": 0, "tables": ["InboxTable"], "bare": true}))
            .await;
        let (code, said) = refused(&town.stack, &["restore", "replay"]).await;
        assert_eq!(code, 1, "{said}");
        assert!(
            said.contains("InboxTable: its stream is off") && said.contains("time to live is off"),
            "{said}"
        );
        town.refuses().await;
        let no_ledger = ["restore", "replay", "--from-ledger", "NoSuchTable"];
        let (code, said) = refused(&town.stack, &no_ledger).await;
        assert_eq!((code, said.contains("NoSuchTable")), (1, true), "{said}");
        let status = ops(&town.stack, &["restore", "status"]).await;
        assert!(text(&status.stderr).contains("usher-ops restore replay"));
        town.stack.shutdown().await;
    });
}

#[test]
fn restores_that_cannot_be_had_are_refused_with_the_field() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let restore = |body: Value| {
            let request = CLIENT.post(tenant.url("/_local/restore")).body(body.to_string());
            async move { send(request).await }
        };
        assert_eq!(
            restore(json!({"days_ago": 0})).await.expect(422)["errors"][0]["field"],
            "days_ago",
            "no backup yet"
        );
        stack.advance(DAY * 40).await.unwrap();
        stack.advance(DAY).await.unwrap();
        for (body, field) in [
            (json!({}), "at"),
            (json!({"at": "yesterday"}), "at"),
            (json!({"at": "2999-01-01T00:00:00Z"}), "at"),
            (json!({"days_ago": -1}), "body"),
            (json!({"days_ago": 1, "at": "2026-01-01T00:00:00Z"}), "days_ago"),
            (json!({"days_ago": 30}), "days_ago"),
            (json!({"days_ago": 4, "tables": ["KeysTable"]}), "days_ago"),
            (json!({"days_ago": 1, "tables": ["Nothing"]}), "tables"),
            (json!({"days_ago": 1, "tables": []}), "tables"),
            (json!({"days_ago": 1, "colour": "red"}), "colour"),
        ] {
            let answer = restore(body.clone()).await.expect(422);
            assert_eq!(answer["errors"][0]["field"], field, "{body}: {answer}");
        }
        tenant.get("/v1/leads").await.expect(200);

        let taken = send(CLIENT.post(tenant.url("/_local/backup"))).await.expect(200);
        let held = send(CLIENT.get(tenant.url("/_local/backup"))).await.expect(200);
        assert_eq!(held["tables"], taken["tables"]);
        let window = |table: &str| {
            let tables = held["tables"].as_array().unwrap();
            tables.iter().find(|held| held["table"] == table).unwrap()["window_days"].clone()
        };
        assert_eq!(
            (window("InboxTable"), window("KeysTable")),
            (json!(WINDOW), json!(KEYS_WINDOW))
        );
        stack.shutdown().await;
    });
}
