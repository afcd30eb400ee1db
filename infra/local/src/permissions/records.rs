//! What was allowed and refused so far, and the table of statements that follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::Who;
use super::calls::Ask;
use super::context::Context;
use super::policy::{Kind, Statement};
use super::refusal::Refusal;
use super::roles::Rules;

/// Calls of one shape: the same function and role, action and resource, allowed by the same statements.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    function: String,
    role: String,
    action: String,
    resource: String,
    sides: Vec<Vec<usize>>,
}

#[derive(Debug)]
struct Seen {
    count: u64,
    /// One of them, to be judged again.
    who: Who,
    ask: Ask,
}

/// Everything counted. Bounded by the template, not by the number of calls.
#[derive(Debug, Default)]
pub(super) struct Records {
    allowed: BTreeMap<Shape, Seen>,
    refused: BTreeMap<(String, String, String, String), Refused>,
}

/// Refusals of one shape.
#[derive(Debug, Clone, Serialize)]
pub struct Refused {
    /// Function that asked, or `scheduler`.
    pub function: String,
    /// The role that it asked in, or the service that wanted to take a role.
    pub role: String,
    /// Action, such as `dynamodb:GetItem`.
    pub action: String,
    /// ARN; of files only the bucket.
    pub resource: String,
    /// Why it was refused, with the statement that would allow it.
    pub missing: String,
    /// How often.
    pub count: u64,
}

/// One action or resource of a statement, and how many calls it let pass.
#[derive(Debug, Clone, Serialize)]
pub struct Use {
    /// As the template has it, references resolved.
    pub name: String,
    /// Calls.
    pub calls: u64,
}

/// One statement and what it is worth.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// `<role>/<Sid>`; without a Sid the policy's name, and `trust` for who may take the role.
    pub statement: String,
    /// Calls that it allowed.
    pub allowed: u64,
    /// Calls that it alone allowed: without it they would have been refused.
    pub only: u64,
    /// Its actions.
    pub actions: Vec<Use>,
    /// Its resources.
    pub resources: Vec<Use>,
    /// Whether it is out of force.
    pub removed: bool,
    /// Whether it says what a function may do or who may take its role, its log apart: such a statement has to
    /// be used, and needed.
    pub counts: bool,
}

/// The table of statements.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    /// Every statement of the template.
    pub statements: Vec<Row>,
    /// What was refused.
    pub refused: Vec<Refused>,
}

impl Records {
    pub(super) fn allowed(&mut self, who: &Who, ask: &Ask, sides: Vec<Vec<usize>>) {
        let shape = Shape {
            function: who.function.clone(),
            role: who.role().to_owned(),
            action: ask.action.clone(),
            resource: shape_of(&ask.resource),
            sides,
        };
        let new = || Seen {
            count: 0,
            who: who.clone(),
            ask: ask.clone(),
        };
        self.allowed.entry(shape).or_insert_with(new).count += 1;
    }

    /// Counts a refusal. Says whether it is the first of its shape.
    pub(super) fn refused(&mut self, refusal: &Refusal) -> bool {
        let refused = Refused {
            function: refusal.function.clone(),
            role: refusal.role.clone(),
            action: refusal.action.clone(),
            resource: shape_of(&refusal.resource),
            missing: refusal.missing.clone(),
            count: 0,
        };
        let key = (
            refused.function.clone(),
            refused.role.clone(),
            refused.action.clone(),
            format!("{} {}", refused.resource, refused.missing),
        );
        let found = self.refused.entry(key).or_insert(refused);
        found.count += 1;
        found.count == 1
    }

    /// One call of each shape that was allowed.
    pub(super) fn calls(&self) -> impl Iterator<Item = (&Who, &Ask)> {
        self.allowed.values().map(|seen| (&seen.who, &seen.ask))
    }

    pub(super) fn table(&self, rules: &Rules, removed: &BTreeSet<usize>) -> Table {
        let mut statements: Vec<Row> = rules.statements.iter().map(row).collect();
        for (position, row) in statements.iter_mut().enumerate() {
            row.removed = removed.contains(&position);
        }
        for (shape, seen) in &self.allowed {
            let mut context = Context::of_principal(seen.who.role(), seen.who.tags.iter());
            context.merge(&seen.ask.context);
            for side in &shape.sides {
                for position in side {
                    let statement = rules.statements.get(*position);
                    if let Some((statement, row)) = statement.zip(statements.get_mut(*position)) {
                        row.count(statement, seen, &context, side.len() == 1);
                    }
                }
            }
        }
        Table {
            statements,
            refused: self.refused.values().cloned().collect(),
        }
    }
}

