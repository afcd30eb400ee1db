//! Files of exports, checked by what they say of themselves.
#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value read by name gives null, never a panic"
)]

use std::io::{Cursor, Read as _};

use serde_json::Value;
use zip::ZipArchive;

use super::play::{check, text_of};

/// SHA-256 in hexadecimal digits.
fn digest(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

/// The file against the size and checksum that the export states.
pub(super) fn check_sum(file: &[u8], export: &Value) -> Result<(), String> {
    check(
        export["size"] == file.len(),
        "the file has the size that was stated",
    )?;
    check(export["sha256"] == digest(file), "and the checksum")
}

/// Every entry of an archive against its manifest, both ways, and the lead in it against the API's. Gives their
/// names.
pub(super) fn check_entries(file: &[u8], export: &Value, lead: &Value) -> Result<Vec<String>, String> {
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(|error| error.to_string())?;
    let manifest = entry(&mut archive, "manifest.json")?;
    let manifest: Value = serde_json::from_slice(&manifest).map_err(|error| error.to_string())?;
    check(
        manifest["export_id"] == export["id"] && manifest["lead_id"] == lead["id"],
        "the manifest is of this export and lead",
    )?;
    let mut names = Vec::new();
    for stated in manifest["files"].as_array().into_iter().flatten() {
        let name = text_of(stated, "name")?;
        let content = entry(&mut archive, name)?;
        check(
            stated["size"] == content.len() && stated["sha256"] == digest(&content),
            &format!("{name} is as the manifest says"),
        )?;
        names.push(name.to_owned());
    }
    let mut stored: Vec<&str> = archive
        .file_names()
        .filter(|name| *name != "manifest.json")
        .collect();
    stored.sort_unstable();
    let mut listed: Vec<&str> = names.iter().map(String::as_str).collect();
    listed.sort_unstable();
    check(
        stored == listed && !listed.is_empty(),
        "the manifest names every entry and no other",
    )?;
    let inside = entry(&mut archive, "lead.json")?;
    let inside: Value = serde_json::from_slice(&inside).map_err(|error| error.to_string())?;
    check(
        &inside == lead,
        "the lead in the archive is the one that the API shows",
    )?;
    Ok(names)
}

fn entry(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<Vec<u8>, String> {
    let mut found = archive
        .by_name(name)
        .map_err(|error| format!("{name}: {error}"))?;
    let mut content = Vec::new();
    found
        .read_to_end(&mut content)
        .map_err(|error| format!("{name}: {error}"))?;
    Ok(content)
}

/// The table of leads against the export's counts: a header, and a line for each address. Says how many.
pub(super) fn check_table(file: &[u8], export: &Value) -> Result<String, String> {
    let text = std::str::from_utf8(file).map_err(|error| error.to_string())?;
    let lines = text.split_terminator("\r\n").count();
    let leads = export["counts"]["leads"].as_u64().unwrap_or_default();
    check(text.starts_with("lead_id,"), "the table has a header")?;
    check(
        u64::try_from(lines).unwrap_or_default() == leads + 1,
        &format!("{leads} leads stand on {} lines", lines.saturating_sub(1)),
    )?;
    let noun = if leads == 1 { "line" } else { "lines" };
    Ok(format!("{leads} {noun}"))
}
