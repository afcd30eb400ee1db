//! What comes with messages: fetched, judged, encrypted, opened for minutes, and gone when it should be.

use reqwest::redirect::Policy;
use serde_json::{Value, json};
use usher_aws::TenantScope;
use usher_aws::store::keys;
use usher_carriers::event::{Attached, Event, Person, Said, Source, To, What};
use usher_local::Stack;
use usher_shared::Timestamp;
use usher_shared::channel::AttachmentKind;
use usher_shared::ids::{ConversationId, MessageId};
use usher_shared::records::ChannelAddress;

use crate::harness::{Answer, CLIENT, Tenant, data, eventually, id, run, send, stack};
use crate::tenancy::function_on;

/// What the carrier's file server serves as `picture.png` begins so.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// `inbound` in this process: its own code, under its own role.
pub(crate) struct Inbound {
    platform: usher_aws::Platform,
    scope: TenantScope,
    channel: ChannelAddress,
}

impl Inbound {
    pub(crate) async fn of(tenant: &Tenant, stack: &Stack) -> Self {
        let platform = function_on(stack, "inbound");
        let key = tenant.demo.channel_key.parse().unwrap();
        let channel = platform.find_channel(&To::key(key)).await.unwrap().unwrap();
        let scope = platform.enter_to_write(*channel.tenant).await.unwrap();
        Self {
            platform,
            scope,
            channel,
        }
    }

    async fn take(&self, from: &str, event: &str, what: What) -> inbound::receive::Received {
        let event = Event {
            to: To::key(usher_shared::ids::ChannelKey::derived(
                Timestamp::default(),
                [0; 10],
            )),
            person: Some(Person {
                address: from.to_owned(),
                ..Person::default()
            }),
            id: event.to_owned(),
            at: None,
            what,
        };
        inbound::receive::take(&self.platform, &self.scope, &self.channel, event)
            .await
            .unwrap()
    }

