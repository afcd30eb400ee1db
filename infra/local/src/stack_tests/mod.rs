//! The stack as a whole, with the real template and functions played by this test binary.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod faults;
mod function;
mod services;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::{Binaries, Data, Options, Stack, StartError, start};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn options(functions: &tempfile::TempDir, data: Data) -> Options {
    function::install(functions.path());
    Options {
        data,
        binaries: Binaries::Folder(functions.path().to_owned()),
        ..Options::in_memory(root())
    }
}

async fn memory() -> (Stack, tempfile::TempDir) {
    let functions = tempfile::tempdir().unwrap();
    (start(options(&functions, Data::Memory)).await.unwrap(), functions)
}

async fn get(stack: &Stack, path: &str) -> (u16, Value) {
    let answer = crate::client::loopback()
        .get(format!("{}{path}", stack.base_url()))
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn post(stack: &Stack, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}{path}", stack.base_url());
    let answer = crate::client::loopback()
        .post(url)
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn guest(stack: &Stack, text: &str) -> Value {
    let (status, body) = post(
        stack,
        "/_local/guest",
        &json!({"channel": "ck", "from": "ann", "text": text}),
    )
    .await;
    assert_eq!(status, 200, "{body}");
    body
}

/// Whether the inbox holds a row with this sort key.
fn has_row(stack: &Stack, sk: &str) -> bool {
    let items = stack.database().items("InboxTable").unwrap();
    items.iter().any(|item| item["sk"]["S"] == sk)
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..600 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{what} did not happen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_travels_through_gateway_stream_queue_and_outbox() {
    let (stack, _functions) = memory().await;
    assert_eq!(guest(&stack, "hello").await["status"], 202);
    until("the answer", || has_row(&stack, "answer to hello")).await;
    for _ in 0..2 {
        let (status, list) = get(&stack, "/chat/ck/messages").await;
        assert_eq!((status, &list["data"][0]["id"]), (200, &json!("answer to hello")));
    }
    let (_, outbox) = get(&stack, "/_local/outbox?kind=chat").await;
    assert_eq!(
        outbox["data"].as_array().unwrap().len(),
        1,
        "once per id: {outbox}"
    );
    assert_eq!(outbox["data"][0]["channel"], "ck");
    let (_, none) = get(&stack, "/_local/outbox?kind=sms").await;
    assert!(none["data"].as_array().unwrap().is_empty());
    let (_, dump) = get(&stack, "/_local/dump").await;
    assert_eq!(dump["tables"]["InboxTable"].as_array().unwrap().len(), 2);
    assert!(dump["queues"]["ReplyQueue.fifo"].as_array().unwrap().is_empty());
    let (_, health) = get(&stack, "/_local/health").await;
    assert_eq!(health["functions"]["reply"]["crashes"], 0);
    assert!(stack.logs("reply").unwrap().contains("aws:sqs"));
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_record_ends_in_the_dead_letters_and_holds_nobody_up() {
    // The real template retries for as long as the stream keeps its records; a test does not wait a day.
    let functions = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let template = functions.path().join("template.yaml");
    std::fs::write(
        &template,
        text.replace("MaximumRetryAttempts: -1", "MaximumRetryAttempts: 3"),
    )
    .unwrap();
    let options = Options {
        template,
        ..options(&functions, Data::Memory)
    };
    let stack = start(options).await.unwrap();
    for text in ["before", "poison", "after"] {
        guest(&stack, text).await;
    }
    let dead = || stack.queues().store().messages("StreamDeadLetters").unwrap();
    until("the dead letter", || !dead().is_empty()).await;
    until("the others", || {
        has_row(&stack, "answer to before") && has_row(&stack, "answer to after")
    })
    .await;
    let letter: Value = serde_json::from_str(&dead()[0].body).unwrap();
    assert_eq!(letter["DDBStreamBatchInfo"]["batchSize"], 1);
    assert_eq!(dead().len(), 1);
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_get_what_the_gateway_gives() {
    let (stack, _functions) = memory().await;
    let (status, body) = get(&stack, "/nowhere").await;
    assert_eq!((status, body), (404, json!({"message": "Not Found"})));
    let url = format!("{}/chat/ck/messages", stack.base_url());
    let large = crate::client::loopback()
        .post(url)
        .body(vec![b'x'; 10 * 1024 * 1024 + 1])
        .send()
        .await
        .unwrap();
    assert_eq!(large.status(), 413);
    let crashed = guest(&stack, "crash").await;
    assert_eq!(crashed["status"], 500);
    assert_eq!(crashed["response"], json!({"message": "Internal Server Error"}));
    let said = stack.console().recent().join("\n");
    assert!(
        said.contains("inbound crashed") && said.contains("last words"),
        "{said}"
    );
    assert_eq!(
        guest(&stack, "again").await["status"],
        202,
        "a new instance serves"
    );
    for (path, body, field) in [
        ("/_local/clock", json!({"advance": "1y"}), "advance"),
        ("/_local/clock", json!({"forward": "1d"}), "forward"),
        ("/_local/guest", json!({"channel": "ck", "from": "ann"}), "text"),
        (
            "/_local/guest",
            json!({"channel": "a/b", "from": "ann", "text": "x"}),
            "channel",
        ),
    ] {
        let (status, body) = post(&stack, path, &body).await;
        assert_eq!(
            (status, &body["errors"][0]["field"]),
            (422, &json!(field)),
            "{body}"
        );
    }
    assert_eq!(get(&stack, "/_local/nothing").await.0, 404);
    assert_eq!(post(&stack, "/_local/schedule/none", &json!({})).await.0, 404);
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_runs_schedules() {
    let (stack, _functions) = memory().await;
    let (_, moved) = post(&stack, "/_local/clock", &json!({"advance": "6m"})).await;
    assert_eq!(moved["offset_ms"], 360_000);
    until("the schedule", || has_row(&stack, "redriven")).await;
    let (status, ran) = post(&stack, "/_local/schedule/redrive", &json!({})).await;
    assert_eq!((status, ran), (200, json!({"schedule": "redrive", "answer": {}})));
    let (_, clock) = get(&stack, "/_local/clock").await;
    assert_eq!(clock["offset_ms"], 360_000);
    let file = stack.environment("reply").unwrap()["USHER_LOCAL_CLOCK"].clone();
    assert_eq!(std::fs::read_to_string(file).unwrap(), "360000");
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_cannot_be_says_what_and_where() {
    let functions = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let base = options(&functions, Data::Memory);
    let file = folder.path().join("file");
    std::fs::write(&file, "Resources:\n  A:\n    Type: [").unwrap();
    let message = |error: StartError| error.to_string();

    let error = start(Options { port, ..base.clone() }).await.unwrap_err();
    assert!(message(error).contains(&port.to_string()));
    let error = start(Options {
        template: file.clone(),
        ..base.clone()
    })
    .await
    .unwrap_err();
    let text = message(error);
    assert!(text.contains("file") && text.contains("line"), "{text}");
    let error = start(Options {
        template: folder.path().join("none"),
        ..base.clone()
    })
    .await
    .unwrap_err();
    assert!(message(error).contains("none"));
    let error = start(Options {
        data: Data::Folder(file.clone()),
        ..base.clone()
    })
    .await
    .unwrap_err();
    assert!(message(error).contains(&file.display().to_string()));
    let empty = Binaries::Folder(folder.path().to_owned());
    let error = start(Options {
        binaries: empty,
        ..base.clone()
    })
    .await
    .unwrap_err();
    assert!(message(error).contains("has no binary"));
}
