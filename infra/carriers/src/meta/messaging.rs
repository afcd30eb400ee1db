//! One item of `messaging[]` or `standby[]`: Messenger and Instagram. Which key is present tells what it is.

use serde_json::Value;
use usher_shared::channel::{AttachmentKind, ChannelTrouble, Delivery};

use super::{by_id, json, to};
use crate::event::{Attached, Event, Said, Source, Space, What};

/// Attachments of one message that are looked at. The apps let people send thirty at once.
const MOST_ATTACHMENTS: usize = 40;

/// Reads one. `standby`: another application has the thread.
pub(super) fn read(space: Space, entry: &Value, item: &Value, standby: bool) -> Event {
    let account = to(space, entry);
    let by_us = json::flag(item, "/message/is_echo")
        || json::id(item, "/sender/id").is_some_and(|sender| sender == account.address);
    let other = if by_us { "/recipient/id" } else { "/sender/id" };
    let (id, mut what) = understand(item, by_us);
    if let What::Message(said) = &mut what {
        said.unattended |= standby;
    }
    Event {
        to: account,
        person: json::id(item, other).map(by_id),
        id,
        at: json::time(item, "/timestamp"),
        what,
    }
}

fn understand(item: &Value, by_us: bool) -> (String, What) {
    let read = if item.get("message").is_some() {
        message(item, by_us)
    } else if item.get("postback").is_some() {
        postback(item)
    } else if item.get("reaction").is_some() {
        reaction(item)
    } else if item.get("message_edit").is_some() {
        edit(item)
    } else if item.get("delivery").is_some() {
        come_so_far(item, "delivery", Delivery::Delivered)
    } else if item.get("read").is_some() {
        come_so_far(item, "read", Delivery::Read)
    } else if item.get("referral").is_some() {
        referral(item)
    } else {
        return other(item);
    };
    read.unwrap_or_else(|| ignore("meta_malformed"))
}

fn message(item: &Value, by_us: bool) -> Option<(String, What)> {
    let mid = json::id(item, "/message/mid")?;
    if json::flag(item, "/message/is_deleted") {
        return Some((format!("unsent:{mid}"), What::Unsent { message: mid }));
    }
    // An account that writes to itself is a test of its owner's.
    if json::flag(item, "/message/is_self") {
        return Some(ignore("meta_self"));
    }
    let said = said(item.get("message")?);
    let what = if by_us {
        let reference = json::text(item, "/message/metadata").map(str::to_owned);
        What::Echo { reference, said }
    } else {
        What::Message(said)
    };
    Some((mid, what))
}

fn postback(item: &Value) -> Option<(String, What)> {
    let sender = json::id(item, "/sender/id")?;
    // In standby there is no payload, and old ones have no id: then sender and time tell them apart.
    let id = json::id(item, "/postback/mid").or_else(|| {
        let at = json::number(item, "/timestamp")?;
        Some(format!("postback:{sender}:{at}"))
    })?;
    let title = json::text(item, "/postback/title").or_else(|| json::text(item, "/postback/payload"));
    let text = title.unwrap_or("[button]").to_owned();
    let said = Said {
        text,
        ..Said::default()
    };
    Some((id, What::Message(said)))
}

fn reaction(item: &Value) -> Option<(String, What)> {
    let message = json::id(item, "/reaction/mid")?;
    let action = json::text(item, "/reaction/action")?;
    let emoji = match action {
        "react" => {
            let shown =
                json::text(item, "/reaction/emoji").or_else(|| json::text(item, "/reaction/reaction"));
            Some(shown.unwrap_or("?").to_owned())
        }
        "unreact" => None,
        _ => return Some(ignore("meta_reaction")),
    };
    let at = json::number(item, "/timestamp").unwrap_or_default();
    let id = format!("reaction:{message}:{action}:{at}");
    Some((id, What::Reaction { message, emoji }))
}

fn edit(item: &Value) -> Option<(String, What)> {
    let message = json::id(item, "/message_edit/mid")?;
    let text = json::text(item, "/message_edit/text")
        .unwrap_or_default()
        .to_owned();
    let number = json::number(item, "/message_edit/num_edit").or_else(|| json::number(item, "/timestamp"))?;
    let id = format!("edited:{message}:{number}");
    Some((id, What::Edited { message, text }))
}

/// Messenger tells a time up to which all has come so far; Instagram names one message.
fn come_so_far(item: &Value, kind: &str, delivery: Delivery) -> Option<(String, What)> {
    if let Some(until) = json::time(item, &format!("/{kind}/watermark")) {
        let id = format!("{kind}:{}", until.millis());
        return Some((id, What::Watermark { until, delivery }));
    }
    let message = json::id(item, &format!("/{kind}/mid")).or_else(|| {
        let mids = json::list(item, &format!("/{kind}/mids"));
        mids.last().and_then(Value::as_str).map(str::to_owned)
    })?;
    let id = format!("{kind}:{message}");
    let what = What::Status {
        message,
        reference: None,
        delivery,
        failure: None,
    };
    Some((id, what))
}

