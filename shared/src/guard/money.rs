//! Amounts and numbers: each has to stand in a passage, whatever way it is written there.

use std::collections::BTreeSet;

use super::lexer::{Backing, Kind, Tokens};
use super::{Flag, Ground};

/// What passages name. Values are hundredths.
#[derive(Debug, Default)]
pub(super) struct Amounts {
    /// With currency; `*` stands for a price whose currency is not said.
    money: BTreeSet<(&'static str, u64)>,
    percent: BTreeSet<u64>,
    plain: BTreeSet<u64>,
    /// Words, for amounts that are written out.
    words: Vec<Vec<String>>,
}

const CURRENCIES: [(&str, &str); 13] = [
    ("eur", "€ eur euro euros"),
    ("usd", "$ usd dollar dollars dollari dolares bucks"),
    ("gbp", "£ gbp pound pounds quid sterling"),
    ("chf", "chf fr sfr francs franken rappen"),
    ("jpy", "¥ jpy yen cny yuan rmb"),
    ("inr", "₹ inr rupee rupees"),
    ("rub", "₽ rub rubel roubles rubles"),
    ("try", "₺ lira"),
    ("sek", "sek nok dkk kr kronen kronor kroner"),
    ("pln", "pln zl zloty"),
    ("crypto", "₿ btc bitcoin bitcoins eth usdt"),
    ("cent", "¢ cent cents centesimi centimes centimos"),
    ("other", "aud cad aed czk huf ils sar krw brl mxn nzd sgd hkd thb"),
];

const PRICE_WORDS: &str = "price prices priced pricing cost costs costing charge charges charged fee fees rate rates pay \
    pays paying deposit total amount amounts worth sum just only preis preise kostet kosten gebuhr betragt betrag miete \
    zahlen zahlt anzahlung nur summe prix coute coutent cout tarif tarifs frais acompte payer montant seulement prezzo \
    prezzi costa costano costo tariffa caparra pagare solo soltanto precio precios cuesta cuestan tarifa deposito pagar \
    importe";

const NUMBER_WORDS: &str = "zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen \
    sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million \
    half double null zwei drei vier funf sechs sieben acht neun zehn elf zwolf zwanzig dreissig vierzig funfzig sechzig \
    siebzig achtzig neunzig hundert tausend due tre quattro cinque sei sette otto nove dieci venti trenta quaranta \
    cinquanta sessanta settanta ottanta novanta cento mille deux trois quatre cinq sept huit neuf dix vingt trente \
    quarante cinquante soixante cent dos tres cuatro cinco seis siete ocho nueve diez veinte treinta cuarenta cincuenta \
    sesenta setenta ochenta noventa cien ciento mil dois dez vinte trinta quarenta cem twee drie vijf zes zeven negen tien \
    twintig honderd duizend nil";

/// What may stand before a currency that no number belongs to.
const BEFORE_CURRENCY: &str =
    "in en em di de der die den and or und oder et ou e o y the with per of mit no for";

/// What people are counted in: a guest's own count may be repeated.
const COUNTED: &str = "guest guests person persons people pax adult adults child children kid kids room rooms night \
    nights table tables seat seats day days hour hours gast gaste gasten personen erwachsene kinder zimmer nachte tag \
    tage stunden ospiti persone adulti bambini camere notti personnes adultes enfants chambres nuits invites personas \
    adultos ninos habitaciones noches invitados";

/// What follows a number that counts nothing.
const LINKS: &str = "per pro je par a al for fur each only in on and or und oder et e y o all including plus net flat prix \
    zzgl inkl total extra today heute off";

fn among(word: &str, list: &str) -> bool {
    list.split_whitespace().any(|entry| entry == word)
}

fn currency(text: &str) -> Option<&'static str> {
    let (code, _) = CURRENCIES.iter().find(|(_, names)| among(text, names))?;
    Some(code)
}

