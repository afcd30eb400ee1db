#![expect(clippy::unwrap_used, reason = "tests")]

use super::AttachmentKind::{Audio, Document, Image, Other, Video};
use super::AttachmentRefusal::{TypeMismatch, TypeRefused};
use super::*;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const GIF: &[u8] = b"GIF89a\x01\0\x01\0";
const WEBP: &[u8] = b"RIFF\x24\0\0\0WEBPVP8 ";
const HEIC: &[u8] = b"\0\0\0\x18ftypheic\0\0\0\0";
const AVIF: &[u8] = b"\0\0\0\x18ftypavif\0\0\0\0";
const MP4: &[u8] = b"\0\0\0\x20ftypisom\0\0\x02\0";
const MOV: &[u8] = b"\0\0\0\x14ftypqt  \0\0\0\0";
const M4A: &[u8] = b"\0\0\0\x1cftypM4A \0\0\0\0";
const THREE_GPP: &[u8] = b"\0\0\0\x18ftyp3gp5\0\0\0\0";
const MP3: &[u8] = b"ID3\x04\0\0\0\0\0\0";
const MP3_FRAME: &[u8] = b"\xff\xfb\x90\x64\0\0";
const ADTS: &[u8] = b"\xff\xf1\x50\x80\0\0";
const OGG: &[u8] = b"OggS\0\x02\0\0\0\0\0\0\0\0OpusHead";
const AMR: &[u8] = b"#!AMR\n\x3c\x91";
const WAV: &[u8] = b"RIFF\x24\0\0\0WAVEfmt ";
const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3";
const DOCX: &[u8] = b"PK\x03\x04\x14\0\x06\0[Content_Types].xml PK\x03\x04 word/document.xml";
const XLSX: &[u8] = b"PK\x03\x04\x14\0\x06\0[Content_Types].xml PK\x03\x04 xl/workbook.xml";
const DOCM: &[u8] =
    b"PK\x03\x04\x14\0\x06\0[Content_Types].xml PK\x03\x04 word/document.xml word/vbaProject.bin";
const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0setup.exe";
const TEXT: &[u8] = b"Good evening, we would like to book.\r\n";
const LATIN: &[u8] = b"Caf\xe9 M\xfcller";
const CARD: &[u8] = b"BEGIN:VCARD\r\nVERSION:3.0\r\n";
const HTML: &[u8] = b"\n <!DOCTYPE html><html>";
const HTML_LATER: &[u8] = b"hello\n<ScRiPt>alert(1)</script>";
const SVG: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg'>";
const XML: &[u8] = b"<?xml version='1.0'?><svg/>";
const WINDOWS: &[u8] = b"MZ\x90\0\x03\0\0\0";
/// What runs on Windows, with the mark of a film where a film has it.
const WINDOWS_FILM: &[u8] = b"MZ..ftypisom\x16\x90\0\x03";
const ELF: &[u8] = b"\x7fELF\x02\x01\x01\0";
const MACH: &[u8] = b"\xcf\xfa\xed\xfe\x07\0\0\x01";
const JAVA: &[u8] = b"\xca\xfe\xba\xbe\0\0\0\x34";
const WASM: &[u8] = b"\0asm\x01\0\0\0";
const SHELL: &[u8] = b"#!/bin/sh\nrm -rf /\n";
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

const DOCX_NAME: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

