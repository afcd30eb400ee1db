//! Documents: read from files and web sites, replaced as versions, and answered from by their tenant alone.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reply::Desk;
use reply::provider::builtin::Builtin;
use serde_json::{Value, json};
use usher_local::Stack;
use usher_shared::category::Preset;

use crate::harness::{CLIENT, Tenant, data, eventually, id, run, send, stack, start};
use crate::tenancy::{function_on, tenant_of};

/// A PDF of one page that shows what these instructions draw.
fn pdf(content: &str, resources: &str) -> Vec<u8> {
    format!(
        "%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n\
         2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj\n\
         3 0 obj << /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << {resources} >> >> endobj\n\
         4 0 obj << /Length {} >>\nstream\n{content}\nendstream endobj\n\
         5 0 obj << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >> endobj\n\
         6 0 obj << /Type /XObject /Subtype /Image /Width 1 /Height 1 /Length 1 >>\nstream\nx\nendstream endobj\n\
         trailer << /Size 7 /Root 1 0 R >>\n",
        content.len()
    )
    .into_bytes()
}

fn site(stack: &Stack, path: &str) -> String {
    format!("{}/_world/site/{path}", stack.base_url())
}

async fn read(tenant: &Tenant, document: &Value) -> Value {
    tenant
        .get(&format!("/v1/documents/{}", id(document)))
        .await
        .expect(200)
}

/// What a guest is answered, once.
async fn asked(tenant: &Tenant, question: &str) -> Value {
    let guest = tenant.guest().await;
    let message = guest.say(question).await;
    guest.answer_to(&message).await
}

fn says(answer: &Value, words: &str) -> bool {
    answer["text"].as_str().unwrap().contains(words)
}

#[test]
fn a_file_of_any_format_is_read_and_answered_from() {
    run(async {
        let tenant = Tenant::new().await;
        let price_list = pdf(
            "BT /F1 10 Tf 50 700 Td (The orchid pavilion costs 4711 euros a day.) Tj ET",
            "/Font << /F1 5 0 R >>",
        );
        let files = [
            json!({"title": "Pavilions", "kind": "price_list", "format": "pdf", "content": STANDARD.encode(price_list)}),
            json!({"title": "Dishes", "kind": "menu", "format": "csv", "text": "Dish;Price\nMarmalade soup;€ 8\n"}),
            json!({"title": "Page", "format": "html", "text": "<h1>Fountain</h1><p>The fountain is lit until 23:00.</p>"}),
            json!({"title": "Alt", "format": "text", "content": STANDARD.encode(b"Der K\xfcchenchef hei\xdft Otto.")}),
        ];
        let mut made = Vec::new();
        for file in files {
            made.push(tenant.post("/v1/documents", &file).await.expect(201));
        }
        assert!(
            made.iter()
                .all(|document| document["version"] == 1 && document["warnings"] == json!([]))
        );
        let page = read(&tenant, &made[0]).await;
        assert_eq!(page["text"], "The orchid pavilion costs 4711 euros a day.");
        assert_eq!(page["sources"], json!(["page 1"]));
        assert_eq!(page["kind"], "price_list");
        assert_eq!(
            read(&tenant, &made[1]).await["text"],
            "| Dish | Price |\n| --- | --- |\n| Marmalade soup | € 8 |"
        );
        assert_eq!(
            read(&tenant, &made[3]).await["text"],
            "Der Küchenchef heißt Otto."
        );
        assert!(says(
            &asked(&tenant, "How much is the orchid pavilion?").await,
            "4711"
        ));
        assert!(says(
            &asked(&tenant, "How much is the marmalade soup?").await,
            "€ 8"
        ));
    });
}

#[test]
fn a_file_that_cannot_be_read_says_why_and_makes_nothing() {
    run(async {
        let tenant = Tenant::new().await;
        let encrypted = String::from_utf8(pdf("", "")).unwrap();
        let encrypted = encrypted.replace("/Root 1 0 R", "/Root 1 0 R /Encrypt << /Filter /Standard >>");
        let table: [(&[u8], &str); 4] = [
            (b"%PDF-1.4 and no more", "is damaged, or not of this format"),
            (b"a letter", "is damaged, or not of this format"),
            (encrypted.as_bytes(), "is encrypted"),
            (&vec![b'['; 4 * 1024 * 1024 + 1], "must be at most 4 MiB"),
        ];
        for (bytes, expected) in table {
            let body = json!({"title": "List", "format": "pdf", "content": STANDARD.encode(bytes)});
            let answer = tenant.post("/v1/documents", &body).await;
            assert_eq!(answer.refused(), [("content".to_owned(), expected.to_owned())]);
            answer.expect(422);
        }
        assert!(data(&tenant.get("/v1/documents").await.expect(200)).is_empty());
    });
}

