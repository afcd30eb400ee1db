//! Numbers that lead somewhere: of phones and of accounts.

use std::ops::Range;

use super::Contact;

/// Account numbers: two letters, two digits, eleven or more letters and digits, grouped or not.
pub(super) fn accounts(text: &str) -> Vec<(Contact, Range<usize>)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(rest) = text.get(from..).filter(|rest| !rest.is_empty()) {
        let fresh = text
            .get(..from)
            .and_then(|before| before.chars().next_back())
            .is_none_or(|c| !c.is_alphanumeric());
        let mut plain = String::new();
        let mut end = 0;
        if fresh {
            for (at, c) in rest.char_indices() {
                let groups = c == ' ' || c == '-';
                if c.is_ascii_alphanumeric() {
                    // The groups are digits, but for the bank's letters in some countries.
                    plain.push(c.to_ascii_uppercase());
                    end = at + c.len_utf8();
                } else if !groups || plain.len() < 4 {
                    break;
                }
                let head = plain.bytes().take(4).enumerate().all(|(n, b)| {
                    if n < 2 {
                        b.is_ascii_alphabetic()
                    } else {
                        b.is_ascii_digit()
                    }
                });
                if !head || plain.len() > 34 {
                    break;
                }
            }
        }
        let digits = plain.bytes().filter(u8::is_ascii_digit).count();
        let head = plain.bytes().take(4).enumerate().all(|(n, b)| {
            if n < 2 {
                b.is_ascii_alphabetic()
            } else {
                b.is_ascii_digit()
            }
        });
        if head && plain.len() >= 15 && digits >= 10 {
            let code: String = plain.chars().take(22).collect();
            found.push((Contact::Account(code), from..from + end));
            from += end.max(1);
        } else {
            from += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    found
}

/// Runs of seven and more digits with what stands between the groups of a number. Not a date, and not a number that is
/// grouped in thousands.
pub(super) fn phones(text: &str) -> Vec<(Contact, Range<usize>)> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let starts = bytes
            .get(at)
            .is_some_and(|&b| b.is_ascii_digit() || b == b'+' || b == b'(');
        if !starts {
            at += 1;
            continue;
        }
        let (mut end, mut gap, mut digits) = (at, 0, String::new());
        let mut next = at;
        while let Some(&b) = bytes.get(next) {
            match b {
                b'0'..=b'9' => {
                    digits.push(char::from(b));
                    gap = 0;
                    end = next + 1;
                }
                b'+' if digits.is_empty() => {}
                b' ' | b'-' | b'.' | b'/' | b'(' | b')' if gap < 3 => gap += 1,
                _ => break,
            }
            next += 1;
        }
        let run = text.get(at..end).unwrap_or_default();
        if (7..=18).contains(&digits.len()) && !is_otherwise(run) {
            found.push((Contact::Phone(digits), at..end));
        }
        at = end.max(at + 1);
    }
    found
}

/// Whether a run of digits is a date, a range of years or of times, or one number in thousands.
fn is_otherwise(run: &str) -> bool {
    if run.starts_with(['+', '(']) {
        return false;
    }
    let groups: Vec<&str> = run
        .split(|c: char| !c.is_ascii_digit())
        .filter(|group| !group.is_empty())
        .collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let number = |group: &str| group.parse::<u32>().unwrap_or(u32::MAX);
    let year = |group: &str| (1900..=2100).contains(&number(group));
    let thousands = run.contains('.')
        && !run.contains([' ', '-', '/'])
        && groups.first().is_some_and(|first| first.len() <= 3)
        && lengths.iter().skip(1).all(|&length| length == 3);
    match (groups.as_slice(), lengths.as_slice()) {
        ([a, b, c], [1..=2, 1..=2, 4]) => year(c) && number(a) <= 31 && number(b) <= 31,
        ([a, b, c], [4, 1..=2, 1..=2]) => year(a) && number(b) <= 12 && number(c) <= 31,
        ([a, b], [4, 4]) => year(a) && year(b),
        _ => thousands,
    }
}
