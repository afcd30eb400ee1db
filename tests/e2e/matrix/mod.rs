//! Every operation of the API document, with every id of another tenant's in every place where one can stand, and with
//! every key that must not do it. An operation or a parameter that is new fails here until somebody says what it is.

mod database;
mod operations;

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Method, header};
use serde_json::{Value, json};
use usher_shared::channel::{AttachmentKind, ChannelKind};
use usher_shared::ids::TenantId;
use usher_shared::scope::Scope;

use self::operations::{Operation, kind_of};
use crate::attachments::{Inbound, attached, served};
use crate::harness::{Answer, CLIENT, Tenant, data, eventually, id, run, send, stack};
use crate::tenancy::tenant_of;

/// What stands in everything of the owner's, and must stand in nothing that a stranger sees.
const MARKER: &str = "quetzal7391";

/// A tenant with one of everything.
struct Owner {
    tenant: Tenant,
    /// Ids by kind. `cursor` is one of a list of conversations.
    ids: BTreeMap<&'static str, String>,
}

impl Owner {
    async fn new(marker: &str) -> Self {
        let tenant = Tenant::new().await;
        let document = tenant
            .upload(marker, &format!("The {marker} room costs 900 euros."))
            .await;
        let named = json!({"kind": ChannelKind::WebChat, "name": marker, "allowed_origins": []});
        let channel = tenant.post("/v1/channels", &named).await.expect(201);
        let texts = json!({"facts": marker, "opening_hours": marker, "voice": marker});
        tenant.put("/v1/assistant", &texts).await.expect(200);
        let told = json!({"targets": [{"kind": "mail", "address": format!("{marker}@example.com")}]});
        tenant.put("/v1/alerts", &told).await.expect(200);

        let guest = tenant.guest().await;
        let asked = guest
            .say(&format!(
                "I am {marker}, {marker}@example.net. How much is the {marker} room?"
            ))
            .await;
        guest.answer_to(&asked).await;
        let lead = eventually("the lead is captured", || async {
            data(&tenant.get("/v1/leads").await.expect(200)).first().cloned()
        })
        .await;
        // Two more conversations, so that lists have a second page.
        for _ in 0..2 {
            let other = tenant.guest().await;
            let said = other.say(&format!("{marker}?")).await;
            tenant.conversation_of(&said).await;
        }
        let export = tenant.post("/v1/exports", &json!({"kind": "leads_csv"})).await;
        let export = export.expect(202);

        let asked = json!({"kind": "access", "subject": {"object": "lead", "id": id(&lead)}});
        let request = tenant.post("/v1/privacy-requests", &asked).await.expect(202);

        let inbound = Inbound::of(&tenant, stack()).await;
        let file = attached(AttachmentKind::Image, served(stack(), "picture.png"));
        let (message, conversation) = inbound.attach("sender", marker, vec![file]).await;
        let path = format!("/v1/conversations/{conversation}/messages");
        let attachment = eventually("the attachment is there", || async {
            let messages = tenant.get(&path).await.expect(200);
            let attachment = &data(&messages)[0]["attachments"][0];
            (attachment["state"] == "stored" || attachment["state"] == "ready").then(|| id(attachment))
        })
        .await;
        let page = tenant.get("/v1/conversations?limit=1").await.expect(200);
        let ids = BTreeMap::from([
            ("channel", id(&channel)),
            (
                "contact",
                lead["contacts"][0]["contact_id"].as_str().unwrap().to_owned(),
            ),
            ("conversation", conversation.to_string()),
            ("message", message.to_string()),
            ("attachment", attachment),
            ("document", id(&document)),
            ("export", id(&export)),
            ("lead", id(&lead)),
            ("request", id(&request)),
            ("cursor", page["next_cursor"].as_str().unwrap().to_owned()),
        ]);
        Self { tenant, ids }
    }

    /// All that the tenant can read of itself, as text.
    async fn seen(&self) -> Vec<Value> {
        let mut seen = Vec::new();
        for operation in operations::all() {
            if operation.method == Method::GET && operation.closed && !operation.path.contains("attachment") {
                let path = filled(&operation, |kind| self.ids[kind].clone());
                let answer = patient(self.tenant.request(Method::GET, &path)).await;
                seen.push(comparable(answer).1);
            }
        }
        seen
    }
}

