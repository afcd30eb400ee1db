//! On the channel itself: a sentence is asked back, and the word that the question names is the request.

use serde_json::{Value, json};
use usher_shared::channel::ChannelKind;
use usher_shared::privacy::{RequestKind, RequestSource, RequestState, RequestSubject};

use super::{entered, requests};
use crate::harness::{Guest, Tenant, data, eventually, id, run, stack};
use crate::meta::account::{Account, messages, number};
use crate::twilio::line::{Line, number as phone, received};

/// The question that a visitor was asked after a message.
async fn question(guest: &Guest<'_>, message: &str) -> Value {
    let answer = guest.answer_to(message).await;
    assert_eq!(answer["author"], "system", "{answer}");
    answer
}

/// What the AI was asked, in a conversation.
async fn traces(tenant: &Tenant, conversation: &str) -> usize {
    let path = format!("/v1/conversations/{conversation}/traces");
    data(&tenant.get(&path).await.expect(200)).len()
}

#[test]
fn p_del_06_a_visitor_is_asked_back_before_any_ai_and_in_their_language() {
    run(async {
        let tenant = Tenant::with_prices().await;
        for (text, word) in [
            ("Please delete my data.", "DELETE"),
            ("Schicken Sie mir meine Daten", "MEINE DATEN"),
            ("N'utilisez pas l'IA pour moi", "SANS IA"),
            ("Mi oppongo al trattamento dei miei dati", "OPPOSIZIONE"),
        ] {
            let guest = tenant.guest().await;
            let asked = guest.say(text).await;
            let question = question(&guest, &asked).await;
            assert!(question["text"].as_str().unwrap().contains(word), "{question}");
            let conversation = id(&tenant.conversation_of(&asked).await);
            assert_eq!(traces(&tenant, &conversation).await, 0, "{text}");
            // The next ordinary message is the AI's again.
            let asked = guest.say("How much is the garden room?").await;
            assert_eq!(guest.answer_to(&asked).await["author"], "ai");
        }
    });
}

#[test]
fn p_del_06_ordinary_messages_are_the_ais_and_a_word_without_a_question_is_one() {
    run(async {
        let tenant = Tenant::with_prices().await;
        for text in ["Can you delete my booking?", "DELETE"] {
            let guest = tenant.guest().await;
            let asked = guest.say(text).await;
            eventually("the AI looked at it", || async {
                let conversation = id(&tenant.conversation_of(&asked).await);
                let path = format!("/v1/conversations/{conversation}/traces");
                let traces = tenant.get(&path).await.expect(200);
                data(&traces)
                    .iter()
                    .any(|trace| trace["message_id"] == asked.as_str())
                    .then_some(())
            })
            .await;
        }
    });
}

#[test]
fn p_del_06_the_question_comes_by_the_carrier_once_however_often_the_wish_is_delivered() {
    run(async {
        let tenant = Tenant::with_prices().await;
        for kind in [
            ChannelKind::Messenger,
            ChannelKind::Instagram,
            ChannelKind::Whatsapp,
        ] {
            let account = Account::new(&tenant, kind).await;
            let guest = number();
            let wish = json!({"text": "Delete my data please", "client_message_id": guest, "delivery": {"times": 3}});
            account.guest(&guest, wish.clone()).await;
            let reached = eventually("the question reached them", || async {
                account.reached(&guest).await.first().cloned()
            })
            .await;
            assert!(reached["text"].as_str().unwrap().contains("DELETE"), "{reached}");
            account.guest(&guest, wish).await;
            let (conversation, _) = account.said("Delete my data please").await;
            let said = messages(&tenant, &conversation).await;
            assert_eq!(said.len(), 2, "{}: {said:?}", kind.name());
            assert_eq!(account.reached(&guest).await.len(), 1);
            assert_eq!(traces(&tenant, &conversation).await, 0);
        }
    });
}

