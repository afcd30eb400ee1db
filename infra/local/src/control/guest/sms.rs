//! A guest who writes a text message.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Message;
use crate::stack::Shared;
use crate::world::twilio::{ACCOUNT, File, post_signed, sid};

/// Sends a text message through the channel's signed webhook.
pub(super) async fn send(shared: &Arc<Shared>, message: &Message) -> Result<Value, String> {
    let account = message.account.as_deref().unwrap_or(ACCOUNT);
    let token = shared.world.twilio.token(account);
    let id = sid("SM", message.client_message_id.as_deref());
    let twilio = &shared.world.twilio;
    twilio.hear(&message.from, &message.text);
    let mut media = Vec::new();
    for (number, given) in message.media.iter().enumerate() {
        let bytes = STANDARD
            .decode(&given.base64)
            .map_err(|error| error.to_string())?;
        let name = sid("ME", Some(&format!("{id}{number}")));
        let url = format!(
            "{}{}/twilio/2010-04-01/Accounts/{account}/Messages/{id}/Media/{name}",
            shared.base_url,
            crate::world::PATH
        );
        let media_type = given.media_type.clone();
        twilio.keep(name, File { media_type, bytes });
        media.push((format!("MediaUrl{number}"), url));
        media.push((format!("MediaContentType{number}"), given.media_type.clone()));
    }
    let count = message.media.len().to_string();
    let mut fields = vec![
        ("ToCountry", "US"),
        ("SmsMessageSid", id.as_str()),
        ("NumMedia", &count),
        ("SmsSid", &id),
        ("SmsStatus", "received"),
        ("Body", &message.text),
        ("FromCountry", "US"),
        ("To", super::NUMBER),
        ("NumSegments", "1"),
        ("MessageSid", &id),
        ("AccountSid", account),
        ("From", &message.from),
        ("ApiVersion", "2010-04-01"),
    ];
    fields.extend(media.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let url = format!("{}/hooks/twilio/{}", shared.base_url, message.channel);
    let (status, answer) = post_signed(&token, &url, &fields).await?;
    Ok(json!({"status": status, "response": answer, "message_sid": id}))
}
