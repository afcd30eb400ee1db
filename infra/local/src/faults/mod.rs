//! Faults on purpose: what AWS does on a bad day, on request. A fault waits until something happens that it
//! can strike, strikes it, and is counted. The hooks are called by the proxy in front of the services, by the
//! readers of streams and queues, and by the runtime.

mod call;
mod random;
mod spec;
mod stale;
mod wire;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use serde_json::{Value, json};

pub(crate) use self::call::{after, before};
use self::random::Random;
pub use self::spec::{Fault, InvalidFault, Kind, Target, Wanted};
use self::stale::Images;
use crate::runtime::Pool;
use crate::template::Table;

/// The person at the machine, who is struck only by name: a test that looks must not become its own victim.
pub(crate) const OPERATOR: &str = "operator";

/// Faults to come, and what came of them.
#[derive(Debug)]
pub struct Faults {
    state: Mutex<State>,
    next: AtomicU64,
    images: Images,
    pools: OnceLock<BTreeMap<String, Weak<Pool>>>,
}

#[derive(Debug, Default)]
struct State {
    pending: Vec<Pending>,
    injected: BTreeMap<Injected, u64>,
}

#[derive(Debug)]
struct Pending {
    id: u64,
    fault: Fault,
    left: Option<u32>,
    skip: u32,
    random: Random,
}

/// What was struck: service, operation, kind, function.
type Injected = (Target, String, Kind, String);

/// A fault that strikes now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drawn {
    pub(crate) kind: Kind,
    pub(crate) delay: Duration,
    /// A number of its own, for what the fault decides by chance.
    pub(crate) seed: u64,
}

impl Faults {
    /// No faults. The tables say what names an item.
    pub(crate) fn new(tables: &[Table]) -> Self {
        Self {
            state: Mutex::default(),
            next: AtomicU64::new(1),
            images: Images::new(tables),
            pools: OnceLock::new(),
        }
    }

    /// Makes the functions known that can be killed.
    pub(crate) fn bind(&self, pools: &BTreeMap<String, Arc<Pool>>) {
        let pools = pools
            .iter()
            .map(|(name, pool)| (name.clone(), Arc::downgrade(pool)));
        // Bound once, at the start of the stack.
        let _: Result<(), _> = self.pools.set(pools.collect());
    }

    /// Adds a fault; returns its id.
    pub fn add(&self, fault: Fault) -> u64 {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let pending = Pending {
            id,
            left: fault.count,
            skip: fault.skip,
            random: Random::new(fault.seed),
            fault,
        };
        self.lock().pending.push(pending);
        id
    }

    /// Forgets what is pending and what was counted. Returns how many were pending.
    pub fn clear(&self) -> usize {
        self.images.clear();
        let mut state = self.lock();
        let pending = state.pending.len();
        *state = State::default();
        pending
    }

    /// What is pending, and what was injected, as JSON.
    pub fn list(&self) -> Value {
        let state = self.lock();
        let pending: Vec<Value> = state.pending.iter().map(Pending::describe).collect();
        let injected: Vec<Value> = state
            .injected
            .iter()
            .map(|((target, operation, kind, function), count)| {
                json!({
                    "service": target.name(),
                    "operation": operation,
                    "kind": kind.name(),
                    "function": function,
                    "count": count,
                })
            })
            .collect();
        json!({"object": "faults", "pending": pending, "injected": injected})
    }

    /// The fault that strikes this, if one does. `fits` says which kinds make sense here; a fault of another
    /// kind waits.
    pub(crate) fn draw(
        &self,
        target: Target,
        operation: &str,
        function: &str,
        fits: impl Fn(Kind) -> bool,
    ) -> Option<Drawn> {
        let mut state = self.lock();
        let State { pending, injected } = &mut *state;
        let drawn = pending
            .iter_mut()
            .filter(|pending| pending.fault.could_strike(target, operation, function))
            .filter(|pending| fits(pending.fault.kind))
            .find_map(Pending::strike)?;
        pending.retain(|pending| pending.left != Some(0));
        let name = (target, operation.to_owned(), drawn.kind, function.to_owned());
        *injected.entry(name).or_default() += 1;
        drop(state);
        tracing::debug!(
            target = target.name(),
            operation,
            function,
            kind = drawn.kind.name(),
            "fault"
        );
        Some(drawn)
    }

    /// Whether a fault of this kind waits.
    fn waits(&self, kind: Kind) -> bool {
        self.lock()
            .pending
            .iter()
            .any(|pending| pending.fault.kind == kind)
    }

