//! Faults as the unmodified SDK meets them.

use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::{AttributeValue, Put, PutRequest, TransactWriteItem, WriteRequest};
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kms::primitives::Blob;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

use super::{get, guest, has_row, memory, post, until};
use crate::Stack;

macro_rules! client {
    ($sdk:ident, $stack:expr, $endpoint:ident) => {{
        let keys = $stack.operator_credentials();
        let token = Some(keys.session_token.clone());
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(Duration::from_millis(500))
            .build();
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::from_static($stack.region()))
                .endpoint_url(&$stack.endpoints().$endpoint)
                .credentials_provider(Credentials::new(
                    &keys.access_key_id,
                    &keys.secret_access_key,
                    token,
                    None,
                    "test",
                ))
                .http_client(aws_smithy_http_client::Builder::new().build_http())
                .timeout_config(timeouts)
                .build(),
        )
    }};
}

/// Asks for a fault that strikes this test's own calls.
async fn fault(stack: &Stack, mut fault: Value) {
    fault["function"] = json!("operator");
    let (status, body) = post(stack, "/_local/fault", &fault).await;
    assert_eq!(status, 200, "{body}");
}

fn item(sk: &str) -> HashMap<String, AttributeValue> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    HashMap::from([("pk".to_owned(), text("tn_1")), ("sk".to_owned(), text(sk))])
}

