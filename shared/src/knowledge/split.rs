//! Cutting a document into passages.

use super::filling::{HEADING, Passages, truncated};
use super::inline::plain;
use super::{Format, Part, Passage};

/// Cuts a document into passages, in order; any text is fine, one without words gives none.
///
/// `title` stands first in every heading path, unless the document's own first heading says the same.
pub fn split(document: &str, title: &str, format: Format, text: &str) -> Vec<Passage> {
    split_parts(document, title, format, &[Part { source: "", text }])
}

/// Cuts a document that has parts: no passage reaches from one into the next, and each says where it stands.
pub fn split_parts(document: &str, title: &str, format: Format, parts: &[Part<'_>]) -> Vec<Passage> {
    let mut passages = Passages::new(document, title);
    for part in parts {
        passages.part(part.source, format == Format::Web);
        let blocks = match format {
            Format::Text => plain_text(part.text),
            Format::Markdown | Format::Html | Format::Csv | Format::Pdf | Format::Web => markdown(part.text),
        };
        for block in blocks {
            match block {
                Block::Heading { level, text } => passages.heading(level, &text),
                Block::Paragraph(text) => passages.paragraph(&text),
                Block::Item { introduction, text } => passages.fact(introduction.as_deref(), &text),
                Block::Row(text) => passages.fact(None, &text),
            }
        }
    }
    passages.finish()
}

/// One unit of a document's structure, its text already plain.
enum Block {
    Heading {
        level: usize,
        text: String,
    },
    Paragraph(String),
    Item {
        introduction: Option<String>,
        text: String,
    },
    Row(String),
}

/// Blocks being read: a paragraph or item grows until something ends it.
#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    open: Vec<String>,
    open_item: bool,
    introduction: Option<String>,
}

impl Reader {
    fn close(&mut self) {
        let text = std::mem::take(&mut self.open).join(" ");
        let was_item = std::mem::take(&mut self.open_item);
        if text.is_empty() {
            return;
        }
        if was_item {
            self.blocks.push(Block::Item {
                introduction: self.introduction.clone(),
                text,
            });
            return;
        }
        self.introduction = text.ends_with(':').then(|| text.clone());
        self.blocks.push(Block::Paragraph(text));
    }

    fn heading(&mut self, level: usize, text: &str) {
        self.close();
        self.introduction = None;
        let text = plain(text);
        if !text.is_empty() {
            self.blocks.push(Block::Heading {
                level,
                text: truncated(&text, HEADING),
            });
        }
    }
}

fn markdown(text: &str) -> Vec<Block> {
    let mut reader = Reader::default();
    let mut fenced = false;
    let mut lines = text.lines().peekable();
    while let Some(raw) = lines.next() {
        let line = raw.trim().trim_start_matches(['>', ' ']);
        if line.starts_with("```") || line.starts_with("~~~") {
            reader.close();
            fenced = !fenced;
        } else if line.is_empty() {
            reader.close();
        } else if fenced {
            reader
                .open
                .push(line.split_whitespace().collect::<Vec<_>>().join(" "));
            reader.close();
        } else if let Some((level, text)) = heading(line) {
            reader.heading(level, text);
        } else if let Some(level) = underline(line).filter(|_| reader.open.len() == 1 && !reader.open_item) {
            let text = reader.open.concat();
            reader.open.clear();
            reader.heading(level, &text);
        } else if is_rule(line) {
            reader.close();
        } else if line.contains('|') && lines.peek().is_some_and(|next| is_delimiter_row(next)) {
            reader.close();
            lines.next();
            let header = cells(line);
            while let Some(row) = lines.next_if(|next| next.contains('|')) {
                let row = row_text(&header, &cells(row));
                if !row.is_empty() {
                    reader.blocks.push(Block::Row(row));
                }
            }
        } else if let Some(item) = item(line) {
            reader.close();
            reader
                .open
                .extend(Some(plain(item)).filter(|text| !text.is_empty()));
            reader.open_item = true;
        } else {
            reader
                .open
                .extend(Some(plain(line)).filter(|text| !text.is_empty()));
        }
    }
    reader.close();
    reader.blocks
}

fn plain_text(text: &str) -> Vec<Block> {
    let mut reader = Reader::default();
    let mut paragraph: Vec<String> = Vec::new();
    for line in text.lines().chain(Some("")) {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        if !line.is_empty() {
            paragraph.push(line);
            continue;
        }
        let lines = std::mem::take(&mut paragraph);
        match lines.as_slice() {
            [] => {}
            [only] if is_capitals(only) => reader.heading(2, only),
            [first, second] if underline(second).is_some() => reader.heading(2, first),
            _ => {
                reader.open.extend(unwrapped(&lines));
                reader.close();
            }
        }
    }
    reader.blocks
}

/// Joins the lines of a paragraph of plain text. A short line without a mark at its end was broken on purpose
/// (an address, a list of facts) and gets a semicolon.
fn unwrapped(lines: &[String]) -> Option<String> {
    let (last, before) = lines.split_last()?;
    let mut out = String::new();
    for line in before {
        out.push_str(line);
        let wrapped = line.chars().count() >= 60 || line.ends_with(|c: char| c.is_ascii_punctuation());
        out.push_str(if wrapped { " " } else { "; " });
    }
    out.push_str(last);
    Some(out)
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    let spaced = text.is_empty() || text.starts_with([' ', '\t']);
    ((1..=6).contains(&level) && spaced).then(|| (level, text.trim_end_matches('#').trim()))
}

fn underline(line: &str) -> Option<usize> {
    let all = |mark| line.len() >= 2 && line.chars().all(|c| c == mark);
    if all('=') {
        Some(1)
    } else if all('-') {
        Some(2)
    } else {
        None
    }
}

fn is_rule(line: &str) -> bool {
    ['-', '*', '_', '=']
        .iter()
        .any(|mark| line.chars().all(|c| c == *mark || c == ' ') && line.matches(*mark).count() >= 3)
}

fn is_capitals(line: &str) -> bool {
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 3
        && line.chars().count() <= HEADING
        && !line.chars().any(char::is_lowercase)
        && !line.ends_with(['.', ';', ','])
}

fn item(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix(['-', '*', '+']) {
        return (rest.is_empty() || rest.starts_with([' ', '\t'])).then(|| rest.trim());
    }
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = line.len() - rest.len();
    let rest = rest
        .strip_prefix(['.', ')'])
        .filter(|rest| rest.starts_with([' ', '\t']))?;
    (1..=3).contains(&digits).then(|| rest.trim())
}

fn is_delimiter_row(line: &str) -> bool {
    line.contains('|')
        && line.contains('-')
        && line.trim().chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches(['>', ' ']);
    let line = line.strip_prefix('|').unwrap_or(line);
    let mut cells = vec![String::new()];
    let mut escaped = false;
    for c in line.chars() {
        if c == '|' && !escaped {
            cells.push(String::new());
        } else if let Some(cell) = cells.last_mut() {
            cell.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    cells.iter().map(|cell| plain(cell)).collect()
}

fn row_text(header: &[String], row: &[String]) -> String {
    let named = row.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
    let named = named.map(
        |(column, cell)| match header.get(column).filter(|name| !name.is_empty()) {
            Some(name) => format!("{name}: {cell}"),
            None => cell.clone(),
        },
    );
    named.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
