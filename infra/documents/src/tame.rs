//! Tags with absurdly many attributes, cut short: the tokenizer compares each attribute of a tag with all before it, so
//! that a page of one tag would take minutes.

use std::borrow::Cow;

/// Attributes of a tag that are kept, about. Pages have a dozen.
const MOST: u32 = 200;

/// Where in a page it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Between tags.
    Text,
    /// In a tag, between attributes or in a name.
    Tag,
    /// After the `=` of an attribute.
    Equals,
    /// In a quoted value.
    Quoted(u8),
    /// In a value without quotes.
    Bare,
}

/// The page with no tag of more attributes than any reader wants. What is left out reaches to the tag's end.
pub(crate) fn tame(html: &str) -> Cow<'_, str> {
    let bytes = html.as_bytes();
    let (mut at, mut attributes) = (At::Text, 0_u32);
    // What is kept so far, and from where on nothing was decided.
    let (mut kept, mut from, mut cut) = (String::new(), 0, None::<usize>);
    for (index, &byte) in bytes.iter().enumerate() {
        at = match at {
            At::Text => {
                let opens = byte == b'<' && bytes.get(index + 1).is_some_and(u8::is_ascii_alphabetic);
                attributes = 0;
                if opens { At::Tag } else { At::Text }
            }
            At::Quoted(mark) if byte == mark => At::Tag,
            At::Quoted(_) => at,
            _ if byte == b'>' => {
                if let Some(start) = cut.take() {
                    kept.push_str(html.get(from..start).unwrap_or_default());
                    from = index;
                }
                At::Text
            }
            At::Equals if byte.is_ascii_whitespace() => at,
            At::Equals if matches!(byte, b'"' | b'\'') => At::Quoted(byte),
            At::Equals => At::Bare,
            At::Bare if byte.is_ascii_whitespace() => At::Tag,
            At::Bare => at,
            At::Tag if byte == b'=' => At::Equals,
            At::Tag => {
                let begins = index > 0
                    && !matches!(byte, b'/' | b'<')
                    && !byte.is_ascii_whitespace()
                    && bytes.get(index - 1).is_some_and(|before| {
                        before.is_ascii_whitespace() || matches!(before, b'/' | b'"' | b'\'')
                    });
                attributes += u32::from(begins);
                if attributes > MOST && cut.is_none() {
                    cut = Some(index);
                }
                At::Tag
            }
        };
    }
    if cut.is_none() && from == 0 {
        return Cow::Borrowed(html);
    }
    kept.push_str(html.get(from..cut.unwrap_or(html.len())).unwrap_or_default());
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(count: u32, form: &str) -> String {
        let attributes: Vec<String> = (0..count).map(|n| form.replace('N', &n.to_string())).collect();
        format!(
            "<p>a &lt; b</p><a href=\"/x>y\" {}>there</a> < 3",
            attributes.join(" ")
        )
    }

    #[test]
    fn ordinary_pages_are_left_as_they_are() {
        for form in ["aN=1", "aN=\"x y\"", "aN='>'", "aN", "aN = b"] {
            let html = tag(100, form);
            assert!(
                matches!(tame(&html), Cow::Borrowed(same) if same == html),
                "{form}"
            );
        }
        // Spaces and signs in a value are no attributes.
        let long = format!("<a title=\"{}\" href=/x/y>there</a>", "a b / ".repeat(10_000));
        assert!(matches!(tame(&long), Cow::Borrowed(_)));
    }

    #[test]
    fn a_tag_of_too_many_attributes_is_cut_and_the_page_goes_on() {
        for form in ["aN=1", "aN=\"x y\"", "aN='>'", "aN", "aN = b", "/aN"] {
            let tamed = tame(&tag(100_000, form)).into_owned();
            assert!(tamed.len() < 6_000, "{form}: {}", tamed.len());
            assert!(tamed.starts_with("<p>a &lt; b</p><a href=\"/x>y\" "), "{form}");
            assert!(tamed.ends_with(">there</a> < 3"), "{form}");
        }
        // One that never ends, and one without anything between its attributes.
        assert!(tame(&format!("<a {}", "b=c ".repeat(10_000))).len() < 2_000);
        assert!(tame(&format!("<a {}>there", "b=\"c\"".repeat(10_000))).ends_with(">there"));
        assert!(tame(&format!("<a {}>there", "b=\"c\"".repeat(10_000))).len() < 2_000);
    }
}
