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
            || matches!(c, '"' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    let begins_with_tab = part.len() > 1 && part.starts_with(['\t', '\r']);
    let signs = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '﹢', '﹣', '﹦', '﹫', '−'];
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
            assert_eq!(read(&table, ',').len(), 6, "{attack:?}: four cells, a line end: {table}");
            for separator in [',', ';', '\t', '|'] {
                for cell in read(&table, separator) {
                    // As a program that drops blanks and what cannot be seen would show it.
                    let seen: String = cell.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
                    let seen = seen.trim_start_matches(['"', '\u{200b}', '\u{feff}', '\u{ad}', '\u{2060}', '\u{200e}']);
                    let signs = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
                    assert!(!seen.starts_with(signs), "{attack:?} by {separator:?}: {cell:?} in {table}");
                }
            }
        }
    }
}
