//! From words on a page to Markdown: what stands larger than the rest is a heading, what stands in columns a row.

use std::collections::BTreeMap;

use super::page::Read;

/// A heading is no longer than this.
const HEADING: usize = 90;

/// Words at one height.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Line {
    /// Its words; wide gaps between them are tabs.
    pub(super) text: String,
    size: f32,
    y: f32,
    end: f32,
}

/// Lines being filled, in the order in which they are shown.
#[derive(Default)]
pub(super) struct Lines {
    done: Vec<Line>,
    open: Option<Line>,
}

impl Lines {
    /// Adds words that stand from one place to another at some height.
    pub(super) fn add(&mut self, text: &str, (start, end): (f32, f32), y: f32, size: f32) {
        if text.is_empty() || !(start.is_finite() && end.is_finite() && y.is_finite()) {
            return;
        }
        let text = plain(text);
        match &mut self.open {
            // A price that is set a little higher is on the line, and what stands left of its end is not after it.
            Some(line) if (line.y - y).abs() < 0.4 * size.max(line.size) && start > line.end - 6.0 * size => {
                let gap = start - line.end;
                let spaced = line.text.ends_with([' ', '\t']) || text.starts_with(' ');
                if gap > 1.8 * size {
                    line.text.push('\t');
                } else if gap > 0.15 * size && !spaced {
                    line.text.push(' ');
                }
                line.text.push_str(&text);
                line.end = end;
                line.size = line.size.max(size);
            }
            open => {
                self.done.extend(open.take());
                *open = Some(Line { text, size, y, end });
            }
        }
    }

    /// All lines that say something.
    pub(super) fn done(mut self) -> Vec<Line> {
        self.done.extend(self.open.take());
        self.done.retain(|line| !line.text.trim().is_empty());
        self.done
    }
}

/// The size that most of the text has.
pub(super) fn body_size(pages: &[Read]) -> f32 {
    let mut sizes: BTreeMap<i32, usize> = BTreeMap::new();
    for line in pages.iter().flat_map(|page| &page.lines) {
        *sizes.entry(tenths(line.size)).or_default() += line.text.len();
    }
    let most = sizes.iter().max_by_key(|(_, count)| **count);
    most.and_then(|(size, _)| u16::try_from(*size).ok())
        .map_or(0.0, |size| f32::from(size) / 10.0)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates, and no text is that large"
)]
fn tenths(size: f32) -> i32 {
    (size * 10.0).round() as i32
}

/// The lines of a page.
pub(super) fn markdown(lines: &[Line], body: f32) -> String {
    let mut out = String::new();
    let mut before: Option<(&Line, Sort)> = None;
    for line in lines {
        let sort = sort(line, body);
        let text = words(&line.text, sort);
        let next_in_paragraph = before.is_some_and(|(last, last_sort)| {
            let gap = last.y - line.y;
            last_sort == Sort::Text && sort == Sort::Text && gap > 0.0 && gap < 1.7 * line.size.max(last.size)
        });
        let next_in_list = before.is_some_and(|(_, last)| last == Sort::Row && sort == Sort::Row);
        if next_in_paragraph {
            // A word that the end of the line cut.
            if out.ends_with('-') && text.starts_with(char::is_lowercase) {
                out.pop();
            } else {
                out.push('\n');
            }
        } else if !out.is_empty() {
            out.push_str(if next_in_list { "\n" } else { "\n\n" });
        }
        out.push_str(match sort {
            Sort::Title => "# ",
            Sort::Heading => "## ",
            Sort::Row => "- ",
            Sort::Text => "",
        });
        out.push_str(&text);
        before = Some((line, sort));
    }
    out
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Title,
    Heading,
    Row,
    Text,
}

fn sort(line: &Line, body: f32) -> Sort {
    let short = line.text.chars().count() <= HEADING && line.text.chars().any(char::is_alphabetic);
    let larger = if body > 0.0 { line.size / body } else { 1.0 };
    let row = line.text.trim().contains('\t') || line.text.trim_start().starts_with(['•', '–', '▪', '●']);
    match larger {
        _ if row => Sort::Row,
        larger if short && larger > 1.6 => Sort::Title,
        larger if short && larger > 1.12 => Sort::Heading,
        _ => Sort::Text,
    }
}

fn words(text: &str, sort: Sort) -> String {
    let text = text.trim();
    let text = if sort == Sort::Row {
        text.trim_start_matches(['•', '–', '▪', '●', ' ', '\t'])
    } else {
        text
    };
    let cells = text.split('\t').map(|cell| {
        let cell = cell.split_whitespace().collect::<Vec<_>>().join(" ");
        // Dots that lead the eye from a dish to its price.
        let leads = ["..", "··", "__"].iter().any(|dots| cell.ends_with(dots));
        if leads {
            cell.trim_end_matches(['.', '·', '_', ' ']).to_owned()
        } else {
            cell
        }
    });
    let cells: Vec<String> = cells.filter(|cell| !cell.is_empty()).collect();
    cells.join("; ")
}

/// Letters that were set as one.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\u{fb00}' => out.push_str("ff"),
            '\u{fb01}' => out.push_str("fi"),
            '\u{fb02}' => out.push_str("fl"),
            '\u{fb03}' => out.push_str("ffi"),
            '\u{fb04}' => out.push_str("ffl"),
            '\u{ad}' => out.push('-'),
            '\u{fffd}' | '\u{0}' => {}
            c if c.is_whitespace() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
