//! How a request ended is told where it was asked, and the address goes with that.

use std::time::Duration;

use serde_json::json;
use usher_aws::privacy::Ending;
use usher_aws::store::keys;
use usher_shared::channel::{ChannelKind, ChannelSettings};
use usher_shared::privacy::RequestEvent;

use super::{entered, found, requests};
use crate::harness::{CLIENT, Tenant, eventually, run, send, start};
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
            ChannelSettings::default(),
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

#[test]
fn p_del_06_p_del_10_who_says_the_word_is_told_first_then_forgotten_then_told_that_they_are() {
    run(async {
        let stack = start().await;
        let (tenant, other) = (
            Tenant::with_prices_on(&stack).await,
            Tenant::with_prices_on(&stack).await,
        );
        let settings = ChannelSettings::default;
        let mine = Account::on(&stack, &tenant, ChannelKind::Messenger, number(), settings()).await;
        let theirs = Account::on(&stack, &other, ChannelKind::Messenger, number(), settings()).await;
        let guest = number();
        let planted = "I am Zebedee Quince, zebedee@example.com. How much is the garden room?";
        for account in [&mine, &theirs] {
            account.write(&guest, planted).await;
            account.said(planted).await;
            eventually("the AI answers", || async {
                (!account.reached(&guest).await.is_empty()).then_some(())
            })
            .await;
        }
        mine.write(&guest, "Please delete my data").await;
        let reached = async |count: usize| {
            eventually("it reached them", || async {
                mine.reached(&guest).await.get(count - 1).cloned()
            })
            .await
        };
        reached(2).await;
        mine.write(&guest, "DELETE").await;
        let taken = reached(3).await;
        let request = requests(&stack, &tenant).await.remove(0);
        let (_, scope) = entered(&stack, &tenant).await;
        let code = scope.privacy_code(*request.id);
        assert!(taken["text"].as_str().unwrap().contains(&code), "{taken}");

        // Now it begins; and once nobody can hold a key any more it is looked for again.
        stack.advance(Duration::from_mins(3)).await.unwrap();
        eventually("it is gone", || async {
            mine.conversations().await.is_empty().then_some(())
        })
        .await;
        stack.advance(Duration::from_mins(20)).await.unwrap();
        let told = reached(4).await;
        assert!(
            told["text"].as_str().unwrap().contains("your data is deleted"),
            "{told}"
        );
        let page = send(
            CLIENT
                .get(tenant.url(&format!("/privacy/status/{code}")))
                .header("accept", "application/json"),
        )
        .await
        .expect(200);
        assert_eq!(page["state"], "complete", "{page}");
        for name in ["Zebedee", "zebedee@example.com", guest.as_str()] {
            assert_eq!(found(&stack, name).await, 0, "{name}");
        }
        // Neither their place nor their words at the other business were touched.
        assert_eq!(theirs.conversations().await.len(), 1);
        let (conversation, _) = theirs.said(planted).await;
        assert!(!conversation.is_empty());
        assert!(requests(&stack, &other).await.is_empty());
    });
}

#[test]
fn p_rgt_04_consent_is_withdrawn_in_a_sentence_and_nothing_is_read_or_sent_from_then_on() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::with_prices_on(&stack).await;
        let guest = tenant.guest().await;
        let asked = guest
            .say("I withdraw my consent to the processing of my data")
            .await;
        assert_eq!(guest.answer_to(&asked).await["author"], "system");
        let word = guest.say("OBJECT").await;
        guest.answer_to(&word).await;
        stack.advance(Duration::from_mins(3)).await.unwrap();
        let contact = tenant.conversation_of(&word).await["contact_id"].clone();
        let path = format!("/v1/contacts/{}/processing", contact.as_str().unwrap());
        eventually("it is restricted", || async {
            let shown = tenant.get(&path).await.expect(200);
            (shown["processing"] == "restricted").then_some(())
        })
        .await;
        let said = guest.answers().await.len();
        let later = guest.say("How much is the garden room?").await;
        eventually("it was only kept", || async {
            let logs = stack.logs("reply").unwrap_or_default();
            let mut own = logs.lines().filter(|line| line.contains(&later));
            own.any(|line| line.contains("only kept")).then_some(())
        })
        .await;
        assert_eq!(guest.answers().await.len(), said);
    });
}