/// Puts a new row; gives the code of the error.
async fn put(database: &aws_sdk_dynamodb::Client, sk: &str) -> Result<(), String> {
    let put = database
        .put_item()
        .table_name("InboxTable")
        .set_item(Some(item(sk)));
    let sent = put.condition_expression("attribute_not_exists(pk)").send().await;
    let code = |error: &aws_sdk_dynamodb::error::SdkError<_, _>| {
        let code = error
            .as_service_error()
            .and_then(aws_sdk_dynamodb::operation::put_item::PutItemError::code);
        code.unwrap_or("unreachable").to_owned()
    };
    sent.map(|_| ()).map_err(|error| code(&error))
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_fail_as_they_fail_in_the_cloud() {
    let (stack, _functions) = memory().await;
    let database = client!(aws_sdk_dynamodb, stack, dynamodb);
    let on_put = |kind: &str, count: u32| json!({"service": "dynamodb", "operation": "PutItem", "kind": kind, "count": count});

    for kind in ["throttle", "500"] {
        fault(&stack, on_put(kind, 1)).await;
        assert_eq!(put(&database, kind).await, Ok(()), "{kind}: the SDK tries again");
    }
    fault(&stack, on_put("throttle", 3)).await;
    let throttled = put(&database, "often").await.unwrap_err();
    assert_eq!(throttled, "ProvisionedThroughputExceededException");
    fault(&stack, on_put("denied", 1)).await;
    assert_eq!(
        put(&database, "denied").await.unwrap_err(),
        "AccessDeniedException"
    );
    fault(&stack, on_put("conflict", 1)).await;
    assert_eq!(
        put(&database, "conflict").await.unwrap_err(),
        "TransactionConflictException"
    );
    // Never applied: the second attempt is the first that counts.
    fault(&stack, on_put("timeout", 1)).await;
    assert_eq!(put(&database, "timeout").await, Ok(()));
    // Applied: the second attempt finds what the first has done.
    for kind in ["timeout-after", "drop-response"] {
        fault(&stack, on_put(kind, 1)).await;
        assert_eq!(
            put(&database, kind).await.unwrap_err(),
            "ConditionalCheckFailedException"
        );
        assert!(has_row(&stack, kind));
    }
    for gone in ["often", "denied", "conflict"] {
        assert!(!has_row(&stack, gone), "{gone}");
    }
    let (_, list) = get(&stack, "/_local/fault").await;
    assert_eq!(list["pending"], json!([]));
    let of = |kind: &str| {
        let injected = list["injected"].as_array().unwrap();
        injected.iter().find(|one| one["kind"] == kind).unwrap()["count"].clone()
    };
    assert_eq!((of("throttle"), of("denied")), (json!(4), json!(1)));
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_transactions_and_reads_have_faults_of_their_own() {
    let (stack, _functions) = memory().await;
    let database = client!(aws_sdk_dynamodb, stack, dynamodb);
    fault(&stack, json!({"service": "dynamodb", "kind": "unprocessed"})).await;
    let write = |sk: &str| {
        let put = PutRequest::builder().set_item(Some(item(sk))).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    };
    let batch = database
        .batch_write_item()
        .request_items("InboxTable", vec![write("a"), write("b")]);
    let left = batch.send().await.unwrap().unprocessed_items.unwrap();
    assert_eq!(left["InboxTable"].len(), 1);
    assert!(has_row(&stack, "a") && !has_row(&stack, "b"));

    fault(
        &stack,
        json!({"service": "dynamodb", "kind": "conflict", "operation": "TransactWriteItems"}),
    )
    .await;
    let put_c = Put::builder()
        .table_name("InboxTable")
        .set_item(Some(item("c")))
        .build()
        .unwrap();
    let transaction = database
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().put(put_c).build());
    let canceled = transaction.send().await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(canceled) = canceled else {
        panic!("{canceled}");
    };
    assert_eq!(
        canceled.cancellation_reasons()[0].code(),
        Some("TransactionConflict")
    );

    fault(
        &stack,
        json!({"service": "dynamodb", "kind": "stale", "operation": "GetItem", "count": 1}),
    )
    .await;
    put(&database, "fresh").await.unwrap();
    let read = |consistent| {
        let read = database
            .get_item()
            .table_name("InboxTable")
            .consistent_read(consistent);
        read.set_key(Some(item("fresh"))).send()
    };
    assert!(
        read(true).await.unwrap().item.is_some(),
        "a consistent read is never stale"
    );
    assert!(read(false).await.unwrap().item.is_none());
    assert!(read(false).await.unwrap().item.is_some(), "once");

    let kms = client!(aws_sdk_kms, stack, kms);
    let key = stack.key_arn("SealingKey").unwrap();
    let encrypt = || kms.encrypt().key_id(key).plaintext(Blob::new("x")).send();
    fault(&stack, json!({"service": "kms", "kind": "throttle"})).await;
    assert!(encrypt().await.is_ok());
    fault(&stack, json!({"service": "kms", "kind": "pending-deletion"})).await;
    assert!(
        encrypt()
            .await
            .unwrap_err()
            .into_service_error()
            .is_kms_invalid_state_exception()
    );
    fault(&stack, json!({"service": "kms", "kind": "denied"})).await;
    let denied = encrypt().await.unwrap_err().into_service_error();
    assert_eq!(denied.code(), Some("AccessDeniedException"));
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ttl_lags_as_long_as_it_is_told_to() {
    let (stack, _functions) = memory().await;
    let database = client!(aws_sdk_dynamodb, stack, dynamodb);
    let ends = stack.clock().now_ms() / 1000 + 60;
    let put = database
        .put_item()
        .table_name("InboxTable")
        .set_item(Some(item("ends")));
    put.item("expires_at", AttributeValue::N(ends.to_string()))
        .send()
        .await
        .unwrap();
    let (status, _) = post(
        &stack,
        "/_local/fault",
        &json!({"service": "dynamodb", "kind": "ttl-lag", "delay": "3d"}),
    )
    .await;
    assert_eq!(status, 200);
    post(&stack, "/_local/clock", &json!({"advance": "2d"})).await;
    assert!(has_row(&stack, "ends"));
    post(&stack, "/_local/clock", &json!({"advance": "2d"})).await;
    assert!(!has_row(&stack, "ends"));
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_queues_and_kills_repeat_work_and_lose_none() {
    let (stack, _functions) = memory().await;
    let counts = async |function: &str, name: &str| {
        let (_, health) = get(&stack, "/_local/health").await;
        health["functions"][function][name].as_u64().unwrap()
    };
    // Opens the guest's session too.
    guest(&stack, "before").await;
    until("the first answer", || has_row(&stack, "answer to before")).await;
    let (dispatched, replied) = (
        counts("dispatch", "invocations").await,
        counts("reply", "invocations").await,
    );
    for body in [
        json!({"service": "stream", "operation": "InboxTable", "kind": "duplicate"}),
        json!({"service": "queue", "operation": "ReplyQueue.fifo", "kind": "late", "delay": "300ms"}),
        json!({"service": "lambda", "function": "reply", "kind": "duplicate"}),
    ] {
        assert_eq!(post(&stack, "/_local/fault", &body).await.0, 200);
    }
    let (status, _) = post(&stack, "/_local/kill/inbound", &json!({"at": "answer"})).await;
    assert_eq!(status, 200);
    assert_eq!(
        guest(&stack, "hello").await["status"],
        500,
        "written, and the answer lost"
    );
    until("the answer", || has_row(&stack, "answer to hello")).await;
    assert_eq!(counts("inbound", "kills").await, 1);
    assert_eq!(
        counts("dispatch", "invocations").await,
        dispatched + 2,
        "the batch came twice"
    );
    assert_eq!(
        counts("reply", "invocations").await,
        replied + 2,
        "the event came twice"
    );
    let (_, killed) = post(
        &stack,
        "/_local/kill/inbound",
        &json!({"at": "call", "after_calls": 0}),
    )
    .await;
    assert_eq!(killed["at"], "call");
    assert_eq!(guest(&stack, "again").await["status"], 500);
    assert!(!has_row(&stack, "again"), "killed before its call was applied");
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_wrongly_is_refused_by_field() {
    let (stack, _functions) = memory().await;
    for (path, body, field) in [
        (
            "/_local/fault",
            json!({"service": "dynamo", "kind": "500"}),
            "service",
        ),
        ("/_local/fault", json!({"service": "sqs"}), "kind"),
        (
            "/_local/fault",
            json!({"service": "sqs", "kind": "500", "cuont": 3}),
            "cuont",
        ),
        (
            "/_local/fault",
            json!({"service": "queue", "kind": "late", "operation": "None"}),
            "operation",
        ),
        ("/_local/kill/reply", json!({"at": "noon"}), "at"),
        ("/_local/kill/reply", json!({"count": 2}), "count"),
        (
            "/_local/kill/reply",
            json!({"at": "answer", "after_calls": 2}),
            "after_calls",
        ),
        (
            "/_local/kill/reply",
            json!({"at": "answer", "probability": 0}),
            "probability",
        ),
    ] {
        let (status, answer) = post(&stack, path, &body).await;
        assert_eq!(
            (status, &answer["errors"][0]["field"]),
            (422, &json!(field)),
            "{body}: {answer}"
        );
    }
    let (status, _) = post(&stack, "/_local/kill/nobody", &json!({})).await;
    assert_eq!(status, 404);
    stack.shutdown().await;
}
