//! Whether a row may still be read: decided here, at every read, by the policy in force.
//!
//! What ends with its conversation may need the conversation's head to tell. It is read only if the row's own time is past
//! the shortest period in force, and only for tenants who chose an anchor or a period for a channel; nobody else pays
//! for it. It is read anew each time, so that a change of the day that a conversation is about counts at once.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use usher_shared::model::ConversationState;
use usher_shared::policy::Course;
use usher_shared::records::{Conversation, REGISTRY};
use usher_shared::{Record as _, Timestamp};

use super::item::{self, Item, attribute};
use super::keys::{HEAD, Table};
use super::{Row, Store, StoreError};

/// The courses of the conversations that one read came upon, by partition.
pub(super) type Courses = HashMap<String, Option<Course>>;

impl Row {
    /// The course of the conversation whose head this is.
    pub fn course(&self) -> Option<Course> {
        course(&self.0)
    }

    /// The time from which its record's own period counts.
    pub fn anchor(&self) -> Option<Timestamp> {
        item::anchor(&self.0)
    }
}

/// What a conversation's head says of its course; `None` for other rows.
fn course(item: &Item) -> Option<Course> {
    if item::text(item, attribute::KIND) != Some(Conversation::SPEC.kind) {
        return None;
    }
    let millis = |name: &str| {
        item.get(name)?
            .as_n()
            .ok()?
            .parse()
            .ok()
            .map(Timestamp::from_millis)
    };
    let state = item::text(item, "state")?;
    Some(Course {
        channel: item::text(item, "channel")?.parse().ok()?,
        last_activity: millis("last_activity")?,
        closed: serde_json::from_value(state.into())
            .is_ok_and(|state| matches!(state, ConversationState::Closed)),
        event_at: millis("event_at"),
    })
}

impl Store {
    /// Whether the policy in force still lets the item be read. What is stamped on it does not matter.
    pub(super) async fn is_readable(&self, item: &Item, courses: &mut Courses) -> Result<bool, StoreError> {
        let Some(policy) = &self.policy else {
            return Ok(true);
        };
        let kind = item::text(item, attribute::KIND);
        let spec = REGISTRY.iter().find(|spec| Some(spec.kind) == kind);
        let (Some(spec), Some(own)) = (spec, item::anchor(item)) else {
            // A row that nothing in the registry explains is nobody's to read.
            return Ok(false);
        };
        let now = self.clock.now();
        if !policy.may_have_ended(spec.category, own, now) {
            return Ok(true);
        }
        if !policy.depends_on_course(spec.category) {
            return Ok(false);
        }
        let course = match course(item) {
            Some(course) => Some(course),
            None => self.course_around(item, courses).await?,
        };
        // Without a head there is nobody to say that it is kept longer.
        Ok(course.is_some_and(|course| !policy.has_ended_in(&course, own, now)))
    }

    /// The course of the conversation in whose partition an item is.
    async fn course_around(&self, item: &Item, courses: &mut Courses) -> Result<Option<Course>, StoreError> {
        let Some(pk) = item::text(item, attribute::PK) else {
            return Ok(None);
        };
        if let Some(known) = courses.get(pk) {
            return Ok(*known);
        }
        let answer = self
            .client
            .get_item()
            .table_name(self.tables.name(Table::Inbox))
            .key(attribute::PK, AttributeValue::S(pk.to_owned()))
            .key(attribute::SK, AttributeValue::S(HEAD.to_owned()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::database("GetItem", &error))?;
        let found = answer.item.as_ref().and_then(course);
        courses.insert(pk.to_owned(), found);
        Ok(found)
    }
}