/// The path with an id at every parameter.
fn filled(operation: &Operation, id: impl Fn(&'static str) -> String) -> String {
    let mut path = operation.path.clone();
    for name in &operation.in_path {
        path = path.replace(&format!("{{{name}}}"), &id(operation.kind(name)));
    }
    path
}

/// An id of the same kind that nobody has.
fn nobodys(id: &str) -> String {
    match id.split_once('_') {
        Some((kind, _)) => format!("{kind}_01k5zzzzzzzzzzzzzzzzzzzzzz"),
        None => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
    }
}

/// Sends; waits where it is told to.
pub(crate) async fn patient(request: reqwest::RequestBuilder) -> Answer {
    loop {
        let answer = send(request.try_clone().unwrap()).await;
        if answer.status.as_u16() != 429 {
            return answer;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// What may differ between two answers to the same question.
fn comparable(answer: Answer) -> (u16, Value) {
    let mut body = answer.body;
    if let Some(body) = body.as_object_mut() {
        body.remove("request_id");
        body.remove("generated_at");
    }
    (answer.status.as_u16(), body)
}

/// What each attempt says to a stranger, who must learn nothing: neither by words nor by the status.
struct Stranger<'a> {
    tenant: &'a Tenant,
    attempts: usize,
}

impl Stranger<'_> {
    /// The same request with another's id and with one that nobody has.
    async fn compare(
        &mut self,
        operation: &Operation,
        what: &str,
        request: impl Fn(bool) -> reqwest::RequestBuilder,
    ) {
        let foreign = patient(request(true)).await;
        let unknown = patient(request(false)).await;
        let what = format!("{} with another's {what}", operation.name());
        let text = format!("{:?} {}", foreign.headers, foreign.body);
        assert!(!text.contains(MARKER), "{what}: {text}");
        let (foreign, unknown) = (comparable(foreign), comparable(unknown));
        assert_eq!(foreign.0, unknown.0, "{what}: {} and {}", foreign.1, unknown.1);
        if foreign.0 >= 400 {
            assert_eq!(foreign.1, unknown.1, "{what}");
        }
        self.attempts += 1;
    }

    fn request(&self, operation: &Operation, path: &str) -> reqwest::RequestBuilder {
        let request = self.tenant.request(operation.method.clone(), path);
        match &operation.body {
            Some(body) => request.json(body),
            None => request,
        }
    }
}

#[test]
fn p_sec_02_no_id_of_another_tenant_opens_changes_or_betrays_anything_in_any_place_of_any_operation() {
    run(async {
        let owner = Owner::new(MARKER).await;
        let own = Owner::new("toucan1846").await;
        let before = owner.seen().await;
        assert!(
            before
                .iter()
                .filter(|body| body.to_string().contains(MARKER))
                .count()
                >= 8,
            "the marker stands in what there is to steal"
        );
        let mut stranger = Stranger {
            tenant: &own.tenant,
            attempts: 0,
        };
        for operation in operations::all().iter().filter(|operation| operation.closed) {
            let id = |kind: &'static str, theirs: bool| {
                let id = owner.ids[kind].clone();
                if theirs { id } else { nobodys(&id) }
            };
            // Each parameter alone, the others one's own; then all.
            for swapped in &operation.in_path {
                let path = |theirs| {
                    let swapped = operation.kind(swapped);
                    filled(operation, |kind| {
                        if kind == swapped {
                            id(kind, theirs)
                        } else {
                            own.ids[kind].clone()
                        }
                    })
                };
                let (theirs, unknown) = (path(true), path(false));
                let requests = [
                    stranger.request(operation, &unknown),
                    stranger.request(operation, &theirs),
                ];
                stranger
                    .compare(operation, swapped, |theirs| {
                        requests[usize::from(theirs)].try_clone().unwrap()
                    })
                    .await;
            }
            if operation.in_path.len() > 1 {
                let requests = [false, true]
                    .map(|theirs| stranger.request(operation, &filled(operation, |kind| id(kind, theirs))));
                stranger
                    .compare(operation, "path", |theirs| {
                        requests[usize::from(theirs)].try_clone().unwrap()
                    })
                    .await;
            }
            let own_path = filled(operation, |kind| own.ids[kind].clone());
            for name in &operation.in_query {
                let Some(kind) = kind_of(name) else { continue };
                let requests = [false, true].map(|theirs| {
                    stranger.request(operation, &format!("{own_path}?{name}={}", id(kind, theirs)))
                });
                stranger
                    .compare(operation, name, |theirs| {
                        requests[usize::from(theirs)].try_clone().unwrap()
                    })
                    .await;
            }
            for place in &operation.in_body {
                let kind = kind_of(place).unwrap_or_else(|| panic!("{}: what is {place}?", operation.name()));
                let requests = [false, true].map(|theirs| {
                    let request = own.tenant.request(operation.method.clone(), &own_path);
                    request.json(&operation.body_with(place, &id(kind, theirs)))
                });
                stranger
                    .compare(operation, place, |theirs| {
                        requests[usize::from(theirs)].try_clone().unwrap()
                    })
                    .await;
            }
        }
        assert!(stranger.attempts >= 60, "{} attempts", stranger.attempts);
        for (after, before) in owner.seen().await.into_iter().zip(before) {
            assert_eq!(after, before, "nothing of the owner's has changed");
        }
    });
}

#[test]
fn p_sec_02_an_idempotency_key_of_another_tenant_brings_nothing_of_theirs() {
    run(async {
        let (owner, own) = (Tenant::new().await, Tenant::new().await);
        let mut tried = 0;
        for operation in operations::all().iter().filter(|operation| operation.idempotent) {
            // A request of privacy is about something that has to be there first.
            if !operation.in_path.is_empty() || operation.path == "/v1/privacy-requests" {
                continue;
            }
            let body = operation.body.as_ref().unwrap();
            let post = |tenant: &Tenant| {
                let request = tenant.request(Method::POST, &operation.path);
                patient(request.json(body).header("idempotency-key", "the-same"))
            };
            let (theirs, ours) = (post(&owner).await, post(&own).await);
            assert_eq!(theirs.status, ours.status, "{}", operation.name());
            assert_ne!(id(&theirs.body), id(&ours.body), "{}", operation.name());
            tried += 1;
        }
        assert!(tried >= 3, "{tried}");
    });
}

/// A key of the tenant with all scopes but these.
async fn key_without(tenant: TenantId, missing: &[String]) -> String {
    let operator = usher_local::seed::operator(stack()).unwrap();
    let scopes = Scope::ALL.iter().copied();
    let scopes = scopes
        .filter(|scope| !missing.contains(&scope.to_string()))
        .collect();
    operator
        .create_api_key(tenant, scopes, None)
        .await
        .unwrap()
        .secret
        .0
}

#[test]
fn p_sec_04_without_a_key_every_operation_is_401_and_without_its_scope_403_that_names_it() {
    run(async {
        let own = Owner::new("toucan5520").await;
        let tenant = tenant_of(&own.tenant).await;
        let mut used = std::collections::BTreeSet::new();
        for operation in operations::all() {
            let path = if operation.closed {
                filled(&operation, |kind| own.ids[kind].clone())
            } else {
                operation.path.replace("{token}", "x")
            };
            let request = |key: Option<&str>| {
                let mut request = CLIENT.request(operation.method.clone(), own.tenant.url(&path));
                if let Some(body) = &operation.body {
                    request = request.json(body);
                }
                match key {
                    Some(key) => request.bearer_auth(key),
                    None => request,
                }
            };
            let name = operation.name();
            if !operation.closed {
                assert_ne!(send(request(None)).await.status.as_u16(), 401, "{name}");
                continue;
            }
            let wrong = format!("usk_{}", "0".repeat(48));
            for key in [None, Some(wrong.as_str()), Some("usk_"), Some("")] {
                let answer = patient(request(key)).await;
                assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer", "{name}");
                let body = answer.expect(401);
                assert_eq!(body["code"], "invalid_api_key", "{name}");
            }
            let scopes = operation.scopes();
            let key = key_without(tenant, &scopes).await;
            let answer = patient(request(Some(&key))).await;
            assert_eq!(answer.status.as_u16(), 403, "{name}: {}", answer.body);
            let body = answer.expect(403);
            assert_eq!(body["code"], "missing_scope", "{name}");
            let detail = body["detail"].as_str().unwrap();
            assert!(
                scopes.iter().any(|scope| detail.contains(scope.as_str())),
                "{name}: {detail}"
            );
            used.extend(scopes);
        }
        // Needed beside another by what is asked for: to close the account.
        used.insert("account:delete".to_owned());
        let all: std::collections::BTreeSet<String> = Scope::ALL.iter().map(ToString::to_string).collect();
        assert_eq!(
            used, all,
            "every scope is of use, and none is used that is not there"
        );
    });
}
