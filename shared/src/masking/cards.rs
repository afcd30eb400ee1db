//! Payment card numbers: ISO/IEC 7812, with the ranges and lengths that the networks publish.

use super::checks::luhn;
use super::text::{Text, is_dash, is_separator};

/// One run of digits.
struct Group {
    digits: String,
    end: usize,
    /// What stands between it and the group before.
    separator: Option<char>,
}

/// Separators between two groups of one number, at most: `4242 - 4242`.
const SEPARATORS: usize = 3;
/// Groups of the longest number, written digit by digit, and one more to see that it does not end there.
const GROUPS: usize = 20;

/// Words that people run into a card's number.
const ATTACHED: [&str; 10] = [
    "card",
    "visa",
    "mastercard",
    "amex",
    "number",
    "nr",
    "no",
    "cvc",
    "cvv",
    "exp",
];
const CARD_WORDS: [&str; 12] = [
    "card",
    "credit card",
    "debit card",
    "visa",
    "kreditkarte",
    "karte",
    "carte",
    "carta",
    "tarjeta",
    "kort",
    "kreditkort",
    "karta",
];

/// The card number that begins at `at`: its end and its last four digits as they were written.
pub(super) fn find(text: &Text<'_>, at: usize) -> Option<(usize, String)> {
    text.digit(at)?;
    if !begins(text, at) {
        return None;
    }
    let groups = groups(text, at);
    let sizes: Vec<usize> = groups.iter().map(|group| group.digits.len()).collect();
    let count = run(&groups, &sizes, text, at)
        .or_else(|| usual(&groups, &sizes, text, at))
        .or_else(|| unusual(&groups, &sizes, text, at))?;
    let end = groups.get(count - 1)?.end;
    let last: String = text
        .between(at, end)
        .chars()
        .filter(|&c| super::text::digit(c).is_some())
        .collect();
    let last_four: Vec<char> = last.chars().rev().take(4).collect();
    Some((end, last_four.into_iter().rev().collect()))
}

/// Whether a number may begin here: not within another number or word, and not as a phone number does.
fn begins(text: &Text<'_>, at: usize) -> bool {
    let Some(before) = at.checked_sub(1).and_then(|n| text.at(n)) else {
        return true;
    };
    // Run into a word, or joined to it as serial numbers are: only if it is a word for cards.
    let joined = usize::from(is_dash(before) || before == '_');
    let word_end = at - joined;
    if word_end
        .checked_sub(1)
        .and_then(|n| text.at(n))
        .is_some_and(char::is_alphabetic)
    {
        return ATTACHED.iter().any(|word| {
            let start = word_end.checked_sub(word.len());
            let whole =
                |start: usize| start == 0 || !(text.is_word(start - 1) || text.at(start - 1) == Some('_'));
            start.is_some_and(|start| text.follows(start, word) && whole(start))
        });
    }
    let after_digit = at.checked_sub(2).is_some_and(|n| text.digit(n).is_some());
    !before.is_alphanumeric() && before != '+' && !(matches!(before, '.' | ',') && after_digit)
}

fn groups(text: &Text<'_>, at: usize) -> Vec<Group> {
    let mut groups = Vec::new();
    let (mut n, mut separator) = (at, None);
    while groups.len() < GROUPS {
        let mut digits = String::new();
        while let Some(c) = text.digit(n).and_then(|_| text.plain(n)) {
            digits.push(c);
            n += 1;
        }
        let word_goes_on = text.is_word(n) && !ATTACHED.iter().any(|word| text.follows(n, word));
        if digits.is_empty() || word_goes_on {
            break;
        }
        groups.push(Group {
            digits,
            end: n,
            separator,
        });
        separator = text.at(n);
        let between = (n..n + SEPARATORS)
            .take_while(|&n| text.at(n).is_some_and(is_separator))
            .count();
        if between == 0 {
            break;
        }
        n += between;
    }
    groups
}

