//! A text as it is read, whatever it is written with; and as words, digits and marks.

use std::ops::Range;

use super::Ground;
use crate::knowledge::fold_into;
use crate::masking::digit;

/// The text as a reader takes it: full-width and mathematical letters as the letters they show, digits of all scripts
/// as digits, dots of all kinds as dots. For looking at, not for sending.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .filter(|&c| !super::clean::is_hidden(c))
        .map(|c| match c {
            '。' | '．' | '｡' | '\u{2024}' => '.',
            '﹫' => '@',
            '\u{2044}' | '\u{2215}' => '/',
            '\u{2018}' | '\u{2019}' => '\'',
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{3000}' => ' ',
            '\u{ff01}'..='\u{ff5e}' => shifted(c, 0xff01, '!'),
            '\u{24b6}'..='\u{24cf}' => shifted(c, 0x24b6, 'A'),
            '\u{24d0}'..='\u{24e9}' => shifted(c, 0x24d0, 'a'),
            '\u{1d400}'..='\u{1d6a3}' => mathematical(c),
            '\u{1d7ce}'..='\u{1d7ff}' => char::from_digit((u32::from(c) - 0x1d7ce) % 10, 10).unwrap_or(c),
            _ => digit(c).map_or(c, |value| char::from(b'0' + value)),
        })
        .collect()
}

/// The character that is as far from `to` as `c` is from `from`.
fn shifted(c: char, from: u32, to: char) -> char {
    char::from_u32(u32::from(c) - from + u32::from(to)).unwrap_or(c)
}

/// Alphabets of 52 letters, one after the other.
fn mathematical(c: char) -> char {
    let at = (u32::from(c) - 0x1d400) % 52;
    let (from, at) = if at < 26 { ('A', at) } else { ('a', at - 26) };
    char::from_u32(u32::from(from) + at).unwrap_or(c)
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// ASCII digits.
    Digits,
    /// Letters.
    Word,
    /// White space without a line's end.
    Space,
    /// White space with one.
    Break,
    /// Anything else, one character.
    Mark(char),
}

/// A piece of a text.
#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// A word in lower case and without accents.
    pub(super) word: String,
    pub(super) span: Range<usize>,
}

/// A text as tokens. Reading beyond either end finds nothing.
pub(super) struct Tokens<'a>(Vec<Token<'a>>);

impl<'a> Tokens<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mut tokens: Vec<Token<'a>> = Vec::new();
        for (start, c) in text.char_indices() {
            let end = start + c.len_utf8();
            let kind = match c {
                '0'..='9' => Kind::Digits,
                '\n' | '\r' => Kind::Break,
                c if c.is_whitespace() => Kind::Space,
                c if c.is_alphabetic() || ('\u{300}'..='\u{36f}').contains(&c) => Kind::Word,
                c => Kind::Mark(c),
            };
            match tokens.last_mut() {
                Some(last) if last.kind == kind && !matches!(kind, Kind::Mark(_)) => last.span.end = end,
                Some(last)
                    if matches!(
                        (last.kind, kind),
                        (Kind::Break, Kind::Space) | (Kind::Space, Kind::Break)
                    ) =>
                {
                    (last.kind, last.span.end) = (Kind::Break, end);
                }
                _ => tokens.push(Token {
                    kind,
                    text: "",
                    word: String::new(),
                    span: start..end,
                }),
            }
        }
        for token in &mut tokens {
            token.text = text.get(token.span.clone()).unwrap_or_default();
            if token.kind == Kind::Word {
                for c in token.text.chars() {
                    fold_into(c, &mut token.word);
                }
            }
        }
        Self(tokens)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<&Token<'a>> {
        self.0.get(at)
    }

    pub(super) fn kind(&self, at: usize) -> Option<Kind> {
        self.get(at).map(|token| token.kind)
    }

    pub(super) fn is_mark(&self, at: usize, marks: &str) -> bool {
        matches!(self.kind(at), Some(Kind::Mark(mark)) if marks.contains(mark))
    }

    pub(super) fn is_space(&self, at: usize) -> bool {
        self.kind(at) == Some(Kind::Space)
    }

    /// The digits at `at`, if there are any.
    pub(super) fn digits(&self, at: usize) -> Option<&'a str> {
        self.get(at)
            .filter(|token| token.kind == Kind::Digits)
            .map(|token| token.text)
    }

    /// The word at `at`, folded.
    pub(super) fn word(&self, at: usize) -> Option<&str> {
        self.get(at)
            .filter(|token| token.kind == Kind::Word)
            .map(|token| token.word.as_str())
    }

    /// `at`, or the place behind the space that stands there.
    pub(super) fn past_space(&self, at: usize) -> usize {
        if self.is_space(at) { at + 1 } else { at }
    }

    /// The place before `at`, or before the space that stands there.
    pub(super) fn before(&self, at: usize) -> Option<usize> {
        let before = at.checked_sub(1)?;
        if self.is_space(before) {
            before.checked_sub(1)
        } else {
            Some(before)
        }
    }

    /// The text between two places.
    pub(super) fn span(&self, from: usize, to: usize) -> Range<usize> {
        let start = self.get(from).map_or(0, |token| token.span.start);
        let end = to
            .checked_sub(1)
            .and_then(|last| self.get(last))
            .map_or(start, |token| token.span.end);
        start..end.max(start)
    }

    /// The sentence around a place: from the first to behind the last token.
    pub(super) fn sentence(&self, at: usize) -> Range<usize> {
        let ends = |at: usize| match self.kind(at) {
            Some(Kind::Break) | None => true,
            Some(Kind::Mark('.' | '!' | '?' | ';')) => {
                matches!(self.kind(at + 1), None | Some(Kind::Space | Kind::Break))
            }
            _ => false,
        };
        let from = (0..at)
            .rev()
            .find(|&before| ends(before))
            .map_or(0, |end| end + 1);
        let to = (at..self.len()).find(|&after| ends(after)).unwrap_or(self.len());
        from..to.max(from)
    }
}

