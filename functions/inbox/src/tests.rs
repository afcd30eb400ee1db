//! What holds for the API as a whole: its description, and its answers where no store is needed.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;
use usher_aws::Platform;
use usher_aws::clock::SystemEntropy;
use usher_aws::http::{App, Problem};
use usher_aws::settings::Settings;
use usher_shared::Timestamp;
use usher_shared::scope::Scope;
use usher_shared::time::ManualClock;

/// Every route of `template.yaml` that leads here, with its scope.
const ROUTES: &[(&str, &str, Option<Scope>)] = &[
    ("get", "/health", None),
    ("get", "/v1/openapi.json", None),
    ("get", "/v1/conversations", Some(Scope::ConversationsRead)),
    ("get", "/v1/conversations/{id}", Some(Scope::ConversationsRead)),
    (
        "get",
        "/v1/conversations/{id}/messages",
        Some(Scope::ConversationsRead),
    ),
    (
        "post",
        "/v1/conversations/{id}/messages",
        Some(Scope::ConversationsWrite),
    ),
    (
        "post",
        "/v1/conversations/{id}/hand-back",
        Some(Scope::ConversationsWrite),
    ),
    (
        "post",
        "/v1/conversations/{id}/take-over",
        Some(Scope::ConversationsWrite),
    ),
    (
        "post",
        "/v1/conversations/{id}/close",
        Some(Scope::ConversationsWrite),
    ),
    (
        "get",
        "/v1/contacts/{id}/processing",
        Some(Scope::ConversationsRead),
    ),
    (
        "put",
        "/v1/contacts/{id}/processing",
        Some(Scope::ConversationsWrite),
    ),
    ("get", "/v1/ai", Some(Scope::SettingsRead)),
    ("put", "/v1/ai", Some(Scope::SettingsWrite)),
    ("get", "/v1/improvement", Some(Scope::SettingsRead)),
    ("put", "/v1/improvement", Some(Scope::SettingsWrite)),
    ("get", "/v1/intents", Some(Scope::SettingsRead)),
    ("put", "/v1/intents", Some(Scope::SettingsWrite)),
    ("get", "/v1/conversations/{id}/traces", Some(Scope::TracesRead)),
    ("get", "/v1/leads", Some(Scope::LeadsRead)),
    ("get", "/v1/leads/{id}", Some(Scope::LeadsRead)),
    ("patch", "/v1/leads/{id}", Some(Scope::LeadsWrite)),
    ("get", "/v1/leads/{id}/suggestions", Some(Scope::LeadsRead)),
    ("post", "/v1/leads/{id}/merge", Some(Scope::LeadsWrite)),
    ("post", "/v1/leads/{id}/unmerge", Some(Scope::LeadsWrite)),
    ("post", "/v1/leads/search", Some(Scope::LeadsRead)),
    ("post", "/v1/search", Some(Scope::ConversationsRead)),
    ("get", "/v1/masking", Some(Scope::SettingsRead)),
    ("put", "/v1/masking", Some(Scope::SettingsWrite)),
    ("get", "/v1/assistant", Some(Scope::SettingsRead)),
    ("put", "/v1/assistant", Some(Scope::SettingsWrite)),
    ("get", "/v1/ai/providers", Some(Scope::SettingsRead)),
    ("get", "/v1/metrics", Some(Scope::MetricsRead)),
    (
        "post",
        "/v1/conversations/{id}/acknowledge",
        Some(Scope::ConversationsWrite),
    ),
];

fn document() -> Value {
    serde_json::to_value(crate::openapi()).unwrap()
}

/// Fields that a problem refuses. For tests of bodies.
pub(crate) fn refused_fields(problem: &Problem) -> Vec<String> {
    problem.errors().iter().map(|error| error.field.clone()).collect()
}

#[test]
fn the_document_describes_the_routes_and_nothing_else() {
    let document = document();
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .keys()
                .map(|method| (method.clone(), path.clone()))
        })
        .collect();
    let expected = ROUTES
        .iter()
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()));
    assert_eq!(described, expected.collect());
}

#[test]
fn every_operation_names_its_scope_and_how_it_refuses() {
    let document = document();
    for (method, path, scope) in ROUTES {
        let operation = &document["paths"][path][method];
        let case = format!("{method} {path}");
        let description = operation["description"].as_str().unwrap();
        assert!(
            operation["summary"].as_str().is_some_and(|text| text.len() < 60),
            "{case}"
        );
        let responses = operation["responses"].as_object().unwrap();
        let Some(scope) = scope else {
            assert_eq!(operation["security"], serde_json::json!([{}]), "{case}");
            continue;
        };
        assert!(
            description
                .replace('\n', " ")
                .contains(&format!("Scope: `{scope}`.")),
            "{case}"
        );
        assert_eq!(
            operation.get("security"),
            None,
            "{case}: the document's own holds"
        );
        let mut needed = vec!["401", "403", "429", "500", "503"];
        if path.contains("{id}") {
            needed.push("404");
        }
        if operation["requestBody"].is_object() {
            needed.extend(["413", "422"]);
            let body = &operation["requestBody"]["content"]["application/json"];
            assert!(body["example"].is_object(), "{case}");
        }
        // What makes something can be repeated; what sets something is the same twice anyway.
        let makes = !["search", "merge", "unmerge"]
            .iter()
            .any(|end| path.ends_with(end));
        if operation["requestBody"].is_object() && *method == "post" && makes {
            needed.extend(["409", "410"]);
            let parameters = operation["parameters"].as_array().unwrap();
            assert!(
                parameters
                    .iter()
                    .any(|p| p["name"] == "Idempotency-Key" && p["in"] == "header"),
                "{case}"
            );
            assert!(responses["201"]["headers"]["Location"].is_object(), "{case}");
        }
        for status in needed {
            let content = &responses[status]["content"]["application/problem+json"];
            let schema = &content["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/ProblemBody", "{case}: {status}");
            assert_eq!(content["example"]["status"].to_string(), status, "{case}");
        }
        for (status, response) in responses {
            assert!(
                response["headers"]["X-Request-Id"].is_object(),
                "{case}: {status}"
            );
        }
    }
    assert_eq!(
        document["components"]["securitySchemes"]["api_key"]["scheme"],
        "bearer"
    );
    assert_eq!(document["security"], serde_json::json!([{"api_key": []}]));
}

