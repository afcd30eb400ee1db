//! How much a PDF may take. `lopdf` bounds each stream that it unpacks; these bounds are for all of them together, and
//! for objects: an object of two bytes in a file is one of a hundred in memory.

use std::cell::Cell;

use lopdf::{Document, Error, Object, ObjectId, Stream};

use super::refused;
use crate::Unreadable;

/// What one stream may unpack to.
pub(super) const STREAM: usize = 4 * 1024 * 1024;
/// What all streams that hold objects may unpack to.
const OBJECTS: usize = 8 * 1024 * 1024;
/// Words of the language that PDF objects are written in, in the file and in streams of objects. Compressed bytes
/// look like one word in ten.
const WORDS: usize = 1_000_000;
/// Deeper nesting in a stream of objects is refused.
const DEPTH: usize = 64;
/// What the contents of all pages may unpack to.
const CONTENTS: usize = 32 * 1024 * 1024;
/// Instructions that are followed.
const STEPS: usize = 2_000_000;

/// What is left while pages are read.
pub(super) struct Budget {
    contents: usize,
    steps: usize,
    text: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            contents: CONTENTS,
            steps: STEPS,
            text: 4 * crate::MOST_TEXT,
        }
    }
}

impl Budget {
    /// Unpacks a stream of instructions.
    pub(super) fn unpack(&mut self, stream: &Stream) -> Result<Vec<u8>, Unreadable> {
        let most = self.contents.min(STREAM);
        let unpacked = if stream.dict.has(b"Filter") {
            match stream.decompressed_content_with_limit(most) {
                // What is damaged is shown by no reader either.
                Err(error) if refused(&error) == Unreadable::Broken => Vec::new(),
                unpacked => unpacked.map_err(|error| refused(&error))?,
            }
        } else {
            stream.content.clone()
        };
        // A page that says nothing costs something, too.
        self.contents = self
            .contents
            .checked_sub(unpacked.len() + 256)
            .ok_or(Unreadable::TooComplex)?;
        Ok(unpacked)
    }

    /// One instruction.
    pub(super) fn step(&mut self) -> Result<(), Unreadable> {
        self.steps = self.steps.checked_sub(1).ok_or(Unreadable::TooComplex)?;
        Ok(())
    }

    /// So many bytes of text.
    pub(super) fn text(&mut self, bytes: usize) -> Result<(), Unreadable> {
        self.text = self.text.checked_sub(bytes).ok_or(Unreadable::TooMuchText)?;
        Ok(())
    }
}

/// Looks at the bytes before anything is made of them.
pub(super) fn look(bytes: &[u8]) -> Result<(), Unreadable> {
    let start = bytes.get(..bytes.len().min(1024)).unwrap_or_default();
    if !start.windows(5).any(|window| window == b"%PDF-") {
        return Err(Unreadable::Broken);
    }
    let mut words = Words::new(bytes, false);
    let mut count = 0_usize;
    while let Some(word) = words.next_word() {
        count += 1;
        // Objects of an encrypted file would be unpacked past the budget.
        if word.first() == Some(&b'/') && unescaped(word) == b"/Encrypt" {
            return Err(Unreadable::Encrypted);
        }
        if count > WORDS {
            return Err(Unreadable::TooComplex);
        }
    }
    Ok(())
}

/// What may be kept of a file being loaded.
pub(super) type Filter = fn(ObjectId, &mut Object) -> Option<(ObjectId, Object)>;

thread_local! {
    /// Bytes left for streams of objects, and whether there were too many. `lopdf` takes a function to filter by, not
    /// a closure, and loads on the thread that asks it to.
    static LEFT: Cell<(usize, bool)> = const { Cell::new((0, false)) };
}

/// Loads a file under the budget for objects.
pub(super) fn load(load: impl FnOnce(Filter) -> Result<Document, Error>) -> Result<Document, Unreadable> {
    LEFT.set((OBJECTS, false));
    let loaded = load(keep);
    let (_, exceeded) = LEFT.get();
    if exceeded {
        return Err(Unreadable::TooComplex);
    }
    loaded.map_err(|error| refused(&error))
}

/// Whether an object is kept. `lopdf` reads one of the file where it lies, and one of a stream from what is returned.
fn keep(id: ObjectId, object: &mut Object) -> Option<(ObjectId, Object)> {
    let Object::Stream(stream) = object else {
        return Some((id, object.clone()));
    };
    // Streams lie in the file alone.
    let kept = Some((id, Object::Null));
    if !stream.dict.has_type(b"ObjStm") {
        return kept;
    }
    let (left, exceeded) = LEFT.get();
    match unpacked(stream, left) {
        Ok(unpacked) => {
            LEFT.set((left - unpacked.len(), exceeded));
            // Read as it is from here on.
            stream.dict.remove(b"Filter");
            stream.dict.remove(b"DecodeParms");
            stream.content = unpacked;
            kept
        }
        Err(why) => {
            LEFT.set((left, exceeded || why == Unreadable::TooComplex));
            None
        }
    }
}

