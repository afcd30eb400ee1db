//! Everything that opens something by being known: each with every one of its characters changed, cut, lengthened, and
//! given to another tenant. None opens anything.

use std::collections::BTreeMap;

use reqwest::{Method, header};
use serde_json::{Value, json};
use usher_shared::ids::ConversationId;

use crate::harness::{Answer, CLIENT, Tenant, data, eventually, id, run, send};
use crate::lookup::scope;
use crate::matrix::patient;

/// The token with each character in turn replaced by another of its alphabet, and with its length changed.
fn forged(token: &str) -> Vec<String> {
    let next = |c: char| match c {
        'z' => '2',
        'Z' => 'A',
        '9' => '3',
        c if c.is_ascii_alphanumeric() => char::from(u8::try_from(u32::from(c)).unwrap() + 1),
        _ => 'x',
    };
    let mut all: Vec<String> = token
        .char_indices()
        .map(|(at, c)| format!("{}{}{}", &token[..at], next(c), &token[at + c.len_utf8()..]))
        .collect();
    all.extend([
        token[1..].to_owned(),
        token[..token.len() - 1].to_owned(),
        format!("{token}A"),
        format!("{token}%3D"),
        format!("{token}{token}"),
        String::new(),
    ]);
    all
}

#[test]
fn p_sec_04_no_forged_cursor_is_taken_in_any_list_and_none_of_another_list_or_tenant() {
    run(async {
        let (tenant, other) = (Tenant::new().await, Tenant::new().await);
        let mut cursors = BTreeMap::new();
        for (tenant, whose) in [(&tenant, "own"), (&other, "foreign")] {
            for number in 0..2 {
                tenant.upload(&format!("Title {number}"), "Text.").await;
                let body = json!({"kind": "web_chat", "name": "Site", "allowed_origins": []});
                tenant.post("/v1/channels", &body).await.expect(201);
                let body = json!({"kind": "leads_csv"});
                tenant.post("/v1/exports", &body).await.expect(202);
                let guest = tenant.guest().await;
                guest
                    .say(&format!("I am guest{number}@example.com. Hello?"))
                    .await;
            }
            eventually("two leads are captured", || async {
                let leads = tenant.get("/v1/leads").await.expect(200);
                (data(&leads).len() == 2).then_some(())
            })
            .await;
            let conversation = id(&data(&tenant.get("/v1/conversations").await.expect(200))[0]);
            for list in ["conversations", "leads", "channels", "documents", "exports"] {
                let page = tenant.get(&format!("/v1/{list}?limit=1")).await.expect(200);
                cursors.insert(
                    (list.to_owned(), whose),
                    page["next_cursor"].as_str().unwrap().to_owned(),
                );
            }
            let path = format!("conversations/{conversation}/messages");
            let cursor = eventually("there are two messages", || async {
                let page = tenant.get(&format!("/v1/{path}?limit=1")).await.expect(200);
                page["next_cursor"].as_str().map(str::to_owned)
            })
            .await;
            cursors.insert((path, whose), cursor);
        }
        let lists = |whose: &str| -> Vec<(String, String)> {
            let of = cursors.iter().filter(|((_, of), _)| *of == whose);
            of.map(|((list, _), cursor)| (list.clone(), cursor.clone()))
                .collect()
        };
        let mut tried = 0;
        for (list, cursor) in lists("own") {
            let read = async |side: &str, cursor: &str| -> Answer {
                let path = format!("/v1/{list}?{side}={cursor}");
                patient(tenant.request(Method::GET, &path)).await
            };
            assert_eq!(
                read("after", &cursor).await.status.as_u16(),
                200,
                "{list}: its own"
            );
            let mut wrong = forged(&cursor);
            wrong.extend(
                lists("own")
                    .into_iter()
                    .filter(|(of, _)| *of != list)
                    .map(|(_, cursor)| cursor),
            );
            wrong.extend(lists("foreign").into_iter().map(|(_, cursor)| cursor));
            for side in ["after", "before"] {
                for wrong in &wrong {
                    let answer = read(side, wrong).await;
                    assert_eq!(
                        answer.refused().len(),
                        1,
                        "{list} {side} {wrong}: {}",
                        answer.body
                    );
                    answer.expect(422);
                    tried += 1;
                }
            }
        }
        assert!(tried >= 600, "{tried}");
    });
}

