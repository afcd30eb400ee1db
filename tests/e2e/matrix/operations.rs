//! The operations of docs/openapi.json: what each needs, and where ids stand in it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::root;

/// One operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) method: Method,
    /// With its parameters in braces.
    pub(super) path: String,
    /// Whether it needs a key.
    pub(super) closed: bool,
    /// Names of the parameters in its path.
    pub(super) in_path: Vec<String>,
    /// Names of the parameters in its query.
    pub(super) in_query: Vec<String>,
    /// A body that it takes.
    pub(super) body: Option<Value>,
    /// Places in its body where an id or a cursor may stand: names with dots.
    pub(super) in_body: Vec<String>,
    /// Whether it takes an idempotency key.
    pub(super) idempotent: bool,
    description: String,
}

/// What may stand where. A name that is in none of the lists fails the test: somebody has to say what it is.
const IDS_IN_QUERY: [&str; 3] = ["channel_id", "lead_id", "channel"];
const CURSORS: [&str; 2] = ["after", "before"];
const PLAIN_IN_QUERY: [&str; 7] = ["limit", "state", "since", "until", "from", "to", "conversations"];
const IDS_IN_BODY: [&str; 6] = [
    "lead_id",
    "conversation_id",
    "settings.answers_by",
    "subject.id",
    "subject.conversation_id",
    "contact.contact_id",
];
/// Names that end like an id's, of what is not ours: a carrier's.
const CARRIERS_IDS: [&str; 5] = [
    "credentials.account_id",
    "credentials.business_account_id",
    "credentials.account_sid",
    "credentials.api_key_sid",
    "credentials.messaging_service_sid",
];

/// All operations of the document.
pub(super) fn all() -> Vec<Operation> {
    let text = std::fs::read_to_string(root().join("docs/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations.push(read(&document, path, method, operation));
        }
    }
    operations
}

fn read(document: &Value, path: &str, method: &str, operation: &Value) -> Operation {
    let mut found = Operation {
        method: method.to_uppercase().parse().unwrap(),
        path: path.to_owned(),
        closed: operation["security"] != json!([{}]),
        in_path: Vec::new(),
        in_query: Vec::new(),
        body: None,
        in_body: Vec::new(),
        idempotent: false,
        description: operation["description"].as_str().unwrap_or_default().to_owned(),
    };
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap().to_owned();
        match parameter["in"].as_str().unwrap() {
            "path" => found.in_path.push(name),
            "query" => {
                let known = [&IDS_IN_QUERY[..], &CURSORS, &PLAIN_IN_QUERY].concat();
                assert!(
                    known.contains(&name.as_str()),
                    "{method} {path}: is {name} an id?"
                );
                found.in_query.push(name);
            }
            "header" => {
                assert_eq!(name, "Idempotency-Key", "{method} {path}");
                found.idempotent = true;
            }
            other => panic!("{method} {path}: {name} in {other}"),
        }
    }
    let content = &operation["requestBody"]["content"]["application/json"];
    if !content.is_null() {
        places(document, &content["schema"], "", &mut found.in_body);
        let example = content["example"].clone();
        found.body = Some(match (method, path) {
            ("post", "/v1/exports") => json!({"kind": "leads_csv"}),
            ("put", "/v1/retention") => json!({"conversation_days": 365}),
            _ => example,
        });
        let is_object = found.body.as_ref().is_some_and(Value::is_object);
        assert!(is_object, "{method} {path} has no example of its body");
    }
    found
}

/// Collects the places of ids and cursors in what a schema describes.
fn places(document: &Value, schema: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let pointer = name.trim_start_matches('#');
        return places(document, document.pointer(pointer).unwrap(), at, found);
    }
    for several in ["oneOf", "anyOf", "allOf"] {
        for one in schema[several].as_array().into_iter().flatten() {
            places(document, one, at, found);
        }
    }
    if !schema["items"].is_null() {
        places(document, &schema["items"], at, found);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let at = if at.is_empty() {
            name.clone()
        } else {
            format!("{at}.{name}")
        };
        let example = property["example"].as_str().unwrap_or_default();
        let like_an_id = ["_id", "_ids", "_sid", "_by"]
            .iter()
            .any(|end| name.ends_with(end))
            || name == "id"
            || example.contains("_01k5");
        if CARRIERS_IDS.contains(&at.as_str()) || property["type"] == "boolean" {
            continue;
        }
        if like_an_id {
            assert!(IDS_IN_BODY.contains(&at.as_str()), "what is {at}?");
        }
        if like_an_id || CURSORS.contains(&name.as_str()) {
            found.push(at);
        } else {
            places(document, property, &at, found);
        }
    }
}

impl Operation {
    /// Scopes of which the caller needs one.
    pub(super) fn scopes(&self) -> Vec<String> {
        if self.path.starts_with("/v1/exports") {
            // What is exported decides.
            return ["leads:export", "conversations:export", "account:export"]
                .map(str::to_owned)
                .to_vec();
        }
        let said = self.description.split_once("Scope:").map(|(_, rest)| rest);
        let scope = said.and_then(|rest| rest.split('`').nth(1));
        vec![
            scope
                .unwrap_or_else(|| panic!("{} names no scope", self.name()))
                .to_owned(),
        ]
    }

    /// The operation with `value` at a place of its body.
    pub(super) fn body_with(&self, place: &str, value: &str) -> Value {
        let mut body = match place {
            "lead_id" => json!({"kind": "lead_archive"}),
            "settings.answers_by" => json!({"kind": "form", "name": "Form", "settings": {}}),
            _ => self.body.clone().unwrap(),
        };
        let mut at = &mut body;
        for name in place.split('.') {
            at = &mut at[name];
        }
        *at = json!(value);
        body
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// What kind of thing a parameter of the path is.
    pub(super) fn kind(&self, parameter: &str) -> &'static str {
        let beside = self.path.split('/').nth(2).unwrap_or_default();
        match (beside, parameter) {
            ("channels", "id") => "channel",
            ("contacts", "id") => "contact",
            ("conversations", "id") => "conversation",
            ("conversations", "message_id") => "message",
            ("conversations", "attachment_id") => "attachment",
            ("documents", "id") => "document",
            ("exports", "id") => "export",
            ("leads", "id") => "lead",
            ("privacy-requests", "id") => "request",
            _ => panic!("{}: what is {parameter}?", self.name()),
        }
    }
}

/// What a parameter of a query or a place of a body takes.
pub(super) fn kind_of(name: &str) -> Option<&'static str> {
    match name {
        "channel_id" | "channel" | "settings.answers_by" => Some("channel"),
        "lead_id" | "subject.id" => Some("lead"),
        "contact.contact_id" => Some("contact"),
        "conversation_id" | "subject.conversation_id" => Some("conversation"),
        "after" | "before" => Some("cursor"),
        _ => None,
    }
}
