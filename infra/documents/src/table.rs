//! CSV to a table of Markdown.

use csv::ReaderBuilder;

use crate::Unreadable;

const ROWS: usize = 20_000;
const COLUMNS: usize = 200;

/// The table; its first row names the columns, unless it holds a number.
pub(crate) fn markdown(text: &str) -> Result<String, Unreadable> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(text))
        .from_reader(text.as_bytes());
    let mut out = String::new();
    for (number, record) in reader.records().enumerate() {
        let record = record.map_err(|_| Unreadable::Broken)?;
        if number >= ROWS || record.len() > COLUMNS {
            return Err(Unreadable::TooComplex);
        }
        let cells: Vec<String> = record.iter().map(cell).collect();
        if number == 0 {
            let names = !cells.iter().any(|cell| cell.chars().any(|c| c.is_ascii_digit()));
            let blank = vec![String::new(); cells.len()];
            row(if names { &cells } else { &blank }, &mut out);
            row(&vec!["---".to_owned(); cells.len()], &mut out);
            if names {
                continue;
            }
        }
        if cells.iter().any(|cell| !cell.is_empty()) {
            row(&cells, &mut out);
        }
        // Said in full by whoever counts the text.
        if out.len() > 2 * crate::MOST_TEXT {
            break;
        }
    }
    Ok(out)
}

/// Writes a row of a table of Markdown.
pub(crate) fn row(cells: &[String], out: &mut String) {
    for cell in cells {
        out.push_str("| ");
        out.push_str(cell);
        out.push(' ');
    }
    out.push_str("|\n");
}

/// A cell on one line.
pub(crate) fn cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace('|', "\\|")
}

/// What stands between cells: of the usual marks the one that the first line holds most of.
fn delimiter(text: &str) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut quoted = false;
    for byte in text.trim_start().bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => break,
            _ if !quoted => {
                for (mark, count) in &mut counts {
                    *count += usize::from(*mark == byte);
                }
            }
            _ => {}
        }
    }
    let most = counts.iter().rev().max_by_key(|(_, count)| *count);
    most.map_or(b',', |(mark, _)| *mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_however_it_was_saved() {
        let expected = "| Room | Price |\n| --- | --- |\n| Suite | € 290 |\n";
        for text in [
            "Room,Price\nSuite,€ 290\n",
            "Room;Price\r\nSuite;€ 290\r\n",
            "Room\tPrice\nSuite\t€ 290",
            "\"Room\",\"Price\"\n\"Suite\",\"€ 290\"\n,\n",
        ] {
            assert_eq!(markdown(text).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(
            markdown("Name,Text\na|b,\"one\ntwo, three\"").as_deref(),
            Ok("| Name | Text |\n| --- | --- |\n| a\\|b | one two, three |\n")
        );
    }

    #[test]
    fn a_table_without_names_has_none() {
        assert_eq!(
            markdown("Suite,290").as_deref(),
            Ok("|  |  |\n| --- | --- |\n| Suite | 290 |\n")
        );
    }

    #[test]
    fn too_many_rows_or_columns_are_refused() {
        assert_eq!(markdown(&"a\n".repeat(ROWS + 1)), Err(Unreadable::TooComplex));
        assert_eq!(markdown(&",".repeat(COLUMNS)), Err(Unreadable::TooComplex));
    }
}
