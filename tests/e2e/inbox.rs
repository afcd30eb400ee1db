//! The API: scopes, lists, idempotency, documents, channels.

use reqwest::Method;
use serde_json::json;
use usher_local::seed;
use usher_shared::scope::Scope;

use crate::harness::{CLIENT, Tenant, data, id, run, send, stack};

#[test]
fn p_sec_04_a_key_does_what_its_scopes_say_and_the_answer_names_the_missing_one() {
    run(async {
        let tenant = Tenant::new().await;
        let platform = seed::operator(stack()).unwrap();
        let secret = &tenant.demo.api_key;
        let owner = *platform.find_api_key(secret).await.unwrap().unwrap().tenant;
        let key = platform
            .create_api_key(owner, vec![Scope::LeadsRead], None)
            .await
            .unwrap()
            .secret
            .0;
        let as_key = |method: Method, path: &str| CLIENT.request(method, tenant.url(path)).bearer_auth(&key);
        send(as_key(Method::GET, "/v1/leads")).await.expect(200);
        let refused = [
            (Method::GET, "/v1/conversations", "conversations:read"),
            (Method::GET, "/v1/channels", "channels:read"),
            (Method::POST, "/v1/channels", "channels:write"),
            (Method::GET, "/v1/documents", "documents:read"),
            (Method::POST, "/v1/documents", "documents:write"),
        ];
        for (method, path, scope) in refused {
            let body = json!({"kind": "web_chat", "name": "n", "title": "t", "format": "text", "text": "x"});
            let mut request = as_key(method.clone(), path);
            if method == Method::POST {
                let fields: &[&str] = if path.ends_with("channels") {
                    &["kind", "name"]
                } else {
                    &["title", "format", "text"]
                };
                let body: serde_json::Map<_, _> = fields
                    .iter()
                    .map(|field| ((*field).to_owned(), body[*field].clone()))
                    .collect();
                request = request.json(&body);
            }
            let answer = send(request).await.expect(403);
            assert_eq!(answer["code"], "missing_scope");
            assert!(answer["detail"].as_str().unwrap().contains(scope), "{answer}");
        }
    });
}

#[test]
fn a_revoked_or_expired_key_is_no_key() {
    run(async {
        let tenant = Tenant::new().await;
        let platform = seed::operator(stack()).unwrap();
        let owner = *platform
            .find_api_key(&tenant.demo.api_key)
            .await
            .unwrap()
            .unwrap()
            .tenant;
        let past = Some(platform.clock().now());
        let key = platform
            .create_api_key(owner, Scope::ALL.to_vec(), past)
            .await
            .unwrap()
            .secret
            .0;
        send(CLIENT.get(tenant.url("/v1/leads")).bearer_auth(&key))
            .await
            .expect(401);
    });
}

#[test]
fn the_same_idempotent_request_makes_one_document_and_another_body_is_refused() {
    run(async {
        let tenant = Tenant::new().await;
        let post = |text: &str| {
            let body = json!({"title": "Menu", "format": "text", "text": text});
            send(
                tenant
                    .request(Method::POST, "/v1/documents")
                    .header("idempotency-key", "k1")
                    .json(&body),
            )
        };
        let first = post("Soup").await.expect(201);
        assert_eq!(id(&post("Soup").await.expect(201)), id(&first));
        assert_eq!(post("Salad").await.expect(422)["code"], "idempotency_key_reused");
        assert_eq!(data(&tenant.get("/v1/documents").await.expect(200)).len(), 1);
        // Another key, another document.
        tenant.upload("Menu", "Soup").await;
        assert_eq!(data(&tenant.get("/v1/documents").await.expect(200)).len(), 2);
    });
}

