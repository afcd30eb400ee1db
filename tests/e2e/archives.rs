//! Archives of everything: a person's and the account's, held against the registry and against what is stored.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use usher_aws::TenantScope;
use usher_aws::sealing::DataKey;
use usher_aws::store::{When, keys};
use usher_aws::suppressions::Means;
use usher_shared::alert::{Rank, Target, TargetKind};
use usher_shared::channel::ChannelKind;
use usher_shared::figures::Figures;
use usher_shared::ids::{ConversationId, ErasureId, HoldId, LeadId, MessageId};
use usher_shared::model::{ContactRef, ErasureState};
use usher_shared::record::{Export, Owner};
use usher_shared::records::{
    AlertPlan, AlertState, Assistant, CallRecording, Consent, Conversation, DayFigures, Deletion, Erasing,
    Hold, REGISTRY,
};
use usher_shared::scope::Scope;
use usher_shared::untrusted::KeyedHash;

use crate::attachments::file_from;
use crate::export_resume::scope_of;
use crate::exports::{export, fetch, lines, unzip};
use crate::harness::{CLIENT, Tenant, data, eventually, id, run, send, stack};

/// What must be in no archive.
const BOT: &str = "123456:secret-of-a-bot";

type Files = BTreeMap<String, Vec<u8>>;

/// Somebody who became a lead.
struct Person {
    lead: LeadId,
    contact: ContactRef,
    conversation: Conversation,
    message: MessageId,
}

async fn person(tenant: &Tenant, scope: &TenantScope, words: &str) -> Person {
    let guest = tenant.guest().await;
    let asked = guest.say(words).await;
    guest.answer_to(&asked).await;
    let conversation: ConversationId = id(&tenant.conversation_of(&asked).await).parse().unwrap();
    let open = scope.open_conversation(conversation).await.unwrap().unwrap();
    let contact = *open.head.contact;
    let lead = eventually("the lead is captured", || async {
        let (found, _keys) = scope.open_contact(contact).await.unwrap().unwrap();
        *found.lead
    })
    .await;
    Person {
        lead,
        contact,
        conversation: open.head,
        message: asked.parse().unwrap(),
    }
}

/// What is stored of a person beside what was said. `mark` is in whatever is sealed.
async fn about(scope: &TenantScope, person: &Person, mark: &str, number: u8) {
    let now = scope.now();
    let store = scope.store();
    let keys_of = scope.contact_keys(person.contact.id).await.unwrap().unwrap();
    let consent = Consent {
        request: KeyedHash::from_bytes([number; 16]).into(),
        address: KeyedHash::from_bytes([number; 16]).into(),
        contact: person.contact.into(),
        purpose: "link".parse::<usher_shared::untrusted::Label>().unwrap().into(),
        at: now.into(),
        conversation: person.conversation.id,
        message: person.message.into(),
        evidence: format!("RE-evidence-{mark}").into(),
    };
    let row = keys::consent(scope.tenant(), *consent.request);
    let put = store.put(&row, &consent, keys_of.contact(), When::Absent).await;
    assert!(put.unwrap().happened());
    let recording = CallRecording {
        conversation: person.conversation.id,
        contact: person.contact.into(),
        channel: person.conversation.channel,
        at: now.into(),
        recording: format!("RE-recording-{mark}").into(),
    };
    scope.remember_recording(&recording).await.unwrap();
    let state = AlertState {
        conversation: person.conversation.id,
        since: now.into(),
        looks: 1.into(),
        attempts: 0.into(),
        told: Vec::new().into(),
        claim: None.into(),
        lease_until: None.into(),
    };
    let row = keys::alert_state(scope.tenant(), *person.conversation.id);
    let put = store.put(&row, &state, &DataKey::none(), When::Absent).await;
    assert!(put.unwrap().happened());
}

