//! The rules of queues, on a clock that the tests move.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use super::{NewMessage, SqsError, Store};
use crate::template::Queue;

fn queue(name: &str) -> Queue {
    Queue {
        name: name.to_owned(),
        fifo: name != "Plain",
        delay: Duration::ZERO,
        visibility: Duration::from_secs(30),
        retention: Duration::from_secs(10_000),
        dead_letters: None,
    }
}

fn store() -> Store {
    let first = Queue {
        dead_letters: Some(("Dead.fifo".to_owned(), 2)),
        ..queue("First.fifo")
    };
    let slow = Queue {
        delay: Duration::from_secs(2),
        ..queue("Slow.fifo")
    };
    Store::open(None, [first, slow, queue("Dead.fifo"), queue("Plain")]).unwrap()
}

fn send(store: &Store, queue: &str, group: &str, body: &str, now: i64) {
    let new = NewMessage {
        body: body.to_owned(),
        group: Some(group.to_owned()),
        deduplication: Some(body.to_owned()),
        ..NewMessage::default()
    };
    store.send(queue, &new, now).unwrap();
}

/// Bodies and receipts of what can be received now.
fn receive(store: &Store, queue: &str, limit: usize, now: i64) -> Vec<(String, String)> {
    let messages = store.receive(queue, limit, None, now).unwrap();
    messages
        .into_iter()
        .map(|m| (m.body, m.receipt.unwrap()))
        .collect()
}

fn bodies(received: &[(String, String)]) -> Vec<&str> {
    received.iter().map(|(body, _)| body.as_str()).collect()
}

#[test]
fn a_group_keeps_its_order_and_waits_for_what_is_in_flight() {
    let store = store();
    for (group, body) in [("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3")] {
        send(&store, "First.fifo", group, body, 0);
    }
    let first = receive(&store, "First.fifo", 2, 1);
    assert_eq!(bodies(&first), ["a1", "a2"]);
    assert_eq!(
        bodies(&receive(&store, "First.fifo", 10, 2)),
        ["b1"],
        "group a is blocked"
    );
    for (_, receipt) in &first {
        store.delete("First.fifo", receipt, 3).unwrap();
    }
    assert_eq!(bodies(&receive(&store, "First.fifo", 10, 4)), ["a3"]);
}

#[test]
fn a_failed_message_comes_back_first_after_its_visibility() {
    let store = store();
    send(&store, "First.fifo", "a", "a1", 0);
    send(&store, "First.fifo", "a", "a2", 0);
    let first = receive(&store, "First.fifo", 1, 0);
    assert!(receive(&store, "First.fifo", 10, 29_999).is_empty());
    assert_eq!(bodies(&receive(&store, "First.fifo", 10, 30_000)), ["a1", "a2"]);
    let (_, stale) = first.first().unwrap();
    store.delete("First.fifo", stale, 30_001).unwrap();
    assert_eq!(
        store.messages("First.fifo").unwrap().len(),
        2,
        "an old receipt deletes nothing"
    );
}

#[test]
fn an_expired_receipt_of_a_fifo_queue_deletes_nothing() {
    let store = store();
    send(&store, "First.fifo", "a", "a1", 0);
    let received = receive(&store, "First.fifo", 1, 0);
    let (_, receipt) = received.first().unwrap();
    assert!(matches!(
        store.delete("First.fifo", receipt, 40_000),
        Err(SqsError::Expired)
    ));
}

#[test]
fn the_queues_delay_hides_a_message_at_first() {
    let store = store();
    send(&store, "Slow.fifo", "a", "a1", 0);
    assert!(receive(&store, "Slow.fifo", 1, 1_999).is_empty());
    assert_eq!(store.next_visible_ms("Slow.fifo", 1_999).unwrap(), Some(2_000));
    assert_eq!(bodies(&receive(&store, "Slow.fifo", 1, 2_000)), ["a1"]);
}

