//! Forms on web pages: every way of posting them, what is refused, and how the person is answered.

use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, CLIENT, Tenant, data, eventually, id, run, send, stack};
use crate::twilio::line::{Line, number, received};

/// A form of a tenant's.
struct Page<'a> {
    tenant: &'a Tenant,
    url: String,
}

impl<'a> Page<'a> {
    async fn new(tenant: &'a Tenant, origins: &[&str], settings: Value) -> Self {
        let body =
            json!({"kind": "form", "name": "Enquiries", "allowed_origins": origins, "settings": settings});
        let channel = tenant.post("/v1/channels", &body).await.expect(201);
        let key = channel["key"].as_str().unwrap();
        let url = tenant.url(&format!("/forms/{key}"));
        Self { tenant, url }
    }

    /// As a browser posts: what comes back is not followed.
    fn post(&self) -> RequestBuilder {
        #[expect(clippy::disallowed_methods, reason = "a client that follows nothing")]
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .redirect(Policy::none())
            .build()
            .unwrap();
        client.post(&self.url)
    }

    async fn urlencoded(&self, body: &str) -> Answer {
        let request = self
            .post()
            .header("content-type", "application/x-www-form-urlencoded");
        send(request.body(body.to_owned())).await
    }

    async fn json(&self, body: &Value) -> Answer {
        send(self.post().json(body)).await
    }

    /// All messages of the tenant.
    async fn messages(&self) -> Vec<Value> {
        let mut all = Vec::new();
        let conversations = self.tenant.get("/v1/conversations?limit=100").await.expect(200);
        for conversation in data(&conversations) {
            let path = format!("/v1/conversations/{}/messages?limit=100", id(conversation));
            all.extend(data(&self.tenant.get(&path).await.expect(200)).clone());
        }
        all
    }

    /// The message that begins with these words.
    async fn message(&self, words: &str) -> Value {
        eventually("the message is listed", || async {
            let messages = self.messages().await;
            let begins = |message: &&Value| message["text"].as_str().unwrap_or_default().starts_with(words);
            messages.iter().find(begins).cloned()
        })
        .await
    }
}

