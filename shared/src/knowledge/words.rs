//! From text to terms: folding, cutting into words, and a light stem.

use rust_stemmers::{Algorithm, Stemmer};
use serde::{Deserialize, Serialize};

use crate::record::NotPersonal;

/// A word of a text, lower-cased and without accents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// The folded word, never empty.
    pub(super) text: String,
    /// A comma, a colon or a sentence's end stands between the word before and this one.
    pub(super) after_break: bool,
}

/// Cuts a text into folded words. Digit groups (`1,200`, `1.200`) become one number.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut out = Vec::new();
    let mut current = String::new();
    let mut broke = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_alphanumeric() || is_mark(c) {
            fold_into(c, &mut current);
            continue;
        }
        let next = chars.peek().copied();
        if joins(&current, c, next, chars.clone().skip(1)) {
            continue;
        }
        finish(&mut current, &mut broke, &mut out);
        // A point or comma inside a number or an address is no break.
        broke |=
            matches!(c, '.' | '!' | '?' | ';' | ':' | '\n' | ',') && !next.is_some_and(char::is_alphanumeric);
    }
    finish(&mut current, &mut broke, &mut out);
    out
}

/// What a text is written in: of a tenant's documents it decides which endings are endings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "languages")]
pub enum Language {
    #[default]
    #[serde(rename = "en")]
    English,
    #[serde(rename = "de")]
    German,
    #[serde(rename = "fr")]
    French,
    #[serde(rename = "it")]
    Italian,
    #[serde(rename = "es")]
    Spanish,
}

impl NotPersonal for Language {}

/// Little words that tell languages apart, folded.
const TELLING: [(Language, &str); 5] = [
    (
        Language::English,
        "the and of is are to with for we you your in from not",
    ),
    (
        Language::German,
        "der die das und ist sind nicht mit fur wir sie ein eine von zu im auf bei",
    ),
    (
        Language::French,
        "le les des et est sont nous vous pour avec une dans du au sur pas",
    ),
    (
        Language::Italian,
        "il gli di che e sono per con una della nel non alla dei",
    ),
    (
        Language::Spanish,
        "el los las y es son para con una del por en no se",
    ),
];

impl Language {
    /// Every language whose endings are known.
    pub const ALL: [Self; 5] = [
        Self::English,
        Self::German,
        Self::French,
        Self::Italian,
        Self::Spanish,
    ];

    /// Its code of two letters.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Italian => "it",
            Self::Spanish => "es",
        }
    }

    /// The language of this code, which may go on with a region: `de-AT`.
    pub fn by_code(code: &str) -> Option<Self> {
        let code = code.split(['-', '_']).next().unwrap_or_default();
        let mut all = Self::ALL.into_iter();
        all.find(|language| language.code().eq_ignore_ascii_case(code))
    }

    /// What most of the little words in some texts are of.
    pub(super) fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self::told_by(texts).unwrap_or_default()
    }

    /// As most of the little words in some texts tell it; `None` where there is none of them.
    pub fn told_by<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut counts = TELLING.map(|(language, _)| (language, 0_usize));
        for word in texts.into_iter().flat_map(words) {
            for ((_, telling), (_, count)) in TELLING.iter().zip(&mut counts) {
                *count += usize::from(telling.split(' ').any(|known| known == word.text));
            }
        }
        // Of equals the first.
        let most = counts.iter().rev().max_by_key(|(_, count)| *count);
        most.filter(|(_, count)| *count > 0)
            .map(|(language, _)| *language)
    }

    /// The stem under which a folded word is indexed and looked for. English has one of our own, which conflates less
    /// than Snowball's.
    pub(super) fn stem(self, word: &str) -> String {
        let algorithm = match self {
            Self::English => return stem(word),
            Self::German => Algorithm::German,
            Self::French => Algorithm::French,
            Self::Italian => Algorithm::Italian,
            Self::Spanish => Algorithm::Spanish,
        };
        if word.chars().any(|c| c.is_ascii_digit()) {
            return word.to_owned();
        }
        Stemmer::create(algorithm).stem(word).into_owned()
    }
}

/// The stem under which a folded word is indexed and looked for.
///
/// Plurals and the commonest endings of verbs go, no more: what a stem conflates, an answer may confuse.
pub(super) fn stem(word: &str) -> String {
    if word.chars().any(|c| c.is_ascii_digit()) || !word.is_ascii() {
        return word.to_owned();
    }
    let singular = strip_plural(word);
    let base = [
        "ations", "ation", "ating", "ated", "ates", "ate", "ings", "ing", "ed",
    ]
    .iter()
    .find_map(|ending| {
        let rest = singular.strip_suffix(ending)?;
        let needed = if ending.starts_with("at") { 4 } else { 3 };
        (rest.len() >= needed && has_vowel(rest)).then(|| undouble(rest))
    })
    .unwrap_or_else(|| singular.clone());
    let base = match base.strip_suffix('y') {
        Some(rest) if rest.len() >= 3 => format!("{rest}i"),
        _ => base,
    };
    match base.strip_suffix('e') {
        Some(rest) if rest.len() >= 3 => undouble(rest),
        _ => base,
    }
}

fn strip_plural(word: &str) -> String {
    if let Some(rest) = word.strip_suffix("ies").filter(|rest| rest.len() >= 3) {
        return format!("{rest}y");
    }
    for ending in ["sses", "shes", "ches", "xes", "zes"] {
        if word.len() > ending.len() + 1 && word.ends_with(ending) {
            return word.strip_suffix("es").unwrap_or(word).to_owned();
        }
    }
    let keeps_s = ["ss", "is"].iter().any(|ending| word.ends_with(ending));
    match word.strip_suffix('s') {
        Some(rest) if rest.len() >= 3 && !keeps_s => rest.to_owned(),
        _ => word.to_owned(),
    }
}