fn row(statement: &Statement) -> Row {
    let unused = |name: &str| Use {
        name: name.to_owned(),
        calls: 0,
    };
    Row {
        statement: statement.id.clone(),
        allowed: 0,
        only: 0,
        actions: statement
            .actions
            .iter()
            .map(|action| unused(action.text()))
            .collect(),
        resources: statement
            .resources
            .iter()
            .map(|resource| unused(resource.text()))
            .collect(),
        removed: false,
        counts: statement.allows && statement.kind != Kind::Resource && !statement.is_about_logs(),
    }
}

impl Row {
    fn count(&mut self, statement: &Statement, seen: &Seen, context: &Context, alone: bool) {
        self.allowed += seen.count;
        if alone {
            self.only += seen.count;
        }
        for (action, used) in statement.actions.iter().zip(&mut self.actions) {
            if action.matches_action(&seen.ask.action) {
                used.calls += seen.count;
            }
        }
        for (resource, used) in statement.resources.iter().zip(&mut self.resources) {
            if resource.matches(&seen.ask.resource, context) {
                used.calls += seen.count;
            }
        }
    }

    /// What of it no call used.
    pub fn idle(&self) -> Vec<&str> {
        let all = self.actions.iter().chain(&self.resources);
        all.filter(|used| used.calls == 0)
            .map(|used| used.name.as_str())
            .collect()
    }
}

impl Table {
    /// What has no use, by name: statements that nothing needed, and actions and resources that nothing used.
    pub fn unused(&self) -> Vec<String> {
        let mut unused = Vec::new();
        for row in self.statements.iter().filter(|row| row.counts) {
            if row.allowed == 0 {
                unused.push(format!("{} allowed no call", row.statement));
            } else if row.only == 0 {
                unused.push(format!("{}: others allow all that it allows", row.statement));
            } else {
                let idle = row.idle().into_iter();
                unused.extend(idle.map(|part| format!("{}: nothing used {part}", row.statement)));
            }
        }
        unused
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        let widest = self
            .statements
            .iter()
            .map(|row| row.statement.len())
            .max()
            .unwrap_or(0);
        writeln!(
            text,
            "{:widest$}  {:>8}  {:>8}  note",
            "statement", "allowed", "needed"
        )?;
        for row in &self.statements {
            let note = match row {
                row if row.removed => "REMOVED".to_owned(),
                row if !row.counts => "not judged by use".to_owned(),
                row if row.allowed == 0 => "UNUSED".to_owned(),
                row if row.only == 0 => "NOT NEEDED".to_owned(),
                row if !row.idle().is_empty() => format!("unused: {}", row.idle().join(", ")),
                _ => String::new(),
            };
            let line = format!(
                "{:widest$}  {:>8}  {:>8}  {note}",
                row.statement, row.allowed, row.only
            );
            writeln!(text, "{}", line.trim_end())?;
        }
        for refused in &self.refused {
            let Refused {
                function,
                role,
                action,
                resource,
                missing,
                count,
            } = refused;
            writeln!(
                text,
                "refused {count} x: {function} as {role}: {action} on {resource}: {missing}"
            )?;
        }
        f.write_str(&text)
    }
}

/// A file's ARN without its name: there are as many files as there is work, and few buckets. What a bucket is divided
/// into stays, if that is not its tenants.
fn shape_of(resource: &str) -> String {
    let file = resource
        .strip_prefix("arn:aws:s3:::")
        .and_then(|file| file.split_once('/'));
    match file {
        Some((bucket, name)) => match name.split_once('/') {
            Some((part, _)) if !part.starts_with("tn_") => format!("arn:aws:s3:::{bucket}/{part}/*"),
            _ => format!("arn:aws:s3:::{bucket}/*"),
        },
        None => resource.to_owned(),
    }
}

/// One call, for people.
pub(super) fn describe(who: &Who, ask: &Ask) -> String {
    let role = who.role().rsplit('/').next().unwrap_or_default();
    format!(
        "{} as {role}: {} on {}",
        who.function,
        ask.action,
        shape_of(&ask.resource)
    )
}
