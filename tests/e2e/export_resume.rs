//! Large exports: in bounded memory, and killed workers that leave no trace in the file.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use usher_aws::TenantScope;
use usher_aws::store::{When, keys};
use usher_local::Stack;
use usher_shared::category::Preset;
use usher_shared::ids::{ChannelId, ContactId, ConversationId, MessageId};
use usher_shared::model::{Author, ContactRef, ConversationState, Direction, MessageBody, MessageState};
use usher_shared::records::{Conversation, Message};
use usher_shared::untrusted::KeyedHash;

use crate::exports::{fetch, settled};
use crate::harness::{Tenant, eventually, run, start};

/// The scope of a tenant, as the operator.
pub(crate) async fn scope_of(stack: &Stack, tenant: &Tenant) -> TenantScope {
    let platform = usher_local::seed::operator(stack).unwrap();
    let key = platform
        .find_api_key(&tenant.demo.api_key)
        .await
        .unwrap()
        .unwrap();
    platform.enter(*key.tenant).await.unwrap()
}

/// Writes conversations past the channels, all at once: nothing answers or delivers them.
pub(crate) async fn fill(scope: &TenantScope, conversations: usize, messages: usize, letters: usize) {
    let mut writers = JoinSet::new();
    for number in 0..conversations {
        let scope = scope.clone();
        writers.spawn(async move { conversation(&scope, number, messages, letters).await });
        if writers.len() >= 4 {
            writers.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
}

async fn conversation(scope: &TenantScope, number: usize, messages: usize, letters: usize) {
    let now = scope.now();
    let contact = ContactRef {
        address: KeyedHash::from_bytes(u128::try_from(number).unwrap().to_be_bytes()),
        id: ContactId::generate(now, scope.entropy()),
    };
    let id = ConversationId::generate(now, scope.entropy());
    let channel = ChannelId::generate(now, scope.entropy());
    let keys_of = scope.create_contact_keys(contact.id, id).await.unwrap();
    let key = keys_of.conversation(id).unwrap().unwrap();
    let head = Conversation {
        id: id.into(),
        contact: contact.into(),
        channel: channel.into(),
        state: ConversationState::Human.into(),
        created_at: now.into(),
        last_activity: now.into(),
        answered_through: None.into(),
        processing: None.into(),
        waiting_since: None.into(),
        acknowledged_at: None.into(),
        ai_told: None.into(),
        event_at: None.into(),
        title: format!("Conversation {number}").into(),
        reach: None.into(),
    };
    let row =
        keys::conversation(scope.tenant(), id).listed(keys::conversation_listing(scope.tenant(), id, now));
    // Fresh ids: a condition fails only if an answer was lost and the call repeated.
    let _repeated = scope.store().put(&row, &head, &key, When::Absent).await.unwrap();
    // Several in one request: requests are the slow part.
    let mut parts = Vec::new();
    for message in 0..messages {
        let at = now.plus(Duration::from_millis(u64::try_from(message).unwrap()));
        let id_of = MessageId::generate(at, scope.entropy());
        let record = Message {
            id: id_of.into(),
            conversation: id.into(),
            contact: contact.into(),
            channel: channel.into(),
            direction: Direction::Outbound.into(),
            author: Author::Human.into(),
            state: MessageState::Sent.into(),
            at: at.into(),
            answers: None.into(),
            body: MessageBody::from(format!("{message} ").repeat(letters / 4)).into(),
            ..Message::blank()
        };
        let row = keys::message(scope.tenant(), id, id_of);
        parts.push(scope.store().putting(&row, &record, &key, When::Absent).unwrap());
        if parts.len() == 25 || message + 1 == messages {
            let parts = std::mem::take(&mut parts);
            let _repeated = scope.store().together(parts).await.unwrap();
        }
    }
}

/// Parts of unfinished uploads that are stored.
pub(crate) fn stored_parts(root: &Path) -> usize {
    std::fs::read_dir(root)
        .unwrap()
        .filter(|entry| {
            entry
                .as_ref()
                .unwrap()
                .file_name()
                .to_string_lossy()
                .contains(".part-")
        })
        .count()
}

/// The largest resident size that a living process of the function ever had, in KiB. Where the system does not
/// say, there is nothing to check.
fn peak_kib(stack: &Stack) -> u64 {
    let clock = &stack.environment("exports").unwrap()["USHER_LOCAL_CLOCK"];
    let mut peak = 0;
    for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let read = |name: &str| std::fs::read(process.path().join(name)).unwrap_or_default();
        let ours = read("comm") == b"exports\n"
            && String::from_utf8_lossy(&read("environ")).contains(clock.as_str());
        if !ours {
            continue;
        }
        let status = String::from_utf8_lossy(&read("status")).into_owned();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap_or_default();
        peak = peak.max(line.trim().trim_end_matches(" kB").parse().unwrap_or(0));
    }
    peak
}

async fn ask(tenant: &Tenant) -> Value {
    eventually("the place is free", || async {
        let answer = tenant
            .post("/v1/exports", &json!({"kind": "conversations_ndjson"}))
            .await;
        (answer.status == 202).then_some(answer.body)
    })
    .await
}

#[test]
fn an_export_whose_worker_is_killed_three_times_has_the_same_bytes() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let scope = scope_of(&stack, &tenant).await;
        // Ten conversations of 3 MiB, so that parts end inside them. Few long messages: writing is the slow part.
        fill(&scope, 10, 250, 12_000).await;
        let undisturbed = settled(&tenant, &ask(&tenant).await, "complete").await;
        let expected = fetch(&undisturbed).await;
        assert!(expected.len() > 5 * 5 * 1024 * 1024, "{}", expected.len());

        let killed = ask(&tenant).await;
        for parts in [1, 2, 4] {
            let waiting = async {
                while stored_parts(stack.objects().root()) < parts {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(Duration::from_mins(1), waiting)
                .await
                .unwrap();
            assert!(stack.kill("exports").await.unwrap() > 0);
        }
        let killed = settled(&tenant, &killed, "complete").await;
        assert_eq!(killed["counts"], undisturbed["counts"]);
        assert_eq!(killed["sha256"], undisturbed["sha256"]);
        assert!(fetch(&killed).await == expected, "the same bytes");
        let log = stack.logs("exports").unwrap();
        assert!(log.matches("export resumed").count() >= 3, "{log}");
        assert_eq!(stored_parts(stack.objects().root()), 0, "no part is left");
        let peak = peak_kib(&stack);
        assert!(peak < 96 * 1024, "{peak} KiB");
        stack.shutdown().await;
    });
}

