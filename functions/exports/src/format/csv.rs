//! Tables after RFC 4180, in UTF-8, that no spreadsheet takes for formulas.

use usher_shared::records::{Contact, Lead};
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
