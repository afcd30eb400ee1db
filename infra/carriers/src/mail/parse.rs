//! MIME to what a person wrote: head, text, what was quoted, attachments. Bounded before it is looked into.

mod report;

use mail_parser::{
    Address, Encoding, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders as _, PartType,
};
use usher_shared::channel::AttachmentKind;

pub use self::report::Report;
use self::report::report;
use super::address;
use super::{html, quote};
use crate::event::{Attached, Source};

/// Largest mail that is read, in bytes: SES takes no larger one.
pub const LARGEST: usize = 40 * 1024 * 1024;
/// A head longer than this, in bytes, is none of a mail.
const LARGEST_HEAD: usize = 512 * 1024;
/// Parts that say what they are. Bounds how deep parts can be in parts as well: each level needs one.
const MOST_TYPES: usize = 300;
/// Lines that may begin a part.
const MOST_DIVIDERS: usize = 20_000;
/// Lines that look like headers, of parts too.
const MOST_HEADERS: usize = 200_000;
/// Attachments that are kept; of more it is only said that they were there.
const MOST_ATTACHMENTS: usize = 50;
const MOST_NAMED_ATTACHMENTS: usize = 100;
/// Addresses that are looked at in a list.
const MOST_ADDRESSES: usize = 100;
/// Ids that are kept of a thread, the newest.
const MOST_REFERENCES: usize = 50;
const LONGEST_ID: usize = 500;
const LONGEST_SUBJECT: usize = 500;
const LONGEST_NAME: usize = 200;
/// Longest text of one message, in bytes; what is cut off is said.
const LONGEST_TEXT: usize = 64 * 1024;
const LONGEST_QUOTE: usize = 16 * 1024;
const CUT: &str = "\n[…]";

/// Why a mail cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is larger than is taken.
    #[error("the mail is too large")]
    TooLarge,
    /// It is made to be hard to read: parts in parts without end, or a head without end.
    #[error("the mail is too deep")]
    TooDeep,
    /// It is no mail.
    #[error("there is no mail in it")]
    NotMail,
}

/// A name and a canonical address.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// The name, as written.
    pub name: Option<String>,
    /// The address.
    pub address: String,
}

/// A mail, read.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Mail {
    /// Who it says it is from.
    pub from: Option<Mailbox>,
    /// Where it wants answers.
    pub reply_to: Vec<Mailbox>,
    /// Whom it went to, copies included.
    pub to: Vec<String>,
    /// Its subject.
    pub subject: String,
    /// Its `Message-ID`, without brackets.
    pub message_id: Option<String>,
    /// Ids of the mails that it is an answer to and of the thread before, oldest first, its parent last.
    pub references: Vec<String>,
    /// Headers as they came, unfolded, names in lower case, topmost first.
    pub headers: Vec<(String, String)>,
    /// What was written.
    pub text: String,
    /// What was quoted below.
    pub quoted: Option<String>,
    /// What came with it.
    pub attachments: Vec<Attached>,
    /// What it reports, if it is a report.
    pub report: Option<Report>,
}

impl Mail {
    /// The topmost header of this name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All headers of this name (in lower case), topmost first.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Domains that signed it, as their signatures say.
    pub fn signers(&self) -> Vec<String> {
        let domain = |signature: &str| {
            let field = |field: &str| {
                let (name, value) = field.split_once('=')?;
                (name.trim() == "d").then(|| value.trim().to_lowercase())
            };
            signature.split(';').find_map(field)
        };
        self.all("dkim-signature").filter_map(domain).collect()
    }
}

/// Reads a mail.
///
/// # Errors
/// [`Unreadable`], if it is none, or too much of one.
pub fn parse(raw: &[u8]) -> Result<Mail, Unreadable> {
    bounded(raw)?;
    let message = MessageParser::default().parse(raw).ok_or(Unreadable::NotMail)?;
    let Some(root) = message.parts.first().filter(|root| has_head(root)) else {
        return Err(Unreadable::NotMail);
    };
    let report = root
        .is_content_type("multipart", "report")
        .then(|| report(&message));
    let (text, quoted) = said(&message);
    let (text, quoted) = match quoted {
        Some(quoted) => (text, Some(cut(quoted, LONGEST_QUOTE))),
        None => (text, None),
    };
    Ok(Mail {
        from: mailboxes(message.from()).into_iter().next(),
        reply_to: mailboxes(message.reply_to()),
        to: mailboxes(message.to())
            .into_iter()
            .chain(mailboxes(message.cc()))
            .map(|to| to.address)
            .collect(),
        subject: line(message.subject().unwrap_or_default(), LONGEST_SUBJECT),
        message_id: message.message_id().and_then(id),
        references: references(&message),
        headers: headers(root, raw),
        text: cut(text, LONGEST_TEXT),
        quoted,
        attachments: if report.is_some() {
            Vec::new()
        } else {
            attachments(&message, raw)
        },
        report,
    })
}

