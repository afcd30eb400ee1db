//! The storm: guests write, everything that can go wrong does, functions are killed at random, and in the end
//! the books must balance. One seed draws one plan of messages, faults and kills; which call a fault strikes
//! also depends on how processes take turns, so a seed repeats the plan and not the very run.

mod books;
mod crowd;
mod guests;
mod weather;
mod wire;

use std::time::{Duration, Instant};

use serde_json::json;
use usher_local::{Options, Stack};
use usher_shared::Timestamp;
use usher_shared::category::Preset;

use self::books::Books;
use self::guests::{Acknowledged, Message};
use crate::harness::{CLIENT, Tenant, root, run, send};

/// The slice that every run of the tests goes through.
const SLICE: usize = 150;
const SLICE_SEED: u64 = 20_261_121;
/// The whole storm: `just storm`.
const WHOLE: usize = 1_000;
const FLOOD_SLICE: usize = 200;
/// The whole flood: `just flood`.
const FLOOD: usize = 10_000;

/// Chance that can be repeated: `SplitMix64`.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }
}

#[test]
fn no_message_is_lost_or_answered_twice_whatever_fails() {
    run(storm(SLICE, SLICE_SEED));
}

#[test]
fn no_message_of_any_channel_is_lost_or_doubled_however_it_comes() {
    run(flood(FLOOD_SLICE, SLICE_SEED));
}

/// `USHER_STORM_SEED` and `USHER_STORM_MESSAGES` say another flood.
#[test]
#[ignore = "the whole flood takes many minutes: just flood"]
fn no_message_of_ten_thousand_on_all_channels_is_lost_or_doubled_however_it_comes() {
    let messages = given("USHER_STORM_MESSAGES").and_then(|n| usize::try_from(n).ok());
    run(flood(
        messages.unwrap_or(FLOOD),
        given("USHER_STORM_SEED").unwrap_or(1),
    ));
}

#[expect(clippy::disallowed_methods, reason = "a drill is told its seed")]
fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// `USHER_STORM_SEED` and `USHER_STORM_MESSAGES` say another storm.
#[test]
#[ignore = "the whole storm takes minutes: just storm"]
fn no_message_of_a_thousand_is_lost_or_answered_twice_whatever_fails() {
    let messages = given("USHER_STORM_MESSAGES").and_then(|n| usize::try_from(n).ok());
    run(storm(
        messages.unwrap_or(WHOLE),
        given("USHER_STORM_SEED").unwrap_or(1),
    ));
}

#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the figures are the result"
)]
async fn storm(messages: usize, seed: u64) {
    println!("storm of {messages} messages, seed {seed}");
    let began = Instant::now();
    let options = Options {
        queue_visibility: Some(Duration::from_secs(3)),
        longest_delay: Some(Duration::from_secs(1)),
        ..Options::in_memory(root())
    };
    let stack = usher_local::start(options)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let mut tenants = Vec::new();
    for _ in 0..2 {
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        tenant.upload("Prices", guests::PRICES).await;
        tenants.push(tenant);
    }
    let mut random = Random::new(seed);
    let plan = guests::plan(&mut random, messages);
    weather::gather(&stack, &mut random, messages).await;
    let kills = tokio::spawn(weather::kills(stack.base_url().to_owned(), random.number()));
    let acknowledged = tokio::join!(
        guests::write(&tenants, plan),
        weather::calls_of_our_own(&stack),
        weather::owner(&stack, &tenants),
    )
    .0;
    kills.abort();
    let _aborted = kills.await;
    let weather = weather::clear(&stack).await;
    let redriven = quiet(&stack).await;
    let books = Books::read(&stack);
    let account = books.balance(&acknowledged);
    println!("{}", weather.table());
    println!("redriven: {redriven}");
    println!("{account}");
    println!("{:.0} s", began.elapsed().as_secs_f64());
    let problems = account.problems(messages, &weather);
    explain(&stack, &problems);
    stack.shutdown().await;
    assert!(problems.is_empty(), "seed {seed}:\n{}", problems.join("\n"));
}