fn is_number_word(word: &str) -> bool {
    among(word, NUMBER_WORDS)
        || (word.len() > 8 && ["hundert", "tausend"].iter().any(|part| word.contains(part)))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Money(&'static str),
    Percent,
    None,
}

/// A number with its unit and the tokens that it is written with, unit included.
#[derive(Debug)]
struct Number {
    value: Option<u64>,
    unit: Unit,
    from: usize,
    to: usize,
}

fn currency_at(tokens: &Tokens<'_>, at: usize) -> Option<&'static str> {
    let token = tokens.get(at)?;
    match token.kind {
        Kind::Word => currency(&token.word),
        Kind::Mark(_) => currency(token.text),
        _ => None,
    }
}

/// The value of the number at `at`, and the place behind it. `None` for what is too long to be an amount.
fn value(tokens: &Tokens<'_>, at: usize) -> (Option<u64>, usize) {
    let mut whole = tokens.digits(at).unwrap_or_default().to_owned();
    let mut next = at + 1;
    let mut mark: Option<&str> = None;
    let may_group = whole.len() <= 3;
    while let Some(between) = tokens.get(next).filter(|_| may_group) {
        let groups = matches!(between.text, "," | "." | "'" | " " | "’");
        let group = tokens.digits(next + 1).filter(|group| group.len() == 3);
        let Some(group) = group.filter(|_| groups && mark.is_none_or(|mark| mark == between.text)) else {
            break;
        };
        mark = Some(between.text);
        whole.push_str(group);
        next += 2;
    }
    let mut hundredths = 0;
    let decimal = tokens
        .digits(next + 1)
        .filter(|digits| digits.len() <= 2 && tokens.is_mark(next, ".,"))
        .filter(|_| mark.is_none_or(|mark| tokens.get(next).is_some_and(|token| token.text != mark)));
    if let Some(decimal) = decimal {
        let digits: u64 = decimal.parse().unwrap_or_default();
        hundredths = if decimal.len() == 1 { digits * 10 } else { digits };
        next += 2;
    } else if tokens.is_mark(next, ".,") && tokens.is_mark(next + 1, "-") {
        // "900,-"
        next += 2;
    }
    let mut value = whole
        .parse::<u64>()
        .ok()
        .filter(|_| whole.len() <= 12)
        .map(|whole| whole * 100 + hundredths);
    if tokens.word(next) == Some("k") {
        value = value.map(|value| value * 1_000);
        next += 1;
    }
    (value, next)
}

fn numbers(tokens: &Tokens<'_>) -> Vec<Number> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens.digits(at).is_none() {
            at += 1;
            continue;
        }
        let (value, next) = value(tokens, at);
        let (mut from, mut to, mut unit) = (at, next, Unit::None);
        let after = tokens.past_space(next);
        // "Fr. 900"
        let before = tokens.before(at).map(|before| {
            if tokens.is_mark(before, ".") {
                before.saturating_sub(1)
            } else {
                before
            }
        });
        if tokens.is_mark(after, "%") || matches!(tokens.word(after), Some("percent" | "prozent" | "procent"))
        {
            (unit, to) = (Unit::Percent, after + 1);
        } else if let Some(code) = currency_at(tokens, after) {
            (unit, to) = (Unit::Money(code), after + 1);
        } else if let Some((before, code)) =
            before.and_then(|before| Some((before, currency_at(tokens, before)?)))
        {
            // The sign before belongs to this number unless it ends the one before: "900 € 2 days".
            let taken = found.last().is_some_and(|last: &Number| last.to > before);
            if !taken {
                (unit, from) = (Unit::Money(code), before);
            }
        }
        found.push(Number {
            value,
            unit,
            from,
            to,
        });
        at = to.max(at + 1);
    }
    found
}

