//! Permissions: every call is judged by the statements that `template.yaml` gives the calling role, as IAM
//! would judge it, and what passed is counted by statement, so that a statement nobody needs shows.
//!
//! A call is refused unless a statement allows it and none denies it. Roles are taken only as far as their
//! trust policies say; keys and buckets have a say of their own. The operator may do everything.

mod calls;
mod condition;
mod context;
mod outside;
mod pattern;
mod policy;
mod records;
mod refusal;
mod roles;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use axum::response::Response;

use self::calls::{Ask, Other};
use self::context::Context;
use self::policy::{Asker, Kind, Named, Statement};
use self::records::Records;
pub use self::records::{Refused, Row, Table, Use};
use self::refusal::{Lack, Refusal};
use self::roles::Rules;
use crate::callers::Caller;
use crate::console::Console;
use crate::proxy::{Call, Service};
use crate::template::{Names, Raw, Template, TemplateError};

/// The function name of the person at the machine and of tests, who are not judged.
pub const OPERATOR: &str = "operator";

/// The permissions of one stack.
#[derive(Debug)]
pub struct Permissions {
    rules: Rules,
    /// ARN of each function's own role.
    functions: BTreeMap<String, String>,
    removed: RwLock<BTreeSet<usize>>,
    records: Mutex<Records>,
    console: Console,
}

/// There is no statement of this name.
#[derive(Debug, Clone, thiserror::Error)]
#[error("there is no statement {0}; GET /_local/permissions lists them")]
pub struct UnknownStatement(pub String);

/// Who asks for something, in which role.
#[derive(Debug, Clone)]
struct Who {
    /// The function that acts, or the service of the cloud that acts for it.
    function: String,
    asker: Principal,
    tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
enum Principal {
    Role(String),
    Service(&'static str),
}

/// What the statements say to one ask.
#[derive(Debug)]
struct Verdict {
    /// Statements by side that has to agree: one of each side is needed.
    sides: Vec<Vec<usize>>,
    /// Why not, if not.
    refused: Option<Lack>,
}

impl Who {
    fn role(&self) -> &str {
        match &self.asker {
            Principal::Role(role) => role,
            Principal::Service(service) => service,
        }
    }

    fn asker(&self) -> Asker<'_> {
        match &self.asker {
            Principal::Role(role) => Asker::Role(role),
            Principal::Service(service) => Asker::Service(service),
        }
    }
}

impl Permissions {
    /// Reads the permissions of a template. Refusals are said on `console`.
    pub fn read(
        raw: &Raw,
        names: &Names,
        template: &Template,
        console: Console,
    ) -> Result<Self, TemplateError> {
        let rules = Rules::read(raw, names)?;
        let functions: BTreeMap<String, String> = template
            .functions
            .iter()
            .map(|function| (function.name.clone(), function.role.clone()))
            .collect();
        for (function, role) in &functions {
            if !rules.of.contains_key(role) {
                return Err(TemplateError::new(
                    function,
                    format!("its role {role} is not in the template"),
                ));
            }
        }
        Ok(Self {
            rules,
            functions,
            removed: RwLock::default(),
            records: Mutex::default(),
            console,
        })
    }

    /// Judges a call that passes the proxy. The error is the answer in the service's own format.
    #[expect(clippy::result_large_err, reason = "the error is the response itself")]
    pub(crate) fn check(&self, service: Service, call: &Call) -> Result<(), Response> {
        let caller = &call.caller;
        if caller.function == OPERATOR {
            return Ok(());
        }
        let who = Who {
            function: caller.function.clone(),
            asker: Principal::Role(caller.role.clone()),
            tags: caller.tags.clone(),
        };
        self.judge_call(service, call, caller, &who)
            .map_err(|refusal| refusal.answer(service))
    }

    fn judge_call(
        &self,
        service: Service,
        call: &Call,
        caller: &Caller,
        who: &Who,
    ) -> Result<(), Box<Refusal>> {
        if self.functions.get(&caller.function) == Some(&caller.role) {
            self.taken_by_lambda(who)?;
        }
        match calls::asks(service, call, &self.rules) {
            Ok(asks) => asks.iter().try_for_each(|ask| self.judge(who, ask)),
            Err(problem) => {
                let action = format!("{service:?}:{}", call.operation).to_lowercase();
                Err(self.refuse(who, &Ask::new(action, "*"), Lack::NotUnderstood(problem)))
            }
        }
    }

    /// A function has its credentials because its role trusts Lambda.
    fn taken_by_lambda(&self, who: &Who) -> Result<(), Box<Refusal>> {
        let lambda = Who {
            function: who.function.clone(),
            asker: Principal::Service("lambda.amazonaws.com"),
            tags: BTreeMap::new(),
        };
        self.judge(&lambda, &take(who.role()))
    }

    /// What Lambda asks for in a function's name, to read an event source or to write a dead letter.
    pub(crate) fn check_event_source(
        &self,
        function: &str,
        actions: &[&str],
        resource: &str,
    ) -> Result<(), String> {
        let role = self.functions.get(function).cloned().unwrap_or_default();
        let who = Who {
            function: function.to_owned(),
            asker: Principal::Role(role),
            tags: BTreeMap::new(),
        };
        let judge = || {
            self.taken_by_lambda(&who)?;
            let mut asks = actions.iter().map(|action| Ask::new(*action, resource));
            asks.try_for_each(|ask| self.judge(&who, &ask))
        };
        judge().map_err(|refusal| refusal.message())
    }

