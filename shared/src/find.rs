//! Finding words in a text, whatever their case and accents, and showing where.

use crate::knowledge::fold_into;

/// Characters shown before a match, and of the whole snippet.
const BEFORE: usize = 40;
const SNIPPET: usize = 160;

/// The words that are looked for. `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct Needle(Vec<String>);

impl std::fmt::Debug for Needle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Needle(..)")
    }
}

impl Needle {
    /// From what a person typed: words between white space, without punctuation around them. `None` if no word
    /// is left.
    pub fn new(text: &str) -> Option<Self> {
        let mut words: Vec<String> = Vec::new();
        for word in fold(text).text.split_whitespace() {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '+');
            if word.chars().any(char::is_alphanumeric) && !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
        (!words.is_empty()).then_some(Self(words))
    }

    /// The words in their folded form.
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// A snippet around the first match if `text` holds all words, each also as a part of a longer word.
    pub fn find(&self, text: &str) -> Option<String> {
        let folded = fold(text);
        let mut first = usize::MAX;
        for word in &self.0 {
            first = first.min(folded.text.find(word.as_str())?);
        }
        Some(snippet(text, folded.origin(first)))
    }
}

/// A folded text that knows where its parts come from.
#[derive(Default)]
struct Folded {
    text: String,
    /// Offsets in the folded text and in the original at which each character begins.
    origins: Vec<(usize, usize)>,
}

impl Folded {
    /// The offset in the original of what is at `offset` in the folded text.
    fn origin(&self, offset: usize) -> usize {
        let after = self.origins.partition_point(|(folded, _)| *folded <= offset);
        let before = after.checked_sub(1).and_then(|at| self.origins.get(at));
        before.map_or(0, |(_, original)| *original)
    }
}

fn fold(text: &str) -> Folded {
    let mut folded = Folded::default();
    for (at, c) in text.char_indices() {
        let before = folded.text.len();
        fold_into(c, &mut folded.text);
        // An accent of its own folds to nothing and begins nothing.
        if folded.text.len() > before {
            folded.origins.push((before, at));
        }
    }
    folded
}

/// One line of the text around `offset`, with `…` where it goes on.
fn snippet(text: &str, offset: usize) -> String {
    let (before, from) = text.split_at_checked(offset).unwrap_or(("", text));
    let skipped = before.chars().count().saturating_sub(BEFORE);
    let kept_before = before.chars().count() - skipped;
    let mut line = String::from(if skipped > 0 { "…" } else { "" });
    line.extend(before.chars().skip(skipped).map(on_one_line));
    line.extend(from.chars().take(SNIPPET - kept_before).map(on_one_line));
    if from.chars().count() > SNIPPET - kept_before {
        line.push('…');
    }
    line
}

fn on_one_line(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_words_are_found_whatever_their_case_and_accents() {
        let table = [
            ("creme", "Do you serve Crème brûlée?", true),
            ("BRULEE crème", "Do you serve Crème brûlée?", true),
            ("crème soup", "Do you serve Crème brûlée?", false),
            ("strasse", "in der Hauptstraße", true),
            ("cre\u{300}me", "creme", true),
            ("gard", "the garden room", true),
            ("\"garden, room\"!", "the garden room", true),
            ("anna@example.com", "write to Anna@Example.com.", true),
            ("anna@example.com", "anna of example.com", false),
            ("+1555", "+15550100199", true),
            ("見積", "お見積もりをお願いします", true),
        ];
        for (words, text, expected) in table {
            assert_eq!(
                Needle::new(words).unwrap().find(text).is_some(),
                expected,
                "{words} in {text}"
            );
        }
        for nothing in ["", "  ", "?! …", "--"] {
            assert_eq!(Needle::new(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_snippet_shows_the_match_and_says_where_it_is_cut() {
        let text = format!("{}\nthe Gärten room{}", "a ".repeat(100), " b".repeat(200));
        let found = Needle::new("garten").unwrap().find(&text).unwrap();
        assert!(found.starts_with('…') && found.ends_with('…') && found.contains(" the Gärten room b"));
        assert_eq!(found.chars().count(), SNIPPET + 2);
        assert_eq!(
            Needle::new("hi").unwrap().find("Hi there"),
            Some("Hi there".to_owned())
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(words in ".*", text in "(?s).*") {
            if let Some(needle) = Needle::new(&words) {
                let _ = needle.find(&text);
                prop_assert!(needle.find(&words).is_some());
            }
        }
    }
}
