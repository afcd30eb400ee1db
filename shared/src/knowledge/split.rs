//! Cutting a document into passages.

use super::inline::plain;
use super::{Format, Passage};

/// The size that passages aim at, in characters: about a screen of a phone, and a handful fit a prompt.
const TARGET: usize = 600;
/// A table row or list item up to this many characters stays whole even where it exceeds the target.
const WHOLE_LINE: usize = 1_200;
/// A heading longer than this is cut: it is repeated with every passage below it.
const HEADING: usize = 120;

/// Cuts a document into passages, in order; any text is fine, one without words gives none.
///
/// `title` stands first in every heading path, unless the document's own first heading says the same.
pub fn split(document: &str, title: &str, format: Format, text: &str) -> Vec<Passage> {
    let blocks = match format {
        Format::Markdown => markdown(text),
        Format::Text => plain_text(text),
    };
    let mut passages = Passages::new(document, title);
    for block in blocks {
        match block {
            Block::Heading { level, text } => passages.heading(level, &text),
            Block::Paragraph(text) => passages.paragraph(&text),
            Block::Item { introduction, text } => passages.fact(introduction.as_deref(), &text),
            Block::Row(text) => passages.fact(None, &text),
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

/// Passages being filled, one heading path at a time.
struct Passages<'a> {
    document: &'a str,
    path: Vec<(usize, String)>,
    lines: Vec<String>,
    chars: usize,
    bare_heading: bool,
    done: Vec<Passage>,
}

impl<'a> Passages<'a> {
    fn new(document: &'a str, title: &str) -> Self {
        let title = truncated(&title.split_whitespace().collect::<Vec<_>>().join(" "), HEADING);
        let path = if title.is_empty() {
            Vec::new()
        } else {
            vec![(0, title)]
        };
        Self {
            document,
            path,
            lines: Vec::new(),
            chars: 0,
            bare_heading: false,
            done: Vec::new(),
        }
    }

    fn heading(&mut self, level: usize, text: &str) {
        let deeper = self.path.last().is_some_and(|(above, _)| *above < level);
        if self.bare_heading && !deeper {
            self.say_heading();
        }
        self.flush();
        self.path.retain(|(above, _)| *above < level);
        let repeats_title = self.path.len() == 1
            && self
                .path
                .first()
                .is_some_and(|(above, title)| *above == 0 && same(title, text));
        if !repeats_title {
            self.path.push((level, text.to_owned()));
        }
        self.bare_heading = !repeats_title;
    }

    fn paragraph(&mut self, text: &str) {
        for piece in pieces(text, TARGET) {
            self.push(piece);
        }
    }

    fn fact(&mut self, introduction: Option<&str>, text: &str) {
        for piece in pieces(text, WHOLE_LINE) {
            self.push(piece);
            // A list that goes on in the next passage says there again what it lists.
            if let (Some(introduction), 1) = (introduction, self.lines.len()) {
                let introduction = truncated(introduction, TARGET / 2);
                self.chars += introduction.chars().count();
                self.lines.insert(0, introduction);
            }
        }
    }

    fn push(&mut self, line: String) {
        let chars = line.chars().count();
        if self.chars > 0 && self.chars + chars > TARGET {
            let carried = self
                .lines
                .pop_if(|last| last.ends_with(':') && last.chars().count() < TARGET / 2);
            self.flush();
            self.chars = carried.as_ref().map_or(0, |last| last.chars().count());
            self.lines.extend(carried);
        }
        self.chars += chars;
        self.bare_heading = false;
        self.lines.push(line);
    }

    /// A heading with nothing below it is a statement of its own.
    fn say_heading(&mut self) {
        if let Some((_, text)) = self.path.last() {
            let text = text.clone();
            self.push(text);
        }
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.lines).join("\n");
        self.chars = 0;
        if !text.chars().any(char::is_alphanumeric) {
            return;
        }
        let number = u32::try_from(self.done.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let heading = self
            .path
            .iter()
            .map(|(_, text)| text.as_str())
            .collect::<Vec<_>>()
            .join(" > ");
        let id = format!("{}#p{number}", self.document);
        self.done.push(Passage {
            id,
            document: self.document.to_owned(),
            number,
            heading,
            text,
        });
    }

    fn finish(mut self) -> Vec<Passage> {
        if self.bare_heading {
            self.say_heading();
        }
        self.flush();
        self.done
    }
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn truncated(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// Cuts what is longer than `limit` characters: at the ends of sentences, else between words, else anywhere.
fn pieces(text: &str, limit: usize) -> Vec<String> {
    if text.chars().count() <= limit {
        return vec![text.to_owned()];
    }
    let mut out: Vec<String> = Vec::new();
    let mut room = 0;
    for sentence in sentences(text) {
        let parts = if sentence.chars().count() <= TARGET {
            vec![sentence.to_owned()]
        } else {
            wrapped(sentence)
        };
        for part in parts {
            let chars = part.chars().count();
            match out.last_mut() {
                Some(last) if chars < room => {
                    last.push(' ');
                    last.push_str(&part);
                    room -= chars + 1;
                }
                _ => {
                    room = TARGET.saturating_sub(chars);
                    out.push(part);
                }
            }
        }
    }
    out
}

fn sentences(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    let mut word = 0;
    while let Some((_, c)) = chars.next() {
        let Some((end, next)) = chars.peek().copied() else {
            break;
        };
        // One letter and a point (`e.g.`, `S. Teo`) end no sentence.
        let ends = matches!(c, '.' | '!' | '?' | '…' | ';') && next.is_whitespace() && (word > 1 || c != '.')
            || matches!(c, '。' | '！' | '？');
        word = if c.is_alphanumeric() { word + 1 } else { 0 };
        if ends {
            out.extend(text.get(start..end).map(str::trim));
            start = end;
        }
    }
    out.extend(text.get(start..).map(str::trim));
    out.retain(|sentence| !sentence.is_empty());
    out
}

fn wrapped(text: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for chunk in letters.chunks(TARGET) {
            if used > 0 && used + 1 + chunk.len() > TARGET {
                out.push(String::new());
                used = 0;
            }
            if let Some(last) = out.last_mut() {
                if used > 0 {
                    last.push(' ');
                    used += 1;
                }
                last.extend(chunk);
            }
            used += chunk.len();
        }
    }
    out
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
