//! The real template's permissions, asked directly.
#![expect(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::*;
use crate::template::raw::{queue_arn, role_arn, stream_arn};

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/k-1";

fn names() -> Names {
    Names {
        parameters: BTreeMap::from([("PublicBaseUrl".to_owned(), "http://127.0.0.1:1".to_owned())]),
        queue_base_url: "http://127.0.0.1:2".to_owned(),
        key_arns: BTreeMap::from([("SealingKey".to_owned(), KEY.to_owned())]),
    }
}

fn permissions() -> Permissions {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml")).unwrap();
    let raw = Raw::parse(&text).unwrap();
    let template = Template::resolve(&raw, &names()).unwrap();
    Permissions::read(&raw, &names(), &template, Console::new(true)).unwrap()
}

fn caller(function: &str, role: &str, tenant: Option<&str>) -> Caller {
    Caller {
        function: function.to_owned(),
        role: role_arn(role),
        tags: tenant
            .map(|tenant| ("tenant".to_owned(), tenant.to_owned()))
            .into_iter()
            .collect(),
    }
}

fn call(caller: Caller, operation: &str, request: Request<Bytes>) -> Call {
    Call {
        caller,
        operation: operation.to_owned(),
        request,
    }
}

fn body(caller: Caller, operation: &str, body: &Value) -> Call {
    call(caller, operation, Request::new(body.to_string().into()))
}

fn get(table: &str, pk: &str) -> Value {
    json!({"TableName": table, "Key": {"pk": {"S": pk}, "sk": {"S": "x"}}})
}

#[test]
fn p_sec_03_rows_are_reached_by_role_and_tag_alone() {
    let permissions = permissions();
    let base = || caller("inbound", "InboundRole", None);
    let tenant = || caller("inbound", "InboundTenantRole", Some("tn_1"));
    let untagged = || caller("inbound", "InboundTenantRole", None);
    for (caller, operation, request, allowed) in [
        (base(), "GetItem", get("InboxTable", "dir#key#1"), true),
        (base(), "GetItem", get("InboxTable", "tn_1"), false),
        (base(), "DeleteItem", get("InboxTable", "dir#key#1"), false),
        (base(), "GetItem", get("KeysTable", "platform"), true),
        (base(), "GetItem", get("KeysTable", "platform2"), false),
        (tenant(), "GetItem", get("InboxTable", "tn_1"), true),
        (tenant(), "GetItem", get("InboxTable", "tn_1#v#1"), true),
        (tenant(), "GetItem", get("InboxTable", "tn_12"), false),
        (tenant(), "GetItem", get("InboxTable", "tn_2#v#1"), false),
        (tenant(), "GetItem", get("InboxTable", "dir#key#1"), false),
        (tenant(), "GetItem", get("LedgerTable", "tn_1"), true),
        (tenant(), "GetItem", get("LedgerTable", "tn_2"), false),
        (tenant(), "DeleteItem", get("LedgerTable", "tn_1"), false),
        (untagged(), "GetItem", get("InboxTable", "tn_1"), false),
        (tenant(), "Scan", json!({"TableName": "InboxTable"}), false),
        (
            caller(OPERATOR, "", None),
            "Scan",
            json!({"TableName": "InboxTable"}),
            true,
        ),
    ] {
        let call = body(caller, operation, &request);
        let found = permissions.check(Service::DynamoDb, &call).is_ok();
        assert_eq!(found, allowed, "{:?} {operation} {request}", call.caller);
    }
}

