//! Links, addresses, numbers and names by which somebody could be led elsewhere.

mod find;
mod numbers;
mod spoken;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::Range;

use self::find::find;
use self::spoken::{bracketed, said};
use super::lexer::{blank, plain};
use super::{Flag, Ground};

/// Something that leads somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Contact {
    /// A link, in its one spelling.
    Link(String),
    /// An e-mail address in lower case.
    Email(String),
    /// `@name`, in lower case.
    Handle(String),
    /// Digits of a phone number.
    Phone(String),
    /// An international bank account number.
    Account(String),
}

/// Checks everything that leads somewhere, and gives the text without what is fine.
pub(super) fn check(answer: &str, ground: &Ground<'_>, flags: &mut Vec<Flag>) -> String {
    let found = find(answer);
    let spoken: Vec<Contact> = [bracketed(answer), said(answer)]
        .iter()
        .filter(|variant| variant.as_str() != answer)
        .flat_map(|variant| find(variant))
        .map(|(contact, _)| contact)
        // A number is no more of one with dots in words.
        .filter(|contact| !matches!(contact, Contact::Phone(_) | Contact::Account(_)))
        .collect();
    if found.is_empty() && spoken.is_empty() {
        return answer.to_owned();
    }
    let known = Known::of(ground);
    let mut fine = Vec::new();
    for (contact, span) in found {
        if known.holds(&contact) {
            fine.push(span);
        } else {
            flags.push(flag_of(&contact));
        }
    }
    for contact in spoken {
        if !known.holds(&contact) {
            flags.push(flag_of(&contact));
        }
    }
    blank(answer, &fine)
}

/// The text without what leads somewhere: a phone number's digits are no amounts.
pub(super) fn without_addresses(text: &str) -> String {
    let spans: Vec<Range<usize>> = find(text).into_iter().map(|(_, span)| span).collect();
    blank(text, &spans)
}

/// E-mail addresses that a text names.
pub(super) fn named_emails(text: &str) -> impl Iterator<Item = String> {
    find(text).into_iter().filter_map(|(contact, _)| match contact {
        Contact::Email(email) => Some(email),
        _ => None,
    })
}

/// The digits of phone numbers that a text names.
pub(super) fn named_phones(text: &str) -> impl Iterator<Item = String> {
    find(text).into_iter().filter_map(|(contact, _)| match contact {
        Contact::Phone(digits) => Some(digits),
        _ => None,
    })
}

fn flag_of(contact: &Contact) -> Flag {
    match contact {
        Contact::Link(_) => Flag::Link,
        Contact::Email(_) => Flag::EmailAddress,
        Contact::Handle(_) => Flag::Handle,
        Contact::Phone(_) => Flag::PhoneNumber,
        Contact::Account(_) => Flag::Account,
    }
}

/// What may be named.
struct Known {
    contacts: BTreeSet<String>,
    phones: Vec<String>,
}

impl Known {
    fn of(ground: &Ground<'_>) -> Self {
        let mut known = Self {
            contacts: BTreeSet::new(),
            phones: Vec::new(),
        };
        let documents = ground.documents.passages();
        for text in documents.flat_map(|passage| [passage.heading.as_str(), passage.text.as_str()]) {
            known.read(text);
        }
        for text in ground.settings {
            known.read(text);
        }
        for text in ground.guest {
            known.read_own(text);
        }
        known
    }

    /// A guest may be told their own address again: one that they gave as theirs, and no link, which would be read as
    /// the business's.
    fn read_own(&mut self, text: &str) {
        let text = plain(text);
        for (contact, span) in find(&text) {
            let own = text.get(..span.start).is_some_and(|before| {
                let after = text.get(span.end..).unwrap_or_default();
                gives_own(before) || before.split_whitespace().chain(after.split_whitespace()).count() <= 3
            });
            match contact {
                Contact::Phone(digits) if own => self.phones.push(digits),
                Contact::Email(email) if own => {
                    self.contacts.insert(format!("email {email}"));
                }
                _ => {}
            }
        }
    }

    fn read(&mut self, text: &str) {
        // Most passages name nothing: a look for what all of them have is enough.
        if !text.contains(['.', '@', ':', '+', '．', '。'])
            && text.chars().filter(char::is_ascii_digit).count() < 7
        {
            return;
        }
        for (contact, _) in find(&plain(text)) {
            match contact {
                Contact::Phone(digits) => self.phones.push(digits),
                Contact::Link(link) => {
                    let host = link.split(['/', '?', '#']).next().unwrap_or_default();
                    self.contacts.insert(format!("link {host}"));
                    self.contacts.insert(format!("link {link}"));
                }
                Contact::Email(text) => {
                    self.contacts.insert(format!("email {text}"));
                }
                Contact::Handle(text) => {
                    self.contacts.insert(format!("handle {text}"));
                }
                Contact::Account(text) => {
                    self.contacts.insert(format!("account {text}"));
                }
            }
        }
    }

    fn holds(&self, contact: &Contact) -> bool {
        match contact {
            Contact::Link(text) => self.contacts.contains(&format!("link {text}")),
            Contact::Email(text) => self.contacts.contains(&format!("email {text}")),
            Contact::Handle(text) => self.contacts.contains(&format!("handle {text}")),
            Contact::Account(text) => self.contacts.contains(&format!("account {text}")),
            Contact::Phone(digits) => self.phones.iter().any(|known| same_number(known, digits)),
        }
    }
}

/// Whether what comes next is given as the person's own: "my number is".
fn gives_own(before: &str) -> bool {
    const OWN: &str = "my mine mein meine meiner meinen mon ma mes mio mia mi meu minha mijn";
    const TO_ME: [&str; 14] = [
        "i am",
        "i m",
        "im",
        "ich bin",
        "je suis",
        "io sono",
        "sono",
        "soy",
        "me at",
        "me on",
        "me under",
        "me by",
        "mich unter",
        "mir an",
    ];
    let words: Vec<&str> = before
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let near: Vec<String> = words
        .iter()
        .rev()
        .take(7)
        .rev()
        .map(|word| word.to_lowercase())
        .collect();
    let phrase = format!(" {} ", near.join(" "));
    near.iter()
        .any(|word| OWN.split_whitespace().any(|own| own == word))
        || TO_ME.iter().any(|own| phrase.contains(&format!(" {own} ")))
}

/// Whether two numbers are one, written with and without its country.
fn same_number(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    let shorter = one.len().min(other.len());
    one == other
        || (shorter >= 7
            && one.len().abs_diff(other.len()) <= 3
            && (one.ends_with(other) || other.ends_with(one)))
}
