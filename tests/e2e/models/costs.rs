//! Waits for models in one batch, and what an answered turn costs alone and in a batch.

use usher_local::meter::Bill;
use usher_local::meter::prices::Prices;

use super::*;

/// Conversations in a batch.
const BATCH: usize = 10;
/// How long the slow call takes.
const SLOW: Duration = Duration::from_secs(5);

/// Lets guests ask while nobody reads the queue, then lets them all be answered at once. How long each answer took from
/// then, in the order of the guests.
#[expect(
    clippy::disallowed_methods,
    reason = "how long a guest waits is what is asked"
)]
async fn all_at_once(stack: &Stack, guests: &[Guest<'_>]) -> Vec<Duration> {
    assert!(stack.pause("reply", true));
    let mut asked = Vec::new();
    for guest in guests {
        asked.push(guest.say(QUESTION).await);
    }
    // The queue's own delay, so that all of them are there to be read together.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(stack.pause("reply", false));
    let began = Instant::now();
    let answers = guests.iter().zip(&asked).map(|(guest, asked)| async move {
        let answer = guest.answer_to(asked).await;
        assert_eq!(answer["text"], ANSWER);
        began.elapsed()
    });
    futures_util::future::join_all(answers).await
}

#[test]
fn ten_conversations_with_one_slow_call_wait_for_it_once_and_nobody_waits_for_another() {
    run(async {
        let stack = start_asking(&listed(&["anthropic"])).await;
        let tenant = Tenant::with_prices_on(&stack).await;
        all_at_once(&stack, &guests(&tenant, 1).await).await;

        let guests = guests(&tenant, BATCH).await;
        let slow = json!({"service": "carrier", "operation": "anthropic", "kind": "late", "delay": "5s"});
        fault(&stack, slow).await;
        // And one that fails, and whose conversation is answered from the documents.
        fault(
            &stack,
            json!({"service": "carrier", "operation": "anthropic", "kind": "garbage"}),
        )
        .await;
        stack.meter().reset();
        let mut waits = all_at_once(&stack, &guests).await;
        waits.sort();
        let reading = stack.meter().read();
        let runs = reading
            .invocations
            .iter()
            .filter(|line| line.cause.function == "reply");
        println!("waits {waits:?}");
        println!(
            "invocations of reply: {}",
            runs.map(|line| line.runs.invocations).sum::<u64>()
        );
        let (last, others) = waits.split_last().unwrap();
        assert!(*last >= SLOW && *last < SLOW * 2, "about the slow call: {last:?}");
        assert!(
            others.iter().all(|wait| *wait < SLOW),
            "nobody else waited for it: {others:?}"
        );
        stack.shutdown().await;
    });
}

#[test]
fn what_an_answered_turn_costs_alone_and_in_a_batch_is_printed() {
    run(async {
        let stack = start_asking(&listed(&["anthropic"])).await;
        let tenant = Tenant::with_prices_on(&stack).await;
        // Every model takes a while; warms everything.
        let slow = json!({"service": "carrier", "operation": "anthropic", "kind": "late", "delay": "500ms",
            "count": 2 * BATCH + 2});
        fault(&stack, slow).await;
        all_at_once(&stack, &guests(&tenant, 1).await).await;
        let mut seconds = Vec::new();
        for size in [1, BATCH] {
            let guests = guests(&tenant, size).await;
            stack.meter().reset();
            let before = told(&stack).len();
            all_at_once(&stack, &guests).await;
            let reading = stack.meter().read();
            let runs: Vec<_> = reading
                .invocations
                .iter()
                .filter(|line| line.cause.function == "reply")
                .collect();
            let billed: u64 = runs.iter().map(|line| line.runs.milliseconds).sum();
            let turns = f64::from(u32::try_from(size).unwrap());
            let billed = f64::from(u32::try_from(billed).unwrap()) / turns;
            let bill = Bill::of(&reading, &Prices::listed().unwrap());
            let bytes: usize = told(&stack)[before..]
                .iter()
                .map(|(_, body)| body.to_string().len())
                .sum();
            println!(
                "batch {size:2}: {billed:7.0} ms of reply a turn, {:.2} USD per million turns at AWS without duration, \
                 {:.2} with it (debug build), {} bytes to the model a turn",
                bill.without_duration() / turns * 1e6,
                bill.total() / turns * 1e6,
                bytes / size,
            );
            seconds.push(billed);
        }
        assert!(seconds[1] < seconds[0], "waits are shared: {seconds:?}");
        stack.shutdown().await;
    });
}
