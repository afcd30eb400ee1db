//! Twenty names, numbers and addresses are planted wherever people can write, and looked for wherever bytes end up,
//! in every way in which bytes are commonly written. The same search finds what was put there unsealed.

use std::fmt::Write as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};
use usher_local::Stack;
use usher_local::sqs::NewMessage;
use usher_shared::category::Preset;

use crate::harness::{CLIENT, Tenant, data, eventually, send, start};

/// Names, phone numbers, addresses of both kinds.
const PLANTED: [&str; 20] = [
    "Žofie Královná",
    "Zebulon Quarkworth",
    "Íngrid Þórsdóttir",
    "Bartholomäus Nußbaumer",
    "Xiomara Villaseñor",
    "zofie.kralovna@posta.example",
    "zebulon+quark@mail.example",
    "ingrid_t@island.example",
    "nussbaumer@berg.example",
    "x.villasenor@correo.example",
    "+420 601 234 567",
    "+1 555 010 0142",
    "+354 581 2345",
    "+43 660 7654321",
    "+34 612 345 678",
    "Kozí ulička 7, 110 00 Praha",
    "4711 Quarkworth Lane, Zanesville",
    "Þórsgata 15, Reykjavík",
    "Nußbaumallee 3, Salzburg",
    "Calle Peñíscola 42, València",
];
/// Put where it is found, unsealed.
const CONTROL: &str = "Čtvrtá Kontrolní 99";

/// A way in which bytes may be written.
struct Form {
    name: String,
    bytes: Vec<u8>,
    is_text: bool,
}

/// Every form of a text: three encodings, each as it is, in base64 at each of its three offsets, in hexadecimal and
/// percent-encoded; and escaped as JSON does.
fn forms(text: &str) -> Vec<Form> {
    let mut all = Vec::new();
    let wide = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    for (encoding, bytes) in [
        ("utf-8", text.as_bytes().to_vec()),
        ("utf-16le", wide(u16::to_le_bytes)),
        ("utf-16be", wide(u16::to_be_bytes)),
    ] {
        let mut form = |name: &str, form: Vec<u8>, is_text| {
            all.push(Form {
                name: format!("{encoding} {name}"),
                bytes: form,
                is_text,
            });
        };
        for offset in 0..3 {
            form(
                &format!("base64 at {offset}"),
                inner_base64(&bytes, offset, false),
                true,
            );
            form(
                &format!("base64url at {offset}"),
                inner_base64(&bytes, offset, true),
                true,
            );
        }
        form("hex", hex::encode(&bytes).into_bytes(), true);
        form("HEX", hex::encode_upper(&bytes).into_bytes(), true);
        let percent = |upper: bool, all: bool| {
            bytes.iter().fold(String::new(), |mut text, byte| {
                if !all && byte.is_ascii_alphanumeric() {
                    text.push(char::from(*byte));
                } else if upper {
                    write!(text, "%{byte:02X}").unwrap();
                } else {
                    write!(text, "%{byte:02x}").unwrap();
                }
                text
            })
        };
        form("percent", percent(true, false).into_bytes(), true);
        form("percent, lower", percent(false, false).into_bytes(), true);
        form("percent, all", percent(true, true).into_bytes(), true);
        form("plain", bytes.clone(), encoding == "utf-8");
    }
    let escaped = |always: bool| {
        text.encode_utf16().fold(String::new(), |mut text, unit| {
            match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() && !always => text.push(char::from(byte)),
                _ => write!(text, "\\u{unit:04x}").unwrap(),
            }
            text
        })
    };
    for (name, escaped) in [("JSON", escaped(false)), ("JSON, all", escaped(true))] {
        all.push(Form {
            name: name.to_owned(),
            bytes: escaped.into_bytes(),
            is_text: true,
        });
    }
    all
}

/// What every base64 text holds that encodes `bytes` somewhere, `offset` bytes after a group of three begins.
fn inner_base64(bytes: &[u8], offset: usize, url: bool) -> Vec<u8> {
    let mut shifted = vec![0; offset];
    shifted.extend_from_slice(bytes);
    let whole = shifted.len() / 3 * 3;
    shifted.truncate(whole);
    let text = if url {
        URL_SAFE_NO_PAD.encode(&shifted)
    } else {
        STANDARD.encode(&shifted)
    };
    // The first group also encodes what stands before.
    text.as_bytes()[if offset == 0 { 0 } else { 4 }..].to_vec()
}

/// Where bytes end up.
struct Surface {
    name: &'static str,
    bytes: Vec<u8>,
    takes_binary: bool,
}

impl Surface {
    fn holds(&self, form: &Form) -> bool {
        self.place(form).is_some()
    }

    fn place(&self, form: &Form) -> Option<usize> {
        let mut windows = self.bytes.windows(form.bytes.len());
        windows.position(|window| window == form.bytes)
    }