#[test]
fn what_a_file_is_and_what_it_is_said_to_be() {
    type Line = (
        &'static [u8],
        Option<&'static str>,
        AttachmentKind,
        Result<MediaType, AttachmentRefusal>,
    );
    let table: &[Line] = &[
        (JPEG, Some("image/jpeg"), Image, Ok(MediaType::Jpeg)),
        (JPEG, Some("Image/JPG; name=x"), Image, Ok(MediaType::Jpeg)),
        (JPEG, None, Image, Ok(MediaType::Jpeg)),
        (
            JPEG,
            Some("application/octet-stream"),
            Document,
            Ok(MediaType::Jpeg),
        ),
        (JPEG, Some("image/heic"), Image, Ok(MediaType::Jpeg)),
        (JPEG, Some("image/png"), Image, Err(TypeMismatch)),
        (JPEG, Some("application/pdf"), Document, Err(TypeMismatch)),
        (JPEG, None, Audio, Err(TypeMismatch)),
        (PNG, Some("image/png"), Image, Ok(MediaType::Png)),
        (GIF, None, Other, Ok(MediaType::Gif)),
        (WEBP, Some("image/webp"), Image, Ok(MediaType::Webp)),
        (HEIC, Some("image/heif"), Image, Ok(MediaType::Heic)),
        (AVIF, Some("image/avif"), Image, Err(TypeRefused)),
        (AVIF, None, Image, Err(TypeRefused)),
        (MP4, Some("video/mp4"), Video, Ok(MediaType::Mp4)),
        (MP4, Some("audio/mp4"), Audio, Ok(MediaType::M4a)),
        (MP4, None, Audio, Ok(MediaType::Mp4)),
        (MP4, Some("video/quicktime"), Video, Ok(MediaType::Quicktime)),
        (MP4, Some("image/jpeg"), Image, Err(TypeMismatch)),
        (MOV, None, Video, Ok(MediaType::Quicktime)),
        (M4A, Some("audio/x-m4a"), Audio, Ok(MediaType::M4a)),
        (THREE_GPP, Some("video/3gpp"), Video, Ok(MediaType::ThreeGpp)),
        (MP3, Some("audio/mpeg"), Audio, Ok(MediaType::Mp3)),
        (MP3_FRAME, Some("audio/mp3"), Audio, Ok(MediaType::Mp3)),
        (MP3_FRAME, Some("audio/aac"), Audio, Ok(MediaType::Mp3)),
        (ADTS, Some("audio/aac"), Audio, Ok(MediaType::Aac)),
        (OGG, Some("audio/ogg; codecs=opus"), Audio, Ok(MediaType::Ogg)),
        (AMR, Some("audio/amr"), Audio, Ok(MediaType::Amr)),
        (WAV, Some("audio/x-wav"), Audio, Ok(MediaType::Wav)),
        (PDF, Some("application/pdf"), Document, Ok(MediaType::Pdf)),
        (PDF, None, Image, Err(TypeMismatch)),
        (DOCX, Some(DOCX_NAME), Document, Ok(MediaType::Docx)),
        (DOCX, Some("application/zip"), Document, Err(TypeRefused)),
        (XLSX, Some(DOCX_NAME), Document, Err(TypeMismatch)),
        (DOCM, Some(DOCX_NAME), Document, Err(TypeMismatch)),
        (DOCM, None, Document, Err(TypeRefused)),
        (ZIP, None, Document, Err(TypeRefused)),
        (ZIP, Some("image/png"), Image, Err(TypeMismatch)),
        (
            TEXT,
            Some("text/plain; charset=utf-8"),
            Document,
            Ok(MediaType::Text),
        ),
        (TEXT, Some("text/csv"), Document, Ok(MediaType::Csv)),
        (TEXT, Some("image/jpeg"), Image, Err(TypeMismatch)),
        (TEXT, Some("text/html"), Document, Err(TypeRefused)),
        (LATIN, None, Document, Ok(MediaType::Text)),
        (CARD, Some("text/x-vcard"), Document, Ok(MediaType::Vcard)),
        (CARD, Some("text/plain"), Document, Ok(MediaType::Vcard)),
        (HTML, Some("image/png"), Image, Err(TypeMismatch)),
        (HTML, Some("text/plain"), Document, Err(TypeMismatch)),
        (HTML, Some("text/html"), Document, Err(TypeRefused)),
        (HTML, None, Document, Err(TypeRefused)),
        (HTML_LATER, None, Document, Err(TypeRefused)),
        (SVG, Some("image/svg+xml"), Image, Err(TypeRefused)),
        (SVG, Some("text/plain"), Document, Err(TypeMismatch)),
        (XML, None, Document, Err(TypeRefused)),
        (WINDOWS, Some("image/jpeg"), Image, Err(TypeMismatch)),
        (WINDOWS, None, Document, Err(TypeRefused)),
        (WINDOWS_FILM, None, Video, Err(TypeRefused)),
        (WINDOWS_FILM, Some("video/mp4"), Video, Err(TypeMismatch)),
        (
            WINDOWS,
            Some("application/x-msdownload"),
            Document,
            Err(TypeRefused),
        ),
        (ELF, None, Document, Err(TypeRefused)),
        (MACH, None, Document, Err(TypeRefused)),
        (JAVA, None, Document, Err(TypeRefused)),
        (WASM, None, Document, Err(TypeRefused)),
        (SHELL, Some("text/plain"), Document, Err(TypeMismatch)),
        (SHELL, None, Document, Err(TypeRefused)),
        (OLE, Some("application/msword"), Document, Err(TypeRefused)),
        (b"", Some("image/png"), Image, Err(TypeMismatch)),
        (b"", None, Document, Err(TypeRefused)),
        // A letter of Latin-1: a text, and no sound.
        (b"\xff", None, Audio, Err(TypeMismatch)),
        (b"<3 you", None, Document, Ok(MediaType::Text)),
    ];
    for (head, claimed, kind, expected) in table {
        let found = judge(head, *claimed, *kind);
        assert_eq!(found, *expected, "{} as {claimed:?}", head.escape_ascii());
    }
}

#[test]
fn every_type_is_found_under_its_own_name_and_stored_under_it() {
    for media_type in MediaType::ALL {
        assert_eq!(MediaType::named(media_type.name()), Some(*media_type));
        let stored = serde_json::to_value(media_type).unwrap();
        assert_eq!(stored, media_type.name());
        assert!(largest(media_type.kind()) <= largest(Other));
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_and_no_claim_make_it_panic_or_take_a_program(
        head in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        claimed in proptest::option::of("\\PC{0,30}"),
        program in 0_usize..4,
    ) {
        let _any = judge(&head, claimed.as_deref(), Document);
        let mut disguised = [WINDOWS, ELF, JAVA, WASM].get(program).unwrap().to_vec();
        disguised.extend(head);
        proptest::prop_assert!(judge(&disguised, claimed.as_deref(), Document).is_err());
    }
}
