//! Sending by WhatsApp.

use serde_json::{Value, json};
use usher_shared::channel::{Failure, MessageTemplate};

use super::send::{self, Window};
use crate::call::{Account, Answer, Call, Carrier, Method, Outcome, Outgoing};

/// Characters of one message.
const LONGEST: usize = 4096;
/// Characters of a template's whole body, of which the variable is a part.
const LONGEST_VARIABLE: usize = 1024;
/// Characters of what comes back with statuses.
const LONGEST_REFERENCE: usize = 512;

/// A WhatsApp number.
#[derive(Clone, Copy, Debug)]
pub struct Whatsapp;

impl Carrier for Whatsapp {
    fn send(&self, account: &Account<'_>, outgoing: &Outgoing<'_>) -> Result<Call, Outcome> {
        let connection = send::connection(account)?;
        send::at_most(LONGEST, outgoing.text.chars().count())?;
        send::at_most(LONGEST_REFERENCE, outgoing.reference.chars().count())?;
        let mut body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "biz_opaque_callback_data": outgoing.reference,
        });
        let (name, recipient) = recipient(outgoing.to)?;
        let (kind, content) = content(account.settings.reopening_template.as_ref(), outgoing)?;
        if let Some(body) = body.as_object_mut() {
            body.insert(name.to_owned(), recipient.into());
            body.insert("type".to_owned(), kind.into());
            body.insert(kind.to_owned(), content);
        }
        let path = format!("{}/messages", send::segment(&connection.account));
        Ok(send::call(
            account.platform,
            connection,
            Method::Post,
            &path,
            &[],
            Some(&body),
        ))
    }

    fn outcome(&self, answer: &Answer) -> Outcome {
        send::outcome(answer)
    }

    fn longest(&self) -> usize {
        LONGEST
    }
}

/// Under which name the address goes: numbers and business-scoped ids have one each.
fn recipient(to: &str) -> Result<(&'static str, &str), Outcome> {
    if let Some(digits) = to.strip_prefix('+')
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Ok(("to", digits));
    }
    match to.split_once('.') {
        Some((country, id)) if country.len() == 2 && !id.is_empty() => Ok(("recipient", to)),
        _ => Err(Outcome::refused(Failure::NoAddress)),
    }
}

/// Free text within the window; after it what a person typed, as the one variable of the template that reopens.
fn content(
    template: Option<&MessageTemplate>,
    outgoing: &Outgoing<'_>,
) -> Result<(&'static str, Value), Outcome> {
    if send::window(outgoing.last_inbound, outgoing.now) == Window::Open {
        return Ok(("text", json!({"body": outgoing.text, "preview_url": false})));
    }
    let Some(template) = template.filter(|_| outgoing.by_human && outgoing.last_inbound.is_some()) else {
        return Err(Outcome::refused(Failure::WindowClosed));
    };
    // A variable may hold no line breaks, tabs or runs of spaces.
    let text = outgoing.text.split_whitespace().collect::<Vec<_>>().join(" ");
    send::at_most(LONGEST_VARIABLE, text.chars().count())?;
    let components = json!([{"type": "body", "parameters": [{"type": "text", "text": text}]}]);
    let content = json!({
        "name": template.name,
        "language": {"code": template.language},
        "components": components,
    });
    Ok(("template", content))
}