/// Somebody opened the thread by a link or an advertisement. No words, but from now on they may be answered.
fn referral(item: &Value) -> Option<(String, What)> {
    let sender = json::id(item, "/sender/id")?;
    let at = json::number(item, "/timestamp")?;
    let advertisement = json::text(item, "/referral/ads_context_data/ad_title");
    let text = match advertisement.or_else(|| json::text(item, "/referral/ref")) {
        Some(origin) => format!("[came by: {origin}]"),
        None => "[came by a link]".to_owned(),
    };
    let said = Said {
        text,
        unattended: true,
        ..Said::default()
    };
    Some((format!("referral:{sender}:{at}"), What::Message(said)))
}

fn other(item: &Value) -> (String, What) {
    if json::text(item, "/policy_enforcement/action") == Some("block") {
        let at = json::number(item, "/timestamp").unwrap_or_default();
        return (format!("policy:{at}"), What::Trouble(ChannelTrouble::Restricted));
    }
    let known = [
        ("policy_enforcement", "meta_policy"),
        ("optin", "meta_optin"),
        ("pass_thread_control", "meta_thread_control"),
        ("take_thread_control", "meta_thread_control"),
        ("request_thread_control", "meta_thread_control"),
        ("app_roles", "meta_thread_control"),
        ("account_linking", "meta_account_linking"),
    ];
    let name = known.into_iter().find(|(key, _)| item.get(key).is_some());
    ignore(name.map_or("meta_messaging", |(_, name)| name))
}

fn ignore(name: &'static str) -> (String, What) {
    (name.to_owned(), What::Ignored(name))
}

/// What a message says.
fn said(message: &Value) -> Said {
    let mut said = Said {
        text: json::text(message, "/text").unwrap_or_default().to_owned(),
        context: json::id(message, "/reply_to/mid"),
        ..Said::default()
    };
    let mut lines = Vec::new();
    for attachment in json::list(message, "/attachments").iter().take(MOST_ATTACHMENTS) {
        let (attached, line) = attachment_of(attachment);
        said.attachments.extend(attached);
        lines.extend(line);
    }
    // The story is its author's, and the platform's policy forbids keeping it longer than they show it.
    if message.pointer("/reply_to/story").is_some() {
        said.attachments.push(not_offered(Some("story")));
        lines.push("[reply to a story]".to_owned());
    }
    if json::flag(message, "/is_unsupported") {
        lines.push("[unsupported message]".to_owned());
    }
    if said.text.is_empty() {
        let payload =
            json::text(message, "/quick_reply/payload").map(|payload| format!("[button: {payload}]"));
        lines.extend(payload);
        said.text = lines.join("\n");
    }
    if said.text.is_empty() && said.attachments.is_empty() {
        "[empty message]".clone_into(&mut said.text);
    }
    said
}

/// An attachment: what can be kept of it, and the line that stands for what cannot.
fn attachment_of(attachment: &Value) -> (Option<Attached>, Option<String>) {
    let kind = json::text(attachment, "/type").unwrap_or_default();
    let url = json::text(attachment, "/payload/url");
    let media = |kind| {
        let source = url.map_or(Source::NotOffered, |url| Source::Url(url.to_owned()));
        Some(Attached {
            kind,
            source,
            name: None,
            media_type: None,
            size: None,
            sha256: None,
        })
    };
    let titled = |what: &str| {
        let title = json::text(attachment, "/payload/title").or_else(|| json::text(attachment, "/title"));
        let parts: Vec<_> = title.into_iter().chain(url).collect();
        if parts.is_empty() {
            Some(format!("[{what}]"))
        } else {
            Some(format!("[{what}: {}]", parts.join(", ")))
        }
    };
    match kind {
        "image" | "sticker" => (media(AttachmentKind::Image), None),
        "audio" => (media(AttachmentKind::Audio), None),
        "video" => (media(AttachmentKind::Video), None),
        "file" => (media(AttachmentKind::Document), None),
        // What somebody published and passes on: shown by a short-lived address of the platform's own.
        "share" | "ig_reel" | "ig_post" => (media(AttachmentKind::Other), Some("[shared post]".to_owned())),
        // The same on Facebook, but the address is a page for people.
        "reel" | "post" => (None, titled("shared post")),
        "story_mention" => (
            Some(not_offered(Some("story"))),
            Some("[mentioned you in a story]".to_owned()),
        ),
        "fallback" => (None, titled("link")),
        "template" => (None, titled("template")),
        "appointment_booking" => (None, titled("appointment")),
        "location" => (None, Some(place(attachment))),
        _ => (media(AttachmentKind::Other), Some("[attachment]".to_owned())),
    }
}

fn place(attachment: &Value) -> String {
    let part = |name| json::decimal(attachment, &format!("/payload/coordinates/{name}"));
    match (part("lat"), part("long")) {
        (Some(lat), Some(long)) => format!("[location: {lat}, {long}]"),
        _ => "[location]".to_owned(),
    }
}

/// Something that is not kept.
fn not_offered(name: Option<&str>) -> Attached {
    Attached {
        kind: AttachmentKind::Other,
        source: Source::NotOffered,
        name: name.map(str::to_owned),
        media_type: None,
        size: None,
        sha256: None,
    }
}
