//! Text messages (SMS, MMS, and WhatsApp under a number at Twilio): in by webhook, out by REST.

use usher_shared::channel::{AttachmentKind, Delivery, Failure};
use usher_shared::consent::Told;
use usher_shared::model::Profile;

use crate::call::{Account, Answer, Call, Carrier, Method, Outcome, Outgoing};
use crate::event::{Attached, Event, Person, Said, Source, Space, To, What};
use crate::twilio;
use crate::urlencoded::{Fields, encode, escape};

/// Characters that Twilio takes in one message.
const LONGEST: usize = 1_600;
/// Media that one message can bring.
const MOST_MEDIA: usize = 10;
/// What stands before numbers that write by WhatsApp.
pub const WHATSAPP: &str = "whatsapp:";

/// A text message that came in.
#[derive(Clone, PartialEq, Eq)]
pub struct Incoming {
    /// As an event.
    pub event: Event,
    /// What Twilio says that it means, if the account's own keywords are handled there.
    pub told: Option<Told>,
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Incoming(..)")
    }
}

/// Reads the webhook of a message that came in for the channel with this key.
pub fn incoming(key: &str, fields: &Fields) -> Incoming {
    let told = match fields.get("OptOutType") {
        Some("STOP") => Some(Told::Stop),
        Some("START") => Some(Told::Start),
        Some("HELP") => Some(Told::Help),
        _ => None,
    };
    let id = ["MessageSid", "SmsMessageSid", "SmsSid"];
    let id = id.into_iter().find_map(|name| fields.get(name));
    let person = fields.get("From").and_then(address).map(|address| Person {
        address,
        alias: None,
        profile: Profile {
            name: fields.get("ProfileName").map(str::to_owned),
            ..Profile::default()
        },
    });
    let what = match (id, &person) {
        (None, _) => What::Ignored("sms_without_id"),
        (_, None) => What::Ignored("sms_without_sender"),
        (Some(_), Some(_)) => {
            let said = said(fields);
            if said.text.is_empty() && said.attachments.is_empty() {
                What::Ignored("sms_empty")
            } else {
                What::Message(said)
            }
        }
    };
    let event = event(key, person, id.unwrap_or_default().to_owned(), what);
    Incoming { event, told }
}

/// Reads a status callback: how far a message of ours has come. Twilio tells of every step; only where a message ended
/// is worth a write. `reference` is what the callback's address carries of ours.
pub fn status(key: &str, fields: &Fields, reference: Option<&str>) -> Event {
    let message = ["MessageSid", "SmsSid"]
        .into_iter()
        .find_map(|name| fields.get(name));
    let status = ["MessageStatus", "SmsStatus"]
        .into_iter()
        .find_map(|name| fields.get(name));
    let (message, status) = (message.unwrap_or_default(), status.unwrap_or_default());
    let code = fields.get("ErrorCode").and_then(|code| code.parse().ok());
    let delivery = match status {
        "delivered" | "partially_delivered" => Some(Delivery::Delivered),
        "read" => Some(Delivery::Read),
        "undelivered" | "failed" | "canceled" => Some(Delivery::Undelivered),
        _ => None,
    };
    let what = match (delivery, status) {
        _ if message.is_empty() => What::Ignored("status_without_id"),
        (Some(delivery), _) => What::Status {
            message: message.to_owned(),
            reference: reference.map(str::to_owned),
            delivery,
            failure: (delivery == Delivery::Undelivered)
                .then(|| code.map_or(Failure::Refused, |code| twilio::failure(code).0)),
        },
        (None, "accepted" | "scheduled" | "queued" | "sending" | "sent") => {
            What::Ignored("status_on_its_way")
        }
        (None, _) => What::Ignored("status_unknown"),
    };
    let person = fields.get("To").and_then(address).map(|address| Person {
        address,
        ..Person::default()
    });
    event(key, person, format!("{message}/{status}"), what)
}

fn event(key: &str, person: Option<Person>, id: String, what: What) -> Event {
    Event {
        to: To {
            space: Space::Key,
            address: key.to_owned(),
        },
        person,
        id,
        // Twilio does not say when it was: it counts when it comes.
        at: None,
        what,
    }
}

/// An address in its one form: a number in E.164, one of WhatsApp behind its prefix, or a short code or name, which
/// can write but not be answered.
pub(crate) fn address(given: &str) -> Option<String> {
    let given = given.trim();
    let (prefix, number) = match given.strip_prefix(WHATSAPP) {
        Some(number) => (WHATSAPP, number),
        None => ("", given),
    };
    let digits = number.strip_prefix('+').unwrap_or(number);
    let is_name = prefix.is_empty() && digits == number && number.len() <= 15;
    let taken = if is_name {
        number
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '&' | '.'))
    } else {
        (6..=17).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    };
    (taken && !digits.is_empty()).then(|| match (prefix, digits == number) {
        // Written without its sign in some callbacks.
        (WHATSAPP, true) => format!("{WHATSAPP}+{digits}"),
        _ => format!("{prefix}{number}"),
    })
}