/// The objects of a stream, if each ends before the next begins: objects that share bytes would multiply.
fn unpacked(stream: &Stream, left: usize) -> Result<Vec<u8>, Unreadable> {
    let unpacked = if stream.dict.has(b"Filter") {
        let unpacked = stream.decompressed_content_with_limit(left.min(STREAM));
        unpacked.map_err(|error| refused(&error))?
    } else {
        stream.content.clone()
    };
    if unpacked.len() > left {
        return Err(Unreadable::TooComplex);
    }
    let (first, mut offsets) = index(stream, &unpacked).ok_or(Unreadable::Broken)?;
    let sorted = offsets
        .windows(2)
        .all(|pair| matches!(pair, [one, next] if one < next));
    offsets.push(unpacked.len().saturating_sub(first));
    let mut words = 0;
    let closed = offsets.windows(2).all(|pair| {
        let [start, end] = pair else { return false };
        let object = unpacked.get(first.saturating_add(*start)..first.saturating_add(*end));
        object.is_some_and(|object| is_closed(object, &mut words))
    });
    if sorted && closed && words <= WORDS / 2 {
        Ok(unpacked)
    } else {
        Err(Unreadable::TooComplex)
    }
}

/// Where the objects of a stream begin, and each of them from there.
fn index(stream: &Stream, unpacked: &[u8]) -> Option<(usize, Vec<usize>)> {
    let first = usize::try_from(stream.dict.get(b"First").and_then(Object::as_i64).ok()?).ok()?;
    let index = std::str::from_utf8(unpacked.get(..first)?).ok()?;
    let numbers: Option<Vec<usize>> = index
        .split_ascii_whitespace()
        .map(|number| number.parse().ok())
        .collect();
    Some((first, numbers?.iter().skip(1).step_by(2).copied().collect()))
}

/// Whether what is opened in an object is closed in it.
fn is_closed(object: &[u8], count: &mut usize) -> bool {
    let mut words = Words::new(object, true);
    let mut depth = 0_usize;
    while let Some(word) = words.next_word() {
        *count += 1;
        match word {
            b"[" | b"<<" => depth += 1,
            b"]" | b">>" => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            // Nothing ends the string that begins here.
            [b'(' | b'<', ..] if words.open => return false,
            _ => {}
        }
        if depth > DEPTH {
            return false;
        }
    }
    depth == 0
}

/// The words of a piece of a PDF: numbers, names, brackets. Strings are one word each and comments none, or, where it
/// is not known that the piece begins between two objects, what is in them is looked at as well.
struct Words<'a> {
    bytes: &'a [u8],
    at: usize,
    whole: bool,
    /// The last string did not end.
    open: bool,
}

impl<'a> Words<'a> {
    fn new(bytes: &'a [u8], whole: bool) -> Self {
        Self {
            bytes,
            at: 0,
            whole,
            open: false,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip(&mut self, while_so: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&while_so) {
            self.at += 1;
        }
    }

    fn next_word(&mut self) -> Option<&'a [u8]> {
        loop {
            self.skip(is_space);
            if self.peek()? != b'%' || !self.whole {
                break;
            }
            self.skip(|byte| !matches!(byte, b'\n' | b'\r'));
        }
        let start = self.at;
        let first = self.peek()?;
        self.at += 1;
        match first {
            b'(' if self.whole => self.string(),
            b'<' | b'>' if self.peek() == Some(first) => self.at += 1,
            b'<' if self.whole => {
                self.skip(|byte| byte.is_ascii_hexdigit() || is_space(byte));
                self.open = self.peek() != Some(b'>');
                self.at += usize::from(!self.open);
            }
            b'/' => self.skip(|byte| !is_space(byte) && !is_delimiter(byte)),
            _ if is_delimiter(first) => {}
            _ => self.skip(|byte| !is_space(byte) && !is_delimiter(byte)),
        }
        self.bytes.get(start..self.at.min(self.bytes.len()))
    }

    fn string(&mut self) {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.peek() {
                Some(b'\\') => self.at += 1,
                Some(b'(') => depth += 1,
                Some(b')') => depth -= 1,
                Some(_) => {}
                None => {
                    self.open = true;
                    return;
                }
            }
            self.at += 1;
        }
        self.open = false;
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
    )
}

/// A name without the escapes in it.
fn unescaped(name: &[u8]) -> Vec<u8> {
    let digit = |at: usize| name.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(byte) = name.get(at) {
        let escape = (*byte == b'#')
            .then(|| Some(digit(at + 1)? * 16 + digit(at + 2)?))
            .flatten();
        let escape = escape.and_then(|code| u8::try_from(code).ok());
        out.push(escape.unwrap_or(*byte));
        at += if escape.is_some() { 3 } else { 1 };
    }
    out
}
