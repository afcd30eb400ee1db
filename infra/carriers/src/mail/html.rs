//! HTML of a mail as plain text: what a reader would see, links with where they lead, nothing that runs.
//!
//! Not a renderer. One pass, no recursion, and no memory beyond the text itself.

mod text;

use self::text::{attribute, decode};

/// Elements of which nothing is seen.
const UNSEEN: [&str; 9] = [
    "script", "style", "head", "title", "template", "noscript", "object", "iframe", "svg",
];
/// Elements that stand on lines of their own.
const LINES: [&str; 20] = [
    "address", "article", "div", "dl", "dt", "dd", "fieldset", "footer", "form", "header", "hr", "li",
    "main", "nav", "section", "table", "tr", "ul", "ol", "center",
];
/// Elements with an empty line around them.
const PARAGRAPHS: [&str; 8] = ["p", "h1", "h2", "h3", "h4", "h5", "h6", "pre"];
/// Classes and ids by which mail programs mark what they quote.
const QUOTES: [&str; 6] = [
    "gmail_quote",
    "gmail_extra",
    "yahoo_quoted",
    "moz-cite-prefix",
    "protonmail_quote",
    "zmail_extra",
];
/// The same, of elements that stand before what is quoted and do not hold it.
const BORDERS: [&str; 2] = ["appendonsend", "divrplyfwdmsg"];
/// More elements than a mail can close.
const NEVER: usize = usize::MAX / 2;
/// Text longer than this is cut.
const LONGEST: usize = 256 * 1024;

/// What a mail in HTML says: the text, and what was quoted below it.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Seen {
    /// The text.
    pub(super) text: String,
    /// What mail programs marked as quoted.
    pub(super) quoted: String,
}

/// Reads HTML.
pub(super) fn read(html: &str) -> Seen {
    let mut page = Page::default();
    let mut rest = html;
    while !rest.is_empty() && page.own.len() + page.quoted.len() < LONGEST {
        let Some(start) = rest.find('<') else {
            page.text(rest);
            break;
        };
        let (before, tag) = rest.split_at(start);
        page.text(before);
        if let Some(comment) = tag.strip_prefix("<!--") {
            rest = comment
                .find("-->")
                .and_then(|end| comment.get(end + 3..))
                .unwrap_or_default();
            continue;
        }
        let is_tag = tag
            .as_bytes()
            .get(1)
            .is_some_and(|next| next.is_ascii_alphabetic() || b"/!?".contains(next));
        if !is_tag {
            page.text("<");
            rest = tag.get(1..).unwrap_or_default();
            continue;
        }
        let (inside, after) = split_tag(tag);
        rest = page.tag(inside, after);
    }
    page.finish()
}

