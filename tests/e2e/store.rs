//! The store against the embedded DynamoDB: conditions, cursors, expiry, forgetting.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use usher_aws::clock::{SystemEntropy, wall_now};
use usher_aws::sealing::DataKey;
use usher_aws::settings::Settings;
use usher_aws::store::{Read, When, keys};
use usher_aws::{Platform, TenantScope};
use usher_shared::category::Preset;
use usher_shared::ids::{ChannelId, ContactId, ConversationId, MessageId};
use usher_shared::model::{Author, ContactRef, ConversationState, Direction, MessageBody, MessageState};
use usher_shared::records::{Conversation, IdempotentOutcome, Message};
use usher_shared::time::ManualClock;
use usher_shared::untrusted::KeyedHash;

use crate::harness::{run, stack};

/// A platform in this process, as a function of the template, on a clock that the test moves.
pub(crate) fn platform_as(function: &str, clock: &Arc<ManualClock>) -> Platform {
    let variables = stack().environment(function).unwrap().clone();
    let credentials = stack().operator_credentials().clone();
    let settings = Settings::from_source(move |name| match name {
        "AWS_ACCESS_KEY_ID" => Some(credentials.access_key_id.clone()),
        "AWS_SECRET_ACCESS_KEY" => Some(credentials.secret_access_key.clone()),
        "AWS_SESSION_TOKEN" => Some(credentials.session_token.clone()),
        name => variables.get(name).cloned(),
    });
    Platform::new(
        settings,
        Arc::<ManualClock>::clone(clock),
        Arc::new(SystemEntropy),
    )
    .unwrap()
}

/// The function `inbox` in this process, with a tenant of its own.
pub(crate) async fn platform(preset: Preset) -> (Platform, Arc<ManualClock>, TenantScope) {
    let operator = usher_local::seed::operator(stack()).unwrap();
    operator.ensure_platform_key().await.unwrap();
    let clock = Arc::new(ManualClock::at(wall_now()));
    let platform = platform_as("inbox", &clock);
    let tenant = platform.create_tenant("Venue", preset).await.unwrap();
    let scope = platform.enter(tenant).await.unwrap();
    (platform, clock, scope)
}

struct Talk {
    contact: ContactRef,
    conversation: ConversationId,
    key: DataKey<usher_shared::record::key::Conversation>,
}

async fn conversation(scope: &TenantScope) -> Talk {
    let now = scope.now();
    let contact = ContactRef {
        address: KeyedHash::from_bytes([7; 16]),
        id: ContactId::generate(now, scope.entropy()),
    };
    let id = ConversationId::generate(now, scope.entropy());
    let contact_keys = scope.create_contact_keys(contact.id, id).await.unwrap();
    let key = contact_keys.conversation(id).unwrap().unwrap();
    let head = Conversation {
        id: id.into(),
        contact: contact.into(),
        channel: ChannelId::generate(now, scope.entropy()).into(),
        state: ConversationState::Ai.into(),
        created_at: now.into(),
        last_activity: now.into(),
        answered_through: None.into(),
        processing: None.into(),
        waiting_since: None.into(),
        acknowledged_at: None.into(),
        ai_told: None.into(),
        event_at: None.into(),
        title: "Hello".to_owned().into(),
        reach: None.into(),
    };
    let row =
        keys::conversation(scope.tenant(), id).listed(keys::conversation_listing(scope.tenant(), id, now));
    assert!(
        scope
            .store()
            .put(&row, &head, &key, When::Absent)
            .await
            .unwrap()
            .happened()
    );
    Talk {
        contact,
        conversation: id,
        key,
    }
}

async fn message(scope: &TenantScope, talk: &Talk, text: &str) -> MessageId {
    let now = scope.now();
    let id = MessageId::generate(now, scope.entropy());
    let record = Message {
        id: id.into(),
        conversation: talk.conversation.into(),
        contact: talk.contact.into(),
        channel: ChannelId::generate(now, scope.entropy()).into(),
        direction: Direction::Outbound.into(),
        author: Author::Human.into(),
        // Not queued: nothing shall deliver it.
        state: MessageState::Sent.into(),
        at: now.into(),
        answers: None.into(),
        body: MessageBody::from(text.to_owned()).into(),
        ..Message::blank()
    };
    let row = keys::message(scope.tenant(), talk.conversation, id);
    assert!(
        scope
            .store()
            .put(&row, &record, &talk.key, When::Absent)
            .await
            .unwrap()
            .happened()
    );
    id
}

