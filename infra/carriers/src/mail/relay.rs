//! Mail that a form on a page sends: the person is whoever filled the form.

use super::address;
use super::automatic::Own;
use super::parse::{Mail, Mailbox};

/// Words before the address in a form's mail. In small letters.
const ADDRESS_LABELS: [&str; 12] = [
    "email",
    "e-mail",
    "mail",
    "correo",
    "correo electrónico",
    "correo electronico",
    "e-mail-adresse",
    "email address",
    "e-mail address",
    "adresse e-mail",
    "courriel",
    "your email",
];
/// Words before the name. In small letters.
const NAME_LABELS: [&str; 9] = [
    "name",
    "nombre",
    "nom",
    "nome",
    "naam",
    "full name",
    "your name",
    "vollständiger name",
    "ihr name",
];
/// Lines that are looked at.
const MOST_LINES: usize = 500;

/// Whether a mail is a form's: its sender is one of `relays`.
pub fn is_relay(mail: &Mail, relays: &[String]) -> bool {
    let Some(from) = &mail.from else {
        return false;
    };
    relays
        .iter()
        .filter_map(|relay| address::canonical(relay))
        .any(|relay| relay == from.address)
}

/// Who filled the form: where the mail wants its answer, or else the address in its text that is named as one, or else
/// the only address in it.
pub fn person(mail: &Mail, relays: &[String], own: Own<'_>) -> Option<Mailbox> {
    let is_other = |address: &str| {
        !own.has(address)
            && !relays
                .iter()
                .any(|relay| address::canonical(relay).as_deref() == Some(address))
    };
    let wanted = mail.reply_to.iter().find(|to| is_other(&to.address));
    let mut person = match wanted {
        Some(mailbox) => mailbox.clone(),
        None => Mailbox {
            name: None,
            address: in_text(&mail.text, is_other)?,
        },
    };
    if person.name.is_none() {
        person.name = labelled(&mail.text, &NAME_LABELS).filter(|name| name.chars().count() <= 100);
    }
    Some(person)
}

fn in_text(text: &str, is_other: impl Fn(&str) -> bool) -> Option<String> {
    let named = labelled(text, &ADDRESS_LABELS);
    let named = named.and_then(|value| addresses(&value).find(|address| is_other(address)));
    named.or_else(|| {
        let mut found: Vec<String> = text
            .lines()
            .take(MOST_LINES)
            .flat_map(addresses)
            .filter(|address| is_other(address))
            .collect();
        found.sort();
        found.dedup();
        // Of several addresses nobody knows whose is which.
        if found.len() == 1 { found.pop() } else { None }
    })
}

fn addresses(line: &str) -> impl Iterator<Item = String> {
    line.split(|c: char| c.is_whitespace() || "<>()[],;\"'|".contains(c))
        .filter(|word| word.contains('@'))
        .filter_map(|word| {
            let word = word
                .trim_start_matches("mailto:")
                .trim_end_matches(['.', ':', '!', '?']);
            address::canonical(word)
        })
}

/// What stands behind one of these words: on the same line, or alone on the next.
fn labelled(text: &str, labels: &[&str]) -> Option<String> {
    let mut lines = text.lines().take(MOST_LINES).peekable();
    while let Some(line) = lines.next() {
        let line = line.trim().trim_start_matches(['*', '-', '•', ' ']);
        let (label, value) = line.split_once([':', '：']).unwrap_or((line, ""));
        let label = label.trim().trim_matches('*').to_lowercase();
        if !labels.contains(&label.as_str()) {
            continue;
        }
        let value = value.trim().trim_matches('*').trim();
        if !value.is_empty() {
            return Some(value.to_owned());
        }
        if let Some(next) = lines
            .peek()
            .map(|next| next.trim())
            .filter(|next| !next.is_empty())
        {
            return Some(next.to_owned());
        }
    }
    None
}
