//! Calls: a machine takes them, and what was said becomes a message.
//!
//! Nothing is sent here: what a caller is answered with is said by the number for text messages that belongs to the
//! channel.

use usher_shared::channel::AttachmentKind;

use crate::event::{Attached, Event, Person, Said, Source, Space, To, What};
use crate::sms::address;
use crate::urlencoded::Fields;

/// Something about a call.
#[derive(Clone, PartialEq, Eq)]
pub struct About {
    /// As an event: what a caller said, or that there is something to hear.
    pub event: Event,
    /// Twilio's id of the call (`CA…`).
    pub call: String,
    /// Twilio's id of its recording (`RE…`), where the webhook tells of one that can be kept or deleted.
    pub recording: Option<String>,
}

impl std::fmt::Debug for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("About(..)")
    }
}

/// A call that comes in: nothing was said yet.
pub fn incoming(key: &str, fields: &Fields) -> About {
    about(key, fields, "CallSid", |_| What::Ignored("call_incoming"))
}

/// The end of a recording: a caller left something to hear. A person has to see it even if no transcription ever comes,
/// so it is a message, but none that a machine could answer.
pub fn recorded(key: &str, fields: &Fields) -> About {
    about(key, fields, "RecordingSid", |fields| {
        let seconds: u32 = fields
            .get("RecordingDuration")
            .and_then(|s| s.parse().ok())
            .unwrap_or_default();
        if fields.get("RecordingSid").is_none() || seconds == 0 {
            return What::Ignored("call_without_recording");
        }
        // Twilio may need a moment until it serves what it has just recorded.
        let sound = fields.get("RecordingUrl").map(|url| Attached {
            kind: AttachmentKind::Audio,
            source: Source::CarrierUrl(format!("{url}.mp3")),
            name: None,
            media_type: Some("audio/mpeg".to_owned()),
            size: None,
            sha256: None,
        });
        What::Message(Said {
            text: format!("[voice message, {seconds} s]"),
            attachments: sound.into_iter().collect(),
            unattended: true,
            ..Said::default()
        })
    })
}

/// What Twilio tells of a recording as such. It names no caller: it is a receipt, and no more.
pub fn recording(key: &str, fields: &Fields) -> About {
    about(key, fields, "RecordingSid", |fields| {
        What::Ignored(match fields.get("RecordingStatus") {
            Some("completed") => "recording_completed",
            Some("in-progress") => "recording_in_progress",
            Some("absent") => "recording_absent",
            Some("failed") => "recording_failed",
            _ => "recording_unknown",
        })
    })
}

/// What was said, in writing. Machines do not answer it: the number is for the link that was asked for, and for nothing
/// else.
pub fn transcription(key: &str, fields: &Fields) -> About {
    about(key, fields, "TranscriptionSid", |fields| {
        let text = fields.get("TranscriptionText").map(str::trim).unwrap_or_default();
        match fields.get("TranscriptionStatus") {
            Some("completed") if text.is_empty() => What::Ignored("transcription_empty"),
            Some("completed") => What::Message(Said {
                text: text.to_owned(),
                unattended: true,
                ..Said::default()
            }),
            Some("failed") => What::Ignored("transcription_failed"),
            _ => What::Ignored("transcription_unknown"),
        }
    })
}

fn about(key: &str, fields: &Fields, id: &str, what: impl FnOnce(&Fields) -> What) -> About {
    let call = fields.get("CallSid").unwrap_or_default().to_owned();
    let person = caller(fields);
    let what = match what(fields) {
        What::Message(_) if fields.get(id).is_none() => What::Ignored("call_without_id"),
        What::Message(_) if person.is_none() => What::Ignored("call_without_number"),
        what => what,
    };
    About {
        event: Event {
            to: To {
                space: Space::Key,
                address: key.to_owned(),
            },
            person,
            id: fields.get(id).unwrap_or_default().to_owned(),
            at: None,
            what,
        },
        call,
        recording: fields.get("RecordingSid").map(str::to_owned),
    }
}

/// Who calls. A caller who hides the number is somebody else in every call, and cannot be written to.
fn caller(fields: &Fields) -> Option<Person> {
    // What is given for hidden numbers: ANONYMOUS, RESTRICTED, UNKNOWN and the like on a keypad, and zeros.
    const HIDDEN: [&str; 5] = ["+266696687", "+7378742833", "+2562533", "+8656696", "+0000000000"];
    let number = fields.get("From").and_then(address);
    let number = number.filter(|from| from.starts_with('+') && !HIDDEN.contains(&from.as_str()));
    let address = number.or_else(|| fields.get("CallSid").map(|call| format!("call:{call}")))?;
    Some(Person {
        address,
        ..Person::default()
    })
}

#[cfg(test)]
mod tests;