#[test]
fn a_plan_of_pictures_is_taken_with_a_warning_and_its_caption_answers() {
    run(async {
        let tenant = Tenant::new().await;
        let plan = STANDARD.encode(pdf("/Im Do", "/XObject << /Im 6 0 R >>"));
        let body = json!({"title": "First floor", "kind": "floor_plan", "format": "pdf", "content": plan,
            "caption": "The orchid pavilion is on the first floor, beside the library."});
        let made = tenant.post("/v1/documents", &body).await.expect(201);
        assert_eq!(made["warnings"], json!(["images_only"]));
        assert!(says(
            &asked(&tenant, "Where is the orchid pavilion?").await,
            "beside the library"
        ));
        let sample = json!({"title": "Letter", "kind": "voice_sample", "format": "text",
            "text": "Dear Ann, the marmalade tower costs 12 euros."});
        tenant.post("/v1/documents", &sample).await.expect(201);
        let answer = asked(&tenant, "How much is the marmalade tower?").await;
        assert_eq!(
            answer["author"], "system",
            "what was said to somebody else answers nobody: {answer}"
        );
    });
}

#[test]
fn a_document_that_is_replaced_keeps_its_id_and_answers_anew() {
    run(async {
        let tenant = Tenant::new().await;
        let body = |price: u32| {
            json!({"title": "Prices", "format": "text",
            "text": format!("The orchid pavilion costs {price} euros a day.")})
        };
        let made = tenant.post("/v1/documents", &body(4711)).await.expect(201);
        assert!(says(
            &asked(&tenant, "How much is the orchid pavilion?").await,
            "4711"
        ));
        let path = format!("/v1/documents/{}", id(&made));
        let second = tenant.put(&path, &body(5822)).await.expect(200);
        assert_eq!(
            (&second["version"], &second["id"], &second["created_at"]),
            (&json!(2), &made["id"], &made["created_at"])
        );
        let answer = asked(&tenant, "How much is the orchid pavilion?").await;
        assert!(says(&answer, "5822") && !says(&answer, "4711"), "{answer}");
        // The same once more is no version, and of the one before nothing is left.
        assert_eq!(tenant.put(&path, &body(5822)).await.expect(200)["version"], 2);
        assert!(!read(&tenant, &made).await.to_string().contains("4711"));
        // Two at the same moment: one of them, and the other is told.
        let (one, other) = (body(1), body(2));
        let (one, other) = tokio::join!(tenant.put(&path, &one), tenant.put(&path, &other));
        let mut both = [one.status.as_u16(), other.status.as_u16()];
        both.sort_unstable();
        assert!(matches!(both, [200, 200 | 409]), "{both:?}");
        let other = Tenant::new().await;
        other.put(&path, &body(3)).await.expect(404);
        tenant.delete(&path).await.expect(200);
        tenant.put(&path, &body(4)).await.expect(404);
    });
}

#[test]
fn a_web_site_is_read_page_by_page_as_far_as_it_allows() {
    run(async {
        let tenant = Tenant::new().await;
        // Begins where it leads from there.
        let body = json!({"title": "Our site", "source_url": site(stack(), "to/home")});
        let made = tenant.post("/v1/documents", &body).await.expect(201);
        assert_eq!(
            (&made["format"], &made["warnings"]),
            (&json!("web"), &json!(["pages_skipped"]))
        );
        let document = read(&tenant, &made).await;
        let pages = ["home", "rooms", "dogs"].map(|page| site(stack(), &format!("inn/{page}")));
        assert_eq!(document["sources"], json!(pages));
        let text = document["text"].as_str().unwrap();
        assert!(text.contains("| Attic room | € 74 |"), "{text}");
        assert_eq!(
            text.matches("Lake Road 5").count(),
            1,
            "what stands on every page is read once: {text}"
        );
        for hidden in ["marmalade", "cats", "script"] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
        assert!(says(&asked(&tenant, "How much is the attic room?").await, "74"));
        let closed = json!({"title": "Closed", "source_url": site(stack(), "inn/private/safe")});
        let answer = tenant.post("/v1/documents", &closed).await;
        assert_eq!(
            answer.refused(),
            [("source_url".to_owned(), "the site asks not to be read".to_owned())]
        );
    });
}

#[test]
fn p_sec_04_no_document_is_read_from_inside_a_network() {
    run(async {
        let tenant = Tenant::new().await;
        let port = stack().base_url().rsplit(':').next().unwrap().to_owned();
        let inside = "must be an https address of the public net, and lead to none that is not";
        let addresses = [
            site(stack(), "to/metadata"),
            site(stack(), "to/inside"),
            site(stack(), "to/loopback"),
            "http://169.254.169.254/latest/meta-data/".to_owned(),
            "https://169.254.169.254/latest/meta-data/".to_owned(),
            "https://[::ffff:10.0.0.1]/".to_owned(),
            "https://0x7f000001/".to_owned(),
            "https://localhost/".to_owned(),
            "https://localhost.localdomain/".to_owned(),
            format!("http://localhost:{port}/_world/site/inn/home"),
            format!("{}@example.com/", stack().base_url()),
            "file:///etc/passwd".to_owned(),
            "no address".to_owned(),
        ];
        for address in addresses {
            let body = json!({"title": "Site", "source_url": address});
            let answer = tenant.post("/v1/documents", &body).await;
            assert_eq!(
                answer.refused(),
                [("source_url".to_owned(), inside.to_owned())],
                "{address}"
            );
        }
        for (path, expected) in [
            ("inn/nothing", "there is no page at this address"),
            ("picture", "is no page of text"),
        ] {
            let body = json!({"title": "Site", "source_url": site(stack(), path)});
            let answer = tenant.post("/v1/documents", &body).await;
            assert_eq!(answer.refused(), [("source_url".to_owned(), expected.to_owned())]);
        }
        assert!(data(&tenant.get("/v1/documents").await.expect(200)).is_empty());
    });
}

