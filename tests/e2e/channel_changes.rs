//! Changing channels: names, pages, settings, and credentials of the same account.

use serde_json::{Value, json};
use usher_shared::channel::ChannelKind;

use crate::harness::{CLIENT, Tenant, id, run, send};

fn path(channel: &Value) -> String {
    format!("/v1/channels/{}", id(channel))
}

fn refusal(field: &str, why: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), why.to_owned())]
}

#[test]
fn what_is_given_changes_at_once_and_what_is_not_given_stays() {
    run(async {
        let tenant = Tenant::new().await;
        let chat = tenant.connect(ChannelKind::WebChat, json!({})).await;
        let change = json!({"name": "Other site", "allowed_origins": ["https://www.example.org"]});
        let changed = tenant.patch(&path(&chat), &change).await.expect(200);
        assert_eq!(
            (&changed["name"], &changed["allowed_origins"], &changed["key"]),
            (
                &json!("Other site"),
                &json!(["https://www.example.org"]),
                &chat["key"]
            )
        );
        assert_eq!(tenant.get(&path(&chat)).await.expect(200), changed);
        // The pages count where the visitors are.
        for (origin, status) in [("https://www.example.com", 403), ("https://www.example.org", 201)] {
            let sessions = format!(
                "{}/sessions",
                chat["chat_url"].as_str().unwrap().rsplit_once('/').unwrap().0
            );
            let session = CLIENT.post(sessions).header("origin", origin);
            send(session).await.expect(status);
        }
        let nothing = tenant.patch(&path(&chat), &json!({})).await.expect(200);
        assert_eq!(nothing, changed);

        let mail = tenant
            .connect(ChannelKind::Email, json!({"sender_name": "The Barn"}))
            .await;
        let relays = json!({"settings": {"form_relays": ["relay@example.com"]}});
        let changed = tenant.patch(&path(&mail), &relays).await.expect(200);
        assert_eq!(changed["settings"]["sender_name"], "The Barn");
        assert_eq!(changed["settings"]["address"], mail["settings"]["address"]);
        let away = json!({"settings": {"sender_name": null}});
        let changed = tenant.patch(&path(&mail), &away).await.expect(200);
        assert!(changed["settings"]["sender_name"].is_null());
        assert_eq!(changed["settings"]["form_relays"], json!(["relay@example.com"]));
    });
}

#[test]
fn what_cannot_be_changed_is_named_and_nothing_is_half_done() {
    run(async {
        let (tenant, other) = (Tenant::new().await, Tenant::new().await);
        let mail = tenant.connect(ChannelKind::Email, json!({})).await;
        let before = tenant.get(&path(&mail)).await.expect(200);
        let cannot = "cannot be changed; connect another channel";
        let unknown = "is not a known field";
        let tried = [
            (json!({"kind": "sms"}), refusal("kind", unknown)),
            (
                json!({"settings": {"colour": "red"}}),
                refusal("settings.colour", unknown),
            ),
            (
                json!({"settings": {"sender_name": 7}}),
                refusal("settings.sender_name", "must be a string"),
            ),
            (json!({"name": ""}), refusal("name", "must not be empty")),
            (
                json!({"name": "Fine", "settings": {"address": "else@mail.localhost"}}),
                refusal("settings.address", cannot),
            ),
            (
                json!({"settings": {"mail_provider": "resend"}}),
                refusal("settings.mail_provider", cannot),
            ),
            (
                json!({"settings": {"greeting": "Hello"}}),
                refusal("settings.greeting", "is not for channels of kind email"),
            ),
            (
                json!({"allowed_origins": ["https://www.example.com"]}),
                refusal("allowed_origins", "is not for channels of kind email"),
            ),
            (
                json!({"credentials": {}}),
                refusal("credentials", "is not for channels of kind email"),
            ),
        ];
        for (change, refused) in tried {
            let answer = tenant.patch(&path(&mail), &change).await;
            assert_eq!(answer.refused(), refused, "{change}");
        }
        assert_eq!(tenant.get(&path(&mail)).await.expect(200), before);
        other
            .patch(&path(&mail), &json!({"name": "Mine"}))
            .await
            .expect(404);
        tenant.delete(&path(&mail)).await.expect(200);
        let gone = tenant
            .patch(&path(&mail), &json!({"name": "Late"}))
            .await
            .expect(409);
        assert_eq!(gone["code"], "channel_not_active");
    });
}

#[test]
fn p_col_09_other_credentials_are_tried_first_must_be_of_the_same_account_and_end_the_grant_before() {
    run(async {
        let tenant = Tenant::new().await;
        let page = tenant.connect(ChannelKind::Messenger, json!({})).await;
        let account = page["given"]["credentials"]["account_id"].as_str().unwrap();
        let token = |by: &str| usher_local::meta::token(account, by);
        let give =
            |account: &str, token: &str| json!({"credentials": {"account_id": account, "token": token}});
        let revoked = || async {
            let outbox = tenant.url("/_local/outbox?kind=grant_revoked");
            let outbox = send(CLIENT.get(outbox)).await.expect(200);
            let entries = outbox["data"].as_array().unwrap();
            entries
                .iter()
                .filter(|entry| entry.to_string().contains(account))
                .count()
        };
        let answer = tenant
            .patch(&path(&page), &give("10987654321", &token("new")))
            .await;
        let why = "is another account's; connect another channel for it";
        assert_eq!(answer.refused(), refusal("credentials.account_id", why));
        let answer = tenant.patch(&path(&page), &give(account, "no-such-token")).await;
        assert_eq!(answer.refused()[0].0, "credentials.token");
        assert_eq!(revoked().await, 0);

        let by = format!("successor-{account}");
        let changed = tenant
            .patch(&path(&page), &give(account, &token(&by)))
            .await
            .expect(200);
        assert_eq!(changed["state"], "active");
        assert!(!changed.to_string().contains(&token(&by)));
        assert_eq!(
            revoked().await,
            1,
            "whoever granted it before has no part in it any more"
        );
        // What leaves from now on leaves by the new grant, which ends with the channel.
        tenant.delete(&path(&page)).await.expect(200);
        assert_eq!(revoked().await, 2);
    });
}
