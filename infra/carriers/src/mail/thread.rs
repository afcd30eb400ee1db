//! Which conversation a mail belongs to, as far as the mail says.

use crate::event::MailHead;

use super::address;

/// What a mail says about its conversation; in [`parents`] what is more to be believed comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parent<'a> {
    /// The capability in the address that it was sent to.
    Token(&'a str),
    /// The id of a mail before it.
    Mail(&'a str),
}

/// What a mail says about its conversation: its token, the mail that it answers, and those before, the newest first.
pub fn parents(head: &MailHead) -> impl Iterator<Item = Parent<'_>> {
    let token = head.token.as_deref().map(Parent::Token);
    let mails = head.references.iter().rev().map(|id| Parent::Mail(id));
    token.into_iter().chain(mails)
}

/// The id under which whoever took a mail of ours knows it, from its `Message-ID`: SES puts its own id there
/// (`<id@region.amazonses.com>`). Any other id is its own.
pub fn carriers_id(message_id: &str) -> &str {
    match message_id.rsplit_once('@') {
        Some((id, server)) if server.to_ascii_lowercase().ends_with(".amazonses.com") => id,
        _ => message_id,
    }
}

/// Whether a mail is about something else than the one before: its subject is another, whatever programs put before it.
/// A mail without a subject changes nothing.
pub fn is_new_topic(before: &str, now: &str) -> bool {
    let (before, now) = (topic(before), topic(now));
    !now.is_empty() && !before.is_empty() && before != now
}

/// A subject without what programs put before it, in small letters.
fn topic(subject: &str) -> String {
    let words: Vec<String> = subject.split_whitespace().map(str::to_lowercase).collect();
    let subject = words.join(" ");
    bare(&subject).to_owned()
}

/// A subject without the marks of answers and of mail passed on, as written.
pub fn bare(subject: &str) -> &str {
    let mut rest = subject.trim();
    loop {
        if let Some((tag, after)) = rest.strip_prefix('[').and_then(|tagged| tagged.split_once(']'))
            && WARNINGS.contains(&tag.trim().to_lowercase().as_str())
        {
            rest = after.trim_start();
            continue;
        }
        let Some((mark, after)) = rest.split_once([':', '：']) else {
            return rest;
        };
        // Some count: `Re[2]:`, `Re(2):`.
        let mark = mark
            .trim()
            .trim_end_matches(|c: char| c.is_ascii_digit() || "[]()".contains(c));
        if !MARKS.contains(&mark.to_lowercase().as_str()) {
            return rest;
        }
        rest = after.trim_start();
    }
}

/// The subject of an answer.
pub fn answer(subject: &str) -> String {
    format!("Re: {}", bare(subject)).trim_end().to_owned()
}

/// The address that an answer is to come back to: the mailbox with the conversation's token in it, or the mailbox alone
/// if there is no room for it.
pub fn reply_address(mailbox: &str, token: Option<&str>) -> String {
    token
        .and_then(|token| address::with_token(mailbox, token))
        .unwrap_or_else(|| mailbox.to_owned())
}

/// What programs of many languages put before the subject of an answer or of a mail passed on.
const MARKS: [&str; 32] = [
    "re", "fw", "fwd", "aw", "wg", "sv", "vs", "vb", "antw", "doorst", "rv", "res", "enc", "tr", "rif", "r",
    "i", "odp", "pd", "ynt", "ilt", "ref", "ant", "réf", "tl", "vl", "atb", "bls", "trs", "回复", "转发",
    "答复",
];
/// What gateways put before subjects.
const WARNINGS: [&str; 6] = ["external", "ext", "extern", "externo", "externe", "spam"];
