//! Windows for answers, and tokens that end.

use std::time::Duration;

use serde_json::json;
use usher_shared::category::Preset;
use usher_shared::channel::{ChannelKind, ChannelSettings, MessageTemplate};

use super::account::{Account, is_in_state, number};
use crate::harness::{Tenant, eventually, run, start};

const DAY: Duration = Duration::from_hours(24);

#[test]
fn once_the_window_is_closed_a_person_may_still_answer_for_a_week_and_then_nobody() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let page = Account::on(
            &stack,
            &tenant,
            ChannelKind::Messenger,
            number(),
            ChannelSettings::default(),
        )
        .await;
        let guest = number();
        page.write(&guest, "Is there a helicopter landing pad?").await;
        let (conversation, _) = page.said("Is there a helicopter landing pad?").await;
        is_in_state(&tenant, &conversation, "waiting_for_human").await;
        let within = page.typed(&conversation, "Within a day").await;
        assert_eq!(within["state"], "sent", "{within}");

        stack.advance(DAY).await.unwrap();
        let tagged = page.typed(&conversation, "Within a week").await;
        assert_eq!(tagged["state"], "sent", "{tagged}");
        let reached = page.reached(&guest).await;
        let of = |text: &str| reached.iter().find(|content| content["text"] == text).unwrap();
        assert_eq!(of("Within a day")["messaging_type"], "RESPONSE");
        assert_eq!(of("Within a week")["tag"], "HUMAN_AGENT");

        stack.advance(6 * DAY).await.unwrap();
        let late = page.typed(&conversation, "Too late").await;
        assert_eq!(
            (&late["state"], &late["failure"]),
            (&json!("failed"), &json!("window_closed"))
        );
        assert_eq!(
            page.reached(&guest).await.len(),
            reached.len(),
            "nothing was sent"
        );
        stack.shutdown().await;
    });
}

#[test]
fn whatsapp_reopens_with_its_template_where_there_is_one() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let template = MessageTemplate {
            name: "we_are_back".to_owned(),
            language: "en_US".to_owned(),
        };
        for template in [None, Some(template)] {
            let settings = ChannelSettings {
                reopening_template: template.clone(),
                ..ChannelSettings::default()
            };
            let kind = ChannelKind::Whatsapp;
            let account = Account::on(&stack, &tenant, kind, number(), settings).await;
            let guest = number();
            account.write(&guest, "Is there a helicopter landing pad?").await;
            let (conversation, _) = account.said("Is there a helicopter landing pad?").await;
            is_in_state(&tenant, &conversation, "waiting_for_human").await;
            stack.advance(DAY).await.unwrap();
            let typed = account.typed(&conversation, "There is,\nbehind the house.").await;
            let reached = account
                .outbox("dm", |content| content["type"] == "template")
                .await;
            if template.is_some() {
                assert_eq!(typed["state"], "sent", "{typed}");
                assert_eq!(reached.len(), 1);
                assert_eq!(reached[0]["template"], "we_are_back");
                assert_eq!(reached[0]["text"], "There is, behind the house.");
            } else {
                assert_eq!(typed["failure"], "window_closed", "{typed}");
                assert!(reached.is_empty());
            }
        }
        stack.shutdown().await;
    });
}

#[test]
fn a_token_that_was_taken_back_marks_the_channel_and_nothing_is_tried_any_more() {
    run(async {
        let tenant = Tenant::new().await;
        let page = Account::new(&tenant, ChannelKind::Messenger).await;
        let guest = number();
        page.write(&guest, "Is there a helicopter landing pad?").await;
        let (conversation, _) = page.said("Is there a helicopter landing pad?").await;
        is_in_state(&tenant, &conversation, "waiting_for_human").await;
        page.revoke_grant().await;
        let refused = page.typed(&conversation, "Still there?").await;
        let failure = |message: &serde_json::Value| (message["state"].clone(), message["failure"].clone());
        assert_eq!(failure(&refused), (json!("failed"), json!("credentials_refused")));
        let channel = eventually("the channel says so", || async {
            let channel = tenant.get(&format!("/v1/channels/{}", page.channel)).await;
            let channel = channel.expect(200);
            (channel["state"] == "broken").then_some(channel)
        })
        .await;
        assert_eq!(channel["health"]["trouble"], "credentials_refused", "{channel}");
        let closed = page.typed(&conversation, "And now?").await;
        assert_eq!(failure(&closed), (json!("failed"), json!("channel_closed")));
        // What comes in is kept.
        page.write(&guest, "I am still here").await;
        page.said("I am still here").await;
    });
}

#[test]
fn who_cannot_be_reached_is_a_clear_reason_in_the_conversation() {
    run(async {
        let tenant = Tenant::new().await;
        for (kind, from) in [
            (ChannelKind::Messenger, "15005550030"),
            (ChannelKind::Whatsapp, "+15005550030"),
        ] {
            let account = Account::new(&tenant, kind).await;
            account.write(from, "Is there a helicopter landing pad?").await;
            let (conversation, _) = account.said("Is there a helicopter landing pad?").await;
            is_in_state(&tenant, &conversation, "waiting_for_human").await;
            let typed = account.typed(&conversation, "Hello?").await;
            let told = eventually("the reason is shown", || async {
                let all = super::account::messages(&tenant, &conversation).await;
                let told = all.into_iter().find(|message| message["id"] == typed["id"])?;
                (told["state"] == "failed").then_some(told)
            })
            .await;
            assert_eq!(told["failure"], "unreachable", "{}", kind.name());
        }
    });
}
