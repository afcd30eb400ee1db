//! Meta: Messenger, Instagram and WhatsApp. What arrives at `/hooks/meta`, what is sent, and the life of an account.
//!
//! One POST may carry updates of several accounts, of several tenants. Each update becomes one [`Event`] that says what
//! was written to; one that cannot be understood is [`What::Ignored`] and keeps no other from being heard.

pub mod account;
mod cloud;
mod comment;
mod graph_error;
pub mod id_list;
mod instagram;
mod json;
mod messaging;
mod messenger;
pub mod people;
mod send;
pub mod usage;
mod whatsapp;

use serde_json::Value;

pub use self::instagram::Instagram;
pub use self::messenger::Messenger;
pub use self::whatsapp::Whatsapp;
use crate::event::{Event, Person, Space, To, What};

/// Bytes that a body may have. Meta sends up to 1,000 updates at once; the largest are texts of a few kilobytes.
pub const LARGEST_BODY: usize = 3 * 1024 * 1024;
/// Levels that a body may be nested. Meta's deepest has twelve.
const DEEPEST: usize = 64;
/// Updates that one body may carry, ten times what Meta promises at most.
const MOST: usize = 10_000;

/// Why a body was not read. All of it is refused then: Meta does not send such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    /// More than [`LARGEST_BODY`], or more updates than anybody sends.
    #[error("the body is larger than is taken")]
    TooLarge,
    /// It is nested deeper than is taken.
    #[error("the body is nested deeper than is taken")]
    TooDeep,
    /// It is not JSON in UTF-8.
    #[error("the body is not JSON in UTF-8")]
    NotJson,
    /// It is JSON, but no envelope.
    #[error("the body is no object with a list of entries")]
    NotAnEnvelope,
}

/// Reads the body of a webhook whose signature was found right.
///
/// # Errors
/// If it is no envelope, or out of all bounds. What is strange about a single update is none: the update is ignored.
pub fn parse(body: &[u8]) -> Result<Vec<Event>, BadBody> {
    if body.len() > LARGEST_BODY {
        return Err(BadBody::TooLarge);
    }
    if json::depth(body) > DEEPEST {
        return Err(BadBody::TooDeep);
    }
    let envelope: Value = serde_json::from_slice(body).map_err(|_| BadBody::NotJson)?;
    let entries = envelope.get("entry").and_then(Value::as_array);
    let entries = entries.ok_or(BadBody::NotAnEnvelope)?;
    let object = json::text(&envelope, "/object").unwrap_or_default();
    let mut events = Vec::new();
    for entry in entries {
        read_entry(object, entry, &mut events);
        if events.len() > MOST {
            return Err(BadBody::TooLarge);
        }
    }
    Ok(events)
}

/// Where an account may be known if not in the space that the envelope named: Meta's own pages disagree on what a
/// page's Instagram account is called, and ids are unique among both.
pub fn elsewhere(to: &To) -> Option<To> {
    let space = match to.space {
        Space::Page => Space::Instagram,
        Space::Instagram => Space::Page,
        _ => return None,
    };
    let address = to.address.clone();
    Some(To { space, address })
}

fn read_entry(object: &str, entry: &Value, events: &mut Vec<Event>) {
    let space = match object {
        "page" => Space::Page,
        "instagram" => Space::Instagram,
        "whatsapp_business_account" => Space::Whatsapp,
        _ => {
            events.push(ignored(Space::Page, entry, "meta_object"));
            return;
        }
    };
    let before = events.len();
    for item in json::list(entry, "/messaging") {
        events.push(messaging::read(space, entry, item, false));
    }
    for item in json::list(entry, "/standby") {
        events.push(messaging::read(space, entry, item, true));
    }
    for change in json::list(entry, "/changes") {
        read_change(space, entry, change, events);
    }
    // Instagram's own login puts the one change where others put the list.
    if entry.get("field").is_some() {
        read_change(space, entry, entry, events);
    }
    if events.len() == before {
        events.push(ignored(space, entry, "meta_entry"));
    }
}

fn read_change(space: Space, entry: &Value, change: &Value, events: &mut Vec<Event>) {
    let field = json::text(change, "/field").unwrap_or_default();
    let value = change.get("value").unwrap_or(&Value::Null);
    match (space, field) {
        (Space::Whatsapp, _) => cloud::read(entry, field, value, events),
        (Space::Page, "feed") => events.push(comment::on_page(entry, value)),
        (Space::Instagram, "comments" | "live_comments") => events.push(comment::on_instagram(entry, value)),
        // The dashboard's test button sends messages in the shape of changes.
        _ if value.get("sender").is_some() => events.push(messaging::read(space, entry, value, false)),
        _ => events.push(ignored(space, entry, "meta_change")),
    }
}

/// What was written to, by the entry's id.
fn to(space: Space, entry: &Value) -> To {
    let address = json::id(entry, "/id").unwrap_or_default();
    To { space, address }
}

/// Something that is acknowledged and counted. Its id distinguishes nothing, and nothing is kept of it.
fn ignored(space: Space, entry: &Value, name: &'static str) -> Event {
    Event {
        to: to(space, entry),
        person: None,
        id: name.to_owned(),
        at: None,
        what: What::Ignored(name),
    }
}

/// A person who is known by an id and nothing else.
fn by_id(address: String) -> Person {
    Person {
        address,
        ..Person::default()
    }
}

#[cfg(test)]
mod tests;
