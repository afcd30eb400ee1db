//! A tenant's own data as files: asked for, written, fetched through the link, and over.

use std::io::Read as _;

use reqwest::Method;
use serde_json::{Value, json};
use sha2::Digest as _;
use usher_shared::category::Preset;

use crate::harness::{Answer, CLIENT, Tenant, data, eventually, id, run, send, start};

/// Asks for an export and waits until it is written.
pub(crate) async fn export(tenant: &Tenant, body: &Value) -> Value {
    let asked = tenant.post("/v1/exports", body).await;
    let location = asked.headers["location"].to_str().unwrap().to_owned();
    let asked = asked.expect(202);
    assert_eq!(location, format!("/v1/exports/{}", id(&asked)));
    assert_eq!(asked["download_url"], Value::Null);
    settled(tenant, &asked, "complete").await
}

/// Waits until an export is in a state.
pub(crate) async fn settled(tenant: &Tenant, export: &Value, state: &str) -> Value {
    eventually(&format!("the export is {state}"), || async {
        let path = format!("/v1/exports/{}", id(export));
        let found = tenant.get(&path).await.expect(200);
        (found["state"] == state).then_some(found)
    })
    .await
}

/// A client that shows redirects instead of following them.
fn click() -> reqwest::Client {
    #[expect(clippy::disallowed_methods, reason = "a client that follows no redirect")]
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// The file behind the link, fetched as a browser would, checked against what the export says of it.
pub(crate) async fn fetch(export: &Value) -> Vec<u8> {
    let url = export["download_url"].as_str().unwrap();
    let response = CLIENT.get(url).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let disposition = response.headers()["content-disposition"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        disposition.starts_with("attachment; filename=\"exp_"),
        "{disposition}"
    );
    let bytes = response.bytes().await.unwrap().to_vec();
    assert_eq!(export["size"].as_u64(), Some(bytes.len().try_into().unwrap()));
    assert_eq!(
        export["sha256"],
        hex::encode(sha2::Sha256::digest(&bytes)).as_str()
    );
    bytes
}

/// A guest who becomes a lead; gives the lead.
async fn lead(tenant: &Tenant, words: &str) -> Value {
    let guest = tenant.guest().await;
    let before = data(&tenant.get("/v1/leads").await.expect(200)).len();
    let asked = guest.say(words).await;
    guest.answer_to(&asked).await;
    eventually("the lead is captured", || async {
        let leads = tenant.get("/v1/leads").await.expect(200);
        (data(&leads).len() > before).then(|| data(&leads)[0].clone())
    })
    .await
}

pub(crate) fn lines(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub(crate) fn unzip(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).unwrap();
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            (file.name().to_owned(), content)
        })
        .collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
