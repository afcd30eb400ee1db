//! Webhooks of Resend are believed by their signature alone: every known case, at the public address.

use std::path::Path;

use serde_json::{Value, json};
use usher_local::{Data, Options, Stack};

use super::mailbox::Mailbox;
use crate::harness::{CLIENT, root, run, send};

/// A stack whose clock stands at a time in the past, in seconds.
async fn at(folder: &Path, seconds: i64) -> Stack {
    std::fs::create_dir_all(folder).unwrap();
    let offset = seconds * 1_000 - usher_local::clock::wall_ms();
    std::fs::write(folder.join("clock"), offset.to_string()).unwrap();
    let options = Options {
        data: Data::Folder(folder.to_owned()),
        ..Options::in_memory(root())
    };
    usher_local::start(options)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn p_sec_04_every_known_signature_of_svix_is_judged_so_at_the_public_address() {
    run(async {
        let text = include_str!("../../vectors/signatures/svix.json");
        let cases: Vec<Value> = serde_json::from_str(text).unwrap();
        assert_eq!(cases.len(), 7);
        let folder = std::env::temp_dir().join(format!("usher-svix-{}", std::process::id()));
        // Time only goes forward: the cases in the order of their time, each believed or not at its own.
        let mut times: Vec<i64> = cases.iter().map(|case| case["now"].as_i64().unwrap()).collect();
        times.sort_unstable();
        times.dedup();
        let stack = at(&folder, times[0]).await;
        let secret = cases[0]["secret"].as_str().unwrap();
        // A secret that is being changed: either signs.
        let mailbox = Mailbox::by_resend(&stack, "re_vectors", &format!("whsec_b3RoZXI= {secret}")).await;
        let url = format!("{}/hooks/resend/{}", stack.base_url(), mailbox.key);
        let mut judged = 0;
        for time in times {
            let ahead = time * 1_000 - stack.clock().now_ms();
            stack
                .advance(std::time::Duration::from_millis(
                    u64::try_from(ahead).unwrap_or_default(),
                ))
                .await
                .unwrap();
            for case in cases.iter().filter(|case| case["now"] == time) {
                assert_eq!(case["level"], "must");
                assert_eq!(case["secret"], secret);
                let mut request = CLIENT.post(&url).body(case["body"].as_str().unwrap().to_owned());
                for (name, value) in case["headers"].as_object().unwrap() {
                    request = request.header(name, value.as_str().unwrap());
                }
                let answer = send(request).await;
                let expected = if case["expect"] == "valid" { 200 } else { 403 };
                assert_eq!(
                    answer.status.as_u16(),
                    expected,
                    "{}: {}",
                    case["name"],
                    answer.body
                );
                judged += 1;
            }
        }
        assert_eq!(judged, 7);
        let log = stack.logs("inbound").unwrap();
        assert_eq!(log.matches("signatures_refused\":1").count(), 4, "{log}");
        assert!(!log.contains("example.net"), "{log}");
        stack.shutdown().await;
        std::fs::remove_dir_all(&folder).unwrap();
    });
}

#[test]
fn what_is_no_webhook_is_refused_clearly_and_what_is_nobodys_is_taken() {
    run(async {
        let stack = crate::harness::stack();
        let mailbox = Mailbox::by_resend(stack, "re_bad_input", "whsec_c2VjcmV0").await;
        let url = |key: &str| format!("{}/hooks/resend/{key}", stack.base_url());
        // Unsigned: whatever it is.
        for body in ["", "{", "[]", "\u{0}", &"[".repeat(100_000)] {
            let answer = send(CLIENT.post(url(&mailbox.key)).body(body.to_owned())).await;
            answer.expect(403);
        }
        let large = "a".repeat(300 * 1024);
        send(CLIENT.post(url(&mailbox.key)).body(large)).await.expect(413);
        // A key that was never given, and one of another kind of channel.
        let unknown = "chk_00000000000000000000000000";
        let unknown = if send(CLIENT.post(url(unknown)).json(&json!({}))).await.status == 200 {
            unknown
        } else {
            panic!("a webhook of nobody's is not taken")
        };
        assert_ne!(unknown, mailbox.key);
        send(
            CLIENT
                .post(url(&mailbox.tenant.demo.channel_key))
                .json(&json!({})),
        )
        .await
        .expect(200);
        send(CLIENT.post(url("nonsense")).json(&json!({})))
            .await
            .expect(404);
        // Signed, and of no kind that is known; and signed, and no event at all.
        for (body, status) in [(r#"{"type":"email.teleported","data":{}}"#, 200), ("[]", 422)] {
            let at = stack.clock().now_ms() / 1_000;
            let signature =
                usher_carriers::signature::svix::sign(&["whsec_c2VjcmV0"], "msg_1", at, body.as_bytes());
            let request = CLIENT
                .post(url(&mailbox.key))
                .header("svix-id", "msg_1")
                .header("svix-timestamp", at.to_string())
                .header("svix-signature", signature.unwrap())
                .body(body);
            send(request).await.expect(status);
        }
    });
}