#[test]
fn a_running_export_can_be_canceled_and_leaves_nothing() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let scope = scope_of(&stack, &tenant).await;
        fill(&scope, 6, 250, 12_000).await;
        let export = ask(&tenant).await;
        let path = format!("/v1/exports/{}", crate::harness::id(&export));
        eventually("it runs", || async {
            (tenant.get(&path).await.expect(200)["state"] == "running").then_some(())
        })
        .await;
        let refused = tenant
            .post("/v1/exports", &json!({"kind": "leads_csv"}))
            .await
            .expect(409);
        assert_eq!(
            (&refused["code"], &refused["resource_id"]),
            (&json!("export_running"), &export["id"])
        );
        let canceled = tenant
            .post(&format!("{path}/cancel"), &json!({}))
            .await
            .expect(200);
        assert_eq!(canceled["state"], "canceled");
        // The next one may begin at once.
        let next = tenant
            .post("/v1/exports", &json!({"kind": "leads_csv"}))
            .await
            .expect(202);
        settled(&tenant, &next, "complete").await;
        eventually("the worker cleans up", || async {
            let dump = crate::harness::send(crate::harness::CLIENT.get(tenant.url("/_local/dump")))
                .await
                .body;
            let progress = dump["tables"]["LedgerTable"]
                .to_string()
                .contains("\"export_progress\"");
            let file = dump["objects"].to_string().contains(".ndjson\"");
            (!progress && !file && stored_parts(stack.objects().root()) == 0).then_some(())
        })
        .await;
        assert_eq!(tenant.get(&path).await.expect(200)["state"], "canceled");
        stack.shutdown().await;
    });
}

