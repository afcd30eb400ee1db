//! Conditions and updates as DynamoDB's expressions.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use usher_shared::record::{Malformed, Record};
use usher_shared::{TenantPolicy, Timestamp};

use super::StoreError;
use super::item::{self, attribute};
use super::keys::Listing;

/// What must be true of a row for a write to happen.
#[derive(Clone, Debug)]
pub enum When {
    /// No such row.
    Absent,
    /// No such row, or only one that is past its period and waits to be removed.
    AbsentOrEnded,
    /// The row is there.
    Present,
    /// Whatever is there: what is written last counts.
    Any,
    /// The open field has this value.
    Is(&'static str, Value),
    /// The open field has one of these values.
    OneOf(&'static str, Vec<Value>),
    /// The open field is missing or below this value. For texts that sort.
    AbsentOrBelow(&'static str, Value),
    /// The open field is missing, or there is no such row.
    Missing(&'static str),
    /// The open field, a list, does not hold this value; nor does it if it is missing, or there is no such row.
    Lacks(&'static str, Value),
    /// All of these.
    All(Vec<When>),
}

impl When {
    /// The open field is as it was read: `null` stands for one that was missing.
    pub fn unchanged(field: &'static str, value: Value) -> Self {
        if value.is_null() {
            Self::Missing(field)
        } else {
            Self::Is(field, value)
        }
    }
}

/// Collects names and values of an expression.
#[derive(Default)]
pub(super) struct Expression {
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
    /// Rows anchored at this time or earlier are past their period.
    ended: Option<Timestamp>,
    now: Timestamp,
    kind: &'static str,
}

impl Expression {
    /// An empty expression about records of `kind`, of which those anchored at `ended` or earlier are past
    /// their period.
    pub(super) fn new(kind: &'static str, ended: Option<Timestamp>, now: Timestamp) -> Self {
        Self {
            ended,
            now,
            kind,
            ..Self::default()
        }
    }

    fn name(&mut self, field: &str) -> String {
        let name = format!("#{field}");
        self.names.insert(name.clone(), field.to_owned());
        name
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let name = format!(":v{}", self.values.len());
        self.values.insert(name.clone(), value);
        name
    }

    pub(super) fn condition(&mut self, all: &[When]) -> String {
        let parts: Vec<String> = all.iter().map(|when| self.one(when)).collect();
        parts.join(" AND ")
    }

    fn one(&mut self, when: &When) -> String {
        match when {
            When::Absent => "attribute_not_exists(pk)".to_owned(),
            When::AbsentOrEnded => {
                let kind = self.name(attribute::KIND);
                let own = self.value(AttributeValue::S(self.kind.to_owned()));
                // A row of another kind in the same place: its own stamp says when it ends.
                let stamp = self.name(attribute::EXPIRES_AT);
                let now = self.value(AttributeValue::N(self.now.millis().div_euclid(1000).to_string()));
                let other = format!("({kind} <> {own} AND {stamp} <= {now})");
                let ended = self.ended.map(|ended| {
                    let anchor = self.name(attribute::ANCHOR);
                    let ended = self.value(AttributeValue::N(ended.millis().to_string()));
                    format!(" OR ({kind} = {own} AND {anchor} <= {ended})")
                });
                format!(
                    "(attribute_not_exists(pk) OR {other}{})",
                    ended.unwrap_or_default()
                )
            }
            When::Present => "attribute_exists(pk)".to_owned(),
            When::Any => "(attribute_exists(pk) OR attribute_not_exists(pk))".to_owned(),
            When::Is(field, value) => {
                let (name, value) = (self.name(field), self.value(item::to_attribute(value.clone())));
                format!("{name} = {value}")
            }
            When::OneOf(field, values) => {
                let name = self.name(field);
                let values: Vec<String> = values
                    .iter()
                    .map(|value| self.value(item::to_attribute(value.clone())))
                    .collect();
                format!("{name} IN ({})", values.join(", "))
            }
            When::AbsentOrBelow(field, value) => {
                let (name, value) = (self.name(field), self.value(item::to_attribute(value.clone())));
                format!("(attribute_exists(pk) AND (attribute_not_exists({name}) OR {name} < {value}))")
            }
            When::All(all) => format!("({})", self.condition(all)),
            When::Missing(field) => format!("attribute_not_exists({})", self.name(field)),
            When::Lacks(field, value) => {
                let (name, value) = (self.name(field), self.value(item::to_attribute(value.clone())));
                format!("(NOT contains({name}, {value}))")
            }
        }
    }

    pub(super) fn update<R: Record>(
        &mut self,
        fields: Vec<(&'static str, Value)>,
        listing: Option<&Listing>,
        policy: Option<&TenantPolicy>,
    ) -> Result<String, StoreError> {
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        for (field, value) in fields {
            let malformed = Malformed {
                kind: R::SPEC.kind,
                field,
            };
            if !R::SPEC.open.contains(&field) {
                return Err(malformed.into());
            }
            if field == R::SPEC.anchor {
                let anchor = value.as_i64().map(Timestamp::from_millis).ok_or(malformed)?;
                for (name, number) in item::stamps::<R>(anchor, policy) {
                    let (name, value) = (self.name(name), self.value(AttributeValue::N(number)));
                    set.push(format!("{name} = {value}"));
                }
            }
            let name = self.name(field);
            if value.is_null() {
                remove.push(name);
            } else {
                let value = self.value(item::to_attribute(value));
                set.push(format!("{name} = {value}"));
            }
        }
        if let Some(listing) = listing {
            for (field, text) in [
                (attribute::LISTING_PK, &listing.pk),
                (attribute::LISTING_SK, &listing.sk),
            ] {
                let (name, value) = (self.name(field), self.value(AttributeValue::S(text.clone())));
                set.push(format!("{name} = {value}"));
            }
        }
        let clause = |word: &str, parts: &[String]| {
            if parts.is_empty() {
                String::new()
            } else {
                format!("{word} {} ", parts.join(", "))
            }
        };
        Ok(format!("{}{}", clause("SET", &set), clause("REMOVE", &remove)))
    }

    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    pub(super) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}