#[test]
fn visibility_can_be_changed_while_in_flight() {
    let store = store();
    send(&store, "First.fifo", "a", "a1", 0);
    let received = receive(&store, "First.fifo", 1, 0);
    let (_, receipt) = received.first().unwrap();
    store.change_visibility("First.fifo", receipt, 0, 1).unwrap();
    assert_eq!(bodies(&receive(&store, "First.fifo", 1, 1)), ["a1"]);
    assert!(
        store.change_visibility("First.fifo", receipt, 0, 2).is_err(),
        "a newer receipt holds it"
    );
}

#[test]
fn duplicates_are_recognised_for_five_minutes_even_after_deletion() {
    let store = store();
    send(&store, "First.fifo", "a", "a1", 0);
    send(&store, "First.fifo", "a", "a1", 1);
    let received = receive(&store, "First.fifo", 10, 2);
    assert_eq!(bodies(&received), ["a1"]);
    let (_, receipt) = received.first().unwrap();
    store.delete("First.fifo", receipt, 3).unwrap();
    send(&store, "First.fifo", "a", "a1", 299_999);
    assert!(receive(&store, "First.fifo", 10, 300_000).is_empty());
    send(&store, "First.fifo", "a", "a1", 300_001);
    assert_eq!(bodies(&receive(&store, "First.fifo", 10, 300_002)), ["a1"]);
}

#[test]
fn what_is_received_too_often_goes_to_the_dead_letters_and_frees_its_group() {
    let store = store();
    send(&store, "First.fifo", "a", "poison", 0);
    for at in [0, 30_000] {
        assert_eq!(bodies(&receive(&store, "First.fifo", 10, at)), ["poison"]);
    }
    send(&store, "First.fifo", "a", "next", 40_000);
    assert_eq!(bodies(&receive(&store, "First.fifo", 10, 60_000)), ["next"]);
    let dead = store.receive("Dead.fifo", 10, None, 60_000).unwrap();
    let dead = dead.first().unwrap();
    assert_eq!(
        (dead.body.as_str(), dead.group.as_deref(), dead.sent_ms),
        ("poison", Some("a"), 0)
    );
}

#[test]
fn a_plain_queue_needs_no_group_and_forgets_after_its_retention() {
    let store = store();
    let new = NewMessage {
        body: "x".to_owned(),
        ..NewMessage::default()
    };
    store.send("Plain", &new, 0).unwrap();
    store.send("Plain", &new, 0).unwrap();
    assert_eq!(receive(&store, "Plain", 10, 0).len(), 2);
    assert!(receive(&store, "Plain", 10, 10_000_001).is_empty());
    assert!(store.messages("Plain").unwrap().is_empty());
}

#[test]
fn a_restart_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queues.db");
    let open = || Store::open(Some(&file), [queue("First.fifo")]).unwrap();
    let store = open();
    send(&store, "First.fifo", "a", "a1", 0);
    send(&store, "First.fifo", "a", "a2", 0);
    let received = receive(&store, "First.fifo", 1, 0);
    drop(store);
    let store = open();
    assert!(
        receive(&store, "First.fifo", 10, 1).is_empty(),
        "a1 is still in flight"
    );
    let (_, receipt) = received.first().unwrap();
    store.delete("First.fifo", receipt, 2).unwrap();
    send(&store, "First.fifo", "a", "a1", 3);
    assert_eq!(
        bodies(&receive(&store, "First.fifo", 10, 4)),
        ["a2"],
        "a1 again is a duplicate"
    );
}

#[test]
fn a_start_takes_back_what_the_last_run_was_working_on() {
    let store = store();
    send(&store, "First.fifo", "a", "a1", 0);
    send(&store, "Slow.fifo", "a", "s1", 0);
    assert_eq!(bodies(&receive(&store, "First.fifo", 1, 0)), ["a1"]);
    store.release_in_flight(1).unwrap();
    assert_eq!(bodies(&receive(&store, "First.fifo", 1, 1)), ["a1"]);
    assert!(
        receive(&store, "Slow.fifo", 1, 1).is_empty(),
        "a delay is not cut short"
    );
}
