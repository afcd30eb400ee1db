//! Meta on bad days: nothing twice, nothing lost.

use serde_json::json;
use usher_shared::category::Preset;
use usher_shared::channel::{ChannelKind, ChannelSettings};

use super::account::{Account, is_in_state, messages, number};
use crate::harness::{CLIENT, Tenant, eventually, run, send, start};

async fn fault(tenant: &Tenant, kind: &str) {
    let fault = json!({"service": "carrier", "operation": "meta", "kind": kind, "count": 1});
    send(CLIENT.post(tenant.url("/_local/fault")).json(&fault))
        .await
        .expect(200);
}

#[test]
fn bad_days_of_the_platform_send_nothing_twice_and_lose_nothing() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        for kind in [
            ChannelKind::Messenger,
            ChannelKind::Instagram,
            ChannelKind::Whatsapp,
        ] {
            let account = Account::on(&stack, &tenant, kind, number(), ChannelSettings::default()).await;
            // An answer that is lost is found again by what the platform tells of the message.
            for (bad, state, reached) in [
                ("throttle", "sent", 1),
                ("500", "unknown", 0),
                ("drop-response", "sent", 1),
            ] {
                let guest = number();
                let text = format!("A landing pad for {bad}?");
                account.write(&guest, &text).await;
                let (conversation, _) = account.said(&text).await;
                is_in_state(&tenant, &conversation, "waiting_for_human").await;
                eventually("the notice is sent", || async {
                    (account.reached(&guest).await.len() == 1).then_some(())
                })
                .await;
                fault(&tenant, bad).await;
                let typed = account.typed(&conversation, "Good morning").await;
                eventually("it is known what became of it", || async {
                    let all = messages(&tenant, &conversation).await;
                    let told = all.into_iter().find(|message| message["id"] == typed["id"])?;
                    (told["state"] == state).then_some(())
                })
                .await;
                let sent = account.reached(&guest).await;
                assert_eq!(sent.len(), 1 + reached, "{} {bad}: {sent:?}", kind.name());
                let said = messages(&tenant, &conversation).await;
                let said = said.iter().filter(|message| message["text"] == "Good morning");
                assert_eq!(
                    said.count(),
                    1,
                    "{}: its echo is no message of its own",
                    kind.name()
                );
                if state == "unknown" {
                    // What is read is what the platform has. The one before it may not be among that.
                    let next = account.typed(&conversation, "Are you there?").await;
                    let all = eventually("the next one is read", || async {
                        let all = messages(&tenant, &conversation).await;
                        let next = all.iter().find(|message| message["id"] == next["id"])?;
                        (next["delivery"] == "read").then(|| all.clone())
                    })
                    .await;
                    let lost = all.iter().find(|message| message["id"] == typed["id"]);
                    assert_eq!(lost.unwrap()["state"], "unknown", "{}", kind.name());
                }
            }
        }
        stack.shutdown().await;
    });
}
