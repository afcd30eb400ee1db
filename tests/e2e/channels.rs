//! Channels as a resource: connected with credentials that were tried, paused, disconnected at once, looked after.

use reqwest::Method;
use serde_json::{Value, json};
use usher_local::Stack;
use usher_shared::category::Preset;
use usher_shared::channel::ChannelKind;

use crate::harness::{Answer, CLIENT, Tenant, data, eventually, id, run, send, stack, start};

const ACCOUNT: &str = "555000000000001";

fn page(account: &str, token: &str) -> Value {
    json!({"kind": "messenger", "name": "Page", "credentials": {"account_id": account, "token": token}})
}

async fn dump(stack: &Stack) -> Value {
    send(CLIENT.get(format!("{}/_local/dump", stack.base_url())))
        .await
        .expect(200)
}

/// Rows of a kind in the dump's Inbox and Keys tables that name a channel.
fn rows_of(stack: &Stack, table: &str, channel: &str, kind: &str) -> usize {
    let items = stack.database().items(table).unwrap();
    let of_kind = items.iter().filter(|item| item["k"]["S"] == kind);
    of_kind
        .filter(|item| serde_json::to_string(item).unwrap().contains(channel))
        .count()
}

/// What left for the platform of a kind, for an account.
async fn told(stack: &Stack, kind: &str, account: &str) -> usize {
    let url = format!("{}/_local/outbox?kind={kind}", stack.base_url());
    let list = send(CLIENT.get(url)).await.expect(200);
    let entries = list["data"]
        .as_array()
        .or_else(|| list.as_array())
        .unwrap()
        .clone();
    entries
        .iter()
        .filter(|entry| entry.to_string().contains(account))
        .count()
}

pub(crate) async fn fault(stack: &Stack, fault: Value) {
    let url = format!("{}/_local/fault", stack.base_url());
    send(CLIENT.post(url).json(&fault)).await.expect(200);
}

async fn tend(stack: &Stack) -> Value {
    let url = format!("{}/_local/schedule/tend", stack.base_url());
    send(CLIENT.post(url)).await.expect(200)["answer"].clone()
}

async fn disconnect(tenant: &Tenant, channel: &str, conversations: &str) -> Answer {
    tenant
        .delete(&format!("/v1/channels/{channel}?conversations={conversations}"))
        .await
}

async fn health(tenant: &Tenant, channel: &str) -> Value {
    tenant.get(&format!("/v1/channels/{channel}")).await.expect(200)
}

#[test]
fn p_col_09_every_kind_is_connected_and_no_answer_and_no_row_shows_a_secret() {
    run(async {
        let tenant = Tenant::new().await;
        let mut secrets = Vec::new();
        for kind in ChannelKind::ALL {
            let made = tenant.connect(kind, json!({})).await;
            assert_eq!(made["kind"], kind.name());
            assert_eq!(made["state"], "active");
            let given = &made["given"]["credentials"];
            for field in ["token", "auth_token"] {
                secrets.extend(given[field].as_str().map(str::to_owned));
            }
            let read = tenant
                .get(&format!("/v1/channels/{}", id(&made)))
                .await
                .expect(200);
            let list = tenant.get("/v1/channels").await.expect(200);
            for shown in [&read, &list] {
                let shown = shown.to_string();
                assert!(!secrets.iter().any(|secret| shown.contains(secret)), "{shown}");
            }
        }
        assert_eq!(secrets.len(), 5);
        // The tenant's own web chat was there before.
        let list = tenant.get("/v1/channels").await.expect(200);
        assert_eq!(data(&list).len(), ChannelKind::ALL.len() + 1);
        let dump = dump(stack()).await.to_string();
        assert!(!secrets.iter().any(|secret| dump.contains(secret)));
    });
}

