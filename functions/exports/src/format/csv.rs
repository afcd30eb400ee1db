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
    let intents = lead.all_intents();
    let intents: Vec<&str> = intents.iter().map(Label::as_str).collect();
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

/// What begins like a formula gets an apostrophe in front, which spreadsheets take for "this is text": the cell, and
/// what would be one to a program that separates by something else than commas, as the same program does in another
/// country. To such a program our quotation marks are in the middle of a cell, and so nothing special.
fn write_cell(cell: &str, out: &mut Vec<u8>) {
    let quoted = cell.contains(['"', ',', '\r', '\n']);
    if quoted {
        out.push(b'"');
    }
    for part in cell.split_inclusive(SEPARATORS) {
        if begins_formula(part) {
            out.push(b'\'');
        }
        out.extend_from_slice(part.replace('"', "\"\"").as_bytes());
    }
    if quoted {
        out.push(b'"');
    }
}

/// What programs take for the end of a cell or of a line.
const SEPARATORS: [char; 6] = [';', ',', '|', '\t', '\r', '\n'];

/// Whether a spreadsheet would calculate. Some pass over blanks, what cannot be seen and quotation marks at the
/// beginning, and read the wide signs of East Asian keyboards like the narrow ones.
fn begins_formula(part: &str) -> bool {
    let passed_over = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(
                c,
                '"' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
            )
    };
    let begins_with_tab = part.len() > 1 && part.starts_with(['\t', '\r']);
    let signs = [
        '=', '+', '-', '@', '＝', '＋', '－', '＠', '﹢', '﹣', '﹦', '﹫', '−',
    ];
    begins_with_tab || part.trim_start_matches(passed_over).starts_with(signs)
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
            ("\t=1", "\t'=1"),
            ("\r=1", "\"\r'=1\""),
            ("a=1", "a=1"),
            (" =1", "' =1"),
            ("Anna-Lena; 2-bed", "Anna-Lena; 2-bed"),
            ("a;=1", "a;'=1"),
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

    /// Cells of a table as another program reads it, separated by `separator`. Quotation marks count at the beginning
    /// of a cell alone.
    fn read(table: &str, separator: char) -> Vec<String> {
        let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
        let mut rest = table.chars().peekable();
        let mut begins = true;
        while let Some(c) = rest.next() {
            match c {
                '"' if begins => quoted = true,
                '"' if quoted && rest.peek() == Some(&'"') => cell.extend(rest.next()),
                '"' if quoted => quoted = false,
                '\r' | '\n' if !quoted => cells.push(std::mem::take(&mut cell)),
                c if c == separator && !quoted => cells.push(std::mem::take(&mut cell)),
                c => cell.push(c),
            }
            begins = cell.is_empty() && !quoted && (c == separator || matches!(c, '\r' | '\n'));
        }
        cells.push(cell);
        cells
    }

    #[test]
    fn nothing_of_the_attack_list_is_a_formula_to_any_spreadsheet() {
        let attacks = include_str!("../../../../tests/vectors/attacks/formulas.json");
        let attacks: Vec<String> = serde_json::from_str(attacks).unwrap();
        assert!(attacks.len() >= 60, "{}", attacks.len());
        for attack in attacks {
            let mut out = Vec::new();
            line(&["lead_1", &attack, "Anna", &attack], &mut out);
            let table = String::from_utf8(out).unwrap();
            assert_eq!(
                read(&table, ',').len(),
                6,
                "{attack:?}: four cells, a line end: {table}"
            );
            for separator in [',', ';', '\t', '|'] {
                for cell in read(&table, separator) {
                    // As a program that drops blanks and what cannot be seen would show it.
                    let seen: String = cell
                        .chars()
                        .filter(|c| !c.is_whitespace() && !c.is_control())
                        .collect();
                    let seen = seen
                        .trim_start_matches(['"', '\u{200b}', '\u{feff}', '\u{ad}', '\u{2060}', '\u{200e}']);
                    let signs = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
                    assert!(
                        !seen.starts_with(signs),
                        "{attack:?} by {separator:?}: {cell:?} in {table}"
                    );
                }
            }
        }
    }
}
