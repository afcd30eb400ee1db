#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

use std::fmt::Write;
use std::time::{Duration, Instant};

use miniz_oxide::deflate::compress_to_vec_zlib;

use usher_shared::knowledge::Format;

use super::*;
use crate::LARGEST;

/// A file of these objects, numbered from 1, of which the first is the catalog.
fn file(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.5\n".to_vec();
    let mut offsets = Vec::new();
    for (number, object) in (1..).zip(objects) {
        offsets.push(out.len());
        out.extend(format!("{number} 0 obj\n").bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let start = out.len();
    let mut end = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for offset in offsets {
        writeln!(end, "{offset:010} 00000 n ").unwrap();
    }
    write!(
        end,
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    )
    .unwrap();
    out.extend(end.bytes());
    out
}

fn stream(entries: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = format!("<< {entries} /Length {} >>\nstream\n", bytes.len()).into_bytes();
    out.extend(bytes);
    out.extend(b"\nendstream");
    out
}

fn packed(entries: &str, bytes: &[u8]) -> Vec<u8> {
    stream(
        &format!("{entries} /Filter /FlateDecode"),
        &compress_to_vec_zlib(bytes, 6),
    )
}

const FONT: &str = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";

/// A document of pages, each with its contents, with the objects from 4 on that they may name.
fn document(contents: &[Vec<u8>], more: &[Vec<u8>], resources: &str) -> Vec<u8> {
    let first = 4 + more.len();
    let kids: Vec<String> = (0..contents.len())
        .map(|page| format!("{} 0 R", first + 2 * page))
        .collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!(
            "<< /Type /Pages /Kids [{}] /Count {} >>",
            kids.join(" "),
            kids.len()
        )
        .into_bytes(),
        FONT.as_bytes().to_vec(),
    ];
    objects.extend(more.iter().cloned());
    let font = if resources.contains("/Font") {
        ""
    } else {
        "/Font << /F1 3 0 R >>"
    };
    for (page, content) in contents.iter().enumerate() {
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /Contents {} 0 R /Resources << {font} {resources} >> >>",
                first + 2 * page + 1
            )
            .into_bytes(),
        );
        objects.push(content.clone());
    }
    file(&objects)
}