#[test]
fn p_col_02_a_meta_channel_stores_account_name_permissions_subscription_and_token_and_nothing_else() {
    run(async {
        let tenant = Tenant::new().await;
        let token = usher_local::meta::token(ACCOUNT, "granted-col-02");
        let made = tenant
            .post("/v1/channels", &page(ACCOUNT, &token))
            .await
            .expect(201);
        // The display name is the platform's, the subscription was asked for.
        assert_eq!(made["settings"], json!({"address": format!("Account {ACCOUNT}")}));
        assert_eq!(made["health"]["subscribed"], true);
        let channel = id(&made);
        let items = stack().database().items("InboxTable").unwrap();
        let secret = items
            .iter()
            .find(|item| item["k"]["S"] == "channel_secret" && item["channel"]["S"] == channel.as_str())
            .unwrap();
        let fields: Vec<&str> = secret.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            fields,
            [
                "a",
                "channel",
                "connection",
                "created_at",
                "grant",
                "k",
                "pk",
                "sk"
            ],
            "{secret}"
        );
        // What is sealed in it is a type of these fields; a field more does not go unnoticed.
        let sealed = usher_shared::channel::MetaConnection {
            account: ACCOUNT.to_owned(),
            business_account: Some("b".to_owned()),
            token,
            permissions: vec!["pages_messaging".to_owned()],
            granted_by: Some("p".to_owned()),
            instagram_login: false,
        };
        let sealed = serde_json::to_value(sealed).unwrap();
        let fields: Vec<&str> = sealed.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            fields,
            [
                "account",
                "business_account",
                "granted_by",
                "instagram_login",
                "permissions",
                "token"
            ]
        );
    });
}

#[test]
fn credentials_are_tried_and_the_field_to_blame_is_named() {
    run(async {
        let tenant = Tenant::new().await;
        let before = data(&tenant.get("/v1/channels").await.expect(200)).len();
        let other = usher_local::meta::token("555000000000009", "granted-tried");
        for (body, field) in [
            (page("555000000000002", "garbage"), "credentials.token"),
            (page("555000000000002", &other), "credentials.account_id"),
        ] {
            let refused = tenant.post("/v1/channels", &body).await;
            assert_eq!(refused.status, 422, "{}", refused.body);
            assert_eq!(refused.refused()[0].0, field, "{}", refused.body);
            assert!(!refused.body.to_string().contains("garbage"));
        }
        assert_eq!(data(&tenant.get("/v1/channels").await.expect(200)).len(), before);
    });
}

#[test]
fn an_address_is_connected_once_and_a_silent_carrier_connects_nothing() {
    run(async {
        let stack = start().await;
        let one = Tenant::on(&stack, Preset::Hospitality).await;
        let two = Tenant::on(&stack, Preset::Hospitality).await;
        let token = usher_local::meta::token(ACCOUNT, "granted-once");
        let body = page(ACCOUNT, &token);
        fault(
            &stack,
            json!({"service": "carrier", "operation": "meta", "kind": "500", "count": 1}),
        )
        .await;
        let keyed = |tenant: &Tenant| {
            let request = tenant.request(Method::POST, "/v1/channels");
            request.header("idempotency-key", "once").json(&body)
        };
        assert_eq!(send(keyed(&one)).await.status, 503);
        assert_eq!(data(&one.get("/v1/channels").await.expect(200)).len(), 1);
        let made = send(keyed(&one)).await.expect(201);
        assert_eq!(id(&send(keyed(&one)).await.expect(201)), id(&made));
        let refused = two.post("/v1/channels", &body).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["code"]),
            (409, &json!("address_connected"))
        );
        assert_eq!(data(&two.get("/v1/channels").await.expect(200)).len(), 1);
        // Free again once it is disconnected.
        disconnect(&one, &id(&made), "keep").await.expect(200);
        let token = usher_local::meta::token(ACCOUNT, "granted-again");
        two.post("/v1/channels", &page(ACCOUNT, &token)).await.expect(201);
        stack.shutdown().await;
    });
}

