//! An archive written forward only, whose writer can be written down at any moment and goes on elsewhere.
//! Entries are stored, not compressed: a compressor's state could not be written down. Sizes and checksums
//! follow each entry, as a stream must have it (APPNOTE 6.3.10, 4.3.9).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use usher_shared::Timestamp;

use crate::digest::RunningDigest;

/// The archive has more bytes or entries than its fields can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the archive is larger than 4 GiB")]
pub(crate) struct TooLarge;

/// How archives count bytes. The old way is the one that every reader knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Width {
    /// With 32 bits: up to 4 GiB.
    #[default]
    Small,
    /// With 64 bits (APPNOTE 4.3.14, 4.5.3).
    Large,
}

/// One finished entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
    crc: u32,
    offset: u64,
}

/// The entry being written.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct OpenEntry {
    name: String,
    offset: u64,
    size: u64,
    crc: u32,
    digest: String,
}

/// The writer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Zip {
    time: (u16, u16),
    #[serde(default)]
    width: Width,
    offset: u64,
    entries: Vec<Entry>,
    open: Option<OpenEntry>,
}

/// Sizes follow the data; the name is UTF-8.
const FLAGS: u16 = 1 << 3 | 1 << 11;
const VERSION: u16 = 20;
/// The first version that counts with 64 bits.
const VERSION_LARGE: u16 = 45;
/// Stands where a number is that needs 64 bits.
const ELSEWHERE: u32 = u32::MAX;

impl Zip {
    /// An empty archive whose files carry the time `at`.
    pub(crate) fn new(at: Timestamp) -> Self {
        Self {
            time: dos_time(at),
            width: Width::Small,
            offset: 0,
            entries: Vec::new(),
            open: None,
        }
    }

    /// As [`Self::new`], for archives that may have more than 4 GiB.
    pub(crate) fn large(at: Timestamp) -> Self {
        Self {
            width: Width::Large,
            ..Self::new(at)
        }
    }

    /// The finished entries.
    #[cfg(test)]
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Begins an entry.
    pub(crate) fn begin(&mut self, name: &str, out: &mut Vec<u8>) -> Result<(), TooLarge> {
        let offset = self.offset;
        let mut header = Vec::new();
        header.extend_from_slice(b"PK\x03\x04");
        // Of what follows the data the header says nothing but how wide it will be.
        let (sizes, extra) = match self.width {
            Width::Small => (0, Vec::new()),
            Width::Large => (ELSEWHERE, wide(&[0, 0])),
        };
        self.common(&mut header, [0, sizes, sizes], name, extra.len());
        header.extend_from_slice(name.as_bytes());
        header.extend_from_slice(&extra);
        self.emit(&header, out)?;
        self.open = Some(OpenEntry {
            name: name.to_owned(),
            offset,
            size: 0,
            crc: 0,
            digest: RunningDigest::default().state(),
        });
        Ok(())
    }

    /// Writes bytes of the entry that was begun.
    pub(crate) fn write(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), TooLarge> {
        self.emit(bytes, out)?;
        if let Some(open) = &mut self.open {
            let mut crc = crc32fast::Hasher::new_with_initial_len(open.crc, open.size);
            crc.update(bytes);
            open.crc = crc.finalize();
            open.size += length(bytes);
            let mut digest = RunningDigest::resume(&open.digest).unwrap_or_default();
            digest.update(bytes);
            open.digest = digest.state();
        }
        Ok(())
    }

