//! At the platform: who granted takes it back, and a guest takes the app off.

use serde_json::{Value, json};
use usher_carriers::signature::meta::sign_request;
use usher_carriers::urlencoded::encode;
use usher_local::meta::{APP_SECRET, app_scoped};
use usher_shared::category::Preset;
use usher_shared::channel::{ChannelKind, ChannelSettings};
use usher_shared::privacy::{RequestKind, RequestSource, RequestSubject};

use super::{entered, found, requests};
use crate::harness::{Answer, CLIENT, Tenant, eventually, run, send, stack, start};
use crate::meta::account::{Account, number};

/// Seconds since the Unix epoch, as the stack's clock says.
fn now() -> i64 {
    stack().clock().now_ms() / 1_000
}

/// What Meta posts.
async fn notice(tenant: &Tenant, path: &str, request: &str) -> Answer {
    let post = CLIENT
        .post(tenant.url(path))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(encode([("signed_request", request)]));
    send(post).await
}

fn signed(secret: &str, user: &str, issued_at: i64) -> String {
    let payload = json!({"algorithm": "HMAC-SHA256", "user_id": user, "issued_at": issued_at});
    sign_request(secret, &payload)
}

async fn state(tenant: &Tenant, channel: &str) -> Value {
    tenant.get(&format!("/v1/channels/{channel}")).await.expect(200)
}

#[test]
fn p_del_02_who_granted_takes_it_back_and_their_channels_of_all_tenants_are_cut_off() {
    run(async {
        let (one, two) = (Tenant::new().await, Tenant::new().await);
        let person = number();
        let mine = Account::granted_by(&one, ChannelKind::Messenger, &person).await;
        let theirs = Account::granted_by(&two, ChannelKind::Instagram, &person).await;
        let other = Account::new(&one, ChannelKind::Messenger).await;

        // Forged, altered, old, of another app, of another algorithm: nothing happens.
        let good = signed(APP_SECRET, &person, now());
        let none = json!({"algorithm": "none", "user_id": person, "issued_at": now()});
        for forged in [
            signed("another app", &person, now()),
            signed(APP_SECRET, &person, now() - 8 * 86_400),
            signed(APP_SECRET, &person, now() + 3_600),
            sign_request(APP_SECRET, &none),
            format!("{good}A"),
            good.replacen('.', "", 1),
            String::new(),
        ] {
            let refused = notice(&one, "/hooks/meta/deauthorize", &forged).await.expect(400);
            assert_eq!(refused["code"], "signed_request_invalid", "{forged}");
        }
        assert_eq!(state(&one, &mine.channel.to_string()).await["state"], "active");

        // Doubled: the same.
        for _ in 0..2 {
            notice(&one, "/hooks/meta/deauthorize", &good).await.expect(200);
        }
        for (tenant, account) in [(&one, &mine), (&two, &theirs)] {
            let shown = state(tenant, &account.channel.to_string()).await;
            assert_eq!(shown["state"], "disconnected", "{shown}");
            let channels = stack().database().items("InboxTable").unwrap();
            let row = channels
                .iter()
                .find(|row| row["k"]["S"] == "channel" && row["id"]["S"] == shown["id"])
                .unwrap();
            assert!(row["purge_at"]["N"].is_string(), "{row}");
        }
        assert_eq!(state(&one, &other.channel.to_string()).await["state"], "active");

        // Granted anew: the notice that is told again ends nothing.
        let anew = Account::granted_by(&one, ChannelKind::Messenger, &person).await;
        notice(
            &one,
            "/hooks/meta/deauthorize",
            &signed(APP_SECRET, &person, now() - 60),
        )
        .await
        .expect(200);
        assert_eq!(state(&one, &anew.channel.to_string()).await["state"], "active");
    });
}

#[test]
fn p_del_05_a_guest_who_leaves_at_the_platform_is_looked_for_at_every_tenant_they_wrote_to() {
    run(async {
        let (one, two, three) = (Tenant::new().await, Tenant::new().await, Tenant::new().await);
        let pages = [
            Account::new(&one, ChannelKind::Messenger).await,
            Account::new(&two, ChannelKind::Messenger).await,
        ];
        let elsewhere = Account::new(&three, ChannelKind::Messenger).await;
        let (guest, neighbour) = (number(), number());
        for page in &pages {
            page.write(&guest, "Zebedee asks for the garden room").await;
        }
        elsewhere.write(&neighbour, "Is there parking?").await;
        for page in &pages {
            page.said("Zebedee asks for the garden room").await;
        }

        let person = app_scoped(&guest);
        let request = signed(APP_SECRET, &person, now());
        let first = notice(&one, "/hooks/meta/data-deletion", &request)
            .await
            .expect(200);
        let members: Vec<&String> = first.as_object().unwrap().keys().collect();
        assert_eq!(members, ["confirmation_code", "url"]);
        let code = first["confirmation_code"].as_str().unwrap();
        assert!(
            first["url"]
                .as_str()
                .unwrap()
                .ends_with(&format!("/privacy/status/{code}"))
        );
        // Told again, at either address: the same answer, and no other request.
        for path in ["/hooks/meta/data-deletion", "/hooks/meta/deauthorize"] {
            assert_eq!(notice(&one, path, &request).await.expect(200), first);
        }
        for tenant in [&one, &two] {
            let opened = eventually("a request is opened", || async {
                let requests = requests(stack(), tenant).await;
                (!requests.is_empty()).then_some(requests)
            })
            .await;
            assert_eq!(opened.len(), 1);
            assert_eq!(*opened[0].source, RequestSource::Meta);
            assert_eq!(*opened[0].kind, RequestKind::Deletion);
            assert!(matches!(*opened[0].subject, RequestSubject::Contact { .. }));
        }
        assert_eq!(requests(stack(), &three).await.len(), 0);
        let (platform, _) = entered(stack(), &one).await;
        let noted = platform.find_removal(code).await.unwrap().unwrap();
        assert_eq!((noted.tenants.len(), noted.requests.len()), (2, 2));
        assert!(noted.looked_at.is_some() && noted.person.get().is_none());
        assert_eq!(found(stack(), &person).await, 0, "the person is named nowhere");

        // Another notice, of another second, about who has nothing left to delete or never wrote: told so.
        let nobody = signed(APP_SECRET, &app_scoped(&number()), now());
        let told = notice(&one, "/hooks/meta/data-deletion", &nobody)
            .await
            .expect(200);
        let code = told["confirmation_code"].as_str().unwrap();
        let noted = platform.find_removal(code).await.unwrap().unwrap();
        assert!(noted.looked_at.is_some() && noted.tenants.is_empty());
    });
}

