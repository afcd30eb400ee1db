//! Reports about mail of ours.

use mail_parser::{Message, MimeHeaders as _, PartType};

use super::super::address;
use super::id;

/// A report about a mail of ours (RFC 3464), as far as it is used.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// `Message-ID` of the mail that it is about.
    pub original: Option<String>,
    /// Whom it went to, canonical.
    pub recipient: Option<String>,
    /// `failed`, `delayed`, `delivered`, `relayed` or `expanded`.
    pub action: String,
}

/// Reads the parts of a report that programs read.
pub(super) fn report(message: &Message<'_>) -> Report {
    let mut report = Report::default();
    for part in &message.parts {
        let field = |text: &str, name: &str| {
            let value = |line: &str| {
                let (found, value) = line.split_once(':')?;
                found
                    .trim()
                    .eq_ignore_ascii_case(name)
                    .then(|| value.trim().to_owned())
            };
            text.lines().take(1_000).find_map(value)
        };
        match &part.body {
            PartType::Message(original) => {
                report.original = report.original.or_else(|| original.message_id().and_then(id));
            }
            body => {
                let text = match body {
                    PartType::Text(text) => text.as_ref(),
                    PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                        std::str::from_utf8(bytes).unwrap_or_default()
                    }
                    _ => continue,
                };
                if part.is_content_type("message", "delivery-status") {
                    report.action = field(text, "action").unwrap_or_default().to_ascii_lowercase();
                    let recipient =
                        field(text, "final-recipient").or_else(|| field(text, "original-recipient"));
                    let recipient = recipient.as_deref().and_then(|named| named.split_once(';'));
                    report.recipient = recipient.and_then(|(_, named)| address::canonical(named));
                } else if part.is_content_type("text", "rfc822-headers") {
                    report.original = report
                        .original
                        .or_else(|| field(text, "message-id").as_deref().and_then(id));
                }
            }
        }
    }
    report
}
