//! A mail that is to leave, as data: whoever takes it is told the same.

use usher_shared::channel::{ChannelSettings, Failure};

use super::automatic::LOOP_HEADER;
use super::parse::line;
use super::{address, thread};
use crate::call::Outgoing;

/// Longest text of one mail, in characters.
pub const LONGEST_TEXT: usize = 100_000;
/// Ids of the thread that are told, at most: the first and the newest.
const MOST_REFERENCES: usize = 20;
/// Longest value of a header that SES takes, in bytes.
const LONGEST_HEADER: usize = 995;
/// Longest subject, in characters.
const LONGEST_SUBJECT: usize = 300;
/// Name of the tag by which events about a mail name the message that it was.
pub const TAG: &str = "message";

/// A mail, composed.
#[derive(Clone, PartialEq, Eq)]
pub struct Composed {
    /// Our address.
    pub from: String,
    /// The name beside it.
    pub from_name: Option<String>,
    /// The person's address.
    pub to: String,
    /// Where answers come back to.
    pub reply_to: String,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// Further headers. Printable ASCII.
    pub headers: Vec<(String, String)>,
    /// The message that it is, where it can be told: named in events about the mail.
    pub tag: Option<String>,
}

impl std::fmt::Debug for Composed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Composed(..)")
    }
}

impl Composed {
    /// The sender as a header has it, in UTF-8: `"Name" <address>`.
    pub fn sender(&self) -> String {
        match &self.from_name {
            Some(name) => format!("\"{}\" <{}>", quotable(name), self.from),
            None => self.from.clone(),
        }
    }

    /// The sender as a header has it, in ASCII (RFC 2047).
    pub fn sender_in_ascii(&self) -> String {
        match &self.from_name {
            Some(name) if !name.is_ascii() => format!("{} <{}>", encoded_words(name), self.from),
            _ => self.sender(),
        }
    }
}

/// Composes a mail.
///
/// # Errors
/// Why it cannot leave: one of the two addresses is missing, or it is too long.
pub fn compose(settings: &ChannelSettings, outgoing: &Outgoing<'_>) -> Result<Composed, Failure> {
    let from = settings.address.as_deref().and_then(address::canonical);
    let from = from.ok_or(Failure::NoAddress)?;
    let to = address::canonical(address::deliverable(outgoing.to)).ok_or(Failure::NoAddress)?;
    if outgoing.text.chars().count() > LONGEST_TEXT {
        return Err(Failure::TooLong);
    }
    let name = settings.sender_name.as_deref().map(|name| line(name, 100));
    let from_name = name.filter(|name| !name.is_empty());
    let subject = outgoing.mail.map(|head| thread::answer(&head.subject));
    // An answer to what was no mail, or had no subject.
    let subject = subject
        .filter(|subject| !thread::bare(subject).is_empty())
        .unwrap_or_else(|| format!("Re: {}", from_name.as_deref().unwrap_or(&from)));
    let mut headers = Vec::new();
    if let Some(head) = outgoing.mail
        && let Some(parent) = head.message_id.as_deref().filter(|id| is_id(id))
    {
        headers.push(("In-Reply-To".to_owned(), format!("<{parent}>")));
        headers.push(("References".to_owned(), references(&head.references, parent)));
    }
    if !outgoing.by_human {
        headers.push(("Auto-Submitted".to_owned(), "auto-replied".to_owned()));
        headers.push(("X-Auto-Response-Suppress".to_owned(), "All".to_owned()));
    }
    headers.push((LOOP_HEADER.to_owned(), "1".to_owned()));
    Ok(Composed {
        reply_to: thread::reply_address(&from, outgoing.token),
        from,
        from_name,
        to,
        subject: line(&subject, LONGEST_SUBJECT),
        text: outgoing.text.to_owned(),
        html: html(outgoing.text),
        headers,
        tag: is_tag(outgoing.reference).then(|| outgoing.reference.to_owned()),
    })
}

/// Composes a mail of the installation's own, to somebody who works for a business. No answer is waited for.
///
/// # Errors
/// As [`compose`].
pub fn notice(from: &str, name: &str, to: &str, subject: &str, text: &str) -> Result<Composed, Failure> {
    let from = address::canonical(from).ok_or(Failure::NoAddress)?;
    let headers = [
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        (LOOP_HEADER, "1"),
    ];
    Ok(Composed {
        reply_to: from.clone(),
        from,
        from_name: Some(line(name, 100)),
        to: address::canonical(to).ok_or(Failure::NoAddress)?,
        subject: line(subject, LONGEST_SUBJECT),
        text: text.to_owned(),
        html: html(text),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        tag: None,
    })
}

/// Whether an id may stand in a header: whoever wrote to us chose it.
fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 400
        && id
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"<>".contains(&byte))
}

/// The ids of the thread: the first, and as many of the newest as there is room for, the parent last.
fn references(thread: &[String], parent: &str) -> String {
    let mut known: Vec<&str> = thread
        .iter()
        .map(String::as_str)
        .filter(|id| is_id(id) && *id != parent)
        .collect();
    known.push(parent);
    let room = |ids: &[&str]| ids.iter().map(|id| id.len() + 3).sum::<usize>() <= LONGEST_HEADER;
    while known.len() > 1 && (known.len() > MOST_REFERENCES || !room(&known)) {
        // The first one names the thread; it goes when nothing else can.
        known.remove(usize::from(known.len() > 2));
    }
    let ids: Vec<String> = known.iter().map(|id| format!("<{id}>")).collect();
    ids.join(" ")
}

fn is_tag(reference: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    !reference.is_empty() && reference.len() <= 256 && reference.bytes().all(plain)
}

/// A name inside quotation marks.
fn quotable(name: &str) -> String {
    name.chars().filter(|c| !"\"\\<>".contains(*c)).collect()
}

/// A name in encoded words, none longer than the 75 characters that one may have.
fn encoded_words(name: &str) -> String {
    use base64::Engine as _;
    let mut words = Vec::new();
    let mut word = String::new();
    let mut encode = |word: &mut String| {
        if !word.is_empty() {
            let encoded = base64::engine::general_purpose::STANDARD.encode(word.as_bytes());
            words.push(format!("=?UTF-8?B?{encoded}?="));
            word.clear();
        }
    };
    for character in name.chars() {
        if word.len() + character.len_utf8() > 45 {
            encode(&mut word);
        }
        word.push(character);
    }
    encode(&mut word);
    words.join(" ")
}

/// A text as HTML: nothing of it is markup.
fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 128);
    out.push_str("<!doctype html><html><body>");
    for paragraph in text.replace("\r\n", "\n").split("\n\n") {
        let paragraph = paragraph.trim_matches('\n');
        if paragraph.is_empty() {
            continue;
        }
        out.push_str("<p>");
        for character in paragraph.chars() {
            match character {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                '\n' => out.push_str("<br>"),
                character if character.is_control() && character != '\t' => {}
                character => out.push(character),
            }
        }
        out.push_str("</p>");
    }
    out.push_str("</body></html>");
    out
}

#[cfg(test)]
mod tests;
