//! Finds what leads somewhere: links with and without a scheme, addresses, names.

use std::ops::Range;

use super::Contact;
use super::numbers::{accounts, phones};
use crate::guard::lexer::blank;
use crate::lead::as_email;

/// Schemes that open something when they are touched, beside those with `//`.
const SCHEMES: [&str; 26] = [
    "javascript",
    "data",
    "vbscript",
    "file",
    "mailto",
    "tel",
    "sms",
    "smsto",
    "callto",
    "facetime",
    "facetime-audio",
    "whatsapp",
    "tg",
    "skype",
    "viber",
    "line",
    "intent",
    "market",
    "geo",
    "maps",
    "bitcoin",
    "ethereum",
    "lightning",
    "upi",
    "blob",
    "about",
];

/// Schemes that browsers take without their slashes too.
const WEB_SCHEMES: [&str; 5] = ["http", "https", "ftp", "ws", "wss"];

/// The endings of addresses that are more than two letters and are written most. A word with a capital behind a dot is
/// the next sentence, unless it is one of these; anything else that looks like an address is taken for one.
const ENDINGS: &str = "com net org edu gov mil int info biz name pro xyz top site online shop store app dev page web \
    link click live life world today blog cloud tech agency email group team club vip win loan work works rest bar \
    cafe restaurant hotel holiday wedding events tickets tours travel rentals house villas estate help support chat \
    zip mov tel mobi icu cyou sbs buzz monster quest fun space website press news media video photos pics art design \
    studio digital solutions services systems network host hosting academy school university finance money bank \
    credit cash pay exchange trading market sale deals discount example invalid test localhost onion berlin wien paris";

/// Everything in a text that leads somewhere, with its place.
pub(super) fn find(text: &str) -> Vec<(Contact, Range<usize>)> {
    let mut found = Vec::new();
    for span in pieces(text) {
        let piece = text.get(span.clone()).unwrap_or_default();
        if let Some(contact) = contact(piece) {
            found.push((contact, span));
        }
    }
    let spans: Vec<Range<usize>> = found
        .iter()
        .map(|(_, span): &(Contact, Range<usize>)| span.clone())
        .collect();
    let rest = blank(text, &spans);
    let accounts = accounts(&rest);
    let rest = blank(
        &rest,
        &accounts.iter().map(|(_, span)| span.clone()).collect::<Vec<_>>(),
    );
    found.extend(accounts);
    found.extend(phones(&rest));
    found
}

/// The pieces between white space and brackets, without punctuation at either end.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let divides = |c: char| c.is_whitespace() || c == '\u{1}' || "<>\"()[]{}|,;«»“”„`'".contains(c);
    let mut spans = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if !divides(c) {
            continue;
        }
        let piece = text.get(start..at).unwrap_or_default();
        let lead = piece.len()
            - piece
                .trim_start_matches(|c: char| ".:!?*_~#&=-".contains(c))
                .len();
        let kept = piece.trim_matches(|c: char| ".:!?*_~#&=-".contains(c));
        if !kept.is_empty() {
            spans.push(start + lead..start + lead + kept.len());
        }
        start = at + c.len_utf8();
    }
    spans
}

fn contact(piece: &str) -> Option<Contact> {
    let lower = piece.to_lowercase();
    let scheme = lower.split_once(':').filter(|(scheme, rest)| {
        let scheme_like = scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        let opens = SCHEMES.contains(scheme) || (WEB_SCHEMES.contains(scheme) && rest.contains('.'));
        scheme_like && (rest.starts_with("//") || (!rest.is_empty() && opens))
    });
    if let Some((scheme, rest)) = scheme {
        return Some(match scheme {
            "mailto" => as_email(rest).map_or_else(
                || Contact::Link(spelling(piece)),
                |email| Contact::Email(email.to_ascii_lowercase()),
            ),
            "tel" | "callto" if rest.bytes().all(|b| b.is_ascii_digit() || b"+-./".contains(&b)) => {
                Contact::Phone(rest.chars().filter(char::is_ascii_digit).collect())
            }
            _ => Contact::Link(spelling(piece)),
        });
    }
    if lower.starts_with("//") || lower.contains("xn--") || lower.contains("://") {
        return Some(Contact::Link(spelling(piece)));
    }
    if let Some((local, domain)) = lower.rsplit_once('@') {
        if local.is_empty() {
            let name = domain.trim_end_matches('.');
            return (!name.is_empty()).then(|| Contact::Handle(name.to_owned()));
        }
        return Some(match as_email(&lower) {
            Some(email) => Contact::Email(email),
            None if domain.contains('.') || local.contains(['.', '/']) => Contact::Link(spelling(piece)),
            None => Contact::Handle(lower),
        });
    }
    // "Here:evil.com"
    let tail = piece
        .split_once(':')
        .map_or(piece, |(head, tail)| if is_host(head) { piece } else { tail });
    is_host(tail).then(|| Contact::Link(spelling(tail)))
}

/// Whether a piece begins as an address without a scheme does: `villa.example/menu`, `10.0.0.1`.
fn is_host(piece: &str) -> bool {
    let host = piece.split(['/', '?', '#', ':', '\\']).next().unwrap_or_default();
    let labels: Vec<&str> = host.split('.').collect();
    let label_like = |label: &&str| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    let Some((last, before)) = labels.split_last().filter(|(_, before)| !before.is_empty()) else {
        return false;
    };
    if !labels.iter().all(label_like) {
        return false;
    }
    if last.bytes().all(|b| b.is_ascii_digit()) {
        // Four numbers below 256, of which a date or a version has fewer.
        return labels.len() == 4 && labels.iter().all(|label| label.parse::<u8>().is_ok());
    }
    if last.chars().count() < 2 || !last.chars().all(char::is_alphabetic) {
        return false;
    }
    // "18.30Uhr" and "ca.": no.
    if before
        .iter()
        .all(|label| label.bytes().all(|b| b.is_ascii_digit()))
        && !host.contains("..")
        && last.len() <= 3
        && before.len() == 1
    {
        return !matches!(
            last.to_lowercase().as_str(),
            "uhr"
                | "am"
                | "pm"
                | "eur"
                | "usd"
                | "chf"
                | "gbp"
                | "std"
                | "min"
                | "kg"
                | "qm"
                | "km"
                | "cm"
                | "mm"
        );
    }
    let lower = last.to_lowercase();
    let is_ending =
        last.is_ascii() && (lower.len() == 2 || ENDINGS.split_whitespace().any(|ending| ending == lower));
    let begins_a_sentence =
        last.chars().next().is_some_and(char::is_uppercase) && last.chars().skip(1).all(char::is_lowercase);
    is_ending || !begins_a_sentence
}

/// The one spelling of a link: without what does not change where it leads.
fn spelling(link: &str) -> String {
    let lower = link.to_lowercase();
    let bare = ["https://", "http://", "//"]
        .iter()
        .find_map(|scheme| lower.starts_with(scheme).then(|| link.get(scheme.len()..)))
        .flatten()
        .unwrap_or(link);
    let bare = if bare.to_lowercase().starts_with("www.") {
        bare.get(4..).unwrap_or(bare)
    } else {
        bare
    };
    let end = bare.find(['/', '?', '#']).unwrap_or(bare.len());
    let (host, path) = bare.split_at(end);
    format!("{}{}", host.to_lowercase(), path.trim_end_matches('/'))
}
