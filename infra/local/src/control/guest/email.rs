//! A guest who writes a mail: SES takes it in, puts it into the bucket and tells the function, as it would.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{invalid, ok, problem, read};
use crate::clock::rfc3339;
use crate::ids::random_hex;
use crate::stack::Shared;
use crate::template::REGION;
use crate::world::mail::invoke;

/// Deliveries of one mail, at most.
const MOST_DELIVERIES: usize = 8;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mail {
    #[serde(rename = "kind")]
    _kind: String,
    /// Who it is from: `Ana <ana@example.net>`.
    from: String,
    /// The mailbox, or several.
    to: Recipients,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    text: String,
    html: Option<String>,
    message_id: Option<String>,
    in_reply_to: Option<String>,
    #[serde(default)]
    references: Vec<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    attachments: Vec<Attachment>,
    /// The whole mail, in place of all of the above that is in it.
    raw: Option<String>,
    raw_base64: Option<String>,
    /// The sender that its server names; empty for `<>`.
    envelope_from: Option<String>,
    /// What the receiving server finds, in place of `pass`: `{"dmarc": "fail"}`.
    #[serde(default)]
    verdicts: BTreeMap<String, String>,
    /// How often the function is told.
    deliveries: Option<usize>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Recipients {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attachment {
    name: String,
    media_type: String,
    base64: String,
}

/// Sends a mail as a guest. The answer carries SES's id of it, its own, and what the function answered.
pub(super) async fn post(shared: &Shared, body: &[u8]) -> Response {
    let mail: Mail = match read(body) {
        Ok(mail) => mail,
        Err(response) => return response,
    };
    let Some(rule) = &shared.template.mail else {
        return problem(
            StatusCode::CONFLICT,
            "no_mail",
            "the template has no receipt rule",
        );
    };
    let Some(pool) = shared.pools.get(&rule.function) else {
        return problem(
            StatusCode::CONFLICT,
            "no_mail",
            "the rule's function is not there",
        );
    };
    let recipients = match &mail.to {
        Recipients::One(one) => vec![one.clone()],
        Recipients::Several(several) => several.clone(),
    };
    let suffix = format!("@{}", rule.domain);
    if recipients.is_empty() || recipients.iter().any(|to| !to.ends_with(&suffix)) {
        return invalid("to", &format!("mailboxes under {}", rule.domain));
    }
    let (id, message_id) = (random_hex(20), mail.message_id());
    let Some(raw) = mail.bytes(&recipients, &message_id, shared.clock.now_ms()) else {
        return invalid("raw_base64", "is not base64");
    };
    let raw = [mail.own_lines(&id, &recipients).into_bytes(), raw].concat();
    let object = format!("{}{id}", rule.prefix);
    if let Err(error) = shared.objects.put_for_service(&rule.bucket, &object, &raw) {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", &error.to_string());
    }
    let event = mail.event(&id, &recipients, shared.clock.now_ms());
    let mut answers = Vec::new();
    for _ in 0..mail.deliveries.unwrap_or(1).min(MOST_DELIVERIES) {
        answers.push(invoke(pool, "mail", &event).await);
    }
    ok(&json!({"id": id, "object": object, "message_id": message_id, "answers": answers}))
}

impl Mail {
    fn message_id(&self) -> String {
        let own = || format!("{}@mail.example.net", random_hex(8));
        self.message_id.clone().unwrap_or_else(own)
    }

    fn address(&self) -> &str {
        let bare = self.from.rsplit('<').next().unwrap_or_default();
        bare.trim_end_matches('>')
    }

    fn envelope(&self) -> &str {
        self.envelope_from.as_deref().unwrap_or_else(|| self.address())
    }

    fn verdict(&self, name: &str) -> String {
        let found = self.verdicts.get(name).map_or("pass", String::as_str);
        found.to_ascii_lowercase()
    }

    /// The lines that SES puts above a mail.
    fn own_lines(&self, id: &str, recipients: &[String]) -> String {
        let verdict = |name: &str| self.verdict(name);
        format!(
            "Return-Path: <{envelope}>\r\n\
             Received: from mx.example.net (mx.example.net [192.0.2.7])\r\n \
             by inbound-smtp.{REGION}.amazonaws.com with SMTP id {id}\r\n for {to};\r\n \
             Mon, 21 Sep 2026 14:15:00 +0000 (UTC)\r\n\
             X-SES-Spam-Verdict: {spam}\r\nX-SES-Virus-Verdict: {virus}\r\n\
             Authentication-Results: amazonses.com;\r\n spf={spf} client-ip=192.0.2.7;\r\n \
             dkim={dkim} header.i=@{domain};\r\n dmarc={dmarc} header.from={domain};\r\n",
            envelope = self.envelope(),
            to = recipients.first().map_or("", String::as_str),
            spam = verdict("spam").to_uppercase(),
            virus = verdict("virus").to_uppercase(),
            spf = verdict("spf"),
            dkim = verdict("dkim"),
            dmarc = verdict("dmarc"),
            domain = self.address().rsplit('@').next().unwrap_or_default(),
        )
    }

    /// The mail as its sender made it; `None` if it is given in base64 that is none.
    fn bytes(&self, recipients: &[String], message_id: &str, now_ms: i64) -> Option<Vec<u8>> {
        if let Some(encoded) = &self.raw_base64 {
            return STANDARD.decode(encoded).ok();
        }
        if let Some(raw) = &self.raw {
            return Some(raw.clone().into_bytes());
        }
        let mut mail = String::new();
        let mut header = |name: &str, value: &str| {
            let _infallible = write!(mail, "{name}: {value}\r\n");
        };
        header("From", &encoded(&self.from));
        header("To", &recipients.join(", "));
        header("Subject", &encoded(&self.subject));
        header("X-Sent-At", &rfc3339(now_ms));
        header("Message-ID", &format!("<{message_id}>"));
        let bracketed = |id: &String| format!("<{}>", id.trim_matches(['<', '>']));
        if let Some(parent) = &self.in_reply_to {
            header("In-Reply-To", &bracketed(parent));
        }
        if !self.references.is_empty() {
            let all: Vec<String> = self.references.iter().map(bracketed).collect();
            header("References", &all.join(" "));
        }
        for (name, value) in &self.headers {
            header(name, value);
        }
        header("MIME-Version", "1.0");
        let boundary = "guest-boundary";
        header(
            "Content-Type",
            &format!("multipart/mixed; boundary=\"{boundary}\""),
        );
        mail.push_str("\r\n");
        let mut part = |kind: &str, more: &str, base64: &str| {
            let _infallible = write!(
                mail,
                "--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n{more}\r\n{base64}\r\n"
            );
        };
        // A page stands for itself: a text beside it would be the same once more.
        match &self.html {
            Some(html) => part("text/html; charset=utf-8", "", &lines(&STANDARD.encode(html))),
            None => part(
                "text/plain; charset=utf-8",
                "",
                &lines(&STANDARD.encode(&self.text)),
            ),
        }
        for attachment in &self.attachments {
            let name = format!(
                "Content-Disposition: attachment; filename=\"{}\"\r\n",
                attachment.name
            );
            part(&attachment.media_type, &name, &lines(&attachment.base64));
        }
        let _infallible = write!(mail, "--{boundary}--\r\n");
        Some(mail.into_bytes())
    }

    /// What the rule tells the function.
    fn event(&self, id: &str, recipients: &[String], now_ms: i64) -> Value {
        let verdict = |name: &str| json!({"status": self.verdict(name).to_uppercase()});
        json!({"Records": [{
            "eventSource": "aws:ses",
            "eventVersion": "1.0",
            "ses": {
                "mail": {
                    "timestamp": rfc3339(now_ms),
                    "source": self.envelope(),
                    "messageId": id,
                    "destination": recipients,
                    "headersTruncated": false,
                    "headers": [],
                    "commonHeaders": {"from": [self.from], "to": recipients, "subject": self.subject},
                },
                "receipt": {
                    "timestamp": rfc3339(now_ms),
                    "processingTimeMillis": 400,
                    "recipients": recipients,
                    "spamVerdict": verdict("spam"),
                    "virusVerdict": verdict("virus"),
                    "spfVerdict": verdict("spf"),
                    "dkimVerdict": verdict("dkim"),
                    "dmarcVerdict": verdict("dmarc"),
                    "action": {"type": "Lambda", "invocationType": "Event"},
                },
            },
        }]})
    }
}

/// A header's value in ASCII.
fn encoded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let (name, rest) = text
        .split_once(" <")
        .map_or((text, ""), |(name, rest)| (name, rest));
    let word = format!("=?UTF-8?B?{}?=", STANDARD.encode(name));
    if rest.is_empty() {
        word
    } else {
        format!("{word} <{rest}")
    }
}

/// Base64 in lines of the length that mail has.
fn lines(base64: &str) -> String {
    let mut out = String::new();
    for (at, character) in base64.chars().filter(|c| !c.is_whitespace()).enumerate() {
        if at > 0 && at % 76 == 0 {
            out.push_str("\r\n");
        }
        out.push(character);
    }
    out
}