/// Prints what the functions logged of the messages that problems name.
#[expect(
    clippy::print_stdout,
    reason = "a failure that cannot be explained is of no use"
)]
fn explain(stack: &Stack, problems: &[String]) {
    for function in ["inbound", "dispatch", "reply", "deliver"] {
        let logs = stack.logs(function).unwrap_or_default();
        for problem in problems {
            let Some(id) = problem.split_whitespace().find(|word| word.starts_with("msg_")) else {
                continue;
            };
            for line in logs.lines().filter(|line| line.contains(id)).take(12) {
                println!("{function}: {line}");
            }
        }
    }
}

/// All channels but the web chat, whose guests have a storm of their own: carriers bring each message one to eight times,
/// out of order and several at once, while everything fails.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the figures are the result"
)]
async fn flood(messages: usize, seed: u64) {
    println!("flood of {messages} messages, seed {seed}");
    let began = Instant::now();
    let options = Options {
        queue_visibility: Some(Duration::from_secs(3)),
        longest_delay: Some(Duration::from_secs(1)),
        ..Options::in_memory(root())
    };
    let stack = usher_local::start(options)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let (mut tenants, mut lines) = (Vec::new(), Vec::new());
    for number in 0..2 {
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        tenant.upload("Prices", guests::PRICES).await;
        lines.extend(
            crowd::connect(&tenant)
                .await
                .into_iter()
                .map(|line| (number, line)),
        );
        tenants.push(tenant);
    }
    let mut random = Random::new(seed);
    let clock = send(CLIENT.get(format!("{}/_local/clock", stack.base_url())))
        .await
        .expect(200);
    let now: Timestamp = clock["now"].as_str().unwrap().parse().unwrap();
    let crowd = crowd::Crowd::plan(&mut random, lines, messages, now.millis() - 3_600_000);
    weather::gather(&stack, &mut random, messages).await;
    weather::gather_at_carriers(&stack, &mut random, messages).await;
    let kills = tokio::spawn(weather::kills(stack.base_url().to_owned(), random.number()));
    let taken = tokio::join!(
        crowd.write(&tenants),
        weather::calls_of_our_own(&stack),
        weather::owner(&stack, &tenants),
    )
    .0;
    kills.abort();
    let _aborted = kills.await;
    let weather = weather::clear(&stack).await;
    let redriven = quiet(&stack).await;
    let compared = crowd.compare(&tenants, &taken).await;
    let books = Books::read(&stack);
    let account = books.balance(&compared.stored);
    let left = books.left(&stack);
    println!("{}", weather.table());
    println!("redriven: {redriven}");
    println!("{}", compared.table());
    println!("{account}");
    println!("{left}");
    println!("{:.0} s", began.elapsed().as_secs_f64());
    let mut problems = compared.problems;
    problems.extend(left.problems());
    problems.extend(account.problems(messages, &weather));
    problems.truncate(40);
    explain(&stack, &problems);
    stack.shutdown().await;
    assert!(problems.is_empty(), "seed {seed}:\n{}", problems.join("\n"));
}

/// Waits until nothing is on its way, looking after dead letters meanwhile as the schedule does. Says what the
/// schedule did.
async fn quiet(stack: &Stack) -> serde_json::Value {
    let url = format!("{}/_local/schedule/redrive", stack.base_url());
    let mut done = json!({"handed_over": 0, "settled": 0, "sent": 0});
    let mut still = 0;
    for _ in 0..120 {
        let report = send(CLIENT.post(&url)).await.expect(200);
        for (name, total) in done.as_object_mut().unwrap() {
            *total = json!(total.as_u64().unwrap() + report["answer"][name].as_u64().unwrap_or(0));
        }
        let queues = stack.queues().store();
        let waiting: usize = queues
            .names()
            .map(|name| queues.messages(name).unwrap().len())
            .sum();
        still = if waiting == 0 { still + 1 } else { 0 };
        if still == 4 {
            return done;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("the queues never emptied");
}

/// What guests were told is stored, by message id.
type Stored = std::collections::BTreeMap<String, Acknowledged>;

/// A message with its copies, as planned.
type Plan = Vec<Vec<Message>>;
