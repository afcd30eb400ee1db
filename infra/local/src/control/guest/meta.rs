//! A guest on Messenger, Instagram or WhatsApp. `channel` is the page's, the account's or the number's id.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Media, Message};
use crate::stack::Shared;
use crate::world::PATH;
use crate::world::meta::{File, app_scoped, post_request, post_signed, seeded};

/// Does what the guest does: writes, comments, or takes back or changes what was written under the same
/// `client_message_id`.
pub(super) async fn send(shared: &Arc<Shared>, kind: &str, message: &Message) -> Result<Value, String> {
    let seed = message.client_message_id.as_deref().unwrap_or_default();
    let id = seeded(seed);
    let act = message.act.as_deref().unwrap_or("message");
    let files = keep(shared, &id, &message.media)?;
    let guest = Guest {
        base_url: &shared.base_url,
        message,
        id: &id,
        files: &files,
    };
    if let ("messenger" | "instagram", "remove_app" | "delete_data") = (kind, act) {
        return leave(shared, act, message).await;
    }
    if kind == "messenger" {
        shared.world.meta.wrote(&message.channel, &message.from);
    }
    let update = match (kind, act) {
        ("whatsapp", act) => guest.on_whatsapp(act),
        ("messenger", "comment") => Some(guest.comments_on_page()),
        ("instagram", "comment") => Some(guest.comments_on_instagram()),
        ("messenger", act) => guest.on("page", act),
        (_, act) => guest.on("instagram", act),
    };
    let update = update.ok_or("this kind of channel knows no such act")?;
    let said = post_signed(&shared.base_url, &update).await?;
    Ok(json!({"status": said.status, "response": said.body, "message_id": guest.name(kind, act)}))
}

/// Takes the app off, or asks at the platform for everything to be deleted: the platform tells of it.
async fn leave(shared: &Arc<Shared>, act: &str, message: &Message) -> Result<Value, String> {
    let path = match act {
        "remove_app" => "/hooks/meta/deauthorize",
        _ => "/hooks/meta/data-deletion",
    };
    let payload = json!({
        "user_id": app_scoped(&message.from),
        "algorithm": "HMAC-SHA256",
        "issued_at": message.at_ms / 1000,
    });
    let said = post_request(&shared.base_url, path, &payload).await?;
    Ok(json!({"status": said.status, "response": said.body}))
}

/// Keeps what comes with a message. Gives ids, types and digests.
fn keep(shared: &Shared, id: &str, media: &[Media]) -> Result<Vec<(String, String, Vec<u8>)>, String> {
    let mut kept = Vec::new();
    for (number, given) in media.iter().enumerate() {
        let bytes = STANDARD
            .decode(&given.base64)
            .map_err(|error| error.to_string())?;
        let media_type = given.media_type.clone();
        let file = File {
            media_type: media_type.clone(),
            bytes,
        };
        // Ids of media are numbers.
        let digits: String = seeded(&format!("{id}{number}"))
            .bytes()
            .map(|byte| char::from(b'0' + byte % 10))
            .collect();
        kept.push((digits.clone(), media_type, file.sha256()));
        shared.world.meta.keep(digits, file);
    }
    Ok(kept)
}

struct Guest<'a> {
    base_url: &'a str,
    message: &'a Message,
    id: &'a str,
    files: &'a [(String, String, Vec<u8>)],
}

