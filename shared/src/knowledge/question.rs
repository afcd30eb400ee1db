//! What a guest's question is about, and what an answer to it must contain.

use super::lexicon::{is_filler, is_money, is_stop};
use super::words::{Word, words};

/// Words beyond this many are not read: nobody asks in so many, and the work per message stays bounded.
const MOST_WORDS: usize = 300;

/// A guest's text, taken apart.
pub(super) struct Question {
    /// All its words, folded.
    pub(super) words: Vec<String>,
    /// What it asks, one entry per question in it; each must be answered. Empty if nothing is asked about.
    pub(super) clauses: Vec<Clause>,
    /// Years it names: an answer from a document that never names them may be out of date.
    pub(super) years: Vec<String>,
    /// Days it names, as day and month: an answer must name them too.
    pub(super) days: Vec<(String, String)>,
    /// It asks whether a date is free, or what became of something of the guest's own, which no document knows.
    pub(super) asks_availability: bool,
}

/// One question within a guest's text.
#[derive(Clone, Default)]
pub(super) struct Clause {
    pub(super) subjects: Vec<Subject>,
    pub(super) needs: Needs,
    /// It was written as a question, not as a statement beside one.
    pub(super) asked: bool,
    /// It leans on the question before it (`and for children?`).
    elliptical: bool,
}

/// A word of a question that says what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) word: String,
    /// It stands where a verb stands (`do you rent …`), so that not knowing it is less telling.
    pub(super) verb: bool,
}

/// What the answering line must contain.
#[derive(Clone, Default)]
pub(super) struct Needs {
    /// An amount of money, or that there is none to pay.
    pub(super) money: bool,
    /// A number, a time or a day.
    pub(super) number: bool,
    /// One of these words, if any are listed (units of length for `how far`, …).
    pub(super) one_of: Vec<&'static str>,
}

/// Adjectives after "how", and what an answer to them speaks of.
const HOW: &[(&str, &str)] = &[
    ("far", "km kilometres kilometers miles metres meters minutes"),
    ("big", "m² m2 square metres meters"),
    ("large", "m² m2 square metres meters"),
    ("tall", "height high tall"),
    ("high", "height high tall"),
    (
        "long",
        "hour hours minutes day days week weeks month months year years night nights metres o'clock until 00 30",
    ),
    ("loud", "decibels decibel db"),
    ("many", ""),
    ("late", ""),
    ("early", ""),
    ("heavy", "kg kilos kilograms grams g pounds lb"),
    ("weit", "km kilometer kilometern meter metern minuten"),
    ("gross", "m² m2 quadratmeter meter"),
    (
        "lange",
        "stunde stunden minuten tage tagen wochen nachte uhr bis meter",
    ),
    ("hoch", ""),
    ("spat", ""),
    ("fruh", ""),
];

/// How a clause begins that asks something.
const STARTERS: &str =
    "is are was do does did can could may might must should would will shall have has how what when
where who which why whose
ist sind hat haben habt kann konnen darf durfen muss mussen wie was wo wann wer welche welcher welches warum gibt";
const AUXILIARIES: &str = "we i you they he she it guests people to can could";
const MONTHS: &str = "january february march april may june july august september october november december";
const MONATE: &str = "januar februar marz april mai juni juli august september oktober november dezember";
const WOCHE: &str = "montag dienstag mittwoch donnerstag freitag samstag sonntag";
const DAYS: &str =
    "monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays
fridays saturdays sundays date weekend weekends";

impl Question {
    pub(super) fn read(text: &str) -> Self {
        let mut budget = MOST_WORDS;
        let mut clauses: Vec<(Vec<Word>, bool)> = Vec::new();
        for (sentence, marked) in sentences(text) {
            let mut read = words(sentence);
            read.truncate(budget);
            budget -= read.len();
            clauses.extend(parts(read, marked));
        }
        let all: Vec<String> = clauses
            .iter()
            .flat_map(|(read, _)| read.iter().map(|w| w.text.clone()))
            .collect();
        let availability = |(at, word): (usize, &String)| match word.as_str() {
            "available" | "availability" | "vacant" | "frei" | "verfugbar" => true,
            // Not "free of charge".
            "free" => all.get(at + 1).is_none_or(|next| next != "of"),
            _ => false,
        };
        let dated = |word: &String| {
            let month = is_month_name(word) && word != "may";
            month || listed(DAYS, word) || listed(WOCHE, word) || is_year(word)
        };
        Self {
            years: all.iter().filter(|word| is_year(word)).cloned().collect(),
            days: named_days(&all),
            asks_availability: all.iter().enumerate().any(availability) && all.iter().any(dated)
                || asks_after_own(&all),
            clauses: relevant(clauses.iter().map(|(read, asked)| clause(read, *asked)).collect()),
            words: all,
        }
    }