#[test]
fn lists_are_read_page_by_page_in_both_directions() {
    run(async {
        let tenant = Tenant::new().await;
        for number in 0..5 {
            tenant.upload(&format!("Document {number}"), "text").await;
        }
        let all: Vec<_> = data(&tenant.get("/v1/documents").await.expect(200))
            .iter()
            .map(id)
            .collect();
        assert_eq!(all.len(), 5);

        let (mut forward, mut path) = (Vec::new(), "/v1/documents?limit=2".to_owned());
        let last_page = loop {
            let page = tenant.get(&path).await.expect(200);
            forward.extend(data(&page).iter().map(id));
            if page["has_more"] == false {
                break page;
            }
            path = format!(
                "/v1/documents?limit=2&after={}",
                page["next_cursor"].as_str().unwrap()
            );
        };
        assert_eq!(forward, all);
        let before = last_page["previous_cursor"].as_str().unwrap();
        let page = tenant
            .get(&format!("/v1/documents?limit=2&before={before}"))
            .await
            .expect(200);
        assert_eq!(data(&page).iter().map(id).collect::<Vec<_>>(), all[2..4]);

        let cursor = page["next_cursor"].as_str().unwrap();
        let other = Tenant::new().await;
        for (list, cursor) in [("documents", "x"), ("channels", cursor)] {
            let answer = tenant.get(&format!("/v1/{list}?after={cursor}")).await;
            assert_eq!(answer.refused()[0].0, "after", "another list's cursor");
            answer.expect(422);
        }
        other
            .get(&format!("/v1/documents?after={cursor}"))
            .await
            .expect(422);
        for limit in ["0", "101", "x"] {
            let answer = tenant.get(&format!("/v1/documents?limit={limit}")).await;
            assert_eq!(answer.refused()[0].0, "limit", "{limit}");
        }
        assert_eq!(
            tenant.get("/v1/documents?colour=red").await.refused()[0].0,
            "colour"
        );
    });
}

#[test]
fn a_deleted_document_is_gone_and_no_longer_answers() {
    run(async {
        let tenant = Tenant::new().await;
        let document = tenant
            .upload("Prices", "The garden room costs 900 euros a day.")
            .await;
        let guest = tenant.guest().await;
        let asked = guest.say("How much is the garden room?").await;
        assert_eq!(guest.answer_to(&asked).await["author"], "ai");

        let path = format!("/v1/documents/{}", id(&document));
        let gone = tenant.delete(&path).await.expect(200);
        assert_eq!(
            gone,
            json!({"id": id(&document), "object": "document", "deleted": true})
        );
        tenant.get(&path).await.expect(404);
        tenant.delete(&path).await.expect(404);
        let again = guest.say("How much is the garden room today?").await;
        assert_eq!(guest.answer_to(&again).await["author"], "system", "handed over");
    });
}

#[test]
fn a_disconnected_channel_takes_no_more_messages() {
    run(async {
        let tenant = Tenant::new().await;
        let guest = tenant.guest().await;
        let channels = tenant.get("/v1/channels").await.expect(200);
        tenant
            .delete(&format!("/v1/channels/{}", id(&data(&channels)[0])))
            .await
            .expect(200);
        guest.post(&json!({"text": "hello?"})).await.expect(404);
        let channels = tenant.get("/v1/channels").await.expect(200);
        assert_eq!(data(&channels)[0]["state"], "disconnected");
    });
}

#[test]
fn several_refused_fields_are_named_at_once() {
    run(async {
        let tenant = Tenant::new().await;
        let body = json!({"title": "", "format": "text", "text": ""});
        let answer = tenant.post("/v1/documents", &body).await;
        let fields: Vec<_> = answer.refused().into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["title", "text"]);
        answer.expect(422);
        let body = json!({"kind": "web_chat", "name": "x", "allowed_origins": ["https://a.example/path"]});
        assert!(
            tenant.post("/v1/channels", &body).await.refused()[0]
                .0
                .starts_with("allowed_origins")
        );
        let body = json!({"kind": "fax", "name": "x"});
        assert_eq!(tenant.post("/v1/channels", &body).await.refused()[0].0, "kind");
    });
}

#[test]
fn unknown_routes_and_methods_are_problems_too() {
    run(async {
        let tenant = Tenant::new().await;
        // The gateway itself answers what no route of the template matches.
        tenant.get("/v1/nothing").await.expect(404);
        tenant.get("/health").await.expect(200);
        let document = tenant.get("/v1/openapi.json").await.expect(200);
        assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    });
}