/// `cancell` and `cancel` are one word; `ll` of `grill` goes on both sides alike.
fn undouble(word: &str) -> String {
    let mut ends = word.chars().rev();
    match (ends.next(), ends.next()) {
        (Some(last), Some(before)) if last == before && !is_vowel(last) && word.len() > 3 => {
            word.strip_suffix(last).unwrap_or(word).to_owned()
        }
        _ => word.to_owned(),
    }
}

fn has_vowel(word: &str) -> bool {
    word.chars().any(|c| is_vowel(c) || c == 'y')
}

fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u')
}

/// True when the separator belongs inside the word: `wi-fi`, `e-mail`, `1,200`.
fn joins(current: &str, separator: char, next: Option<char>, mut rest: impl Iterator<Item = char>) -> bool {
    let Some(next) = next else { return false };
    match separator {
        '-' | '\u{2010}' | '\u{2011}' => {
            let shorts =
                (1..=2).contains(&current.chars().count()) && current.chars().all(char::is_alphabetic);
            let tail = 1 + rest.by_ref().take_while(|c| c.is_alphanumeric()).take(3).count();
            shorts && next.is_alphabetic() && (tail <= 2 || current.len() == 1)
        }
        ',' | '.' | '\'' | '\u{2019}' => {
            let digits = |s: &str| (1..=3).contains(&s.len()) && s.chars().all(|c| c.is_ascii_digit());
            let group: Vec<char> = std::iter::once(next).chain(rest.by_ref().take(3)).collect();
            digits(current)
                && group.iter().take(3).filter(|c| c.is_ascii_digit()).count() == 3
                && !group.get(3).is_some_and(char::is_ascii_alphanumeric)
        }
        _ => false,
    }
}

fn finish(current: &mut String, broke: &mut bool, out: &mut Vec<Word>) {
    if current.is_empty() {
        return;
    }
    out.push(Word {
        text: std::mem::take(current),
        after_break: std::mem::take(broke),
    });
}

fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// Lower-cases and drops accents, Latin only: elsewhere an accent may be another letter.
pub(crate) fn fold_into(c: char, out: &mut String) {
    for lower in c.to_lowercase() {
        let folded = match lower {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
            'ç' | 'ć' | 'č' => "c",
            'ď' | 'đ' => "d",
            'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
            'ğ' => "g",
            'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => "i",
            'ł' => "l",
            'ñ' | 'ń' | 'ň' => "n",
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' => "o",
            'ř' => "r",
            'ś' | 'š' | 'ş' | 'ș' => "s",
            'ť' | 'ţ' | 'ț' => "t",
            'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' => "u",
            'ý' | 'ÿ' => "y",
            'ź' | 'ž' | 'ż' => "z",
            'æ' => "ae",
            'œ' => "oe",
            'ß' => "ss",
            '\u{300}'..='\u{36f}' => "",
            other => {
                out.push(other);
                continue;
            }
        };
        out.push_str(folded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_are_folded_and_numbers_stay_whole() {
        for (text, expected) in [
            ("Crème brûlée", vec!["creme", "brulee"]),
            ("Wi-Fi & e-mail", vec!["wifi", "email"]),
            ("check-in at 15:30", vec!["check", "in", "at", "15", "30"]),
            ("€ 1,200 or 1.200,50", vec!["1200", "or", "1200", "50"]),
            ("the villa's Straße", vec!["the", "villa", "s", "strasse"]),
            ("e\u{301}te\u{301}", vec!["ete"]),
            ("", vec![]),
        ] {
            assert_eq!(texts(text), expected, "{text}");
        }
    }

    #[test]
    fn forms_of_one_word_share_a_stem() {
        for forms in [
            ["menu", "menus", "menu"],
            ["decorate", "decorations", "decorating"],
            ["cancel", "cancelled", "cancellation"],
            ["party", "parties", "party"],
            ["reserve", "reservation", "reserved"],
            ["dish", "dishes", "dish"],
            ["smoke", "smoking", "smoked"],
        ] {
            assert!(forms.iter().all(|form| stem(form) == stem(forms[0])), "{forms:?}");
        }
    }

    #[test]
    fn languages_are_told_apart_by_their_little_words() {
        for (text, expected) in [
            ("The room is free and the garden is open.", Language::English),
            ("Das Zimmer ist frei und der Garten ist offen.", Language::German),
            (
                "La chambre est libre et les jardins sont ouverts.",
                Language::French,
            ),
            (
                "Il giardino e le camere sono aperti per gli ospiti.",
                Language::Italian,
            ),
            (
                "El jardín y las habitaciones son para los huéspedes.",
                Language::Spanish,
            ),
            ("Suite 290", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::of([text]), expected, "{text}");
            let told = Language::told_by([text]).map(Language::code);
            assert_eq!(
                told,
                text.contains(' ')
                    .then(|| expected.code())
                    .filter(|_| text != "Suite 290"),
                "{text}"
            );
            let region = format!("{}-CH", expected.code().to_uppercase());
            assert_eq!(Language::by_code(&region), Some(expected));
        }
        let german = Language::German;
        assert_eq!(german.stem("hunde"), german.stem("hund"));
        assert_eq!(german.stem("zimmern"), german.stem("zimmer"));
        assert_ne!(german.stem("kinder"), german.stem("kino"));
    }

    #[test]
    fn different_words_keep_different_stems() {
        for (one, other) in [
            ("horse", "house"),
            ("spring", "spray"),
            ("class", "clay"),
            ("2027", "2028"),
        ] {
            assert_ne!(stem(one), stem(other));
        }
    }
}