    /// Every word worth looking for, each once; politeness only when there is nothing else.
    pub(super) fn search_words(&self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        let wanted = |word: &&String| !is_stop(word) && !is_filler(word);
        for word in self.words.iter().filter(wanted) {
            if !out.contains(word) {
                out.push(word.clone());
            }
        }
        out
    }
}

/// "Is my bike ready?", "Where is my order?": asked of something of the guest's own.
fn asks_after_own(words: &[String]) -> bool {
    let own = |word: &str| matches!(word, "my" | "our" | "mein" | "meine");
    let done = |word: &String| {
        let word = word.as_str();
        matches!(
            word,
            "ready" | "arrived" | "dispatched" | "finished" | "fertig" | "angekommen"
        )
    };
    words.windows(2).enumerate().any(|(at, pair)| match pair {
        [verb, word] if matches!(verb.as_str(), "is" | "are" | "has" | "ist" | "sind") && own(word) => {
            let before = at.checked_sub(1).and_then(|at| words.get(at));
            before.is_some_and(|word| matches!(word.as_str(), "where" | "wo")) || words.iter().any(done)
        }
        _ => false,
    })
}

/// Questions stand for themselves. Statements beside them only count where a question says nothing by itself
/// ("We want to bring our dog. Is that ok?").
fn relevant(clauses: Vec<Clause>) -> Vec<Clause> {
    let mut asked: Vec<Clause> = Vec::new();
    let mut told: Vec<Subject> = Vec::new();
    let mut bare: Option<Needs> = None;
    for clause in clauses {
        if clause.asked && clause.elliptical && !asked.is_empty() {
            if let Some(before) = asked.last_mut() {
                before.subjects.extend(clause.subjects);
            }
        } else if clause.asked && clause.subjects.is_empty() {
            bare = Some(clause.needs);
        } else if clause.asked {
            asked.push(clause);
        } else {
            told.extend(clause.subjects);
        }
    }
    if asked.is_empty() && !told.is_empty() {
        return vec![Clause {
            subjects: told,
            needs: bare.unwrap_or_default(),
            asked: true,
            elliptical: false,
        }];
    }
    // "Can you true my wheel, and how much is that?"
    if let (Some(needs), Some(last)) = (&bare, asked.last_mut()) {
        last.needs.money |= needs.money;
    }
    // "It is about the quartet. What is the price on a Saturday?": the one word left would find another price.
    if let [only] = asked.as_mut_slice()
        && only.needs.money
        && only.subjects.len() <= 1
    {
        only.subjects.extend(told);
    }
    asked
}

/// Cuts a text into sentences; true if a question mark ended one.
fn sentences(text: &str) -> Vec<(&str, bool)> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((_, c)) = chars.next() {
        let end = chars.peek().map_or(text.len(), |(at, _)| *at);
        let at_gap = chars.peek().is_none_or(|(_, next)| next.is_whitespace());
        if matches!(c, '?' | '!' | '\n' | ';' | '？' | '。') || c == '.' && at_gap {
            out.push((text.get(start..end).unwrap_or_default(), matches!(c, '?' | '？')));
            start = end;
        }
    }
    out.push((text.get(start..).unwrap_or_default(), false));
    out
}

/// Cuts a sentence where a new question begins in it: "…, is that possible?", "… and is there parking?".
fn parts(read: Vec<Word>, marked: bool) -> Vec<(Vec<Word>, bool)> {
    let mut out: Vec<(Vec<Word>, bool)> = Vec::new();
    let mut current: Vec<Word> = Vec::new();
    for word in read {
        let joined = current
            .last()
            .is_some_and(|last| matches!(last.text.as_str(), "and" | "but" | "so" | "also"));
        if !current.is_empty() && (word.after_break || joined) && listed(STARTERS, &word.text) {
            let asked = starts_question(&current);
            out.push((std::mem::take(&mut current), asked));
        }
        current.push(word);
    }
    if !current.is_empty() {
        let asked = marked || starts_question(&current);
        out.push((current, asked));
    }
    out
}

fn starts_question(read: &[Word]) -> bool {
    let opener = |word: &str| is_filler(word) || matches!(word, "and" | "but" | "so");
    let first = read.iter().find(|word| !opener(&word.text));
    first.is_some_and(|word| listed(STARTERS, &word.text)) || read.iter().any(|word| is_money(&word.text))
}

