//! The database keeps tenants apart by itself: a function that asks for another tenant's rows is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use usher_aws::clock::{SystemClock, SystemEntropy};
use usher_aws::sealing::DataKey;
use usher_aws::settings::Settings;
use usher_aws::store::{Read, StoreError, When, keys};
use usher_aws::{Platform, TenantScope};
use usher_local::Stack;
use usher_shared::ids::{ConversationId, TenantId};

use crate::harness::{CLIENT, Tenant, id, run, stack};

/// A function in this process, with its own credentials and no others.
pub(crate) fn function_on(stack: &Stack, name: &str) -> Platform {
    let variables = stack.environment(name).unwrap().clone();
    let settings = Settings::from_source(move |name| variables.get(name).cloned());
    let clock = Arc::new(SystemClock::new(settings.local_clock().map(Into::into)));
    Platform::new(settings, clock, Arc::new(SystemEntropy)).unwrap()
}

fn function(name: &str) -> Platform {
    function_on(stack(), name)
}

pub(crate) async fn tenant_of(tenant: &Tenant) -> TenantId {
    let operator = usher_local::seed::operator(stack()).unwrap();
    let key = operator.find_api_key(&tenant.demo.api_key).await.unwrap();
    *key.unwrap().tenant
}

async fn conversation(tenant: &Tenant) -> ConversationId {
    let guest = tenant.guest().await;
    let asked = guest.say("Is there a helicopter?").await;
    guest.answer_to(&asked).await;
    id(&tenant.conversation_of(&asked).await).parse().unwrap()
}

fn is_refusal<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Database { code, .. }) if code == "AccessDeniedException")
}

#[test]
fn p_sec_02_the_database_refuses_another_tenants_rows_whatever_the_handler_asks_for() {
    run(async {
        let (mine, other) = (Tenant::new().await, Tenant::new().await);
        let (own, foreign) = (conversation(&mine).await, conversation(&other).await);
        let (a, b) = (tenant_of(&mine).await, tenant_of(&other).await);
        let platform = function("inbox");
        let scope: TenantScope = platform.enter(a).await.unwrap();
        let (store, none) = (scope.store(), DataKey::none());
        let read = Read {
            limit: 10,
            backward: false,
            consistent: false,
            after: None,
        };

        // What the handler is made to ask for, with the tenant it asks about.
        let get = async |tenant, id| store.get_row(&keys::conversation(tenant, id), true).await;
        let query = async |tenant, id| store.query(&keys::messages(tenant, id, None), &read).await;
        let listing = async |tenant| store.query(&keys::conversations(tenant), &read).await;
        let wrapped = async |tenant| store.get(&keys::tenant_key(tenant), &none, true).await;
        assert!(get(a, own).await.unwrap().is_some());
        assert!(!query(a, own).await.unwrap().rows.is_empty());
        assert!(!listing(a).await.unwrap().rows.is_empty());
        assert!(wrapped(a).await.unwrap().is_some());
        assert!(is_refusal(get(b, foreign).await));
        assert!(is_refusal(query(b, foreign).await));
        assert!(is_refusal(listing(b).await));
        assert!(is_refusal(wrapped(b).await));
        let row = keys::conversation(b, foreign);
        let set = vec![("last_activity", json!(scope.now()))];
        assert!(is_refusal(store.update(&row, set, vec![When::Present]).await));
        assert!(is_refusal(store.delete(&row).await));
        // Nor do directory and tenants' list open to a tenant's session.
        assert!(is_refusal(store.query(&keys::tenant_entries(), &read).await));
        assert!(is_refusal(store.get(&keys::platform_key(), &none, true).await));

        // The other function's session for the other tenant sees its rows and not these.
        let scope = function("reply").enter(b).await.unwrap();
        let found = scope.store().get_row(&keys::conversation(b, foreign), true).await;
        assert!(found.unwrap().is_some());
        let foreign = scope.store().get_row(&keys::conversation(a, own), true).await;
        assert!(is_refusal(foreign));
    });
}

/// A session of a function's tenant role, by hand: its access key id.
pub(crate) async fn session(environment: &BTreeMap<String, String>, tag: &str) -> Result<String, String> {
    let body = format!(
        "Action=AssumeRole&Version=2011-06-15&RoleArn={}&RoleSessionName=s\
         &Tags.member.1.Key=tenant&Tags.member.1.Value={tag}",
        environment["TENANT_ROLE_ARN"]
    );
    let request = CLIENT
        .post(&environment["AWS_ENDPOINT_URL_STS"])
        .header("authorization", signed(&environment["AWS_ACCESS_KEY_ID"]))
        .body(body);
    let text = request.send().await.unwrap().text().await.unwrap();
    let key = text
        .split_once("<AccessKeyId>")
        .and_then(|(_, rest)| rest.split_once('<'));
    key.map(|(key, _)| key.to_owned()).ok_or(text)
}

