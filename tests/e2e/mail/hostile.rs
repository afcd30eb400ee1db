//! Mail that is made to be hard to read, and mail that was nearly lost.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::mailbox::{Mailbox, raw_mails, unique};
use crate::harness::{CLIENT, run, send, stack, start};

#[test]
fn no_mail_makes_the_function_die_and_none_is_left_lying() {
    run(async {
        let stack = start().await;
        let mailbox = Mailbox::new(&stack).await;
        let head = "From: ana@example.net\r\nSubject: x\r\nMessage-ID: <h1@example.net>\r\n";
        let nested = format!(
            "{head}Content-Type: message/rfc822\r\n\r\n{}",
            "Content-Type: message/rfc822\r\n\r\n".repeat(20_000)
        );
        let parts = (0..250).map(|n| {
            let next = n + 1;
            format!("--b{n}\r\nContent-Type: multipart/mixed; boundary=b{next}\r\n\r\n")
        });
        let boundaries = parts.collect::<Vec<_>>().concat();
        let vectors = [
            &include_bytes!("../../vectors/mail/email-bounce-dsn.eml")[..],
            &include_bytes!("../../vectors/mail/email-list-mail.eml")[..],
            &include_bytes!("../../vectors/mail/email-auto-reply-ooo.eml")[..],
            &include_bytes!("../../vectors/mail/email-reply-threaded.eml")[..],
        ];
        let mut hostile: Vec<Vec<u8>> = vec![
            Vec::new(),
            b"\0\0\0".to_vec(),
            b"\xff\xfe\xfd".to_vec(),
            [head.as_bytes(), b"\r\n\xff\xfe broken \xc3\x28 bytes \xf0\x9f"].concat(),
            format!("{head}Content-Type: text/plain; charset=\"no-such-charset\"\r\n\r\nx").into_bytes(),
            format!("{head}Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!")
                .into_bytes(),
            format!("{head}Content-Type: multipart/mixed; boundary=\"never\"\r\n\r\n--ne").into_bytes(),
            format!("{head}Content-Type: multipart/mixed; boundary=b0\r\n\r\n{boundaries}").into_bytes(),
            format!("{head}\r\n{}", "word ".repeat(200_000)).into_bytes(),
            format!("{head}Content-Type: text/html\r\n\r\n{}", "<div>".repeat(200_000)).into_bytes(),
            nested.into_bytes(),
            format!("Subject: {}\r\n\r\nx", "=?UTF-8?B?".repeat(50_000)).into_bytes(),
            format!("From: {}\r\n\r\nx", "<a@b.example>,".repeat(20_000)).into_bytes(),
        ];
        for vector in vectors {
            for part in [1, 2, 3, 4] {
                hostile.push(vector.get(..vector.len() * part / 4).unwrap().to_vec());
            }
        }
        for raw in &hostile {
            mailbox
                .write(json!({"from": "ana@example.net", "raw_base64": STANDARD.encode(raw)}))
                .await;
        }
        mailbox.settle().await;
        let log = stack.logs("mail").unwrap();
        assert!(!log.contains("panicked"), "{log}");
        assert_eq!(raw_mails(&stack).await, Vec::<String>::new());
        // What nobody's mailbox gets is removed as well.
        let raw = json!({"from": "ana@example.net", "to": "nobody@mail.localhost", "text": "x"});
        mailbox.write(raw).await;
        assert_eq!(raw_mails(&stack).await, Vec::<String>::new());
        stack.shutdown().await;
    });
}