    /// Kills the processes of a function.
    async fn kill(&self, function: &str) {
        let pool = self.pools.get().and_then(|pools| pools.get(function));
        if let Some(pool) = pool.and_then(Weak::upgrade) {
            pool.kill().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fault {
    fn could_strike(&self, target: Target, operation: &str, function: &str) -> bool {
        let named = match &self.function {
            Some(wanted) => wanted == function,
            None => function != OPERATOR,
        };
        let this = self.operation.as_ref().is_none_or(|wanted| wanted == operation);
        self.target == target && named && this && self.kind.fits_operation(operation)
    }
}

impl Pending {
    fn strike(&mut self) -> Option<Drawn> {
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        if self
            .fault
            .probability
            .is_some_and(|likely| self.random.fraction() >= likely)
        {
            return None;
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        Some(Drawn {
            kind: self.fault.kind,
            delay: self.fault.delay,
            seed: self.random.number(),
        })
    }

    fn describe(&self) -> Value {
        let mut body = self.fault.describe();
        if let Some(object) = body.as_object_mut() {
            object.insert("id".to_owned(), json!(self.id));
            object.insert("left".to_owned(), json!(self.left));
            object.insert("skip".to_owned(), json!(self.skip));
        }
        body
    }
}

/// Another order of stream records by chance, in which those of one item keep theirs: the records of one item
/// come in the order of its changes, and nothing is promised beyond.
pub(crate) fn reorder(records: &mut [Value], seed: u64) {
    let mut random = Random::new(seed);
    let mut places: BTreeMap<String, u64> = BTreeMap::new();
    records.sort_by_cached_key(|record| {
        let item = record.pointer("/dynamodb/Keys").map(Value::to_string);
        *places
            .entry(item.unwrap_or_default())
            .or_insert_with(|| random.number())
    });
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn add(faults: &Faults, body: Value) {
        let wanted: Wanted = serde_json::from_value(body).unwrap();
        faults.add(wanted.check(&["reply"], &[], &[]).unwrap());
    }

    fn draw(faults: &Faults, operation: &str, function: &str) -> Option<Kind> {
        let drawn = faults.draw(Target::DynamoDb, operation, function, |_| true);
        drawn.map(|drawn| drawn.kind)
    }

    #[test]
    fn a_fault_strikes_what_it_names_as_often_as_it_says() {
        let faults = Faults::new(&[]);
        add(
            &faults,
            json!({"service": "dynamodb", "operation": "PutItem", "kind": "throttle", "count": 2,
                   "function": "reply", "skip": 1}),
        );
        assert_eq!(draw(&faults, "GetItem", "reply"), None);
        assert_eq!(draw(&faults, "PutItem", "inbound"), None);
        assert_eq!(draw(&faults, "PutItem", "reply"), None, "the first is let pass");
        assert_eq!(draw(&faults, "PutItem", "reply"), Some(Kind::Throttle));
        assert_eq!(draw(&faults, "PutItem", "reply"), Some(Kind::Throttle));
        assert_eq!(draw(&faults, "PutItem", "reply"), None);
        let list = faults.list();
        assert_eq!(list["pending"], json!([]));
        assert_eq!(list["injected"][0]["count"], 2);
        faults.clear();
        assert_eq!(faults.list()["injected"], json!([]));
    }

    #[test]
    fn the_operator_is_struck_by_name_alone() {
        let faults = Faults::new(&[]);
        add(&faults, json!({"service": "dynamodb", "kind": "500"}));
        assert_eq!(draw(&faults, "PutItem", OPERATOR), None);
        add(
            &faults,
            json!({"service": "dynamodb", "kind": "denied", "function": "operator"}),
        );
        assert_eq!(draw(&faults, "PutItem", OPERATOR), Some(Kind::Denied));
    }

    #[test]
    fn one_seed_draws_the_same_each_time() {
        let draws = |seed: u64| {
            let faults = Faults::new(&[]);
            add(
                &faults,
                json!({"service": "dynamodb", "kind": "500", "probability": 0.3, "seed": seed}),
            );
            (0..200)
                .map(|_| draw(&faults, "PutItem", "reply").is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
        let struck = draws(1).into_iter().filter(|struck| *struck).count();
        assert!((30..90).contains(&struck), "{struck}");
    }

    #[test]
    fn reordering_keeps_the_order_of_each_item() {
        let record = |item: u32, number: u32| json!({"dynamodb": {"Keys": {"pk": item}, "n": number}});
        let original: Vec<Value> = (0..40).map(|n| record(n % 8, n)).collect();
        let mut records = original.clone();
        reorder(&mut records, 3);
        assert_ne!(records, original);
        for item in 0..8 {
            let of = |records: &[Value]| -> Vec<Value> {
                let own = records.iter().filter(|r| r["dynamodb"]["Keys"]["pk"] == item);
                own.cloned().collect()
            };
            assert_eq!(of(&records), of(&original));
        }
    }
}