impl Amounts {
    /// Takes down what a passage names.
    pub(super) fn read(&mut self, text: &str) {
        let tokens = Tokens::of(text);
        let words = (0..tokens.len()).filter_map(|at| tokens.word(at).map(str::to_owned));
        self.words.push(words.collect());
        let found = numbers(&tokens);
        for number in &found {
            let Some(value) = number.value else { continue };
            match number.unit {
                Unit::Money(code) => {
                    self.money.insert((code, value));
                    self.plain.insert(value);
                    self.range(&tokens, &found, number, code);
                }
                Unit::Percent => {
                    self.percent.insert(value);
                    self.plain.insert(value);
                }
                Unit::None => {
                    self.plain.insert(value);
                    if let Some(code) = label(&tokens, number.from) {
                        self.money.insert((code, value));
                    }
                }
            }
        }
    }

    /// "900 to 1,200 €", "900/1,200 €": the first is an amount too.
    fn range(&mut self, tokens: &Tokens<'_>, found: &[Number], second: &Number, code: &'static str) {
        let link = tokens.before(second.from);
        let is_link = |at: usize| {
            tokens.is_mark(at, "-/")
                || matches!(
                    tokens.word(at),
                    Some("to" | "bis" | "or" | "oder" | "a" | "and" | "und")
                )
        };
        let first = link.filter(|&at| is_link(at)).and_then(|at| {
            let end = if at.checked_sub(1).is_some_and(|before| tokens.is_space(before)) {
                at - 1
            } else {
                at
            };
            found
                .iter()
                .find(|number| number.to == end && number.unit == Unit::None)
        });
        if let Some(value) = first.and_then(|first| first.value) {
            self.money.insert((code, value));
        }
    }

    fn has_money(&self, code: &'static str, value: u64) -> bool {
        self.money.contains(&(code, value)) || self.money.contains(&("*", value))
    }

    fn has_price(&self, value: u64) -> bool {
        self.money.iter().any(|&(_, known)| known == value)
    }

    fn says(&self, phrase: &[&str]) -> bool {
        self.words.iter().any(|words| {
            words
                .windows(phrase.len())
                .any(|window| window.iter().eq(phrase.iter()))
        })
    }
}