/// Whether a part has a header that a mail could have: anything before a colon may look like one.
fn has_head(root: &MessagePart<'_>) -> bool {
    let named = |header: &mail_parser::Header<'_>| {
        let name = header.name.as_str();
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
    };
    root.headers.iter().any(named)
}

/// Looks at a mail from outside: what would cost more than it can say is not looked into.
fn bounded(raw: &[u8]) -> Result<(), Unreadable> {
    if raw.len() > LARGEST {
        return Err(Unreadable::TooLarge);
    }
    let (mut dividers, mut headers, mut types) = (0, 0, 0);
    let mut head = Some(0);
    for line in raw.split(|byte| *byte == b'\n') {
        if let Some(length) = &mut head {
            *length += line.len();
            if matches!(line, [] | [b'\r']) {
                head = None;
            } else if *length > LARGEST_HEAD {
                return Err(Unreadable::TooDeep);
            }
        }
        dividers += usize::from(line.starts_with(b"--"));
        let start = line.get(..80).unwrap_or(line);
        headers += usize::from(start.contains(&b':'));
        types += usize::from(says_type(start));
    }
    if dividers > MOST_DIVIDERS || headers > MOST_HEADERS || types > MOST_TYPES {
        return Err(Unreadable::TooDeep);
    }
    Ok(())
}

/// Whether the line says what a part is. Anywhere in it: a parser may be more forgiving than this.
fn says_type(line: &[u8]) -> bool {
    const NAME: &[u8] = b"content-type";
    line.windows(NAME.len())
        .any(|window| window.eq_ignore_ascii_case(NAME))
}

fn headers(root: &MessagePart<'_>, raw: &[u8]) -> Vec<(String, String)> {
    let header = |header: &mail_parser::Header<'_>| {
        let range = usize::try_from(header.offset_start).ok()?..usize::try_from(header.offset_end).ok()?;
        let value = String::from_utf8_lossy(raw.get(range)?);
        let value: Vec<&str> = value.split_ascii_whitespace().collect();
        Some((header.name.as_str().to_ascii_lowercase(), value.join(" ")))
    };
    root.headers.iter().filter_map(header).collect()
}

fn mailboxes(list: Option<&Address<'_>>) -> Vec<Mailbox> {
    let Some(list) = list else {
        return Vec::new();
    };
    let mailbox = |written: &mail_parser::Addr<'_>| {
        let address = address::canonical(written.address.as_deref()?)?;
        let name = written.name.as_deref().map(|name| line(name, LONGEST_NAME));
        let name = name.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(&address));
        Some(Mailbox { name, address })
    };
    list.iter().take(MOST_ADDRESSES).filter_map(mailbox).collect()
}

/// An id without its brackets. Comparison is exact.
fn id(text: &str) -> Option<String> {
    let id = text.trim().trim_start_matches('<').trim_end_matches('>').trim();
    let plain = !id.is_empty() && id.len() <= LONGEST_ID && !id.chars().any(char::is_whitespace);
    plain.then(|| id.to_owned())
}

fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    match value {
        HeaderValue::Text(text) => text.split_ascii_whitespace().filter_map(id).collect(),
        HeaderValue::TextList(list) => list.iter().filter_map(|text| id(text)).collect(),
        _ => Vec::new(),
    }
}

/// The thread, oldest first, the direct parent last.
fn references(message: &Message<'_>) -> Vec<String> {
    let mut known = ids(message.references());
    if let Some(parent) = ids(message.in_reply_to()).pop() {
        known.retain(|id| *id != parent);
        known.push(parent);
    }
    let surplus = known.len().saturating_sub(MOST_REFERENCES);
    known.drain(..surplus);
    known
}

