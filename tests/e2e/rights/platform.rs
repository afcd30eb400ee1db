//! At the platform: who granted takes it back, and a guest takes the app off.

use serde_json::{Value, json};
use usher_carriers::signature::meta::sign_request;
use usher_carriers::urlencoded::encode;
use usher_local::meta::APP_SECRET;
use usher_shared::channel::ChannelKind;

use crate::harness::{Answer, CLIENT, Tenant, run, send, stack};
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
            assert!(shown["purge_at"].is_string(), "{shown}");
        }
        assert_eq!(state(&one, &other.channel.to_string()).await["state"], "active");

        // Granted anew: the notice that is told again ends nothing.
        let anew = Account::granted_by(&one, ChannelKind::Messenger, &person).await;
        notice(&one, "/hooks/meta/deauthorize", &signed(APP_SECRET, &person, now() - 60))
            .await
            .expect(200);
        assert_eq!(state(&one, &anew.channel.to_string()).await["state"], "active");
    });
}
