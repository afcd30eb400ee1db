//! Functions that ask for another tenant's rows, files and keys under their own tenant's role: all of them, with every
//! operation. The services refuse.

use serde_json::{Value, json};
use usher_shared::ids::TenantId;

use crate::harness::{CLIENT, Tenant, run, stack};
use crate::tenancy::{session, signed, tenant_of};

/// Operations on rows, with a body that asks for `pk`.
fn asks(table: &str, pk: &str) -> Vec<(&'static str, Value)> {
    let row = json!({"pk": {"S": pk}, "sk": {"S": "x#test"}});
    let key = json!({"TableName": table, "Key": row});
    let listing = format!("{pk}#inbox");
    vec![
        ("GetItem", key.clone()),
        ("PutItem", json!({"TableName": table, "Item": row})),
        ("UpdateItem", key.clone()),
        ("DeleteItem", key.clone()),
        (
            "Query",
            json!({"TableName": table, "KeyConditionExpression": "pk = :p",
                "ExpressionAttributeValues": {":p": {"S": pk}}}),
        ),
        (
            "Query",
            json!({"TableName": table, "IndexName": "listing", "KeyConditionExpression": "lpk = :p",
                "ExpressionAttributeValues": {":p": {"S": listing}}}),
        ),
        ("TransactGetItems", json!({"TransactItems": [{"Get": key}]})),
        ("TransactWriteItems", json!({"TransactItems": [{"Delete": key}]})),
        (
            "TransactWriteItems",
            json!({"TransactItems": [{"ConditionCheck": {"TableName": table, "Key": row,
                "ConditionExpression": "attribute_not_exists(pk)"}}]}),
        ),
        ("BatchGetItem", json!({"RequestItems": {table: {"Keys": [row]}}})),
        (
            "BatchWriteItem",
            json!({"RequestItems": {table: [{"DeleteRequest": {"Key": row}}]}}),
        ),
        ("Scan", json!({"TableName": table})),
        (
            "ExecuteStatement",
            json!({"Statement": format!("SELECT * FROM \"{table}\" WHERE pk = '{pk}'")}),
        ),
    ]
}

async fn call(url: &str, key: &str, target: &str, body: &Value) -> (u16, String) {
    let request = CLIENT
        .post(url)
        .header("authorization", signed(key))
        .header("x-amz-date", "20260101T000000Z")
        .header("x-amz-target", target)
        .header("content-type", "application/x-amz-json-1.0")
        .body(body.to_string());
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[test]
fn p_sec_02_no_function_reaches_another_tenants_rows_or_keys_by_any_operation() {
    run(async {
        let (mine, other) = (Tenant::new().await, Tenant::new().await);
        let (a, b) = (tenant_of(&mine).await, tenant_of(&other).await);
        let (mut functions, mut refused) = (0, 0);
        for function in &stack().template().functions {
            let environment = stack().environment(&function.name).unwrap();
            if !environment.contains_key("TENANT_ROLE_ARN") {
                continue;
            }
            functions += 1;
            let key = session(environment, &a.to_string()).await.unwrap();
            let url = &environment["AWS_ENDPOINT_URL_DYNAMODB"];
            let mut own = 0;
            for table in ["INBOX_TABLE", "LEDGER_TABLE", "KEYS_TABLE"] {
                let table = &environment[table];
                for (operation, body) in asks(table, &a.to_string()) {
                    let (status, _) = call(url, &key, &format!("DynamoDB_20120810.{operation}"), &body).await;
                    own += usize::from(status == 200);
                }
                for pk in partitions(b, a) {
                    for (operation, body) in asks(table, &pk) {
                        let target = format!("DynamoDB_20120810.{operation}");
                        let (status, answer) = call(url, &key, &target, &body).await;
                        assert!(
                            status == 400 && answer.contains("AccessDeniedException"),
                            "{}: {operation} of {pk} in {table}: {status} {answer}",
                            function.name
                        );
                        refused += 1;
                    }
                }
            }
            assert!(
                own > 0,
                "{} reaches nothing of its own tenant either",
                function.name
            );

            let url = &environment["AWS_ENDPOINT_URL_KMS"];
            let arn = &environment["KMS_KEY_ARN"];
            for context in [
                json!({"tenant": b.to_string()}),
                json!({"purpose": "directory"}),
                json!({}),
            ] {
                let body = json!({"KeyId": arn, "KeySpec": "AES_256", "EncryptionContext": context});
                let (status, answer) = call(url, &key, "TrentService.GenerateDataKey", &body).await;
                assert!(
                    status == 400 && answer.contains("AccessDenied"),
                    "{}: {answer}",
                    function.name
                );
                let body = json!({"CiphertextBlob": "AAAA", "KeyId": arn, "EncryptionContext": context});
                let (status, answer) = call(url, &key, "TrentService.Decrypt", &body).await;
                assert!(
                    status == 400 && answer.contains("AccessDenied"),
                    "{}: {answer}",
                    function.name
                );
                refused += 2;
            }
        }
        assert!(
            functions >= 10 && refused >= 1_000,
            "{functions} functions, {refused} refusals"
        );
    });
}

/// Partitions that are not the tenant's: another's, those of the whole installation, and names made to look like its own.
fn partitions(other: TenantId, own: TenantId) -> Vec<String> {
    let own = own.to_string();
    let shorter = own.get(..own.len() - 1).unwrap();
    vec![
        other.to_string(),
        format!("{other}#inbox"),
        format!("{other}#{own}"),
        "dir#x".to_owned(),
        "platform".to_owned(),
        format!("{own}x"),
        shorter.to_owned(),
        own.to_uppercase(),
        format!(" {own}"),
    ]
}
