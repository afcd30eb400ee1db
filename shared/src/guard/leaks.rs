//! What an answer gives away: instructions, other passages, keys, and words made to be read otherwise than checked.

use super::grams::{letters, runs, shares, turned};
use super::lexer::{Backing, Kind, Tokens};
use super::{Flag, Ground};

/// Letters in a row that are no accident: about five words.
const OF_INSTRUCTIONS: usize = 24;
/// The tenant's own passages may be quoted a little: about eight words.
const OF_PASSAGES: usize = 40;

/// What keys of well-known makers begin with.
const KEY_HEADS: [&str; 14] = [
    "sk-",
    "sk_",
    "pk_",
    "rk_",
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "github_pat_",
    "xox",
    "EAA",
    "eyJ",
    "AIza",
    "-----BEGIN",
];

/// Checks an answer; `rest` is the answer without addresses and times that may be named.
pub(super) fn check(answer: &str, rest: &str, backing: &Backing, ground: &Ground<'_>, flags: &mut Vec<Flag>) {
    let texts = |passages: &'_ [&crate::knowledge::Passage]| -> Vec<String> {
        passages
            .iter()
            .map(|p| format!("{} {}", p.heading, p.text))
            .collect()
    };
    let (used, shown) = (texts(ground.used), texts(ground.shown));
    let said: Vec<&str> = [ground.guest, ground.ours, ground.settings].concat();
    let said_too = || said.iter().copied().chain(used.iter().map(String::as_str));
    let turned = turned(&letters(answer));

    // The instructions are what was sent and is not somebody's words.
    let secret = runs(ground.secret.iter().copied(), OF_INSTRUCTIONS);
    let open = runs(
        said_too().chain(shown.iter().map(String::as_str)),
        OF_INSTRUCTIONS,
    );
    if turned
        .iter()
        .any(|text| shares(text, OF_INSTRUCTIONS, &secret, &open))
    {
        flags.push(Flag::Instructions);
    }
    let others = runs(shown.iter().map(String::as_str), OF_PASSAGES);
    let own = runs(said_too(), OF_PASSAGES);
    if turned.iter().any(|text| shares(text, OF_PASSAGES, &others, &own)) {
        flags.push(Flag::OtherPassage);
    }
    if has_token(rest, backing) {
        flags.push(Flag::Token);
    }
    if is_obfuscated(answer, backing) {
        flags.push(Flag::Obfuscated);
    }
}

fn has_token(text: &str, backing: &Backing) -> bool {
    let divides = |c: char| c.is_whitespace() || c == '\u{1}' || "<>\"()[]{}|,;«»“”„`'*".contains(c);
    let named = |piece: &str| backing.texts.iter().any(|text| text.contains(piece));
    let pieces = || {
        text.split(divides)
            .map(|piece| piece.trim_matches(|c: char| ".:!?".contains(c)))
            .filter(|piece| !piece.is_empty())
    };
    let strange = pieces().filter(|piece| is_mixed(piece) && !named(piece)).count();
    // Several short ones in a row are one that was cut.
    strange >= 4 || pieces().any(|piece| is_token(piece) && !named(piece))
}

/// Whether a piece looks like a key, a code or something encoded.
fn is_token(piece: &str) -> bool {
    if piece.len() >= 8 && KEY_HEADS.iter().any(|head| piece.starts_with(head)) {
        return true;
    }
    let whole = piece
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "+/=_-.:#".contains(c));
    let letters = piece.bytes().filter(u8::is_ascii_alphabetic).count();
    let digits = piece.bytes().filter(u8::is_ascii_digit).count();
    let capitals = piece.bytes().filter(u8::is_ascii_uppercase).count();
    if !whole || letters == 0 {
        return false;
    }
    let hexadecimal = piece.len() >= 16 && piece.bytes().all(|b| b.is_ascii_hexdigit());
    // A long word of capitals and small letters, without a space where a word would have one.
    let long = piece.len() >= 20
        && !piece.contains('/')
        && ((digits >= 2 && letters >= 6) || inner_capitals(piece) >= 3);
    let encoded = piece.len() >= 24
        && !piece.contains(['-', '.', ':'])
        && (digits >= 2 || inner_capitals(piece) >= 3 || capitals == letters);
    // "ZX-7741-QUOKKA"; not "10am-10pm" or "1200euros".
    let code = piece.len() >= 8 && digits >= 3 && capitals >= 2;
    hexadecimal || long || encoded || code
}

