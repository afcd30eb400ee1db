//! How a request ended is told where it was asked, and the address goes with that.

use serde_json::json;
use usher_aws::privacy::Ending;
use usher_aws::store::keys;
use usher_shared::channel::ChannelKind;
use usher_shared::privacy::RequestEvent;

use super::{entered, found, requests};
use crate::harness::{Tenant, eventually, run, start};
use crate::meta::account::{Account, number};

#[test]
fn p_del_10_how_it_ended_is_told_once_on_the_channel_and_the_address_goes_with_it() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::with_prices_on(&stack).await;
        let account = Account::on(
            &stack,
            &tenant,
            ChannelKind::Messenger,
            number(),
            Default::default(),
        )
        .await;
        let guest = number();
        account.write(&guest, "Schicken Sie mir bitte meine Daten").await;
        eventually("the question reached them", || async {
            (account.reached(&guest).await.len() == 1).then_some(())
        })
        .await;
        account
            .guest(&guest, json!({"text": "Meine Daten", "delivery": {"times": 2}}))
            .await;
        eventually("it is taken", || async {
            (account.reached(&guest).await.len() == 2).then_some(())
        })
        .await;
        let all = requests(&stack, &tenant).await;
        assert_eq!(all.len(), 1);
        let request = all[0].clone();
        let (_, scope) = entered(&stack, &tenant).await;
        let reply = keys::privacy_reply(scope.tenant(), *request.id);
        assert!(scope.store().get_row(&reply, true).await.unwrap().is_some());
        assert_eq!(found(&stack, &guest).await, 0, "the address is sealed");

        // What was said in the conversation may be gone by then: the reply stands by itself.
        let ending = Ending {
            event: RequestEvent::Denied,
            by: None,
            reason: Some("Wir haben Sie am Telefon erreicht.".to_owned()),
        };
        let ended = scope.end_request(&request, &ending, Vec::new()).await.unwrap();
        assert!(ended.is_some());
        let told = eventually("they are told", || async {
            account.reached(&guest).await.get(2).cloned()
        })
        .await;
        let text = told["text"].as_str().unwrap();
        assert!(
            text.contains("abgelehnt") && text.ends_with("Telefon erreicht."),
            "{text}"
        );
        eventually("the address is gone", || async {
            scope
                .store()
                .get_row(&reply, true)
                .await
                .unwrap()
                .is_none()
                .then_some(())
        })
        .await;
        let now = &requests(&stack, &tenant).await[0];
        assert!(now.told_at.is_some());
        // The job comes once more, as queues do that.
        let job = json!({"k": "tell_job", "at": stack.clock().now_ms(), "tenant": scope.tenant(), "request": *request.id});
        let event = json!({"Records": [{"messageId": "m1", "body": job.to_string(),
            "attributes": {"MessageGroupId": request.id.to_string()}}]});
        let answer = stack.invoke("deliver", &event).await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&answer).contains("\"batchItemFailures\":[]"));
        assert_eq!(account.reached(&guest).await.len(), 3);
    });
}