#[test]
fn p_ret_01_p_ret_11_messages_past_their_period_are_unreadable_though_still_stored() {
    run(async {
        let (platform, clock, scope) = platform(Preset::Website).await;
        let talk = conversation(&scope).await;
        let old = message(&scope, &talk, "old").await;
        clock.advance(Duration::from_hours(300 * 24));
        let young = message(&scope, &talk, "young").await;
        let row = keys::conversation(scope.tenant(), talk.conversation);
        let touch = vec![("last_activity", json!(scope.now()))];
        assert!(
            scope
                .store()
                .update(&row, touch, vec![When::Present])
                .await
                .unwrap()
                .happened()
        );

        clock.advance(Duration::from_secs(65 * 86_400 - 1));
        let scope = platform.enter(scope.tenant()).await.unwrap();
        let read = async |scope: &TenantScope| {
            let found = scope.open_with_messages(talk.conversation, 10).await.unwrap();
            found.map(|(_, messages)| messages.iter().map(|message| *message.id).collect::<Vec<_>>())
        };
        assert_eq!(
            read(&scope).await,
            Some(vec![old, young]),
            "one second before twelve months are over"
        );
        clock.advance(Duration::from_secs(1));
        assert_eq!(
            read(&scope).await,
            Some(vec![young]),
            "TTL has removed nothing: its clock has not moved"
        );
        let row = keys::message(scope.tenant(), talk.conversation, old);
        assert!(scope.store().get(&row, &talk.key, true).await.unwrap().is_none());
        clock.advance(Duration::from_hours(300 * 24));
        assert_eq!(
            read(&scope).await,
            None,
            "nor is the conversation's head readable"
        );
    });
}

#[test]
fn what_has_lost_its_key_is_not_there() {
    run(async {
        let (_, _, scope) = platform(Preset::Hospitality).await;
        let talk = conversation(&scope).await;
        message(&scope, &talk, "secret").await;
        assert!(
            scope
                .open_conversation(talk.conversation)
                .await
                .unwrap()
                .is_some()
        );
        scope
            .delete_contact_keys(talk.contact.id, talk.conversation)
            .await
            .unwrap();
        assert!(
            scope
                .open_conversation(talk.conversation)
                .await
                .unwrap()
                .is_none()
        );
        assert!(
            scope
                .open_with_messages(talk.conversation, 10)
                .await
                .unwrap()
                .is_none()
        );
    });
}

#[test]
fn conditional_writes_happen_once() {
    run(async {
        let (_, clock, scope) = platform(Preset::Website).await;
        let outcome = |body: u8, resource: &str| IdempotentOutcome {
            request: KeyedHash::from_bytes([1; 16]).into(),
            body: KeyedHash::from_bytes([body; 16]).into(),
            at: scope.now().into(),
            resource: resource.parse::<usher_shared::untrusted::Label>().unwrap().into(),
            complete: false.into(),
        };
        let row = keys::idempotent_outcome(scope.tenant(), KeyedHash::from_bytes([1; 16]));
        let none = DataKey::none();
        assert!(
            scope
                .store()
                .insert_or_get(&row, &outcome(1, "first"), &none)
                .await
                .unwrap()
                .is_none()
        );
        let found = scope
            .store()
            .insert_or_get(&row, &outcome(2, "second"), &none)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.resource.as_str(), "first");
        // A day later the outcome is past its period: it is as if it were not there, although it is.
        clock.advance(Duration::from_hours(24));
        assert!(
            scope
                .store()
                .insert_or_get(&row, &outcome(2, "second"), &none)
                .await
                .unwrap()
                .is_none()
        );

        let talk = conversation(&scope).await;
        let moved = |from, to| scope.move_conversation(talk.conversation, from, to, scope.now(), None);
        let (ai, human) = (ConversationState::Ai, ConversationState::Human);
        let from = [ai];
        assert!(moved(&from, human).await.unwrap().happened());
        assert!(!moved(&from, human).await.unwrap().happened());
        let row = keys::conversation(scope.tenant(), talk.conversation);
        let field = scope
            .store()
            .update(&row, vec![("title", json!("in the open"))], vec![When::Present]);
        assert!(
            field.await.is_err(),
            "a sealed field is never written in the open"
        );
    });
}

#[test]
fn pages_follow_each_other_without_gap_or_overlap_in_both_directions() {
    run(async {
        let (_, clock, scope) = platform(Preset::Website).await;
        let talk = conversation(&scope).await;
        let mut ids = Vec::new();
        for number in 0..23 {
            ids.push(message(&scope, &talk, &number.to_string()).await);
            clock.advance(Duration::from_millis(5));
        }
        for backward in [false, true] {
            for limit in [1, 5, 22, 23, 24] {
                let (mut found, mut after) = (Vec::new(), None);
                loop {
                    let read = Read {
                        limit,
                        backward,
                        consistent: true,
                        after,
                    };
                    let range = keys::messages(scope.tenant(), talk.conversation, None);
                    let page = scope.store().query(&range, &read).await.unwrap();
                    assert!(page.rows.len() <= limit);
                    found.extend(page.rows.iter().map(|row| row.peek::<MessageId>("id").unwrap()));
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                if backward {
                    found.reverse();
                }
                assert_eq!(found, ids, "limit {limit}, backward {backward}");
            }
        }
    });
}

#[test]
fn a_row_moved_into_another_tenants_partition_does_not_open() {
    run(async {
        let (platform, _, scope) = platform(Preset::Hospitality).await;
        let talk = conversation(&scope).await;
        let other = platform
            .create_tenant("Other", Preset::Hospitality)
            .await
            .unwrap();
        let other = platform.enter(other).await.unwrap();
        assert!(
            other
                .open_conversation(talk.conversation)
                .await
                .unwrap()
                .is_none()
        );
        assert!(other.contact_keys(talk.contact.id).await.unwrap().is_none());
        let unknown = usher_shared::ids::TenantId::generate(scope.now(), scope.entropy());
        assert!(platform.enter(unknown).await.is_err());
    });
}
