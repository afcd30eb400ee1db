//! What each fuzz target does with the bytes that it is given: reads them as what strangers send, and asserts what must
//! be so of every answer. A panic is a find.

use usher_carriers::form::{Enquiry, Form, MOST_FIELDS, MOST_FILES};
use usher_carriers::urlencoded::{Fields, encode};
use usher_carriers::{meta as wire, signature, sms, voice};
use usher_documents::{MOST_TEXT, robots, site};
use usher_shared::channel::AttachmentKind;
use usher_shared::knowledge::{Format, split};

/// A webhook of Meta's, a deletion request, and the handshake.
pub fn meta(data: &[u8]) {
    let _events = wire::parse(data);
    let text = String::from_utf8_lossy(data);
    let secrets = ["secret".to_owned()];
    assert!(!signature::meta::is_signed(&secrets, Some(&text), b"{}") || text.starts_with("sha256="));
    let _request = signature::meta::signed_request(&secrets, &text);
    assert_eq!(signature::meta::handshake(None, &text), None);
}

/// A webhook of Twilio's, as a form and as JSON: a message, a status, and everything about a call.
pub fn twilio(data: &[u8]) {
    let request = |content_type| signature::twilio::Request {
        url: "https://usher.example/hooks/twilio/x",
        is_get: false,
        content_type: Some(content_type),
        signature: Some("c2lnbmF0dXJlc2lnbmF0dXJlc2k="),
        settings: None,
        body: data,
    };
    for content_type in ["application/x-www-form-urlencoded", "application/json"] {
        let _refused = signature::twilio::verify("token", &request(content_type));
    }
    let Ok(fields) = Fields::decode(data) else {
        return;
    };
    // What is written as it was read is read the same.
    assert!(Fields::decode(encode(fields.iter()).as_bytes()).is_ok_and(|again| again == fields) || data.len() > 80_000);
    let _said = sms::incoming("key", &fields);
    let _status = sms::status("key", &fields, None);
    let _calling = voice::incoming("key", &fields);
    let _recorded = voice::recorded("key", &fields);
    let _recording = voice::recording("key", &fields);
    let _transcription = voice::transcription("key", &fields);
}

/// A form, in each of the three ways; the first byte says which.
pub fn form(data: &[u8]) {
    let Some((first, body)) = data.split_first() else {
        return;
    };
    let content_type = match first % 3 {
        0 => "application/json",
        1 => "application/x-www-form-urlencoded",
        _ => "multipart/form-data; boundary=x",
    };
    if let Ok(form) = Form::parse(content_type, body) {
        assert!(form.fields.len() <= MOST_FIELDS && form.files.len() <= MOST_FILES);
        if let Ok(enquiry) = Enquiry::read(form) {
            assert!(enquiry.profile.email.is_some() || enquiry.profile.phone.is_some());
        }
    }
    // Any text may be a content type, too.
    let _refused = Form::parse(&String::from_utf8_lossy(body), body);
}

/// A file. What runs is never taken.
pub fn sniff(data: &[u8]) {
    let judged = usher_shared::sniff::judge(data, None, AttachmentKind::Other);
    if let Ok(found) = judged {
        for runs in [b"MZ".as_slice(), b"\x7fELF", b"#!/"] {
            assert!(!data.starts_with(runs) || found.name() == "text/plain" && runs == b"MZ");
        }
        // What it was found to be is what it may be called.
        assert_eq!(
            usher_shared::sniff::judge(data, Some(found.name()), AttachmentKind::Other),
            Ok(found)
        );
    }
}

/// An address that somebody gave. What is admitted is https, on its own port, and at a name or a public number.
pub fn guard(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(url) = usher_aws::web::guard::public_address(text) {
        assert_eq!((url.scheme(), url.port_or_known_default()), ("https", Some(443)));
        assert!(url.username().is_empty() && url.password().is_none());
        let host = url.host_str().unwrap_or_default();
        let number = host.trim_matches(['[', ']']).parse();
        assert!(number.is_ok_and(usher_aws::web::guard::is_public) || host.contains('.'));
    }
}

/// A mail as it lies in the bucket, whole and as what SES wrote above it.
pub fn mail(data: &[u8]) {
    let _mail = usher_carriers::mail::parse::parse(data);
    let _left_over = usher_carriers::mail::ses::leftover("id", data);
}

/// A webhook of Resend's, and an event of SES's.
pub fn told(data: &[u8]) {
    let _heard = usher_carriers::mail::resend::hear("key", "id", data);
    if let Ok(event) = serde_json::from_slice(data) {
        let _heard = usher_carriers::mail::ses::hear(&event);
    }
}

/// A document, and the rules of a web site; the first byte says which. A PDF is one without it.
pub fn document(data: &[u8]) {
    let (format, bytes) = match data.split_first() {
        Some((b'0', rest)) => (Format::Html, rest),
        Some((b'1', rest)) => (Format::Csv, rest),
        Some((b'3', rest)) => {
            let rules = robots::Rules::parse(&String::from_utf8_lossy(rest));
            let _allowed = rules.allow("/menu.pdf?page=2");
            return;
        }
        _ => (Format::Pdf, data),
    };
    if let Ok(found) = usher_documents::read(format, bytes) {
        let size: usize = found.parts.iter().map(|(_, text)| text.len()).sum();
        assert!(size <= MOST_TEXT);
        for (_, text) in &found.parts {
            assert!(!text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')));
            let _passages = split("doc", "Title", format, text);
        }
    }
    if format == Format::Html {
        let page = usher_documents::page(&String::from_utf8_lossy(bytes));
        if let Ok(start) = "https://inn.example/".parse() {
            let mut site = site::Site::new(&start);
            site.found(&start, &page.links);
            while let Some(next) = site.next_page() {
                assert!(site.holds(&next));
            }
        }
    }
}
