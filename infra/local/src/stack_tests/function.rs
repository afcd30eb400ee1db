//! Functions for the tests of the stack: this test binary again, started by the stack as each function of
//! the template. They speak to the services with plain HTTP, so that they need no client library.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

/// Puts one script per function into `folder`; each starts this test binary as that function.
pub(super) fn install(folder: &Path) {
    let test_binary = std::env::current_exe().unwrap();
    let template = std::fs::read_to_string(super::root().join("template.yaml")).unwrap();
    let names = template
        .lines()
        .filter_map(|line| line.trim().strip_prefix("CodeUri: target/lambda/"));
    for name in names.map(|name| name.trim_end_matches('/')) {
        let script = folder.join(name);
        let text = format!(
            "#!/bin/sh\nexec {} --exact stack_tests::function::plays_the_function --nocapture\n",
            test_binary.display()
        );
        std::fs::write(&script, text).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Not a test of its own: the function's side, in the process that the stack starts.
#[tokio::test]
async fn plays_the_function() {
    let Ok(api) = std::env::var("AWS_LAMBDA_RUNTIME_API") else {
        return;
    };
    let name = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap();
    let base = format!("http://{api}/2018-06-01/runtime/invocation");
    let client = crate::client::loopback();
    loop {
        let Ok(next) = client.get(format!("{base}/next")).send().await else {
            return;
        };
        let id = next.headers()["lambda-runtime-aws-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        let event: Value = next.json().await.unwrap();
        println!("{}", json!({"function": name, "event": event}));
        let answer = match name.as_str() {
            "inbound" => inbound(&event).await,
            "dispatch" => dispatch(&event).await,
            "reply" => reply(&event).await,
            _ => json!({"statusCode": 200, "body": "{}"}),
        };
        client
            .post(format!("{base}/{id}/response"))
            .body(answer.to_string())
            .send()
            .await
            .unwrap();
    }
}

/// The access key of a session in the function's tenant role: only that may reach rows.
async fn tenant_key() -> String {
    let url = std::env::var("AWS_ENDPOINT_URL_STS").unwrap();
    let key = std::env::var("AWS_ACCESS_KEY_ID").unwrap();
    let role = std::env::var("TENANT_ROLE_ARN").unwrap();
    let body = format!(
        "Action=AssumeRole&Version=2011-06-15&RoleArn={role}&RoleSessionName=tn_1\
         &Tags.member.1.Key=tenant&Tags.member.1.Value=tn_1"
    );
    let answer = crate::client::loopback()
        .post(url)
        .header("authorization", authorization(&key))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .unwrap();
    let text = answer.text().await.unwrap();
    let (_, rest) = text
        .split_once("<AccessKeyId>")
        .unwrap_or_else(|| panic!("{text}"));
    rest.split_once('<').unwrap().0.to_owned()
}

fn authorization(key: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/x/aws4_request, SignedHeaders=host, Signature=0"
    )
}

/// One call to a service, as the SDK would make it, but for the signature.
async fn call(service: &str, target: &str, body: Value) -> Value {
    let url = std::env::var(format!("AWS_ENDPOINT_URL_{service}")).unwrap();
    let key = match service {
        "DYNAMODB" => tenant_key().await,
        _ => std::env::var("AWS_ACCESS_KEY_ID").unwrap(),
    };
    let answer = crate::client::loopback()
        .post(url)
        .header("authorization", authorization(&key))
        .header("x-amz-date", "20260101T000000Z")
        .header("x-amz-target", target)
        .header("content-type", "application/x-amz-json-1.0")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    assert!(
        answer.status().is_success(),
        "{target}: {}",
        answer.text().await.unwrap()
    );
    answer.json().await.unwrap()
}

async fn put(sk: &str, kind: &str) {
    let table = std::env::var("INBOX_TABLE").unwrap();
    let item = json!({"pk": {"S": "tn_1"}, "sk": {"S": sk}, "k": {"S": kind}});
    call(
        "DYNAMODB",
        "DynamoDB_20120810.PutItem",
        json!({"TableName": table, "Item": item}),
    )
    .await;
}

async fn inbound(event: &Value) -> Value {
    let respond = |status: u16, body: Value| json!({"statusCode": status, "body": body.to_string()});
    match event["routeKey"].as_str().unwrap() {
        "POST /chat/{channel_key}/sessions" => respond(201, json!({"token": "session-1"})),
        "POST /chat/{channel_key}/messages" => {
            assert_eq!(event["headers"]["authorization"], "Bearer session-1");
            let body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
            let text = body["text"].as_str().unwrap();
            if text == "crash" {
                eprintln!("last words");
                std::process::exit(3);
            }
            put(text, "message").await;
            respond(202, json!({"id": text}))
        }
        _ => {
            let table = std::env::var("INBOX_TABLE").unwrap();
            let query = json!({
                "TableName": table,
                "KeyConditionExpression": "pk = :p",
                "FilterExpression": "k = :k",
                "ExpressionAttributeValues": {":p": {"S": "tn_1"}, ":k": {"S": "answer"}},
            });
            let found = call("DYNAMODB", "DynamoDB_20120810.Query", query).await;
            let items = found["Items"].as_array().unwrap();
            let data: Vec<_> = items.iter().map(|item| json!({"id": item["sk"]["S"]})).collect();
            respond(200, json!({"object": "list", "data": data}))
        }
    }
}

async fn dispatch(event: &Value) -> Value {
    if event["schedule"] == "redrive" {
        put("redriven", "mark").await;
        return json!({});
    }
    for record in event["Records"].as_array().unwrap() {
        let id = record["dynamodb"]["Keys"]["sk"]["S"].as_str().unwrap();
        if id == "poison" {
            let number = &record["dynamodb"]["SequenceNumber"];
            return json!({"batchItemFailures": [{"itemIdentifier": number}]});
        }
        let url = std::env::var("REPLY_QUEUE_URL").unwrap();
        let message =
            json!({"QueueUrl": url, "MessageBody": id, "MessageGroupId": "g", "MessageDeduplicationId": id});
        call("SQS", "AmazonSQS.SendMessage", message).await;
    }
    json!({"batchItemFailures": []})
}

async fn reply(event: &Value) -> Value {
    for record in event["Records"].as_array().unwrap() {
        put(
            &format!("answer to {}", record["body"].as_str().unwrap()),
            "answer",
        )
        .await;
    }
    json!({"batchItemFailures": []})
}
