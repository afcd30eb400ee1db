//! Requests that no client writes: tests/vectors/attacks/requests.json, sent byte by byte. What they get is on the list,
//! and nothing of the tenant's is in it unless they say who they are.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use usher_shared::channel::ChannelKind;

use crate::harness::{CLIENT, Tenant, data, id, root, run, send, stack};

const MARKER: &str = "axolotl5512";

#[derive(Deserialize)]
struct Attack {
    name: String,
    /// The request, of which `{key}`, `{document}`, `{host}` and `{channel}` are filled in. A list is texts and how often.
    pieces: Vec<(String, usize)>,
    /// Statuses that are right. 0: the connection ends without an answer.
    statuses: Vec<u16>,
    /// Whether it may read the document: it shows the key, and means it.
    #[serde(default)]
    reads: bool,
}

async fn raw(host: &str, request: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(host).await.unwrap();
    // The other side may hang up in the middle of what it does not want.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(20), read).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or(0), text)
}

#[test]
fn p_sec_04_no_trick_with_paths_and_headers_opens_anything() {
    run(async {
        let text = std::fs::read_to_string(root().join("tests/vectors/attacks/requests.json")).unwrap();
        let attacks: Vec<Attack> = serde_json::from_str(&text).unwrap();
        assert!(attacks.len() >= 60, "{}", attacks.len());
        let tenant = Tenant::new().await;
        let document = id(&tenant.upload(MARKER, &format!("{MARKER} is here.")).await);
        let base = stack().base_url();
        let host = base.trim_start_matches("http://");
        let mut wrong = Vec::new();
        for attack in attacks {
            let mut request = Vec::new();
            for (piece, times) in &attack.pieces {
                let piece = piece
                    .replace("{key}", &tenant.demo.api_key)
                    .replace("{document}", &document)
                    .replace("{channel}", &tenant.demo.channel_key)
                    .replace("{host}", host);
                request.extend(piece.as_bytes().repeat(*times));
            }
            let (status, answer) = raw(host, &request).await;
            let told = answer.contains(MARKER);
            if !attack.statuses.contains(&status) || (told && !attack.reads) {
                let answer: String = answer.chars().take(300).collect();
                wrong.push(format!("{}: {status}, told: {told}: {answer}", attack.name));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        tenant.get(&format!("/v1/documents/{document}")).await.expect(200);
        let all = tenant.get("/v1/documents?limit=100").await.expect(200);
        assert!(
            data(&all).iter().any(|found| found["id"] == document.as_str()),
            "nothing was deleted by a header"
        );
    });
}

#[test]
fn p_sec_04_who_fills_in_forms_without_end_waits_whatever_address_they_claim() {
    run(async {
        let tenant = Tenant::new().await;
        let body = json!({"kind": ChannelKind::Form, "name": "Enquiries", "allowed_origins": []});
        let form = tenant.post("/v1/channels", &body).await.expect(201);
        let other = tenant.post("/v1/channels", &body).await.expect(201);
        let url = |form: &Value| tenant.url(&format!("/forms/{}", form["key"].as_str().unwrap()));
        let post = |form: &Value, number: u32| {
            // Says that it comes from somewhere else each time.
            let from = format!("203.0.113.{}", number % 250);
            let request = CLIENT.post(url(form)).header("x-forwarded-for", &from);
            let request = request
                .header("forwarded", format!("for={from}"))
                .header("x-real-ip", from);
            send(request.json(&json!({"_honey": "filled", "message": "x"})))
        };
        let mut posted = 0;
        let refused = loop {
            let answer = post(&form, posted).await;
            if answer.status.as_u16() == 429 {
                break answer;
            }
            posted += 1;
            assert!(posted < 100, "never refused");
        };
        let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds} s");
        assert_eq!(refused.expect(429)["code"], "rate_limited");
        // Neither another form nor the owner waits with them.
        assert_ne!(post(&other, 0).await.status.as_u16(), 429);
        tenant.get("/v1/channels").await.expect(200);
    });
}
