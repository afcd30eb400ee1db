//! Tables after RFC 4180, in UTF-8, that no spreadsheet takes for formulas.

use serde::Serialize;
use usher_shared::records::{Contact, Conversation, Lead, Message};
use usher_shared::untrusted::Label;

/// The header of the table of leads.
pub(crate) const LEADS: [&str; 12] = [
    "lead_id",
    "created_at",
    "last_activity_at",
    "intents",
    "contact_id",
    "channel_id",
    "name",
    "email",
    "phone",
    "handle",
    "first_seen_at",
    "last_seen_at",
];

/// The header of the table of conversations.
pub(crate) const CONVERSATIONS: [&str; 7] = [
    "conversation_id",
    "state",
    "channel_id",
    "contact_id",
    "title",
    "created_at",
    "last_activity_at",
];

/// The header of the table of messages.
pub(crate) const MESSAGES: [&str; 16] = [
    "message_id",
    "conversation_id",
    "direction",
    "author",
    "state",
    "created_at",
    "answers",
    "subject",
    "text",
    "quoted",
    "reaction",
    "delivery",
    "failure",
    "attachments",
    "edited_at",
    "withdrawn_at",
];

/// Writes one line.
pub(crate) fn line<T: AsRef<str>>(cells: &[T], out: &mut Vec<u8>) {
    for (column, cell) in cells.iter().enumerate() {
        if column > 0 {
            out.push(b',');
        }
        write_cell(cell.as_ref(), out);
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes one line per contact of a lead.
pub(crate) fn lead(lead: &Lead, contacts: Vec<Contact>, out: &mut Vec<u8>) {
    let intents: Vec<&str> = lead.intents.iter().map(Label::as_str).collect();
    for contact in contacts {
        let profile = contact.profile.into_inner();
        let cells = [
            lead.id.to_string(),
            lead.created_at.to_string(),
            lead.last_activity.to_string(),
            intents.join(" "),
            contact.id.to_string(),
            contact.channel.to_string(),
            profile.name.unwrap_or_default(),
            profile.email.unwrap_or_default(),
            profile.phone.unwrap_or_default(),
            profile.handle.unwrap_or_default(),
            contact.first_seen.to_string(),
            contact.last_seen.to_string(),
        ];
        line(&cells, out);
    }
}

/// Writes the line of a conversation.
pub(crate) fn conversation(head: &Conversation, out: &mut Vec<u8>) {
    let cells = [
        head.id.to_string(),
        word(&*head.state),
        head.channel.to_string(),
        head.contact.id.to_string(),
        head.title.get().clone(),
        head.created_at.to_string(),
        head.last_activity.to_string(),
    ];
    line(&cells, out);
}

/// Writes the line of a message.
pub(crate) fn message(message: &Message, out: &mut Vec<u8>) {
    let body = message.body.get();
    let cells = [
        message.id.to_string(),
        message.conversation.to_string(),
        word(&*message.direction),
        word(&*message.author),
        word(&*message.state),
        message.at.to_string(),
        word(&*message.answers),
        body.mail
            .as_ref()
            .map(|mail| mail.subject.clone())
            .unwrap_or_default(),
        body.text.clone(),
        body.quoted.clone().unwrap_or_default(),
        body.reaction.clone().unwrap_or_default(),
        word(&*message.delivery),
        word(&*message.failure),
        message.attachments.unwrap_or(0).to_string(),
        message.edited_at.map(|at| at.to_string()).unwrap_or_default(),
        message.withdrawn_at.map(|at| at.to_string()).unwrap_or_default(),
    ];
    line(&cells, out);
}

/// A word of the model as the API writes it; nothing if there is none.
fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// A cell that begins like a formula gets an apostrophe in front, which spreadsheets take for "this is text".
fn write_cell(cell: &str, out: &mut Vec<u8>) {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quoted = cell.contains(['"', ',', '\r', '\n']);
    if quoted {
        out.push(b'"');
    }
    if formula {
        out.push(b'\'');
    }
    if quoted {
        out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(cell.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn cells_are_quoted_where_needed_and_never_formulas() {
        let table = [
            ("", ""),
            ("Anna Berg", "Anna Berg"),
            ("Åsa, Östen", "\"Åsa, Östen\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            (
                "=HYPERLINK(\"http://x\",\"y\")",
                "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"",
            ),
            ("+15550100199", "'+15550100199"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("a=1", "a=1"),
            (" =1", " =1"),
        ];
        for (cell, expected) in table {
            let mut out = Vec::new();
            line(&[cell, "x"], &mut out);
            assert_eq!(
                String::from_utf8(out).unwrap(),
                format!("{expected},x\r\n"),
                "{cell:?}"
            );
        }
    }
}