/// What was written, and what was quoted below.
fn said(message: &Message<'_>) -> (String, Option<String>) {
    let mut own = Vec::new();
    let mut quoted = Vec::new();
    let mut take = |seen: html::Seen| {
        if !seen.text.is_empty() {
            own.push(seen.text);
        }
        if !seen.quoted.is_empty() {
            quoted.push(seen.quoted);
        }
    };
    for part in message.text_bodies() {
        match &part.body {
            PartType::Html(page) => take(html::read(page)),
            PartType::Text(text) => take(quote::split(&plain(part, text))),
            _ => {}
        }
    }
    // Some programs put an empty text beside what was written.
    if own.is_empty() && quoted.is_empty() {
        for part in message.html_bodies() {
            if let PartType::Html(page) = &part.body {
                own.push(html::read(page).text);
            }
        }
    }
    if own.is_empty() {
        // Nothing but a quote: a mail passed on.
        return (quoted.join("\n\n"), None);
    }
    (
        own.join("\n\n"),
        (!quoted.is_empty()).then(|| quoted.join("\n\n")),
    )
}

/// A plain text with its lines joined where a program only broke them (RFC 3676).
fn plain(part: &MessagePart<'_>, text: &str) -> String {
    let attribute = |name: &str| {
        part.content_type()
            .and_then(|kind| kind.attribute(name))
            .map(str::to_ascii_lowercase)
    };
    if attribute("format").as_deref() != Some("flowed") {
        return text.to_owned();
    }
    let drops_space = attribute("delsp").as_deref() == Some("yes");
    let mut joined = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim_end_matches('\r');
        let quoted = line.starts_with('>');
        let unstuffed = line.strip_prefix(' ').unwrap_or(line);
        let flows = unstuffed.ends_with(' ') && unstuffed != "-- " && !quoted;
        joined.push_str(match (flows, drops_space) {
            (true, true) => unstuffed.strip_suffix(' ').unwrap_or(unstuffed),
            _ => unstuffed,
        });
        if !flows {
            joined.push('\n');
        }
    }
    joined
}

fn attachments(message: &Message<'_>, raw: &[u8]) -> Vec<Attached> {
    let mut kept = Vec::new();
    for part in message.attachments().take(MOST_NAMED_ATTACHMENTS) {
        let bytes = match &part.body {
            PartType::Message(nested) if part.encoding != Encoding::None => nested.raw_message.to_vec(),
            PartType::Message(_) => {
                let start = usize::try_from(part.offset_body).unwrap_or(usize::MAX);
                let end = usize::try_from(part.offset_end).unwrap_or(usize::MAX);
                raw.get(start..end).unwrap_or_default().to_vec()
            }
            PartType::Multipart(_) => continue,
            _ => part.contents().to_vec(),
        };
        let (kind, media_type) = kind(part);
        let name = part.attachment_name().map(|name| line(name, LONGEST_NAME));
        let name = name.filter(|name| !name.is_empty());
        let size = u64::try_from(bytes.len()).ok();
        let source = if kept.len() < MOST_ATTACHMENTS {
            Source::Bytes(bytes)
        } else {
            Source::NotOffered
        };
        kept.push(Attached {
            kind,
            source,
            name,
            media_type,
            size,
            sha256: None,
        });
    }
    kept
}

fn kind(part: &MessagePart<'_>) -> (AttachmentKind, Option<String>) {
    let Some(claimed) = part.content_type() else {
        return (AttachmentKind::Other, None);
    };
    let main = claimed.c_type.to_ascii_lowercase();
    let sub = claimed
        .c_subtype
        .as_deref()
        .unwrap_or_default()
        .to_ascii_lowercase();
    (
        kind_of(&main, &sub),
        Some(format!("{main}/{sub}")).filter(|_| !sub.is_empty()),
    )
}

/// What an attachment of this media type is.
pub(super) fn kind_of(main: &str, sub: &str) -> AttachmentKind {
    match (main, sub) {
        ("image", _) => AttachmentKind::Image,
        ("audio", _) => AttachmentKind::Audio,
        ("video", _) => AttachmentKind::Video,
        ("text" | "message", _) | ("application", "pdf" | "rtf" | "msword") => AttachmentKind::Document,
        ("application", sub) if sub.starts_with("vnd.") => AttachmentKind::Document,
        _ => AttachmentKind::Other,
    }
}

/// One line: no breaks, nothing that cannot be seen.
pub(super) fn line(text: &str, longest: usize) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ").chars().take(longest).collect()
}

/// Cuts a text, and says so.
pub(super) fn cut(mut text: String, longest: usize) -> String {
    if text.len() > longest {
        let end = text.floor_char_boundary(longest - CUT.len());
        text.truncate(end);
        text.push_str(CUT);
    }
    text.replace('\0', "")
}

#[cfg(test)]
mod tests;
