//! Dates and times of day, in the ways in which a few languages write them.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Flag;
use super::lexer::{Backing, Kind, Tokens};

/// Dates and times that passages name.
#[derive(Debug, Default)]
pub(super) struct Times {
    dates: Vec<Date>,
    minutes: BTreeSet<u16>,
    numbers: BTreeSet<u32>,
}

/// A date, read in every way in which it can be: 5/6 is in May or in June.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Date {
    days: Vec<(u32, u32)>,
    year: Option<u32>,
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    Date(Date),
    /// Minutes of the day; the second one if it may be the afternoon's as well.
    Time(u16, Option<u16>),
}

const MONTHS: [&str; 12] = [
    "january jan januar janner gennaio genn janvier janv enero ene januari janeiro",
    "february feb februar febbraio febb fevrier fevr febrero februari fevereiro",
    "march mar marz marzo mars maart marco",
    "april apr aprile avril avr abril abr",
    "may mai maggio magg mayo mei maio",
    "june jun juni giugno giu juin junio junho",
    "july jul juli luglio lug juillet juil julio julho",
    "august aug agosto ago aout augustus",
    "september sep sept settembre sett septembre septiembre setembro",
    "october oct oktober okt ottobre ott octobre octubre outubro",
    "november nov novembre noviembre novembro",
    "december dec dezember dez dicembre dic decembre diciembre dezembro",
];

fn month(word: &str) -> Option<u32> {
    let at = MONTHS
        .iter()
        .position(|names| names.split_whitespace().any(|name| name == word))?;
    u32::try_from(at + 1).ok()
}

impl Times {
    /// Takes down what a text names, and says where.
    pub(super) fn read(&mut self, text: &str) -> Vec<Range<usize>> {
        let tokens = Tokens::of(text);
        for at in 0..tokens.len() {
            if let Some(number) = tokens.digits(at).and_then(|digits| digits.parse().ok()) {
                self.numbers.insert(number);
            }
            let spoken = tokens.word(at).map(|word| match word {
                "noon" | "midday" | "mittag" | "mittags" | "midi" | "mezzogiorno" | "mediodia" => Some(720),
                "midnight" | "mitternacht" | "minuit" | "mezzanotte" | "medianoche" => Some(0),
                _ => None,
            });
            self.minutes.extend(spoken.flatten());
        }
        let mut spans = Vec::new();
        for (found, span) in find(&tokens) {
            match found {
                Found::Date(date) => self.dates.push(date),
                Found::Time(minutes, _) => {
                    self.minutes.insert(minutes);
                }
            }
            spans.push(span);
        }
        spans
    }

    fn backs(&self, found: &Found) -> bool {
        match found {
            Found::Date(date) => {
                let same = |known: &&Date| known.days.iter().any(|day| date.days.contains(day));
                self.dates
                    .iter()
                    .filter(same)
                    .any(|known| match (date.year, known.year) {
                        (Some(said), Some(known)) => said == known,
                        // A year that is added has to stand somewhere too.
                        (Some(said), None) => self.numbers.contains(&said),
                        (None, _) => true,
                    })
            }
            Found::Time(minutes, later) => {
                let same = |minutes: &u16| {
                    self.minutes.contains(minutes) || self.minutes.contains(&(minutes % 1440))
                };
                same(minutes) || later.as_ref().is_some_and(same)
            }
        }
    }
}

/// Checks that every date and time is one of the passages', and says where they stand.
pub(super) fn check(answer: &str, backing: &Backing, flags: &mut Vec<Flag>) -> Vec<Range<usize>> {
    let found = find(&Tokens::of(answer));
    if found.iter().any(|(found, _)| !backing.times.backs(found)) {
        flags.push(Flag::Date);
    }
    found.into_iter().map(|(_, span)| span).collect()
}

fn find(tokens: &Tokens<'_>) -> Vec<(Found, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let here = numeric_date(tokens, at)
            .or_else(|| day_month(tokens, at))
            .or_else(|| month_day(tokens, at))
            .or_else(|| time(tokens, at));
        match here {
            Some((what, next)) => {
                if matches!(what, Found::Time(..)) {
                    found.extend(opening(tokens, at));
                }
                found.push((what, tokens.span(at, next)));
                at = next.max(at + 1);
            }
            None => at += 1,
        }
    }
    found
}

