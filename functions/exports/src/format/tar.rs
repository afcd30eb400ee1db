//! Files one after the other, after POSIX.1-1988 (ustar): nothing has to be remembered of those that are written, so
//! there may be any number of them.

use usher_shared::Timestamp;

const BLOCK: usize = 512;
/// The largest size that twelve octal digits with their end can say.
const LARGEST: usize = 0o77_777_777_777;

/// A file cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file's name or size does not fit into an archive of files")]
pub(crate) struct Unfit;

/// Writes a file. Its name is ours: ASCII, at most 100 characters.
pub(crate) fn file(name: &str, at: Timestamp, content: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
    if name.len() > 100 || !name.is_ascii() || content.len() > LARGEST {
        return Err(Unfit);
    }
    let seconds = at.millis().max(0) / 1_000;
    let fields = [
        pad(name, 100),
        pad("0000644", 8),
        pad("0000000", 8),
        pad("0000000", 8),
        pad(&format!("{:011o}", content.len()), 12),
        pad(&format!("{seconds:011o}"), 12),
    ]
    .concat();
    let rest = [b"0".to_vec(), pad("", 100), b"ustar\x0000".to_vec(), pad("", 247)].concat();
    // The checksum is made as if its own field were blanks.
    let sum: u32 = fields
        .iter()
        .chain(&rest)
        .map(|byte| u32::from(*byte))
        .sum::<u32>()
        + 8 * u32::from(b' ');
    out.extend_from_slice(&fields);
    out.extend_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out.extend_from_slice(&rest);
    out.extend_from_slice(content);
    let rest = (BLOCK - content.len() % BLOCK) % BLOCK;
    out.extend(std::iter::repeat_n(0, rest));
    Ok(())
}

/// Writes the end.
pub(crate) fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; 2 * BLOCK]);
}

fn pad(text: &str, length: usize) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(length, 0);
    bytes
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_written_has_the_fields_where_the_standard_puts_them() {
        let at = Timestamp::from_millis(1_790_000_000_523);
        let mut out = Vec::new();
        file("attachments/a.txt", at, b"hello", &mut out).unwrap();
        file("attachments/full", at, &[7; BLOCK], &mut out).unwrap();
        file("attachments/empty", at, b"", &mut out).unwrap();
        end(&mut out);
        assert_eq!(out.len(), BLOCK * (2 + 2 + 1 + 2));
        let field = |block: usize, from: usize, to: usize| {
            let bytes = out.get(block * BLOCK + from..block * BLOCK + to).unwrap();
            String::from_utf8(bytes.to_vec())
                .unwrap()
                .trim_end_matches('\0')
                .to_owned()
        };
        assert_eq!(field(0, 0, 100), "attachments/a.txt");
        assert_eq!(field(0, 124, 136), "00000000005");
        assert_eq!(
            u64::from_str_radix(&field(0, 136, 148), 8).unwrap(),
            1_790_000_000
        );
        assert_eq!(field(0, 257, 263), "ustar");
        assert_eq!(field(0, 263, 265), "00");
        assert_eq!(field(1, 0, BLOCK), "hello");
        assert_eq!(field(2, 124, 136), "00000001000");
        assert_eq!(field(4, 0, 100), "attachments/empty");
        for block in [0, 2, 4] {
            let header = out.get(block * BLOCK..(block + 1) * BLOCK).unwrap();
            let sum: u32 = (0..BLOCK)
                .map(|at| {
                    if (148..156).contains(&at) {
                        32
                    } else {
                        u32::from(*header.get(at).unwrap())
                    }
                })
                .sum();
            assert_eq!(format!("{sum:06o}"), field(block, 148, 154), "block {block}");
        }
        assert!(
            out.get(out.len() - 2 * BLOCK..)
                .unwrap()
                .iter()
                .all(|byte| *byte == 0)
        );
    }

    #[test]
    fn a_name_that_does_not_fit_is_refused() {
        let at = Timestamp::from_millis(0);
        for name in ["å".to_owned(), "x".repeat(101)] {
            assert_eq!(file(&name, at, b"", &mut Vec::new()), Err(Unfit));
        }
    }
}