#[test]
fn p_del_02_a_disconnected_channels_token_is_taken_back_and_gone_within_the_request_and_its_sibling_works() {
    run(async {
        let tenant = Tenant::new().await;
        let (one, two) = ("555000000000011", "555000000000012");
        let mut channels = Vec::new();
        for account in [one, two] {
            let token = usher_local::meta::token(account, "granted-siblings");
            let made = tenant
                .post("/v1/channels", &page(account, &token))
                .await
                .expect(201);
            channels.push(id(&made));
        }
        assert_eq!(rows_of(stack(), "InboxTable", &channels[0], "channel_secret"), 1);
        let gone = disconnect(&tenant, &channels[0], "keep").await.expect(200);
        assert_eq!(
            (&gone["revoked"], &gone["purge_at"]),
            (&json!(true), &Value::Null)
        );
        // Within the request: no credentials, no key of theirs, nothing left to say.
        for (table, kind) in [
            ("InboxTable", "channel_secret"),
            ("InboxTable", "revocation"),
            ("KeysTable", "wrapped_key"),
        ] {
            assert_eq!(rows_of(stack(), table, &channels[0], kind), 0, "{kind}");
        }
        assert_eq!(told(stack(), "unsubscribed", one).await, 1);
        // The sibling lives by the same grant, which stays, and so does its subscription.
        assert_eq!(told(stack(), "grant_revoked", one).await, 0);
        assert_eq!(told(stack(), "unsubscribed", two).await, 0);
        tend(stack()).await;
        let sibling = health(&tenant, &channels[1]).await;
        assert_eq!(
            (&sibling["state"], &sibling["health"]["trouble"]),
            (&json!("active"), &Value::Null)
        );
        // Asked again it is the same.
        disconnect(&tenant, &channels[0], "keep").await.expect(200);
        let shown = health(&tenant, &channels[0]).await;
        assert_eq!(shown["state"], "disconnected");
        assert!(shown["disconnected_at"].is_string());
        // With the last channel the whole grant goes.
        disconnect(&tenant, &channels[1], "keep").await.expect(200);
        assert_eq!(told(stack(), "grant_revoked", two).await, 1);
    });
}

/// An agency looks after the pages of several businesses: one person has granted them all.
#[test]
fn p_del_02_a_grant_that_two_tenants_live_by_ends_with_the_last_channel_of_both() {
    run(async {
        let (first, second) = (Tenant::new().await, Tenant::new().await);
        let (one, two) = ("555000000000031", "555000000000032");
        let mut channels = Vec::new();
        for (tenant, account) in [(&first, one), (&second, two)] {
            let token = usher_local::meta::token(account, "granted-agency");
            let made = tenant
                .post("/v1/channels", &page(account, &token))
                .await
                .expect(201);
            channels.push(id(&made));
        }
        disconnect(&first, &channels[0], "keep").await.expect(200);
        assert_eq!(told(stack(), "unsubscribed", one).await, 1);
        assert_eq!(told(stack(), "grant_revoked", one).await, 0);
        tend(stack()).await;
        let others = health(&second, &channels[1]).await;
        assert_eq!(
            (&others["state"], &others["health"]["trouble"]),
            (&json!("active"), &Value::Null)
        );
        disconnect(&second, &channels[1], "keep").await.expect(200);
        assert_eq!(told(stack(), "grant_revoked", two).await, 1);
        for (kind, channel) in [("grant_use", &channels[0]), ("grant_use", &channels[1])] {
            assert_eq!(rows_of(stack(), "InboxTable", channel, kind), 0);
        }
    });
}

#[test]
fn p_del_02_a_platform_that_is_down_is_told_later_and_the_token_is_unusable_at_once() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let token = usher_local::meta::token(ACCOUNT, "granted-later");
        let made = tenant
            .post("/v1/channels", &page(ACCOUNT, &token))
            .await
            .expect(201);
        let channel = id(&made);
        fault(
            &stack,
            json!({"service": "carrier", "operation": "meta", "kind": "500", "count": 2}),
        )
        .await;
        let gone = disconnect(&tenant, &channel, "keep").await.expect(200);
        assert_eq!(gone["revoked"], false);
        assert_eq!(rows_of(&stack, "InboxTable", &channel, "channel_secret"), 0);
        assert_eq!(rows_of(&stack, "InboxTable", &channel, "revocation"), 1);
        assert!(!dump(&stack).await.to_string().contains(&token));
        assert_eq!(told(&stack, "grant_revoked", ACCOUNT).await, 0);
        // Still down, then up.
        assert_eq!(tend(&stack).await["unrevoked"], 1);
        assert_eq!(tend(&stack).await["unrevoked"], 0);
        assert_eq!(told(&stack, "grant_revoked", ACCOUNT).await, 1);
        assert_eq!(rows_of(&stack, "InboxTable", &channel, "revocation"), 0);
        stack.shutdown().await;
    });
}