#[test]
fn charsets_pages_and_names_of_the_world_are_read() {
    run(async {
        let mailbox = Mailbox::new(stack()).await;
        let from = |name: &str| format!("{}@example.net", unique(name));
        let latin = [
            format!(
                "From: {}\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n",
                from("latin")
            )
            .as_bytes(),
            b"Gr\xfc\xdfe aus M\xfcnchen",
        ]
        .concat();
        let japanese = [
            format!(
                "From: {}\r\nContent-Type: text/plain; charset=shift_jis\r\n\r\n",
                from("sjis")
            )
            .as_bytes(),
            b"\x82\xb1\x82\xf1\x82\xc9\x82\xbf\x82\xcd",
        ]
        .concat();
        for raw in [latin, japanese] {
            let mail = json!({"from": from("x"), "raw_base64": STANDARD.encode(raw)});
            mailbox.write(mail).await;
        }
        mailbox
            .write(json!({"from": from("page"), "html": "<style>x</style><p>Se&ntilde;ora &amp; co</p><script>1</script>"}))
            .await;
        for text in ["Grüße aus München", "こんにちは", "Señora & co"] {
            mailbox.message(text).await;
        }
    });
}

#[test]
fn a_mail_whose_every_attempt_failed_is_found_in_the_bucket() {
    run(async {
        let stack = start().await;
        let mailbox = Mailbox::new(&stack).await;
        // Put there, and nobody was told: as after attempts that all failed.
        let left = mailbox
            .write(
                json!({"from": "ana@example.net", "subject": "Left", "deliveries": 0,
                          "text": "How much is the garden room?"}),
            )
            .await;
        let told = mailbox
            .write(json!({"from": "ben@example.net", "text": "Told, and stored"}))
            .await;
        mailbox.message("Told, and stored").await;
        let file = |mail: &Value| {
            let object = mail["object"].as_str().unwrap();
            stack.objects().root().join("mailbucket").join(object)
        };
        assert!(!file(&told).exists());
        let leftovers = format!("{}/_local/schedule/leftovers", stack.base_url());
        send(CLIENT.post(&leftovers)).await.expect(200);
        assert!(file(&left).exists(), "its attempts may still be under way");
        // SES's own test of the bucket, and something that is no mail at all.
        let own = file(&json!({"object": "in/AMAZON_SES_SETUP_NOTIFICATION"}));
        std::fs::write(&own, "Hello from SES").unwrap();
        #[expect(clippy::disallowed_methods, reason = "files have the wall clock's times")]
        let hour_ago = SystemTime::now() - Duration::from_hours(1);
        for old in [file(&left), own] {
            let old = std::fs::File::options().write(true).open(old).unwrap();
            old.set_modified(hour_ago).unwrap();
        }
        let answer = send(CLIENT.post(&leftovers)).await.expect(200);
        assert_eq!(answer["answer"], json!({"stored": 1, "noted": 0, "ignored": 1}));
        mailbox.answer("ana@example.net", 1).await;
        assert_eq!(raw_mails(&stack).await, Vec::<String>::new());
        stack.shutdown().await;
    });
}

#[test]
fn a_function_that_dies_over_a_mail_takes_it_at_the_next_attempt_and_once() {
    run(async {
        let stack = start().await;
        let mailbox = Mailbox::new(&stack).await;
        // Warm, so that the calls below are those of the mail.
        mailbox.settle().await;
        for calls in [1, 3, 5, 7, 9, 11] {
            let url = format!("{}/_local/kill/mail", stack.base_url());
            let kill = json!({"at": "call", "after_calls": calls, "count": 1});
            send(CLIENT.post(url).json(&kill)).await.expect(200);
            let from = format!("dies{calls}@example.net");
            let text = format!("How much is the garden room? After {calls} calls");
            mailbox
                .write(json!({"from": from, "subject": "Garden room", "text": text}))
                .await;
            mailbox.answer(&from, 1).await;
            send(CLIENT.delete(format!("{}/_local/fault", stack.base_url())))
                .await
                .expect(200);
            let messages = mailbox.messages().await;
            let stored = messages.iter().filter(|message| message["text"] == text.as_str());
            assert_eq!(stored.count(), 1, "{text}");
        }
        assert_eq!(raw_mails(&stack).await, Vec::<String>::new());
        stack.shutdown().await;
    });
}
