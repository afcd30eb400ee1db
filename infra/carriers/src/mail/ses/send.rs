//! A mail as SES takes it, and what its answer says.

use std::time::Duration;

use serde_json::{Value, json};
use usher_shared::channel::{ChannelTrouble, Failure};

use super::super::compose::{self, Composed, TAG};
use crate::call::{Account, Answer, Call, Method, Outcome, Outgoing};

/// Name of the header of an answer that names its error.
pub const ERROR_HEADER: &str = "x-amzn-errortype";

/// The call that gives a mail to SES. It has to be signed.
///
/// # Errors
/// The refusal, if it cannot leave.
pub fn send(account: &Account<'_>, outgoing: &Outgoing<'_>) -> Result<Call, Outcome> {
    let mail = compose::compose(account.settings, outgoing).map_err(Outcome::refused)?;
    let set = account.platform.ses_set.as_deref();
    Ok(call(&account.platform.ses, &mail, set))
}

/// The call that gives a composed mail to SES at `base`, under the configuration set that has its events told, if one
/// shall. It has to be signed.
pub fn call(base: &str, mail: &Composed, set: Option<&str>) -> Call {
    let utf8 = |text: &str| json!({"Data": text, "Charset": "UTF-8"});
    let headers: Vec<Value> = mail
        .headers
        .iter()
        .map(|(name, value)| json!({"Name": name, "Value": value}))
        .collect();
    let mut body = json!({
        "FromEmailAddress": mail.sender_in_ascii(),
        "Destination": {"ToAddresses": [mail.to]},
        "ReplyToAddresses": [mail.reply_to],
        "Content": {"Simple": {
            "Subject": utf8(&mail.subject),
            "Body": {"Text": utf8(&mail.text), "Html": utf8(&mail.html)},
            "Headers": headers,
        }},
    });
    if let Some(fields) = body.as_object_mut() {
        if let Some(tag) = &mail.tag {
            fields.insert("EmailTags".to_owned(), json!([{"Name": TAG, "Value": tag}]));
        }
        if let Some(set) = set {
            fields.insert("ConfigurationSetName".to_owned(), json!(set));
        }
    }
    Call {
        method: Method::Post,
        url: format!("{base}/v2/email/outbound-emails"),
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    }
}

/// What an answer says. `error` is the value of [`ERROR_HEADER`], where there is one.
pub fn outcome(answer: &Answer, error: Option<&str>) -> Outcome {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    if (200..300).contains(&answer.status) {
        return match text("MessageId") {
            // It was taken, under an id that nobody told.
            "" => Outcome::Unknown,
            id => Outcome::Taken { id: id.to_owned() },
        };
    }
    // The name may have a name space before it, and an address behind it.
    let code = error.unwrap_or_else(|| text("__type"));
    let code = code.split(':').next().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default();
    match refusal(code, answer.status) {
        Outcome::NotNow { .. } => Outcome::NotNow {
            after: answer.retry_after.map(Duration::from_secs),
        },
        other => other,
    }
}

/// What an error of SES says about a mail. `code` is the error's name, `status` the answer's status.
pub(super) fn refusal(code: &str, status: u16) -> Outcome {
    let channel = |why, trouble| Outcome::Refused {
        why,
        trouble: Some(trouble),
    };
    match code {
        "TooManyRequestsException"
        | "LimitExceededException"
        | "ThrottlingException"
        | "Throttling"
        | "ConcurrentModificationException"
        // Of the function, not of the mail: its credentials are changed.
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "ExpiredTokenException"
        | "SignatureDoesNotMatch" => Outcome::NotNow { after: None },
        "MessageRejected" => Outcome::refused(Failure::Blocked),
        "AccountSuspendedException" | "SendingPausedException" => {
            channel(Failure::NotAllowed, ChannelTrouble::Restricted)
        }
        "MailFromDomainNotVerifiedException"
        | "NotFoundException"
        | "AccessDeniedException"
        | "AccessDenied" => {
            channel(Failure::NotAllowed, ChannelTrouble::PermissionMissing)
        }
        _ if status == 429 => Outcome::NotNow { after: None },
        _ if (400..500).contains(&status) => Outcome::refused(Failure::Refused),
        // It may have been taken before it went wrong.
        _ => Outcome::Unknown,
    }
}

#[cfg(test)]
mod tests;