/// The database reads who signed, not the signature.
pub(crate) fn signed(key: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/x/aws4_request, SignedHeaders=host, Signature=0"
    )
}

#[test]
fn p_sec_02_no_operation_of_the_database_reaches_another_tenants_rows() {
    run(async {
        let (mine, other) = (Tenant::new().await, Tenant::new().await);
        let (a, b) = (tenant_of(&mine).await, tenant_of(&other).await);
        let environment = stack().environment("reply").unwrap();
        let key = session(environment, &a.to_string()).await.unwrap();
        let table = &environment["INBOX_TABLE"];
        let call = async |operation: &str, body: Value| {
            let request = CLIENT
                .post(&environment["AWS_ENDPOINT_URL_DYNAMODB"])
                .header("authorization", signed(&key))
                .header("x-amz-date", "20260101T000000Z")
                .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
                .header("content-type", "application/x-amz-json-1.0")
                .body(body.to_string());
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            (status, answer.json::<Value>().await.unwrap())
        };
        let row = |tenant: TenantId| json!({"pk": {"S": tenant.to_string()}, "sk": {"S": "x#test"}});
        let of = |tenant: TenantId, operation: &str| {
            let (pk, item) = (tenant.to_string(), row(tenant));
            let get = json!({"Get": {"TableName": table, "Key": item}});
            let put = json!({"Put": {"TableName": table, "Item": item}});
            match operation {
                "PutItem" => json!({"TableName": table, "Item": item}),
                "Query" => json!({"TableName": table, "KeyConditionExpression": "pk = :p",
                    "ExpressionAttributeValues": {":p": {"S": pk}}}),
                "Query listing" => json!({"TableName": table, "IndexName": "listing",
                    "KeyConditionExpression": "lpk = :p",
                    "ExpressionAttributeValues": {":p": {"S": format!("{pk}#inbox")}}}),
                "TransactGetItems" => json!({"TransactItems": [get]}),
                "TransactWriteItems" => json!({"TransactItems": [put]}),
                _ => json!({"TableName": table, "Key": item}),
            }
        };
        for operation in [
            "GetItem",
            "PutItem",
            "UpdateItem",
            "DeleteItem",
            "Query",
            "Query listing",
            "TransactGetItems",
            "TransactWriteItems",
        ] {
            let name = operation.split(' ').next().unwrap();
            let (status, answer) = call(name, of(a, operation)).await;
            assert_eq!(status, 200, "{operation} of one's own: {answer}");
            let (status, answer) = call(name, of(b, operation)).await;
            let code = answer["__type"].as_str().unwrap_or_default();
            assert_eq!(
                (status, code),
                (400, "com.amazon.coral.service#AccessDeniedException"),
                "{operation}: {answer}"
            );
        }
        // One foreign element spoils the whole; batches and scans are in no role.
        let mixed = json!({"TransactItems": [
            {"Put": {"TableName": table, "Item": row(a)}}, {"Delete": {"TableName": table, "Key": row(b)}},
        ]});
        let keys = json!({"RequestItems": {table: {"Keys": [row(a), row(b)]}}});
        let writes = json!({"RequestItems": {table: [{"DeleteRequest": {"Key": row(b)}}]}});
        for (operation, body) in [
            ("TransactWriteItems", mixed),
            ("BatchGetItem", keys),
            ("BatchWriteItem", writes),
            ("Scan", json!({"TableName": table})),
            ("Scan", json!({"TableName": table, "IndexName": "listing"})),
            (
                "ExecuteStatement",
                json!({"Statement": format!("SELECT * FROM {table}")}),
            ),
        ] {
            let (status, answer) = call(operation, body).await;
            assert_eq!(status, 400, "{operation}");
            assert!(
                answer["__type"]
                    .as_str()
                    .unwrap()
                    .ends_with("#AccessDeniedException"),
                "{answer}"
            );
        }
        // A session is for a tenant or not at all.
        for tag in ["dir", "platform", "*", ""] {
            let refused = session(environment, tag).await.unwrap_err();
            assert!(refused.contains("AccessDenied"), "{tag}: {refused}");
        }
    });
}