/// Settings and proofs of the tenant that no request of these tests makes.
async fn settings(scope: &TenantScope, person: &Person) {
    let (now, tenant, store) = (scope.now(), scope.tenant(), scope.store());
    let target = Target {
        kind: TargetKind::Mail,
        address: "owner@example.com".to_owned(),
        rank: Rank::First,
        quiet: None,
        trouble: None,
    };
    let plan = AlertPlan {
        created_at: now.into(),
        version: 1.into(),
        repeat_minutes: 30.into(),
        second_after_minutes: 60.into(),
        targets: vec![target].into(),
        telegram_token: Some(BOT.to_owned()).into(),
    };
    let put = store
        .put(&keys::alert_plan(tenant), &plan, scope.key(), When::Absent)
        .await;
    assert!(put.unwrap().happened());
    let assistant = Assistant {
        changed_at: now.into(),
        voice: "Like a lighthouse keeper.".to_owned().into(),
        facts: String::new().into(),
        opening_hours: String::new().into(),
    };
    let put = store
        .put(&keys::assistant(tenant), &assistant, scope.key(), When::Absent)
        .await;
    assert!(put.unwrap().happened());
    let figures = DayFigures {
        day: now.into(),
        channel: person.conversation.channel,
        figures: Figures::default().into(),
    };
    let row = keys::day_figures(tenant, now, *person.conversation.channel);
    let put = store.put(&row, &figures, &DataKey::none(), When::Absent).await;
    assert!(put.unwrap().happened());
    let hold = Hold {
        id: HoldId::generate(now, scope.entropy()).into(),
        subject: person
            .lead
            .to_string()
            .parse::<usher_shared::untrusted::Label>()
            .unwrap()
            .into(),
        contacts: vec![person.contact].into(),
        conversation: None.into(),
        placed_at: now.into(),
        released_at: Some(now).into(),
        tended_at: None.into(),
        reason: "A letter of the court.".to_owned().into(),
    };
    let put = store
        .put(&keys::hold(tenant, *hold.id), &hold, scope.key(), When::Absent)
        .await;
    assert!(put.unwrap().happened());
    let erasing = Erasing {
        id: ErasureId::generate(now, scope.entropy()).into(),
        subject: format!("lead_{}", "0".repeat(26))
            .parse::<usher_shared::untrusted::Label>()
            .unwrap()
            .into(),
        requested_at: now.into(),
        state: ErasureState::Verified.into(),
        updated_at: now.into(),
        lead: None.into(),
        contacts: Vec::new().into(),
        whole_contacts: true.into(),
        conversations: Vec::new().into(),
        requested_by: None.into(),
    };
    let row = keys::erasure(tenant, *erasing.id);
    let put = store.put(&row, &erasing, &DataKey::none(), When::Absent).await;
    assert!(put.unwrap().happened());
    let deletion = Deletion {
        at: now.into(),
        target: erasing.subject.clone(),
        erasure: Some(*erasing.id).into(),
    };
    let row = keys::deletion(tenant, now, erasing.subject.as_str());
    let put = store.put(&row, &deletion, &DataKey::none(), When::Absent).await;
    assert!(put.unwrap().happened());
}

async fn files_of(tenant: &Tenant, body: &Value) -> (Files, Value) {
    let done = export(tenant, body).await;
    let dump = send(CLIENT.get(tenant.url("/_local/dump"))).await.expect(200);
    let files = unzip(&fetch(&done).await).into_iter().collect();
    (files, dump)
}

fn text(files: &Files) -> String {
    files
        .values()
        .map(|bytes| String::from_utf8_lossy(bytes))
        .collect()
}

/// A text attribute of a raw row.
fn attribute<'a>(row: &'a Value, name: &str) -> &'a str {
    let value = &row[name];
    value["S"].as_str().or(value.as_str()).unwrap_or_default()
}

