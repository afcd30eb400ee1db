//! Who people are: ids of two kinds, and numbers that change.

use serde_json::json;

use super::super::*;
use super::{PHONE, change, written};

#[test]
fn a_person_without_a_number_is_known_by_their_id_and_one_without_an_id_by_their_number() {
    let hi = |mut from: Value| {
        from["type"] = "text".into();
        from["text"] = json!({"body": "hi"});
        from
    };
    let contact = json!([{"profile": {"name": "A"}, "wa_id": "16505551234", "user_id": "US.1"}]);
    for (from, contacts, address, alias) in [
        (json!({"from_user_id": "US.1"}), json!([]), "US.1", None),
        (json!({"from": "16505551234"}), json!([]), PHONE, None),
        (
            json!({"from": "16505551234"}),
            contact.clone(),
            "US.1",
            Some(PHONE),
        ),
        (
            json!({"from_user_id": "US.1"}),
            contact.clone(),
            "US.1",
            Some(PHONE),
        ),
        // Somebody else's card says nothing about this person.
        (json!({"from_user_id": "US.2"}), contact, "US.2", None),
    ] {
        let event = written(hi(from), contacts);
        let person = event.person.unwrap();
        assert_eq!(
            (person.address.as_str(), person.alias.as_deref()),
            (address, alias)
        );
    }
    assert_eq!(
        written(hi(json!({})), json!([])).what,
        What::Ignored("whatsapp_nobody")
    );
    assert_eq!(
        written(hi(json!({"from": "sheena"})), json!([])).what,
        What::Ignored("whatsapp_nobody")
    );
}

#[test]
fn a_person_who_changed_their_number_is_found_under_the_new_one() {
    for (said, old, new, alias) in [
        (
            json!({"from": "16505551234", "system": {"type": "user_changed_number", "wa_id": "12195555358"}}),
            PHONE,
            "+12195555358",
            None,
        ),
        (
            json!({"from": "16505551234", "from_user_id": "US.1", "system": {"type": "user_changed_number", "wa_id": "12195555358", "user_id": "US.2"}}),
            "US.1",
            "US.2",
            Some("+12195555358"),
        ),
        (
            json!({"system": {"type": "user_changed_user_id", "previous_user_id": "US.1", "user_id": "US.2"}}),
            "US.1",
            "US.2",
            None,
        ),
    ] {
        let mut said = said;
        said["type"] = "system".into();
        let event = written(said, json!([]));
        assert_eq!(person(&event), old);
        let What::Moved { now } = event.what else {
            unreachable!("nobody moved")
        };
        assert_eq!((now.address.as_str(), now.alias.as_deref()), (new, alias));
    }
    let update = json!({"metadata": {"phone_number_id": "5"}, "user_id_update": [{"user_id": {"previous": "US.1", "current": "US.2"}, "wa_id": "12195555358"}]});
    let event = change("user_id_update", update);
    assert_eq!((person(&event), event.to.address.as_str()), ("US.1", "5"));
    assert!(matches!(event.what, What::Moved { now } if now.address == "US.2"));
    let other =
        json!({"from": "16505551234", "type": "system", "system": {"type": "customer_identity_changed"}});
    assert_eq!(written(other, json!([])).what, What::Ignored("whatsapp_system"));
}
