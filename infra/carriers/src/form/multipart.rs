//! `multipart/form-data`, as browsers post it (RFC 7578): parts between lines that repeat the boundary.

use super::{File, Form, MOST_FIELDS, MOST_FILES, NoForm};

/// Characters of a boundary (RFC 2046).
const LONGEST_BOUNDARY: usize = 70;
/// Bytes of a part's head.
const LONGEST_HEAD: usize = 4 * 1024;

/// The boundary that a `Content-Type` names.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    let found = parameter(content_type, "boundary")?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    let fits = (1..=LONGEST_BOUNDARY).contains(&found.len()) && found.bytes().all(allowed);
    fits.then_some(found)
}

/// Reads the parts.
pub(super) fn parse(boundary: &str, body: &[u8]) -> Result<Form, NoForm> {
    let delimiter = format!("--{boundary}");
    // The first delimiter begins the body, or follows a preamble; the others follow a line end of their own.
    let next = format!("\r\n{delimiter}");
    let begin = body.strip_prefix(delimiter.as_bytes());
    let begin = begin.or_else(|| split(body, next.as_bytes()).map(|(_, rest)| rest));
    let mut rest = begin.ok_or(NoForm::Malformed)?;
    let mut form = Form::default();
    loop {
        if rest.starts_with(b"--") {
            return Ok(form);
        }
        let (padding, inside) = split(rest, b"\r\n").ok_or(NoForm::Malformed)?;
        if !padding.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            return Err(NoForm::Malformed);
        }
        let (part, after) = split(inside, next.as_bytes()).ok_or(NoForm::Malformed)?;
        add(&mut form, part)?;
        if form.fields.len() > MOST_FIELDS || form.files.len() > MOST_FILES {
            return Err(NoForm::TooLarge);
        }
        rest = after;
    }
}

fn add(form: &mut Form, part: &[u8]) -> Result<(), NoForm> {
    let (head, content) = match part.strip_prefix(b"\r\n") {
        Some(content) => (&b""[..], content),
        None => split(part, b"\r\n\r\n").ok_or(NoForm::Malformed)?,
    };
    if head.len() > LONGEST_HEAD {
        return Err(NoForm::TooLarge);
    }
    let head = std::str::from_utf8(head).map_err(|_| NoForm::NotUtf8)?;
    let header = |name: &str| {
        head.split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .find(|(known, _)| known.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    };
    let disposition = header("content-disposition").ok_or(NoForm::Malformed)?;
    let field = parameter(disposition, "name").ok_or(NoForm::Malformed)?;
    match parameter(disposition, "filename") {
        None => {
            let value = std::str::from_utf8(content).map_err(|_| NoForm::NotUtf8)?;
            form.fields.push((field, value.to_owned()));
        }
        // A file input that was left empty.
        Some(name) if name.is_empty() && content.is_empty() => {}
        Some(name) => form.files.push(File {
            field,
            name: file_name(&name),
            media_type: header("content-type").map(str::to_owned),
            bytes: content.to_vec(),
        }),
    }
    Ok(())
}

/// The last part of what some browsers give as a whole path.
fn file_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !c.is_control()).collect();
    (!plain.trim().is_empty()).then_some(plain)
}

/// A parameter of a header, quoted or not. Browsers write a quotation mark in a name as `%22`.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim_start_matches([';', ' ', '\t']).trim();
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            quoted_string(quoted)?
        } else {
            let end = after.find(';').unwrap_or(after.len());
            let (value, after) = after.split_at_checked(end)?;
            (value.trim().to_owned(), after)
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value.replace("%22", "\""));
        }
        rest = after.split_once(';')?.1;
    }
}

/// What stands before the closing quotation mark, and what after it.
fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => match characters.next() {
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                // Not an escape: some browsers give whole paths of Windows.
                Some((_, other)) => value.extend(['\\', other]),
                None => return None,
            },
            other => value.push(other),
        }
    }
    None
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let first = *at.first()?;
    let mut from = 0;
    loop {
        let found = from + bytes.get(from..)?.iter().position(|byte| *byte == first)?;
        if bytes.get(found..)?.starts_with(at) {
            return Some((bytes.get(..found)?, bytes.get(found + at.len()..)?));
        }
        from = found + 1;
    }
}