/// Rows of the tenant that belong into an export and are wanted, counted by what they are.
fn stored(
    dump: &Value,
    tenant: &TenantScope,
    wanted: impl Fn(&str, &Value) -> bool,
) -> BTreeMap<String, usize> {
    let own = tenant.tenant().to_string();
    let mut counts = BTreeMap::new();
    for table in ["InboxTable", "LedgerTable"] {
        for row in dump["tables"][table].as_array().unwrap() {
            let kind = attribute(row, "k");
            let spec = REGISTRY.iter().find(|spec| spec.kind == kind);
            let included = spec.is_some_and(|spec| !matches!(spec.export, Export::Omitted(_)));
            if included && attribute(row, "pk").starts_with(&own) && wanted(kind, row) {
                *counts.entry(kind.to_owned()).or_default() += 1;
            }
        }
    }
    counts
}

fn written(lines: &[Value]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in lines {
        *counts
            .entry(line["record"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    counts
}

/// Sizes and checksums as the manifest says, and reasons for what is left out.
fn check(files: &Files) {
    use sha2::Digest as _;
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    let listed = manifest["files"].as_array().unwrap();
    assert_eq!(listed.len() + 1, files.len());
    for entry in listed {
        let content = &files[entry["name"].as_str().unwrap()];
        assert_eq!(entry["size"], content.len());
        assert_eq!(
            entry["sha256"],
            hex::encode(sha2::Sha256::digest(content)).as_str()
        );
    }
    let omitted: Value = serde_json::from_slice(&files["omitted.json"]).unwrap();
    let records = omitted["records"].as_array().unwrap();
    assert!(records.iter().any(|one| one["record"] == "wrapped_key"));
    assert!(
        records
            .iter()
            .all(|one| one["reason"].as_str().unwrap().len() > 20)
    );
}

#[test]
fn p_rgt_01_p_rgt_09_a_persons_archive_holds_every_record_of_them_and_nothing_of_others() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let scope = scope_of(stack(), &tenant).await;
        let words = "My name is Anna Berg, anna@example.com. How much is the garden room?";
        let anna = person(&tenant, &scope, words).await;
        let words = "My name is Otto Fremd, otto@example.org. How much is the garden room?";
        let other = person(&tenant, &scope, words).await;
        about(&scope, &anna, "anna", 1).await;
        about(&scope, &other, "other", 2).await;
        scope
            .suppress(Means::Email, "anna@example.com", "words")
            .await
            .unwrap();
        scope
            .suppress(Means::Email, "otto@example.org", "words")
            .await
            .unwrap();
        // The same person on another address, merged: a lead is a set of contacts.
        let second = file_from(&tenant, stack(), "anna-elsewhere", "marmalade").await;
        let open = scope.open_conversation(second).await.unwrap().unwrap();
        let elsewhere = *open.head.contact;
        let other = eventually("they are a lead there too", || async {
            let (contact, _) = scope.open_contact(elsewhere).await.unwrap()?;
            *contact.lead
        })
        .await;
        let path = format!("/v1/leads/{}/merge", anna.lead);
        tenant.post(&path, &json!({"lead_id": other})).await.expect(200);
        let _files = file_from(&tenant, stack(), "somebody-else", "strawberry").await;
        quiet(&tenant).await;

        let body = json!({"kind": "lead_archive", "lead_id": anna.lead});
        let (files, dump) = files_of(&tenant, &body).await;
        check(&files);
        let ids = [
            anna.contact.id.to_string(),
            anna.contact.address.to_string(),
            anna.conversation.id.to_string(),
            anna.lead.to_string(),
            elsewhere.id.to_string(),
            elsewhere.address.to_string(),
            second.to_string(),
            scope
                .suppression_hash(Means::Email, "anna@example.com")
                .to_string(),
        ];
        let theirs = |kind: &str, row: &Value| {
            let spec = REGISTRY.iter().find(|spec| spec.kind == kind).unwrap();
            let is_personal = spec.owner == Owner::Contact || ["consent", "suppression"].contains(&kind);
            let row = row.to_string();
            is_personal && ids.iter().any(|id| row.contains(id))
        };
        let expected = stored(&dump, &scope, theirs);
        let records = lines(&files["records.ndjson"]);
        assert_eq!(written(&records), expected);
        // Every record that is a person's is among them: one that is added has to be planted here.
        let kinds: BTreeSet<&str> = expected.keys().map(String::as_str).collect();
        for spec in REGISTRY.iter().filter(|spec| spec.owner == Owner::Contact) {
            let in_tables = spec
                .places
                .iter()
                .any(|place| place.logical_id().ends_with("Table"));
            if in_tables && !matches!(spec.export, Export::Omitted(_)) {
                assert!(kinds.contains(spec.kind), "{} is not planted", spec.kind);
            }
        }
        let all = text(&files);
        let held = [
            "anna@example.com",
            "RE-evidence-anna",
            "RE-recording-anna",
            "garden room",
            "marmalade",
        ];
        for held in held {
            assert!(all.contains(held), "{held}");
        }
        let at = anna.conversation.created_at.to_string();
        assert!(
            records.iter().any(|line| line["created_at"] == at.as_str()),
            "times can be read"
        );
        for other in ["Fremd", "otto@", "-other", "strawberry", BOT] {
            assert!(!all.contains(other), "nothing of others: {other}");
        }
        assert!(files.keys().any(|name| name.starts_with("attachments/att_")));
        let page = std::str::from_utf8(&files["index.html"]).unwrap();
        assert!(page.contains("Anna Berg") && page.contains("garden room"));
        let lead: Value = serde_json::from_slice(&files["lead.json"]).unwrap();
        assert_eq!(data_of(&lead, "contacts"), 2);
    });
}