/// Whether a message can be sent to an address: a number in E.164, with or without WhatsApp's prefix.
pub fn can_be_answered(address: &str) -> bool {
    address.strip_prefix(WHATSAPP).unwrap_or(address).starts_with('+')
}

fn said(fields: &Fields) -> Said {
    let mut text = fields.get("Body").unwrap_or_default().to_owned();
    if text.is_empty() {
        let place = (fields.get("Latitude"), fields.get("Longitude"));
        if let (Some(latitude), Some(longitude)) = place {
            text = format!("[location: {latitude}, {longitude}]");
        } else if let Some(button) = fields.get("ButtonText") {
            button.clone_into(&mut text);
        }
    }
    let count: usize = fields
        .get("NumMedia")
        .and_then(|n| n.parse().ok())
        .unwrap_or_default();
    let attachments = (0..count.min(MOST_MEDIA)).filter_map(|number| {
        let url = fields.get(&format!("MediaUrl{number}"))?;
        let media_type = fields.get(&format!("MediaContentType{number}"));
        Some(Attached {
            kind: kind(media_type.unwrap_or_default()),
            source: Source::CarrierUrl(url.to_owned()),
            name: None,
            media_type: media_type.map(str::to_owned),
            size: None,
            sha256: None,
        })
    });
    Said {
        attachments: attachments.collect(),
        context: fields.get("OriginalRepliedMessageSid").map(str::to_owned),
        text,
        ..Said::default()
    }
}

fn kind(media_type: &str) -> AttachmentKind {
    match media_type.split('/').next().unwrap_or_default() {
        "image" => AttachmentKind::Image,
        "audio" => AttachmentKind::Audio,
        "video" => AttachmentKind::Video,
        "application" | "text" => AttachmentKind::Document,
        _ => AttachmentKind::Other,
    }
}

/// Sends text messages by a number or a Messaging Service.
#[derive(Clone, Copy, Debug)]
pub struct Sms;

impl Carrier for Sms {
    fn send(&self, account: &Account<'_>, outgoing: &Outgoing<'_>) -> Result<Call, Outcome> {
        let Some(connection) = twilio::connection(account) else {
            return Err(Outcome::refused(Failure::ChannelClosed));
        };
        if !can_be_answered(outgoing.to) {
            return Err(Outcome::refused(Failure::NoAddress));
        }
        if outgoing.text.chars().count() > LONGEST {
            return Err(Outcome::refused(Failure::TooLong));
        }
        let mut callback = format!("{}/status?ref=", account.hooks);
        escape(outgoing.reference, &mut callback);
        let is_whatsapp = outgoing.to.starts_with(WHATSAPP);
        let number = if is_whatsapp && !connection.number.starts_with(WHATSAPP) {
            format!("{WHATSAPP}{}", connection.number)
        } else {
            connection.number.clone()
        };
        let sender = match &connection.messaging_service {
            Some(service) => ("MessagingServiceSid", service.as_str()),
            None => ("From", number.as_str()),
        };
        let form = encode([
            ("To", outgoing.to),
            sender,
            ("Body", outgoing.text),
            ("StatusCallback", callback.as_str()),
        ]);
        Ok(Call {
            method: Method::Post,
            url: twilio::address(&account.platform.twilio, connection, "/Messages.json"),
            headers: vec![
                twilio::authorization(connection),
                ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ],
            body: form.into_bytes(),
        })
    }

    fn outcome(&self, answer: &Answer) -> Outcome {
        #[derive(serde::Deserialize)]
        struct Sent {
            sid: String,
        }
        let code = twilio::error_code(answer);
        match answer.status {
            200..=299 => match serde_json::from_slice::<Sent>(&answer.body) {
                Ok(sent) => Outcome::Taken { id: sent.sid },
                Err(_) => Outcome::Unknown,
            },
            429 => Outcome::NotNow {
                after: answer.retry_after.map(std::time::Duration::from_secs),
            },
            400..=499 if code.is_some_and(twilio::is_passing) => Outcome::NotNow {
                after: answer.retry_after.map(std::time::Duration::from_secs),
            },
            401 | 403 if code.is_none() => refused(20_003),
            // A request that timed out there may have been heard.
            408 => Outcome::Unknown,
            400..=499 => code.map_or(Outcome::refused(Failure::Refused), refused),
            // There is no way to ask again without sending twice.
            _ => Outcome::Unknown,
        }
    }

    fn longest(&self) -> usize {
        LONGEST
    }
}

fn refused(code: u32) -> Outcome {
    let (why, trouble) = twilio::failure(code);
    Outcome::Refused { why, trouble }
}

#[cfg(test)]
pub(crate) mod tests;
