//! Following the instructions of a page for the words that it shows, and where.

use std::collections::BTreeMap;
use std::rc::Rc;

use lopdf::content::{Content, Operation};
use lopdf::{Dictionary, Document, Object, ObjectId};

use super::budget::Budget;
use super::fonts::{Font, Fonts};
use super::layout::{Line, Lines};
use crate::Unreadable;

/// Drawings within drawings are followed so far.
const DEPTH: usize = 4;
/// States that are kept to come back to.
const SAVED: usize = 64;

/// What a page shows.
#[derive(Default)]
pub(super) struct Read {
    /// Its words, from top to bottom.
    pub(super) lines: Vec<Line>,
    /// It holds pictures.
    pub(super) pictures: bool,
}

/// Reads a page.
pub(super) fn read(
    document: &Document,
    page: ObjectId,
    fonts: &mut Fonts,
    budget: &mut Budget,
) -> Result<Read, Unreadable> {
    let mut content = Vec::new();
    for id in document.get_page_contents(page) {
        if let Ok(stream) = document.get_object(id).and_then(Object::as_stream) {
            content.extend(budget.unpack(stream)?);
            content.push(b'\n');
        }
    }
    let mut reader = Reader {
        document,
        fonts,
        budget,
        lines: Lines::default(),
        pictures: false,
    };
    let (own, shared) = document.get_page_resources(page).unwrap_or_default();
    let shared = shared
        .into_iter()
        .filter_map(|id| document.get_dictionary(id).ok());
    // The nearest first: others are their ancestors'.
    let resources = own.into_iter().chain(shared).next();
    reader.follow(&content, resources, Matrix::default(), DEPTH)?;
    Ok(Read {
        lines: reader.lines.done(),
        pictures: reader.pictures,
    })
}

/// Scale, rotation and place: `[a b c d e f]`.
#[derive(Clone, Copy)]
struct Matrix([f32; 6]);

impl Default for Matrix {
    fn default() -> Self {
        Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    }
}

impl Matrix {
    fn of(operands: &[Object]) -> Option<Self> {
        let mut numbers = operands.iter().map(number);
        let mut next = || numbers.next()?;
        Some(Self([next()?, next()?, next()?, next()?, next()?, next()?]))
    }

    /// This, then `outer`.
    #[expect(
        clippy::many_single_char_names,
        reason = "the names that the PDF reference gives them"
    )]
    fn within(self, outer: Self) -> Self {
        let ([a, b, c, d, e, f], [p, q, r, s, t, u]) = (self.0, outer.0);
        Self([
            a * p + b * r,
            a * q + b * s,
            c * p + d * r,
            c * q + d * s,
            e * p + f * r + t,
            e * q + f * s + u,
        ])
    }

    fn moved(self, x: f32, y: f32) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y]).within(self)
    }
}

fn number(object: &Object) -> Option<f32> {
    object.as_float().ok().filter(|number| number.is_finite())
}

/// What stays between instructions.
#[derive(Clone, Default)]
struct State {
    page: Matrix,
    line: Matrix,
    text: Matrix,
    font: Option<Rc<Font>>,
    size: f32,
    leading: f32,
}

struct Reader<'a, 'b> {
    document: &'a Document,
    fonts: &'b mut Fonts,
    budget: &'b mut Budget,
    lines: Lines,
    pictures: bool,
}