fn data_of(value: &Value, field: &str) -> usize {
    value[field].as_array().unwrap().len()
}

/// Waits until the number of rows stays: nothing is written behind the archive any more.
async fn quiet(tenant: &Tenant) {
    let mut last = String::new();
    for _ in 0..60 {
        let dump = send(CLIENT.get(tenant.url("/_local/dump"))).await.expect(200);
        let own = dump["tables"]["InboxTable"].as_array().unwrap();
        let found = format!(
            "{:?}",
            own.iter().map(|row| attribute(row, "sk")).collect::<Vec<_>>()
        );
        if found == last {
            return;
        }
        last = found;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

#[test]
fn p_rgt_01_a_person_who_is_nobodys_lead_has_an_archive_too() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let conversation = file_from(&tenant, stack(), "nameless", "marmalade").await;
        let _other = file_from(&tenant, stack(), "somebody-else", "strawberry").await;
        let body = json!({"kind": "lead_archive", "conversation_id": conversation});
        let done = export(&tenant, &body).await;
        assert_eq!(done["lead_id"], Value::Null);
        let files: Files = unzip(&fetch(&done).await).into_iter().collect();
        check(&files);
        let contact: Value = serde_json::from_slice(&files["contact.json"]).unwrap();
        assert_eq!(contact["contact_id"], done["contact_id"]);
        let all = text(&files);
        assert!(all.contains("marmalade") && !all.contains("strawberry"));
        let records = written(&lines(&files["records.ndjson"]));
        assert_eq!((records["contact"], records["attachment"]), (1, 1));

        // Of whoever became a lead, a conversation brings the lead's archive.
        let scope = scope_of(stack(), &tenant).await;
        let words = "My name is Anna Berg, anna@example.com. How much is the garden room?";
        let anna = person(&tenant, &scope, words).await;
        let body = json!({"kind": "lead_archive", "conversation_id": *anna.conversation.id});
        let done = export(&tenant, &body).await;
        assert_eq!(done["lead_id"], anna.lead.to_string().as_str());
    });
}