/// The inside of the tag at the start of `tag`, and what follows it. Quotes hide the end.
fn split_tag(tag: &str) -> (&str, &str) {
    let mut quote = None;
    let mut before = b'<';
    for (at, byte) in tag.bytes().enumerate().skip(1) {
        match (quote, byte) {
            (None, b'>') => {
                return (
                    tag.get(1..at).unwrap_or_default(),
                    tag.get(at + 1..).unwrap_or_default(),
                );
            }
            // Only a value is quoted: elsewhere the sign means nothing.
            (None, b'"' | b'\'') if before == b'=' => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
    }
    (tag.get(1..).unwrap_or_default(), "")
}

#[derive(Default)]
struct Page {
    own: String,
    quoted: String,
    /// Where the links that are open lead, and how much text there was when they began.
    link: Option<(String, usize)>,
    /// Elements inside the quoted one that are open: when none is left, the quote ends.
    quote: Option<(String, usize)>,
    /// Preformatted elements that are open.
    preformatted: usize,
}

impl Page {
    fn out(&mut self) -> &mut String {
        if self.quote.is_some() {
            &mut self.quoted
        } else {
            &mut self.own
        }
    }

    fn text(&mut self, raw: &str) {
        if raw.is_empty() {
            return;
        }
        let text = decode(raw);
        if self.preformatted > 0 {
            self.out().push_str(&text);
            return;
        }
        let out = self.out();
        for character in text.chars() {
            let blank = matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{c}');
            if !blank {
                out.push(character);
            } else if !out.is_empty() && !out.ends_with([' ', '\n']) {
                out.push(' ');
            }
        }
    }

    fn line(&mut self, lines: usize) {
        let out = self.out();
        let kept = out.trim_end_matches(' ').len();
        out.truncate(kept);
        if out.is_empty() {
            return;
        }
        let there = out.bytes().rev().take_while(|byte| *byte == b'\n').count();
        for _ in there..lines {
            out.push('\n');
        }
    }

    /// Takes a tag and gives back what is to be read next.
    fn tag<'a>(&mut self, inside: &str, after: &'a str) -> &'a str {
        let (closing, inside) = match inside.strip_prefix('/') {
            Some(inside) => (true, inside),
            None => (false, inside),
        };
        let end = inside
            .find(|c: char| c.is_ascii_whitespace() || c == '/')
            .unwrap_or(inside.len());
        let name = inside.get(..end).unwrap_or_default().to_ascii_lowercase();
        let attributes = inside.get(end..).unwrap_or_default();
        if UNSEEN.contains(&name.as_str()) && !closing {
            if inside.ends_with('/') {
                return after;
            }
            return skip(after, &name);
        }
        if closing {
            self.close(&name);
        } else {
            self.open(&name, attributes);
        }
        after
    }

    fn open(&mut self, name: &str, attributes: &str) {
        let begins = if self.quote.is_none() {
            quote(name, attributes)
        } else {
            None
        };
        if let Some(whole) = begins {
            self.line(1);
            let open = if whole { 1 } else { NEVER };
            self.quote = Some((name.to_owned(), open));
        } else if let Some((quoted, open)) = &mut self.quote
            && quoted == name
        {
            *open += 1;
        }
        match name {
            "br" => {
                let out = self.out();
                let kept = out.trim_end_matches(' ').len();
                out.truncate(kept);
                out.push('\n');
            }
            "a" => {
                let at = self.out().len();
                self.link = attribute(attributes, "href").map(|href| (href, at));
            }
            "img" => {
                if let Some(words) = attribute(attributes, "alt").filter(|alt| !alt.trim().is_empty()) {
                    self.text(&format!("[{}]", words.trim()));
                }
            }
            "td" | "th" => self.text(" "),
            _ => self.block(name),
        }
        if name == "li" {
            self.out().push_str("- ");
        }
        if name == "pre" {
            self.preformatted += 1;
        }
    }

    fn close(&mut self, name: &str) {
        if name == "a" {
            self.end_link();
        }
        if name == "pre" {
            self.preformatted = self.preformatted.saturating_sub(1);
        }
        self.block(name);
        if let Some((quoted, open)) = &mut self.quote
            && quoted == name
        {
            *open -= 1;
            if *open == 0 {
                self.quote = None;
            }
        }
    }

    fn block(&mut self, name: &str) {
        if PARAGRAPHS.contains(&name) {
            self.line(2);
        } else if LINES.contains(&name) || name == "blockquote" {
            self.line(1);
        }
    }

    /// Says where a link leads, unless its words say so themselves, or it leads nowhere that a reader could go.
    fn end_link(&mut self) {
        let Some((href, at)) = self.link.take() else {
            return;
        };
        let href = href.trim();
        let lower = href.to_ascii_lowercase();
        let goes = ["http://", "https://", "mailto:", "tel:"]
            .iter()
            .any(|scheme| lower.starts_with(scheme));
        let bare = href
            .split_once(':')
            .map_or(href, |(_, rest)| rest.trim_start_matches('/'));
        let out = self.out();
        let words = out.get(at..).unwrap_or_default();
        if goes && href.len() <= 2_048 && !words.contains(bare.trim_end_matches('/')) {
            let shown = format!(" <{href}>");
            out.push_str(&shown);
        }
    }

    fn finish(self) -> Seen {
        Seen {
            text: tidy(&self.own),
            quoted: tidy(&self.quoted),
        }
    }
}

/// What follows the end of an element of which nothing is seen.
fn skip<'a>(after: &'a str, name: &str) -> &'a str {
    let mut rest = after;
    while let Some(at) = rest.find("</") {
        rest = rest.get(at + 2..).unwrap_or_default();
        let named = rest
            .as_bytes()
            .get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()));
        if named {
            return rest
                .find('>')
                .and_then(|end| rest.get(end + 1..))
                .unwrap_or_default();
        }
    }
    ""
}

/// Whether an element begins a quote: `true` if the quote ends with it, `false` if it only marks where one begins.
fn quote(name: &str, attributes: &str) -> Option<bool> {
    if name == "body" {
        return None;
    }
    let cites = attribute(attributes, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("cite"));
    if name == "blockquote" && cites {
        return Some(true);
    }
    for mark_name in ["class", "id"] {
        let value = attribute(attributes, mark_name)
            .unwrap_or_default()
            .to_ascii_lowercase();
        for mark in value.split_ascii_whitespace() {
            if QUOTES.contains(&mark) {
                return Some(true);
            }
            if BORDERS.contains(&mark) {
                return Some(false);
            }
        }
    }
    None
}

/// At most one empty line in a row, none at the ends, nothing that cannot be seen at the ends of lines.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines() {
        let line = line.trim_end_matches([' ', '\t', '\u{a0}', '\u{200b}', '\u{feff}']);
        if line.trim().is_empty() {
            empty += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if empty > 0 { "\n\n" } else { "\n" });
        }
        empty = 0;
        out.push_str(line);
    }
    out
}

#[cfg(test)]
mod tests;
