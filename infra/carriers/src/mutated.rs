//! Samples of every carrier, mutated and thrown at every parser: what the fuzz targets do without end, done a little on
//! every run. A parser that panics fails the test; so does one that takes the machine down.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;

use crate::form::{Enquiry, Form};
use crate::urlencoded::{Fields, encode};
use crate::{mail, meta, signature, sms, voice};

/// Every sample below `tests/vectors`; JSON that stands for a form also as that form.
static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let mut folders = vec![root];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut samples: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    let forms: Vec<Vec<u8>> = samples.iter().filter_map(|sample| as_form(sample)).collect();
    samples.extend(forms);
    samples.push(
        b"--x\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\nc\r\n--x--".to_vec(),
    );
    samples
});

fn as_form(sample: &[u8]) -> Option<Vec<u8>> {
    let parsed: serde_json::Value = serde_json::from_slice(sample).ok()?;
    let members = parsed.as_object()?.iter();
    let texts = members.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    Some(encode(texts).into_bytes())
}

/// What is done to a sample at a place in it.
#[derive(Clone, Debug)]
enum Mutation {
    Set(u8),
    Insert(Vec<u8>),
    Cut(usize),
    Repeat(usize),
    End,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        any::<u8>().prop_map(Mutation::Set),
        prop_oneof![
            Just(b"[[[[[[[[".to_vec()),
            Just(b"{\"a\":".to_vec()),
            Just(b"\"\\ud800\"".to_vec()),
            Just(b"1e999".to_vec()),
            Just(b"-9223372036854775809".to_vec()),
            Just(b"%".to_vec()),
            Just(b"\r\n--x".to_vec()),
            Just("\u{202e}\u{0}\u{feff}".as_bytes().to_vec()),
            Just(vec![0xff, 0xfe]),
        ]
        .prop_map(Mutation::Insert),
        (1_usize..40).prop_map(Mutation::Cut),
        (1_usize..200).prop_map(Mutation::Repeat),
        Just(Mutation::End),
    ]
}

fn mutated(sample: &[u8], mutations: &[(u16, Mutation)]) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for (place, mutation) in mutations {
        let at = usize::from(*place) * bytes.len() / usize::from(u16::MAX);
        let until = |length: usize| (at + length).min(bytes.len());
        match mutation {
            Mutation::Set(byte) => {
                if let Some(found) = bytes.get_mut(at) {
                    *found = *byte;
                }
            }
            Mutation::Insert(inserted) => {
                bytes.splice(at..at, inserted.iter().copied());
            }
            Mutation::Cut(length) => {
                let end = until(*length);
                bytes.drain(at..end);
            }
            Mutation::Repeat(length) => {
                let part = bytes.get(at..until(*length)).unwrap_or_default().repeat(3);
                bytes.splice(at..at, part);
            }
            Mutation::End => bytes.truncate(at),
        }
    }
    bytes
}

/// Every parser of what comes from outside.
fn read(body: &[u8]) {
    let _events = meta::parse(body);
    let text = String::from_utf8_lossy(body);
    let _request = signature::meta::signed_request(&["secret".to_owned()], &text);
    let _list = meta::id_list::read(body);
    let _challenge = signature::meta::handshake(Some("token"), &text);
    let types = [
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ];
    for content_type in types {
        if let Ok(form) = Form::parse(content_type, body) {
            let _enquiry = Enquiry::read(form);
        }
        let _verified = signature::twilio::verify(
            "token",
            &signature::twilio::Request {
                url: &text,
                is_get: false,
                content_type: Some(content_type),
                signature: Some("c2lnbmF0dXJlc2lnbmF0dXJlc2k="),
                settings: None,
                body,
            },
        );
    }
    let _any_type = Form::parse(&text, body);
    let _mail = mail::parse::parse(body);
    let _left_over = mail::ses::leftover("id", body);
    let _heard = mail::resend::hear("key", "id", body);
    if let Ok(event) = serde_json::from_slice(body) {
        let _heard = mail::ses::hear(&event);
    }
    if let Ok(fields) = Fields::decode(body) {
        let _said = sms::incoming("key", &fields);
        let _status = sms::status("key", &fields, None);
        let _calls = [
            voice::incoming("key", &fields),
            voice::recorded("key", &fields),
            voice::recording("key", &fields),
            voice::transcription("key", &fields),
        ];
    }
}

#[test]
fn there_are_samples_of_every_carrier() {
    assert!(SAMPLES.len() > 60, "{}", SAMPLES.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_mutated_sample_makes_any_parser_panic(
        sample in any::<prop::sample::Index>(),
        mutations in prop::collection::vec((any::<u16>(), mutation()), 0..6),
    ) {
        let sample: &Vec<u8> = sample.get(SAMPLES.as_slice());
        read(&mutated(sample, &mutations));
    }
}

#[test]
fn depth_and_length_take_nobody_down() {
    for depth in [1_000, 200_000] {
        for open in ["[", "{\"a\":", "{\"entry\":[{\"messaging\":["] {
            read(open.repeat(depth).as_bytes());
        }
    }
    read(&vec![b'&'; 3_000_000]);
    read("a=".repeat(1_000_000).as_bytes());
    read("\r\n--x".repeat(500_000).as_bytes());
}
