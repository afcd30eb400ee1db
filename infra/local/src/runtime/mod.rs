//! The Lambda Runtime API: real function binaries, one request per instance, more instances on demand.

mod instance;
mod memory;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use self::instance::Instance;
use crate::clock::wall_ms;
use crate::console::Console;
use crate::faults::{Faults, Kind, Target};
use crate::meter::{Cause, Meter, new_trace};

/// Instances of one function at a time.
const MOST_INSTANCES: usize = 4;

/// Largest event and answer of a synchronous invocation.
pub const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

/// Why an invocation gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InvokeError {
    /// The function answered with an error.
    #[error("{function} failed: {kind}: {message}")]
    Failed {
        /// Function name.
        function: String,
        /// Error type as the function reported it.
        kind: String,
        /// Message as the function reported it.
        message: String,
    },
    /// The process ended, or could not be started.
    #[error("{function} crashed: {how}")]
    Crashed {
        /// Function name.
        function: String,
        /// Exit status, or why it could not start.
        how: String,
    },
    /// The invocation took longer than the template allows.
    #[error("{function} timed out after {} s", after.as_secs())]
    TimedOut {
        /// Function name.
        function: String,
        /// Its timeout.
        after: Duration,
    },
    /// The event is larger than Lambda takes.
    #[error("the event for {function} is larger than 6 MiB")]
    TooLarge {
        /// Function name.
        function: String,
    },
}

/// What is needed to run one function.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Its name.
    pub name: String,
    /// The built binary.
    pub binary: PathBuf,
    /// Environment of each instance.
    pub environment: BTreeMap<String, String>,
    /// Time an invocation may take.
    pub timeout: Duration,
    /// Memory it may take, in MiB.
    pub memory_mib: u32,
}

/// All instances of one function.
#[derive(Debug)]
pub struct Pool {
    spec: Spec,
    idle: Mutex<Vec<Arc<Instance>>>,
    /// Every instance that may still run, for the end of the stack.
    all: Mutex<Vec<Weak<Instance>>>,
    permits: Semaphore,
    log: Arc<Log>,
    console: Console,
    meter: Arc<Meter>,
    started: AtomicU64,
    crashed: AtomicU64,
    killed: AtomicU64,
    timed_out: AtomicU64,
    invoked: AtomicU64,
    faults: Arc<Faults>,
}

impl Pool {
    /// A pool that starts its first instance at the first invocation. Logs go to `log_file`.
    pub fn new(
        spec: Spec,
        log_file: PathBuf,
        console: Console,
        meter: Arc<Meter>,
        faults: Arc<Faults>,
    ) -> std::io::Result<Self> {
        let log = Arc::new(Log::open(log_file, &spec.name, Arc::clone(&meter))?);
        Ok(Self {
            spec,
            idle: Mutex::default(),
            all: Mutex::default(),
            permits: Semaphore::new(MOST_INSTANCES),
            log,
            console,
            meter,
            started: AtomicU64::new(0),
            crashed: AtomicU64::new(0),
            killed: AtomicU64::new(0),
            timed_out: AtomicU64::new(0),
            invoked: AtomicU64::new(0),
            faults,
        })
    }