fn small(digits: Option<&str>, most: u32) -> Option<u32> {
    let digits = digits.filter(|digits| digits.len() <= 2)?;
    digits.parse().ok().filter(|value| (1..=most).contains(value))
}

fn year(digits: Option<&str>) -> Option<u32> {
    let digits = digits?;
    let value: u32 = digits.parse().ok()?;
    match digits.len() {
        4 => (1900..=2199).contains(&value).then_some(value),
        2 => Some(2000 + value),
        _ => None,
    }
}

/// Not after a digit and a mark: then it is the rest of something longer.
fn is_fresh(tokens: &Tokens<'_>, at: usize) -> bool {
    let before = at.checked_sub(1);
    let joined =
        before.is_some_and(|before| tokens.is_mark(before, "./:") || tokens.kind(before) == Some(Kind::Word));
    let digits = at.checked_sub(2).and_then(|before| tokens.digits(before));
    !(joined && digits.is_some())
}

/// `2027-06-12`, `12.06.2027`, `6/12/27`, `12.6.`.
fn numeric_date(tokens: &Tokens<'_>, at: usize) -> Option<(Found, usize)> {
    let first = tokens.digits(at).filter(|_| is_fresh(tokens, at))?;
    if !tokens.is_mark(at + 1, "-./") {
        return None;
    }
    let mark = tokens.get(at + 1).map(|token| token.text)?;
    // "12. 6. 2027" has spaces.
    let second_at = if mark == "." {
        tokens.past_space(at + 2)
    } else {
        at + 2
    };
    let second = tokens.digits(second_at)?;
    let same_mark = tokens.get(second_at + 1).is_some_and(|token| token.text == mark);
    if first.len() == 4 {
        let third = tokens.digits(second_at + 2).filter(|_| same_mark)?;
        let (month, day) = (small(Some(second), 12)?, small(Some(third), 31)?);
        let date = Date {
            days: vec![(day, month)],
            year: year(Some(first)),
        };
        return Some((Found::Date(date), second_at + 3));
    }
    let (one, other) = (small(Some(first), 31)?, small(Some(second), 31)?);
    let mut days = Vec::new();
    if other <= 12 {
        days.push((one, other));
    }
    if one <= 12 && one != other {
        days.push((other, one));
    }
    if days.is_empty() || !same_mark {
        return None;
    }
    let third_at = if mark == "." {
        tokens.past_space(second_at + 2)
    } else {
        second_at + 2
    };
    if let Some(year) = year(tokens.digits(third_at)) {
        return Some((
            Found::Date(Date {
                days,
                year: Some(year),
            }),
            third_at + 1,
        ));
    }
    // "12.6." is German for a day; "6/12/" and "1.5.x" are nothing.
    let ends = mark == "." && tokens.digits(third_at).is_none() && second_at == at + 2;
    ends.then(|| {
        let days = days.into_iter().filter(|&(day, _)| day == one).collect();
        (Found::Date(Date { days, year: None }), second_at + 2)
    })
    .filter(|(found, _)| !matches!(found, Found::Date(date) if date.days.is_empty()))
}

/// `12 June 2027`, `12. Juni`, `the 12th of June`, `12 de junio de 2027`.
fn day_month(tokens: &Tokens<'_>, at: usize) -> Option<(Found, usize)> {
    let day = small(tokens.digits(at).filter(|_| is_fresh(tokens, at)), 31)?;
    let mut next = at + 1;
    if tokens.is_mark(next, ".º°")
        || matches!(tokens.word(next), Some("st" | "nd" | "rd" | "th" | "er" | "o"))
    {
        next += 1;
    }
    next = tokens.past_space(next);
    if matches!(tokens.word(next), Some("of" | "de" | "di" | "d")) {
        next = tokens.past_space(next + 1);
    }
    let month = month(tokens.word(next)?)?;
    let (year, end) = year_after(tokens, next + 1);
    let date = Date {
        days: vec![(day, month)],
        year,
    };
    Some((Found::Date(date), end))
}