/// One run of digits.
fn run(groups: &[Group], sizes: &[usize], text: &Text<'_>, at: usize) -> Option<usize> {
    let size = *sizes.first()?;
    // Thirteen digits are also many an article number (EAN-13) and phone number.
    let said = || size > 13 || text.said_before(at, 30, &CARD_WORDS, &[]);
    ((13..=19).contains(&size) && is_card(&joined(groups, 1)) && said()).then_some(1)
}

/// Groups as they are embossed. What follows may be the date and the code.
fn usual(groups: &[Group], sizes: &[usize], text: &Text<'_>, at: usize) -> Option<usize> {
    const LAYOUTS: [&[usize]; 9] = [
        &[4, 4, 4, 4, 3],
        &[4, 4, 4, 4, 2],
        &[4, 4, 4, 4, 1],
        &[4, 4, 4, 4],
        &[4, 6, 5],
        &[4, 6, 4],
        &[4, 3, 3, 3],
        &[6, 13],
        &[8, 8],
    ];
    // In the middle of longer numbers in groups of four or more every tenth run passes the check.
    if digits_before(text, at) > 3 {
        return None;
    }
    LAYOUTS
        .iter()
        .find(|layout| sizes.starts_with(layout) && is_card(&joined(groups, layout.len())))
        .map(|layout| layout.len())
}

/// Any other even division, if nothing comes before or after it: `42 42 42 …`, `42424-24242-424242`.
fn unusual(groups: &[Group], sizes: &[usize], text: &Text<'_>, at: usize) -> Option<usize> {
    if digits_before(text, at) > 0 {
        return None;
    }
    let (first, last) = (*sizes.first()?, *sizes.last()?);
    let even = sizes.iter().rev().skip(1).all(|&size| size == first) && last <= first;
    let few = sizes.len() <= 4 && sizes.iter().all(|&size| size >= 4);
    let separators = || groups.iter().skip(1).map(|group| group.separator);
    let alike = separators()
        .next()
        .is_some_and(|one| separators().all(|other| other == one));
    let total: usize = sizes.iter().sum();
    let fits = sizes.len() > 1 && alike && (even || few) && (14..=19).contains(&total);
    (fits && is_card(&joined(groups, sizes.len()))).then_some(sizes.len())
}

/// Digits of the group before, if only separators stand between. A card that is masked already counts as none.
fn digits_before(text: &Text<'_>, at: usize) -> usize {
    let Some(last) = (0..at).rev().find(|&n| !text.at(n).is_some_and(is_separator)) else {
        return 0;
    };
    let count = (0..=last).rev().take_while(|&n| text.digit(n).is_some()).count();
    let masked = count == 4 && last >= 8 && text.follows(last - 8, "•••• ");
    if masked { 0 } else { count }
}

fn joined(groups: &[Group], count: usize) -> String {
    groups
        .iter()
        .take(count)
        .map(|group| group.digits.as_str())
        .collect()
}

/// Whether an issuer's prefix, a length it uses and the check digit agree.
fn is_card(digits: &str) -> bool {
    let prefix = |n: usize| {
        digits
            .get(..n)
            .and_then(|text| text.parse::<u32>().ok())
            .unwrap_or(0)
    };
    let size = digits.len();
    let issued = match size {
        13 => prefix(1) == 4,
        14 => is_diners(prefix(2), prefix(3)),
        15 => matches!(prefix(2), 34 | 37),
        16..=19 => {
            let sixteen = matches!(prefix(2), 51..=55)
                || matches!(prefix(4), 2221..=2720 | 5019 | 9792)
                || prefix(3) == 508;
            let longer = matches!(prefix(4), 2200..=2204 | 3528..=3589)
                || matches!(prefix(4), 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763)
                || matches!(prefix(2), 60 | 62 | 64 | 65 | 81 | 82)
                || is_diners(prefix(2), prefix(3));
            (size == 16 && sixteen) || longer || (prefix(1) == 4 && matches!(size, 16 | 18 | 19))
        }
        _ => false,
    };
    issued && luhn(digits)
}

fn is_diners(two: u32, three: u32) -> bool {
    matches!(two, 36 | 38 | 39) || matches!(three, 300..=305 | 309)
}
