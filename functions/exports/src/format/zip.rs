//! An archive written forward only, whose writer can be written down at any moment and goes on elsewhere.
//! Entries are stored, not compressed: a compressor's state could not be written down. Sizes and checksums
//! follow each entry, as a stream must have it (APPNOTE 6.3.10, 4.3.9).

use serde::{Deserialize, Serialize};
use usher_shared::Timestamp;

use crate::digest::RunningDigest;

/// The archive has more bytes than its 32-bit offsets can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the archive is larger than 4 GiB")]
pub(crate) struct TooLarge;

/// One finished entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) size: u32,
    pub(crate) sha256: String,
    crc: u32,
    offset: u32,
}

/// The entry being written.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct OpenEntry {
    name: String,
    offset: u32,
    size: u32,
    crc: u32,
    digest: String,
}

/// The writer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Zip {
    time: (u16, u16),
    offset: u32,
    entries: Vec<Entry>,
    open: Option<OpenEntry>,
}

/// Sizes follow the data; the name is UTF-8.
const FLAGS: u16 = 1 << 3 | 1 << 11;
const VERSION: u16 = 20;

impl Zip {
    /// An empty archive whose files carry the time `at`.
    pub(crate) fn new(at: Timestamp) -> Self {
        Self {
            time: dos_time(at),
            offset: 0,
            entries: Vec::new(),
            open: None,
        }
    }

    /// The finished entries.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Begins an entry.
    pub(crate) fn begin(&mut self, name: &str, out: &mut Vec<u8>) -> Result<(), TooLarge> {
        let offset = self.offset;
        let mut header = Vec::new();
        header.extend_from_slice(b"PK\x03\x04");
        self.common(&mut header, [0; 3], name);
        header.extend_from_slice(name.as_bytes());
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
            let mut crc = crc32fast::Hasher::new_with_initial_len(open.crc, open.size.into());
            crc.update(bytes);
            open.crc = crc.finalize();
            open.size = open.size.checked_add(length(bytes)?).ok_or(TooLarge)?;
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
        for number in [open.crc, open.size, open.size] {
            descriptor.extend_from_slice(&number.to_le_bytes());
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

    /// Writes the directory: the archive is whole.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), TooLarge> {
        let start = self.offset;
        let mut directory = Vec::new();
        for entry in &self.entries {
            directory.extend_from_slice(b"PK\x01\x02");
            directory.extend_from_slice(&VERSION.to_le_bytes());
            self.common(&mut directory, [entry.crc, entry.size, entry.size], &entry.name);
            // Comment, disk, internal and external attributes.
            directory.extend_from_slice(&[0; 10]);
            directory.extend_from_slice(&entry.offset.to_le_bytes());
            directory.extend_from_slice(entry.name.as_bytes());
        }
        let size = length(&directory)?;
        let count = u16::try_from(self.entries.len()).map_err(|_| TooLarge)?;
        directory.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        directory.extend_from_slice(&count.to_le_bytes());
        directory.extend_from_slice(&count.to_le_bytes());
        directory.extend_from_slice(&size.to_le_bytes());
        directory.extend_from_slice(&start.to_le_bytes());
        directory.extend_from_slice(&[0; 2]);
        self.emit(&directory, out)
    }

    /// What a local header and the directory's entry have in common.
    fn common(&self, header: &mut Vec<u8>, sizes: [u32; 3], name: &str) {
        let name_length = u16::try_from(name.len()).unwrap_or(u16::MAX);
        for number in [VERSION, FLAGS, 0, self.time.0, self.time.1] {
            header.extend_from_slice(&number.to_le_bytes());
        }
        for number in sizes {
            header.extend_from_slice(&number.to_le_bytes());
        }
        header.extend_from_slice(&name_length.to_le_bytes());
        header.extend_from_slice(&[0; 2]);
    }

    fn emit(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), TooLarge> {
        self.offset = self.offset.checked_add(length(bytes)?).ok_or(TooLarge)?;
        out.extend_from_slice(bytes);
        Ok(())
    }
}

fn length(bytes: &[u8]) -> Result<u32, TooLarge> {
    u32::try_from(bytes.len()).map_err(|_| TooLarge)
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
    fn archive(interrupted: bool) -> (Vec<u8>, Vec<Entry>) {
        let mut zip = Zip::new(Timestamp::from_millis(1_790_000_000_523));
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
        let (bytes, entries) = archive(false);
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

    #[test]
    fn a_writer_that_was_interrupted_writes_the_same_bytes() {
        assert_eq!(archive(true).0, archive(false).0);
    }
}
