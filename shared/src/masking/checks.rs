//! Check digits, by their published names.

/// The digits of a text; other characters are left out.
pub(super) fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

/// The text as a number; 0 if it is none.
pub(super) fn number(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

/// A part of an ASCII text; empty if there is none.
pub(super) fn part(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to).unwrap_or_default()
}

/// Luhn's formula (ISO/IEC 7812-1, annex B).
pub(super) fn luhn(text: &str) -> bool {
    let doubled = |d: u32| if d > 4 { 2 * d - 9 } else { 2 * d };
    let sum: u32 = digits(text)
        .into_iter()
        .rev()
        .enumerate()
        .map(|(n, d)| if n % 2 == 1 { doubled(d) } else { d })
        .sum();
    sum.is_multiple_of(10)
}

/// The sum of digits times weights; digits beyond the weights do not count.
pub(super) fn weighted(text: &str, weights: &[u32]) -> u32 {
    digits(text).iter().zip(weights).map(|(d, w)| d * w).sum()
}

/// The remainder by 97, letters counted as 10 to 35 (ISO 7064 MOD 97-10).
pub(super) fn mod_97(text: &str) -> u32 {
    text.chars()
        .filter_map(|c| c.to_digit(36))
        .fold(0, |rest, value| {
            if value > 9 {
                (rest * 100 + value) % 97
            } else {
                (rest * 10 + value) % 97
            }
        })
}

/// ISO 7064 MOD 11,10: the last digit checks the others.
pub(super) fn mod_11_10(text: &str) -> bool {
    let all = digits(text);
    let Some((last, body)) = all.split_last() else {
        return false;
    };
    let product = body.iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == *last
}

/// Whether a day of a month exists in some year.
pub(super) fn is_day(month: u64, day: u64) -> bool {
    let days = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}