#[test]
fn p_sec_03_keys_files_and_queues_are_reached_as_their_statements_say() {
    let permissions = permissions();
    let exports = || caller("exports", "ExportsTenantRole", Some("tn_1"));
    let decrypt = |context: Value| json!({"KeyId": KEY, "EncryptionContext": context});
    let ok = |service, call: &Call| permissions.check(service, call).is_ok();
    let kms = |caller: Caller, operation: &str, context: Value| {
        ok(Service::Kms, &body(caller, operation, &decrypt(context)))
    };
    assert!(kms(exports(), "Decrypt", json!({"tenant": "tn_1"})));
    assert!(!kms(exports(), "Decrypt", json!({"tenant": "tn_2"})));
    assert!(!kms(exports(), "Decrypt", json!({})));
    assert!(!kms(exports(), "GenerateDataKey", json!({"tenant": "tn_1"})));
    assert!(
        !kms(
            exports(),
            "Decrypt",
            json!({"aws:s3:arn": "arn:aws:s3:::exportsbucket"})
        ),
        "through S3 alone"
    );
    let s3 = |method: &str, path: &str| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Bytes::new())
            .unwrap();
        ok(Service::S3, &call(exports(), "", request))
    };
    assert!(s3("GET", "/exportsbucket/tn_1/e.csv") && s3("POST", "/exportsbucket/tn_1/e.csv?uploads"));
    assert!(!s3("GET", "/exportsbucket/tn_2/e.csv") && !s3("GET", "/exportsbucket/tn_12/e.csv"));
    assert!(!s3("GET", "/exportsbucket?prefix=tn_1%2F") && !s3("GET", "/another/tn_1/e.csv"));
    let send = |queue: &str| {
        let request = json!({"QueueUrl": format!("http://127.0.0.1:2/1/{queue}")});
        ok(
            Service::Sqs,
            &body(
                caller("dispatch", "DispatchRole", None),
                "SendMessageBatch",
                &request,
            ),
        )
    };
    assert!(send("ReplyQueue.fifo") && !send("ReplyDeadLetters.fifo"));
}

#[test]
fn p_sec_03_a_role_is_taken_by_those_it_trusts_for_one_tenant() {
    let permissions = permissions();
    let assume = |caller: Caller, role: &str, tags: &str| {
        let fields = format!(
            "Action=AssumeRole&RoleArn={}&RoleSessionName=s{tags}",
            role_arn(role)
        );
        let call = call(caller, "AssumeRole", Request::new(fields.into()));
        permissions.check(Service::Sts, &call).is_ok()
    };
    let base = || caller("inbound", "InboundRole", None);
    let tag = |value: &str| format!("&Tags.member.1.Key=tenant&Tags.member.1.Value={value}");
    assert!(assume(base(), "InboundTenantRole", &tag("tn_1")));
    assert!(
        !assume(base(), "ReplyTenantRole", &tag("tn_1")),
        "another function's"
    );
    assert!(!assume(base(), "InboundTenantRole", ""), "without a tenant");
    for value in ["dir", "platform", "*"] {
        assert!(
            !assume(base(), "InboundTenantRole", &tag(value)),
            "{value} is no tenant"
        );
    }
    let second = format!("{}&Tags.member.2.Key=other&Tags.member.2.Value=x", tag("tn_1"));
    assert!(
        !assume(base(), "InboundTenantRole", &second),
        "no tag but the tenant"
    );
    let session = caller("inbound", "InboundTenantRole", Some("tn_1"));
    assert!(
        !assume(session, "InboundTenantRole", &tag("tn_2")),
        "nor from one tenant to another"
    );
}

#[test]
fn a_removed_statement_is_missed_until_it_is_back() {
    let permissions = permissions();
    let asked = || {
        let call = body(
            caller("inbound", "InboundRole", None),
            "GetItem",
            &get("InboxTable", "dir#1"),
        );
        let answer = permissions.check(Service::DynamoDb, &call);
        answer.err().map_or(200, |refused| refused.status().as_u16())
    };
    assert_eq!(asked(), 200);
    let missed = permissions.refused_without("InboundRole/DirectoryRead").unwrap();
    assert_eq!(missed.len(), 1, "{missed:?}");
    assert!(
        permissions
            .refused_without("InboundRole/PlatformKeyRead")
            .unwrap()
            .is_empty()
    );
    let trust = permissions.refused_without("InboundRole/trust").unwrap();
    assert_eq!(trust.len(), 1, "{trust:?}");
    permissions.remove("InboundRole/DirectoryRead").unwrap();
    assert_eq!(asked(), 400);
    assert_eq!(asked(), 400);
    let said = permissions.console.recent();
    let expected = "refused: inbound as InboundRole may not dynamodb:GetItem on \
        arn:aws:dynamodb:us-east-1:123456789012:table/InboxTable; missing in InboundRole: - {Effect: Allow, \
        Action: dynamodb:GetItem, Resource: !GetAtt InboxTable.Arn, Condition: {ForAllValues:StringLike: \
        {dynamodb:LeadingKeys: [\"dir#*\"]}}}";
    assert_eq!(said, [expected], "once for both");
    permissions.restore("InboundRole/DirectoryRead").unwrap();
    assert_eq!(asked(), 200);
    let table = permissions.table();
    let row = table
        .statements
        .iter()
        .find(|row| row.statement == "InboundRole/DirectoryRead")
        .unwrap();
    assert_eq!((row.allowed, row.only, row.removed), (2, 2, false));
    assert_eq!(table.refused.first().unwrap().count, 2);
    assert!(
        table
            .unused()
            .contains(&"InboundRole/PlatformKeyUnwrap allowed no call".to_owned())
    );
    assert!(!table.unused().iter().any(|unused| unused.contains("/Logs")));
    let unknown = permissions.remove("InboundRole/None").unwrap_err();
    assert!(unknown.to_string().contains("InboundRole/None"));
}