    /// A message with something attached.
    pub(crate) async fn attach(
        &self,
        from: &str,
        event: &str,
        attachments: Vec<Attached>,
    ) -> (MessageId, ConversationId) {
        let said = Said {
            text: "Here it is.".to_owned(),
            attachments,
            ..Said::default()
        };
        match self.take(from, event, What::Message(said)).await {
            inbound::receive::Received::Stored(message, conversation) => (message, conversation),
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn attached(kind: AttachmentKind, source: Source) -> Attached {
    Attached {
        kind,
        source,
        name: Some("plan.png".to_owned()),
        media_type: None,
        size: None,
        sha256: None,
    }
}

pub(crate) fn served(stack: &Stack, path: &str) -> Source {
    Source::Url(format!("{}/_world/media/{path}", stack.base_url()))
}

fn path(conversation: ConversationId, message: MessageId) -> String {
    format!("/v1/conversations/{conversation}/messages/{message}/attachments")
}

/// The attachments of a message, as the API shows them.
async fn shown(tenant: &Tenant, conversation: ConversationId, message: MessageId) -> Vec<Value> {
    let path = format!("/v1/conversations/{conversation}/messages?limit=100");
    let messages = tenant.get(&path).await.expect(200);
    let mut all = data(&messages).iter();
    let found = all.find(|found| found["id"] == message.to_string());
    let attachments = found.and_then(|message| message["attachments"].as_array().cloned());
    attachments.unwrap_or_default()
}

/// The attachments of a message once nothing is pending any more.
async fn settled(tenant: &Tenant, conversation: ConversationId, message: MessageId) -> Vec<Value> {
    eventually("attachments are settled", || async {
        let shown = shown(tenant, conversation, message).await;
        let pending = shown.iter().any(|attachment| attachment["state"] == "pending");
        (!shown.is_empty() && !pending).then_some(shown)
    })
    .await
}

/// A click on an attachment, without following where it leads.
async fn click(tenant: &Tenant, path: &str, attachment: &Value) -> Answer {
    #[expect(clippy::disallowed_methods, reason = "a client that follows nothing")]
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .redirect(Policy::none())
        .build()
        .unwrap();
    let url = tenant.url(&format!("{path}/{}", id(attachment)));
    send(client.get(url).bearer_auth(&tenant.demo.api_key)).await
}

async fn download(link: &Answer) -> (u16, Vec<u8>) {
    let url = link.headers["location"].to_str().unwrap();
    let answer = CLIENT.get(url).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.bytes().await.unwrap().to_vec())
}

/// Somebody without a name sends a file that holds a word, and it is stored.
pub(crate) async fn file_from(tenant: &Tenant, stack: &Stack, from: &str, word: &str) -> ConversationId {
    let inbound = Inbound::of(tenant, stack).await;
    let file = attached(AttachmentKind::Document, served(stack, &format!("text/{word}")));
    let (message, conversation) = inbound.attach(from, "1", vec![file]).await;
    let shown = settled(tenant, conversation, message).await;
    assert_eq!(shown[0]["state"], "stored", "{shown:?}");
    conversation
}

async fn dump(tenant: &Tenant) -> Value {
    send(CLIENT.get(tenant.url("/_local/dump"))).await.expect(200)
}

/// Paths of a conversation's files in the bucket, encrypted and in the clear.
async fn files(tenant: &Tenant, conversation: ConversationId) -> Vec<String> {
    let dump = dump(tenant).await;
    let objects = dump["objects"].as_array().unwrap();
    let paths = objects.iter().map(|object| object["path"].as_str().unwrap());
    let conversation = format!("/{conversation}/");
    let own = paths.filter(|path| path.contains("/sealed/") || path.contains("/clear/"));
    own.filter(|path| path.contains(&conversation))
        .map(str::to_owned)
        .collect()
}

#[test]
fn an_attachment_is_fetched_once_encrypted_and_opened_for_its_owner_alone() {
    run(async {
        let (tenant, other) = (Tenant::new().await, Tenant::new().await);
        let inbound = Inbound::of(&tenant, stack()).await;
        let secret = "marmalade-in-a-file";
        let attachments = vec![
            attached(AttachmentKind::Image, served(stack(), "moved.png")),
            attached(
                AttachmentKind::Document,
                served(stack(), &format!("text/{secret}")),
            ),
            attached(AttachmentKind::Image, Source::NotOffered),
        ];
        let (message, conversation) = inbound.attach("ann", "1", attachments.clone()).await;
        // Delivered again, it is the same.
        let again = inbound.attach("ann", "1", attachments).await;
        assert_eq!(again, (message, conversation));
        let shown = settled(&tenant, conversation, message).await;
        let found: Vec<_> = shown
            .iter()
            .map(|found| found["state"].as_str().unwrap())
            .collect();
        assert_eq!(found, ["stored", "stored", "refused"], "{shown:?}");
        assert_eq!(shown[0]["media_type"], "image/png");
        assert_eq!(shown[1]["media_type"], "text/plain");
        assert_eq!(shown[2]["refusal"], "not_offered");
        assert_eq!(shown[0]["name"], "plan.png");

        // What is stored cannot be read: not the file, not its name, not where it was.
        let stored = dump(&tenant).await.to_string();
        let base64 = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
        for plain in [
            secret,
            "plan.png",
            "moved.png",
            &base64(&format!("This file says {secret}.")),
        ] {
            assert!(!stored.contains(plain), "{plain}");
        }

        let base = path(conversation, message);
        let link = click(&tenant, &base, &shown[1]).await;
        assert_eq!(link.status, 303, "{}", link.body);
        assert_eq!(link.headers["cache-control"], "no-store");
        assert_eq!(link.body["object"], "attachment_link");
        assert_eq!(link.body["name"], "plan.png");
        let (status, bytes) = download(&link).await;
        assert_eq!(status, 200);
        assert_eq!(bytes, format!("This file says {secret}.\n").into_bytes());
        let picture = click(&tenant, &base, &shown[0]).await;
        assert!(download(&picture).await.1.starts_with(PNG));
        // The copy goes by itself.
        eventually("the copy is gone", || async {
            (download(&link).await.0 == 404).then_some(())
        })
        .await;

        // What was not stored says so, and what is another's is not there.
        let refused = click(&tenant, &base, &shown[2]).await;
        assert_eq!(refused.expect(410)["code"], "attachment_not_stored");
        click(&other, &base, &shown[0]).await.expect(404);
        let url = tenant.url(&format!("{base}/{}", id(&shown[0])));
        send(CLIENT.get(url)).await.expect(401);
    });
}

#[test]
fn p_sec_04_no_attachment_is_fetched_from_anywhere_but_the_public_net() {
    run(async {
        let tenant = Tenant::new().await;
        let inbound = Inbound::of(&tenant, stack()).await;
        let port = stack().base_url().rsplit(':').next().unwrap().to_owned();
        let addresses = [
            served(stack(), "to-metadata"),
            served(stack(), "to-private"),
            served(stack(), "to-loopback"),
            Source::Url("http://169.254.169.254/latest/meta-data/iam/".to_owned()),
            Source::Url("https://169.254.169.254/latest/meta-data/iam/".to_owned()),
            Source::Url("https://[::ffff:10.0.0.1]/x".to_owned()),
            Source::Url("https://localhost/x".to_owned()),
            Source::Url(format!("http://localhost:{port}/_world/media/picture.png")),
            Source::Url(format!("{}@example.com/x", stack().base_url())),
            Source::Url("https://0x7f000001/x".to_owned()),
            Source::Url("file:///etc/passwd".to_owned()),
        ];
        let count = addresses.len();
        let attachments = addresses.map(|source| attached(AttachmentKind::Image, source));
        let (message, conversation) = inbound.attach("eve", "1", attachments.into()).await;
        let shown = settled(&tenant, conversation, message).await;
        assert_eq!(shown.len(), count);
        for (number, attachment) in shown.iter().enumerate() {
            assert_eq!(attachment["refusal"], "address_refused", "{number}: {attachment}");
        }
    });
}

#[test]
fn what_lies_about_itself_is_marked_and_its_message_kept() {
    run(async {
        let tenant = Tenant::new().await;
        let inbound = Inbound::of(&tenant, stack()).await;
        let picture = || attached(AttachmentKind::Image, served(stack(), "picture.png"));
        let bytes = |bytes: &[u8], media_type: &str| Attached {
            media_type: Some(media_type.to_owned()),
            ..attached(AttachmentKind::Document, Source::Bytes(bytes.to_vec()))
        };
        let table = [
            (
                attached(AttachmentKind::Image, served(stack(), "program.png")),
                "type_mismatch",
            ),
            (
                Attached {
                    size: Some(7),
                    ..picture()
                },
                "size_mismatch",
            ),
            (
                Attached {
                    size: Some(70_000),
                    ..picture()
                },
                "size_mismatch",
            ),
            (
                Attached {
                    size: Some(70_000_000),
                    ..picture()
                },
                "too_large",
            ),
            (
                Attached {
                    sha256: Some([7; 32]),
                    ..picture()
                },
                "digest_mismatch",
            ),
            (
                Attached {
                    media_type: Some("application/pdf".to_owned()),
                    ..picture()
                },
                "type_mismatch",
            ),
            (
                attached(AttachmentKind::Document, served(stack(), "large/40000000")),
                "too_large",
            ),
            (
                attached(AttachmentKind::Image, served(stack(), "expired.png")),
                "gone",
            ),
            (
                attached(AttachmentKind::Image, served(stack(), "nothing")),
                "gone",
            ),
            (
                attached(AttachmentKind::Image, served(stack(), "around")),
                "unavailable",
            ),
            (bytes(b"MZ\x90\0", "application/pdf"), "type_mismatch"),
            (bytes(b"<html>", "text/html"), "type_refused"),
        ];
        let attachments = table.iter().map(|(attached, _)| attached.clone()).collect();
        let (message, conversation) = inbound.attach("eve", "1", attachments).await;
        let shown = settled(&tenant, conversation, message).await;
        for ((_, refusal), attachment) in table.iter().zip(&shown) {
            assert_eq!(attachment["refusal"], *refusal, "{attachment}");
        }
        let path = format!("/v1/conversations/{conversation}/messages");
        let messages = tenant.get(&path).await.expect(200);
        assert!(data(&messages).iter().any(|found| found["text"] == "Here it is."));
        assert!(files(&tenant, conversation).await.is_empty());
    });
}

#[test]
fn what_cannot_be_had_for_good_is_given_up_and_says_so() {
    run(async {
        let tenant = Tenant::new().await;
        let inbound = Inbound::of(&tenant, stack()).await;
        let broken = attached(AttachmentKind::Image, served(stack(), "broken.png"));
        let (message, conversation) = inbound.attach("bob", "1", vec![broken]).await;
        let found = eventually("it is given up", || async {
            let url = tenant.url("/_local/schedule/redrive");
            send(CLIENT.post(url)).await.expect(200);
            let found = shown(&tenant, conversation, message).await.pop()?;
            (found["state"] == "refused").then_some(found)
        })
        .await;
        assert_eq!(found["refusal"], "unavailable");
    });
}

#[test]
fn files_go_with_their_message_their_conversation_and_their_person() {
    run(async {
        let tenant = Tenant::new().await;
        let inbound = Inbound::of(&tenant, stack()).await;
        let file = |word: &str| {
            vec![
                attached(AttachmentKind::Document, served(stack(), &format!("text/{word}"))),
                attached(AttachmentKind::Image, Source::Bytes([PNG, b"more"].concat())),
            ]
        };
        let (first, conversation) = inbound.attach("ann", "1", file("one")).await;
        let (second, _) = inbound.attach("ann", "2", file("two")).await;
        settled(&tenant, conversation, first).await;
        let newer = settled(&tenant, conversation, second).await;
        assert_eq!(files(&tenant, conversation).await.len(), 4);

        // Taken back.
        let unsent = What::Unsent {
            message: "1".to_owned(),
        };
        inbound.take("ann", "1-unsent", unsent).await;
        eventually("its files are gone", || async {
            let left = files(&tenant, conversation).await;
            let other = left.iter().all(|name| name.contains(&second.to_string()));
            (other && left.len() == 2).then_some(())
        })
        .await;
        // A late delivery of what was taken back brings nothing.
        inbound.attach("ann", "1", file("one")).await;
        assert!(shown(&tenant, conversation, first).await.is_empty());

        // Erased, with a copy that somebody has just opened.
        let link = click(&tenant, &path(conversation, second), &newer[0]).await;
        assert_eq!(link.status, 303);
        let path_of = format!("/v1/conversations/{conversation}");
        tenant.delete(&path_of).await.expect(200);
        eventually("nothing is left", || async {
            files(&tenant, conversation).await.is_empty().then_some(())
        })
        .await;
        assert_ne!(download(&link).await.0, 200);
    });
}

#[test]
fn files_without_a_row_and_rows_without_a_file_are_found() {
    run(async {
        let stack = &crate::harness::start().await;
        let tenant = Tenant::on(stack, usher_shared::category::Preset::Hospitality).await;
        let inbound = Inbound::of(&tenant, stack).await;
        let file = |word: &str| {
            vec![attached(
                AttachmentKind::Document,
                served(stack, &format!("text/{word}")),
            )]
        };
        let (orphan, conversation) = inbound.attach("ann", "1", file("one")).await;
        let (emptied, _) = inbound.attach("ann", "2", file("two")).await;
        let (whole, _) = inbound.attach("ann", "3", file("three")).await;
        for message in [orphan, emptied, whole] {
            settled(&tenant, conversation, message).await;
        }
        // One file loses its row while nobody listens, one row its file.
        lose_file(stack, &tenant, conversation, emptied).await;
        assert!(stack.pause("dispatch", true));
        let range = keys::attachments_of(inbound.scope.tenant(), conversation, orphan);
        inbound.scope.store().purge(&range).await.unwrap();
        assert_eq!(files(&tenant, conversation).await.len(), 2);

        let url = format!("{}/_local/schedule/orphans", stack.base_url());
        send(CLIENT.post(url)).await.expect(200);
        eventually("the orphans are found", || async {
            let left = files(&tenant, conversation).await;
            let alone = left.len() == 1 && left[0].contains(&whole.to_string());
            let found = shown(&tenant, conversation, emptied).await.pop()?;
            (alone && found["refusal"] == "gone").then_some(())
        })
        .await;
        assert_eq!(shown(&tenant, conversation, whole).await[0]["state"], "stored");
        stack.pause("dispatch", false);
    });
}

/// Everything that functions do to attachments, for the table of permissions.
pub(crate) async fn journey(stack: &Stack) {
    let tenant = Tenant::with_prices_on(stack).await;
    // A form with a file, of somebody who becomes a lead.
    let form = json!({"kind": "form", "name": "Enquiries"});
    let form = tenant.post("/v1/channels", &form).await.expect(201);
    let url = tenant.url(&format!("/forms/{}", form["key"].as_str().unwrap()));
    let mut body = b"--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\ndee@example.com\r\n--x\r\n\
        Content-Disposition: form-data; name=\"plan\"; filename=\"plan.png\"\r\n\r\n"
        .to_vec();
    body.extend_from_slice(PNG);
    body.extend_from_slice(b"and more\r\n--x--");
    let posted = CLIENT
        .post(url)
        .header("content-type", "multipart/form-data; boundary=x");
    send(posted.header("accept", "application/json").body(body))
        .await
        .expect(202);
    let lead = eventually("there is a lead", || async {
        let body = json!({"email": "dee@example.com"});
        let found = tenant.post("/v1/leads/search", &body).await.expect(200);
        data(&found).first().map(id)
    })
    .await;
    let archive = archive_of(&tenant, &lead).await;
    assert!(archive.windows(8).any(|window| window == b"and more"));

    // Fetched, opened, orphaned and erased.
    let inbound = Inbound::of(&tenant, stack).await;
    let file = || vec![attached(AttachmentKind::Image, served(stack, "picture.png"))];
    let (message, conversation) = inbound.attach("ann", "1", file()).await;
    let (emptied, _) = inbound.attach("ann", "2", file()).await;
    let shown_first = settled(&tenant, conversation, message).await;
    settled(&tenant, conversation, emptied).await;
    let link = click(&tenant, &path(conversation, message), &shown_first[0]).await;
    assert_eq!(link.status, 303);
    lose_file(stack, &tenant, conversation, emptied).await;
    let url = format!("{}/_local/schedule/orphans", stack.base_url());
    send(CLIENT.post(url)).await.expect(200);
    eventually("the loss is found", || async {
        let found = shown(&tenant, conversation, emptied).await.pop()?;
        (found["refusal"] == "gone").then_some(())
    })
    .await;
    let path = format!("/v1/conversations/{conversation}");
    tenant.delete(&path).await.expect(200);
    eventually("nothing is left", || async {
        files(&tenant, conversation).await.is_empty().then_some(())
    })
    .await;
}

/// Removes the file of a message's attachment behind its row's back.
async fn lose_file(stack: &Stack, tenant: &Tenant, conversation: ConversationId, message: MessageId) {
    let platform = function_on(stack, "attachments");
    let owner = Inbound::of(tenant, stack).await.scope.tenant();
    let scope = platform.enter(owner).await.unwrap();
    let open = scope.open_conversation(conversation).await.unwrap().unwrap();
    let found = scope.attachments_of(conversation, message, &open.key).await;
    let file = scope.attachment_file(&found.unwrap()[0]);
    scope.attachment_files().unwrap().delete(&file).await.unwrap();
}

/// The archive of a lead, with nothing packed.
async fn archive_of(tenant: &Tenant, lead: &str) -> Vec<u8> {
    let body = json!({"kind": "lead_archive", "lead_id": lead});
    let asked = tenant.post("/v1/exports", &body).await.expect(202);
    let done = eventually("the archive is complete", || async {
        let export = tenant
            .get(&format!("/v1/exports/{}", id(&asked)))
            .await
            .expect(200);
        (export["state"] == "complete").then_some(export)
    })
    .await;
    let url = done["download_url"].as_str().unwrap();
    let bytes = CLIENT.get(url).send().await.unwrap().bytes().await.unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut all = Vec::new();
    for number in 0..archive.len() {
        std::io::copy(&mut archive.by_index(number).unwrap(), &mut all).unwrap();
    }
    all
}
