//! A guest who fills in a form on a page.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Message;
use crate::stack::Shared;

/// Posts the form as a page's script does. `from` is a mail address, or a number in international form.
pub(super) async fn send(shared: &Arc<Shared>, message: &Message) -> Result<Value, String> {
    let field = if message.from.starts_with('+') {
        "phone"
    } else {
        "email"
    };
    let mut body = json!({"message": message.text});
    if let Some(fields) = body.as_object_mut() {
        fields.insert(field.to_owned(), json!(message.from));
        if let Some(id) = &message.client_message_id {
            fields.insert("_id".to_owned(), json!(id));
        }
    }
    let url = format!("{}/forms/{}", shared.base_url, message.channel);
    let (status, answer) = super::call(crate::client::loopback().post(url), &body).await?;
    Ok(json!({"status": status, "response": answer}))
}