impl Guest<'_> {
    /// What the platform calls what was said.
    fn name(&self, kind: &str, act: &str) -> String {
        match (kind, act) {
            ("whatsapp", _) => format!("wamid.{}", self.id),
            ("messenger", "comment") => format!("122_{}", self.id),
            (_, "comment") => format!("179{}", self.id),
            _ => format!("m_{}", self.id),
        }
    }

    fn entry(&self, object: &str, name: &str, item: &Value) -> Value {
        let entry = json!({"id": self.message.channel, "time": self.message.at_ms, name: [item]});
        json!({"object": object, "entry": [entry]})
    }

    /// Messenger's and Instagram's messages have one shape.
    fn on(&self, object: &str, act: &str) -> Option<Value> {
        let mid = self.name("messenger", act);
        let text = &self.message.text;
        let (key, what) = match act {
            "message" => ("message", self.said(&mid)),
            "unsend" => ("message", json!({"mid": mid, "is_deleted": true})),
            "edit" => ("message_edit", json!({"mid": mid, "text": text, "num_edit": 1})),
            "reaction" => (
                "reaction",
                json!({"mid": mid, "action": "react", "reaction": "love", "emoji": text}),
            ),
            _ => return None,
        };
        let item = json!({
            "sender": {"id": self.message.from},
            "recipient": {"id": self.message.channel},
            "timestamp": self.message.at_ms,
            key: what,
        });
        Some(self.entry(object, "messaging", &item))
    }

    fn said(&self, mid: &str) -> Value {
        let mut said = Map::from_iter([("mid".to_owned(), mid.into())]);
        if !self.message.text.is_empty() {
            said.insert("text".to_owned(), self.message.text.as_str().into());
        }
        let attachments: Vec<Value> = self.files.iter().map(|file| self.attachment(file)).collect();
        if !attachments.is_empty() {
            said.insert("attachments".to_owned(), attachments.into());
        }
        said.into()
    }

    fn attachment(&self, (id, media_type, _): &(String, String, Vec<u8>)) -> Value {
        let kind = match kind_of(media_type) {
            "document" => "file",
            kind => kind,
        };
        let url = format!("{}{PATH}/meta/cdn/{id}", self.base_url);
        json!({"type": kind, "payload": {"url": url}})
    }

    fn comments_on_page(&self) -> Value {
        let value = json!({
            "item": "comment", "verb": "add", "comment_id": self.name("messenger", "comment"),
            "post_id": format!("{}_122", self.message.channel), "parent_id": format!("{}_122", self.message.channel),
            "from": {"id": self.message.from, "name": "A guest"},
            "message": self.message.text, "created_time": self.message.at_ms / 1000,
        });
        let change = json!({"field": "feed", "value": value});
        self.entry("page", "changes", &change)
    }

    fn comments_on_instagram(&self) -> Value {
        let value = json!({
            "id": self.name("instagram", "comment"), "from": {"id": self.message.from, "username": "a_guest"},
            "text": self.message.text, "media": {"id": "1791", "media_product_type": "FEED"},
        });
        let change = json!({"field": "comments", "value": value});
        self.entry("instagram", "changes", &change)
    }

    fn on_whatsapp(&self, act: &str) -> Option<Value> {
        let digits = self.message.from.trim_start_matches('+');
        let name = self.name("whatsapp", act);
        let text = &self.message.text;
        let (id, kind, what) = match (act, self.files.first()) {
            ("message", Some((id, media_type, sha256))) => {
                let kind = kind_of(media_type);
                let sha256 = STANDARD.encode(sha256);
                let media = json!({"id": id, "mime_type": media_type, "sha256": sha256, "caption": text});
                (name, kind, media)
            }
            ("message", None) => (name, "text", json!({"body": text})),
            ("unsend", _) => (
                format!("{name}.1"),
                "revoke",
                json!({"original_message_id": name}),
            ),
            ("edit", _) => {
                let message = json!({"type": "text", "text": {"body": text}});
                let edit = json!({"original_message_id": name, "message": message});
                (format!("{name}.2"), "edit", edit)
            }
            ("reaction", _) => (
                format!("{name}.3"),
                "reaction",
                json!({"message_id": name, "emoji": text}),
            ),
            _ => return None,
        };
        let message = json!({
            "from": digits, "id": id, "timestamp": (self.message.at_ms / 1000).to_string(), "type": kind, kind: what,
        });
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15105550123", "phone_number_id": self.message.channel},
            "contacts": [{"profile": {"name": "A guest"}, "wa_id": digits}],
            "messages": [message],
        });
        let entry = json!({"id": "102290129340398", "changes": [{"field": "messages", "value": value}]});
        Some(json!({"object": "whatsapp_business_account", "entry": [entry]}))
    }
}

fn kind_of(media_type: &str) -> &'static str {
    match media_type.split('/').next() {
        Some("image") => "image",
        Some("audio") => "audio",
        Some("video") => "video",
        _ => "document",
    }
}
