//! Whether digits and letters, in ASCII and upper case, can be a government id of a kind. The sources are
//! named in [`super::rules`]; shapes and lengths are its business.

use super::checks::{digits, is_day, luhn, mod_11_10, number, part, weighted};

pub(super) fn ssn(text: &str) -> bool {
    let (area, group) = (number(part(text, 0, 3)), number(part(text, 3, 5)));
    let itin = area >= 900 && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99);
    (itin || !matches!(area, 0 | 666 | 900..)) && group != 0 && number(part(text, 5, 9)) != 0
}

pub(super) fn nino(text: &str) -> bool {
    let (prefix, suffix) = (part(text, 0, 2), part(text, 8, 9));
    let unused = ["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"].contains(&prefix);
    !unused
        && !prefix.contains(['D', 'F', 'I', 'Q', 'U', 'V'])
        && !prefix.ends_with('O')
        && "ABCD".contains(suffix)
}

pub(super) fn codice_fiscale(text: &str) -> bool {
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
    ];
    // Two persons of one name and day get letters for digits.
    let places = [6, 7, 9, 10, 12, 13, 14];
    let is_number = |n: usize| "0123456789LMNPQRSTUV".contains(part(text, n, n + 1));
    let value = |c: char| {
        c.to_digit(10)
            .or_else(|| c.to_digit(36).map(|v| v - 10))
            .unwrap_or(0)
    };
    let sum: u32 = text
        .chars()
        .take(15)
        .enumerate()
        .map(|(n, c)| {
            let place = usize::try_from(value(c)).unwrap_or(0);
            if n % 2 == 0 {
                ODD.get(place).copied().unwrap_or(0)
            } else {
                value(c)
            }
        })
        .sum();
    places.into_iter().all(is_number)
        && "ABCDEHLMPRST".contains(part(text, 8, 9))
        && text.chars().last().map(value) == Some(sum % 26)
}

pub(super) fn dni(text: &str) -> bool {
    const LETTERS: &str = "TRWAGMYFPDXBNJZSQVHLCKE";
    let place = usize::try_from(number(part(text, 0, 8)) % 23).unwrap_or(0);
    part(LETTERS, place, place + 1) == part(text, 8, 9)
}

pub(super) fn nie(text: &str) -> bool {
    let first = match part(text, 0, 1) {
        "X" => '0',
        "Y" => '1',
        "Z" => '2',
        _ => return false,
    };
    dni(&format!("{first}{}", part(text, 1, 9)))
}

pub(super) fn nir_body(text: &str) -> bool {
    let month = number(part(text, 3, 5));
    let sex = matches!(part(text, 0, 1), "1" | "2" | "3" | "4" | "7" | "8");
    let department = part(text, 5, 7);
    let place = department.bytes().all(|b| b.is_ascii_digit()) || matches!(department, "2A" | "2B");
    sex && place && matches!(month, 1..=12 | 20..=42 | 50..=99)
}

pub(super) fn nir(text: &str) -> bool {
    let body = part(text, 0, 13).replace("2A", "19").replace("2B", "18");
    nir_body(text) && 97 - number(&body) % 97 == number(part(text, 13, 15))
}

pub(super) fn steuer_id(text: &str) -> bool {
    let mut counts = [0_u32; 10];
    for digit in digits(part(text, 0, 10)) {
        if let Some(count) = usize::try_from(digit).ok().and_then(|n| counts.get_mut(n)) {
            *count += 1;
        }
    }
    let repeated: Vec<_> = counts.into_iter().filter(|&count| count > 1).collect();
    !text.starts_with('0') && matches!(repeated.as_slice(), [2 | 3]) && mod_11_10(text)
}

pub(super) fn pesel(text: &str) -> bool {
    let month = number(part(text, 2, 4));
    // 1900 to 2099: nobody who writes was born before.
    let born = matches!(month, 1..=12 | 21..=32) && is_day(month % 20, number(part(text, 4, 6)));
    born && weighted(text, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

/// Without a word beside it: not what may be a phone number with the country code of Russia or North America.
pub(super) fn pesel_alone(text: &str) -> bool {
    let north_american = text.starts_with('1')
        && [1, 4]
            .into_iter()
            .all(|n| !matches!(part(text, n, n + 1), "0" | "1"));
    pesel(text) && !text.starts_with("79") && !north_american
}

pub(super) fn bsn(text: &str) -> bool {
    let sum = weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2]);
    let last = u32::try_from(number(part(text, 8, 9))).unwrap_or(0);
    sum > 0 && sum % 11 == last
}

pub(super) fn personnummer(text: &str) -> bool {
    let century = part(text, 0, text.len().saturating_sub(10));
    let text = part(text, century.len(), text.len());
    // A samordningsnummer counts its day from 61.
    let day = number(part(text, 4, 6)) % 60;
    matches!(century, "" | "19" | "20") && is_day(number(part(text, 2, 4)), day) && luhn(text)
}

pub(super) fn fodselsnummer(text: &str) -> bool {
    let day = number(part(text, 0, 2)) % 40;
    is_day(number(part(text, 2, 4)), day)
        && weighted(text, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11)
        && weighted(text, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

pub(super) fn henkilotunnus(text: &str) -> bool {
    const SIGNS: &str = "0123456789ABCDEFHJKLMNPRSTUVWXY";
    let (date, tail) = (
        part(text, 0, 6),
        part(text, text.len().saturating_sub(4), text.len()),
    );
    // Eleven characters name the century by a letter.
    let century = text.len() == 10 || "ABCDEFUVWXY".contains(part(text, 6, 7));
    let place = usize::try_from(number(&format!("{date}{}", part(tail, 0, 3))) % 31).unwrap_or(0);
    century
        && part(tail, 0, 3).bytes().all(|b| b.is_ascii_digit())
        && is_day(number(part(text, 2, 4)), number(part(text, 0, 2)))
        && part(SIGNS, place, place + 1) == part(tail, 3, 4)
}

pub(super) fn rijksregister(text: &str) -> bool {
    let (body, check) = (number(part(text, 0, 9)), number(part(text, 9, 11)));
    is_day(number(part(text, 2, 4)), number(part(text, 4, 6)))
        && [body, body + 2_000_000_000]
            .into_iter()
            .any(|body| 97 - body % 97 == check)
}

pub(super) fn cpf(text: &str) -> bool {
    let check = |size: u32| {
        let weights: Vec<u32> = (2..=size + 1).rev().collect();
        let rest = weighted(text, &weights) * 10 % 11 % 10;
        digits(text).get(weights.len()) == Some(&rest)
    };
    let first = part(text, 0, 1);
    !text.replace(first, "").is_empty() && check(9) && check(10)
}

pub(super) fn ahv(text: &str) -> bool {
    text.starts_with("756") && weighted(text, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

pub(super) fn pps(text: &str) -> bool {
    const LETTERS: &str = "WABCDEFGHIJKLMNOPQRSTUV";
    let second = part(text, 8, 9).chars().next().and_then(|c| c.to_digit(36));
    // The second letter counts nine times its place; W counts nothing.
    let extra = second.filter(|&v| v != 32).map_or(0, |v| (v - 9) * 9);
    let sum = weighted(text, &[8, 7, 6, 5, 4, 3, 2]) + extra;
    let place = usize::try_from(sum % 23).unwrap_or(0);
    part(LETTERS, place, place + 1) == part(text, 7, 8)
}

pub(super) fn nif(text: &str) -> bool {
    let rest = weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { 0 } else { 11 - rest };
    digits(text).last() == Some(&check)
}
