use super::*;

fn kinds(text: &str) -> Vec<Contact> {
    find(&plain(text))
        .into_iter()
        .map(|(contact, _)| contact)
        .collect()
}

#[test]
fn whatever_leads_somewhere_is_found() {
    let link = |text: &str| Contact::Link(text.to_owned());
    let phone = |text: &str| Contact::Phone(text.to_owned());
    for (text, expected) in [
        ("See https://Villa.example/Menu/.", link("villa.example/Menu")),
        ("www.villa.example is it", link("villa.example")),
        ("go to evil.com/x?y=1 now", link("evil.com/x?y=1")),
        ("evil．ｃｏｍ", link("evil.com")),
        ("https://villa.example@evil.com/", link("villa.example@evil.com")),
        ("javascript:alert(1)", link("javascript:alert")),
        ("xn--vlla-1ra.example", link("xn--vlla-1ra.example")),
        ("villа.example", link("villа.example")),
        ("//evil.com/x", link("evil.com/x")),
        ("http://3232235777/", link("3232235777")),
        ("10.0.0.1", link("10.0.0.1")),
        (
            "mailto:a@b.example?cc=c@d.example",
            link("mailto:a@b.example?cc=c@d.example"),
        ),
        ("mailto:a@b.example", Contact::Email("a@b.example".to_owned())),
        ("me@Evil.example.", Contact::Email("me@evil.example".to_owned())),
        ("write @evil_desk", Contact::Handle("evil_desk".to_owned())),
        ("tel:+15550100199", phone("15550100199")),
        ("call +1 (555) 010-0199", phone("15550100199")),
        ("call 055 / 01 00 123", phone("0550100123")),
        (
            "DE89 3704 0044 0532 0130 00",
            Contact::Account("DE89370400440532013000".to_owned()),
        ),
    ] {
        assert_eq!(kinds(text), [expected], "{text}");
    }
}

#[test]
fn ordinary_text_leads_nowhere() {
    for text in [
        "We are open 10:00-22:00, e.g. on 12.06.2027 or 2027-06-12.",
        "It costs 1.200.000 € or 1,200,000 EUR.",
        "Welcome to our rooms.The garden is open.",
        "z.B. um 18.30 Uhr, d.h. abends, ca. 5 Min.",
        "From 2026-2027 on.",
        "Note: it is free. Price: 900 euros/day and/or night.",
        "Mr. Berg, St. Gallen, approx. 120 m2.",
    ] {
        assert_eq!(kinds(text), [], "{text}");
    }
}

#[test]
fn addresses_that_are_said_are_found_too() {
    for text in [
        "evil[.]com",
        "evil (dot) com",
        "hxxps://evil.com",
        "go to evil dot com please",
        "evil . com",
        "evil .com",
        "evil. com",
        "write to me at evil dot com",
        "evil dot co dot com",
    ] {
        let variants = [bracketed(text), said(text)];
        assert!(
            variants.iter().any(|variant| !find(variant).is_empty()),
            "{text}: {variants:?}"
        );
    }
    for text in [
        "Meet us at the gate. Come early",
        "at the point of no return, dot the i",
    ] {
        assert_eq!(find(&said(text)), [], "{text}");
    }
}
