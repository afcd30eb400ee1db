//! A type that declares nothing, where only records are taken: as the store's `put` does.

use usher_shared::Record;

struct Note {
    _text: String,
}

fn put<R: Record>(_record: &R) {}

fn main() {
    put(&Note {
        _text: "call Anna back".to_owned(),
    });
}