#[test]
fn p_del_05_a_platform_that_does_not_say_whom_is_asked_again_and_the_notice_is_answered_at_once() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Website).await;
        let page = Account::on(
            &stack,
            &tenant,
            ChannelKind::Messenger,
            number(),
            ChannelSettings::default(),
        )
        .await;
        let guest = number();
        page.write(&guest, "Hello").await;
        let fault = json!({"service": "carrier", "operation": "meta", "kind": "500", "count": 1});
        send(CLIENT.post(tenant.url("/_local/fault")).json(&fault))
            .await
            .expect(200);
        let seconds = stack.clock().now_ms() / 1_000;
        let request = signed(APP_SECRET, &app_scoped(&guest), seconds);
        let told = notice(&tenant, "/hooks/meta/data-deletion", &request)
            .await
            .expect(200);
        let code = told["confirmation_code"].as_str().unwrap();
        let (platform, _) = entered(&stack, &tenant).await;
        let noted = platform.find_removal(code).await.unwrap().unwrap();
        assert!(noted.looked_at.is_none(), "not looked for yet");
        assert_eq!(
            found(&stack, &app_scoped(&guest)).await,
            0,
            "sealed while it waits"
        );
        send(CLIENT.post(tenant.url("/_local/schedule/tend")))
            .await
            .expect(200);
        assert_eq!(requests(&stack, &tenant).await.len(), 1);
        let noted = platform.find_removal(code).await.unwrap().unwrap();
        assert!(noted.looked_at.is_some());
        assert_eq!(noted.tenants.len(), 1);
    });
}

#[test]
fn p_del_05_a_mailed_list_opens_a_request_for_each_person_it_names_and_repeats_nothing() {
    run(async {
        let (tenant, other) = (Tenant::new().await, Tenant::new().await);
        let page = Account::new(&tenant, ChannelKind::Messenger).await;
        let instagram = Account::new(&tenant, ChannelKind::Instagram).await;
        let theirs = Account::new(&other, ChannelKind::Messenger).await;
        let people = [number(), number(), number(), number()];
        for (account, guest) in [
            (&page, &people[0]),
            (&page, &people[1]),
            (&instagram, &people[2]),
            (&theirs, &people[3]),
        ] {
            account.write(guest, &format!("I am {guest}")).await;
            account.said(&format!("I am {guest}")).await;
        }
        let post = async |list: String| {
            let request = tenant.request(reqwest::Method::POST, "/v1/privacy-requests/import");
            send(request.header("content-type", "text/csv").body(list)).await
        };

        // A line that is none: nothing is done, and each is named.
        let refused = post(format!("user_id\n{}\nme/accounts\n", people[0])).await;
        assert_eq!(refused.refused()[0].0, "line 3.user_id");
        refused.expect(422);
        assert_eq!(requests(stack(), &tenant).await.len(), 0);

        // As a page knows them, as the app does, on Instagram, at another tenant, nobody.
        let list = format!(
            "User ID\n{}\n{}\n{}\n{}\n{}\n",
            people[0],
            app_scoped(&people[1]),
            people[2],
            people[3],
            number()
        );
        let told = post(list.clone()).await.expect(202);
        let states: Vec<&str> = told["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["state"].as_str().unwrap())
            .collect();
        assert_eq!(
            states,
            ["opened", "opened", "opened", "not_found", "not_found"],
            "{told}"
        );
        assert_eq!(told["complete"], true);
        assert_eq!(requests(stack(), &tenant).await.len(), 3);
        assert_eq!(requests(stack(), &other).await.len(), 0);
        // Again: the same requests, as long as they are known by these ids.
        let again = post(format!("{}\n", people[0])).await.expect(202);
        if again["data"][0]["state"] == "opened" {
            assert_eq!(again["data"][0]["requests"], told["data"][0]["requests"]);
        }
        assert_eq!(requests(stack(), &tenant).await.len(), 3);
    });
}
