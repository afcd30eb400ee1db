#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
use serde_json::{Value, json};

use super::*;

const SID: &str = "f45de51cdef30991551e41e882dd7b54";
const DOMAIN: Option<&str> = Some("mail.example.com");

fn asked(body: Value) -> Result<Checked, Vec<String>> {
    let request: NewChannel = serde_json::from_value(body).unwrap();
    check(request, DOMAIN)
        .map_err(|problem| problem.errors().iter().map(|error| error.field.clone()).collect())
}

fn refused(body: Value) -> Vec<String> {
    match asked(body) {
        Ok(_) => Vec::new(),
        Err(fields) => fields,
    }
}

fn twilio() -> Value {
    json!({"account_sid": format!("AC{SID}"), "auth_token": "t", "number": "+15105550123"})
}

#[test]
fn every_kind_has_what_it_needs() {
    let meta = json!({"account_id": "1029", "token": "EAAB"});
    let whatsapp = json!({"account_id": "1065", "business_account_id": "1022", "token": "EAAB"});
    let resend = json!({"api_key": "re_1", "webhook_secret": "whsec_1"});
    let table = [
        json!({"kind": "web_chat", "name": "a", "allowed_origins": ["https://www.example.com"]}),
        json!({"kind": "form", "name": "a", "settings": {"thank_you_url": "https://www.example.com/thanks"}}),
        json!({"kind": "email", "name": "a", "settings": {"address": "Hello@venue.mail.example.com"}}),
        json!({"kind": "email", "name": "a", "credentials": resend,
            "settings": {"address": "hello@venue.example", "mail_provider": "resend"}}),
        json!({"kind": "sms", "name": "a", "credentials": twilio()}),
        json!({"kind": "voice", "name": "a", "credentials": twilio(), "settings": {"link": "https://a.example/b"}}),
        json!({"kind": "messenger", "name": "a", "credentials": meta}),
        json!({"kind": "instagram", "name": "a", "credentials": meta, "settings": {"comment_replies": "private"}}),
        json!({"kind": "whatsapp", "name": "a", "credentials": whatsapp}),
    ];
    for body in table {
        let checked = asked(body.clone()).unwrap_or_else(|fields| panic!("{body}: {fields:?}"));
        let carried = !matches!(
            checked.kind,
            ChannelKind::WebChat | ChannelKind::Form | ChannelKind::Email
        );
        assert!(checked.connection.is_some() || !carried, "{body}");
    }
    let mail =
        asked(json!({"kind": "email", "name": "a", "settings": {"address": "Hello@Mail.example.com"}}));
    assert_eq!(
        mail.unwrap().settings.address.as_deref(),
        Some("hello@mail.example.com")
    );
    let sms = asked(json!({"kind": "sms", "name": "a", "credentials": twilio()})).unwrap();
    assert_eq!(sms.settings.address.as_deref(), Some("+15105550123"));
}

#[test]
fn what_is_missing_or_wrong_is_named_all_at_once() {
    let table: [(Value, &[&str]); 12] = [
        (
            json!({"kind": "messenger", "name": ""}),
            &["name", "credentials.account_id", "credentials.token"],
        ),
        (
            json!({"kind": "whatsapp", "name": "a", "credentials": {"account_id": "x", "token": "a b"}}),
            &[
                "credentials.account_id",
                "credentials.business_account_id",
                "credentials.token",
            ],
        ),
        (
            json!({"kind": "web_chat", "name": "a", "credentials": {"token": "x"}}),
            &["credentials.token"],
        ),
        (
            json!({"kind": "sms", "name": "a", "credentials": {"account_sid": "AC1", "number": "0123", "auth_token": "",
                "api_key_sid": "SK1"}}),
            &[
                "credentials.account_sid",
                "credentials.auth_token",
                "credentials.api_key_sid",
                "credentials.api_key_secret",
                "credentials.number",
            ],
        ),
        (
            json!({"kind": "voice", "name": "a", "credentials": {"account_sid": format!("AC{SID}"), "auth_token": "t",
                "number": "+15105550123", "messaging_service_sid": format!("MG{SID}")}}),
            &["credentials.messaging_service_sid"],
        ),
        (json!({"kind": "email", "name": "a"}), &["settings.address"]),
        (
            json!({"kind": "email", "name": "a", "settings": {"address": "hello@elsewhere.example"}}),
            &["settings.address"],
        ),
        (
            json!({"kind": "email", "name": "a", "settings": {"address": "no mailbox", "form_relays": ["x"]}}),
            &["settings.form_relays[0]", "settings.address"],
        ),
        (
            json!({"kind": "email", "name": "a",
                "settings": {"address": "a@b.example", "mail_provider": "resend"},
                "credentials": {"api_key": "re_1", "webhook_secret": "x"}}),
            &["credentials.webhook_secret"],
        ),
        (
            json!({"kind": "form", "name": "a", "settings": {"thank_you_url": "http://a.example", "help_text": "x"}}),
            &["settings.help_text", "settings.thank_you_url"],
        ),
        (
            json!({"kind": "voice", "name": "a", "credentials": twilio(), "settings": {"link": "https://u@h.example/"}}),
            &["settings.link"],
        ),
        (
            json!({"kind": "sms", "name": "a", "credentials": twilio(),
                "allowed_origins": ["https://www.example.com"]}),
            &["allowed_origins"],
        ),
    ];
    for (body, fields) in table {
        assert_eq!(refused(body.clone()), fields, "{body}");
    }
}

#[test]
fn origins_and_names_are_checked_together() {
    let check = |name: &str, origins: &[&str]| {
        refused(json!({"kind": "web_chat", "name": name, "allowed_origins": origins}))
    };
    let origin = "https://www.example.com";
    assert!(check("Web site", &[]).is_empty());
    assert!(check("Web site", &[origin; 20]).is_empty());
    let table: [(&str, &[&str], &[&str]); 4] = [
        ("", &[origin], &["name"]),
        (
            "a\nb",
            &["nowhere", origin, "https://a/b"],
            &["name", "allowed_origins[0]", "allowed_origins[2]"],
        ),
        ("a", &[origin; 21], &["allowed_origins"]),
        (&"å".repeat(101), &["null"], &["name", "allowed_origins[0]"]),
    ];
    for (name, origins, fields) in table {
        assert_eq!(check(name, origins), fields, "{name}");
    }
}

#[test]
fn nothing_shows_a_secret() {
    let request: NewChannel = serde_json::from_value(
        json!({"kind": "messenger", "name": "a", "credentials": {"account_id": "1", "token": "tk"}}),
    )
    .unwrap();
    assert!(!format!("{request:?} {:?}", request.credentials).contains("tk"));
    assert!(!format!("{:?}", check(request, None).unwrap()).contains("tk"));
}
