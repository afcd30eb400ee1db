//! What a page's strings spell.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use lopdf::{Dictionary, Document, Object};

use super::budget::Budget;
use crate::Unreadable;

/// Fonts of one document that are read; a string in any other spells nothing.
const MOST: usize = 300;
/// Lines of a font's map that are read.
const MOST_LINES: usize = 70_000;

/// Fonts that were read, by where their dictionaries lie.
#[derive(Default)]
pub(super) struct Fonts {
    known: HashMap<usize, Rc<Font>>,
}

impl Fonts {
    /// The fonts that a dictionary of resources names.
    pub(super) fn of(
        &mut self,
        document: &Document,
        resources: &Dictionary,
        budget: &mut Budget,
    ) -> Result<BTreeMap<Vec<u8>, Rc<Font>>, Unreadable> {
        let mut fonts = BTreeMap::new();
        let Ok(names) = resources.get_deref(b"Font", document).and_then(Object::as_dict) else {
            return Ok(fonts);
        };
        for (name, _) in names {
            budget.step()?;
            let Ok(dictionary) = names.get_deref(name, document).and_then(Object::as_dict) else {
                continue;
            };
            let place = std::ptr::from_ref(dictionary).addr();
            let font = match self.known.get(&place) {
                Some(font) => Rc::clone(font),
                None if self.known.len() >= MOST => continue,
                None => {
                    let font = Rc::new(Font::read(document, dictionary, budget)?);
                    self.known.insert(place, Rc::clone(&font));
                    font
                }
            };
            fonts.insert(name.clone(), font);
        }
        Ok(fonts)
    }
}

/// What the codes of a font spell.
#[derive(Default)]
pub(super) struct Font {
    /// Codes are of two bytes.
    wide: bool,
    /// By its own map to Unicode.
    map: Map,
    /// By the encoding of its glyphs, for codes of one byte.
    glyphs: Vec<String>,
}

impl Font {
    fn read(document: &Document, dictionary: &Dictionary, budget: &mut Budget) -> Result<Self, Unreadable> {
        let wide = dictionary.get(b"Subtype").and_then(Object::as_name).ok() == Some(b"Type0");
        let map = match dictionary
            .get_deref(b"ToUnicode", document)
            .and_then(Object::as_stream)
        {
            Ok(stream) => Map::read(&budget.unpack(stream)?),
            Err(_) => Map::default(),
        };
        let glyphs = if wide {
            Vec::new()
        } else {
            glyphs(document, dictionary)
        };
        Ok(Self { wide, map, glyphs })
    }

    /// Adds what a string spells. What cannot be told is left out.
    pub(super) fn spell(&self, string: &[u8], out: &mut String) {
        for code in string.chunks(if self.wide { 2 } else { 1 }) {
            let number = code.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
            if self.map.spell(number, out) {
                continue;
            }
            let glyph = usize::try_from(number)
                .ok()
                .and_then(|number| self.glyphs.get(number));
            if let Some(glyph) = glyph {
                out.push_str(glyph);
            }
        }
    }
}

/// What each of the 256 codes of a simple font stands for. `lopdf` knows the encodings; it is not shown the font's own
/// map, whose ranges it would write out one by one, however many codes they name.
fn glyphs(document: &Document, dictionary: &Dictionary) -> Vec<String> {
    let mut simple = Dictionary::new();
    simple.set("Type", Object::Name(b"Font".to_vec()));
    if let Ok(encoding) = dictionary.get_deref(b"Encoding", document) {
        simple.set("Encoding", encoding.clone());
    }
    let Ok(encoding) = simple.get_font_encoding_with_limit(document, 0) else {
        return Vec::new();
    };
    (0..=u8::MAX)
        .map(|code| encoding.bytes_to_string(&[code]).unwrap_or_default())
        .collect()
}

/// A font's map to Unicode.
#[derive(Default)]
struct Map {
    /// First code, last code, and what the first spells. In order.
    ranges: Vec<(u32, u32, String)>,
}

