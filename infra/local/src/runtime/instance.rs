//! One instance: a process and the Runtime API that only it talks to, on a port of its own.

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::StatusCode;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot, watch};

use super::memory;
use super::{InvokeError, Log, MAX_PAYLOAD_BYTES, Spec};
use crate::clock::wall_ms;
use crate::ids::random_uuid;
use crate::server::Server;

/// Time a new process has until it asks for its first event. Generous: a debug build on a busy machine.
const INIT_TIMEOUT: Duration = Duration::from_secs(30);
/// Lines kept to be shown with a crash.
const LINES_KEPT: usize = 15;

/// What the function said about one event.
type Outcome = Result<Bytes, (String, String)>;

struct Invocation {
    id: String,
    trace: String,
    event: Bytes,
    delivered: oneshot::Sender<()>,
    outcome: oneshot::Sender<Outcome>,
}

/// What the watcher of a process is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// No event: nothing of the process runs, as in Lambda between invocations.
    Freeze,
    /// An event has come.
    Thaw,
    /// Kill it.
    Stop,
}

/// State behind the Runtime API of one instance.
struct Api {
    function: String,
    timeout: Duration,
    events: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    running: Mutex<Option<(String, oneshot::Sender<Outcome>)>>,
    init_error: watch::Sender<Option<String>>,
    orders: mpsc::Sender<Order>,
}

/// One process.
#[derive(Debug)]
pub(super) struct Instance {
    function: String,
    timeout: Duration,
    events: mpsc::Sender<Invocation>,
    exited: watch::Receiver<Option<String>>,
    init_error: watch::Receiver<Option<String>>,
    orders: mpsc::Sender<Order>,
    process: Option<u32>,
    memory_mib: u32,
    lines: Arc<Mutex<VecDeque<String>>>,
    _server: Server,
}

impl Instance {
    /// Starts a process; it counts as alive until it ends.
    pub(super) async fn start(spec: &Spec, log: &Arc<Log>) -> std::io::Result<Self> {
        let (events, receiver) = mpsc::channel(1);
        let (init_error, init_failed) = watch::channel(None);
        let (orders, ordered) = mpsc::channel(4);
        let api = Arc::new(Api {
            function: spec.name.clone(),
            timeout: spec.timeout,
            events: tokio::sync::Mutex::new(receiver),
            running: Mutex::default(),
            init_error,
            orders: orders.clone(),
        });
        let server = Server::start(crate::server::bind(0).await?, router(api))?;
        let mut command = Command::new(&spec.binary);
        command
            .env_clear()
            .envs(&spec.environment)
            .env("AWS_LAMBDA_RUNTIME_API", server.address().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A group of its own: Ctrl-C at the terminal reaches the stack alone, which then ends its functions.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let process = child.id();
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let streams = [
            child
                .stdout
                .take()
                .map(|out| tokio::spawn(copy(out, Arc::clone(log), Arc::clone(&lines)))),
            child
                .stderr
                .take()
                .map(|err| tokio::spawn(copy(err, Arc::clone(log), Arc::clone(&lines)))),
        ];
        let (exit, exited) = watch::channel(None);
        tokio::spawn(async move {
            let status = watch_over(child, ordered).await;
            for stream in streams.into_iter().flatten() {
                // The last words are worth a moment; a grandchild that holds the pipe open is not.
                let _: Result<_, _> = tokio::time::timeout(Duration::from_millis(500), stream).await;
            }
            exit.send_replace(Some(status));
        });
        Ok(Self {
            function: spec.name.clone(),
            timeout: spec.timeout,
            events,
            exited,
            init_error: init_failed,
            orders,
            process,
            memory_mib: spec.memory_mib,
            lines,
            _server: server,
        })
    }

    /// Whether the process still runs.
    pub(super) fn is_alive(&self) -> bool {
        self.exited.borrow().is_none()
    }

    /// The last lines it wrote.
    pub(super) fn last_lines(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .map(|line| format!("  | {line}"))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Hands over one event and waits for its outcome.
    pub(super) async fn invoke(&self, event: Bytes, trace: String) -> Result<Bytes, InvokeError> {
        let (delivered, was_delivered) = oneshot::channel();
        let (outcome, answered) = oneshot::channel();
        let invocation = Invocation {
            id: random_uuid(),
            trace,
            event,
            delivered,
            outcome,
        };
        let mut exited = self.exited.clone();
        if self.events.send(invocation).await.is_err() {
            return Err(self.crash("its runtime API is gone".to_owned()));
        }
        let mut init_error = self.init_error.clone();
        tokio::select! {
            _ = was_delivered => {}
            how = ended(&mut exited) => return Err(self.crash(how)),
            how = ended(&mut init_error) => return Err(self.crash(how)),
            () = tokio::time::sleep(INIT_TIMEOUT) => {
                return Err(InvokeError::TimedOut { function: self.function.clone(), after: INIT_TIMEOUT });
            }
        }
        tokio::select! {
            answer = answered => match answer {
                Ok(Ok(body)) => Ok(body),
                Ok(Err((kind, message))) => {
                    Err(InvokeError::Failed { function: self.function.clone(), kind, message })
                }
                Err(_) => Err(self.crash("it asked for another event without answering".to_owned())),
            },
            how = ended(&mut exited) => Err(self.crash(how)),
            used = memory::exceeded(self.process, self.memory_mib) => {
                self.stop().await;
                Err(self.crash(format!("out of memory: {used} MiB used of {} MiB", self.memory_mib)))
            }
            () = tokio::time::sleep(self.timeout) => {
                Err(InvokeError::TimedOut { function: self.function.clone(), after: self.timeout })
            }
        }
    }

    /// Kills the process and waits until it is gone.
    pub(super) async fn stop(&self) {
        if self.orders.send(Order::Stop).await.is_ok() {
            ended(&mut self.exited.clone()).await;
        }
    }

    fn crash(&self, how: String) -> InvokeError {
        InvokeError::Crashed {
            function: self.function.clone(),
            how,
        }
    }
}

/// Waits until the channel says how something ended.
async fn ended(channel: &mut watch::Receiver<Option<String>>) -> String {
    match channel.wait_for(Option::is_some).await {
        Ok(how) => how.clone().unwrap_or_default(),
        Err(_) => "its watcher is gone".to_owned(),
    }
}

/// Waits for the process to end, or ends it when told to or when the instance is dropped. Freezes and thaws it
/// meanwhile: here alone, where it is known not to have been replaced by another process of its number.
async fn watch_over(mut child: Child, mut orders: mpsc::Receiver<Order>) -> String {
    loop {
        let order = tokio::select! {
            status = child.wait() => return match status {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            },
            order = orders.recv() => order.unwrap_or(Order::Stop),
        };
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let signal = match order {
            Order::Freeze => Signal::STOP,
            Order::Thaw => Signal::CONT,
            Order::Stop => Signal::KILL,
        };
        // A group of its own: what the function started goes with it.
        if let Some(Err(error)) = group.map(|group| kill_process_group(group, signal)) {
            tracing::debug!(%error, ?order, "a function could not be signalled");
        }
        if order == Order::Stop {
            if let Err(error) = child.kill().await {
                tracing::warn!(%error, "a function could not be stopped");
            }
            return "stopped".to_owned();
        }
    }
}

async fn copy(stream: impl AsyncRead + Unpin, log: Arc<Log>, kept: Arc<Mutex<VecDeque<String>>>) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        log.line(&line);
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == LINES_KEPT {
            kept.pop_front();
        }
        kept.push_back(line);
    }
}

fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::max(MAX_PAYLOAD_BYTES + 1024))
        .with_state(api)
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    // Asking for the next event ends the last one; one that was not answered is a failure.
    api.running.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut events = api.events.lock().await;
    let invocation = if let Ok(invocation) = events.try_recv() {
        invocation
    } else {
        // A watcher that is gone has no process to freeze either.
        let _: Result<(), _> = api.orders.send(Order::Freeze).await;
        let next = events.recv().await;
        let _: Result<(), _> = api.orders.send(Order::Thaw).await;
        let Some(invocation) = next else {
            return StatusCode::GONE.into_response();
        };
        invocation
    };
    drop(events);
    let deadline = wall_ms().saturating_add(i64::try_from(api.timeout.as_millis()).unwrap_or(i64::MAX));
    let running = (invocation.id.clone(), invocation.outcome);
    *api.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
    // Nobody waits any more when the stack is stopping.
    let _: Result<(), ()> = invocation.delivered.send(());
    (
        [
            ("content-type", "application/json".to_owned()),
            ("lambda-runtime-aws-request-id", invocation.id),
            ("lambda-runtime-deadline-ms", deadline.to_string()),
            (
                "lambda-runtime-invoked-function-arn",
                crate::template::raw::function_arn(&api.function),
            ),
            ("lambda-runtime-trace-id", invocation.trace),
        ],
        invocation.event,
    )
        .into_response()
}

async fn response(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> Response {
    finish(&api, &id, Ok(body))
}

async fn error(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> Response {
    finish(&api, &id, Err(described(&body)))
}

async fn init_error(State(api): State<Arc<Api>>, body: Bytes) -> Response {
    let (kind, message) = described(&body);
    api.init_error
        .send_replace(Some(format!("at start: {kind}: {message}")));
    accepted()
}

/// Error type and message of an error body.
fn described(body: &[u8]) -> (String, String) {
    let error: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| {
        error
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or("unknown")
            .to_owned()
    };
    (text("errorType"), text("errorMessage"))
}

fn finish(api: &Api, id: &str, outcome: Outcome) -> Response {
    let running = {
        let mut running = api.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.take_if(|(current, _)| current == id)
    };
    if let Some((_, waiting)) = running {
        // The waiter may have timed out this very moment.
        let _: Result<(), Outcome> = waiting.send(outcome);
        accepted()
    } else {
        let problem = json!({"errorMessage": "no such invocation", "errorType": "InvalidRequestID"});
        (StatusCode::BAD_REQUEST, problem.to_string()).into_response()
    }
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, r#"{"status":"OK"}"#).into_response()
}
