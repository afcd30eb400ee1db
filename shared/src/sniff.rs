//! What a file is, by its first bytes, whatever it is said to be. What is not on the list is not taken.

use serde::{Deserialize, Serialize};

use crate::channel::{AttachmentKind, AttachmentRefusal};
use crate::record::NotPersonal;

/// As many bytes of a file are looked at: office documents name their parts within them.
pub const HEAD: usize = 64 * 1024;

const MIB: u64 = 1024 * 1024;

macro_rules! media_types {
    ($($(#[$doc:meta])* $name:ident = $kind:ident, $extension:literal, [$main:literal $(, $alias:literal)*];)*) => {
        /// A media type that is taken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum MediaType {
            $($(#[$doc])* #[serde(rename = $main)] $name,)*
        }

        impl MediaType {
            /// Every type that is taken.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $main,)* }
            }

            /// What it is to people.
            pub const fn kind(self) -> AttachmentKind {
                match self { $(Self::$name => AttachmentKind::$kind,)* }
            }

            /// What files of it end with, without a dot.
            pub const fn extension(self) -> &'static str {
                match self { $(Self::$name => $extension,)* }
            }

            /// The type of this name, in lower case and without parameters.
            fn named(name: &str) -> Option<Self> {
                match name {
                    $($main $(| $alias)* => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

media_types! {
    /// A JPEG picture.
    Jpeg = Image, "jpg", ["image/jpeg", "image/jpg", "image/pjpeg"];
    /// A PNG picture.
    Png = Image, "png", ["image/png", "image/x-png"];
    /// A GIF picture.
    Gif = Image, "gif", ["image/gif"];
    /// A WebP picture or sticker.
    Webp = Image, "webp", ["image/webp"];
    /// A HEIC picture.
    Heic = Image, "heic", ["image/heic", "image/heif", "image/heic-sequence", "image/heif-sequence"];
    /// An MP4 film, or a sound in its container.
    Mp4 = Video, "mp4", ["video/mp4", "video/mpeg4", "video/x-m4v"];
    /// A `QuickTime` film.
    Quicktime = Video, "mov", ["video/quicktime"];
    /// A 3GPP film.
    ThreeGpp = Video, "3gp", ["video/3gpp", "video/3gpp2", "video/3gp", "audio/3gpp", "audio/3gpp2"];
    /// An MP4 sound.
    M4a = Audio, "m4a", ["audio/mp4", "audio/x-m4a", "audio/m4a", "audio/mp4a-latm"];
    /// An MP3 sound.
    Mp3 = Audio, "mp3", ["audio/mpeg", "audio/mp3", "audio/x-mp3"];
    /// An AAC sound.
    Aac = Audio, "aac", ["audio/aac", "audio/aacp", "audio/x-aac"];
    /// An Ogg sound, with Opus in it as a rule.
    Ogg = Audio, "ogg", ["audio/ogg", "audio/opus", "application/ogg"];
    /// An AMR sound.
    Amr = Audio, "amr", ["audio/amr", "audio/amr-nb", "audio/amr-wb"];
    /// A WAV sound.
    Wav = Audio, "wav", ["audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"];
    /// A PDF document.
    Pdf = Document, "pdf", ["application/pdf", "application/x-pdf"];
    /// A text document of an office.
    Docx = Document, "docx", ["application/vnd.openxmlformats-officedocument.wordprocessingml.document"];
    /// A table of an office.
    Xlsx = Document, "xlsx", ["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"];
    /// Slides of an office.
    Pptx = Document, "pptx", ["application/vnd.openxmlformats-officedocument.presentationml.presentation"];
    /// A text.
    Text = Document, "txt", ["text/plain", "text/markdown"];
    /// A table as text.
    Csv = Document, "csv", ["text/csv", "application/csv", "text/comma-separated-values"];
    /// A person's card.
    Vcard = Document, "vcf", ["text/vcard", "text/x-vcard", "text/directory"];
    /// An entry of a calendar.
    Calendar = Document, "ics", ["text/calendar"];
}

impl NotPersonal for MediaType {}

/// Bytes that a file of this kind may have. A file is held in memory while it is encrypted: that bounds the largest.
pub const fn largest(kind: AttachmentKind) -> u64 {
    match kind {
        AttachmentKind::Image => 16 * MIB,
        AttachmentKind::Audio | AttachmentKind::Video | AttachmentKind::Document | AttachmentKind::Other => {
            32 * MIB
        }
    }
}

/// What a file is whose first [`HEAD`] bytes, or fewer if it is shorter, are these. `claimed` is the media type that it
/// is said to have, `kind` what the carrier calls it.
///
/// # Errors
/// [`AttachmentRefusal::TypeRefused`] if it is, or is said to be, nothing that is taken;
/// [`AttachmentRefusal::TypeMismatch`] if it is not what it is said to be.
pub fn judge(
    head: &[u8],
    claimed: Option<&str>,
    kind: AttachmentKind,
) -> Result<MediaType, AttachmentRefusal> {
    let claimed = claimed.map(essence).filter(|claimed| !says_nothing(claimed));
    let named = claimed.as_deref().map(MediaType::named);
    match (detect(head), named) {
        (_, Some(None)) | (None, None) => Err(AttachmentRefusal::TypeRefused),
        (Some(found), Some(Some(claimed))) => agreed(found, claimed).ok_or(AttachmentRefusal::TypeMismatch),
        (Some(found), None) if passes_for(found, kind) => Ok(found),
        (None, Some(Some(_))) | (Some(_), None) => Err(AttachmentRefusal::TypeMismatch),
    }
}

/// `Image/JPEG; name="x"` is `image/jpeg`.
fn essence(claimed: &str) -> String {
    let essence = claimed.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Names that servers give when they do not know.
fn says_nothing(claimed: &str) -> bool {
    matches!(
        claimed,
        "" | "application/octet-stream" | "binary/octet-stream" | "application/binary" | "*/*"
    )
}

/// The type to keep a file under that is one thing and is called another; `None` if the other is a lie.
fn agreed(found: MediaType, claimed: MediaType) -> Option<MediaType> {
    use MediaType::{Aac, Calendar, Csv, Heic, M4a, Mp3, Mp4, Quicktime, Text, ThreeGpp, Vcard};
    // One container, which says little of what is in it; and kinds of text that only their reader tells apart.
    let container = [Mp4, M4a, Quicktime, ThreeGpp];
    let texts = [Text, Csv, Vcard, Calendar];
    let streams = [Aac, Mp3];
    let together = |family: &[MediaType]| family.contains(&found) && family.contains(&claimed);
    match () {
        () if found == claimed => Some(found),
        // A telephone converts pictures as it sends them, and forgets to say so.
        () if claimed == Heic && found == MediaType::Jpeg => Some(found),
        () if together(&container) => Some(claimed),
        () if together(&streams) => Some(found),
        () if found == Text && texts.contains(&claimed) => Some(claimed),
        () if claimed == Text && texts.contains(&found) => Some(found),
        () => None,
    }
}

/// Whether a file may be what the carrier calls it, where nobody names a type.
fn passes_for(found: MediaType, kind: AttachmentKind) -> bool {
    match kind {
        AttachmentKind::Image => found.kind() == AttachmentKind::Image,
        AttachmentKind::Audio | AttachmentKind::Video => {
            matches!(found.kind(), AttachmentKind::Audio | AttachmentKind::Video)
        }
        AttachmentKind::Document | AttachmentKind::Other => true,
    }
}

fn detect(head: &[u8]) -> Option<MediaType> {
    let at = |position: usize, magic: &[u8]| head.get(position..).is_some_and(|rest| rest.starts_with(magic));
    match () {
        () if at(0, b"\xff\xd8\xff") => Some(MediaType::Jpeg),
        () if at(0, b"\x89PNG\r\n\x1a\n") => Some(MediaType::Png),
        () if at(0, b"GIF87a") || at(0, b"GIF89a") => Some(MediaType::Gif),
        () if at(0, b"RIFF") && at(8, b"WEBP") => Some(MediaType::Webp),
        () if at(0, b"RIFF") && at(8, b"WAVE") => Some(MediaType::Wav),
        // It begins with its first box's length, of some dozen bytes: what runs begins with something else.
        () if at(0, b"\0\0") && at(4, b"ftyp") => head.get(8..12).and_then(container),
        () if at(0, b"ID3") => Some(MediaType::Mp3),
        () if at(0, b"OggS") => Some(MediaType::Ogg),
        () if at(0, b"#!AMR\n") || at(0, b"#!AMR-WB\n") => Some(MediaType::Amr),
        () if at(0, b"%PDF-") => Some(MediaType::Pdf),
        () if at(0, b"PK\x03\x04") => office(head),
        () => frames(head).or_else(|| text(head)),
    }
}

/// What a container of MPEG-4's family holds, by its brand.
fn container(brand: &[u8]) -> Option<MediaType> {
    match brand {
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => {
            Some(MediaType::Heic)
        }
        b"qt  " => Some(MediaType::Quicktime),
        b"M4A " | b"M4B " => Some(MediaType::M4a),
        [b'3', b'g', ..] => Some(MediaType::ThreeGpp),
        b"isom" | b"iso2" | b"iso3" | b"iso4" | b"iso5" | b"iso6" | b"iso8" | b"mp41" | b"mp42" | b"avc1"
        | b"dash" | b"MSNV" | b"M4V " | b"M4VP" | b"f4v " | b"mmp4" => Some(MediaType::Mp4),
        _ => None,
    }
}

/// Sounds that begin with their first frame.
fn frames(head: &[u8]) -> Option<MediaType> {
    let &[0xff, second, third, ..] = head else {
        return None;
    };
    let (sync, layer) = (second & 0xe0 == 0xe0, second & 0x06);
    match () {
        () if second & 0xf6 == 0xf0 => Some(MediaType::Aac),
        // A version, a layer, a bit rate and a sample rate that exist.
        () if sync && layer != 0 && second & 0x18 != 0x08 && third >> 4 != 0x0f && third & 0x0c != 0x0c => {
            Some(MediaType::Mp3)
        }
        () => None,
    }
}

/// Which office document an archive is, by the names of its parts. Any other archive is not taken.
fn office(head: &[u8]) -> Option<MediaType> {
    let has = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
    if !has(b"[Content_Types].xml") || has(b"vbaProject.bin") {
        return None;
    }
    match () {
        () if has(b"word/") => Some(MediaType::Docx),
        () if has(b"xl/") => Some(MediaType::Xlsx),
        () if has(b"ppt/") => Some(MediaType::Pptx),
        () => None,
    }
}

/// Plain text, unless something would run it or show it as a page.
fn text(head: &[u8]) -> Option<MediaType> {
    let rest = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let plain = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x20..=0x7e | 0x80..);
    if rest.is_empty() || !rest.iter().all(plain) {
        return None;
    }
    let lower: Vec<u8> = rest.trim_ascii_start().to_ascii_lowercase();
    let has = |words: &[u8]| lower.windows(words.len()).any(|window| window == words);
    let markup = matches!(lower.as_slice(), [b'<', b'a'..=b'z' | b'!' | b'?' | b'/', ..]);
    if markup || lower.starts_with(b"#!") || has(b"<script") || has(b"<svg") || has(b"<html") {
        return None;
    }
    match () {
        () if lower.starts_with(b"begin:vcard") => Some(MediaType::Vcard),
        () if lower.starts_with(b"begin:vcalendar") => Some(MediaType::Calendar),
        () => Some(MediaType::Text),
    }
}

#[cfg(test)]
mod tests;