    /// What stands around it.
    fn around(&self, form: &Form) -> String {
        let at = self.place(form).unwrap_or_default();
        let end = self.bytes.len().min(at + 200);
        String::from_utf8_lossy(&self.bytes[at.saturating_sub(200)..end]).into_owned()
    }
}

/// Every answer that was refused, every header and every URL of one's own making that came back.
#[derive(Default)]
struct Refusals(Vec<u8>);

impl Refusals {
    async fn refused(&mut self, request: reqwest::RequestBuilder) {
        let response = request.send().await.unwrap();
        assert!(!response.status().is_success(), "{}", response.url());
        for (name, value) in response.headers() {
            self.0
                .extend(name.as_str().bytes().chain(value.as_bytes().iter().copied()));
        }
        self.0.extend(response.bytes().await.unwrap());
    }
}

/// Binary attributes of a dump, decoded.
fn binary(value: &Value, found: &mut Vec<u8>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(text) if name == "B" => found.extend(STANDARD.decode(text).unwrap()),
                    _ => binary(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| binary(value, found)),
        _ => {}
    }
}

fn home(stack: &Stack) -> PathBuf {
    let clock = stack.environment("inbox").unwrap()["USHER_LOCAL_CLOCK"].clone();
    PathBuf::from(clock).parent().unwrap().to_owned()
}