    /// Ends the entry that was begun.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) -> Result<(), TooLarge> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let mut descriptor = Vec::new();
        descriptor.extend_from_slice(b"PK\x07\x08");
        descriptor.extend_from_slice(&open.crc.to_le_bytes());
        for size in [open.size, open.size] {
            match self.width {
                Width::Small => descriptor.extend_from_slice(&narrow(size)?.to_le_bytes()),
                Width::Large => descriptor.extend_from_slice(&size.to_le_bytes()),
            }
        }
        self.emit(&descriptor, out)?;
        self.entries.push(Entry {
            sha256: RunningDigest::resume(&open.digest).unwrap_or_default().finish(),
            name: open.name,
            size: open.size,
            crc: open.crc,
            offset: open.offset,
        });
        Ok(())
    }

    /// Writes a whole entry.
    pub(crate) fn file(&mut self, name: &str, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), TooLarge> {
        self.begin(name, out)?;
        self.write(bytes, out)?;
        self.end(out)
    }

    /// Writes `manifest.json`: `about` the archive, and size and SHA-256 of each entry so far.
    pub(crate) fn manifest(&mut self, mut about: Value, out: &mut Vec<u8>) -> Result<(), TooLarge> {
        let entry = |entry: &Entry| json!({"name": entry.name, "size": entry.size, "sha256": entry.sha256});
        if let Some(about) = about.as_object_mut() {
            about.insert("object".to_owned(), "export_manifest".into());
            about.insert("files".to_owned(), self.entries.iter().map(entry).collect());
        }
        let bytes = serde_json::to_vec_pretty(&about).unwrap_or_default();
        self.file("manifest.json", &bytes, out)
    }

    /// Writes the directory: the archive is whole.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), TooLarge> {
        let start = self.offset;
        let mut directory = Vec::new();
        for entry in &self.entries {
            directory.extend_from_slice(b"PK\x01\x02");
            directory.extend_from_slice(&self.version().to_le_bytes());
            let (sizes, offset, extra) = match self.width {
                Width::Small => (narrow(entry.size)?, narrow(entry.offset)?, Vec::new()),
                Width::Large => (
                    ELSEWHERE,
                    ELSEWHERE,
                    wide(&[entry.size, entry.size, entry.offset]),
                ),
            };
            self.common(
                &mut directory,
                [entry.crc, sizes, sizes],
                &entry.name,
                extra.len(),
            );
            // Comment, disk, internal and external attributes.
            directory.extend_from_slice(&[0; 10]);
            directory.extend_from_slice(&offset.to_le_bytes());
            directory.extend_from_slice(entry.name.as_bytes());
            directory.extend_from_slice(&extra);
        }
        let size = length(&directory);
        let count = u16::try_from(self.entries.len()).map_err(|_| TooLarge)?;
        let (size_field, start_field) = match self.width {
            Width::Small => (narrow(size)?, narrow(start)?),
            Width::Large => {
                let end = start + size;
                directory.extend_from_slice(b"PK\x06\x06");
                // Size of the rest of this record, and which versions made and read it.
                directory.extend_from_slice(&44_u64.to_le_bytes());
                directory.extend_from_slice(&VERSION_LARGE.to_le_bytes());
                directory.extend_from_slice(&VERSION_LARGE.to_le_bytes());
                directory.extend_from_slice(&[0; 8]);
                for number in [u64::from(count), u64::from(count), size, start] {
                    directory.extend_from_slice(&number.to_le_bytes());
                }
                // Where that record is, on the one disk that there is.
                directory.extend_from_slice(b"PK\x06\x07\0\0\0\0");
                directory.extend_from_slice(&end.to_le_bytes());
                directory.extend_from_slice(&1_u32.to_le_bytes());
                (ELSEWHERE, ELSEWHERE)
            }
        };
        directory.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        directory.extend_from_slice(&count.to_le_bytes());
        directory.extend_from_slice(&count.to_le_bytes());
        directory.extend_from_slice(&size_field.to_le_bytes());
        directory.extend_from_slice(&start_field.to_le_bytes());
        directory.extend_from_slice(&[0; 2]);
        self.emit(&directory, out)
    }

    const fn version(&self) -> u16 {
        match self.width {
            Width::Small => VERSION,
            Width::Large => VERSION_LARGE,
        }
    }

    /// What a local header and the directory's entry have in common.
    fn common(&self, header: &mut Vec<u8>, sizes: [u32; 3], name: &str, extra: usize) {
        let short = |length: usize| u16::try_from(length).unwrap_or(u16::MAX);
        for number in [self.version(), FLAGS, 0, self.time.0, self.time.1] {
            header.extend_from_slice(&number.to_le_bytes());
        }
        for number in sizes {
            header.extend_from_slice(&number.to_le_bytes());
        }
        header.extend_from_slice(&short(name.len()).to_le_bytes());
        header.extend_from_slice(&short(extra).to_le_bytes());
    }

    fn emit(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), TooLarge> {
        self.offset += length(bytes);
        if self.width == Width::Small {
            narrow(self.offset)?;
        }
        out.extend_from_slice(bytes);
        Ok(())
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn narrow(number: u64) -> Result<u32, TooLarge> {
    u32::try_from(number).map_err(|_| TooLarge)
}

/// The extra field that holds numbers of 64 bits.
fn wide(numbers: &[u64]) -> Vec<u8> {
    let mut extra = vec![1, 0];
    let size = u16::try_from(numbers.len() * 8).unwrap_or(u16::MAX);
    extra.extend_from_slice(&size.to_le_bytes());
    for number in numbers {
        extra.extend_from_slice(&number.to_le_bytes());
    }
    extra
}

/// Time and date as archives write them, from what RFC 3339 prints.
fn dos_time(at: Timestamp) -> (u16, u16) {
    let text = at.to_string();
    let number = |from: usize, to: usize| {
        text.get(from..to)
            .and_then(|digits| digits.parse::<u16>().ok())
            .unwrap_or(0)
    };
    let time = number(11, 13) << 11 | number(14, 16) << 5 | (number(17, 19) / 2);
    let date = number(0, 4).saturating_sub(1980).min(127) << 9 | number(5, 7) << 5 | number(8, 10);
    (time, date)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use std::io::Read as _;

    use super::*;

    /// Writes three files; with `interrupted` the writer is written down and read back before every call.
    fn archive(interrupted: bool, begin: fn(Timestamp) -> Zip) -> (Vec<u8>, Vec<Entry>) {
        let mut zip = begin(Timestamp::from_millis(1_790_000_000_523));
        let mut out = Vec::new();
        let again = |zip: &mut Zip| {
            if interrupted {
                *zip = serde_json::from_str(&serde_json::to_string(zip).unwrap()).unwrap();
            }
        };
        for (name, parts) in [
            ("a.json", &["{}", ""][..]),
            ("b/å.txt", &["one", "two", "three"]),
            ("empty", &[]),
        ] {
            zip.begin(name, &mut out).unwrap();
            for part in parts {
                again(&mut zip);
                zip.write(part.as_bytes(), &mut out).unwrap();
            }
            again(&mut zip);
            zip.end(&mut out).unwrap();
        }
        let entries = zip.entries().to_vec();
        zip.finish(&mut out).unwrap();
        (out, entries)
    }

    #[test]
    fn another_reader_finds_what_was_written() {
        for begin in [Zip::new, Zip::large] {
            let (bytes, entries) = archive(false, begin);
            let mut reader = ::zip::ZipArchive::new(std::io::Cursor::new(&bytes)).unwrap();
            let mut found = Vec::new();
            for index in 0..reader.len() {
                let mut file = reader.by_index(index).unwrap();
                let mut text = String::new();
                file.read_to_string(&mut text).unwrap();
                let time = file.last_modified().unwrap();
                assert_eq!(
                    (time.year(), time.month(), time.day(), time.hour(), time.minute()),
                    (2026, 9, 21, 14, 13)
                );
                found.push((file.name().to_owned(), text));
            }
            let expected = [("a.json", "{}"), ("b/å.txt", "onetwothree"), ("empty", "")];
            assert_eq!(
                found,
                expected.map(|(name, text)| (name.to_owned(), text.to_owned()))
            );
            let mut digest = RunningDigest::default();
            digest.update(b"onetwothree");
            assert_eq!(
                (entries[1].sha256.clone(), entries[1].size),
                (digest.finish(), 11)
            );
        }
    }

    #[test]
    fn a_writer_that_was_interrupted_writes_the_same_bytes() {
        for begin in [Zip::new, Zip::large] {
            assert_eq!(archive(true, begin).0, archive(false, begin).0);
        }
    }

    #[test]
    fn beyond_four_gib_an_archive_needs_wide_numbers_and_has_them() {
        let at = Timestamp::from_millis(1_790_000_000_523);
        let far = u64::from(u32::MAX) - 100;
        let begun = |mut zip: Zip| {
            zip.offset = far;
            zip
        };
        let mut small = begun(Zip::new(at));
        let mut out = Vec::new();
        small.begin("a", &mut out).unwrap();
        assert_eq!(small.write(&[0; 200], &mut out), Err(TooLarge));

        let mut large = begun(Zip::large(at));
        large.begin("a", &mut out).unwrap();
        large.write(&[0; 200], &mut out).unwrap();
        large.end(&mut out).unwrap();
        large.begin("b", &mut out).unwrap();
        large.end(&mut out).unwrap();
        let second = large.entries()[1].offset;
        assert!(second > u64::from(u32::MAX));
        let mut directory = Vec::new();
        large.finish(&mut directory).unwrap();
        let wide = second.to_le_bytes();
        assert!(
            directory.windows(8).any(|bytes| bytes == wide),
            "the second entry's place"
        );
    }
}
