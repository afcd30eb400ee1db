//! How people write on channels that are not the web chat: the carriers' webhooks, made here from their
//! documentation, and not by what the product or the local stack knows of them.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use usher_shared::channel::ChannelKind;

use crate::harness::CLIENT;

/// Signs what Meta posts on the local stack.
const APP_SECRET: &[u8] = b"local-app-secret";

/// A channel that somebody connected.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) kind: ChannelKind,
    /// Where people write to: a page, a number, a mailbox, the key of a form.
    pub(super) address: String,
    /// What the carrier signs with.
    pub(super) secret: String,
    /// The account at the carrier.
    pub(super) account: String,
    /// The channel's public key.
    pub(super) key: String,
}

/// Something that a person wrote.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    /// The person's address on the channel.
    pub(super) from: String,
    /// What it says.
    pub(super) text: String,
    /// The carrier's id of it.
    pub(super) id: String,
    /// The carrier's time, in milliseconds.
    pub(super) at: i64,
}

/// Whether the carrier says when something was written.
pub(super) fn tells_the_time(kind: ChannelKind) -> bool {
    matches!(
        kind,
        ChannelKind::Messenger | ChannelKind::Instagram | ChannelKind::Whatsapp
    )
}

/// What one request may bring several letters of, for several businesses: the object of the carrier's batch.
pub(super) fn batch(kind: ChannelKind) -> Option<&'static str> {
    match kind {
        ChannelKind::Messenger => Some("page"),
        ChannelKind::Instagram => Some("instagram"),
        ChannelKind::Whatsapp => Some("whatsapp_business_account"),
        _ => None,
    }
}

/// The request that brings letters: one, except where there is a [`batch`] of them. Pages are visited by `browser`.
pub(super) fn request(base: &str, browser: &Client, letters: &[(&Line, &Letter)]) -> RequestBuilder {
    let (line, letter) = letters[0];
    if let Some(object) = batch(line.kind) {
        let entry = if line.kind == ChannelKind::Whatsapp {
            change
        } else {
            messaging
        };
        let entries: Vec<Value> = letters.iter().map(|(line, letter)| entry(line, letter)).collect();
        return meta(base, object, &entries);
    }
    match line.kind {
        ChannelKind::Sms => sms(base, line, letter),
        ChannelKind::Voice => voice(base, line, letter),
        ChannelKind::Email => mail(base, line, letter),
        _ => form(base, browser, line, letter),
    }
}

fn meta(base: &str, object: &str, entries: &[Value]) -> RequestBuilder {
    let body = json!({"object": object, "entry": entries}).to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, APP_SECRET);
    let signature = hex::encode(hmac::sign(&key, body.as_bytes()));
    CLIENT
        .post(format!("{base}/hooks/meta"))
        .header("content-type", "application/json")
        .header("x-hub-signature-256", format!("sha256={signature}"))
        .body(body)
}

fn messaging(line: &Line, letter: &Letter) -> Value {
    json!({"id": line.address, "time": letter.at, "messaging": [{
        "sender": {"id": letter.from}, "recipient": {"id": line.address}, "timestamp": letter.at,
        "message": {"mid": letter.id, "text": letter.text}}]})
}

fn change(line: &Line, letter: &Letter) -> Value {
    json!({"id": line.account, "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": line.address},
        "contacts": [{"profile": {"name": "Guest"}, "wa_id": letter.from}],
        "messages": [{"from": letter.from, "id": letter.id, "timestamp": (letter.at / 1000).to_string(),
            "type": "text", "text": {"body": letter.text}}],
    }}]})
}

fn sms(base: &str, line: &Line, letter: &Letter) -> RequestBuilder {
    twilio(
        &format!("{base}/hooks/twilio/{}", line.key),
        line,
        &[
            ("AccountSid", &line.account),
            ("Body", &letter.text),
            ("From", &letter.from),
            ("MessageSid", &letter.id),
            ("NumMedia", "0"),
            ("NumSegments", "1"),
            ("SmsStatus", "received"),
            ("To", &line.address),
        ],
    )
}

fn voice(base: &str, line: &Line, letter: &Letter) -> RequestBuilder {
    let recording = letter.id.replacen("CA", "RE", 1);
    twilio(
        &format!("{base}/hooks/twilio/{}/transcription", line.key),
        line,
        &[
            ("AccountSid", &line.account),
            ("CallSid", &letter.id),
            ("CallStatus", "completed"),
            ("Direction", "inbound"),
            ("From", &letter.from),
            ("RecordingSid", &recording),
            ("To", &line.address),
            ("TranscriptionSid", &letter.id.replacen("CA", "TR", 1)),
            ("TranscriptionStatus", "completed"),
            ("TranscriptionText", &letter.text),
        ],
    )
}

/// `fields` in the order of their names.
fn twilio(url: &str, line: &Line, fields: &[(&str, &str)]) -> RequestBuilder {
    let mut signed = url.to_owned();
    for (name, value) in fields {
        signed.push_str(name);
        signed.push_str(value);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, line.secret.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    CLIENT
        .post(url)
        .header("x-twilio-signature", signature)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
}

fn form(base: &str, browser: &Client, line: &Line, letter: &Letter) -> RequestBuilder {
    browser
        .post(format!("{base}/forms/{}", line.key))
        .json(&json!({"email": letter.from, "message": letter.text, "_id": letter.id}))
}

/// By the local stack, which puts the mail where SES would and tells the function.
fn mail(base: &str, line: &Line, letter: &Letter) -> RequestBuilder {
    CLIENT.post(format!("{base}/_local/guest")).json(&json!({
        "kind": "email", "from": letter.from, "to": line.address, "subject": "Your garden room",
        "text": letter.text, "message_id": letter.id,
    }))
}

/// Whether an answer says that what was brought is stored; `Err` if it says that it never will be.
pub(super) fn is_taken(status: StatusCode, body: &str) -> Result<bool, String> {
    // Mail is told by an event, whose fate the local stack tells.
    if status.is_success() {
        return Ok(!body.contains("given_up"));
    }
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Ok(false);
    }
    Err(format!("{status}: {body}"))
}
