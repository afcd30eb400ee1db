//! Filling passages of bounded size with a document's lines.

use super::Passage;

/// The size that passages aim at, in characters: about a screen of a phone, and a handful fit a prompt.
pub(super) const TARGET: usize = 600;
/// A table row or list item up to this many characters stays whole even where it exceeds the target.
pub(super) const WHOLE_LINE: usize = 1_200;
/// A heading longer than this is cut: it is repeated with every passage below it.
pub(super) const HEADING: usize = 120;

/// Passages being filled, one heading path at a time.
pub(super) struct Passages<'a> {
    document: &'a str,
    source: &'a str,
    path: Vec<(usize, String)>,
    lines: Vec<String>,
    chars: usize,
    bare_heading: bool,
    done: Vec<Passage>,
}

impl<'a> Passages<'a> {
    pub(super) fn new(document: &'a str, title: &str) -> Self {
        let title = truncated(&title.split_whitespace().collect::<Vec<_>>().join(" "), HEADING);
        let path = if title.is_empty() {
            Vec::new()
        } else {
            vec![(0, title)]
        };
        Self {
            document,
            source: "",
            path,
            lines: Vec::new(),
            chars: 0,
            bare_heading: false,
            done: Vec::new(),
        }
    }

    /// Begins a part. A section of a printed document goes on over the page; a web page begins anew.
    pub(super) fn part(&mut self, source: &'a str, anew: bool) {
        if self.bare_heading {
            self.say_heading();
        }
        self.flush();
        self.source = source;
        self.bare_heading = false;
        if anew {
            self.path.retain(|(level, _)| *level == 0);
        }
    }

    pub(super) fn heading(&mut self, level: usize, text: &str) {
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

    pub(super) fn paragraph(&mut self, text: &str) {
        for piece in pieces(text, TARGET) {
            self.push(piece);
        }
    }

    pub(super) fn fact(&mut self, introduction: Option<&str>, text: &str) {
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
            source: self.source.to_owned(),
            heading,
            text,
        });
    }

    pub(super) fn finish(mut self) -> Vec<Passage> {
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

pub(super) fn truncated(text: &str, chars: usize) -> String {
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
