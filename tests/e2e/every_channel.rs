//! What holds for channels of all kinds alike.

#![expect(clippy::print_stdout, reason = "figures are printed")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use usher_local::Stack;
use usher_local::meter::Reading;
use usher_shared::category::Preset;
use usher_shared::channel::ChannelKind;

use crate::harness::{CLIENT, Tenant, eventually, id, run, send, start};

/// Messages that one figure is the mean of.
const MESSAGES: u32 = 4;

/// Writes as a guest on a channel, through its carrier's own webhook.
async fn write(stack: &Stack, channel: &Value, text: &str, name: &str) {
    let kind: ChannelKind = serde_json::from_value(channel["kind"].clone()).unwrap();
    let credentials = &channel["given"]["credentials"];
    let body = match kind {
        ChannelKind::Email => json!({"kind": kind, "from": "guest@example.org", "subject": "A question",
            "to": channel["given"]["settings"]["address"], "text": text}),
        ChannelKind::Form => json!({"kind": kind, "channel": channel["key"], "from": "guest@example.org",
            "text": text, "client_message_id": name}),
        ChannelKind::Sms | ChannelKind::Voice => json!({"kind": kind, "channel": channel["key"],
            "account": credentials["account_sid"], "from": "+14155550142", "text": text, "client_message_id": name}),
        ChannelKind::WebChat => json!({"channel": channel["key"], "from": "guest", "text": text,
            "client_message_id": name}),
        _ => json!({"kind": kind, "channel": credentials["account_id"], "from": "16505551234", "text": text,
            "client_message_id": name}),
    };
    let url = format!("{}/_local/guest", stack.base_url());
    let told = send(CLIENT.post(url).json(&body)).await.expect(200);
    let status = told["status"].as_u64().unwrap_or(200);
    assert!(
        status < 300 && !told.to_string().contains("given_up"),
        "{kind:?}: {told}"
    );
}

/// Every kind but the web chat, which every tenant of the tests has; a form's answers leave by mail.
async fn connect_all(tenant: &Tenant) -> Vec<Value> {
    let mail = tenant.connect(ChannelKind::Email, json!({})).await;
    let mut channels = Vec::new();
    for kind in ChannelKind::ALL {
        match kind {
            ChannelKind::WebChat | ChannelKind::Email => {}
            ChannelKind::Form => {
                channels.push(tenant.connect(kind, json!({"answers_by": mail["id"]})).await);
            }
            _ => channels.push(tenant.connect(kind, json!({})).await),
        }
    }
    channels.push(mail);
    channels
}

fn inbound_on(stack: &Stack, channel: &str) -> usize {
    let items = stack.database().items("InboxTable").unwrap();
    let of = |kind: &str| {
        items
            .iter()
            .filter(move |item| item["k"]["S"] == kind)
            .collect::<Vec<_>>()
    };
    let conversations: Vec<&str> = of("conversation")
        .into_iter()
        .filter(|item| item["channel"]["S"] == channel)
        .filter_map(|item| item["id"]["S"].as_str())
        .collect();
    of("message")
        .into_iter()
        .filter(|item| item["direction"]["S"] == "inbound")
        .filter(|item| conversations.iter().any(|id| item["conversation"]["S"] == *id))
        .count()
}

async fn struck(stack: &Stack) -> u64 {
    let faults = send(CLIENT.get(format!("{}/_local/fault", stack.base_url())))
        .await
        .expect(200);
    let injected = faults["injected"].as_array().unwrap().clone();
    injected
        .iter()
        .filter(|one| one["service"] == "carrier")
        .map(|one| one["count"].as_u64().unwrap())
        .sum()
}

