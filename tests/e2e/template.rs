//! `template.yaml` against the code: places, routes, periods, permissions.

mod mutations;
mod rules;

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
        expected.insert(("/privacy/confirm/{token}".to_owned(), method.to_owned()));
    }
    for notice in ["deauthorize", "data-deletion"] {
        expected.insert((format!("/hooks/meta/{notice}"), "post".to_owned()));
    }
    for method in ["post", "options"] {
        expected.insert(("/forms/{channel_key}".to_owned(), method.to_owned()));
    }
    assert_eq!(routes, expected);
}

#[test]
fn p_ret_09_recovery_windows_end_before_the_thirty_days_that_are_promised() {
    let (_, template) = template();
    for rule in [rules::recovery, rules::tables, rules::logs] {
        assert_eq!(rule(&template), rules::Faults::new());
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
    for rule in [rules::buckets, rules::transport, rules::lifecycles, rules::keys] {
        assert_eq!(rule(&template), rules::Faults::new());
    }
}

#[test]
fn the_template_sets_nothing_that_is_for_the_local_stack_alone() {
    let (text, _) = template();
    assert!(!text.contains("USHER_LOCAL") && !text.contains("AWS_ENDPOINT_URL"));
}

#[test]
fn p_sec_03_every_function_has_a_role_of_its_own_without_wildcards() {
    let (_, template) = template();
    for rule in [rules::roles, rules::policies] {
        assert_eq!(rule(&template), rules::Faults::new());
    }
}