/// The text with white space where the spans are.
pub(super) fn blank(text: &str, spans: &[Range<usize>]) -> String {
    text.char_indices()
        .map(|(at, c)| {
            if c != '\n' && spans.iter().any(|span| span.contains(&at)) {
                // Not white space: what stands on both sides does not grow together.
                '\u{1}'
            } else {
                c
            }
        })
        .collect()
}

/// The passages that an answer rests on, made ready to be looked up.
pub(super) struct Backing {
    /// Each passage, headings first, as a reader takes it.
    pub(super) texts: Vec<String>,
    pub(super) amounts: super::money::Amounts,
    pub(super) times: super::times::Times,
}

impl Backing {
    pub(super) fn of(ground: &Ground<'_>) -> Self {
        let texts: Vec<String> = ground
            .used
            .iter()
            .map(|passage| plain(&format!("{}\n{}", passage.heading, passage.text)))
            .collect();
        let mut amounts = super::money::Amounts::default();
        let mut times = super::times::Times::default();
        for text in &texts {
            let rest = super::contact::without_addresses(text);
            let spans = times.read(&rest);
            amounts.read(&blank(&rest, &spans));
        }
        Self {
            texts,
            amounts,
            times,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_is_read_alike() {
        for (written, read) in [
            ("ｅｖｉｌ．ｃｏｍ", "evil.com"),
            ("evil。com", "evil.com"),
            ("𝐞𝐯𝐢𝐥.𝘤𝘰𝘮", "evil.com"),
            ("ⓔⓥⓘⓛ.com", "evil.com"),
            ("٩٠٠ €", "900 €"),
            ("𝟗00", "900"),
            ("e\u{200b}vil\u{202e}.com", "evil.com"),
            ("1\u{202f}200 €", "1 200 €"),
        ] {
            assert_eq!(plain(written), read);
        }
    }

    #[test]
    fn tokens_are_words_digits_and_marks_with_their_places() {
        let tokens = Tokens::of("Für 1.200 €\n à");
        let kinds: Vec<(Kind, &str)> = (0..tokens.len())
            .filter_map(|at| tokens.get(at))
            .map(|token| (token.kind, token.text))
            .collect();
        assert_eq!(
            kinds,
            [
                (Kind::Word, "Für"),
                (Kind::Space, " "),
                (Kind::Digits, "1"),
                (Kind::Mark('.'), "."),
                (Kind::Digits, "200"),
                (Kind::Space, " "),
                (Kind::Mark('€'), "€"),
                (Kind::Break, "\n "),
                (Kind::Word, "à"),
            ]
        );
        assert_eq!((tokens.word(0), tokens.word(8)), (Some("fur"), Some("a")));
        assert_eq!(tokens.sentence(8), 8..9);
    }
}