/// The currency of a number without one that stands in a table's cell under a price's title: `Price (EUR): 96`. `*` if
/// the title does not say which.
fn label(tokens: &Tokens<'_>, at: usize) -> Option<&'static str> {
    let mut is_price = None;
    let mut seen_colon = false;
    for before in (0..at).rev() {
        match tokens.kind(before)? {
            Kind::Break | Kind::Mark(';') => break,
            Kind::Mark(':') => seen_colon = true,
            Kind::Digits | Kind::Mark('\u{1}') => return None,
            // Only what stands before the colon is the title, and only white space after it.
            Kind::Word if !seen_colon => return None,
            _ => {}
        }
        if let Some(code) = currency_at(tokens, before) {
            return seen_colon.then_some(code);
        }
        if tokens.word(before).is_some_and(|word| among(word, PRICE_WORDS)) {
            is_price = Some("*");
        }
    }
    is_price.filter(|_| seen_colon)
}

/// Checks that every amount and every number is one of the passages'.
pub(super) fn check(answer: &str, backing: &Backing, ground: &Ground<'_>, flags: &mut Vec<Flag>) {
    let tokens = Tokens::of(answer);
    let found = numbers(&tokens);
    for number in &found {
        if let Some(flag) = wrong(&tokens, number, backing, ground) {
            flags.push(flag);
        }
    }
    if written_out(&tokens, &found, backing) {
        flags.push(Flag::Amount);
    }
    // A half or a circled five is read, but not checked.
    let strange = |c: &char| c.is_numeric() && !c.is_ascii_digit() && !matches!(c, '²' | '³');
    if answer
        .chars()
        .filter(strange)
        .any(|c| !backing.texts.iter().any(|text| text.contains(c)))
    {
        flags.push(Flag::Obfuscated);
    }
}

fn wrong(tokens: &Tokens<'_>, number: &Number, backing: &Backing, ground: &Ground<'_>) -> Option<Flag> {
    let amounts = &backing.amounts;
    let Some(value) = number.value else {
        return Some(Flag::Number);
    };
    match number.unit {
        Unit::Money(code) => (!amounts.has_money(code, value)).then_some(Flag::Amount),
        Unit::Percent => (!amounts.percent.contains(&value)).then_some(Flag::Amount),
        Unit::None if is_list_number(tokens, number) || is_guests_own(tokens, number, ground) => None,
        // "from 900 to 1,200 €": backed as a range is.
        Unit::None if is_price(tokens, number) => (!amounts.has_price(value)).then_some(Flag::Amount),
        Unit::None => (!amounts.plain.contains(&value)).then_some(Flag::Number),
    }
}

/// `1.` or `1)` at the beginning of a line.
fn is_list_number(tokens: &Tokens<'_>, number: &Number) -> bool {
    let begins = number
        .from
        .checked_sub(1)
        .is_none_or(|before| tokens.kind(before) == Some(Kind::Break));
    let short = tokens.digits(number.from).is_some_and(|digits| digits.len() <= 2);
    let marked = tokens.is_mark(number.to, ".)") && matches!(tokens.kind(number.to + 1), Some(Kind::Space));
    begins && short && marked && number.to == number.from + 1
}

/// A count that the guest wrote with the same word: "120 guests".
fn is_guests_own(tokens: &Tokens<'_>, number: &Number, ground: &Ground<'_>) -> bool {
    let Some(counted) = tokens
        .word(tokens.past_space(number.to))
        .filter(|word| among(word, COUNTED))
    else {
        return false;
    };
    ground.guest.iter().any(|text| {
        let text = super::lexer::plain(text);
        let said = Tokens::of(&text);
        numbers(&said).iter().any(|own| {
            own.value == number.value
                && said
                    .word(said.past_space(own.to))
                    .is_some_and(|word| word == counted)
        })
    })
}

/// A number without a unit in a sentence about prices.
fn is_price(tokens: &Tokens<'_>, number: &Number) -> bool {
    is_bare(tokens, number.to) && is_about_prices(tokens, number.from)
}

/// Whether nothing is counted by a number that ends before `at`.
fn is_bare(tokens: &Tokens<'_>, at: usize) -> bool {
    tokens
        .word(tokens.past_space(at))
        .is_none_or(|word| among(word, LINKS) || is_number_word(word))
}

fn is_about_prices(tokens: &Tokens<'_>, at: usize) -> bool {
    let mut sentence = tokens.sentence(at);
    sentence.any(|at| tokens.word(at).is_some_and(|word| among(word, PRICE_WORDS)))
}

/// Whether an amount is written in words that no passage writes.
fn written_out(tokens: &Tokens<'_>, found: &[Number], backing: &Backing) -> bool {
    let taken = |at: usize| found.iter().any(|number| (number.from..number.to).contains(&at));
    let amounts = &backing.amounts;
    (0..tokens.len()).filter(|&at| !taken(at)).any(|at| {
        if currency_at(tokens, at).is_some() {
            let mut before = tokens.before(at);
            // "nine-hundred euros", "one single euro"
            while before.is_some_and(|before| tokens.is_mark(before, "-\"'*_")) {
                before = before.and_then(|before| tokens.before(before));
            }
            let word = before.and_then(|before| tokens.word(before)).unwrap_or_default();
            let unit = tokens.word(at).unwrap_or_default();
            // "Nine hundred euros", "a single euro", "IX euros": whatever counts it has to stand in a passage.
            return !word.is_empty() && !among(word, BEFORE_CURRENCY) && !amounts.says(&[word, unit]);
        }
        tokens.word(at).is_some_and(|word| {
            is_number_word(word)
                && is_bare(tokens, at + 1)
                && is_about_prices(tokens, at)
                && !amounts.says(&[word])
        })
    })
}

#[cfg(test)]
mod tests;
