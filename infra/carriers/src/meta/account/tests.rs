#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::json;

use super::*;

fn connection() -> MetaConnection {
    MetaConnection {
        account: "1029".to_owned(),
        business_account: Some("1022".to_owned()),
        token: "EAAB&1".to_owned(),
        permissions: Vec::new(),
        granted_by: Some("218471".to_owned()),
        instagram_login: false,
    }
}

fn login() -> MetaConnection {
    MetaConnection {
        instagram_login: true,
        ..connection()
    }
}

fn endpoints() -> Endpoints {
    Endpoints {
        graph: "https://g".to_owned(),
        instagram: "https://i".to_owned(),
        ..Endpoints::default()
    }
}

fn answer(status: u16, body: &Value) -> Answer {
    Answer {
        status,
        retry_after: None,
        body: body.to_string().into_bytes(),
    }
}

#[test]
fn every_question_goes_to_its_edge() {
    use ChannelKind::{Instagram, Messenger, Whatsapp};
    let (e, c, l) = (&endpoints(), &connection(), &login());
    for (call, method, url) in [
        (
            ask_identity(e, Messenger, c),
            Method::Get,
            "https://g/1029?fields=id%2Cname",
        ),
        (
            ask_identity(e, Instagram, c),
            Method::Get,
            "https://g/1029?fields=id%2Cusername",
        ),
        (
            ask_identity(e, Instagram, l),
            Method::Get,
            "https://i/me?fields=user_id%2Cusername",
        ),
        (
            ask_identity(e, Whatsapp, c),
            Method::Get,
            "https://g/1029?fields=id%2Cdisplay_phone_number%2Cverified_name",
        ),
        (
            ask_token(e, c).unwrap(),
            Method::Get,
            "https://g/debug_token?input_token=EAAB%261",
        ),
        (
            renew(e, l).unwrap(),
            Method::Get,
            "https://i/refresh_access_token?grant_type=ig_refresh_token&access_token=EAAB%261",
        ),
        (
            subscribe(e, Whatsapp, c),
            Method::Post,
            "https://g/1022/subscribed_apps",
        ),
        (
            ask_subscription(e, Messenger, c),
            Method::Get,
            "https://g/1029/subscribed_apps",
        ),
        (
            ask_subscription(e, Instagram, c),
            Method::Get,
            "https://g/me/subscribed_apps",
        ),
        (
            unsubscribe(e, Instagram, l),
            Method::Delete,
            "https://i/1029/subscribed_apps",
        ),
        (
            revoke_grant(e, c).unwrap(),
            Method::Delete,
            "https://g/218471/permissions",
        ),
        (
            ask_medium(e, c, "14/79"),
            Method::Get,
            "https://g/14%2F79?phone_number_id=1029",
        ),
    ] {
        assert_eq!((call.method, call.url.as_str()), (method, url));
        assert_eq!(call.headers, [("authorization", "Bearer EAAB&1".to_owned())]);
        assert!(call.body.is_empty());
    }
    assert!(
        subscribe(e, Messenger, c)
            .url
            .starts_with("https://g/1029/subscribed_apps?subscribed_fields=messages%2Cmessage_echoes%2C")
    );
    assert!(subscribe(e, Instagram, l).url.contains("messaging_seen%2C"));
    assert!(ask_token(e, l).is_none() && renew(e, c).is_none());
    let nobody = MetaConnection {
        granted_by: None,
        ..connection()
    };
    assert!(revoke_grant(e, &nobody).is_none());
}

