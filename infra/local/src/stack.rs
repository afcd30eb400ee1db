//! The whole stack in one handle: started from options, stopped as one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::backup::Backups;
use crate::callers::{Callers, Credentials};
use crate::clock::Clock;
use crate::console::Console;
use crate::control::Guests;
use crate::dynamodb::DynamoDb;
use crate::environment::Endpoints;
use crate::faults::Faults;
use crate::home::Home;
pub use crate::launch::start;
use crate::meter::Meter;
use crate::outbox::Outbox;
use crate::permissions::Permissions;
use crate::runtime::{InvokeError, Pool};
use crate::s3::S3;
use crate::server::Server;
use crate::sqs::Sqs;
use crate::template::{Schedule, Template};
use crate::world::World;

/// Where data lives.
#[derive(Debug, Clone)]
pub enum Data {
    /// Nowhere: gone with the stack.
    Memory,
    /// In this folder, made when missing. One stack at a time.
    Folder(PathBuf),
}

/// Where the functions' binaries come from.
#[derive(Debug, Clone)]
pub enum Binaries {
    /// `cargo build` at the root.
    Build,
    /// The same for a test: with the features that `cargo test` has already compiled everything with.
    BuildForTests,
    /// Already in this folder, named as the functions.
    Folder(PathBuf),
}

/// How to start a stack.
#[derive(Debug, Clone)]
pub struct Options {
    /// Root of the workspace.
    pub root: PathBuf,
    /// The template to build from.
    pub template: PathBuf,
    /// Where data lives.
    pub data: Data,
    /// Port of API and control endpoints on 127.0.0.1; 0 for any free one. All others are always free ones.
    pub port: u16,
    /// Where the binaries come from.
    pub binaries: Binaries,
    /// Replaces the visibility timeouts of all queues: a test does not wait minutes for a second attempt.
    pub queue_visibility: Option<Duration>,
    /// Bounds the delays that senders ask for: a test does not wait a quarter of an hour for a second look.
    pub longest_delay: Option<Duration>,
    /// Parameters of the template, in place of the local stack's own.
    pub parameters: BTreeMap<String, String>,
    /// Say nothing on standard output.
    pub quiet: bool,
}

impl Options {
    /// The workspace at `root`, its `template.yaml`, in memory, on any port, built by cargo, quiet: for tests.
    pub fn in_memory(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self {
            template: root.join("template.yaml"),
            root,
            data: Data::Memory,
            port: 0,
            binaries: Binaries::BuildForTests,
            queue_visibility: None,
            longest_delay: None,
            parameters: BTreeMap::new(),
            quiet: true,
        }
    }
}

/// Why a stack does not start: what, and where.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port cannot be had.
    #[error("port {port} on 127.0.0.1 cannot be used: {source}")]
    Port {
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// The data folder cannot be used.
    #[error("data folder {path}: {problem}")]
    Folder {
        /// The folder or file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The template cannot be read or understood.
    #[error("{file}: {problem}")]
    Template {
        /// The template's path.
        file: String,
        /// Place and problem.
        problem: String,
    },
    /// The functions could not be built.
    #[error("{0}")]
    Build(String),
    /// An emulated service does not start.
    #[error("{service} does not start: {problem}")]
    Service {
        /// Which.
        service: &'static str,
        /// Why.
        problem: String,
    },
}

/// A running stack. Dropping it ends everything at once; [`Stack::shutdown`] also waits for it.
#[derive(Debug)]
pub struct Stack {
    pub(crate) shared: Arc<Shared>,
    pub(crate) endpoints: Endpoints,
    pub(crate) key_arns: BTreeMap<String, String>,
    pub(crate) tasks: JoinSet<()>,
    pub(crate) servers: Vec<Server>,
}

/// What the control endpoints work with.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) base_url: String,
    pub(crate) template: Template,
    pub(crate) clock: Arc<Clock>,
    pub(crate) console: Console,
    pub(crate) database: Arc<DynamoDb>,
    pub(crate) backups: Arc<Backups>,
    pub(crate) queues: Arc<Sqs>,
    pub(crate) objects: Arc<S3>,
    pub(crate) outbox: Arc<Outbox>,
    /// The world outside: carriers.
    pub(crate) world: Arc<World>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) pools: BTreeMap<String, Arc<Pool>>,
    /// Functions whose queues are not read for the time being.
    pub(crate) paused: BTreeMap<String, watch::Sender<bool>>,
    pub(crate) callers: Arc<Callers>,
    pub(crate) permissions: Arc<Permissions>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) guests: Guests,
    pub(crate) operator: Credentials,
    /// Last, so that the lock and a temporary folder outlive what uses them.
    pub(crate) home: Home,
}