impl Map {
    fn read(stream: &[u8]) -> Self {
        let text = String::from_utf8_lossy(stream);
        let mut map = Self::default();
        for kind in ["bfchar", "bfrange"] {
            let (begin, end) = (format!("begin{kind}"), format!("end{kind}"));
            for section in text.split(begin.as_str()).skip(1) {
                let section = section.split(end.as_str()).next().unwrap_or_default();
                let mut items = items(section);
                while let Some(line) = if kind == "bfchar" {
                    one(&mut items)
                } else {
                    range(&mut items)
                } {
                    map.ranges.extend(line);
                    if map.ranges.len() > MOST_LINES {
                        map.ranges.clear();
                        return map;
                    }
                }
            }
        }
        map.ranges.sort();
        map
    }

    /// Adds what a code spells; false if the map does not say.
    fn spell(&self, code: u32, out: &mut String) -> bool {
        let after = self.ranges.partition_point(|(first, _, _)| *first <= code);
        let found = after.checked_sub(1).and_then(|at| self.ranges.get(at));
        let Some((first, _, text)) = found.filter(|(_, last, _)| code <= *last) else {
            return false;
        };
        // Only the last character counts on.
        let mut chars = text.chars();
        let last = chars.next_back();
        out.push_str(chars.as_str());
        let counted = last.and_then(|last| char::from_u32(u32::from(last).checked_add(code - first)?));
        out.extend(counted);
        true
    }
}

/// What stands in the lines of a map: a code, or a list of them.
enum Item<'a> {
    Code(&'a str),
    Opens,
    Closes,
}

fn items(section: &str) -> impl Iterator<Item = Item<'_>> {
    let mut rest = section;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c| !matches!(c, '<' | '[' | ']'));
        let (mark, after) = rest.split_at_checked(1)?;
        match mark {
            "<" => {
                let (code, after) = after.split_once('>')?;
                rest = after;
                Some(Item::Code(code))
            }
            mark => {
                rest = after;
                Some(if mark == "[" { Item::Opens } else { Item::Closes })
            }
        }
    })
}

type Line = Vec<(u32, u32, String)>;

fn one<'a>(items: &mut impl Iterator<Item = Item<'a>>) -> Option<Line> {
    let (Item::Code(code), Item::Code(text)) = (items.next()?, items.next()?) else {
        return None;
    };
    let code = u32::from_str_radix(code.trim(), 16).ok()?;
    Some(vec![(code, code, spelled(text))])
}

fn range<'a>(items: &mut impl Iterator<Item = Item<'a>>) -> Option<Line> {
    let (Item::Code(first), Item::Code(last)) = (items.next()?, items.next()?) else {
        return None;
    };
    let first = u32::from_str_radix(first.trim(), 16).ok()?;
    let last = u32::from_str_radix(last.trim(), 16).ok()?;
    match items.next()? {
        Item::Code(text) => Some(vec![(first, last, spelled(text))]),
        Item::Closes => None,
        Item::Opens => {
            let mut line = Vec::new();
            for code in first..=last.min(first.saturating_add(0xffff)) {
                match items.next()? {
                    Item::Code(text) => line.push((code, code, spelled(text))),
                    Item::Opens => return None,
                    Item::Closes => return Some(line),
                }
            }
            let _closes = items.next();
            Some(line)
        }
    }
}

/// Characters in the hexadecimal digits of UTF-16.
fn spelled(hex: &str) -> String {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).take(64).collect();
    let units: Vec<u16> = digits
        .chunks(4)
        .map(|unit| unit.iter().fold(0, |number, digit| number << 4 | digit))
        .filter_map(|unit| u16::try_from(unit).ok())
        .collect();
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spell(map: &str, codes: &[u32]) -> String {
        let (map, mut out) = (Map::read(map.as_bytes()), String::new());
        for code in codes {
            if !map.spell(*code, &mut out) {
                out.push('?');
            }
        }
        out
    }

    #[test]
    fn a_map_spells_codes_ranges_and_lists() {
        let map = "1 begincodespacerange <0000> <FFFF> endcodespacerange\n2 beginbfchar\n<0001> <0041>\n<0002><00660069>\n
            endbfchar 2 beginbfrange <0010> <0012> <0061> <0020> <0021> [<20AC> <D83DDE00>] endbfrange";
        assert_eq!(spell(map, &[1, 2, 0x10, 0x12, 0x13, 0x20, 0x21]), "Afiac?€😀");
    }

    #[test]
    fn a_range_of_all_codes_costs_one_line() {
        let map = "beginbfrange <00000000> <FFFFFFFF> <0041> endbfrange";
        assert_eq!(spell(map, &[0, 1, 0xffff_ffff]), "AB");
    }
}