fn clause(read: &[Word], asked: bool) -> Clause {
    let word = |at: usize| read.get(at).map_or("", |word| word.text.as_str());
    let mut clause = Clause {
        asked,
        ..Clause::default()
    };
    clause.elliptical = matches!(word(0), "and" | "or" | "but") && !listed(STARTERS, word(1));
    let mut after_how = false;
    for (at, Word { text, .. }) in read.iter().enumerate() {
        let (before, next) = (at.checked_sub(1).map_or("", word), word(at + 1));
        if std::mem::take(&mut after_how) && how(text, next, &mut clause.needs) {
            continue;
        }
        after_how = matches!(text.as_str(), "how" | "wie");
        match text.as_str() {
            "when" => clause.needs.number |= listed(STARTERS, next),
            "wann" => clause.needs.number = true,
            // "Was zahlen wir für …", not "Kann ich mit Karte zahlen".
            "zahlen" | "zahlt" | "zahle" if before == "was" => clause.needs.money = true,
            "time" if matches!(before, "what" | "which") => clause.needs.number = true,
            "charge" | "charges" | "charged" if before == "of" => {}
            "charge" | "charges" | "charged" if !is_charging(before, next) => clause.push(text, before),
            _ if is_money(text) => clause.needs.money = true,
            "pay" | "paying" if clause.needs.money => {}
            "may" if is_month(before, next) => clause.push(text, before),
            _ if is_year(text) || is_stop(text) || is_filler(text) => {}
            _ => clause.push(text, before),
        }
    }
    clause
}

impl Clause {
    fn push(&mut self, word: &str, before: &str) {
        let verb = listed(AUXILIARIES, before);
        if !self.subjects.iter().any(|subject| subject.word == word) {
            self.subjects.push(Subject {
                word: word.to_owned(),
                verb,
            });
        }
    }
}

/// Reads the word after "how"; true if it is dealt with.
fn how(word: &str, next: &str, needs: &mut Needs) -> bool {
    if matches!(word, "viel" | "teuer") {
        needs.money |= word == "teuer";
        return true;
    }
    if word == "much" {
        let countable = matches!(next, "time" | "space" | "room" | "notice" | "luggage");
        needs.money |= !countable;
        needs.number |= countable;
        return true;
    }
    let Some((_, units)) = HOW.iter().find(|(adjective, _)| *adjective == word) else {
        return false;
    };
    needs.number = true;
    needs.one_of.extend(units.split_whitespace());
    true
}

/// "Do you charge for …" is about money, "charge my car" is not.
fn is_charging(before: &str, next: &str) -> bool {
    matches!(before, "you" | "a" | "any" | "extra" | "the" | "an") || matches!(next, "for" | "extra")
}

/// Whether "may" is the month.
pub(super) fn is_month(before: &str, next: &str) -> bool {
    matches!(
        before,
        "in" | "of" | "early" | "late" | "mid" | "since" | "until" | "to" | "from"
    ) || is_day_number(before)
        || matches!(next, "to" | "until" | "till")
        || is_day_number(next)
        || is_year(next)
}

/// The months or weekdays that lie between two, ends included; empty if they are neither.
pub(super) fn span(from: &str, to: &str) -> Vec<&'static str> {
    for (cycle, length) in [(DAYS, 7), (MONTHS, 12), (WOCHE, 7), (MONATE, 12)] {
        let cycle = cycle.split_whitespace().take(length).collect::<Vec<_>>();
        let at = |name: &str| cycle.iter().position(|entry| *entry == name);
        if let (Some(first), Some(last)) = (at(from), at(to)) {
            let steps = (last + cycle.len() - first) % cycle.len();
            return cycle
                .iter()
                .cycle()
                .skip(first)
                .take(steps + 1)
                .copied()
                .collect();
        }
    }
    Vec::new()
}

fn named_days(words: &[String]) -> Vec<(String, String)> {
    let months = words.iter().enumerate().filter(|(_, word)| is_month_name(word));
    months
        .filter_map(|(at, month)| {
            let near = |at: Option<usize>| at.and_then(|at| words.get(at)).filter(|word| is_day_number(word));
            let of = at
                .checked_sub(1)
                .filter(|at| words.get(*at).is_some_and(|word| word == "of"));
            let day = near(at.checked_sub(1))
                .or(near(of.and_then(|at| at.checked_sub(1))))
                .or(near(Some(at + 1)))?;
            Some((
                day.trim_end_matches(|c: char| c.is_ascii_alphabetic()).to_owned(),
                month.clone(),
            ))
        })
        .collect()
}

fn is_month_name(word: &str) -> bool {
    listed(MONTHS, word) || listed(MONATE, word)
}

fn is_day_number(word: &str) -> bool {
    let digits = ["st", "nd", "rd", "th"]
        .iter()
        .find_map(|ending| word.strip_suffix(ending))
        .unwrap_or(word);
    digits.parse::<u8>().is_ok_and(|day| (1..=31).contains(&day))
}

fn is_year(word: &str) -> bool {
    word.len() == 4
        && word
            .parse::<u16>()
            .is_ok_and(|year| (1900..=2100).contains(&year))
}

fn listed(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|entry| entry == word)
}

#[cfg(test)]
#[path = "question_tests.rs"]
mod tests;