fn p_rgt_05_each_kind_of_export_is_written_fetched_and_holds_what_it_says() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let other = Tenant::with_prices().await;
        lead(
            &other,
            "My name is Otto Fremd, otto@example.org. How much is the garden room?",
        )
        .await;
        lead(
            &tenant,
            "My name is Anna Berg, anna@example.com. How much is the garden room?",
        )
        .await;
        let second = lead(
            &tenant,
            "My name is Bo <b>Lind</b>, +1 555 010 0199 & more. Is there a lake?",
        )
        .await;

        let csv = export(&tenant, &json!({"kind": "leads_csv"})).await;
        assert_eq!(csv["counts"]["leads"], 2);
        let text = String::from_utf8(fetch(&csv).await).unwrap();
        let rows: Vec<&str> = text.split_terminator("\r\n").collect();
        assert!(rows[0].starts_with("lead_id,created_at,"), "{}", rows[0]);
        assert_eq!(rows.len(), 3);
        assert!(rows[1].contains("Anna Berg,anna@example.com,"), "{}", rows[1]);
        assert!(rows[2].contains(",'+15550100199,"), "no formula: {}", rows[2]);

        let talk = export(&tenant, &json!({"kind": "conversations_ndjson"})).await;
        assert_eq!(
            (&talk["counts"]["conversations"], &talk["counts"]["messages"]),
            (&json!(2), &json!(4))
        );
        let mut found = lines(&fetch(&talk).await);
        let first = found.remove(0);
        assert_eq!(first["object"], "export_manifest");
        let objects: Vec<&str> = found
            .iter()
            .map(|line| line["object"].as_str().unwrap())
            .collect();
        assert_eq!(objects, ["conversation", "message", "message", "trace"].repeat(2));
        assert_eq!(found[1]["conversation_id"], found[0]["id"]);
        let conversation = tenant
            .get(&format!("/v1/conversations/{}", id(&found[0])))
            .await
            .expect(200);
        for (field, value) in found[0].as_object().unwrap() {
            assert_eq!(conversation[field], *value, "{field}");
        }
        let messages = tenant
            .get(&format!("/v1/conversations/{}/messages", id(&found[0])))
            .await;
        assert_eq!(data(&messages.expect(200)), &found[1..3]);

        let body = json!({"kind": "lead_archive", "lead_id": second["id"]});
        let archive = export(&tenant, &body).await;
        let files = unzip(&fetch(&archive).await);
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "lead.json",
                "conversations.ndjson",
                "index.html",
                "records.ndjson",
                "omitted.json",
                "manifest.json"
            ]
        );
        let manifest: Value = serde_json::from_slice(&files[5].1).unwrap();
        assert_eq!(manifest["export_id"], archive["id"]);
        for (number, (name, content)) in files[..5].iter().enumerate() {
            let entry = &manifest["files"][number];
            assert_eq!(entry["name"], name.as_str());
            assert_eq!(entry["size"], content.len());
            assert_eq!(
                entry["sha256"],
                hex::encode(sha2::Sha256::digest(content)).as_str()
            );
        }
        assert_eq!(serde_json::from_slice::<Value>(&files[0].1).unwrap(), second);
        let objects: Vec<Value> = lines(&files[1].1)
            .iter()
            .map(|line| line["object"].clone())
            .collect();
        assert_eq!(objects, ["conversation", "message", "message", "trace"]);
        let page = std::str::from_utf8(&files[2].1).unwrap();
        assert!(
            page.contains("&lt;b&gt;Lind&lt;/b&gt;") && !page.contains("<b>Lind"),
            "{page}"
        );

        for bytes in [text.into_bytes(), fetch(&talk).await, fetch(&archive).await] {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert!(
                !text.contains("otto@") && !text.contains("Fremd"),
                "nothing of others"
            );
        }
        let listed = tenant.get("/v1/exports").await.expect(200);
        assert_eq!(
            data(&listed).iter().map(id).collect::<Vec<_>>(),
            [id(&csv), id(&talk), id(&archive)]
        );
        other.get(&format!("/v1/exports/{}", id(&csv))).await.expect(404);
        other
            .post(&format!("/v1/exports/{}/cancel", id(&csv)), &json!({}))
            .await
            .expect(404);
        assert!(data(&other.get("/v1/exports").await.expect(200)).is_empty());
        let foreign = json!({"kind": "lead_archive", "lead_id": second["id"]});
        assert_eq!(
            other.post("/v1/exports", &foreign).await.refused(),
            [("lead_id".to_owned(), "names no lead".to_owned())]
        );
    });
}

#[test]
fn an_export_of_nothing_says_so_in_one_line() {
    run(async {
        let tenant = Tenant::new().await;
        let talk = export(&tenant, &json!({"kind": "conversations_ndjson"})).await;
        assert_eq!(lines(&fetch(&talk).await).len(), 1);
        assert_eq!(talk["counts"]["conversations"], 0);
    });
}

#[test]
fn p_sec_01_a_file_at_rest_was_asked_to_be_encrypted_under_the_platforms_key() {
    run(async {
        let tenant = Tenant::new().await;
        let csv = export(&tenant, &json!({"kind": "leads_csv"})).await;
        let objects = crate::harness::stack().objects().encryption();
        let (path, encryption) = objects.iter().find(|(path, _)| path.contains(&id(&csv))).unwrap();
        assert!(
            path.starts_with("exportsbucket/tn_"),
            "the tenant's role is limited to its prefix: {path}"
        );
        assert_eq!(
            Some(encryption.key.as_str()),
            crate::harness::stack().key_arn("SealingKey")
        );
        assert!(encryption.bucket_key);
        let dump = send(CLIENT.get(tenant.url("/_local/dump"))).await.expect(200);
        assert!(dump["objects"].to_string().contains(&format!("{}.csv", id(&csv))));
    });
}