/// Waits for an export for as long as it takes, and says for how long it was written.
async fn written(stack: &Stack, tenant: &Tenant, asked: &Value) -> (Value, f64) {
    let began = stack.clock().now_ms();
    let path = format!("/v1/exports/{}", crate::harness::id(asked));
    loop {
        let found = tenant.get(&path).await.expect(200);
        match found["state"].as_str() {
            Some("complete") => {
                let took = u32::try_from(stack.clock().now_ms() - began).unwrap();
                return (found, f64::from(took) / 1000.0);
            }
            Some("failed" | "canceled") => panic!("{found}"),
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Exports of more and more conversations of a hundred messages each: what a worker's process ever held resident,
/// beside one that never exported; and the last of them killed at three places. Gives the peaks, idle first.
async fn growing(sizes: &[usize]) -> Vec<u64> {
    use std::io::Write as _;
    let stack = start().await;
    let tenant = Tenant::on(&stack, Preset::Hospitality).await;
    let scope = scope_of(&stack, &tenant).await;
    tenant.get("/v1/exports").await.expect(200);
    let mut peaks = vec![peak_kib(&stack)];
    let say = |line: String| {
        let line = format!("{line}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    };
    say(format!("idle: peak {} KiB", peaks[0]));
    let (mut there, mut last) = (0, Value::Null);
    for conversations in sizes {
        fill(&scope, conversations - there, 100, 400).await;
        there = *conversations;
        stack.kill("exports").await;
        let (done, took) = written(&stack, &tenant, &ask(&tenant).await).await;
        fetch(&done).await;
        peaks.push(peak_kib(&stack));
        say(format!(
            "{} messages, {} bytes, {:.1} s, peak {} KiB",
            done["counts"]["messages"],
            done["size"],
            took,
            peaks[peaks.len() - 1]
        ));
        assert_eq!(
            done["counts"]["messages"].as_u64(),
            Some((there * 100).try_into().unwrap())
        );
        last = done;
    }
    let parts = usize::try_from(last["size"].as_u64().unwrap() / (5 * 1024 * 1024)).unwrap();
    let killed = ask(&tenant).await;
    let mut kills = Vec::new();
    for at in [1, parts / 2, parts.saturating_sub(1)] {
        let at = at.max(kills.last().map_or(1, |last| last + 1));
        while stored_parts(stack.objects().root()) < at {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(stack.kill("exports").await.unwrap() > 0);
        kills.push(at);
    }
    let (done, took) = written(&stack, &tenant, &killed).await;
    assert_eq!(
        (&done["sha256"], &done["counts"], &done["size"]),
        (&last["sha256"], &last["counts"], &last["size"])
    );
    fetch(&done).await;
    let resumed = stack.logs("exports").unwrap().matches("export resumed").count();
    assert!(resumed >= 3, "{resumed}");
    say(format!(
        "killed after parts {kills:?} of {}: the same bytes, {:.1} s",
        parts + 1,
        took
    ));
    peaks.push(peak_kib(&stack));
    stack.shutdown().await;
    peaks
}

/// Minutes long: `just large-export`.
#[test]
#[ignore = "writes 100,000 messages"]
fn a_large_export_takes_no_more_memory_than_a_small_one() {
    run(async {
        let peaks = growing(&[100, 1_000]).await;
        // PERF-06: 32 MiB above idle, and within a twentieth of the peak at a tenth of the size.
        for peak in &peaks[1..] {
            assert!(*peak <= peaks[0] + 32 * 1024, "{peaks:?}");
        }
        assert!(peaks[2] <= peaks[1] + peaks[1] / 20, "{peaks:?}");
    });
}
