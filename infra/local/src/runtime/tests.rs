//! The Runtime API against real processes: shell scripts that speak it with `curl`-like plain sockets
//! would prove less than this crate's own test binary, so the test binary plays the function: it is
//! started again with `USHER_TEST_FUNCTION` set.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use bytes::Bytes;

use super::{InvokeError, Pool, Spec};
use crate::console::Console;
use crate::faults::{Faults, Wanted};

static TICKING: Once = Once::new();
static TICKS: AtomicU64 = AtomicU64::new(0);

/// Not a test of its own: the function's side, in the process that the pool starts.
#[tokio::test]
async fn plays_the_function_when_asked() {
    let Ok(base) = std::env::var("AWS_LAMBDA_RUNTIME_API") else {
        return;
    };
    let base = format!("http://{base}/2018-06-01/runtime");
    let client = crate::client::loopback();
    loop {
        let Ok(next) = client.get(format!("{base}/invocation/next")).send().await else {
            return;
        };
        let id = next.headers()["lambda-runtime-aws-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(next.headers().contains_key("lambda-runtime-deadline-ms"));
        let event = next.text().await.unwrap();
        let (path, body) = match event.as_str() {
            "crash" => {
                eprintln!("about to crash");
                std::process::exit(7)
            }
            "sleep" => {
                tokio::time::sleep(Duration::from_mins(1)).await;
                return;
            }
            "hog" => {
                // Every page is written to, so that it is really taken.
                let hog: Vec<u8> = (0..400 << 20).map(|n: u32| n.to_le_bytes()[0] | 1).collect();
                tokio::time::sleep(Duration::from_mins(1)).await;
                ("response", hog.len().to_string())
            }
            "tick" => {
                TICKING.call_once(|| {
                    std::thread::spawn(|| {
                        loop {
                            std::thread::sleep(Duration::from_millis(10));
                            TICKS.fetch_add(1, Ordering::SeqCst);
                        }
                    });
                });
                ("response", TICKS.load(Ordering::SeqCst).to_string())
            }
            "fail" => (
                "error",
                r#"{"errorMessage":"boom","errorType":"HandlerError","stackTrace":[]}"#.to_owned(),
            ),
            "slow" => {
                tokio::time::sleep(Duration::from_millis(300)).await;
                ("response", std::process::id().to_string())
            }
            "pid" => ("response", std::process::id().to_string()),
            other => ("response", format!("echo {other}")),
        };
        client
            .post(format!("{base}/invocation/{id}/{path}"))
            .body(body)
            .send()
            .await
            .unwrap();
    }
}

fn pool(folder: &tempfile::TempDir, timeout: Duration) -> (Pool, Console) {
    // The test harness takes the test's name as an argument, which a function does not get: a script
    // stands between.
    use std::os::unix::fs::PermissionsExt as _;
    let test_binary = std::env::current_exe().unwrap();
    let script = folder.path().join("function");
    let text = format!(
        "#!/bin/sh\nexec {} --exact runtime::tests::plays_the_function_when_asked --nocapture\n",
        test_binary.display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let console = Console::new(true);
    let spec = Spec {
        name: "function".to_owned(),
        binary: script,
        environment: BTreeMap::new(),
        timeout,
        memory_mib: 256,
    };
    (
        Pool::new(
            spec,
            folder.path().join("function.log"),
            console.clone(),
            Arc::default(),
            Arc::new(Faults::new(&[])),
        )
        .unwrap(),
        console,
    )
}

fn event(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[tokio::test]
async fn an_instance_answers_one_event_after_another() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, _) = pool(&folder, Duration::from_secs(20));
    assert_eq!(pool.invoke("-", event("hello")).await.unwrap(), "echo hello");
    let first = pool.invoke("-", event("pid")).await.unwrap();
    let failed = pool.invoke("-", event("fail")).await.unwrap_err();
    assert!(
        matches!(failed, InvokeError::Failed { kind, message, .. } if kind == "HandlerError" && message == "boom")
    );
    assert_eq!(
        pool.invoke("-", event("pid")).await.unwrap(),
        first,
        "an error does not end the instance"
    );
    pool.stop().await;
}

#[tokio::test]
async fn events_at_the_same_time_get_instances_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, _) = pool(&folder, Duration::from_secs(20));
    let (one, two) = tokio::join!(pool.invoke("-", event("slow")), pool.invoke("-", event("slow")));
    assert_ne!(one.unwrap(), two.unwrap());
    pool.stop().await;
}