#[test]
fn a_web_site_is_read_again_each_day() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let body = json!({"title": "Boats", "source_url": site(&stack, "visited/boats")});
        let made = tenant.post("/v1/documents", &body).await.expect(201);
        let reread = || async {
            let url = format!("{}/_local/schedule/reread", stack.base_url());
            send(CLIENT.post(url)).await.expect(200)["answer"].clone()
        };
        // Not yet.
        assert_eq!(reread().await["looked_at"], 0);
        assert!(says(&asked(&tenant, "How much is the boat?").await, "100 euros"));
        let clock = format!("{}/_local/clock", stack.base_url());
        send(CLIENT.post(&clock).json(&json!({"advance": "1d"})))
            .await
            .expect(200);
        // The clock made the schedule due: it runs by itself. A second run beside it would read the site twice.
        let document = eventually("the site is read again", || async {
            let document = read(&tenant, &made).await;
            (document["read_at"] != made["read_at"]).then_some(document)
        })
        .await;
        assert_eq!((&document["version"], &document["id"]), (&json!(2), &made["id"]));
        assert!(says(&asked(&tenant, "How much is the boat?").await, "200 euros"));
        assert_eq!(reread().await["looked_at"], 0);
    });
}

#[test]
fn p_ai_02_in_one_warm_instance_no_tenant_finds_what_another_says() {
    run(async {
        let desk = Desk::new(Arc::new(function_on(stack(), "reply")), Arc::new(Builtin));
        let platform = function_on(stack(), "reply");
        let mut tenants = Vec::new();
        // More than an instance keeps: indexes come, go and come again.
        for number in 0..18 {
            let tenant = Tenant::new().await;
            let text = format!("The orchid pavilion costs {number}711 euros a day. Ask for keeper{number}.");
            tenant.upload("Prices", &text).await;
            let tenant_id = tenant_of(&tenant).await;
            tenants.push((number, tenant_id));
        }
        for _round in 0..2 {
            let asked = tenants.iter().map(|(number, tenant)| {
                let (desk, platform) = (&desk, &platform);
                async move {
                    let scope = platform.enter(*tenant).await.unwrap();
                    (*number, desk.index(&scope).await.unwrap())
                }
            });
            for (number, index) in futures_util::future::join_all(asked).await {
                let all = index.search("How much is the orchid pavilion?", 100);
                let texts: Vec<&str> = all.iter().map(|hit| hit.passage.text.as_str()).collect();
                assert_eq!(
                    texts,
                    [format!(
                        "The orchid pavilion costs {number}711 euros a day. Ask for keeper{number}."
                    )]
                );
                for (other, _) in tenants.iter().filter(|(other, _)| *other != number) {
                    assert!(
                        index
                            .search(&format!("keeper{other}"), 5)
                            .iter()
                            .all(|hit| hit.passage.text.contains(&format!("keeper{number}.")))
                    );
                }
            }
        }
    });
}

#[test]
fn p_ai_02_two_tenants_who_contradict_each_other_are_asked_at_once() {
    run(async {
        let (one, other) = (Tenant::new().await, Tenant::new().await);
        one.upload(
            "Prices",
            "The orchid pavilion costs 4711 euros a day. Dogs are welcome.",
        )
        .await;
        other
            .upload(
                "Prices",
                "The orchid pavilion costs 5822 euros a day. Dogs stay outside.",
            )
            .await;
        let question = "How much is the orchid pavilion?";
        let rounds = (0..6).map(|round| {
            let (asked_first, own, foreign) = if round % 2 == 0 {
                (&one, "4711", "5822")
            } else {
                (&other, "5822", "4711")
            };
            async move {
                let guest = asked_first.guest().await;
                let message = guest.say(question).await;
                let answer = guest.answer_to(&message).await;
                assert!(says(&answer, own) && !says(&answer, foreign), "{answer}");
                let conversation = id(&asked_first.conversation_of(&message).await);
                let path = format!("/v1/conversations/{conversation}/traces");
                let traces = asked_first.get(&path).await.expect(200).to_string();
                assert!(
                    traces.contains(own) && !traces.contains(foreign),
                    "the prompt: {traces}"
                );
            }
        });
        futures_util::future::join_all(rounds).await;
    });
}