async fn surfaces(stack: &Stack, tenant: &Tenant, refusals: Refusals) -> Vec<Surface> {
    let dump = send(CLIENT.get(tenant.url("/_local/dump"))).await.body;
    let mut tables = dump["tables"].to_string().into_bytes();
    binary(&dump["tables"], &mut tables);
    // Deleted bytes stay in free pages of the live database; what is kept is what a copy of it holds.
    let file = home(stack).join("vacuumed.db");
    stack
        .database()
        .database()
        .vacuum_into(file.to_str().unwrap())
        .unwrap();
    let mut backups = Vec::new();
    for held in stack.backups().held() {
        let now = stack.clock().now_ms();
        let (_, items) = stack.backups().find(&held.table, now, now).unwrap();
        backups.extend(json!(items).to_string().into_bytes());
        binary(&json!(items), &mut backups);
    }
    let mut logs = Vec::new();
    for entry in std::fs::read_dir(home(stack).join("logs")).unwrap() {
        logs.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let surface = |name, mut bytes: Vec<u8>, takes_binary| {
        // Inside JSON, JSON's own backslashes are doubled.
        let once = String::from_utf8_lossy(&bytes).replace("\\\\", "\\");
        bytes.extend(once.into_bytes());
        Surface {
            name,
            bytes,
            takes_binary,
        }
    };
    vec![
        surface("rows and keys", tables, true),
        surface("database file", std::fs::read(file).unwrap(), false),
        surface("backups", backups, true),
        surface("queues", dump["queues"].to_string().into_bytes(), false),
        surface("files", dump["objects"].to_string().into_bytes(), false),
        surface("logs and metrics", logs, true),
        surface("refusals", refusals.0, false),
    ]
}

/// Lets guests, the owner and whoever asks wrongly write what is planted.
async fn plant(stack: &Stack, tenant: &Tenant) -> Refusals {
    let mut refusals = Refusals::default();
    let mut last = None;
    for who in 0..5 {
        let [name, email, phone, street] = [0, 5, 10, 15].map(|field| PLANTED[who + field]);
        let guest = tenant.guest().await;
        let text =
            format!("My name is {name}, {street}. I am at {email} or {phone}. How much is the garden room?");
        let asked = guest.say(&text).await;
        guest.answer_to(&asked).await;
        let conversation = tenant.conversation_of(&asked).await;
        let path = format!(
            "/v1/conversations/{}/messages",
            conversation["id"].as_str().unwrap()
        );
        tenant
            .post(
                &path,
                &json!({"text": format!("Dear {name} of {street}, we will call {phone}.")}),
            )
            .await
            .expect(201);
        for body in [json!({"email": email}), json!({"phone": phone})] {
            tenant.post("/v1/leads/search", &body).await.expect(200);
        }
        tenant.post("/v1/search", &json!({"q": name})).await.expect(200);
        last = Some(asked);

        let wrong = |method, path: &str| tenant.request(method, path);
        let mut path = reqwest::Url::parse(&tenant.url("/v1/leads")).unwrap();
        path.path_segments_mut().unwrap().push(name);
        path.query_pairs_mut()
            .append_pair("limit", phone)
            .append_pair(street, email);
        let mut leads = reqwest::Url::parse(&tenant.url("/v1/leads")).unwrap();
        leads
            .query_pairs_mut()
            .append_pair("limit", phone)
            .append_pair("after", email);
        let requests = [
            CLIENT.get(path.clone()).bearer_auth(&tenant.demo.api_key),
            CLIENT.get(leads).bearer_auth(&tenant.demo.api_key),
            wrong(Method::POST, "/v1/leads/search").json(&json!({"email": name})),
            wrong(Method::POST, "/v1/search").json(&json!({"query": name, (email): street})),
            wrong(Method::POST, "/v1/documents")
                .json(&json!({"title": name, "format": phone, "text": street})),
            wrong(Method::POST, "/v1/exports").json(&json!({"kind": name, "lead_id": email})),
            wrong(Method::POST, &format!("{}x", path.path())).body(format!("{{\"{name}\": {street}")),
            CLIENT.get(tenant.url("/v1/leads")).bearer_auth(email),
            CLIENT
                .post(tenant.chat("messages"))
                .bearer_auth(email)
                .json(&json!({"text": name})),
            CLIENT.post(tenant.url(&format!("/chat/{email}/sessions"))),
        ];
        for request in requests {
            refusals.refused(request).await;
        }
    }
    // Jobs that nobody can do end as dead letters: of a real message, whose person is in them by id alone.
    let message = last.unwrap();
    for (function, queue) in [
        ("reply", "ReplyDeadLetters.fifo"),
        ("deliver", "DeliverDeadLetters.fifo"),
    ] {
        let body = json!({"k": format!("{function}_job"), "message": message}).to_string();
        let letter = NewMessage {
            body,
            group: Some(message.clone()),
            deduplication: Some(message.clone()),
            ..NewMessage::default()
        };
        stack.queues().send(queue, &letter).unwrap();
    }
    refusals
}

#[test]
fn p_sec_01_twenty_planted_names_numbers_and_addresses_are_found_nowhere() {
    crate::harness::run(async {
        let stack = start().await;
        let tenant = Tenant::on(&stack, Preset::Hospitality).await;
        let prices = "The garden room costs 900 euros a day.";
        tenant.upload("Prices", prices).await;
        tenant.upload(PLANTED[0], &PLANTED.join("\n\n")).await;
        let mut refusals = plant(&stack, &tenant).await;
        eventually("all five are leads", || async {
            (data(&tenant.get("/v1/leads").await.expect(200)).len() == 5).then_some(())
        })
        .await;
        stack
            .backups()
            .take(stack.database(), stack.clock().now_ms(), false)
            .unwrap();

        // The control: unsealed, on each surface, in each form that the surface takes.
        let all = forms(CONTROL);
        let text = all
            .iter()
            .filter(|form| form.is_text)
            .map(|form| String::from_utf8(form.bytes.clone()).unwrap());
        let text = text.collect::<Vec<_>>().join(" ");
        let bytes = all
            .iter()
            .flat_map(|form| form.bytes.clone())
            .collect::<Vec<u8>>();
        // A row for each form: what is longer than a page of the database's file is cut in pieces there. Whole rows
        // are searched as well.
        for (number, form) in all.iter().enumerate() {
            let text = form
                .is_text
                .then(|| String::from_utf8(form.bytes.clone()).unwrap());
            let row = json!({"TableName": "KeysTable", "Item": {
                "pk": {"S": "control"},
                "sk": {"S": number.to_string()},
                "text": {"S": text.unwrap_or_default()},
                "bytes": {"B": STANDARD.encode(&form.bytes)},
            }});
            let row = serde_json::from_value(row).unwrap();
            stack.database().database().put_item(row).unwrap();
        }
        let control = NewMessage {
            body: text.clone(),
            ..NewMessage::default()
        };
        stack.queues().send("StreamDeadLetters", &control).unwrap();
        let bucket = home(&stack).join("s3");
        let bucket = std::fs::read_dir(bucket)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.is_dir());
        std::fs::write(bucket.unwrap().join("control.txt"), &text).unwrap();
        let log = home(&stack).join("logs/deliver.log");
        let mut line = std::fs::read(&log).unwrap();
        line.extend_from_slice(&bytes);
        line.extend_from_slice(text.as_bytes());
        std::fs::write(&log, line).unwrap();
        let echo = json!({"days_ago": 0, "tables": [text]});
        refusals
            .refused(CLIENT.post(tenant.url("/_local/restore")).json(&echo))
            .await;
        stack
            .backups()
            .take(stack.database(), stack.clock().now_ms(), false)
            .unwrap();

        let surfaces = surfaces(&stack, &tenant, refusals).await;
        for surface in &surfaces {
            for form in &all {
                let expected = form.is_text || surface.takes_binary;
                assert!(
                    surface.holds(form) || !expected,
                    "the search misses the control as {} in {}",
                    form.name,
                    surface.name
                );
            }
        }
        for planted in PLANTED {
            for form in forms(planted) {
                for surface in &surfaces {
                    assert!(
                        !surface.holds(&form),
                        "{planted} as {} in {}: {}",
                        form.name,
                        surface.name,
                        surface.around(&form)
                    );
                }
            }
        }
        stack.shutdown().await;
    });
}