#[test]
fn p_con_02_stop_counts_before_any_right_and_who_said_it_is_asked_nothing() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let line = Line::sms(stack(), &tenant).await;
        let from = phone();
        let text = async |text: &str| crate::twilio::texts::guest(&line, "sms", &from, text).await;
        let wish = "Please delete my data";
        text(wish).await;
        let question = eventually("the question reached them", || async {
            received(&tenant, &from).await.first().cloned()
        })
        .await;
        assert!(question["content"]["body"].as_str().unwrap().contains("DELETE"));
        // Both in one: it is STOP, and nothing is said to it.
        let both = "Stop sending me messages and erase my personal information";
        text(both).await;
        let (conversation, _) = line.said(both).await;
        // Afterwards a person has to deal with it: nothing may be sent that asks.
        let again = "Erase all my personal data";
        text(again).await;
        line.said(again).await;
        eventually("a person is called", || async {
            let path = format!("/v1/conversations/{conversation}");
            let shown = tenant.get(&path).await.expect(200);
            (shown["state"] == "waiting_for_human").then_some(())
        })
        .await;
        assert_eq!(received(&tenant, &from).await.len(), 1);
        assert_eq!(traces(&tenant, &conversation).await, 0);
    });
}

#[test]
fn p_del_06_an_answer_under_a_post_is_everybodys_to_read_so_a_person_gives_it() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let account = Account::new(&tenant, ChannelKind::Messenger).await;
        let guest = number();
        account
            .guest(&guest, json!({"text": "Delete my data", "act": "comment"}))
            .await;
        let (conversation, _) = account.said("Delete my data").await;
        eventually("a person is called", || async {
            let path = format!("/v1/conversations/{conversation}");
            let shown = tenant.get(&path).await.expect(200);
            (shown["state"] == "waiting_for_human").then_some(())
        })
        .await;
        assert_eq!(account.reached(&guest).await, Vec::<Value>::new());
        assert_eq!(traces(&tenant, &conversation).await, 0);
    });
}

#[test]
fn p_del_06_the_word_opens_one_request_and_is_answered_with_its_code_and_page() {
    run(async {
        let (tenant, other) = (Tenant::with_prices().await, Tenant::with_prices().await);
        for (wish, word, kind) in [
            ("Delete my data", "delete", RequestKind::Deletion),
            ("Send me a copy of my data", "My data.", RequestKind::Access),
            ("Please stop using AI for me", "NO AI", RequestKind::Objection),
            ("I withdraw my consent", "Object", RequestKind::Restriction),
        ] {
            let before = requests(stack(), &tenant).await.len();
            let (guest, stranger) = (tenant.guest().await, tenant.guest().await);
            let asked = guest.say(wish).await;
            question(&guest, &asked).await;
            // Nobody else's word counts, nor does another word.
            stranger.say(word).await;
            guest.say("yes").await;
            assert_eq!(requests(stack(), &tenant).await.len(), before, "{wish}");
            // Delivered twice: one request, one answer.
            let word = json!({"text": word, "client_message_id": "the-word"});
            let said = id(&guest.post(&word).await.expect(202));
            guest.post(&word).await.expect(202);
            let taken = question(&guest, &said).await["text"].as_str().unwrap().to_owned();
            let all = requests(stack(), &tenant).await;
            assert_eq!(all.len(), before + 1, "{wish}");
            let request = all.last().unwrap();
            assert_eq!(*request.kind, kind);
            assert_eq!(*request.source, RequestSource::Channel);
            assert!(request.confirmed_at.is_some() && *request.state != RequestState::IdentityUnverified);
            let RequestSubject::Contact { contact } = *request.subject else {
                panic!("{:?}", request.subject);
            };
            let (platform, scope) = entered(stack(), &tenant).await;
            let conversation = tenant.conversation_of(&said).await;
            assert_eq!(conversation["contact_id"], contact.id.to_string());
            let code = scope.privacy_code(*request.id);
            let page = platform.status_url(&code).unwrap();
            assert!(taken.contains(&code) && taken.contains(&page), "{taken}");
        }
        assert_eq!(requests(stack(), &other).await.len(), 0);
    });
}