fn texts(bytes: &[u8]) -> Vec<String> {
    let read = read(bytes).unwrap();
    read.parts.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn words_are_read_with_headings_rows_and_paragraphs() {
    let content = b"BT /F1 24 Tf 50 800 Td (Menus) Tj ET
        BT /F1 14 Tf 50 760 Td (Starters) Tj ET
        BT /F1 10 Tf 12 TL 50 740 Td (All dishes are made to) Tj T* (order, and served on the ter-) Tj T* (race.) Tj ET
        BT /F1 10 Tf 1 0 0 1 50 680 Tm (Soup of the day .......) Tj 1 0 0 1 300 680 Tm (\x80 7) Tj ET
        BT /F1 10 Tf 50 665 Td [(Sal) 20 (ad) -300 (of) -250 (beets)] TJ 250 0 Td (\x80 9) Tj ET
        q 1 0 0 1 0 -600 cm BT /F1 10 Tf 50 1200 Td (We are open all y) Tj (ear.) Tj ET Q";
    let found = read(&document(&[packed("", content)], &[], "")).unwrap();
    assert_eq!(
        found.parts,
        [(
            "page 1".to_owned(),
            "# Menus\n\n## Starters\n\nAll dishes are made to\norder, and served on the terrace.\n\n\
             - Soup of the day; € 7\n- Salad of beets; € 9\n\nWe are open all year."
                .to_owned()
        )]
    );
    assert!(found.warnings.is_empty());
}

#[test]
fn a_font_of_two_bytes_is_read_by_its_map_and_drawings_are_followed() {
    let map = "1 beginbfrange <0001> <001A> <0061> endbfrange 1 beginbfchar <0020> <0020> endbfchar";
    let more = [
        b"<< /Type /Font /Subtype /Type0 /Encoding /Identity-H /ToUnicode 5 0 R >>".to_vec(),
        packed("", map.as_bytes()),
        packed(
            "/Type /XObject /Subtype /Form /Resources << /Font << /F2 4 0 R >> >>",
            b"BT /F2 10 Tf 50 700 Td <0008000500190020> Tj ET",
        ),
    ];
    let bytes = document(&[stream("", b"/Fm Do")], &more, "/XObject << /Fm 6 0 R >>");
    assert_eq!(texts(&bytes), ["hey"]);
}

#[test]
fn objects_in_streams_are_read() {
    let inside = "4 0 5 11 (a (b)) % \n<< /A [1 2] >> ";
    let first = inside.find("(a").unwrap();
    let objects = packed(&format!("/Type /ObjStm /N 2 /First {first}"), inside.as_bytes());
    let loaded = budget::load(|filter| {
        let options = LoadOptions {
            filter: Some(filter),
            ..LoadOptions::default()
        };
        Document::load_mem_with_options(&document(&[], &[objects], ""), options)
    })
    .unwrap();
    assert!(loaded.get_object((5, 0)).unwrap().as_dict().unwrap().has(b"A"));
}

#[test]
fn pictures_alone_are_taken_with_a_warning() {
    let picture = stream("/Type /XObject /Subtype /Image /Width 1 /Height 1", b"x");
    let names = "/XObject << /Im 4 0 R >>";
    let drawn = stream("", b"/Im Do");
    let words = stream("", b"BT /F1 10 Tf 50 700 Td (Plan) Tj ET");
    for (contents, expected) in [
        (vec![drawn.clone()], vec![Warning::ImagesOnly]),
        (vec![drawn, words.clone()], vec![Warning::ImagesSkipped]),
        (vec![words], vec![]),
        (vec![stream("", b"")], vec![Warning::Empty]),
    ] {
        let found = read(&document(&contents, std::slice::from_ref(&picture), names)).unwrap();
        assert_eq!(found.warnings, expected);
    }
}

#[test]
fn what_is_damaged_or_closed_says_so() {
    let whole = document(&[stream("", b"BT /F1 10 Tf (x) Tj ET")], &[], "");
    let text = String::from_utf8(whole.clone()).unwrap();
    let encrypted = text.replace("/Root 1 0 R", "/Root 1 0 R /Encrypt << /Filter /Standard /V 1 >>");
    let escaped = encrypted.replace("/Encrypt", "/Encr#79pt");
    for (bytes, expected) in [
        (b"".as_slice(), Unreadable::Broken),
        (b"%PDF-1.7", Unreadable::Broken),
        (b"a letter", Unreadable::Broken),
        (&whole[..60], Unreadable::Broken),
        (encrypted.as_bytes(), Unreadable::Encrypted),
        (escaped.as_bytes(), Unreadable::Encrypted),
        (&file(&[b"<< /Type /Catalog >>".to_vec()]), Unreadable::Broken),
    ] {
        assert_eq!(read(bytes).unwrap_err(), expected, "{}", bytes.len());
    }
    // A file whose table of objects is lost is read all the same.
    let cut = text.split("xref").next().unwrap();
    let mended = format!("{cut}trailer << /Root 1 0 R /Size 9 >>");
    assert_eq!(texts(mended.as_bytes()), ["x"]);
}

/// The function that reads documents has 1,024 MB.
#[test]
fn bombs_are_refused_in_time_and_in_little_memory() {
    for (name, bytes) in bombs() {
        assert!(bytes.len() <= LARGEST, "{name}: {}", bytes.len());
        let start = Instant::now();
        let found = crate::read(Format::Pdf, &bytes);
        let took = start.elapsed();
        assert!(
            matches!(
                found,
                Err(Unreadable::TooComplex | Unreadable::TooMuchText | Unreadable::Broken)
            ),
            "{name}: {found:?}"
        );
        assert!(took < Duration::from_secs(20), "{name}: {took:?}");
    }
    // What the tests that run beside this one take is in it.
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(peak < 600 * 1024, "{peak} kB");
    }
}