#[test]
fn no_carrier_is_called_in_a_webhooks_path() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let channels = connect_all(&tenant).await;
        for channel in &channels {
            // Nothing is answered, so that every call to a carrier would be a webhook's.
            let path = format!("/v1/channels/{}/pause", id(channel));
            tenant.post(&path, &json!({})).await.expect(200);
        }
        for carrier in ["meta", "twilio", "ses", "resend"] {
            let fault = json!({"service": "carrier", "operation": carrier, "kind": "500", "count": 1000});
            let url = format!("{}/_local/fault", stack.base_url());
            send(CLIENT.post(url).json(&fault)).await.expect(200);
        }
        // The recording of a call is fetched afterwards, by another function.
        for channel in channels.iter().filter(|channel| channel["kind"] != "voice") {
            write(&stack, channel, "Is parking free?", "one").await;
            assert!(inbound_on(&stack, &id(channel)) > 0, "{}", channel["kind"]);
        }
        assert_eq!(struck(&stack).await, 0);
        // The faults would have struck: asking about credentials is such a call.
        tenant
            .post(
                "/v1/channels",
                &json!({"kind": "messenger", "name": "x", "credentials": {"account_id": "1", "token": "x"}}),
            )
            .await
            .expect(503);
        assert_eq!(struck(&stack).await, 1);
        stack.shutdown().await;
    });
}

/// Schedules run by the clock, not by the message.
fn without_schedules(mut reading: Reading) -> Reading {
    let by_message = |trigger: &str| !trigger.starts_with("schedule ");
    reading.calls.retain(|line| by_message(&line.kind.cause.trigger));
    reading.invocations.retain(|line| by_message(&line.cause.trigger));
    reading
}

#[test]
fn perf_01_units_of_a_message_and_its_answer_on_every_channel() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Website).await;
        tenant
            .upload("Prices", "# Prices\n\nThe garden room costs 900 euros a day.\n")
            .await;
        let mut figures = BTreeMap::new();
        for channel in connect_all(&tenant).await {
            let kind: ChannelKind = serde_json::from_value(channel["kind"].clone()).unwrap();
            let ends = |stack: &Stack| {
                let rows = stack.database().items("InboxTable").unwrap();
                let outbound = rows.iter().filter(|row| row["direction"]["S"] == "outbound");
                outbound.filter(|row| row["state"]["S"] == "sent").count()
            };
            for round in ["first", "next"] {
                // An address gets three answers an hour by mail without a person.
                let messages = if kind == ChannelKind::Email { 1 } else { MESSAGES };
                stack.meter().reset();
                for number in 0..messages {
                    let (stored, sent) = (inbound_on(&stack, &id(&channel)), ends(&stack));
                    let text = format!("What does the garden room cost, please? ({number})");
                    write(&stack, &channel, &text, &format!("{round}-{number}")).await;
                    // Calls are for people to answer: only what comes in is measured.
                    eventually(kind.name(), || async {
                        let there = inbound_on(&stack, &id(&channel)) > stored;
                        let answered = kind == ChannelKind::Voice || ends(&stack) > sent;
                        (there && answered).then_some(())
                    })
                    .await;
                }
                let reading = without_schedules(stack.meter().read());
                let each =
                    |(read, write): (f64, f64)| (read / f64::from(messages), write / f64::from(messages));
                let inbound =
                    each(reading.units(|k| k.cause.function == "inbound" || k.cause.function == "mail"));
                let turn = each(reading.units(|_| true));
                figures.insert((kind.name(), round == "next"), (inbound, turn));
            }
        }
        println!(
            "units of a message, the first of a person and further ones   inbound r/w     with its answer r/w"
        );
        for ((kind, further), (inbound, turn)) in &figures {
            let which = if *further { "further" } else { "first" };
            println!(
                "  {kind:<10} {which:<8} {:5.2} {:5.2}   {:5.2} {:5.2}",
                inbound.0, inbound.1, turn.0, turn.1
            );
        }
        stack.shutdown().await;
        // What carriers tell afterwards (echoes, deliveries, reads) is in it, and in what `inbound` did.
        for ((kind, further), (_, turn)) in figures {
            assert!(!further || (turn.0 <= 26.0 && turn.1 <= 20.0), "{kind}: {turn:?}");
        }
    });
}
