//! A text as characters with their places, and the shapes that numbers are written in.

/// A text that is looked at character by character.
pub(super) struct Text<'a> {
    text: &'a str,
    chars: Vec<(usize, char)>,
}

/// The value of a decimal digit, in the scripts that keyboards of guests write.
pub(crate) fn digit(c: char) -> Option<u8> {
    const ZEROS: [char; 6] = ['0', '０', '٠', '۰', '०', '০'];
    ZEROS.iter().find_map(|&zero| {
        let value = u32::from(c).checked_sub(u32::from(zero))?;
        u8::try_from(value).ok().filter(|&value| value < 10)
    })
}

/// A space of any width, a tab, or a mark without width that copying leaves behind.
pub(super) fn is_space(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\u{a0}' | '\u{2000}'..='\u{200f}' | '\u{202a}'..='\u{202f}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}'
    )
}

/// A dash of any length.
pub(super) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// What stands between groups of digits.
pub(super) fn is_separator(c: char) -> bool {
    is_space(c) || is_dash(c) || matches!(c, '.' | '·')
}

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            chars: text.char_indices().collect(),
        }
    }

    /// How many characters.
    pub(super) fn len(&self) -> usize {
        self.chars.len()
    }

    /// A character by number.
    pub(super) fn at(&self, n: usize) -> Option<char> {
        self.chars.get(n).map(|&(_, c)| c)
    }

    /// The value of a digit.
    pub(super) fn digit(&self, n: usize) -> Option<u8> {
        self.at(n).and_then(digit)
    }

    /// A Latin letter, in upper case.
    pub(super) fn letter(&self, n: usize) -> Option<char> {
        let c = self.at(n)?;
        c.is_ascii_alphabetic().then_some(c.to_ascii_uppercase())
    }

    /// A digit or Latin letter, in ASCII and upper case.
    pub(super) fn plain(&self, n: usize) -> Option<char> {
        let digit = self.digit(n).map(|value| char::from(b'0' + value));
        digit.or_else(|| self.letter(n))
    }

    /// Whether the character is part of a word or number.
    pub(super) fn is_word(&self, n: usize) -> bool {
        self.at(n).is_some_and(char::is_alphanumeric)
    }

    /// Whether `word` stands at `n`, in lower or upper case.
    pub(super) fn follows(&self, n: usize, word: &str) -> bool {
        word.chars().enumerate().all(|(k, c)| {
            self.at(n + k)
                .is_some_and(|found| found.to_ascii_lowercase() == c)
        })
    }

    /// The text from one character up to another.
    pub(super) fn between(&self, from: usize, to: usize) -> &'a str {
        let byte = |n: usize| self.chars.get(n).map_or(self.text.len(), |&(at, _)| at);
        self.text.get(byte(from)..byte(to)).unwrap_or_default()
    }

    /// Whether one of `words` stands as a word of its own less than `reach` characters before `start`, with
    /// none of `unless` between.
    pub(super) fn said_before(&self, start: usize, reach: usize, words: &[&str], unless: &[&str]) -> bool {
        let window = self.between(start.saturating_sub(reach), start).to_lowercase();
        last_word(&window, words)
            .and_then(|end| window.get(end..))
            .is_some_and(|rest| last_word(rest, unless).is_none())
    }

    /// Whether one of `words` stands as a word of its own right after `end`.
    pub(super) fn said_after(&self, end: usize, reach: usize, words: &[&str]) -> bool {
        let window = self.between(end, end.saturating_add(reach)).to_lowercase();
        // Beyond the next number it belongs to that one.
        let own = window.split(|c| digit(c).is_some()).next().unwrap_or_default();
        last_word(own, words).is_some()
    }

    /// Matches `pattern` at `start`; gives the end and the digits and letters in ASCII and upper case.
    ///
    /// `9` is a digit, `A` a Latin letter, `N` either, `-` a dash, `_` at most one separator, `~` at most one
    /// space; all else stands for itself.
    pub(super) fn shape(&self, start: usize, pattern: &str) -> Option<(usize, String)> {
        let (mut n, mut plain) = (start, String::new());
        for part in pattern.chars() {
            let c = self.at(n);
            let taken = match part {
                '9' => self.digit(n).and_then(|_| self.plain(n)),
                'A' => self.letter(n),
                'N' => self.plain(n),
                '_' | '~' => {
                    let fits = |c: char| if part == '~' { is_space(c) } else { is_separator(c) };
                    n += usize::from(c.is_some_and(fits));
                    continue;
                }
                '-' => {
                    c.filter(|&c| is_dash(c))?;
                    n += 1;
                    continue;
                }
                other => {
                    c.filter(|&c| c == other)?;
                    n += 1;
                    continue;
                }
            };
            plain.push(taken?);
            n += 1;
        }
        let goes_on = self.is_word(n)
            || (self
                .at(n)
                .is_some_and(|c| is_dash(c) || matches!(c, '.' | '/' | ':' | ','))
                && self.digit(n + 1).is_some());
        (!goes_on).then_some((n, plain))
    }
}

/// Where the last of `words` ends that stands in `text` as a word of its own.
fn last_word(text: &str, words: &[&str]) -> Option<usize> {
    let is_whole = |start: usize, end: usize| {
        let before = text.get(..start).and_then(|text| text.chars().next_back());
        let after = text.get(end..).and_then(|text| text.chars().next());
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    };
    let ends = words.iter().flat_map(|word| {
        text.match_indices(word)
            .map(|(start, found)| (start, start + found.len()))
    });
    ends.filter(|&(start, end)| is_whole(start, end))
        .map(|(_, end)| end)
        .max()
}
