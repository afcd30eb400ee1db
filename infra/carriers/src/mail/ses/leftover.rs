//! A raw mail that nobody was told of, or whose telling failed: what SES wrote above it says nearly the same.

use super::super::parse::{self, Mail};
use super::super::{Received, address, verdict};
use super::Notice;

/// Servers whose word on a mail's sender is taken.
const AUTHORITIES: [&str; 1] = ["amazonses.com"];

/// What is known of a mail from itself. `id` is SES's of it, which is its object's name. None if SES did not write it.
///
/// The time is not: an event tells it to the millisecond, and the same mail must not be another by it.
pub fn leftover(id: &str, raw: &[u8]) -> Option<Notice> {
    let mail = parse::parse(raw).ok()?;
    let recipient = recipient(mail.header("received")?)?;
    Some(Notice {
        received: Received {
            id: id.to_owned(),
            at: None,
            envelope: mail
                .header("return-path")
                .map(|path| address::canonical(path).unwrap_or_default()),
            verdicts: verdicts(&mail),
        },
        recipients: vec![recipient],
        object: None,
    })
}

/// The recipient that the receiving server wrote into its line, which is the topmost.
fn recipient(line: &str) -> Option<String> {
    let (before, _) = line.rsplit_once(';')?;
    let by = before.split(" by ").nth(1)?.split(' ').next()?;
    let is_ses = by.starts_with("inbound-smtp.") && by.ends_with(".amazonaws.com");
    let (_, recipient) = before.rsplit_once(" for ")?;
    address::canonical(recipient).filter(|_| is_ses)
}

fn verdicts(mail: &Mail) -> verdict::Verdicts {
    let own = ["spam", "virus"].iter().filter_map(|name| {
        let found = mail.header(&format!("x-ses-{name}-verdict"))?;
        Some(((*name).to_owned(), found.trim().to_ascii_lowercase()))
    });
    let results = mail.header("authentication-results").unwrap_or_default();
    own.collect::<Vec<_>>()
        .into_iter()
        .chain(verdict::from_results(results, &AUTHORITIES))
        .collect()
}

#[cfg(test)]
mod tests;
