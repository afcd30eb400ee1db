//! Bytes that strangers send to make a parser take memory, or time, or fall: tests/vectors/attacks/bombs.json. Each in a
//! process of its own, so that what it took can be read off it.

use std::process::Command;

use serde::Deserialize;
use usher_carriers::form::{Enquiry, Form};
use usher_carriers::urlencoded::Fields;
use usher_carriers::{mail, meta, sms};
use usher_documents::robots::Rules;
use usher_shared::knowledge::Format;

use crate::harness::root;

/// What a parser may take beyond twelve times the bytes, in KiB: tables of charsets, pages of the allocator.
const ROOM_KIB: u64 = 48 * 1024;
/// Hundredths of a second on the processor, unoptimised: the clock on the wall tells of the neighbours.
const MOST_TICKS: u64 = 2_000;
/// Names the bomb to the process that it is for.
const WHICH: &str = "USHER_BOMB";

#[derive(Deserialize)]
struct Bomb {
    name: String,
    reader: String,
    /// `refused`, or `any`: then that it ends is what counts.
    verdict: String,
    why: String,
    /// Texts, each so many times; `{n}` in them is which time it is, `{;}` so many semicolons.
    pieces: Vec<(String, usize)>,
    #[serde(default, rename = "type")]
    content_type: String,
    /// Each character is a byte.
    #[serde(default)]
    latin1: bool,
}

fn bombs() -> Vec<Bomb> {
    let text = std::fs::read_to_string(root().join("tests/vectors/attacks/bombs.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn bytes(bomb: &Bomb) -> Vec<u8> {
    let mut out = Vec::new();
    for (text, times) in &bomb.pieces {
        let counted = text.contains("{n}") || text.contains("{;}");
        for number in 0..*times {
            if counted {
                let text = text.replace("{n}", &number.to_string());
                out.extend(text.replace("{;}", &";".repeat(number)).bytes());
            } else if bomb.latin1 {
                out.extend(text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()));
            } else {
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
    out
}

/// What is kept of it: bytes, or that it was refused.
fn read(bomb: &Bomb, bytes: &[u8]) -> Option<usize> {
    let document = |format| {
        let read = usher_documents::read(format, bytes).ok()?;
        Some(read.parts.iter().map(|(_, text)| text.len()).sum())
    };
    match bomb.reader.as_str() {
        "mail" => {
            let read = mail::parse::parse(bytes).ok()?;
            let quoted = read.quoted.as_deref().unwrap_or_default();
            Some(read.text.len() + read.subject.len() + quoted.len())
        }
        "html" => document(Format::Html),
        "csv" => document(Format::Csv),
        "text" => document(Format::Text),
        "markdown" => document(Format::Markdown),
        "robots" => {
            let robots = Rules::parse(&String::from_utf8_lossy(bytes));
            let _either = robots.allow(&format!("/{}", "a".repeat(2_000)));
            Some(0)
        }
        "form" => {
            let form = Form::parse(&bomb.content_type, bytes).ok()?;
            Some(Enquiry::read(form).map_or(0, |enquiry| enquiry.text.len()))
        }
        "meta" => Some(meta::parse(bytes).ok()?.len()),
        "twilio" => {
            let fields = Fields::decode(bytes).ok()?;
            let _told = sms::incoming("tw_1", &fields);
            Some(fields.iter().count())
        }
        other => panic!("who reads {other}?"),
    }
}

/// `(peak of memory in KiB, hundredths of a second on the processor)` of this process.
fn taken() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak = peak.trim().trim_end_matches(" kB").parse().unwrap();
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<u64>().unwrap();
    (peak, ticks(11) + ticks(12))
}

#[test]
#[ignore = "played by the test below, in a process of its own"]
fn one_bomb() {
    #[expect(clippy::disallowed_methods, reason = "how the test below names the bomb")]
    let which = std::env::var(WHICH).unwrap();
    let bomb = bombs().into_iter().find(|bomb| bomb.name == which).unwrap();
    let bytes = bytes(&bomb);
    let before = taken();
    let kept = read(&bomb, &bytes);
    let after = taken();
    if bomb.verdict == "refused" {
        assert_eq!(kept, None, "{}: {} was read", bomb.name, bomb.why);
    }
    assert!(
        kept.unwrap_or(0) <= 2 * usher_documents::MOST_TEXT,
        "{}: {kept:?} bytes kept",
        bomb.name
    );
    let (memory, ticks) = (after.0 - before.0, after.1 - before.1);
    // Each cell of a table is a text of its own, however short.
    let fold = if bomb.reader == "csv" { 72 } else { 12 };
    let allowed = fold * u64::try_from(bytes.len()).unwrap() / 1024 + ROOM_KIB;
    assert!(
        memory <= allowed,
        "{}: {memory} KiB for {} bytes, {allowed} are allowed",
        bomb.name,
        bytes.len()
    );
    assert!(
        ticks <= MOST_TICKS,
        "{}: {ticks} hundredths of a second",
        bomb.name
    );
    // For whoever runs it alone.
    println(&format!(
        "{}: {} B, {memory} KiB, {ticks} ticks",
        bomb.name,
        bytes.len()
    ));
}

#[expect(
    clippy::print_stdout,
    reason = "the figures are for whoever reads the test's output"
)]
fn println(text: &str) {
    println!("{text}");
}

#[test]
fn no_bomb_takes_more_memory_or_time_than_its_bytes_are_worth() {
    let bombs = bombs();
    assert!(bombs.len() >= 100);
    // Not by its name: the file may have been written anew since this began.
    let program = "/proc/self/exe";
    let mut went_off = Vec::new();
    for bomb in &bombs {
        let played = Command::new(program)
            .args(["--exact", "attacks::bombs::one_bomb", "--ignored", "--nocapture"])
            .env(WHICH, &bomb.name)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&played.stdout);
        let figures = said.lines().find(|line| line.starts_with(&bomb.name));
        println(figures.unwrap_or_default());
        if !played.status.success() || !said.contains("1 passed") {
            let why = String::from_utf8_lossy(&played.stderr);
            let why: String = why.lines().take(3).collect::<Vec<_>>().join(" ");
            went_off.push(format!("{}: {} {why}", bomb.name, played.status));
        }
    }
    assert!(went_off.is_empty(), "{went_off:#?}");
}
