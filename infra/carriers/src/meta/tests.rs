#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "tests"
)]

mod instagram;
mod messenger;
mod whatsapp;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::event::{Said, Source};

/// What a sample says, from the folder of payloads.
macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/vectors/meta/payloads/",
            $name,
            ".json"
        ))
    };
}
pub(super) use sample;

/// The one event of a body.
fn one(body: &str) -> Event {
    let mut events = parse(body.as_bytes()).unwrap();
    assert_eq!(
        events.len(),
        1,
        "{:?}",
        events.iter().map(|event| &event.what).collect::<Vec<_>>()
    );
    events.remove(0)
}

/// The one event of an item of `messaging[]`.
fn item(object: &str, item: &Value) -> Event {
    one(&json!({"object": object, "entry": [{"id": "1", "time": 1, "messaging": [item]}]}).to_string())
}

/// What was said, in a message.
fn message(event: Event) -> Said {
    match event.what {
        What::Message(said) => said,
        other => unreachable!("no message: {other:?}"),
    }
}

fn text(said: &str) -> Said {
    Said {
        text: said.to_owned(),
        ..Said::default()
    }
}

fn ms(event: &Event) -> Option<i64> {
    event.at.map(usher_shared::Timestamp::millis)
}

fn person(event: &Event) -> &str {
    event.person.as_ref().map_or("", |person| person.address.as_str())
}

fn sources(said: &Said) -> Vec<&Source> {
    said.attachments.iter().map(|attached| &attached.source).collect()
}

#[test]
fn one_post_carries_updates_of_several_accounts() {
    let page = |id: &str, mid: &str| {
        json!({"id": id, "time": 1, "messaging": [{
            "sender": {"id": "7"}, "recipient": {"id": id}, "timestamp": 1_790_000_000_523_i64,
            "message": {"mid": mid, "text": mid}}]})
    };
    let body = json!({"object": "page", "entry": [page("1", "a"), page("2", "b"), 5, page("1", "c")]});
    let events = parse(body.to_string().as_bytes()).unwrap();
    let seen: Vec<_> = events
        .iter()
        .map(|event| (event.to.address.as_str(), event.id.as_str()))
        .collect();
    assert_eq!(seen, [("1", "a"), ("2", "b"), ("", "meta_entry"), ("1", "c")]);
}

#[test]
fn what_nobody_knows_is_acknowledged_under_a_name_of_ours() {
    for (body, name) in [
        (
            json!({"object": "permissions", "entry": [{"id": "1"}]}),
            "meta_object",
        ),
        (json!({"entry": [{"id": "1"}]}), "meta_object"),
        (
            json!({"object": "page", "entry": [{"id": "1", "messaging": [{"new_thing": {}}]}]}),
            "meta_messaging",
        ),
        (
            json!({"object": "page", "entry": [{"id": "1", "messaging": [null]}]}),
            "meta_messaging",
        ),
        (
            json!({"object": "page", "entry": [{"id": "1", "messaging": [{"message": {}}]}]}),
            "meta_malformed",
        ),
        (
            json!({"object": "page", "entry": [{"id": "1", "messaging": [{"message": 7}]}]}),
            "meta_malformed",
        ),
        (
            json!({"object": "page", "entry": [{"id": "1", "changes": [{"field": "ratings", "value": {}}]}]}),
            "meta_change",
        ),
        (
            json!({"object": "page", "entry": [{"id": "1", "changes": [{"field": "feed"}]}]}),
            "meta_feed",
        ),
        (
            json!({"object": "instagram", "entry": [{"id": "1", "field": "mentions", "value": {}}]}),
            "meta_change",
        ),
        (
            json!({"object": "instagram", "entry": [{"id": "1", "messaging": "none"}]}),
            "meta_entry",
        ),
        (
            json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "new", "value": {}}]}]}),
            "whatsapp_change",
        ),
        (
            json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {"messages": [{}]}}]}]}),
            "whatsapp_malformed",
        ),
    ] {
        assert_eq!(one(&body.to_string()).what, What::Ignored(name), "{body}");
    }
}

