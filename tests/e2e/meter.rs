//! What one message and one answered turn cost, beside the bars of PERF-01.

use usher_local::Stack;
use usher_local::meter::{Bill, Kind, Reading, prices::Prices};
use usher_shared::category::Preset;

use crate::harness::{Guest, Tenant, eventually, run, send, start};

/// Turns that one figure is the mean of.
const TURNS: u32 = 10;

/// A guest's messages with their answers, nothing else on the meter.
async fn answered_turns(stack: &Stack, tenant: &Tenant, guest: &Guest<'_>) -> Reading {
    stack.meter().reset();
    for turn in 0..TURNS {
        let asked = guest
            .say(&format!("What does the garden room cost, please? ({turn})"))
            .await;
        let conversation = tenant.demo.channel_key.clone();
        // Looked for past the API, so that looking costs nothing.
        eventually("the answer is delivered", || async {
            let outbound = stack.database().items("InboxTable").unwrap();
            let _ = &conversation;
            outbound
                .iter()
                .any(|item| item["answers"]["S"] == asked.as_str() && item["state"]["S"] == "sent")
                .then_some(())
        })
        .await;
    }
    stack.meter().read()
}

fn of(function: &'static str) -> impl Fn(&Kind) -> bool {
    move |kind| kind.cause.function == function
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
        // The first turn makes contact, conversation and lead, and warms every function.
        let first = guest.say("What does the garden room cost?").await;
        guest.answer_to(&first).await;
        let reading = answered_turns(&stack, &tenant, &guest).await;
        let url = format!("{}/_local/meter?format=text&messages={TURNS}", stack.base_url());
        let table = send(crate::harness::CLIENT.get(&url)).await.expect(200);
        println!("{}", table.as_str().unwrap());
        let each = |(read, write): (f64, f64)| (read / f64::from(TURNS), write / f64::from(TURNS));
        let (in_read, in_write) = each(reading.units(of("inbound")));
        let (turn_read, turn_write) = each(reading.units(|_| true));
        println!("PERF-01              read  bar   write  bar");
        println!("inbound message     {in_read:5.1}  2.0   {in_write:5.1}  2.0");
        println!("answered turn       {turn_read:5.1}  8.0   {turn_write:5.1}  8.0");
        let bill = Bill::of(&reading, &Prices::listed().unwrap());
        println!(
            "PERF-02, without duration: {:.2} USD per million answered messages",
            bill.without_duration() / f64::from(TURNS) * 1e6
        );
        assert!(
            in_read <= 2.0 && in_write <= 2.0,
            "inbound: {in_read} read, {in_write} write"
        );
        assert!(
            turn_read <= 8.0 && turn_write <= 8.0,
            "turn: {turn_read} read, {turn_write} write"
        );
        assert_eq!(
            reading.requests(|kind| kind.service == "kms"),
            0,
            "no KMS call when warm"
        );
    });
}