    /// The function's name.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// The environment its instances get.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.spec.environment
    }

    /// Everything the function wrote to its standard streams.
    pub fn log(&self) -> std::io::Result<String> {
        std::fs::read_to_string(&self.log.path)
    }

    /// Counts for the health endpoint.
    pub fn health(&self) -> Value {
        json!({
            "invocations": self.invoked.load(Ordering::Relaxed),
            "instances_started": self.started.load(Ordering::Relaxed),
            "instances_idle": self.lock_idle().len(),
            "instances_busy": MOST_INSTANCES.saturating_sub(self.permits.available_permits()),
            "crashes": self.crashed.load(Ordering::Relaxed),
            "kills": self.killed.load(Ordering::Relaxed),
            "timeouts": self.timed_out.load(Ordering::Relaxed),
        })
    }

    /// Invokes the function for a source that promises each event at least once, and on a bad day brings it
    /// twice: streams, queues, schedules. The answer is the first one's.
    pub async fn invoke_event(&self, trigger: &str, event: Bytes) -> Result<Bytes, InvokeError> {
        let twice = |kind| kind == Kind::Duplicate;
        match self.faults.draw(Target::Lambda, "", self.name(), twice) {
            None => self.invoke(trigger, event).await,
            Some(drawn) => {
                let second = async {
                    tokio::time::sleep(drawn.delay).await;
                    // Nobody waits for it, as nobody knows of it.
                    let _: Result<_, _> = self.invoke(trigger, event.clone()).await;
                };
                tokio::join!(self.invoke(trigger, event.clone()), second).0
            }
        }
    }

    /// Invokes the function and waits for its answer. `trigger` says why, for the meter.
    pub async fn invoke(&self, trigger: &str, event: Bytes) -> Result<Bytes, InvokeError> {
        let function = self.spec.name.clone();
        if event.len() > MAX_PAYLOAD_BYTES {
            return Err(InvokeError::TooLarge { function });
        }
        self.invoked.fetch_add(1, Ordering::Relaxed);
        let Ok(_permit) = self.permits.acquire().await else {
            return Err(InvokeError::Crashed {
                function,
                how: "the stack is stopping".to_owned(),
            });
        };
        let instance = self.instance().await?;
        let cause = Cause {
            function: self.spec.name.clone(),
            trigger: trigger.to_owned(),
        };
        let trace = new_trace();
        self.meter.begin(&trace, cause.clone());
        let began = wall_ms();
        let mut result = instance.invoke(event, trace).await;
        let lasted = wall_ms().saturating_sub(began).max(1);
        self.meter.end(cause, u64::try_from(lasted).unwrap_or(1));
        let struck = |kind| kind == Kind::Kill;
        if result.is_ok()
            && self
                .faults
                .draw(Target::Lambda, "", &self.spec.name, struck)
                .is_some()
        {
            self.killed.fetch_add(1, Ordering::Relaxed);
            instance.stop().await;
            let how = "killed before its answer".to_owned();
            result = Err(InvokeError::Crashed { function, how });
        }
        if let Err(InvokeError::Failed { .. }) = &result {
            self.console.say(&outcome(&result));
        }
        match &result {
            // An answer, even an error, leaves the instance ready for the next event.
            Ok(_) | Err(InvokeError::Failed { .. } | InvokeError::TooLarge { .. }) => {
                self.lock_idle().push(instance);
            }
            Err(InvokeError::TimedOut { .. }) => {
                self.timed_out.fetch_add(1, Ordering::Relaxed);
                self.console
                    .say(&format!("{} was stopped: {}", self.spec.name, outcome(&result)));
                instance.stop().await;
            }
            // Ended by the end of the stack.
            Err(InvokeError::Crashed { .. }) if self.permits.is_closed() => {}
            Err(InvokeError::Crashed { .. }) => {
                self.crashed.fetch_add(1, Ordering::Relaxed);
                let tail = instance.last_lines();
                self.console.say(&format!("{}\n{tail}", outcome(&result)));
            }
        }
        result
    }

    /// An idle instance that still lives, or a new one.
    async fn instance(&self) -> Result<Arc<Instance>, InvokeError> {
        loop {
            let idle = self.lock_idle().pop();
            match idle {
                Some(instance) if instance.is_alive() => return Ok(instance),
                Some(dead) => {
                    self.crashed.fetch_add(1, Ordering::Relaxed);
                    let name = &self.spec.name;
                    self.console
                        .say(&format!("{name} ended while idle\n{}", dead.last_lines()));
                }
                None => {
                    self.started.fetch_add(1, Ordering::Relaxed);
                    let started = Instance::start(&self.spec, &self.log).await.map(Arc::new);
                    if let Ok(instance) = &started {
                        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
                        all.retain(|known| known.upgrade().is_some_and(|known| known.is_alive()));
                        all.push(Arc::downgrade(instance));
                    }
                    return started.map_err(|error| {
                        let function = self.spec.name.clone();
                        let how = format!("{}: {error}", self.spec.binary.display());
                        InvokeError::Crashed { function, how }
                    });
                }
            }
        }
    }

    /// Kills every instance, busy or not; the next event starts a new one. Says how many there were.
    pub async fn kill(&self) -> usize {
        self.lock_idle().clear();
        let all = std::mem::take(&mut *self.all.lock().unwrap_or_else(PoisonError::into_inner));
        let alive: Vec<_> = all
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|instance| instance.is_alive())
            .collect();
        for instance in &alive {
            instance.stop().await;
        }
        let killed = u64::try_from(alive.len()).unwrap_or_default();
        self.killed.fetch_add(killed, Ordering::Relaxed);
        alive.len()
    }

    /// Stops every instance, busy or not, and starts no more.
    pub async fn stop(&self) {
        self.permits.close();
        self.lock_idle().clear();
        let all = std::mem::take(&mut *self.all.lock().unwrap_or_else(PoisonError::into_inner));
        for instance in all.iter().filter_map(Weak::upgrade) {
            instance.stop().await;
        }
    }

    fn lock_idle(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Instance>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn outcome(result: &Result<Bytes, InvokeError>) -> String {
    result.as_ref().err().map(ToString::to_string).unwrap_or_default()
}

/// The log file of one function.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    file: Mutex<std::fs::File>,
    function: String,
    meter: Arc<Meter>,
}

impl Log {
    fn open(path: PathBuf, function: &str, meter: Arc<Meter>) -> std::io::Result<Self> {
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)?;
        Ok(Self {
            path,
            file: Mutex::new(file),
            function: function.to_owned(),
            meter,
        })
    }

    pub(crate) fn line(&self, line: &str) {
        self.meter.logged(&self.function, line.len());
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = writeln!(file, "{line}") {
            tracing::warn!(%error, path = %self.path.display(), "log line lost");
        }
    }
}

/// The binary of a function in a folder of built ones.
pub fn binary_in(folder: &Path, function: &str) -> PathBuf {
    folder.join(format!("{function}{}", std::env::consts::EXE_SUFFIX))
}

#[cfg(test)]
mod tests;
