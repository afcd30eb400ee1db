//! The emulated services through the unmodified SDK.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_sdk_kms::primitives::Blob;
use serde_json::json;

use super::{function, get, guest, has_row, memory, options, post, root, until};
use crate::callers::Credentials as Keys;
use crate::{Data, Options, Stack, start};

fn keys(keys: &Keys) -> Credentials {
    let token = Some(keys.session_token.clone());
    Credentials::new(&keys.access_key_id, &keys.secret_access_key, token, None, "test")
}

fn http() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

macro_rules! client {
    ($sdk:ident, $stack:expr, $endpoint:ident) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::from_static($stack.region()))
                .endpoint_url(&$stack.endpoints().$endpoint)
                .credentials_provider(keys($stack.operator_credentials()))
                .http_client(http())
                .build(),
        )
    };
}

async fn put_expiring(stack: &Stack, sk: &str, expires_at: i64) {
    client!(aws_sdk_dynamodb, stack, dynamodb)
        .put_item()
        .table_name("InboxTable")
        .item("pk", AttributeValue::S("tn_1".to_owned()))
        .item("sk", AttributeValue::S(sk.to_owned()))
        .item("expires_at", AttributeValue::N(expires_at.to_string()))
        .send()
        .await
        .unwrap();
}

async fn sweeps(stack: &Stack) {
    let now = stack.clock().now_ms() / 1000;
    put_expiring(stack, "month", now + 30 * 86_400).await;
    put_expiring(stack, "year", now + 365 * 86_400).await;
    let (_, moved) = post(stack, "/_local/clock", &json!({"advance": "31d"})).await;
    assert_eq!(moved["items_expired"], 1, "{moved}");
    assert!(!has_row(stack, "month") && has_row(stack, "year"));
}

