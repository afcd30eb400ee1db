//! Batches from queues: groups run side by side, jobs of one group in order, and a failure fails its own
//! group alone. In a standard queue each job is a group of its own.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::panic::AssertUnwindSafe;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::FutureExt as _;
use futures_util::future::join_all;

use crate::deadline::Deadline;

/// Works through a batch. `work` gets the body of each job; what it refuses is reported to the queue
/// together with every later job of its group, which must not overtake it.
pub async fn run_batch<W, F, E>(event: SqsEvent, deadline: Deadline, work: W) -> SqsBatchResponse
where
    W: Fn(String) -> F,
    F: Future<Output = Result<(), E>>,
    E: Display,
{
    let mut groups: BTreeMap<String, Vec<SqsMessage>> = BTreeMap::new();
    for message in event.records {
        let group = message
            .attributes
            .get("MessageGroupId")
            .or(message.message_id.as_ref());
        let group = group.cloned().unwrap_or_default();
        groups.entry(group).or_default().push(message);
    }
    let failed = join_all(
        groups
            .into_values()
            .map(|group| run_group(group, deadline, &work)),
    )
    .await;
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failed.into_iter().flatten().collect();
    response
}

async fn run_group<W, F, E>(group: Vec<SqsMessage>, deadline: Deadline, work: &W) -> Vec<BatchItemFailure>
where
    W: Fn(String) -> F,
    F: Future<Output = Result<(), E>>,
    E: Display,
{
    let mut jobs = group.into_iter();
    while let Some(job) = jobs.next() {
        let id = job.message_id.unwrap_or_default();
        // A panic fails this job and leaves the other groups alone. Nothing of the job is used afterwards.
        let attempt = AssertUnwindSafe(deadline.run(work(job.body.unwrap_or_default())))
            .catch_unwind()
            .await;
        let error = match attempt {
            Ok(Ok(Ok(()))) => continue,
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(time_up)) => time_up.to_string(),
            Err(_) => "panicked".to_owned(),
        };
        tracing::error!(queue.message_id = id, error, "job failed");
        let later = jobs.map(|job| job.message_id.unwrap_or_default());
        return std::iter::once(id).chain(later).map(failure).collect();
    }
    Vec::new()
}

fn failure(id: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = id;
    failure
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    fn event(jobs: &[(&str, &str)]) -> SqsEvent {
        let records: Vec<_> = jobs
            .iter()
            .enumerate()
            .map(|(n, (group, body))| {
                json!({"messageId": format!("m{n}"), "body": body, "attributes": {"MessageGroupId": group},
                       "messageAttributes": {}, "eventSource": "aws:sqs"})
            })
            .collect();
        serde_json::from_value(json!({ "Records": records })).unwrap()
    }

    fn far() -> Deadline {
        Deadline::from_millis(u64::MAX)
    }

    async fn failures(jobs: &[(&str, &str)], deadline: Deadline) -> Vec<String> {
        let response = run_batch(event(jobs), deadline, |body| async move {
            match body.as_str() {
                "ok" => Ok(()),
                "panic" => panic!("a job panics"),
                "slow" => {
                    tokio::time::sleep(Duration::from_mins(1)).await;
                    Ok(())
                }
                _ => Err("refused"),
            }
        })
        .await;
        response
            .batch_item_failures
            .into_iter()
            .map(|failure| failure.item_identifier)
            .collect()
    }

    #[tokio::test]
    async fn a_failure_fails_the_rest_of_its_group_and_no_other() {
        let jobs = [
            ("a", "ok"),
            ("b", "bad"),
            ("a", "ok"),
            ("b", "ok"),
            ("c", "panic"),
            ("c", "ok"),
        ];
        assert_eq!(failures(&jobs, far()).await, ["m1", "m3", "m4", "m5"]);
        assert_eq!(failures(&[("a", "ok")], far()).await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn what_does_not_end_in_time_is_reported_and_not_waited_for() {
        let soon = u64::try_from(crate::clock::wall_now().millis()).unwrap() + 450;
        assert_eq!(
            failures(&[("a", "slow"), ("b", "ok")], Deadline::from_millis(soon)).await,
            ["m0"]
        );
    }
}
