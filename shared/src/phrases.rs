//! Phrases in what people wrote or said: words without case, accents and apostrophes, and patterns over them.
//!
//! A pattern is a line of slots, each of them one word out of several (`stop|quit`). `?` before a slot: at most once;
//! `*`: as often as it fits. `^` is the beginning of a sentence, `$` its end, `<4>` up to four words of any kind.
//! `^` holds after a comma too: "Please, stop texting me". `?,` lets a comma stand there.

/// A text as words and the breaks between its sentences.
#[derive(Clone)]
pub(crate) struct Words(Vec<Token>);

#[derive(Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Break,
}

/// Words of a text that are looked at. What a phrase is about stands in a text of ordinary length.
const MOST_WORDS: usize = 1_000;

impl Words {
    /// Reads a text.
    pub(crate) fn of(text: &str) -> Self {
        let mut tokens = Vec::new();
        let mut word = String::new();
        for c in text.chars().flat_map(char::to_lowercase) {
            if let Some(letter) = folded(c) {
                word.push_str(letter);
            } else if c.is_alphanumeric() {
                word.push(c);
            } else if !is_silent(c) {
                end_word(&mut word, &mut tokens);
                if !c.is_whitespace() && !is_joint(c) && tokens.last() != Some(&Token::Break) {
                    tokens.push(Token::Break);
                }
            }
            if tokens.len() >= MOST_WORDS {
                break;
            }
        }
        end_word(&mut word, &mut tokens);
        Self(tokens)
    }

    /// Where a pattern fits: the numbers of the tokens where it begins.
    pub(crate) fn all<'a>(&'a self, pattern: &'a str) -> impl Iterator<Item = usize> + 'a {
        let slots: Vec<&str> = pattern.split_whitespace().collect();
        (0..self.0.len()).filter(move |&at| fits(&self.0, at, &slots))
    }

    /// All words with a space between them, whatever stood there.
    pub(crate) fn joined(&self) -> String {
        let words = self.0.iter().filter_map(|token| match token {
            Token::Word(word) => Some(word.as_str()),
            Token::Break => None,
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// Whether one of `words` stands among the `reach` words before `at`, in the same sentence.
    pub(crate) fn has_before(&self, at: usize, reach: usize, words: &str) -> bool {
        let before = self.0.get(..at).unwrap_or_default().iter().rev().take(reach);
        before
            .map_while(|token| match token {
                Token::Word(word) => Some(word),
                Token::Break => None,
            })
            .any(|word| words.split_whitespace().any(|one| one == word))
    }
}

fn end_word(word: &mut String, tokens: &mut Vec<Token>) {
    if !word.is_empty() {
        tokens.push(Token::Word(std::mem::take(word)));
    }
}

/// Stands inside words and says nothing: "don't", "m'envoyer".
fn is_silent(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | '`' | '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{feff}' | '\u{300}'..='\u{36f}')
}

/// Stands between words of one sentence: "opt-out", "(please)".
fn is_joint(c: char) -> bool {
    matches!(
        c,
        '-' | '‐' | '‑' | '/' | '"' | '“' | '”' | '„' | '«' | '»' | '(' | ')' | '*' | '_' | '¿' | '¡'
    )
}

/// The plain letters for one with an accent.
fn folded(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => "a",
        'ç' => "c",
        'è' | 'é' | 'ê' | 'ë' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ñ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' => "o",
        'ù' | 'ú' | 'û' | 'ü' => "u",
        'ß' => "ss",
        'œ' => "oe",
        _ => return None,
    })
}

/// Whether the slots fit from `at` on. Recursion goes as deep as a pattern is long: patterns are ours.
fn fits(tokens: &[Token], at: usize, slots: &[&str]) -> bool {
    let Some((&slot, rest)) = slots.split_first() else {
        return true;
    };
    let token = tokens.get(at);
    let is_break = |token: Option<&Token>| token.is_none_or(|token| *token == Token::Break);
    if slot == "$" {
        return is_break(token) && fits(tokens, at, rest);
    }
    if slot == "^" {
        let begins = at
            .checked_sub(1)
            .is_none_or(|before| is_break(tokens.get(before)));
        return begins && fits(tokens, at, rest);
    }
    if let Some(most) = slot.strip_prefix('<').and_then(|s| s.strip_suffix('>')) {
        let most: usize = most.parse().unwrap_or_default();
        let free = tokens
            .iter()
            .skip(at)
            .take(most)
            .take_while(|t| **t != Token::Break)
            .count();
        return (0..=free).any(|skip| fits(tokens, at + skip, rest));
    }
    let is_one_of = |words: &str, at: usize| matches!(tokens.get(at), Some(Token::Word(word)) if words.split('|').any(|one| one == word));
    if slot == "?," {
        return (token == Some(&Token::Break) && fits(tokens, at + 1, rest)) || fits(tokens, at, rest);
    }
    if let Some(words) = slot.strip_prefix('?') {
        return (is_one_of(words, at) && fits(tokens, at + 1, rest)) || fits(tokens, at, rest);
    }
    if let Some(words) = slot.strip_prefix('*') {
        let run = (at..tokens.len()).take_while(|&at| is_one_of(words, at)).count();
        return (0..=run).rev().any(|skip| fits(tokens, at + skip, rest));
    }
    is_one_of(slot, at) && fits(tokens, at + 1, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_know_alternatives_options_runs_gaps_and_ends() {
        for (pattern, text, expected) in [
            ("stop texting|calling me", "Please STOP texting me", true),
            ("stop texting|calling me", "stop. texting me", false),
            ("stop ?all texts", "stop texts", true),
            ("stop ?all texts", "stop all all texts", false),
            ("stop *all|the texts", "stop all the texts", true),
            ("send <2> link", "send me the link", true),
            ("send <2> link", "send me that nice link", false),
            ("send <2> link", "send me. link", false),
            ("^ stop $", "Stop!", true),
            ("^ stop $", "please stop", false),
            ("^ stop $", "please, stop", true),
            ("dont text", "don’t text", true),
            ("arretez de menvoyer", "Arrêtez de m'envoyer", true),
            ("opt out", "opt-out", true),
            ("stop ?, please", "stop, please", true),
            ("stop ?, please", "stop please", true),
        ] {
            assert_eq!(
                Words::of(text).all(pattern).next().is_some(),
                expected,
                "{pattern:?} in {text:?}"
            );
        }
    }

    #[test]
    fn a_long_text_is_read_in_part() {
        let text = "word ".repeat(50_000) + "stop";
        assert!(Words::of(&text).all("stop").next().is_none());
    }
}