#[test]
fn p_del_03_what_came_by_a_channel_is_counted_and_purged_with_it() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::with_prices_on(&stack).await;
        let channels = tenant.get("/v1/channels").await.expect(200);
        let channel = id(&data(&channels)[0]);
        for name in ["anna", "bela"] {
            let guest = tenant.guest().await;
            let text = format!("I am {name}, write to {name}@example.com. How much is the garden room?");
            guest
                .post(&json!({"text": text, "client_message_id": "1"}))
                .await
                .expect(202);
        }
        eventually("both are leads", || async {
            let leads = tenant.get("/v1/leads").await.expect(200);
            (data(&leads).len() == 2).then_some(())
        })
        .await;
        let preview = tenant
            .get(&format!("/v1/channels/{channel}/disconnect-preview"))
            .await
            .expect(200);
        for (field, count) in [("conversations", 2), ("people", 2), ("leads", 2)] {
            assert_eq!(preview[field], count, "{preview}");
        }
        // Later, then sooner.
        let later = disconnect(&tenant, &channel, "purge_in30_days").await.expect(200);
        assert!(later["purge_at"].is_string());
        assert_eq!(data(&tenant.get("/v1/leads").await.expect(200)).len(), 2);
        tend(&stack).await;
        assert_eq!(data(&tenant.get("/v1/leads").await.expect(200)).len(), 2);
        let url = format!("{}/_local/clock", stack.base_url());
        send(CLIENT.post(url).json(&json!({"advance": "30d"})))
            .await
            .expect(200);
        tend(&stack).await;
        eventually("nothing of it is left", || async {
            let leads = tenant.get("/v1/leads").await.expect(200);
            let conversations = tenant.get("/v1/conversations").await.expect(200);
            (data(&leads).is_empty() && data(&conversations).is_empty()).then_some(())
        })
        .await;
        eventually("the channel is gone as well", || async {
            tend(&stack).await;
            let found = tenant.get(&format!("/v1/channels/{channel}")).await;
            (found.status == 404).then_some(())
        })
        .await;
        stack.shutdown().await;
    });
}

#[test]
fn p_del_03_purge_now_begins_within_the_request() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let channel = id(&data(&tenant.get("/v1/channels").await.expect(200))[0]);
        let guest = tenant.guest().await;
        guest
            .post(&json!({"text": "How much is the garden room?", "client_message_id": "1"}))
            .await
            .expect(202);
        eventually("it is there", || async {
            let found = tenant.get("/v1/conversations").await.expect(200);
            (data(&found).len() == 1).then_some(())
        })
        .await;
        disconnect(&tenant, &channel, "purge_now").await.expect(200);
        // No schedule has run.
        eventually("it is gone", || async {
            let found = tenant.get("/v1/conversations").await.expect(200);
            data(&found).is_empty().then_some(())
        })
        .await;
    });
}

