//! Words in messages: found within the tenant, within the window, until they are forgotten.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use usher_aws::TenantScope;
use usher_aws::store::{When, keys};
use usher_shared::Timestamp;
use usher_shared::ids::{ConversationId, MessageId};
use usher_shared::model::{Author, Direction, MessageBody, MessageState};
use usher_shared::records::Message;

use crate::harness::{Tenant, data, id, run, stack};
use crate::lookup::scope;

async fn search(tenant: &Tenant, body: Value) -> Value {
    tenant.post("/v1/search", &body).await.expect(200)
}

/// The messages of a page of results.
fn messages(page: &Value) -> Vec<&str> {
    data(page)
        .iter()
        .map(|hit| hit["message_id"].as_str().unwrap())
        .collect()
}

#[test]
fn messages_are_found_by_their_words_within_the_tenant_until_they_are_forgotten() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let stranger = Tenant::with_prices().await;
        let guest = tenant.guest().await;
        let asked = guest
            .say("How much is the garden room? And the Crème Xanadu?")
            .await;
        let conversation = id(&tenant.conversation_of(&asked).await);
        let said = json!({"text": "The garden room is yours."});
        let path = format!("/v1/conversations/{conversation}/messages");
        let answer = tenant.post(&path, &said).await.expect(201);
        let page = search(&tenant, json!({"q": "xanadu CREME"})).await;
        assert_eq!(messages(&page), [asked.as_str()]);
        assert_eq!(
            (&page["object"], &page["has_more"]),
            (&json!("list"), &json!(false))
        );
        let hit = &data(&page)[0];
        assert_eq!(hit["object"], "search_result");
        assert_eq!(hit["conversation_id"], conversation.as_str());
        assert!(hit["snippet"].as_str().unwrap().contains("Crème Xanadu"), "{hit}");
        // What we said counts too, and the newest comes first.
        let both = search(&tenant, json!({"q": "garden room"})).await;
        assert_eq!(messages(&both), [answer["id"].as_str().unwrap(), asked.as_str()]);
        let none = search(&tenant, json!({"q": "xanadu unicorn"})).await;
        assert!(data(&none).is_empty());
        assert!(
            data(&search(&stranger, json!({"q": "xanadu"})).await).is_empty(),
            "another tenant's"
        );

        // One at a time, by cursor; it is good for this search alone.
        let first = search(&tenant, json!({"q": "garden room", "limit": 1})).await;
        assert_eq!((messages(&first).len(), &first["has_more"]), (1, &json!(true)));
        let cursor = &first["next_cursor"];
        let second = search(&tenant, json!({"q": "garden room", "limit": 1, "after": cursor})).await;
        assert_eq!(messages(&second), [asked.as_str()]);
        assert_eq!(
            (&second["has_more"], &second["next_cursor"]),
            (&json!(false), &Value::Null)
        );
        for (who, q) in [(&tenant, "garden"), (&stranger, "garden room")] {
            let refused = who
                .post("/v1/search", &json!({"q": q, "limit": 1, "after": cursor}))
                .await;
            assert_eq!(refused.refused()[0].0, "after");
        }

        // The window is one of messages.
        let at = data(
            &tenant
                .get(&format!("/v1/conversations/{conversation}/messages"))
                .await
                .expect(200),
        )[0]["created_at"]
            .clone();
        let before = search(&tenant, json!({"q": "xanadu", "until": at})).await;
        assert!(data(&before).is_empty());
        let from = search(&tenant, json!({"q": "xanadu", "since": at})).await;
        assert_eq!(messages(&from), [asked.as_str()]);
        assert_eq!(from["searched_through"], at, "the window's start");

        let mut logs = String::new();
        for function in ["inbox", "reply", "inbound"] {
            logs.push_str(&stack().logs(function).unwrap_or_default().to_lowercase());
        }
        assert!(!logs.contains("xanadu"), "what is looked for is in no log");
        tenant
            .delete(&format!("/v1/conversations/{conversation}"))
            .await
            .expect(200);
        assert!(
            data(&search(&tenant, json!({"q": "xanadu"})).await).is_empty(),
            "forgotten at once"
        );

        for (body, field) in [
            (json!({}), "q"),
            (json!({"q": " ?! "}), "q"),
            (json!({"q": "x".repeat(201)}), "q"),
            (json!({"q": "x", "limit": 101}), "limit"),
            (json!({"q": "x", "since": "yesterday"}), "since"),
            (json!({"q": "x", "since": at, "until": at}), "until"),
            (json!({"q": "x", "before": "y"}), "before"),
        ] {
            let answer = tenant.post("/v1/search", &body).await;
            assert_eq!(answer.refused()[0].0, field, "{body}");
            answer.expect(422);
        }
    });
}