    /// Takes a statement out of force, as if the template did not have it. What was handed out under it
    /// (sessions of a role, say) stays as it is.
    ///
    /// # Errors
    /// [`UnknownStatement`].
    pub fn remove(&self, statement: &str) -> Result<(), UnknownStatement> {
        let position = self.position(statement)?;
        self.removed
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(position);
        Ok(())
    }

    /// Puts a statement back in force.
    ///
    /// # Errors
    /// [`UnknownStatement`].
    pub fn restore(&self, statement: &str) -> Result<(), UnknownStatement> {
        let position = self.position(statement)?;
        self.removed
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&position);
        Ok(())
    }

    /// Puts all statements back in force.
    pub fn restore_all(&self) {
        self.removed
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Forgets what was counted.
    pub fn reset(&self) {
        *self.records() = Records::default();
    }

    /// Calls and refusals so far, by statement.
    pub fn table(&self) -> Table {
        let removed = self.removed();
        self.records().table(&self.rules, &removed)
    }

    /// Judges every recorded call again, as if `statement` were not there. Gives those that would be refused,
    /// one of each shape.
    ///
    /// # Errors
    /// [`UnknownStatement`].
    pub fn refused_without(&self, statement: &str) -> Result<Vec<String>, UnknownStatement> {
        let removed = BTreeSet::from([self.position(statement)?]);
        let records = self.records();
        let refused = records
            .calls()
            .filter(|(who, ask)| self.verdict(who, ask, &removed).refused.is_some());
        Ok(refused.map(|(who, ask)| records::describe(who, ask)).collect())
    }

    fn position(&self, statement: &str) -> Result<usize, UnknownStatement> {
        let mut all = self.rules.statements.iter();
        all.position(|known| known.id == statement)
            .ok_or_else(|| UnknownStatement(statement.to_owned()))
    }

    fn removed(&self) -> BTreeSet<usize> {
        self.removed
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges one ask and counts the outcome.
    fn judge(&self, who: &Who, ask: &Ask) -> Result<(), Box<Refusal>> {
        let verdict = {
            let removed = self.removed.read().unwrap_or_else(PoisonError::into_inner);
            self.verdict(who, ask, &removed)
        };
        match verdict.refused {
            None => {
                self.records().allowed(who, ask, verdict.sides);
                Ok(())
            }
            Some(lack) => Err(self.refuse(who, ask, lack)),
        }
    }

    fn refuse(&self, who: &Who, ask: &Ask, lack: Lack) -> Box<Refusal> {
        let refusal = Box::new(Refusal::new(who, ask, lack, &self.rules));
        if self.records().refused(&refusal) {
            self.console.say(&refusal.line());
        }
        refusal
    }

    fn verdict(&self, who: &Who, ask: &Ask, removed: &BTreeSet<usize>) -> Verdict {
        let mut context = Context::of_principal(who.role(), who.tags.iter());
        context.merge(&ask.context);
        // Statements of a policy that speak of this ask: those that allow, and one that denies.
        let speaking = |owner: &str, wanted: &dyn Fn(&Statement) -> bool| {
            let (mut allowing, mut denying) = (Vec::new(), None);
            for position in self.rules.of.get(owner).into_iter().flatten() {
                let Some(statement) = self.rules.statements.get(*position) else {
                    continue;
                };
                if removed.contains(position)
                    || !wanted(statement)
                    || !statement.applies(&ask.action, &ask.resource, &context)
                {
                    continue;
                }
                if statement.allows {
                    allowing.push(*position);
                } else {
                    denying = Some(statement.id.clone());
                }
            }
            (allowing, denying)
        };
        let (own, denied) = speaking(who.role(), &|statement| statement.kind == Kind::Identity);
        let (directly, by_account, denied_too) = match &ask.other {
            None => (Vec::new(), Vec::new(), None),
            Some(Other::Trust(owner) | Other::Key(owner) | Other::Bucket(owner)) => {
                let of = |named: Named| {
                    speaking(owner, &move |statement| {
                        statement.kind != Kind::Identity && statement.names(who.asker()) == named
                    })
                };
                let ((directly, denied), (by_account, denied_too)) =
                    (of(Named::Directly), of(Named::ByAccount));
                (directly, by_account, denied.or(denied_too))
            }
        };
        if let Some(statement) = denied.or(denied_too) {
            let refused = Some(Lack::DeniedBy(statement));
            return Verdict {
                sides: Vec::new(),
                refused,
            };
        }
        let sides = match (&ask.other, &who.asker) {
            (None, _) => vec![(own, Lack::Own)],
            // Within one account either policy is enough.
            (Some(Other::Bucket(_)), _) => vec![([own, directly].concat(), Lack::Own)],
            (Some(Other::Key(_)), _) if !directly.is_empty() => vec![(directly, Lack::Key)],
            (Some(Other::Key(_)), _) => vec![(own, Lack::Own), (by_account, Lack::Key)],
            (Some(Other::Trust(_)), Principal::Service(_)) => vec![(directly, Lack::Trust)],
            // Stricter than the cloud, which within one account is content with the role's trust.
            (Some(Other::Trust(_)), Principal::Role(_)) => {
                vec![(own, Lack::Own), ([directly, by_account].concat(), Lack::Trust)]
            }
        };
        let refused = sides
            .iter()
            .find(|(side, _)| side.is_empty())
            .map(|(_, lack)| lack.clone());
        Verdict {
            sides: sides.into_iter().map(|(side, _)| side).collect(),
            refused,
        }
    }
}

/// The taking of a role.
fn take(role: &str) -> Ask {
    let mut ask = Ask::new("sts:AssumeRole", role);
    ask.other = Some(Other::Trust(role.to_owned()));
    ask
}

#[cfg(test)]
mod tests;