#[test]
fn p_col_09_a_channel_that_its_carrier_refuses_says_so_and_one_that_fell_silent_is_heard_again() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let (one, two) = ("555000000000021", "555000000000022");
        let mut channels = Vec::new();
        for (account, person) in [(one, "granted-one"), (two, "granted-two")] {
            let token = usher_local::meta::token(account, person);
            channels.push(id(&tenant
                .post("/v1/channels", &page(account, &token))
                .await
                .expect(201)));
        }
        assert_eq!(tend(&stack).await["troubled"], 0);
        // The platform drops one's subscription; a person takes back the other's grant.
        let graph = format!("{}/_world/meta/graph", stack.base_url());
        let as_app = |token: &str, method: Method, path: &str| {
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"local-app-secret");
            let proof = hex::encode(aws_lc_rs::hmac::sign(&key, token.as_bytes()));
            CLIENT
                .request(method, format!("{graph}/{path}?appsecret_proof={proof}"))
                .bearer_auth(token)
        };
        let token = usher_local::meta::token(one, "granted-one");
        send(as_app(&token, Method::DELETE, &format!("{one}/subscribed_apps")))
            .await
            .expect(200);
        let token = usher_local::meta::token(two, "granted-two");
        send(as_app(&token, Method::DELETE, "granted-two/permissions"))
            .await
            .expect(200);
        assert_eq!(tend(&stack).await["troubled"], 2);
        let silent = health(&tenant, &channels[0]).await;
        assert_eq!(
            (
                &silent["state"],
                &silent["health"]["trouble"],
                &silent["health"]["subscribed"]
            ),
            (&json!("active"), &json!("not_subscribed"), &json!(true))
        );
        let refused = health(&tenant, &channels[1]).await;
        assert_eq!(
            (&refused["state"], &refused["health"]["trouble"]),
            (&json!("broken"), &json!("credentials_refused"))
        );
        // Heard again: nothing is wrong with it at the next look. The other one has to be connected anew.
        assert_eq!(tend(&stack).await["troubled"], 1);
        assert_eq!(
            health(&tenant, &channels[0]).await["health"]["trouble"],
            Value::Null
        );
        stack.shutdown().await;
    });
}

#[test]
fn a_paused_channel_stores_what_is_written_and_answers_nothing_until_it_is_resumed() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let channel = id(&data(&tenant.get("/v1/channels").await.expect(200))[0]);
        let path = |verb: &str| format!("/v1/channels/{channel}/{verb}");
        for _ in 0..2 {
            let paused = tenant.post(&path("pause"), &json!({})).await.expect(200);
            assert_eq!(paused["state"], "paused");
        }
        let guest = tenant.guest().await;
        let stored = guest
            .post(&json!({"text": "How much is the garden room?", "client_message_id": "1"}))
            .await
            .expect(202);
        let conversation = tenant.conversation_of(&id(&stored)).await;
        let resumed = tenant.post(&path("resume"), &json!({})).await.expect(200);
        assert_eq!(resumed["state"], "active");
        guest
            .post(&json!({"text": "How much is the garden room, please?", "client_message_id": "2"}))
            .await
            .expect(202);
        let messages = format!("/v1/conversations/{}/messages", id(&conversation));
        eventually("what was written after it is answered", || async {
            let found = tenant.get(&messages).await.expect(200);
            let answers = data(&found).iter().filter(|message| message["author"] == "ai");
            (answers.count() == 1).then_some(())
        })
        .await;
    });
}

/// Everything that the function does, for the table of permissions.
pub(crate) async fn journey(stack: &Stack) {
    let tenant = Tenant::with_prices_on(stack).await;
    let made = tenant.connect(ChannelKind::Messenger, json!({})).await;
    let channel = id(&made);
    for verb in ["pause", "resume"] {
        let path = format!("/v1/channels/{channel}/{verb}");
        tenant.post(&path, &json!({})).await.expect(200);
    }
    let body = json!({"kind": "messenger", "channel": made["given"]["credentials"]["account_id"],
        "from": "7392015648120394", "text": "How much is the garden room?"});
    let url = format!("{}/_local/guest", stack.base_url());
    send(CLIENT.post(url).json(&body)).await.expect(200);
    eventually("it is there", || async {
        let found = tenant.get("/v1/conversations").await.expect(200);
        (data(&found).len() == 1).then_some(())
    })
    .await;
    tend(stack).await;
    disconnect(&tenant, &channel, "purge_now").await.expect(200);
    eventually("the channel is gone with all that came by it", || async {
        tend(stack).await;
        let found = tenant.get(&format!("/v1/channels/{channel}")).await;
        (found.status == 404).then_some(())
    })
    .await;
}