#[test]
fn p_sec_04_no_forged_session_key_or_link_opens_anything() {
    run(async {
        let tenant = Tenant::new().await;
        let guest = tenant.guest().await;
        for wrong in forged(&guest.token) {
            let request = CLIENT.get(tenant.chat("messages"));
            let answer = patient(request.header(header::AUTHORIZATION, format!("Bearer {wrong}"))).await;
            assert_eq!(answer.expect(401)["code"], "invalid_session", "{wrong}");
        }
        let session = CLIENT.get(tenant.chat("messages")).bearer_auth(&guest.token);
        send(session).await.expect(200);

        let key = &tenant.demo.api_key;
        // 24 random bytes: nobody guesses, so nobody need be locked out; and the holder never is.
        assert!(key.len() >= 4 + 48, "{} characters", key.len());
        for wrong in forged(key) {
            let request = CLIENT.get(tenant.url("/v1/channels"));
            let answer = send(request.header(header::AUTHORIZATION, format!("Bearer {wrong}"))).await;
            assert_eq!(answer.expect(401)["code"], "invalid_api_key", "{wrong}");
        }
        tenant.get("/v1/channels").await.expect(200);

        for wrong in forged(&tenant.demo.channel_key) {
            let answer = send(CLIENT.post(tenant.url(&format!("/chat/{wrong}/sessions")))).await;
            assert_eq!(answer.status.as_u16(), 404, "{wrong}");
        }

        let export = crate::exports::export(&tenant, &json!({"kind": "leads_csv"})).await;
        let link = export["download_url"].as_str().unwrap();
        let (_, token) = link.rsplit_once('/').unwrap();
        for wrong in forged(token) {
            let answer = send(CLIENT.get(tenant.url(&format!("/d/{wrong}")))).await;
            assert_eq!(answer.status.as_u16(), 404, "{wrong}: {}", answer.body);
        }
        send(CLIENT.get(link)).await.expect(200);
    });
}

#[test]
fn p_sec_04_no_forged_address_brings_a_mail_into_a_conversation() {
    run(async {
        let (tenant, other) = (Tenant::new().await, Tenant::new().await);
        let (own, foreign) = (scope(&tenant).await, scope(&other).await);
        for number in 0..20 {
            let conversation = ConversationId::generate(own.now(), own.entropy());
            let token = own.mail_token(conversation);
            assert_eq!(own.conversation_of_mail_token(&token), Some(conversation));
            // The same conversation's name under another tenant's key.
            assert_eq!(foreign.conversation_of_mail_token(&token), None, "{number}");
            assert_eq!(
                own.conversation_of_mail_token(&foreign.mail_token(conversation)),
                None
            );
            for wrong in forged(&token) {
                assert_eq!(own.conversation_of_mail_token(&wrong), None, "{wrong}");
            }
        }
    });
}

/// Guesses in a row: refused each, slowed down by nobody's account, and the true one still works.
#[test]
fn p_sec_04_guessing_keys_finds_nothing_and_locks_nobody_out() {
    run(async {
        let tenant = Tenant::new().await;
        let guess = |number: u64| {
            let request = CLIENT.get(tenant.url("/v1/channels"));
            send(request.bearer_auth(format!("usk_{:048x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15))))
        };
        for round in 0..10 {
            let guesses = (0..32).map(|number| guess(round * 32 + number));
            for answer in futures_util::future::join_all(guesses).await {
                assert_eq!(answer.expect(401)["code"], "invalid_api_key");
            }
        }
        let found: Value = tenant.get("/v1/channels").await.expect(200);
        assert_eq!(data(&found).len(), 1);
    });
}