#[test]
fn p_rgt_08_p_rgt_05_the_accounts_archive_holds_every_row_that_is_stored_and_no_secret() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let scope = scope_of(stack(), &tenant).await;
        let sms = tenant.connect(ChannelKind::Sms, json!({})).await;
        let words = "My name is Anna Berg, anna@example.com. How much is the garden room?";
        let anna = person(&tenant, &scope, words).await;
        about(&scope, &anna, "anna", 3).await;
        settings(&scope, &anna).await;
        let asked = json!({"kind": "access", "subject": {"object": "lead", "id": anna.lead}});
        tenant.post("/v1/privacy-requests", &asked).await.expect(202);
        scope
            .suppress(Means::Email, "anna@example.com", "words")
            .await
            .unwrap();
        file_from(&tenant, stack(), "nameless", "marmalade").await;
        let stranger = Tenant::with_prices().await;
        let theirs = scope_of(stack(), &stranger).await;
        let words = "My name is Otto Fremd, otto@example.org. How much is the garden room?";
        person(&stranger, &theirs, words).await;
        quiet(&tenant).await;

        let (files, dump) = files_of(&tenant, &json!({"kind": "account_archive"})).await;
        check(&files);
        let found: Vec<Value> = files
            .iter()
            .filter(|(name, _)| name.ends_with(".ndjson"))
            .flat_map(|(_, bytes)| lines(bytes))
            .collect();
        let expected = stored(&dump, &scope, |_, _| true);
        assert_eq!(written(&found), expected);
        // Every record that the registry exports is among them: one that is added has to be planted here.
        for spec in REGISTRY {
            let in_tables = spec
                .places
                .iter()
                .any(|place| place.logical_id().ends_with("Table"));
            if in_tables && !matches!(spec.export, Export::Omitted(_)) {
                assert!(expected.contains_key(spec.kind), "{} is not planted", spec.kind);
            }
        }
        let all = text(&files);
        let held = [
            "anna@example.com",
            "RE-evidence-anna",
            "lighthouse",
            "letter of the court",
            "marmalade",
        ];
        for held in held {
            assert!(all.contains(held), "{held}");
        }
        let secret = sms["given"]["credentials"]["auth_token"].as_str().unwrap();
        for absent in [secret, BOT, &tenant.demo.api_key, "Fremd", "otto@"] {
            assert!(!all.contains(absent), "{absent}");
        }
        assert!(all.contains("owner@example.com"), "who is told is a setting");
        // The files are one after the other, as tar writes them.
        let tar = &files["attachments.tar"];
        assert_eq!(tar.len() % 512, 0);
        assert_eq!(&tar[..16], b"attachments/att_");
        assert!(tar[512..].starts_with(b"marmalade") || String::from_utf8_lossy(tar).contains("marmalade"));
    });
}

/// An answer to somebody with a key of these scopes alone.
async fn with_key(tenant: &Tenant, scopes: Vec<Scope>) -> (String, usher_shared::records::ApiKey) {
    let platform = usher_local::seed::operator(stack()).unwrap();
    let owner = scope_of(stack(), tenant).await.tenant();
    let key = platform.create_api_key(owner, scopes, None).await.unwrap();
    let row = platform.find_api_key(&key.secret.0).await.unwrap().unwrap();
    (key.secret.0.clone(), row)
}

