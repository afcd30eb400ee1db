//! What kind of fact a line states: an amount of money, nothing to pay, a number.

use super::question::span;
use super::words::words;

/// True if the line names an amount of money.
pub(super) fn names_amount(line: &str) -> bool {
    const CURRENCIES: &str = "euro euros eur usd gbp chf dollar dollars pound pounds francs";
    let spelled = |word: &str| CURRENCIES.split_whitespace().any(|entry| entry == word);
    line.chars().any(|c| c.is_ascii_digit())
        && (line.contains(['€', '$', '£', '¥']) || words(line).iter().any(|word| spelled(&word.text)))
}

/// "Free" alone is not enough: bread is gluten-free, and a room is kept free.
pub(super) fn names_nothing_to_pay(line: &str) -> bool {
    let folded: Vec<String> = words(line).into_iter().map(|word| word.text).collect();
    let plain = format!(" {} ", folded.join(" "));
    [
        "free of charge",
        "is free",
        "are free",
        "no extra cost",
        "no charge",
        "without a surcharge",
        "included",
    ]
    .iter()
    .any(|phrase| plain.contains(&format!(" {phrase} ")))
}

/// Cuts a line after `.`, `!` or `?` and a space. A table row has none and stays whole.
pub(super) fn sentences(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let end = [". ", "! ", "? "]
            .iter()
            .filter_map(|mark| rest.find(mark))
            .min()
            .map_or(rest.len(), |at| at + 1);
        let (sentence, tail) = rest.split_at_checked(end)?;
        rest = tail;
        (!sentence.is_empty()).then_some(sentence)
    })
}

/// True if the line names a number, a time, a weekday or a month.
pub(super) fn names_number(line: &str) -> bool {
    let counted =
        "one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred
        noon midnight sunset sunrise monday tuesday wednesday thursday friday saturday sunday
        eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf mittag mitternacht";
    line.chars().any(char::is_numeric)
        || words(line)
            .iter()
            .any(|word| counted.split_whitespace().any(|entry| entry == word.text))
        || words(line)
            .iter()
            .any(|word| !span(&word.text, &word.text).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_an_amount_or_a_statement_that_there_is_none() {
        for (line, amount, nothing) in [
            ("€ 96 per person", true, false),
            ("from 45 euro each", true, false),
            ("It is free of charge.", false, true),
            ("gluten-free bread", false, false),
            ("Prices on request, 2 to 4 players", false, false),
            ("60 chairs", false, false),
        ] {
            assert_eq!(
                (names_amount(line), names_nothing_to_pay(line)),
                (amount, nothing),
                "{line}"
            );
        }
    }
}
