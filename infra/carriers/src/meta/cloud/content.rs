//! What a WhatsApp message says, by its type.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use usher_shared::channel::AttachmentKind;

use crate::event::{Attached, Said, Source};
use crate::meta::json;

/// Parts of a list (contacts, products, fields of a form) that are named.
const MOST_PARTS: usize = 20;

/// Reads the content of a message, of an echo, or of an edit.
pub(super) fn said(message: &Value) -> Said {
    let kind = json::text(message, "/type").unwrap_or_default();
    let text = |pointer: &str| json::text(message, pointer).map(str::to_owned);
    let mut said = Said {
        context: json::id(message, "/context/id"),
        // What is said in a group is said to all in it, and an answer would go to one.
        unattended: message.get("group_id").is_some(),
        ..Said::default()
    };
    let words = match kind {
        "text" => text("/text/body"),
        "image" | "sticker" => media(message, kind, AttachmentKind::Image, &mut said),
        "video" => media(message, kind, AttachmentKind::Video, &mut said),
        "audio" => media(message, kind, AttachmentKind::Audio, &mut said),
        "document" => media(message, kind, AttachmentKind::Document, &mut said),
        "location" => Some(location(message)),
        "contacts" => Some(contacts(message)),
        "interactive" => interactive(message),
        "button" => text("/button/text").or_else(|| text("/button/payload")),
        "order" => Some(order(message)),
        _ => Some("[unsupported message]".to_owned()),
    };
    said.text = words.unwrap_or_default();
    if said.text.is_empty() && said.attachments.is_empty() {
        "[empty message]".clone_into(&mut said.text);
    }
    said
}

/// The attachment goes to `said`; what is written beside it is the answer.
fn media(message: &Value, name: &str, kind: AttachmentKind, said: &mut Said) -> Option<String> {
    let part = |field: &str| format!("/{name}/{field}");
    let text = |field: &str| json::text(message, &part(field)).map(str::to_owned);
    // The address beside the id lives for minutes; the id, for days.
    let source = json::id(message, &part("id")).map_or(Source::NotOffered, Source::Media);
    let sha256 = text("sha256").and_then(|sha256| STANDARD.decode(sha256).ok()?.try_into().ok());
    said.attachments.push(Attached {
        kind,
        source,
        name: text("filename"),
        media_type: text("mime_type"),
        size: json::number(message, &part("file_size")).and_then(|size| u64::try_from(size).ok()),
        sha256,
    });
    text("caption")
}

fn location(message: &Value) -> String {
    let part = |name: &str| json::decimal(message, &format!("/location/{name}"));
    let text = |name: &str| json::text(message, &format!("/location/{name}")).map(str::to_owned);
    let parts = [part("latitude"), part("longitude"), text("name"), text("address")];
    named("location", parts.into_iter().flatten())
}

fn contacts(message: &Value) -> String {
    let lines = json::list(message, "/contacts")
        .iter()
        .take(MOST_PARTS)
        .map(|contact| {
            let name = json::text(contact, "/name/formatted_name").map(str::to_owned);
            let phones = json::list(contact, "/phones").iter().take(MOST_PARTS);
            let phones = phones.filter_map(|phone| json::text(phone, "/phone").map(str::to_owned));
            let emails = json::list(contact, "/emails").iter().take(MOST_PARTS);
            let emails = emails.filter_map(|email| json::text(email, "/email").map(str::to_owned));
            named("contact", name.into_iter().chain(phones).chain(emails))
        });
    lines.collect::<Vec<_>>().join("\n")
}

fn interactive(message: &Value) -> Option<String> {
    let text = |pointer: &str| json::text(message, pointer).map(str::to_owned);
    match json::text(message, "/interactive/type").unwrap_or_default() {
        "button_reply" => {
            text("/interactive/button_reply/title").or_else(|| text("/interactive/button_reply/id"))
        }
        "list_reply" => text("/interactive/list_reply/title").or_else(|| text("/interactive/list_reply/id")),
        "nfm_reply" => Some(form(message)),
        "call_permission_reply" => {
            let answer = text("/interactive/call_permission_reply/response");
            Some(named("call permission", answer.into_iter()))
        }
        _ => Some("[unsupported message]".to_owned()),
    }
}

/// A form that was filled in: its fields are JSON within a text.
fn form(message: &Value) -> String {
    let fields = json::text(message, "/interactive/nfm_reply/response_json").unwrap_or_default();
    // Within a text, brackets were not counted yet.
    let fields = (json::depth(fields.as_bytes()) <= 8).then(|| serde_json::from_str(fields).ok());
    let Some(Some(Value::Object(fields))) = fields else {
        return "[form]".to_owned();
    };
    // The token is ours, given along with the form.
    let fields = fields.iter().filter(|(name, _)| *name != "flow_token");
    let fields = fields.take(MOST_PARTS).filter_map(|(name, value)| match value {
        Value::String(value) => Some(format!("{name}: {value}")),
        Value::Number(_) | Value::Bool(_) => Some(format!("{name}: {value}")),
        _ => None,
    });
    named("form", fields)
}

fn order(message: &Value) -> String {
    let items = json::list(message, "/order/product_items")
        .iter()
        .take(MOST_PARTS);
    let items = items.filter_map(|item| {
        let product = json::id(item, "/product_retailer_id")?;
        let quantity = json::number(item, "/quantity").unwrap_or(1);
        Some(format!("{quantity} x {product}"))
    });
    let note = json::text(message, "/order/text").map(str::to_owned);
    let order = named("order", items);
    note.map_or(order.clone(), |note| format!("{note}\n{order}"))
}

/// `[what: part, part]`, or `[what]` where nothing more is known.
fn named(what: &str, parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() {
        format!("[{what}]")
    } else {
        format!("[{what}: {}]", parts.join(", "))
    }
}