impl<'a> Reader<'a, '_> {
    fn follow(
        &mut self,
        content: &[u8],
        resources: Option<&'a Dictionary>,
        page: Matrix,
        depth: usize,
    ) -> Result<(), Unreadable> {
        let fonts = match resources {
            Some(resources) => self.fonts.of(self.document, resources, self.budget)?,
            None => BTreeMap::new(),
        };
        let mut state = State {
            page,
            ..State::default()
        };
        let mut saved: Vec<State> = Vec::new();
        for operation in Content::decode_iter(content) {
            // What follows damage is shown by no reader.
            let Ok(Operation { operator, operands }) = operation else {
                break;
            };
            self.budget.step()?;
            let operand = |at: usize| operands.get(at).and_then(number).unwrap_or_default();
            match operator.as_str() {
                "q" if saved.len() < SAVED => saved.push(state.clone()),
                "Q" => state = saved.pop().unwrap_or(state),
                "cm" => {
                    if let Some(matrix) = Matrix::of(&operands) {
                        state.page = matrix.within(state.page);
                    }
                }
                "BT" => (state.line, state.text) = (Matrix::default(), Matrix::default()),
                "Tf" => {
                    let name = operands.first().and_then(|name| name.as_name().ok());
                    state.font = name.and_then(|name| fonts.get(name)).cloned();
                    state.size = operand(1);
                }
                "TL" => state.leading = operand(0),
                "Tm" => {
                    if let Some(matrix) = Matrix::of(&operands) {
                        (state.line, state.text) = (matrix, matrix);
                    }
                }
                "Td" => state.next_line(operand(0), operand(1)),
                "TD" => {
                    state.leading = -operand(1);
                    state.next_line(operand(0), operand(1));
                }
                "T*" => state.next_line(0.0, -state.leading),
                "Tj" => self.show(&mut state, &operands)?,
                "TJ" => {
                    let pieces = operands.first().and_then(|pieces| pieces.as_array().ok());
                    self.show(&mut state, pieces.map_or(&[], Vec::as_slice))?;
                }
                "'" | "\"" => {
                    state.next_line(0.0, -state.leading);
                    self.show(&mut state, operands.last().map_or(&[], std::slice::from_ref))?;
                }
                "BI" => self.pictures = true,
                "Do" => self.draw(&operands, resources, &state, depth)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn draw(
        &mut self,
        operands: &[Object],
        resources: Option<&'a Dictionary>,
        state: &State,
        depth: usize,
    ) -> Result<(), Unreadable> {
        let find = || {
            let name = operands.first()?.as_name().ok()?;
            let all = resources?.get_deref(b"XObject", self.document).ok()?;
            let found = all.as_dict().ok()?.get_deref(name, self.document).ok()?;
            found.as_stream().ok()
        };
        let Some(drawing) = find() else { return Ok(()) };
        if drawing.dict.get(b"Subtype").and_then(Object::as_name).ok() != Some(b"Form") {
            self.pictures = true;
            return Ok(());
        }
        let Some(depth) = depth.checked_sub(1) else {
            return Ok(());
        };
        let content = self.budget.unpack(drawing)?;
        let own = drawing.dict.get_deref(b"Resources", self.document);
        let own = own.and_then(Object::as_dict).ok().or(resources);
        let matrix = drawing.dict.get_deref(b"Matrix", self.document);
        let matrix = matrix.and_then(Object::as_array).ok();
        let matrix = matrix.and_then(|matrix| Matrix::of(matrix)).unwrap_or_default();
        self.follow(&content, own, matrix.within(state.page), depth)
    }

    /// Shows strings, with the gaps between them in thousandths of the font's size.
    fn show(&mut self, state: &mut State, pieces: &[Object]) -> Result<(), Unreadable> {
        let Some(font) = state.font.clone() else {
            return Ok(());
        };
        let mut text = String::new();
        let mut moved = 0.0;
        for piece in pieces {
            if let Ok(string) = piece.as_str() {
                let before = text.chars().count();
                font.spell(string, &mut text);
                self.budget.text(string.len())?;
                // What a character is wide on average, which is near enough to tell a gap from none.
                let count = u16::try_from(text.chars().count() - before).unwrap_or(u16::MAX);
                moved += f32::from(count) * state.size * 0.5;
            } else if let Some(gap) = number(piece) {
                if gap < -180.0 && !text.ends_with(' ') {
                    text.push(' ');
                }
                moved -= gap / 1_000.0 * state.size;
            }
        }
        let Matrix([_, _, c, d, x, y]) = state.text.within(state.page);
        let size = state.size * c.hypot(d);
        self.budget.text(text.len())?;
        state.text = state.text.moved(moved, 0.0);
        let Matrix([.., end, _]) = state.text.within(state.page);
        self.lines.add(&text, (x, end), y, size.abs());
        Ok(())
    }
}

impl State {
    fn next_line(&mut self, x: f32, y: f32) {
        self.line = self.line.moved(x, y);
        self.text = self.line;
    }
}
