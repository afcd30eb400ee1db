//! WhatsApp: changes of a business account, as the Cloud API tells them.
//!
//! A person is known by a business-scoped id, beside which the phone number may be missing. Where both are told, the
//! number is the alias.

mod content;

use serde_json::Value;
use usher_shared::channel::Delivery;
use usher_shared::model::Profile;

use super::{by_id, graph_error, json, to};
use crate::event::{Event, Person, Space, To, What};

/// Reads one change.
pub(super) fn read(entry: &Value, field: &str, value: &Value, events: &mut Vec<Event>) {
    let change = Change { entry, value };
    match field {
        "messages" => change.messages(events),
        "smb_message_echoes" => change.echoes(events),
        "user_id_update" => change.moves(events),
        _ => events.push(change.ignored(match field {
            "message_template_status_update"
            | "message_template_quality_update"
            | "message_template_components_update"
            | "template_category_update" => "whatsapp_template",
            "account_update" | "account_review_update" | "account_alerts" | "business_capability_update" => {
                "whatsapp_account"
            }
            "phone_number_quality_update" | "phone_number_name_update" => "whatsapp_number",
            "user_preferences" => "whatsapp_preferences",
            "calls" => "whatsapp_calls",
            "history" | "smb_app_state_sync" => "whatsapp_history",
            _ => "whatsapp_change",
        })),
    }
}

#[derive(Clone, Copy)]
struct Change<'a> {
    entry: &'a Value,
    value: &'a Value,
}

