//! The readable page of an archive. Everything a person wrote is text, never markup; nothing is loaded from
//! anywhere.

use usher_shared::model::Author;
use usher_shared::records::{Contact, Conversation, Lead, Message};

/// Writes the beginning: who the person is.
pub(crate) fn begin(lead: Option<&Lead>, contacts: &[Contact], out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
        <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
        <title>Everything about one person</title>\n<style>body{font-family:sans-serif;max-width:50em;margin:2em auto;padding:0 1em}\
        article{border-left:.2em solid #888;margin:.5em 0;padding:0 .8em}.outbound{margin-left:3em}\
        pre{font:inherit;white-space:pre-wrap;margin:.3em 0}small{color:#555}</style>\n<h1>",
    );
    let heading = match lead {
        Some(lead) => format!("Lead {}", *lead.id),
        None => contacts
            .first()
            .map(|contact| format!("Contact {}", *contact.id))
            .unwrap_or_default(),
    };
    text(&heading, out);
    out.extend_from_slice(
        b"</h1>\n<table>\n<tr><th>Name<th>E-mail<th>Phone<th>Handle<th>First seen<th>Last seen\n",
    );
    for contact in contacts {
        let profile = contact.profile.get();
        out.extend_from_slice(b"<tr>");
        for cell in [
            profile.name.as_deref().unwrap_or_default(),
            profile.email.as_deref().unwrap_or_default(),
            profile.phone.as_deref().unwrap_or_default(),
            profile.handle.as_deref().unwrap_or_default(),
            &contact.first_seen.to_string(),
            &contact.last_seen.to_string(),
        ] {
            out.extend_from_slice(b"<td>");
            text(cell, out);
        }
        out.push(b'\n');
    }
    out.extend_from_slice(b"</table>\n");
}

/// Writes the heading of a conversation.
pub(crate) fn conversation(head: &Conversation, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<h2>");
    text(head.title.get(), out);
    out.extend_from_slice(b"</h2>\n<p><small>");
    text(&format!("{}, {}", *head.id, *head.created_at), out);
    out.extend_from_slice(b"</small></p>\n");
}

/// Writes a message.
pub(crate) fn message(message: &Message, out: &mut Vec<u8>) {
    let (class, who) = match *message.author {
        Author::Contact => ("inbound", "Contact"),
        Author::Ai => ("outbound", "AI"),
        Author::Human => ("outbound", "Person"),
        Author::System => ("outbound", "System"),
    };
    out.extend_from_slice(
        format!(
            "<article class=\"{class}\"><small>{who}, {}</small><pre>",
            *message.at
        )
        .as_bytes(),
    );
    text(&message.body.get().text, out);
    out.extend_from_slice(b"</pre></article>\n");
}

/// Writes the end.
pub(crate) fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(b"</html>\n");
}

fn text(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'"' => out.extend_from_slice(b"&quot;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            byte => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_people_write_is_never_markup() {
        let mut out = Vec::new();
        text("<script>alert('1')</script> & \"å\"", &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;å&quot;"
        );
    }
}