#[test]
fn a_body_out_of_bounds_is_refused_as_a_whole() {
    let nested = format!(
        r#"{{"object":"page","entry":[{{"id":"1","messaging":{}{}}}]}}"#,
        "[".repeat(70),
        "]".repeat(70)
    );
    let crowd =
        json!({"object": "page", "entry": [{"id": "1", "messaging": vec![json!({}); 10_001]}]}).to_string();
    for (body, why) in [
        (vec![b' '; LARGEST_BODY + 1], BadBody::TooLarge),
        (crowd.into_bytes(), BadBody::TooLarge),
        (nested.into_bytes(), BadBody::TooDeep),
        (vec![b'['; 100_000], BadBody::TooDeep),
        (b"".to_vec(), BadBody::NotJson),
        (
            b"{\"object\":\"page\",\"entry\":[{\"id\":\"1\"".to_vec(),
            BadBody::NotJson,
        ),
        (b"{\"object\":\"\xff\",\"entry\":[]}".to_vec(), BadBody::NotJson),
        (b"[]".to_vec(), BadBody::NotAnEnvelope),
        (b"{\"object\":\"page\"}".to_vec(), BadBody::NotAnEnvelope),
        (
            b"{\"object\":\"page\",\"entry\":{}}".to_vec(),
            BadBody::NotAnEnvelope,
        ),
    ] {
        assert_eq!(parse(&body), Err(why));
    }
    assert_eq!(parse(b"{\"object\":\"page\",\"entry\":[]}"), Ok(Vec::new()));
}

#[test]
fn an_account_is_looked_for_in_the_other_space_too() {
    let page = To {
        space: Space::Page,
        address: "1".to_owned(),
    };
    let instagram = elsewhere(&page).unwrap();
    assert_eq!(
        (instagram.space, instagram.address.as_str()),
        (Space::Instagram, "1")
    );
    assert_eq!(elsewhere(&instagram), Some(page));
    assert_eq!(
        elsewhere(&To {
            space: Space::Whatsapp,
            address: "1".to_owned()
        }),
        None
    );
}

/// Every sample, to be damaged.
const SAMPLES: [&str; 12] = [
    sample!("meta-page-message-attachments"),
    sample!("meta-page-message-edit"),
    sample!("meta-page-feed-comment-add"),
    sample!("meta-page-postback"),
    sample!("meta-page-delivery"),
    sample!("instagram-story-reply"),
    sample!("instagram-comment-instagram-login"),
    sample!("whatsapp-image"),
    sample!("whatsapp-contacts"),
    sample!("whatsapp-interactive-flow"),
    sample!("whatsapp-status-failed-window"),
    sample!("whatsapp-value-errors"),
];

/// Every value in it, by number.
fn nth<'a>(value: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, left)),
        Value::Object(fields) => fields.values_mut().find_map(|field| nth(field, left)),
        _ => None,
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _any = parse(&body);
    }

    #[test]
    fn a_sample_with_one_value_replaced_is_still_read(
        sample in 0..SAMPLES.len(),
        place in 0_usize..60,
        with in prop_oneof![
            Just(json!(null)), Just(json!("")), Just(json!("x")), Just(json!(-1)), Just(json!(1e300)),
            Just(json!([])), Just(json!({})), Just(json!([[{}]])), Just(json!(u64::MAX)), Just(json!("\u{0}é")),
        ],
    ) {
        let mut body: Value = serde_json::from_str(SAMPLES[sample]).unwrap();
        let mut left = place;
        if let Some(value) = nth(&mut body, &mut left) {
            *value = with;
        }
        // What is read again is read alike: an event's id is the same at every delivery.
        let bytes = body.to_string().into_bytes();
        prop_assert_eq!(parse(&bytes), parse(&bytes));
    }

    #[test]
    fn a_truncated_sample_is_refused(sample in 0..SAMPLES.len(), keep in 0.0..1.0_f64) {
        let whole = SAMPLES[sample].trim_end().as_bytes();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a part of a length")]
        let end = (whole.len() as f64 * keep) as usize;
        prop_assert_eq!(parse(&whole[..end]), Err(BadBody::NotJson));
    }
}