#[tokio::test]
async fn a_crash_is_reported_and_the_next_event_gets_a_new_instance() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, console) = pool(&folder, Duration::from_secs(20));
    let crashed = pool.invoke("-", event("crash")).await.unwrap_err();
    assert!(matches!(crashed, InvokeError::Crashed { how, .. } if how.contains('7')));
    let said = console.recent().join("\n");
    assert!(
        said.contains("function crashed") && said.contains("about to crash"),
        "{said}"
    );
    assert_eq!(pool.invoke("-", event("again")).await.unwrap(), "echo again");
    assert!(pool.log().unwrap().contains("about to crash"));
    pool.stop().await;
}

#[tokio::test]
async fn a_timeout_stops_the_instance() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, _) = pool(&folder, Duration::from_millis(200));
    let late = pool.invoke("-", event("sleep")).await.unwrap_err();
    assert!(matches!(late, InvokeError::TimedOut { .. }));
    assert_eq!(pool.invoke("-", event("again")).await.unwrap(), "echo again");
    pool.stop().await;
}

#[tokio::test]
async fn a_missing_binary_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (mut pool, _) = pool(&folder, Duration::from_secs(1));
    pool.spec.binary = folder.path().join("absent");
    let error = pool.invoke("-", event("hello")).await.unwrap_err().to_string();
    assert!(error.contains("absent"), "{error}");
}

fn fault(pool: &Pool, kind: &str) {
    let body = serde_json::json!({"service": "lambda", "kind": kind});
    let wanted: Wanted = serde_json::from_value(body).unwrap();
    pool.faults.add(wanted.check(&[], &[], &[]).unwrap());
}

#[tokio::test]
async fn nothing_of_a_function_runs_between_invocations() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, _) = pool(&folder, Duration::from_secs(20));
    let ticks = async || -> u64 {
        let answer = pool.invoke("test", event("tick")).await.unwrap();
        str::from_utf8(&answer).unwrap().parse().unwrap()
    };
    assert_eq!(ticks().await, 0);
    tokio::time::sleep(Duration::from_millis(800)).await;
    // A thread that ticks a hundred times a second would have ticked eighty times.
    let while_idle = ticks().await;
    assert!(while_idle < 30, "{while_idle}");
    pool.invoke("test", event("slow")).await.unwrap();
    assert!(
        ticks().await >= while_idle + 10,
        "it does run while an event is worked on"
    );
    pool.stop().await;
}

#[tokio::test]
async fn a_function_that_takes_more_memory_than_it_has_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, _) = pool(&folder, Duration::from_mins(1));
    let killed = pool.invoke("test", event("hog")).await.unwrap_err();
    assert!(
        matches!(&killed, InvokeError::Crashed { how, .. } if how.contains("out of memory")),
        "{killed}"
    );
    assert_eq!(pool.invoke("test", event("again")).await.unwrap(), "echo again");
    pool.stop().await;
}

#[tokio::test]
async fn a_kill_before_the_answer_loses_the_answer_and_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, _) = pool(&folder, Duration::from_secs(20));
    let first = pool.invoke("test", event("pid")).await.unwrap();
    fault(&pool, "kill");
    let killed = pool.invoke("test", event("pid")).await.unwrap_err();
    assert!(matches!(killed, InvokeError::Crashed { how, .. } if how.contains("before its answer")));
    assert_ne!(pool.invoke("test", event("pid")).await.unwrap(), first);
    assert_eq!(pool.health()["kills"], 1);
    pool.stop().await;
}

#[tokio::test]
async fn an_event_comes_twice_where_its_source_promises_once_or_more_and_a_request_never() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, _) = pool(&folder, Duration::from_secs(20));
    fault(&pool, "duplicate");
    assert_eq!(
        pool.invoke("test", event("request")).await.unwrap(),
        "echo request"
    );
    assert_eq!(pool.health()["invocations"], 1);
    assert_eq!(
        pool.invoke_event("test", event("event")).await.unwrap(),
        "echo event"
    );
    assert_eq!(pool.health()["invocations"], 3);
    pool.stop().await;
}
