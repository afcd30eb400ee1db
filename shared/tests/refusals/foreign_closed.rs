//! The way around: the supertrait lives in a private module.

struct Note;

impl usher_shared::record::closed::Closed for Note {}

fn main() {}
