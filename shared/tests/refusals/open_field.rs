//! The same where a record would declare it: the field's type is refused, not only its values.

use usher_shared::record::Open;

struct Guest {
    name: Open<String>,
}

fn main() {
    let _ = |guest: Guest| guest.name;
}