#[test]
fn the_account_and_traces_need_scopes_of_their_own_and_a_link_ends_when_they_are_taken_away() {
    run(async {
        let mut tenant = Tenant::with_prices().await;
        let scope = scope_of(stack(), &tenant).await;
        let words = "My name is Anna Berg, anna@example.com. How much is the garden room?";
        person(&tenant, &scope, words).await;
        let owner = tenant.demo.api_key.clone();
        let (exporter, _) = with_key(&tenant, vec![Scope::LeadsExport, Scope::ConversationsExport]).await;
        let (accountant, row) = with_key(&tenant, vec![Scope::AccountExport]).await;

        tenant.demo.api_key = exporter;
        let refused = tenant
            .post("/v1/exports", &json!({"kind": "account_archive"}))
            .await;
        let problem = refused.expect(403);
        assert!(
            problem["detail"].to_string().contains("account:export"),
            "{problem}"
        );
        let talk = export(&tenant, &json!({"kind": "conversations_ndjson"})).await;
        assert_eq!(
            (&talk["traces"], &talk["counts"]["traces"]),
            (&json!(false), &json!(0))
        );
        let found = lines(&fetch(&talk).await);
        let omitted = found[0]["omitted"].as_array().unwrap();
        assert!(omitted.iter().any(|one| one["record"] == "trace"), "{omitted:?}");
        assert!(!found.iter().any(|line| line["object"] == "trace"));

        tenant.demo.api_key = owner;
        let talk = export(&tenant, &json!({"kind": "conversations_ndjson"})).await;
        assert_eq!(
            (&talk["traces"], &talk["counts"]["traces"]),
            (&json!(true), &json!(1))
        );
        let found = lines(&fetch(&talk).await);
        assert!(found.iter().any(|line| line["object"] == "trace"));

        // Whoever may not read traces does not see the file that holds them.
        let (exporter, _) = with_key(&tenant, vec![Scope::ConversationsExport]).await;
        tenant.demo.api_key = exporter;
        tenant
            .get(&format!("/v1/exports/{}", id(&talk)))
            .await
            .expect(403);
        let listed = tenant.get("/v1/exports").await.expect(200);
        assert!(!data(&listed).iter().any(|one| id(one) == id(&talk)));

        tenant.demo.api_key = accountant;
        let account = export(&tenant, &json!({"kind": "account_archive"})).await;
        fetch(&account).await;
        let less = vec![("scopes", json!([Scope::LeadsExport]))];
        let key = keys::api_key(*row.hash);
        let taken = scope.store().update(&key, less, vec![When::Present]).await;
        assert!(taken.unwrap().happened());
        let url = account["download_url"].as_str().unwrap();
        send(CLIENT.get(url)).await.expect(410);
    });
}

#[test]
fn every_click_on_a_link_is_in_the_audit_trail() {
    run(async {
        let tenant = Tenant::new().await;
        let csv = export(&tenant, &json!({"kind": "leads_csv"})).await;
        let clicks = (0..6).map(|_| fetch(&csv));
        futures_util::future::join_all(clicks).await;
        let scope = scope_of(stack(), &tenant).await;
        let dump = send(CLIENT.get(tenant.url("/_local/dump"))).await.expect(200);
        let of_download = |kind: &str, row: &Value| {
            let row = row.to_string();
            kind == "audit_event" && row.contains("export_downloaded") && row.contains(&id(&csv))
        };
        assert_eq!(stored(&dump, &scope, of_download)["audit_event"], 6);
    });
}

#[test]
fn p_rgt_05_conversations_and_messages_come_as_two_tables_without_formulas() {
    run(async {
        let tenant = Tenant::with_prices().await;
        let guest = tenant.guest().await;
        let asked = guest.say("=1+1, \"quoted\"\nHow much is the garden room?").await;
        guest.answer_to(&asked).await;
        let conversation = id(&tenant.conversation_of(&asked).await);
        let done = export(&tenant, &json!({"kind": "conversations_csv"})).await;
        assert_eq!(
            (&done["counts"]["conversations"], &done["counts"]["messages"]),
            (&json!(1), &json!(2))
        );
        assert_eq!(done["progress"]["percent"], 100);
        let files: Files = unzip(&fetch(&done).await).into_iter().collect();
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(names, ["conversations.csv", "manifest.json", "messages.csv"]);
        let heads = std::str::from_utf8(&files["conversations.csv"]).unwrap();
        assert!(heads.starts_with("conversation_id,state,"), "{heads}");
        assert!(heads.contains(&conversation));
        let messages = std::str::from_utf8(&files["messages.csv"]).unwrap();
        assert!(messages.starts_with("message_id,conversation_id,"), "{messages}");
        assert!(
            messages.contains("\"'=1+1, \"\"quoted\"\"\nHow much"),
            "{messages}"
        );
        let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
        assert_eq!(data_of(&manifest, "files"), 2);
        assert!(data_of(&manifest, "omitted") > 0);
    });
}