#[test]
fn a_form_is_taken_in_every_way_in_which_pages_post_it() {
    run(async {
        let tenant = Tenant::new().await;
        let page = Page::new(&tenant, &[], json!({})).await;
        let answer = page
            .urlencoded(
                "your-name=Ann&E-Mail=Ann%40example.com&message=First+question&guests=80&subject=Party",
            )
            .await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(
            answer.headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/html")
        );
        let first = page.message("First question").await;
        assert_eq!(
            first["text"],
            "First question\n\nGuests: 80\nName: Ann\nE-mail: ann@example.com"
        );
        assert_eq!(first["subject"], "Party");

        let answer = page
            .json(&json!({"name": "Bo", "email": "bo@example.com", "message": "Second question"}))
            .await;
        assert_eq!(answer.headers.get("location"), None);
        let made = answer.expect(202);
        assert_eq!(made["object"], "form_submission");
        assert_eq!(page.message("Second question").await["id"], made["id"]);

        let picture = [b"\x89PNG\r\n\x1a\n".as_slice(), b"rest of it"].concat();
        let mut body = Vec::new();
        let mut part = |head: &str, content: &[u8]| {
            let head = format!("--frontier\r\nContent-Disposition: form-data; {head}\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        };
        part("name=\"email\"", b"cy@example.com");
        part("name=\"message\"", b"Third question");
        let file = |name: &str| format!("name=\"file\"; filename=\"{name}\"\r\nContent-Type: image/png");
        part(&file("plan.png"), &picture);
        part(&file("holiday.png"), b"MZ\x90\0");
        body.extend_from_slice(b"--frontier--\r\n");
        let request = page
            .post()
            .header("content-type", "multipart/form-data; boundary=frontier");
        let answer = send(request.body(body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let third = page.message("Third question").await;
        let attachments = third["attachments"].as_array().unwrap();
        assert_eq!(attachments[0]["state"], "stored", "{third}");
        assert_eq!(attachments[0]["name"], "plan.png");
        assert_eq!(attachments[1]["refusal"], "type_mismatch");
        let (conversation, message) = (third["conversation_id"].as_str().unwrap(), id(&third));
        let path = format!(
            "/v1/conversations/{conversation}/messages/{message}/attachments/{}",
            id(&attachments[0])
        );
        let file = CLIENT.get(tenant.url(&path)).bearer_auth(&tenant.demo.api_key);
        let file = file.send().await.unwrap().bytes().await.unwrap();
        assert_eq!(file, picture);
    });
}

#[test]
fn a_browser_is_sent_to_the_page_that_says_thank_you() {
    run(async {
        let tenant = Tenant::new().await;
        let settings = json!({"thank_you_url": "https://venue.example/thanks"});
        let page = Page::new(&tenant, &[], settings).await;
        let answer = page.urlencoded("email=a%40example.com&message=Hello").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert_eq!(answer.headers["location"], "https://venue.example/thanks");
        // A script asks for JSON.
        let request = page
            .post()
            .header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("accept", "application/json");
        send(request.body("email=a%40example.com&message=Hello+again"))
            .await
            .expect(202);
    });
}

#[test]
fn a_trap_that_is_filled_in_is_thanked_and_forgotten() {
    run(async {
        let tenant = Tenant::new().await;
        let settings = json!({"thank_you_url": "https://venue.example/thanks"});
        let page = Page::new(&tenant, &[], settings).await;
        let answer = page
            .urlencoded("email=a%40example.com&message=Buy&_honey=yes")
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let answer = page
            .json(&json!({"email": "a@example.com", "message": "Buy", "_gotcha": "yes"}))
            .await;
        assert!(answer.expect(202)["id"].as_str().unwrap().starts_with("msg_"));
        page.urlencoded("email=a%40example.com&message=Honest&_honey=")
            .await;
        page.message("Honest").await;
        let messages = page.messages().await;
        assert!(
            !messages
                .iter()
                .any(|message| message["text"].as_str().unwrap().contains("Buy"))
        );
    });
}

#[test]
fn only_allowed_pages_may_post_and_may_read_the_answer() {
    run(async {
        let tenant = Tenant::new().await;
        let page = Page::new(&tenant, &["https://venue.example"], json!({})).await;
        let body = json!({"email": "a@example.com", "message": "Hello"});
        let from = |origin: &str| page.post().header("origin", origin).json(&body);
        let refused = send(from("https://elsewhere.example")).await;
        assert_eq!(refused.expect(403)["code"], "origin_not_allowed");
        let allowed = send(from("https://venue.example")).await;
        assert_eq!(
            allowed.headers["access-control-allow-origin"],
            "https://venue.example"
        );
        allowed.expect(202);
        let preflight = CLIENT.request(reqwest::Method::OPTIONS, &page.url);
        let preflight = send(preflight.header("origin", "https://venue.example")).await;
        assert_eq!(preflight.status, StatusCode::NO_CONTENT);
        assert!(
            preflight.headers["access-control-allow-methods"]
                .to_str()
                .unwrap()
                .contains("POST")
        );
        // The key of a form is nothing to a chat, and the other way round.
        let key = page.url.rsplit('/').next().unwrap();
        send(CLIENT.post(tenant.url(&format!("/chat/{key}/sessions"))))
            .await
            .expect(404);
        let chat = tenant.url(&format!("/forms/{}", tenant.demo.channel_key));
        send(CLIENT.post(chat).json(&body)).await.expect(404);
    });
}

#[test]
fn what_is_wrong_is_named_field_by_field_and_what_is_no_form_is_refused() {
    run(async {
        let tenant = Tenant::new().await;
        let page = Page::new(&tenant, &[], json!({})).await;
        let answer = page.json(&json!({"Your E-Mail": "nobody", "tel": "12"})).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let refused: Vec<_> = answer.refused().into_iter().map(|(field, _)| field).collect();
        assert_eq!(refused, ["Your E-Mail", "tel", "message"]);
        let answer = page.json(&json!({"message": "Hello"})).await;
        assert_eq!(answer.refused()[0].0, "email");
        let huge = vec![b'['; 4_300_000];
        let odd: [(&str, &[u8], u16); 6] = [
            ("text/plain", b"a=b", 400),
            ("application/json", b"{\"a\":", 400),
            ("application/json", b"[[[[", 400),
            ("application/x-www-form-urlencoded", b"a=%ff", 400),
            ("multipart/form-data; boundary=x", b"--x\r\n", 400),
            ("application/json", &huge, 413),
        ];
        for (content_type, body, status) in odd {
            let request = page
                .post()
                .header("content-type", content_type)
                .body(body.to_vec());
            let answer = send(request).await;
            assert_eq!(answer.status.as_u16(), status, "{content_type}: {}", answer.body);
        }
        assert!(page.messages().await.is_empty());
    });
}

#[test]
fn p_col_02_a_form_that_is_posted_twice_is_one_message() {
    run(async {
        let tenant = Tenant::new().await;
        let page = Page::new(&tenant, &[], json!({})).await;
        let body = json!({"email": "a@example.com", "message": "Double click"});
        let (first, second) = tokio::join!(page.json(&body), page.json(&body));
        let (first, second) = (first.expect(202), second.expect(202));
        assert_eq!(first["id"], second["id"]);
        // Somebody else, or something else, is another.
        let other = page
            .json(&json!({"email": "b@example.com", "message": "Double click"}))
            .await;
        assert_ne!(other.expect(202)["id"], first["id"]);
        let other = page
            .json(&json!({"email": "a@example.com", "message": "Double click!"}))
            .await;
        assert_ne!(other.expect(202)["id"], first["id"]);
        // A page that names its submissions may repeat them as late as it likes, and nothing else under their names.
        let named = json!({"email": "a@example.com", "message": "Named", "_id": "77"});
        let once = page.json(&named).await.expect(202);
        assert_eq!(page.json(&named).await.expect(202)["id"], once["id"]);
        let other = json!({"email": "a@example.com", "message": "Other", "_id": "77"});
        assert_eq!(
            page.json(&other).await.expect(422)["code"],
            "idempotency_key_reused"
        );
        page.message("Named").await;
        let messages = page.messages().await;
        let twice = messages
            .iter()
            .filter(|message| message["direction"] == "inbound");
        assert_eq!(twice.count(), 4);
    });
}

#[test]
fn an_enquiry_with_a_number_is_answered_by_text_message_and_one_that_nobody_can_answer_waits_for_a_person() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let line = Line::sms(stack(), &tenant).await;
        let page = Page::new(&tenant, &[], json!({"answers_by": line.id})).await;
        let guest = number();
        let body = json!({"phone": guest, "message": "How much is the garden room?"});
        page.json(&body).await.expect(202);
        let sent = eventually("the answer leaves", || async {
            received(&tenant, &guest).await.pop()
        })
        .await;
        assert!(sent.to_string().contains("900"), "{sent}");

        // There is no mailbox.
        let body = json!({"email": "ann@example.com", "message": "How much is the garden room, please?"});
        page.json(&body).await.expect(202);
        let asked = page.message("How much is the garden room, please?").await;
        eventually("a person is called", || async {
            let path = format!("/v1/conversations/{}", asked["conversation_id"].as_str().unwrap());
            let conversation = tenant.get(&path).await.expect(200);
            (conversation["state"] == "waiting_for_human").then_some(())
        })
        .await;
    });
}