#[test]
fn a_refusal_of_anothers_row_suggests_no_statement() {
    let permissions = permissions();
    let call = body(
        caller("inbound", "InboundTenantRole", Some("tn_1")),
        "GetItem",
        &get("InboxTable", "tn_2#c#secret"),
    );
    assert!(permissions.check(Service::DynamoDb, &call).is_err());
    let said = permissions.console.recent().join("\n");
    assert!(
        said.contains("nothing should allow it") && !said.contains("secret"),
        "{said}"
    );
}

#[test]
fn event_sources_and_schedules_run_in_roles_of_the_template() {
    let permissions = permissions();
    let reads = [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
    ];
    let reply = queue_arn("ReplyQueue.fifo");
    assert!(permissions.check_event_source("reply", &reads, &reply).is_ok());
    assert!(permissions.check_event_source("deliver", &reads, &reply).is_err());
    let stream = stream_arn("InboxTable");
    assert!(
        permissions
            .check_event_source("dispatch", &["dynamodb:GetRecords"], &stream)
            .is_ok()
    );
    assert!(permissions.check_schedule("redrive").is_ok());
    permissions.remove("SchedulerRole/invoke").unwrap();
    let refused = permissions.check_schedule("redrive").unwrap_err();
    assert!(refused.contains("lambda:InvokeFunction"), "{refused}");
    permissions.restore_all();
    permissions.remove("SchedulerRole/trust").unwrap();
    assert!(
        permissions
            .check_schedule("redrive")
            .unwrap_err()
            .contains("sts:AssumeRole")
    );
    permissions.remove("ReplyRole/trust").unwrap();
    assert!(permissions.check_event_source("reply", &reads, &reply).is_err());
}

#[tokio::test]
async fn refusals_are_what_each_service_says() {
    let permissions = permissions();
    let reply = || caller("reply", "ReplyRole", None);
    let queue = json!({"QueueUrl": "http://127.0.0.1:2/1/DeliverQueue.fifo"});
    let assume = Bytes::from(format!("RoleArn={}", role_arn("InboxTenantRole")));
    for (service, call, status, code) in [
        (
            Service::DynamoDb,
            body(reply(), "GetItem", &get("InboxTable", "tn_1")),
            400,
            "#AccessDeniedException",
        ),
        (
            Service::DynamoDb,
            body(reply(), "ExecuteStatement", &json!({})),
            400,
            "#AccessDeniedException",
        ),
        (
            Service::Kms,
            body(reply(), "Decrypt", &json!({})),
            400,
            "AccessDeniedException",
        ),
        (
            Service::Sqs,
            body(reply(), "SendMessage", &queue),
            403,
            "#AccessDeniedException",
        ),
        (
            Service::Sts,
            call(reply(), "AssumeRole", Request::new(assume)),
            403,
            "<Code>AccessDenied</Code>",
        ),
        (
            Service::S3,
            call(
                reply(),
                "",
                Request::builder()
                    .uri("/exportsbucket/x")
                    .body(Bytes::new())
                    .unwrap(),
            ),
            403,
            "<Code>AccessDenied</Code>",
        ),
    ] {
        let answer = permissions.check(service, &call).unwrap_err();
        assert_eq!(answer.status().as_u16(), status, "{service:?}");
        let bytes = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            text.contains(code) && text.contains("is not authorized to perform"),
            "{text}"
        );
    }
}
