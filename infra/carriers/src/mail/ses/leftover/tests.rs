#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

const OWN: &str = "Return-Path: <ana@customer.example>\r\n\
    Received: from mx.customer.example (mx.customer.example [192.0.2.7])\r\n \
    by inbound-smtp.us-east-1.amazonaws.com with SMTP id 0a1b2c\r\n for hello+t0@in.acme.example;\r\n \
    Mon, 21 Sep 2026 14:15:00 +0000 (UTC)\r\n\
    X-SES-Spam-Verdict: PASS\r\nX-SES-Virus-Verdict: PASS\r\n\
    Authentication-Results: amazonses.com;\r\n spf=pass (spfCheck: domain) client-ip=192.0.2.7;\r\n \
    dkim=pass header.i=@customer.example;\r\n dmarc=pass header.from=customer.example;\r\n";
const REST: &str = "From: ana@customer.example\r\nSubject: x\r\n\r\nHello\r\n";

#[test]
fn what_ses_wrote_above_a_mail_says_what_its_event_would() {
    let notice = leftover("0a1b2c", format!("{OWN}{REST}").as_bytes()).unwrap();
    assert_eq!(notice.recipients, ["hello+t0@in.acme.example"]);
    assert_eq!(notice.received.id, "0a1b2c");
    assert_eq!(notice.received.envelope.as_deref(), Some("ana@customer.example"));
    for name in ["spam", "virus", "spf", "dkim", "dmarc"] {
        assert_eq!(
            verdict::of(&notice.received.verdicts, name),
            Some("pass"),
            "{name}"
        );
    }
}

#[test]
fn what_others_wrote_is_not_believed() {
    let theirs = OWN.replace("inbound-smtp.us-east-1.amazonaws.com", "mx.elsewhere.example");
    assert!(leftover("0", format!("{theirs}{REST}").as_bytes()).is_none());
    assert!(leftover("0", REST.as_bytes()).is_none());
    assert!(leftover("0", b"").is_none());
    let theirs = OWN.replace("amazonses.com;", "mx.elsewhere.example;");
    let notice = leftover("0", format!("{theirs}{REST}").as_bytes()).unwrap();
    assert_eq!(verdict::of(&notice.received.verdicts, "dmarc"), None);
    // An older line below the topmost one counts for nothing.
    let below = format!("Received: from a by b for c@d.example; x\r\n{OWN}{REST}");
    assert!(leftover("0", below.as_bytes()).is_none());
}
