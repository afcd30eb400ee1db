//! Marks inside a line of Markdown, taken away so that a passage reads as plain text.

/// Takes away emphasis, code marks, comments and link syntax; keeps the address of a web, mail or phone link.
pub(super) fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let after = rest.strip_prefix(c).unwrap_or_default();
        if let Some((text, tail)) = link(rest) {
            out.push_str(&text);
            before = ')';
            rest = tail;
            continue;
        }
        if let Some(tail) = rest.strip_prefix("<!--") {
            rest = tail.split_once("-->").map_or("", |(_, tail)| tail);
            continue;
        }
        let next = after.chars().next().unwrap_or(' ');
        rest = after;
        match c {
            '\\' if next.is_ascii_punctuation() => {
                out.push(next);
                before = next;
                rest = after.strip_prefix(next).unwrap_or_default();
            }
            '`' => before = c,
            // Inside a word (`first_name`) or standing alone (`2 * 3`) it is no mark.
            '*' | '_'
                if !(before.is_alphanumeric() && next.is_alphanumeric() || before == ' ' && next == ' ') =>
            {
                before = c;
            }
            _ => {
                out.push(c);
                before = c;
            }
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reads `[text](target)` or `![text](target)` at the start.
fn link(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('!').unwrap_or(text).strip_prefix('[')?;
    // Bounded, so that a text of nothing but brackets is read in linear time.
    let close = inner
        .char_indices()
        .take(300)
        .find(|(_, c)| matches!(c, ']' | '['))?
        .0;
    let label = inner.get(..close)?;
    let tail = inner.get(close..)?.strip_prefix("](")?;
    let end = tail.char_indices().take(600).find(|(_, c)| *c == ')')?.0;
    let target = tail.get(..end)?;
    let tail = tail.get(end..)?.strip_prefix(')')?;
    let keeps = ["https://", "http://", "mailto:", "tel:"]
        .iter()
        .find_map(|scheme| {
            let address = target.split_whitespace().next()?;
            let shown = if scheme.ends_with("//") {
                address
            } else {
                address.strip_prefix(scheme)?
            };
            address.starts_with(scheme).then_some(shown)
        });
    Some(match keeps {
        Some(address) if !label.contains(address) && !text.starts_with('!') => {
            (format!("{label} ({address})"), tail)
        }
        _ => (label.to_owned(), tail),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_words_stay() {
        for (line, expected) in [
            ("**Bold** and _soft_ and `code`", "Bold and soft and code"),
            ("a_b@example.com costs 2 * 3", "a_b@example.com costs 2 * 3"),
            ("see [the plan](/plan.pdf) now", "see the plan now"),
            (
                "[book](https://example.com/a \"t\")!",
                "book (https://example.com/a)!",
            ),
            ("![lake](lake.jpg) view", "lake view"),
            ("[mail](mailto:a@example.com)", "mail (a@example.com)"),
            ("before<!-- hidden -->after", "beforeafter"),
            (r"5 \* 6 \_", "5 * 6 _"),
            ("[[[[ open", "[[[[ open"),
        ] {
            assert_eq!(plain(line), expected, "{line}");
        }
    }
}
