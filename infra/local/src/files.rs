//! Files that are replaced whole or not at all.

use std::io::Write as _;
use std::path::Path;

/// Writes `bytes` aside, syncs them, and renames: a crash leaves the old file or the new one.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let aside = file.with_extension("new");
    let mut new = std::fs::File::create(&aside)?;
    new.write_all(bytes)?;
    new.sync_all()?;
    std::fs::rename(&aside, file)
}