#[test]
fn bad_requests_for_exports_are_refused_by_name() {
    run(async {
        let tenant = Tenant::new().await;
        let table = [
            (json!({"kind": "everything"}), "kind"),
            (json!({}), "kind"),
            (json!({"kind": "leads_csv", "format": "xml"}), "format"),
            (json!({"kind": "lead_archive"}), "lead_id"),
            (json!({"kind": "lead_archive", "lead_id": "Anna"}), "lead_id"),
            (
                json!({"kind": "lead_archive", "conversation_id": "conv_01k5abcdefghjkmnpqrstvwxyz"}),
                "conversation_id",
            ),
            (
                json!({"kind": "account_archive", "conversation_id": "conv_01k5abcdefghjkmnpqrstvwxyz"}),
                "conversation_id",
            ),
            (
                json!({"kind": "lead_archive", "lead_id": "lead_01k5abcdefghjkmnpqrstvwxyz"}),
                "lead_id",
            ),
            (
                json!({"kind": "leads_csv", "lead_id": "lead_01k5abcdefghjkmnpqrstvwxyz"}),
                "lead_id",
            ),
        ];
        for (body, field) in table {
            let answer = tenant.post("/v1/exports", &body).await;
            assert_eq!(answer.refused()[0].0, field, "{body}");
            answer.expect(422);
        }
        tenant.get("/v1/exports/exp_nonsense").await.expect(404);
        tenant
            .get("/v1/exports/exp_01k5abcdefghjkmnpqrstvwxyz")
            .await
            .expect(404);
        send(CLIENT.get(tenant.url("/v1/exports"))).await.expect(401);
        assert!(
            data(&tenant.get("/v1/exports").await.expect(200)).is_empty(),
            "nothing was begun"
        );
        // Nor was the place of the running one taken.
        export(&tenant, &json!({"kind": "leads_csv"})).await;
    });
}

#[test]
fn one_export_runs_at_a_time_and_a_repeated_request_is_the_same_export() {
    run(async {
        let tenant = Tenant::new().await;
        let keyed = |key: &'static str, body: Value| {
            let request = tenant.request(Method::POST, "/v1/exports");
            send(request.header("idempotency-key", key).json(&body))
        };
        let csv = json!({"kind": "leads_csv"});
        let (first, second) = (tenant.post("/v1/exports", &csv), keyed("one", csv.clone()));
        let (first, second): (Answer, Answer) = {
            let second = tokio::spawn(second);
            (first.await, second.await.unwrap())
        };
        let (running, refused) = if first.status == 202 {
            (first, second)
        } else {
            (second, first)
        };
        let running = running.expect(202);
        // If the first was already written when the second came, both are right.
        if refused.status != 202 {
            let problem = refused.expect(409);
            assert_eq!(
                (&problem["code"], &problem["resource_id"]),
                (&json!("export_running"), &running["id"])
            );
        }
        settled(&tenant, &running, "complete").await;
        let again = eventually("the place is free", || async {
            let answer = keyed("two", csv.clone()).await;
            (answer.status == 202).then_some(answer.body)
        })
        .await;
        settled(&tenant, &again, "complete").await;
        assert_eq!(keyed("two", csv.clone()).await.expect(202)["id"], again["id"]);
        let other = json!({"kind": "conversations_ndjson"});
        assert_eq!(
            keyed("two", other).await.expect(422)["code"],
            "idempotency_key_reused"
        );
    });
}