/// `June 12, 2027`, `June 12th`.
fn month_day(tokens: &Tokens<'_>, at: usize) -> Option<(Found, usize)> {
    let month = month(tokens.word(at)?)?;
    let mut next = at + 1;
    if tokens.is_mark(next, ".") {
        next += 1;
    }
    next = tokens.past_space(next);
    if tokens.word(next) == Some("the") {
        next = tokens.past_space(next + 1);
    }
    let day = small(tokens.digits(next), 31)?;
    next += 1;
    // "May 10:30" and "mars 5 %" are none.
    if tokens.is_mark(next, ":%") {
        return None;
    }
    if matches!(tokens.word(next), Some("st" | "nd" | "rd" | "th")) {
        next += 1;
    }
    let (year, end) = year_after(tokens, next);
    let date = Date {
        days: vec![(day, month)],
        year,
    };
    Some((Found::Date(date), end))
}

/// A year behind a month or day, and the place behind it.
fn year_after(tokens: &Tokens<'_>, at: usize) -> (Option<u32>, usize) {
    let mut next = at;
    if tokens.is_mark(next, ".,") {
        next += 1;
    }
    next = tokens.past_space(next);
    if matches!(tokens.word(next), Some("de" | "del" | "of")) {
        next = tokens.past_space(next + 1);
    }
    let year = year(tokens.digits(next).filter(|digits| digits.len() == 4));
    if year.is_some() {
        (year, next + 1)
    } else {
        (None, at)
    }
}

/// `10:30`, `10 am`, `10.30 Uhr`, `22h`, `22h30`.
fn time(tokens: &Tokens<'_>, at: usize) -> Option<(Found, usize)> {
    let hour = tokens
        .digits(at)
        .filter(|digits| digits.len() <= 2 && is_fresh(tokens, at))?;
    let value: u16 = hour.parse().ok().filter(|&hour| hour <= 24)?;
    let minutes = |at: usize| {
        let digits = tokens.digits(at).filter(|digits| digits.len() == 2)?;
        digits.parse::<u16>().ok().filter(|&minutes| minutes < 60)
    };
    let colon = tokens.is_mark(at + 1, ":").then(|| minutes(at + 2)).flatten();
    let (minute, mut next, marked) = match colon {
        Some(minute) => (minute, at + 3, true),
        None if tokens.is_mark(at + 1, ".") && minutes(at + 2).is_some() => (minutes(at + 2)?, at + 3, false),
        None if matches!(tokens.word(at + 1), Some("h")) && minutes(at + 2).is_some() => {
            (minutes(at + 2)?, at + 3, true)
        }
        None => (0, at + 1, false),
    };
    let unit = tokens.past_space(next);
    let (half, end) = match tokens.word(unit) {
        Some("am") => (Some(0), unit + 1),
        Some("pm") => (Some(12), unit + 1),
        // "10 p.m."
        Some(letter @ ("a" | "p")) if tokens.is_mark(unit + 1, ".") && tokens.word(unit + 2) == Some("m") => {
            (Some(if letter == "a" { 0 } else { 12 }), unit + 3)
        }
        Some("uhr" | "h" | "heures" | "horas" | "oclock") => (None, unit + 1),
        Some("o") if tokens.is_mark(unit + 1, "'") && tokens.word(unit + 2) == Some("clock") => {
            (None, unit + 3)
        }
        _ if marked => (None, next),
        _ => return None,
    };
    next = end;
    let of_day = match half {
        Some(half) if value <= 12 => (value % 12 + half) * 60 + minute,
        _ => value * 60 + minute,
    };
    let later =
        (half.is_none() && value <= 12 && !hour.starts_with('0')).then_some((value % 12 + 12) * 60 + minute);
    Some((Found::Time(of_day, later), next))
}

/// The first time of a range whose second stands at `at`: "10 to 6 pm", "10-22 Uhr".
fn opening(tokens: &Tokens<'_>, at: usize) -> Option<(Found, Range<usize>)> {
    let link = tokens.before(at)?;
    let links = tokens.is_mark(link, "-")
        || matches!(
            tokens.word(link),
            Some("to" | "bis" | "until" | "till" | "a" | "au" | "al")
        );
    let first = tokens.before(link).filter(|_| links)?;
    let hour: u16 = small(tokens.digits(first).filter(|_| is_fresh(tokens, first)), 24)?
        .try_into()
        .ok()?;
    let later = (hour <= 12).then_some((hour % 12 + 12) * 60);
    Some((Found::Time(hour * 60, later), tokens.span(first, first + 1)))
}

#[cfg(test)]
mod tests;