#[test]
fn answers_are_read() {
    let page = identity(&answer(200, &json!({"id": "1029", "name": "Shop"}))).unwrap();
    assert_eq!((page.id.as_str(), page.name.as_deref()), ("1029", Some("Shop")));
    let account = identity(&answer(
        200,
        &json!({"id": "1", "user_id": "1784", "username": "shop"}),
    ))
    .unwrap();
    assert_eq!(
        (account.id.as_str(), account.name.as_deref()),
        ("1784", Some("shop"))
    );
    let told = json!({"data": {"is_valid": true, "expires_at": 0, "data_access_expires_at": 1_795_000_000, "scopes": ["pages_messaging"], "user_id": "218471"}});
    let known = token(&answer(200, &told)).unwrap();
    assert!(known.is_valid);
    assert_eq!(known.ends, Some(Timestamp::from_millis(1_795_000_000_000)));
    assert_eq!(
        (known.permissions, known.granted_by.as_deref()),
        (vec!["pages_messaging".to_owned()], Some("218471"))
    );
    let dead = token(&answer(
        200,
        &json!({"data": {"is_valid": false, "error": {"code": 190}}}),
    ))
    .unwrap();
    assert_eq!((dead.is_valid, dead.ends), (false, None));
    let now = Timestamp::from_millis(1000);
    let fresh = renewed(
        &answer(200, &json!({"access_token": "IG2", "expires_in": 60})),
        now,
    );
    assert_eq!(fresh, Ok(("IG2".to_owned(), Timestamp::from_millis(61_000))));
    let found = json!({"url": "https://lookaside.fbsbx.com/x", "mime_type": "image/png", "sha256": "ab".repeat(32), "file_size": "17"});
    let found = medium(&answer(200, &found)).unwrap();
    assert_eq!((found.size, found.sha256), (Some(17), Some([0xab; 32])));
}

#[test]
fn an_app_that_is_not_told_of_messages_is_not_subscribed() {
    for (kind, data, subscribed) in [
        (
            ChannelKind::Messenger,
            json!([{"id": "1", "subscribed_fields": ["messages", "feed"]}]),
            true,
        ),
        (
            ChannelKind::Messenger,
            json!([{"id": "1", "subscribed_fields": ["feed"]}]),
            false,
        ),
        (ChannelKind::Instagram, json!([]), false),
        (
            ChannelKind::Whatsapp,
            json!([{"whatsapp_business_api_data": {"id": "1"}}]),
            true,
        ),
        (ChannelKind::Whatsapp, json!([]), false),
    ] {
        assert_eq!(
            is_subscribed(kind, &answer(200, &json!({"data": data}))),
            Ok(subscribed)
        );
    }
}

#[test]
fn refusals_tell_trouble_from_bad_luck() {
    for (status, body, refusal) in [
        (
            400,
            json!({"error": {"code": 190, "error_subcode": 463}}),
            Refusal::Trouble(ChannelTrouble::CredentialsRefused),
        ),
        (
            403,
            json!({"error": {"code": 200}}),
            Refusal::Trouble(ChannelTrouble::PermissionMissing),
        ),
        (
            400,
            json!({"error": {"code": 100, "error_subcode": 33}}),
            Refusal::Refused { code: 100 },
        ),
        (
            400,
            json!({"error": {"code": 4}}),
            Refusal::NotNow { after: None },
        ),
        (
            500,
            json!({"error": {"code": 1}}),
            Refusal::NotNow { after: None },
        ),
        (500, json!({}), Refusal::NotNow { after: None }),
        (429, json!({}), Refusal::NotNow { after: None }),
        (404, json!({}), Refusal::Refused { code: 0 }),
        (200, json!({"success": false}), Refusal::Refused { code: 0 }),
    ] {
        assert_eq!(done(&answer(status, &body)), Err(refusal), "{status} {body}");
    }
    assert_eq!(done(&answer(200, &json!({"success": true}))), Ok(()));
}

#[test]
fn the_token_goes_to_the_platforms_own_hosts_alone() {
    let endpoints = Endpoints {
        graph: "http://127.0.0.1:9000/_world/meta/graph".to_owned(),
        ..endpoints()
    };
    for (url, own) in [
        (
            "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1",
            true,
        ),
        ("https://scontent.xx.fbcdn.net/v/1.jpg", true),
        ("http://127.0.0.1:9000/_world/meta/media/1", true),
        ("http://127.0.0.1:9001/_world/meta/media/1", false),
        ("http://lookaside.fbsbx.com/x", false),
        ("https://fbsbx.com.evil.example/x", false),
        ("https://evil.example/.fbsbx.com", false),
        ("https://evil.example#.fbsbx.com", false),
        ("https://evil.example\\.fbsbx.com", false),
        ("https://a@evil.example:1@x.fbsbx.com/", false),
        ("https://evilfbsbx.com/", false),
        ("ftp://x.fbsbx.com/", false),
        ("https://", false),
        ("", false),
    ] {
        assert_eq!(is_platforms(&endpoints, url), own, "{url}");
    }
}
