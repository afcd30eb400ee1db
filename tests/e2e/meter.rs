//! What one message and one answered turn cost, beside the bars of PERF-01.

#![expect(clippy::print_stdout, reason = "figures are printed beside their bars")]

use std::time::Duration;

use usher_local::Stack;
use usher_local::meter::prices::Prices;
use usher_local::meter::{Bill, Kind, Reading};
use usher_shared::category::Preset;

use crate::harness::{CLIENT, Guest, Tenant, eventually, run, send, start};

/// Turns that one figure is the mean of.
const TURNS: u32 = 6;

/// A guest's messages with their answers, `apart` from each other, and nothing else on the meter.
async fn answered_turns(stack: &Stack, guest: &Guest<'_>, apart: Duration) -> Reading {
    stack.meter().reset();
    for turn in 0..TURNS {
        stack.advance(apart).await.unwrap();
        let asked = guest
            .say(&format!("What does the garden room cost, please? ({turn})"))
            .await;
        // Looked for past the API, so that looking costs nothing.
        eventually("the answer is delivered", || async {
            let rows = stack.database().items("InboxTable").unwrap();
            let answers = |row: &serde_json::Value| row["answers"]["S"] == asked.as_str();
            rows.iter()
                .any(|row| answers(row) && row["state"]["S"] == "sent")
                .then_some(())
        })
        .await;
    }
    let mut reading = stack.meter().read();
    // Schedules run by the clock, not by the message.
    reading
        .calls
        .retain(|line| !line.kind.cause.trigger.starts_with("schedule "));
    reading
        .invocations
        .retain(|line| !line.cause.trigger.starts_with("schedule "));
    reading
}

fn each((read, write): (f64, f64)) -> (f64, f64) {
    (read / f64::from(TURNS), write / f64::from(TURNS))
}

/// Units of one inbound message and of one turn, printed.
fn figures(name: &str, reading: &Reading) -> [(f64, f64); 2] {
    let inbound = each(reading.units(|kind: &Kind| kind.cause.function == "inbound"));
    let turn = each(reading.units(|_| true));
    println!("PERF-01, {name}    read  bar   write  bar");
    println!(
        "  inbound message  {:5.2}  2.0   {:5.2}  2.0",
        inbound.0, inbound.1
    );
    println!("  answered turn    {:5.2}  8.0   {:5.2}  8.0", turn.0, turn.1);
    let bill = Bill::of(reading, &Prices::listed().unwrap());
    let million = bill.without_duration() / f64::from(TURNS) * 1e6;
    println!("  {million:.2} USD per million answered messages, one at a time, duration apart");
    [inbound, turn]
}

#[test]
fn perf_01_a_message_and_an_answered_turn_stay_below_their_bars() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Website).await;
        tenant
            .upload("Prices", "# Prices\n\nThe garden room costs 900 euros a day.\n")
            .await;
        let guest = tenant.guest().await;
        // Makes the contact and a context of more than ten messages, and warms every function.
        let first = answered_turns(&stack, &guest, Duration::ZERO).await;
        figures("first turns", &first);

        let quick = answered_turns(&stack, &guest, Duration::ZERO).await;
        let url = format!("{}/_local/meter?format=text&messages={TURNS}", stack.base_url());
        let table = send(CLIENT.get(&url)).await.expect(200);
        println!("{}", table.as_str().unwrap());
        let [inbound, turn] = figures("within a minute", &quick);
        // Somebody who writes six messages within a minute pays for one lease of the rate limit.
        assert!(
            inbound.0 <= 2.0 && inbound.1 <= 2.0 + 1.0 / 5.0 + 0.01,
            "{inbound:?}"
        );
        assert!(turn.0 <= 8.0 && turn.1 <= 8.0, "{turn:?}");
        assert_eq!(
            quick.requests(|kind| kind.service == "kms"),
            0,
            "no KMS call when warm"
        );

        let slow = answered_turns(&stack, &guest, Duration::from_secs(61)).await;
        let [inbound, turn] = figures("a minute apart", &slow);
        assert!(inbound.0 <= 2.0 && inbound.1 <= 2.0, "{inbound:?}");
        assert!(turn.0 <= 8.0 && turn.1 <= 8.0, "{turn:?}");
        assert_eq!(
            slow.requests(|kind| kind.service == "kms"),
            0,
            "no KMS call when warm"
        );
    });
}

#[test]
fn the_meter_tells_what_it_cannot_read() {
    run(async {
        let url = |query: &str| format!("{}/_local/meter?{query}", crate::harness::stack().base_url());
        for (query, field) in [
            ("format=xml", "format"),
            ("messages=0", "messages"),
            ("messages=x", "messages"),
        ] {
            let answer = send(CLIENT.get(url(query))).await;
            assert_eq!(answer.expect(422)["errors"][0]["field"], field);
        }
        let reading = send(CLIENT.get(url("messages=3"))).await.expect(200);
        assert!(reading["cost_usd_total"].as_f64().unwrap() >= 0.0);
    });
}
