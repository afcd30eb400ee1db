#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;

fn check(body: Value) -> Result<Fault, InvalidFault> {
    let wanted: Wanted = serde_json::from_value(body).unwrap();
    wanted.check(&["reply"], &["InboxTable"], &["ReplyQueue.fifo"])
}

#[test]
fn a_fault_strikes_once_unless_told_otherwise() {
    let fault = check(json!({"service": "dynamodb", "operation": "PutItem", "kind": "throttle"})).unwrap();
    assert_eq!((fault.count, fault.skip, fault.probability), (Some(1), 0, None));
    let fault = check(json!({"service": "kms", "kind": "denied", "probability": 0.5, "seed": 7})).unwrap();
    assert_eq!((fault.count, fault.seed), (None, 7));
    let fault = check(json!({"service": "sqs", "kind": "timeout", "delay": "300ms"})).unwrap();
    assert_eq!(fault.delay, Duration::from_millis(300));
}

#[test]
fn what_makes_no_sense_is_refused_by_field() {
    for (body, field) in [
        (json!({"service": "dynamo", "kind": "throttle"}), "service"),
        (json!({"service": "dynamodb", "kind": "slow"}), "kind"),
        (json!({"service": "sqs", "kind": "stale"}), "kind"),
        (json!({"service": "lambda", "kind": "throttle"}), "kind"),
        (
            json!({"service": "dynamodb", "kind": "stale", "operation": "PutItem"}),
            "operation",
        ),
        (
            json!({"service": "stream", "kind": "late", "operation": "KeysTable"}),
            "operation",
        ),
        (
            json!({"service": "lambda", "kind": "kill", "operation": "x"}),
            "operation",
        ),
        (
            json!({"service": "sqs", "kind": "500", "function": "rely"}),
            "function",
        ),
        (json!({"service": "sqs", "kind": "500", "count": 0}), "count"),
        (
            json!({"service": "sqs", "kind": "500", "probability": 1.5}),
            "probability",
        ),
        (json!({"service": "sqs", "kind": "500", "seed": 1}), "seed"),
        (json!({"service": "sqs", "kind": "500", "delay": "1s"}), "delay"),
        (
            json!({"service": "sqs", "kind": "timeout", "delay": "0ms"}),
            "delay",
        ),
    ] {
        assert_eq!(check(body.clone()).unwrap_err().field, field, "{body}");
    }
}

#[test]
fn ttl_lags_by_a_week_at_most() {
    let lag = |body: Value| serde_json::from_value::<Wanted>(body).unwrap().ttl_lag();
    let body = |delay: &str| json!({"service": "dynamodb", "kind": "ttl-lag", "delay": delay});
    assert_eq!(lag(body("3d")).unwrap().unwrap(), Duration::from_hours(72));
    assert_eq!(lag(body("8d")).unwrap().unwrap_err().field, "delay");
    assert_eq!(
        lag(json!({"service": "s3", "kind": "ttl-lag"}))
            .unwrap()
            .unwrap_err()
            .field,
        "service"
    );
    assert!(lag(json!({"service": "dynamodb", "kind": "throttle"})).is_none());
}