/// Puts outbound messages that nothing delivers into a conversation.
async fn say(
    scope: &TenantScope,
    conversation: &str,
    all: impl Iterator<Item = (Timestamp, &'static str)>,
) -> Vec<MessageId> {
    let conversation: ConversationId = conversation.parse().unwrap();
    let open = Arc::new(scope.open_conversation(conversation).await.unwrap().unwrap());
    let (mut puts, mut made) = (tokio::task::JoinSet::new(), Vec::new());
    for (at, text) in all {
        let id = MessageId::generate(at, scope.entropy());
        made.push(id);
        let (scope, open) = (scope.clone(), Arc::clone(&open));
        let record = Message {
            id: id.into(),
            conversation: conversation.into(),
            contact: open.head.contact,
            channel: open.head.channel,
            direction: Direction::Outbound.into(),
            author: Author::Human.into(),
            state: MessageState::Sent.into(),
            at: at.into(),
            answers: None.into(),
            body: MessageBody::from(text.to_owned()).into(),
            ..Message::blank()
        };
        puts.spawn(async move {
            let row = keys::message(scope.tenant(), conversation, id);
            let written = scope.store().put(&row, &record, &open.key, When::Absent).await;
            assert!(written.unwrap().happened());
        });
        if puts.len() >= 16 {
            puts.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(put) = puts.join_next().await {
        put.unwrap();
    }
    made
}

#[test]
fn a_search_is_bounded_and_says_how_far_it_got() {
    run(async {
        let tenant = Tenant::new().await;
        let guest = tenant.guest().await;
        let asked = guest.say("Is there a helicopter?").await;
        guest.answer_to(&asked).await;
        let head = tenant.conversation_of(&asked).await;
        let scope = scope(&tenant).await;
        let now = scope.now();
        let told = [
            (now.minus(Duration::from_hours(30)), "A zeppelin."),
            (now.minus_days(31), "A zeppelin, before the window."),
        ];
        let noise =
            (0..2_050).map(|number| (now.minus(Duration::from_secs(3_600 + number)), "Nothing to see."));
        let oldest = say(&scope, &id(&head), told.into_iter().chain(noise)).await[0];
        let first = search(&tenant, json!({"q": "zeppelin"})).await;
        assert!(data(&first).is_empty());
        assert_eq!(first["has_more"], true, "not a word of being finished");
        assert_eq!(first["searched_through"], head["last_activity_at"]);
        let (mut page, mut pages) = (first, 1);
        let mut hits: Vec<String> = Vec::new();
        while page["has_more"] == true {
            page = search(&tenant, json!({"q": "zeppelin", "after": page["next_cursor"]})).await;
            hits.extend(messages(&page).into_iter().map(str::to_owned));
            pages += 1;
        }
        assert_eq!(hits, [oldest.to_string()], "in {pages} pages");
        let through: Timestamp = page["searched_through"].as_str().unwrap().parse().unwrap();
        assert!(through < scope.now().minus_days(29), "the window's start");
    });
}