#[test]
fn a_link_that_is_none_is_404_and_one_that_is_over_410() {
    run(async {
        let tenant = Tenant::new().await;
        let csv = export(&tenant, &json!({"kind": "leads_csv"})).await;
        let url = csv["download_url"].as_str().unwrap();
        let token = url.rsplit('/').next().unwrap();
        assert!(!token.contains(&id(&csv)[4..]), "opaque");
        let redirect = click().get(url).send().await.unwrap();
        assert_eq!(redirect.status().as_u16(), 302);
        let signed = redirect.headers()["location"].to_str().unwrap().to_owned();
        assert!(
            signed.contains("X-Amz-Expires=900"),
            "a quarter of an hour: {signed}"
        );
        assert_eq!(redirect.headers()["cache-control"], "no-store");
        let changed = signed.replace("X-Amz-Expires=900", "X-Amz-Expires=9000");
        assert_eq!(CLIENT.get(changed).send().await.unwrap().status().as_u16(), 403);

        let flip = |text: &str| {
            if text.starts_with('A') {
                text.replacen('A', "B", 1)
            } else {
                format!("A{}", &text[1..])
            }
        };
        for bad in [
            "x",
            &token[1..],
            &flip(token),
            &format!("{token}A"),
            &"A".repeat(43),
            "%00",
        ] {
            let answer = send(CLIENT.get(tenant.url(&format!("/d/{bad}")))).await;
            assert_eq!(answer.expect(404)["code"], "not_found", "{bad}");
        }
        let dump = send(CLIENT.get(tenant.url("/_local/dump"))).await.expect(200);
        assert!(!dump.to_string().contains(token), "the token is stored nowhere");

        let path = format!("/v1/exports/{}/cancel", id(&csv));
        let canceled = tenant.post(&path, &json!({})).await.expect(200);
        assert_eq!(
            (&canceled["state"], &canceled["download_url"]),
            (&json!("canceled"), &Value::Null)
        );
        assert_eq!(tenant.post(&path, &json!({})).await.expect(200), canceled);
        assert_eq!(send(CLIENT.get(url)).await.expect(410)["code"], "download_over");
        assert_eq!(
            CLIENT.get(signed).send().await.unwrap().status().as_u16(),
            404,
            "the file is withdrawn"
        );
    });
}

#[test]
fn a_link_ends_with_the_key_that_asked_for_it() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let csv = export(&tenant, &json!({"kind": "leads_csv"})).await;
        fetch(&csv).await;
        let platform = usher_local::seed::operator(&stack).unwrap();
        let key = platform
            .find_api_key(&tenant.demo.api_key)
            .await
            .unwrap()
            .unwrap();
        assert!(platform.valid_api_key(*key.hash).await.unwrap().is_some());
        let scope = platform.enter(*key.tenant).await.unwrap();
        let row = usher_aws::store::keys::api_key(*key.hash);
        let revoked = vec![("revoked_at", json!(scope.now()))];
        let when = vec![usher_aws::store::When::Present];
        assert!(
            scope
                .store()
                .update(&row, revoked, when)
                .await
                .unwrap()
                .happened()
        );
        let url = csv["download_url"].as_str().unwrap();
        send(CLIENT.get(url)).await.expect(410);
        stack.shutdown().await;
    });
}

#[test]
fn p_ret_10_after_seven_days_an_export_is_over() {
    run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let csv = export(&tenant, &json!({"kind": "leads_csv"})).await;
        let url = csv["download_url"].as_str().unwrap();
        let advance = |by: &'static str| {
            let body = json!({ "advance": by });
            send(
                CLIENT
                    .post(format!("{}/_local/clock", stack.base_url()))
                    .json(&body),
            )
        };
        advance("6d23h").await.expect(200);
        fetch(&csv).await;
        advance("1d1h").await.expect(200);
        send(CLIENT.get(url)).await.expect(410);
        tenant.get(&format!("/v1/exports/{}", id(&csv))).await.expect(404);
        assert!(data(&tenant.get("/v1/exports").await.expect(200)).is_empty());
        advance("7d").await.expect(200);
        send(CLIENT.get(url)).await.expect(404);
        let dump = send(CLIENT.get(tenant.url("/_local/dump"))).await.expect(200);
        assert!(
            !dump["tables"].to_string().contains("\"download_link\""),
            "nor is anything left of the link"
        );
        stack.shutdown().await;
    });
}