impl Shared {
    /// A schedule by name, with the pool of its function.
    pub(crate) fn schedule(&self, name: &str) -> Option<(&Schedule, &Arc<Pool>)> {
        self.template.functions.iter().find_map(|function| {
            let schedule = function.schedules.iter().find(|schedule| schedule.name == name)?;
            Some((schedule, self.pools.get(&function.name)?))
        })
    }
}

impl Stack {
    /// `http://127.0.0.1:<port>` of API and control endpoints.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// Where the emulated services listen.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Credentials of the person at the machine: may do everything. For seeds and tests.
    pub fn operator_credentials(&self) -> &Credentials {
        &self.shared.operator
    }

    /// Region of all clients.
    pub fn region(&self) -> &'static str {
        crate::template::REGION
    }

    /// ARN of the template's KMS key with this logical id.
    pub fn key_arn(&self, logical_id: &str) -> Option<&str> {
        self.key_arns.get(logical_id).map(String::as_str)
    }

    /// The environment that `function` runs in (without `AWS_LAMBDA_RUNTIME_API`): what a seed or a test needs
    /// to act as that function in this process.
    pub fn environment(&self, function: &str) -> Option<&BTreeMap<String, String>> {
        self.shared.pools.get(function).map(|pool| pool.environment())
    }

    /// The resolved template.
    pub fn template(&self) -> &Template {
        &self.shared.template
    }

    /// Table name of a logical id such as `InboxTable`.
    pub fn table(&self, logical_id: &str) -> Option<&str> {
        let tables = &self.shared.template.tables;
        tables
            .iter()
            .find(|table| table.name == logical_id)
            .map(|table| table.name.as_str())
    }

    /// The domain clock. Prefer [`Stack::advance`] to move it.
    pub fn clock(&self) -> &Arc<Clock> {
        &self.shared.clock
    }

    /// Moves the domain clock forward and sweeps TTL; due schedules follow. Returns how many items went.
    pub async fn advance(&self, by: Duration) -> Result<usize, String> {
        crate::control::advance(&self.shared, i64::try_from(by.as_millis()).unwrap_or(i64::MAX)).await
    }

    /// The callers known to this stack.
    pub fn callers(&self) -> &Arc<Callers> {
        &self.shared.callers
    }

    /// Who may do what, and who did.
    pub fn permissions(&self) -> &Arc<Permissions> {
        &self.shared.permissions
    }

    /// The embedded database.
    pub fn database(&self) -> &Arc<DynamoDb> {
        &self.shared.database
    }

    /// The tables' backups.
    pub fn backups(&self) -> &Arc<Backups> {
        &self.shared.backups
    }

    /// The queues.
    pub fn queues(&self) -> &Arc<Sqs> {
        &self.shared.queues
    }

    /// What left the system by a kind of way, in order: entries of `GET /_local/outbox`.
    pub fn left_by(&self, kind: &str) -> Vec<Value> {
        self.shared.outbox.list(Some(kind))
    }

    /// What the run would be billed for.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.shared.meter
    }

    /// What the stack says to its user.
    pub fn console(&self) -> &Console {
        &self.shared.console
    }

    /// Everything `function` wrote to its standard streams so far.
    pub fn logs(&self, function: &str) -> Option<String> {
        self.shared.pools.get(function).and_then(|pool| pool.log().ok())
    }

    /// Kills every process of a function. Says how many there were; `None` if there is no such function.
    pub async fn kill(&self, function: &str) -> Option<usize> {
        Some(self.shared.pools.get(function)?.kill().await)
    }

    /// Holds a function's queues back, or lets them go on: what is in flight is finished, what comes waits. Says
    /// whether there is such a function.
    pub fn pause(&self, function: &str, paused: bool) -> bool {
        let queues = self.shared.paused.get(function);
        queues.inspect(|queues| _ = queues.send_replace(paused)).is_some()
    }

    /// The files: one folder per bucket.
    pub fn objects(&self) -> &Arc<S3> {
        &self.shared.objects
    }

    /// Invokes a function directly, past gateway and event sources.
    pub async fn invoke(&self, function: &str, event: &Value) -> Option<Result<bytes::Bytes, InvokeError>> {
        let pool = self.shared.pools.get(function)?;
        Some(pool.invoke("direct", event.to_string().into()).await)
    }

    /// Ends everything: no process, port or lock is left.
    pub async fn shutdown(mut self) {
        self.tasks.shutdown().await;
        for pool in self.shared.pools.values() {
            pool.stop().await;
        }
        self.servers.clear();
        self.shared.home.unlock();
    }
}
