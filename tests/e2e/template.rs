//! `template.yaml` against the code: places, routes, periods, permissions.

use std::collections::BTreeSet;

use serde_norway::Value;
use usher_shared::record::Place;
use usher_shared::records::REGISTRY;

use crate::harness::root;

fn template() -> (String, Value) {
    let text = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let value = serde_norway::from_str(&text).unwrap();
    (text, value)
}

/// `(logical id, type, properties)` of every resource.
fn resources(template: &Value) -> Vec<(String, String, Value)> {
    let all = template["Resources"].as_mapping().unwrap();
    all.iter()
        .map(|(id, resource)| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(id), text(&resource["Type"]), resource["Properties"].clone())
        })
        .collect()
}

#[test]
fn records_live_in_exactly_the_places_that_the_template_makes() {
    let (_, template) = template();
    let stores = [
        "AWS::DynamoDB::Table",
        "AWS::SQS::Queue",
        "AWS::S3::Bucket",
        "AWS::SNS::Topic",
    ];
    let made: BTreeSet<String> = resources(&template)
        .into_iter()
        .filter(|(_, kind, _)| stores.contains(&kind.as_str()))
        .map(|r| r.0)
        .collect();
    let declared: BTreeSet<String> = REGISTRY
        .iter()
        .flat_map(|spec| spec.places)
        .map(|place| Place::logical_id(*place).to_owned())
        .collect();
    assert_eq!(made, declared);
}

/// The description of the whole API, from the code of all functions.
fn document() -> serde_json::Value {
    let mut document = inbox::openapi();
    document.merge(erasure::openapi());
    document.merge(retention::openapi());
    document.merge(exports::openapi());
    document.merge(attachments::openapi());
    document.merge(alerts::openapi());
    document.merge(channels::openapi());
    document.merge(documents::openapi());
    serde_json::to_value(document).unwrap()
}

#[test]
fn the_document_that_is_served_is_the_one_that_the_code_describes() {
    let served = std::fs::read_to_string(root().join("docs/openapi.json")).unwrap();
    let served: serde_json::Value = serde_json::from_str(&served).unwrap();
    let wanted = "cargo run -p usher-tests --example openapi > docs/openapi.json";
    assert!(
        served == document(),
        "docs/openapi.json is behind the code: {wanted}"
    );
}

#[test]
fn the_template_has_the_routes_of_the_api_document_and_of_the_chat() {
    let (_, template) = template();
    let mut routes = BTreeSet::new();
    for (_, kind, properties) in resources(&template) {
        if kind != "AWS::Serverless::Function" {
            continue;
        }
        for (_, event) in properties["Events"].as_mapping().into_iter().flatten() {
            if event["Type"].as_str() == Some("HttpApi") {
                let text = |name: &str| event["Properties"][name].as_str().unwrap().to_owned();
                routes.insert((text("Path"), text("Method").to_lowercase()));
            }
        }
    }
    let document = document();
    let mut expected: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods
                .as_object()
                .unwrap()
                .keys()
                .map(move |method| (path.clone(), method.clone()))
        })
        .collect();
    for (path, methods) in [
        ("sessions", &["post", "options"][..]),
        ("messages", &["post", "get", "options"]),
    ] {
        for method in methods {
            expected.insert((format!("/chat/{{channel_key}}/{path}"), (*method).to_owned()));
        }
    }
    for (below, methods) in [
        ("", &["post", "get"][..]),
        ("/status", &["post"]),
        ("/recorded", &["post"]),
        ("/recording", &["post"]),
        ("/transcription", &["post"]),
    ] {
        for method in methods {
            expected.insert((
                format!("/hooks/twilio/{{channel_key}}{below}"),
                (*method).to_owned(),
            ));
        }
    }
    expected.insert(("/hooks/resend/{channel_key}".to_owned(), "post".to_owned()));
    for method in ["get", "post"] {
        expected.insert(("/hooks/meta".to_owned(), method.to_owned()));
    }
    for method in ["post", "options"] {
        expected.insert(("/forms/{channel_key}".to_owned(), method.to_owned()));
    }
    assert_eq!(routes, expected);
}

#[test]
fn p_ret_09_recovery_windows_end_before_the_thirty_days_that_are_promised() {
    let (_, template) = template();
    for (id, kind, properties) in resources(&template) {
        if kind == "AWS::DynamoDB::Table" {
            let recovery = &properties["PointInTimeRecoverySpecification"];
            let days = recovery["RecoveryPeriodInDays"].as_u64().unwrap();
            assert!(recovery["PointInTimeRecoveryEnabled"].as_bool().unwrap(), "{id}");
            let most = if id == "KeysTable" { 7 } else { 29 };
            assert!((1..=most).contains(&days), "{id}: {days} days");
            assert_eq!(
                properties["TimeToLiveSpecification"]["AttributeName"].as_str(),
                Some("expires_at"),
                "{id}"
            );
        }
        if kind == "AWS::Logs::LogGroup" {
            assert_eq!(properties["RetentionInDays"].as_u64(), Some(14), "{id}");
        }
    }
}