#[test]
fn a_font_that_maps_every_code_is_read_in_time() {
    let all_codes =
        "beginbfrange <00000000> <FFFFFFFF> <0061> endbfrange beginbfrange <0000> <FFFF> [ endbfrange ";
    let more = [
        b"<< /Type /Font /Subtype /Type0 /Encoding /Identity-H /ToUnicode 5 0 R >>".to_vec(),
        packed("", all_codes.repeat(1_000).as_bytes()),
        b"<< /Type /Font /Subtype /Type1 /Encoding << /Type /Encoding /BaseEncoding /Identity-H >> /ToUnicode 5 0 R >>"
            .to_vec(),
    ];
    let shown = b"BT /F2 10 Tf 50 700 Td <0000> Tj /F3 10 Tf <00> Tj ET";
    let start = Instant::now();
    let objects = document(&[packed("", shown)], &more, "/Font << /F2 4 0 R /F3 6 0 R >>");
    assert_eq!(texts(&objects), ["aa"]);
    assert!(start.elapsed() < Duration::from_secs(10));
}

/// Small files that would be large, or take long.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let huge = compress_to_vec_zlib(&vec![b' '; 64 * 1024 * 1024], 6);
    let flate = |entries: &str, bytes: &[u8]| stream(&format!("{entries} /Filter /FlateDecode"), bytes);
    let twice = compress_to_vec_zlib(&huge, 6);
    let words = b"BT /F1 10 Tf (word ) Tj ET\n".repeat(60_000);
    let mut index = String::new();
    for number in 0..20_000 {
        write!(index, "{} 0 ", 100 + number).unwrap();
    }
    let array = format!("[{}]", "0 ".repeat(200_000));
    let overlapping = packed(
        &format!("/Type /ObjStm /N 20000 /First {}", index.len()),
        format!("{index}{array}").as_bytes(),
    );
    let mut nested_index = String::new();
    for number in 0..60 {
        write!(nested_index, "{} {number} ", 100 + number).unwrap();
    }
    let nested = format!("{}{}{}", "[".repeat(60), "0 ".repeat(200_000), "]".repeat(60));
    let nested = packed(
        &format!("/Type /ObjStm /N 60 /First {}", nested_index.len()),
        format!("{nested_index}{nested}").as_bytes(),
    );
    let many: Vec<Vec<u8>> = (0..40)
        .map(|number| {
            let index = format!("{} 0 ", 1_000 + number);
            packed(
                &format!("/Type /ObjStm /N 1 /First {}", index.len()),
                format!("{index}({})", "x".repeat(1_000_000)).as_bytes(),
            )
        })
        .collect();
    let drawing = packed(
        "/Type /XObject /Subtype /Form /Resources << /XObject << /Fm 4 0 R >> >>",
        "/Fm Do ".repeat(20_000).as_bytes(),
    );
    let page = || stream("", b"");
    vec![
        (
            "a page that unpacks to 64 MiB",
            document(&[flate("", &huge)], &[], ""),
        ),
        (
            "objects that unpack to 64 MiB",
            document(&[page()], &[flate("/Type /ObjStm /N 1 /First 4", &huge)], ""),
        ),
        (
            "a page packed twice",
            document(&[stream("/Filter [/FlateDecode /FlateDecode]", &twice)], &[], ""),
        ),
        (
            "objects that share their bytes",
            document(&[page()], &[overlapping], ""),
        ),
        ("objects within each other", document(&[page()], &[nested], "")),
        ("many streams of objects", document(&[page()], &many, "")),
        (
            "objects without end",
            document(&[page()], &[array.repeat(8).into_bytes()], ""),
        ),
        ("pages without end", document(&vec![page(); PAGES + 1], &[], "")),
        ("one page many times", {
            let kids = "3 0 R ".repeat(PAGES);
            file(&[
                b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
                format!("<< /Type /Pages /Kids [{kids}] /Count {PAGES} >>").into_bytes(),
                b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
                    .to_vec(),
                packed("", &words),
                FONT.as_bytes().to_vec(),
            ])
        }),
        (
            "a drawing of itself",
            document(&[stream("", b"/Fm Do")], &[drawing], "/XObject << /Fm 4 0 R >>"),
        ),
        ("words without end", document(&[packed("", &words)], &[], "")),
        ("a file of brackets", {
            let mut bytes = b"%PDF-1.5\n".to_vec();
            bytes.extend(b"[".repeat(LARGEST - 9));
            bytes
        }),
        ("a file of open strings", {
            let mut bytes = b"%PDF-1.5\n".to_vec();
            bytes.extend(b"1 0 obj (".repeat(LARGEST / 10));
            bytes
        }),
    ]
}
