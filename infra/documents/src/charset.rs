//! From bytes to characters.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// The text, by its mark, by what is `declared` (`text/html; charset=…`), or, if it is no UTF-8, as what Windows wrote
/// in western Europe. What is no character becomes U+FFFD.
pub fn decoded<'a>(bytes: &'a [u8], declared: Option<&str>) -> Cow<'a, str> {
    let declared = declared
        .and_then(|declared| {
            let lower = declared.to_ascii_lowercase();
            let (_, label) = lower.split_once("charset=")?;
            Encoding::for_label(label.trim_matches(['"', '\'', ' ']).as_bytes())
        })
        .or_else(|| meta(bytes));
    // Looks for a mark first.
    let (text, _, broken) = declared.unwrap_or(UTF_8).decode(bytes);
    if broken && declared.is_none() {
        return WINDOWS_1252.decode(bytes).0;
    }
    text
}

/// What a page of HTML declares of itself in its first kilobyte, as browsers look for it.
fn meta(bytes: &[u8]) -> Option<&'static Encoding> {
    let head: Vec<u8> = bytes.iter().take(1024).map(u8::to_ascii_lowercase).collect();
    let head = String::from_utf8_lossy(&head);
    let (before, after) = head.split_once("charset=")?;
    if !before.rsplit('<').next()?.starts_with("meta") {
        return None;
    }
    let label: String = after
        .trim_start_matches(['"', '\''])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect();
    Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_it_was_written() {
        for (bytes, declared, expected) in [
            ("Menü".as_bytes(), None, "Menü"),
            (b"\xef\xbb\xbfMen\xc3\xbc", None, "Menü"),
            (b"\xff\xfeM\x00\xfc\x00", None, "Mü"),
            (b"Men\xfc \x80 5", None, "Menü € 5"),
            (b"Men\xfc", Some("text/html; charset=\"ISO-8859-1\""), "Menü"),
            (
                b"<meta charset='windows-1250'>\xe8",
                None,
                "<meta charset='windows-1250'>č",
            ),
            (b"charset=windows-1250 \xe8", None, "charset=windows-1250 è"),
            (b"Men\xfc", Some("text/html; charset=none"), "Menü"),
            (b"Men\xfc", Some("text/html; charset=utf-8"), "Men\u{fffd}"),
        ] {
            assert_eq!(decoded(bytes, declared), expected);
        }
    }
}