#[tokio::test(flavor = "multi_thread")]
async fn moving_the_clock_sweeps_what_is_past_its_time_to_live() {
    let (stack, _functions) = memory().await;
    sweeps(&stack).await;
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_finds_everything_and_repeats_nothing() {
    let functions = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = Data::Folder(folder.path().join("data"));
    let stack = start(options(&functions, data.clone())).await.unwrap();
    let second = start(options(&functions, data.clone())).await.unwrap_err();
    assert!(second.to_string().contains("in use"), "{second}");

    guest(&stack, "hello").await;
    until("the answer", || has_row(&stack, "answer to hello")).await;
    sweeps(&stack).await;
    let key = stack.key_arn("SealingKey").unwrap().to_owned();
    let kms = client!(aws_sdk_kms, stack, kms);
    let wrapped = kms
        .generate_data_key()
        .key_id(&key)
        .number_of_bytes(32)
        .encryption_context("tenant", "tn_1")
        .send()
        .await
        .unwrap();
    // In the queue, but hidden by its delay when the stack ends.
    let url = stack.environment("dispatch").unwrap()["REPLY_QUEUE_URL"].clone();
    let sqs = client!(aws_sdk_sqs, stack, sqs);
    let send = sqs.send_message().queue_url(url).message_body("late");
    send.message_group_id("g")
        .message_deduplication_id("late")
        .send()
        .await
        .unwrap();
    stack.shutdown().await;

    let stack = start(options(&functions, data)).await.unwrap();
    assert_eq!(stack.key_arn("SealingKey"), Some(key.as_str()));
    assert_eq!(stack.clock().offset_ms(), 31 * 86_400_000);
    assert!(has_row(&stack, "answer to hello"));
    let kms = client!(aws_sdk_kms, stack, kms);
    let blob = wrapped.ciphertext_blob().unwrap().clone();
    let unwrap = kms.decrypt().key_id(&key).ciphertext_blob(blob.clone());
    let unwrapped = unwrap.encryption_context("tenant", "tn_1").send().await.unwrap();
    assert_eq!(unwrapped.plaintext(), wrapped.plaintext());
    let foreign = kms
        .decrypt()
        .key_id(&key)
        .ciphertext_blob(blob)
        .encryption_context("tenant", "tn_2");
    assert!(
        foreign
            .send()
            .await
            .unwrap_err()
            .into_service_error()
            .is_invalid_ciphertext_exception()
    );
    until("the late message", || has_row(&stack, "answer to late")).await;
    assert_eq!(
        get(&stack, "/_local/health").await.1["functions"]["dispatch"]["invocations"],
        0
    );
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assumed_role_is_traced_to_its_function_and_tenant() {
    let (stack, _functions) = memory().await;
    let sts = client!(aws_sdk_sts, stack, sts);
    let role = stack.environment("inbound").unwrap()["TENANT_ROLE_ARN"].clone();
    let tag = aws_sdk_sts::types::Tag::builder()
        .key("tenant")
        .value("tn_1")
        .build()
        .unwrap();
    let assumed = sts
        .assume_role()
        .role_arn(&role)
        .role_session_name("s")
        .tags(tag)
        .send()
        .await
        .unwrap();
    let credentials = assumed.credentials().unwrap();
    let caller = stack.callers().caller(credentials.access_key_id()).unwrap();
    assert_eq!((caller.function.as_str(), caller.role), ("operator", role));
    assert_eq!(caller.tags["tenant"], "tn_1");
    let unknown = sts
        .assume_role()
        .role_arn("arn:aws:iam::1:role/None")
        .role_session_name("s")
        .send()
        .await;
    assert!(unknown.is_err());
    stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_nobody_knows_is_refused() {
    let (stack, _functions) = memory().await;
    let endpoints = stack.endpoints();
    for url in [
        &endpoints.dynamodb,
        &endpoints.sqs,
        &endpoints.kms,
        &endpoints.sts,
        &endpoints.s3,
    ] {
        assert_eq!(
            crate::client::loopback().get(url).send().await.unwrap().status(),
            403,
            "{url}"
        );
    }
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .endpoint_url(&endpoints.kms)
        .credentials_provider(Credentials::new("ASIANOBODY", "x", None, None, "test"))
        .http_client(http())
        .build();
    let answer = aws_sdk_kms::Client::from_conf(config)
        .decrypt()
        .ciphertext_blob(Blob::new(b"x".to_vec()))
        .send()
        .await;
    assert!(answer.is_err());
    stack.shutdown().await;
}

/// Functions of a stack that ends without a word end by themselves: their Runtime API is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_stack_leaves_no_process() {
    let functions = tempfile::tempdir().unwrap();
    function::install(functions.path());
    let stack = start(Options {
        ..options(&functions, Data::Memory)
    })
    .await
    .unwrap();
    guest(&stack, "hello").await;
    let mine = functions.path().to_string_lossy().into_owned();
    let clock = stack.environment("inbound").unwrap()["USHER_LOCAL_CLOCK"].clone();
    assert!(running(&clock) > 0, "{mine}");
    drop(stack);
    until("their end", || running(&clock) == 0).await;
    assert!(root().exists());
}

/// Processes whose environment names this clock file.
fn running(clock: &str) -> usize {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return 0;
    };
    let names = |entry: std::fs::DirEntry| std::fs::read(entry.path().join("environ")).ok();
    let needle = format!("USHER_LOCAL_CLOCK={clock}");
    processes
        .filter_map(|entry| names(entry.ok()?))
        .filter(|environ| {
            String::from_utf8_lossy(environ)
                .split('\0')
                .any(|line| line == needle)
        })
        .count()
}

/// A request to S3, signed by hand: its signature is what is tested. `sse` names the key to encrypt with.
async fn s3(
    stack: &Stack,
    method: &str,
    path: &str,
    secret: &str,
    body: &'static str,
    sse: Option<&str>,
) -> (u16, String) {
    use aws_lc_rs::{digest, hmac};
    let url = format!("{}{path}", stack.endpoints().s3);
    let host = url.split('/').nth(2).unwrap().to_owned();
    let now = crate::clock::rfc3339(crate::clock::wall_ms()).replace(['-', ':'], "");
    let day = now.get(..8).unwrap();
    let payload = hex::encode(digest::digest(&digest::SHA256, body.as_bytes()));
    let canonical = format!(
        "{method}\n{path}\n\nhost:{host}\nx-amz-content-sha256:{payload}\nx-amz-date:{now}\n\n\
         host;x-amz-content-sha256;x-amz-date\n{payload}"
    );
    let scope = format!("{day}/us-east-1/s3/aws4_request");
    let hashed = hex::encode(digest::digest(&digest::SHA256, canonical.as_bytes()));
    let to_sign = format!("AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashed}");
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [day, "us-east-1", "s3", "aws4_request", &to_sign] {
        key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes())
            .as_ref()
            .to_vec();
    }
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={}",
        stack.operator_credentials().access_key_id,
        hex::encode(key)
    );
    let request = crate::client::loopback()
        .request(method.parse().unwrap(), url)
        .header("x-amz-date", now)
        .header("x-amz-content-sha256", payload)
        .header("authorization", authorization)
        .body(body);
    let request = match sse {
        None => request,
        Some(key) => request
            .header("x-amz-server-side-encryption", "aws:kms")
            .header("x-amz-server-side-encryption-aws-kms-key-id", key),
    };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_kept_and_signatures_verified() {
    let (stack, _functions) = memory().await;
    let secret = stack.operator_credentials().secret_access_key.clone();
    assert_eq!(s3(&stack, "PUT", "/bucket", &secret, "", None).await.0, 200);
    for refused in [None, Some("arn:aws:kms:us-east-1:123456789012:key/another")] {
        let (status, text) = s3(&stack, "PUT", "/bucket/note.txt", &secret, "hello", refused).await;
        assert_eq!(status, 403, "{text}");
        assert!(text.contains("SSE-KMS"), "{text}");
    }
    let key = stack.key_arn("SealingKey");
    let (status, text) = s3(&stack, "PUT", "/bucket/note.txt", &secret, "hello", key).await;
    assert_eq!(status, 200, "{text}");
    assert_eq!(
        stack.objects().encryption()["bucket/note.txt"].key,
        key.unwrap(),
        "it is noted"
    );
    assert_eq!(
        s3(&stack, "GET", "/bucket/note.txt", &secret, "", None).await,
        (200, "hello".to_owned())
    );
    assert_eq!(
        s3(&stack, "GET", "/bucket/note.txt", "another secret", "", None)
            .await
            .0,
        403
    );
    let (_, dump) = get(&stack, "/_local/dump").await;
    assert!(dump["objects"].to_string().contains("hello"), "{dump}");
    stack.shutdown().await;
}