#[test]
fn what_the_document_refers_to_is_in_it() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(target)) = map.get("$ref") {
                    found.insert(target.clone());
                }
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(
        found.contains("#/components/schemas/List_Conversation"),
        "{found:?}"
    );
    for target in found {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{target}");
    }
    let text = document.to_string();
    assert!(!text.contains("View"), "names of our own types");
    for id in text
        .split('"')
        .filter(|text| text.len() > 30 && text.contains("_01"))
    {
        let body = id.split_once('_').unwrap().1;
        assert!(body.len() == 26 || id.contains('/'), "{id} is no id");
    }
}

/// The function with nothing behind it: whoever calls a service is refused the connection.
fn app() -> App {
    let settings = Settings::from_source(|name| {
        let value = match name {
            "INBOX_TABLE" | "LEDGER_TABLE" | "KEYS_TABLE" => "table",
            "AWS_REGION" => "eu-central-1",
            "KMS_KEY_ARN" | "TENANT_ROLE_ARN" | "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "none",
            "PUBLIC_BASE_URL" => "https://api.example.com",
            name if name.starts_with("AWS_ENDPOINT_URL_") => "http://127.0.0.1:1",
            _ => return None,
        };
        Some(value.to_owned())
    });
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_790_000_000_000)));
    let platform = Arc::new(Platform::new(settings, clock, Arc::new(SystemEntropy)).unwrap());
    App { platform }
}

async fn call(method: &str, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let mut request = Request::builder()
        .method(method.to_uppercase().as_str())
        .uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from("no JSON at all")).unwrap();
    crate::router(app())
        .oneshot(request)
        .await
        .unwrap()
        .into_response()
}

async fn json_of(response: Response<Body>) -> Value {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

async fn assert_problem(response: Response<Body>, status: StatusCode, code: &str, case: &str) {
    assert_eq!(response.status(), status, "{case}");
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "application/problem+json",
        "{case}"
    );
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body = json_of(response).await;
    assert_eq!(body["code"], code, "{case}");
    assert_eq!(body["status"], status.as_u16(), "{case}");
    assert_eq!(body["request_id"], id, "{case}");
    assert!(id.starts_with("req_"), "{case}");
}

#[tokio::test]
async fn without_a_key_every_route_is_closed_whatever_the_body_says() {
    for (method, path, scope) in ROUTES {
        if scope.is_none() {
            continue;
        }
        let path = path.replace("{id}", "not-an-id");
        let headers: [&[(&str, &str)]; 5] = [
            &[],
            &[("authorization", "")],
            &[("authorization", "Bearer")],
            &[("authorization", "Bearer sk_live_1")],
            &[("authorization", "Basic dXNrXzE6")],
        ];
        for headers in headers {
            let case = format!("{method} {path} {headers:?}");
            let response = call(method, &path, headers).await;
            assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer", "{case}");
            assert_problem(response, StatusCode::UNAUTHORIZED, "invalid_api_key", &case).await;
        }
    }
}

#[tokio::test]
async fn unknown_routes_and_methods_are_problems() {
    for path in [
        "/",
        "/v1",
        "/v1/nothing",
        "/v1/conversations/",
        "/v1/leads/a/b",
        "/%ff",
    ] {
        let response = call("get", path, &[]).await;
        assert_problem(response, StatusCode::NOT_FOUND, "not_found", path).await;
    }
    for (method, path) in [
        ("put", "/health"),
        ("delete", "/v1/leads"),
        ("patch", "/v1/masking"),
    ] {
        let response = call(method, path, &[]).await;
        assert_problem(
            response,
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            path,
        )
        .await;
    }
}

#[tokio::test]
async fn health_and_the_document_need_no_key() {
    let response = call("get", "/health", &[]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        json_of(response).await,
        serde_json::json!({"object": "health", "status": "ok"})
    );
    let response = call("get", "/v1/openapi.json", &[]).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    // What is served is the document of the whole API; these routes are part of it.
    let served = json_of(response).await;
    for (path, operations) in document()["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert_eq!(&served["paths"][path][method], operation, "{method} {path}");
        }
    }
}