impl Change<'_> {
    /// The number that was written to. Some changes are about the whole account and name none.
    fn to(self) -> To {
        match json::id(self.value, "/metadata/phone_number_id") {
            Some(address) => To {
                space: Space::Whatsapp,
                address,
            },
            None => to(Space::Whatsapp, self.entry),
        }
    }

    fn ignored(self, name: &'static str) -> Event {
        Event {
            to: self.to(),
            person: None,
            id: name.to_owned(),
            at: None,
            what: What::Ignored(name),
        }
    }

    fn messages(self, events: &mut Vec<Event>) {
        let before = events.len();
        for message in json::list(self.value, "/messages") {
            events.push(
                self.message(message)
                    .unwrap_or_else(|| self.ignored("whatsapp_malformed")),
            );
        }
        for status in json::list(self.value, "/statuses") {
            match self.status(status) {
                Some(told) => events.extend(told),
                None => events.push(self.ignored("whatsapp_status")),
            }
        }
        for error in json::list(self.value, "/errors") {
            let code = json::number(error, "/code").unwrap_or_default();
            let (_, trouble) = graph_error::meaning(code, 0);
            let mut event = self.ignored("whatsapp_error");
            if let Some(trouble) = trouble {
                event.id = format!("error:{code}");
                event.what = What::Trouble(trouble);
            }
            events.push(event);
        }
        if events.len() == before {
            events.push(self.ignored("whatsapp_change"));
        }
    }

    fn message(self, message: &Value) -> Option<Event> {
        let id = json::id(message, "/id")?;
        let from = Address::read(message, "/from_user_id", "/from");
        // A moved person is told of under their new address; the old one may be in what is said of it alone.
        let from =
            from.or_else(|| Address::read(message, "/system/previous_user_id", "/system/previous_wa_id"));
        let person = self.with_profile(from);
        let at = json::time(message, "/timestamp");
        let (id, what) = match json::text(message, "/type").unwrap_or_default() {
            "reaction" => {
                let target = json::id(message, "/reaction/message_id")?;
                let emoji = json::text(message, "/reaction/emoji").map(str::to_owned);
                (
                    id,
                    What::Reaction {
                        message: target,
                        emoji,
                    },
                )
            }
            "system" => match moved(message) {
                Some(now) => (id, What::Moved { now }),
                None => return Some(self.ignored("whatsapp_system")),
            },
            "revoke" => {
                let target = json::id(message, "/revoke/original_message_id")?;
                (id, What::Unsent { message: target })
            }
            "edit" => {
                let target = json::id(message, "/edit/original_message_id")?;
                let text = content::said(message.pointer("/edit/message")?).text;
                (
                    id,
                    What::Edited {
                        message: target,
                        text,
                    },
                )
            }
            "request_welcome" => return Some(self.ignored("whatsapp_welcome")),
            _ => (id, What::Message(content::said(message))),
        };
        let Some(person) = person else {
            return Some(self.ignored("whatsapp_nobody"));
        };
        Some(Event {
            to: self.to(),
            person: Some(person),
            id,
            at,
            what,
        })
    }

    /// What the business wrote in WhatsApp's own app, beside us.
    fn echoes(self, events: &mut Vec<Event>) {
        for message in json::list(self.value, "/message_echoes") {
            let person = self.with_profile(Address::read(message, "/to_user_id", "/to"));
            let event = json::id(message, "/id").zip(person).map(|(id, person)| Event {
                to: self.to(),
                person: Some(person),
                id,
                at: json::time(message, "/timestamp"),
                what: What::Echo {
                    reference: None,
                    said: content::said(message),
                },
            });
            events.push(event.unwrap_or_else(|| self.ignored("whatsapp_malformed")));
        }
    }

    /// New ids for people who changed their number.
    fn moves(self, events: &mut Vec<Event>) {
        let updates = json::list(self.value, "/user_id_update");
        for update in updates {
            let ids = json::id(update, "/user_id/previous").zip(json::id(update, "/user_id/current"));
            events.push(ids.map_or_else(
                || self.ignored("whatsapp_malformed"),
                |(previous, current)| Event {
                    to: self.to(),
                    person: Some(by_id(previous)),
                    id: format!("moved:{current}"),
                    at: json::time(update, "/timestamp"),
                    what: What::Moved {
                        now: Person {
                            alias: json::id(update, "/wa_id").as_deref().and_then(number),
                            ..by_id(current)
                        },
                    },
                },
            ));
        }
        if updates.is_empty() {
            events.push(self.ignored("whatsapp_moves"));
        }
    }

    /// How far a message has come, and what its failure says of the channel.
    fn status(self, status: &Value) -> Option<Vec<Event>> {
        let message = json::id(status, "/id")?;
        let name = json::text(status, "/status")?;
        let delivery = match name {
            "sent" => Delivery::Accepted,
            "delivered" => Delivery::Delivered,
            "read" | "played" => Delivery::Read,
            "failed" => Delivery::Undelivered,
            _ => return None,
        };
        let code = json::number(status, "/errors/0/code");
        let meaning =
            (delivery == Delivery::Undelivered).then(|| graph_error::meaning(code.unwrap_or_default(), 0));
        let reference = json::text(status, "/biz_opaque_callback_data").map(str::to_owned);
        let id = format!("{message}:{name}");
        let event = |id, what| Event {
            to: self.to(),
            person: Address::read(status, "/recipient_user_id", "/recipient_id").map(Address::into_person),
            id,
            at: json::time(status, "/timestamp"),
            what,
        };
        let failure = meaning.map(|(failure, _)| failure);
        let trouble = meaning.and_then(|(_, trouble)| trouble);
        let trouble = trouble.map(|trouble| event(format!("{id}:trouble"), What::Trouble(trouble)));
        let told = event(
            id,
            What::Status {
                message,
                reference,
                delivery,
                failure,
            },
        );
        Some(std::iter::once(told).chain(trouble).collect())
    }

    /// The person with what `contacts` says of them.
    fn with_profile(self, address: Option<Address>) -> Option<Person> {
        let mut address = address?;
        let contacts = json::list(self.value, "/contacts");
        let same = |contact: &&Value| {
            let user = json::id(contact, "/user_id");
            let phone = json::id(contact, "/wa_id").as_deref().and_then(number);
            (user.is_some() && user == address.user) || (phone.is_some() && phone == address.phone)
        };
        let Some(contact) = contacts.iter().find(same) else {
            return Some(address.into_person());
        };
        address.user = address.user.or_else(|| json::id(contact, "/user_id"));
        let known = json::id(contact, "/wa_id").as_deref().and_then(number);
        address.phone = address.phone.or(known);
        let mut person = address.into_person();
        person.profile.name = json::text(contact, "/profile/name").map(str::to_owned);
        person.profile.handle = json::text(contact, "/profile/username").map(str::to_owned);
        Some(person)
    }
}

/// The two ways in which a person is named; at least one is there.
struct Address {
    user: Option<String>,
    phone: Option<String>,
}

impl Address {
    fn read(value: &Value, user: &str, phone: &str) -> Option<Self> {
        let user = json::id(value, user);
        let phone = json::id(value, phone).as_deref().and_then(number);
        (user.is_some() || phone.is_some()).then_some(Self { user, phone })
    }

    fn into_person(self) -> Person {
        let profile = Profile {
            phone: self.phone.clone(),
            ..Profile::default()
        };
        let (address, alias) = match (self.user, self.phone) {
            (Some(user), phone) => (user, phone),
            (None, phone) => (phone.unwrap_or_default(), None),
        };
        Person {
            address,
            alias,
            profile,
        }
    }
}

/// A number in E.164. WhatsApp writes them without the plus.
fn number(digits: &str) -> Option<String> {
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    let is_number = (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("+{digits}"))
}

/// The new address of a person who changed their number; nothing for other news of the system.
fn moved(message: &Value) -> Option<Person> {
    let kind = json::text(message, "/system/type")?;
    if !matches!(kind, "user_changed_number" | "user_changed_user_id") {
        return None;
    }
    let address = Address::read(message, "/system/user_id", "/system/wa_id")
        .or_else(|| Address::read(message, "/system/new_user_id", "/system/new_wa_id"))?;
    Some(address.into_person())
}
