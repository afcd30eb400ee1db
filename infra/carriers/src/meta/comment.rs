//! Comments under a page's posts and under an Instagram account's media.
//!
//! The platform may leave out who commented. The comment itself is then the address: it can be answered, publicly and
//! privately, and its removal finds it again.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;
use usher_shared::channel::AttachmentKind;
use usher_shared::model::Profile;

use super::{ignored, json, to};
use crate::event::{Attached, Comment, Event, Person, Said, Source, Space, What};

/// A change of a page's feed: `field` is `feed`.
pub(super) fn on_page(entry: &Value, value: &Value) -> Event {
    let ignore = |name| ignored(Space::Page, entry, name);
    if json::text(value, "/item") != Some("comment") {
        return ignore("meta_feed");
    }
    let Some(id) = json::id(value, "/comment_id") else {
        return ignore("meta_malformed");
    };
    let account = to(Space::Page, entry);
    let author = json::id(value, "/from/id");
    if author.as_ref() == Some(&account.address) {
        return ignore("meta_own_comment");
    }
    let name = json::text(value, "/from/name").map(str::to_owned);
    let profile = Profile {
        name,
        ..Profile::default()
    };
    let person = commenter(author, &id, profile);
    let event = |event_id, at, what| Event {
        to: account,
        person: Some(person),
        id: event_id,
        at,
        what,
    };
    match json::text(value, "/verb") {
        Some("add") => {
            let at = json::time(value, "/created_time");
            event(id.clone(), at, What::Message(page_comment(id, value)))
        }
        Some("edited") => {
            let text = json::text(value, "/message").unwrap_or_default().to_owned();
            // No number tells one edit from the next: what it says and when it was told does.
            let told = json::number(entry, "/time").unwrap_or_default();
            let event_id = format!(
                "edited:{id}:{told}:{}",
                hex::encode(digest(&SHA256, text.as_bytes()))
            );
            event(event_id, None, What::Edited { message: id, text })
        }
        Some("remove") => event(format!("unsent:{id}"), None, What::Unsent { message: id }),
        // The page's own people put it out of sight: its author took nothing back.
        Some("hide" | "unhide") => ignore("meta_comment_hidden"),
        _ => ignore("meta_feed"),
    }
}

fn page_comment(id: String, value: &Value) -> Said {
    let post = json::id(value, "/post_id");
    let parent = json::id(value, "/parent_id").filter(|parent| Some(parent) != post.as_ref());
    let attachments = [("photo", AttachmentKind::Image), ("video", AttachmentKind::Video)]
        .into_iter()
        .filter_map(|(name, kind)| {
            let url = json::text(value, &format!("/{name}"))?;
            Some(Attached {
                kind,
                source: Source::Url(url.to_owned()),
                name: None,
                media_type: None,
                size: None,
                sha256: None,
            })
        })
        .collect();
    Said {
        text: json::text(value, "/message").unwrap_or_default().to_owned(),
        attachments,
        comment: Some(Comment { id, parent, post }),
        ..Said::default()
    }
}

/// A comment under an Instagram account's media: `field` is `comments` or `live_comments`.
pub(super) fn on_instagram(entry: &Value, value: &Value) -> Event {
    let ignore = |name| ignored(Space::Instagram, entry, name);
    let Some(id) = json::id(value, "/id").or_else(|| json::id(value, "/comment_id")) else {
        return ignore("meta_malformed");
    };
    let account = to(Space::Instagram, entry);
    let author = json::id(value, "/from/id");
    // The account is known by two ids, and only the account itself is told the second one of.
    let own = author.as_ref() == Some(&account.address) || value.pointer("/from/self_ig_scoped_id").is_some();
    if own {
        return ignore("meta_own_comment");
    }
    let handle = json::text(value, "/from/username").map(str::to_owned);
    let profile = Profile {
        handle,
        ..Profile::default()
    };
    let person = commenter(author, &id, profile);
    let (event_id, what) = if json::text(value, "/verb") == Some("remove") {
        (format!("unsent:{id}"), What::Unsent { message: id })
    } else {
        let said = Said {
            text: json::text(value, "/text").unwrap_or_default().to_owned(),
            comment: Some(Comment {
                id: id.clone(),
                parent: json::id(value, "/parent_id"),
                post: json::id(value, "/media/id"),
            }),
            ..Said::default()
        };
        (id, What::Message(said))
    };
    Event {
        to: account,
        person: Some(person),
        id: event_id,
        at: None,
        what,
    }
}

fn commenter(author: Option<String>, comment: &str, profile: Profile) -> Person {
    Person {
        address: author.unwrap_or_else(|| format!("comment:{comment}")),
        alias: None,
        profile,
    }
}
