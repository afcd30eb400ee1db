//! What goes wrong in a storm: a fault of every kind, each under a seed of its own, and kills.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use usher_local::Stack;

use super::Random;
use crate::harness::{CLIENT, Tenant, send};

/// Service, kind, likelihood in thousandths, and what else is to be said.
const FAULTS: &[(&str, &str, u64, &str)] = &[
    ("dynamodb", "throttle", 6, "{}"),
    ("dynamodb", "500", 4, "{}"),
    ("dynamodb", "timeout", 2, r#"{"delay": "200ms"}"#),
    ("dynamodb", "timeout-after", 2, r#"{"delay": "200ms"}"#),
    ("dynamodb", "drop-response", 4, "{}"),
    ("dynamodb", "denied", 1, "{}"),
    ("dynamodb", "conflict", 6, "{}"),
    ("dynamodb", "stale", 300, "{}"),
    ("dynamodb", "kill", 2, "{}"),
    ("dynamodb", "kill-after", 3, "{}"),
    ("sqs", "throttle", 20, "{}"),
    ("sqs", "500", 20, "{}"),
    ("sqs", "timeout", 10, r#"{"delay": "200ms"}"#),
    ("sqs", "timeout-after", 10, r#"{"delay": "200ms"}"#),
    ("sqs", "drop-response", 20, "{}"),
    ("sqs", "kill", 10, "{}"),
    ("sqs", "kill-after", 10, "{}"),
    ("kms", "throttle", 30, "{}"),
    ("kms", "500", 20, "{}"),
    ("kms", "denied", 10, "{}"),
    ("kms", "pending-deletion", 10, "{}"),
    ("kms", "drop-response", 20, "{}"),
    ("sts", "throttle", 20, "{}"),
    ("sts", "500", 20, "{}"),
    ("sts", "drop-response", 10, "{}"),
    ("stream", "late", 60, r#"{"delay": "700ms"}"#),
    ("stream", "duplicate", 100, "{}"),
    ("stream", "reorder", 300, "{}"),
    ("queue", "late", 30, r#"{"delay": "1500ms"}"#),
    ("queue", "duplicate", 40, "{}"),
    ("lambda", "duplicate", 60, "{}"),
    ("lambda", "kill", 20, "{}"),
];
/// Faults that strike a few times for certain: what meets them is rare.
const CERTAIN: &[(&str, &str, &str)] = &[
    ("s3", "500", r#"{"operation": "UploadPart", "count": 2}"#),
    ("s3", "throttle", r#"{"count": 2}"#),
    (
        "dynamodb",
        "unprocessed",
        r#"{"operation": "BatchGetItem", "function": "operator"}"#,
    ),
    ("lambda", "kill", r#"{"function": "exports"}"#),
    // Some jobs fail so often that they become dead letters.
    ("lambda", "kill", r#"{"function": "reply", "probability": 0.1}"#),
    ("lambda", "kill", r#"{"function": "deliver", "probability": 0.1}"#),
    ("dynamodb", "ttl-lag", r#"{"delay": "3d"}"#),
];
const FUNCTIONS: [&str; 6] = ["inbound", "dispatch", "reply", "deliver", "inbox", "mail"];
const CARRIERS: [&str; 3] = ["meta", "twilio", "ses"];
/// Kind, and likelihood in thousandths.
const AT_CARRIERS: [(&str, u64); 4] = [
    ("throttle", 30),
    ("500", 20),
    ("timeout-after", 10),
    ("drop-response", 20),
];

/// Asks for every fault.
pub(super) async fn gather(stack: &Stack, random: &mut Random, messages: usize) {
    let seeded = FAULTS.iter().map(|(service, kind, thousandths, more)| {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let mut fault = json!({"probability": *thousandths as f64 / 1000.0});
        merge(&mut fault, more);
        (service, kind, fault)
    });
    // Once for certain, so that a small storm meets every kind too.
    let once = FAULTS.iter().map(|(service, kind, _, more)| {
        let mut fault = json!({"once": true});
        merge(&mut fault, more);
        (service, kind, fault)
    });
    let certain = CERTAIN.iter().map(|(service, kind, more)| {
        let mut fault = json!({});
        merge(&mut fault, more);
        (service, kind, fault)
    });
    for (service, kind, mut fault) in seeded.chain(once).chain(certain) {
        fault["service"] = json!(service);
        fault["kind"] = json!(kind);
        if fault.as_object_mut().unwrap().remove("once").is_some() {
            fault["skip"] = json!(random.below(10));
        }
        if fault.get("probability").is_some() {
            fault["seed"] = json!(random.number() >> 12);
            // A storm, not the end of the world.
            fault["count"] = json!(messages.max(20));
        }
        let url = format!("{}/_local/fault", stack.base_url());
        send(CLIENT.post(url).json(&fault)).await.expect(200);
    }
}

/// Carriers have bad days as well.
pub(super) async fn gather_at_carriers(stack: &Stack, random: &mut Random, messages: usize) {
    for carrier in CARRIERS {
        for (kind, thousandths) in AT_CARRIERS {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let mut fault = json!({"service": "carrier", "operation": carrier, "kind": kind,
                "probability": thousandths as f64 / 1000.0, "seed": random.number() >> 12, "count": messages.max(20)});
            if kind == "timeout-after" {
                fault["delay"] = json!("100ms");
            }
            let url = format!("{}/_local/fault", stack.base_url());
            send(CLIENT.post(url).json(&fault)).await.expect(200);
        }
    }
}

fn merge(fault: &mut Value, more: &str) {
    let more: Value = serde_json::from_str(more).unwrap();
    for (name, value) in more.as_object().unwrap() {
        fault[name] = value.clone();
    }
}

/// Kills functions at random moments until it is aborted.
pub(super) async fn kills(base: String, seed: u64) {
    let mut random = Random::new(seed);
    loop {
        tokio::time::sleep(Duration::from_millis(500 + random.below(2_000))).await;
        let function = FUNCTIONS[usize::try_from(random.below(6)).unwrap()];
        send(CLIENT.post(format!("{base}/_local/kill/{function}")))
            .await
            .expect(200);
    }
}

/// The product asks for no batches; the storm does it itself, so that every kind of fault is met.
pub(super) async fn calls_of_our_own(stack: &Stack) {
    let key = &stack.operator_credentials().access_key_id;
    let keys: Vec<Value> = (0..2)
        .map(|n| json!({"pk": {"S": "nobody"}, "sk": {"S": n.to_string()}}))
        .collect();
    let answer = CLIENT
        .post(&stack.endpoints().dynamodb)
        .header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/x/aws4_request, SignedHeaders=host, Signature=0"),
        )
        .header("x-amz-date", "20260101T000000Z")
        .header("x-amz-target", "DynamoDB_20120810.BatchGetItem")
        .header("content-type", "application/x-amz-json-1.0")
        .body(json!({"RequestItems": {"InboxTable": {"Keys": keys}}}).to_string());
    let answer = send(answer).await.expect(200);
    assert_eq!(
        answer["UnprocessedKeys"]["InboxTable"]["Keys"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

/// The business looks on, and takes a copy: files are written in the storm too. It stays until the faults of
/// files have struck: a worker that is killed often enough would otherwise come to write only after the storm.
pub(super) async fn owner(stack: &Stack, tenants: &[Tenant]) {
    for tenant in tenants {
        take_a_copy(tenant).await;
    }
    let faults = format!("{}/_local/fault", stack.base_url());
    for number in 1..=600 {
        let weather = Weather(send(CLIENT.get(&faults)).await.expect(200));
        let files = CERTAIN.iter().filter(|(service, ..)| *service == "s3");
        if files.clone().all(|(_, kind, _)| weather.struck("s3", kind) > 0) {
            return;
        }
        // The job may have become a dead letter; one that ended before all faults had struck makes room.
        if number % 50 == 0 {
            for tenant in tenants {
                take_a_copy(tenant).await;
            }
            let redrive = format!("{}/_local/schedule/redrive", stack.base_url());
            let _only_some_runs_survive = send(CLIENT.post(redrive)).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Asks for an export until it is written down, or one is running.
async fn take_a_copy(tenant: &Tenant) {
    for _ in 0..200 {
        let body = json!({"kind": "conversations_ndjson"});
        let asked = tenant.request(reqwest::Method::POST, "/v1/exports").json(&body);
        let asked = send(asked).await;
        if asked.status.is_success() || asked.status == 409 {
            return;
        }
        assert!(asked.status.is_server_error(), "{}", asked.body);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What came of it.
pub(super) struct Weather(Value);

/// The weather clears.
pub(super) async fn clear(stack: &Stack) -> Weather {
    let url = format!("{}/_local/fault", stack.base_url());
    let list = send(CLIENT.get(&url)).await.expect(200);
    send(CLIENT.delete(&url)).await.expect(200);
    Weather(list)
}

impl Weather {
    /// How often a function was killed or crashed.
    pub(super) fn deaths(&self, function: &str) -> u64 {
        let counts = &self.0["functions"][function];
        counts["crashes"].as_u64().unwrap() + counts["timeouts"].as_u64().unwrap()
    }

    /// How often a carrier's answer said nothing of whether a message left.
    pub(super) fn doubts(&self) -> u64 {
        ["500", "timeout-after", "drop-response"]
            .into_iter()
            .map(|kind| self.struck("carrier", kind))
            .sum()
    }

    fn struck(&self, service: &str, kind: &str) -> u64 {
        let injected = self.0["injected"].as_array().unwrap().iter();
        injected
            .filter(|one| one["service"] == service && one["kind"] == kind)
            .map(|one| one["count"].as_u64().unwrap())
            .sum()
    }

    /// Kinds that never struck.
    pub(super) fn missing(&self) -> Vec<String> {
        let all = FAULTS.iter().map(|(service, kind, ..)| (service, kind));
        let certain = CERTAIN.iter().map(|(service, kind, _)| (service, kind));
        all.chain(certain)
            .filter(|(_, kind)| **kind != "ttl-lag")
            .filter(|(service, kind)| self.struck(service, kind) == 0)
            .map(|(service, kind)| format!("{service} {kind}"))
            .collect()
    }

    /// Counts per fault and function.
    pub(super) fn table(&self) -> String {
        let mut text = String::from("faults:\n");
        let mut seen = Vec::new();
        let all = FAULTS.iter().map(|(service, kind, ..)| (service, kind));
        for (service, kind) in all.chain(CERTAIN.iter().map(|(service, kind, _)| (service, kind))) {
            if !seen.contains(&(service, kind)) && *kind != "ttl-lag" {
                seen.push((service, kind));
                writeln!(
                    text,
                    "  {service:<9} {kind:<17} {:>5}",
                    self.struck(service, kind)
                )
                .unwrap();
            }
        }
        for (kind, _) in AT_CARRIERS {
            writeln!(
                text,
                "  {:<9} {kind:<17} {:>5}",
                "carrier",
                self.struck("carrier", kind)
            )
            .unwrap();
        }
        writeln!(text, "  ttl-lag of {} ms", self.0["ttl_lag_ms"]).unwrap();
        for (function, counts) in self.0["functions"].as_object().unwrap() {
            writeln!(
                text,
                "  {function:<9} killed {}, crashed {}, timed out {}",
                counts["kills"], counts["crashes"], counts["timeouts"]
            )
            .unwrap();
        }
        text
    }
}