#[test]
fn p_ret_07_every_log_ends_after_fourteen_days_and_none_of_accesses_is_written() {
    let (text, template) = template();
    let all = resources(&template);
    let logs = all.iter().filter(|(_, kind, _)| kind == "AWS::Logs::LogGroup");
    let brief: BTreeSet<&str> = logs
        .filter(|(_, _, properties)| {
            properties["RetentionInDays"]
                .as_u64()
                .is_some_and(|days| days <= 14)
        })
        .map(|(id, _, _)| id.as_str())
        .collect();
    let mut functions = 0;
    for (id, kind, properties) in &all {
        if kind == "AWS::Serverless::Function" {
            functions += 1;
            // One of Lambda's own making would be kept for good.
            let group = &properties["LoggingConfig"]["LogGroup"];
            let Value::Tagged(group) = group else {
                panic!("{id} has no log group of ours: {group:?}")
            };
            assert!(
                group.value.as_str().is_some_and(|group| brief.contains(group)),
                "{id}: {group:?}"
            );
        }
    }
    assert!(functions > 10, "{functions}");
    for name in [
        "AccessLogSettings",
        "LoggingConfiguration",
        "TracingConfig",
        "AWS::CloudTrail",
    ] {
        assert!(!text.contains(name), "{name} would keep addresses elsewhere");
    }
}

#[test]
fn p_ret_10_p_sec_01_files_are_encrypted_private_unversioned_and_end_after_seven_days() {
    let (_, template) = template();
    let all = resources(&template);
    let of = |wanted: &str| {
        all.iter()
            .find(|(id, _, _)| id == wanted)
            .map(|r| r.2.clone())
            .unwrap()
    };
    for name in ["ExportsBucket", "AttachmentsBucket"] {
        let bucket = of(name);
        let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
        assert_eq!(
            encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"].as_str(),
            Some("aws:kms")
        );
        assert_eq!(encryption["BucketKeyEnabled"].as_bool(), Some(true));
        for block in [
            "BlockPublicAcls",
            "BlockPublicPolicy",
            "IgnorePublicAcls",
            "RestrictPublicBuckets",
        ] {
            assert_eq!(
                bucket["PublicAccessBlockConfiguration"][block].as_bool(),
                Some(true),
                "{name}: {block}"
            );
        }
        assert!(bucket.get("VersioningConfiguration").is_none());
        let statement = &of(&format!("{name}Policy"))["PolicyDocument"]["Statement"][0];
        assert_eq!(statement["Effect"].as_str(), Some("Deny"));
        assert_eq!(
            statement["Condition"]["Bool"]["aws:SecureTransport"].as_str(),
            Some("false")
        );
    }
    let exports = of("ExportsBucket");
    let rules = &exports["LifecycleConfiguration"]["Rules"];
    assert_eq!(rules[0]["ExpirationInDays"].as_u64(), Some(7));
    assert_eq!(
        rules[1]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"].as_u64(),
        Some(1)
    );
    // Attachments end with their conversation, copies in the clear by themselves.
    let attachments = of("AttachmentsBucket");
    let rules = &attachments["LifecycleConfiguration"]["Rules"];
    assert_eq!(rules[0]["Prefix"].as_str(), Some("clear/"));
    assert_eq!(rules[0]["ExpirationInDays"].as_u64(), Some(1));
    assert!(rules.get(1).is_none());
}

#[test]
fn the_template_sets_nothing_that_is_for_the_local_stack_alone() {
    let (text, _) = template();
    assert!(!text.contains("USHER_LOCAL") && !text.contains("AWS_ENDPOINT_URL"));
}

#[test]
fn p_sec_03_every_function_has_a_role_of_its_own_without_wildcards() {
    let (_, template) = template();
    let mut roles = BTreeSet::new();
    for (id, kind, properties) in resources(&template) {
        match kind.as_str() {
            "AWS::Serverless::Function" => {
                let role = serde_norway::to_string(&properties["Role"]).unwrap();
                assert!(roles.insert(role), "{id} shares its role");
            }
            "AWS::IAM::Role" | "AWS::IAM::RolePolicy" => {
                assert!(properties.get("ManagedPolicyArns").is_none(), "{id}");
                for line in serde_norway::to_string(&properties).unwrap().lines() {
                    let line = line.trim().trim_start_matches("- ");
                    let action = line
                        .strip_prefix("Action:")
                        .unwrap_or(line)
                        .trim()
                        .trim_matches(['\'', '"']);
                    let is_action = [
                        "dynamodb:",
                        "kms:",
                        "sqs:",
                        "sts:",
                        "s3:",
                        "ses:",
                        "logs:",
                        "bedrock:",
                    ]
                    .iter()
                    .any(|service| action.starts_with(service) && !action.contains("LeadingKeys"));
                    assert!(!(is_action && action.contains('*')), "{id}: {line}");
                    assert!(!line.contains("dynamodb:Scan"), "{id}: {line}");
                    assert!(
                        line != "Resource: '*'" && line != "Resource: \"*\"",
                        "{id}: {line}"
                    );
                }
            }
            _ => {}
        }
    }
    assert_eq!(roles.len(), 13);
}

#[test]
fn a_queues_visibility_is_at_least_six_times_its_functions_timeout() {
    let (_, template) = template();
    let all = resources(&template);
    let properties = |wanted: &str| {
        all.iter()
            .find(|(id, _, _)| id == wanted)
            .map(|r| r.2.clone())
            .unwrap()
    };
    for (queue, function) in [
        ("ReplyQueue", "ReplyFunction"),
        ("DeliverQueue", "DeliverFunction"),
        ("ExportQueue", "ExportsFunction"),
        ("AttachmentQueue", "AttachmentsFunction"),
        ("AlertQueue", "AlertsFunction"),
    ] {
        let visibility = properties(queue)["VisibilityTimeout"].as_u64().unwrap();
        let timeout = properties(function)["Timeout"].as_u64().unwrap();
        assert!(
            visibility >= 6 * timeout,
            "{queue}: {visibility} s for {timeout} s"
        );
        assert!(
            properties(queue)["RedrivePolicy"]["maxReceiveCount"]
                .as_u64()
                .is_some(),
            "{queue}"
        );
    }
}
