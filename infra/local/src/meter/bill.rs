//! What a reading of the meter costs.

use serde::Serialize;

use super::prices::Prices;
use super::{CallLine, Reading, RunLine};

const MILLION: f64 = 1e6;
const GB: f64 = 1e9;
const MIB_PER_GIB: f64 = 1024.0;

/// USD by what they are paid for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Bill {
    /// Read and write request units.
    pub dynamodb: f64,
    /// Requests at the HTTP API.
    pub http_api: f64,
    /// Invocations.
    pub lambda_requests: f64,
    /// Memory for the time that functions ran. Of a debug build on this machine: an upper bound.
    pub lambda_duration: f64,
    /// Requests to queues, the reader's included.
    pub sqs: f64,
    /// Requests to KMS.
    pub kms: f64,
    /// Requests to S3.
    pub s3: f64,
    /// Logs taken in.
    pub logs: f64,
}

impl Bill {
    /// What `reading` costs.
    pub fn of(reading: &Reading, prices: &Prices) -> Self {
        let mut bill = Self::default();
        for line in &reading.calls {
            bill.add_call(line, prices);
        }
        for line in &reading.invocations {
            bill.add_runs(line, reading, prices);
        }
        bill.logs = reading
            .log_bytes
            .values()
            .map(|bytes| number(*bytes))
            .sum::<f64>()
            / GB
            * prices.logs_per_gb;
        bill
    }

    /// Everything.
    pub fn total(&self) -> f64 {
        self.without_duration() + self.lambda_duration
    }

    /// Everything that does not depend on how fast this machine is.
    pub fn without_duration(&self) -> f64 {
        self.dynamodb + self.http_api + self.lambda_requests + self.sqs + self.kms + self.s3 + self.logs
    }

    /// Names and amounts, in the order of a bill.
    pub fn items(&self) -> [(&'static str, f64); 8] {
        [
            ("dynamodb", self.dynamodb),
            ("http_api", self.http_api),
            ("lambda_requests", self.lambda_requests),
            ("lambda_duration", self.lambda_duration),
            ("sqs", self.sqs),
            ("kms", self.kms),
            ("s3", self.s3),
            ("logs", self.logs),
        ]
    }

    fn add_call(&mut self, line: &CallLine, prices: &Prices) {
        let millions = number(line.usage.requests) / MILLION;
        match line.kind.service {
            "dynamodb" => {
                self.dynamodb += line.usage.read_units / MILLION * prices.dynamodb_read_per_million;
                self.dynamodb += line.usage.write_units / MILLION * prices.dynamodb_write_per_million;
            }
            "sqs" if line.kind.resource.strip_suffix(".fifo").is_some() => {
                self.sqs += millions * prices.sqs_fifo_per_million;
            }
            "sqs" => self.sqs += millions * prices.sqs_standard_per_million,
            "kms" => self.kms += millions * prices.kms_per_million,
            "s3" if line.kind.operation == "GET" || line.kind.operation == "HEAD" => {
                self.s3 += millions * prices.s3_get_per_million;
            }
            // Deleting is free.
            "s3" if line.kind.operation != "DELETE" => self.s3 += millions * prices.s3_put_per_million,
            _ => {}
        }
    }

    fn add_runs(&mut self, line: &RunLine, reading: &Reading, prices: &Prices) {
        let millions = number(line.runs.invocations) / MILLION;
        self.lambda_requests += millions * prices.lambda_requests_per_million;
        let memory = reading
            .memory_mib
            .get(&line.cause.function)
            .copied()
            .unwrap_or_default();
        let gb_seconds = number(line.runs.milliseconds) / 1000.0 * f64::from(memory) / MIB_PER_GIB;
        self.lambda_duration += gb_seconds * prices.lambda_gb_second;
        // A trigger that begins with a method is a route.
        if line.cause.trigger.contains(" /") {
            self.http_api += millions * prices.http_api_per_million;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of one run are far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::{Cause, Kind, Runs, Usage};
    use super::*;

    #[test]
    fn a_bill_adds_up_by_hand() {
        let cause = |trigger: &str| Cause {
            function: "f".to_owned(),
            trigger: trigger.to_owned(),
        };
        let call = |service, operation: &str, resource: &str, usage| CallLine {
            kind: Kind {
                cause: cause("POST /x"),
                service,
                operation: operation.to_owned(),
                resource: resource.to_owned(),
            },
            usage,
        };
        let requests = |requests| Usage {
            requests,
            ..Usage::default()
        };
        let units = Usage {
            read_units: 2e6,
            write_units: 1e6,
            ..Usage::default()
        };
        let reading = Reading {
            calls: vec![
                call("dynamodb", "PutItem", "T", units),
                call("sqs", "SendMessage", "Q.fifo", requests(1_000_000)),
                call("sqs", "SendMessage", "Q", requests(1_000_000)),
                call("kms", "Decrypt", "", requests(1_000_000)),
                call("s3", "PUT", "B", requests(1_000_000)),
                call("s3", "GET", "B", requests(1_000_000)),
                call("s3", "DELETE", "B", requests(1_000_000)),
                call("sts", "AssumeRole", "", requests(1_000_000)),
            ],
            invocations: vec![RunLine {
                cause: cause("POST /x"),
                runs: Runs {
                    invocations: 1_000_000,
                    milliseconds: 4000,
                },
            }],
            log_bytes: [("f".to_owned(), 2_000_000_000)].into(),
            memory_mib: [("f".to_owned(), 256)].into(),
        };
        let bill = Bill::of(&reading, &Prices::listed().unwrap());
        let cents = bill.items().map(|(name, usd)| (name, (usd * 1e4).round() / 1e4));
        let expected = [
            ("dynamodb", 0.875),
            ("http_api", 1.0),
            ("lambda_requests", 0.2),
            ("lambda_duration", 0.0),
            ("sqs", 0.9),
            ("kms", 3.0),
            ("s3", 5.4),
            ("logs", 1.0),
        ];
        assert_eq!(cents, expected);
        assert!((bill.lambda_duration - 1.333_34e-5).abs() < 1e-12);
    }
}