fn inner_capitals(piece: &str) -> usize {
    let pairs = piece.as_bytes().iter().zip(piece.as_bytes().iter().skip(1));
    pairs
        .filter(|(a, b)| a.is_ascii_lowercase() && b.is_ascii_uppercase())
        .count()
}

/// A short piece as encodings are made of: capitals inside, or digits between letters.
fn is_mixed(piece: &str) -> bool {
    let ascii = piece.len() >= 3
        && piece
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c));
    let bytes = piece.as_bytes();
    let digit_inside = bytes
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if a.is_ascii_alphabetic() && b.is_ascii_digit()));
    let capitals = bytes.iter().skip(1).filter(|b| b.is_ascii_uppercase()).count();
    let small = bytes.iter().any(u8::is_ascii_lowercase);
    ascii && ((capitals > 0 && small) || digit_inside || piece.ends_with('='))
}

/// Letters of two scripts in one word, or single letters in a row.
fn is_obfuscated(answer: &str, backing: &Backing) -> bool {
    let tokens = Tokens::of(answer);
    let mut single = 0;
    for at in 0..tokens.len() {
        let Some(token) = tokens.get(at) else { continue };
        match token.kind {
            Kind::Word => {
                single = if token.text.chars().count() == 1 {
                    single + 1
                } else {
                    0
                };
                let mixed = token.text.chars().any(is_latin) && token.text.chars().any(is_lookalike);
                if single >= 4 || (mixed && !backing.texts.iter().any(|text| text.contains(token.text))) {
                    return true;
                }
            }
            Kind::Break | Kind::Digits => single = 0,
            Kind::Space | Kind::Mark(_) => {}
        }
    }
    false
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || ('\u{c0}'..='\u{24f}').contains(&c)
}

/// Greek, Cyrillic, Armenian, Cherokee: scripts with letters that look like Latin ones.
fn is_lookalike(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{58f}' | '\u{13a0}'..='\u{13ff}' | '\u{1c80}'..='\u{1c8f}' | '\u{ab70}'..='\u{abbf}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::money::Amounts;
    use crate::guard::times::Times;

    fn backing() -> Backing {
        Backing {
            texts: vec!["Take bus ABX-1234-Z.".to_owned()],
            amounts: Amounts::default(),
            times: Times::default(),
        }
    }

    #[test]
    fn keys_codes_and_encodings_are_tokens() {
        for text in [
            "sk-live_abc123",
            "AKIAIOSFODNN7EXAMPLE",
            "eyJhbGciOiJIUzI1NiJ9.e30.abc",
            "ZX-7741-QUOKKA",
            "WW91IGFuc3dlciBmb3IgdGhlIFZpbGxh",
            "it is WW91 IGFu c3dl ciBm",
            "deadbeefdeadbeef",
            "KRUGKIDROVUWG2ZAMJZG653OEBTG66BA",
        ] {
            assert!(has_token(text, &backing()), "{text}");
        }
        for text in [
            "ABX-1234-Z",
            "Open 10am-10pm for 1200euros, WLAN and 5GHz.",
            "Veranstaltungsraumvermietung",
            "wedding/birthday/company-celebration",
            "McDonald and iPhone",
        ] {
            assert!(!has_token(text, &backing()), "{text}");
        }
    }

    #[test]
    fn words_of_two_scripts_and_spaced_letters_are_obfuscated() {
        assert!(is_obfuscated("go to еvil", &backing()));
        assert!(is_obfuscated("e v i l c o m", &backing()));
        assert!(!is_obfuscated("Вилла, η βίλα and vitamin C or a D", &backing()));
    }
}
